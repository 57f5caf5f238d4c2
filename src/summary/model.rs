//! What a run comes to. Every number is an [`Estimate`] or a plain count; what could not be had is `None`, never 0.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{OfRepeat, ProbeSummary};
use crate::scenario::model::{Fetch, Pacing};
use crate::stats::Estimate;
use crate::time::Span;

fn one() -> u32 {
    1
}

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// In the order of the scenario; a client that yielded nothing is left out and named in a warning.
    pub clients: Vec<ClientSummary>,
    /// In the order of the scenario; a probe that yielded nothing is left out.
    #[serde(default)]
    pub probes: Vec<ProbeSummary>,
    /// What the reader must know before believing the numbers.
    pub warnings: Vec<Warning>,
}

/// A remark on the run, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The client it is about; `None`: the whole run.
    pub client: Option<String>,
    /// What was seen.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// A latency distribution, pooled over repeats, with its mean over repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// All non-negative samples, in ns.
    #[serde(with = "crate::trace::histogram")]
    pub histogram: Histogram<u64>,
    /// Samples below zero: counted here and in the mean, never clamped.
    pub negative: u64,
    /// Mean in ns: over the samples of each repeat, then over repeats.
    pub mean_ns: Option<Estimate>,
    /// Median in ns of the merged samples, with an interval over repeats; only where at least 10 samples lie beyond it.
    /// A change that was never noticed counts as later than all others.
    pub p50_ns: Option<Estimate>,
    /// 90th percentile, likewise.
    pub p90_ns: Option<Estimate>,
    /// 99th percentile, likewise.
    pub p99_ns: Option<Estimate>,
}

/// What theory says, at the achieved period and rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Redundant fraction of gets.
    pub redundant_fraction: Option<f64>,
    /// Missed fraction of changes.
    pub missed_fraction: Option<f64>,
    /// Mean notice latency in ns.
    pub notice_mean_ns: Option<f64>,
    /// 5 % and 95 % quantiles of notice latency in ns.
    pub notice_band_ns: Option<(f64, f64)>,
    /// Mean seen latency in ns.
    pub seen_mean_ns: Option<f64>,
    /// Mean age of information in ns.
    pub age_mean_ns: Option<f64>,
    /// Mean peak age of information in ns.
    pub age_peak_ns: Option<f64>,
}

/// One client over all its repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientSummary {
    /// Its name.
    pub name: String,
    /// Fetch and pacing in words, such as `batch, fixed-delay 10 ms`.
    pub strategy: String,
    /// How it gets values.
    pub fetch: Fetch,
    /// When it asks again; `None` for a monitor.
    pub pacing: Option<Pacing>,
    /// The period asked for; `None` for a monitor.
    pub asked_period: Option<Span>,
    /// Median interval between the starts of poll rounds, in ns; their mean where they are too few for a median (under 20),
    /// and for an external client, which only the IOC's count of requests tells of.
    pub achieved_period_ns: Option<Estimate>,
    /// 99th percentile of it, in ns.
    pub achieved_period_p99_ns: Option<f64>,
    /// Mean of it, in ns: the T of the expected values.
    pub mean_period_ns: Option<f64>,
    /// Mean time from asking for a value to having it, in ns: the r of the expected values.
    pub mean_round_trip_ns: Option<f64>,
    /// PVs it looked at.
    pub pvs: usize,
    /// How many of it ran at once: counts and costs are those of all together.
    #[serde(default = "one")]
    pub copies: u32,
    /// Repeats that were measured.
    pub repeats: u32,
    /// Changes of these PVs in the windows, over all repeats.
    pub changes: u64,
    /// Changes after which the client got something at least as new.
    pub noticed: u64,
    /// Changes whose own value never reached the client.
    pub missed: u64,
    /// Changes after which nothing as new came before the end of the drain.
    pub unnoticed: u64,
    /// `missed` over `changes`.
    pub missed_fraction: Option<Estimate>,
    /// Gets in the windows, by the IOC's count.
    pub requests: u64,
    /// Of these, redundant, by the IOC's count.
    pub redundant: u64,
    /// `redundant` over `requests`; `None` when it made no requests.
    pub redundant_fraction: Option<Estimate>,
    /// Monitor updates that the event queue replaced, in the windows.
    pub updates_replaced: u64,
    /// Every change, from its posting to the client's having something at least as new.
    pub notice: Latency,
    /// The same from the scheduled instant.
    pub intended: Latency,
    /// Only changes whose own value was seen.
    pub seen: Latency,
    /// Time-averaged age of information, in ns.
    pub age_mean_ns: Option<Estimate>,
    /// Mean peak age of information, in ns.
    pub age_peak_ns: Option<Estimate>,
    /// Processor time of the client over wall time, in percent of one core.
    pub cpu_client_percent: Option<Estimate>,
    /// Processor time of the IOC over wall time, in percent of one core.
    pub cpu_ioc_percent: Option<Estimate>,
    /// Processor time of client and IOC for each change noticed, in µs.
    pub cpu_us_per_notice: Option<Estimate>,
    /// Gets a second, by the IOC's count.
    pub requests_per_s: Option<Estimate>,
    /// Bytes a second from the client.
    pub bytes_in_per_s: Option<Estimate>,
    /// Bytes a second to the client.
    pub bytes_out_per_s: Option<Estimate>,
    /// Voluntary context switches a second.
    pub wakeups_per_s: Option<Estimate>,
    /// Processor time of other processes in the worst of its windows, in percent of one core; `None`: not known.
    #[serde(default)]
    pub others_percent: Option<f64>,
    /// What the hypervisor gave to others in the worst of its windows, likewise.
    #[serde(default)]
    pub stolen_percent: Option<f64>,
    /// Time from the start of the process to a first value of every PV, in ns.
    pub connect_ns: Option<Estimate>,
    /// From the return of an IOC that was restarted to the client's first value of a change posted since, in ns.
    #[serde(default)]
    pub recovery_ns: Option<Estimate>,
    /// What theory says, at the achieved periods and the rate of changes that was seen.
    pub expected: Expected,
    /// What each repeat came to by itself, in the order of measuring; empty in runs of the first versions.
    #[serde(default)]
    pub by_repeat: Vec<OfRepeat>,
}
