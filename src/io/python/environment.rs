//! The virtual environment of an interpreter: where it is, whether it is complete, and its making.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::ask::Answer;

/// The pinned versions that are installed.
pub(super) const REQUIREMENTS: &str = include_str!("../../../fixtures/python/requirements.txt");
/// The variable that says where the environments are.
pub(super) const VARIABLE: &str = "POLLCOST_PYTHON_DIR";
/// Written last: a folder without it was left unfinished.
const NOTE: &str = "pollcost.json";

/// What a complete environment says of itself.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Note {
    /// The requirements that were installed.
    requirements: String,
    /// Requirements that could not be installed, and why not.
    pub(super) refused: BTreeMap<String, String>,
}

/// Where environments are: as asked, as the variable says, or in the user's cache.
///
/// # Errors
/// In words, when there is no home.
pub(super) fn home(asked: Option<&Path>) -> Result<PathBuf, String> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
    asked.map(Path::to_owned).or_else(|| of(VARIABLE)).or_else(|| Some(cache()?.join("pollcost/python"))).ok_or_else(
        || format!("there is no place for environments: neither {VARIABLE} nor XDG_CACHE_HOME nor HOME is set"),
    )
}

/// An environment, whether it is there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
}

impl Place {
    /// The one of an interpreter: two installations of one version do not share it.
    pub(super) fn of(home: &Path, answer: &Answer) -> Place {
        let hash = fnv1a(answer.base.as_os_str().as_encoded_bytes());
        Place { folder: home.join(format!("{}-{:06x}", answer.tag(), hash & 0xff_ffff)) }
    }

    pub(super) fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// What it says of itself where it is complete, and of these requirements.
    pub(super) fn complete(&self) -> Option<Note> {
        let note: Note = serde_json::from_slice(&fs::read(self.folder.join(NOTE)).ok()?).ok()?;
        (note.requirements == REQUIREMENTS && self.python().is_file()).then_some(note)
    }

    /// Keeps two commands that make the same environment apart, as long as it is held.
    pub(super) fn lock(&self) -> io::Result<File> {
        fs::create_dir_all(self.folder.parent().unwrap_or(Path::new("/")))?;
        let lock = File::create(self.folder.with_added_extension("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// Makes it, anew where it was left unfinished. Requirements that cannot be installed are noted.
    ///
    /// # Errors
    /// In words, when there is no environment at the end.
    pub(super) async fn make(&self, interpreter: &Path) -> Result<Note, String> {
        let note = self.folder.join(NOTE);
        if note.exists() {
            fs::remove_file(&note).map_err(|e| format!("{}: {e}", note.display()))?;
        }
        let mut venv = Command::new(interpreter);
        venv.args(["-m", "venv", "--clear"]).arg(&self.folder);
        failed(venv.env_remove("PYTHONHOME"))
            .await
            .map_or(Ok(()), |why| Err(format!("`python -m venv` failed: {why}")))?;
        let refused = self.install().await;
        let made = Note { requirements: REQUIREMENTS.to_owned(), refused };
        let text = serde_json::to_vec(&made).unwrap_or_default();
        fs::write(&note, text).map_err(|e| format!("{}: {e}", note.display()))?;
        Ok(made)
    }

    /// All together, and one by one where that fails: what is refused, and why.
    async fn install(&self) -> BTreeMap<String, String> {
        let all: Vec<&str> = requirements().collect();
        let mut refused = BTreeMap::new();
        if failed(self.pip().args(&all)).await.is_some() {
            for requirement in all {
                if let Some(why) = failed(self.pip().arg(requirement)).await {
                    refused.insert(requirement.to_owned(), why);
                }
            }
        }
        refused
    }

    fn pip(&self) -> Command {
        let mut pip = Command::new(self.python());
        let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
        pip.args(options);
        pip
    }
}

/// FNV-1a, 64 bit: names folders, guards nothing.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The requirements as pip takes them.
pub(super) fn requirements() -> impl Iterator<Item = &'static str> {
    REQUIREMENTS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Runs a command to its end: why it failed, in its own last words.
pub(super) async fn failed(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    match output {
        Err(error) => Some(format!("it cannot be run: {error}")),
        Ok(Output { status, .. }) if status.success() => None,
        Ok(Output { status, stderr, stdout }) => {
            let text = [stdout, stderr].concat();
            let text = String::from_utf8_lossy(&text);
            let errors = || text.lines().filter(|line| !line.trim().is_empty());
            let told = errors().rfind(|line| line.starts_with("ERROR")).or_else(|| errors().next_back());
            Some(told.map_or_else(|| status.to_string(), |line| line.trim_start_matches("ERROR: ").to_owned()))
        }
    }
}
