//! An IOC that is restarted in mid-window, live and simulated: nothing is lost or invented but what the outage explains.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may")]

mod running;

use std::fs;
use std::path::Path;

use pollcost::io::runs::{LoadedRun, load};
use running::{done, monitor, poller, pvs, scenario};

/// Every fetch.
fn restarted() -> String {
    let blocks = [
        pvs("T:{0..4}", "pattern = \"periodic\", period = \"20ms\""),
        monitor(),
        poller("batch", "batch", "5ms"),
        poller("serial", "serial", "30ms"),
        poller("cached", "cached", "10ms"),
        poller("connect", "connect", "10ms"),
    ];
    let times = scenario(1, "3s", &blocks).replace("drain = \"50ms\"", "drain = \"500ms\"");
    format!("restart = {{ at = \"300ms\", down = \"300ms\" }}\n{times}")
}

/// Runs the scenario by a command of the program.
fn run(folder: &Path, command: &str) -> LoadedRun {
    fs::write(folder.join("restarted.toml"), restarted()).unwrap();
    done(folder, &[command, "restarted.toml", "-o", command, "--quiet", "--facts", "full"]);
    load(&folder.join(command)).unwrap()
}

fn holds_together(run: &LoadedRun) {
    let LoadedRun { trace, summary, .. } = run;
    assert_eq!((trace.segments.len(), summary.clients.len()), (5, 5));
    for segment in &trace.segments {
        let client = &trace.scenario.clients[segment.client];
        let name = &client.name;
        let outage = segment.ioc.outage.unwrap();
        assert!(segment.window.open < outage.down && outage.up < segment.window.close, "{name}");
        let away = outage.up.saturating_since(outage.down);
        assert!(away >= trace.scenario.restart.unwrap().down, "{name}: {away}");
        // The IOC changed nothing and answered nothing while it was away.
        let within = |at| outage.down <= at && at < outage.up;
        assert!(trace.emissions[0].iter().all(|e| !within(e.posted)), "{name}: a change from an IOC that is away");
        assert!(segment.requests.iter().all(|r| !within(r.replied)), "{name}: a reply from an IOC that is away");
        // The client noticed, and came back when the IOC was.
        let tally = segment.tally.as_ref().unwrap();
        if name != "connect" {
            assert_eq!(tally.losses.len(), 1, "{name}: {:?}", tally.losses);
        }
        for loss in &tally.losses {
            assert!(loss.lost >= outage.down && loss.back.unwrap() >= outage.up, "{name}: {loss:?}");
        }
        // What both sides counted differs at most by what was on its way when the circuits were closed: one value of each PV.
        let counted: u64 = segment.ledger.iter().map(|row| row.total.requests).sum();
        let unheard = counted.checked_sub(tally.requests.unwrap());
        assert!(unheard.is_some_and(|n| n <= client.pvs.len() as u64), "{name}: {counted} {:?}", tally.requests);
    }
    for client in &summary.clients {
        assert!(client.changes > 0 && client.unnoticed == 0, "{}: {} unnoticed", client.name, client.unnoticed);
        assert!(client.recovery_ns.is_some(), "{}", client.name);
    }
    let told = |what: &str| summary.warnings.iter().filter(|w| w.what.contains(what)).count();
    assert_eq!(told("the IOC was restarted in its window"), 5, "{:?}", summary.warnings);
    assert_eq!((told("cannot be"), told(" counted ")), (0, 0), "{:?}", summary.warnings);
}

#[test]
fn a_live_ioc_is_restarted_and_nothing_is_lost_or_invented() {
    let folder = tempfile::tempdir().unwrap();
    holds_together(&run(folder.path(), "run"));
}

#[test]
fn a_simulated_one_likewise() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), "simulate");
    holds_together(&run);
    // In virtual time it is away exactly as long as was asked for.
    for segment in &run.trace.segments {
        let outage = segment.ioc.outage.unwrap();
        assert_eq!(outage.up.saturating_since(outage.down), run.trace.scenario.restart.unwrap().down);
    }
}
