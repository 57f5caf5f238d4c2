//! `pollcost doctor`.

use std::path::PathBuf;

use clap::Args;

use super::VoiceFlags;

pub(super) const DOCTOR_EXAMPLES: &str = "\
Examples:
  pollcost doctor
  pollcost doctor --quick
  pollcost doctor --format json -o machine.json

It takes about half a minute, with --quick about three seconds. Close what else runs before: it measures what is left of the machine.
Ctrl-C ends it early, with what was measured by then. Every run stores a short form of it in run.json, under host.floor.";

#[derive(Debug, Args)]
pub(crate) struct DoctorFlags {
    /// Fewer samples, no long sleeps, no 10 Hz
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write all of it there as JSON, too
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}
