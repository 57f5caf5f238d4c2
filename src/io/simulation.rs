//! A simulation from request to results: groups side by side on all processors, results in the order of a live run.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use super::facts_file::FactsFile;
use super::from_facts::derive;
use super::interrupt::Interrupt;
use super::live::{Finished, LiveError, default_folder};
use super::progress::Simulating;
use super::redraw::write_report;
use super::request::{LinkChoice, SimulateRequest};
use super::runs::{LoadedRun, RunFolder, RunFolderError, load};
use crate::doctor::{Examination, SCHEMA_VERSION};
use crate::expect::judge;
use crate::report::document::{RunNote, SimulationNote};
use crate::report::doubts::Doubts;
use crate::report::palette::Theme;
use crate::report::sentence::sentence;
use crate::scenario::model::{Facts, Program, Scenario};
use crate::simulate::{Assembly, Group, Messages, Model, Offset, RecordedError, Simulated, Watcher};
use crate::summary::Warning;
use crate::summary::notes::notes;
use crate::time::Tick;
use crate::trace::{Emission, Observation, Request};

/// Why a simulation could not be made, or not be saved.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// The run that the link is to be taken from cannot be read: bad input.
    #[error("the link cannot be taken from a run: {0}")]
    Source(RunFolderError),
    /// It can be read and does not tell: bad input.
    #[error("the link cannot be taken from {run}: {why}")]
    Recorded {
        /// The run.
        run: String,
        /// Why not.
        why: RecordedError,
    },
    /// An examination cannot be read, or does not tell enough: bad input.
    #[error("the link cannot be taken from {file}: {why}")]
    Examined {
        /// The file.
        file: String,
        /// Why not.
        why: String,
    },
    /// Folder, saving or report, as of a live run.
    #[error(transparent)]
    Results(#[from] LiveError),
    /// Facts could not be kept until they are written in order.
    #[error("facts cannot be kept in the run folder: {0}")]
    Facts(#[from] io::Error),
}

impl From<RunFolderError> for SimulationError {
    fn from(error: RunFolderError) -> SimulationError {
        SimulationError::Results(LiveError::Save(error))
    }
}

/// Simulates, saves and reports.
///
/// # Errors
/// When the link or the folder cannot be had, or results cannot be written.
pub fn run_simulation(request: &SimulateRequest) -> Result<Finished, SimulationError> {
    let facts = request.facts.unwrap_or(Facts::News);
    let scenario = Arc::new(Scenario { facts, ..request.scenario.clone() });
    let model = Arc::new(link_model(&scenario, &request.link)?);
    let path = request.out.clone().unwrap_or_else(|| {
        let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
        default_folder(&scenario.name, &now)
    });
    let mut folder = RunFolder::create(&path, &scenario).map_err(LiveError::Folder)?;
    let groups = Group::all(&scenario, &model, Messages::Counted);
    let progress = Simulating::new(&scenario, request.voice.quiet);
    let stop = Interrupt::of_program().flag();
    let kept = request.facts.map(|_| path.as_path());
    let done = simulate(&groups, kept, &progress, &stop);
    progress.finish();

    let mut assembly = Assembly::new(&scenario);
    let mut interrupted = false;
    for (group, done) in groups.iter().zip(done) {
        let Some(Done { simulated, facts }) = done.transpose()? else { continue };
        interrupted |= simulated.stopped;
        if simulated.stopped {
            continue;
        }
        let offset = assembly.add(simulated);
        if let Some(facts) = facts {
            save_facts(&mut folder, group, &offset, facts)?;
        }
    }
    let failures = assembly.failures().to_vec();
    let simulated = SimulationNote {
        option: request.link.to_string(),
        link: model.link.clone(),
        host: model.host.clone(),
        facts: request.facts.is_some(),
    };
    let mut remarks = remarks(&scenario, &simulated);
    remarks.extend(notes(&failures, interrupted));
    let (trace, summary) = assembly.finish(&remarks);
    for segment in &trace.segments {
        folder.append_segment(segment)?;
    }
    let note = RunNote {
        pollcost: env!("CARGO_PKG_VERSION").to_owned(),
        simulated: Some(simulated),
        failures: failures.clone(),
        interrupted,
        finished: true,
        notes: remarks,
        ..RunNote::default()
    };
    folder.save(&note, &trace, &summary)?;
    let excerpt = match request.facts {
        Some(_) => Some(derive(&path).map_err(LiveError::Load)?.excerpt),
        None => None,
    };
    if let Some(excerpt) = &excerpt {
        folder.save_excerpt(excerpt)?;
    }
    folder.keep(request.tables)?;
    let left_out = match request.report {
        true => write_report(&path, &note, &scenario, &summary, excerpt, Theme::Light)?,
        false => Vec::new(),
    };
    let sentence = sentence(&scenario, &summary);
    let verdicts = judge(&scenario, &summary);
    let doubts = Doubts::new(&summary, &scenario, &note.host);
    Ok(Finished { summary, doubts, verdicts, failures, interrupted, folder: path, sentence, left_out })
}

/// The model that was chosen.
pub(super) fn link_model(scenario: &Scenario, link: &LinkChoice) -> Result<Model, SimulationError> {
    match link {
        LinkChoice::Model { link, .. } => Ok(Model::typical(link, scenario.clients.len())),
        LinkChoice::Doctor(file) => {
            let cannot = |why: String| SimulationError::Examined { file: file.display().to_string(), why };
            let text = std::fs::read_to_string(file).map_err(|e| cannot(e.to_string()))?;
            let found: Examination = serde_json::from_str(&text).map_err(|e| cannot(e.to_string()))?;
            if found.schema_version != SCHEMA_VERSION {
                let why = format!("it is of version {}, this program reads {SCHEMA_VERSION}", found.schema_version);
                return Err(cannot(why));
            }
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            Model::examined(scenario, &found, &name).map_err(|why| cannot(why.to_string()))
        }
        LinkChoice::From(run) => {
            let LoadedRun { trace, summary, .. } = load(run).map_err(SimulationError::Source)?;
            // The folder's own name: where it lies is nothing that a result should depend on.
            let name = run.file_name().unwrap_or(run.as_os_str()).to_string_lossy().into_owned();
            Model::recorded(scenario, &trace, &summary, &name)
                .map_err(|why| SimulationError::Recorded { run: run.display().to_string(), why })
        }
    }
}

/// What a reader must know of a simulation.
fn remarks(scenario: &Scenario, note: &SimulationNote) -> Vec<Warning> {
    let of_all = Warning {
        client: None,
        what: format!("simulated in virtual time, not measured; link: {}; host: {}", note.link, note.host),
        advice: "take processor time, wake-ups and bytes for what the model makes of them, and hold the rest against a live run".to_owned(),
    };
    let external = scenario.clients.iter().filter(|c| c.program != Program::Native);
    let external = external.map(|client| Warning {
        client: Some(client.name.clone()),
        what: "it is a program of its own, which a simulation cannot run: the program's own client stands for it"
            .to_owned(),
        advice: "measure it live".to_owned(),
    });
    let beside = scenario.clients.iter().filter(|c| c.hog_processes > 0).map(|client| Warning {
        client: Some(client.name.clone()),
        what: "nothing computes beside it in a simulation: it has a processor of its own".to_owned(),
        advice: "measure it live".to_owned(),
    });
    let probes = (!scenario.probes.is_empty()).then(|| Warning {
        client: None,
        what: "probes measure a real interpreter and were left out".to_owned(),
        advice: "what is expected of them is inconclusive here; run the scenario live".to_owned(),
    });
    std::iter::once(of_all).chain(external).chain(beside).chain(probes).collect()
}

/// One group and its facts.
struct Done {
    simulated: Simulated,
    facts: Option<FactsFile>,
}

/// A place for what comes of each group; `None` as long as nothing has.
type Slot = Option<Result<Done, io::Error>>;

/// Lets all groups go, on as many threads as the pool has; the longest first, so that none is left alone at the end.
fn simulate(groups: &[Group], kept: Option<&Path>, progress: &Simulating, stop: &AtomicBool) -> Vec<Slot> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|a, b| groups[*b].work().total_cmp(&groups[*a].work()).then(a.cmp(b)));
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Slot>> = groups.iter().map(|_| Mutex::new(None)).collect();
    rayon::broadcast(|_| {
        while let Some(&number) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = run(&groups[number], number, kept, progress, stop);
            *slots[number].lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        }
    });
    slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn run(
    group: &Group,
    number: usize,
    kept: Option<&Path>,
    progress: &Simulating,
    stop: &AtomicBool,
) -> Result<Done, io::Error> {
    let full = group.scenario.facts == Facts::Full;
    let facts = kept.map(|folder| FactsFile::create(folder, number, group.clients.len(), full)).transpose()?;
    let mut onlooker = Onlooker { group, facts, progress, stop, told: Tick(0) };
    let simulated = group.run(&mut onlooker);
    let Onlooker { mut facts, told, .. } = onlooker;
    if let Some(facts) = &mut facts {
        facts.close()?;
    }
    progress.group_is_over(group, simulated.end.saturating_since(told));
    Ok(Done { simulated, facts })
}

/// Looks on while a group goes.
struct Onlooker<'a> {
    group: &'a Group,
    facts: Option<FactsFile>,
    progress: &'a Simulating,
    stop: &'a AtomicBool,
    told: Tick,
}

impl Watcher for Onlooker<'_> {
    fn reached(&mut self, now: Tick) -> bool {
        self.progress.went_on(now.saturating_since(self.told));
        self.told = now;
        !self.stop.load(Ordering::Relaxed) && self.facts.as_mut().is_none_or(|facts| facts.reached(now))
    }

    fn posted(&mut self, emissions: &[Emission]) {
        if let Some(facts) = &mut self.facts {
            facts.posted(emissions);
        }
    }

    fn observed(&mut self, place: usize, observations: &[Observation]) {
        if let Some(facts) = &mut self.facts {
            let slot = self.group.places.get(place).map_or(0, |place| place.0);
            facts.observed(slot, observations);
        }
    }

    fn asked(&mut self, requests: &[(usize, Request)]) {
        if let Some(facts) = &mut self.facts {
            let slot = |place: usize| self.group.places.get(place).map_or(0, |place| place.0);
            let of_clients: Vec<_> = requests.iter().map(|(place, request)| (slot(*place), *request)).collect();
            facts.asked(&of_clients);
        }
    }
}

/// Writes the facts of a group to the tables, moved to its place in the run.
fn save_facts(folder: &mut RunFolder, group: &Group, offset: &Offset, facts: FactsFile) -> Result<(), SimulationError> {
    let repeat = group.repeat;
    let folder = std::cell::RefCell::new(folder);
    facts.read(
        |emissions| {
            let moved: Vec<_> = emissions.iter().map(|e| offset.emission(*e)).collect();
            Ok(folder.borrow_mut().append_emissions(repeat, &moved)?)
        },
        |place, observations| {
            let moved: Vec<_> = observations.iter().map(|o| offset.observation(*o)).collect();
            Ok(folder.borrow_mut().append_observations(group.clients[place], repeat, &moved)?)
        },
        |requests| {
            for (place, client) in group.clients.iter().enumerate() {
                let own = requests.iter().filter(|(of, _)| *of == place);
                let moved: Vec<_> = own.map(|(_, request)| offset.request(*request)).collect();
                folder.borrow_mut().append_requests(*client, repeat, &moved)?;
            }
            Ok(())
        },
    )
}
