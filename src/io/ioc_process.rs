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
use super::remark::remark;
use super::serve::{Log, Server, Serving};
use crate::ca::environment::{EnvironmentError, ServerEnvironment};
use crate::ioc::closing::Notice;
use crate::ioc::ledger::Account;
use crate::ioc::limits::Limits;
use crate::ioc::{Counting, Ioc};
use crate::trace::IocTally;

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
            remark(error);
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
            IocCommand::Begin { pvs, seed, at } => {
                server.begin_of(&pvs, seed, at);
                say(&mut output, &IocReply::Begun)?;
            }
            IocCommand::Window { window } => server.set_window(window),
            IocCommand::Restart { at, down } => server.restart(at, down),
            IocCommand::End => {
                server.end();
                let listeners = server.with(listener_ledgers);
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

fn listener_ledgers(ioc: &Ioc) -> Vec<ListenerLedger> {
    let tally = |account: &Account| IocTally { outage: ioc.outage(), ..account.tally() };
    let ledger = |account: &Account| ListenerLedger { rows: account.rows(), tally: tally(account) };
    ioc.ledger().accounts().iter().map(ledger).collect()
}

fn start(setup: IocSetup, log: Log) -> Result<(Server, Vec<u16>), IocProcessError> {
    let environment = ServerEnvironment::read(|name| std::env::var(name).ok())?;
    let recorder = |what, fd| Recorder::inherit(fd).map_err(|source| IocProcessError::Recording { what, source });
    let emissions = recorder("changes", setup.emissions)?;
    let requests = setup.requests.map(|fd| recorder("requests", fd)).transpose()?;
    let endpoints = listen::bind_row(Ipv4Addr::LOCALHOST, setup.port, setup.listeners)?;
    let ports = endpoints.iter().map(|endpoint| endpoint.port).collect();
    let limits = Limits::for_scenario(&setup.scenario, 0);
    let silent = setup.scenario.listeners().into_iter().flat_map(|of_client| of_client.skip(1)).collect();
    let counting = Counting::ByListener(setup.listeners);
    let ioc = Ioc::new(Arc::new(setup.scenario), limits, counting, clock::wall(), clock::now());
    let serving = Serving {
        endpoints,
        beacons: vec![SocketAddrV4::new(Ipv4Addr::LOCALHOST, environment.beacon_port)],
        silent,
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

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};
    use std::net::TcpStream;
    use std::os::fd::IntoRawFd;

    use super::*;
    use crate::ca::message;
    use crate::io::control::record_emission;
    use crate::io::recording::Recording;
    use crate::ioc::fixture;
    use crate::pv::PvId;
    use crate::scenario::model::Change;
    use crate::time::{Span, Tick};
    use crate::trace::Window;

    /// An IOC that obeys lines, and the recording of its changes.
    struct Child {
        input: io::PipeWriter,
        replies: std::io::Lines<BufReader<io::PipeReader>>,
        emissions: Recording,
        thread: std::thread::JoinHandle<Result<(), IocProcessError>>,
    }

    impl Child {
        fn start(listeners: usize) -> Child {
            let emissions = Recording::new(100_000).unwrap();
            let scenario = fixture::one_group(Change::Periodic { interval: Span::from_millis(1) }, 2);
            let setup = IocSetup {
                scenario,
                repeat: 0,
                listeners,
                port: 0,
                emissions: emissions.for_child().unwrap().into_raw_fd(),
                requests: None,
            };
            let (input_reader, input) = io::pipe().unwrap();
            let (output_reader, output) = io::pipe().unwrap();
            let thread = std::thread::spawn(move || obey(BufReader::new(input_reader), output));
            let mut child = Child { input, replies: BufReader::new(output_reader).lines(), emissions, thread };
            child.say(&setup);
            child
        }

        fn say(&mut self, message: &impl serde::Serialize) {
            writeln!(self.input, "{}", serde_json::to_string(message).unwrap()).unwrap();
        }

        fn hear(&mut self) -> IocReply {
            serde_json::from_str(&self.replies.next().unwrap().unwrap()).unwrap()
        }
    }

    /// Gets `PV1` so often, and closes.
    fn get(port: u16, times: u32) {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut bytes = Vec::new();
        message::client_version(&mut bytes, 0);
        message::create_channel(&mut bytes, 1, "PV1");
        for ioid in 0..times {
            message::read_notify(&mut bytes, 6, 1, 0, ioid);
        }
        socket.write_all(&bytes).unwrap();
        let mut answers = vec![0; 3 * 16 + 24 * times as usize];
        socket.read_exact(&mut answers).unwrap();
    }

    #[test]
    fn segments_are_begun_counted_by_listener_and_ended() {
        let mut child = Child::start(2);
        let IocReply::Ready { ports } = child.hear() else { panic!("not ready") };
        assert_eq!(ports.len(), 2);
        let mut counted = 0;
        for segment in 0..2 {
            let now = clock::now();
            child.say(&IocCommand::Begin { pvs: vec![PvId(0)], seed: 1, at: now });
            assert!(matches!(child.hear(), IocReply::Begun));
            let window = Window { open: now, close: Tick(u64::MAX), end: Tick(u64::MAX) };
            child.say(&IocCommand::Window { window });
            get(ports[segment], 3);
            while child.emissions.read_new().unwrap().0.is_empty() {
                std::thread::yield_now();
            }
            child.say(&IocCommand::End);
            let IocReply::Ledger { listeners, warnings } = child.hear() else { panic!("no ledger") };
            let rows = &listeners[segment].rows;
            assert_eq!((rows.len(), rows[0].pv.0, rows[0].total.requests), (1, 1, 3));
            assert_eq!(listeners[segment].tally.circuits, 1);
            assert!(listeners[1 - segment].rows.is_empty(), "counts are of this segment");
            assert!(warnings.is_empty(), "{warnings:?}");
            let (records, _) = child.emissions.read_new().unwrap();
            let last = records.iter().map(record_emission).filter(|e| e.pv.0 == 0).map(|e| e.seq.0).max();
            assert!(last.unwrap_or(counted) >= counted, "numbers go on");
            counted = last.unwrap_or(counted);
        }
        drop(child.input);
        child.thread.join().unwrap().unwrap();
        assert!(child.replies.next().is_none());
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, ports[0])).is_err());
    }

    #[test]
    fn nonsense_is_named() {
        let refused = |input: &str| obey(input.as_bytes(), io::sink()).unwrap_err().to_string();
        assert!(refused("{}\n").starts_with("the first line of standard input is not an IOC's setup: missing field"));
        assert!(obey(&b""[..], io::sink()).is_ok(), "nobody wanted anything");
        let mut child = Child::start(1);
        child.hear();
        writeln!(child.input, "\"Bgin\"").unwrap();
        let error = child.thread.join().unwrap().unwrap_err().to_string();
        assert!(error.contains("\"\\\"Bgin\\\"\"") && error.contains("where a command was due"), "{error}");
    }

    #[test]
    fn warnings_are_kept_up_to_a_number_and_then_counted() {
        let warnings = Warnings::default();
        let mut log = warnings.log();
        for n in 0..KEPT_WARNINGS + 7 {
            log(Notice { client: "1.2.3.4:5".to_owned(), what: format!("circuit closed: {n}") });
        }
        let kept = warnings.take();
        assert_eq!(kept.len(), KEPT_WARNINGS + 1);
        assert_eq!(kept[0], "the IOC on 1.2.3.4:5: circuit closed: 0");
        assert_eq!(kept[KEPT_WARNINGS], "the IOC had 7 further remarks of this kind");
        assert!(warnings.take().is_empty());
    }
}
