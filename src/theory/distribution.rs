//! Whole distributions of what a client should measure: quantiles, not only means.
//!
//! With reads at intervals `T`, a residual interval `W` (density `P(T > u)/E[T]`, Cox, "Renewal Theory", 1962, chapter 5), an age `A`
//! of the newest value at a read (`P(A > x) = P0(x)`) and a delay `d` from the read to the client's having it:
//!
//! | quantity | its distribution |
//! |---|---|
//! | notice latency of a poller | `W + d` |
//! | age of a value when first seen | `P(A <= x, A < T) / P(A < T) + d`: a read brings news when the newest value is younger than the interval before it |
//! | age of information of a poller | `A + W' + d`, with `W'` the time since the last read, distributed as `W`, and independent of `A` |
//! | age of information of a callback | `A + d` |
//!
//! Where changes are held while the IOC answers ([`Intervals::held`]) the first two are no longer than `T - held + d`; the others are told as if nothing
//! was held, which is too much by `held² / 2T` at most.
//!
//! The age of information is that of Kaul, Yates, Gruteser (INFOCOM 2012); its distribution under sampling follows by
//! conditioning on the last read (Yates et al., "Age of information: an introduction and survey", IEEE JSAC 39, 2021, section II).

use super::intervals::Intervals;
use super::process::Process;

/// PVs that are read together: processes, and how many PVs follow each.
pub type Mixture = [(f64, Process)];

/// The smallest `x` in ns with `cdf(x) >= p`, for a cumulative distribution that is continuous from 0 on; `None` where it stays below.
#[must_use]
pub fn quantile(p: f64, cdf: impl Fn(f64) -> f64) -> Option<f64> {
    const LONGEST: f64 = 1e18;
    let (mut low, mut high) = (0.0, 1.0);
    while cdf(high) < p {
        low = high;
        high *= 2.0;
        if high > LONGEST {
            return None;
        }
    }
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if cdf(middle) < p { low = middle } else { high = middle }
    }
    Some(high)
}

/// The chance that a change is noticed within `x` ns, for a delay of `back` ns from read to client.
#[must_use]
pub fn notice_cdf(intervals: &Intervals, back: f64, x: f64) -> f64 {
    let wait = (x - back).max(0.0);
    if x < back { 0.0 } else { intervals.expect(|t| intervals.due_within(wait, t)) / intervals.mean() }
}

/// The chance that a value that is seen was at most `x` ns old then; `None` where no value is ever seen.
#[must_use]
pub fn seen_cdf(pvs: &Mixture, intervals: &Intervals, back: f64, x: f64) -> Option<f64> {
    let news_within = |limit: f64| {
        let of = |process: &Process| intervals.expect(|t| 1.0 - process.void(intervals.due_within(limit, t)));
        pvs.iter().map(|(count, process)| count * of(process)).sum::<f64>()
    };
    let all = news_within(f64::INFINITY);
    (all > 0.0).then(|| if x < back { 0.0 } else { (news_within(x - back) / all).min(1.0) })
}

/// The chance that the age of information of a poller is at most `x` ns at a random instant, over the PVs that change.
#[must_use]
pub fn age_cdf(pvs: &Mixture, intervals: &Intervals, back: f64, x: f64) -> Option<f64> {
    let age = x - back;
    over_changing(pvs, |process| {
        // The integral of P(A <= age - u) over u from 0 to the lesser of the age and the interval.
        let within = |t: f64| {
            let longest = t.min(age.max(0.0));
            longest - (process.void_area(age.max(0.0)) - process.void_area((age - longest).max(0.0)))
        };
        if age <= 0.0 { 0.0 } else { intervals.expect(within) / intervals.mean() }
    })
}

/// The same of a callback that takes `delay` ns.
#[must_use]
pub fn called_back_age_cdf(pvs: &Mixture, delay: f64, x: f64) -> Option<f64> {
    over_changing(pvs, |process| if x < delay { 0.0 } else { 1.0 - process.void(x - delay) })
}

/// Mean over the PVs that change at all; `None` when none does.
fn over_changing(pvs: &Mixture, of: impl Fn(&Process) -> f64) -> Option<f64> {
    let changing = pvs.iter().filter(|(_, process)| process.mean_age().is_some());
    let (sum, count) = changing.fold((0.0, 0.0), |(sum, n), (count, process)| (sum + count * of(process), n + count));
    (count > 0.0).then(|| sum / count)
}

/// Mean age of information of a callback that takes `delay` ns, and its mean peak, in ns: `E[A] + d` and `1/λ + d`.
#[must_use]
pub fn called_back_age(pvs: &Mixture, delay: f64) -> Option<(f64, f64)> {
    let mean = over_changing(pvs, |process| process.mean_age().unwrap_or_default())?;
    let changing: f64 = pvs.iter().filter(|(_, p)| p.rate() > 0.0).map(|(count, _)| count).sum();
    let rate: f64 = pvs.iter().map(|(count, process)| count * process.rate()).sum();
    // Peaks weigh by updates: each PV has as many as changes, and they add up to its whole time.
    Some((mean + delay, changing / rate + delay))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Change;
    use crate::theory::{notice, predict};
    use crate::time::Span;

    fn close(a: Option<f64>, b: f64, tolerance: f64) {
        assert!(a.is_some_and(|a| (a - b).abs() <= tolerance), "{a:?} {b}");
    }

    /// The mean that belongs to a cumulative distribution.
    fn mean(cdf: impl Fn(f64) -> f64, longest: f64) -> f64 {
        let steps = 40_000;
        let step = longest / f64::from(steps);
        (0..steps).map(|i| (1.0 - cdf((f64::from(i) + 0.5) * step)) * step).sum()
    }

    fn patterns() -> Vec<Process> {
        let ms = Span::from_millis;
        [
            Change::Periodic { interval: ms(100) },
            Change::Poisson { interval: ms(100) },
            Change::Jittered { interval: ms(100), jitter: 0.3 },
            Change::Pulse { interval: ms(500), width: ms(20) },
            Change::Burst { interval: ms(300), changes: 3, spacing: ms(10) },
        ]
        .iter()
        .map(|change| Process::of(change).unwrap())
        .collect()
    }

    #[test]
    fn by_hand_for_a_constant_period() {
        let t = Intervals::constant(100.0).unwrap();
        for (x, p) in [(4.0, 0.0), (5.0, 0.0), (30.0, 0.25), (105.0, 1.0), (900.0, 1.0)] {
            close(Some(notice_cdf(&t, 5.0, x)), p, 1e-12);
        }
        close(quantile(0.5, |x| notice_cdf(&t, 5.0, x)), 55.0, 1e-9);
        let periodic = [(1.0, Process::Cycle { gaps: vec![(40.0, 1.0)] })];
        // Every read brings news, of an age from 0 to 40.
        close(seen_cdf(&periodic, &t, 5.0, 15.0), 0.25, 1e-12);
        // A + W of U(0, 40) and U(0, 100): the density rises up to 40, is flat up to 100 and falls up to 140.
        for (x, p) in [(20.0, 0.05), (40.0, 0.2), (100.0, 0.8), (140.0, 1.0)] {
            close(age_cdf(&periodic, &t, 0.0, x), p, 1e-12);
        }
        // Slow changes: only a read within 30 of the change brings news, and then the age is even.
        let slow = [(1.0, Process::Cycle { gaps: vec![(1000.0, 1.0)] })];
        close(quantile(0.5, |x| seen_cdf(&slow, &t, 0.0, x).unwrap()), 50.0, 1e-9);
        close(called_back_age_cdf(&slow, 1.0, 251.0), 0.25, 1e-12);
        assert_eq!(called_back_age(&slow, 1.0), Some((501.0, 1001.0)));
        let poisson = [(1.0, Process::Poisson { interval: 50.0 })];
        close(quantile(0.5, |x| called_back_age_cdf(&poisson, 0.0, x).unwrap()), 50.0 * 2f64.ln(), 1e-9);
    }

    #[test]
    fn means_are_those_of_the_distributions() {
        let even = Intervals::uniform(30e6, 90e6).unwrap();
        for process in patterns() {
            let pvs = [(2.0, process.clone()), (1.0, Process::Still)];
            let longest = 3e9;
            let expected = predict(&pvs, &even, 2e6);
            let near = |a: f64, b: Option<f64>| assert!((a / b.unwrap() - 1.0).abs() < 2e-3, "{process:?}: {a} {b:?}");
            near(mean(|x| notice_cdf(&even, 1e6, x), longest), Some(notice(&even, 2e6).mean_ns));
            near(mean(|x| seen_cdf(&pvs, &even, 1e6, x).unwrap(), longest), expected.seen_mean_ns);
            near(mean(|x| age_cdf(&pvs, &even, 1e6, x).unwrap(), longest), expected.age_mean_ns);
            let back = |x| called_back_age_cdf(&pvs, 1e6, x).unwrap();
            near(mean(back, longest), called_back_age(&pvs, 1e6).map(|a| a.0));
        }
    }

    /// Reads every `t` of a PV whose changes lie `gaps` apart, again and again: redundant reads, seen changes and the sum of twice the notice
    /// latency, over one beat and every phase between two whole numbers. All in whole numbers: nothing is rounded.
    fn enumerated(gaps: &[u64], t: u64) -> (u64, u64, u64) {
        let cycle: u64 = gaps.iter().sum();
        let beat = cycle * t;
        let mut changes = Vec::new();
        let mut at = 0;
        for gap in gaps.iter().cycle().take(gaps.len() * 3 * t as usize) {
            changes.push(2 * at);
            at += gap;
        }
        let (mut redundant, mut seen, mut waits) = (0, 0, 0);
        for phase in 0..t {
            // Twice the time, so that a phase between two whole numbers is one.
            let reads: Vec<u64> = (0..2 * cycle).map(|k| 2 * (k * t + phase) + 1).collect();
            for pair in reads.windows(2).filter(|pair| (2 * beat..4 * beat).contains(&pair[1])) {
                let news: Vec<u64> = changes.iter().copied().filter(|c| (pair[0]..pair[1]).contains(c)).collect();
                redundant += u64::from(news.is_empty());
                seen += u64::from(!news.is_empty());
                waits += news.iter().map(|c| pair[1] - c).sum::<u64>();
            }
        }
        (redundant, seen, waits)
    }

    #[test]
    fn small_cases_in_whole_numbers() {
        for gaps in [vec![7], vec![10], vec![2, 9], vec![1, 1, 6], vec![3, 4, 5]] {
            for t in 1..=12 {
                let (redundant, seen, waits) = enumerated(&gaps, t);
                let process = Process::Cycle { gaps: gaps.iter().map(|g| (*g as f64, 1.0)).collect() };
                let (reads, cycle) = (redundant + seen, gaps.iter().sum::<u64>());
                let changes = t * t * gaps.len() as u64;
                assert_eq!(reads, cycle * t, "one beat at each of {t} phases");
                let intervals = Intervals::constant(t as f64).unwrap();
                let expected = predict(&[(1.0, process)], &intervals, 0.0);
                close(expected.redundant, redundant as f64 / reads as f64, 1e-12);
                close(expected.missed, 1.0 - seen as f64 / changes as f64, 1e-12);
                close(Some(notice(&intervals, 0.0).mean_ns), waits as f64 / 2.0 / changes as f64, 1e-12);
            }
        }
    }

    #[test]
    fn what_never_changes_has_no_age() {
        let t = Intervals::constant(100.0).unwrap();
        let still = [(3.0, Process::Still)];
        assert_eq!((seen_cdf(&still, &t, 0.0, 5.0), age_cdf(&still, &t, 0.0, 5.0)), (None, None));
        assert_eq!((called_back_age(&still, 0.0), called_back_age_cdf(&still, 0.0, 1.0)), (None, None));
        assert_eq!(quantile(0.9, |_| 0.5), None);
    }
}
