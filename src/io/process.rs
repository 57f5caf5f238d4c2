//! A child process of the harness: its lines, its standard error, its end.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::steady;

/// Lines of standard error that are kept for an error message.
const KEPT_ERROR_LINES: usize = 20;
/// How long a child may take to end once it has been told to.
const PATIENCE: Duration = Duration::from_secs(5);

/// What went wrong with a child process.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("{program} could not be started: {source}")]
    Start {
        /// What was to be started.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It ended before it was told to.
    #[error("{name} ended before its time ({status}){}", shown(stderr))]
    Ended {
        /// Which child.
        name: String,
        /// How.
        status: String,
        /// The last lines of its standard error.
        stderr: Vec<String>,
    },
    /// It said something that is not of its protocol.
    #[error("{name} printed {line:?} where {wanted} was due{}", shown(stderr))]
    Nonsense {
        /// Which child.
        name: String,
        /// What it printed.
        line: String,
        /// What would have been right.
        wanted: String,
        /// The last lines of its standard error.
        stderr: Vec<String>,
    },
    /// It did not answer in time.
    #[error("{name} did not answer within {seconds} s{}", shown(stderr))]
    Silent {
        /// Which child.
        name: String,
        /// How long was waited.
        seconds: f64,
        /// The last lines of its standard error.
        stderr: Vec<String>,
    },
    /// Reading or writing failed.
    #[error("talking to {name} failed: {source}")]
    Pipe {
        /// Which child.
        name: String,
        /// Why.
        source: io::Error,
    },
}

fn shown(stderr: &[String]) -> String {
    if stderr.is_empty() {
        return String::new();
    }
    format!("; its standard error:\n    {}", stderr.join("\n    "))
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: u32,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines,
    stderr: Arc<Mutex<VecDeque<String>>>,
    stderr_reader: Option<JoinHandle<()>>,
}

type Lines = tokio::io::Lines<BufReader<ChildStdout>>;

impl Process {
    /// Starts a program in a process group of its own, so that a Ctrl-C at the terminal reaches only the harness.
    /// `inherited` descriptors are closed here once the child has them.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, mut command: Command, inherited: Vec<OwnedFd>) -> Result<Process, ProcessError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let start_error = |source| ProcessError::Start { program: program.clone(), source };
        let bound = steady::bound();
        let mut child = command.spawn().map_err(start_error)?;
        drop(bound);
        drop(inherited);
        let missing = || start_error(io::Error::other("it has no pipes"));
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let errors = child.stderr.take().ok_or_else(missing)?;
        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&stderr);
        let stderr_reader = tokio::spawn(async move {
            let mut lines = BufReader::new(errors).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == KEPT_ERROR_LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
        });
        Ok(Process {
            name: name.to_owned(),
            pid: child.id().ok_or_else(missing)?,
            stdin: child.stdin.take(),
            stdout: BufReader::new(stdout).lines(),
            child,
            stderr,
            stderr_reader: Some(stderr_reader),
        })
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Says one JSON message.
    ///
    /// # Errors
    /// When it does not listen any more.
    pub async fn send<T: Serialize>(&mut self, message: &T) -> Result<(), ProcessError> {
        let mut line = serde_json::to_vec(message).map_err(|e| self.pipe(io::Error::other(e)))?;
        line.push(b'\n');
        let written = match &mut self.stdin {
            Some(stdin) => stdin.write_all(&line).await,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        match written {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(self.ended().await),
            Err(e) => Err(self.pipe(e)),
        }
    }

    /// Its next line, or `None` when it has closed its standard output. Cancel safe.
    ///
    /// # Errors
    /// When reading fails.
    pub async fn line(&mut self) -> Result<Option<String>, ProcessError> {
        self.stdout.next_line().await.map_err(|source| ProcessError::Pipe { name: self.name.clone(), source })
    }

    /// Its next line as a JSON message. Cancel safe.
    ///
    /// # Errors
    /// When it ends, or says something else.
    pub async fn receive<T: DeserializeOwned>(&mut self, wanted: &str) -> Result<T, ProcessError> {
        let Some(line) = self.line().await? else {
            return Err(self.ended().await);
        };
        serde_json::from_str(&line).map_err(|_| self.nonsense(line, wanted))
    }

    /// Like [`Process::receive`], for at most this long.
    ///
    /// # Errors
    /// Those, and when nothing comes in time.
    pub async fn receive_within<T: DeserializeOwned>(
        &mut self,
        limit: Duration,
        wanted: &str,
    ) -> Result<T, ProcessError> {
        match tokio::time::timeout(limit, self.receive(wanted)).await {
            Ok(result) => result,
            Err(_) => Err(self.silent(limit)),
        }
    }

    /// The error for a line that is not of its protocol.
    #[must_use]
    pub fn nonsense(&self, line: String, wanted: &str) -> ProcessError {
        let line = line.chars().take(200).collect();
        ProcessError::Nonsense { name: self.name.clone(), line, wanted: wanted.to_owned(), stderr: self.errors() }
    }

    /// The error for one that did not answer in time.
    #[must_use]
    pub fn silent(&self, limit: Duration) -> ProcessError {
        ProcessError::Silent { name: self.name.clone(), seconds: limit.as_secs_f64(), stderr: self.errors() }
    }

    /// The error for one that ended of itself: waits until all it had to say has been read.
    pub async fn ended(&mut self) -> ProcessError {
        self.stdin = None;
        let status = match self.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => return error,
        };
        ProcessError::Ended { name: self.name.clone(), status, stderr: self.errors() }
    }

    /// Closes its standard input, which tells it to end.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end; one that does not end in time is killed.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn wait(&mut self) -> Result<ExitStatus, ProcessError> {
        let status = match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.map_err(|e| self.pipe(e))?,
            Err(_) => {
                self.child.kill().await.map_err(|e| self.pipe(e))?;
                self.child.wait().await.map_err(|e| self.pipe(e))?
            }
        };
        // What it started and left behind ends with it. Mostly there is nothing, and nobody to tell.
        let _ = killpg(Pid::from_raw(self.pid.cast_signed()), Signal::SIGKILL);
        // The reader ends with the pipe; a grandchild may keep that open, so it is not waited for without limit.
        if let Some(reader) = self.stderr_reader.take() {
            let _ = tokio::time::timeout(Duration::from_millis(200), reader).await;
        }
        Ok(status)
    }

    /// The last lines of its standard error so far.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn pipe(&self, source: io::Error) -> ProcessError {
        ProcessError::Pipe { name: self.name.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("the shell", command, Vec::new()).unwrap()
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn an_early_end_shows_how_and_why() {
        let text = block_on(async {
            let mut process = shell("echo could not open >&2; exit 3");
            process.receive::<u32>("a number").await.unwrap_err().to_string()
        });
        assert_eq!(text, "the shell ended before its time (exit status: 3); its standard error:\n    could not open");
    }

    #[test]
    fn a_line_that_is_no_message_is_shown() {
        let text = block_on(async {
            let mut process = shell("echo hello; read x");
            process.receive::<u32>("a number").await.unwrap_err().to_string()
        });
        assert_eq!(text, "the shell printed \"hello\" where a number was due");
    }

    #[test]
    fn talks_both_ways_and_ends_when_told() {
        block_on(async {
            let mut process = shell("read x; echo $x; cat >/dev/null");
            process.send(&42u32).await.unwrap();
            assert_eq!(process.receive::<u32>("a number").await.unwrap(), 42);
            process.hang_up();
            assert!(process.wait().await.unwrap().success());
        });
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        block_on(async {
            let error = Process::start("it", Command::new("/no/such/program"), Vec::new()).unwrap_err();
            assert!(error.to_string().starts_with("/no/such/program could not be started"));
        });
    }
}
