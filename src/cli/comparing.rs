//! Comparisons, baselines and histories: from flags to results and exit codes.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::Path;

use super::args::{BaselineFlags, CompareFlags, CompareFormatFlag, FormatFlag, HistoryFlags, HistoryFormatFlag};
use super::failure::Failure;
use super::request::{coloured, subject};
use super::{exit, print};
use crate::compare::outcome::schema;
use crate::compare::policy::Policy;
use crate::compare::{Baseline, Comparison, Metric};
use crate::io::compare::{CompareError, compare_paths, history_of, load_policy, load_side, save_baseline};
use crate::io::files::{FileError, write_files};
use crate::io::history_figures::{self, HistoryFiguresError};
use crate::io::interleave::{InterleaveError, Interleaved, interleave};
use crate::report::compare::{github, history, junit, markdown, text};

/// `pollcost compare`.
pub(super) fn compare(flags: CompareFlags) -> Result<u8, Failure> {
    if flags.schema {
        return print(&pretty(&schema()));
    }
    let comparison = match (&flags.base, &flags.new) {
        (Some(base), Some(new)) => compare_paths(base, new, flags.policy.as_deref())?,
        _ => in_turn(&flags)?,
    };
    if let Some(out) = &flags.out {
        write_files(Path::new(""), &[(out.display().to_string(), pretty(&comparison).into_bytes())])?;
    }
    let told = match flags.format {
        CompareFormatFlag::Text => {
            text::text(&comparison, flags.all, coloured(flags.color, std::io::stdout().is_terminal()))
        }
        CompareFormatFlag::Json => pretty(&comparison),
        CompareFormatFlag::Markdown => markdown::markdown(&comparison),
        CompareFormatFlag::Junit => junit::junit(&comparison),
        CompareFormatFlag::Github => {
            summary_of_job(&comparison)?;
            github::github(&comparison)
        }
    };
    print(&told)?;
    Ok(comparison.exit)
}

fn in_turn(flags: &CompareFlags) -> Result<Comparison, Failure> {
    let [base, new] = flags.runs.as_slice() else {
        return Err(Failure::bad_input(
            format!("--run is given {} times", flags.runs.len()),
            "give it twice: --run A --run B, the base first",
        ));
    };
    let policy = load_policy(flags.policy.as_deref(), None)?;
    // Who says how many repeats means so many, unless the most are said, too.
    let repeats = flags.repeats.unwrap_or(policy.repeats);
    let most = flags.most_repeats.or(flags.repeats).unwrap_or(policy.most_repeats);
    if most < repeats {
        return Err(Failure::bad_input(
            format!("--most-repeats {most} is less than the {repeats} repeats of the beginning"),
            "give at least as many, or fewer --repeats",
        ));
    }
    let policy = Policy { repeats, most_repeats: most, ..policy };
    let subjects = [subject(base, flags)?, subject(new, flags)?];
    let (steady, quiet) = (!flags.unsteady, flags.quiet);
    let request = Interleaved { subjects, repeats, most_repeats: most, steady, quiet };
    Ok(interleave(&request, &policy)?.comparison)
}

/// Appends the summary of the job where GitHub's runner says.
fn summary_of_job(comparison: &Comparison) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(()) };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(markdown::markdown(comparison).as_bytes()));
    written.map_err(|source| FileError { path: path.into(), source }.into())
}

/// `pollcost baseline`.
pub(super) fn baseline(flags: BaselineFlags) -> Result<u8, Failure> {
    match flags {
        BaselineFlags::Save { run, file } => {
            save_baseline(&file, &load_side(&run)?.baseline)?;
            print(&format!("{}\n", file.display()))
        }
        BaselineFlags::Show { file, format } => {
            let baseline = load_side(&file)?.baseline;
            print(&if matches!(format, FormatFlag::Json) { baseline.write() } else { shown(&baseline) })
        }
        BaselineFlags::Update { file, run, policy } => {
            let new = load_side(&run)?.baseline;
            let changed = match compare_paths(&file, &run, policy.as_deref()) {
                Ok(comparison) => text::text(&comparison, false, false),
                Err(CompareError::Different { differences, .. }) => {
                    format!("it is another experiment now: {}\n", differences.join("; "))
                }
                Err(error) => return Err(error.into()),
            };
            save_baseline(&file, &new)?;
            print(&format!("{changed}\nreplaced: {}\n", file.display()))
        }
    }
}

/// A line for each client and metric.
fn shown(baseline: &Baseline) -> String {
    let taken = baseline.taken.as_deref().or(baseline.simulated.as_deref()).unwrap_or("at an unknown time");
    let mut out = format!("pollcost {}, {taken}; {} repeats\n", baseline.pollcost, baseline.repeats());
    for client in &baseline.clients {
        let _ = writeln!(out, "\n{} ({})", client.name, client.strategy);
        for metric in Metric::ALL {
            let Some(values) = client.whole(metric) else { continue };
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            let _ = writeln!(out, "  {:<11} {mean:>12.4} {} ({low:.4} to {high:.4})", metric.name(), metric.unit());
        }
    }
    out
}

/// `pollcost history`.
pub(super) fn look_back(flags: &HistoryFlags) -> Result<u8, Failure> {
    let found = history_of(&flags.dir, flags.policy.as_deref(), flags.seed)?;
    if let Some(out) = &flags.out {
        history_figures::write(out, &found)?;
    }
    match flags.format {
        HistoryFormatFlag::Text => print(&history::lines(&found, false)),
        HistoryFormatFlag::Markdown => print(&history::lines(&found, true)),
        HistoryFormatFlag::Json => print(&pretty(&found)),
    }
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

impl From<CompareError> for Failure {
    fn from(error: CompareError) -> Failure {
        let advice = match &error {
            CompareError::Different { .. } => {
                "run the same scenario again, or make a new baseline: pollcost baseline update"
            }
            CompareError::Baseline { .. } => "make it anew: pollcost baseline save RUN FILE",
            CompareError::Run(_) | CompareError::File(_) => {
                "name a run folder, or a baseline that `pollcost baseline save` has made"
            }
            CompareError::PolicyFile(_) => "a policy is a TOML file with keys such as `level`, `repeats` and `metrics`",
            CompareError::Folder(_) => "name a folder that holds baselines (*.json) or run folders",
            CompareError::Empty(_) => "put baselines there: pollcost baseline save RUN DIR/2026-01-31.json",
            CompareError::Policy(_) | CompareError::Write(_) => "",
        };
        Failure::bad_input(error.to_string(), advice)
    }
}

impl From<HistoryFiguresError> for Failure {
    fn from(error: HistoryFiguresError) -> Failure {
        match error {
            HistoryFiguresError::Draw(error) => Failure::measurement(error.to_string(), ""),
            HistoryFiguresError::Write(error) => error.into(),
        }
    }
}

impl From<InterleaveError> for Failure {
    fn from(error: InterleaveError) -> Failure {
        let text = error.to_string();
        match error {
            InterleaveError::Different(_) => Failure::bad_input(text, "both must run the same experiment"),
            InterleaveError::Interrupted => Failure { exit: exit::INTERRUPTED, ..Failure::measurement(text, "") },
            InterleaveError::NotReady(lack) => Failure::bad_input(text, lack.mend),
            InterleaveError::Steady(_) => Failure::measurement(text, "leave it to the scheduler: --unsteady"),
            _ => Failure::measurement(text, ""),
        }
    }
}

/// The exit codes that a comparison writes down are those of this program.
const _: () = assert!(exit::REGRESSED == 1 && exit::INCONCLUSIVE == 3);
