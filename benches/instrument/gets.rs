//! Gets: one at a time against a raw ping-pong, and many outstanding against libca on a softIoc.

use pollcost::io::clock;
use pollcost::io::doctor::{Stop, wire};
use pollcost::time::Span;

use super::elsewhere::{Elsewhere, PV};
use super::ours::{Client, Ours, plain_double};
use super::quantile;
use super::table::{Row, median};

const ROUNDS: usize = 12;
const GETS: usize = 10_000;

pub(crate) fn serial() -> Row {
    let ours = Ours::start(1, 1.0, "");
    let mut client = Client::connect(ours.port);
    let (mut raw, mut own) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let took = wire::round_trip(Span::ZERO, GETS, &Stop::default()).unwrap();
        raw.push(quantile(&mut took.iter().map(|t| t.0 as f64).collect::<Vec<_>>(), 0.5));
        own.push(quantile(&mut (0..GETS).map(|_| client.get().0 as f64).collect::<Vec<_>>(), 0.5));
    }
    let ratios: Vec<f64> = own.iter().zip(&raw).map(|(own, raw)| own / raw).collect();
    Row {
        case: "serial get round trip p50".to_owned(),
        against: "raw TCP ping-pong".to_owned(),
        wanted: "1.3 times or less".to_owned(),
        measured: format!("{:.1} µs; raw {:.1} µs", median(&own) / 1000.0, median(&raw) / 1000.0),
        reached: Some(median(&ratios) <= 1.3),
        ratios,
        note: format!(
            "{ROUNDS} rounds of {GETS} gets of a `DBR_TIME_DOUBLE`, one after the other without a pause, and of as many raw exchanges \
             of 16 and 40 bytes between two threads that block in `read`. What counts is where the kernel puts the two ends: on one core an \
             exchange took 12 µs here, on two 54 µs, and either may fall to either side in a round: hence the range."
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
