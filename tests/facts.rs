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
