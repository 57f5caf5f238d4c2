//! The quantities that an expectation may speak of, by name: columns of `summary.csv`, and what probes measure.

use std::cmp::Ordering;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What kind of quantity a metric is. Values of durations are held in ns, all others as the tables show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// A length of time: written with its unit.
    Duration,
    /// Percent of one core.
    Percent,
    /// From 0 to 1.
    Fraction,
    /// A number of things.
    Count,
    /// So many a second.
    PerSecond,
    /// Bytes a second.
    BytesPerSecond,
    /// One quantity over another.
    Ratio,
}

/// A known metric.
#[derive(Debug)]
struct Known {
    name: &'static str,
    dimension: Dimension,
    /// Base units (ns) in one unit of the table.
    per_unit: f64,
    /// Whose it is.
    of: Of,
}

/// Whose quantity a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Client,
    /// What one client has over another.
    TwoClients,
    /// The probes with this program.
    Probe(&'static str),
}

/// The name of a quantity.
#[derive(Clone, Copy)]
pub struct Metric(&'static Known);

const fn of_client(name: &'static str, dimension: Dimension) -> Known {
    Known { name, dimension, per_unit: 1.0, of: Of::Client }
}

const fn duration(name: &'static str, per_unit: f64) -> Known {
    Known { name, dimension: Dimension::Duration, per_unit, of: Of::Client }
}

const MS: f64 = 1e6;
const US: f64 = 1e3;

/// What can be asked of a client: columns of `summary.csv`, in their order, and percentiles that it leaves out.
static OF_CLIENTS: [Known; 47] = [
    duration("achieved_period_ms", MS),
    of_client("changes", Dimension::Count),
    of_client("noticed", Dimension::Count),
    of_client("missed", Dimension::Count),
    of_client("missed_fraction", Dimension::Fraction),
    of_client("requests", Dimension::Count),
    of_client("redundant", Dimension::Count),
    of_client("redundant_fraction", Dimension::Fraction),
    duration("notice_p50_us", US),
    duration("notice_p90_us", US),
    duration("notice_p99_us", US),
    duration("notice_mean_us", US),
    duration("intended_p50_us", US),
    duration("intended_p90_us", US),
    duration("intended_p99_us", US),
    duration("intended_mean_us", US),
    duration("age_mean_us", US),
    duration("age_peak_us", US),
    of_client("cpu_client_percent", Dimension::Percent),
    of_client("cpu_ioc_percent", Dimension::Percent),
    of_client("cpu_total_percent", Dimension::Percent),
    duration("cpu_us_per_notice", US),
    of_client("requests_per_s", Dimension::PerSecond),
    of_client("bytes_in_per_s", Dimension::BytesPerSecond),
    of_client("bytes_out_per_s", Dimension::BytesPerSecond),
    of_client("wakeups_per_s", Dimension::PerSecond),
    of_client("unnoticed", Dimension::Count),
    of_client("updates_replaced", Dimension::Count),
    of_client("negative_latencies", Dimension::Count),
    duration("mean_period_ms", MS),
    duration("round_trip_us", US),
    duration("seen_p50_us", US),
    duration("seen_p90_us", US),
    duration("seen_p99_us", US),
    duration("seen_mean_us", US),
    duration("connect_ms", MS),
    duration("recovery_ms", MS),
    of_client("noticed_per_s", Dimension::PerSecond),
    of_client("noticed_per_cpu_percent", Dimension::Ratio),
    of_client("expected_missed_fraction", Dimension::Fraction),
    of_client("expected_redundant_fraction", Dimension::Fraction),
    duration("expected_notice_mean_us", US),
    duration("expected_notice_p05_us", US),
    duration("expected_notice_p95_us", US),
    duration("expected_seen_mean_us", US),
    duration("expected_age_mean_us", US),
    duration("expected_age_peak_us", US),
];

/// What one client has over another: `client` over `over`.
///
/// `cpu_us_per_us_won` is the processor time, of client and IOC, that it takes for each change more than the other, over the mean notice
/// latency that it wins by that.
static OF_TWO: [Known; 1] =
    [Known { name: "cpu_us_per_us_won", dimension: Dimension::Ratio, per_unit: 1.0, of: Of::TwoClients }];

const fn of_probe(program: &'static str, name: &'static str, dimension: Dimension, per_unit: f64) -> Known {
    Known { name, dimension, per_unit, of: Of::Probe(program) }
}

/// What probes measure.
static OF_PROBES: [Known; 16] = [
    of_probe("parallel", "alone_ms", Dimension::Duration, MS),
    of_probe("parallel", "threads_ms", Dimension::Duration, MS),
    of_probe("parallel", "processes_ms", Dimension::Duration, MS),
    of_probe("parallel", "other_progress_fraction", Dimension::Fraction, 1.0),
    of_probe("lost_updates", "lost_plain_fraction", Dimension::Fraction, 1.0),
    of_probe("lost_updates", "lost_call_fraction", Dimension::Fraction, 1.0),
    of_probe("lost_updates", "lost_locked_fraction", Dimension::Fraction, 1.0),
    of_probe("sleep_zero", "handover_fraction", Dimension::Fraction, 1.0),
    of_probe("sleep_zero", "handover_control_fraction", Dimension::Fraction, 1.0),
    of_probe("sleep_zero", "handover_sharp_fraction", Dimension::Fraction, 1.0),
    of_probe("sleep_zero", "sleep_zero_alone_us", Dimension::Duration, US),
    of_probe("sleep_zero", "sleep_zero_beside_us", Dimension::Duration, US),
    of_probe("coroutines", "gap_blocking_ms", Dimension::Duration, MS),
    of_probe("coroutines", "gap_awaiting_ms", Dimension::Duration, MS),
    of_probe("ctypes_gil", "progress_cdll_fraction", Dimension::Fraction, 1.0),
    of_probe("ctypes_gil", "progress_pydll_fraction", Dimension::Fraction, 1.0),
];

fn all() -> impl Iterator<Item = &'static Known> {
    OF_CLIENTS.iter().chain(&OF_TWO).chain(&OF_PROBES)
}

impl Metric {
    /// The metric of this name: as the column is called, or without the column's unit (`notice_p99` for `notice_p99_us`).
    #[must_use]
    pub fn named(name: &str) -> Option<Metric> {
        let bare = |known: &Known| known.name.strip_suffix("_us").or(known.name.strip_suffix("_ms")) == Some(name);
        all().find(|k| k.name == name).or_else(|| all().find(|k| bare(k))).map(Metric)
    }

    /// All metrics.
    pub fn every() -> impl Iterator<Item = Metric> {
        all().map(Metric)
    }

    /// The metrics of clients.
    pub fn of_clients() -> impl Iterator<Item = Metric> {
        OF_CLIENTS.iter().map(Metric)
    }

    /// The metrics of probes.
    pub fn of_probes() -> impl Iterator<Item = Metric> {
        OF_PROBES.iter().map(Metric)
    }

    /// The probe program that measures it; `None`: it is a client's.
    #[must_use]
    pub fn program(self) -> Option<&'static str> {
        match self.0.of {
            Of::Probe(program) => Some(program),
            Of::Client | Of::TwoClients => None,
        }
    }

    /// Whether it is what one client has over another.
    #[must_use]
    pub fn is_of_two(self) -> bool {
        self.0.of == Of::TwoClients
    }

    /// Whether no value of it can be below zero.
    #[must_use]
    pub fn is_never_negative(self) -> bool {
        matches!(self.dimension(), Dimension::Fraction | Dimension::Count)
    }

    /// Its name, as the column is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What kind of quantity it is.
    #[must_use]
    pub fn dimension(self) -> Dimension {
        self.0.dimension
    }

    /// A value from base units (ns for a duration) to the unit in the metric's name.
    #[must_use]
    pub fn in_its_unit(self, value: f64) -> f64 {
        value / self.0.per_unit
    }

    /// The other way round.
    #[must_use]
    pub fn to_base(self, value: f64) -> f64 {
        value * self.0.per_unit
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Metric) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Metric {}

impl PartialOrd for Metric {
    fn partial_cmp(&self, other: &Metric) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Metric {
    fn cmp(&self, other: &Metric) -> Ordering {
        self.0.name.cmp(other.0.name)
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Metric, D::Error> {
        let name = String::deserialize(deserializer)?;
        Metric::named(&name).ok_or_else(|| D::Error::custom(format!("{name:?} is not a metric")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_with_and_without_their_unit() {
        let names: Vec<&str> = all().map(|k| k.name).collect();
        for (i, name) in names.iter().enumerate() {
            assert!(!names[i + 1..].contains(name), "{name}");
            assert_eq!(Metric::named(name).map(Metric::name), Some(*name));
        }
        assert_eq!(Metric::named("notice_p99").map(Metric::name), Some("notice_p99_us"));
        assert_eq!(Metric::named("notice_p98"), None);
    }

    #[test]
    fn the_unit_in_a_name_is_the_unit_of_its_values() {
        for known in all().filter(|k| k.dimension == Dimension::Duration) {
            let ns = if known.name.contains("_ms") { MS } else { US };
            assert_eq!(known.per_unit, ns, "{}", known.name);
        }
        let metric = Metric::named("notice_p99_us").unwrap();
        assert_eq!((metric.in_its_unit(5e6), metric.to_base(5000.0)), (5000.0, 5e6));
    }

    #[test]
    fn they_are_written_by_name() {
        let metric = Metric::named("cpu_client_percent").unwrap();
        let text = serde_json::to_string(&metric).unwrap();
        assert_eq!(text, "\"cpu_client_percent\"");
        assert_eq!(serde_json::from_str::<Metric>(&text).unwrap(), metric);
        assert!(serde_json::from_str::<Metric>("\"speed\"").is_err());
    }
}
