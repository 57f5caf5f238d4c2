//! What a comparison came to: the document that programs read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::{Effect, Kind, Metric};

/// Version of the layout of a comparison as JSON.
pub const COMPARISON_VERSION: u32 = 1;

/// Better, worse, as before, or not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No worse by what matters.
    Pass,
    /// Better by what matters.
    Improved,
    /// The runs cannot tell.
    Inconclusive,
    /// Worse by what matters.
    Regressed,
}

impl Verdict {
    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Improved => "improved",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Regressed => "regressed",
        }
    }
}

/// Two runs compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Always 1.
    pub comparison_version: u32,
    /// The first.
    pub base: Side,
    /// The second.
    pub new: Side,
    /// How it was decided.
    pub method: Method,
    /// What the reader must know.
    pub notes: Vec<String>,
    /// One for each client and metric: counters first.
    pub rows: Vec<Row>,
    /// Stated bounds that were checked.
    pub bounds: Vec<Bound>,
    /// The worst of the rows and bounds.
    pub verdict: Verdict,
    /// The exit code that the policy makes of it.
    pub exit: u8,
}

/// One of the two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Where it was, or what was run.
    pub label: String,
    /// Version of the program that made it.
    pub pollcost: String,
    /// When it was started.
    pub taken: Option<String>,
    /// Repeats of the client that has fewest.
    pub repeats: usize,
}

/// How a comparison was decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Method {
    /// From repeats that scatter.
    Repeats {
        /// Accepted false discovery rate.
        level: f64,
    },
    /// From pairs of repeats that were measured in turn on one machine, with a null control.
    Interleaved {
        /// Accepted false discovery rate, of all looks together.
        level: f64,
        /// How often it may have been looked whether the repeats tell enough.
        looks: u32,
        /// Whether IOC and clients shared one processor that was kept awake.
        steady: bool,
    },
    /// Two simulations: every value must be the same.
    Exact,
}

/// One metric of one client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The client.
    pub client: String,
    /// The metric.
    pub metric: Metric,
    /// Whether it counts or times.
    pub kind: Kind,
    /// Unit of `base` and `new`.
    pub unit: String,
    /// Mean of the base's repeats; geometric where all are positive.
    pub base: Option<f64>,
    /// Mean of the new one's repeats.
    pub new: Option<f64>,
    /// `new / base`; `null` where a value is 0, and the difference tells.
    pub ratio: Option<Interval>,
    /// `new - base`, where there is no ratio.
    pub difference: Option<Interval>,
    /// Two-sided p of Welch's test; of Student's for pairs.
    pub p: Option<f64>,
    /// The same, corrected for all rows (Benjamini and Hochberg).
    pub p_adjusted: Option<f64>,
    /// Two-sided p of Mann-Whitney's test; of Wilcoxon's signed ranks for pairs.
    pub p_rank: Option<f64>,
    /// The least change that matters.
    pub minimum: Effect,
    /// What the null control could not tell from nothing, as a factor from 1 or as a difference.
    pub resolution: Option<f64>,
    /// Verdict.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
}

/// A value with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The value.
    pub point: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A stated bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// As it was written.
    pub text: String,
    /// Verdict: regressed where it does not hold.
    pub verdict: Verdict,
    /// What was found.
    pub why: String,
}

/// The JSON schema of a comparison.
#[must_use]
pub fn schema() -> serde_json::Value {
    serde_json::to_value(schemars::schema_for!(Comparison)).unwrap_or_default()
}
