//! A series of runs: where a metric changed, and what drifts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::metric::Metric;
use super::policy::Policy;
use super::sameness::differences;
use crate::stats::course::course;

/// Version of the layout of a history as JSON.
pub const HISTORY_VERSION: u32 = 1;

/// What a series of runs came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Always 1.
    pub history_version: u32,
    /// The runs, in their order.
    pub runs: Vec<String>,
    /// Runs that were passed over, and why.
    pub left_out: Vec<String>,
    /// One for each client and metric that every run has.
    pub tracks: Vec<Track>,
}

/// One metric of one client over the runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// The client.
    pub client: String,
    /// The metric.
    pub metric: Metric,
    /// Unit of the values.
    pub unit: String,
    /// Mean over the repeats of each run.
    pub values: Vec<f64>,
    /// Where it changed by what matters.
    pub changes: Vec<Step>,
    /// A slow change by what matters, told apart from the steps.
    pub drift: Option<Slope>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Index of the first run after it.
    pub at: usize,
    /// Mean of the stretch before it; where the metric drifts too, as of the step.
    pub before: f64,
    /// Mean of the stretch after it, likewise.
    pub after: f64,
    /// Of E-divisive's permutation test.
    pub p: f64,
}

/// A drift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slope {
    /// From one run to the next: Theil and Sen's.
    pub a_run: f64,
    /// From the first run to the last.
    pub whole: f64,
    /// Of Mann and Kendall's test.
    pub p: f64,
}

/// Looks a series over. Runs that may not be compared with the last one are left out and named.
#[must_use]
pub fn history(runs: &[(String, Baseline)], policy: &Policy, seed: u64) -> History {
    let mut found =
        History { history_version: HISTORY_VERSION, runs: Vec::new(), left_out: Vec::new(), tracks: Vec::new() };
    let Some((_, last)) = runs.last() else { return found };
    let mut kept = Vec::new();
    for (name, run) in runs {
        let machines = run.machine.as_ref().zip(last.machine.as_ref());
        let mut why = differences(run, last);
        if machines.is_some_and(|(a, b)| !a.is_like(b)) {
            why.push("it was made on another machine".to_owned());
        }
        match why.first() {
            None => {
                found.runs.push(name.clone());
                kept.push(run);
            }
            Some(why) => found.left_out.push(format!("{name}: {why}")),
        }
    }
    for client in &last.clients {
        for (metric, least) in &policy.metrics {
            let mean = |run: &&Baseline| {
                let values = run.clients.iter().find(|c| c.name == client.name)?.whole(*metric)?;
                Some(values.iter().sum::<f64>() / values.len() as f64)
            };
            let values: Option<Vec<f64>> = kept.iter().map(mean).collect();
            let Some(values) = values else { continue };
            let matters =
                |before: f64, after: f64| (after - before).abs() >= least.absolute.max(least.relative * before.abs());
            let (changes, drift) = told(&values, policy.level, seed, matters);
            let (client, unit) = (client.name.clone(), metric.unit().to_owned());
            found.tracks.push(Track { client, metric: *metric, unit, values, changes, drift });
        }
    }
    found
}

/// The steps and the drift of a track, as far as they matter.
fn told(values: &[f64], level: f64, seed: u64, matters: impl Fn(f64, f64) -> bool) -> (Vec<Step>, Option<Slope>) {
    let course = course(values, level, seed);
    let steps = course.steps.iter().filter(|step| matters(step.before, step.after));
    let steps = steps.map(|s| Step { at: s.at, before: s.before, after: s.after, p: s.p }).collect();
    let slope = course.drift.zip(values.first()).and_then(|(drift, first)| {
        let whole = drift.slope * (values.len() - 1) as f64;
        matters(*first, first + whole).then_some(Slope { a_run: drift.slope, whole, p: drift.p })
    });
    (steps, slope)
}
