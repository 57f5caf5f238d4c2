//! The Python interpreters that clients and probes ran on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// An interpreter, as it tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// How it was asked for: a version or a path.
    pub asked: String,
    /// The clients and probes of the scenario that it ran; empty outside of a run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_by: Vec<String>,
    /// The program that ran them: the one of a virtual environment, where it has one.
    pub executable: String,
    /// Such as `3.12.1`.
    pub version: String,
    /// Such as `CPython`.
    pub implementation: String,
    /// Whether it is a build without the global interpreter lock (PEP 703).
    pub free_threaded: bool,
    /// Whether the lock was on once the client libraries were imported (`sys._is_gil_enabled`): an extension module that is not made for a
    /// free-threaded build switches it on.
    pub gil: bool,
    /// After how long a thread that waits for the lock asks for it (`sys.getswitchinterval`), unless a client sets its own.
    pub switch_interval_ns: Span,
    /// Client libraries and what they need, with their versions.
    pub packages: BTreeMap<String, String>,
}

impl Interpreter {
    /// What it is, in a few words: `CPython 3.12.1, GIL on, switch interval 5 ms`.
    #[must_use]
    pub fn described(&self) -> String {
        let build = if self.free_threaded { " free-threaded" } else { "" };
        let gil = if self.gil { "on" } else { "off" };
        format!(
            "{} {}{build}, GIL {gil}, switch interval {}",
            self.implementation, self.version, self.switch_interval_ns
        )
    }

    /// Its packages in one line: `aioca 2.1, numpy 2.4.6`; empty without any.
    #[must_use]
    pub fn packages_listed(&self) -> String {
        let packages: Vec<String> = self.packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
        packages.join(", ")
    }
}
