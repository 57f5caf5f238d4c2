//! Whether the numbers can be believed: each check is a pure function that finds something or nothing.

use super::finding::Finding;
use super::model::ClientSummary;
use crate::scenario::model::{Change, Phase, PvGroup};
use crate::stats::Distribution;
use crate::theory::Intervals;
use crate::time::Span;
use crate::trace::Loss;
use crate::trace::audit::Audit;

/// Closeness of `λT` to a ratio, as a fraction of it.
const BEAT: f64 = 0.02;
/// Ratios up to here count: beyond, every number is within 2 % of one, and the phases of one window lie close together.
const LARGEST_RATIO: u32 = 10;
/// From this many PVs at phases of their own on, the phases of one repeat cover the interval.
const ENOUGH_PHASES: usize = 8;
/// Poll intervals that spread by more than this fraction of their mean do not keep their phase.
const LOOSE: f64 = 0.05;
/// Processor time of others, in percent of one core, that a clean window does not have.
const BUSY_PERCENT: f64 = 10.0;
/// The same for time stolen by the hypervisor; two ticks of 10 ms in a window of 2 s are 1 %.
const STOLEN_PERCENT: f64 = 1.0;
/// Lateness of posting over the mean time between changes.
const LATE: f64 = 0.1;

/// The time after which a pattern looks the same; `None` when it never does.
fn cycle(change: &Change) -> Option<Span> {
    match change {
        Change::Periodic { interval }
        | Change::Burst { interval, .. }
        | Change::Pulse { interval, .. }
        | Change::Motor { interval, .. } => Some(*interval),
        Change::Still
        | Change::Jittered { .. }
        | Change::Poisson { .. }
        | Change::Ramp { .. }
        | Change::Trace { .. } => None,
    }
}

/// Polls in step with changes: a beat, for a group of which the client looks at `members` PVs.
#[must_use]
pub fn beat(group: &PvGroup, members: usize, intervals: &Intervals) -> Option<Finding> {
    let few_phases = group.phase == Phase::Aligned || members < ENOUGH_PHASES;
    let mean = intervals.mean();
    let spread = (intervals.expect(|t| (t - mean) * (t - mean))).sqrt() / mean;
    if !few_phases || members == 0 || spread > LOOSE {
        return None;
    }
    let lambda_t = mean / cycle(&group.change).filter(|c| *c > Span::ZERO)?.0 as f64;
    let close = |ratio: f64| (lambda_t / ratio - 1.0).abs() < BEAT;
    let near = (1..=LARGEST_RATIO).find_map(|n| {
        let n = f64::from(n);
        if close(n) { Some(n.to_string()) } else { close(1.0 / n).then(|| format!("1/{n}")) }
    })?;
    Some(Finding::Beat { lambda_t, near })
}

/// Whether a client was measured while the machine did something else: other processes, or the hypervisor.
#[must_use]
pub fn is_dirty(client: &ClientSummary) -> bool {
    let above = |percent: Option<f64>, bound: f64| percent.is_some_and(|p| p >= bound);
    above(client.others_percent, BUSY_PERCENT) || above(client.stolen_percent, STOLEN_PERCENT)
}

/// Other processes in the windows; `used` holds their processor time and the window's length for each repeat.
#[must_use]
pub fn others_busy(used: &[(Option<Span>, Span)]) -> Option<Finding> {
    worst_percent(used).filter(|p| *p >= BUSY_PERCENT).map(|percent| Finding::OthersBusy { percent })
}

/// The same for time stolen by the hypervisor.
#[must_use]
pub fn stolen(used: &[(Option<Span>, Span)]) -> Option<Finding> {
    worst_percent(used).filter(|p| *p >= STOLEN_PERCENT).map(|percent| Finding::Stolen { percent })
}

/// The share of one core in the window where it was largest, in percent; `None` where no window tells.
#[must_use]
pub fn worst_percent(used: &[(Option<Span>, Span)]) -> Option<f64> {
    let percents = used.iter().filter(|(_, length)| *length > Span::ZERO);
    let percents = percents.filter_map(|(used, length)| Some((*used)?.0 as f64 / length.0 as f64 * 100.0));
    percents.max_by(f64::total_cmp)
}

/// Gets and redundant gets must be the same on both sides, but for answers that were `on_the_way` when a circuit was lost:
/// the IOC counts those, and the client asks again.
#[must_use]
pub fn counts(what: &'static str, repeat: u32, client: u64, ioc: u64, on_the_way: u64) -> Option<Finding> {
    let unheard = ioc.checked_sub(client);
    unheard.is_none_or(|unheard| unheard > on_the_way).then_some(Finding::CountsDiffer { what, repeat, client, ioc })
}

/// A client cannot have taken more updates than were sent, and less only by those that were on their way when it ended.
#[must_use]
pub fn updates(repeat: u32, taken: u64, sent: u64, in_flight: u64) -> Option<Finding> {
    let lost = sent.checked_sub(taken).is_none_or(|missing| missing > in_flight);
    lost.then_some(Finding::CountsDiffer { what: "updates", repeat, client: taken, ioc: sent })
}

/// The times without the IOC.
#[must_use]
pub fn losses(losses: &[Loss]) -> Option<Finding> {
    let last = losses.last()?;
    let away = losses.iter().filter_map(Loss::length).fold(Span::ZERO, |sum, length| sum + length);
    let for_good = losses.iter().filter(|loss| loss.back.is_none()).count();
    Some(Finding::Lost { times: losses.len(), away, for_good, why: last.why.clone() })
}

/// Restarts of the IOC: each repeat's outage, and the time to the client's first news.
#[must_use]
pub fn restarts(restarts: &[(Span, Option<Span>)]) -> Option<Finding> {
    let away = restarts.iter().map(|(away, _)| *away).max()?;
    let recoveries = || restarts.iter().filter_map(|(_, recovery)| *recovery);
    Some(Finding::Restarted { away, recovery: recoveries().min().zip(recoveries().max()) })
}

/// Observations that cannot be.
#[must_use]
pub fn impossible(audit: Audit) -> Option<Finding> {
    (audit != Audit::default()).then_some(Finding::Impossible(audit))
}

/// Changes that were never noticed.
#[must_use]
pub fn unnoticed(unnoticed: u64, changes: u64) -> Option<Finding> {
    (unnoticed > 0).then_some(Finding::Unnoticed { unnoticed, changes })
}

/// Latencies below zero.
#[must_use]
pub fn negative(count: u64) -> Option<Finding> {
    (count > 0).then_some(Finding::Negative { count })
}

/// First values within the window.
#[must_use]
pub fn late_first(changes: u64) -> Option<Finding> {
    (changes > 0).then_some(Finding::LateFirst { changes })
}

/// Numbers that could not be told.
#[must_use]
pub fn ambiguous(count: u64) -> Option<Finding> {
    (count > 0).then_some(Finding::Ambiguous { count })
}

/// Observations that did not fit.
#[must_use]
pub fn overflowed(count: u64) -> Option<Finding> {
    (count > 0).then_some(Finding::Overflowed { count })
}

/// Too few polls in the shortest window. The window is sized for the period asked for, so a little less is rounded up.
#[must_use]
pub fn few_periods(shortest: Span, mean_period_ns: Option<f64>, wanted: u32) -> Option<Finding> {
    let periods = shortest.0 as f64 / mean_period_ns.filter(|p| *p > 0.0)?;
    (periods.round() < f64::from(wanted)).then_some(Finding::FewPeriods { periods, wanted })
}

/// Posting that is late by more than a tenth of the time between two changes of a PV.
#[must_use]
pub fn late_posting(lateness: &Distribution, interval_ns: Option<f64>) -> Option<Finding> {
    let interval_ns = interval_ns?;
    let late_ns = lateness.percentile(0.99).or_else(|| lateness.percentile(0.5))?;
    (late_ns > LATE * interval_ns).then_some(Finding::LatePosting { late_ns, interval_ns })
}

/// Segments against repeats.
#[must_use]
pub fn repeats(measured: u32, asked: u32) -> Option<Finding> {
    match measured {
        0 => Some(Finding::NothingMeasured),
        _ => (measured < asked).then_some(Finding::RepeatsMissing { measured, asked }),
    }
}

/// Nothing to notice.
#[must_use]
pub fn no_changes(changes: u64) -> Option<Finding> {
    (changes == 0).then_some(Finding::NoChanges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Fetch;
    use crate::summary::example;
    use crate::time::Tick;

    const MS: f64 = 1e6;

    #[test]
    fn an_absence_without_an_end_has_no_length() {
        let loss = |back| Loss { lost: Tick(5_000_000), back, why: "the server closed the circuit".to_owned() };
        let told = |all: &[Loss]| losses(all).map(|found| found.what());
        let (back, gone) = (loss(Some(Tick(41_000_000))), loss(None));
        let said = |how: &str| Some(format!("it lost its IOC {how}; at last because the server closed the circuit"));
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[back.clone(), back.clone()]), said("2 times and was away for 72 ms in all"));
        assert_eq!(told(std::slice::from_ref(&gone)), said("once and did not come back before its time was over"));
        assert_eq!(
            told(&[back, gone]),
            said("2 times and was away for 36 ms in all, and once until its time was over")
        );
    }

    #[test]
    fn beats_near_small_ratios_of_few_phases() {
        let group = |phase| PvGroup { phase, ..example::group(Change::Periodic { interval: Span::from_millis(100) }) };
        let near = |phase, members, period: f64| {
            let found = beat(&group(phase), members, &Intervals::constant(period * MS).unwrap());
            found.map(|f| match f {
                Finding::Beat { near, .. } => near,
                other => panic!("{other:?}"),
            })
        };
        for (period, ratio) in [
            (100.0, Some("1")),
            (101.9, Some("1")),
            (98.1, Some("1")),
            (103.0, None),
            (200.5, Some("2")),
            (33.4, Some("1/3")),
            (10.1, Some("1/10")),
            (70.0, None),
            (2300.0, None),
            (1.0, None),
        ] {
            assert_eq!(near(Phase::Aligned, 100, period).as_deref(), ratio, "{period}");
            assert_eq!(near(Phase::Random, 1, period).as_deref(), ratio, "{period}");
            assert_eq!(near(Phase::Random, 100, period), None);
            assert_eq!(near(Phase::Aligned, 0, period), None);
        }
        let loose = Intervals::uniform(80.0 * MS, 120.0 * MS).unwrap();
        assert_eq!(beat(&group(Phase::Aligned), 1, &loose), None);
        let poisson = example::group(Change::Poisson { interval: Span::from_millis(100) });
        assert_eq!(beat(&poisson, 1, &Intervals::constant(100.0 * MS).unwrap()), None);
    }

    #[test]
    fn dirty_windows() {
        let second = Span::from_secs(1);
        let used = |ms| (Some(Span::from_millis(ms)), second);
        assert_eq!(others_busy(&[used(20), (None, second), used(99)]), None);
        assert_eq!(others_busy(&[used(20), used(250)]), Some(Finding::OthersBusy { percent: 25.0 }));
        assert_eq!(others_busy(&[(Some(second), Span::ZERO)]), None);
        assert_eq!(stolen(&[used(9)]), None);
        let mut client = example::summary_of("c", Fetch::Monitor);
        assert!(!is_dirty(&client), "not known is not dirty");
        client.others_percent = Some(9.9);
        assert!(!is_dirty(&client));
        client.stolen_percent = Some(1.0);
        assert!(is_dirty(&client));
        assert_eq!(stolen(&[used(10)]), Some(Finding::Stolen { percent: 1.0 }));
    }

    #[test]
    fn both_sides_count_the_same() {
        assert_eq!(counts("gets", 0, 7, 7, 0), None);
        assert_eq!(counts("gets", 0, 7, 9, 2), None, "two answers were lost with their circuit");
        assert!(counts("gets", 0, 8, 7, 2).is_some(), "an answer that was never given is none that was lost");
        assert_eq!(counts("gets", 1, 7, 8, 0).unwrap().what(), "in repeat 2 the client counted 7 gets, the IOC 8");
        assert_eq!(updates(0, 100, 103, 3), None);
        assert!(updates(0, 100, 104, 3).is_some());
        assert!(updates(0, 104, 103, 3).is_some());
    }

    #[test]
    fn a_restart_is_told_with_its_recovery() {
        let ms = Span::from_millis;
        assert_eq!(restarts(&[]), None);
        let told = |restarts: &[(Span, Option<Span>)]| super::restarts(restarts).unwrap().what();
        let (twice, never) = ([(ms(500), Some(ms(40))), (ms(510), Some(ms(60)))], [(ms(500), None)]);
        assert!(
            told(&twice).ends_with(
                "away for 510 ms, as the scenario asks; the client had news 40 ms to 60 ms after its return"
            )
        );
        assert!(told(&twice[..1]).ends_with("the client had news 40 ms after its return"));
        assert!(told(&never).ends_with("the client had no news after its return"));
    }

    #[test]
    fn plain_counts() {
        assert_eq!(unnoticed(0, 9), None);
        assert_eq!(unnoticed(2, 9), Some(Finding::Unnoticed { unnoticed: 2, changes: 9 }));
        for check in [negative, late_first, ambiguous, overflowed] {
            assert_eq!(check(0), None);
            assert!(check(3).unwrap().what().contains('3'));
        }
        assert_eq!(impossible(Audit::default()), None);
        let audit = Audit { before_posted: 2, other_pv: 1, ..Audit::default() };
        let text =
            "observations that cannot be: 2 received before the change was posted, 1 of a PV that it does not look at";
        assert_eq!(impossible(audit).unwrap().what(), text);
        assert_eq!((no_changes(1), no_changes(0)), (None, Some(Finding::NoChanges)));
        assert_eq!((repeats(3, 3), repeats(0, 3)), (None, Some(Finding::NothingMeasured)));
        assert_eq!(repeats(2, 3), Some(Finding::RepeatsMissing { measured: 2, asked: 3 }));
    }

    #[test]
    fn windows_hold_enough_periods() {
        let window = Span::from_secs(5);
        // Sized for the asked 1 s; the achieved period is a little longer.
        assert_eq!(few_periods(window, Some(1.02e9), 5), None);
        assert_eq!(few_periods(window, Some(2e9), 5), Some(Finding::FewPeriods { periods: 2.5, wanted: 5 }));
        assert_eq!(few_periods(window, None, 5), None);
    }

    #[test]
    fn posting_in_time() {
        let mut lateness = Distribution::default();
        (0..2000).for_each(|i| lateness.record(Some(if i % 50 == 0 { 2_000_000 } else { 20_000 })));
        assert_eq!(late_posting(&lateness, Some(100.0 * MS)), None);
        let Some(Finding::LatePosting { late_ns, .. }) = late_posting(&lateness, Some(10.0 * MS)) else { panic!() };
        assert!((late_ns / 2e6 - 1.0).abs() < 1e-3);
        assert_eq!(late_posting(&Distribution::default(), Some(1.0)), None);
    }
}
