//! A client under test, as the harness sees it: a child process, native or any program that speaks the line protocol.

use std::collections::HashMap;
use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;

use super::control::{ClientPv, ClientReply, ClientSetup, record_observation};
use super::ioc_child::{no_memory, own_program, recording};
use super::process::{Process, ProcessError};
use super::recording::{Recording, number};
use crate::ca::carry::Unwrapper;
use crate::pv::{PvId, PvName, Seq};
use crate::scenario::model::{ClientSpec, Facts, Program, Scenario};
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
    /// Its own count; an external client has none.
    pub tally: Option<Box<ClientTally>>,
    /// Observations that did not fit the recording.
    pub overflowed: u64,
}

/// A client under test.
#[derive(Debug)]
pub struct ClientChild {
    process: Process,
    kind: Kind,
    over: bool,
}

#[derive(Debug)]
enum Kind {
    Native { recording: Recording, tally: Option<Box<ClientTally>> },
    External(LineReader),
}

impl ClientChild {
    /// Starts a client against the IOC at `port` of the loopback address.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(
        scenario: &Scenario,
        spec: &ClientSpec,
        port: u16,
        seed: u64,
    ) -> Result<ClientChild, ProcessError> {
        match &spec.program {
            Program::Native => ClientChild::start_native(scenario, spec, port, seed).await,
            Program::External(command) => ClientChild::start_external(scenario, spec, command, port),
        }
    }

    async fn start_native(
        scenario: &Scenario,
        spec: &ClientSpec,
        port: u16,
        seed: u64,
    ) -> Result<ClientChild, ProcessError> {
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
            seed,
            facts: scenario.facts,
            connect_timeout: scenario.connect_timeout,
            observations: number(&inherited[0]),
        };
        let mut command = own_program()?;
        command.arg("internal-client");
        point_at(&mut command, scenario, port);
        let mut process = Process::start(&format!("client {}", spec.name), command, inherited)?;
        process.send(&setup).await?;
        Ok(ClientChild { process, kind: Kind::Native { recording, tally: None }, over: false })
    }

    fn start_external(
        scenario: &Scenario,
        spec: &ClientSpec,
        words: &[String],
        port: u16,
    ) -> Result<ClientChild, ProcessError> {
        let name = format!("client {}", spec.name);
        let (program, arguments) = words.split_first().ok_or_else(|| ProcessError::Start {
            program: name.clone(),
            source: std::io::Error::other("its command is empty"),
        })?;
        let reader = LineReader::new(scenario, spec);
        let mut command = Command::new(program);
        command.args(arguments).args(reader.names.iter().map(PvName::as_str));
        point_at(&mut command, scenario, port);
        let process = Process::start(&name, command, Vec::new())?;
        Ok(ClientChild { process, kind: Kind::External(reader), over: false })
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until it has a first value of every PV, and says when that was.
    ///
    /// # Errors
    /// When it cannot connect, ends or says nothing.
    pub async fn ready(&mut self, limit: Duration) -> Result<Tick, ClientError> {
        let limit = limit + GRACE;
        match tokio::time::timeout(limit, self.until_ready()).await {
            Ok(result) => result,
            Err(_) => Err(self.process.silent(limit).into()),
        }
    }

    async fn until_ready(&mut self) -> Result<Tick, ClientError> {
        let Kind::External(reader) = &mut self.kind else {
            return match self.process.receive("word that it is ready").await? {
                ClientReply::Ready { at } => Ok(at),
                other => Err(self.unexpected(other)),
            };
        };
        while let Some(line) = self.process.line().await? {
            if line.trim() == "ready" {
                return Ok(super::clock::now());
            }
            if let Err(wanted) = reader.take(&line) {
                return Err(self.process.nonsense(line, &wanted).into());
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
        if let Kind::Native { .. } = self.kind {
            self.process.send(&window).await?;
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
            Kind::Native { tally, .. } => match self.process.receive("word that it is done").await? {
                ClientReply::Done { tally: counted } => {
                    *tally = Some(counted);
                    Ok(())
                }
                other => Err(self.unexpected(other)),
            },
            Kind::External(reader) => {
                while let Some(line) = self.process.line().await? {
                    if let Err(wanted) = reader.take(&line) {
                        return Err(self.process.nonsense(line, &wanted).into());
                    }
                }
                if reader.told_to_end { Ok(()) } else { Err(self.process.ended().await.into()) }
            }
        }
    }

    /// Tells an external client that its time is over; a native one knows.
    pub fn tell_end(&mut self) {
        if let Kind::External(reader) = &mut self.kind {
            reader.told_to_end = true;
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
            Kind::External(reader) => Ok(ClientFacts { observations: reader.observations, tally: None, overflowed: 0 }),
            Kind::Native { mut recording, tally } => {
                let (records, overflowed) = recording.read_new().map_err(no_memory)?;
                Ok(ClientFacts { observations: records.iter().map(record_observation).collect(), tally, overflowed })
            }
        }
    }
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

/// The line protocol of external clients: `pv seq asked_ns received_ns`.
#[derive(Debug)]
struct LineReader {
    names: Vec<PvName>,
    /// Each PV's place among the client's, by name.
    places: HashMap<String, usize>,
    /// For each of the client's PVs: who it is, how its numbers unwrap, and the last of them.
    pvs: Vec<(PvId, Unwrapper, Option<Seq>)>,
    facts: Facts,
    observations: Vec<Observation>,
    told_to_end: bool,
}

impl LineReader {
    fn new(scenario: &Scenario, spec: &ClientSpec) -> LineReader {
        let pvs = spec.pvs.iter().filter_map(|id| {
            let pv = scenario.pvs.get(id.index())?;
            let group = scenario.groups.get(pv.group)?;
            Some((pv.name.clone(), (*id, Unwrapper::new(group.native, group.labels.len()), None)))
        });
        let (names, pvs): (Vec<PvName>, _) = pvs.unzip();
        LineReader {
            places: names.iter().enumerate().map(|(place, name)| (name.to_string(), place)).collect(),
            names,
            pvs,
            facts: scenario.facts,
            observations: Vec::new(),
            told_to_end: false,
        }
    }

    /// Takes one line; on failure says what would have been right.
    fn take(&mut self, line: &str) -> Result<(), String> {
        let wanted = || "a line `pv seq asked_ns received_ns`".to_owned();
        let mut words = line.split_ascii_whitespace();
        let (Some(name), Some(seq), Some(asked), Some(received), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wanted());
        };
        let place = *self.places.get(name).ok_or("the name of one of its PVs")?;
        let (pv, unwrapper, newest) = &mut self.pvs[place];
        let carried: u64 = seq.parse().map_err(|_| wanted())?;
        let seq = unwrapper.unwrap(carried as f64).ok_or_else(|| format!("a value that {name} can have"))?;
        let asked = match asked {
            "-" => None,
            number => Some(Tick(number.parse().map_err(|_| wanted())?)),
        };
        let received = Tick(received.parse().map_err(|_| wanted())?);
        let before = newest.replace(seq);
        if self.facts == Facts::Full || before != Some(seq) {
            self.observations.push(Observation { pv: *pv, seq, asked, received, first: before.is_none() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::BuiltIn;
    use crate::scenario::model::Fetch;

    /// The observations of a client of the built-in `types` that printed these lines, or what was wanted of the first wrong one.
    fn taken(lines: &[&str]) -> Result<Vec<(u64, bool)>, String> {
        let scenario = BuiltIn::named("types").unwrap().scenario().unwrap();
        let spec = ClientSpec {
            name: "c".into(),
            program: Program::External(vec!["c".into()]),
            fetch: Fetch::Monitor,
            pacing: None,
            pvs: (0..scenario.pvs.len() as u32).map(PvId).collect(),
            dbr: Default::default(),
            service_time: Default::default(),
        };
        let mut reader = LineReader::new(&scenario, &spec);
        lines.iter().try_for_each(|line| reader.take(line))?;
        Ok(reader.observations.iter().map(|o| (o.seq.0, o.first)).collect())
    }

    #[test]
    fn lines_become_observations_when_they_are_news() {
        let lines = ["TEST:DOUBLE 5 - 100", "TEST:DOUBLE 5 90 101", "TEST:DOUBLE 7 90 102"];
        assert_eq!(taken(&lines), Ok(vec![(5, true), (7, false)]));
        let wrapped = ["TEST:CHAR 255 - 100", "TEST:CHAR 0 - 101", "TEST:CHAR 1 - 102"];
        assert_eq!(taken(&wrapped), Ok(vec![(255, true), (256, false), (257, false)]));
    }

    #[test]
    fn what_is_no_observation_is_refused_with_what_would_be_right() {
        for line in
            ["", "TEST:DOUBLE", "TEST:DOUBLE 1 -", "TEST:DOUBLE x - 5", "TEST:DOUBLE 1 x 5", "TEST:DOUBLE 1 - 5 6"]
        {
            assert_eq!(taken(&[line]), Err("a line `pv seq asked_ns received_ns`".to_owned()), "{line:?}");
        }
        assert_eq!(taken(&["TEST:DUOBLE 1 - 5"]), Err("the name of one of its PVs".to_owned()));
        assert_eq!(taken(&["TEST:CHAR 256 - 5"]), Err("a value that TEST:CHAR can have".to_owned()));
    }
}
