//! A soak: whether an IOC under load keeps its memory, its descriptors and its lateness over hours.
//!
//! `cargo bench --bench soak -- --duration 8h --every 10s -o soak.csv` serves a thousand changes a second from `pollcost ioc`,
//! follows all of them, gets one of them 500 times a second and connects anew every 100 ms; takes a sample every so often, and prints
//! the slope of each quantity with its 95 % interval. In the end every update and every get must be in the IOC's own count.
//!
//! Lateness needs nothing but the updates: change `seq` of a PV is due at a fixed instant plus `seq` periods, and the earliest arrival
//! tells that instant. What is told is the lateness of the IOC, the way and the waking of the client, above the least ever seen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark may stop where it cannot go on"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pollcost::ca::dbr::DbrClass;
use pollcost::ca::message::dbe;
use pollcost::io::clock;
use pollcost::io::network::Network;
use pollcost::io::session::{Session, SessionError};
use pollcost::pv::{PvName, Value};
use pollcost::stats::slope::slope;
use pollcost::time::{Span, Tick};

const PVS: usize = 10;
const PERIOD: Span = Span::from_millis(10);
const LIMIT: Span = Span::from_secs(30);

struct Options {
    duration: Duration,
    every: Duration,
    out: Option<PathBuf>,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options { duration: Duration::from_secs(3), every: Duration::from_millis(100), out: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--duration" => options.duration = humantime::parse_duration(&value()?)?,
            "--every" => options.every = humantime::parse_duration(&value()?)?,
            "-o" => options.out = Some(value()?.into()),
            // What cargo says to every benchmark.
            "--bench" => {}
            other => return Err(format!("{other}: not an option; there are --duration, --every and -o").into()),
        }
    }
    Ok(options)
}

/// What the clients have had since they were last asked.
#[derive(Default)]
struct Had {
    updates: AtomicU64,
    gets: AtomicU64,
    circuits: AtomicU64,
    lateness: Mutex<Vec<f64>>,
}

/// One sample: seconds since the start, and the quantities in the order of [`QUANTITIES`].
type Sample = (f64, [f64; 6]);
const QUANTITIES: [&str; 6] =
    ["ioc_rss_kib", "ioc_descriptors", "ioc_threads", "clients_rss_kib", "lateness_p50_us", "lateness_p99_us"];

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let (mut ioc, mut lines, port) = serve()?;
    let (over, had) = (Arc::new(AtomicBool::new(false)), Arc::new(Had::default()));
    let clients = [follow_all, get_one, connect_anew].map(|client| {
        let (over, had) = (Arc::clone(&over), Arc::clone(&had));
        thread::spawn(move || client(port, &over, &had).map_err(|e| e.to_string()))
    });
    let samples = sample(&options, &ioc, &had)?;
    over.store(true, Ordering::Release);
    for client in clients {
        client.join().unwrap()?;
    }
    kill(Pid::from_raw(ioc.id().cast_signed()), Signal::SIGTERM)?;
    let mut counted = String::new();
    lines.read_line(&mut counted)?;
    ioc.wait()?;
    print!("{}", told(&samples, &had, &counted)?);
    if let Some(out) = &options.out {
        fs::write(out, table(&samples))?;
    }
    Ok(())
}

/// Starts the IOC; it says where it is.
fn serve() -> Result<(Child, BufReader<ChildStdout>, u16), Box<dyn Error>> {
    let scenario = std::env::temp_dir().join(format!("pollcost-soak-{}.toml", std::process::id()));
    let period = PERIOD.0 / 1_000_000;
    let text = format!(
        "[[pv]]\nname = \"K:{{0..{}}}\"\nchange = {{ pattern = \"periodic\", period = \"{period}ms\" }}\n\
         [[client]]\nname = \"c\"\nfetch = \"monitor\"\n",
        PVS - 1
    );
    fs::write(&scenario, text)?;
    let mut ioc = Command::new(env!("CARGO_BIN_EXE_pollcost"))
        .args(["ioc", "--port", "0", "--format", "json", "--quiet"])
        .arg(&scenario)
        .env("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO")
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(ioc.stdout.take().ok_or("the IOC has no output")?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    fs::remove_file(scenario)?;
    let told: serde_json::Value = serde_json::from_str(&line)?;
    let address = told["addresses"][0].as_str().ok_or("the IOC does not say where it is")?;
    Ok((ioc, lines, address.rsplit(':').next().unwrap_or_default().parse()?))
}

fn names() -> Vec<PvName> {
    (0..PVS).filter_map(|i| PvName::new(&format!("K:{i}")).ok()).collect()
}

fn network(port: u16, user: &str) -> Network {
    let mut network = Network::loopback(port);
    network.manners.identity.user = user.to_owned();
    network
}

/// Follows all PVs; each change must come, once, in order.
fn follow_all(port: u16, over: &AtomicBool, had: &Had) -> Result<(), SessionError> {
    let mut session = Session::connect(network(port, "monitor"), &names(), LIMIT)?;
    for pv in 0..PVS {
        session.subscribe(pv, DbrClass::Plain, dbe::VALUE)?;
    }
    let mut last = [None; PVS];
    let mut base = [f64::INFINITY; PVS];
    while !over.load(Ordering::Acquire) {
        let Some(update) = session.next_update(clock::now() + LIMIT)? else { panic!("no update for {LIMIT}") };
        had.updates.fetch_add(1, Ordering::Relaxed);
        let Value::Double(value) = &update.value.value else { panic!("{:?}", update.value.value) };
        let (pv, seq) = (update.subscription, value[0]);
        assert!(last[pv].is_none_or(|last| last + 1.0 == seq), "change {seq} of PV {pv} after {:?}", last[pv]);
        // The first value was there before.
        if last[pv].replace(seq).is_some() {
            let offset = update.received.0 as f64 - seq * PERIOD.0 as f64;
            base[pv] = base[pv].min(offset);
            had.lateness.lock().unwrap().push((offset - base[pv]) / 1e3);
        }
    }
    Ok(())
}

/// Gets one PV again and again.
fn get_one(port: u16, over: &AtomicBool, had: &Had) -> Result<(), SessionError> {
    let mut session = Session::connect(network(port, "poller"), &names()[..1], LIMIT)?;
    while !over.load(Ordering::Acquire) {
        session.get(0, DbrClass::Time)?;
        had.gets.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Searches, connects, gets, leaves.
fn connect_anew(port: u16, over: &AtomicBool, had: &Had) -> Result<(), SessionError> {
    while !over.load(Ordering::Acquire) {
        Session::connect(network(port, "visitor"), &names(), LIMIT)?.get(0, DbrClass::Time)?;
        had.circuits.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn sample(options: &Options, ioc: &Child, had: &Had) -> Result<Vec<Sample>, Box<dyn Error>> {
    let start = clock::now();
    let elapsed = |at: Tick| at.saturating_since(start).0 as f64 / 1e9;
    let mut samples = Vec::new();
    while elapsed(clock::now()) < options.duration.as_secs_f64() {
        thread::sleep(options.every);
        let mut late = std::mem::take(&mut *had.lateness.lock().unwrap());
        late.sort_by(f64::total_cmp);
        let percentile = |p: f64| late.get((p * late.len() as f64) as usize).copied().unwrap_or(f64::NAN);
        let (own, of) = (std::process::id(), ioc.id());
        let quantities = [
            status(of, "VmRSS:")?,
            fs::read_dir(format!("/proc/{of}/fd"))?.count() as f64,
            status(of, "Threads:")?,
            status(own, "VmRSS:")?,
            percentile(0.5),
            percentile(0.99),
        ];
        samples.push((elapsed(clock::now()), quantities));
    }
    Ok(samples)
}

/// A number of `/proc/PID/status`.
fn status(pid: u32, key: &str) -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)).ok_or("no such line")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

fn table(samples: &[Sample]) -> String {
    let mut text = format!("t_s,{}\n", QUANTITIES.join(","));
    for (at, quantities) in samples {
        let cells: Vec<String> = quantities.iter().map(|q| format!("{q:.1}")).collect();
        let _ = writeln!(text, "{at:.1},{}", cells.join(","));
    }
    text
}

/// The slopes, and whether the counts agree.
fn told(samples: &[Sample], had: &Had, counted: &str) -> Result<String, Box<dyn Error>> {
    // A tenth is left for caches to fill and for the earliest arrival to show.
    let settled = &samples[samples.len() / 10..];
    let mut text = format!("{} samples, the first tenth left out\n", samples.len());
    for (i, name) in QUANTITIES.iter().enumerate() {
        let series: Vec<(f64, f64)> = settled.iter().map(|(at, q)| (at / 3600.0, q[i])).collect();
        let (first, last) = (series.first().map_or(f64::NAN, |s| s.1), series.last().map_or(f64::NAN, |s| s.1));
        let _ = write!(text, "{name:16} {first:10.1} to {last:10.1}");
        match slope(&series).and_then(|s| Some((s.point, s.interval?))) {
            Some((point, (low, high))) => writeln!(text, "   {point:+.1} an hour [{low:+.1}, {high:+.1}]")?,
            None => writeln!(text, "   too few samples for a slope")?,
        }
    }
    let told: serde_json::Value = serde_json::from_str(counted)?;
    let of = |user: &str, what: &str| {
        let client = told["clients"].as_array().and_then(|all| all.iter().find(|client| client["user"] == user));
        client.and_then(|client| client[what].as_u64())
    };
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (updates, gets, circuits) = (load(&had.updates), load(&had.gets), load(&had.circuits));
    let _ = writeln!(text, "updates had {updates}, sent {:?}", of("monitor", "updates_sent"));
    let _ = writeln!(text, "gets had {gets}, answered {:?}", of("poller", "gets"));
    let _ = writeln!(text, "circuits made {circuits}, opened {:?}", of("visitor", "circuits"));
    assert_eq!(of("poller", "gets"), Some(gets), "gets");
    assert_eq!(of("visitor", "circuits"), Some(circuits), "circuits");
    // Those on their way when it ended were sent and not had.
    let sent = of("monitor", "updates_sent").ok_or("the IOC does not know its monitor")?;
    assert!(sent >= updates && sent - updates <= 1000, "{updates} updates had of {sent}");
    std::io::stdout().flush()?;
    Ok(text)
}
