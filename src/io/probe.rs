//! Runs a probe: an interpreter with a program of ours, its lines, its end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;

use super::process::{Process, ProcessError};
use crate::scenario::probe::{ProbeProgram, ProbeSpec};
use crate::trace::ProbeRun;
use crate::trace::probe::ProbeLines;

/// Why a probe yielded nothing.
#[derive(Debug, Error)]
pub(super) enum ProbeError {
    /// Its interpreter is not there.
    #[error(
        "no interpreter `{python}`: install it, for instance with `pyenv install {version}`, or name another with `python` in the scenario"
    )]
    NoInterpreter {
        /// As it was asked for.
        python: String,
        /// What to install.
        version: String,
    },
    /// Its process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Runs a probe once. What it started ends with it.
///
/// # Errors
/// When there is no such interpreter, or it crashes, hangs or prints nonsense.
pub(super) async fn run(spec: &ProbeSpec, index: usize, repeat: u32) -> Result<ProbeRun, ProbeError> {
    let program = interpreter(spec.python.as_deref())?;
    let source = ProbeProgram::named(&spec.program).map(|program| program.source()).unwrap_or_default();
    let mut command = Command::new(program);
    // Standard output is a pipe: unbuffered, so that a hang shows what came before it.
    command.args(["-u", "-c", &source]).args(&spec.arguments);
    let mut process = Process::start(&format!("probe {}", spec.name), command, Vec::new())?;
    let mut lines = ProbeLines::new(index, repeat, &spec.program);
    let limit = Duration::from_nanos(spec.timeout.0);
    let read = tokio::time::timeout(limit, async {
        while let Some(line) = process.line().await? {
            if let Err(wanted) = lines.take(&line) {
                return Err(process.nonsense(line, &wanted.to_string()));
            }
        }
        Ok(())
    });
    let failed = match read.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(_) => Some(process.silent(limit)),
    };
    match (failed, lines.finish()) {
        (None, None) => Err(process.ended().await.into()),
        (failed, run) => {
            process.hang_up();
            process.wait().await?;
            failed.map_or(Ok(run.unwrap_or_default()), |error| Err(error.into()))
        }
    }
}

/// The program of an interpreter: a path as it stands, a version from the search path or from pyenv.
fn interpreter(python: Option<&str>) -> Result<PathBuf, ProbeError> {
    let asked = python.unwrap_or("python3");
    let missing = || ProbeError::NoInterpreter {
        python: asked.to_owned(),
        version: asked.trim_start_matches("python").to_owned(),
    };
    if asked.contains('/') {
        return Some(PathBuf::from(asked)).filter(|path| path.is_file()).ok_or_else(missing);
    }
    let name =
        if asked.starts_with(|c: char| c.is_ascii_digit()) { format!("python{asked}") } else { asked.to_owned() };
    on_the_path(&name).or_else(|| of_pyenv(asked)).ok_or_else(missing)
}

fn on_the_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // A shim of pyenv answers to versions that are not active, and then fails: the interpreters themselves are looked up after it.
    std::env::split_paths(&path)
        .filter(|folder| name == "python3" || !folder.ends_with(".pyenv/shims"))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The newest of this version, such as `3.12.1` for `3.12`.
fn of_pyenv(version: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")))?;
    let fits = |folder: &Path| {
        let name = folder.file_name()?.to_str()?;
        let (plain, free) = (name.trim_end_matches('t'), name.ends_with('t'));
        let (asked, wants_free) = (version.trim_end_matches('t'), version.ends_with('t'));
        let same = plain == asked || plain.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'));
        let parts: Vec<u32> = plain.split('.').map(|part| part.parse().unwrap_or(0)).collect();
        (same && free == wants_free).then_some(parts)
    };
    let folders = std::fs::read_dir(root.join("versions")).ok()?.flatten().map(|entry| entry.path());
    let newest = folders.filter_map(|folder| Some((fits(&folder)?, folder))).max()?;
    Some(newest.1.join("bin/python3")).filter(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::example;
    use crate::time::Span;

    fn run_once(spec: &ProbeSpec) -> Result<ProbeRun, ProbeError> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(spec, 0, 0))
    }

    #[test]
    fn a_probe_measures_what_its_program_says() {
        let run = run_once(&ProbeSpec { arguments: vec!["2".into()], ..example::probe("parallel") }).unwrap();
        let program = ProbeProgram::named("parallel").unwrap();
        for metric in program.metrics() {
            assert!(run.values.contains_key(&metric), "{metric}");
        }
        assert!(run.remarks["python"].starts_with('3'));
        assert!(run.curves.contains_key("ones"), "{:?}", run.curves);
    }

    #[test]
    fn what_goes_wrong_is_told() {
        let told = |python: &str, timeout: Span| {
            let spec = ProbeSpec { python: Some(python.into()), timeout, ..example::probe("parallel") };
            run_once(&spec).unwrap_err().to_string()
        };
        let folder = tempfile::tempdir().unwrap();
        let fake = |script: &str| {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.path().join("python");
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let minute = Span::from_secs(60);
        assert!(
            told("9.99", minute)
                .starts_with("no interpreter `9.99`: install it, for instance with `pyenv install 9.99`")
        );
        assert!(told("/no/such/python", minute).starts_with("no interpreter `/no/such/python`"));
        let crashed = told(&fake("echo 'alone_ms 1 ms'; echo boom >&2; exit 3"), minute);
        assert!(crashed.contains("exit status: 3") && crashed.ends_with("boom"), "{crashed}");
        let nonsense = told(&fake("echo hello world"), minute);
        assert!(nonsense.contains("printed \"hello world\" where"), "{nonsense}");
        let hung = told(&fake("exec sleep 60"), Span::from_millis(100));
        assert!(hung.contains("did not answer within 0.1 s"), "{hung}");
    }
}
