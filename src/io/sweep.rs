//! A sweep from request to results: a run for each cell, those that are missing only; then the table over all of them.

use std::path::PathBuf;

use super::files::write_files;
use super::live::default_folder;
use super::progress::{Steps, expected};
use super::request::{How, LinkChoice, SweepRequest};
use super::series::{Earlier, Reports, Series};
use super::series_report::{sweep_files, sweep_report};
use super::simulation::link_model;
use super::sweep_folder::{SweepError, is_empty, is_sweep, load_index, save_index, survey, table};
use crate::report::palette::Theme;
use crate::report::sweep::{Survey, SweepIndex, index_of};
use crate::scenario::model::Scenario;
use crate::scenario::shard::{Shard, deal};
use crate::scenario::sweep::told;
use crate::simulate::{Delay, Link, Model};
use crate::time::Span;

/// What stands for the link of a live run where its closed forms are worked out.
const TYPICAL_WAY: Span = Span::from_micros(15);

/// What came of it.
#[derive(Debug)]
pub struct SweepDone {
    /// Where everything is.
    pub folder: PathBuf,
    /// What is there.
    pub survey: Survey,
    /// Cells of which clients failed.
    pub failed: Vec<String>,
    /// Whether a person ended it early.
    pub interrupted: bool,
    /// The page of its report; `None`: none was wanted.
    pub page: Option<PathBuf>,
}

/// What would be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Which part of the cells; `None`: all of them.
    pub shard: Option<Shard>,
    /// Each cell: its folder, its values, and how long it takes.
    pub cells: Vec<(String, String, Span)>,
    /// Whether time is virtual.
    pub simulated: bool,
}

/// What a request would run.
///
/// # Errors
/// When there are fewer cells than shards.
pub fn plan(request: &SweepRequest) -> Result<Plan, SweepError> {
    let sweep = &request.sweep;
    let cells = own_cells(request)?.into_iter().map(|place| {
        let cell = &sweep.cells[place];
        (cell.folder.clone(), told(&sweep.axes, &cell.at), expected(&cell.scenario))
    });
    let simulated = matches!(request.how, How::Simulated { .. });
    Ok(Plan { shard: request.shard, cells: cells.collect(), simulated })
}

/// Runs the cells that are missing or in which a client failed, and reports on all that is there.
///
/// # Errors
/// When the folder holds something else, a cell cannot be run at all, or results cannot be written. What was complete is kept.
pub fn run_sweep(request: &SweepRequest) -> Result<SweepDone, SweepError> {
    let folder = request.out.clone().unwrap_or_else(|| {
        let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
        default_folder(&request.name, &now)
    });
    let own = own_cells(request)?;
    let index = index(request)?;
    if is_sweep(&folder) {
        let there = load_index(&folder)?;
        let part = |index: &SweepIndex| index.shard.clone().map_or("all cells".to_owned(), |s| format!("--shard {s}"));
        let shard = (there.shard != index.shard).then(|| format!("{} there, {} here", part(&there), part(&index)));
        if let Some(what) = there.difference(&index).or(shard) {
            return Err(SweepError::Other { path: folder, what });
        }
    } else if !is_empty(&folder) {
        return Err(SweepError::Occupied(folder));
    }
    save_index(&folder, &index)?;

    let report = !matches!(request.how, How::Simulated { report: false, .. });
    let reports = if report { Reports::Pages } else { Reports::None };
    let series = Series { folder: &folder, how: &request.how, reports, voice: request.voice };
    let lengths = own.iter().map(|place| expected(&request.sweep.cells[*place].scenario)).collect();
    let mut steps = Steps::new(lengths, request.voice.quiet);
    let mut interrupted = false;
    for place in own {
        let cell = &request.sweep.cells[place];
        let name = told(&request.sweep.axes, &cell.at);
        let earlier = series.earlier(&cell.folder, &cell.scenario)?;
        steps.next(&match earlier {
            Earlier::Missing => name,
            Earlier::Failed => format!("{name}: a client failed in it; it is run again"),
            Earlier::Complete(_) => format!("{name}: is there already"),
        });
        if !matches!(earlier, Earlier::Complete(_)) {
            interrupted = series.run(&cell.folder, &cell.scenario)?.interrupted;
        }
        if interrupted {
            break;
        }
    }
    steps.finish();
    finish(folder, index, report, interrupted)
}

/// Reports on what a folder has of a sweep: its table, and the report where one is wanted.
pub(super) fn finish(
    folder: PathBuf,
    index: SweepIndex,
    report: bool,
    interrupted: bool,
) -> Result<SweepDone, SweepError> {
    let survey = survey(&folder, index)?;
    let mut files = vec![table(&folder, &survey)?];
    if report {
        files.extend(sweep_files(&sweep_report(&survey), Theme::Light)?);
    }
    write_files(&folder, &files)?;
    let cells = survey.index.cells.iter().zip(&survey.cells);
    let failed = cells.filter(|(_, found)| found.as_ref().is_some_and(|found| found.failed));
    let failed = failed.map(|(cell, _)| cell.folder.clone()).collect();
    let page = report.then(|| folder.join("report.html"));
    Ok(SweepDone { folder, survey, failed, interrupted, page })
}

fn own_cells(request: &SweepRequest) -> Result<Vec<usize>, SweepError> {
    let cells = &request.sweep.cells;
    let Some(shard) = request.shard else { return Ok((0..cells.len()).collect()) };
    if shard.of > cells.len() {
        return Err(SweepError::Shard { shard, cells: cells.len() });
    }
    let lengths: Vec<Span> = cells.iter().map(|cell| expected(&cell.scenario)).collect();
    Ok(deal(&lengths, shard))
}

fn index(request: &SweepRequest) -> Result<SweepIndex, SweepError> {
    let typical =
        |scenario: &Scenario| Model::typical(&Link::EachWay(Delay::Constant(TYPICAL_WAY)), scenario.clients.len());
    let (simulated, facts) = match &request.how {
        How::Live { .. } => (None, None),
        How::Simulated { link, facts, .. } => (Some(link.to_string()), *facts),
    };
    // A run or an examination that cannot be read is bad input before anything is written.
    if let (How::Simulated { link: link @ (LinkChoice::From(_) | LinkChoice::Doctor(_)), .. }, Some(cell)) =
        (&request.how, request.sweep.cells.first())
    {
        link_model(&cell.scenario, link).map_err(|e| SweepError::Link(Box::new(e)))?;
    }
    let model = |scenario: &Scenario| match &request.how {
        How::Live { .. } => Some(typical(scenario)),
        How::Simulated { link, .. } => link_model(scenario, link).ok(),
    };
    let index = index_of(&request.sweep, simulated, facts, &model);
    let shard = request.shard.map(|shard| shard.to_string());
    let none = || SweepError::Merge { what: "the sweep has no cells".to_owned(), advice: "" };
    index.map(|index| SweepIndex { shard, ..index }).ok_or_else(none)
}
