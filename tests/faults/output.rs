//! Places that results cannot be written to: in a mount of the test's own, in a name space of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::process::{plain, program};
use crate::running::{monitor, pvs, scenario, text};

/// More than a small disk holds.
fn small() -> String {
    let changing = pvs("O:{0..20}", "pattern = \"periodic\", period = \"2ms\"");
    format!("name = \"small\"\n{}", scenario(400, "30ms", &[changing, monitor()]))
}

/// Runs a script in a mount name space of its own, as this user or as its own root.
fn unshared(script: &str, folder: &Path) -> Output {
    let mut command = Command::new("unshare");
    plain(&mut command);
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_pollcost")]);
    command.current_dir(folder).output().unwrap()
}

#[test]
fn a_disk_that_fills_up_ends_the_run_and_keeps_what_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), small()).unwrap();
    fs::create_dir(folder.path().join("disk")).unwrap();
    let output = unshared(
        "mount -t tmpfs -o size=400k none disk || exit 99; \
         \"$1\" run small.toml -o disk/out; code=$?; cp -r disk/out kept; exit $code",
        folder.path(),
    );
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{told}");
    let why = told.lines().find(|line| line.starts_with("error: results could not be saved")).unwrap();
    assert!(why.contains("disk/out") && why.contains("No space left on device"), "{told}");
    assert!(told.contains("what was saved before is kept"), "{told}");
    // What is there is a run that was cut short: it can be read and reported.
    let kept = folder.path().join("kept");
    let document: serde_json::Value = serde_json::from_slice(&fs::read(kept.join("run.json")).unwrap()).unwrap();
    assert_eq!(document["finished"], false);
    let again = folder.path().join("again");
    let output = program().arg("report").arg(&kept).arg("-o").arg(&again).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(again.join("report.md").exists());
}

#[test]
fn a_read_only_place_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), small()).unwrap();
    fs::create_dir(folder.path().join("disk")).unwrap();
    let output =
        unshared("mount -t tmpfs -o ro none disk || exit 99; exec \"$1\" run small.toml -o disk/out", folder.path());
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("disk/out") && told.contains("Read-only file system"), "{told}");
}
