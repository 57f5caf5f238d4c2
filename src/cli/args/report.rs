//! `pollcost report`.

use std::path::PathBuf;

use clap::Args;

use super::{ThemeFlag, VoiceFlags};

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  pollcost report reports/quickstart-20260102T030405Z
  pollcost report reports/quickstart-20260102T030405Z -o slides --theme dark";

#[derive(Debug, Args)]
pub(crate) struct ReportFlags {
    /// The run folder
    pub(crate) run: PathBuf,
    /// Where the report goes [default: the run folder]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Colours of the report and its figures
    #[arg(long, default_value = "light")]
    pub(crate) theme: ThemeFlag,
    /// Count the scenario's expectations in the exit code: 1 if one does not hold, else 3 if one is inconclusive
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}
