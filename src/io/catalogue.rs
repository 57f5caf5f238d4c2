//! All scenarios of a catalogue, one after the other, and the overview over them. A second start runs those that are missing and those
//! in which a client failed.

use std::path::PathBuf;

use thiserror::Error;

use super::draw::{DrawError, Style};
use super::files::{FileError, write_files};
use super::live::default_folder;
use super::python::programs::NotReady;
use super::remark::remark;
use super::request::{CatalogueRequest, How};
use super::series::{Earlier, Reports, Series, SeriesError};
use super::series_report::overview_files;
use crate::report::overview::{Overview, Surveyed};
use crate::report::palette::Theme;
use crate::report::sentence::sentence;

/// Why a catalogue could not be run to its end.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// A scenario could not be run, or is there already as something else.
    #[error(transparent)]
    Series(#[from] SeriesError),
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
    /// Scenarios that could not be run here, with what they lack.
    pub left_out: Vec<(String, NotReady)>,
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
    let link = match &request.how {
        How::Live { .. } => None,
        How::Simulated { link, .. } => Some(link.to_string()),
    };
    let mut done = CatalogueDone {
        folder,
        overview: Overview { link, scenarios: Vec::new() },
        failed: Vec::new(),
        left_out: Vec::new(),
        interrupted: false,
    };
    let folder = done.folder.clone();
    let series = Series { folder: &folder, how: &request.how, reports: Reports::Whole, voice: request.voice };
    let total = request.scenarios.len();
    for (place, scenario) in request.scenarios.iter().enumerate() {
        let name = &scenario.name;
        let earlier = series.earlier(name, scenario)?;
        if !request.voice.quiet {
            let what = match &earlier {
                Earlier::Missing => scenario.title.as_str(),
                Earlier::Failed => "a client failed in it; it is run again",
                Earlier::Complete(_) => "is there already",
            };
            remark(format_args!("{} of {total}: {name}: {what}", place + 1));
        }
        let summary = match earlier {
            Earlier::Complete(summary) => *summary,
            Earlier::Missing | Earlier::Failed => {
                let finished = match series.run(name, scenario) {
                    Ok(finished) => finished,
                    Err(error) => {
                        let lack = error.not_ready().cloned().ok_or(error)?;
                        done.left_out.push((name.clone(), lack));
                        continue;
                    }
                };
                done.interrupted = finished.interrupted;
                if finished.interrupted {
                    break;
                }
                if !finished.failures.is_empty() {
                    done.failed.push(name.clone());
                }
                finished.summary
            }
        };
        let sentence = sentence(scenario, &summary);
        done.overview.scenarios.push(Surveyed { name: name.clone(), title: scenario.title.clone(), summary, sentence });
    }
    write_overview(&done)?;
    Ok(done)
}

fn write_overview(done: &CatalogueDone) -> Result<(), CatalogueError> {
    let files = overview_files(&done.overview, &Style::screen(Theme::Light))?;
    Ok(write_files(&done.folder, &files)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::redraw::report_again;
    use super::super::request::{Format, LinkChoice, ReportRequest, Voice};
    use super::*;
    use crate::scenario::model::{Program, Scenario};
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
    fn its_overview_can_be_drawn_again() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("all");
        let mut request = request(&out, "constant:15us");
        // Names that are built in: by them a catalogue is known.
        request.scenarios = vec![scenario("quickstart"), scenario("orbit")];
        run_catalogue(&request).unwrap();
        let again = |only_figures, figures| ReportRequest {
            runs: vec![out.clone()],
            out: None,
            style: Style::screen(Theme::Light),
            clients: None,
            figures,
            only_figures,
            from_facts: false,
            check: false,
            voice: request.voice,
        };
        let names = ["overview.csv", "overview.md", "overview.html", "figures/overview.svg"];
        let first = names.map(|name| fs::read(out.join(name)).unwrap());
        names.iter().for_each(|name| fs::remove_file(out.join(name)).unwrap());
        let written = report_again(&again(false, None)).unwrap();
        assert_eq!(written.page, Some(out.join("overview.html")));
        assert!(names.map(|name| fs::read(out.join(name)).unwrap()) == first);
        let written = report_again(&again(true, Some(vec!["view".to_owned()]))).unwrap();
        assert_eq!((written.page, written.files.len()), (None, 2));
        assert!(report_again(&again(true, Some(vec!["pie".to_owned()]))).is_err());
    }

    #[test]
    fn runs_of_other_options_are_not_mixed() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("all");
        run_catalogue(&request(&out, "constant:15us")).unwrap();
        let error = run_catalogue(&request(&out, "constant:16us")).unwrap_err().to_string();
        let what = "simulated with --link constant:15us there, simulated with --link constant:16us here";
        assert!(error.ends_with(&format!("one: holds a run of another kind: {what}")), "{error}");
        let mut longer = request(&out, "constant:15us");
        longer.scenarios[1].repeats = 2;
        let error = run_catalogue(&longer).unwrap_err().to_string();
        assert!(error.ends_with("two: holds a run of another kind: `repeats`: 1 there, 2 here"), "{error}");
    }

    #[test]
    fn a_scenario_in_which_a_client_failed_is_not_taken_for_done() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("all");
        let request = request(&out, "constant:15us");
        run_catalogue(&request).unwrap();
        let document = out.join("two/run.json");
        let whole = fs::read_to_string(&document).unwrap();
        let failed = whole.replacen(
            "\"failures\": [],",
            "\"failures\": [{\"client\": \"monitor\", \"repeat\": 0, \"why\": \"it died\"}],",
            1,
        );
        assert_ne!(failed, whole);
        fs::write(&document, failed).unwrap();
        let done = run_catalogue(&request).unwrap();
        assert!(done.failed.is_empty() && done.overview.scenarios.len() == 3);
        assert!(fs::read_to_string(&document).unwrap() == whole);
    }

    #[test]
    fn a_client_that_fails_each_time_is_told_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = request(&folder.path().join("all"), "constant:15us");
        request.how = How::Live { port: 0 };
        request.scenarios.truncate(1);
        request.scenarios[0].clients[0].program = Program::External(vec!["/nonexistent/client".to_owned()]);
        for _ in 0..2 {
            assert_eq!(run_catalogue(&request).unwrap().failed, ["one"]);
        }
    }
}
