//! Faults that are put into a client, each caught live: measured in turn with the same client without it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test reads files and may panic")]

mod running;

use std::path::Path;

use running::program;

/// The rows that regressed, and the exit code.
fn regressed(fault: Option<&str>, how: &str, scenario: &str) -> (Vec<String>, i32) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/caught");
    let client = |option: &str| format!("python3 '{}' {option} {how}", here.join("client.py").display());
    let (good, bad) = (client(""), client(&fault.map_or_else(String::new, |fault| format!("--fault {fault}"))));
    let mut command = program();
    command.args(["compare", "--run", &good, "--run", &bad, "--repeats", "8", "--format", "json", "--quiet"]);
    command.arg("--scenario").arg(here.join(scenario));
    if how == "poll" {
        command.args(["--fetch", "batch", "--period", "10ms"]);
    }
    let output = command.output().unwrap();
    let code = output.status.code().unwrap();
    assert!(code <= 3 && code != 2, "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = told["rows"].as_array().unwrap().iter().filter(|row| row["verdict"] == "regressed");
    (rows.map(|row| row["metric"].as_str().unwrap().to_owned()).collect(), code)
}

#[test]
fn each_fault_is_caught() {
    for (fault, how, scenario, metric) in [
        ("slow", "monitor", "few.toml", "notice_p50"),
        ("drops", "monitor", "many.toml", "missed"),
        ("halves", "poll", "few.toml", "notice_p50"),
        ("twice", "poll", "few.toml", "requests"),
    ] {
        let (rows, code) = regressed(Some(fault), how, scenario);
        assert!(rows.iter().any(|row| row == metric) && code == 1, "{fault}: {rows:?} {code}");
    }
}
