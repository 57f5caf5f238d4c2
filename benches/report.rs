//! How fast a report is derived from facts: ten million observations, from CSV and from Parquet, with the most memory it took.
//!
//! `cargo bench --bench report` makes such a run once, by simulation (1.2 GB below `target/tmp`), and prints a row for each form. Run it on
//! a quiet machine; what is told is the median of five reports, and the most memory that one of them took.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a benchmark may stop where it cannot go on")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use pollcost::io::clock;
use pollcost::io::request::{LinkChoice, SimulateRequest, Tables, Voice};
use pollcost::io::simulation::run_simulation;
use pollcost::scenario::model::Facts;
use pollcost::scenario::{Source, read};
use pollcost::simulate::Link;

const RUNS: usize = 5;
/// Asks for one form only.
const FORM: &str = "--form";

const SCENARIO: &str = r#"
repeats = 5
window = "73s"

[[pv]]
name = "TEST:CALC{000..199}"
change = { pattern = "poisson", rate_hz = 50 }

[[client]]
name = "monitor"
fetch = "monitor"

[[client]]
name = "poll-5ms"
fetch = "batch"
period = "5ms"

[[client]]
name = "poll-20ms"
fetch = "batch"
period = "20ms"

[[client]]
name = "poll-100ms"
fetch = "batch"
period = "100ms"
"#;

/// The run, made unless it is there.
fn made(out: PathBuf, tables: Tables) -> PathBuf {
    if out.join("report.html").exists() {
        return out;
    }
    let _ = std::fs::remove_dir_all(&out);
    let scenario = read(Source { file: "bench.toml", name: "bench", text: SCENARIO }, &|_| Err(String::new())).unwrap();
    let link = LinkChoice::Model { link: Link::default(), option: "constant".to_owned() };
    let voice = Voice { quiet: true, ..Voice::default() };
    let (facts, report, check) = (Some(Facts::News), true, false);
    let request = SimulateRequest { scenario, out: Some(out.clone()), link, facts, tables, report, check, voice };
    run_simulation(&request).unwrap();
    out
}

fn rows(table: &Path) -> u64 {
    let bytes = std::fs::read(table.join("run.json")).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    document["rows"]["observations"].as_u64().unwrap()
}

fn report(run: &Path, out: &Path) -> f64 {
    let start = clock::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
    command.arg("report").arg(run).arg("--from-facts").arg("-o").arg(out).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    clock::now().saturating_since(start).as_secs_f64()
}

/// The row of one form; in a process of its own, whose children are these reports only.
fn measure(form: &str, run: &Path, out: &Path) {
    let mut taken: Vec<f64> = (0..RUNS).map(|_| report(run, out)).collect();
    taken.sort_by(f64::total_cmp);
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() / 1024;
    let range = format!("{:.2} to {:.2}", taken[0], taken[RUNS - 1]);
    println!("{form:8} {:>12} {:>10.2} {range:>22} {peak:>10}", rows(run), taken[RUNS / 2]);
}

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-bench");
    let forms = [("csv", Tables::Csv), ("parquet", Tables::Parquet)];
    let asked = std::env::args().skip_while(|argument| argument != FORM).nth(1);
    if let Some(form) = asked {
        return measure(&form, &folder.join(&form), &folder.join("out"));
    }
    for (form, tables) in forms {
        made(folder.join(form), tables);
    }
    println!(
        "{:8} {:>12} {:>10} {:>22} {:>10}",
        "from", "observations", "median s", "from least to most s", "peak MiB"
    );
    for (form, _) in forms {
        assert!(Command::new(std::env::current_exe().unwrap()).args([FORM, form]).status().unwrap().success());
    }
}
