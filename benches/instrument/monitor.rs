//! How long until a callback knows, one PV at 1 kHz: ours, the raw floor, and softIoc to libca.

use pollcost::io::doctor::{Stop, wire};
use pollcost::time::Span;
use pollcost::trace::Emission;

use super::elsewhere::{Elsewhere, PV};
use super::ours::{Client, Ours};
use super::quantile;
use super::table::{Row, median};
use pollcost::io::clock;

const ROUNDS: usize = 16;
const CHANGES: usize = 1000;
const PERIOD: Span = Span::from_millis(1);

/// From each posting to the first note of something at least as new, in ns.
fn latencies(posted: &[(u64, u64)], notes: &[(u64, u64)]) -> Vec<f64> {
    let mut found = Vec::with_capacity(posted.len());
    let mut at = 0;
    for (value, posted) in posted {
        while at < notes.len() && notes[at].0 < *value {
            at += 1;
        }
        let Some((_, received)) = notes.get(at) else { break };
        found.push(*received as f64 - *posted as f64);
    }
    found
}

pub(crate) fn measure(elsewhere: &Elsewhere) -> Vec<(&'static str, Row)> {
    let mut ours = Ours::start(1, 1000.0, "");
    let mut client = Client::connect(ours.port);
    client.subscribe();
    let mut softioc = elsewhere.softioc();
    let mut libca = elsewhere.libca(softioc.port, &["monitor", PV]);
    libca.until("ready");
    let length = PERIOD * CHANGES as u64;
    let (mut raw, mut own, mut soft_posted, mut own_posted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Forth and back, so that a drift of the machine hits all alike.
        let mut turn = [0, 1, 2];
        if round % 2 == 1 {
            turn.reverse();
        }
        for which in turn {
            match which {
                0 => {
                    let mut took: Vec<f64> =
                        wire::push(PERIOD, CHANGES, &Stop::default()).unwrap().iter().map(|t| t.0 as f64).collect();
                    raw.push(quantile(&mut took, 0.5));
                }
                1 => {
                    let mut notes = Vec::with_capacity(2 * CHANGES);
                    ours.begin();
                    client.updates_until(clock::now() + length, &mut notes);
                    let (_, emissions) = ours.end();
                    let posted: Vec<(u64, u64)> = emissions.iter().map(|e: &Emission| (e.seq.0, e.posted.0)).collect();
                    // Numbers start over with each beginning: what is left of the turn before comes first.
                    let first = notes.iter().position(|n| n.0 == 1).unwrap_or(0);
                    own.push(quantile(&mut latencies(&posted, &notes[first..]), 0.5));
                    own_posted.push(posted);
                }
                _ => soft_posted.push(softioc.post(PERIOD.0, CHANGES).0),
            }
        }
    }
    let notes = libca.pairs();
    let soft: Vec<f64> = soft_posted.iter().map(|posted| quantile(&mut latencies(posted, &notes), 0.5)).collect();
    let ratios = |over: &[f64]| own.iter().zip(over).map(|(own, over)| own / over).collect::<Vec<_>>();
    let us = |values: &[f64]| median(values) / 1000.0;
    let (to_raw, to_soft) = (ratios(&raw), ratios(&soft));
    let measured = format!("p50 {:.1} µs; raw {:.1} µs; softIoc to libca {:.1} µs", us(&own), us(&raw), us(&soft));
    let note = format!(
        "One PV at 1 kHz, {ROUNDS} rounds of {CHANGES} changes, in turn. Ours: the IOC in a process of its own, one monitor, a native \
         client in the benchmark's process. Raw: two threads, 40 bytes. softIoc: an `ao` \
         record, changed by `dbPutField` on a C thread at absolute instants, one monitor on libca in C."
    );
    let row = |against: &str, wanted: &str, ratios: Vec<f64>, limit: f64| Row {
        case: "monitor notice latency p50, 1 kHz, one PV".to_owned(),
        against: against.to_owned(),
        wanted: wanted.to_owned(),
        measured: measured.clone(),
        reached: Some(median(&ratios) <= limit),
        ratios,
        note: note.clone(),
        measured_at: String::new(),
    };
    vec![
        ("monitor", row("raw TCP one-way push, same cadence", "1.5 times or less", to_raw, 1.5)),
        ("monitor-epics", row("softIoc to libca in the same run", "half or less", to_soft, 0.5)),
    ]
}
