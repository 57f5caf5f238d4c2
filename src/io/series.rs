//! Runs that belong together, each in a folder of its own below one. A second start goes on where the first was ended: a run is made
//! in a folder beside its own, which gets its name once it is over, and a run in which a client failed is made again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::live::{Finished, LiveError, run_live};
use super::python::programs::NotReady;
use super::request::{How, RunRequest, SimulateRequest, Tables, Voice};
use super::runs::{RunFolderError, load_summary};
use super::series_report::pages;
use super::simulation::{SimulationError, run_simulation};
use crate::scenario::difference;
use crate::scenario::model::{Facts, Scenario};
use crate::summary::Summary;

/// Why a series could not go on.
#[derive(Debug, Error)]
pub enum SeriesError {
    /// A live run failed as a whole.
    #[error("{0}: {1}")]
    Live(String, Box<LiveError>),
    /// A simulation failed as a whole.
    #[error("{0}: {1}")]
    Simulation(String, Box<SimulationError>),
    /// What an earlier start left cannot be read: bad input.
    #[error(transparent)]
    Earlier(RunFolderError),
    /// What an earlier start left is of another scenario or of other options: bad input.
    #[error("{}: holds a run of another kind: {what}", path.display())]
    Other {
        /// The run.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// A folder cannot be put in its place.
    #[error("{}: cannot be put in its place: {source}", path.display())]
    Place {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl SeriesError {
    /// What a client of it lacks on this machine, where that is the reason.
    #[must_use]
    pub fn not_ready(&self) -> Option<&NotReady> {
        match self {
            SeriesError::Live(_, error) => match &**error {
                LiveError::NotReady(lack) => Some(lack),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What an earlier start left of a run.
#[derive(Debug)]
pub enum Earlier {
    /// Nothing.
    Missing,
    /// A client failed in it.
    Failed,
    /// All of it.
    Complete(Box<Summary>),
}

/// Which report each run of a series has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports {
    /// None.
    None,
    /// The page and its text, no file for each figure.
    Pages,
    /// All of it.
    Whole,
}

/// Where the runs go, and how they are made.
#[derive(Debug)]
pub struct Series<'a> {
    /// The folder of all of them.
    pub folder: &'a Path,
    /// Live, or not.
    pub how: &'a How,
    /// Which report each run has.
    pub reports: Reports,
    /// How to speak.
    pub voice: Voice,
}

impl Series<'_> {
    /// The folder of a run.
    #[must_use]
    pub fn own(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What an earlier start left of a run.
    ///
    /// # Errors
    /// When it cannot be read, or is of something else: what differs is named.
    pub fn earlier(&self, name: &str, scenario: &Scenario) -> Result<Earlier, SeriesError> {
        let path = self.own(name);
        if !path.exists() {
            return Ok(Earlier::Missing);
        }
        let (note, saved, summary) = load_summary(&path).map_err(SeriesError::Earlier)?;
        let (wanted, option) = match self.how {
            How::Live { .. } => (scenario.clone(), None),
            How::Simulated { link, facts, .. } => {
                (Scenario { facts: facts.unwrap_or(Facts::News), ..scenario.clone() }, Some(link.to_string()))
            }
        };
        let way =
            |option: Option<&str>| option.map_or("measured live".to_owned(), |o| format!("simulated with --link {o}"));
        let there = note.simulated.as_ref().map(|simulated| simulated.option.as_str());
        let kind =
            (there != option.as_deref()).then(|| format!("{} there, {} here", way(there), way(option.as_deref())));
        if let Some(what) = kind.or_else(|| difference(&saved, &wanted)) {
            return Err(SeriesError::Other { path, what });
        }
        let whole = note.finished && !note.interrupted && note.failures.is_empty();
        Ok(if whole { Earlier::Complete(Box::new(summary)) } else { Earlier::Failed })
    }

    /// Makes a run in a folder beside its own. One that a person ended early stays there.
    ///
    /// # Errors
    /// When it cannot be made or saved at all. What was in its place before is kept then.
    pub fn run(&self, name: &str, scenario: &Scenario) -> Result<Finished, SeriesError> {
        let (own, draft) = (self.own(name), self.folder.join(format!("{name}.part")));
        let place = |source| SeriesError::Place { path: own.clone(), source };
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(place)?;
        }
        let voice = Voice { quiet: true, ..self.voice };
        let (scenario, out, report) = (scenario.clone(), Some(draft.clone()), self.reports == Reports::Whole);
        let mut finished = match self.how {
            How::Live { port } => run_live(&RunRequest {
                scenario,
                out,
                port: *port,
                report,
                check: false,
                tables: Tables::Csv,
                live: false,
                voice,
            })
            .map_err(|e| SeriesError::Live(name.to_owned(), Box::new(e)))?,
            How::Simulated { link, facts, report: wanted } => {
                let (link, facts, report) = (link.clone(), *facts, report && *wanted);
                let (tables, check) = (Tables::Csv, false);
                let request = SimulateRequest { scenario, out, link, facts, tables, report, check, voice };
                run_simulation(&request).map_err(|e| SeriesError::Simulation(name.to_owned(), Box::new(e)))?
            }
        };
        if !finished.interrupted {
            if self.reports == Reports::Pages {
                pages(&draft).map_err(|e| SeriesError::Live(name.to_owned(), Box::new(e)))?;
            }
            if own.exists() {
                fs::remove_dir_all(&own).map_err(place)?;
            }
            fs::rename(&draft, &own).map_err(place)?;
            finished.folder = own;
        }
        Ok(finished)
    }
}
