//! All scenarios of a catalogue, one after the other, and the overview over them. A second start goes on where the first was ended:
//! a scenario is run in a folder beside its own, which gets its name once it is complete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::draw::{DrawError, Style, figure_files, svg};
use super::files::{FileError, write_files};
use super::live::{Finished, LiveError, default_folder, run_live};
use super::request::{CatalogueRequest, How, RunRequest, SimulateRequest, Voice};
use super::runs::{RunFolderError, load_summary};
use super::simulation::{SimulationError, run_simulation};
use crate::report::layout::Title;
use crate::report::overview::{Overview, Surveyed};
use crate::report::palette::Theme;
use crate::report::profile::SCREEN;
use crate::report::sentence::sentence;
use crate::scenario::model::{Facts, Scenario};

/// Why a catalogue could not be run to its end.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// A live run failed as a whole.
    #[error("{0}: {1}")]
    Live(String, LiveError),
    /// A simulation failed as a whole.
    #[error("{0}: {1}")]
    Simulation(String, SimulationError),
    /// What an earlier start left cannot be read: bad input.
    #[error(transparent)]
    Earlier(RunFolderError),
    /// What an earlier start left is of another scenario or of other options: bad input.
    #[error("{}: holds a run of another kind: other options, or another version of the scenario", .0.display())]
    Other(PathBuf),
    /// A folder cannot be put in its place.
    #[error("{}: cannot be put in its place: {source}", path.display())]
    Place {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The overview cannot be drawn.
    #[error("the overview could not be drawn: {0}")]
    Draw(#[from] DrawError),
    /// The overview cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

/// What came of it.
#[derive(Debug)]
pub struct CatalogueDone {
    /// Where everything is.
    pub folder: PathBuf,
    /// What was written.
    pub overview: Overview,
    /// Scenarios of which clients failed.
    pub failed: Vec<String>,
    /// Whether a person ended it early.
    pub interrupted: bool,
}

/// Runs what is missing, and writes the overview over all that is there.
///
/// # Errors
/// When a scenario cannot be run at all, or results cannot be written. Those before it are kept.
pub fn run_catalogue(request: &CatalogueRequest) -> Result<CatalogueDone, CatalogueError> {
    let folder = request.out.clone().unwrap_or_else(|| {
        let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
        default_folder("catalogue", &now)
    });
    let how = match &request.how {
        How::Live { .. } => "measured live".to_owned(),
        How::Simulated { link, .. } => format!("simulated in virtual time ({link})"),
    };
    let mut done = CatalogueDone {
        folder,
        overview: Overview { how, scenarios: Vec::new() },
        failed: Vec::new(),
        interrupted: false,
    };
    let total = request.scenarios.len();
    for (place, scenario) in request.scenarios.iter().enumerate() {
        let own = done.folder.join(&scenario.name);
        let known = if own.exists() { Some(earlier(&own, scenario, &request.how)?) } else { None };
        if !request.voice.quiet {
            let what = if known.is_some() { "is there already" } else { &scenario.title };
            eprintln!("{} of {total}: {}: {what}", place + 1, scenario.name);
        }
        let surveyed = match known {
            Some(surveyed) => surveyed,
            None => {
                let finished = run_beside(request, scenario, &own)?;
                done.interrupted = finished.interrupted;
                if finished.interrupted {
                    break;
                }
                if !finished.failures.is_empty() {
                    done.failed.push(scenario.name.clone());
                }
                let Finished { summary, sentence, .. } = finished;
                Surveyed { name: scenario.name.clone(), title: scenario.title.clone(), summary, sentence }
            }
        };
        done.overview.scenarios.push(surveyed);
    }
    write_overview(&done)?;
    Ok(done)
}

/// What an earlier start has done.
fn earlier(folder: &Path, scenario: &Scenario, how: &How) -> Result<Surveyed, CatalogueError> {
    let (note, saved, summary) = load_summary(folder).map_err(CatalogueError::Earlier)?;
    let (wanted, option) = match how {
        How::Live { .. } => (scenario.clone(), None),
        How::Simulated { link, facts, .. } => {
            (Scenario { facts: facts.unwrap_or(Facts::News), ..scenario.clone() }, Some(link.to_string()))
        }
    };
    if saved != wanted || note.simulated.map(|simulated| simulated.option) != option {
        return Err(CatalogueError::Other(folder.to_owned()));
    }
    let sentence = sentence(&summary);
    Ok(Surveyed { name: scenario.name.clone(), title: scenario.title.clone(), summary, sentence })
}

/// Runs a scenario in a folder beside its own.
fn run_beside(request: &CatalogueRequest, scenario: &Scenario, own: &Path) -> Result<Finished, CatalogueError> {
    let draft = own.with_file_name(format!("{}.part", scenario.name));
    let place = |source| CatalogueError::Place { path: draft.clone(), source };
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(place)?;
    }
    let voice = Voice { quiet: true, ..request.voice };
    let (scenario, out) = (scenario.clone(), Some(draft.clone()));
    let name = scenario.name.clone();
    let finished = match &request.how {
        How::Live { port } => run_live(&RunRequest { scenario, out, port: *port, check: false, voice })
            .map_err(|e| CatalogueError::Live(name, e))?,
        How::Simulated { link, facts, report } => {
            let (link, facts, report) = (link.clone(), *facts, *report);
            let request = SimulateRequest { scenario, out, link, facts, report, check: false, voice };
            run_simulation(&request).map_err(|e| CatalogueError::Simulation(name, e))?
        }
    };
    if !finished.interrupted {
        fs::rename(&draft, own).map_err(place)?;
    }
    Ok(finished)
}

fn write_overview(done: &CatalogueDone) -> Result<(), CatalogueError> {
    let overview = &done.overview;
    let figure = overview.figure().ok();
    let mut files = figure_files(figure.as_slice(), &Style::screen(Theme::Light))?;
    let picture = figure.as_ref().map(|figure| svg(figure, &SCREEN, Theme::Light, Title::Left));
    files.push(("overview.html".to_owned(), overview.html(figure.as_ref().zip(picture.as_deref())).into_bytes()));
    files.push(("overview.md".to_owned(), overview.markdown(figure.as_ref()).into_bytes()));
    let unwritten = |source| FileError { path: done.folder.join("overview.csv"), source };
    files.push(("overview.csv".to_owned(), overview.csv().map_err(|e| unwritten(e.into()))?));
    Ok(write_files(&done.folder, &files)?)
}

#[cfg(test)]
mod tests {
    use super::super::request::{Format, LinkChoice};
    use super::*;
    use crate::scenario::{Source, read};
    use crate::simulate::Link;

    fn scenario(name: &str) -> Scenario {
        let text = "repeats = 1\nwindow = '50ms'\nmin_periods = 1\nwarmup = '5ms'\ndrain = '5ms'\n[[pv]]\nname = 'T:{0..3}'\n\
                    change = { rate_hz = 100 }\n[[client]]\nname = 'monitor'\nfetch = 'monitor'\n";
        read(Source { file: "t.toml", name, text }, &|_| Err(String::new())).unwrap()
    }

    fn request(out: &Path, link: &str) -> CatalogueRequest {
        CatalogueRequest {
            scenarios: vec![scenario("one"), scenario("two"), scenario("three")],
            out: Some(out.to_owned()),
            how: How::Simulated {
                link: LinkChoice::Model { link: Link::default(), option: link.to_owned() },
                facts: None,
                // What is tested is the order of things, not the drawing.
                report: false,
            },
            voice: Voice { format: Format::Text, quiet: true, colour: false },
        }
    }

    #[test]
    fn it_goes_on_where_it_was_ended_and_comes_out_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("all");
        let request = request(&out, "constant:15us");
        run_catalogue(&request).unwrap();
        let written = |name: &str| fs::read(out.join(name)).unwrap();
        let names = ["overview.csv", "overview.md", "overview.html", "figures/overview.svg", "two/run.json"];
        let first = names.map(written);
        // As if it had been ended in mid-run: of one scenario there is a part, another is missing.
        fs::rename(out.join("two"), out.join("two.part")).unwrap();
        fs::remove_dir_all(out.join("three")).unwrap();
        let kept = fs::metadata(out.join("one/run.json")).unwrap().modified().unwrap();
        let done = run_catalogue(&request).unwrap();
        assert_eq!(done.overview.scenarios.len(), 3);
        assert!(names.map(written) == first);
        assert_eq!(fs::metadata(out.join("one/run.json")).unwrap().modified().unwrap(), kept);
        assert!(!out.join("two.part").exists());
    }

    #[test]
    fn runs_of_other_options_are_not_mixed() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("all");
        run_catalogue(&request(&out, "constant:15us")).unwrap();
        let error = run_catalogue(&request(&out, "constant:16us")).unwrap_err();
        assert!(matches!(error, CatalogueError::Other(_)), "{error}");
    }
}
