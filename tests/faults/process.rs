//! `pollcost ioc` as a process that may be killed, stopped and started again.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pollcost::io::network::Network;
use pollcost::time::Span;

/// The program itself.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
    plain(&mut command);
    command
}

/// A command without the environment of whoever runs the tests.
pub(crate) fn plain(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|n| n.starts_with("EPICS_"))) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").env("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

/// A running IOC. It is killed with the test.
pub(crate) struct Ioc {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    remarks: Receiver<String>,
    pub(crate) port: u16,
}

impl Ioc {
    /// Serves the PVs of a text on a port, 0: any.
    pub(crate) fn start(folder: &Path, pvs: &str, port: u16) -> Ioc {
        Ioc::spawn(program(), folder, pvs, port)
    }

    /// The same, started by another command, such as a shell that sets limits first.
    pub(crate) fn spawn(mut command: Command, folder: &Path, pvs: &str, port: u16) -> Ioc {
        let file = scenario(folder, pvs);
        command.arg("ioc").arg(file).args(["--port", &port.to_string(), "--format", "json"]);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let remarks = remarks(child.stderr.take().unwrap());
        let first = match lines.next() {
            Some(line) => line.unwrap(),
            None => panic!("no IOC: {:?}", remarks.iter().collect::<Vec<_>>()),
        };
        let told: serde_json::Value = serde_json::from_str(&first).unwrap();
        let address = told["addresses"][0].as_str().unwrap();
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        Ioc { child, lines, remarks, port }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// Waits for a remark on its standard error that holds `part`, and gives it.
    #[track_caller]
    pub(crate) fn remark(&self, part: &str) -> String {
        let mut others = Vec::new();
        loop {
            match self.remarks.recv_timeout(crate::PATIENCE) {
                Ok(remark) if remark.contains(part) => return remark,
                Ok(other) => others.push(other),
                Err(_) => panic!("no word of {part:?} in {others:?}"),
            }
        }
    }

    /// Kills it at once, and waits until it is gone: its port is free.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it, and gives what it counted for the client that calls itself `user`.
    pub(crate) fn counted(mut self, user: &str) -> Counted {
        self.signal(Signal::SIGTERM);
        let line = self.lines.next().unwrap().unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let of = told["clients"].as_array().unwrap().iter().find(|client| client["user"] == user);
        let number = |what: &str| of.map_or(0, |of| of[what].as_u64().unwrap());
        assert!(self.child.wait().unwrap().success());
        Counted {
            gets: number("gets"),
            redundant: number("redundant"),
            sent: number("updates_sent"),
            circuits: number("circuits"),
        }
    }
}

impl Drop for Ioc {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an IOC counted for a client.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) gets: u64,
    pub(crate) redundant: u64,
    pub(crate) sent: u64,
    pub(crate) circuits: u64,
}

/// Writes a scenario of these PVs and one client.
pub(crate) fn scenario(folder: &Path, pvs: &str) -> PathBuf {
    let file = folder.join("ioc.toml");
    std::fs::write(&file, format!("{pvs}\n[[client]]\nname = \"c\"\nfetch = \"monitor\"\n")).unwrap();
    file
}

/// The lines of a standard error, as they come.
fn remarks(stderr: ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A client's network at this port, with the usual patience: no load of this machine makes it give a server up.
pub(crate) fn network(port: u16, user: &str) -> Network {
    let mut network = Network::loopback(port);
    network.manners.identity.user = user.to_owned();
    network
}

/// The same, of one that gives a silent server up soon.
pub(crate) fn hasty(port: u16, user: &str) -> Network {
    let mut network = network(port, user);
    network.manners.patience = Span::from_millis(300);
    network.manners.echo_patience = Span::from_millis(300);
    network
}
