//! Simulations through the program itself: the same bytes whatever the machine does, the same road as a live run, and what a live run
//! shows when the simulation is fed with its samples.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may")]

mod running;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use pollcost::io::runs::load;
use pollcost::report::profile::PROFILES;
use pollcost::stats::Estimate;
use pollcost::summary::{ClientSummary, summarise};
use running::{files, monitor, poller, program, pvs, scenario};

/// Clients of three kinds, one that is a program of its own, and PVs of two kinds.
static SMALL: LazyLock<String> = LazyLock::new(|| {
    let motor = "pattern = \"motor\", rate_hz = 900, moving = \"100ms\", resting = \"100ms\"";
    let blocks = [
        pvs("T:{0..9}", "pattern = \"poisson\", rate_hz = 40"),
        pvs("U", motor) + "type = \"char\"\n",
        monitor(),
        poller("batch", "batch", "3ms"),
        poller("serial", "serial", "20ms"),
        "[[client]]\nname = \"other\"\ncommand = [\"no-such-program\"]\nfetch = \"monitor\"\n".to_owned(),
    ];
    scenario(2, "400ms", &blocks)
});

fn simulate(folder: &Path, out: &str, threads: &str, options: &[&str]) -> Output {
    let file = folder.join("small.toml");
    fs::write(&file, &*SMALL).unwrap();
    let mut command = program();
    command.env("RAYON_NUM_THREADS", threads).arg("simulate").arg(file).arg("-o").arg(folder.join(out)).args(options);
    command.output().unwrap()
}

#[test]
fn a_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let at = |out: &str| folder.path().join(out);
    let options = ["--facts", "full", "--link", "lognormal:40us,0.6", "--quiet"];
    for (out, threads) in [("one", "1"), ("two", "2"), ("many", "7")] {
        let done = simulate(folder.path(), out, threads, &options);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let one = files(&at("one"));
    assert!(one.contains_key("run.json") && one.contains_key("requests.csv") && one.contains_key("report.html"));
    assert!(one.keys().all(|name| !name.ends_with(".part")), "{:?}", one.keys());
    for other in ["two", "many"] {
        let other = files(&at(other));
        assert!(one.keys().eq(other.keys()));
        for (name, bytes) in &one {
            assert!(other[name] == *bytes, "{name} differs");
        }
    }
    simulate(folder.path(), "seeded", "2", &["--facts", "full", "--seed", "8", "--quiet"]);
    assert!(one["emissions.csv"] != files(&at("seeded"))["emissions.csv"]);
}

#[test]
fn figures_of_the_same_data_are_the_same_bytes_in_every_profile_and_format() {
    let folder = tempfile::tempdir().unwrap();
    let at = |out: &str| folder.path().join(out);
    assert!(simulate(folder.path(), "run", "2", &["--facts", "news", "--quiet"]).status.success());
    assert!(simulate(folder.path(), "other", "2", &["--facts", "news", "--seed", "8", "--quiet"]).status.success());
    let draw = |run: &str, out: &str, threads: &str, profile: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
        command.env("RAYON_NUM_THREADS", threads).arg("report").arg(at(run)).arg("-o").arg(at(out));
        command.args(["--profile", profile, "--format", "svg,png,pdf,csv", "--dpi", "30", "--quiet"]);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    for profile in PROFILES.iter().map(|profile| profile.name) {
        draw("run", "one", "1", profile);
        draw("run", "many", "7", profile);
    }
    draw("other", "seeded", "2", "ieee");
    let (one, many, seeded) = (files(&at("one")), files(&at("many")), files(&at("seeded")));
    assert!(one.keys().eq(many.keys()));
    for (name, bytes) in &one {
        assert!(many[name] == *bytes, "{name} differs");
    }
    for ending in [".svg", ".png", ".pdf", ".csv"] {
        let of_kind = |files: &BTreeMap<String, Vec<u8>>| files.keys().filter(|name| name.ends_with(ending)).count();
        assert_eq!(of_kind(&one), PROFILES.len() * of_kind(&seeded), "{ending}");
        let name = format!("figures/ieee/notice_ecdf{ending}");
        assert!(one[&name] != seeded[&name], "{name} shows its data");
    }
}

#[test]
fn figures_show_the_clients_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    assert!(simulate(folder.path(), "run", "2", &["--facts", "news", "--quiet"]).status.success());
    let draw = |clients: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
        command.arg("report").arg(folder.path().join("run")).arg("-o").arg(folder.path().join("some"));
        command.args(["--clients", clients, "--format", "csv", "--quiet"]).output().unwrap()
    };
    assert!(draw("serial,monitor").status.success());
    let drawn = files(&folder.path().join("some"));
    assert!(!drawn.contains_key("report.html"), "only figures are written");
    let table = String::from_utf8(drawn["figures/notice_ecdf.csv"].clone()).unwrap();
    assert!(table.contains("\nmonitor,") && table.contains("\nserial,") && !table.contains("\nbatch,"), "{table}");
    let unknown = draw("serial,nobody");
    let told = String::from_utf8_lossy(&unknown.stderr);
    assert_eq!(unknown.status.code(), Some(2), "{told}");
    assert!(told.contains("--clients nobody: there is none of that name; there are monitor, batch, serial"), "{told}");
}

#[test]
fn facts_change_no_number_and_summing_them_up_again_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (out, facts) in [("none", None), ("news", Some("news")), ("full", Some("full"))] {
        let options: Vec<&str> = facts.map_or(vec!["--quiet"], |facts| vec!["--quiet", "--facts", facts]);
        assert!(simulate(folder.path(), out, "2", &options).status.success());
        let run = load(&folder.path().join(out)).unwrap();
        let note = run.note.simulated.clone().unwrap();
        assert_eq!(
            (note.facts, run.note.started.as_ref(), note.option.as_str()),
            (facts.is_some(), None, "constant:15us")
        );
        let facts_there = run.trace.segments.iter().any(|s| !s.observations.is_empty());
        assert_eq!(facts_there, facts.is_some());
        if facts.is_some() {
            // Not `assert_eq`: a histogram prints all of its buckets.
            assert!(summarise(&run.trace, &run.note.notes) == run.summary, "{out}");
        }
    }
    let of = |out: &str| load(&folder.path().join(out)).unwrap();
    let (none, news, full) = (of("none"), of("news"), of("full"));
    assert!(none.summary == news.summary && none.summary == full.summary);
    assert!(
        full.trace
            .segments
            .iter()
            .all(|s| s.ledger.iter().map(|r| r.total.requests).sum::<u64>() == s.requests.len() as u64)
    );
}

#[test]
fn a_simulation_says_that_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let done = simulate(folder.path(), "out", "2", &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("simulated in virtual time, not measured"), "{warnings}");
    assert!(warnings.contains("it is a program of its own, which a simulation cannot run"), "{warnings}");
    let left_out: Vec<&str> = json["left_out"].as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect();
    for id in ["timeline", "age_saw", "latency_heat", "burst_place"] {
        let why = left_out.iter().find(|why| why.starts_with(id)).unwrap();
        assert!(why.contains("--facts news"), "{why}");
    }
    let files = files(&folder.path().join("out"));
    let text = |name: &str| String::from_utf8_lossy(&files[name]).into_owned();
    for name in ["report.html", "report.md"] {
        assert!(text(name).contains("simulated, in virtual time"), "{name}");
        assert!(text(name).contains("Nothing of this was measured"), "{name}");
        assert!(!text(name).contains("measured mean"), "{name}");
    }
    assert!(text("figures/notice_ecdf.svg").contains("(simulated)"));
    for name in files.keys().filter(|name| name.ends_with(".svg")) {
        assert!(!text(name).contains(">measured"), "{name}");
    }
    // Drawing it again does not lose it.
    let again = program().arg("report").arg(folder.path().join("out")).output().unwrap();
    assert!(again.status.success());
    assert!(
        String::from_utf8_lossy(&fs::read(folder.path().join("out/report.md")).unwrap())
            .contains("simulated, in virtual time")
    );
}

#[test]
fn links_that_cannot_be_had_are_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    for link in ["from:nowhere", "constant", "lognormal:1ms,x"] {
        let done = simulate(folder.path(), "out", "1", &["--link", link]);
        assert_eq!(done.status.code(), Some(2), "{link}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(!folder.path().join("out").exists(), "{link}");
    }
}

#[test]
fn an_examined_machine_can_be_the_link() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("machine.json");
    let examined = program().args(["doctor", "--quick", "--quiet", "-o"]).arg(&file).output();
    assert!(examined.unwrap().status.success());
    let link = format!("doctor:{}", file.display());
    let done = simulate(folder.path(), "out", "2", &["--link", &link, "--quiet"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let found: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let push = |quantile: &str| {
        let all = found["loopback"]["push"].as_array().unwrap().iter();
        all.filter_map(|at| at["took"][quantile].as_f64()).collect::<Vec<f64>>()
    };
    // No update is faster than the fastest raw message, and the typical one takes no longer than the slowest and its own handling.
    let monitor = load(&folder.path().join("out")).unwrap().summary.clients.remove(0);
    let (least, most) = (push("least_ns"), push("most_ns"));
    let p50 = monitor.notice.p50_ns.unwrap().point;
    assert!(p50 >= least.iter().fold(f64::INFINITY, |a, b| a.min(*b)), "{p50} {least:?}");
    assert!(p50 <= most.iter().fold(0.0, |a: f64, b| a.max(*b)) + 1e5, "{p50} {most:?}");
    // What is no examination is bad input.
    fs::write(&file, "{}").unwrap();
    let done = simulate(folder.path(), "again", "2", &["--link", &link]);
    assert_eq!(done.status.code(), Some(2), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn an_earlier_run_can_be_the_link() {
    let folder = tempfile::tempdir().unwrap();
    assert!(simulate(folder.path(), "first", "2", &["--link", "constant:3ms", "--quiet"]).status.success());
    let link = format!("from:{}", folder.path().join("first").display());
    assert!(simulate(folder.path(), "second", "2", &["--link", &link, "--quiet"]).status.success());
    close(&folder.path().join("first"), &folder.path().join("second"), 0.05, 0.02, 0.05);
}

/// That two runs of the same clients came to about the same: latencies and processor time to a part, fractions to a difference.
fn close(one: &Path, other: &Path, latency: f64, fraction: f64, cpu: f64) {
    let (one, other) = (load(one).unwrap().summary, load(other).unwrap().summary);
    let other: HashMap<&str, &ClientSummary> = other.clients.iter().map(|c| (c.name.as_str(), c)).collect();
    for a in &one.clients {
        let b = other[a.name.as_str()];
        let point = |e: Option<pollcost::stats::Estimate>| e.map(|e| e.point);
        let near = |what: &str, a_is: Option<f64>, b_is: Option<f64>, part: f64, more: f64| {
            let (Some(a_is), Some(b_is)) = (a_is, b_is) else { return };
            let within = part * a_is.abs().max(b_is.abs()) + more;
            assert!((a_is - b_is).abs() <= within, "{}: {what} {a_is} and {b_is}", a.name);
        };
        near("notice mean", point(a.notice.mean_ns), point(b.notice.mean_ns), latency, 2e4);
        near("notice p50", point(a.notice.p50_ns), point(b.notice.p50_ns), latency, 2e4);
        near("notice p90", point(a.notice.p90_ns), point(b.notice.p90_ns), latency, 2e4);
        near("missed", point(a.missed_fraction), point(b.missed_fraction), 0.0, fraction);
        near("redundant", point(a.redundant_fraction), point(b.redundant_fraction), 0.0, fraction);
        near("period", a.mean_period_ns, b.mean_period_ns, latency, 2e4);
        near("client's cpu", point(a.cpu_client_percent), point(b.cpu_client_percent), cpu, 0.05);
    }
}

/// A callback and three pollers at PVs that change at random.
fn alike() -> String {
    let blocks = [
        pvs("T:{0..19}", "pattern = \"poisson\", rate_hz = 10"),
        monitor(),
        poller("batch-5ms", "batch", "5ms"),
        poller("batch-100ms", "batch", "100ms"),
        poller("serial-20ms", "serial", "20ms"),
    ];
    scenario(5, "1s", &blocks).replace("min_periods = 1", "min_periods = 5")
}

/// A live run against the simulation that is fed with its samples: notice latency (mean, p50, p90), mean poll period, redundant and missed
/// fraction. Both sides have intervals over five repeats; the difference is at most their half widths together, three times, and a twentieth (of a
/// fraction: 0.02). A machine that is busy makes its run's intervals wide and its samples long, and the simulation is made of these samples: there is no
/// threshold of time in it.
#[test]
fn a_live_run_is_what_its_own_samples_simulate() {
    let folder = tempfile::tempdir().unwrap();
    let (live, simulated) = (folder.path().join("live"), folder.path().join("simulated"));
    let file = folder.path().join("alike.toml");
    fs::write(&file, alike()).unwrap();
    let run = |command: &str, out: &Path, more: &[&str]| {
        let done = program().arg(command).arg(&file).args(["--quiet", "-o"]).arg(out).args(more).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        load(out).unwrap().summary
    };
    let live_is = run("run", &live, &[]);
    let simulated_is = run("simulate", &simulated, &["--link", &format!("from:{}", live.display())]);
    assert_eq!(live_is.clients.len(), 4);
    for (a, b) in live_is.clients.iter().zip(&simulated_is.clients) {
        assert_eq!(a.name, b.name);
        let near = |what: &str, a_is: Option<Estimate>, b_is: Option<Estimate>, part: f64, more: f64| {
            let (Some(a_is), Some(b_is)) = (a_is, b_is) else {
                return assert_eq!(a_is.is_some(), b_is.is_some(), "{}: {what}", a.name);
            };
            let half = |e: Estimate| e.interval.map_or(f64::INFINITY, |(low, high)| (high - low) / 2.0);
            let within = 3.0 * (half(a_is) + half(b_is)) + part * a_is.point.abs().max(b_is.point.abs()) + more;
            let difference = (a_is.point - b_is.point).abs();
            assert!(difference <= within, "{}: {what} {a_is:?} live, {b_is:?} simulated", a.name);
        };
        // One bucket of a histogram is a thousandth.
        near("notice mean", a.notice.mean_ns, b.notice.mean_ns, 0.05, 1e3);
        near("notice p50", a.notice.p50_ns, b.notice.p50_ns, 0.05, 1e3);
        near("notice p90", a.notice.p90_ns, b.notice.p90_ns, 0.05, 1e3);
        near("period", a.achieved_period_ns, b.achieved_period_ns, 0.05, 1e3);
        near("redundant", a.redundant_fraction, b.redundant_fraction, 0.0, 0.02);
        near("missed", a.missed_fraction, b.missed_fraction, 0.0, 0.02);
    }
}
