//! Which program an interpreter's name stands for: the same for clients, probes and `pollcost python`.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// What is meant where none is named.
pub(in crate::io) const DEFAULT: &str = "python3";

/// There is no such interpreter.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no interpreter `{asked}`: install it, for instance with `{}`, or name another with `python` in the scenario", .0.mend(), asked = .0.asked)]
pub(in crate::io) struct NoInterpreter(pub(in crate::io) Missing);

/// As it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::io) struct Missing {
    pub(in crate::io) asked: String,
}

impl Missing {
    /// What installs it.
    pub(in crate::io) fn mend(&self) -> String {
        let version = self.asked.trim_start_matches("python");
        if version.starts_with(|c: char| c.is_ascii_digit()) {
            format!("pyenv install {version}")
        } else {
            "apt-get install python3 python3-venv".to_owned()
        }
    }
}

/// The program of an interpreter: a path as it stands, a version from the search path or from pyenv.
///
/// # Errors
/// When there is none.
pub(in crate::io) fn interpreter(asked: &str) -> Result<PathBuf, NoInterpreter> {
    let missing = || NoInterpreter(Missing { asked: asked.to_owned() });
    if asked.contains('/') {
        return Some(PathBuf::from(asked)).filter(|path| path.is_file()).ok_or_else(missing);
    }
    let name =
        if asked.starts_with(|c: char| c.is_ascii_digit()) { format!("python{asked}") } else { asked.to_owned() };
    on_the_path(&name).or_else(|| of_pyenv(asked.trim_start_matches("python"))).ok_or_else(missing)
}

fn on_the_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // A shim of pyenv answers to versions that are not active, and then fails: the interpreters themselves are looked up after it.
    std::env::split_paths(&path)
        .filter(|folder| name == DEFAULT || !folder.ends_with(".pyenv/shims"))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The newest of this version, such as `3.12.1` for `3.12`.
fn of_pyenv(version: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")))?;
    newest(&root.join("versions"), version)
}

fn newest(versions: &Path, version: &str) -> Option<PathBuf> {
    let fits = |folder: &Path| {
        let name = folder.file_name()?.to_str()?;
        let (plain, free) = (name.trim_end_matches('t'), name.ends_with('t'));
        let (asked, wants_free) = (version.trim_end_matches('t'), version.ends_with('t'));
        let same = plain == asked || plain.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'));
        let parts: Vec<u32> = plain.split('.').map(|part| part.parse().unwrap_or(0)).collect();
        (same && free == wants_free).then_some(parts)
    };
    let folders = std::fs::read_dir(versions).ok()?.flatten().map(|entry| entry.path());
    let newest = folders.filter_map(|folder| Some((fits(&folder)?, folder))).max()?;
    Some(newest.1.join("bin/python3")).filter(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_version_and_of_its_build() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["3.9.18", "3.12.1", "3.12.10", "3.12.2t", "3.1.4"] {
            let bin = folder.path().join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("python3"), "").unwrap();
        }
        let found = |version: &str| {
            let path = newest(folder.path(), version)?;
            Some(path.strip_prefix(folder.path()).unwrap().iter().next()?.to_str()?.to_owned())
        };
        assert_eq!(found("3.12").as_deref(), Some("3.12.10"));
        assert_eq!(found("3.12t").as_deref(), Some("3.12.2t"));
        assert_eq!(found("3.1").as_deref(), Some("3.1.4"));
        assert_eq!(found("3.9.18").as_deref(), Some("3.9.18"));
        assert_eq!((found("3.9t"), found("3.15")), (None, None));
    }

    #[test]
    fn what_is_missing_says_what_installs_it() {
        let told = |asked: &str| interpreter(asked).unwrap_err().to_string();
        assert!(told("9.99").starts_with("no interpreter `9.99`: install it, for instance with `pyenv install 9.99`"));
        assert!(told("/no/such/python").contains("`apt-get install python3 python3-venv`"));
    }
}
