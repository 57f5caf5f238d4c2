//! A client under test, as the harness sees it: a child process, native or any program that speaks the line protocol.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;

use super::client_files::ClientFiles;
use super::control::{ClientPv, ClientReply, ClientSetup, CopySetup, record_observation};
use super::hog::Hogs;
use super::ioc_child::{no_memory, own_program, recording};
use super::process::{Process, ProcessError};
use super::recording::{Recording, number};
use crate::client::lines::Lines;
use crate::client::tally::Followed;
use crate::pv::PvName;
use crate::scenario::model::{ClientSpec, Scenario};
use crate::time::Tick;
use crate::trace::{ClientTally, Observation, Window};

/// Observations that one client has room for: address space, used only as they come.
const OBSERVATIONS: usize = 64 << 20;
/// What a client gets beyond its own limits to answer.
const GRACE: Duration = Duration::from_secs(5);

/// Why a client yielded nothing, or not all.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody answered for these PVs.
    #[error("not connected: no answer for {}", listed(.0))]
    NotConnected(Vec<PvName>),
    /// The IOC went away under it.
    #[error("it lost its IOC: {0}")]
    Lost(String),
    /// Its process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

fn listed(names: &[PvName]) -> String {
    const SHOWN: usize = 5;
    let mut text: Vec<&str> = names.iter().take(SHOWN).map(PvName::as_str).collect();
    let more = format!("and {} more", names.len().saturating_sub(SHOWN));
    if names.len() > SHOWN {
        text.push(&more);
    }
    text.join(", ")
}

/// What a client recorded.
#[derive(Debug, Default)]
pub struct ClientFacts {
    /// In the order of receiving.
    pub observations: Vec<Observation>,
    /// Its own count.
    pub tally: Option<Box<ClientTally>>,
    /// What it wants the reader to know.
    pub remarks: Vec<String>,
    /// Observations that did not fit the recording.
    pub overflowed: u64,
}

/// A client under test.
#[derive(Debug)]
pub struct ClientChild {
    process: Process,
    kind: Kind,
    over: bool,
    /// How many CPU-bound processes are to be beside it, and they.
    wanted: u32,
    hogs: Hogs,
}

#[derive(Debug)]
enum Kind {
    Native { recording: Recording, tally: Option<Box<ClientTally>>, remarks: Vec<String> },
    External(Box<Printing>),
}

/// A client that is another program: what it printed, and its window.
#[derive(Debug)]
struct Printing {
    lines: Lines,
    window: Option<Window>,
    told_to_end: bool,
    /// Held while it runs.
    _repeater: UdpSocket,
    /// Held likewise.
    _files: Option<ClientFiles>,
}

impl ClientChild {
    /// Starts a client and its copies, each against its own listener of the IOC on the loopback address: with the words of a command, or a
    /// native one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(
        scenario: &Scenario,
        spec: &ClientSpec,
        command: Option<&[String]>,
        copies: Vec<CopySetup>,
    ) -> Result<ClientChild, ProcessError> {
        let port = copies.first().map(|copy| copy.port).unwrap_or_default();
        let (process, kind) = match command {
            None => ClientChild::start_native(scenario, spec, copies, port).await?,
            Some(command) => ClientChild::start_external(scenario, spec, command, port)?,
        };
        Ok(ClientChild { process, kind, over: false, wanted: spec.hog_processes, hogs: Hogs::default() })
    }

    async fn start_native(
        scenario: &Scenario,
        spec: &ClientSpec,
        copies: Vec<CopySetup>,
        port: u16,
    ) -> Result<(Process, Kind), ProcessError> {
        let recording = recording(OBSERVATIONS)?;
        let inherited = vec![recording.for_child().map_err(no_memory)?];
        let pvs = spec.pvs.iter().filter_map(|id| {
            let pv = scenario.pvs.get(id.index())?;
            let group = scenario.groups.get(pv.group)?;
            Some(ClientPv { id: *id, name: pv.name.clone(), native: group.native, labels: group.labels.len() })
        });
        let setup = ClientSetup {
            spec: spec.clone(),
            pvs: pvs.collect(),
            copies,
            facts: scenario.facts,
            connect_timeout: scenario.connect_timeout,
            observations: number(&inherited[0]),
        };
        let mut command = own_program()?;
        command.arg("internal-client");
        point_at(&mut command, scenario, port);
        let mut process = Process::start(&format!("client {}", spec.name), command, inherited)?;
        process.send(&setup).await?;
        Ok((process, Kind::Native { recording, tally: None, remarks: Vec::new() }))
    }

    fn start_external(
        scenario: &Scenario,
        spec: &ClientSpec,
        words: &[String],
        port: u16,
    ) -> Result<(Process, Kind), ProcessError> {
        let name = format!("client {}", spec.name);
        let built_in =
            ClientFiles::resolve(words).map_err(|source| ProcessError::Start { program: name.clone(), source })?;
        let words = built_in.as_ref().map_or(words, |(words, _)| words.as_slice());
        let (program, arguments) = words.split_first().ok_or_else(|| ProcessError::Start {
            program: name.clone(),
            source: std::io::Error::other("its command is empty"),
        })?;
        let pvs = followed(scenario, spec);
        let mut command = Command::new(program);
        command.args(arguments).args(pvs.iter().map(|(name, _)| name.as_str()));
        point_at(&mut command, scenario, port);
        let repeater = stand_in_for_the_repeater(&mut command)
            .map_err(|source| ProcessError::Start { program: format!("the CA repeater of {name}"), source })?;
        let process = Process::start(&name, command, Vec::new())?;
        let files = built_in.map(|(_, files)| files);
        let lines = Lines::new(&pvs, scenario.facts);
        let printing = Printing { lines, window: None, told_to_end: false, _repeater: repeater, _files: files };
        Ok((process, Kind::External(Box::new(printing))))
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether it may start processes, whose processor time is its own.
    #[must_use]
    pub fn may_have_children(&self) -> bool {
        matches!(self.kind, Kind::External(_))
    }

    /// The CPU-bound processes beside it, once it is ready.
    #[must_use]
    pub fn hogs(&self) -> Vec<u32> {
        self.hogs.pids()
    }

    /// Waits until it has a first value of every PV, and says when that was. Then the CPU-bound processes beside it start.
    ///
    /// # Errors
    /// When it cannot connect, ends or says nothing.
    pub async fn ready(&mut self, limit: Duration) -> Result<Tick, ClientError> {
        let limit = limit + GRACE;
        let at = match tokio::time::timeout(limit, self.until_ready()).await {
            Ok(result) => result?,
            Err(_) => return Err(self.process.silent(limit).into()),
        };
        self.hogs = Hogs::start(self.wanted, self.process.name())?;
        Ok(at)
    }

    async fn until_ready(&mut self) -> Result<Tick, ClientError> {
        let Kind::External(printing) = &mut self.kind else {
            return match self.process.receive("word that it is ready").await? {
                ClientReply::Ready { at } => Ok(at),
                other => Err(self.unexpected(other)),
            };
        };
        while let Some(line) = self.process.line().await? {
            if line.trim() == "ready" {
                return Ok(super::clock::now());
            }
            if let Err(wanted) = printing.lines.take(&line) {
                return Err(self.process.nonsense(line, &wanted.to_string()).into());
            }
        }
        Err(self.process.ended().await.into())
    }

    fn unexpected(&self, reply: ClientReply) -> ClientError {
        match reply {
            ClientReply::NotConnected { missing } => ClientError::NotConnected(missing),
            ClientReply::Lost { why } => ClientError::Lost(why),
            other => self.process.nonsense(format!("{other:?}"), "something else").into(),
        }
    }

    /// Tells it its window. May be told again, to end it early.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn set_window(&mut self, window: Window) -> Result<(), ClientError> {
        match &mut self.kind {
            Kind::Native { .. } => self.process.send(&window).await?,
            Kind::External(printing) => printing.window = Some(window),
        }
        Ok(())
    }

    /// Takes what it says until it has nothing more to say. Cancel safe.
    ///
    /// A native client comes to its end by itself; an external one is told with [`ClientChild::hang_up`].
    ///
    /// # Errors
    /// When it ends early, loses its IOC or prints nonsense.
    pub async fn run(&mut self) -> Result<(), ClientError> {
        if !self.over {
            self.until_over().await?;
            self.over = true;
        }
        Ok(())
    }

    async fn until_over(&mut self) -> Result<(), ClientError> {
        match &mut self.kind {
            Kind::Native { tally, remarks, .. } => match self.process.receive("word that it is done").await? {
                ClientReply::Done { tally: counted, remarks: said } => {
                    *tally = Some(counted);
                    *remarks = said;
                    Ok(())
                }
                other => Err(self.unexpected(other)),
            },
            Kind::External(printing) => {
                while let Some(line) = self.process.line().await? {
                    if let Err(wanted) = printing.lines.take(&line) {
                        return Err(self.process.nonsense(line, &wanted.to_string()).into());
                    }
                }
                if printing.told_to_end { Ok(()) } else { Err(self.process.ended().await.into()) }
            }
        }
    }

    /// Tells an external client that its time is over; a native one knows.
    pub fn tell_end(&mut self) {
        if let Kind::External(printing) = &mut self.kind {
            printing.told_to_end = true;
            self.process.hang_up();
        }
    }

    /// The error of one that is not over although its time is.
    #[must_use]
    pub fn overdue(&self, limit: Duration) -> Option<ClientError> {
        (!self.over).then(|| self.process.silent(limit).into())
    }

    /// What it recorded, once it has ended: also when it died.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub async fn facts(mut self) -> Result<ClientFacts, ProcessError> {
        self.process.hang_up();
        self.process.wait().await?;
        match self.kind {
            Kind::External(printing) => {
                let (observations, tally) = printing.lines.finish(printing.window);
                Ok(ClientFacts { observations, tally: Some(Box::new(tally)), ..ClientFacts::default() })
            }
            Kind::Native { mut recording, tally, remarks } => {
                let (records, overflowed) = recording.read_new().map_err(no_memory)?;
                let observations = records.iter().map(record_observation).collect();
                Ok(ClientFacts { observations, tally, remarks, overflowed })
            }
        }
    }
}

/// Takes a port of the loopback interface as the client's CA repeater: a client library takes a port that is in use for a
/// running repeater and starts none, which would outlive the client or count as its work.
fn stand_in_for_the_repeater(command: &mut Command) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    command.env("EPICS_CA_REPEATER_PORT", socket.local_addr()?.port().to_string());
    Ok(socket)
}

/// The PVs of a client, by name.
fn followed(scenario: &Scenario, spec: &ClientSpec) -> Vec<(PvName, Followed)> {
    let pvs = spec.pvs.iter().filter_map(|id| {
        let pv = scenario.pvs.get(id.index())?;
        let group = scenario.groups.get(pv.group)?;
        Some((pv.name.clone(), Followed { pv: *id, native: group.native, labels: group.labels.len() }))
    });
    pvs.collect()
}

/// The variables that point any Channel Access client at one listener of our IOC.
fn point_at(command: &mut Command, scenario: &Scenario, port: u16) {
    let largest = scenario.groups.iter().map(|g| g.count as usize * g.native.element_size()).max().unwrap_or(0);
    command
        .env("EPICS_CA_ADDR_LIST", "127.0.0.1")
        .env("EPICS_CA_AUTO_ADDR_LIST", "NO")
        .env("EPICS_CA_SERVER_PORT", port.to_string())
        .env("EPICS_CA_MAX_ARRAY_BYTES", (largest + 1024).max(16_384).to_string())
        .env_remove("EPICS_CA_NAME_SERVERS");
}
