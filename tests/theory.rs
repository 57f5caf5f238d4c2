//! Every built-in scenario, simulated and held against what theory says of it: wherever there is a closed form, the mean, the median and the
//! 99th percentile of notice latency and the redundant and the missed fraction of a simulation lie within stated bounds of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::collections::HashSet;
use std::sync::Arc;

use pollcost::scenario::model::{ClientSpec, Facts, Scenario};
use pollcost::scenario::{BUILT_IN, Source, read};
use pollcost::simulate::{Assembly, Forecast, Group, Link, Messages, Model, Spread, Unwatched};
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
    fn notice(&mut self, what: &str, measured: &ClientSummary, theory: &Spread) {
        for (which, is, due) in [
            ("mean", measured.notice.mean_ns, theory.mean_ns),
            ("p50", measured.notice.p50_ns, theory.p50_ns),
            ("p99", measured.notice.p99_ns, theory.p99_ns),
        ] {
            self.look(&format!("{what}: notice {which}"), is, due, LATENCY.0 * due + LATENCY.1, VAGUE.0 * due);
        }
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
    let mut covered = HashSet::new();
    for built_in in BUILT_IN {
        let whole = built_in.scenario().unwrap();
        for client in &whole.clients {
            let scenario = Arc::new(alone(&whole, client));
            let model = Arc::new(Model::typical(&Link::default(), 1));
            let Some(theory) = Forecast::of(&scenario, &model, 0) else { continue };
            // What is the same but for its name is simulated once.
            let groups: HashSet<usize> = client.pvs.iter().map(|pv| whole.pvs[pv.index()].group).collect();
            let of_group = |group: &usize| {
                let group = &whole.groups[*group];
                format!("{:?}", (&group.change, group.phase, group.native, group.count))
            };
            let mut changes: Vec<String> = groups.iter().map(of_group).collect();
            changes.sort_unstable();
            let ClientSpec { fetch, pacing, pvs, dbr, .. } = client;
            let what = (fetch, pacing, pvs.len(), dbr, changes, scenario.window, scenario.min_periods);
            if !covered.insert(format!("{what:?}")) {
                continue;
            }
            let measured = simulated(&scenario, &model);
            let what = format!("{}, {}", built_in.name, client.name);
            if let Some(notice) = theory.notice {
                told.notice(&what, &measured, &notice);
            }
            told.fraction(&format!("{what}: redundant"), measured.redundant_fraction, theory.redundant);
            told.fraction(&format!("{what}: missed"), measured.missed_fraction, theory.missed);
        }
    }
    let Told { compared, vague, wrong } = told;
    let covered = covered.len();
    println!("{covered} different clients, {compared} quantities compared, {vague} too vague");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(covered > 60 && compared > 3 * vague, "{covered} clients, {compared} compared, {vague} too vague");
}

/// From one PV to ten thousand, one after the other and in one flush, without a sleep and with one: when the IOC reads a value, how long it holds changes
/// back meanwhile, and how long the value then takes.
#[test]
fn batches_of_every_length_come_out_as_theory_says() {
    let mut told = Told::default();
    for (pvs, changes, fewest) in
        [(1, 100, 1.0), (10, 100, 1.0), (100, 300, 0.3), (1000, 1000, 0.08), (10_000, 1000, 0.08)]
    {
        for (fetch, each) in [("batch", 2.4e-7), ("serial", 1.14e-4)] {
            for sleep in [0, 1, 10] {
                let seconds = (10.0 * (each * f64::from(pvs) + f64::from(sleep) * 1e-3)).max(fewest);
                let text = format!(
                    "repeats = 6\nwindow = '{:.0}ms'\nmin_periods = 2\n[[pv]]\nname = 'A{{0..{}}}'\n\
                     change = {{ pattern = 'poisson', rate_hz = {} }}\n\
                     [[client]]\nname = 'c'\nfetch = '{fetch}'\npacing = 'fixed-delay'\nperiod = '{sleep}ms'\n",
                    seconds * 1e3,
                    pvs - 1,
                    f64::from(changes) / f64::from(pvs),
                );
                let scenario = read(Source { file: "t", name: "t", text: &text }, &|_| Err(String::new())).unwrap();
                let (scenario, model) = (Arc::new(scenario), Arc::new(Model::typical(&Link::default(), 1)));
                let theory = Forecast::of(&scenario, &model, 0).unwrap();
                let measured = simulated(&scenario, &model);
                told.notice(&format!("{fetch} of {pvs} every {sleep} ms"), &measured, &theory.notice.unwrap());
            }
        }
    }
    let Told { compared, vague, wrong } = told;
    println!("{compared} quantities compared, {vague} too vague");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 3 * vague, "{compared} compared, {vague} too vague");
}
