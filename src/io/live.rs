//! A live run from request to results: the run folder is made first, facts are saved as they come, the report is drawn last.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thiserror::Error;
use tokio::sync::watch;

use super::clock;
use super::draw::DrawError;
use super::files::FileError;
use super::host::measured_host;
use super::interrupt::Interrupt;
use super::listen::{ListenError, bind_row};
use super::progress::Progress;
use super::python::programs::{NotReady, Programs};
use super::redraw::write_report;
use super::remark::remark;
use super::request::{RunRequest, Tables};
use super::run::{self, Event, Outcome, RunError};
use super::runs::{RunFolder, RunFolderError};
use super::screen::Screen;
use super::steady::{Steady, SteadyError};
use super::sweep_folder::SweepError;
use super::terminal;
use crate::expect::{Verdicts, judge};
use crate::report::document::RunNote;
use crate::report::doubts::Doubts;
use crate::report::excerpt::Excerpt;
use crate::report::palette::Theme;
use crate::report::sentence::sentence;
use crate::summary::notes::notes;
use crate::summary::{Summary, near_floor, summarise};
use crate::time::{Span, Tick};
use crate::trace::{Failure, Trace};

/// Saving in mid-run takes at most one part in this many of the time of a run.
const SAVING_SHARE: u64 = 20;

/// Why a live run could not be made, or not be saved.
#[derive(Debug, Error)]
pub enum LiveError {
    /// The run folder cannot be made: bad input.
    #[error(transparent)]
    Folder(RunFolderError),
    /// The run folder to be read is not one: bad input.
    #[error(transparent)]
    Load(RunFolderError),
    /// A port is taken: bad input.
    #[error(transparent)]
    Port(ListenError),
    /// What a client needs is not there: bad input.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// What was asked for does not exist: bad input.
    #[error("{0}")]
    Ask(String),
    /// Results could not be saved in mid-run, or the run could not go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The summary could not be saved.
    #[error(transparent)]
    Save(RunFolderError),
    /// The report could not be drawn.
    #[error("the report could not be drawn: {0}")]
    Draw(#[from] DrawError),
    /// The report could not be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// The sweep that is to be reported on cannot be read: bad input.
    #[error(transparent)]
    Sweep(Box<SweepError>),
    /// No processor can be kept awake, which the scenario asks for.
    #[error(transparent)]
    Steady(#[from] SteadyError),
    /// The runtime for the child processes could not be started.
    #[error("child processes cannot be watched: {0}")]
    Runtime(std::io::Error),
}

/// What a live run came to.
#[derive(Debug)]
pub struct Finished {
    /// The numbers.
    pub summary: Summary,
    /// What the scenario's expectations came to.
    pub verdicts: Verdicts,
    /// What went wrong.
    pub failures: Vec<Failure>,
    /// Whether a person ended it early.
    pub interrupted: bool,
    /// Where everything is.
    pub folder: PathBuf,
    /// What polling cost.
    pub sentence: String,
    /// What is known against the numbers of each client.
    pub doubts: Doubts,
    /// Figures that have no data, with the reason.
    pub left_out: Vec<String>,
}

/// Runs, saves and reports.
///
/// # Errors
/// When the folder or the port cannot be had, or results cannot be written. What goes wrong with clients or the IOC is in
/// the result, beside what was recorded.
pub fn run_live(request: &RunRequest) -> Result<Finished, LiveError> {
    let scenario = &request.scenario;
    let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let path = request.out.clone().unwrap_or_else(|| default_folder(&scenario.name, &started));
    check_ports(request.port, scenario.listeners().last().map_or(0, |last| last.end))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LiveError::Runtime)?;
    let programs = runtime.block_on(Programs::of(scenario))?;
    // From before the floor is measured: it is the floor of what follows.
    let _steady = scenario.steady.then(Steady::start).transpose()?;
    let mut host = measured_host();
    host.interpreters = programs.interpreters().to_vec();
    let mut saver = Saver {
        folder: RunFolder::create(&path, scenario).map_err(LiveError::Folder)?,
        note: RunNote {
            pollcost: env!("CARGO_PKG_VERSION").to_owned(),
            started: Some(started),
            host,
            simulated: None,
            failures: Vec::new(),
            interrupted: false,
            finished: false,
            notes: Vec::new(),
        },
        next: clock::now(),
        report: request.report,
    };
    let outcome = runtime.block_on(async {
        let (mut shown, interrupted) = Shown::open(request);
        let mut listener = |event: Event<'_>| {
            shown.event(&event);
            saver.event(&event).map_err(|e| e.to_string())
        };
        run::run(scenario, &programs, request.port, interrupted, &mut listener).await
    });
    saver.conclude(outcome?, request.tables)
}

/// Where a person sees how far the run is.
enum Shown {
    Plain(Progress),
    Screen(Box<Screen>),
}

impl Shown {
    /// As it was asked for, and what tells that the run is to end.
    fn open(request: &RunRequest) -> (Shown, watch::Receiver<bool>) {
        let interrupt = Interrupt::of_program();
        let plain = || (Shown::Plain(Progress::new(&request.scenario, request.voice.quiet)), interrupt.told());
        if !request.live {
            return plain();
        }
        if !terminal::possible() {
            remark("--live needs a terminal on standard error, in the foreground: plain progress instead");
            return plain();
        }
        match Screen::open(&request.scenario, request.voice.colour, interrupt) {
            Ok(screen) => (Shown::Screen(Box::new(screen)), interrupt.told()),
            Err(error) => {
                remark(format_args!("--live: the terminal cannot be used ({error}): plain progress instead"));
                plain()
            }
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        match self {
            Shown::Plain(progress) => progress.event(event),
            Shown::Screen(screen) => screen.event(event),
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Shown::Plain(progress) = self {
            progress.finish();
        }
    }
}

pub(super) fn default_folder(name: &str, started: &str) -> PathBuf {
    let compact: String = started.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    Path::new("reports").join(format!("{name}-{compact}"))
}

/// A port that is taken is told before anything is started or written.
fn check_ports(first: u16, listeners: usize) -> Result<(), LiveError> {
    if first != 0 {
        bind_row(Ipv4Addr::LOCALHOST, first, listeners).map_err(LiveError::Port)?;
    }
    Ok(())
}

/// Saves facts as they come.
struct Saver {
    folder: RunFolder,
    note: RunNote,
    /// When the summary may be written again.
    next: Tick,
    /// Whether the report is drawn in the end.
    report: bool,
}

impl Saver {
    fn event(&mut self, event: &Event<'_>) -> Result<(), RunFolderError> {
        match event {
            Event::Started { .. } | Event::Probing { .. } | Event::ProbeFailed { .. } => Ok(()),
            Event::Probed { run } => self.folder.append_probe(run),
            Event::Failed { client, repeat, observations, emissions, .. } => {
                self.folder.append_emissions(*repeat, emissions)?;
                self.folder.append_observations(*client, *repeat, observations)
            }
            Event::Measured { segment, emissions, trace, failures } => {
                self.folder.append_emissions(segment.repeat, emissions)?;
                self.folder.append_segment(segment)?;
                let start = clock::now();
                if start < self.next {
                    return Ok(());
                }
                self.save(trace, failures)?;
                let taken = clock::now().saturating_since(start);
                self.next = clock::now() + Span(taken.0.saturating_mul(SAVING_SHARE));
                Ok(())
            }
        }
    }

    fn save(&mut self, trace: &Trace, failures: &[Failure]) -> Result<Summary, RunFolderError> {
        self.note.failures = failures.to_vec();
        self.note.notes = notes(failures, self.note.interrupted);
        let mut summary = summarise(trace, &self.note.notes);
        if let Some(floor) = &self.note.host.floor {
            summary.warnings.extend(near_floor(&trace.scenario, &summary, floor));
        }
        self.folder.save(&self.note, trace, &summary)?;
        Ok(summary)
    }

    fn conclude(mut self, outcome: Outcome, tables: Tables) -> Result<Finished, LiveError> {
        let Outcome { trace, failures, interrupted } = outcome;
        self.note.interrupted = interrupted;
        self.note.finished = true;
        let summary = self.save(&trace, &failures).map_err(LiveError::Save)?;
        let sentence = sentence(&trace.scenario, &summary);
        let folder = self.folder.path().to_owned();
        let excerpt = Excerpt::of(&trace);
        self.folder.save_excerpt(&excerpt).map_err(LiveError::Save)?;
        self.folder.keep(tables).map_err(LiveError::Save)?;
        let left_out = if self.report {
            write_report(&folder, &self.note, &trace.scenario, &summary, Some(excerpt), Theme::Light)?
        } else {
            Vec::new()
        };
        let verdicts = judge(&trace.scenario, &summary);
        let doubts = Doubts::new(&summary, &trace.scenario, &self.note.host);
        Ok(Finished { summary, doubts, verdicts, failures, interrupted, folder, sentence, left_out })
    }
}
