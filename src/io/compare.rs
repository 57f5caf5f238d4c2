//! The sides of a comparison: run folders and baselines from disk, policies, and series of them.

use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files::{FileError, text_file};
use super::runs::{RunFolderError, load, load_summary};
use crate::compare::baseline::BaselineError;
use crate::compare::decide::{Pair, compare, settle};
use crate::compare::history::{History, history};
use crate::compare::outcome::{Bound, Verdict};
use crate::compare::{Baseline, Comparison, Policy};
use crate::expect;
use crate::report::document::RunNote;
use crate::scenario::model::Scenario;
use crate::scenario::{ScenarioError, Source};
use crate::summary::{Summary, summarise};

/// The longest baseline, in bytes.
const MAX_BASELINE: u64 = 64 << 20;
/// The longest policy, in bytes.
const MAX_POLICY: u64 = 1 << 20;
/// The most runs of a history: the last ones are taken.
pub const MOST_RUNS: usize = 400;

/// Why runs could not be compared. All of them are bad input.
#[derive(Debug, Error)]
pub enum CompareError {
    /// A run folder cannot be read.
    #[error(transparent)]
    Run(#[from] RunFolderError),
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
    /// The policy cannot be read.
    #[error("{0}")]
    PolicyFile(String),
    /// A folder of baselines cannot be read.
    #[error("{0}")]
    Folder(String),
    /// A baseline is damaged.
    #[error("{}, {error}", path.display())]
    Baseline {
        /// The file, or the run folder.
        path: PathBuf,
        /// Why.
        error: BaselineError,
    },
    /// The policy is wrong.
    #[error(transparent)]
    Policy(#[from] ScenarioError),
    /// They may not be compared.
    #[error("{} and {} cannot be compared: {}", base.display(), new.display(), differences.join("; "))]
    Different {
        /// The one.
        base: PathBuf,
        /// The other.
        new: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// There is nothing to look at.
    #[error("{}: holds no baselines and no run folders", .0.display())]
    Empty(PathBuf),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

/// One side from disk.
#[derive(Debug)]
pub struct Loaded {
    /// Its values.
    pub baseline: Baseline,
    /// A run folder has its summary, too.
    pub run: Option<(Scenario, Summary)>,
}

/// Loads a baseline file, or a run folder.
///
/// # Errors
/// When it is neither, or damaged.
pub fn load_side(path: &Path) -> Result<Loaded, CompareError> {
    if !path.is_dir() {
        let text = text_file(path, MAX_BASELINE).map_err(CompareError::File)?;
        let baseline =
            Baseline::read(&text).map_err(|error| CompareError::Baseline { path: path.to_owned(), error })?;
        return Ok(Loaded { baseline, run: None });
    }
    let (note, scenario, mut summary) = load_summary(path)?;
    let told = |summary: &Summary| summary.clients.iter().all(|client| !client.by_repeat.is_empty());
    if !told(&summary) {
        // Runs of the first versions: their facts tell.
        summary = summarise(&load(path)?.trace, &[]);
    }
    let baseline = of_run(&note, &scenario, &summary);
    let baseline = baseline.map_err(|error| CompareError::Baseline { path: path.to_owned(), error })?;
    Ok(Loaded { baseline, run: Some((scenario, summary)) })
}

/// The baseline of a run.
fn of_run(note: &RunNote, scenario: &Scenario, summary: &Summary) -> Result<Baseline, BaselineError> {
    let simulated = note.simulated.as_ref().map(|s| format!("link {}; host: {}", s.link, s.host));
    Baseline::of(&note.pollcost, note.started.as_deref(), Some(&note.host), simulated, scenario, summary)
}

/// Reads a policy; bounds may be stated where there is a scenario.
///
/// # Errors
/// When it cannot be read, or says something wrong.
pub fn load_policy(path: Option<&Path>, scenario: Option<&Scenario>) -> Result<Policy, CompareError> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let text = text_file(path, MAX_POLICY).map_err(CompareError::PolicyFile)?;
    Ok(Policy::read(Source { file: &path.display().to_string(), name: "policy", text: &text }, scenario)?)
}

/// Compares what is on disk.
///
/// # Errors
/// When a side or the policy cannot be read, or they may not be compared.
pub fn compare_paths(base: &Path, new: &Path, policy: Option<&Path>) -> Result<Comparison, CompareError> {
    let (a, b) = (load_side(base)?, load_side(new)?);
    let policy = load_policy(policy, b.run.as_ref().map(|(scenario, _)| scenario))?;
    let (name, other) = (base.display().to_string(), new.display().to_string());
    let pair = Pair { base: (&name, &a.baseline), new: (&other, &b.baseline) };
    let mut comparison = compare(pair, &policy).map_err(|differences| CompareError::Different {
        base: base.to_owned(),
        new: new.to_owned(),
        differences,
    })?;
    if let Some((scenario, summary)) = &b.run {
        let bounded = Scenario { expectations: policy.bounds.clone(), claims: Vec::new(), ..scenario.clone() };
        comparison.bounds = bounds(&bounded, summary);
        settle(&mut comparison, &policy);
    }
    Ok(comparison)
}

/// What stated bounds came to.
fn bounds(scenario: &Scenario, summary: &Summary) -> Vec<Bound> {
    let bound = |judged: expect::Judged| Bound {
        text: judged.says,
        verdict: match judged.verdict {
            expect::Verdict::Holds => Verdict::Pass,
            expect::Verdict::DoesNotHold => Verdict::Regressed,
            expect::Verdict::Inconclusive => Verdict::Inconclusive,
        },
        why: judged.reason.map_or(judged.formula.clone(), |why| format!("{}: {why}", judged.formula)),
    };
    expect::judge(scenario, summary).expectations.into_iter().map(bound).collect()
}

/// Looks over all baselines and run folders of a folder, by the time at which they were taken and then by name.
///
/// # Errors
/// When there are none, or one of them is damaged.
pub fn history_of(folder: &Path, policy: Option<&Path>, seed: u64) -> Result<History, CompareError> {
    let cannot = |e: std::io::Error| CompareError::Folder(format!("{}: {e}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let baseline = path.is_file() && path.extension().is_some_and(|e| e == "json");
        if baseline || path.join("run.json").is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push((name, load_side(&path)?.baseline));
        }
    }
    if found.is_empty() {
        return Err(CompareError::Empty(folder.to_owned()));
    }
    found.sort_by(|(a, x), (b, y)| (&x.taken, a).cmp(&(&y.taken, b)));
    let from = found.len().saturating_sub(MOST_RUNS);
    let mut looked = history(&found[from..], &load_policy(policy, None)?, seed);
    looked.left_out.extend(found[..from].iter().map(|(name, _)| format!("{name}: before the last {MOST_RUNS}")));
    Ok(looked)
}

/// Writes a baseline, its folder too.
///
/// # Errors
/// When it cannot be written.
pub fn save_baseline(path: &Path, baseline: &Baseline) -> Result<(), FileError> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).map_or(Ok(()), fs::create_dir_all);
    parent
        .and_then(|()| fs::write(path, baseline.write()))
        .map_err(|source| FileError { path: path.to_owned(), source })
}
