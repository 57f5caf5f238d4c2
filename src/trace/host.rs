//! What a run was made on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::floor::Floor;
use super::interpreter::Interpreter;

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
    /// Processors that are there, whether allowed or not.
    pub cores_online: Option<u32>,
    /// Processor time that the process' control group may use at most, in thousandths of one core; `None` with no reason: no limit.
    pub cpu_quota_permille: Option<u64>,
    /// Ticks of the kernel in a second (`CONFIG_HZ`).
    pub kernel_hz: Option<u32>,
    /// The driver that puts idle processors to sleep.
    pub idle_driver: Option<String>,
    /// Whether it is a virtual machine.
    pub hypervisor: Option<bool>,
    /// What it could do at best, measured before the run.
    pub floor: Option<Floor>,
    /// Versions of what was measured: programs and libraries of the clients.
    pub versions: BTreeMap<String, String>,
    /// The interpreters that clients and probes ran on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interpreters: Vec<Interpreter>,
    /// Field name to the reason why it is not known.
    pub unavailable: BTreeMap<String, String>,
}
