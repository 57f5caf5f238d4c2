//! `pollcost scenarios`.

use clap::Args;

use super::{ColorFlag, FormatFlag};

pub(super) const SCENARIOS_EXAMPLES: &str = "\
Examples:
  pollcost scenarios
  pollcost scenarios quickstart > mine.toml
  pollcost scenarios mine.toml --format json   check a file, and see every default that it gets";

#[derive(Debug, Args)]
pub(crate) struct ScenariosFlags {
    /// A built-in's name to print, or a TOML file to check
    pub(crate) name: Option<String>,
    /// How it is printed
    #[arg(long, default_value = "text")]
    pub(crate) format: FormatFlag,
    /// Whether to colour messages
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorFlag,
}
