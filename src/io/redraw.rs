//! The report of a run: written at its end, and drawn again from its folder.

use std::path::{Path, PathBuf};

use super::draw::{figure_files, pictures};
use super::files::write_files;
use super::from_facts::{Derived, derive};
use super::live::LiveError;
use super::long_table;
use super::report_files::report_files;
use super::request::ReportRequest;
use super::runs::{RunFolderError, load_excerpt, load_summary};
use super::series_report::{catalogue, catalogue_again, sweep_again};
use super::sweep_folder::is_sweep;
use crate::expect::{Verdicts, judge};
use crate::report::comparison::{Comparison, Side};
use crate::report::content::{Content, ReportInput};
use crate::report::document::RunNote;
use crate::report::doubts::Doubts;
use crate::report::excerpt::Excerpt;
use crate::report::figures::choose;
use crate::report::palette::Theme;
use crate::scenario::BuiltIn;
use crate::scenario::model::{Facts, Scenario};
use crate::summary::Summary;

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The files, in the order of writing.
    pub files: Vec<PathBuf>,
    /// The one to open first; `None` when only figures were drawn.
    pub page: Option<PathBuf>,
    /// Figures that have no data, with the reason.
    pub left_out: Vec<String>,
    /// What the run's expectations come to.
    pub verdicts: Verdicts,
}

/// A run as its folder tells it.
pub(super) struct Told {
    note: RunNote,
    scenario: Scenario,
    summary: Summary,
    excerpt: Option<Excerpt>,
}

impl Told {
    pub(super) fn load(run: &Path, from_facts: bool) -> Result<Told, LiveError> {
        if from_facts {
            return Told::derived(run);
        }
        let (note, scenario, summary) = load_summary(run).map_err(LiveError::Load)?;
        let excerpt = excerpt(run, &note)?;
        Ok(Told { note, scenario, summary, excerpt })
    }

    fn derived(run: &Path) -> Result<Told, LiveError> {
        let Derived { note, scenario, summary, excerpt } = derive(run).map_err(LiveError::Load)?;
        Ok(Told { note, scenario, summary, excerpt: Some(excerpt) })
    }

    /// With these clients only, in the order of the run.
    fn only(mut self, clients: Option<&[String]>) -> Told {
        if let Some(clients) = clients {
            self.summary.clients.retain(|client| clients.contains(&client.name));
        }
        self
    }

    /// When it was run, for a reader.
    fn when(&self) -> String {
        let unknown = if self.note.simulated.is_some() { "in virtual time" } else { "at a time that was not recorded" };
        self.note.started.as_deref().unwrap_or(unknown).replace('T', " ").replace('Z', " UTC")
    }

    /// Hands what the report is made from to `make`.
    pub(super) fn with_input<T>(&self, make: impl FnOnce(&ReportInput<'_>) -> T) -> T {
        let Told { note, scenario, summary, excerpt } = self;
        let when = self.when();
        let command = match &note.simulated {
            None => command("run", scenario),
            Some(simulated) => format!("{} --link {}", command("simulate", scenario), simulated.option),
        };
        make(&ReportInput {
            summary,
            scenario,
            excerpt: excerpt.as_ref(),
            host: &note.host,
            when: &when,
            simulated: note.simulated.as_ref(),
            command: &command,
            failures: &[],
        })
    }
}

/// The excerpt that the run kept, or one of its facts where the run is older than excerpts; `None` where neither is there.
fn excerpt(run: &Path, note: &RunNote) -> Result<Option<Excerpt>, LiveError> {
    let kept = load_excerpt(run).map_err(LiveError::Load)?;
    let has_tables = ["emissions", "observations"].iter().all(|table| long_table::exists(run, table));
    let has_facts = has_tables && note.simulated.as_ref().is_none_or(|simulated| simulated.facts);
    if kept.is_some() || !has_facts {
        return Ok(kept);
    }
    Ok(Some(derive(run).map_err(LiveError::Load)?.excerpt))
}

/// Draws what was asked for again.
///
/// # Errors
/// When a folder is damaged, a figure is unknown or none of those that were asked for has data, or something cannot be written.
pub fn report_again(request: &ReportRequest) -> Result<Written, LiveError> {
    let [run] = request.runs.as_slice() else { return side_by_side(request) };
    let sweep = is_sweep(run);
    let scenarios = if sweep { Vec::new() } else { catalogue(run) };
    if request.clients.is_some() && (sweep || !scenarios.is_empty()) {
        let runs = format!("--clients is for runs, and {} holds several: name one of its folders", run.display());
        return Err(LiveError::Ask(runs));
    }
    if sweep {
        return sweep_again(run, request);
    }
    if !scenarios.is_empty() {
        return catalogue_again(run, &scenarios, request);
    }
    let told = Told::load(run, request.from_facts)?;
    check_clients(request, std::slice::from_ref(&told))?;
    let told = told.only(request.clients.as_deref());
    let out = request.out.as_deref().unwrap_or(run);
    make(out)?;
    if !request.only_figures {
        return write(out, &told, request.style.theme);
    }
    let Content { figures, omitted, .. } = told.with_input(Content::new);
    let chosen = choose(figures, &omitted, request.figures.as_deref()).map_err(LiveError::Ask)?;
    let written = files(out, &figure_files(&chosen.figures, &request.style)?)?;
    Ok(Written {
        files: written,
        page: None,
        left_out: chosen.left_out,
        verdicts: judge(&told.scenario, &told.summary),
    })
}

/// Whether each client that was asked for is in one of the runs.
fn check_clients(request: &ReportRequest, told: &[Told]) -> Result<(), LiveError> {
    let there = || told.iter().flat_map(|told| &told.summary.clients).map(|client| client.name.as_str());
    let unknown = request.clients.iter().flatten().find(|name| there().all(|client| client != name.as_str()));
    let Some(name) = unknown else { return Ok(()) };
    let mut names: Vec<&str> = Vec::new();
    there().for_each(|client| {
        if !names.contains(&client) {
            names.push(client);
        }
    });
    Err(LiveError::Ask(format!("--clients {name}: there is none of that name; there are {}", names.join(", "))))
}

/// The folder that a report goes into. One that cannot be made is bad input; what goes wrong in it later is not.
fn make(out: &Path) -> Result<(), LiveError> {
    let unmade = |source| LiveError::Folder(RunFolderError::Write { path: out.to_owned(), source });
    std::fs::create_dir_all(out).map_err(unmade)
}

/// A report that sets runs side by side.
fn side_by_side(request: &ReportRequest) -> Result<Written, LiveError> {
    let told = request.runs.iter().map(|run| Told::load(run, request.from_facts));
    let told = told.collect::<Result<Vec<_>, _>>()?;
    check_clients(request, &told)?;
    let told: Vec<Told> = told.into_iter().map(|told| told.only(request.clients.as_deref())).collect();
    let names = names(&request.runs);
    let whens: Vec<String> = told.iter().map(Told::when).collect();
    let doubts: Vec<Doubts> =
        told.iter().map(|told| Doubts::new(&told.summary, &told.scenario, &told.note.host)).collect();
    let sides: Vec<Side<'_>> = told
        .iter()
        .zip(&names)
        .zip(whens.iter().zip(&doubts))
        .map(|((told, name), (when, doubts))| Side {
            name,
            how: if told.note.simulated.is_some() { "simulated" } else { "live" },
            when,
            scenario: &told.scenario,
            summary: &told.summary,
            doubts,
        })
        .collect();
    let mut comparison = Comparison::new(&sides);
    let out = request.out.as_deref().unwrap_or(Path::new("."));
    make(out)?;
    let chosen = choose(comparison.figures, &comparison.omitted, request.figures.as_deref()).map_err(LiveError::Ask)?;
    let mut made = figure_files(&chosen.figures, &request.style)?;
    let mut page = None;
    if !request.only_figures {
        comparison.figures = chosen.figures;
        let pictures = pictures(&comparison.figures);
        made.push(("report.html".to_owned(), comparison.html(&pictures).into_bytes()));
        made.push(("report.md".to_owned(), comparison.markdown().into_bytes()));
        page = Some(out.join("report.html"));
    }
    Ok(Written { files: files(out, &made)?, page, left_out: chosen.left_out, verdicts: Verdicts::default() })
}

/// The folders' own names, or their whole paths where two are alike.
fn names(runs: &[PathBuf]) -> Vec<String> {
    let own: Vec<String> =
        runs.iter().map(|run| run.file_name().unwrap_or(run.as_os_str()).to_string_lossy().into_owned()).collect();
    let unique = own.iter().all(|name| own.iter().filter(|other| *other == name).count() == 1);
    if unique { own } else { runs.iter().map(|run| run.display().to_string()).collect() }
}

/// Draws the report of a run into `out`; says which figures have no data, and why.
pub(super) fn write_report(
    out: &Path,
    note: &RunNote,
    scenario: &Scenario,
    summary: &Summary,
    excerpt: Option<Excerpt>,
    theme: Theme,
) -> Result<Vec<String>, LiveError> {
    let told = Told { note: note.clone(), scenario: scenario.clone(), summary: summary.clone(), excerpt };
    write(out, &told, theme).map(|written| written.left_out)
}

fn write(out: &Path, told: &Told, theme: Theme) -> Result<Written, LiveError> {
    let (made, left_out) = told.with_input(|input| {
        let content = Content::new(input);
        Ok::<_, LiveError>((report_files(&content, input, theme)?, content.left_out()))
    })?;
    Ok(Written {
        files: files(out, &made)?,
        page: Some(out.join("report.html")),
        left_out,
        verdicts: judge(&told.scenario, &told.summary),
    })
}

/// Writes files below a folder; says where they are.
pub(super) fn files(out: &Path, made: &[(String, Vec<u8>)]) -> Result<Vec<PathBuf>, LiveError> {
    write_files(out, made)?;
    Ok(made.iter().map(|(name, _)| out.join(name)).collect())
}

/// The command that repeats a run: the built-in with the options that make it this scenario, or the user's own file.
pub(super) fn command(verb: &str, scenario: &Scenario) -> String {
    let built_in = BuiltIn::named(&scenario.name).and_then(|built_in| built_in.scenario().ok());
    let mut words = vec![format!("pollcost {verb}")];
    let Some(original) = built_in else {
        words.push(format!("{}.toml --seed {}", scenario.name, scenario.seed));
        return words.join(" ");
    };
    words.push(scenario.name.clone());
    let mut option = |differs: bool, text: String| words.extend(differs.then_some(text));
    let names = |of: &Scenario| of.clients.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(",");
    option(scenario.window != original.window, format!("--duration {}us", scenario.window.0.div_ceil(1000)));
    option(scenario.repeats != original.repeats, format!("--repeats {}", scenario.repeats));
    option(names(scenario) != names(&original), format!("--clients {}", names(scenario)));
    option(scenario.facts == Facts::Full, "--facts full".to_owned());
    option(true, format!("--seed {}", scenario.seed));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn the_command_repeats_the_run() {
        let quickstart = || BuiltIn::named("quickstart").unwrap().scenario().unwrap();
        assert_eq!(command("run", &quickstart()), "pollcost run quickstart --seed 1");
        let mut altered = Scenario { repeats: 2, window: Span::from_secs(1), seed: 7, ..quickstart() };
        altered.clients.truncate(2);
        let wanted = "pollcost run quickstart --duration 1000000us --repeats 2 --clients monitor,poll-0ms --seed 7";
        assert_eq!(command("run", &altered), wanted);
        assert_eq!(
            command("run", &Scenario { name: "mine".into(), ..quickstart() }),
            "pollcost run mine.toml --seed 1"
        );
    }
}
