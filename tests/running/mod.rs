//! The program under test as a user runs it: scenarios in a few words, what it says, and the files that it leaves.
#![allow(dead_code, clippy::panic, reason = "each suite needs a part of it, and a test may panic")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A scenario with short windows: so many repeats, windows of this length, and these blocks.
pub(crate) fn scenario(repeats: u32, window: &str, blocks: &[String]) -> String {
    let times = "min_periods = 1\nwarmup = \"20ms\"\ndrain = \"50ms\"\n";
    format!("repeats = {repeats}\nwindow = \"{window}\"\n{times}{}", blocks.concat())
}

/// PVs that change like this, such as `pattern = "poisson", rate_hz = 40`.
pub(crate) fn pvs(name: &str, change: &str) -> String {
    format!("[[pv]]\nname = \"{name}\"\nchange = {{ {change} }}\n")
}

/// A native client that is called back.
pub(crate) fn callback(name: &str) -> String {
    format!("[[client]]\nname = \"{name}\"\nfetch = \"monitor\"\n")
}

/// The same, called `monitor`.
pub(crate) fn monitor() -> String {
    callback("monitor")
}

/// A native client that sleeps so long after each round.
pub(crate) fn poller(name: &str, fetch: &str, period: &str) -> String {
    format!("[[client]]\nname = \"{name}\"\nfetch = \"{fetch}\"\nperiod = \"{period}\"\n")
}

/// The program, without colours and without an input; what it says is the test's.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
    command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it in a folder: its exit code, its standard output and its standard error.
#[track_caller]
pub(crate) fn pollcost(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = program().current_dir(folder).args(args).output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!err.contains("panicked"), "{args:?}: {err}");
    (output.status.code().unwrap(), out, err)
}

/// What it prints when all goes well.
#[track_caller]
pub(crate) fn done(folder: &Path, args: &[&str]) -> String {
    let (code, out, err) = pollcost(folder, args);
    assert_eq!(code, 0, "{args:?}: {out}{err}");
    out
}

/// What it says when it refuses, without the folder's name.
#[track_caller]
pub(crate) fn refused(folder: &Path, args: &[&str]) -> String {
    let (code, out, err) = pollcost(folder, args);
    assert_eq!(code, 2, "{args:?}: {out}{err}");
    err.replace(folder.to_str().unwrap(), "DIR")
}

/// What was printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Fails unless it ended with this code.
#[track_caller]
pub(crate) fn expect_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

/// All files below a folder and what is in them.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string(), fs::read(path).unwrap());
            }
        }
    }
    found
}

/// A row of a CSV file: its cells by column.
pub(crate) type Row = HashMap<String, String>;

/// The rows of a CSV file.
pub(crate) fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let row =
        |record: csv::StringRecord| header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// A whole number of a row.
pub(crate) fn number(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {:?}", row[column]))
}
