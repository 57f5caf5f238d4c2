//! `pollcost run`.

use clap::Args;

use super::MeasureFlags;

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  pollcost run
  pollcost run mine.toml -o out --clients monitor,poll-10ms
  pollcost run quickstart --live
  pollcost run --all -o everything
  pollcost run quickstart --duration 1s --repeats 2 --format json

SCENARIO is a built-in's name (see `pollcost scenarios`) or a path to a TOML file.";

#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    #[command(flatten)]
    pub(crate) measure: MeasureFlags,
    /// Port of the IOC; 0: any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,
    /// Show a dashboard while it goes: progress, latencies so far, processor time, warnings; q ends the run and reports
    #[arg(long, conflicts_with_all = ["all", "quiet"])]
    pub(crate) live: bool,
    /// Save facts and summary only; `pollcost report` draws the report later
    #[arg(long, conflicts_with = "all")]
    pub(crate) no_report: bool,
}
