//! `pollcost predict`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::simulate::link;
use super::{VoiceFlags, duration};
use crate::io::request::LinkChoice;
use crate::simulate::Budget;
use crate::time::Span;

pub(super) const PREDICT_EXAMPLES: &str = "\
Examples:
  pollcost predict --rate 10 --pvs 100 --period 10ms,100ms,1s
  pollcost predict --rate 5 --pattern poisson --period 100ms -o prediction
  pollcost predict --rate 10 --budget 'notice_p99<50ms,cpu<5%'
  pollcost predict mine.toml

Latencies, ages and fractions follow from closed forms; round trips and processor time from the models of `pollcost simulate`.
A budget may limit notice_mean, notice_p50, notice_p90, notice_p99, age_mean, age_p99, age_peak, missed, redundant, cpu, cpu_client,
cpu_ioc, requests and wakeups. It is answered by the longest sleep that keeps it, or that only a callback does.";

#[derive(Debug, Args)]
pub(crate) struct PredictFlags {
    /// A scenario to take PVs and clients from, instead of the options
    #[arg(conflicts_with_all = ["rate", "pvs", "period", "pattern", "fetch", "pacing"])]
    pub(crate) scenario: Option<String>,
    /// Changes of each PV a second
    #[arg(long, value_name = "HZ", default_value_t = 10.0)]
    pub(crate) rate: f64,
    /// How many PVs
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) pvs: u32,
    /// Sleeps between poll rounds
    #[arg(long, value_name = "T,T", value_delimiter = ',', default_value = "10ms,100ms,1s", value_parser = duration)]
    pub(crate) period: Vec<Span>,
    /// How PVs change
    #[arg(long, value_name = "HOW", default_value = "periodic")]
    pub(crate) pattern: PatternFlag,
    /// Largest displacement of jittered changes, as a part of their interval
    #[arg(long, value_name = "PART", default_value_t = 0.3)]
    pub(crate) jitter: f64,
    /// Width of pulses; each is two changes, up and down
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration)]
    pub(crate) width: Span,
    /// How pollers get values: all in one flush, one at a time, over a connection for each, or from the last update
    #[arg(long, value_name = "HOW", default_value = "batch")]
    pub(crate) fetch: FetchFlag,
    /// Whether a period is a sleep after each round or a schedule
    #[arg(long, value_name = "HOW", default_value = "fixed-delay")]
    pub(crate) pacing: PacingFlag,
    /// How long a message is under way, as for `pollcost simulate`
    #[arg(long, value_name = "LINK", default_value = "constant:15us", value_parser = link)]
    pub(crate) link: LinkChoice,
    /// Limits to be kept, such as 'notice_p99<50ms,cpu<5%'
    #[arg(long, value_name = "LIMITS", value_parser = budget)]
    pub(crate) budget: Option<(Budget, String)>,
    /// Write figures and tables there
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum PatternFlag {
    Periodic,
    Jittered,
    Poisson,
    Pulse,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum FetchFlag {
    Batch,
    Serial,
    Connect,
    Cached,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum PacingFlag {
    FixedDelay,
    FixedRate,
}

/// A budget, and as it is written.
fn budget(text: &str) -> Result<(Budget, String), String> {
    Budget::parse(text).map(|budget| (budget, text.to_owned())).map_err(|e| e.to_string())
}
