//! Run folders read again: whole, or only what stands in `run.json`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{EXCERPT, RUN, RunFolderError};
use crate::report::csv::facts::{read_emissions, read_observations, read_requests};
use crate::report::csv::ledger::read_ledger;
use crate::report::csv::probes::read_probes;
use crate::report::csv::{CsvError, Names};
use crate::report::document::{Document, RunNote, read_document};
use crate::report::excerpt::Excerpt;
use crate::scenario::model::Scenario;
use crate::summary::Summary;
use crate::trace::Trace;

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

/// Loads a run folder.
///
/// # Errors
/// When a file is missing or damaged: it, the line and the column are named.
pub fn load(path: &Path) -> Result<LoadedRun, RunFolderError> {
    let document = document(path)?;
    let (mut trace, rows) = (document.trace, document.rows);
    let names = Names::new(&trace.scenario);
    let repeats = trace.emissions.len();

    table(path, "emissions.csv", |input| {
        read_emissions(input, &names, rows.emissions, |repeat, emission| {
            let of_repeat = trace.emissions.get_mut(repeat as usize);
            of_repeat.ok_or_else(|| format!("one of the {repeats} repeats"))?.push(emission);
            Ok(())
        })
    })?;
    let segments = &mut trace.segments;
    let places: HashMap<(usize, u32), usize> =
        segments.iter().enumerate().map(|(place, s)| ((s.client, s.repeat), place)).collect();
    // Facts of a client that failed belong to no segment: they stay in the tables.
    let place = |client: usize, repeat: u32| places.get(&(client, repeat)).copied();
    table(path, "observations.csv", |input| {
        read_observations(input, &names, rows.observations, |client, repeat, observation| {
            place(client, repeat).into_iter().for_each(|i| segments[i].observations.push(observation));
        })
    })?;
    table(path, "ledger.csv", |input| {
        read_ledger(input, &names, rows.ledger, |client, repeat, row| {
            place(client, repeat).into_iter().for_each(|i| segments[i].ledger.push(row));
        })
    })?;
    if let Some(rows) = rows.requests {
        table(path, "requests.csv", |input| {
            read_requests(input, &names, rows, |client, repeat, request| {
                place(client, repeat).into_iter().for_each(|i| segments[i].requests.push(request));
            })
        })?;
    }
    if let Some(rows) = rows.probes {
        let mut found = Vec::new();
        table(path, "probes.csv", |input| {
            found = read_probes(input, &trace.scenario, rows)?;
            Ok(())
        })?;
        trace.probes = found;
    }
    Ok(LoadedRun { note: document.note, trace, summary: document.summary })
}

fn table(folder: &Path, name: &str, read: impl FnOnce(File) -> Result<(), CsvError>) -> Result<(), RunFolderError> {
    let path = folder.join(name);
    let file = File::open(&path).map_err(|source| RunFolderError::Read { path: path.clone(), source })?;
    read(file).map_err(|error| RunFolderError::Table { path, error })
}
