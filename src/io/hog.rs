//! CPU-bound processes beside a client: what competes with it for processors and for nothing else.

use std::hint::black_box;
use std::io::{self, Read};
use std::process::ExitCode;

use super::ioc_child::own_program;
use super::process::{Process, ProcessError};

/// The processes beside one client. They end when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Hogs {
    processes: Vec<Process>,
}

impl Hogs {
    /// Starts so many of them.
    ///
    /// # Errors
    /// When one cannot be started.
    pub(super) fn start(count: u32, client: &str) -> Result<Hogs, ProcessError> {
        let one = |number: u32| {
            let mut command = own_program()?;
            command.arg("internal-hog");
            Process::start(&format!("CPU-bound process {number} beside {client}"), command, Vec::new())
        };
        Ok(Hogs { processes: (1..=count).map(one).collect::<Result<_, _>>()? })
    }

    /// Their process numbers.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.processes.iter().map(Process::pid).collect()
    }
}

/// Such a process: it computes until standard input closes.
#[must_use]
pub fn run() -> ExitCode {
    std::thread::spawn(|| {
        // Nothing is said to it; an error means that nobody is there any more.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut number = 1u64;
    loop {
        // What the hog of the Python clients does.
        number = black_box((number * number + 1) % 1_000_003);
    }
}
