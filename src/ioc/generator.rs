//! The instants at which one PV changes, as times since the schedule's zero.
//!
//! Every instant is computed from time zero and not from its predecessor, so that nothing drifts. A cyclic pattern is taken as
//! having always run: what of the cycle before zero reaches past zero is part of it, so that no instant is special.

use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use rand_pcg::Pcg64Mcg;

use crate::scenario::model::{Change, Scenario, ramp_changes, ramp_time};
use crate::time::Span;

/// One change: when, and the signal's value where the pattern brings its own (a trace does).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instant {
    /// Time since the schedule's zero.
    pub at: Span,
    /// The signal's value; `None`: the block's signal gives it.
    pub signal: Option<f64>,
}

/// Instants in order, without end unless the PV never changes.
#[derive(Clone, Debug)]
pub struct Generator {
    pattern: Pattern,
    last: u64,
}

#[derive(Clone, Debug)]
enum Pattern {
    Still,
    /// Every `cycle`, `changes` changes `spacing` apart: periodic, burst, pulse and motor are all trains.
    Train {
        cycle: u64,
        changes: u64,
        spacing: u64,
        phase: u64,
        next: u64,
    },
    Jittered {
        interval: u64,
        jitter: f64,
        phase: u64,
        next: u64,
        random: Pcg64Mcg,
    },
    Poisson {
        mean: f64,
        elapsed: u64,
        random: Pcg64Mcg,
    },
    Ramp {
        from_hz: f64,
        to_hz: f64,
        length: u64,
        changes: u64,
        phase: u64,
        next: u64,
    },
    Trace {
        points: TracePoints,
        length: u64,
        next: u64,
    },
}

/// The points of one PV of a trace block, where the scenario holds them.
#[derive(Clone, Debug)]
struct TracePoints {
    scenario: Arc<Scenario>,
    group: usize,
    member: usize,
}

impl TracePoints {
    fn get(&self) -> &[(Span, f64)] {
        match self.scenario.groups.get(self.group).map(|g| &g.change) {
            Some(Change::Trace { points, .. }) => points.get(self.member).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }
}

/// The time after which a pattern begins anew: what a phase is a part of. `None` where there is no such time.
#[must_use]
pub fn cycle(change: &Change) -> Option<Span> {
    match change {
        Change::Still | Change::Poisson { .. } | Change::Trace { .. } => None,
        Change::Periodic { interval }
        | Change::Jittered { interval, .. }
        | Change::Burst { interval, .. }
        | Change::Pulse { interval, .. } => Some(*interval),
        Change::Motor { moving, resting, .. } => Some(*moving + *resting),
        Change::Ramp { length, .. } => Some(*length),
    }
}

impl Generator {
    /// The instants of the `member`-th PV of a block. `phase` is below the pattern's [`cycle`]; `random` is used by the patterns that need it.
    #[must_use]
    pub fn new(scenario: &Arc<Scenario>, group: usize, member: usize, phase: Span, random: Pcg64Mcg) -> Generator {
        let change = scenario.groups.get(group).map_or(&Change::Still, |g| &g.change);
        let train = |changes: u64, spacing: Span| match cycle(change) {
            Some(cycle) if cycle.0 > 0 && changes > 0 => {
                Pattern::Train { cycle: cycle.0, changes, spacing: spacing.0, phase: phase.0 % cycle.0, next: 0 }
            }
            _ => Pattern::Still,
        };
        let pattern = match change {
            Change::Still => Pattern::Still,
            Change::Periodic { .. } => train(1, Span::ZERO),
            Change::Burst { changes, spacing, .. } => train(u64::from(*changes), *spacing),
            Change::Pulse { width, .. } => train(2, *width),
            Change::Motor { interval, moving, .. } => train(moving.0 / interval.0.max(1), *interval),
            Change::Jittered { interval, jitter } if interval.0 > 0 => Pattern::Jittered {
                interval: interval.0,
                jitter: jitter.clamp(0.0, 0.5),
                phase: phase.0 % interval.0,
                next: 0,
                random,
            },
            Change::Poisson { interval } if interval.0 > 0 => {
                Pattern::Poisson { mean: interval.0 as f64, elapsed: 0, random }
            }
            Change::Ramp { from_hz, to_hz, length } if length.0 > 0 => Pattern::Ramp {
                from_hz: *from_hz,
                to_hz: *to_hz,
                length: length.0,
                changes: ramp_changes(*from_hz, *to_hz, *length),
                phase: phase.0 % length.0,
                next: 0,
            },
            Change::Trace { length, .. } => {
                let points = TracePoints { scenario: Arc::clone(scenario), group, member };
                Pattern::Trace { points, length: length.0, next: 0 }
            }
            Change::Jittered { .. } | Change::Poisson { .. } | Change::Ramp { .. } => Pattern::Still,
        };
        Generator { pattern, last: 0 }
    }
}

impl Iterator for Generator {
    type Item = Instant;

    fn next(&mut self) -> Option<Instant> {
        let (at, signal) = self.pattern.advance()?;
        // A train whose changes overrun its cycle keeps its order, late rather than backwards.
        self.last = self.last.max(at);
        Some(Instant { at: Span(self.last), signal })
    }
}

impl Pattern {
    fn advance(&mut self) -> Option<(u64, Option<f64>)> {
        match self {
            Pattern::Still => None,
            Pattern::Train { cycle, changes, spacing, phase, next } => loop {
                let (turn, place) = (*next / *changes, *next % *changes);
                *next = next.checked_add(1)?;
                let from_previous_cycle =
                    turn.checked_mul(*cycle)?.checked_add(*phase)?.checked_add(place.checked_mul(*spacing)?)?;
                if let Some(at) = from_previous_cycle.checked_sub(*cycle) {
                    return Some((at, None));
                }
            },
            Pattern::Jittered { interval, jitter, phase, next, random } => loop {
                let turn = *next;
                *next = next.checked_add(1)?;
                let displacement = *jitter * (random.random::<f64>() * 2.0 - 1.0) * *interval as f64;
                let from_previous_cycle = turn
                    .checked_mul(*interval)?
                    .checked_add(*phase)?
                    .checked_add_signed(displacement.round() as i64)
                    .unwrap_or(0);
                if let Some(at) = from_previous_cycle.checked_sub(*interval) {
                    return Some((at, None));
                }
            },
            Pattern::Poisson { mean, elapsed, random } => {
                let gap: f64 = Exp1.sample(random);
                *elapsed = elapsed.checked_add((gap * *mean).round() as u64)?;
                Some((*elapsed, None))
            }
            Pattern::Ramp { from_hz, to_hz, length, changes, phase, next } => loop {
                let (turn, place) = (*next / *changes, *next % *changes);
                *next = next.checked_add(1)?;
                let within = ramp_time(*from_hz, *to_hz, place as f64 / *changes as f64) * *length as f64;
                let from_previous_cycle =
                    turn.checked_mul(*length)?.checked_add(*phase)?.checked_add(within.round() as u64)?;
                if let Some(at) = from_previous_cycle.checked_sub(*length) {
                    return Some((at, None));
                }
            },
            Pattern::Trace { points, length, next } => {
                let points = points.get();
                let count = points.len() as u64;
                let turn = next.checked_div(count)?;
                if turn > 0 && *length == 0 {
                    return None;
                }
                let (offset, signal) = points.get((*next % count) as usize)?;
                *next = next.checked_add(1)?;
                Some((turn.checked_mul(*length)?.checked_add(offset.0)?, Some(*signal)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::seed::{Purpose, stream};
    use super::*;

    fn instants(change: Change, phase: Span, count: usize) -> Vec<u64> {
        let scenario = Arc::new(fixture::one_group(change, 1));
        let random = stream(1, Purpose::Instants, 0);
        Generator::new(&scenario, 0, 0, phase, random).take(count).map(|i| i.at.0 / 1_000_000).collect()
    }

    const fn ms(n: u64) -> Span {
        Span::from_millis(n)
    }

    #[test]
    fn trains_start_in_the_middle_of_what_always_ran() {
        let periodic = Change::Periodic { interval: ms(10) };
        assert_eq!(instants(periodic.clone(), ms(3), 3), [3, 13, 23]);
        assert_eq!(instants(periodic, ms(0), 3), [0, 10, 20]);
        let burst = Change::Burst { interval: ms(100), changes: 3, spacing: ms(5) };
        assert_eq!(instants(burst.clone(), ms(0), 6), [0, 5, 10, 100, 105, 110]);
        assert_eq!(instants(burst, ms(93), 5), [3, 93, 98, 103, 193]);
        let pulse = Change::Pulse { interval: ms(100), width: ms(20) };
        assert_eq!(instants(pulse, ms(90), 4), [10, 90, 110, 190]);
        let motor = Change::Motor { interval: ms(100), moving: ms(350), resting: ms(1000) };
        assert_eq!(instants(motor, ms(0), 7), [0, 100, 200, 1350, 1450, 1550, 2700]);
    }

    #[test]
    fn a_ramp_has_its_rate_at_each_instant_and_starts_again() {
        let ramp = Change::Ramp { from_hz: 1000.0, to_hz: 5000.0, length: ms(2000) };
        let scenario = Arc::new(fixture::one_group(ramp, 1));
        let starting_at = |phase| Generator::new(&scenario, 0, 0, phase, stream(1, Purpose::Instants, 0));
        let all: Vec<u64> = starting_at(Span::ZERO).take(12_001).map(|i| i.at.0).collect();
        assert!(all.is_sorted());
        // A mean of 3000 a second over 2 s, then the second pass begins.
        assert_eq!((all[0], all[6000], all[12_000]), (0, 2_000_000_000, 4_000_000_000));
        let in_tenth = |n: u64| all.iter().filter(|at| (n * 100_000_000..(n + 1) * 100_000_000).contains(*at)).count();
        for tenth in 0..20 {
            // The area below the rate: 100 ms of (1000 + 200 (tenth + 1/2)) a second.
            let due = 100.0 + 20.0 * (tenth as f64 + 0.5);
            assert!((in_tenth(tenth) as f64 - due).abs() <= 1.0, "{tenth}: {} {due}", in_tenth(tenth));
        }
        // One that is under way at time zero goes on where it is.
        let later: Vec<u64> = starting_at(ms(500)).take(9_000).map(|i| i.at.0).collect();
        assert_eq!(
            later.iter().position(|at| *at == 500_000_000),
            Some(6000 - all.partition_point(|at| *at < 1_500_000_000))
        );
        // Falling is rising backwards; an even one is periodic.
        let even = Change::Ramp { from_hz: 100.0, to_hz: 100.0, length: ms(50) };
        assert_eq!(instants(even, ms(0), 7), [0, 10, 20, 30, 40, 50, 60]);
    }

    #[test]
    fn nothing_to_change_gives_nothing() {
        for still in [
            Change::Still,
            Change::Periodic { interval: ms(0) },
            Change::Poisson { interval: ms(0) },
            Change::Burst { interval: ms(5), changes: 0, spacing: ms(1) },
            Change::Trace { file: String::new(), length: ms(5), points: vec![vec![]] },
            Change::Trace { file: String::new(), length: ms(5), points: vec![] },
        ] {
            assert_eq!(instants(still.clone(), ms(0), 4), [] as [u64; 0], "{still:?}");
        }
    }

    #[test]
    fn an_overrunning_burst_never_goes_backwards() {
        let got = instants(Change::Burst { interval: ms(10), changes: 3, spacing: ms(7) }, ms(0), 9);
        assert!(got.is_sorted(), "{got:?}");
    }

    #[test]
    fn a_trace_repeats_with_its_values() {
        let points = vec![vec![(ms(0), 1.5), (ms(30), 2.5)]];
        let scenario = Arc::new(fixture::one_group(Change::Trace { file: String::new(), length: ms(100), points }, 1));
        let got: Vec<_> = Generator::new(&scenario, 0, 0, Span::ZERO, stream(1, Purpose::Instants, 0))
            .take(4)
            .map(|i| (i.at.0 / 1_000_000, i.signal.unwrap()))
            .collect();
        assert_eq!(got, [(0, 1.5), (30, 2.5), (100, 1.5), (130, 2.5)]);
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_does_not_drift() {
        let interval = ms(10);
        let scenario = Arc::new(fixture::one_group(Change::Jittered { interval, jitter: 0.5 }, 1));
        let all: Vec<u64> = Generator::new(&scenario, 0, 0, ms(4), stream(3, Purpose::Instants, 0))
            .take(10_000)
            .map(|i| i.at.0)
            .collect();
        assert!(all.is_sorted());
        // Whether the change of the cycle before zero still came after zero decides which index is which.
        let lead = u64::from(all[0] < ms(4).0.saturating_sub(interval.0 / 2).max(1));
        for (k, at) in all.iter().enumerate().skip(1) {
            let nominal = ms(4).0 + (k as u64 - lead) * interval.0;
            assert!(at.abs_diff(nominal) <= interval.0 / 2 + 1, "change {k}: {at} is too far from {nominal}");
        }
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_the_spread_of_an_exponential() {
        let scenario = Arc::new(fixture::one_group(Change::Poisson { interval: ms(10) }, 1));
        let all: Vec<f64> = Generator::new(&scenario, 0, 0, Span::ZERO, stream(5, Purpose::Instants, 0))
            .take(100_000)
            .map(|i| i.at.as_millis_f64())
            .collect();
        let gaps: Vec<f64> = all.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // Standard error of the mean: 10 / sqrt(100000) = 0.032; five of them.
        assert!((mean - 10.0).abs() < 0.16, "{mean}");
        assert!((variance.sqrt() - 10.0).abs() < 0.3, "{variance}");
        let beyond_mean = gaps.iter().filter(|g| **g > 10.0).count() as f64 / gaps.len() as f64;
        assert!((beyond_mean - (-1.0f64).exp()).abs() < 0.008, "{beyond_mean}");
    }
}
