//! Each change of a client's PVs, set against what that client came to know of it, and when.
//!
//! Exactly:
//! - The changes of a segment are those of the client's PVs that were posted in `[open, close)` of its window.
//! - Observations count until the end of the drain (`received <= end`); later ones are as if never made.
//! - *Noticed* is the first instant at which the client received an observation with `seq >= e.seq`, over all of its
//!   observations of that PV. An instant before the posting (a fault of the clock or the instrument) is kept as it is,
//!   so that the latency comes out negative and can be counted.
//! - *Seen* is the first instant at which it received the very `seq`; a change never seen is *missed*.
//! - The client's first value of a PV only tells what the client started with. Changes that it already held
//!   (`e.seq <= first.seq`) came before the client's time: they are left out altogether and counted as
//!   [`Paired::before_first`]. In a live run the window opens after every first value, so there are none.
//!   Of several first values of a PV the one received earliest is meant; after a reconnection values count as any other.

use super::by_pv::{ByPv, EmissionIndex};
use super::{Emission, Observation, Window};
use crate::pv::{PvId, Seq};
use crate::time::Tick;

/// One change and when the client knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The change.
    pub emission: Emission,
    /// Its place among all changes of its repeat, in the order in which they are recorded, from 0.
    pub place: u32,
    /// When the client first had something at least as new.
    pub noticed: Option<Tick>,
    /// When the client first had this very change; `None`: missed.
    pub seen: Option<Tick>,
}

impl Change {
    /// Notice latency in ns, from the posting. May be negative.
    #[must_use]
    pub fn notice_ns(&self) -> Option<i64> {
        Some(self.noticed?.signed_since(self.emission.posted))
    }

    /// Intended latency in ns: the same from the scheduled instant.
    #[must_use]
    pub fn intended_ns(&self) -> Option<i64> {
        Some(self.noticed?.signed_since(self.emission.due))
    }

    /// Seen latency in ns, from the posting. May be negative.
    #[must_use]
    pub fn seen_ns(&self) -> Option<i64> {
        Some(self.seen?.signed_since(self.emission.posted))
    }

    /// How late the IOC posted it, in ns. May be negative.
    #[must_use]
    pub fn lateness_ns(&self) -> i64 {
        self.emission.posted.signed_since(self.emission.due)
    }
}

/// What was counted while pairing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// Changes that were handed to the visitor.
    pub changes: u64,
    /// Changes in the window that the client's first value already held: left out.
    pub before_first: u64,
}

impl Paired {
    /// Adds other counts.
    pub fn add(&mut self, other: &Paired) {
        self.changes += other.changes;
        self.before_first += other.before_first;
    }
}

/// What a client knew of one PV at and after a change: its observations by rising `seq`.
#[derive(Clone, Copy, Debug)]
struct Known {
    seq: Seq,
    received: Tick,
    /// The earliest `received` of this and all higher numbers.
    soonest: Tick,
}

/// Hands every change of `pvs` in the window to `visit`, PV by PV and by rising `seq`.
///
/// `by_pv` groups `observations`. Linear in the number of facts as long as they are in order; the only memory is that
/// of the facts of one PV at a time. They are brought together before they are paired: they lie far apart, and a processor fetches many at once
/// where nothing waits for one of them.
pub fn pair(
    emissions: &EmissionIndex<'_>,
    observations: &[Observation],
    by_pv: &ByPv,
    pvs: &[PvId],
    window: Window,
    mut visit: impl FnMut(&Change),
) -> Paired {
    let mut paired = Paired::default();
    let (mut known, mut made) = (Vec::new(), Vec::new());
    for &pv in pvs {
        let of_pv = by_pv.of(pv).iter().map(|&i| &observations[i as usize]).filter(|o| o.received <= window.end);
        let first = of_pv.clone().filter(|o| o.first).min_by_key(|o| o.received).map(|o| o.seq);
        gather(of_pv, &mut known);
        let mut ahead = known.as_slice();
        made.clear();
        made.extend(emissions.placed_in_window(pv, window).map(|(place, emission)| (place, *emission)));
        for &(place, emission) in &made {
            if first.is_some_and(|first| emission.seq <= first) {
                paired.before_first += 1;
                continue;
            }
            let older = ahead.iter().take_while(|k| k.seq < emission.seq).count();
            ahead = &ahead[older..];
            let newest = ahead.first();
            visit(&Change {
                emission,
                place,
                noticed: newest.map(|k| k.soonest),
                seen: newest.filter(|k| k.seq == emission.seq).map(|k| k.received),
            });
            paired.changes += 1;
        }
    }
    paired
}

fn gather<'a>(observations: impl Iterator<Item = &'a Observation>, known: &mut Vec<Known>) {
    known.clear();
    known.extend(observations.map(|o| Known { seq: o.seq, received: o.received, soonest: o.received }));
    let key = |k: &Known| (k.seq, k.received);
    if !known.is_sorted_by_key(key) {
        known.sort_by_key(key);
    }
    let mut soonest = Tick(u64::MAX);
    for k in known.iter_mut().rev() {
        soonest = soonest.min(k.received);
        k.soonest = soonest;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn emission(pv: u32, seq: u64, posted: u64) -> Emission {
        Emission { pv: PvId(pv), seq: Seq(seq), due: Tick(posted - 1), posted: Tick(posted) }
    }

    fn observation(pv: u32, seq: u64, received: u64) -> Observation {
        Observation { pv: PvId(pv), seq: Seq(seq), asked: None, received: Tick(received), first: false, copy: 0 }
    }

    fn changes(
        emissions: &[Emission],
        observations: &[Observation],
        pvs: &[PvId],
        window: Window,
    ) -> (Vec<Change>, Paired) {
        let index = EmissionIndex::new(4, emissions);
        let by_pv = ByPv::new(4, observations.iter().map(|o| o.pv));
        let mut changes = Vec::new();
        let paired = pair(&index, observations, &by_pv, pvs, window, |c| changes.push(*c));
        (changes, paired)
    }

    const WINDOW: Window = Window { open: Tick(100), close: Tick(200), end: Tick(250) };

    #[test]
    fn an_overwritten_change_is_charged_until_something_newer_is_known() {
        let emissions = [emission(0, 1, 90), emission(0, 2, 100), emission(0, 3, 120), emission(0, 4, 200)];
        let first = Observation { first: true, ..observation(0, 1, 95) };
        let (changes, paired) = changes(&emissions, &[first, observation(0, 3, 150)], &[PvId(0)], WINDOW);
        let latencies: Vec<_> = changes.iter().map(|c| (c.emission.seq.0, c.notice_ns(), c.seen_ns())).collect();
        assert_eq!(latencies, [(2, Some(50), None), (3, Some(30), Some(30))]);
        assert_eq!(changes[0].intended_ns(), Some(51));
        assert_eq!(paired, Paired { changes: 2, before_first: 0 });
    }

    #[test]
    fn the_first_value_notices_nothing() {
        let emissions = [emission(0, 1, 110), emission(0, 2, 120), emission(0, 3, 130)];
        // The first value is read between changes 1 and 2 and received after 2 was posted.
        let first = Observation { first: true, ..observation(0, 1, 125) };
        let (changes, paired) = changes(&emissions, &[first, observation(0, 3, 140)], &[PvId(0)], WINDOW);
        assert_eq!(paired, Paired { changes: 2, before_first: 1 });
        assert_eq!(changes[0].notice_ns(), Some(20));
        assert_eq!(changes[1].seen_ns(), Some(10));
    }

    #[test]
    fn what_comes_after_the_end_was_never_received() {
        let emissions = [emission(0, 1, 110), emission(0, 2, 120)];
        let (changes, _) = changes(&emissions, &[observation(0, 1, 250), observation(0, 2, 251)], &[PvId(0)], WINDOW);
        assert_eq!(changes[0].notice_ns(), Some(140));
        assert_eq!(changes[1].noticed, None);
    }

    #[test]
    fn negative_latencies_stay_negative() {
        let (changes, _) = changes(&[emission(0, 1, 110)], &[observation(0, 1, 104)], &[PvId(0)], WINDOW);
        assert_eq!((changes[0].notice_ns(), changes[0].intended_ns()), (Some(-6), Some(-5)));
        assert_eq!(changes[0].lateness_ns(), 1);
    }

    /// The definitions of the module's page, word by word.
    fn oracle(emissions: &[Emission], observations: &[Observation], pvs: &[PvId], window: Window) -> Vec<Change> {
        let mut changes = Vec::new();
        for &pv in pvs {
            let known = || observations.iter().filter(|o| o.pv == pv && o.received <= window.end);
            let first = known().filter(|o| o.first).min_by_key(|o| o.received).map(|o| o.seq);
            let of_pv = emissions.iter().zip(0..).filter(|(e, _)| e.pv == pv && window.contains(e.posted));
            for (e, place) in of_pv {
                if first.is_none_or(|first| e.seq > first) {
                    changes.push(Change {
                        emission: *e,
                        place,
                        noticed: known().filter(|o| o.seq >= e.seq).map(|o| o.received).min(),
                        seen: known().filter(|o| o.seq == e.seq).map(|o| o.received).min(),
                    });
                }
            }
        }
        changes
    }

    prop_compose! {
        /// Changes of three PVs in the order of posting, numbers rising by one.
        fn emitted()(steps in prop::collection::vec((0u32..3, 0u64..15), 0..60)) -> Vec<Emission> {
            let (mut now, mut seq) = (50, [0; 3]);
            steps.into_iter().map(|(pv, step)| {
                now += step;
                seq[pv as usize] += 1;
                emission(pv, seq[pv as usize], now)
            }).collect()
        }
    }

    prop_compose! {
        /// Observations in any order, of any number, some of PVs that do not exist.
        fn observed()(facts in prop::collection::vec((0u32..5, 0u64..25, 0u64..300, 0u8..12), 0..60)) -> Vec<Observation> {
            facts.into_iter()
                .map(|(pv, seq, at, f)| Observation { first: f == 0, ..observation(pv, seq, at) })
                .collect()
        }
    }

    proptest! {
        #[test]
        fn fast_pairing_is_the_definition(emissions in emitted(), observations in observed()) {
            let pvs = [PvId(0), PvId(2)];
            let (fast, paired) = changes(&emissions, &observations, &pvs, WINDOW);
            prop_assert_eq!(&fast, &oracle(&emissions, &observations, &pvs, WINDOW));
            let in_window = emissions.iter().filter(|e| pvs.contains(&e.pv) && WINDOW.contains(e.posted)).count() as u64;
            prop_assert_eq!(paired.changes + paired.before_first, in_window);
            let noticed = fast.iter().filter(|c| c.noticed.is_some()).count() as u64;
            let seen = fast.iter().filter(|c| c.seen.is_some()).count() as u64;
            prop_assert!(seen <= noticed && noticed <= paired.changes);
        }

        #[test]
        fn values_that_were_there_before_they_were_received_make_no_negative_latency(
            emissions in emitted(), delays in prop::collection::vec(0u64..40, 60),
        ) {
            let observations: Vec<_> = emissions.iter().zip(&delays).filter(|(_, d)| **d < 30)
                .map(|(e, d)| observation(e.pv.0, e.seq.0, e.posted.0 + d)).collect();
            let (changes, _) = changes(&emissions, &observations, &[PvId(0), PvId(1), PvId(2)], WINDOW);
            for change in changes {
                prop_assert!(change.notice_ns().is_none_or(|ns| ns >= 0));
                prop_assert!(change.noticed.is_some() || change.seen.is_none());
            }
        }
    }
}
