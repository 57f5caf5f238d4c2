//! A probe of a real interpreter, live, from the scenario to the exit code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test writes files and may panic")]

mod running;

use std::fs;
use std::path::Path;

use serde_json::Value;

const SCENARIO: &str = r#"
repeats = 2
[[pv]]
name = "A"
change = { rate_hz = 10 }
[[client]]
name = "monitor"
fetch = "monitor"
[[probe]]
name = "lost"
program = "lost_updates"
[[probe]]
name = "elsewhere"
program = "lost_updates"
python = "/no/such/python"
optional = true
[[probe]]
name = "gone"
program = "lost_updates"
python = "/no/such/python"
[[expect]]
says = "With a lock nothing is lost."
metric = "lost_locked_fraction"
probe = "lost"
relation = "<="
value = 0
[[expect]]
says = "Nor elsewhere."
metric = "lost_locked_fraction"
probe = "elsewhere"
relation = "<="
value = 0
[[expect]]
says = "Nor where it is gone."
metric = "lost_locked_fraction"
probe = "gone"
relation = "<="
value = 0
"#;

fn pollcost(folder: &Path, args: &[&str]) -> (i32, Value) {
    let (code, text, errors) = running::pollcost(folder, args);
    (code, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{errors}")))
}

#[test]
fn a_probe_is_run_kept_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), SCENARIO).unwrap();
    let common = ["--check", "--format", "json", "--quiet"];
    let run = |args: &[&str]| pollcost(folder.path(), &[args, &common[..]].concat());
    let (code, told) = run(&["run", "mine.toml", "-o", "out", "--clients", "lost,elsewhere"]);
    let verdicts = told["verdicts"]["expectations"].as_array().unwrap();
    // What is expected of a probe that is left out is not put to the test; that it was left out is said.
    assert_eq!((code, verdicts.len()), (0, 1), "{told:#}");
    assert_eq!((&verdicts[0]["verdict"], &verdicts[0]["left"]["n"]), (&"holds".into(), &2.into()));
    assert_eq!(told["warnings"].as_array().unwrap().iter().filter(|w| w["client"] == "elsewhere").count(), 1);
    let table = fs::read_to_string(folder.path().join("out/probes.csv")).unwrap();
    assert!(table.contains("\nlost,0,remark,python,,3."), "{table}");
    assert_eq!(table.matches("measurement,lost_locked_fraction,,0\n").count(), 2, "{table}");
    let report = fs::read_to_string(folder.path().join("out/report.md")).unwrap();
    assert!(report.contains("With a lock nothing is lost.") && report.contains("lost\\_plain\\_fraction"), "{report}");
    let (code, again) = run(&["report", "out"]);
    assert_eq!((code, &again["verdicts"]), (0, &told["verdicts"]));

    // One that is not optional fails the run; what the others found is kept.
    let (code, told) = run(&["run", "mine.toml", "-o", "gone", "--clients", "gone,lost"]);
    assert_eq!(code, 4);
    assert!(told["failures"][0]["why"].as_str().unwrap().contains("/no/such/python"), "{told:#}");
    let verdicts: Vec<&Value> =
        told["verdicts"]["expectations"].as_array().unwrap().iter().map(|judged| &judged["verdict"]).collect();
    assert_eq!(verdicts, ["holds", "inconclusive"]);
}
