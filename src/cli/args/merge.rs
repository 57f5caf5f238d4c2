//! `pollcost merge`.

use std::path::PathBuf;

use clap::Args;

use super::VoiceFlags;

pub(super) const MERGE_EXAMPLES: &str = "\
Examples:
  pollcost simulate mine.toml --shard 1/2 -o one      on one machine
  pollcost simulate mine.toml --shard 2/2 -o two      on another
  pollcost merge whole one two

The folder is what one machine would have made; of a simulation, to the last byte. Shards of other scenarios, seeds, options or versions,
cells that two of them hold and cells that none holds are refused by name.";

#[derive(Debug, Args)]
pub(crate) struct MergeFlags {
    /// The folder of the whole sweep: new or empty
    pub(crate) out: PathBuf,
    /// The folders of the shards
    #[arg(required = true)]
    pub(crate) shards: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}
