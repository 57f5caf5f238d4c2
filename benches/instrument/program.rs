//! The program as a file: how soon it starts, how long it takes to build, what it is made of.

use std::path::Path;
use std::process::{Command, Stdio};

use pollcost::io::clock;

use super::quantile;
use super::table::Row;

const STARTS: usize = 60;

fn timed(command: &mut Command) -> f64 {
    let start = clock::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
    clock::now().saturating_since(start).0 as f64 / 1e6
}

pub(crate) fn start() -> Row {
    let (mut own, mut nothing) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        own.push(timed(Command::new(env!("CARGO_BIN_EXE_pollcost")).arg("--help")));
        nothing.push(timed(&mut Command::new("/bin/true")));
    }
    let p50 = quantile(&mut own, 0.5);
    Row {
        case: "start of `pollcost --help`".to_owned(),
        against: "`/bin/true`, to be told only".to_owned(),
        wanted: "under 20 ms".to_owned(),
        measured: format!(
            "p50 {p50:.1} ms, longest {:.1} ms; /bin/true {:.1} ms",
            own[own.len() - 1],
            quantile(&mut nothing, 0.5)
        ),
        ratios: Vec::new(),
        reached: Some(p50 < 20.0),
        note: format!(
            "{STARTS} starts, in turn, from the file cache; the longest is about the first, which has to fill it."
        ),
        measured_at: String::new(),
    }
}

pub(crate) fn build() -> Row {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-from-nothing");
    let _ = std::fs::remove_dir_all(&folder);
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--release", "--offline", "--target-dir"])
        .arg(&folder);
    let seconds = timed(&mut cargo) / 1e3;
    let bytes = std::fs::metadata(folder.join("release/pollcost")).unwrap().len();
    let _ = std::fs::remove_dir_all(&folder);
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "tree",
        "--offline",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]);
    let listed = String::from_utf8(tree.output().unwrap().stdout).unwrap();
    let mut names: Vec<&str> = listed.lines().map(|l| l.trim_end_matches(" (*)")).collect();
    names.sort_unstable();
    names.dedup();
    let mut direct = Command::new(env!("CARGO"));
    direct.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "tree",
        "--offline",
        "--edges",
        "normal",
        "--depth",
        "1",
        "--prefix",
        "none",
    ]);
    let direct = String::from_utf8(direct.output().unwrap().stdout).unwrap().lines().count() - 1;
    Row {
        case: "release build from nothing; dependencies".to_owned(),
        against: String::new(),
        wanted: "stated".to_owned(),
        measured: format!(
            "{seconds:.0} s; {direct} direct dependencies, {} crates in all; the program has {:.1} MB with its debug lines",
            names.len() - 1,
            bytes as f64 / 1e6
        ),
        ratios: Vec::new(),
        reached: None,
        note: "`cargo build --release` into an empty folder, crates downloaded before; crates on this platform, procedural macros included.".to_owned(),
        measured_at: String::new(),
    }
}
