//! When the next round of a poller starts.
//!
//! One state machine for every pacing: told when a round started and ended and whether it brought news, it says when
//! the next one starts. It reads no clock and never sleeps; live and simulated pollers use the same one.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::scenario::model::Pacing;
use crate::time::{Span, Tick};

/// A round that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// When its first request left.
    pub start: Tick,
    /// When its last value was there.
    pub end: Tick,
    /// Whether any of its values was new.
    pub news: bool,
}

/// Decides when rounds start.
///
/// - `fixed-delay`: `period` after the end of the last round.
/// - `fixed-rate`: slots every `period` from the first round on. A round that overruns its slot costs the slots that it covered:
///   they are skipped, never made up for by a burst, and the next round starts at the first slot that is not yet past.
/// - `jittered`: as `fixed-delay`, each sleep moved by a uniform random part of it.
/// - `backoff`: after news `first`, then doubling up to `last`.
/// - `spin`: at once.
/// - `hybrid`: after news `sleep` later, otherwise at once.
#[derive(Debug)]
pub struct Pacer {
    pacing: Pacing,
    random: Pcg64Mcg,
    /// The slot of the current round (`fixed-rate`).
    slot: Tick,
    /// The next sleep (`backoff`).
    delay: Span,
}

impl Pacer {
    /// A pacer whose random choices follow from `seed`.
    #[must_use]
    pub fn new(pacing: Pacing, seed: u64) -> Pacer {
        let delay = match pacing {
            Pacing::Backoff { first, .. } => first,
            _ => Span::ZERO,
        };
        Pacer { pacing, random: Pcg64Mcg::seed_from_u64(seed), slot: Tick::default(), delay }
    }

    /// When the first round starts: a random part of the asked period after `now`, so that polls and changes are not in step.
    pub fn first(&mut self, now: Tick) -> Tick {
        let phase = self.part_of(self.pacing.asked_period(), 0.0, 1.0);
        self.slot = now + phase;
        self.slot
    }

    /// When the round after `round` starts; at or before its end means at once.
    pub fn after(&mut self, round: Round) -> Tick {
        match self.pacing {
            Pacing::FixedDelay { period } => round.end + period,
            Pacing::FixedRate { period } => self.next_slot(round.end, period),
            Pacing::Jittered { period, jitter } => round.end + self.part_of(period, 1.0 - jitter, 1.0 + jitter),
            Pacing::Backoff { first, last } => round.end + self.back_off(round.news, first, last),
            Pacing::Spin => round.end,
            Pacing::Hybrid { sleep } if round.news => round.end + sleep,
            Pacing::Hybrid { .. } => round.end,
        }
    }

    /// A uniform random part of `span` between the fractions `low` and `high`.
    fn part_of(&mut self, span: Span, low: f64, high: f64) -> Span {
        let fraction = low + (high - low) * self.random.random::<f64>();
        Span((span.0 as f64 * fraction) as u64)
    }

    fn next_slot(&mut self, end: Tick, period: Span) -> Tick {
        if period == Span::ZERO {
            return end;
        }
        self.slot += period;
        let late = end.saturating_since(self.slot);
        self.slot += period * late.0.div_ceil(period.0);
        self.slot
    }

    fn back_off(&mut self, news: bool, first: Span, last: Span) -> Span {
        if news {
            self.delay = first;
        }
        let delay = self.delay.min(last);
        self.delay = (self.delay * 2).min(last);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Starts of successive rounds in ms; each round lasts `lasting` ms and brings `news` in turn.
    fn starts(pacing: Pacing, rounds: &[(u64, bool)]) -> Vec<f64> {
        let mut pacer = Pacer::new(pacing, 1);
        let mut start = pacer.first(Tick(0));
        let origin = start;
        let mut seen = Vec::new();
        for (lasting, news) in rounds {
            let end = start + Span(lasting * MS);
            start = pacer.after(Round { start, end, news: *news }).max(end);
            seen.push(start.saturating_since(origin).as_millis_f64());
        }
        seen
    }

    #[test]
    fn each_pacing_keeps_its_rule() {
        let period = Span::from_millis(10);
        let quiet = [(2, false); 4];
        type Case<'a> = (&'a str, Pacing, &'a [(u64, bool)], &'a [f64]);
        let cases: [Case<'_>; 7] = [
            ("delay", Pacing::FixedDelay { period }, &quiet, &[12.0, 24.0, 36.0, 48.0]),
            ("rate", Pacing::FixedRate { period }, &quiet, &[10.0, 20.0, 30.0, 40.0]),
            (
                "rate skips what it missed",
                Pacing::FixedRate { period },
                &[(2, false), (25, false), (10, false), (1, false)],
                &[10.0, 40.0, 50.0, 60.0],
            ),
            ("spin", Pacing::Spin, &quiet, &[2.0, 4.0, 6.0, 8.0]),
            (
                "backoff doubles, news starts it over",
                Pacing::Backoff { first: period, last: Span::from_millis(35) },
                &[(0, false), (0, false), (0, false), (0, false), (0, true), (0, false)],
                &[10.0, 30.0, 65.0, 100.0, 110.0, 130.0],
            ),
            (
                "hybrid sleeps after news only",
                Pacing::Hybrid { sleep: Span::from_millis(50) },
                &[(1, false), (1, true), (1, false)],
                &[1.0, 52.0, 53.0],
            ),
            ("a period of nothing is a spin", Pacing::FixedRate { period: Span::ZERO }, &quiet, &[2.0, 4.0, 6.0, 8.0]),
        ];
        for (name, pacing, rounds, want) in cases {
            assert_eq!(starts(pacing, rounds), want, "{name}");
        }
    }

    #[test]
    fn the_first_phase_is_uniform_over_the_period() {
        let period = Span::from_millis(100);
        let phases: Vec<f64> = (0..4000)
            .map(|seed| Pacer::new(Pacing::FixedDelay { period }, seed).first(Tick(0)).0 as f64 / period.0 as f64)
            .collect();
        let mean = phases.iter().sum::<f64>() / phases.len() as f64;
        // The mean of 4000 uniform numbers has a standard deviation of 0.0046; the seeds are fixed.
        assert!((mean - 0.5).abs() < 0.02, "mean phase {mean}");
        assert!(phases.iter().all(|p| (0.0..1.0).contains(p)));
        for decile in 0..10 {
            let low = f64::from(decile) / 10.0;
            let count = phases.iter().filter(|p| (low..low + 0.1).contains(*p)).count();
            assert!((300..500).contains(&count), "{count} of 4000 in the decile from {low}");
        }
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_follows_the_seed() {
        let pacing = Pacing::Jittered { period: Span::from_millis(10), jitter: 0.5 };
        let sleeps = |seed| {
            let mut pacer = Pacer::new(pacing.clone(), seed);
            let round = Round { start: Tick(0), end: Tick(0), news: false };
            (0..500).map(|_| pacer.after(round).0).collect::<Vec<_>>()
        };
        assert!(sleeps(3).iter().all(|s| (5 * MS..=15 * MS).contains(s)));
        assert!(sleeps(3).iter().any(|s| *s < 6 * MS) && sleeps(3).iter().any(|s| *s > 14 * MS));
        assert_eq!(sleeps(3), sleeps(3));
        assert_ne!(sleeps(3), sleeps(4));
    }
}
