//! How fast a simulation goes, figures off: polls a second on one core, and an hour of 100 PVs at 10 Hz.
//!
//! `cargo bench --bench simulate` prints both beside what they should be at least. The hour takes as many cores as there are; the
//! time on one core is printed, too.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop where it cannot go on")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pollcost::io::clock;
use pollcost::scenario::model::Scenario;
use pollcost::scenario::{Source, read};
use pollcost::simulate::{Assembly, Group, Link, Messages, Model, Simulated, Unwatched};

/// Runs of each; the fastest is told, since nothing makes a computation faster than it is.
const RUNS: usize = 5;

fn scenario(seconds: u32, pvs: u32, clients: &[&str]) -> Arc<Scenario> {
    let mut text = format!(
        "repeats = 1\nwindow = '{seconds}s'\n[[pv]]\nname = 'TEST:CALC{{0..{}}}'\nchange = {{ pattern = 'periodic', rate_hz = 10 }}\n",
        pvs - 1
    );
    for (number, client) in clients.iter().enumerate() {
        text += &format!("[[client]]\nname = 'c{number}'\n{client}\n");
    }
    Arc::new(read(Source { file: "bench.toml", name: "bench", text: &text }, &|_| Err(String::new())).unwrap())
}

fn groups(scenario: &Arc<Scenario>, messages: Messages) -> Vec<Group> {
    let model = Arc::new(Model::typical(&Link::default(), scenario.clients.len()));
    Group::all(scenario, &model, messages)
}

/// Simulates all groups on so many threads and sums them up: seconds, and what came of each.
fn run(scenario: &Arc<Scenario>, messages: Messages, threads: usize) -> (f64, u64) {
    let groups = groups(scenario, messages);
    let start = clock::now();
    let next = AtomicUsize::new(0);
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|a, b| groups[*b].work().total_cmp(&groups[*a].work()));
    let mut done: Vec<(usize, Simulated)> = Vec::new();
    std::thread::scope(|scope| {
        let worker = || {
            let mut own = Vec::new();
            while let Some(&number) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                own.push((number, groups[number].run(&mut Unwatched)));
            }
            own
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().for_each(|w| done.extend(w.join().unwrap()));
    });
    done.sort_by_key(|(number, _)| *number);
    let tallies = done.iter().flat_map(|(_, d)| &d.segments).filter_map(|s| s.tally.as_ref());
    let operations = tallies.map(|t| t.requests.unwrap_or(0) + t.updates.unwrap_or(0)).sum();
    let mut assembly = Assembly::new(scenario);
    done.into_iter().for_each(|(_, simulated)| drop(assembly.add(simulated)));
    assert_eq!(assembly.finish(&[]).1.clients.len(), scenario.clients.len());
    (clock::now().saturating_since(start).as_secs_f64(), operations)
}

fn fastest(scenario: &Arc<Scenario>, messages: Messages, threads: usize) -> (f64, u64) {
    let runs = (0..RUNS).map(|_| run(scenario, messages, threads));
    runs.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

fn main() {
    println!("{:58} {:>8} {:>14} {:>10}", "one core", "s", "operations", "million/s");
    for (name, seconds, pvs, client) in [
        ("100 PVs in a batch every 10 ms (at least 10 million/s)", 300, 100, "fetch = 'batch'\nperiod = '10ms'"),
        ("100 PVs in a batch every 1 ms", 60, 100, "fetch = 'batch'\nperiod = '1ms'"),
        ("1 PV every 10 ms", 3600, 1, "fetch = 'batch'\nperiod = '10ms'"),
        ("100 PVs one at a time every 10 ms", 60, 100, "fetch = 'serial'\nperiod = '10ms'"),
        ("10 PVs, each over a connection of its own", 30, 10, "fetch = 'connect'\nperiod = '10ms'"),
        ("monitor of 100 PVs", 300, 100, "fetch = 'monitor'"),
    ] {
        let scenario = scenario(seconds, pvs, &[client]);
        for (messages, how) in [(Messages::Counted, ""), (Messages::Whole, ", bytes and all")] {
            let (taken, operations) = fastest(&scenario, messages, 1);
            let name = format!("{name}{how}");
            println!("{name:58} {taken:>8.3} {operations:>14} {:>10.2}", operations as f64 / taken / 1e6);
        }
    }
    let clients = [
        "fetch = 'monitor'",
        "fetch = 'batch'\nperiod = '10ms'",
        "fetch = 'batch'\nperiod = '100ms'",
        "fetch = 'batch'\nperiod = '1s'",
    ];
    let hour = scenario(3600, 100, &clients);
    for threads in [1, 2] {
        let (taken, operations) = run(&hour, Messages::Counted, threads);
        println!(
            "an hour: 100 PVs at 10 Hz, monitor and polls of 10 ms, 100 ms and 1 s, {threads} threads (2: under 5 s): {taken:.2} s, {operations} operations"
        );
    }
}
