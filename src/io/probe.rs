//! Runs a probe: an interpreter with a program of ours, its lines, its end.

use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;

use super::process::{Process, ProcessError};
use super::python::find::{self, NoInterpreter};
use crate::scenario::probe::{ProbeProgram, ProbeSpec};
use crate::trace::ProbeRun;
use crate::trace::probe::ProbeLines;

/// Why a probe yielded nothing.
#[derive(Debug, Error)]
pub(super) enum ProbeError {
    /// Its interpreter is not there.
    #[error(transparent)]
    NoInterpreter(#[from] NoInterpreter),
    /// Its process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Runs a probe once. What it started ends with it.
///
/// # Errors
/// When there is no such interpreter, or it crashes, hangs or prints nonsense.
pub(super) async fn run(spec: &ProbeSpec, index: usize, repeat: u32) -> Result<ProbeRun, ProbeError> {
    let program = find::interpreter(spec.python.as_deref().unwrap_or(find::DEFAULT))?;
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
