//! A baseline: what a later run is compared with, small enough to be committed and read in a diff.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::metric::Metric;
use super::sameness;
use crate::scenario::model::{Fetch, Scenario};
use crate::summary::near_floor::interval_of;
use crate::summary::strategy::fetch_word;
use crate::summary::{ClientSummary, Summary};
use crate::trace::Host;

/// Version of the layout; a change that an old reader would misread raises it.
pub const BASELINE_VERSION: u32 = 1;
/// Buckets of the histogram for each factor of ten: each is 12 % wide.
const BUCKETS_A_DECADE: f64 = 20.0;

/// One run, by the values of its repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Always 1.
    pub baseline_version: u32,
    /// Version of the program that made the run.
    pub pollcost: String,
    /// When the run was started, as RFC 3339 in UTC; `null` for a simulation.
    pub taken: Option<String>,
    /// Link and host of a simulation; `null`: measured live.
    pub simulated: Option<String>,
    /// What tells machines apart; `null` in a simulation.
    pub machine: Option<Machine>,
    /// The parts of the scenario that must be the same: name of the part to what it says.
    pub scenario: BTreeMap<String, String>,
    /// The clients, in the order of the scenario.
    pub clients: Vec<ClientValues>,
}

/// What tells machines apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Model of the processor.
    pub cpu_model: Option<String>,
    /// Processors that the run was allowed to use.
    pub cores: Option<u32>,
    /// Kernel name and release: told, not held against a comparison.
    pub kernel: Option<String>,
    /// What the monotonic clock reads.
    pub clock_source: Option<String>,
}

/// One client, by the values of its repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientValues {
    /// Its name.
    pub name: String,
    /// Fetch and pacing in words.
    pub strategy: String,
    /// Median one-way push over loopback in µs on the machine of the run, at the cadence of the client's changes or near it: what latencies
    /// are held against on another machine.
    #[serde(default)]
    pub floor_us: Option<f64>,
    /// Changes in the window of each repeat.
    pub changes: Vec<u64>,
    /// Each metric in each repeat; `null` where it does not exist.
    pub values: BTreeMap<Metric, Vec<Option<f64>>>,
    /// Notice latency of all repeats: `[upper end of the bucket in µs, changes]`.
    pub notice_us: Vec<(f64, u64)>,
    /// Fingerprint of the whole histogram, FNV-1a: what differs below the width of a bucket.
    pub notice_digest: String,
}

/// Why there is no baseline.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BaselineError {
    /// It is no JSON, or not of this layout.
    #[error("line {line}, column {column}: {what}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was found and what would be right.
        what: String,
    },
    /// It was written by another version.
    #[error("baseline version {found}; this version of pollcost reads version {BASELINE_VERSION}")]
    Version {
        /// As written.
        found: u32,
    },
    /// It contradicts itself.
    #[error("client `{client}`: {what}")]
    Contradiction {
        /// Whose.
        client: String,
        /// What.
        what: String,
    },
    /// A run that tells nothing of its repeats.
    #[error("it holds no values of single repeats")]
    NoRepeats,
}

impl Baseline {
    /// The baseline of a run.
    ///
    /// # Errors
    /// When the summary tells nothing of single repeats: it is of a first version.
    pub fn of(
        pollcost: &str,
        taken: Option<&str>,
        host: Option<&Host>,
        simulated: Option<String>,
        scenario: &Scenario,
        summary: &Summary,
    ) -> Result<Baseline, BaselineError> {
        if summary.clients.iter().any(|client| client.by_repeat.is_empty()) {
            return Err(BaselineError::NoRepeats);
        }
        let floor = |client: &str| {
            let floor = host.filter(|_| simulated.is_none())?.floor.as_ref()?;
            let (_, p50) = floor.push_p50(interval_of(scenario, client)?)?;
            Some(p50.0 as f64 / 1e3)
        };
        Ok(Baseline {
            baseline_version: BASELINE_VERSION,
            pollcost: pollcost.to_owned(),
            taken: taken.map(str::to_owned),
            machine: host.filter(|_| simulated.is_none()).map(Machine::of),
            scenario: sameness::parts(scenario),
            clients: summary.clients.iter().map(|client| ClientValues::of(client, floor(&client.name))).collect(),
            simulated,
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it is malformed, of another version, or contradicts itself.
    pub fn read(text: &str) -> Result<Baseline, BaselineError> {
        #[derive(Deserialize)]
        struct Versioned {
            baseline_version: u32,
        }
        let malformed = |e: serde_json::Error| BaselineError::Malformed {
            line: e.line(),
            column: e.column(),
            what: e.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        };
        let Versioned { baseline_version } = serde_json::from_str(text).map_err(malformed)?;
        if baseline_version != BASELINE_VERSION {
            return Err(BaselineError::Version { found: baseline_version });
        }
        let baseline: Baseline = serde_json::from_str(text).map_err(malformed)?;
        for (place, client) in baseline.clients.iter().enumerate() {
            client.check()?;
            if baseline.clients.iter().take(place).any(|other| other.name == client.name) {
                let what = "is there twice".to_owned();
                return Err(BaselineError::Contradiction { client: client.name.clone(), what });
            }
        }
        Ok(baseline)
    }

    /// As it is written: one line for each metric, so that a diff shows which changed.
    #[must_use]
    pub fn write(&self) -> String {
        let text = serde_json::to_value(self).map(|value| lines(&value, 0)).unwrap_or_default();
        text + "\n"
    }

    /// Repeats of the client that has fewest.
    #[must_use]
    pub fn repeats(&self) -> usize {
        self.clients.iter().map(|c| c.changes.len()).min().unwrap_or(0)
    }
}

impl Machine {
    /// What tells a host apart.
    #[must_use]
    pub fn of(host: &Host) -> Machine {
        Machine {
            cpu_model: host.cpu_model.clone(),
            cores: host.cores,
            kernel: host.kernel.clone(),
            clock_source: host.clock_source.clone(),
        }
    }

    /// Whether times of one may be held against times of the other.
    #[must_use]
    pub fn is_like(&self, other: &Machine) -> bool {
        self.cpu_model == other.cpu_model && self.cores == other.cores && self.clock_source == other.clock_source
    }
}

impl ClientValues {
    /// The values of a client's repeats, with the floor of their machine.
    #[must_use]
    pub fn of(client: &ClientSummary, floor_us: Option<f64>) -> ClientValues {
        let values = Metric::ALL.map(|m| (m, client.by_repeat.iter().map(|of| m.of(of).map(rounded)).collect()));
        let mut digest = Digest::default();
        let mut buckets: BTreeMap<i64, u64> = BTreeMap::new();
        for v in client.notice.histogram.iter_recorded() {
            let (ns, count) = (v.value_iterated_to(), v.count_at_value());
            digest.add(ns);
            digest.add(count);
            let bucket = ((ns.max(1) as f64).log10() * BUCKETS_A_DECADE).ceil() as i64;
            *buckets.entry(bucket).or_default() += count;
        }
        let upper = |bucket: i64| (10f64.powf(bucket as f64 / BUCKETS_A_DECADE - 3.0) * 1e4).round() / 1e4;
        ClientValues {
            name: client.name.clone(),
            strategy: client.strategy.clone(),
            floor_us,
            changes: client.by_repeat.iter().map(Metric::changes_of).collect(),
            values: BTreeMap::from(values),
            notice_us: buckets.into_iter().map(|(bucket, count)| (upper(bucket), count)).collect(),
            notice_digest: format!("{:016x}", digest.0),
        }
    }

    /// Whether it is called back: its latency is the machine's then, and not that of a poll period.
    #[must_use]
    pub fn is_called_back(&self) -> bool {
        let fetch = self.strategy.split(',').next().and_then(|words| words.rsplit(" × ").next());
        fetch == Some(fetch_word(Fetch::Monitor))
    }

    fn check(&self) -> Result<(), BaselineError> {
        let wrong = |what: String| BaselineError::Contradiction { client: self.name.clone(), what };
        for (metric, values) in &self.values {
            if values.len() != self.changes.len() {
                return Err(wrong(format!(
                    "`{}` has {} values where `changes` has {}",
                    metric.name(),
                    values.len(),
                    self.changes.len()
                )));
            }
            if values.iter().flatten().any(|v| !v.is_finite() || *v < 0.0) {
                return Err(wrong(format!("`{}` has a value below 0", metric.name())));
            }
        }
        Ok(())
    }

    /// The values of a metric, where every repeat has one.
    #[must_use]
    pub fn whole(&self, metric: Metric) -> Option<Vec<f64>> {
        let values = self.values.get(&metric)?;
        values.iter().copied().collect::<Option<Vec<f64>>>().filter(|v| !v.is_empty())
    }
}

/// To nine digits: more than any value has, and short in a diff.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// FNV-1a of 64 bits.
pub(super) struct Digest(u64);

impl Default for Digest {
    fn default() -> Digest {
        Digest(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    pub(super) fn add(&mut self, value: u64) {
        for byte in value.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(super) fn text(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// JSON with one line for each list, and for each key of an object.
fn lines(value: &serde_json::Value, depth: usize) -> String {
    use serde_json::Value;
    let pad = "  ".repeat(depth + 1);
    let inner: Vec<String> = match value {
        Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{pad}{}: {}", Value::from(k.as_str()), lines(v, depth + 1))).collect()
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().map(|v| format!("{pad}{}", lines(v, depth + 1))).collect()
        }
        Value::Array(items) => {
            return format!("[{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        }
        other => return other.to_string(),
    };
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    format!("{open}\n{}\n{}{close}", inner.join(",\n"), "  ".repeat(depth))
}
