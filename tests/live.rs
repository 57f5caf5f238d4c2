//! Whole runs through the program itself: the facts hold together, and what goes wrong is told and loses nothing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may")]

mod running;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::LazyLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use running::{Row, expect_code, files, monitor, number, poller, program, pvs, rows, scenario, text};

/// A callback and two pollers.
static SMALL: LazyLock<String> = LazyLock::new(|| {
    let clients = [monitor(), poller("poll", "batch", "2ms"), poller("serial", "serial", "30ms")];
    let changing = pvs("T:{0..4}", "pattern = \"periodic\", period = \"20ms\"");
    scenario(2, "300ms", &[&[changing][..], &clients].concat())
});

/// Writes a scenario and prepares `pollcost run` of it into `out` below the folder.
fn run_of(folder: &Path, scenario: &str, options: &[&str]) -> Command {
    let file = folder.join("scenario.toml");
    fs::write(&file, scenario).unwrap();
    let mut command = program();
    command.arg("run").arg(file).arg("-o").arg(folder.join("out")).args(options);
    command
}

type Key = (String, String, String);

/// `(client, repeat, pv)` of a row.
fn key(row: &Row) -> Key {
    (row["client"].clone(), row["repeat"].clone(), row["pv"].clone())
}

#[test]
fn facts_of_a_run_hold_together() {
    let folder = tempfile::tempdir().unwrap();
    let output = run_of(folder.path(), &SMALL, &["--facts", "full"]).output().unwrap();
    expect_code(&output, 0);
    let out = folder.path().join("out");

    // What was observed had been posted before.
    let mut posted = HashMap::new();
    for row in rows(&out.join("emissions.csv")) {
        let emission = (row["repeat"].clone(), row["pv"].clone(), number(&row, "seq"));
        assert!(number(&row, "posted_ns") >= number(&row, "due_ns"), "posted before it was due: {row:?}");
        assert_eq!(posted.insert(emission, number(&row, "posted_ns")), None, "posted twice: {row:?}");
    }
    let mut replies: HashMap<Key, (u64, u64, u64)> = HashMap::new();
    for row in rows(&out.join("observations.csv")) {
        let seq = number(&row, "seq");
        if seq > 0 {
            let posted = posted[&(row["repeat"].clone(), row["pv"].clone(), seq)];
            assert!(posted < number(&row, "received_ns"), "received before it was posted: {row:?}");
        }
        if row["client"] != "monitor" {
            let (count, redundant, last) = replies.entry(key(&row)).or_insert((0, 0, u64::MAX));
            *count += 1;
            *redundant += u64::from(*last == seq);
            *last = seq;
        }
    }

    // The server's own count, request by request, against what each client had.
    let mut requests: HashMap<Key, u64> = HashMap::new();
    for row in rows(&out.join("requests.csv")) {
        assert!(number(&row, "received_ns") <= number(&row, "replied_ns"));
        *requests.entry(key(&row)).or_default() += 1;
    }
    let ledger = rows(&out.join("ledger.csv"));
    assert_eq!(ledger.len(), 3 * 2 * 5, "clients, repeats, PVs");
    let mut in_window: HashMap<String, (u64, u64)> = HashMap::new();
    for row in &ledger {
        let (count, redundant, _) = replies.get(&key(row)).copied().unwrap_or_default();
        assert_eq!(number(row, "total_requests"), count, "{row:?}");
        assert_eq!(number(row, "total_redundant"), redundant, "{row:?}");
        assert_eq!(requests.get(&key(row)).copied().unwrap_or_default(), count, "{row:?}");
        let sum = in_window.entry(row["client"].clone()).or_default();
        sum.0 += number(row, "requests");
        sum.1 += number(row, "redundant");
    }
    for row in rows(&out.join("summary.csv")) {
        let window = (number(&row, "requests"), number(&row, "redundant"));
        assert_eq!(window, in_window[&row["client"]], "{}", row["client"]);
        assert_eq!(number(&row, "unnoticed"), 0, "{}", row["client"]);
        assert_eq!(number(&row, "negative_latencies"), 0, "{}", row["client"]);
        assert!(number(&row, "changes") > 0);
        if row["client"] == "monitor" {
            assert_eq!(number(&row, "missed"), 0);
        }
    }
    for name in ["run.json", "report.html", "report.md"] {
        assert!(fs::metadata(out.join(name)).unwrap().len() > 1000, "{name}");
    }

    // The folder is a run of its own: drawn again it gives the same report.
    let again = folder.path().join("again");
    let output = program().arg("report").arg(&out).arg("-o").arg(&again).output().unwrap();
    expect_code(&output, 0);
    for name in ["report.html", "report.md"] {
        assert!(fs::read(out.join(name)).unwrap() == fs::read(again.join(name)).unwrap(), "{name} differs");
    }
}

#[test]
fn side_by_side_each_client_has_its_own_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = format!("concurrent = true\n{}", *SMALL);
    let output = run_of(folder.path(), &scenario, &["--repeats", "1", "--format", "json"]).output().unwrap();
    expect_code(&output, 0);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["failures"], serde_json::json!([]));
    let requests = |client: usize| told["clients"][client]["requests"].as_u64().unwrap();
    assert_eq!(requests(0), 0, "a monitor does not ask");
    assert!(requests(1) > requests(2), "the quicker poller asks more");
    let warnings = told["warnings"].to_string();
    assert!(!warnings.contains("counted"), "{warnings}");
}

#[test]
fn only_what_the_measured_client_looks_at_changes() {
    let scenario = r#"
repeats = 1
window = "200ms"
min_periods = 1
warmup = "20ms"
drain = "50ms"
[[pv]]
name = "A"
change = { pattern = "poisson", rate_hz = 200 }
[[pv]]
name = "B{0..4}"
change = { pattern = "poisson", rate_hz = 200 }
[[pv]]
name = "NOBODY"
change = { pattern = "poisson", rate_hz = 200 }
[[client]]
name = "a"
fetch = "monitor"
pvs = "A"
[[client]]
name = "b"
fetch = "batch"
period = "5ms"
pvs = "B*"
"#;
    for command in ["run", "simulate"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scenario.toml");
        fs::write(&file, scenario).unwrap();
        let out = folder.path().join("out");
        let made = program().args([command, "--facts", "news", "-o"]).arg(&out).arg(&file).output().unwrap();
        expect_code(&made, 0);
        let emissions = rows(&out.join("emissions.csv"));
        let of = |pv: &str| -> Vec<u64> {
            emissions.iter().filter(|row| row["pv"].starts_with(pv)).map(|row| number(row, "due_ns")).collect()
        };
        let (a, b) = (of("A"), of("B"));
        assert!(a.len() > 20 && b.len() > 100, "{command}: {} {}", a.len(), b.len());
        assert!(a.iter().max() < b.iter().min(), "{command}: each while its own client is measured");
        assert_eq!(of("NOBODY"), [0; 0], "{command}");
    }
}

#[test]
fn bad_places_are_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run_of(folder.path(), &SMALL, &["--port", &port]).output().unwrap();
    expect_code(&output, 2);
    assert!(text(&output.stderr).contains(&port), "{}", text(&output.stderr));
    assert!(!folder.path().join("out").exists(), "nothing is written");

    let output = program().args(["ioc", "types", "--port", &port]).output().unwrap();
    expect_code(&output, 2);
    assert!(text(&output.stderr).contains(&port), "{}", text(&output.stderr));

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let out = file.join("out").display().to_string();
    let output = program().args(["run", "quickstart", "-o", &out]).output().unwrap();
    expect_code(&output, 2);
    assert!(text(&output.stderr).contains(&out), "{}", text(&output.stderr));

    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(folder.path().join("out/thesis.txt"), "mine").unwrap();
    let output = run_of(folder.path(), &SMALL, &[]).output().unwrap();
    expect_code(&output, 2);
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1, "what was there is untouched");
}

/// One native client that works, and external ones that do not.
fn with_external(script: &str) -> String {
    let (head, _) = SMALL.split_once("[[client]]\nname = \"poll\"").unwrap();
    format!("{head}[[client]]\nname = \"odd\"\ncommand = [\"sh\", \"-c\", '{script}']\nfetch = \"monitor\"\n")
}

#[test]
fn a_client_that_fails_is_shown_and_the_others_are_kept() {
    for (script, wanted) in [
        ("echo could not import epics >&2; exit 3", "could not import epics"),
        ("echo ready; echo what is this; cat", "what is this"),
        ("echo ready; echo NO:SUCH:PV 1 - 5; cat", "NO:SUCH:PV"),
        ("echo ready; echo out of memory >&2; exit 1", "out of memory"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = run_of(folder.path(), &with_external(script), &["--repeats", "1"]).output().unwrap();
        expect_code(&output, 4);
        assert!(text(&output.stderr).contains(wanted), "{script}: {}", text(&output.stderr));
        let summary = rows(&folder.path().join("out/summary.csv"));
        assert_eq!(summary.len(), 1, "{script}");
        assert_eq!(summary[0]["client"], "monitor");
        let report = fs::read_to_string(folder.path().join("out/report.md")).unwrap();
        assert!(report.contains(wanted), "{script}: the report does not say why");
    }
}

/// One that never becomes ready, one that cannot connect, and one that does not end: each is ended, and its words are shown.
#[test]
fn a_client_that_hangs_or_does_not_connect_is_ended_and_the_others_are_kept() {
    let hang = |what: &str| format!("echo {what} >&2; trap : TERM; exec 0<&-; while :; do sleep 1; done");
    for (script, wanted) in [
        (hang("still importing"), vec!["did not answer within", "still importing"]),
        (format!("echo ready; {}", hang("cannot stop")), vec!["did not answer within", "cannot stop"]),
        ("echo not connected: no answer for T:0 >&2; exit 4".to_owned(), vec!["exit status: 4", "no answer for T:0"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let scenario = with_external(&script).replace("repeats = 2", "repeats = 1\nconnect_timeout = '50ms'");
        let output = run_of(folder.path(), &scenario, &[]).output().unwrap();
        expect_code(&output, 4);
        for wanted in wanted {
            assert!(text(&output.stderr).contains(wanted), "{script}: {}", text(&output.stderr));
        }
        let summary = rows(&folder.path().join("out/summary.csv"));
        assert_eq!((summary.len(), summary[0]["client"].as_str()), (1, "monitor"), "{script}");
    }
}

/// Processes that compute beside a client are named with it, and end with it.
#[test]
fn processes_that_compute_beside_a_client_end_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (head, _) = SMALL.split_once("[[client]]").unwrap();
    let scenario = format!("{head}[[client]]\nname = \"beside\"\nfetch = \"monitor\"\nhog_processes = 1\n");
    let output = run_of(folder.path(), &scenario, &["--repeats", "1", "--duration", "1s"]).output().unwrap();
    expect_code(&output, 0);
    let summary = rows(&folder.path().join("out/summary.csv"));
    let strategy = &summary[0]["strategy"];
    assert!(strategy.contains("beside 1 CPU-bound process"), "{strategy}");
    let hogs = || {
        let lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|e| fs::read(e.path().join("cmdline")).ok());
        let hog = |line: &Vec<u8>| {
            let line = String::from_utf8_lossy(line);
            line.starts_with(env!("CARGO_BIN_EXE_pollcost")) && line.contains("internal-hog")
        };
        lines.filter(hog).count()
    };
    let since = std::time::Instant::now();
    while hogs() > 0 {
        assert!(since.elapsed().as_secs() < 60, "a process that computes outlives its client");
        std::thread::yield_now();
    }
}

#[test]
fn an_external_client_is_measured_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    // It claims a change a good while after it was posted: the latest instant there is.
    let script = "echo ready; echo T:0 1 - 18000000000000000000; cat";
    let output = run_of(folder.path(), &with_external(script), &["--repeats", "1"]).output().unwrap();
    expect_code(&output, 0);
    let summary = rows(&folder.path().join("out/summary.csv"));
    assert_eq!(summary[1]["client"], "odd");
    assert_eq!(number(&summary[1], "missed"), number(&summary[1], "changes"));
    assert_eq!(summary[1]["redundant_fraction"], "", "without requests there is no fraction");
}

/// Starts a run and waits until its first client has been measured: the second one is on.
fn started(command: &mut Command) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("repeat 1/2  monitor"), "{line:?}");
    (child, lines)
}

/// The process of a run that was started with this argument.
fn child_of(parent: u32, argument: &str) -> Pid {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    let found = children
        .split_ascii_whitespace()
        .find(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| text(&line).contains(argument)));
    Pid::from_raw(found.unwrap().parse().unwrap())
}

fn finish(child: Child, mut lines: impl Read) -> (i32, String, String) {
    let mut told = String::new();
    lines.read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), text(&output.stdout), told)
}

#[test]
fn an_ioc_that_dies_ends_the_run_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (child, lines) = started(&mut run_of(folder.path(), &SMALL, &[]));
    kill(child_of(child.id(), "internal-ioc"), Signal::SIGKILL).unwrap();
    let (code, out, told) = finish(child, lines);
    assert_eq!(code, 4, "{out}\n{told}");
    let run = folder.path().join("out");
    assert!(!rows(&run.join("emissions.csv")).is_empty());
    assert!(!rows(&run.join("observations.csv")).is_empty());
    let summary = rows(&run.join("summary.csv"));
    assert_eq!(summary.iter().map(|row| row["client"].as_str()).collect::<Vec<_>>(), ["monitor"]);
    let document: serde_json::Value = serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap();
    assert!(document["failures"].to_string().contains("the IOC ended before its time"), "{}", document["failures"]);
}

#[test]
fn an_interrupted_run_keeps_and_reports_what_it_has() {
    // As from the keyboard, and as from a CI server that cancels a job.
    [Signal::SIGINT, Signal::SIGTERM].into_iter().for_each(keeps_and_reports_what_it_has);
}

fn keeps_and_reports_what_it_has(signal: Signal) {
    let folder = tempfile::tempdir().unwrap();
    // Long enough that only the interruption can end it.
    let long = SMALL.replace("min_periods = 1", "min_periods = 1_000_000");
    let (child, lines) = started(&mut run_of(folder.path(), &long, &[]));
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    let (code, out, told) = finish(child, lines);
    assert_eq!(code, 130, "{signal}: {out}\n{told}");
    let summary = rows(&folder.path().join("out/summary.csv"));
    assert_eq!(summary[0]["client"], "monitor");
    assert!(number(&summary[0], "noticed") > 0);
    assert!(folder.path().join("out/report.html").exists());
    let processes = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        fs::read(entry.path().join("cmdline")).ok().filter(|line| text(line).contains(folder.path().to_str().unwrap()))
    });
    assert_eq!(processes.count(), 0, "nothing of the run is left");
}

#[test]
fn the_sample_reports_are_what_their_runs_give() {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let samples = fs::read_dir(reports).unwrap().flatten().map(|entry| entry.path());
    // A run, or a sweep of runs.
    let drawn_from = |path: &Path| ["run.json", "sweep.json"].iter().any(|file| path.join(file).is_file());
    let samples: Vec<_> = samples.filter(|path| drawn_from(path)).collect();
    assert!(!samples.is_empty());
    for sample in samples {
        let folder = tempfile::tempdir().unwrap();
        let draw = |options: &[&str]| {
            let output =
                program().arg("report").arg(&sample).arg("-o").arg(folder.path()).args(options).output().unwrap();
            expect_code(&output, 0);
        };
        draw(&[]);
        for name in files(&sample).keys() {
            // Those of other profiles have a folder each.
            let ["figures", profile, file] = name.split('/').collect::<Vec<_>>()[..] else { continue };
            let (id, ending) = file.split_once('.').unwrap();
            draw(&["--profile", profile, "--format", ending, "--figures", id]);
        }
        let drawn = files(folder.path());
        let kept = files(&sample);
        let shown = sample.display();
        for (name, content) in &drawn {
            let same = kept.get(name) == Some(content);
            assert!(same, "{shown}/{name} differs: draw it again with `pollcost report {shown}`, and look at it");
        }
        for name in kept.keys().filter(|name| name.starts_with("figures/")) {
            assert!(drawn.contains_key(name), "{shown}/{name} is drawn no more: remove it");
        }
    }
}
