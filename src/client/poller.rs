//! A poller: a fetch and a pacing, as one state machine that says what to do now.
//!
//! A *round* looks at all PVs once. It is one *asking* of all of them (`batch`, `cached`) or one asking for each (`serial`, `connect`):
//! an asking is answered as a whole, and its values reach the client's own code together. The round before the first pacing
//! takes the first values; it starts at once, and the next one at a random phase.

use std::ops::Range;

use super::pacing::{Pacer, Round};
use crate::scenario::model::{Fetch, Pacing};
use crate::time::Tick;

/// What a poller does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing until this instant.
    WaitUntil(Tick),
    /// Ask for these PVs, together; then tell [`Poller::answered`].
    Ask {
        /// Indices into the client's PVs.
        which: Range<usize>,
        /// Whether this starts a round.
        starts_round: bool,
    },
}

/// How many PVs one asking is for.
#[must_use]
pub fn asked_together(fetch: Fetch, pvs: usize) -> usize {
    match fetch {
        Fetch::Serial | Fetch::Connect => 1,
        // A monitor does not ask; what is cached is read in one go.
        Fetch::Batch | Fetch::Cached | Fetch::Monitor => pvs.max(1),
    }
}

/// The state machine.
#[derive(Debug)]
pub struct Poller {
    pacer: Pacer,
    pvs: usize,
    together: usize,
    due: Tick,
    round: Option<Open>,
    rounds: u64,
}

/// A round that has started.
#[derive(Debug)]
struct Open {
    start: Tick,
    next: usize,
    news: bool,
}

impl Poller {
    /// A poller of `pvs` PVs. Its random choices follow from `seed`.
    #[must_use]
    pub fn new(fetch: Fetch, pacing: Pacing, pvs: usize, seed: u64) -> Poller {
        let together = asked_together(fetch, pvs);
        Poller { pacer: Pacer::new(pacing, seed), pvs, together, due: Tick(0), round: None, rounds: 0 }
    }

    /// What to do at `now`. An asking that it returns is under way until [`Poller::answered`].
    pub fn next(&mut self, now: Tick) -> Action {
        let starts_round = self.round.is_none();
        if starts_round && now < self.due {
            return Action::WaitUntil(self.due);
        }
        let round = self.round.get_or_insert(Open { start: now, next: 0, news: false });
        let until = (round.next + self.together).min(self.pvs);
        Action::Ask { which: round.next..until, starts_round }
    }

    /// The asking under way is answered; `news`: whether any of its values was new.
    pub fn answered(&mut self, now: Tick, news: bool) {
        let Some(round) = &mut self.round else { return };
        round.next += self.together;
        round.news |= news;
        if round.next < self.pvs {
            return;
        }
        let over = Round { start: round.start, end: now, news: round.news };
        self.round = None;
        self.due = if self.rounds == 0 { self.pacer.first(now) } else { self.pacer.after(over) };
        self.rounds += 1;
    }

    /// How many rounds are over, that of the first values included.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.rounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    const MS: u64 = 1_000_000;

    /// Runs a poller in virtual time: an asking takes 1 ms, every `news_every`-th brings news.
    fn run(
        fetch: Fetch,
        pacing: Pacing,
        pvs: usize,
        askings: usize,
        news_every: usize,
    ) -> Vec<(u64, Range<usize>, bool)> {
        let mut poller = Poller::new(fetch, pacing, pvs, 7);
        let mut now = Tick(0);
        let mut seen = Vec::new();
        while seen.len() < askings {
            match poller.next(now) {
                Action::WaitUntil(due) => {
                    assert!(due > now);
                    now = due;
                }
                Action::Ask { which, starts_round } => {
                    seen.push((now.0, which, starts_round));
                    now += Span(MS);
                    poller.answered(now, seen.len() % news_every == 0);
                }
            }
        }
        seen
    }

    #[test]
    fn a_batch_asks_for_all_and_a_serial_poller_for_one_after_the_other() {
        let spin = run(Fetch::Batch, Pacing::Spin, 3, 3, 99);
        assert_eq!(spin, [(0, 0..3, true), (MS, 0..3, true), (2 * MS, 0..3, true)]);
        for fetch in [Fetch::Serial, Fetch::Connect] {
            let spin = run(fetch, Pacing::Spin, 2, 4, 99);
            assert_eq!(spin, [(0, 0..1, true), (MS, 1..2, false), (2 * MS, 0..1, true), (3 * MS, 1..2, false)]);
        }
    }

    #[test]
    fn first_values_at_once_then_a_random_phase_then_the_pacing() {
        let period = Span::from_millis(10);
        let starts: Vec<u64> =
            run(Fetch::Batch, Pacing::FixedDelay { period }, 2, 4, 99).iter().map(|(at, ..)| *at).collect();
        assert_eq!(starts[0], 0);
        assert!((MS..11 * MS).contains(&starts[1]) && !starts[1].is_multiple_of(MS), "{starts:?}");
        assert_eq!((starts[2] - starts[1], starts[3] - starts[2]), (11 * MS, 11 * MS));
    }

    #[test]
    fn news_of_any_pv_is_news_of_the_round() {
        let pacing = Pacing::Backoff { first: Span::from_millis(10), last: Span::from_millis(40) };
        // Two askings a round; every 6th asking, the second of each third round, brings news.
        let starts: Vec<u64> =
            run(Fetch::Serial, pacing, 2, 16, 6).iter().filter(|a| a.2).map(|(at, ..)| *at).collect();
        let gaps: Vec<u64> = starts.windows(2).skip(1).map(|w| (w[1] - w[0]) / MS).collect();
        assert_eq!(gaps, [12, 12, 22, 42, 12, 22]);
    }
}
