//! The command line as a user meets it: help texts, messages and exit codes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test writes files and may panic")]

mod running;

use std::fs;
use std::io::{BufRead, BufReader, pipe};
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use running::{expect_code, monitor, pollcost, program, pvs, scenario};

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn help_of_every_command() {
    let commands = [
        "",
        "run",
        "simulate",
        "predict",
        "ioc",
        "doctor",
        "python",
        "scenarios",
        "report",
        "merge",
        "compare",
        "baseline",
        "baseline save",
        "history",
        "completions",
    ];
    for command in commands {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let (code, out, err) = pollcost(here(), &args);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        let name = if command.is_empty() { "help".to_owned() } else { format!("help_{}", command.replace(' ', "_")) };
        insta::assert_snapshot!(name, out);
    }
}

/// What needs no network: that nothing is there, and how to mend it.
#[test]
fn python_says_what_lacks_and_what_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("cache");
    let asked = ["--python", "/no/such/python", "--python", "python3", "--check", "--quiet", "--format", "json"];
    let (code, out, _) = pollcost(folder.path(), &[&["python", "--dir", "cache"], &asked[..]].concat());
    assert_eq!(code, 4, "{out}");
    let found: Vec<pollcost::doctor::python::PythonSetup> = serde_json::from_str(&out).unwrap();
    assert!(found[0].interpreter.is_none());
    assert_eq!(found[0].lacks[0].mend, "apt-get install python3 python3-venv");
    let python = found[1].interpreter.as_ref().unwrap();
    assert!(python.version.starts_with("3.") && python.switch_interval_ns.0 > 0, "{python:?}");
    let mend = format!("pollcost python --python python3 --dir {}", place.display());
    // An interpreter of an environment, such as one that is active, is not given another but packages.
    let mends = |lack: &pollcost::doctor::python::Lack| lack.mend == mend || lack.mend.contains(" -m pip install ");
    assert!(found[1].lacks.iter().any(mends), "{:?}", found[1].lacks);
    assert!(!place.exists(), "to look makes nothing");
    let (code, _, err) = pollcost(folder.path(), &["python", "--python", ""]);
    assert_eq!(code, 2, "{err}");
}

/// A run whose interpreter has no environment fails before anything is measured or written.
#[test]
fn a_client_without_its_library_is_told_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let scenario =
        "[[pv]]\nname = 'A'\n[[client]]\nname = 'loop'\nclient = 'pyepics-get'\npython = '9.99'\nperiod = '10ms'\n";
    fs::write(folder.path().join("mine.toml"), scenario).unwrap();
    let (code, _, err) = pollcost(folder.path(), &["run", "mine.toml", "-o", "out"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("loop cannot be run: no interpreter `9.99`") && err.contains("help: pyenv install 9.99"),
        "{err}"
    );
    assert!(!folder.path().join("out").exists());
}

#[test]
fn scenarios_are_listed_and_printed() {
    let (code, out, err) = pollcost(here(), &["scenarios"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("scenarios_text", out);
    let (code, out, _) = pollcost(here(), &["scenarios", "--format", "json"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("scenarios_json", out);
    for name in ["quickstart", "strategies", "types"] {
        let (code, out, _) = pollcost(here(), &["scenarios", name]);
        assert_eq!(code, 0);
        assert_eq!(out, fs::read_to_string(here().join(format!("fixtures/scenarios/{name}.toml"))).unwrap());
    }
}

#[test]
fn a_printed_scenario_is_read_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["quickstart", "strategies", "types"] {
        let (_, text, _) = pollcost(folder.path(), &["scenarios", name]);
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
        let (code, built_in, _) = pollcost(folder.path(), &["scenarios", name, "--format", "json"]);
        let (_, copied, _) = pollcost(folder.path(), &["scenarios", &format!("{name}.toml"), "--format", "json"]);
        assert_eq!((code, built_in), (0, copied));
    }
}

/// The blocks of TOML on a page.
fn blocks(page: &str) -> Vec<String> {
    let text = fs::read_to_string(here().join(page)).unwrap();
    text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

#[test]
fn the_scenarios_in_the_readme_and_the_docs_are_good() {
    let readme = blocks("README.md");
    assert!(readme.len() >= 2 && readme[0].starts_with("[[pv]]"));
    let folder = tempfile::tempdir().unwrap();
    for page in ["README.md", "docs/clients.md", "docs/expectations.md", "docs/python.md"] {
        let of_page = blocks(page);
        assert!(!of_page.is_empty(), "{page}");
        // What a page shows is added to the file that the README begins with.
        let text = if page == "README.md" { of_page.concat() } else { readme[0].clone() + &of_page.concat() };
        fs::write(folder.path().join("page.toml"), text).unwrap();
        let (code, _, err) = pollcost(folder.path(), &["scenarios", "page.toml"]);
        assert_eq!((code, err.as_str()), (0, ""), "{page}");
    }
}

#[test]
fn completions_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = pollcost(here(), &["completions", shell]);
        assert_eq!(code, 0);
        assert!(out.contains("pollcost") && out.contains("scenarios"), "{shell}");
    }
}

#[test]
fn bad_input_ends_with_code_2_and_says_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let pv = "[[pv]]\nname = \"A\"\nchange = { rate_hz = 10 }\n";
    let client = "[[client]]\nname = \"m\"\nfetch = \"monitor\"\n";
    for (file, text) in [
        ("no-clients.toml", pv.to_owned()),
        ("typo.toml", format!("windw = \"2s\"\n{pv}{client}")),
        (
            "gone.toml",
            format!("[[pv]]\nname = \"A\"\nchange = {{ pattern = \"trace\", file = \"gone.csv\" }}\n{client}"),
        ),
        (
            "unsorted.toml",
            format!("[[pv]]\nname = \"A\"\nchange = {{ pattern = \"trace\", file = \"u.csv\" }}\n{client}"),
        ),
        ("u.csv", "time_s,pv,value\n2,A,1\n1,A,2\n".to_owned()),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    let cases: [&[&str]; 25] = [
        &["run", "quikstart"],
        &["run", "elsewhere"],
        &["run", "missing/mine.toml"],
        &["run", "no-clients.toml"],
        &["run", "typo.toml"],
        &["run", "gone.toml"],
        &["run", "unsorted.toml"],
        &["run", "--clients", "monitor,poll-10sm"],
        &["run", "--clients", ""],
        &["run", "--duration", "0"],
        &["run", "--duration", "-1s"],
        &["run", "--duration", "5"],
        &["run", "--repeats", "0"],
        &["run", "--repeats", "many"],
        &["run", "--facts", "all"],
        &["run", "--port", "70000"],
        &["--duration", "0s"],
        &["--fast"],
        &["rnu"],
        &["ioc", "typ"],
        &["ioc", "--duration", "0"],
        &["ioc", "--clients", "monitor"],
        &["scenarios", "quick"],
        &["report"],
        &["completions", "powerfish"],
    ];
    let mut told = Vec::new();
    for args in cases {
        let (code, out, err) = pollcost(folder.path(), args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        told.push(format!("$ pollcost {}\n{err}", args.join(" ")));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn messages_are_coloured_when_asked() {
    let (_, _, plain) = pollcost(here(), &["run", "quikstart", "--color", "never"]);
    let (_, _, painted) = pollcost(here(), &["run", "quikstart", "--color", "always"]);
    assert!(plain.starts_with("error: ") && painted.starts_with("\u{1b}[1;31merror:\u{1b}[0m "), "{painted:?}");
}

#[test]
fn the_machine_is_examined() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) =
        pollcost(folder.path(), &["doctor", "--quick", "--quiet", "--format", "json", "-o", "m.json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(folder.path().join("m.json")).unwrap(), out);
    let found: pollcost::doctor::Examination = serde_json::from_str(&out).unwrap();
    assert_eq!((found.quick, found.interrupted, found.timers.len()), (true, false, 16));
    assert_eq!(found.host.floor, Some(found.floor()));
    let (code, out, err) = pollcost(folder.path(), &["doctor", "-o", "no/such/folder.json"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("no/such/folder.json: cannot be written"), "{err}");
}

#[test]
fn an_examination_that_is_interrupted_tells_what_it_has() {
    let mut doctor = program().args(["doctor", "--format", "json"]).spawn().unwrap();
    let mut progress = BufReader::new(doctor.stderr.take().unwrap());
    // The second step has begun: the first is measured.
    (0..2).for_each(|_| drop(progress.read_line(&mut String::new())));
    let pid = Pid::from_raw(doctor.id().cast_signed());
    kill(pid, Signal::SIGINT).unwrap();
    let out = doctor.wait_with_output().unwrap();
    let found: pollcost::doctor::Examination = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), found.interrupted), (Some(130), true));
    assert!(found.clocks.read_ps.is_some() && found.not_measured.iter().any(|what| what.contains("interruption")));
}

#[test]
fn nobody_need_listen_to_the_progress() {
    let folder = tempfile::tempdir().unwrap();
    let small = scenario(2, "100ms", &[pvs("T:{0..9}", "pattern = \"poisson\", rate_hz = 40"), monitor()]);
    fs::write(folder.path().join("small.toml"), small).unwrap();
    let (listener, progress) = pipe().unwrap();
    drop(listener);
    let args = ["simulate", "small.toml", "-o", "out"];
    expect_code(&program().current_dir(folder.path()).args(args).stderr(progress).output().unwrap(), 0);
    assert!(folder.path().join("out/report.html").exists());
}
