//! The IOC of a run, as the harness sees it: a child process.

use std::ops::Range;
use std::time::Duration;

use tokio::process::Command;

use super::control::{IocCommand, IocReply, IocSetup, ListenerLedger, record_emission, record_request};
use super::process::{Process, ProcessError};
use super::recording::{Recording, number};
use crate::pv::PvId;
use crate::scenario::model::{Facts, Scenario};
use crate::time::{Span, Tick};
use crate::trace::{Emission, Request, Window};

/// An IOC that does not answer within this time has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Emissions that one repeat has room for: 512 MiB of address space, used only as they come.
const EMISSIONS: usize = 16 << 20;
/// Requests that one repeat has room for: 2 GiB of address space, used only as they come.
const REQUESTS: usize = 64 << 20;

/// A running IOC.
#[derive(Debug)]
pub struct IocChild {
    process: Process,
    emissions: Recording,
    requests: Option<Recording>,
    ports: Vec<u16>,
    /// The listeners of each client.
    listeners: Vec<Range<usize>>,
}

/// The ledger of one segment.
#[derive(Debug)]
pub struct SegmentLedger {
    /// In the order of the clients, the copies of each together.
    pub listeners: Vec<ListenerLedger>,
    /// What the IOC wants the reader to know.
    pub warnings: Vec<String>,
}

impl IocChild {
    /// Starts an IOC with one listener for each client, and waits until it listens.
    ///
    /// # Errors
    /// When it does not start, or a port is taken.
    pub async fn start(scenario: &Scenario, repeat: u32, port: u16) -> Result<IocChild, ProcessError> {
        let listeners = scenario.listeners();
        let emissions = recording(EMISSIONS)?;
        let requests = match scenario.facts {
            Facts::News => None,
            Facts::Full => Some(recording(REQUESTS)?),
        };
        let mut inherited = vec![emissions.for_child().map_err(no_memory)?];
        if let Some(requests) = &requests {
            inherited.push(requests.for_child().map_err(no_memory)?);
        }
        let setup = IocSetup {
            scenario: scenario.clone(),
            repeat,
            listeners: listeners.last().map_or(0, |last| last.end),
            port,
            emissions: number(&inherited[0]),
            requests: inherited.get(1).map(number),
        };
        let mut command = own_program()?;
        command.arg("internal-ioc");
        let mut process = Process::start("the IOC", command, inherited)?;
        process.send(&setup).await?;
        let wanted = "the ports it listens on";
        match process.receive_within(PATIENCE, wanted).await? {
            IocReply::Ready { ports } => Ok(IocChild { process, emissions, requests, ports, listeners }),
            other => Err(process.nonsense(format!("{other:?}"), wanted)),
        }
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The ports of a client's listeners, one for each copy, TCP and UDP alike.
    #[must_use]
    pub fn ports(&self, client: usize) -> &[u16] {
        self.listeners.get(client).and_then(|range| self.ports.get(range.clone())).unwrap_or_default()
    }

    /// The values of these PVs change from `at` on; comes back when its counts start from zero.
    ///
    /// # Errors
    /// When it has ended or does not answer.
    pub async fn begin(&mut self, pvs: Vec<PvId>, seed: u64, at: Tick) -> Result<(), ProcessError> {
        self.process.send(&IocCommand::Begin { pvs, seed, at }).await?;
        let wanted = "word that it has begun";
        match self.process.receive_within(PATIENCE, wanted).await? {
            IocReply::Begun => Ok(()),
            other => Err(self.process.nonsense(format!("{other:?}"), wanted)),
        }
    }

    /// Counts go to this window.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn window(&mut self, window: Window) -> Result<(), ProcessError> {
        self.process.send(&IocCommand::Window { window }).await
    }

    /// It goes away at an instant, for so long, and comes back.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn restart(&mut self, at: Tick, down: Span) -> Result<(), ProcessError> {
        self.process.send(&IocCommand::Restart { at, down }).await
    }

    /// Values stop changing; its counts since [`IocChild::begin`].
    ///
    /// # Errors
    /// When it has ended or does not answer.
    pub async fn end(&mut self) -> Result<SegmentLedger, ProcessError> {
        self.process.send(&IocCommand::End).await?;
        let wanted = "its ledger";
        match self.process.receive_within(PATIENCE, wanted).await? {
            IocReply::Ledger { listeners, warnings } => {
                let of_client = |range: &Range<usize>| listeners.get(range.clone()).unwrap_or_default();
                let listeners = self.listeners.iter().map(|range| ListenerLedger::sum(of_client(range))).collect();
                Ok(SegmentLedger { listeners, warnings })
            }
            other => Err(self.process.nonsense(format!("{other:?}"), wanted)),
        }
    }

    /// Comes back only when the IOC ends or says something unasked. Cancel safe.
    pub async fn failure(&mut self) -> ProcessError {
        match self.process.line().await {
            Ok(Some(line)) => self.process.nonsense(line, "nothing"),
            Ok(None) => self.process.ended().await,
            Err(error) => error,
        }
    }

    /// What it posted since the last call, and how many changes did not fit so far. Works also after its death.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub fn new_emissions(&mut self) -> Result<(Vec<Emission>, u64), ProcessError> {
        let (records, overflowed) = self.emissions.read_new().map_err(no_memory)?;
        Ok((records.iter().map(record_emission).collect(), overflowed))
    }

    /// Every request since the last call with its client, and how many did not fit so far; nothing unless all facts are recorded.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub fn new_requests(&mut self) -> Result<(Vec<(usize, Request)>, u64), ProcessError> {
        let Some(recording) = &mut self.requests else {
            return Ok((Vec::new(), 0));
        };
        let (records, overflowed) = recording.read_new().map_err(no_memory)?;
        let client_of = |listener: usize| self.listeners.partition_point(|range| range.end <= listener);
        let requests = records.iter().map(record_request).map(|(listener, request)| (client_of(listener), request));
        Ok((requests.collect(), overflowed))
    }

    /// Tells it to end and waits until it has.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn stop(mut self) -> Result<(), ProcessError> {
        self.process.hang_up();
        self.process.wait().await.map(|_| ())
    }
}

/// A recording, with its failure told as one of the harness itself.
pub(super) fn recording(capacity: usize) -> Result<Recording, ProcessError> {
    Recording::new(capacity).map_err(no_memory)
}

pub(super) fn no_memory(error: nix::Error) -> ProcessError {
    ProcessError::Pipe { name: "the memory that facts are recorded in".to_owned(), source: error.into() }
}

/// This program, to be started again as a child.
pub(super) fn own_program() -> Result<Command, ProcessError> {
    let program = std::env::current_exe()
        .map_err(|source| ProcessError::Start { program: "this program's own file".to_owned(), source })?;
    Ok(Command::new(program))
}
