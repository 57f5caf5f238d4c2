//! Run folders: saved as the facts come, so that an interrupted run keeps what it has, and loaded again.
//!
//! The tables are appended to; `run.json` and `summary.csv` are written anew each time, under another name first, so that
//! there is always a whole one. `run.json` says how many rows of each table belong to it: what a killed run wrote after its
//! last saving is passed over.

mod load;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::parquet_files::{remove_csv, write_parquet};
use super::request::Tables;
use crate::report::csv::facts::{
    EMISSIONS, OBSERVATIONS, REQUESTS, write_emissions, write_observations, write_requests,
};
use crate::report::csv::ledger::{LEDGER, write_ledger};
use crate::report::csv::probes::{PROBES, write_probe};
use crate::report::csv::summary::write_summary;
use crate::report::csv::{CsvError, Names};
use crate::report::document::{DocumentError, RunNote, SavedRows, write_document};
use crate::report::excerpt::Excerpt;
use crate::scenario::model::{Facts, Scenario};
use crate::summary::Summary;
use crate::trace::{Emission, Observation, ProbeRun, Request, Segment, Trace};
pub(super) use load::{Heads, check_repeat, heads};
pub use load::{LoadedRun, load, load_excerpt, load_summary};

const RUN: &str = "run.json";
const SUMMARY: &str = "summary.csv";
const EXCERPT: &str = "excerpt.json";

/// Why a run folder could not be written or read. All of them are bad input (exit code 2) but [`RunFolderError::Write`] in
/// mid-run.
#[derive(Debug, Error)]
pub enum RunFolderError {
    /// A new run must not be mixed with what is there.
    #[error("{}: already holds {holds}; a run needs a folder that is new or empty", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        holds: &'static str,
    },
    /// It cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A table is damaged.
    #[error("{}, {error}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What, and where.
        error: CsvError,
    },
    /// `excerpt.json` is damaged.
    #[error("{}: {what}", path.display())]
    Excerpt {
        /// The file.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// A table of Parquet is damaged, or another program's.
    #[error(
        "{}: {what}; put the file of the run back from where it was made, or leave out --from-facts: excerpt.json, where it is kept, \
         is enough for a report",
        path.display()
    )]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What, and where.
        what: String,
    },
    /// It has no facts.
    #[error("{}: the simulation kept no facts; simulate it again with --facts news", path.display())]
    NoFacts {
        /// The folder.
        path: PathBuf,
    },
    /// `run.json` is damaged.
    #[error("{}, {error}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What, and where.
        error: DocumentError,
    },
}

/// A table that is appended to.
#[derive(Debug)]
struct Table {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl Table {
    fn create(folder: &Path, name: &str, columns: &[&str]) -> Result<Table, RunFolderError> {
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|source| RunFolderError::Write { path: path.clone(), source })?;
        let writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(file);
        let mut table = Table { path, writer };
        table.append(|out| out.write_record(columns))?;
        Ok(table)
    }

    /// Writes rows, and sees to it that they have left this process.
    fn append(&mut self, rows: impl FnOnce(&mut csv::Writer<File>) -> csv::Result<()>) -> Result<(), RunFolderError> {
        let written = rows(&mut self.writer).map_err(io::Error::from).and_then(|()| self.writer.flush());
        written.map_err(|source| RunFolderError::Write { path: self.path.clone(), source })
    }
}

/// The folder of a run that is being made.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    names: Names,
    emissions: Table,
    observations: Table,
    ledger: Table,
    requests: Option<Table>,
    probes: Option<(Table, Scenario)>,
    rows: SavedRows,
}

impl RunFolder {
    /// Makes the folder, and the tables with their headers: what cannot be written is known before the run starts.
    ///
    /// # Errors
    /// When there is something in it, or it cannot be written.
    pub fn create(path: &Path, scenario: &Scenario) -> Result<RunFolder, RunFolderError> {
        let cannot = |source| RunFolderError::Write { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(cannot)?;
        if fs::read_dir(path).map_err(cannot)?.next().is_some() {
            let holds = if path.join(RUN).exists() { "a run" } else { "something else" };
            return Err(RunFolderError::Occupied { path: path.to_owned(), holds });
        }
        let full = scenario.facts == Facts::Full;
        Ok(RunFolder {
            path: path.to_owned(),
            names: Names::new(scenario),
            emissions: Table::create(path, "emissions.csv", EMISSIONS)?,
            observations: Table::create(path, "observations.csv", OBSERVATIONS)?,
            ledger: Table::create(path, "ledger.csv", LEDGER)?,
            requests: full.then(|| Table::create(path, "requests.csv", REQUESTS)).transpose()?,
            probes: match scenario.probes.is_empty() {
                true => None,
                false => Some((Table::create(path, "probes.csv", PROBES)?, scenario.clone())),
            },
            rows: SavedRows {
                requests: full.then_some(0),
                probes: (!scenario.probes.is_empty()).then_some(0),
                ..SavedRows::default()
            },
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends changes of a repeat: those since the last time.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append_emissions(&mut self, repeat: u32, emissions: &[Emission]) -> Result<(), RunFolderError> {
        self.emissions.append(|out| write_emissions(out, &self.names, repeat, emissions))?;
        self.rows.emissions += emissions.len() as u64;
        Ok(())
    }

    /// Appends what a client saw: also of one that failed and has no segment.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append_observations(
        &mut self,
        client: usize,
        repeat: u32,
        observations: &[Observation],
    ) -> Result<(), RunFolderError> {
        self.observations.append(|out| write_observations(out, &self.names, client, repeat, observations))?;
        self.rows.observations += observations.len() as u64;
        Ok(())
    }

    /// Appends the facts of a segment. Its numbers are in `run.json` from the next [`RunFolder::save`] on.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append_segment(&mut self, segment: &Segment) -> Result<(), RunFolderError> {
        let (client, repeat) = (segment.client, segment.repeat);
        self.append_observations(client, repeat, &segment.observations)?;
        self.ledger.append(|out| write_ledger(out, &self.names, client, repeat, &segment.ledger))?;
        self.rows.ledger += segment.ledger.len() as u64;
        self.append_requests(client, repeat, &segment.requests)
    }

    /// Appends what a client asked for, where that is recorded.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append_requests(&mut self, client: usize, repeat: u32, requests: &[Request]) -> Result<(), RunFolderError> {
        if let Some((table, rows)) = self.requests.as_mut().zip(self.rows.requests.as_mut()) {
            table.append(|out| write_requests(out, &self.names, client, repeat, requests))?;
            *rows += requests.len() as u64;
        }
        Ok(())
    }

    /// Appends what a probe found.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append_probe(&mut self, run: &ProbeRun) -> Result<(), RunFolderError> {
        if let Some(((table, scenario), rows)) = self.probes.as_mut().zip(self.rows.probes.as_mut()) {
            table.append(|out| {
                *rows += write_probe(out, scenario, run)?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Writes `run.json` and `summary.csv` as of now. The facts of `trace` must have been appended.
    ///
    /// # Errors
    /// When they cannot be written; the ones before them are still there then.
    pub fn save(&self, note: &RunNote, trace: &Trace, summary: &Summary) -> Result<(), RunFolderError> {
        let mut table = Vec::new();
        let cannot = |name: &str, source| RunFolderError::Write { path: self.path.join(name), source };
        write_summary(&mut table, summary).map_err(|e| cannot(SUMMARY, e.into()))?;
        let document = write_document(note, trace, summary, self.rows).map_err(|e| cannot(RUN, e))?;
        self.replace(SUMMARY, &table)?;
        self.replace(RUN, &document)
    }

    /// Saves a run that is complete in memory, such as a simulated one.
    ///
    /// # Errors
    /// Those of [`RunFolder::create`] and of writing.
    pub fn write(path: &Path, note: &RunNote, trace: &Trace, summary: &Summary) -> Result<RunFolder, RunFolderError> {
        let mut folder = RunFolder::create(path, &trace.scenario)?;
        for (repeat, emissions) in trace.emissions.iter().enumerate() {
            folder.append_emissions(repeat as u32, emissions)?;
        }
        for segment in &trace.segments {
            folder.append_segment(segment)?;
        }
        for run in &trace.probes {
            folder.append_probe(run)?;
        }
        folder.save(note, trace, summary)?;
        Ok(folder)
    }

    /// Keeps the long tables in another form, once all rows are appended and saved.
    ///
    /// # Errors
    /// When they cannot be written; those of CSV are still there then.
    pub fn keep(&self, tables: Tables) -> Result<(), RunFolderError> {
        if tables == Tables::Csv {
            return Ok(());
        }
        let (path, names, rows) = (&self.path, &self.names, self.rows);
        write_parquet::<Emission>(path, "emissions", names, rows.emissions)?;
        write_parquet::<Observation>(path, "observations", names, rows.observations)?;
        if let Some(rows) = rows.requests {
            write_parquet::<Request>(path, "requests", names, rows)?;
        }
        if tables == Tables::Parquet {
            remove_csv(path)?;
        }
        Ok(())
    }

    /// Writes what figures need of the facts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_excerpt(&self, excerpt: &Excerpt) -> Result<(), RunFolderError> {
        let cannot = |source| RunFolderError::Write { path: self.path.join(EXCERPT), source };
        let bytes = excerpt.write().map_err(|e| cannot(e.into()))?;
        self.replace(EXCERPT, &bytes)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), RunFolderError> {
        let (path, draft) = (self.path.join(name), self.path.join(format!("{name}.tmp")));
        let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, &path));
        written.map_err(|source| RunFolderError::Write { path, source })
    }
}

#[cfg(test)]
mod tests;
