//! The facts of a run as Parquet, read by pandas and by DuckDB.

use std::process::Command;

use libtest_mimic::Failed;

use crate::workshop::{Workshop, scripts};

/// The programs that read them.
pub(crate) const READERS: [&str; 2] = ["pandas", "duckdb"];

/// A simulated run that keeps both forms is read and compared.
pub(crate) fn run(workshop: &Workshop, reader: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let out = folder.path().join("run");
    let mut simulate = Command::new(env!("CARGO_BIN_EXE_pollcost"));
    simulate.args(["simulate", "quickstart", "--duration", "1s", "--repeats", "2", "--clients", "monitor,poll-10ms"]);
    simulate.args(["--facts", "full", "--tables", "both", "--no-report", "--quiet", "-o"]).arg(&out);
    finish(&mut simulate)?;
    finish(Command::new(&workshop.python).arg(scripts().join("facts.py")).arg(reader).arg(&out))
}

fn finish(command: &mut Command) -> Result<(), Failed> {
    let output = command.output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}
