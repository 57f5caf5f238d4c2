//! What EPICS base does: a softIoc that is changed by a C library, and clients on libca. Set up here, from PyPI and a C compiler.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

#[path = "../../tests/interop/workshop.rs"]
mod workshop;

/// The record that is changed.
pub(crate) const PV: &str = "BENCH:0";

/// Programs that are ready to run.
pub(crate) struct Elsewhere {
    python: PathBuf,
    libca: PathBuf,
    poster: PathBuf,
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instrument")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Elsewhere {
    /// The virtual environment of the interop tests, and the C programs compiled against it.
    pub(crate) fn set_up() -> Elsewhere {
        let workshop::Workshop { python, libca } = workshop::set_up().unwrap();
        drop(libca);
        let package = "import epicscorelibs, os; print(os.path.dirname(epicscorelibs.__file__))";
        let package = PathBuf::from(run(Command::new(&python).args(["-c", package])));
        let folder = python.parent().and_then(Path::parent).unwrap().join("bench");
        fs::create_dir_all(&folder).unwrap();
        let (include, lib) = (package.join("include"), package.join("lib"));
        let compile = |source: &str, target: &str, arguments: &[&str]| {
            let target = folder.join(target);
            let mut compiler = Command::new("cc");
            compiler.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]).arg(here().join(source));
            compiler.arg("-isystem").arg(&include).arg("-isystem").arg(include.join("os/Linux"));
            compiler.arg("-isystem").arg(include.join("compiler/gcc")).arg("-L").arg(&lib).arg("-o").arg(&target);
            run(compiler.args(arguments).arg(format!("-Wl,-rpath,{}", lib.display())));
            target
        };
        let libca = compile("libca.c", "libca", &["-lca", "-lCom", "-pthread"]);
        let poster = compile("poster.c", "poster.so", &["-shared", "-fPIC", "-ldbCore", "-lCom"]);
        Elsewhere { python, libca, poster }
    }

    /// The version of EPICS base, as its Python package tells.
    pub(crate) fn version(&self) -> String {
        let code = "import importlib.metadata as m; print('epicscorelibs', m.version('epicscorelibs'), 'softioc', m.version('softioc'))";
        run(Command::new(&self.python).args(["-c", code]))
    }

    /// Starts a softIoc on any free port.
    pub(crate) fn softioc(&self) -> SoftIoc {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(&self.python);
        command.arg(here().join("softioc_bench.py")).arg(&self.poster).arg(here().join("bench.db"));
        command.env("EPICS_CAS_INTF_ADDR_LIST", "127.0.0.1").env("EPICS_CAS_SERVER_PORT", port.to_string());
        command.env("EPICS_CAS_BEACON_ADDR_LIST", "127.0.0.1").env("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO");
        let mut program = Program::start(&mut command);
        program.until("ready");
        SoftIoc { program, port, next: 1 }
    }

    /// Starts a libca client of a server.
    pub(crate) fn libca(&self, port: u16, arguments: &[&str]) -> Program {
        let mut command = Command::new(&self.libca);
        command.args(arguments).env("EPICS_CA_ADDR_LIST", "127.0.0.1").env("EPICS_CA_AUTO_ADDR_LIST", "NO");
        command.env("EPICS_CA_SERVER_PORT", port.to_string());
        Program::start(&mut command)
    }
}

/// A program that is spoken to in lines; it ends when it is dropped.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Program {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Program {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Program { child, stdin, stdout }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its next line; empty at its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn until(&mut self, wanted: &str) {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "ended before it said {wanted}");
            if line.ends_with(wanted) {
                return;
            }
        }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).unwrap();
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.line()
    }

    /// Closes its input and takes what else it prints, as pairs of numbers.
    pub(crate) fn pairs(mut self) -> Vec<(u64, u64)> {
        drop(self.stdin.take());
        let mut pairs = Vec::new();
        loop {
            let line = self.line();
            let Some((a, b)) = line.split_once(' ') else { return pairs };
            pairs.push((a.parse().unwrap(), b.parse().unwrap()));
        }
    }

    /// All that it prints until it ends, as numbers.
    pub(crate) fn numbers(mut self) -> Vec<f64> {
        let mut numbers = Vec::new();
        loop {
            let line = self.line();
            let Ok(number) = line.parse() else { return numbers };
            numbers.push(number);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.stdin.take());
        for _ in 0..200 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running softIoc.
pub(crate) struct SoftIoc {
    pub(crate) program: Program,
    pub(crate) port: u16,
    next: u64,
}

impl SoftIoc {
    /// Makes `count` changes and returns the number and the instant of each; the time that all took, in ns.
    pub(crate) fn post(&mut self, period_ns: u64, count: usize) -> (Vec<(u64, u64)>, u64) {
        let first = self.next;
        self.next += count as u64;
        let line = self.program.ask(&format!("post {PV} {first} {period_ns} {count}"));
        let mut numbers = line.split(' ').map(|n| n.parse::<i64>().unwrap());
        let took = numbers.next().unwrap();
        assert!(took > 0, "the record cannot be changed");
        (numbers.enumerate().map(|(i, at)| (first + i as u64, at.cast_unsigned())).collect(), took.cast_unsigned())
    }
}
