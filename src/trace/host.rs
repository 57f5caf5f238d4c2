//! What a run was made on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The machine and the software of a run. What could not be read is `None`, with the reason in [`Host::unavailable`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Model of the processor, as the kernel names it.
    pub cpu_model: Option<String>,
    /// Processors that the run was allowed to use.
    pub cores: Option<u32>,
    /// Kernel name and release.
    pub kernel: Option<String>,
    /// What the monotonic clock reads, such as `tsc`.
    pub clock_source: Option<String>,
    /// Timer slack of the threads that sleep, in ns.
    pub timer_slack_ns: Option<u64>,
    /// Frequency governor of the first processor.
    pub governor: Option<String>,
    /// Versions of what was measured: programs and libraries of the clients.
    pub versions: BTreeMap<String, String>,
    /// Field name to the reason why it is not known.
    pub unavailable: BTreeMap<String, String>,
}
