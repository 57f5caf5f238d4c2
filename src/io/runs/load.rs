//! Run folders read again: whole, or only what stands in `run.json`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::super::long_table;
use super::{EXCERPT, RUN, RunFolderError};
use crate::report::csv::ledger::read_ledger;
use crate::report::csv::probes::read_probes;
use crate::report::csv::{CsvError, Names};
use crate::report::document::{Document, RunNote, SavedRows, read_document};
use crate::report::excerpt::Excerpt;
use crate::scenario::model::Scenario;
use crate::summary::Summary;
use crate::trace::{Emission, Observation, Request, Segment, Trace};

/// A run that was loaded.
#[derive(Clone, Debug)]
pub struct LoadedRun {
    /// What is known of it besides its facts.
    pub note: RunNote,
    /// Its facts, as they were recorded: none but counts in a simulation that kept none.
    pub trace: Trace,
    /// Its summary as it was saved. Summing the trace up again gives the same, unless it is of a simulation that kept no facts.
    pub summary: Summary,
}

/// What a run came to, from `run.json` alone: enough to draw its report again where the tables of facts were not kept.
///
/// # Errors
/// When it is missing or damaged: the line and the column are named.
pub fn load_summary(path: &Path) -> Result<(RunNote, Scenario, Summary), RunFolderError> {
    let Document { note, trace, summary, .. } = document(path)?;
    Ok((note, trace.scenario, summary))
}

/// What figures need of the facts, as the run folder keeps it; `None` when it does not.
///
/// # Errors
/// When it is damaged.
pub fn load_excerpt(path: &Path) -> Result<Option<Excerpt>, RunFolderError> {
    let file = path.join(EXCERPT);
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(RunFolderError::Read { path: file, source }),
    };
    let excerpt = Excerpt::read(&bytes);
    excerpt.map(Some).map_err(|what| RunFolderError::Excerpt { path: file, what })
}

fn document(path: &Path) -> Result<Document, RunFolderError> {
    let file = path.join(RUN);
    let bytes = fs::read(&file).map_err(|source| RunFolderError::Read { path: file.clone(), source })?;
    read_document(&bytes).map_err(|error| RunFolderError::Document { path: file, error })
}

/// What a run folder holds beside the long tables.
#[derive(Debug)]
pub(in crate::io) struct Heads {
    /// What is known of the run besides its facts.
    pub(in crate::io) note: RunNote,
    /// Scenario, segments with their ledgers, probes; an empty list of changes for each repeat.
    pub(in crate::io) trace: Trace,
    /// Its summary as it was saved.
    pub(in crate::io) summary: Summary,
    /// How many rows of the tables belong to it.
    pub(in crate::io) rows: SavedRows,
}

/// Reads all but the long tables.
pub(in crate::io) fn heads(path: &Path) -> Result<Heads, RunFolderError> {
    let Document { note, mut trace, summary, rows } = document(path)?;
    let names = Names::new(&trace.scenario);
    let places = places(&trace.segments);
    table(path, "ledger.csv", |input| {
        read_ledger(input, &names, rows.ledger, |client, repeat, row| {
            let place = places.get(&(client, repeat)).and_then(|place| trace.segments.get_mut(*place));
            place.into_iter().for_each(|segment| segment.ledger.push(row));
        })
    })?;
    if let Some(rows) = rows.probes {
        let mut found = Vec::new();
        table(path, "probes.csv", |input| {
            found = read_probes(input, &trace.scenario, rows)?;
            Ok(())
        })?;
        trace.probes = found;
    }
    Ok(Heads { note, trace, summary, rows })
}

/// Where the segment of a client and a repeat stands. Facts of a client that failed belong to none: they stay in the tables.
fn places(segments: &[Segment]) -> HashMap<(usize, u32), usize> {
    segments.iter().enumerate().map(|(place, s)| ((s.client, s.repeat), place)).collect()
}

/// Says what is wrong with a repeat that a run of so many does not have.
pub(in crate::io) fn check_repeat(repeat: u32, repeats: usize) -> Result<(), String> {
    let known = (repeat as usize) < repeats;
    if known { Ok(()) } else { Err(format!("`{repeat}` is not one of the {repeats} repeats")) }
}

/// Loads a run folder.
///
/// # Errors
/// When a file is missing or damaged: it, the line and the column are named.
pub fn load(path: &Path) -> Result<LoadedRun, RunFolderError> {
    let Heads { note, mut trace, summary, rows } = heads(path)?;
    let names = Names::new(&trace.scenario);
    let Trace { emissions, segments, .. } = &mut trace;
    let repeats = emissions.len();
    long_table::groups::<Emission>(path, "emissions", &names, rows.emissions, |run, facts| {
        let of_repeat = check_repeat(run.key, repeats).map(|()| emissions.get_mut(run.key as usize));
        of_repeat.map(|of_repeat| of_repeat.into_iter().for_each(|all| all.extend_from_slice(facts))).map_err(|what| {
            let error = CsvError { line: run.line, column: Some("repeat".to_owned()), what };
            RunFolderError::Table { path: path.join("emissions.csv"), error }
        })
    })?;
    let places = places(segments);
    long_table::groups::<Observation>(path, "observations", &names, rows.observations, |run, facts| {
        let segment = places.get(&run.key).and_then(|place| segments.get_mut(*place));
        segment.into_iter().for_each(|segment| segment.observations.extend_from_slice(facts));
        Ok(())
    })?;
    if let Some(rows) = rows.requests {
        long_table::groups::<Request>(path, "requests", &names, rows, |run, facts| {
            let segment = places.get(&run.key).and_then(|place| segments.get_mut(*place));
            segment.into_iter().for_each(|segment| segment.requests.extend_from_slice(facts));
            Ok(())
        })?;
    }
    Ok(LoadedRun { note, trace, summary })
}

fn table(folder: &Path, name: &str, read: impl FnOnce(File) -> Result<(), CsvError>) -> Result<(), RunFolderError> {
    let path = folder.join(name);
    let file = File::open(&path).map_err(|source| RunFolderError::Read { path: path.clone(), source })?;
    read(file).map_err(|error| RunFolderError::Table { path, error })
}
