//! How often comparisons err: false alarms and power, beside what others do, on the same data. The tables of `docs/comparison.md` are
//! made here; `POLLCOST_UPDATE=1 cargo test --test comparison` writes them anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test reads files and may panic")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use pollcost::compare::baseline::{Baseline, ClientValues};
use pollcost::compare::decide::{Pair, compare};
use pollcost::compare::{Metric, Policy, Verdict};
use pollcost::stats::two_samples::{rank_p, welch_p};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

/// Of each client and metric: mean and standard deviation of the logarithm; without the latter the mean is of the values.
type Noise = BTreeMap<(String, Metric), (f64, Option<f64>)>;

/// Repeats of each side: the policy's.
const REPEATS: usize = 10;
/// Comparisons of each row of the simulated tables.
const SIMULATED: usize = 400;
/// Comparisons of the longest: their intervals are bootstrapped.
const LONG: usize = 40;
/// Times that the quiet repeats are dealt out anew to disjoint comparisons.
const DEALS: usize = 17;

fn here(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The quiet repeats, measured live: two runs of `fixtures/comparison/noise.toml` with nothing else on the machine.
fn quiet() -> Vec<Baseline> {
    let read = |name| Baseline::read(&fs::read_to_string(here(name)).unwrap()).unwrap();
    vec![read("fixtures/comparison/quiet-1.json"), read("fixtures/comparison/quiet-2.json")]
}

/// Some repeats of a run as a run of their own.
fn taken(run: &Baseline, places: &[usize]) -> Baseline {
    let of = |client: &ClientValues| ClientValues {
        changes: places.iter().map(|i| client.changes[*i]).collect(),
        values: client.values.iter().map(|(m, v)| (*m, places.iter().map(|i| v[*i]).collect())).collect(),
        ..client.clone()
    };
    Baseline { clients: run.clients.iter().map(of).collect(), ..run.clone() }
}

/// What each way to decide says: whether it raises an alarm for the worse in any row.
#[derive(Clone, Copy, Default)]
struct Alarms {
    ours: bool,
    fixed: bool,
    welch: bool,
    benchstat: bool,
}

/// All ways on one comparison, over the rows that `counts` lets through.
fn alarms(base: &Baseline, new: &Baseline, counts: impl Fn(&str, Metric) -> bool) -> Alarms {
    let decided = compare(Pair { base: ("a", base), new: ("b", new) }, &Policy::default()).unwrap();
    let ours = decided.rows.iter().any(|r| r.verdict == Verdict::Regressed && counts(&r.client, r.metric));
    let mut alarms = Alarms { ours, ..Alarms::default() };
    for (a, b) in base.clients.iter().zip(&new.clients) {
        for metric in Metric::ALL.into_iter().filter(|m| counts(&a.name, *m)) {
            let Some((x, y)) = a.whole(metric).zip(b.whole(metric)) else { continue };
            let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
            let worse = mean(&y) > mean(&x);
            alarms.fixed |= mean(&y) > 1.1 * mean(&x);
            alarms.welch |= worse && welch_p(&x, &y).is_some_and(|p| p < 0.05);
            alarms.benchstat |= worse && rank_p(&x, &y) < 0.05;
        }
    }
    alarms
}

/// Alarms over many comparisons as cells of a table: in percent.
fn cells(all: &[Alarms]) -> String {
    let percent = |of: fn(&Alarms) -> bool| 100.0 * all.iter().filter(|a| of(a)).count() as f64 / all.len() as f64;
    let [ours, fixed, welch, benchstat] =
        [percent(|a| a.ours), percent(|a| a.fixed), percent(|a| a.welch), percent(|a| a.benchstat)];
    format!("{} | {ours:.1} | {fixed:.1} | {welch:.1} | {benchstat:.1} |", all.len())
}

/// Disjoint comparisons from the quiet repeats, dealt out at random or in the order of time.
fn live(shuffled: bool) -> Vec<(Baseline, Baseline)> {
    let mut random = Pcg64Mcg::seed_from_u64(11);
    let mut pairs = Vec::new();
    for run in quiet() {
        let n = run.clients[0].changes.len();
        let mut order: Vec<usize> = (0..n).collect();
        for _ in 0..if shuffled { DEALS } else { 1 } {
            if shuffled {
                for i in (1..n).rev() {
                    order.swap(i, random.random_range(0..=i));
                }
            }
            for of_pair in order.chunks_exact(2 * REPEATS) {
                let (a, b) = of_pair.split_at(REPEATS);
                pairs.push((taken(&run, a), taken(&run, b)));
            }
        }
    }
    pairs
}

/// Mean and standard deviation of the logarithm of each metric, from the quiet repeats; without the latter where one is 0.
fn noise() -> Noise {
    let mut noise = BTreeMap::new();
    for client in &quiet()[1].clients {
        for metric in Metric::ALL {
            let Some(values) = client.whole(metric) else { continue };
            let n = values.len() as f64;
            if values.iter().any(|v| *v <= 0.0) {
                noise.insert((client.name.clone(), metric), (values.iter().sum::<f64>() / n, None));
                continue;
            }
            let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
            let mean = logs.iter().sum::<f64>() / n;
            let variance = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
            noise.insert((client.name.clone(), metric), (mean, Some(variance.sqrt())));
        }
    }
    noise
}

/// A run of `repeats` with simulated noise of the size that was measured; the latencies of one client are longer by a factor.
fn drawn(repeats: usize, shifted: Option<(&str, f64)>, random: &mut Pcg64Mcg) -> Baseline {
    let noise = noise_once();
    let mut run = taken(&quiet_once()[1], &vec![0; repeats]);
    for client in &mut run.clients {
        let factor = shifted.filter(|(name, _)| *name == client.name).map_or(1.0, |(_, factor)| factor);
        for (metric, values) in &mut client.values {
            let Some((mean, sd)) = noise.get(&(client.name.clone(), *metric)) else { continue };
            let factor = if matches!(metric, Metric::NoticeP50 | Metric::NoticeP90) { factor } else { 1.0 };
            for value in values.iter_mut() {
                let z: f64 = StandardNormal.sample(random);
                *value = Some(sd.map_or(*mean, |sd| factor * (mean + sd * z).exp()));
            }
        }
    }
    run
}

fn quiet_once() -> &'static [Baseline] {
    static ONCE: std::sync::OnceLock<Vec<Baseline>> = std::sync::OnceLock::new();
    ONCE.get_or_init(quiet)
}

fn noise_once() -> &'static Noise {
    static ONCE: std::sync::OnceLock<Noise> = std::sync::OnceLock::new();
    ONCE.get_or_init(noise)
}

fn simulated(repeats: usize, shifted: Option<(&str, f64)>, seed: u64) -> Vec<Alarms> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let counts = |client: &str, metric| shifted.is_none_or(|(name, _)| name == client && metric == Metric::NoticeP50);
    let one = |_| {
        let (base, new) = (drawn(repeats, None, &mut random), drawn(repeats, shifted, &mut random));
        alarms(&base, &new, counts)
    };
    (0..if repeats > 20 { LONG } else { SIMULATED }).map(one).collect()
}

fn rate(all: &[Alarms]) -> f64 {
    all.iter().filter(|a| a.ours).count() as f64 / all.len() as f64
}

#[test]
fn the_tables_of_the_docs() {
    let every = |_: &str, _| true;
    let of_live = |shuffled| live(shuffled).iter().map(|(a, b)| alarms(a, b, every)).collect::<Vec<_>>();
    let mut page = String::from(
        "| null comparisons of 10 and 10 repeats | n | pollcost % | fixed 10 % | Welch p < 0.05 | benchstat |\n|---|--:|--:|--:|--:|--:|\n",
    );
    let (dealt, in_time, null) = (of_live(true), of_live(false), simulated(REPEATS, None, 21));
    let _ = writeln!(page, "| simulated noise | {}", cells(&null));
    let _ = writeln!(page, "| live, quiet repeats dealt out at random | {}", cells(&dealt));
    let _ = writeln!(page, "| live, the next ten repeats against the ten before | {}", cells(&in_time));
    page.push_str("\n| median notice latency 20 % longer, simulated noise | n | pollcost % | fixed 10 % | Welch p < 0.05 | benchstat |\n|---|--:|--:|--:|--:|--:|\n");
    let mut power = BTreeMap::new();
    for client in ["poll-10ms", "poll-1ms", "monitor"] {
        let sd = noise_once().get(&(client.to_owned(), Metric::NoticeP50)).unwrap().1.unwrap();
        let repeats: &[usize] = if client == "monitor" { &[REPEATS, 100] } else { &[3, 5, REPEATS] };
        for (place, repeats) in repeats.iter().enumerate() {
            let found = simulated(*repeats, Some((client, 1.2)), 31 + place as u64);
            let _ = writeln!(
                page,
                "| {client}, {repeats} repeats (noise of a repeat {:.0} %) | {}",
                100.0 * sd,
                cells(&found)
            );
            power.insert((client, *repeats), rate(&found));
        }
    }
    check(&page);
    assert!(rate(&null) <= 0.01, "false alarms on simulated noise: {}", rate(&null));
    assert!(dealt.len() >= 200 && rate(&dealt) <= 0.01, "false alarms live: {} of {}", rate(&dealt), dealt.len());
    for client in ["poll-10ms", "poll-1ms"] {
        assert!(power[&(client, REPEATS)] >= 0.95, "{client}: {}", power[&(client, REPEATS)]);
    }
}

/// Holds the tables against those of the page, or writes them there.
fn check(tables: &str) {
    const MARKS: (&str, &str) = ("<!-- tables: tests/comparison.rs -->\n", "<!-- end of tables -->\n");
    let path = here("docs/comparison.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(MARKS.0).unwrap();
    let (now, after) = rest.split_once(MARKS.1).unwrap();
    if std::env::var_os("POLLCOST_UPDATE").is_some() {
        fs::write(&path, format!("{before}{}{tables}{}{after}", MARKS.0, MARKS.1)).unwrap();
    } else {
        assert_eq!(now, tables, "POLLCOST_UPDATE=1 cargo test --test comparison writes docs/comparison.md anew");
    }
}
