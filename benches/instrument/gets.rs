//! Gets: one at a time against a raw ping-pong, and many outstanding against libca on a softIoc.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use pollcost::io::clock;

use super::elsewhere::{Elsewhere, PV};
use super::ours::{Client, Ours, plain_double};
use super::quantile;
use super::table::{Row, median};

const ROUNDS: usize = 12;
const GETS: usize = 10_000;

/// Where the two ends run: the kernel would choose anew in each round, and on one core an exchange takes a quarter of what it takes on two.
#[derive(Clone, Copy)]
enum Ends {
    Together,
    Apart,
}

impl Ends {
    /// The core of the one that asks and of the one that answers.
    fn cores(self) -> (String, String) {
        let cores = allowed_cores();
        let (first, last) = (cores[0].to_string(), cores[cores.len() - 1].to_string());
        match self {
            Ends::Together => (first.clone(), first),
            Ends::Apart => (first, last),
        }
    }
}

fn allowed_cores() -> Vec<u32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    let range = |part: &str| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        low.parse().unwrap()..=high.parse().unwrap()
    };
    list.trim().split(',').flat_map(range).collect()
}

/// Keeps a thread, or all threads of a process, on a core.
fn keep_on(core: &str, whole: bool, id: i32) {
    let mut taskset = Command::new("taskset");
    taskset.args(if whole { &["-a", "-p", "-c"][..] } else { &["-p", "-c"][..] }).arg(core).arg(id.to_string());
    assert!(taskset.output().unwrap().status.success(), "taskset (util-linux) keeps processes on a core");
}

fn keep_this_thread_on(core: &str) {
    keep_on(core, false, nix::unistd::gettid().as_raw());
}

/// Exchanges of 16 and 40 bytes between two threads that block in `read`, in ns.
fn raw_exchanges(ends: Ends) -> Vec<f64> {
    let (asking, answering) = ends.cores();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let echo = std::thread::spawn(move || {
        keep_this_thread_on(&answering);
        server.set_nodelay(true).unwrap();
        let mut question = [0; 16];
        while server.read_exact(&mut question).is_ok() {
            server.write_all(&[0; 40]).unwrap();
        }
    });
    keep_this_thread_on(&asking);
    client.set_nodelay(true).unwrap();
    let exchange = |_| {
        let asked = clock::now();
        client.write_all(&[0; 16]).unwrap();
        client.read_exact(&mut [0; 40]).unwrap();
        clock::now().saturating_since(asked).0 as f64
    };
    let took = (0..GETS).map(exchange).collect();
    drop(client);
    echo.join().unwrap();
    took
}

/// Rounds of raw exchanges and gets in turn: the median of each round, raw and own.
fn rounds(ends: Ends) -> (Vec<f64>, Vec<f64>) {
    let (asking, answering) = ends.cores();
    let ours = Ours::start(1, 1.0, "");
    keep_on(&answering, true, ours.program.id().cast_signed());
    let measure = move || {
        keep_this_thread_on(&asking);
        let mut client = Client::connect(ours.port);
        let round = |_| {
            let raw = std::thread::spawn(move || raw_exchanges(ends)).join().unwrap();
            let own: Vec<f64> = (0..GETS).map(|_| client.get().0 as f64).collect();
            (raw, own)
        };
        let medians =
            (0..ROUNDS / 2).map(round).map(|(mut raw, mut own)| (quantile(&mut raw, 0.5), quantile(&mut own, 0.5)));
        medians.unzip()
    };
    std::thread::spawn(measure).join().unwrap()
}

pub(crate) fn serial() -> Row {
    let (mut ratios, mut told, mut reached) = (Vec::new(), Vec::new(), true);
    for (ends, words) in [(Ends::Together, "both ends on one core"), (Ends::Apart, "on two")] {
        let (raw, own) = rounds(ends);
        let of: Vec<f64> = own.iter().zip(&raw).map(|(own, raw)| own / raw).collect();
        reached &= median(&of) <= 1.3;
        told.push(format!(
            "{words} {:.1} µs; raw {:.1} µs ({:.2} times)",
            median(&own) / 1000.0,
            median(&raw) / 1000.0,
            median(&of)
        ));
        ratios.extend(of);
    }
    Row {
        case: "serial get round trip p50".to_owned(),
        against: "raw TCP ping-pong".to_owned(),
        wanted: "1.3 times or less".to_owned(),
        measured: told.join("; "),
        reached: Some(reached),
        ratios,
        note: format!(
            "{ROUNDS} rounds of {GETS} gets of a `DBR_TIME_DOUBLE`, one after the other without a pause, and of as many raw exchanges \
             of 16 and 40 bytes between two threads that block in `read`; half of the rounds with both ends kept on one core, half on two \
             (`taskset`). Left to the kernel either may fall to either side in a round, and the ratio was between 0.26 and 4.2."
        ),
        measured_at: String::new(),
    }
}

pub(crate) fn pipelined(elsewhere: &Elsewhere, outstanding: usize, flushes: usize, wanted: f64) -> Row {
    let ours = Ours::start(1, 1.0, "");
    let softioc = elsewhere.softioc();
    let mut client = Client::connect(ours.port);
    let rate = |ns: f64| outstanding as f64 / ns * 1e9;
    let (mut own, mut soft) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut took: Vec<f64> = (0..flushes)
            .map(|_| {
                let start = clock::now();
                client.gets(plain_double().code(), outstanding);
                clock::now().saturating_since(start).0 as f64
            })
            .collect();
        own.push(rate(quantile(&mut took, 0.5)));
        let (outstanding, flushes) = (outstanding.to_string(), flushes.to_string());
        let mut took = elsewhere.libca(softioc.port, &["gets", PV, &outstanding, &flushes]).numbers();
        soft.push(rate(quantile(&mut took, 0.5)));
    }
    let ratios: Vec<f64> = own.iter().zip(&soft).map(|(own, soft)| own / soft).collect();
    Row {
        case: format!("pipelined gets, {outstanding} outstanding"),
        against: "libca on softIoc".to_owned(),
        wanted: format!("{wanted} times"),
        measured: format!("{:.0}/s; libca on softIoc {:.0}/s", median(&own), median(&soft)),
        reached: Some(median(&ratios) >= wanted),
        ratios,
        note: format!(
            "{ROUNDS} rounds of {flushes} flushes of {outstanding} gets of one PV as `DBR_DOUBLE`, each flush followed by a wait for all \
             (`ca_array_get`, `ca_pend_io`); the median flush of a round is taken. Our client and our IOC against libca in C and a softIoc."
        ),
        measured_at: String::new(),
    }
}
