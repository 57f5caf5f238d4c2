//! The IOC of a run, as a process of its own: `pollcost internal-ioc`, told what to do on standard input ([`super::control`]).

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{SigSet, Signal};
use thiserror::Error;

use super::clock;
use super::control::{IocCommand, IocReply, IocSetup, ListenerLedger};
use super::listen::{self, ListenError};
use super::recording::Recorder;
use super::serve::{Log, Server, Serving};
use crate::ca::environment::{EnvironmentError, ServerEnvironment};
use crate::ioc::closing::Notice;
use crate::ioc::ledger::Account;
use crate::ioc::limits::Limits;
use crate::ioc::{Counting, Ioc};

/// Warnings that one segment has room for; further ones are counted.
const KEPT_WARNINGS: usize = 50;

/// Why the IOC of a run cannot go on.
#[derive(Debug, Error)]
pub enum IocProcessError {
    /// The first line is not what to serve.
    #[error("the first line of standard input is not an IOC's setup: {0}")]
    Setup(serde_json::Error),
    /// A later line is no command.
    #[error("standard input said {line:?}, where a command was due: {source}")]
    Command {
        /// The line.
        line: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An environment variable cannot be obeyed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A port is not to be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The memory for the facts cannot be had.
    #[error("the recording of {what} can't be used: {source}")]
    Recording {
        /// Which.
        what: &'static str,
        /// Why not.
        source: nix::Error,
    },
    /// Pipes or threads failed.
    #[error("the IOC can't go on: {0}")]
    Io(#[from] io::Error),
}

/// Runs the IOC that standard input describes until standard input closes.
/// An interrupt from the keyboard is the harness' business.
#[must_use]
pub fn run() -> ExitCode {
    // Threads inherit the mask. It fails only for a signal that does not exist.
    let _ = SigSet::from(Signal::SIGINT).thread_block();
    match obey(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Reads a setup and then commands, and answers them, until the input ends.
///
/// # Errors
/// When what is asked for cannot be done.
pub fn obey(input: impl BufRead, mut output: impl Write) -> Result<(), IocProcessError> {
    let mut lines = input.lines();
    let Some(first) = lines.next() else { return Ok(()) };
    let setup: IocSetup = serde_json::from_str(&first?).map_err(IocProcessError::Setup)?;
    let warnings = Warnings::default();
    let (server, ports) = start(setup, warnings.log())?;
    say(&mut output, &IocReply::Ready { ports })?;
    for line in lines {
        let line = line?;
        match serde_json::from_str(&line).map_err(|source| IocProcessError::Command { line, source })? {
            IocCommand::Begin { seed, at } => {
                server.begin(seed, at);
                say(&mut output, &IocReply::Begun)?;
            }
            IocCommand::Window { window } => server.set_window(window),
            IocCommand::End => {
                server.end();
                let listeners = server.with(|ioc| ioc.ledger().accounts().iter().map(listener_ledger).collect());
                say(&mut output, &IocReply::Ledger { listeners, warnings: warnings.take() })?;
            }
        }
    }
    Ok(())
}

fn say(output: &mut impl Write, reply: &IocReply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}

fn listener_ledger(account: &Account) -> ListenerLedger {
    ListenerLedger { rows: account.rows(), tally: account.tally() }
}

fn start(setup: IocSetup, log: Log) -> Result<(Server, Vec<u16>), IocProcessError> {
    let environment = ServerEnvironment::read(|name| std::env::var(name).ok())?;
    let recorder = |what, fd| Recorder::inherit(fd).map_err(|source| IocProcessError::Recording { what, source });
    let emissions = recorder("changes", setup.emissions)?;
    let requests = setup.requests.map(|fd| recorder("requests", fd)).transpose()?;
    let endpoints = listen::bind_row(Ipv4Addr::LOCALHOST, setup.port, setup.listeners)?;
    let ports = endpoints.iter().map(|endpoint| endpoint.port).collect();
    let limits = Limits::for_scenario(&setup.scenario, 0);
    let counting = Counting::ByListener(setup.listeners);
    let ioc = Ioc::new(Arc::new(setup.scenario), limits, counting, clock::wall(), clock::now());
    let serving = Serving {
        endpoints,
        beacons: vec![SocketAddrV4::new(Ipv4Addr::LOCALHOST, environment.beacon_port)],
        beacon_period: environment.beacon_period,
        ignored: Vec::new(),
        emissions: Some(emissions),
        requests,
        log,
    };
    Ok((Server::start(ioc, serving)?, ports))
}

/// What the reader of a segment should know, kept until the segment ends.
#[derive(Clone, Debug, Default)]
struct Warnings(Arc<Mutex<(Vec<String>, u64)>>);

impl Warnings {
    fn log(&self) -> Log {
        let kept = Arc::clone(&self.0);
        Box::new(move |Notice { client, what }| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.0.len() < KEPT_WARNINGS {
                kept.0.push(format!("the IOC on {client}: {what}"));
            } else {
                kept.1 += 1;
            }
        })
    }

    fn take(&self) -> Vec<String> {
        let (mut kept, more) = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if more > 0 {
            kept.push(format!("the IOC had {more} further remarks of this kind"));
        }
        kept
    }
}
