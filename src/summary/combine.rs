//! From the segments of a client to its summary: repeats put together.

use hdrhistogram::Histogram;

use super::expected::{Achieved, expected};
use super::measured::Measured;
use super::strategy::strategy;
use super::{ClientSummary, Latency, OfRepeat};
use crate::scenario::model::{ClientSpec, Fetch, Program, Scenario};
use crate::stats::distribution::{merge, percentile};
use crate::stats::{Distribution, Estimate};
use crate::theory::Intervals;
use crate::time::Span;
use crate::trace::Segment;
use crate::trace::histogram::nanoseconds;
use crate::trace::request::Count;

/// One latency over repeats.
#[derive(Debug, Default)]
struct LatencyFold {
    pooled: Distribution,
    means: Vec<f64>,
    percentiles: [Vec<f64>; 3],
}

const PERCENTILES: [f64; 3] = [0.5, 0.9, 0.99];

impl LatencyFold {
    fn add(&mut self, one: &Distribution) {
        self.pooled.merge(one);
        self.means.extend(one.mean());
        for (values, p) in self.percentiles.iter_mut().zip(PERCENTILES) {
            values.extend(one.percentile(p));
        }
    }

    fn latency(&self, repeats: u32) -> Latency {
        let never_negative = |e: Estimate| if self.pooled.negative() == 0 { e.within(0.0, f64::INFINITY) } else { e };
        let [p50_ns, p90_ns, p99_ns] = [0, 1, 2].map(|i| {
            let point = self.pooled.percentile(PERCENTILES[i])?;
            Some(never_negative(Estimate::pooled(point, &self.percentiles[i], repeats)))
        });
        Latency {
            histogram: self.pooled.histogram().clone(),
            negative: self.pooled.negative(),
            mean_ns: Estimate::mean(&self.means).map(never_negative),
            p50_ns,
            p90_ns,
            p99_ns,
        }
    }
}

/// The poll periods of a client over repeats.
#[derive(Debug)]
struct Periods {
    pooled: Histogram<u64>,
    medians: Vec<f64>,
    means: Vec<f64>,
    /// Sum of all periods, and how many.
    sum: (f64, u64),
}

impl Periods {
    fn new() -> Periods {
        Periods { pooled: nanoseconds(), medians: Vec::new(), means: Vec::new(), sum: (0.0, 0) }
    }

    fn add(&mut self, histogram: &Histogram<u64>, mean: Option<f64>) {
        merge(&mut self.pooled, histogram);
        self.medians.extend(percentile(histogram, 0, 0, 0.5));
        if let Some(mean) = mean {
            self.means.push(mean);
            self.sum = (self.sum.0 + mean * histogram.len() as f64, self.sum.1.saturating_add(histogram.len()));
        }
    }

    fn merge(&mut self, other: &Periods) {
        merge(&mut self.pooled, &other.pooled);
        self.medians.extend_from_slice(&other.medians);
        self.means.extend_from_slice(&other.means);
        self.sum = (self.sum.0 + other.sum.0, self.sum.1.saturating_add(other.sum.1));
    }

    fn median(&self) -> Option<f64> {
        percentile(&self.pooled, 0, 0, 0.5)
    }

    fn mean(&self) -> Option<f64> {
        (self.sum.1 > 0).then(|| self.sum.0 / self.sum.1 as f64).or(Estimate::mean(&self.means).map(|e| e.point))
    }

    fn achieved(&self, repeats: u32) -> Option<Estimate> {
        let median = self.median().map(|p| Estimate::pooled(p, &self.medians, repeats));
        median.or_else(|| Some(Estimate::pooled(self.mean()?, &self.means, repeats)))
    }

    fn intervals(&self) -> Option<Intervals> {
        Intervals::measured(&self.pooled, self.mean()).or_else(|| Intervals::constant(self.mean()?))
    }
}

/// Sums and per-repeat values of one client.
#[derive(Debug)]
pub(super) struct Fold<'a> {
    scenario: &'a Scenario,
    client: &'a ClientSpec,
    repeats: u32,
    time: Span,
    changes: u64,
    noticed: u64,
    missed: u64,
    counted: Count,
    changes_of_group: Vec<u64>,
    notice: LatencyFold,
    intended: LatencyFold,
    seen: LatencyFold,
    periods: Periods,
    values: Values,
    by_repeat: Vec<OfRepeat>,
}

/// One value for each repeat that has it.
#[derive(Debug, Default)]
struct Values {
    missed_fraction: Vec<f64>,
    redundant_fraction: Vec<f64>,
    age_mean: Vec<f64>,
    age_peak: Vec<f64>,
    cpu_client: Vec<f64>,
    cpu_ioc: Vec<f64>,
    cpu_per_notice: Vec<f64>,
    requests: Vec<f64>,
    bytes_in: Vec<f64>,
    bytes_out: Vec<f64>,
    wakeups: Vec<f64>,
    connect: Vec<f64>,
    recovery: Vec<f64>,
    round_trip: Vec<f64>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(scenario: &'a Scenario, client: &'a ClientSpec) -> Fold<'a> {
        Fold {
            scenario,
            client,
            repeats: 0,
            time: Span::ZERO,
            changes: 0,
            noticed: 0,
            missed: 0,
            counted: Count::default(),
            changes_of_group: vec![0; scenario.groups.len()],
            notice: LatencyFold::default(),
            intended: LatencyFold::default(),
            seen: LatencyFold::default(),
            periods: Periods::new(),
            values: Values::default(),
            by_repeat: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, segment: &Segment, measured: &Measured) {
        self.repeats += 1;
        // Each copy meets every change: rates are those of one.
        self.time += segment.window.length() * u64::from(self.client.copies);
        self.changes += measured.paired.changes;
        self.noticed += measured.noticed;
        self.missed += measured.missed;
        self.counted.add(&measured.counted);
        for (sum, more) in self.changes_of_group.iter_mut().zip(&measured.changes_of_group) {
            *sum += more;
        }
        self.notice.add(&measured.notice);
        self.intended.add(&measured.intended);
        self.seen.add(&measured.seen);
        let periods = self.periods_of(segment, measured);
        self.periods.merge(&periods);
        self.values.add(segment, measured);
        let (own, round_trip) = ((periods.median(), periods.mean()), round_trip(segment, measured));
        self.by_repeat.push(OfRepeat::of(segment, measured, own, round_trip));
    }

    fn periods_of(&self, segment: &Segment, measured: &Measured) -> Periods {
        let native = self.client.program == Program::Native;
        let mut periods = Periods::new();
        match &segment.tally {
            Some(tally) if native || tally.mean_period_ns.is_some() => {
                periods.add(&tally.periods, tally.mean_period_ns);
            }
            _ if self.client.fetch != Fetch::Monitor && measured.counted.requests > 0 => {
                let all = segment.window.length().0 as f64 * self.client.pvs.len() as f64;
                periods.means.push(all / measured.counted.requests as f64);
            }
            _ => {}
        }
        periods
    }

    /// How the polls came out; `None` for a monitor.
    pub(super) fn intervals(&self) -> Option<Intervals> {
        self.periods.intervals()
    }

    pub(super) fn mean_period_ns(&self) -> Option<f64> {
        self.periods.mean()
    }

    /// Mean time between changes of one PV in ns.
    pub(super) fn change_interval_ns(&self) -> Option<f64> {
        let all = self.time.0 as f64 * self.client.pvs.len() as f64;
        (self.changes > 0).then(|| all / self.changes as f64)
    }

    pub(super) fn summary(&self) -> ClientSummary {
        let (client, values) = (self.client, &self.values);
        let mean = |values: &[f64]| Estimate::mean(values).map(|e| e.within(0.0, f64::INFINITY));
        let fraction = |part: u64, whole: u64, values: &[f64]| {
            let point = part as f64 / whole as f64;
            (whole > 0).then(|| Estimate::pooled(point, values, self.repeats).within(0.0, 1.0))
        };
        let round_trip_ns = Estimate::mean(&values.round_trip).map(|e| e.point);
        let achieved = Achieved {
            intervals: self.intervals(),
            round_trip_ns,
            changes_of_group: self.changes_of_group.clone(),
            time: self.time,
        };
        ClientSummary {
            name: client.name.clone(),
            strategy: strategy(client),
            fetch: client.fetch,
            pacing: client.pacing.clone(),
            asked_period: client.asked_period(),
            achieved_period_ns: self.periods.achieved(self.repeats).map(|e| e.within(0.0, f64::INFINITY)),
            achieved_period_p99_ns: percentile(&self.periods.pooled, 0, 0, 0.99),
            mean_period_ns: self.mean_period_ns(),
            mean_round_trip_ns: round_trip_ns,
            pvs: client.pvs.len(),
            copies: client.copies,
            repeats: self.repeats,
            changes: self.changes,
            noticed: self.noticed,
            missed: self.missed,
            unnoticed: self.changes - self.noticed,
            missed_fraction: fraction(self.missed, self.changes, &values.missed_fraction),
            requests: self.counted.requests,
            redundant: self.counted.redundant,
            redundant_fraction: fraction(self.counted.redundant, self.counted.requests, &values.redundant_fraction),
            updates_replaced: self.counted.updates_replaced,
            notice: self.notice.latency(self.repeats),
            intended: self.intended.latency(self.repeats),
            seen: self.seen.latency(self.repeats),
            age_mean_ns: Estimate::mean(&values.age_mean),
            age_peak_ns: Estimate::mean(&values.age_peak),
            cpu_client_percent: mean(&values.cpu_client),
            cpu_ioc_percent: mean(&values.cpu_ioc),
            cpu_us_per_notice: mean(&values.cpu_per_notice),
            requests_per_s: mean(&values.requests),
            bytes_in_per_s: mean(&values.bytes_in),
            bytes_out_per_s: mean(&values.bytes_out),
            wakeups_per_s: mean(&values.wakeups),
            others_percent: None,
            stolen_percent: None,
            connect_ns: mean(&values.connect),
            recovery_ns: mean(&values.recovery),
            expected: expected(self.scenario, client, &achieved),
            by_repeat: self.by_repeat.clone(),
        }
    }
}

impl Values {
    fn add(&mut self, segment: &Segment, measured: &Measured) {
        let ratio = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let seconds = segment.window.length().as_secs_f64();
        let a_second = |count: u64| ratio(count as f64, seconds);
        let percent = |cpu: Option<Span>| ratio(cpu?.as_secs_f64() * 100.0, seconds);
        let count = &measured.counted;
        self.missed_fraction.extend(ratio(measured.missed as f64, measured.paired.changes as f64));
        self.redundant_fraction.extend(ratio(count.redundant as f64, count.requests as f64));
        self.age_mean.extend(measured.age.mean_ns());
        self.age_peak.extend(measured.age.mean_peak_ns());
        self.cpu_client.extend(percent(segment.cpu_client));
        self.cpu_ioc.extend(percent(segment.cpu_ioc));
        let cpu = segment.cpu_client.zip(segment.cpu_ioc).map(|(client, ioc)| (client + ioc).as_micros_f64());
        self.cpu_per_notice.extend(cpu.and_then(|cpu| ratio(cpu, measured.noticed as f64)));
        self.requests.extend(a_second(count.requests));
        self.bytes_in.extend(a_second(segment.ioc.bytes_in));
        self.bytes_out.extend(a_second(segment.ioc.bytes_out));
        self.wakeups.extend(segment.wakeups.and_then(a_second));
        self.connect.extend(segment.connect.map(|c| c.0 as f64));
        self.recovery.extend(measured.recovery.map(|r| r.0 as f64));
        self.round_trip.extend(round_trip(segment, measured));
    }
}

/// Mean time of an asking, whether it is for one value or for all of a batch. Those of replies with news alone would be too long: news is likelier in
/// a round that took longer, and the wait for the next read, which counts the length of each interval, has that in it already.
fn round_trip(segment: &Segment, measured: &Measured) -> Option<f64> {
    let of_askings = segment.tally.as_ref().and_then(|tally| tally.mean_round_trip_ns);
    of_askings.or(measured.round_trip_ns())
}
