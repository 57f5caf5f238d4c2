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

#[test]
fn parquet_makes_the_same_report() {
    let csv = run(&["--facts", "full"]);
    let parquet = run(&["--facts", "full", "--tables", "parquet"]);
    for table in ["emissions", "observations", "requests"] {
        assert!(parquet.path().join(format!("run/{table}.parquet")).is_file());
        assert!(!parquet.path().join(format!("run/{table}.csv")).exists());
    }
    let wanted = report(csv.path(), "anew", &["--from-facts"]);
    assert!(wanted == report(parquet.path(), "anew", &["--from-facts"]));
    fs::remove_file(parquet.path().join("run/excerpt.json")).unwrap();
    assert!(wanted == report(parquet.path(), "without", &[]));
}

#[test]
fn both_forms_hold_the_same() {
    let both = run(&["--facts", "news", "--tables", "both"]);
    let wanted = report(both.path(), "csv", &["--from-facts"]);
    for table in ["emissions", "observations"] {
        fs::remove_file(both.path().join(format!("run/{table}.csv"))).unwrap();
    }
    assert!(wanted == report(both.path(), "parquet", &["--from-facts"]));
    // Damage is bad input, and named.
    let file = both.path().join("run/emissions.parquet");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let done = pollcost(both.path(), &["report", "run", "-o", "damaged", "--from-facts"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("run/emissions.parquet: "));
}

#[test]
fn a_simulation_that_keeps_no_facts_keeps_none_as_parquet() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    let done = pollcost(folder.path(), &["simulate", "small.toml", "--tables", "parquet"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("add --facts news"));
}
