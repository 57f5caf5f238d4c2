//! What a poller should measure.
//!
//! For reads at intervals `T` (mean `E[T]`), changes with void probability `P0` and rate `λ`, an age `A` of the newest value at a
//! read, and a reply that takes half a round trip `r`:
//!
//! | quantity | expected | for constant T and periodic changes, `P = 1/λ` | for constant T and Poisson changes |
//! |---|---|---|---|
//! | redundant fraction | `E[P0(T)]` | `max(0, 1 - λT)` | `exp(-λT)` |
//! | missed fraction | `1 - (1 - E[P0(T)]) / (λ E[T])` | `max(0, 1 - 1/(λT))` | `1 - (1 - exp(-λT))/(λT)` |
//! | notice latency | residual of `T` + `r/2`, mean `E[T²]/2E[T] + r/2` | `U(0, T) + r/2`, mean `(T + r)/2` | the same |
//! | age when first seen, mean | `E[A \| A < T] + r/2` | `min(T, P)/2 + r/2` | `1/λ - T/(exp(λT) - 1) + r/2` |
//! | age of information, mean | `E[A] + E[T²]/2E[T] + r/2` | `(P + T + r)/2` | `1/λ + (T + r)/2` |
//! | its mean peak | `E[T]/(1 - E[P0(T)]) + E[A \| A < T] + r/2` | `max(T, P) + min(T, P)/2 + r/2` | `T + 1/λ + r/2` |
//!
//! Sources: a poll is redundant when no change falls between two reads, and a change is seen when it is the last one before a
//! read, so there are as many seen changes as reads with news; residual life of a renewal process (Cox, "Renewal Theory", 1962,
//! chapter 5); age of information of a sampled source (Kaul, Yates, Gruteser, INFOCOM 2012; peaks: Costa, Codreanu, Ephremides,
//! ISIT 2014). A pulse of width `w` is a gap `w`: it is seen with probability `E[min(T, w)]/E[T]`.
//!
//! # Where this ends
//! - The intervals must not depend on the changes: back-off and hybrid pacings start over at news and are not covered.
//! - It holds on average over the phase. Where `λT` is close to a ratio of small numbers the phase stands still, and one window
//!   shows one phase.
//! - `r/2` is the way back of a reply to a request that is answered at once. It is too much where `r` holds more than one get, too
//!   little where replies queue in the client. Where both ends are known, as in a simulation, twice the way back stands for `r`.
//! - With the mean of `T` alone, `max(0, 1 - λT)` is too low where `T` spreads around `1/λ`; hence the whole distribution.

use super::intervals::Intervals;
use super::process::Process;

/// Expected values of one poller. What has no value (no PV ever changes) is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Redundant fraction of gets.
    pub redundant: Option<f64>,
    /// Missed fraction of changes.
    pub missed: Option<f64>,
    /// Mean age of a change when its own value is seen (seen latency), in ns.
    pub seen_mean_ns: Option<f64>,
    /// Mean age of information in ns, over the PVs that change.
    pub age_mean_ns: Option<f64>,
    /// Mean peak age of information in ns.
    pub age_peak_ns: Option<f64>,
}

/// Notice latency of a poller, the same for all changes that do not depend on the polls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Notice {
    /// Mean in ns.
    pub mean_ns: f64,
    /// 5 % and 95 % quantiles in ns.
    pub band_ns: (f64, f64),
}

/// Expected notice latency for reads at these intervals and a round trip of `round_trip` ns.
#[must_use]
pub fn notice(intervals: &Intervals, round_trip: f64) -> Notice {
    let back = round_trip / 2.0;
    let quantile = |p| intervals.wait_quantile(p) + back;
    Notice { mean_ns: intervals.mean_wait() + back, band_ns: (quantile(0.05), quantile(0.95)) }
}

/// Expected values for PVs that are all read at these intervals: `pvs` holds processes and how many PVs follow each. Gets weigh
/// by PVs, changes by their rates, updates by how often there are news.
#[must_use]
pub fn predict(pvs: &[(f64, Process)], intervals: &Intervals, round_trip: f64) -> Prediction {
    let back = round_trip / 2.0;
    let mut sums = Sums::default();
    for (count, process) in pvs {
        sums.add(*count, process, intervals);
    }
    let ratio = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
    Prediction {
        redundant: ratio(sums.pvs - sums.news, sums.pvs),
        missed: ratio(sums.news, sums.changes).map(|seen| (1.0 - seen).max(0.0)),
        seen_mean_ns: ratio(sums.age_at_news, sums.news).map(|age| age + back),
        age_mean_ns: ratio(sums.age, sums.aging).map(|age| age + intervals.mean_residual() + back),
        age_peak_ns: ratio(sums.aging * intervals.mean() + sums.age_at_news, sums.news).map(|peak| peak + back),
    }
}

/// Sums over PVs, for one read of each.
#[derive(Default)]
struct Sums {
    pvs: f64,
    /// PVs that change at all.
    aging: f64,
    /// Reads with news.
    news: f64,
    /// Changes.
    changes: f64,
    /// Age of the newest value at reads with news.
    age_at_news: f64,
    /// Mean age of the newest value.
    age: f64,
}

impl Sums {
    fn add(&mut self, count: f64, process: &Process, intervals: &Intervals) {
        self.pvs += count;
        let Some(age) = process.mean_age() else { return };
        self.aging += count;
        self.news += count * intervals.expect(|t| 1.0 - process.void(t));
        self.changes += count * process.rate() * intervals.mean();
        // E[A; A < T] is the area of P0 up to T less T P0(T), by parts; no age is above T - held.
        let oldest = |t: f64| intervals.longest_wait(t);
        self.age_at_news += count * intervals.expect(|t| process.void_area(oldest(t)) - oldest(t) * process.void(t));
        self.age += count * age;
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;
    use crate::scenario::model::Change;
    use crate::time::Span;

    fn close(a: Option<f64>, b: f64, tolerance: f64) {
        assert!(a.is_some_and(|a| (a - b).abs() <= tolerance), "{a:?} {b}");
    }

    fn cycle(gaps: &[(f64, f64)]) -> Process {
        Process::Cycle { gaps: gaps.to_vec() }
    }

    #[test]
    fn the_formulas_of_a_constant_period() {
        let (r, p) = (2.0, 100.0);
        for t in [0.5, 10.0, 99.0, 100.0, 101.0, 1000.0] {
            let intervals = Intervals::constant(t).unwrap();
            let periodic = predict(&[(3.0, cycle(&[(p, 1.0)]))], &intervals, r);
            close(periodic.redundant, (1.0 - t / p).max(0.0), 1e-12);
            close(periodic.missed, (1.0 - p / t).max(0.0), 1e-12);
            close(periodic.seen_mean_ns, (t.min(p) + r) / 2.0, 1e-9);
            close(periodic.age_mean_ns, (t + p + r) / 2.0, 1e-9);
            close(periodic.age_peak_ns, t.max(p) + t.min(p) / 2.0 + r / 2.0, 1e-9);
            let poisson = predict(&[(3.0, Process::Poisson { interval: p })], &intervals, r);
            let void = (-t / p).exp();
            close(poisson.redundant, void, 1e-12);
            close(poisson.missed, 1.0 - (1.0 - void) * p / t, 1e-9);
            close(poisson.seen_mean_ns, p - t / ((t / p).exp() - 1.0) + r / 2.0, 1e-6);
            close(poisson.age_mean_ns, p + (t + r) / 2.0, 1e-9);
            close(poisson.age_peak_ns, t + p + r / 2.0, 1e-6);
            let notice = notice(&intervals, r);
            close(Some(notice.mean_ns), (t + r) / 2.0, 1e-9);
            close(Some(notice.band_ns.1), 0.95 * t + 1.0, 1e-9);
        }
    }

    #[test]
    fn a_spread_around_the_change_interval_is_not_its_mean() {
        // Half of the intervals are 50, half 150, the changes 100 apart: a quarter of the reads find nothing new.
        let intervals = Intervals::new(vec![(50.0, 1.0), (150.0, 1.0)]).unwrap();
        let prediction = predict(&[(1.0, cycle(&[(100.0, 1.0)]))], &intervals, 0.0);
        close(prediction.redundant, 0.25, 1e-12);
        close(prediction.missed, 0.25, 1e-12);
    }

    #[test]
    fn pulses_are_seen_by_their_width() {
        // A pulse of 20 every 10000, read every 100: a fifth of the rises is seen, and every fall.
        let pulse = cycle(&[(20.0, 1.0), (9980.0, 1.0)]);
        let intervals = Intervals::constant(100.0).unwrap();
        close(predict(&[(1.0, pulse)], &intervals, 0.0).missed, 1.0 - (0.2 + 1.0) / 2.0, 1e-12);
    }

    #[test]
    fn mixed_pvs_weigh_by_gets_and_by_changes() {
        let mix = [(90.0, Process::Still), (9.0, cycle(&[(200.0, 1.0)])), (1.0, cycle(&[(10.0, 1.0)]))];
        let prediction = predict(&mix, &Intervals::constant(100.0).unwrap(), 0.0);
        close(prediction.redundant, (90.0 + 9.0 * 0.5) / 100.0, 1e-12);
        // In 100: 4.5 changes of the nine, all seen; 10 of the one, of which 1 is seen.
        close(prediction.missed, 9.0 / 14.5, 1e-12);
        let still = predict(&mix[..1], &Intervals::constant(100.0).unwrap(), 0.0);
        assert_eq!(still, Prediction { redundant: Some(1.0), ..Prediction::default() });
    }

    /// Plays reads against changes, event by event.
    fn simulate(times: &[f64], mut next_interval: impl FnMut() -> f64, back: f64) -> (Prediction, f64) {
        let (mut now, mut newest, mut reads) = (next_interval(), None, 0u64);
        let (mut redundant, mut seen, mut waits, mut seen_sum) = (0u64, 0u64, 0.0, 0.0);
        let (mut area, mut covered, mut peaks, mut i) = (0.0, 0.0, 0.0, 0);
        let mut last_news: Option<(f64, f64)> = None;
        let end = times[times.len() - 1];
        while now < end {
            let from = i;
            while times[i] <= now {
                waits += now - times[i] + back;
                newest = Some(times[i]);
                i += 1;
            }
            reads += 1;
            if i == from {
                redundant += 1;
            } else if let Some(posted) = newest {
                seen += 1;
                seen_sum += now + back - posted;
                if let Some((at, before)) = last_news {
                    area += ((now + back - before).powi(2) - (at + back - before).powi(2)) / 2.0;
                    covered += now - at;
                    peaks += now + back - before;
                }
                last_news = Some((now, posted));
            }
            now += next_interval();
        }
        let part = |a: f64, b: u64| Some(a / b as f64);
        let measured = Prediction {
            redundant: part(redundant as f64, reads),
            missed: part((i as u64 - seen) as f64, i as u64),
            seen_mean_ns: part(seen_sum, seen),
            age_mean_ns: Some(area / covered),
            age_peak_ns: part(peaks, seen - 1),
        };
        (measured, waits / i as f64)
    }

    #[test]
    fn brute_force_agrees() {
        const CHANGES: usize = 200_000;
        let ms = Span::from_millis;
        let patterns = [
            Change::Periodic { interval: ms(10) },
            Change::Poisson { interval: ms(10) },
            Change::Jittered { interval: ms(10), jitter: 0.4 },
            Change::Burst { interval: ms(40), changes: 4, spacing: ms(2) },
            Change::Motor { interval: ms(5), moving: ms(20), resting: ms(20) },
        ];
        let mut random = Pcg64Mcg::seed_from_u64(11);
        for pattern in &patterns {
            let process = Process::of(pattern).unwrap();
            for (low, high) in [(1e6, 2e6), (6e6, 16e6), (11e6, 67e6)] {
                let times = play(pattern, CHANGES, &mut random);
                let (measured, wait) = simulate(&times, || random.random_range(low..high), 5e4);
                let intervals = Intervals::uniform(low, high).unwrap();
                let expected = predict(&[(1.0, process.clone())], &intervals, 1e5);
                let near = |a: Option<f64>, b: Option<f64>, tolerance: f64| {
                    let (a, b) = (a.unwrap(), b.unwrap());
                    assert!((a - b).abs() < tolerance, "{pattern:?} {low} to {high}: {a} {b}");
                };
                near(measured.redundant, expected.redundant, 0.004);
                near(measured.missed, expected.missed, 0.004);
                near(measured.seen_mean_ns, expected.seen_mean_ns, 0.01 * measured.seen_mean_ns.unwrap());
                near(measured.age_mean_ns, expected.age_mean_ns, 0.015 * measured.age_mean_ns.unwrap());
                near(measured.age_peak_ns, expected.age_peak_ns, 0.01 * measured.age_peak_ns.unwrap());
                near(Some(wait), Some(notice(&intervals, 1e5).mean_ns), 0.01 * wait);
            }
        }
    }

    /// Times of changes, drawn without the theory's help.
    fn play(pattern: &Change, changes: usize, random: &mut Pcg64Mcg) -> Vec<f64> {
        let mut now = random.random_range(0.0..1e7);
        let ns = |span: &Span| span.0 as f64;
        let train =
            |k: usize, cycle: f64, n: usize, spacing: f64| (k / n + 1) as f64 * cycle + (k % n) as f64 * spacing;
        let mut at = |k: usize| match pattern {
            Change::Poisson { interval } => {
                now -= (1.0 - random.random::<f64>()).ln() * ns(interval);
                now
            }
            Change::Jittered { interval, jitter } => {
                (k as f64 + 1.0 + random.random_range(-*jitter..*jitter)) * ns(interval)
            }
            Change::Burst { interval, changes, spacing } => train(k, ns(interval), *changes as usize, ns(spacing)),
            Change::Motor { interval, moving, resting } => {
                train(k, ns(moving) + ns(resting), (moving.0 / interval.0) as usize, ns(interval))
            }
            Change::Periodic { interval } => train(k, ns(interval), 1, 0.0),
            other => panic!("{other:?} is not played"),
        };
        let mut times: Vec<f64> = (0..changes).map(&mut at).collect();
        times.sort_unstable_by(f64::total_cmp);
        times
    }
}
