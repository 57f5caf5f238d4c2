//! Reading the texts that a user names, scenarios and the traces that they refer to; and writing the files of a report.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::scenario::model::Scenario;
use crate::scenario::sweep::Sweep;
use crate::scenario::{LoadedText, ScenarioError, Source, read, read_sweep};

/// The longest scenario file, in bytes.
const MAX_SCENARIO: u64 = 64 << 20;
/// The longest trace file, in bytes.
const MAX_TRACE: u64 = 1 << 30;

/// Why a file could not be written.
#[derive(Debug, Error)]
#[error("{}: cannot be written: {source}", path.display())]
pub struct FileError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Writes files below a folder, and the folders that they need. What is there is replaced.
///
/// # Errors
/// When one cannot be written; those before it are.
pub fn write_files(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), FileError> {
    for (name, content) in files {
        let path = folder.join(name);
        let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
        parent.and_then(|()| fs::write(&path, content)).map_err(|source| FileError { path, source })?;
    }
    Ok(())
}

/// A scenario file that was read.
#[derive(Debug)]
pub struct ScenarioFile {
    /// Its text.
    pub text: String,
    /// What it says.
    pub scenario: Result<Scenario, ScenarioError>,
}

/// Reads a scenario file, and the traces that it names, relative to itself.
///
/// # Errors
/// In words, when the scenario file itself cannot be read.
pub fn scenario_file(path: &Path) -> Result<ScenarioFile, String> {
    let text = text_file(path, MAX_SCENARIO)?;
    let scenario = with_source(path, &text, &|source, load| read(source, load));
    Ok(ScenarioFile { text, scenario })
}

/// Reads every cell of a scenario file with a `[sweep]` likewise; `None` when it has none.
///
/// # Errors
/// In words, when the scenario file itself cannot be read.
pub fn sweep_file(path: &Path) -> Result<Result<Option<Sweep>, ScenarioError>, String> {
    let text = text_file(path, MAX_SCENARIO)?;
    Ok(with_source(path, &text, &|source, load| read_sweep(source, load)))
}

type Load<'a> = &'a dyn Fn(&str) -> Result<LoadedText, String>;

fn with_source<T>(path: &Path, text: &str, read: &dyn Fn(Source<'_>, Load<'_>) -> T) -> T {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let load = |file: &str| {
        let path: PathBuf = folder.join(file);
        text_file(&path, MAX_TRACE).map(|text| LoadedText { file: path.display().to_string(), text })
    };
    read(Source { file: &path.display().to_string(), name: &name, text }, &load)
}

/// The text of a file of at most `limit` bytes.
pub(super) fn text_file(path: &Path, limit: u64) -> Result<String, String> {
    let named = |why: String| format!("{}: {why}", path.display());
    let file = File::open(path).map_err(|e| named(e.to_string()))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| named(e.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(named(format!("is longer than {limit} bytes")));
    }
    String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        named(format!("line {line} is not UTF-8 text"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Change;
    use crate::time::Span;

    #[test]
    fn a_trace_is_found_beside_its_scenario() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my case.toml");
        let text = "[[pv]]\nname = \"A\"\nchange = { pattern = \"trace\", file = \"sub/t.csv\", length = \"2s\" }\n";
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.path().join("sub/t.csv"), "time_s,pv,value\n0.5,A,7\n").unwrap();
        let scenario = scenario_file(&path).unwrap().scenario.unwrap();
        assert_eq!(scenario.name, "my-case");
        let points = vec![vec![(Span::from_millis(500), 7.0)]];
        let change = Change::Trace { file: "sub/t.csv".into(), length: Span::from_secs(2), points };
        assert_eq!(scenario.groups[0].change, change);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone.toml");
        let why = scenario_file(&path).unwrap_err();
        assert!(why.contains("gone.toml") && why.contains("No such file"), "{why}");
        std::fs::write(&path, b"ok = 1\n\xff\n").unwrap();
        let why = scenario_file(&path).unwrap_err();
        assert!(why.ends_with("line 2 is not UTF-8 text"), "{why}");
        assert!(scenario_file(folder.path()).unwrap_err().contains("directory"));
        assert_eq!(text_file(&path, 3).unwrap_err(), format!("{}: is longer than 3 bytes", path.display()));
    }
}
