//! Two subjects measured in turn on this machine: A B B A, B A A B and so on, so that whatever drifts hits both alike.
//!
//! Each turn has an IOC and clients of its own, started afresh; the two turns of a pair meet the same changes. The first and the second
//! A of each round of four are the null control: what differs between them, the machine made. As long as the verdict is inconclusive it
//! goes on to twice as many repeats, up to a most.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;
use tokio::sync::watch;

use super::host::host;
use super::interrupt::{INTERRUPTED, Interrupt};
use super::python::programs::{NotReady, Programs};
use super::remark::remark;
use super::run::{self, RunError};
use super::runs::{RunFolderError, load_summary};
use super::steady::{self, Steady, SteadyError};
use crate::compare::baseline::BaselineError;
use crate::compare::decide::{InTurn, Pair, compare_in_turn};
use crate::compare::policy::looks;
use crate::compare::sameness::differences;
use crate::compare::{Baseline, Comparison, Policy, Verdict};
use crate::scenario::model::Scenario;
use crate::scenario::plan;
use crate::stats::distribution::merge;
use crate::summary::{Summary, summarise};

/// Turns of each subject in a round.
const TURNS: u32 = 2;
/// The exit code of a build that does not know an option.
const BAD_INPUT: i32 = 2;

/// What is measured in turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A scenario, run by this program.
    Scenario(Box<Scenario>),
    /// Another build of this program runs the scenario.
    Build {
        /// The build.
        program: PathBuf,
        /// What it runs, for what must be the same.
        scenario: Box<Scenario>,
        /// As it is named on its command line.
        named: String,
    },
}

impl Subject {
    fn scenario(&self) -> &Scenario {
        match self {
            Subject::Scenario(scenario) | Subject::Build { scenario, .. } => scenario,
        }
    }
}

/// Two subjects to be measured in turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Interleaved {
    /// Names and subjects, the base first.
    pub subjects: [(String, Subject); 2],
    /// Repeats of each at first; rounded up to an even number.
    pub repeats: u32,
    /// Repeats of each at the most, likewise.
    pub most_repeats: u32,
    /// Whether IOC and clients share one processor that is kept awake.
    pub steady: bool,
    /// No progress.
    pub quiet: bool,
}

/// Why two subjects could not be measured in turn.
#[derive(Debug, Error)]
pub enum InterleaveError {
    /// They are not alike: bad input.
    #[error("they cannot be compared: {}", .0.join("; "))]
    Different(Vec<String>),
    /// A client or the IOC failed.
    #[error("{0}")]
    Failed(String),
    /// A person ended it.
    #[error("interrupted before both were measured")]
    Interrupted,
    /// The IOC failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What another build wrote cannot be read.
    #[error("what the other build wrote cannot be read: {0}")]
    Folder(#[from] RunFolderError),
    /// A summary without single repeats.
    #[error("the other build is too old: {0}")]
    Baseline(#[from] BaselineError),
    /// What a client needs is not there.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// No processor can be kept awake.
    #[error(transparent)]
    Steady(#[from] SteadyError),
    /// The runtime for the child processes, or a temporary folder.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// What it came to.
#[derive(Debug)]
pub struct Measured {
    /// The verdicts.
    pub comparison: Comparison,
    /// The values of both sides.
    pub sides: [Baseline; 2],
}

/// Measures both in turn, and compares.
///
/// # Errors
/// When they are not alike, when a client or the IOC fails, or a person ends it.
pub fn interleave(request: &Interleaved, policy: &Policy) -> Result<Measured, InterleaveError> {
    let empty = Summary { clients: Vec::new(), probes: Vec::new(), warnings: Vec::new() };
    let (base, new) = (&request.subjects[0], &request.subjects[1]);
    let told = differences(&baseline(&base.1, &empty)?, &baseline(&new.1, &empty)?);
    if !told.is_empty() {
        return Err(InterleaveError::Different(told));
    }
    let _steady = request.steady.then(Steady::start).transpose()?;
    let looks = looks(request.repeats, request.most_repeats);
    let how = InTurn { looks: looks.len() as u32, steady: request.steady };
    let mut turns: [Vec<Summary>; 2] = Default::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let interrupted = Interrupt::of_program().told();
        let mut measured = None;
        for (look, repeats) in looks.iter().enumerate() {
            let from = look.checked_sub(1).and_then(|before| looks.get(before)).copied().unwrap_or(0);
            for round in from / TURNS..repeats / TURNS {
                one_round(request, round, &interrupted, &mut turns).await?;
                if !request.quiet {
                    remark(format_args!("round {} of {}: each measured twice", round + 1, repeats / TURNS));
                }
            }
            let sides = [baseline(&base.1, &joined(&turns[0]))?, baseline(&new.1, &joined(&turns[1]))?];
            let pair = Pair { base: (&base.0, &sides[0]), new: (&new.0, &sides[1]) };
            let comparison = compare_in_turn(pair, how, policy);
            let told = comparison.verdict != Verdict::Inconclusive;
            measured = Some(Measured { comparison, sides });
            if told {
                break;
            }
            if let Some(more) = looks.get(look + 1).filter(|_| !request.quiet) {
                remark(format_args!("inconclusive after {repeats} repeats of each: on to {more}"));
            }
        }
        measured.ok_or_else(|| InterleaveError::Failed("no repeats were asked for".to_owned()))
    })
}

/// Measures both sides twice, and keeps what was measured in the order of time: the repeats of both sides pair up by their places.
async fn one_round(
    request: &Interleaved,
    round: u32,
    interrupted: &watch::Receiver<bool>,
    turns: &mut [Vec<Summary>; 2],
) -> Result<(), InterleaveError> {
    let order = if round.is_multiple_of(2) { [0, 1, 1, 0] } else { [1, 0, 0, 1] };
    for (turn, side) in order.into_iter().enumerate() {
        let pair = u64::from(round) * 2 + (turn as u64) / 2;
        let subject = &request.subjects[side].1;
        let seed = plan::seed(&[subject.scenario().seed, pair]) >> 1;
        turns[side].push(measure(subject, seed, interrupted).await?);
    }
    Ok(())
}

fn baseline(subject: &Subject, summary: &Summary) -> Result<Baseline, BaselineError> {
    let taken = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    Baseline::of(env!("CARGO_PKG_VERSION"), Some(&taken), Some(&host()), None, subject.scenario(), summary)
}

async fn measure(
    subject: &Subject,
    seed: u64,
    interrupted: &watch::Receiver<bool>,
) -> Result<Summary, InterleaveError> {
    if *interrupted.borrow() {
        return Err(InterleaveError::Interrupted);
    }
    match subject {
        Subject::Scenario(scenario) => {
            let once = Scenario { seed, repeats: 1, ..(**scenario).clone() };
            let programs = Programs::of(&once).await?;
            let outcome = run::run(&once, &programs, 0, interrupted.clone(), &mut |_| Ok(())).await?;
            if outcome.interrupted {
                return Err(InterleaveError::Interrupted);
            }
            if let Some(failure) = outcome.failures.first() {
                return Err(InterleaveError::Failed(failure.why.clone()));
            }
            Ok(summarise(&outcome.trace, &[]))
        }
        Subject::Build { program, scenario, named } => by_build(program, scenario, named, seed),
    }
}

fn by_build(program: &Path, scenario: &Scenario, named: &str, seed: u64) -> Result<Summary, InterleaveError> {
    let folder = std::env::temp_dir().join(format!("pollcost-turn-{}-{seed:x}", std::process::id()));
    let clients: Vec<&str> = scenario.clients.iter().map(|c| c.name.as_str()).collect();
    let run = |options: &[&str]| {
        let _bound = steady::bound();
        Command::new(program)
            .args(["run", named, "--repeats", "1", "--quiet", "--seed", &seed.to_string()])
            .args(["--duration", &format!("{}ns", scenario.window.0), "--clients", &clients.join(",")])
            .args(options)
            .arg("-o")
            .arg(&folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|e| InterleaveError::Failed(format!("{}: {e}", program.display())))
    };
    let output = match run(&["--no-report"])? {
        // Earlier builds draw a report of every run.
        refused if refused.status.code() == Some(BAD_INPUT) => run(&[])?,
        output => output,
    };
    let result = if output.status.code() == Some(INTERRUPTED) {
        Err(InterleaveError::Interrupted)
    } else if output.status.success() {
        load_summary(&folder).map(|(_, _, summary)| summary).map_err(InterleaveError::from)
    } else {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(InterleaveError::Failed(format!("{} ended with {}: {said}", program.display(), output.status)))
    };
    // Only a copy of what has been read, in the folder for such things.
    let _ = std::fs::remove_dir_all(&folder);
    result
}

/// Turns as the repeats of one summary. Only what a baseline takes is put together.
fn joined(turns: &[Summary]) -> Summary {
    let mut turns = turns.iter();
    let mut whole =
        turns.next().cloned().unwrap_or(Summary { clients: Vec::new(), probes: Vec::new(), warnings: Vec::new() });
    for turn in turns {
        for (client, more) in whole.clients.iter_mut().zip(&turn.clients) {
            client.by_repeat.extend(more.by_repeat.iter().cloned());
            merge(&mut client.notice.histogram, &more.notice.histogram);
        }
    }
    whole
}
