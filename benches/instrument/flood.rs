//! A monitor flood: one PV, one client, as fast as nothing is lost; and what is counted where something is.

use std::time::Duration;

use pollcost::io::clock;
use pollcost::time::Span;

use super::elsewhere::{Elsewhere, PV};
use super::ours::{Client, Ours};
use super::table::Row;

/// The fastest pattern that a scenario may ask for.
const FASTEST: f64 = 1e6;
/// Changes of one try.
const TRY: Span = Span::from_secs(1);
const SLOWEST: f64 = 10_000.0;
const STEP: f64 = 1.15;
/// Tries of one pace, and the paces in a row that must fail: EPICS' ring of 144 entries is full 2 ms into a stall of the machine, and one try
/// without a stall is enough.
const TRIES: usize = 6;
const FAILING: u32 = 4;
/// As an EPICS queue holds 144 entries for 36 subscriptions, this one holds a second of the fastest flood.
const LONG_QUEUE: &str = "event_queue = 1000000";

/// The fastest pace of changes a second that reaches libca without a loss; and the pace before which it was stopped.
fn softioc_pace(elsewhere: &Elsewhere) -> (f64, f64) {
    let mut softioc = elsewhere.softioc();
    let mut libca = elsewhere.libca(softioc.port, &["count", PV]);
    libca.until("ready");
    let mut counted = || -> (u64, u64) {
        let line = libca.ask("?");
        let (updates, last) = line.split_once(' ').unwrap();
        (updates.parse().unwrap(), last.parse().unwrap())
    };
    let (mut best, mut pace, mut failed) = (0.0, SLOWEST, 0);
    while failed < FAILING {
        let count = (pace * TRY.as_secs_f64()) as usize;
        let sustained = (0..TRIES).find_map(|_| {
            let before = counted().0;
            let (_, took) = softioc.post((1e9 / pace) as u64, count);
            std::thread::sleep(Duration::from_millis(300));
            let reached = count as f64 / took as f64 * 1e9;
            // Lost, or the poster itself goes no faster.
            (counted().0 - before == count as u64 && reached > pace * 0.9).then_some(reached)
        });
        match sustained {
            Some(reached) => (best, failed) = (reached, 0),
            None => failed += 1,
        }
        pace *= STEP;
    }
    (best, pace)
}

/// What a client of ours got in so long: updates, the last value, and whether it was complete.
struct Flooded {
    emitted: u64,
    received: u64,
    sent: u64,
    replaced: u64,
    last_emitted: u64,
    last_received: u64,
    pace: f64,
}

fn flood(rate_hz: f64, length: Span, top: &str, pause: Span) -> Flooded {
    let mut ours = Ours::start(1, rate_hz, top);
    let mut client = Client::connect(ours.port);
    client.subscribe();
    ours.begin();
    let start = clock::now();
    let mut notes = Vec::with_capacity(4_000_000);
    while clock::now() < start + length {
        client.updates_until(clock::now() + Span::from_millis(1), &mut notes);
        if pause > Span::ZERO {
            std::thread::sleep(Duration::from_nanos(pause.0));
        }
    }
    let (_, emissions) = ours.end();
    let took = emissions.last().map_or(1, |e| e.posted.saturating_since(start).0);
    let last_emitted = emissions.last().map_or(0, |e| e.seq.0);
    // What is still queued comes after.
    let limit = clock::now() + Span::from_secs(5);
    while notes.last().is_none_or(|n| n.0 != last_emitted) && clock::now() < limit {
        client.updates_until(clock::now() + Span::from_millis(1), &mut notes);
    }
    // The first is the value from before the beginning.
    let first = notes.iter().position(|n| n.0 == 1).unwrap_or(0);
    drop(client);
    // The counts once more: what was queued when the changes ended was sent since.
    let row = ours.end().0.rows.first().copied();
    Flooded {
        emitted: emissions.len() as u64,
        received: (notes.len() - first) as u64,
        sent: row.map_or(0, |r| r.total.updates_sent),
        replaced: row.map_or(0, |r| r.total.updates_replaced),
        last_emitted,
        last_received: notes.last().map_or(0, |n| n.0),
        pace: emissions.len() as f64 / took as f64 * 1e9,
    }
}

pub(crate) fn long_queue(elsewhere: &Elsewhere) -> Row {
    let (soft, stopped) = softioc_pace(elsewhere);
    assert!(soft > 0.0, "softIoc to libca loses updates at {SLOWEST}/s already: this machine is too busy");
    let asked = (3.0 * soft).min(FASTEST);
    let mut ratios = Vec::new();
    let mut whole = true;
    let mut told = String::new();
    for _ in 0..3 {
        let found = flood(asked, Span::from_secs(2), LONG_QUEUE, Span::ZERO);
        whole &= found.received == found.emitted && found.last_received == found.last_emitted;
        ratios.push(found.pace / soft);
        told = format!("{:.0}/s, {} of {} arrived", found.pace, found.received, found.emitted);
    }
    let fastest = flood(FASTEST, Span::from_secs(2), LONG_QUEUE, Span::ZERO);
    Row {
        case: "monitor flood, one PV, one client, long event queue".to_owned(),
        against: "the fastest pace that softIoc to libca sustains without loss".to_owned(),
        wanted: "3 times the pace, none lost".to_owned(),
        measured: format!("{told}; softIoc to libca {soft:.0}/s"),
        reached: Some(whole && super::table::median(&ratios) >= 2.95),
        ratios,
        note: format!(
            "softIoc: paces from {SLOWEST:.0}/s up by {STEP} until, at {FAILING} paces in a row, an update is missing in each of {TRIES} tries of {TRY}, or the poster \
             (a spinning C thread, `dbPutField`) goes no faster; stopped before {stopped:.0}/s. Ours: the emitter of a run at {asked:.0}/s for 2 s, three times, \
             `{LONG_QUEUE}`, a native client. Asked for {FASTEST:.0}/s, ours made {:.0}/s, of which {} of {} arrived.",
            fastest.pace, fastest.received, fastest.emitted
        ),
        measured_at: String::new(),
    }
}

pub(crate) fn replaced() -> Row {
    let found = flood(500_000.0, Span::from_secs(2), "", Span::from_millis(100));
    let exact = found.emitted == found.received + found.replaced;
    let last = found.last_received == found.last_emitted;
    Row {
        case: "monitor flood at 500,000/s, EPICS queue rule, a client that reads for 1 ms in 100 ms".to_owned(),
        against: "its own ledger".to_owned(),
        wanted: "replaced updates counted exactly, the last value delivered".to_owned(),
        measured: format!(
            "{} changes = {} received + {} replaced{}; last value {}",
            found.emitted,
            found.received,
            found.replaced,
            if exact { "" } else { " (does not hold)" },
            if last { "delivered" } else { "missing" }
        ),
        ratios: Vec::new(),
        reached: Some(exact && last),
        note: format!("The ledger says {} sent.", found.sent),
        measured_at: String::new(),
    }
}
