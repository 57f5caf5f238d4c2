//! What `pollcost run` and `pollcost simulate` share.

use std::path::PathBuf;

use clap::Args;

use super::{FactsFlag, TablesFlag, VoiceFlags, duration};
use crate::scenario::shard::Shard;
use crate::time::Span;

#[derive(Debug, Args)]
pub(crate) struct MeasureFlags {
    /// The run folder [default: reports/SCENARIO-UTCTIME]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Length of each measuring window, such as 5s; clients with long poll periods still get the scenario's `min_periods` of them
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) duration: Option<Span>,
    /// How many times each client is measured
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) repeats: Option<u32>,
    /// Seed of every random choice
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    /// Only these clients and probes of the scenario
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) clients: Option<Vec<String>>,
    /// Facts written to the tables: what was new to a client, or every reply and request [default: as the scenario says; none where
    /// time is virtual]
    #[arg(long, value_name = "WHAT")]
    pub(crate) facts: Option<FactsFlag>,
    /// How the facts are kept: as CSV, as Parquet for pandas, polars and DuckDB, or as both
    #[arg(long, value_name = "HOW", default_value = "csv", conflicts_with = "all")]
    pub(crate) tables: TablesFlag,
    /// Count the scenario's expectations in the exit code: 1 if one does not hold, else 3 if one is inconclusive
    #[arg(long)]
    pub(crate) check: bool,
    /// Run every built-in scenario, and write an overview that sets them side by side; a second start with the same -o runs those that
    /// are missing
    #[arg(long, conflicts_with_all = ["clients", "check"])]
    pub(crate) all: bool,
    /// Of a scenario with a [sweep]: only this part of its cells, such as 1/3; `pollcost merge` puts the parts together
    #[arg(long, value_name = "I/N", conflicts_with = "all")]
    pub(crate) shard: Option<Shard>,
    /// Of a scenario with a [sweep]: only list its cells and how long they take
    #[arg(long, conflicts_with = "all")]
    pub(crate) plan: bool,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}
