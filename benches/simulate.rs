//! How fast a simulation goes, figures off, and what memory it takes: polls a second on one core, an hour of 100 PVs at 10 Hz, and the most
//! memory of simulations of 1, 10 and 100 hours.
//!
//! `cargo bench --bench simulate` prints each beside what it should be at least; `-- rates`, `-- hour` or `-- memory` only that. Rates are of one core; the
//! hour is told for one and for two threads; the memory is that of `pollcost simulate` itself, a process for each.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark may stop where it cannot go on, and look after a program"
)]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pollcost::io::clock;
use pollcost::scenario::model::Scenario;
use pollcost::scenario::{Source, read};
use pollcost::simulate::{Assembly, Group, Link, Messages, Model, Simulated, Unwatched};

/// Runs of each: the fastest and the median are told. Nothing makes a computation faster than it is, other work makes it slower.
const RUNS: usize = 7;
/// The same of the hour.
const HOURS: usize = 5;
/// How often a process is asked for its memory.
const LOOK: Duration = Duration::from_millis(20);

/// Clients of the hour.
const OF_THE_HOUR: [&str; 4] = [
    "fetch = 'monitor'",
    "fetch = 'batch'\nperiod = '10ms'",
    "fetch = 'batch'\nperiod = '100ms'",
    "fetch = 'batch'\nperiod = '1s'",
];

fn text(seconds: u32, pvs: u32, rate_hz: u32, clients: &[&str]) -> String {
    let mut text = format!(
        "repeats = 1\nwindow = '{seconds}s'\n[[pv]]\nname = 'TEST:CALC{{0..{}}}'\nchange = {{ pattern = 'periodic', rate_hz = {rate_hz} }}\n",
        pvs - 1
    );
    for (number, client) in clients.iter().enumerate() {
        text += &format!("[[client]]\nname = 'c{number}'\n{client}\n");
    }
    text
}

fn scenario(seconds: u32, pvs: u32, clients: &[&str]) -> Arc<Scenario> {
    let text = text(seconds, pvs, 10, clients);
    Arc::new(read(Source { file: "bench.toml", name: "bench", text: &text }, &|_| Err(String::new())).unwrap())
}

/// Simulates all groups on so many threads and sums them up: seconds, and gets and updates.
fn run(scenario: &Arc<Scenario>, messages: Messages, threads: usize) -> (f64, u64) {
    let model = Arc::new(Model::typical(&Link::default(), scenario.clients.len()));
    let groups = Group::all(scenario, &model, messages);
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

/// Seconds of the fastest run and of the median, and the operations of each.
fn repeated(runs: usize, run: impl Fn() -> (f64, u64)) -> (f64, f64, u64) {
    let mut runs: Vec<(f64, u64)> = (0..runs).map(|_| run()).collect();
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    (runs[0].0, runs[runs.len() / 2].0, runs[0].1)
}

fn rates() {
    println!(
        "{:58} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "one core", "operations", "best s", "median s", "million/s", "median"
    );
    for (name, seconds, pvs, client) in [
        ("100 PVs in a batch every 10 ms (at least 10 million/s)", 3000, 100, "fetch = 'batch'\nperiod = '10ms'"),
        ("100 PVs in a batch every 1 ms", 600, 100, "fetch = 'batch'\nperiod = '1ms'"),
        ("1 PV every 10 ms", 36_000, 1, "fetch = 'batch'\nperiod = '10ms'"),
        ("100 PVs one at a time every 10 ms", 1200, 100, "fetch = 'serial'\nperiod = '10ms'"),
        ("10 PVs, each over a connection of its own", 100, 10, "fetch = 'connect'\nperiod = '10ms'"),
        ("monitor of 100 PVs", 1200, 100, "fetch = 'monitor'"),
    ] {
        for (messages, how) in [(Messages::Counted, ""), (Messages::Whole, ", bytes and all")] {
            let scenario = scenario(seconds, pvs, &[client]);
            let (best, median, operations) = repeated(RUNS, || run(&scenario, messages, 1));
            let rate = |taken: f64| operations as f64 / taken / 1e6;
            println!(
                "{:58} {operations:>10} {best:>9.3} {median:>9.3} {:>9.2} {:>9.2}",
                format!("{name}{how}"),
                rate(best),
                rate(median)
            );
        }
    }
}

fn hour() {
    let hour = scenario(3600, 100, &OF_THE_HOUR);
    println!("an hour: 100 PVs at 10 Hz, a monitor and polls of 10 ms, 100 ms and 1 s (on two cores under 5 s)");
    for threads in [1, 2] {
        let (best, median, operations) = repeated(HOURS, || run(&hour, Messages::Counted, threads));
        println!("  {threads} threads: {best:.2} s at best, {median:.2} s in the median, {operations} operations");
    }
}

/// The most memory that `pollcost simulate` had while it simulated so much, in kB, and how long it took in s.
fn most_memory(name: &str, text: &str) -> (u64, f64) {
    let folder = std::env::temp_dir().join(format!("pollcost-bench-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("bench.toml");
    std::fs::write(&file, text).unwrap();
    let start = clock::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
    command.arg("simulate").arg(&file).arg("-o").arg(folder.join("run")).args(["--no-report", "--quiet"]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        let said = std::fs::read_to_string(&status).unwrap_or_default();
        let line = said.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        most = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(most);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(LOOK);
    };
    assert!(ended.success(), "{ended}");
    let taken = clock::now().saturating_since(start).as_secs_f64();
    std::fs::remove_dir_all(&folder).unwrap();
    (most, taken)
}

fn memory() {
    let small = ["fetch = 'monitor'", "fetch = 'batch'\nperiod = '100ms'", "fetch = 'serial'\nperiod = '1s'"];
    println!("most memory of `pollcost simulate` (the same, however long)");
    for (name, pvs, rate_hz, clients, hours) in [
        ("100 PVs at 10 Hz, monitor, 10 ms, 100 ms and 1 s", 100, 10, OF_THE_HOUR.as_slice(), [1, 3, 10].as_slice()),
        ("10 PVs at 1 Hz, monitor, 100 ms and 1 s", 10, 1, small.as_slice(), [1, 10, 100].as_slice()),
    ] {
        for hours in hours {
            let text = text(hours * 3600, pvs, rate_hz, clients);
            let (most, taken) = most_memory(&format!("{pvs}-{hours}"), &text);
            println!("  {name:50} {hours:>4} h: {:>6.1} MB, {taken:.1} s", most as f64 / 1024.0);
        }
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    for (name, part) in [("rates", rates as fn()), ("hour", hour), ("memory", memory)] {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            part();
        }
    }
}
