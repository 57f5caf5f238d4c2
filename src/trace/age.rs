//! Age of information: now minus the posting of the newest value that the client holds, as a function of time.
//!
//! Kaul, Yates, Gruteser, "Real-time status: How often should one update?" (INFOCOM 2012); the mean peak is that of Costa,
//! Codreanu, Ephremides, "Age of information with packet management" (ISIT 2014). A client that holds a value gets older by
//! one nanosecond a nanosecond and younger at each newer value: a saw-tooth that is integrated exactly, in integers.
//!
//! As long as a client holds nothing, or only a value from before the changes of its segment began (`seq` 0, which was never posted, or
//! the last one of an earlier client's segment), it has no age: that time is in neither the area nor the time that the area
//! is divided by.

use super::by_pv::{ByPv, EmissionIndex};
use super::{Observation, Window};
use crate::pv::{PvId, Seq};
use crate::time::Tick;

/// The area below the saw-teeth of all PVs, and their peaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Age {
    twice_area: i128,
    covered: u128,
    peak_sum: i128,
    peaks: u64,
}

impl Age {
    /// Mean age over the window and over PVs, in ns, each PV weighing by the time it had an age; `None` when none had.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        (self.covered > 0).then(|| self.twice_area as f64 / 2.0 / self.covered as f64)
    }

    /// Mean over all updates of the age just before the update, in ns; `None` without an update in the window.
    #[must_use]
    pub fn mean_peak_ns(&self) -> Option<f64> {
        (self.peaks > 0).then(|| self.peak_sum as f64 / self.peaks as f64)
    }

    /// Adds another stretch of time.
    pub fn add(&mut self, other: &Age) {
        self.twice_area = self.twice_area.saturating_add(other.twice_area);
        self.covered += other.covered;
        self.peak_sum += other.peak_sum;
        self.peaks += other.peaks;
    }

    /// Adds the time from `from` to `to`, over which the newest value held was posted at `posted`.
    fn hold(&mut self, posted: Tick, from: Tick, to: Tick) {
        let square = |ns: i64| i128::from(ns) * i128::from(ns);
        let piece = square(to.signed_since(posted)) - square(from.signed_since(posted));
        self.twice_area = self.twice_area.saturating_add(piece);
        self.covered += u128::from(to.saturating_since(from).0);
    }

    fn peak(&mut self, posted: Tick, at: Tick) {
        self.peak_sum += i128::from(at.signed_since(posted));
        self.peaks += 1;
    }
}

/// What a client holds of one PV.
#[derive(Clone, Copy, Debug)]
struct Held {
    seq: Seq,
    posted: Tick,
}

/// The age of a client's information on `pvs` over `[open, close)` of its window. `by_pv` groups `observations`;
/// what was posted before `begun` has no age.
///
/// Observations of a number that was never posted are passed over.
#[must_use]
pub fn age(
    emissions: &EmissionIndex<'_>,
    observations: &[Observation],
    by_pv: &ByPv,
    pvs: &[PvId],
    window: Window,
    begun: Tick,
) -> Age {
    let mut age = Age::default();
    let mut received: Vec<(Tick, Seq)> = Vec::new();
    // Found before they are needed: they lie far apart.
    let mut posted: Vec<Option<Tick>> = Vec::new();
    for &pv in pvs {
        received.clear();
        let of_pv = by_pv.of(pv).iter().map(|&i| &observations[i as usize]);
        received.extend(of_pv.filter(|o| o.received < window.close).map(|o| (o.received, o.seq)));
        if !received.is_sorted() {
            received.sort_unstable();
        }
        let mut held: Option<Held> = None;
        let mut from = window.open;
        posted.clear();
        posted.extend(received.iter().map(|&(_, seq)| emissions.find(pv, seq).map(|e| e.posted)));
        for (&(at, seq), posted) in received.iter().zip(&posted) {
            if held.is_some_and(|held| seq <= held.seq) {
                continue;
            }
            let Some(posted) = posted.filter(|posted| *posted >= begun) else { continue };
            let newer = Held { seq, posted };
            if at >= window.open {
                if let Some(held) = held {
                    age.hold(held.posted, from, at);
                    age.peak(held.posted, at);
                }
                from = at;
            }
            held = Some(newer);
        }
        if let Some(held) = held.filter(|_| from < window.close) {
            age.hold(held.posted, from, window.close);
        }
    }
    age
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::Emission;

    fn emission(pv: u32, seq: u64, posted: u64) -> Emission {
        Emission { pv: PvId(pv), seq: Seq(seq), due: Tick(posted), posted: Tick(posted) }
    }

    fn observation(pv: u32, seq: u64, received: u64) -> Observation {
        Observation { pv: PvId(pv), seq: Seq(seq), asked: None, received: Tick(received), first: false, copy: 0 }
    }

    const WINDOW: Window = Window { open: Tick(100), close: Tick(200), end: Tick(250) };

    fn of(emissions: &[Emission], observations: &[Observation]) -> Age {
        let index = EmissionIndex::new(3, emissions);
        let by_pv = ByPv::new(3, observations.iter().map(|o| o.pv));
        age(&index, observations, &by_pv, &[PvId(0), PvId(1)], WINDOW, Tick(0))
    }

    #[test]
    fn a_saw_tooth_by_hand() {
        // Holds the change of 80 from 90 on; from 150 on that of 140: ages 20..70 over 50 ns, then 10..60 over 50 ns.
        let age = of(&[emission(0, 1, 80), emission(0, 2, 140)], &[observation(0, 1, 90), observation(0, 2, 150)]);
        assert_eq!(age.mean_ns(), Some((45.0 + 35.0) / 2.0));
        assert_eq!(age.mean_peak_ns(), Some(70.0));
    }

    #[test]
    fn no_age_before_anything_is_held() {
        // The value from before the first change has no posting; the age begins at 150.
        let age = of(&[emission(0, 1, 140)], &[observation(0, 0, 90), observation(0, 1, 150)]);
        assert_eq!((age.mean_ns(), age.mean_peak_ns()), (Some(35.0), None));
        let nothing = of(&[emission(0, 1, 140)], &[observation(0, 0, 90), observation(0, 9, 150)]);
        assert_eq!((nothing.mean_ns(), nothing.mean_peak_ns()), (None, None));
    }

    #[test]
    fn what_an_earlier_client_left_behind_has_no_age() {
        let (emissions, observations) =
            ([emission(0, 7, 30), emission(0, 8, 140)], [observation(0, 7, 90), observation(0, 8, 150)]);
        let index = EmissionIndex::new(1, &emissions);
        let by_pv = ByPv::new(1, observations.iter().map(|o| o.pv));
        let since = |begun| age(&index, &observations, &by_pv, &[PvId(0)], WINDOW, Tick(begun)).mean_ns();
        assert_eq!(since(50), Some(35.0));
        assert_eq!(since(30), Some((95.0 + 35.0) / 2.0));
    }

    prop_compose! {
        fn facts()(steps in prop::collection::vec((0u32..2, 1u64..20, 0u64..40), 0..40)) -> (Vec<Emission>, Vec<Observation>) {
            let (mut now, mut seq) = (60, [0; 2]);
            steps.into_iter().map(|(pv, step, delay)| {
                now += step;
                seq[pv as usize] += 1;
                (emission(pv, seq[pv as usize], now), observation(pv, seq[pv as usize], now + delay))
            }).unzip()
        }
    }

    proptest! {
        #[test]
        fn equals_the_sum_over_every_nanosecond((emissions, observations) in facts()) {
            let (mut sum, mut covered) = (0.0, 0u64);
            for pv in [PvId(0), PvId(1)] {
                for now in WINDOW.open.0..WINDOW.close.0 {
                    let newest = observations.iter().filter(|o| o.pv == pv && o.received.0 <= now).map(|o| o.seq).max();
                    if let Some(seq) = newest {
                        let posted = emissions.iter().find(|e| e.pv == pv && e.seq == seq).unwrap().posted;
                        sum += (now - posted.0) as f64 + 0.5;
                        covered += 1;
                    }
                }
            }
            let age = of(&emissions, &observations);
            prop_assert_eq!(age.mean_ns().is_some(), covered > 0);
            if let Some(mean) = age.mean_ns() {
                prop_assert!((mean - sum / covered as f64).abs() < 1e-9);
            }
        }
    }
}
