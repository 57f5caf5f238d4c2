//! The folder of a sweep: its index, what is in it, and the table over it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::draw::DrawError;
use super::files::FileError;
use super::runs::{RunFolderError, load_summary};
use super::series::SeriesError;
use super::simulation::SimulationError;
use crate::report::doubts::Doubts;
use crate::report::sweep::index::digest;
use crate::report::sweep::{CellFound, IndexError, Pages, Survey, SweepIndex};
use crate::scenario::shard::Shard;

/// The index.
const INDEX: &str = "sweep.json";
/// A row for each client of each cell.
const TABLE: &str = "sweep.csv";

/// Why a sweep could not be run to its end, or not be put together.
#[derive(Debug, Error)]
pub enum SweepError {
    /// A cell could not be run, or is there already as something else.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// The link cannot be had: bad input.
    #[error(transparent)]
    Link(Box<SimulationError>),
    /// A cell cannot be read: bad input.
    #[error(transparent)]
    Cell(Box<RunFolderError>),
    /// The index cannot be read: bad input.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The index is damaged: bad input.
    #[error("{}: {error}", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What, and where.
        error: IndexError,
    },
    /// The folder holds another sweep: bad input.
    #[error("{}: holds another sweep: {what}", path.display())]
    Other {
        /// The folder.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// The folder holds something that is no sweep: bad input.
    #[error("{}: already holds something else; a sweep needs a folder that is new, empty or its own", .0.display())]
    Occupied(PathBuf),
    /// More shards than cells: bad input.
    #[error("--shard {shard}: the sweep has only {cells} cells")]
    Shard {
        /// What was asked for.
        shard: Shard,
        /// How many there are.
        cells: usize,
    },
    /// Shards do not make one sweep: bad input.
    #[error("{what}")]
    Merge {
        /// What is wrong.
        what: String,
        /// What would be right.
        advice: &'static str,
    },
    /// The report cannot be drawn.
    #[error("the report of the sweep could not be drawn: {0}")]
    Draw(#[from] DrawError),
    /// Something cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

/// Whether a folder is that of a sweep.
#[must_use]
pub(super) fn is_sweep(folder: &Path) -> bool {
    folder.join(INDEX).is_file()
}

/// Reads the index of a folder.
pub(super) fn load_index(folder: &Path) -> Result<SweepIndex, SweepError> {
    let path = folder.join(INDEX);
    match fs::read(&path) {
        Ok(bytes) => SweepIndex::read(&bytes).map_err(|error| SweepError::Index { path, error }),
        Err(source) => Err(SweepError::Unreadable { path, source }),
    }
}

/// Writes the index of a folder, which is made.
pub(super) fn save_index(folder: &Path, index: &SweepIndex) -> Result<(), SweepError> {
    let (path, draft) = (folder.join(INDEX), folder.join(format!("{INDEX}.tmp")));
    let written = fs::create_dir_all(folder)
        .and_then(|()| index.write())
        .and_then(|bytes| fs::write(&draft, bytes))
        .and_then(|()| fs::rename(&draft, &path));
    written.map_err(|source| FileError { path, source }.into())
}

/// Whether there is nothing in a folder, or no folder.
pub(super) fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(!folder.exists(), |mut entries| entries.next().is_none())
}

/// A sweep and what its folder has of it.
pub(super) fn survey(folder: &Path, index: SweepIndex) -> Result<Survey, SweepError> {
    let mut cells = Vec::new();
    for cell in &index.cells {
        let path = folder.join(&cell.folder);
        if !path.exists() {
            cells.push(None);
            continue;
        }
        let (note, scenario, summary) = load_summary(&path).map_err(|e| SweepError::Cell(Box::new(e)))?;
        if digest(&scenario) != cell.digest {
            return Err(SweepError::Other { path, what: "its scenario is not the one of the index".to_owned() });
        }
        if note.pollcost != index.pollcost {
            let what = format!("version of pollcost: {} there, {} in the index", note.pollcost, index.pollcost);
            return Err(SweepError::Other { path, what });
        }
        let there = |file: &str| path.join(file).is_file();
        let pages = Pages { html: there("report.html"), markdown: there("report.md") };
        let doubts = Doubts::new(&summary, &scenario, &note.host);
        let (failed, simulated) = (!note.failures.is_empty(), note.simulated);
        let host = simulated.is_none().then_some(note.host);
        cells.push(Some(CellFound { summary, failed, host, simulated, doubts, pages }));
    }
    Ok(Survey { index, cells })
}

/// The table of all cells: its name and what is in it.
pub(super) fn table(folder: &Path, survey: &Survey) -> Result<(String, Vec<u8>), SweepError> {
    let unwritten = |source: csv::Error| FileError { path: folder.join(TABLE), source: source.into() };
    Ok((TABLE.to_owned(), survey.csv().map_err(unwritten)?))
}
