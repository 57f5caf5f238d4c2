//! The reports over runs that belong together, written when they are over and drawn again from their folder: of a sweep, of each of its
//! cells, and of a catalogue.

use std::path::{Path, PathBuf};

use super::draw::{DrawError, Style, figure_files, inline, pictures};
use super::files::write_files;
use super::live::LiveError;
use super::redraw::{Told, Written, command, files};
use super::request::ReportRequest;
use super::runs::load_summary;
use super::sweep_folder::{load_index, survey, table};
use crate::expect::Verdicts;
use crate::report::content::Content;
use crate::report::figure::Omitted;
use crate::report::figures::choose;
use crate::report::overview::{Overview, Surveyed};
use crate::report::palette::Theme;
use crate::report::sentence::sentence;
use crate::report::sweep::{Survey, SweepReport};
use crate::report::{html, markdown};
use crate::scenario::BUILT_IN;

/// Why a cell's Markdown has no figures.
const ON_THE_PAGE: &str = "the page beside this file has them; `pollcost report` on the folder draws them as files";

/// Files below a folder.
pub(super) type Files = Vec<(String, Vec<u8>)>;

/// The report of a sweep.
pub(super) fn sweep_report(survey: &Survey) -> SweepReport<'_> {
    let index = &survey.index;
    let command = match &index.simulated {
        None => command("run", &index.scenario),
        Some(option) => format!("{} --link {option}", command("simulate", &index.scenario)),
    };
    SweepReport::new(survey, command)
}

/// Its files.
pub(super) fn sweep_files(report: &SweepReport<'_>, theme: Theme) -> Result<Files, DrawError> {
    let mut files = figure_files(&report.figures, &Style::screen(theme))?;
    files.push(("report.html".to_owned(), report.html(&pictures(&report.figures)).into_bytes()));
    files.push(("report.md".to_owned(), report.markdown().into_bytes()));
    Ok(files)
}

/// The page of a run with its figures on it, and its Markdown, without a file for each figure: what a cell of a sweep has.
pub(super) fn pages(run: &Path) -> Result<(), LiveError> {
    let told = Told::load(run, false)?;
    let (page, text) = told.with_input(|input| {
        let content = Content::new(input);
        let page = html::render(&content, &pictures(&content.figures));
        let unfiled = content.figures.iter();
        let unfiled = unfiled.map(|f| Omitted { id: f.id, title: f.title.clone(), reason: ON_THE_PAGE.to_owned() });
        let omitted = unfiled.chain(content.omitted.clone()).collect();
        (page, markdown::render(&Content { figures: Vec::new(), omitted, ..content }))
    });
    let files = [("report.html".to_owned(), page.into_bytes()), ("report.md".to_owned(), text.into_bytes())];
    Ok(write_files(run, &files)?)
}

/// Draws the report of a sweep again, or some of its figures.
///
/// # Errors
/// As [`super::redraw::report_again`]; and when something is asked for that only single runs have.
pub(super) fn sweep_again(folder: &Path, request: &ReportRequest) -> Result<Written, LiveError> {
    of_runs_only(request, "a sweep; name the folder of a cell")?;
    let failed = |error| LiveError::Sweep(Box::new(error));
    let survey = load_index(folder).and_then(|index| survey(folder, index)).map_err(failed)?;
    let out = request.out.as_deref().unwrap_or(folder);
    let report = sweep_report(&survey);
    let left_out = report.left_out();
    if request.only_figures {
        let chosen = choose(report.figures, &report.omitted, request.figures.as_deref()).map_err(LiveError::Ask)?;
        let files = files(out, &figure_files(&chosen.figures, &request.style)?)?;
        return Ok(Written { files, page: None, left_out: chosen.left_out, verdicts: Verdicts::default() });
    }
    let mut made = sweep_files(&report, request.style.theme)?;
    made.push(table(folder, &survey).map_err(failed)?);
    let files = files(out, &made)?;
    Ok(Written { files, page: Some(out.join("report.html")), left_out, verdicts: Verdicts::default() })
}

/// The scenarios that a folder has runs of, where it has more than one and is no run itself.
pub(super) fn catalogue(folder: &Path) -> Vec<&'static str> {
    let has = |path: PathBuf| path.join("run.json").is_file();
    if has(folder.to_owned()) {
        return Vec::new();
    }
    BUILT_IN.into_iter().map(|built_in| built_in.name).filter(|name| has(folder.join(name))).collect()
}

/// Draws the overview of a catalogue again, or its figure.
///
/// # Errors
/// As [`sweep_again`].
pub(super) fn catalogue_again(folder: &Path, names: &[&str], request: &ReportRequest) -> Result<Written, LiveError> {
    of_runs_only(request, "a catalogue; name the folder of a scenario")?;
    let mut overview = Overview { link: None, scenarios: Vec::new() };
    for name in names {
        let (note, scenario, summary) = load_summary(&folder.join(name)).map_err(LiveError::Load)?;
        overview.link = note.simulated.map(|simulated| simulated.option).or(overview.link);
        let sentence = sentence(&scenario, &summary);
        overview.scenarios.push(Surveyed { name: (*name).to_owned(), title: scenario.title, summary, sentence });
    }
    let out = request.out.as_deref().unwrap_or(folder);
    let (figures, omitted) = match overview.figure() {
        Ok(figure) => (vec![figure], Vec::new()),
        Err(omitted) => (Vec::new(), vec![omitted]),
    };
    let chosen = choose(figures, &omitted, request.figures.as_deref()).map_err(LiveError::Ask)?;
    let (made, page) = if request.only_figures {
        (figure_files(&chosen.figures, &request.style)?, None)
    } else {
        (overview_files(&overview, &request.style)?, Some(out.join("overview.html")))
    };
    Ok(Written { files: files(out, &made)?, page, left_out: chosen.left_out, verdicts: Verdicts::default() })
}

/// The overview of a catalogue: page, Markdown, table and figure.
pub(super) fn overview_files(overview: &Overview, style: &Style) -> Result<Files, DrawError> {
    let figure = overview.figure().ok();
    let mut files = figure_files(figure.as_slice(), style)?;
    let picture = figure.as_ref().map(inline);
    files.push(("overview.html".to_owned(), overview.html(figure.as_ref().zip(picture.as_deref())).into_bytes()));
    files.push(("overview.md".to_owned(), overview.markdown(figure.as_ref()).into_bytes()));
    let table = overview.csv().map_err(|why| DrawError::Csv { id: "overview", why })?;
    files.push(("overview.csv".to_owned(), table));
    Ok(files)
}

/// Refuses what only single runs have.
fn of_runs_only(request: &ReportRequest, what: &str) -> Result<(), LiveError> {
    let asked = [("--from-facts", request.from_facts), ("--check", request.check)];
    match asked.iter().find(|(_, asked)| *asked) {
        Some((option, _)) => Err(LiveError::Ask(format!("{option} does not go with {what}"))),
        None => Ok(()),
    }
}
