//! A whole run whose processes are stopped or killed in the middle: what is told, what is kept, and that it ends.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Child;
use std::thread::JoinHandle;

use nix::sys::signal::Signal;

use crate::process::{program, signal};
use crate::running::{Row, callback, poller, pvs, rows, scenario};

/// One client after the other; the second, which fetches like this, is told to be in its window for a while.
fn faulty(second: &str) -> String {
    let second = if second == "monitor" { callback("second") } else { poller("second", second, "2ms") };
    let blocks = [pvs("R:{0..4}", "pattern = \"periodic\", period = \"20ms\""), callback("first"), second];
    let times = scenario(1, "2s", &blocks).replace("drain = \"50ms\"", "drain = \"500ms\"");
    format!("name = \"faulty\"\n{times}")
}

struct Run {
    child: Child,
    told: JoinHandle<String>,
    folder: tempfile::TempDir,
}

impl Run {
    /// Starts a run, and waits until the second client is in the middle of it.
    fn start(second: &str) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("faulty.toml");
        fs::write(&file, faulty(second)).unwrap();
        let mut child = program().arg("run").arg(&file).arg("-o").arg(folder.path().join("out")).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.contains("first"), "{line:?}");
        let told = std::thread::spawn(move || {
            let mut told = line;
            lines.read_to_string(&mut told).unwrap();
            told
        });
        let run = Run { child, told, folder };
        // More than it sees before its window.
        crate::until("the second client is in its window", || {
            run.find("internal-client").and_then(|client| run.recorded(client)).is_some_and(|news| news > 25)
        });
        run
    }

    fn find(&self, argument: &str) -> Option<u32> {
        let parent = self.child.id();
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
        let mut children = children.split_ascii_whitespace();
        let of = |pid: &&str| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(argument)
        };
        children.find(of)?.parse().ok()
    }

    /// How much a process has recorded so far: the first word of the anonymous file that the run shares with it.
    fn recorded(&self, pid: u32) -> Option<u64> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        let inode: u64 =
            maps.lines().find(|line| line.contains("/memfd:"))?.split_ascii_whitespace().nth(4)?.parse().ok()?;
        let mut files = fs::read_dir(format!("/proc/{}/fd", self.child.id())).ok()?.flatten().map(|file| file.path());
        let shared = files.find(|path| fs::metadata(path).is_ok_and(|file| file.ino() == inode))?;
        let mut word = [0; 8];
        fs::File::open(shared).ok()?.read_exact(&mut word).ok()?;
        Some(u64::from_ne_bytes(word))
    }

    fn signal(&self, argument: &str, which: Signal) {
        signal(self.find(argument).unwrap(), which);
    }

    /// Waits for its end: the exit code, what it said, and the rows of its summary by client.
    fn end(mut self) -> (i32, String, HashMap<String, Row>, tempfile::TempDir) {
        let mut code = None;
        crate::until("the run ends", || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        let mut told = self.told.join().unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        let summary = rows(&self.folder.path().join("out/summary.csv"));
        let summary = summary.into_iter().map(|row| (row["client"].clone(), row)).collect();
        (code.unwrap().code().unwrap(), told, summary, self.folder)
    }
}

fn check_facts(out: &Path) -> usize {
    let posted: HashMap<(String, String), u64> = rows(&out.join("emissions.csv"))
        .into_iter()
        .map(|row| ((row["pv"].clone(), row["seq"].clone()), row["posted_ns"].parse().unwrap()))
        .collect();
    let observations = rows(&out.join("observations.csv"));
    for row in observations.iter().filter(|row| row["seq"] != "0") {
        let at: u64 = row["received_ns"].parse().unwrap();
        assert!(posted[&(row["pv"].clone(), row["seq"].clone())] < at, "{row:?}");
    }
    observations.iter().filter(|row| row["client"] == "second").count()
}

#[test]
fn an_ioc_that_pauses_makes_its_changes_late_and_loses_none() {
    for fetch in ["monitor", "batch"] {
        let run = Run::start(fetch);
        run.signal("internal-ioc", Signal::SIGSTOP);
        // How long the pause is, whatever comes of it.
        std::thread::sleep(std::time::Duration::from_millis(100));
        run.signal("internal-ioc", Signal::SIGCONT);
        let (code, told, summary, folder) = run.end();
        assert_eq!(code, 0, "{told}");
        assert_eq!(summary["second"]["unnoticed"], "0", "{told}");
        assert_eq!(summary["second"]["negative_latencies"], "0");
        assert!(!told.contains("counted"), "{told}");
        check_facts(&folder.path().join("out"));
    }
}

#[test]
fn an_ioc_that_hangs_is_given_up_and_what_was_recorded_is_kept() {
    let run = Run::start("batch");
    run.signal("internal-ioc", Signal::SIGSTOP);
    let (code, told, summary, folder) = run.end();
    assert_eq!(code, 4, "{told}");
    assert!(told.contains("the IOC did not answer within 20 s"), "{told}");
    assert_eq!(summary.keys().collect::<Vec<_>>(), ["first"]);
    assert!(check_facts(&folder.path().join("out")) > 0, "the second client's observations are kept, too");
}

#[test]
fn a_client_that_is_killed_or_hangs_is_given_up_and_the_rest_is_kept() {
    for (which, why) in [
        (Signal::SIGKILL, "client second ended before its time"),
        (Signal::SIGSTOP, "client second did not answer within 10 s"),
    ] {
        let run = Run::start("monitor");
        run.signal("internal-client", which);
        let (code, told, summary, folder) = run.end();
        assert_eq!(code, 4, "{told}");
        assert!(told.contains(why), "{told}");
        assert_eq!(summary.keys().collect::<Vec<_>>(), ["first"]);
        assert!(check_facts(&folder.path().join("out")) > 0, "what it recorded is kept");
    }
}
