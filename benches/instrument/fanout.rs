//! A thousand circuits: how long until the last knows of one change, and how much can be sustained.

use std::fs;

use pollcost::ca::message::dbe;
use pollcost::client::Event;
use pollcost::io::clock;
use pollcost::pv::PvName;
use pollcost::time::Span;

use super::elsewhere::Elsewhere;
use super::ours::{Client, Ours, time_double};
use super::quantile;
use super::table::{Row, median};

const CIRCUITS: usize = 1000;
const CHANGES: usize = 20;
const ROUNDS: usize = 4;
const PERIOD: Span = Span::from_millis(100);

fn circuits(port: u16) -> Vec<Client> {
    let mut all: Vec<Client> = (0..CIRCUITS).map(|_| Client::connect(port)).collect();
    all.iter_mut().for_each(Client::subscribe);
    for client in &mut all {
        let _ = one_update(client);
    }
    all
}

/// Waits for the next update.
fn one_update(client: &mut Client) -> u64 {
    loop {
        while let Some(event) = client.link.next_event().unwrap() {
            if let Event::Update { data, .. } = event {
                return pollcost::ca::dbr::first_element(time_double(), data.payload).unwrap_or_default() as u64;
            }
        }
        client.link.exchange().unwrap();
    }
}

/// The instant at which all had the change of each value, for so many changes.
fn last_of(clients: &mut [Client], changes: usize) -> Vec<(u64, u64)> {
    (0..changes)
        .map(|_| {
            let value = clients.iter_mut().map(one_update).max().unwrap_or_default();
            (value, clock::now().0)
        })
        .collect()
}

fn to_the_last(posted: &[(u64, u64)], had: &[(u64, u64)]) -> f64 {
    let took = had.iter().filter_map(|(value, at)| {
        let (_, posted) = posted.iter().find(|(v, _)| v == value)?;
        Some(*at as f64 - *posted as f64)
    });
    quantile(&mut took.collect::<Vec<_>>(), 0.5)
}

pub(crate) fn one_change(elsewhere: &Elsewhere) -> Row {
    let mut ours = Ours::start(1, 1e9 / PERIOD.0 as f64, "");
    let mut softioc = elsewhere.softioc();
    let (mut own_clients, mut soft_clients) = (circuits(ours.port), circuits(softioc.port));
    let (mut own, mut soft) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.begin();
        let had = last_of(&mut own_clients, CHANGES);
        let posted: Vec<(u64, u64)> = ours.end().1.iter().map(|e| (e.seq.0, e.posted.0)).collect();
        own.push(to_the_last(&posted, &had));
        // One change may have come between the last and the end.
        for client in &mut own_clients {
            while client.link.receive_now().unwrap().is_some() {
                while client.link.next_event().unwrap().is_some() {}
            }
        }
        let (posted, had) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| last_of(&mut soft_clients, CHANGES));
            let posted = softioc.post(PERIOD.0, CHANGES).0;
            (posted, reader.join().unwrap())
        });
        soft.push(to_the_last(&posted, &had));
    }
    let ratios: Vec<f64> = own.iter().zip(&soft).map(|(own, soft)| own / soft).collect();
    Row {
        case: format!("fan-out: one change to {CIRCUITS} monitor circuits, time to the last"),
        against: "softIoc, same clients".to_owned(),
        wanted: "half or less".to_owned(),
        measured: format!("{:.2} ms; softIoc {:.2} ms", median(&own) / 1e6, median(&soft) / 1e6),
        reached: Some(median(&ratios) <= 0.5),
        ratios,
        note: format!(
            "{ROUNDS} rounds of {CHANGES} changes at 10 Hz, in turn; p50 of each round. The same native clients in one thread of the \
             benchmark, which reads the circuits one after the other: a change is known when the last of them has been read."
        ),
        measured_at: String::new(),
    }
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

pub(crate) fn sustained() -> Row {
    const PVS: usize = 100;
    let length = Span::from_secs(60);
    let mut ours = Ours::start(PVS, 1.0, "");
    let mut clients: Vec<Client> = (0..CIRCUITS).map(|_| Client::connect(ours.port)).collect();
    let connected = resident_kib(ours.program.id());
    let names: Vec<PvName> = (0..PVS).map(|i| PvName::new(&format!("BENCH:{i}")).unwrap()).collect();
    for client in &mut clients {
        for name in &names {
            client.link.circuit().create(name, 1).unwrap();
        }
        let mut subscribed = 0;
        let mut first = 0;
        while first < PVS {
            client.link.exchange().unwrap();
            let mut opened = Vec::new();
            while let Some(event) = client.link.next_event().unwrap() {
                match event {
                    Event::Opened { channel, .. } => opened.push(channel),
                    Event::Update { .. } => first += 1,
                    _ => {}
                }
            }
            for channel in opened {
                subscribed += 1;
                client.link.circuit().subscribe(channel, time_double().code(), 1, dbe::VALUE, subscribed).unwrap();
            }
        }
    }
    let subscribed = resident_kib(ours.program.id());
    ours.begin();
    let start = clock::now();
    let mut received = 0u64;
    let mut sweep = |clients: &mut [Client]| {
        let mut got = 0;
        for client in clients {
            while client.link.receive_now().unwrap().is_some() {
                while let Some(event) = client.link.next_event().unwrap() {
                    got += u64::from(matches!(event, Event::Update { .. }));
                }
            }
        }
        received += got;
        got
    };
    while clock::now() < start + length {
        sweep(&mut clients);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let (ledger, emissions) = ours.end();
    while sweep(&mut clients) > 0 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let replaced: u64 = ledger.rows.iter().map(|r| r.total.updates_replaced).sum();
    let due = emissions.len() as u64 * CIRCUITS as u64;
    let mut late: Vec<f64> = emissions.iter().map(|e| e.posted.saturating_since(e.due).0 as f64).collect();
    let bytes = (subscribed.saturating_sub(connected)) as f64 * 1024.0 / (CIRCUITS * PVS) as f64;
    Row {
        case: format!("{CIRCUITS} circuits with {PVS} monitors each at 1 Hz"),
        against: String::new(),
        wanted: "sustained for 60 s, no loss, memory for each subscription stated".to_owned(),
        measured: format!(
            "{received} of {due} updates arrived, {replaced} replaced; {bytes:.0} bytes of the IOC for each subscription with its channel; \
             emitter late by {:.0} µs in the median, {:.1} ms in one of a hundred",
            quantile(&mut late, 0.5) / 1e3,
            quantile(&mut late, 0.99) / 1e6
        ),
        ratios: Vec::new(),
        reached: Some(received == due && replaced == 0),
        note: format!(
            "{PVS} PVs, each at a random phase; {:.0} updates/s. The clients are read by one thread of the benchmark. Memory is VmRSS of the IOC's \
             process after all subscriptions, less that with the circuits connected, over {} subscriptions.",
            due as f64 / length.as_secs_f64(),
            CIRCUITS * PVS
        ),
        measured_at: String::new(),
    }
}
