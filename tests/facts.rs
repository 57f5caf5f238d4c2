//! Reports from the tables of facts, through the program itself.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SMALL: &str = r#"
repeats = 3
window = "400ms"
min_periods = 2
warmup = "30ms"
drain = "50ms"

[[pv]]
name = "T:{0..9}"
change = { pattern = "periodic", rate_hz = 40 }
phase = "aligned"

[[pv]]
name = "U"
change = { pattern = "poisson", rate_hz = 500 }

[[client]]
name = "monitor"
fetch = "monitor"

[[client]]
name = "poller"
fetch = "batch"
period = "3ms"
"#;

fn pollcost(folder: &Path, arguments: &[&str]) -> Output {
    let done = Command::new(env!("CARGO_BIN_EXE_pollcost")).current_dir(folder).args(arguments).output().unwrap();
    assert!(!String::from_utf8_lossy(&done.stderr).contains("panicked"));
    done
}

/// A simulated run with facts, in a folder of its own.
fn run(arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    let all = [&["simulate", "small.toml", "-o", "run", "--quiet"], arguments].concat();
    let done = pollcost(folder.path(), &all);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    folder
}

/// Draws the report into a folder: all files and what is in them.
fn report(folder: &Path, out: &str, arguments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let done = pollcost(folder, &[&["report", "run", "-o", out], arguments].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.join(out)];
    while let Some(of) = folders.pop() {
        for entry in fs::read_dir(of).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder.join(out)).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    assert!(found.contains_key("report.html"));
    found
}

#[test]
fn the_facts_make_the_same_report() {
    let folder = run(&["--facts", "news"]);
    let saved = report(folder.path(), "saved", &[]);
    assert!(saved == report(folder.path(), "anew", &["--from-facts"]));
    // Without the excerpt the figures are drawn from the facts, asked or not.
    fs::remove_file(folder.path().join("run/excerpt.json")).unwrap();
    assert!(saved == report(folder.path(), "without", &[]));
}

#[test]
fn a_report_from_facts_that_are_not_there_is_refused() {
    let folder = run(&[]);
    let done = pollcost(folder.path(), &["report", "run", "-o", "anew", "--from-facts"]);
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("run: the simulation kept no facts; simulate it again with --facts news"), "{said}");
}
