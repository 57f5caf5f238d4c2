//! What a client under test notes and counts.
//!
//! Nothing here allocates after it was made, and one note costs tens of nanoseconds: the instrument must not become the load.

use hdrhistogram::Histogram;

use crate::ca::carry::Unwrapper;
use crate::pv::{NativeType, PvId, Seq};
use crate::scenario::model::Facts;
use crate::time::Tick;
use crate::trace::{ClientTally, Loss, Observation, Window, histogram};

/// A PV that a client looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Which.
    pub pv: PvId,
    /// Its native type.
    pub native: NativeType,
    /// How many labels it has, if it is an enum.
    pub labels: usize,
}

/// What one value came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether it was new to the client.
    pub news: bool,
    /// The observation to record, if it is to be recorded.
    pub record: Option<Observation>,
}

#[derive(Debug)]
struct Entry {
    pv: PvId,
    unwrapper: Unwrapper,
    touched: bool,
    last: Option<Seq>,
}

/// Durations: a histogram, and their exact sum, for the histogram rounds.
#[derive(Debug)]
struct Durations {
    /// Only of a client's first copy: a thousand of them would take a third of a gigabyte.
    histogram: Option<Histogram<u64>>,
    sum: u128,
    count: u64,
}

impl Durations {
    fn new(copy: u32) -> Durations {
        Durations { histogram: (copy == 0).then(histogram::nanoseconds), sum: 0, count: 0 }
    }

    fn absorb(&mut self, other: &Durations) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn add(&mut self, from: Tick, to: Tick) {
        let span = to.saturating_since(from).0;
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(span);
        }
        self.sum += u128::from(span);
        self.count += 1;
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

/// The notes of one client.
#[derive(Debug)]
pub struct Tally {
    entries: Vec<Entry>,
    facts: Facts,
    copy: u32,
    window: Option<Window>,
    requests: u64,
    redundant: u64,
    updates: u64,
    unreadable: u64,
    without_first: usize,
    round_start: Option<Tick>,
    periods: Durations,
    round_trips: Durations,
    losses: Vec<Loss>,
}

impl Tally {
    /// For a client that looks at these PVs.
    #[must_use]
    pub fn new(pvs: &[Followed], facts: Facts) -> Tally {
        Tally::of_copy(pvs, facts, 0)
    }

    /// For one of a client's copies, counted from 0. Only the first keeps histograms.
    #[must_use]
    pub fn of_copy(pvs: &[Followed], facts: Facts, copy: u32) -> Tally {
        let entry = |f: &Followed| Entry {
            pv: f.pv,
            unwrapper: Unwrapper::new(f.native, f.labels),
            touched: false,
            last: None,
        };
        Tally {
            entries: pvs.iter().map(entry).collect(),
            facts,
            copy,
            window: None,
            requests: 0,
            redundant: 0,
            updates: 0,
            unreadable: 0,
            without_first: pvs.len(),
            round_start: None,
            periods: Durations::new(copy),
            round_trips: Durations::new(copy),
            losses: Vec::new(),
        }
    }

    /// The measuring window, or the window as it came out in the end.
    pub fn set_window(&mut self, window: Window) {
        self.window = Some(window);
    }

    /// PVs that the client has no value of yet, readable or not.
    #[must_use]
    pub fn without_first(&self) -> usize {
        self.without_first
    }

    /// The indices of these PVs.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().enumerate().filter(|(_, entry)| !entry.touched).map(|(index, _)| index)
    }

    fn in_window(&self, at: Tick) -> bool {
        self.window.is_some_and(|w| w.contains(at))
    }

    /// A poll round starts.
    pub fn round_started(&mut self, at: Tick) {
        if let Some(before) = self.round_start.replace(at)
            && self.in_window(before)
            && self.in_window(at)
        {
            self.periods.add(before, at);
        }
    }

    /// What was asked for at `asked` was all there at `received`.
    pub fn answered(&mut self, asked: Tick, received: Tick) {
        if self.in_window(asked) {
            self.round_trips.add(asked, received);
        }
    }

    /// The answer to a get: the number that the value of PV `index` carries, `None` if it is none.
    #[inline]
    pub fn got(&mut self, index: usize, carried: Option<f64>, asked: Tick, received: Tick) -> Note {
        self.requests += 1;
        let note = self.note(index, carried, Some(asked), received);
        self.redundant += u64::from(!note.news);
        note
    }

    /// What a poller of a local copy found in it: no request was made.
    #[inline]
    pub fn read(&mut self, index: usize, carried: Option<f64>, asked: Tick, received: Tick) -> Note {
        self.note(index, carried, Some(asked), received)
    }

    /// A monitor update.
    #[inline]
    pub fn updated(&mut self, index: usize, carried: Option<f64>, received: Tick) -> Note {
        self.updates += 1;
        self.note(index, carried, None, received)
    }

    /// The client was without its IOC.
    pub fn lost(&mut self, loss: Loss) {
        self.losses.push(loss);
    }

    /// Updates that somebody else received for this client.
    pub fn count_updates(&mut self, updates: u64) {
        self.updates += updates;
    }

    #[inline]
    fn note(&mut self, index: usize, carried: Option<f64>, asked: Option<Tick>, received: Tick) -> Note {
        let Some(entry) = self.entries.get_mut(index) else { return Note { news: false, record: None } };
        self.without_first -= usize::from(!entry.touched);
        entry.touched = true;
        let Some(seq) = carried.and_then(|number| entry.unwrapper.unwrap(number)) else {
            self.unreadable += 1;
            return Note { news: true, record: None };
        };
        let before = entry.last.replace(seq);
        let (first, news) = (before.is_none(), before != Some(seq));
        let keep = news || self.facts == Facts::Full;
        let record = keep.then_some(Observation { pv: entry.pv, seq, asked, received, first, copy: self.copy });
        Note { news, record }
    }

    /// Adds the counts of another copy of the client: exact sums and means; the distribution of periods and round trips stays that of the
    /// first.
    pub fn absorb(&mut self, other: Tally) {
        self.requests += other.requests;
        self.redundant += other.redundant;
        self.updates += other.updates;
        self.unreadable += other.unreadable + other.ambiguous();
        self.periods.absorb(&other.periods);
        self.round_trips.absorb(&other.round_trips);
        self.losses.extend(other.losses);
    }

    /// Whether it is a client's first copy, which has the histograms.
    #[must_use]
    pub fn is_of_first_copy(&self) -> bool {
        self.copy == 0
    }

    fn ambiguous(&self) -> u64 {
        self.entries.iter().map(|e| e.unwrapper.ambiguous()).sum()
    }

    /// The counts. `overflowed`: observations that the recording had no room for.
    #[must_use]
    pub fn finish(self, overflowed: u64) -> ClientTally {
        let ambiguous = self.ambiguous();
        ClientTally {
            requests: Some(self.requests),
            redundant: Some(self.redundant),
            updates: Some(self.updates),
            mean_period_ns: self.periods.mean(),
            periods: self.periods.histogram.unwrap_or_else(histogram::nanoseconds),
            mean_round_trip_ns: self.round_trips.mean(),
            round_trips: self.round_trips.histogram.unwrap_or_else(histogram::nanoseconds),
            ambiguous: ambiguous + self.unreadable,
            overflowed,
            losses: self.losses,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(natives: &[NativeType], facts: Facts) -> Tally {
        let followed =
            |(i, native): (usize, &NativeType)| Followed { pv: PvId(i as u32 + 10), native: *native, labels: 0 };
        let pvs: Vec<Followed> = natives.iter().enumerate().map(followed).collect();
        Tally::new(&pvs, facts)
    }

    #[test]
    fn news_is_recorded_and_what_is_known_is_counted() {
        for (facts, kept) in [(Facts::News, [true, false, true, false]), (Facts::Full, [true; 4])] {
            let mut tally = tally(&[NativeType::Double], facts);
            assert_eq!(tally.without_first(), 1);
            let mut seen = Vec::new();
            for (at, number) in [(1, 5.0), (2, 5.0), (3, 8.0), (4, 8.0)] {
                let note = tally.got(0, Some(number), Tick(at), Tick(at + 100));
                assert_eq!(note.news, at % 2 == 1);
                if let Some(o) = note.record {
                    assert_eq!((o.pv, o.seq, o.asked), (PvId(10), Seq(number as u64), Some(Tick(at))));
                    assert_eq!((o.received, o.first), (Tick(at + 100), at == 1));
                }
                seen.push(note.record.is_some());
            }
            assert_eq!(seen, kept);
            assert_eq!(tally.without_first(), 0);
            let counts = tally.finish(3);
            assert_eq!(
                (counts.requests, counts.redundant, counts.updates, counts.overflowed),
                (Some(4), Some(2), Some(0), 3)
            );
        }
    }

    #[test]
    fn a_first_value_of_zero_is_a_value() {
        let mut tally = tally(&[NativeType::Double], Facts::News);
        assert!(tally.got(0, Some(0.0), Tick(1), Tick(2)).record.is_some_and(|o| o.first && o.seq == Seq(0)));
        assert!(!tally.got(0, Some(0.0), Tick(3), Tick(4)).news);
        assert_eq!(tally.finish(0).redundant, Some(1));
    }

    #[test]
    fn narrow_types_are_unwrapped_and_unreadable_values_are_counted() {
        let mut tally = tally(&[NativeType::Char, NativeType::Double], Facts::News);
        for (number, seq) in [(200.0, 200), (250.0, 250), (10.0, 266), (100.0, 356)] {
            let note = tally.updated(0, Some(number), Tick(1));
            assert_eq!(note.record.map(|o| o.seq), Some(Seq(seq)));
        }
        assert_eq!(tally.updated(1, None, Tick(1)).record, None);
        assert_eq!(tally.updated(1, Some(0.5), Tick(1)).record, None);
        assert_eq!(tally.updated(7, Some(1.0), Tick(1)).record, None, "no such PV");
        let counts = tally.finish(0);
        assert_eq!((counts.updates, counts.requests, counts.ambiguous), (Some(7), Some(0), 2));
    }

    #[test]
    fn periods_and_round_trips_are_those_of_the_window() {
        let mut tally = tally(&[NativeType::Double], Facts::News);
        let round = |tally: &mut Tally, at: u64| {
            tally.round_started(Tick(at));
            tally.answered(Tick(at), Tick(at + 3));
        };
        round(&mut tally, 10);
        tally.set_window(Window { open: Tick(100), close: Tick(200), end: Tick(300) });
        for at in [50, 100, 120, 150, 199, 230] {
            round(&mut tally, at);
        }
        let counts = tally.finish(0);
        assert_eq!((counts.periods.len(), counts.mean_period_ns), (3, Some(33.0)));
        assert_eq!((counts.round_trips.len(), counts.mean_round_trip_ns), (4, Some(3.0)));
        assert_eq!(counts.periods.max(), 49);
    }

    #[test]
    fn copies_count_together() {
        let followed = [Followed { pv: PvId(10), native: NativeType::Double, labels: 0 }];
        let mut all: Vec<Tally> = (0..3).map(|copy| Tally::of_copy(&followed, Facts::News, copy)).collect();
        for (copy, tally) in all.iter_mut().enumerate() {
            tally.set_window(Window { open: Tick(0), close: Tick(1000), end: Tick(1000) });
            for round in 0..2 + copy as u64 {
                let at = Tick(round * 10 * (1 + copy as u64));
                tally.round_started(at);
                tally.answered(at, at + crate::time::Span(1 + copy as u64));
                let note = tally.got(0, Some(7.0), at, at + crate::time::Span(1));
                assert_eq!(note.record.map(|o| o.copy), (round == 0).then_some(copy as u32));
            }
        }
        let rest = all.split_off(1);
        let mut first = all.remove(0);
        rest.into_iter().for_each(|tally| first.absorb(tally));
        let counts = first.finish(0);
        assert_eq!((counts.requests, counts.redundant), (Some(9), Some(6)));
        // Periods: one of 10, two of 20, three of 30; round trips: two of 1, three of 2, four of 3.
        assert_eq!((counts.mean_period_ns, counts.periods.len()), (Some(140.0 / 6.0), 1));
        assert_eq!((counts.mean_round_trip_ns, counts.round_trips.len()), (Some(20.0 / 9.0), 2));
    }

    #[test]
    fn without_rounds_there_is_no_mean() {
        let counts = tally(&[NativeType::Double], Facts::News).finish(0);
        assert_eq!((counts.mean_period_ns, counts.mean_round_trip_ns), (None, None));
    }
}
