//! Sweeps through the program itself: started again, split over machines and put together, the result is the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test may")]

mod running;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use running::{done, files, monitor, pollcost, poller, program, pvs, refused, scenario};

/// Three rates and three periods.
static SWEEP: LazyLock<String> = LazyLock::new(|| {
    let changing = pvs("T:{0..3}", "pattern = \"poisson\", rate_hz = 40") + "pvs = 4\n";
    let values = "[sweep]\npv.change.rate_hz = [5, 50, 500]\nclient.period = [\"1ms\", \"10ms\", \"100ms\"]\n";
    scenario(2, "300ms", &[changing, monitor(), poller("poll", "batch", "3ms"), values.to_owned()])
});

/// A folder that has the sweep as `s.toml`.
fn bench() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.toml"), &*SWEEP).unwrap();
    folder
}

/// Not `assert_eq`: files are long.
fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (files(a), files(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    let differing: Vec<&String> = a.iter().filter(|(name, bytes)| b[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(differing.is_empty(), "{differing:?}");
}

fn cells(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let complete = |name: &str| name.starts_with("00") && !name.ends_with(".part");
    entries.filter(|entry| entry.file_name().to_str().is_some_and(complete)).count()
}

#[test]
fn a_sweep_that_was_killed_goes_on_and_comes_out_the_same() {
    let folder = bench();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    // Long enough that some cells are left when the first are done.
    let args = ["simulate", "s.toml", "-q", "--duration", "20s"];
    done(folder.path(), &[&args[..], &["-o", "whole"]].concat());
    let mut child =
        program().current_dir(folder.path()).args(args).args(["-o", "killed"]).stdout(Stdio::null()).spawn().unwrap();
    while cells(&killed) < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = cells(&killed);
    assert!((2..9).contains(&kept), "{kept}");
    let first = killed.join("0000-rate_hz-5-period-1ms/run.json");
    let before = fs::metadata(&first).unwrap().modified().unwrap();
    done(folder.path(), &[&args[..], &["-o", "killed"]].concat());
    assert_same(&whole, &killed);
    assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), before);
}

#[test]
fn shards_that_are_merged_are_what_one_machine_makes() {
    let folder = bench();
    let make = |out: &str, with: &[&str]| {
        done(folder.path(), &[&["simulate", "s.toml", "-q", "-o", out, "--facts", "news"][..], with].concat());
    };
    make("whole", &[]);
    make("numbers", &["--no-report"]);
    for of in 1..=3 {
        // With the report of the sweep and a page for each cell, and without.
        let (like, without) = if of == 2 { ("whole", None) } else { ("numbers", Some("--no-report")) };
        let mut merge = vec!["merge".to_owned(), format!("merged-{of}")];
        for part in 1..=of {
            let (shard, out) = (format!("{part}/{of}"), format!("shard-{part}-{of}"));
            make(&out, &[&["--shard", &shard][..], without.as_slice()].concat());
            // In any order.
            merge.insert(2, out);
        }
        done(folder.path(), &merge.iter().map(String::as_str).collect::<Vec<_>>());
        assert_same(&folder.path().join(like), &folder.path().join(format!("merged-{of}")));
    }
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let folder = bench();
    let shard = |part: &str, out: &str, more: &[&str]| {
        let args = ["simulate", "s.toml", "-q", "--no-report", "-o", out, "--shard", part];
        done(folder.path(), &[&args[..], more].concat());
    };
    shard("1/2", "one", &[]);
    shard("2/2", "two", &[]);
    shard("2/2", "seed", &["--seed", "2"]);
    shard("2/2", "link", &["--link", "constant:20us"]);
    shard("2/2", "longer", &["--duration", "350ms"]);
    shard("2/3", "third", &[]);
    let text = fs::read_to_string(folder.path().join("s.toml")).unwrap();
    fs::write(folder.path().join("s.toml"), text.replace("50, 500]", "50, 700]")).unwrap();
    shard("2/2", "values", &[]);
    let index = fs::read_to_string(folder.path().join("two/sweep.json")).unwrap();
    for (name, from, to) in [
        ("version", "\"pollcost\": \"", "\"pollcost\": \"9."),
        ("layout", "\"schema_version\": 1", "\"schema_version\": 7"),
        ("damaged", "\"axes\"", "\"axles\""),
        ("outside", "\"0004-", "\"../0004-"),
    ] {
        let damaged = index.replacen(from, to, 1);
        assert_ne!(damaged, index);
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("sweep.json"), damaged).unwrap();
    }
    let mut told = Vec::new();
    for others in [
        &["seed"][..],
        &["link"],
        &["longer"],
        &["values"],
        &["version"],
        &["layout"],
        &["damaged"],
        &["outside"],
        &["third"],
        &[],
        &["two", "two"],
        &["nowhere"],
    ] {
        told.push(refused(folder.path(), &[&["merge", "out", "one"][..], others].concat()));
        assert!(!folder.path().join("out").exists());
    }
    told.push(refused(folder.path(), &["merge", "one", "one", "two"]));
    insta::assert_snapshot!(told.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn a_second_start_takes_only_the_same_sweep() {
    let folder = bench();
    let again =
        |more: &[&str]| refused(folder.path(), &[&["simulate", "s.toml", "-q", "-o", "out"][..], more].concat());
    done(folder.path(), &["simulate", "s.toml", "-q", "--no-report", "-o", "out"]);
    let mut told = vec![
        again(&["--seed", "3"]),
        again(&["--repeats", "1"]),
        again(&["--facts", "news"]),
        again(&["--shard", "1/2"]),
        refused(folder.path(), &["run", "s.toml", "-q", "-o", "out"]),
        refused(folder.path(), &["simulate", "s.toml", "-q", "-o", "."]),
        refused(folder.path(), &["simulate", "s.toml", "-q", "--shard", "10/10"]),
        refused(folder.path(), &["simulate", "s.toml", "-q", "--check"]),
        refused(folder.path(), &["simulate", "quickstart", "--plan"]),
        refused(folder.path(), &["run", "quickstart", "--shard", "1/2"]),
    ];
    let text = fs::read_to_string(folder.path().join("s.toml")).unwrap();
    fs::write(folder.path().join("s.toml"), text.replace("client.period", "client.poll.period")).unwrap();
    told.push(again(&[]));
    fs::write(folder.path().join("s.toml"), text.replace("[sweep]", "[sweep]\nwindow = ['1s', '2s']")).unwrap();
    told.push(again(&["--duration", "2s"]));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_sweep_has_a_report_that_can_be_drawn_again() {
    let folder = bench();
    let out = folder.path().join("out");
    let told = done(folder.path(), &["simulate", "s.toml", "-o", "out"]);
    assert!(told.ends_with("Table: out/sweep.csv\nReport: out/report.html\n"), "{told}");
    let before = files(&out);
    let text = |name: &str| String::from_utf8(before[name].clone()).unwrap();
    let (page, markdown) = (text("report.html"), text("report.md"));
    // Every link leads to a file that is there.
    let links = page.split("href=\"").skip(1).filter_map(|part| part.split('"').next()).filter(|l| !l.starts_with('#'));
    let links: Vec<&str> =
        links.chain(markdown.split("](").skip(1).filter_map(|part| part.split(')').next())).collect();
    assert!(links.len() > 40, "{links:?}");
    for link in links {
        assert!(before.contains_key(link), "{link}");
    }
    assert!(page.contains("a callback is cheaper than <code>poll</code>"));
    assert!(text("0004-rate_hz-50-period-10ms/report.html").contains("<svg "));
    // Drawn again it is the same, from the numbers alone.
    for name in ["report.html", "report.md", "sweep.csv"] {
        fs::remove_file(out.join(name)).unwrap();
    }
    fs::remove_dir_all(out.join("figures")).unwrap();
    done(folder.path(), &["report", "out"]);
    assert!(files(&out) == before);
    let args = ["report", "out", "--profile", "ieee", "--figures", "ratio,even", "--format", "pdf,csv"];
    let told = done(folder.path(), &args);
    let wanted = ["sweep_ratio.pdf", "sweep_ratio.csv", "sweep_break_even.pdf", "sweep_break_even.csv"];
    assert_eq!(told, wanted.map(|name| format!("out/figures/ieee/{name}\n")).concat());
    let said = [
        refused(folder.path(), &["report", "out", "--from-facts"]),
        refused(folder.path(), &["report", "out", "--check"]),
        refused(folder.path(), &["report", "out", "--figures", "pie"]),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_cell_in_which_a_client_failed_is_run_again() {
    let folder = bench();
    let args = ["simulate", "s.toml", "--no-report", "-o", "out"];
    done(folder.path(), &args);
    let document = folder.path().join("out/0004-rate_hz-50-period-10ms/run.json");
    let whole = fs::read_to_string(&document).unwrap();
    let failed = whole.replacen(
        "\"failures\": [],",
        "\"failures\": [{\"client\": \"poll\", \"repeat\": 0, \"why\": \"it died\"}],",
        1,
    );
    fs::write(&document, failed).unwrap();
    let (code, _, said) = pollcost(folder.path(), &args);
    assert_eq!(code, 0);
    assert!(said.contains("5/9  rate_hz 50, period 10 ms: a client failed in it; it is run again"), "{said}");
    assert_eq!(said.matches("is there already").count(), 8, "{said}");
    assert!(fs::read_to_string(&document).unwrap() == whole);
}

#[test]
fn programs_get_it_as_json() {
    let folder = bench();
    let json = |args: &[&str]| -> serde_json::Value { serde_json::from_str(&done(folder.path(), args)).unwrap() };
    let plan = json(&["simulate", "s.toml", "--plan", "--format", "json", "--shard", "1/3"]);
    assert_eq!((plan["shard"].as_str(), plan["virtual_time"].as_bool()), (Some("1/3"), Some(true)));
    assert_eq!(plan["cells"].as_array().unwrap().len(), 3);
    assert!(plan["seconds"].as_f64().unwrap() > 1.0);
    let told = json(&["simulate", "s.toml", "-q", "--no-report", "--format", "json", "-o", "out"]);
    let cells = told["cells"].as_array().unwrap();
    assert_eq!((told["exit"].as_u64(), told["cells_in_all"].as_u64(), cells.len()), (Some(0), Some(9), 9));
    assert_eq!(cells[8]["values"]["pv.change.rate_hz"], 500.0);
    assert_eq!(cells[8]["values"]["client.period"], "100 ms");
    assert_eq!(cells[8]["clients"][1]["client"], "poll");
    let rows = told["break_even"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[0]["at"].as_str(), rows[0]["notice"].as_str()), (Some("rate_hz 5"), Some("everywhere")));
    assert!(rows[1]["cpu"]["below"].as_f64().unwrap() > 1e6, "{rows:?}");
}

/// Between cells a decade apart lies what the closed forms expect: in virtual time the result is the same each time.
#[test]
fn the_break_even_of_a_simulation_is_the_expected_one() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["simulate", "rates-periods", "-q", "--no-report", "--repeats", "4", "--format", "json", "-o", "out"];
    let told: serde_json::Value = serde_json::from_str(&done(folder.path(), &args)).unwrap();
    let rows = told["break_even"].as_array().unwrap();
    assert_eq!((rows[0]["cpu"].as_str(), rows[4]["cpu"].as_str()), (Some("everywhere"), Some("nowhere")));
    for (row, by_hand) in rows[1..4].iter().zip([0.196e9, 19.5e6, 1.82e6]) {
        let (found, expected) = (&row["cpu"]["below"], &row["cpu_closed_form"]["below"]);
        let near = |value: &serde_json::Value, part: f64| (value.as_f64().unwrap() / by_hand - 1.0).abs() < part;
        assert!(near(found, 0.03) && near(expected, 0.005), "{row}");
        let interval = row["cpu_interval"].as_array().unwrap();
        assert!(interval[0].as_f64() < found.as_f64() && found.as_f64() < interval[1].as_f64(), "{row}");
    }
}

#[test]
fn a_plan_says_what_would_be_run_and_runs_nothing() {
    let folder = bench();
    let told = done(folder.path(), &["run", "s.toml", "--plan", "-o", "out"]);
    let last = told.lines().last().unwrap();
    assert_eq!(told.lines().count(), 11);
    assert!(told.starts_with("rate_hz 5, period 1 ms: 1.5 s\n"), "{told}");
    assert_eq!(last, "9 cells, about 15 seconds and a little more");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_live_sweep_is_measured_and_not_measured_twice() {
    let folder = bench();
    let small =
        SWEEP.replace("[5, 50, 500]", "[50]").replace(", \"100ms\"]", "]").replace("repeats = 2", "repeats = 1");
    fs::write(folder.path().join("s.toml"), small).unwrap();
    done(folder.path(), &["run", "s.toml", "-q", "-o", "out"]);
    let before = files(&folder.path().join("out"));
    let told = done(folder.path(), &["run", "s.toml", "-q", "-o", "out", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    for cell in told["cells"].as_array().unwrap() {
        for client in cell["clients"].as_array().unwrap() {
            assert!(client["noticed"].as_u64().unwrap() > 0, "{client}");
        }
    }
    assert!(files(&folder.path().join("out")) == before);
}
