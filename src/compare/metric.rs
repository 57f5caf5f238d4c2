//! What is compared: counters and times of a repeat, and the least change of each that matters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::summary::EachRepeat;
use crate::time::Span;

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
            Metric::NoticeP50 => (0.1, 2.0),
            Metric::NoticeP90 => (0.1, 5.0),
            Metric::NoticeP99 => (0.25, 50.0),
            Metric::CpuClient | Metric::CpuIoc => (0.2, 0.2),
        };
        Effect { relative, absolute }
    }

    /// Its value in one repeat; `None` where it does not exist.
    #[must_use]
    pub fn of(self, each: &EachRepeat) -> Option<f64> {
        let ratio = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let seconds = each.window.as_secs_f64();
        let us = |ns: Option<f64>| ns.map(|ns| ns / 1e3);
        let percent = |cpu: Option<Span>| ratio(cpu?.as_secs_f64() * 100.0, seconds);
        match self {
            Metric::Requests => ratio(each.requests as f64, seconds),
            Metric::Redundant => ratio(each.redundant as f64, each.requests as f64),
            Metric::Missed => ratio(each.missed as f64, each.changes as f64),
            Metric::Unnoticed => ratio(each.changes.saturating_sub(each.noticed) as f64, each.changes as f64),
            Metric::Bytes => ratio(each.bytes_in.saturating_add(each.bytes_out) as f64, seconds),
            Metric::Wakeups => ratio(each.wakeups? as f64, seconds),
            Metric::NoticeP50 => us(each.notice_p50_ns),
            Metric::NoticeP90 => us(each.notice_p90_ns),
            Metric::NoticeP99 => us(each.notice_p99_ns),
            Metric::CpuClient => percent(each.cpu_client),
            Metric::CpuIoc => percent(each.cpu_ioc),
        }
    }

    /// Whether it is a fraction of changes, whose chance the number of changes tells.
    #[must_use]
    pub fn of_changes(self) -> bool {
        matches!(self, Metric::Missed | Metric::Unnoticed)
    }
}
