//! What is compared: counters and times of a repeat, and the least change of each that matters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::metric::Metric as Known;
use crate::summary::OfRepeat;

/// A metric. Less is better for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Gets a second, by the IOC's count.
    Requests,
    /// Fraction of gets that brought nothing new, by the IOC's count.
    Redundant,
    /// Fraction of changes whose own value never reached the client.
    Missed,
    /// Fraction of changes after which nothing as new came.
    Unnoticed,
    /// Bytes a second, both ways.
    Bytes,
    /// Voluntary context switches of the client a second.
    Wakeups,
    /// Median notice latency in µs.
    NoticeP50,
    /// 90th percentile of notice latency in µs.
    NoticeP90,
    /// 99th percentile of notice latency in µs.
    NoticeP99,
    /// Processor time of the client in percent of one core.
    CpuClient,
    /// Processor time of the IOC in percent of one core.
    CpuIoc,
}

/// Whether a metric counts or times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The same on any machine that keeps up.
    Counter,
    /// The machine's as much as the client's.
    Time,
}

/// The least change that matters: both must be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// As a fraction of the base value.
    pub relative: f64,
    /// In the unit of the metric.
    pub absolute: f64,
}

impl Metric {
    /// All, counters first.
    pub const ALL: [Metric; 11] = [
        Metric::Requests,
        Metric::Redundant,
        Metric::Missed,
        Metric::Unnoticed,
        Metric::Bytes,
        Metric::Wakeups,
        Metric::NoticeP50,
        Metric::NoticeP90,
        Metric::NoticeP99,
        Metric::CpuClient,
        Metric::CpuIoc,
    ];

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Requests => "requests",
            Metric::Redundant => "redundant",
            Metric::Missed => "missed",
            Metric::Unnoticed => "unnoticed",
            Metric::Bytes => "bytes",
            Metric::Wakeups => "wakeups",
            Metric::NoticeP50 => "notice_p50",
            Metric::NoticeP90 => "notice_p90",
            Metric::NoticeP99 => "notice_p99",
            Metric::CpuClient => "cpu_client",
            Metric::CpuIoc => "cpu_ioc",
        }
    }

    /// The metric of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Its unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Metric::Requests | Metric::Wakeups => "1/s",
            Metric::Redundant | Metric::Missed | Metric::Unnoticed => "fraction",
            Metric::Bytes => "B/s",
            Metric::NoticeP50 | Metric::NoticeP90 | Metric::NoticeP99 => "µs",
            Metric::CpuClient | Metric::CpuIoc => "% of a core",
        }
    }

    /// Whether it counts or times.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Metric::NoticeP50 | Metric::NoticeP90 | Metric::NoticeP99 | Metric::CpuClient | Metric::CpuIoc => {
                Kind::Time
            }
            _ => Kind::Counter,
        }
    }

    /// Whether it is a notice latency.
    #[must_use]
    pub fn is_latency(self) -> bool {
        matches!(self, Metric::NoticeP50 | Metric::NoticeP90 | Metric::NoticeP99)
    }

    /// The least change that matters, unless a policy says otherwise. The relative ones are at least three standard errors of ten
    /// quiet repeats on the machine of `docs/comparison.md`.
    #[must_use]
    pub fn effect(self) -> Effect {
        let (relative, absolute) = match self {
            Metric::Requests => (0.05, 1.0),
            Metric::Redundant => (0.0, 0.02),
            Metric::Missed | Metric::Unnoticed => (0.0, 0.003),
            Metric::Bytes => (0.05, 100.0),
            Metric::Wakeups => (0.15, 5.0),
            Metric::NoticeP50 => (0.1, 0.5),
            Metric::NoticeP90 => (0.1, 2.0),
            Metric::NoticeP99 => (0.25, 50.0),
            Metric::CpuClient | Metric::CpuIoc => (0.2, 0.2),
        };
        Effect { relative, absolute }
    }

    /// Its value in one repeat; `None` where it does not exist.
    #[must_use]
    pub fn of(self, repeat: &OfRepeat) -> Option<f64> {
        let value = |name: &str| repeat.values.get(&Known::named(name)?).copied();
        let us = |name: &str| value(name).map(|ns| ns / 1e3);
        match self {
            Metric::Requests => value("requests_per_s"),
            Metric::Redundant => value("redundant_fraction"),
            Metric::Missed => value("missed_fraction"),
            Metric::Unnoticed => {
                let changes = value("changes").filter(|n| *n > 0.0)?;
                Some(value("unnoticed")? / changes)
            }
            Metric::Bytes => Some(value("bytes_in_per_s")? + value("bytes_out_per_s")?),
            Metric::Wakeups => value("wakeups_per_s"),
            Metric::NoticeP50 => us("notice_p50_us"),
            Metric::NoticeP90 => us("notice_p90_us"),
            Metric::NoticeP99 => us("notice_p99_us"),
            Metric::CpuClient => value("cpu_client_percent"),
            Metric::CpuIoc => value("cpu_ioc_percent"),
        }
    }

    /// Changes in the window of a repeat.
    #[must_use]
    pub fn changes_of(repeat: &OfRepeat) -> u64 {
        Known::named("changes").and_then(|known| repeat.values.get(&known)).map_or(0, |n| *n as u64)
    }

    /// Whether it is a fraction of changes, whose chance the number of changes tells.
    #[must_use]
    pub fn of_changes(self) -> bool {
        matches!(self, Metric::Missed | Metric::Unnoticed)
    }
}
