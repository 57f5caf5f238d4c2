//! All changes of all PVs, merged into one sequence.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use super::generator::{Generator, Instant, cycle};
use super::seed::{Purpose, stream};
use super::signal::SignalSource;
use crate::pv::PvId;
use crate::scenario::model::{Phase, Scenario};
use crate::time::{Span, Tick};

/// A change that is due: of which PV, when, and the new value of its signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DueChange {
    /// The PV.
    pub pv: PvId,
    /// The scheduled instant.
    pub due: Tick,
    /// The underlying signal's value.
    pub signal: f64,
}

/// What is to change, in order of time; at one instant in the order of the PVs.
#[derive(Clone, Debug)]
pub struct Schedule {
    zero: Tick,
    /// The next change of each PV that has one: when, and whose.
    heap: BinaryHeap<Reverse<(Span, u32)>>,
    tracks: Vec<Track>,
}

/// The changes of one PV.
#[derive(Clone, Debug)]
struct Track {
    generator: Generator,
    signal: SignalSource,
    /// The one that is in the heap.
    next: Option<Instant>,
    /// Changes handed out.
    count: u64,
}

impl Schedule {
    /// The changes of all of a scenario's PVs: everything random is drawn from `seed`, time counts from `zero`.
    #[must_use]
    pub fn new(scenario: &Arc<Scenario>, seed: u64, zero: Tick) -> Schedule {
        Schedule::drawn(scenario, |_| true, seed, zero)
    }

    /// The changes of some of its PVs, each the same as if all changed.
    #[must_use]
    pub fn of(scenario: &Arc<Scenario>, pvs: &[PvId], seed: u64, zero: Tick) -> Schedule {
        let mut changing = vec![false; scenario.pvs.len()];
        for pv in pvs {
            if let Some(changes) = changing.get_mut(pv.index()) {
                *changes = true;
            }
        }
        Schedule::drawn(scenario, |index| changing.get(index) == Some(&true), seed, zero)
    }

    fn drawn(scenario: &Arc<Scenario>, changes: impl Fn(usize) -> bool, seed: u64, zero: Tick) -> Schedule {
        let phases: Vec<Vec<Span>> = (0..scenario.groups.len()).map(|group| phases(scenario, group, seed)).collect();
        let mut members = vec![0usize; scenario.groups.len()];
        let mut heap = BinaryHeap::with_capacity(scenario.pvs.len());
        let mut tracks = Vec::with_capacity(scenario.pvs.len());
        for (index, pv) in scenario.pvs.iter().enumerate() {
            let member = members.get_mut(pv.group).map_or(0, |next| std::mem::replace(next, *next + 1));
            let phase = phases.get(pv.group).and_then(|p| p.get(member)).copied().unwrap_or_default();
            let mut generator =
                Generator::new(scenario, pv.group, member, phase, instants(scenario, pv.group, index, seed));
            let signal = scenario.groups.get(pv.group).map(|g| g.signal).unwrap_or_default();
            let next = if changes(index) { generator.next() } else { None };
            if let Some(instant) = next {
                heap.push(Reverse((instant.at, index as u32)));
            }
            let signal = SignalSource::new(signal, stream(seed, Purpose::Signal, index as u64));
            tracks.push(Track { generator, signal, next, count: 0 });
        }
        Schedule { zero, heap, tracks }
    }

    /// When the next change is due; `None` when nothing will change any more.
    #[must_use]
    pub fn next_due(&self) -> Option<Tick> {
        self.heap.peek().map(|Reverse((at, _))| self.zero + *at)
    }
}

impl Iterator for Schedule {
    type Item = DueChange;

    fn next(&mut self) -> Option<DueChange> {
        let mut top = self.heap.peek_mut()?;
        let Reverse((at, index)) = *top;
        let track = self.tracks.get_mut(index as usize)?;
        let own = track.next.and_then(|instant| instant.signal);
        track.count += 1;
        let signal = own.unwrap_or_else(|| track.signal.value(track.count, at));
        track.next = track.generator.next();
        match track.next {
            // Changed in place: one sift instead of a pop and a push.
            Some(instant) => *top = Reverse((instant.at, index)),
            None => drop(PeekMut::pop(top)),
        }
        Some(DueChange { pv: PvId(index), due: self.zero + at, signal })
    }
}

/// The random stream of a PV's instants: the block's own where all its PVs change together.
fn instants(scenario: &Scenario, group: usize, index: usize, seed: u64) -> Pcg64Mcg {
    let together = scenario.groups.get(group).is_some_and(|g| g.phase == Phase::Aligned);
    let owner = if together { u64::MAX - group as u64 } else { index as u64 };
    stream(seed, Purpose::Instants, owner)
}

/// The phases of a block's PVs, in their order, each below the pattern's cycle.
fn phases(scenario: &Scenario, group: usize, seed: u64) -> Vec<Span> {
    let members = scenario.pvs.iter().filter(|pv| pv.group == group).count();
    let Some(block) = scenario.groups.get(group) else { return Vec::new() };
    let cycle = cycle(&block.change).unwrap_or(Span::ZERO).0 as f64;
    let mut random = stream(seed, Purpose::Phase, group as u64);
    let at = |turn: f64| Span((turn.fract() * cycle) as u64);
    match block.phase {
        Phase::Aligned => vec![at(random.random::<f64>()); members],
        Phase::Staggered => {
            let start = random.random::<f64>();
            (0..members).map(|j| at(start + j as f64 / members as f64)).collect()
        }
        Phase::Random => {
            let mut slots: Vec<usize> = (0..members).collect();
            slots.shuffle(&mut random);
            slots.into_iter().map(|slot| at((slot as f64 + random.random::<f64>()) / members as f64)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::scenario::model::Change;

    fn scenario(change: Change, phase: Phase, pvs: usize) -> Arc<Scenario> {
        let mut scenario = fixture::one_group(change, pvs);
        scenario.groups[0].phase = phase;
        Arc::new(scenario)
    }

    fn firsts(phase: Phase, pvs: usize, seed: u64) -> Vec<f64> {
        let scenario = scenario(Change::Periodic { interval: Span::from_millis(100) }, phase, pvs);
        let mut changes: Vec<DueChange> = Schedule::new(&scenario, seed, Tick(0)).take(pvs).collect();
        changes.sort_by_key(|c| c.pv);
        changes.iter().map(|c| c.due.0 as f64 / 1e6).collect()
    }

    #[test]
    fn random_phases_fill_every_slot_once() {
        let mut phases = firsts(Phase::Random, 50, 9);
        assert!(!phases.is_sorted(), "in random order");
        assert_ne!(phases, firsts(Phase::Random, 50, 10), "another seed, other phases");
        assert_eq!(phases, firsts(Phase::Random, 50, 9));
        phases.sort_by(f64::total_cmp);
        for (slot, phase) in phases.iter().enumerate() {
            assert_eq!((phase / 2.0) as usize, slot, "one in each slot of 2 ms");
        }
    }

    #[test]
    fn one_pv_alone_has_a_uniform_phase() {
        let mut all: Vec<f64> = (0..2000).map(|seed| firsts(Phase::Random, 1, seed)[0]).collect();
        all.sort_by(f64::total_cmp);
        let distance = all.iter().enumerate().map(|(i, x)| (x / 100.0 - i as f64 / 2000.0).abs()).fold(0.0, f64::max);
        // Kolmogorov-Smirnov: 1.95 / sqrt(n) is the 0.1 % level.
        assert!(distance < 1.95 / 2000f64.sqrt(), "{distance}");
    }

    #[test]
    fn aligned_pvs_change_together_and_staggered_ones_evenly() {
        let aligned = firsts(Phase::Aligned, 20, 3);
        assert!(aligned.iter().all(|p| *p == aligned[0]));
        let staggered = firsts(Phase::Staggered, 20, 3);
        for pair in staggered.windows(2) {
            let step = (pair[1] - pair[0]).rem_euclid(100.0);
            assert!((step - 5.0).abs() < 1e-3, "{step}");
        }
    }

    #[test]
    fn aligned_poisson_pvs_change_together_too() {
        let scenario = scenario(Change::Poisson { interval: Span::from_millis(10) }, Phase::Aligned, 3);
        let changes: Vec<DueChange> = Schedule::new(&scenario, 1, Tick(0)).take(300).collect();
        for three in changes.chunks(3) {
            assert_eq!(three.iter().map(|c| c.pv.0).collect::<Vec<_>>(), [0, 1, 2]);
            assert!(three.iter().all(|c| c.due == three[0].due));
        }
    }

    #[test]
    fn some_pvs_change_as_they_do_among_all() {
        for (change, phase) in [
            (Change::Periodic { interval: Span::from_millis(3) }, Phase::Random),
            (Change::Poisson { interval: Span::from_millis(3) }, Phase::Aligned),
        ] {
            let scenario = scenario(change, phase, 6);
            let some = [PvId(4), PvId(1), PvId(99)];
            let among: Vec<DueChange> =
                Schedule::new(&scenario, 7, Tick(5)).take(600).filter(|c| some.contains(&c.pv)).collect();
            let alone: Vec<DueChange> = Schedule::of(&scenario, &some, 7, Tick(5)).take(among.len()).collect();
            assert_eq!(alone, among);
        }
    }

    #[test]
    fn changes_come_in_order_and_without_drift() {
        let scenario = scenario(Change::Periodic { interval: Span(333_333) }, Phase::Random, 40);
        let zero = Tick(5_000);
        let mut counts = vec![0u64; 40];
        let mut first = vec![None; 40];
        let mut last = zero;
        for change in Schedule::new(&scenario, 2, zero).take(40_000) {
            assert!(change.due >= last);
            last = change.due;
            let pv = change.pv.index();
            counts[pv] += 1;
            assert_eq!(change.signal, counts[pv] as f64, "the signal counts the changes");
            let first = *first[pv].get_or_insert(change.due.0);
            assert_eq!(change.due.0, first + (counts[pv] - 1) * 333_333);
        }
        assert!(counts.iter().all(|c| *c == 1000));
    }

    #[test]
    fn a_schedule_of_nothing_ends() {
        let scenario = scenario(Change::Still, Phase::Random, 5);
        let mut schedule = Schedule::new(&scenario, 2, Tick(0));
        assert_eq!((schedule.next_due(), schedule.next()), (None, None));
    }
}
