//! What a run came to, as text or JSON for standard output, and as an exit code.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::{Failure, exit};
use crate::doctor::Examination;
use crate::doctor::python::PythonSetup;
use crate::expect::{Verdict, Verdicts};
use crate::io::catalogue::{CatalogueDone, CatalogueError};
use crate::io::files::FileError;
use crate::io::ioc_alone::AloneError;
use crate::io::live::{Finished, LiveError};
use crate::io::predict::{PredictError, Prediction};
use crate::io::python::needed_variable;
use crate::io::redraw::Written;
use crate::io::request::{Format, PythonRequest};
use crate::io::series::SeriesError;
use crate::io::simulation::SimulationError;
use crate::report::csv::summary::records;
use crate::report::table::table;
use crate::report::verdicts::lines;
use crate::report::warned::warned;
use crate::report::{examination, forecast, interpreters};
use crate::summary::{Summary, Warning};

const PORT_ADVICE: &str = "give another with --port, or 0 for any free one";

/// The exit code of a run that could be saved.
pub(super) fn code(finished: &Finished, check: bool) -> u8 {
    if finished.interrupted {
        exit::INTERRUPTED
    } else if !finished.failures.is_empty() {
        exit::FAILED
    } else if check {
        checked(&finished.verdicts)
    } else {
        exit::DONE
    }
}

/// The exit code of expectations that are to be checked.
pub(super) fn checked(verdicts: &Verdicts) -> u8 {
    match verdicts.overall() {
        None | Some(Verdict::Holds) => exit::DONE,
        Some(Verdict::DoesNotHold) => exit::REGRESSED,
        Some(Verdict::Inconclusive) => exit::INCONCLUSIVE,
    }
}

/// What is printed at the end of a run.
pub(super) fn told(finished: &Finished, format: Format, check: bool) -> String {
    match format {
        Format::Text => text(finished),
        Format::Json => json(finished, check),
    }
}

fn text(finished: &Finished) -> String {
    let mut text = table(&finished.summary, &finished.doubts);
    text.push('\n');
    text += &warned(&finished.summary.warnings);
    if !finished.verdicts.is_empty() {
        let _ = write!(text, "\n{}", lines(&finished.verdicts));
    }
    let report = finished.folder.join("report.html");
    let (what, place) = if report.exists() { ("Report", &report) } else { ("Run folder", &finished.folder) };
    let _ = write!(text, "\n{}\n\n{what}: {}\n", finished.sentence, place.display());
    text + &without(&finished.left_out)
}

/// A line for each figure that has no data.
fn without(left_out: &[String]) -> String {
    left_out.iter().map(|why| format!("left out: {why}\n")).collect()
}

/// What is printed after a report was drawn.
pub(super) fn reported(written: &Written, format: Format) -> String {
    let names: Vec<String> = written.files.iter().map(|file| file.display().to_string()).collect();
    match (format, &written.page) {
        (Format::Json, page) => {
            let told = serde_json::json!({
                "report": page,
                "files": names,
                "left_out": written.left_out,
                "verdicts": written.verdicts,
            });
            serde_json::to_string_pretty(&told).unwrap_or_default() + "\n"
        }
        (Format::Text, page) => {
            let told = match page {
                Some(page) => format!("{}{}\n", lines(&written.verdicts), page.display()),
                None => names.into_iter().map(|name| name + "\n").collect(),
            };
            told + &without(&written.left_out)
        }
    }
}

#[derive(Serialize)]
struct Told<'a> {
    run: &'a Path,
    exit: u8,
    interrupted: bool,
    sentence: &'a str,
    clients: Vec<serde_json::Map<String, Value>>,
    verdicts: &'a Verdicts,
    left_out: &'a [String],
    warnings: &'a [Warning],
    failures: &'a [crate::trace::Failure],
}

fn json(finished: &Finished, check: bool) -> String {
    let told = Told {
        run: &finished.folder,
        exit: code(finished, check),
        interrupted: finished.interrupted,
        sentence: &finished.sentence,
        clients: clients(&finished.summary),
        verdicts: &finished.verdicts,
        left_out: &finished.left_out,
        warnings: &finished.summary.warnings,
        failures: &finished.failures,
    };
    serde_json::to_string_pretty(&told).unwrap_or_default() + "\n"
}

/// The rows of `summary.csv` as objects: numbers as numbers, empty cells as null.
pub(super) fn clients(summary: &Summary) -> Vec<serde_json::Map<String, Value>> {
    let value = |cell: Option<String>| {
        cell.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
    };
    let row = |row: Vec<(&str, Option<String>)>| row.into_iter().map(|(k, v)| (k.to_owned(), value(v))).collect();
    records(summary).into_iter().map(row).collect()
}

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Failure {
        let text = error.to_string();
        match error {
            LiveError::Folder(_) => Failure::bad_input(text, "give another folder with -o"),
            LiveError::Ask(_) => Failure::bad_input(text, "`pollcost report RUN --help` has examples"),
            LiveError::Load(_) => Failure::bad_input(text, "name a folder that `pollcost run` has made"),
            LiveError::NotReady(error) => Failure::bad_input(text, error.mend),
            LiveError::Port(_) => Failure::bad_input(text, PORT_ADVICE),
            LiveError::Write(FileError { .. }) | LiveError::Save(_) | LiveError::Run(_) => {
                Failure::measurement(text, "what was saved before is kept")
            }
            LiveError::Sweep(error) => (*error).into(),
            LiveError::Draw(_) | LiveError::Runtime(_) | LiveError::Steady(_) => Failure::measurement(text, ""),
        }
    }
}

/// What is printed of a prediction.
pub(super) fn predicted(prediction: &Prediction, format: Format, out: Option<&Path>) -> String {
    if format == Format::Json {
        return prediction.json();
    }
    let mut text = format!("calculated, not measured; link: {}; host: {}\n", prediction.link, prediction.host);
    let _ = writeln!(text, "{}", forecast::table(&prediction.clients));
    if !prediction.not_covered.is_empty() {
        let names = prediction.not_covered.join(", ");
        let _ = writeln!(
            text,
            "\nTheory does not cover pacings that start over at news, nor callbacks that work on each update; simulate them: {names}"
        );
    }
    if let Some(budget) = &prediction.budget {
        let _ = writeln!(text, "\n{budget}");
    }
    if let Some(out) = out {
        let _ = writeln!(text, "\nFigures and tables: {}", out.display());
    }
    text
}

/// What is printed of an examination.
pub(super) fn examined(found: &Examination, format: Format) -> String {
    match format {
        Format::Text => examination::text(found),
        Format::Json => found.json(),
    }
}

/// What is printed of interpreters.
pub(super) fn python(found: &[PythonSetup], request: &PythonRequest) -> String {
    if request.voice.format == Format::Json {
        return serde_json::to_string_pretty(&found).unwrap_or_default() + "\n";
    }
    let mut text = interpreters::text(found);
    if let Some((variable, folder)) = needed_variable(request.folder.as_deref()) {
        let _ = writeln!(text, "\nRuns find them with: export {variable}={}", folder.display());
    }
    text
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        Failure::bad_input(error.to_string(), "give another file with -o")
    }
}

impl From<PredictError> for Failure {
    fn from(error: PredictError) -> Failure {
        let text = error.to_string();
        match error {
            PredictError::Link(error) => error.into(),
            PredictError::Write(_) => Failure::bad_input(text, "give another folder with -o"),
            PredictError::Draw(_) => Failure::measurement(text, ""),
        }
    }
}

/// The exit code of a catalogue.
pub(super) fn survey_code(done: &CatalogueDone) -> u8 {
    match (done.interrupted, done.failed.is_empty()) {
        (true, _) => exit::INTERRUPTED,
        (false, true) => exit::DONE,
        (false, false) => exit::FAILED,
    }
}

/// What is printed of a catalogue.
pub(super) fn surveyed(done: &CatalogueDone, format: Format) -> String {
    if format == Format::Text {
        let failed = match done.failed.as_slice() {
            [] => String::new(),
            names => format!("\nClients failed in: {}\n", names.join(", ")),
        };
        let left_out = done.left_out.iter().map(|(name, lack)| format!("\nLeft out: {name}: {lack}: {}\n", lack.mend));
        let left_out: String = left_out.collect();
        return format!(
            "{}{failed}{left_out}\nOverview: {}\n",
            done.overview.text(),
            done.folder.join("overview.html").display()
        );
    }
    let scenarios = done.overview.scenarios.iter().map(|s| {
        serde_json::json!({
            "name": s.name, "run": done.folder.join(&s.name), "sentence": s.sentence, "clients": clients(&s.summary),
        })
    });
    let left_out = done
        .left_out
        .iter()
        .map(|(name, lack)| serde_json::json!({ "name": name, "why": lack.to_string(), "mend": lack.mend }));
    let told = serde_json::json!({
        "left_out": left_out.collect::<Vec<_>>(), "folder": done.folder, "exit": survey_code(done), "interrupted": done.interrupted, "failed": done.failed,
        "scenarios": scenarios.collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&told).unwrap_or_default() + "\n"
}

impl From<CatalogueError> for Failure {
    fn from(error: CatalogueError) -> Failure {
        let text = error.to_string();
        match error {
            CatalogueError::Series(error) => error.into(),
            CatalogueError::Draw(_) | CatalogueError::Write(_) => {
                Failure::measurement(text, "what was complete before is kept")
            }
        }
    }
}

impl From<SeriesError> for Failure {
    fn from(error: SeriesError) -> Failure {
        let text = error.to_string();
        match error {
            SeriesError::Earlier(_) | SeriesError::Other { .. } => {
                Failure::bad_input(text, "give another folder with -o, or the options of the first start")
            }
            SeriesError::Live(name, error) => Failure { message: format!("{name}: {error}"), ..(*error).into() },
            SeriesError::Simulation(name, error) => Failure { message: format!("{name}: {error}"), ..(*error).into() },
            SeriesError::Place { .. } => Failure::measurement(text, "what was complete before is kept"),
        }
    }
}

impl From<SimulationError> for Failure {
    fn from(error: SimulationError) -> Failure {
        let text = error.to_string();
        match error {
            SimulationError::Source(_) => Failure::bad_input(text, "from: takes the folder of a run"),
            SimulationError::Examined { .. } => {
                Failure::bad_input(text, "doctor: takes what `pollcost doctor -o machine.json` wrote")
            }
            SimulationError::Recorded { .. } => {
                Failure::bad_input(text, "take a run that measured such a client, or another --link")
            }
            SimulationError::Results(error) => error.into(),
            SimulationError::Facts(_) => Failure::measurement(text, ""),
        }
    }
}

impl From<AloneError> for Failure {
    fn from(error: AloneError) -> Failure {
        let text = error.to_string();
        match error {
            AloneError::Listen(_) => Failure::bad_input(text, PORT_ADVICE),
            AloneError::Environment(_) | AloneError::BeaconAddress { .. } => Failure::bad_input(text, ""),
            AloneError::Io(_) => Failure::measurement(text, ""),
        }
    }
}
