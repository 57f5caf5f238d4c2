//! Believable summaries for tests: what a monitor and pollers come to on a loopback, from a seed.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::content::ReportInput;
use crate::pv::{NativeType, PvId, PvName};
use crate::scenario::model::{
    AlarmSpec, Change, ClientSpec, DbrChoice, Facts, Fetch, Pacing, Phase, Program, PvGroup, PvSpec, Scenario, Signal,
};
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Expected, Latency, Summary, Warning};
use crate::time::Span;
use crate::trace::histogram;
use crate::trace::host::Host;

/// Changes a second of each PV.
pub(crate) const RATE: f64 = 10.0;
const PVS: usize = 100;
const ROUND_NS: f64 = 260_000.0;

/// What a test wants to see.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) seed: u64,
    pub(crate) monitors: usize,
    pub(crate) sleeps: Vec<Span>,
    pub(crate) repeats: u32,
    /// Names of 30 characters.
    pub(crate) long_names: bool,
    /// Intervals that reach below zero, as few repeats may give.
    pub(crate) wide: bool,
}

impl Default for Wish {
    /// The built-in quickstart: a monitor, and sleeps of 0, 1 ms, 10 ms, 100 ms and 1 s.
    fn default() -> Wish {
        let sleeps = [0, 1_000, 10_000, 100_000, 1_000_000].map(Span::from_micros).to_vec();
        Wish { seed: 1, monitors: 1, sleeps, repeats: 3, long_names: false, wide: false }
    }
}

impl Wish {
    pub(crate) fn summary(&self) -> Summary {
        let mut random = Pcg64Mcg::seed_from_u64(self.seed);
        let monitors = (0..self.monitors).map(|k| (monitor_name(k), None));
        let pollers = self.sleeps.iter().enumerate().map(|(k, sleep)| (self.poller_name(k, *sleep), Some(*sleep)));
        let clients = monitors.chain(pollers).map(|(name, sleep)| self.client(name, sleep, &mut random)).collect();
        let warning = Warning {
            client: Some("poll-100ms".into()),
            what: "changes and polls beat: the period times the change rate is within 2 % of 1".into(),
            advice: "draw a random phase in each repeat, or choose a period that is not a multiple".into(),
        };
        Summary { clients, warnings: vec![warning], ..Summary::default() }
    }

    pub(crate) fn scenario(&self) -> Scenario {
        let pvs: Vec<PvSpec> =
            (0..PVS).map(|k| PvSpec { name: PvName::new(&format!("TEST:CALC{k:02}")).unwrap(), group: 0 }).collect();
        let all: Vec<PvId> = (0..PVS as u32).map(PvId).collect();
        let clients = self.summary().clients.into_iter().map(|c| ClientSpec {
            name: c.name,
            program: Program::Native,
            fetch: c.fetch,
            pacing: c.pacing,
            pvs: all.clone(),
            dbr: DbrChoice::Time,
            service_time: Span::ZERO,
            copies: 1,
            hog_processes: 0,
        });
        Scenario {
            name: "quickstart".into(),
            title: "A callback against five pollers".into(),
            about: "100 PVs that change 10 times a second.".into(),
            seed: self.seed,
            repeats: self.repeats,
            window: Span::from_secs(2),
            min_periods: 5,
            warmup: Span::from_millis(200),
            drain: Span::from_millis(200),
            connect_timeout: Span::from_secs(5),
            concurrent: false,
            restart: None,
            facts: Facts::News,
            event_queue: None,
            spin: None,
            steady: false,
            groups: vec![group()],
            clients: clients.collect(),
            pvs,
            probes: Vec::new(),
            claims: Vec::new(),
            expectations: Vec::new(),
        }
    }

    fn poller_name(&self, k: usize, sleep: Span) -> String {
        let short = format!("poll-{sleep}").replace(' ', "");
        match (self.long_names, self.sleeps.iter().filter(|s| **s == sleep).count() > 1) {
            (true, _) => format!("{k:02}-{short}-of-everything-in-the-hall").chars().take(30).collect(),
            (false, true) => format!("{short}-{k}"),
            (false, false) => short,
        }
    }

    fn client(&self, name: String, sleep: Option<Span>, random: &mut Pcg64Mcg) -> ClientSummary {
        let period = sleep.map(|s| s.0 as f64 + ROUND_NS * (1.0 + 0.2 * random.random::<f64>()));
        let changes = u64::from(self.repeats) * 2_000;
        let samples: Vec<f64> = (0..changes).map(|_| notice(period, random)).collect();
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        let lambda_t = period.map(|t| RATE * t / 1e9);
        let estimate = |point: f64, spread: f64| self.estimate(point, spread);
        let redundant = lambda_t.map(|x| (1.0 - x).max(0.0));
        let missed = lambda_t.map_or(0.0, |x| (1.0 - 1.0 / x).max(0.0));
        let (cpu_client, cpu_ioc) = cpu(period);
        let requests_per_s = period.map(|t| PVS as f64 * 1e9 / t);
        let latency = latency_of(&samples, |point| estimate(point, 0.03 + 0.03 * random_part(point)));
        ClientSummary {
            strategy: sleep.map_or("monitor".into(), |s| format!("batch, fixed-delay {s}")),
            fetch: if sleep.is_some() { Fetch::Batch } else { Fetch::Monitor },
            pacing: sleep.map(|period| Pacing::FixedDelay { period }),
            asked_period: sleep,
            achieved_period_ns: period.map(|t| estimate(t * 0.99, 0.004)),
            achieved_period_p99_ns: period.map(|t| t * 1.08),
            mean_period_ns: period,
            mean_round_trip_ns: period.map(|_| ROUND_NS),
            pvs: PVS,
            copies: 1,
            repeats: self.repeats,
            changes,
            noticed: changes,
            missed: (missed * changes as f64) as u64,
            unnoticed: 0,
            missed_fraction: Some(estimate(missed, 0.01)),
            requests: requests_per_s.map_or(0, |r| (r * 2.0) as u64 * u64::from(self.repeats)),
            redundant: requests_per_s.map_or(0, |r| (r * 2.0 * redundant.unwrap_or(0.0)) as u64),
            redundant_fraction: redundant.map(|f| estimate(f * 0.998, 0.004)),
            updates_replaced: 0,
            intended: latency.clone(),
            seen: latency.clone(),
            notice: latency,
            age_mean_ns: Some(estimate(mean + 5e7, 0.02)),
            age_peak_ns: Some(estimate(mean + 1e8, 0.02)),
            cpu_client_percent: Some(estimate(cpu_client, 0.06)),
            cpu_ioc_percent: Some(estimate(cpu_ioc, 0.05)),
            cpu_us_per_notice: Some(estimate((cpu_client + cpu_ioc) * 1e4 / (PVS as f64 * RATE), 0.06)),
            requests_per_s: requests_per_s.map(|r| estimate(r, 0.01)),
            bytes_in_per_s: Some(estimate(requests_per_s.unwrap_or(0.1) * 16.0, 0.01)),
            bytes_out_per_s: Some(estimate(requests_per_s.unwrap_or(1000.0) * 40.0, 0.01)),
            wakeups_per_s: Some(estimate(requests_per_s.map_or(950.0, |r| r / 100.0), 0.02)),
            others_percent: None,
            stolen_percent: None,
            connect_ns: Some(estimate(4.2e7, 0.1)),
            recovery_ns: None,
            expected: period.map(expected).unwrap_or_default(),
            by_repeat: Vec::new(),
            name,
        }
    }

    fn estimate(&self, point: f64, relative: f64) -> Estimate {
        let relative = if self.wide { 2.0 } else { relative };
        let interval = (self.repeats > 1).then_some((point * (1.0 - relative), point * (1.0 + relative)));
        Estimate { point, interval, n: self.repeats }
    }
}

fn spread_over(count: u32, first_us: f64, last_us: f64) -> Vec<Span> {
    (0..count)
        .map(|k| first_us * (last_us / first_us).powf(f64::from(k) / f64::from(count.max(2) - 1)))
        .map(|us| Span::from_micros(us.round() as u64))
        .collect()
}

/// Every kind of run that the figures must bear.
pub(crate) fn cases() -> Vec<(&'static str, Wish)> {
    let quick = Wish::default;
    vec![
        ("quickstart", quick()),
        ("one_poller", Wish { monitors: 0, sleeps: vec![Span::from_millis(10)], ..quick() }),
        ("no_monitor", Wish { monitors: 0, ..quick() }),
        ("only_monitors", Wish { monitors: 3, sleeps: Vec::new(), ..quick() }),
        ("one_repeat", Wish { repeats: 1, ..quick() }),
        ("twenty", Wish { monitors: 2, sleeps: spread_over(18, 50.0, 2e6), long_names: true, ..quick() }),
        ("alike", Wish { monitors: 1, sleeps: vec![Span::from_millis(1); 9], ..quick() }),
        ("wide", Wish { wide: true, ..quick() }),
        ("huge", Wish { sleeps: spread_over(4, 1.0, 6e8), ..quick() }),
    ]
}

fn monitor_name(k: usize) -> String {
    if k == 0 { "monitor".into() } else { format!("monitor-{k}") }
}

/// A number between 0 and 1 that only depends on the digits of the other.
fn random_part(point: f64) -> f64 {
    (point * 0.618_034).fract().abs()
}

/// A notice latency in ns: uniform over the period after half a round trip; lognormal around 60 µs for a monitor.
fn notice(period: Option<f64>, random: &mut Pcg64Mcg) -> f64 {
    match period {
        Some(period) => period * random.random::<f64>() + ROUND_NS / 2.0,
        None => {
            let normal = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            55_000.0 * (0.35 * normal).exp()
        }
    }
}

fn expected(period: f64) -> Expected {
    let lambda_t = RATE * period / 1e9;
    Expected {
        redundant_fraction: Some((1.0 - lambda_t).max(0.0)),
        missed_fraction: Some((1.0 - 1.0 / lambda_t).max(0.0)),
        notice_mean_ns: Some((period + ROUND_NS) / 2.0),
        notice_band_ns: Some((0.05 * period + ROUND_NS / 2.0, 0.95 * period + ROUND_NS / 2.0)),
        ..Expected::default()
    }
}

/// Processor time of client and IOC in percent.
fn cpu(period: Option<f64>) -> (f64, f64) {
    let rounds = period.map_or(0.0, |t| 1e9 / t);
    if period.is_some() { (0.05 + rounds * 0.0135, 0.35 + rounds * 0.0165) } else { (1.6, 1.9) }
}

fn latency_of(samples: &[f64], estimate: impl Fn(f64) -> Estimate) -> Latency {
    let mut histogram = histogram::nanoseconds();
    for sample in samples {
        histogram.saturating_record(*sample as u64);
    }
    let quantile = |q: f64| Some(estimate(histogram.value_at_quantile(q) as f64));
    Latency {
        negative: 0,
        mean_ns: Some(estimate(samples.iter().sum::<f64>() / samples.len() as f64)),
        p50_ns: quantile(0.5),
        p90_ns: quantile(0.9),
        p99_ns: quantile(0.99),
        histogram,
    }
}

fn group() -> PvGroup {
    PvGroup {
        pattern: "TEST:CALC{00..99}".into(),
        native: NativeType::Double,
        count: 1,
        change: Change::Periodic { interval: Span::from_millis(100) },
        phase: Phase::Random,
        units: "mm".into(),
        precision: 3,
        labels: Vec::new(),
        display_limits: (0.0, 0.0),
        control_limits: (0.0, 0.0),
        alarm: AlarmSpec::default(),
        signal: Signal::Count,
        mdel: None,
        adel: None,
        writable: false,
    }
}

/// What a report of it is made of: measured live, without an excerpt, nothing failed.
pub(crate) fn input<'a>(summary: &'a Summary, scenario: &'a Scenario, host: &'a Host) -> ReportInput<'a> {
    let (when, command) = ("2026-03-01 14:05 UTC", "pollcost run quickstart --seed 1");
    ReportInput { summary, scenario, excerpt: None, host, when, simulated: None, command, failures: &[] }
}

/// A machine of which something is not known.
pub(crate) fn host() -> Host {
    let mut host = Host {
        cpu_model: Some("Example CPU at 2.4 GHz".into()),
        cores: Some(2),
        kernel: Some("Linux 6.1.0".into()),
        clock_source: Some("tsc".into()),
        timer_slack_ns: Some(50_000),
        ..Host::default()
    };
    host.unavailable.insert("governor".into(), "no cpufreq in this kernel".into());
    host.versions.insert("pollcost".into(), "0.1.0".into());
    host
}
