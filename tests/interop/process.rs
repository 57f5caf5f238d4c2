//! A process that a test started, in a group of its own: nothing of it outlives the test.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// A running process and what it has written.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    written: Arc<Mutex<String>>,
}

/// What came from a process.
pub(crate) enum Line {
    /// A line of its standard output.
    Text(String),
    /// Its standard output is closed.
    End,
    /// Nothing in time.
    Late,
}

impl Process {
    /// Starts it, with none of the `EPICS_` variables that this process has. It ends with this process, at the latest.
    pub(crate) fn start(command: &mut Command) -> Result<Process, String> {
        for (name, _) in env::vars_os() {
            let inherited = name.to_str().is_some_and(|name| name.starts_with("EPICS_"));
            if inherited && !command.get_envs().any(|(own, _)| own == name) {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
        let written = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            let written = written.clone();
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    append(&written, &line);
                    let _ = sender.send(line);
                }
            });
        }
        if let Some(mut stderr) = child.stderr.take() {
            let written = written.clone();
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = stderr.read(&mut bytes) {
                    append(&written, &String::from_utf8_lossy(&bytes[..count]));
                }
            });
        }
        Ok(Process { child, lines, written })
    }

    /// The next line of its standard output.
    pub(crate) fn line(&self, deadline: Instant) -> Line {
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => Line::Text(line),
            Err(RecvTimeoutError::Disconnected) => Line::End,
            Err(RecvTimeoutError::Timeout) => Line::Late,
        }
    }

    /// Writes a line to its standard input.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), String> {
        let stdin = self.child.stdin.as_mut().ok_or("it has no standard input")?;
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).map_err(|e| e.to_string())
    }

    /// How it ended, after its standard output did.
    pub(crate) fn end(&mut self) -> Result<ExitStatus, String> {
        self.child.wait().map_err(|e| e.to_string())
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has written, on both outputs.
    pub(crate) fn written(&self) -> String {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it to end as Ctrl-C does, and gives how it ended; `None` when it did not within `patience`.
    pub(crate) fn interrupt(&mut self, patience: Duration) -> Option<ExitStatus> {
        let _ = killpg(self.group(), Signal::SIGINT);
        let deadline = Instant::now() + patience;
        while let Line::Text(_) = self.line(deadline) {}
        if Instant::now() < deadline { self.end().ok() } else { None }
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Process {
    /// Ends the whole group: what the process started as well.
    fn drop(&mut self) {
        let _ = killpg(self.group(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

fn append(written: &Mutex<String>, text: &str) {
    let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
    written.push_str(text.trim_end());
    written.push('\n');
}
