//! Probes: experiments on an interpreter that are no clients, such as what two threads lose of each other's updates.

use serde::{Deserialize, Serialize};

use super::metric::Metric;
use crate::time::Span;

/// One probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSpec {
    /// Its name: unique among the scenario's probes and clients.
    pub name: String,
    /// Name of its program, one of [`PROGRAMS`].
    pub program: String,
    /// The interpreter that runs it: a version such as `3.12`, or a path; `None`: `python3`.
    pub python: Option<String>,
    /// What the program is told.
    pub arguments: Vec<String>,
    /// How long it may take in one repeat.
    pub timeout: Span,
    /// Whether the run goes on without it where its interpreter is not there.
    pub optional: bool,
}

/// A probe program that comes with pollcost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeProgram {
    /// Its name.
    pub name: &'static str,
    /// Its own text.
    text: &'static str,
}

const COMMON: &str = include_str!("../../fixtures/probes/common.py");

/// All of them.
pub const PROGRAMS: [ProbeProgram; 5] = [
    ProbeProgram { name: "parallel", text: include_str!("../../fixtures/probes/parallel.py") },
    ProbeProgram { name: "lost_updates", text: include_str!("../../fixtures/probes/lost_updates.py") },
    ProbeProgram { name: "sleep_zero", text: include_str!("../../fixtures/probes/sleep_zero.py") },
    ProbeProgram { name: "coroutines", text: include_str!("../../fixtures/probes/coroutines.py") },
    ProbeProgram { name: "ctypes_gil", text: include_str!("../../fixtures/probes/ctypes_gil.py") },
];

impl ProbeProgram {
    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<ProbeProgram> {
        PROGRAMS.into_iter().find(|program| program.name == name)
    }

    /// What the interpreter gets to run.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{COMMON}\n\n{}", self.text)
    }

    /// What it measures.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        let name = self.name;
        Metric::of_probes().filter(move |metric| metric.program() == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_metrics_know_each_other() {
        for program in PROGRAMS {
            let source = program.source();
            assert!(program.metrics().count() > 0, "{}", program.name);
            for metric in program.metrics() {
                assert!(source.contains(&format!("say(\"{metric}\"")), "{} does not measure {metric}", program.name);
            }
            let said = source.matches("\nsay(\"").count();
            assert_eq!(said, program.metrics().count(), "{}", program.name);
        }
        for metric in Metric::of_probes() {
            assert!(metric.program().is_some_and(|name| ProbeProgram::named(name).is_some()), "{metric}");
        }
    }
}
