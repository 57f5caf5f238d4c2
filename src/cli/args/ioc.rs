//! `pollcost ioc`.

use clap::Args;

use super::{VoiceFlags, duration};
use crate::time::Span;

pub(super) const IOC_EXAMPLES: &str = "\
Examples:
  pollcost ioc types
  EPICS_CA_AUTO_ADDR_LIST=NO EPICS_CA_ADDR_LIST=127.0.0.1 camonitor TEST:DOUBLE

  pollcost ioc mine.toml --port 15064
  EPICS_CA_AUTO_ADDR_LIST=NO EPICS_CA_ADDR_LIST=127.0.0.1:15064 caget TEST:CALC00

It serves the loopback interface only, unless EPICS_CAS_INTF_ADDR_LIST names others.";

#[derive(Debug, Args)]
pub(crate) struct IocFlags {
    /// A built-in's name, or a TOML file
    #[arg(default_value = crate::cli::DEFAULT_SCENARIO)]
    pub(crate) scenario: String,
    /// Port, TCP and UDP; 0: any free one [default: EPICS_CAS_SERVER_PORT, EPICS_CA_SERVER_PORT, 5064]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// Stop after this long, such as 8h, instead of at Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) duration: Option<Span>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}
