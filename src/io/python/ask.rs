//! Asks an interpreter what it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use crate::time::Span;
use crate::trace::Interpreter;

const PROGRAM: &str = include_str!("../../../fixtures/python/facts.py");
/// The oldest version that the clients run on.
const OLDEST: (u32, u32) = (3, 9);
/// How long an interpreter may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The packages that the clients use, with the modules that they are imported by.
pub(super) const PACKAGES: [(&str, &str); 5] = [
    ("aioca", "aioca"),
    ("caproto", "caproto"),
    ("epicscorelibs", "epicscorelibs"),
    ("numpy", "numpy"),
    ("pyepics", "epics"),
];

/// What an interpreter says of itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Answer {
    version: String,
    implementation: String,
    pub(super) executable: PathBuf,
    /// The interpreter that a virtual environment was made of; itself where it is none.
    pub(super) base: PathBuf,
    /// Whether it is a virtual environment.
    #[serde(rename = "virtual")]
    pub(super) is_virtual: bool,
    pub(super) free_threaded: bool,
    gil: bool,
    switch_interval_ns: u64,
    pub(super) packages: BTreeMap<String, String>,
    /// Modules that are there and cannot be imported, and why.
    pub(super) failed_imports: BTreeMap<String, String>,
    /// Modules that a virtual environment is made with and that are not there.
    pub(super) lacks: Vec<String>,
    /// The folder of the C library, its headers and shared objects.
    pub(super) epicscorelibs: Option<PathBuf>,
}

impl Answer {
    /// Such as `3.13.0t`.
    pub(super) fn tag(&self) -> String {
        let build = if self.free_threaded { "t" } else { "" };
        let maker = if self.implementation == "CPython" { "" } else { &self.implementation };
        format!("{}{}{build}", maker.to_lowercase(), self.version)
    }

    /// Its major and minor version.
    pub(super) fn minor(&self) -> (u32, u32) {
        let mut parts = self.version.split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }

    /// What is kept of it.
    pub(super) fn interpreter(&self, asked: &str) -> Interpreter {
        Interpreter {
            asked: asked.to_owned(),
            used_by: Vec::new(),
            executable: self.executable.display().to_string(),
            version: self.version.clone(),
            implementation: self.implementation.clone(),
            free_threaded: self.free_threaded,
            gil: self.gil,
            switch_interval_ns: Span(self.switch_interval_ns),
            packages: self.packages.clone(),
        }
    }
}

/// Asks a program that should be an interpreter. With `import` the packages are loaded before it looks at its lock.
///
/// # Errors
/// In words, when it is none, or too old.
pub(super) async fn ask(program: &Path, import: bool) -> Result<Answer, String> {
    let mut command = Command::new(program);
    command.args(["-c", PROGRAM]).stdin(Stdio::null()).kill_on_drop(true);
    if import {
        command.args(PACKAGES.iter().flat_map(|(_, module)| ["--import", module]));
    }
    command.args(PACKAGES.iter().map(|(package, _)| package));
    let output = match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => return Err(format!("{} did not answer within {} s", program.display(), PATIENCE.as_secs())),
        Ok(Err(error)) => return Err(format!("{} cannot be run: {error}", program.display())),
        Ok(Ok(output)) => output,
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let answer: Answer = serde_json::from_str(said.trim()).map_err(|_| {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.trim().lines().next_back().unwrap_or("it printed no description of itself").to_owned();
        format!("{} is no Python of 3.9 or newer ({}): {last}", program.display(), output.status)
    })?;
    if answer.minor() < OLDEST {
        return Err(format!("{} is Python {}: the clients need 3.9 or newer", program.display(), answer.version));
    }
    Ok(answer)
}
