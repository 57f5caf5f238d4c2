//! Verdicts on values whose truth is known.

use std::collections::BTreeMap;

use super::baseline::{BASELINE_VERSION, ClientValues, Machine};
use super::decide::{InTurn, Pair, compare_in_turn};
use super::history::history;
use super::outcome::schema;
use super::policy::{Inconclusive, looks};
use super::*;
use crate::scenario::Source;

/// A client with these values of a few metrics, 1000 changes in each repeat.
pub(crate) fn client(name: &str, values: &[(Metric, &[f64])]) -> ClientValues {
    let repeats = values.first().map_or(0, |(_, v)| v.len());
    ClientValues {
        name: name.to_owned(),
        strategy: "monitor".to_owned(),
        floor_us: None,
        changes: vec![1000; repeats],
        values: values.iter().map(|(m, v)| (*m, v.iter().map(|v| Some(*v)).collect())).collect(),
        notice_us: vec![(20.0, 900), (40.0, 100)],
        notice_digest: "0".to_owned(),
    }
}

pub(crate) fn baseline(clients: Vec<ClientValues>) -> Baseline {
    let cpu_model = Some("a processor".to_owned());
    Baseline {
        baseline_version: BASELINE_VERSION,
        pollcost: "0.1.0".to_owned(),
        taken: Some("2026-01-02T03:04:05Z".to_owned()),
        simulated: None,
        machine: Some(Machine { cpu_model, cores: Some(2), ..Machine::default() }),
        scenario: BTreeMap::from([("seed".to_owned(), "1".to_owned())]),
        clients,
    }
}

const STEADY: [f64; 6] = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2];

fn scaled(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().rev().map(|v| v * factor).collect()
}

/// Each verdict on one metric.
fn verdict(metric: Metric, base: &[f64], new: &[f64]) -> Verdict {
    let (a, b) = (baseline(vec![client("c", &[(metric, base)])]), baseline(vec![client("c", &[(metric, new)])]));
    compare(Pair { base: ("a", &a), new: ("b", &b) }, &Policy::default()).unwrap().verdict
}

#[test]
fn a_verdict_needs_size_and_certainty() {
    use Verdict::{Improved, Inconclusive, Pass, Regressed};
    let wild = [60.0, 190.0, 75.0, 130.0, 100.0, 160.0];
    let once_wild = [100.0, 101.0, 99.0, 100.5, 99.5, 900.0];
    for (metric, base, new, expected) in [
        (Metric::NoticeP50, &STEADY, scaled(&STEADY, 1.0), Pass),
        (Metric::NoticeP50, &STEADY, scaled(&STEADY, 1.3), Regressed),
        (Metric::NoticeP50, &STEADY, scaled(&STEADY, 0.7), Improved),
        // Certain, and too small to matter: 3 %, where 10 % do.
        (Metric::NoticeP50, &STEADY, scaled(&STEADY, 1.03), Pass),
        (Metric::NoticeP50, &wild, scaled(&wild, 1.3), Inconclusive),
        // One wild repeat decides nothing.
        (Metric::NoticeP50, &STEADY, once_wild.to_vec(), Inconclusive),
        // 0.2 µs more matters to nobody, whatever the percentage.
        (Metric::NoticeP50, &[0.5, 0.51, 0.49, 0.5, 0.52, 0.5], vec![0.7, 0.71, 0.7, 0.69, 0.7, 0.7], Pass),
        (Metric::Requests, &STEADY, scaled(&STEADY, 2.0), Regressed),
        (Metric::Requests, &[0.0; 6], vec![0.0; 6], Pass),
        (Metric::Requests, &[0.0; 6], vec![50.0, 51.0, 49.0, 50.0, 50.0, 50.0], Regressed),
        // One change in a hundred, where none was missed; and one in five hundred, which ten of 6000 may be.
        (Metric::Missed, &[0.0; 6], vec![0.01; 6], Regressed),
        (Metric::Missed, &[0.0; 6], vec![0.002, 0.0, 0.0, 0.001, 0.0, 0.0], Pass),
    ] {
        assert_eq!(verdict(metric, base, &new), expected, "{metric:?} {base:?} {new:?}");
    }
}

#[test]
fn what_three_repeats_can_tell() {
    assert_eq!(verdict(Metric::Requests, &[100.0, 100.4, 99.8], &[200.1, 200.9, 199.2]), Verdict::Regressed);
    assert_eq!(verdict(Metric::Missed, &[0.0; 3], &[0.01; 3]), Verdict::Regressed);
    assert_eq!(verdict(Metric::NoticeP50, &[15.0, 20.0, 17.0], &[21.0, 26.0, 22.0]), Verdict::Inconclusive);
}

/// The verdict on one metric whose sides were measured in turn, and the control's resolution.
fn in_turn(base: &[f64], new: &[f64], looks: u32) -> (Verdict, Option<f64>) {
    let side = |values: &[f64]| baseline(vec![client("c", &[(Metric::NoticeP50, values)])]);
    let (a, b) = (side(base), side(new));
    let told =
        compare_in_turn(Pair { base: ("a", &a), new: ("b", &b) }, InTurn { looks, steady: true }, &Policy::default());
    (told.verdict, told.rows[0].resolution)
}

#[test]
fn pairs_tell_what_drift_hides() {
    let drift = |i: usize| 10.0 * 1.08f64.powi(i as i32) * [1.0, 1.004, 0.997, 1.002, 0.999][i % 5];
    let base: Vec<f64> = (0..10).map(drift).collect();
    let new: Vec<f64> = (0..10).map(|i| 1.2 * drift((i + 3) % 5 + i / 5 * 5)).collect();
    let near: Vec<f64> = (0..10).map(|i| 1.2 * drift(i) * [1.003, 0.998][i % 2]).collect();
    assert_eq!(verdict(Metric::NoticeP50, &base, &near), Verdict::Inconclusive);
    let (told, resolution) = in_turn(&base, &near, 3);
    // Each A is 8 % above the one before: pairs of A and A scatter little about that, and so does the control.
    assert!(told == Verdict::Regressed && resolution.unwrap() < 1.02, "{resolution:?}");
    assert_eq!(in_turn(&base, &new, 3).0, Verdict::Inconclusive);
    // A machine whose A and A differ by as much as A and B tells nothing.
    let wild: Vec<f64> = (0..10).map(|i| if i % 4 == 1 { 20.0 } else { 10.0 }).collect();
    let up: Vec<f64> = wild.iter().enumerate().map(|(i, v)| v * [1.12, 1.121, 1.119][i % 3]).collect();
    let (told, resolution) = in_turn(&wild, &up, 1);
    assert!(told == Verdict::Inconclusive && resolution.unwrap() > 1.12, "{told:?} {resolution:?}");
    assert_eq!(in_turn(&[10.0, 10.1], &[20.0, 20.1], 1).1, None);
}

#[test]
fn looks_share_the_level() {
    assert_eq!(looks(10, 40), [10, 20, 40]);
    assert_eq!(looks(8, 8), [8]);
    assert_eq!(looks(7, 30), [8, 16, 30]);
    assert_eq!((looks(0, 0), looks(10, 4)), (vec![2], vec![10]));
    // p is about 0.005: enough for one look at 1 %, too little for one of three.
    let base = [10.0, 10.3, 9.8, 10.1, 10.2, 9.9, 10.0, 10.1, 9.7, 10.2];
    let factors = [1.30, 1.05, 1.28, 1.08, 1.02, 1.31, 1.26, 0.99, 1.12, 1.30];
    let new: Vec<f64> = base.iter().zip(factors).map(|(b, f)| b * f).collect();
    assert_eq!((in_turn(&base, &new, 1).0, in_turn(&base, &new, 9).0), (Verdict::Regressed, Verdict::Inconclusive));
}

#[test]
fn exit_codes_follow_the_policy() {
    let wild = [60.0, 190.0, 75.0, 130.0, 100.0, 160.0];
    let side = |values: &[f64]| baseline(vec![client("c", &[(Metric::NoticeP50, values)])]);
    let code = |new: &[f64], inconclusive| {
        let (a, b) = (side(&wild), side(new));
        compare(Pair { base: ("a", &a), new: ("b", &b) }, &Policy { inconclusive, ..Policy::default() }).unwrap().exit
    };
    let same = scaled(&wild, 1.0);
    let modes = [Inconclusive::Report, Inconclusive::Pass, Inconclusive::Fail];
    assert_eq!(modes.map(|mode| code(&same, mode)), [3, 0, 1]);
    assert_eq!(modes.map(|mode| code(&scaled(&wild, 9.0), mode)), [1, 1, 1]);
}

#[test]
fn another_experiment_is_refused_by_name() {
    let side = || baseline(vec![client("c", &[(Metric::Requests, &STEADY)])]);
    let refused = |change: fn(&mut Baseline)| {
        let (a, mut b) = (side(), side());
        change(&mut b);
        compare(Pair { base: ("a", &a), new: ("b", &b) }, &Policy::default()).unwrap_err().join("; ")
    };
    assert_eq!(
        refused(|b| drop(b.scenario.insert("seed".into(), "2".into()))),
        "`seed`: `1` in the base, `2` in the new one"
    );
    assert!(refused(|b| drop(b.scenario.insert("client x".into(), "monitor".into()))).contains("in the new one only"));
    assert!(refused(|b| drop(b.scenario.remove("seed"))).contains("in the base only"));
    assert!(refused(|b| b.simulated = Some("a link".into())).contains("the new one was simulated"));
    assert!(refused(|b| b.clients[0].name = "d".into()).contains("c in the base, d in the new one"));
}

#[test]
fn another_machine_is_compared_on_counters_and_floors() {
    let values: [(Metric, &[f64]); 3] =
        [(Metric::Requests, &STEADY), (Metric::NoticeP50, &STEADY), (Metric::CpuIoc, &STEADY)];
    let doubled = STEADY.map(|v| 2.0 * v);
    let slower: [(Metric, &[f64]); 3] =
        [(Metric::Requests, &STEADY), (Metric::NoticeP50, &doubled), (Metric::CpuIoc, &doubled)];
    let (mut a, mut b) = (baseline(vec![client("c", &values)]), baseline(vec![client("c", &slower)]));
    let other = Some(Machine { cpu_model: Some("another".into()), cores: Some(4), ..Machine::default() });
    let compared =
        |a: &Baseline, b: &Baseline| compare(Pair { base: ("a", a), new: ("b", b) }, &Policy::default()).unwrap();
    assert_eq!(compared(&a, &b).verdict, Verdict::Regressed);
    b.machine = other;
    let counters = compared(&a, &b);
    assert_eq!((counters.verdict, counters.rows.len()), (Verdict::Pass, 1));
    assert!(counters.notes[0].contains("counters are compared, times are not"), "{:?}", counters.notes);
    // A machine that takes twice as long, on a floor that is twice as high.
    (a.clients[0].floor_us, b.clients[0].floor_us) = (Some(20.0), Some(40.0));
    let floors = compared(&a, &b);
    assert_eq!((floors.verdict, floors.rows.len()), (Verdict::Pass, 2));
    assert_eq!((floors.rows[1].unit.as_str(), floors.rows[1].metric), ("floors", Metric::NoticeP50));
    assert!(floors.notes[0].contains("(c 20 µs and 40 µs)"), "{:?}", floors.notes);
    // The same latency on a floor half as high is twice as many floors.
    b.clients[0].floor_us = Some(10.0);
    assert_eq!(compared(&a, &b).verdict, Verdict::Regressed);
    // Copies are called back as one is.
    for side in [&mut a, &mut b] {
        side.clients[0].strategy = "100 × monitor, 2 ms of work for each value".into();
    }
    assert_eq!(compared(&a, &b).rows.len(), 2);
    // A poller's latency is that of its period, whatever the floor: it is left out.
    for side in [&mut a, &mut b] {
        side.clients[0].strategy = "batch, fixed-delay 10 ms".into();
    }
    assert_eq!(compared(&a, &b).rows.len(), 1);
}

#[test]
fn the_floor_is_that_of_the_cadence() {
    use crate::scenario::model::{Change, Fetch};
    use crate::summary::{example, summarise};
    use crate::time::Span;
    use crate::trace::floor::{AtPeriod, Quantiles};
    use crate::trace::{Floor, Host, Trace};
    let group = example::group(Change::Periodic { interval: Span::from_millis(100) });
    let scenario = example::scenario(vec![(1, group)], vec![example::client("c", Fetch::Monitor, None, 1)]);
    let emissions = example::posted(1, 100_000_000, 6_000_000_000, 7);
    let segment = example::segment(0, 0, 1_000_000_000, 2_000_000_000, 2_200_000_000);
    let segments = vec![example::push(segment, &emissions, 60_000)];
    let trace = Trace { scenario, emissions: vec![emissions], segments, probes: Vec::new() };
    let at = |ms, us| AtPeriod {
        period_ns: Span::from_millis(ms),
        took: Quantiles { n: 1000, p50_ns: Some(Span::from_micros(us)), ..Quantiles::default() },
    };
    let floor = Floor { push: vec![at(1, 20), at(100, 80)], ..Floor::default() };
    let host = Host { floor: Some(floor), ..Host::default() };
    let of =
        |simulated| Baseline::of("1", None, Some(&host), simulated, &trace.scenario, &summarise(&trace, &[])).unwrap();
    assert!(of(None).clients.iter().all(|c| c.floor_us == Some(80.0)), "{:?}", of(None));
    assert!(of(Some("a link".into())).clients.iter().all(|c| c.floor_us.is_none()));
}

#[test]
fn a_simulation_is_the_same_or_names_its_metric() {
    let side = || {
        let c = client("c", &[(Metric::Requests, &STEADY), (Metric::NoticeP50, &STEADY)]);
        Baseline { simulated: Some("a link".into()), machine: None, ..baseline(vec![c]) }
    };
    let compared = |b: &Baseline| compare(Pair { base: ("a", &side()), new: ("b", b) }, &Policy::default()).unwrap();
    assert_eq!((compared(&side()).verdict, compared(&side()).exit), (Verdict::Pass, 0));
    let mut other = side();
    other.clients[0].values.get_mut(&Metric::Requests).unwrap()[2] = Some(98.999_999);
    let told = compared(&other);
    // Better, and not the same: the gate does not let it through either.
    assert_eq!((told.rows[0].verdict, told.exit), (Verdict::Improved, 1));
    assert_eq!(told.rows[0].why, "not the same, from repeat 3 on");
    let mut other = side();
    other.clients[0].notice_digest = "1".into();
    let told = compared(&other);
    assert_eq!((told.exit, told.rows[1].verdict), (1, Verdict::Regressed));
}

#[test]
fn baselines_are_read_back_or_refused() {
    let whole = baseline(vec![client("c", &[(Metric::Requests, &STEADY), (Metric::Missed, &[0.0; 6])])]);
    let text = whole.write();
    assert_eq!(Baseline::read(&text).unwrap(), whole);
    for (from, to, said) in [
        ("\"baseline_version\": 1", "\"baseline_version\": 2", "baseline version 2; this version"),
        ("\"missed\": [0.0, ", "\"missed\": [", "client `c`: `missed` has 5 values where `changes` has 6"),
        ("\"missed\": [0.0", "\"missed\": [-1.0", "client `c`: `missed` has a value below 0"),
        ("\"missed\"", "\"mised\"", "line "),
        ("\"machine\"", "\"mashine\"", "line "),
    ] {
        assert!(text.contains(from), "{from}\n{text}");
        let error = Baseline::read(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
    let twice = baseline(vec![client("c", &[]), client("c", &[])]).write();
    assert_eq!(Baseline::read(&twice).unwrap_err().to_string(), "client `c`: is there twice");
    for end in 0..text.len() - 2 {
        assert!(Baseline::read(&text[..end]).is_err());
    }
}

#[test]
fn policies_are_read_or_refused() {
    let read = |text: &str| Policy::read(Source { file: "p.toml", name: "p", text }, None);
    assert_eq!(read("").unwrap(), Policy::default());
    let policy = read(
        "level = 0.05\nrepeats = 20\ninconclusive = \"pass\"\nmetrics = [\"notice_p50\", \"requests\"]\n\
         [effect]\nnotice_p50 = { relative = 0.3 }\n",
    );
    let policy = policy.unwrap();
    assert_eq!((policy.level, policy.repeats, policy.inconclusive), (0.05, 20, Inconclusive::Pass));
    let effect =
        |metric: Metric| policy.metrics.iter().find(|(m, _)| *m == metric).map(|(_, e)| (e.relative, e.absolute));
    assert_eq!((effect(Metric::NoticeP50), effect(Metric::Missed)), (Some((0.3, 0.5)), None));
    let wrong = [
        "levl = 0.05\n",
        "level = 0.5\n",
        "metrics = [\"notice_p51\"]\n",
        "inconclusive = \"maybe\"\n",
        "[effect]\nnotice_p5 = { relative = 0.1 }\n",
        "[effect]\nnotice_p50 = { relativ = 0.1 }\n",
        "[[expect]]\nsays = \"x\"\n",
        "level = \n",
    ];
    let told: Vec<String> = wrong.iter().map(|text| read(text).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_history_has_its_step_and_its_drift() {
    let noise = [0.3, -0.8, 0.5, 0.1, -0.4, 0.7, -0.2, -0.6, 0.4, 0.0];
    let run = |i: usize| {
        let wobble = 1.0 + noise[i % 10] / 100.0;
        let step = if i < 12 { 100.0 } else { 140.0 };
        let values = |mean: f64| vec![mean * wobble, mean * wobble * 1.01];
        let (a, b, c) = (values(step), values(100.0 + 2.0 * i as f64), values(50.0));
        baseline(vec![client("c", &[(Metric::NoticeP50, &a), (Metric::Requests, &b), (Metric::CpuIoc, &c)])])
    };
    let mut runs: Vec<(String, Baseline)> = (0..24).map(|i| (format!("run {i}"), run(i))).collect();
    runs[3].1.scenario.insert("seed".into(), "9".into());
    let found = history(&runs, &Policy::default(), 1);
    assert_eq!(found.left_out, ["run 3: `seed`: `9` in the base, `1` in the new one"]);
    let track = |metric| found.tracks.iter().find(|t| t.metric == metric).unwrap();
    let step: Vec<&str> = track(Metric::NoticeP50).changes.iter().map(|s| found.runs[s.at].as_str()).collect();
    assert_eq!((step, track(Metric::NoticeP50).drift), (vec!["run 12"], None));
    assert!(track(Metric::CpuIoc).changes.is_empty() && track(Metric::CpuIoc).drift.is_none());
    let requests = track(Metric::Requests);
    // 46 % over all runs: a drift, not a staircase.
    assert!(requests.drift.is_some_and(|d| (d.a_run - 2.0).abs() < 0.2) && requests.changes.is_empty(), "{requests:?}");
    assert_eq!(history(&runs, &Policy::default(), 1), found);
    assert!(history(&[], &Policy::default(), 1).tracks.is_empty());
}

#[test]
fn the_schema_is_of_what_is_written() {
    let side = baseline(vec![client("c", &[(Metric::Requests, &STEADY)])]);
    let comparison = compare(Pair { base: ("a", &side), new: ("b", &side) }, &Policy::default()).unwrap();
    let written = serde_json::to_value(&comparison).unwrap();
    let schema = schema();
    let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(|v| v.as_str()).collect();
    for key in written.as_object().unwrap().keys() {
        assert!(required.contains(&key.as_str()) && schema["properties"][key].is_object(), "{key}");
    }
}
