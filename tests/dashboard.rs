//! `run --live` on a terminal: what is seen, how it is ended, and that the terminal is left as it was.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::{Pid, ttyname};

/// So long that a step is given up, which is far longer than any takes.
const PATIENCE: Duration = Duration::from_secs(100);

/// Windows that would take an hour: a run of them ends because it is told to.
const LONG: &str = r#"
name = "long"
repeats = 2
window = "1h"
min_periods = 1

[[pv]]
name = "T:{0..4}"
change = { pattern = "periodic", period = "20ms" }

[[client]]
name = "monitor"
fetch = "monitor"

[[client]]
name = "poll"
fetch = "batch"
period = "2ms"
"#;

fn short() -> String {
    LONG.replace("1h", "300ms")
}

/// A program on a terminal of its own.
struct Seat {
    child: Child,
    master: OwnedFd,
    name: String,
    before: Termios,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

/// What a terminal shows.
#[derive(Debug, Default)]
struct Shown {
    alternate: bool,
    cursor_hidden: bool,
    /// The other screen, line by line, while it is shown.
    lines: Vec<Vec<char>>,
    /// What was written to the ordinary screen.
    ordinary: String,
}

impl Shown {
    /// What it shows after these bytes: as much of xterm as the program uses, and nothing else.
    fn after(bytes: &[u8]) -> Shown {
        let text = String::from_utf8_lossy(bytes);
        let mut shown = Shown::default();
        let (mut row, mut column) = (0, 0);
        let mut rest = text.chars();
        while let Some(letter) = rest.next() {
            if letter != '\x1b' {
                if shown.alternate {
                    shown.put(row, column, letter);
                    column += 1;
                } else {
                    shown.ordinary.push(letter);
                }
                continue;
            }
            if rest.next() != Some('[') {
                continue;
            }
            let mut parameters = String::new();
            let last = loop {
                match rest.next() {
                    Some(last @ '@'..='~') => break last,
                    Some(parameter) => parameters.push(parameter),
                    // Its end is still to come.
                    None => return shown,
                }
            };
            match (last, parameters.as_str()) {
                ('H', place) => {
                    let (line, cell) = place.split_once(';').unwrap();
                    (row, column) = (line.parse::<usize>().unwrap() - 1, cell.parse::<usize>().unwrap() - 1);
                }
                ('J', "2") => shown.lines.clear(),
                ('h' | 'l', "?1049") => shown.alternate = last == 'h',
                ('h' | 'l', "?25") => shown.cursor_hidden = last == 'l',
                ('m', _) => {}
                _ => panic!("{parameters}{last} is not known here"),
            }
        }
        shown
    }

    fn put(&mut self, row: usize, column: usize, letter: char) {
        let lines = self.lines.len().max(row + 1);
        self.lines.resize(lines, Vec::new());
        let cells = self.lines[row].len().max(column + 1);
        self.lines[row].resize(cells, ' ');
        self.lines[row][column] = letter;
    }

    fn screen(&self) -> String {
        self.lines.iter().map(|line| line.iter().collect::<String>() + "\n").collect()
    }
}

impl Seat {
    /// `pollcost run FILE -o out --live` with more options, all of it on the terminal.
    fn run(folder: &Path, scenario: &str, options: &[&str]) -> Seat {
        let file = folder.join("scenario.toml");
        fs::write(&file, scenario).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
        command.arg("run").arg(file).arg("-o").arg(folder.join("out")).arg("--live").args(options);
        Seat::of(command, None)
    }

    fn of(mut command: Command, stdout: Option<Stdio>) -> Seat {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let before = tcgetattr(&pty.slave).unwrap();
        let name = ttyname(&pty.slave).unwrap().to_str().unwrap().to_owned();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        command.stdin(end()).stdout(stdout.unwrap_or_else(end)).stderr(end());
        let child = command.spawn().unwrap();
        // The last ends outside of the program: what is read ends with it.
        drop((command, pty.slave));
        let mut reader = File::from(pty.master.try_clone().unwrap());
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Linux tells with EIO that no process has it open.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Seat { child, master: pty.master, name, before, output, seen: Vec::new() }
    }

    /// Waits until the dashboard shows this.
    #[track_caller]
    fn until(&mut self, what: &str) -> Shown {
        loop {
            let shown = Shown::after(&self.seen);
            if shown.alternate && shown.screen().contains(what) {
                return shown;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(more) => self.seen.extend(more),
                Err(_) => panic!("no `{what}` in\n{}\n{}", shown.screen(), shown.ordinary),
            }
        }
    }

    fn press(&self, keys: &[u8]) {
        File::from(self.master.try_clone().unwrap()).write_all(keys).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for the end. The terminal is as it was; the exit code, and what is on the ordinary screen.
    #[track_caller]
    fn end(mut self) -> (Option<i32>, String) {
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(more) => self.seen.extend(more),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(_) => panic!("it does not end: {}", Shown::after(&self.seen).screen()),
            }
        }
        let code = self.child.wait().unwrap().code();
        let Shown { alternate, cursor_hidden, ordinary, .. } = Shown::after(&self.seen);
        assert!(!alternate, "the other screen is still shown");
        assert!(!cursor_hidden, "the cursor is still hidden");
        assert_eq!(tcgetattr(&self.master).unwrap(), self.before, "the keyboard is not as it was");
        (code, ordinary)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn document(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(folder.join("out/run.json")).unwrap()).unwrap()
}

#[test]
fn a_whole_run_is_watched_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut seat = Seat::run(folder.path(), &short(), &["--no-report"]);
    let shown = seat.until("window 1/4: monitor");
    assert!(shown.cursor_hidden);
    assert!(shown.screen().starts_with("pollcost: long"), "{}", shown.screen());
    // The second repeat goes the other way, and the monitor has a latency by then.
    let shown = seat.until("window 3/4");
    let monitor = shown.screen().lines().find(|line| line.contains("monitor ")).unwrap().to_owned();
    assert!(monitor.contains(" µs") || monitor.contains(" ms"), "{monitor}");
    let (code, told) = seat.end();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("monitor") && told.contains("p50"), "{told}");
    assert_eq!(document(folder.path())["interrupted"], false);
}

#[test]
fn q_closes_the_window_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let mut seat = Seat::run(folder.path(), LONG, &[]);
    seat.until("window 1/4: monitor");
    // Other keys do nothing, those that begin as Esc does among them: it would be shown as ending when it ended.
    seat.press(b"x\x1b[A");
    seat.press(b"q");
    let (code, told) = seat.end();
    assert_eq!(code, Some(130), "{told}");
    assert_eq!(document(folder.path())["interrupted"], true);
    assert!(folder.path().join("out/report.html").is_file());
}

#[test]
fn escape_ctrl_c_and_signals_end_it_the_same_way() {
    for how in [Err(b"\x1b".as_slice()), Err(b"\x03"), Ok(Signal::SIGTERM), Ok(Signal::SIGINT), Ok(Signal::SIGHUP)] {
        let folder = tempfile::tempdir().unwrap();
        let mut seat = Seat::run(folder.path(), LONG, &["--no-report"]);
        seat.until("window 1/4: monitor");
        match how {
            Ok(signal) => seat.signal(signal),
            Err(keys) => seat.press(keys),
        }
        let (code, told) = seat.end();
        assert_eq!(code, Some(130), "{how:?}: {told}");
        assert_eq!(document(folder.path())["interrupted"], true, "{how:?}");
    }
}

#[test]
fn a_new_size_is_filled_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut seat = Seat::run(folder.path(), LONG, &["--no-report"]);
    let shown = seat.until("q: end and report");
    assert_eq!((shown.lines.len(), shown.lines[0].len()), (24, 80));
    let set = Command::new("stty").args(["-F", &seat.name, "rows", "10", "cols", "40"]).status().unwrap();
    assert!(set.success());
    seat.signal(Signal::SIGWINCH);
    loop {
        let shown = seat.until("q: end and report");
        if (shown.lines.len(), shown.lines[0].len()) == (10, 40) {
            break;
        }
        seat.seen.extend(seat.output.recv_timeout(PATIENCE).unwrap());
    }
    seat.press(b"q");
    assert_eq!(seat.end().0, Some(130));
}

#[test]
fn a_client_that_dies_is_marked_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let dies = "[[client]]\nname = \"dies\"\nfetch = \"monitor\"\ncommand = [\"sh\", \"-c\", \"echo no such luck >&2; exit 7\"]\n\n";
    // The first, so that windows in which it is to be seen follow.
    let scenario = short().replacen("[[client]]", &format!("{dies}[[client]]"), 1);
    let mut seat = Seat::run(folder.path(), &scenario, &["--no-report"]);
    let shown = seat.until("! dies");
    assert!(shown.screen().contains("warning: "), "{}", shown.screen());
    let (code, told) = seat.end();
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("no such luck"), "{told}");
}

#[test]
fn results_for_programs_go_past_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, json) = (folder.path().join("scenario.toml"), folder.path().join("result.json"));
    fs::write(&file, short()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
    command.arg("run").arg(file).arg("-o").arg(folder.path().join("out"));
    command.args(["--live", "--no-report", "--format", "json"]);
    let mut seat = Seat::of(command, Some(File::create(&json).unwrap().into()));
    seat.until("window 1/4: monitor");
    assert_eq!(seat.end().0, Some(0));
    let result: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert!(result.is_object());
}

#[test]
fn without_a_terminal_progress_is_plain() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    fs::write(&file, short()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
    command.arg("run").arg(file).arg("-o").arg(folder.path().join("out")).args(["--live", "--no-report"]);
    let done = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{told}");
    assert!(told.contains("--live needs a terminal on standard error"), "{told}");
    assert!(told.contains("repeat 1/2  monitor: ") && !told.contains('\x1b'), "{told}");
}
