//! Reports from the tables of facts, through the program itself.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may")]

mod running;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use running::{done, files, monitor, poller, pvs, refused, scenario};

/// A callback and a poller at a burst of PVs and a quick one.
fn small() -> String {
    let burst = pvs("T:{0..9}", "pattern = \"periodic\", rate_hz = 40") + "phase = \"aligned\"\n";
    let quick = pvs("U", "pattern = \"poisson\", rate_hz = 500");
    scenario(3, "400ms", &[burst, quick, monitor(), poller("poller", "batch", "3ms")])
}

/// A simulated run with facts, in a folder of its own.
fn run(arguments: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), small()).unwrap();
    done(folder.path(), &[&["simulate", "small.toml", "-o", "run", "--quiet"], arguments].concat());
    folder
}

/// Draws the report into a folder: all files and what is in them.
fn report(folder: &Path, out: &str, arguments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    done(folder, &[&["report", "run", "-o", out], arguments].concat());
    let found = files(&folder.join(out));
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
    let said = refused(folder.path(), &["report", "run", "-o", "anew", "--from-facts"]);
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
    let said = refused(both.path(), &["report", "run", "-o", "damaged", "--from-facts"]);
    assert!(said.contains("run/emissions.parquet: it is cut off, damaged or no Parquet"), "{said}");
    assert!(said.contains("put the file of the run back"), "{said}");
    // So is another table in its place.
    fs::copy(both.path().join("run/observations.parquet"), &file).unwrap();
    let said = refused(both.path(), &["report", "run", "-o", "damaged", "--from-facts"]);
    assert!(said.contains("run/emissions.parquet: it is no such table of facts: column 1 is `client`"), "{said}");
}

#[test]
fn a_simulation_that_keeps_no_facts_keeps_none_as_parquet() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), small()).unwrap();
    let said = refused(folder.path(), &["simulate", "small.toml", "--tables", "parquet"]);
    assert!(said.contains("add --facts news"), "{said}");
}
