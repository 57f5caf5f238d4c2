//! Expectations of a scenario, from its file to the exit code: on simulated runs, whose outcome is known.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test writes files and may panic")]

mod running;

use std::fs;
use std::path::Path;

use running::{monitor, pollcost, poller, pvs, scenario};
use serde_json::Value;

/// One PV, a callback and a 100 ms poll: theory says that the poll notices after 50 ms on average and misses nothing.
fn compared() -> String {
    let blocks = [pvs("A{0..9}", "pattern = \"poisson\", rate_hz = 2"), monitor(), poller("poll", "batch", "100ms")];
    scenario(3, "5s", &blocks)
}

const HOLDS: &str = r#"
[[claim]]
name = "sooner"
says = "A callback tells sooner."
[[expect]]
says = "A callback is noticed within 5 ms."
metric = "notice_mean_us"
client = "monitor"
relation = "<"
value = "5ms"
claim = "sooner"
[[expect]]
says = "A callback takes less than a tenth of the time of a poll."
metric = "notice_mean"
client = "monitor"
relation = "<"
other = "poll"
factor = 0.1
claim = "sooner"
[[expect]]
says = "The poll notices after half of its period."
metric = "notice_mean_us"
client = "poll"
relation = "~"
other = "poll"
other_metric = "achieved_period_ms"
factor = 0.5
tolerance = 0.2
source = "theory: (T + r) / 2"
[[expect]]
says = "The poll is as redundant as theory says."
metric = "redundant_fraction"
client = "poll"
relation = "~"
other = "poll"
other_metric = "expected_redundant_fraction"
within = 0.1
"#;

const FAILS: &str = r#"
[[expect]]
says = "The poll tells sooner."
metric = "notice_mean_us"
client = "poll"
relation = "<"
other = "monitor"
"#;

/// The mean of what was measured, to the last digit: no interval lies on one side of it.
const CANNOT_TELL: &str = r#"
[[expect]]
says = "The poll notices within exactly the half of its period."
metric = "notice_mean_us"
client = "poll"
relation = "<="
value = "MEASURED"
"#;

fn simulate(folder: &Path, out: &str, expectations: &str) -> (i32, Value) {
    fs::write(folder.join("mine.toml"), format!("{}{expectations}", compared())).unwrap();
    let args = ["simulate", "mine.toml", "-o", out, "--check", "--format", "json", "--quiet"];
    let (code, text, error) = pollcost(folder, &args);
    assert_eq!(error, "");
    (code, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
}

fn verdicts(told: &Value) -> Vec<&str> {
    let judged = told["verdicts"]["expectations"].as_array().unwrap();
    judged.iter().map(|judged| judged["verdict"].as_str().unwrap()).collect()
}

#[test]
fn what_holds_does_not_hold_and_cannot_be_told_is_in_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = simulate(folder.path(), "holds", HOLDS);
    assert_eq!((code, verdicts(&told)), (0, vec!["holds"; 4]), "{told:#}");
    assert_eq!(told["verdicts"]["claims"][0]["verdict"], "holds");

    let measured = told["verdicts"]["expectations"][2]["left"]["value"].as_f64().unwrap();
    let cannot_tell = CANNOT_TELL.replace("MEASURED", &format!("{measured:.0}us"));
    let (code, told) = simulate(folder.path(), "open", &format!("{HOLDS}{cannot_tell}"));
    assert_eq!((code, verdicts(&told)[4]), (3, "inconclusive"), "{told:#}");

    let (code, told) = simulate(folder.path(), "fails", &format!("{HOLDS}{cannot_tell}{FAILS}"));
    assert_eq!((code, verdicts(&told)[5]), (1, "does-not-hold"), "{told:#}");
    assert_eq!(told["exit"], 1);

    // The same from the run folder, without running anything; and in the files that it holds.
    let (code, text, _) = pollcost(folder.path(), &["report", "fails", "--check", "--format", "json"]);
    let again: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &again["verdicts"]), (1, &told["verdicts"]));
    let saved: Value = serde_json::from_slice(&fs::read(folder.path().join("fails/run.json")).unwrap()).unwrap();
    assert_eq!(saved["verdicts"], told["verdicts"]);
    for file in ["report.md", "report.html"] {
        let report = fs::read_to_string(folder.path().join("fails").join(file)).unwrap();
        for words in ["The poll tells sooner.", "does not hold", "inconclusive", "theory: (T + r) / 2"] {
            assert!(report.contains(words), "{file}: {words}");
        }
    }
    // Nobody asked for a check.
    assert_eq!(pollcost(folder.path(), &["report", "fails"]).0, 0);
}

#[test]
fn the_expectations_of_the_docs_hold() {
    let wanted = [("README.md", "[[pv]]"), ("docs/expectations.md", "[[expect]]")].map(|(page, head)| {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let mut blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        blocks.find(|block| block.starts_with(head)).unwrap().to_owned()
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), wanted.concat()).unwrap();
    let args = ["simulate", "mine.toml", "-o", "out", "--duration", "3s", "--check", "--format", "json", "--quiet"];
    let (code, text, error) = pollcost(folder.path(), &args);
    let told: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{error}"));
    assert_eq!((code, verdicts(&told)), (0, vec!["holds"; 2]), "{told:#}");
    let published = &told["verdicts"]["expectations"][1]["published"];
    assert_eq!((published["left"].as_f64(), published["right"].as_f64()), (Some(200.0), Some(11000.0)));
}

#[test]
fn a_check_of_nothing_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.toml"), compared()).unwrap();
    let (code, _, error) = pollcost(folder.path(), &["simulate", "mine.toml", "--check"]);
    assert_eq!(code, 2);
    assert!(error.contains("expects nothing") && error.contains("[[expect]]"), "{error}");
}
