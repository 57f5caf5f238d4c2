//! What probes came to over repeats.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OfRepeat;
use crate::scenario::metric::Metric;
use crate::scenario::model::Scenario;
use crate::stats::Estimate;
use crate::trace::ProbeRun;

/// One probe over all its repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeSummary {
    /// Its name.
    pub name: String,
    /// Name of its program.
    pub program: String,
    /// Repeats that it went to the end of.
    pub repeats: u32,
    /// Mean over repeats, in base units (ns for durations).
    pub values: BTreeMap<Metric, Estimate>,
    /// What each repeat came to by itself.
    pub by_repeat: Vec<OfRepeat>,
    /// The curves of its first repeat, by name.
    pub curves: BTreeMap<String, Vec<(f64, f64)>>,
    /// What it said of its interpreter.
    pub remarks: BTreeMap<String, String>,
}

/// No probe measures anything that can be below zero.
fn mean(values: &[f64]) -> Option<Estimate> {
    Some(Estimate::mean(values)?.within(0.0, f64::INFINITY))
}

/// Sums up the probes of a run, in the order of the scenario. One that yielded nothing is left out.
#[must_use]
pub fn summarise_probes(scenario: &Scenario, runs: &[ProbeRun]) -> Vec<ProbeSummary> {
    let of_probe = |(index, spec): (usize, &crate::scenario::probe::ProbeSpec)| {
        let own: Vec<&ProbeRun> = runs.iter().filter(|run| run.probe == index).collect();
        let first = own.first()?;
        let mut values: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
        for (metric, value) in own.iter().flat_map(|run| &run.values) {
            values.entry(*metric).or_default().push(*value);
        }
        Some(ProbeSummary {
            name: spec.name.clone(),
            program: spec.program.clone(),
            repeats: own.len() as u32,
            values: values.into_iter().filter_map(|(metric, all)| Some((metric, mean(&all)?))).collect(),
            by_repeat: own.iter().map(|run| OfRepeat { repeat: run.repeat, values: run.values.clone() }).collect(),
            curves: first.curves.clone(),
            remarks: first.remarks.clone(),
        })
    };
    scenario.probes.iter().enumerate().filter_map(of_probe).collect()
}
