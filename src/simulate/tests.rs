//! Whole simulations: what must come out the same whatever the way there.

use std::sync::Arc;

use super::*;
use crate::pv::PvId;
use crate::scenario::model::{Change, Facts, Program, Restart, Scenario};
use crate::scenario::{BUILT_IN, Source, read};
use crate::stats::kolmogorov::one_sample;
use crate::summary::{Summary, summarise};
use crate::theory::distribution::{age_cdf, notice_cdf, seen_cdf};
use crate::theory::{Intervals, Process, predict};
use crate::time::{Span, Tick};
use crate::trace::pairing::pair;
use crate::trace::{ByPv, Emission, EmissionIndex, Observation, Request, Trace};

/// Keeps all facts of a group.
#[derive(Debug, Default)]
struct Collector {
    emissions: Vec<Emission>,
    observations: Vec<Vec<Observation>>,
    requests: Vec<(usize, Request)>,
}

impl Watcher for Collector {
    fn posted(&mut self, emissions: &[Emission]) {
        self.emissions.extend_from_slice(emissions);
    }
    fn observed(&mut self, place: usize, observations: &[Observation]) {
        self.observations.resize(self.observations.len().max(place + 1), Vec::new());
        self.observations[place].extend_from_slice(observations);
    }
    fn asked(&mut self, requests: &[(usize, Request)]) {
        self.requests.extend_from_slice(requests);
    }
}

/// A simulation with all of its facts, and its summary from what was measured on the way.
fn simulated(scenario: &Arc<Scenario>, model: &Model, messages: Messages, pile: usize) -> (Trace, Summary) {
    let mut assembly = Assembly::new(scenario);
    let (mut facts, mut offsets) = (Vec::new(), Vec::new());
    for mut group in Group::all(scenario, &Arc::new(model.clone()), messages) {
        group.pile = pile;
        let mut collector = Collector::default();
        let done = group.run(&mut collector);
        assert_eq!(done.failed, []);
        facts.push((group, collector));
        offsets.push(assembly.add(done));
    }
    let (mut trace, summary) = assembly.finish(&[]);
    for ((group, collector), offset) in facts.into_iter().zip(offsets) {
        let emissions = collector.emissions.into_iter().map(|e| offset.emission(e));
        trace.emissions[group.repeat as usize].extend(emissions);
        for segment in trace.segments.iter_mut().filter(|s| s.repeat == group.repeat) {
            let Some(slot) = group.clients.iter().position(|c| *c == segment.client) else { continue };
            let places: Vec<usize> = (0..group.places.len()).filter(|p| group.places[*p].0 == slot).collect();
            let observed = places.iter().flat_map(|place| &collector.observations[*place]);
            segment.observations = observed.map(|o| offset.observation(*o)).collect();
            let own = collector.requests.iter().filter(|(of, _)| places.contains(of));
            segment.requests = own.map(|(_, r)| offset.request(*r)).collect();
        }
    }
    (trace, summary)
}

fn scenario(text: &str) -> Scenario {
    read(Source { file: "test.toml", name: "test", text }, &|_| Err("no files here".to_owned())).unwrap()
}

/// Built-in scenarios, shortened, and what they leave out.
fn all() -> Vec<Arc<Scenario>> {
    let mut all: Vec<Scenario> = BUILT_IN.iter().map(|b| b.scenario().unwrap()).collect();
    all.push(scenario(
        "repeats = 3\nwindow = '300ms'\nconcurrent = true\nfacts = 'full'\n\
         [[pv]]\nname = 'A{0..9}'\nphase = 'aligned'\nchange = { pattern = 'poisson', rate_hz = 20 }\n\
         [[pv]]\nname = 'B'\ntype = 'string'\nchange = { pattern = 'motor', rate_hz = 100, moving = '50ms', resting = '70ms' }\n\
         [[pv]]\nname = 'C'\nsignal = { kind = 'noise', mean = 1, sigma = 1 }\nmdel = 1\nchange = { pattern = 'periodic', rate_hz = 50 }\n\
         [[client]]\nname = 'm'\nfetch = 'monitor'\n\
         [[client]]\nname = 'slow'\nfetch = 'monitor'\nservice_time = '3ms'\n\
         [[client]]\nname = 's'\nfetch = 'serial'\nperiod = '7ms'\ndbr = 'plain'\n\
         [[client]]\nname = 'b'\nfetch = 'batch'\nperiod = '50ms'\npvs = 'A*'\ndbr = 'ctrl'\ncopies = 3\n\
         [[client]]\nname = 'ms'\nfetch = 'monitor'\npvs = 'A*'\ncopies = 4\n\
         [[client]]\nname = 'c'\nfetch = 'cached'\nperiod = '20ms'\n\
         [[client]]\nname = 'spin'\nfetch = 'batch'\npacing = 'spin'\npvs = ['B', 'C']\n",
    ));
    all.push(scenario(
        "repeats = 2\nwindow = '400ms'\nfacts = 'full'\n\
         [[pv]]\nname = 'W'\ncount = 20000\nchange = { pattern = 'periodic', rate_hz = 30 }\n\
         [[pv]]\nname = 'X{0..3}'\ntype = 'char'\nchange = { pattern = 'jittered', rate_hz = 200, jitter = 0.4 }\n\
         [[client]]\nname = 'm'\nfetch = 'monitor'\n\
         [[client]]\nname = 'b'\nfetch = 'batch'\nperiod = '10ms'\n\
         [[client]]\nname = 'one'\nfetch = 'connect'\nperiod = '30ms'\npvs = 'X*'\n",
    ));
    for scenario in &mut all {
        // Programs of their own are simulated as native clients.
        scenario.clients.retain(|client| client.program == Program::Native);
        scenario.repeats = scenario.repeats.min(2);
        // A simulation runs none, and says so itself.
        scenario.probes.clear();
        scenario.window = scenario.window.min(Span::from_millis(300));
        scenario.warmup = Span::from_millis(20);
        scenario.drain = Span::from_millis(20);
        scenario.min_periods = 2;
        scenario.restart = scenario.restart.map(|_| Restart { at: Span::from_millis(90), down: Span::from_millis(40) });
        scenario.clients.retain(|client| client.asked_period().is_none_or(|p| p <= Span::from_millis(100)));
        // A spinning client takes most of the time: in the built-in scenarios there are enough of others.
        if scenario.pvs.len() > 15 {
            scenario.clients.retain(|client| client.asked_period().is_none_or(|p| p > Span::from_millis(1)));
        }
    }
    all.into_iter().map(Arc::new).collect()
}

fn models(scenario: &Scenario) -> [Model; 2] {
    let uneven = Link::EachWay(Delay::LogNormal { median: Span::from_micros(80), sigma: 0.7 });
    [Model::typical(&uneven, scenario.clients.len()), Model::ideal(&Link::default(), scenario.clients.len())]
}

#[test]
fn gets_come_to_the_same_with_and_without_their_bytes() {
    for scenario in all() {
        for model in models(&scenario) {
            let counted = simulated(&scenario, &model, Messages::Counted, 1 << 16);
            let whole = simulated(&scenario, &model, Messages::Whole, 1 << 16);
            // Not `assert_eq`: a histogram prints all of its buckets.
            assert!(counted.0 == whole.0, "{}: facts and counts", scenario.name);
            assert!(counted.1 == whole.1, "{}: summaries", scenario.name);
        }
    }
}

#[test]
fn measuring_on_the_way_comes_to_the_same_as_measuring_all_facts_at_the_end() {
    for scenario in all() {
        let [model, _] = models(&scenario);
        let (trace, summary) = simulated(&scenario, &model, Messages::Counted, 50);
        assert!(summarise(&trace, &[]) == summary, "{}", scenario.name);
        let at_once = simulated(&scenario, &model, Messages::Counted, 1 << 20);
        assert!(at_once == (trace, summary), "{}: the pile does not matter", scenario.name);
    }
}

#[test]
fn recording_every_reply_changes_no_number() {
    for scenario in all() {
        let [model, _] = models(&scenario);
        let of = |facts| {
            let scenario = Arc::new(Scenario { facts, ..Scenario::clone(&scenario) });
            simulated(&scenario, &model, Messages::Counted, 200).1
        };
        assert!(of(Facts::News) == of(Facts::Full), "{}", scenario.name);
    }
}

#[test]
fn nothing_is_impossible() {
    for scenario in all() {
        for model in models(&scenario) {
            let (trace, summary) = simulated(&scenario, &model, Messages::Counted, 1 << 16);
            let wrong = ["counted", "cannot be", "never noticed", "below zero"];
            for warning in &summary.warnings {
                assert!(wrong.iter().all(|w| !warning.what.contains(w)), "{}: {warning:?}", scenario.name);
            }
            assert_eq!(summary.clients.len(), scenario.clients.len());
            for of_repeat in &trace.emissions {
                assert!(of_repeat.is_sorted_by_key(|e| e.posted));
                assert!(of_repeat.iter().all(|e| e.posted >= e.due));
            }
            for segment in &trace.segments {
                // Those of one copy after those of another.
                assert!(segment.observations.is_sorted_by_key(|o| (o.copy, o.received)));
                assert!(segment.begun < segment.window.open);
            }
        }
    }
}

#[test]
fn a_seed_is_a_simulation() {
    for scenario in all() {
        let [model, _] = models(&scenario);
        let of = |seed| {
            let scenario = Arc::new(Scenario { seed, ..Scenario::clone(&scenario) });
            simulated(&scenario, &model, Messages::Counted, 1 << 16)
        };
        assert!(of(5) == of(5), "{}", scenario.name);
        assert!(of(5).0 != of(6).0, "{}", scenario.name);
    }
}

/// What one poller of one PV measured on an ideal host: notice latencies, seen latencies, and the age of information once a second.
fn measured(change: &str, client: &str, seconds: u32) -> [Vec<f64>; 3] {
    let text = format!(
        "window = '{seconds}s'\nrepeats = 1\nwarmup = '20s'\n[[pv]]\nname = 'A'\nchange = {{ {change} }}\n[[client]]\nname = 'p'\n{client}\n"
    );
    let scenario = Arc::new(scenario(&text));
    let link = Link::EachWay(Delay::Constant(Span::from_millis(1)));
    let (trace, _) = simulated(&scenario, &Model::ideal(&link, 1), Messages::Counted, 1 << 20);
    let (emissions, segment) = (&trace.emissions[0], &trace.segments[0]);
    let index = EmissionIndex::new(1, emissions);
    let by_pv = ByPv::new(1, segment.observations.iter().map(|o| o.pv));
    let (mut notice, mut seen) = (Vec::new(), Vec::new());
    pair(&index, &segment.observations, &by_pv, &[PvId(0)], segment.window, |change| {
        notice.extend(change.notice_ns().map(|ns| ns as f64));
        seen.extend(change.seen_ns().map(|ns| ns as f64));
    });
    let at = |second: u64| {
        let now = segment.window.open + Span::from_millis(second * 997);
        let held = segment.observations.partition_point(|o| o.received <= now);
        let newest = segment.observations[..held].last().and_then(|o| index.find(o.pv, o.seq));
        newest.map(|e| now.signed_since(e.posted) as f64)
    };
    [notice, seen, (0..u64::from(seconds)).filter_map(at).collect()]
}

/// The level of the tests below: one in a thousand would fail by chance; the seed is always the same.
const LEVEL: f64 = 0.001;

fn holds(what: &str, mut samples: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    samples.truncate(2000);
    assert!(samples.len() > 300, "{what}: {}", samples.len());
    let test = one_sample(&mut samples, cdf).unwrap();
    assert!(test.p > LEVEL, "{what}: {test:?}");
}

#[test]
fn simulated_distributions_are_those_of_theory() {
    let ms = Span::from_millis;
    let mean = |interval| Change::Poisson { interval };
    // Rare changes, so that no two fall into one interval between polls; then as many as polls; then ten for each.
    let cases = [
        ("pattern = 'poisson', period = '2s'", mean(ms(2000))),
        ("pattern = 'poisson', period = '100ms'", mean(ms(100))),
        ("pattern = 'poisson', period = '10ms'", mean(ms(10))),
        ("pattern = 'jittered', period = '2117ms', jitter = 0.3", Change::Jittered { interval: ms(2117), jitter: 0.3 }),
        ("pattern = 'pulse', period = '3217ms', width = '20ms'", Change::Pulse { interval: ms(3217), width: ms(20) }),
    ];
    let pacings = [
        ("period = '98ms'", Intervals::constant(100e6)),
        ("pacing = 'jittered'\nperiod = '98ms'\njitter = 0.5", Intervals::uniform(51e6, 149e6)),
    ];
    for (change, model) in &cases {
        let pvs = [(1.0, Process::of(model).unwrap())];
        for (pacing, intervals) in &pacings {
            let intervals = intervals.as_ref().unwrap();
            let [notice, seen, age] = measured(change, &format!("fetch = 'batch'\n{pacing}"), 3000);
            let what = |which: &str| format!("{which}, {change}, {pacing}");
            // The notice latencies of changes between the same two polls are not independent: only rare ones tell.
            if model.mean_rate_hz().unwrap() < 1.0 {
                let every_second = matches!(model, Change::Pulse { .. });
                let notice = notice.into_iter().step_by(if every_second { 2 } else { 1 }).collect();
                holds(&what("notice"), notice, |x| notice_cdf(intervals, 1e6, x));
            }
            holds(&what("seen"), seen, |x| seen_cdf(&pvs, intervals, 1e6, x).unwrap());
            holds(&what("age"), age, |x| age_cdf(&pvs, intervals, 1e6, x).unwrap());
        }
    }
}

/// The same for PVs of several kinds that are read together, one of which never changes: what is seen and how old it is, over all of them.
#[test]
fn mixed_pvs_are_those_of_theory() {
    let ms = Span::from_millis;
    let mixed = [
        (
            3.0,
            Change::Jittered { interval: ms(2117), jitter: 0.3 },
            "pattern = 'jittered', period = '2117ms', jitter = 0.3",
        ),
        (2.0, Change::Poisson { interval: ms(700) }, "pattern = 'poisson', period = '700ms'"),
        (
            1.0,
            Change::Pulse { interval: ms(3217), width: ms(20) },
            "pattern = 'pulse', period = '3217ms', width = '20ms'",
        ),
        (2.0, Change::Still, "pattern = 'still'"),
    ];
    let mut text = "window = '600s'\nrepeats = 1\nwarmup = '20s'\n".to_owned();
    for (number, (count, _, change)) in mixed.iter().enumerate() {
        text += &format!("[[pv]]\nname = 'G{number}P{{1..{count}}}'\nchange = {{ {change} }}\n");
    }
    text += "[[client]]\nname = 'p'\nfetch = 'batch'\npacing = 'jittered'\nperiod = '98ms'\njitter = 0.5\n";
    let scenario = Arc::new(scenario(&text));
    let link = Link::EachWay(Delay::Constant(Span::from_millis(1)));
    let (trace, summary) = simulated(&scenario, &Model::ideal(&link, 1), Messages::Counted, 1 << 20);
    let (emissions, segment) = (&trace.emissions[0], &trace.segments[0]);
    let index = EmissionIndex::new(scenario.pvs.len(), emissions);
    let by_pv = ByPv::new(scenario.pvs.len(), segment.observations.iter().map(|o| o.pv));
    let mut seen = Vec::new();
    pair(&index, &segment.observations, &by_pv, &scenario.clients[0].pvs, segment.window, |change| {
        seen.extend(change.seen_ns().map(|ns| ns as f64));
    });
    // The age of each changing PV in turn, at instants that have nothing to do with polls.
    let changing = 6;
    let age = |second: u64| {
        let pv = PvId((second % changing) as u32);
        let now = segment.window.open + Span::from_millis(second * 397);
        let of_pv = segment.observations.iter().filter(|o| o.pv == pv);
        let newest = of_pv.take_while(|o| o.received <= now).last().and_then(|o| index.find(o.pv, o.seq));
        newest.map(|e| now.signed_since(e.posted) as f64)
    };
    let ages: Vec<f64> = (0..1500).filter_map(age).collect();
    let pvs: Vec<(f64, Process)> =
        mixed.iter().map(|(count, change, _)| (*count, Process::of(change).unwrap())).collect();
    let intervals = Intervals::uniform(51e6, 149e6).unwrap();
    holds("seen, mixed", seen, |x| seen_cdf(&pvs, &intervals, 1e6, x).unwrap());
    holds("age, mixed", ages, |x| age_cdf(&pvs, &intervals, 1e6, x).unwrap());
    // And the fractions, to four of their standard errors or so.
    let expected = predict(&pvs, &intervals, 2e6);
    let near = |is: Option<crate::stats::Estimate>, due: Option<f64>, within: f64| {
        let (is, due) = (is.unwrap().point, due.unwrap());
        assert!((is - due).abs() < within, "{is} {due}");
    };
    near(summary.clients[0].redundant_fraction, expected.redundant, 0.003);
    near(summary.clients[0].missed_fraction, expected.missed, 0.03);
    near(summary.clients[0].age_mean_ns, expected.age_mean_ns, 0.05 * expected.age_mean_ns.unwrap());
    near(summary.clients[0].age_peak_ns, expected.age_peak_ns, 0.05 * expected.age_peak_ns.unwrap());
}

#[test]
fn a_watcher_can_end_it() {
    struct Impatient;
    impl Watcher for Impatient {
        fn reached(&mut self, _: Tick) -> bool {
            false
        }
    }
    let text = "window = '1h'\n[[pv]]\nname = 'A'\n[[client]]\nname = 's'\nfetch = 'batch'\npacing = 'spin'\n";
    let scenario = Arc::new(scenario(text));
    let model = Arc::new(Model::typical(&Link::default(), 1));
    let done = Group::all(&scenario, &model, Messages::Counted)[0].run(&mut Impatient);
    assert!(done.stopped && done.segments.is_empty() && done.end < Tick(3_600_000_000_000));
}

#[test]
fn memory_does_not_grow_with_the_time_that_is_simulated() {
    let most = |seconds: u32| {
        let text = format!(
            "window = '{seconds}s'\nconcurrent = true\nrepeats = 1\n\
             [[pv]]\nname = 'A{{0..9}}'\nchange = {{ pattern = 'periodic', rate_hz = 50 }}\n\
             [[client]]\nname = 'm'\nfetch = 'monitor'\n\
             [[client]]\nname = 'p'\nfetch = 'batch'\nperiod = '150ms'\n"
        );
        let scenario = Arc::new(scenario(&text));
        let model = Arc::new(Model::typical(&Link::default(), 2));
        let mut groups = Group::all(&scenario, &model, Messages::Counted);
        groups[0].pile = 300;
        let done = groups[0].run(&mut Unwatched);
        assert!(done.changes.iter().all(|c| c.0 >= u64::from(seconds) * 50));
        done.most_facts
    };
    let (short, long) = (most(5), most(100));
    assert!(long <= short + short / 10, "{short} facts at most in 5 s, {long} in 100 s");
}
