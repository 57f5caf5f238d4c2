//! How often comparisons err: false alarms and power, beside what others do, on the same data. The tables of `docs/comparison.md` are
//! made here; `POLLCOST_UPDATE=1 cargo test --test comparison` writes them anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test reads files and may panic")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use pollcost::compare::baseline::{Baseline, ClientValues};
use pollcost::compare::decide::{InTurn, Pair, compare, compare_in_turn};
use pollcost::compare::policy::looks;
use pollcost::compare::{Comparison, Metric, Policy, Verdict};
use pollcost::stats::two_samples::{rank_p, welch_p};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

/// Comparisons of each row of the simulated tables.
const SIMULATED: usize = 400;
/// The same where intervals are bootstrapped for each.
const LONG: usize = 40;
/// Comparisons of live repeats that are dealt out anew, at the least.
const DEALT: usize = 200;
/// A longer latency of one client: its median, nothing else.
const SHIFT: f64 = 1.2;

/// A client and a metric.
type Key = (String, Metric);
/// Mean and standard deviation of the logarithm; without the latter the mean is of the values.
type Spread = (f64, Option<f64>);

/// Repeats that were measured live with nothing else on the machine, by `fixtures/comparison/noise.toml`.
struct Noise {
    runs: Vec<Baseline>,
    spread: BTreeMap<Key, Spread>,
}

impl Noise {
    fn read(names: &[&str]) -> Noise {
        let read = |name: &&str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/comparison").join(name);
            Baseline::read(&fs::read_to_string(path).unwrap()).unwrap()
        };
        let runs: Vec<Baseline> = names.iter().map(read).collect();
        let spread = runs.last().unwrap().clients.iter().flat_map(spreads).collect();
        Noise { runs, spread }
    }

    /// Processors as the scheduler has them.
    fn loose() -> &'static Noise {
        static ONCE: OnceLock<Noise> = OnceLock::new();
        ONCE.get_or_init(|| Noise::read(&["quiet-1.json", "quiet-2.json"]))
    }

    /// IOC and clients share one that is kept awake.
    fn steady() -> &'static Noise {
        static ONCE: OnceLock<Noise> = OnceLock::new();
        ONCE.get_or_init(|| Noise::read(&["steady-1.json", "steady-2.json"]))
    }

    fn scatter(&self, client: &str) -> f64 {
        self.spread[&(client.to_owned(), Metric::NoticeP50)].1.unwrap()
    }
}

fn spreads(client: &ClientValues) -> Vec<(Key, Spread)> {
    let of = |metric: Metric| {
        let values = client.whole(metric)?;
        let n = values.len() as f64;
        let key = (client.name.clone(), metric);
        if values.iter().any(|v| *v <= 0.0) {
            return Some((key, (values.iter().sum::<f64>() / n, None)));
        }
        let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
        let mean = logs.iter().sum::<f64>() / n;
        let variance = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Some((key, (mean, Some(variance.sqrt()))))
    };
    Metric::ALL.into_iter().filter_map(of).collect()
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

fn first(run: &Baseline, repeats: usize) -> Baseline {
    taken(run, &(0..repeats).collect::<Vec<_>>())
}

/// With the median notice latency of one client longer.
fn shifted(mut run: Baseline, client: Option<&str>) -> Baseline {
    for of in run.clients.iter_mut().filter(|c| client == Some(c.name.as_str())) {
        of.values.get_mut(&Metric::NoticeP50).unwrap().iter_mut().flatten().for_each(|v| *v *= SHIFT);
    }
    run
}

/// Simulated noise: log-normal, mean and spread of each metric as measured, repeats independent.
fn drawn(noise: &Noise, repeats: usize, random: &mut Pcg64Mcg) -> Baseline {
    let mut run = taken(noise.runs.last().unwrap(), &vec![0; repeats]);
    for client in &mut run.clients {
        for (metric, values) in &mut client.values {
            let Some((mean, sd)) = noise.spread.get(&(client.name.clone(), *metric)) else { continue };
            for value in values.iter_mut() {
                let z: f64 = StandardNormal.sample(random);
                *value = Some(sd.map_or(*mean, |sd| (mean + sd * z).exp()));
            }
        }
    }
    run
}

/// Rounds of four measured repeats in a row, as two sides in turn: A B B A, or B A A B.
fn in_rounds(run: &Baseline, rounds: &[usize], random: &mut Pcg64Mcg) -> (Baseline, Baseline) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in rounds {
        let (outer, inner) = ([4 * round, 4 * round + 3], [4 * round + 1, 4 * round + 2]);
        let (base, new) = if random.random::<bool>() { (outer, inner) } else { (inner, outer) };
        a.extend(base);
        b.extend(new);
    }
    (taken(run, &a), taken(run, &b))
}

/// So many numbers below `n`: each at most once, or drawn again and again.
fn chosen(n: usize, many: usize, again: bool, random: &mut Pcg64Mcg) -> Vec<usize> {
    if again {
        return (0..many).map(|_| random.random_range(0..n)).collect();
    }
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, random.random_range(0..=i));
    }
    order.truncate(many);
    order
}

type Rows<'a> = &'a dyn Fn(&str, Metric) -> bool;
const EVERY: Rows<'static> = &|_, _| true;

fn alarmed(told: &Comparison, counts: Rows<'_>) -> bool {
    told.rows.iter().any(|r| r.verdict == Verdict::Regressed && counts(&r.client, r.metric))
}

/// Whether each way to decide raises an alarm for the worse in any row that counts.
#[derive(Clone, Copy, Default)]
struct Alarms {
    ours: bool,
    fixed: bool,
    welch: bool,
    benchstat: bool,
    /// Repeats of each side that were measured until ours was decided.
    repeats: usize,
}

/// What others say, and ours for two runs that were made apart.
fn apart(base: &Baseline, new: &Baseline, counts: Rows<'_>) -> Alarms {
    let told = compare(Pair { base: ("a", base), new: ("b", new) }, &Policy::default()).unwrap();
    let mut alarms = Alarms { ours: alarmed(&told, counts), repeats: base.repeats(), ..Alarms::default() };
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

/// What `compare --run` does by default: it looks, and goes on as long as it is inconclusive. Others decide on the first look's repeats.
fn in_turn(base: &Baseline, new: &Baseline, counts: Rows<'_>) -> Alarms {
    let policy = Policy::default();
    let looks = looks(policy.repeats, policy.most_repeats);
    let how = InTurn { looks: looks.len() as u32, steady: true };
    let mut alarms = apart(&first(base, looks[0] as usize), &first(new, looks[0] as usize), counts);
    for repeats in looks {
        alarms.repeats = repeats as usize;
        let (a, b) = (first(base, alarms.repeats), first(new, alarms.repeats));
        let told = compare_in_turn(Pair { base: ("a", &a), new: ("b", &b) }, how, &policy);
        alarms.ours = alarmed(&told, counts);
        if told.verdict != Verdict::Inconclusive {
            break;
        }
    }
    alarms
}

fn rate(all: &[Alarms]) -> f64 {
    all.iter().filter(|a| a.ours).count() as f64 / all.len() as f64
}

/// Alarms over many comparisons as cells of a table: in percent.
fn cells(all: &[Alarms]) -> String {
    let percent = |of: fn(&Alarms) -> bool| 100.0 * all.iter().filter(|a| of(a)).count() as f64 / all.len() as f64;
    let [ours, fixed, welch, benchstat] =
        [percent(|a| a.ours), percent(|a| a.fixed), percent(|a| a.welch), percent(|a| a.benchstat)];
    format!("{} | {ours:.1} | {fixed:.1} | {welch:.1} | {benchstat:.1} |", all.len())
}

/// Live repeats as null comparisons of two runs of ten: dealt out at random, or in the order of time.
fn dealt_apart(noise: &Noise, shuffled: bool) -> Vec<Alarms> {
    let mut random = Pcg64Mcg::seed_from_u64(11);
    let mut all = Vec::new();
    while all.len() < if shuffled { DEALT } else { 1 } {
        for run in &noise.runs {
            let n = run.clients[0].changes.len();
            let order = if shuffled { chosen(n, n, false, &mut random) } else { (0..n).collect() };
            let pairs = order.chunks_exact(20).map(|of_pair| of_pair.split_at(10));
            all.extend(pairs.map(|(a, b)| apart(&taken(run, a), &taken(run, b), EVERY)));
        }
    }
    all
}

/// Live repeats as null comparisons that were measured in turn, up to forty of each side: rounds dealt out at random, each in one of the
/// two orders.
fn dealt_in_turn(noise: &Noise) -> Vec<Alarms> {
    let mut random = Pcg64Mcg::seed_from_u64(12);
    let mut all = Vec::new();
    while all.len() < DEALT {
        for run in &noise.runs {
            let n = run.clients[0].changes.len() / 4;
            for rounds in chosen(n, n, false, &mut random).chunks_exact(20) {
                let (a, b) = in_rounds(run, rounds, &mut random);
                all.push(in_turn(&a, &b, EVERY));
            }
        }
    }
    all
}

/// Live repeats in the order of time, as null comparisons in turn that share nothing: ten of each side.
fn in_time(noise: &Noise) -> Vec<Alarms> {
    let mut random = Pcg64Mcg::seed_from_u64(13);
    let how = InTurn { looks: 3, steady: true };
    let mut all = Vec::new();
    for run in &noise.runs {
        let rounds: Vec<usize> = (0..run.clients[0].changes.len() / 4).collect();
        for rounds in rounds.chunks_exact(5) {
            let (a, b) = in_rounds(run, rounds, &mut random);
            let told = compare_in_turn(Pair { base: ("a", &a), new: ("b", &b) }, how, &Policy::default());
            all.push(Alarms { ours: alarmed(&told, EVERY), ..apart(&a, &b, EVERY) });
        }
    }
    all
}

/// The median of this client; every row without one.
fn of_median(client: Option<&str>) -> impl Fn(&str, Metric) -> bool {
    move |name, metric| client.is_none_or(|client| name == client && metric == Metric::NoticeP50)
}

/// Two runs with simulated noise; the median of one client is longer in the second.
fn simulated_apart(noise: &Noise, repeats: usize, client: Option<&str>, seed: u64) -> Vec<Alarms> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let counts = of_median(client);
    let one = |_| {
        let (base, new) = (drawn(noise, repeats, &mut random), drawn(noise, repeats, &mut random));
        apart(&base, &shifted(new, client), &counts)
    };
    (0..if repeats >= 20 { LONG } else { SIMULATED }).map(one).collect()
}

/// The same in turn: with simulated noise, or of measured rounds that are drawn again and again.
fn simulated_in_turn(noise: &Noise, measured: bool, client: Option<&str>, seed: u64) -> Vec<Alarms> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let most = Policy::default().most_repeats as usize;
    let counts = of_median(client);
    let one = |i: usize| {
        let (base, new) = if measured {
            let run = &noise.runs[i % noise.runs.len()];
            let rounds = chosen(run.clients[0].changes.len() / 4, most / 2, true, &mut random);
            in_rounds(run, &rounds, &mut random)
        } else {
            (drawn(noise, most, &mut random), drawn(noise, most, &mut random))
        };
        in_turn(&base, &shifted(new, client), &counts)
    };
    (0..SIMULATED).map(one).collect()
}

const HEAD: &str = " | n | pollcost % | fixed 10 % | Welch p < 0.05 | benchstat |\n|---|--:|--:|--:|--:|--:|\n";

#[test]
fn the_tables_of_the_docs() {
    let (steady, loose) = (Noise::steady(), Noise::loose());
    let mut page = format!("| null comparisons: any row of three clients{HEAD}");
    let nulls = [
        ("in turn, steady, simulated noise", simulated_in_turn(steady, false, None, 21)),
        ("in turn, steady, live rounds dealt out at random", dealt_in_turn(steady)),
        ("in turn, steady, live in the order of time, 10 repeats", in_time(steady)),
        ("two runs of 10 repeats, steady, simulated noise", simulated_apart(steady, 10, None, 22)),
        ("two runs of 10 repeats, steady, live repeats dealt out at random", dealt_apart(steady, true)),
        ("two runs of 10 repeats, steady, live in the order of time", dealt_apart(steady, false)),
        ("two runs of 10 repeats, as scheduled, simulated noise", simulated_apart(loose, 10, None, 23)),
        ("two runs of 10 repeats, as scheduled, live repeats dealt out at random", dealt_apart(loose, true)),
        ("two runs of 10 repeats, as scheduled, live in the order of time", dealt_apart(loose, false)),
    ];
    for (name, all) in &nulls {
        let _ = writeln!(page, "| {name} | {}", cells(all));
    }

    let _ = write!(page, "\n| median notice latency 20 % longer, in turn, steady{HEAD}");
    let mut curve = String::from(
        "\n| found after so many repeats of each side, % | 10 | 20 | 40 | never | mean |\n|---|--:|--:|--:|--:|--:|\n",
    );
    let mut power = BTreeMap::new();
    let clients = ["poll-10ms", "poll-1ms", "monitor"];
    for client in clients {
        for (measured, words) in [(false, "simulated noise"), (true, "live rounds drawn again")] {
            let found = simulated_in_turn(steady, measured, Some(client), 31);
            let name = format!("{client} (a repeat scatters by {:.0} %), {words}", 100.0 * steady.scatter(client));
            let _ = writeln!(page, "| {name} | {}", cells(&found));
            let within = |n: usize| {
                100.0 * found.iter().filter(|a| a.ours && a.repeats <= n).count() as f64 / found.len() as f64
            };
            let mean = found.iter().map(|a| a.repeats).sum::<usize>() as f64 / found.len() as f64;
            let (ten, twenty, forty) = (within(10), within(20), within(40));
            let never = 100.0 - forty;
            let _ =
                writeln!(curve, "| {client}, {words} | {ten:.1} | {twenty:.1} | {forty:.1} | {never:.1} | {mean:.0} |");
            power.insert((client, measured), rate(&found));
        }
    }
    page += &curve;
    let _ = write!(page, "\n| median notice latency 20 % longer, two runs, simulated noise{HEAD}");
    let runs = clients.map(|client| (client, steady, "steady", &[5, 10, 20][..]));
    let monitor = [("monitor", loose, "as scheduled", &[10, 100][..])];
    for (client, noise, words, repeats) in runs.into_iter().chain(monitor) {
        for repeats in repeats {
            let found = simulated_apart(noise, *repeats, Some(client), 41);
            let scatter = 100.0 * noise.scatter(client);
            let name = format!("{client}, {words} (a repeat scatters by {scatter:.0} %), {repeats} repeats");
            let _ = writeln!(page, "| {name} | {}", cells(&found));
        }
    }
    check(&page);
    for (name, all) in nulls.iter().filter(|(_, all)| all.len() >= DEALT) {
        assert!(rate(all) <= 0.01, "false alarms, {name}: {} of {}", rate(all), all.len());
    }
    for (name, rate) in &power {
        assert!(*rate >= 0.95, "{name:?}: {rate}");
    }
}

/// Holds the tables against those of the page, or writes them there.
fn check(tables: &str) {
    const MARKS: (&str, &str) = ("<!-- tables: tests/comparison.rs -->\n", "<!-- end of tables -->\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/comparison.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(MARKS.0).unwrap();
    let (now, after) = rest.split_once(MARKS.1).unwrap();
    if std::env::var_os("POLLCOST_UPDATE").is_some() {
        fs::write(&path, format!("{before}{}{tables}{}{after}", MARKS.0, MARKS.1)).unwrap();
    } else {
        assert_eq!(now, tables, "POLLCOST_UPDATE=1 cargo test --test comparison writes docs/comparison.md anew");
    }
}
