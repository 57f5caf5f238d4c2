//! The policy of a comparison: which metrics, what matters, how sure, and what an inconclusive counts as.

use toml::de::DeTable;

use super::metric::{Effect, Metric};
use crate::scenario::expectation::Expectation;
use crate::scenario::model::Scenario;
use crate::scenario::problem::{Findings, ScenarioError, listed};
use crate::scenario::section::{Entry, Section};
use crate::scenario::{Source, expect_block};

/// What an inconclusive row does to the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inconclusive {
    /// Exit code 3.
    #[default]
    Report,
    /// As a pass: exit code 0.
    Pass,
    /// As a regression: exit code 1.
    Fail,
}

/// How runs are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Accepted false discovery rate over all rows.
    pub level: f64,
    /// Repeats of each side: what `compare --run` makes at first.
    pub repeats: u32,
    /// Repeats of each side that `compare --run` goes on to, twice as many each time, as long as the verdict is inconclusive.
    pub most_repeats: u32,
    /// What an inconclusive counts as.
    pub inconclusive: Inconclusive,
    /// A pass excludes a change for the worse of this many times the least that matters.
    pub resolution: f64,
    /// What is compared, with the least change that matters.
    pub metrics: Vec<(Metric, Effect)>,
    /// Stated bounds for the new run.
    pub bounds: Vec<Expectation>,
}

/// Repeats of each side, unless a policy or an option says otherwise: `docs/comparison.md` tells what they can tell.
pub const REPEATS: u32 = 10;
/// The most repeats are so many times the first ones, unless said otherwise.
pub const TIMES: u32 = 4;

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            level: 0.01,
            repeats: REPEATS,
            most_repeats: REPEATS * TIMES,
            inconclusive: Inconclusive::Report,
            resolution: 2.0,
            metrics: Metric::ALL.map(|m| (m, m.effect())).to_vec(),
            bounds: Vec::new(),
        }
    }
}

const INCONCLUSIVE: [(&str, Inconclusive); 3] =
    [("report", Inconclusive::Report), ("pass", Inconclusive::Pass), ("fail", Inconclusive::Fail)];

impl Policy {
    /// Reads a policy file. Its `[[expect]]` blocks speak of the clients of `scenario`.
    ///
    /// # Errors
    /// Everything that is wrong with the text, in its order.
    pub fn read(source: Source<'_>, scenario: Option<&Scenario>) -> Result<Policy, ScenarioError> {
        let findings = Findings::new(source.file, source.text);
        let table = match DeTable::parse(source.text) {
            Ok(table) => table,
            Err(e) => {
                findings.add(e.span().unwrap_or(0..0), "", format!("not TOML: {}", e.message()), "");
                return Err(findings.into_error());
            }
        };
        let root = Section::root(table.get_ref(), &findings);
        let otherwise = Policy::default();
        let repeats = root.whole_or("repeats", 2..=10_000, u64::from(otherwise.repeats)) as u32;
        let policy = Policy {
            level: root.number_or("level", 1e-6..=0.2, otherwise.level),
            repeats,
            most_repeats: root.whole_or(
                "most_repeats",
                u64::from(repeats)..=10_000,
                u64::from(repeats * TIMES).min(10_000),
            ) as u32,
            inconclusive: root.choice_or("inconclusive", &INCONCLUSIVE, otherwise.inconclusive),
            resolution: root.number_or("resolution", 1.0..=100.0, otherwise.resolution),
            metrics: metrics(&root),
            bounds: bounds(&root, scenario),
        };
        root.finish(&[]);
        findings.finish()?;
        Ok(policy)
    }
}

/// After how many repeats of each side it is looked whether they tell enough: from the first on twice as many each time, all even.
#[must_use]
pub fn looks(first: u32, most: u32) -> Vec<u32> {
    let even = |n: u32| n.next_multiple_of(2).max(2);
    let mut looks = vec![even(first)];
    while let Some(last) = looks.last().copied().filter(|last| *last < even(most)) {
        looks.push(last.saturating_mul(2).min(even(most)));
    }
    looks
}

fn metrics(root: &Section<'_>) -> Vec<(Metric, Effect)> {
    let chosen = root.entry("metrics").and_then(|entry| entry.texts()).map(|texts| {
        let known = |(entry, text): &(Entry<'_>, &str)| {
            let metric = Metric::named(text);
            if metric.is_none() {
                entry.fault("is no metric", format!("one of {}", listed(&Metric::ALL.map(Metric::name))));
            }
            metric
        };
        texts.iter().filter_map(known).collect::<Vec<_>>()
    });
    let effects = root.entry("effect").and_then(|entry| entry.section());
    let metrics = Metric::ALL.into_iter().filter(|m| chosen.as_ref().is_none_or(|c| c.contains(m)));
    let metrics = metrics.collect::<Vec<_>>();
    let found = metrics.iter().map(|m| (*m, effects.as_ref().map_or(m.effect(), |of| effect(of, *m)))).collect();
    if let Some(section) = effects {
        section.knows(&Metric::ALL.map(Metric::name));
        section.finish(&[]);
    }
    found
}

/// `notice_p50 = { relative = 0.1, absolute = 2 }`.
fn effect(section: &Section<'_>, metric: Metric) -> Effect {
    let otherwise = metric.effect();
    let Some(own) = section.entry(metric.name()).and_then(|entry| entry.section()) else { return otherwise };
    let effect = Effect {
        relative: own.number_or("relative", 0.0..=100.0, otherwise.relative),
        absolute: own.number_or("absolute", 0.0..=1e12, otherwise.absolute),
    };
    own.finish(&[]);
    effect
}

/// Bounds are read as those of a scenario: the same words, the same faults.
fn bounds(root: &Section<'_>, scenario: Option<&Scenario>) -> Vec<Expectation> {
    let Some(scenario) = scenario else {
        if let Some(entry) = root.entry("expect") {
            entry.fault(
                "can only be checked on a run folder",
                "compare with the folder of a run, or leave the bounds out",
            );
        }
        return Vec::new();
    };
    let mut bare = Scenario { expectations: Vec::new(), claims: Vec::new(), ..scenario.clone() };
    expect_block::read(root, &mut bare);
    bare.expectations
}
