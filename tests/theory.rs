//! Every built-in scenario, simulated and held against what theory says of it: wherever there is a closed form, the mean, the median and the
//! 99th percentile of notice latency and the redundant and the missed fraction of a simulation lie within stated bounds of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::sync::Arc;

use pollcost::scenario::BUILT_IN;
use pollcost::scenario::model::{ClientSpec, Facts, Fetch, Scenario};
use pollcost::simulate::{Assembly, Forecast, Group, Link, Messages, Model, Unwatched};
use pollcost::stats::Estimate;
use pollcost::summary::ClientSummary;
use pollcost::time::Span;

/// Repeats of each client, every one with phases of its own.
const REPEATS: u32 = 12;
/// Gets and updates of a repeat, about: what a debug build does in a moment.
const OPERATIONS: f64 = 20_000.0;
/// Changes that a repeat should hold where that does not take more operations.
const CHANGES: f64 = 400.0;

/// How far a simulation may be from theory, beside its own 95 % interval over repeats: a part of the latency, and 5 us.
const LATENCY: (f64, f64) = (0.04, 5e3);
/// Theory has the IOC read a value in the middle of the round trip. In a long batch it reads all of them before: the client takes more time
/// for the replies than the IOC for the requests. So many values at once make a batch long, and its middle is known to this part of it only.
const LONG_BATCH: (usize, f64) = (500, 0.2);
/// The same of a fraction.
const FRACTION: f64 = 0.01;
/// An interval that is wider than this part of what it is about, or than this fraction, tells nothing: the quantity is left out and counted.
const VAGUE: (f64, f64) = (0.25, 0.15);

/// A scenario of one client of a built-in, as long as it takes to tell.
fn alone(built_in: &Scenario, client: &ClientSpec) -> Scenario {
    let rate: f64 =
        client.pvs.iter().filter_map(|pv| built_in.groups[built_in.pvs[pv.index()].group].change.mean_rate_hz()).sum();
    let gets = client.asked_period().map_or(0.0, |period| client.pvs.len() as f64 / (period.as_secs_f64() + 2e-4));
    let seconds = (CHANGES / rate.max(1e-3)).min(OPERATIONS / (gets + rate)).clamp(0.05, 40_000.0);
    Scenario {
        clients: vec![client.clone()],
        probes: Vec::new(),
        claims: Vec::new(),
        expectations: Vec::new(),
        repeats: REPEATS,
        window: Span::from_secs_f64(seconds),
        min_periods: built_in.min_periods.min(20),
        restart: None,
        facts: Facts::News,
        ..built_in.clone()
    }
}

fn simulated(scenario: &Arc<Scenario>, model: &Arc<Model>) -> ClientSummary {
    let mut assembly = Assembly::new(scenario);
    for group in Group::all(scenario, model, Messages::Counted) {
        assembly.add(group.run(&mut Unwatched));
    }
    assembly.finish(&[]).1.clients.remove(0)
}

/// What was compared, and what was too vague.
#[derive(Default)]
struct Told {
    compared: usize,
    vague: usize,
    wrong: Vec<String>,
}

impl Told {
    /// `unknown`: how far off the moment of reading may be, in ns.
    fn latency(&mut self, what: &str, is: Option<Estimate>, due: f64, unknown: f64) {
        self.look(what, is, due, LATENCY.0 * due + LATENCY.1 + unknown, VAGUE.0 * due);
    }

    fn fraction(&mut self, what: &str, is: Option<Estimate>, due: Option<f64>) {
        if let Some(due) = due {
            self.look(what, is, due, FRACTION, VAGUE.1);
        }
    }

    fn look(&mut self, what: &str, is: Option<Estimate>, due: f64, bound: f64, vague: f64) {
        // A percentile of too few changes does not exist.
        let Some(Estimate { point, interval, .. }) = is else { return };
        let half = interval.map_or(f64::INFINITY, |(low, high)| (high - low) / 2.0);
        if half > vague + bound {
            self.vague += 1;
            return;
        }
        self.compared += 1;
        if (point - due).abs() > bound + half {
            self.wrong.push(format!("{what}: {point} ({interval:?}), theory {due}"));
        }
    }
}

#[test]
fn every_built_in_scenario_comes_out_as_theory_says() {
    let mut told = Told::default();
    let mut covered = 0;
    for built_in in BUILT_IN {
        let whole = built_in.scenario().unwrap();
        for client in &whole.clients {
            let scenario = Arc::new(alone(&whole, client));
            let model = Arc::new(Model::typical(&Link::default(), 1));
            let Some(theory) = Forecast::of(&scenario, &model, 0) else { continue };
            covered += 1;
            let measured = simulated(&scenario, &model);
            let what = |which: &str| format!("{}, {}: {which}", built_in.name, client.name);
            if let Some(notice) = theory.notice {
                let long = client.fetch == Fetch::Batch && client.pvs.len() >= LONG_BATCH.0;
                let unknown = theory.round_trip_ns.filter(|_| long).map_or(0.0, |ns| LONG_BATCH.1 * ns);
                told.latency(&what("notice mean"), measured.notice.mean_ns, notice.mean_ns, unknown);
                told.latency(&what("notice p50"), measured.notice.p50_ns, notice.p50_ns, unknown);
                told.latency(&what("notice p99"), measured.notice.p99_ns, notice.p99_ns, unknown);
            }
            told.fraction(&what("redundant"), measured.redundant_fraction, theory.redundant);
            told.fraction(&what("missed"), measured.missed_fraction, theory.missed);
        }
    }
    let Told { compared, vague, wrong } = told;
    println!("{covered} clients, {compared} quantities compared, {vague} too vague");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(covered > 60 && compared > 3 * vague, "{covered} clients, {compared} compared, {vague} too vague");
}
