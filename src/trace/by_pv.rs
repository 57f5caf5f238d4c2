//! Facts of one repeat grouped by PV, without copying them.

use super::{Emission, Window};
use crate::pv::{PvId, Seq};

/// Positions of facts by their PV, each PV's in the order of the facts: a counting sort, linear in time, four bytes a fact.
#[derive(Clone, Debug)]
pub struct ByPv {
    starts: Vec<u32>,
    order: Vec<u32>,
}

impl ByPv {
    /// Groups facts, given the PV of each, over a scenario of `pvs` PVs. Facts of any other PV are left out.
    #[must_use]
    pub fn new(pvs: usize, facts: impl Iterator<Item = PvId> + Clone) -> ByPv {
        let mut starts = vec![0u32; pvs + 1];
        for pv in facts.clone().filter(|pv| pv.index() < pvs) {
            starts[pv.index() + 1] += 1;
        }
        for i in 0..pvs {
            starts[i + 1] += starts[i];
        }
        let mut order = vec![0u32; starts[pvs] as usize];
        let mut next = starts.clone();
        for (position, pv) in facts.enumerate().filter(|(_, pv)| pv.index() < pvs) {
            let place = &mut next[pv.index()];
            order[*place as usize] = position as u32;
            *place += 1;
        }
        ByPv { starts, order }
    }

    /// The positions of one PV's facts.
    #[must_use]
    pub fn of(&self, pv: PvId) -> &[u32] {
        match self.starts.get(pv.index()..pv.index() + 2) {
            Some(&[from, to]) => &self.order[from as usize..to as usize],
            _ => &[],
        }
    }
}

/// The changes of one repeat, found by PV and number. Made once for each repeat and shared by all its clients.
#[derive(Clone, Debug)]
pub struct EmissionIndex<'a> {
    facts: &'a [Emission],
    by_pv: ByPv,
    in_posting_order: bool,
}

impl<'a> EmissionIndex<'a> {
    /// Groups the changes of a repeat over a scenario of `pvs` PVs, each PV's by rising `seq`.
    #[must_use]
    pub fn new(pvs: usize, facts: &'a [Emission]) -> EmissionIndex<'a> {
        let mut by_pv = ByPv::new(pvs, facts.iter().map(|e| e.pv));
        let mut in_posting_order = true;
        for pv in 0..pvs {
            let range = by_pv.starts[pv] as usize..by_pv.starts[pv + 1] as usize;
            let order = &mut by_pv.order[range];
            // Rising already, unless the record is damaged.
            if !order.is_sorted_by_key(|&i| facts[i as usize].seq) {
                order.sort_by_key(|&i| facts[i as usize].seq);
            }
            in_posting_order &= order.is_sorted_by_key(|&i| facts[i as usize].posted);
        }
        EmissionIndex { facts, by_pv, in_posting_order }
    }

    /// The changes of one PV that were posted in the window, by rising `seq`.
    pub fn in_window(&self, pv: PvId, window: Window) -> impl Iterator<Item = &'a Emission> + '_ {
        self.placed_in_window(pv, window).map(|(_, emission)| emission)
    }

    /// The same, each with its place among all changes of the repeat.
    pub fn placed_in_window(&self, pv: PvId, window: Window) -> impl Iterator<Item = (u32, &'a Emission)> + '_ {
        let mut order = self.by_pv.of(pv);
        if self.in_posting_order {
            let before = |instant| order.partition_point(|&i| self.facts[i as usize].posted < instant);
            order = order.get(before(window.open)..before(window.close)).unwrap_or_default();
        }
        let facts = self.facts;
        order.iter().map(move |&i| (i, &facts[i as usize])).filter(move |(_, e)| window.contains(e.posted))
    }

    /// The change of one PV with this number; `None` when it was never posted.
    #[must_use]
    pub fn find(&self, pv: PvId, seq: Seq) -> Option<&'a Emission> {
        let order = self.by_pv.of(pv);
        let at = |place: usize| order.get(place).map(|&i| &self.facts[i as usize]);
        // Numbers rise by one, so the place is known unless some are missing.
        let guess = at(0).and_then(|first| at(seq.0.checked_sub(first.seq.0)? as usize));
        guess.filter(|e| e.seq == seq).or_else(|| {
            let place = order.binary_search_by_key(&seq, |&i| self.facts[i as usize].seq).ok()?;
            at(place)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Tick;

    fn emission(pv: u32, seq: u64, posted: u64) -> Emission {
        Emission { pv: PvId(pv), seq: Seq(seq), due: Tick(posted), posted: Tick(posted) }
    }

    #[test]
    fn groups_keep_their_order_and_leave_strangers_out() {
        let by_pv = ByPv::new(3, [2, 0, 7, 2, u32::MAX, 0].into_iter().map(PvId));
        let of = |pv| by_pv.of(PvId(pv)).to_vec();
        assert_eq!((of(0), of(1), of(2), of(3), of(u32::MAX)), (vec![1, 5], vec![], vec![0, 3], vec![], vec![]));
    }

    #[test]
    fn finds_changes_by_number_and_window() {
        // Number 3 of PV 0 is missing, PV 1 is out of order.
        let facts =
            [emission(0, 1, 10), emission(1, 2, 30), emission(0, 2, 20), emission(1, 1, 40), emission(0, 4, 50)];
        let index = EmissionIndex::new(2, &facts);
        assert_eq!(index.find(PvId(0), Seq(4)), Some(&facts[4]));
        assert_eq!(index.find(PvId(0), Seq(3)), None);
        assert_eq!(index.find(PvId(0), Seq(0)), None);
        assert_eq!(index.find(PvId(1), Seq(1)), Some(&facts[3]));
        assert_eq!(index.find(PvId(9), Seq(1)), None);
        let window = Window { open: Tick(20), close: Tick(40), end: Tick(90) };
        assert_eq!(index.in_window(PvId(0), window).collect::<Vec<_>>(), [&facts[2]]);
        assert_eq!(index.in_window(PvId(1), window).collect::<Vec<_>>(), [&facts[1]]);
        let backwards = Window { open: Tick(40), close: Tick(20), end: Tick(90) };
        assert_eq!(EmissionIndex::new(2, &facts[..1]).in_window(PvId(0), backwards).count(), 0);
    }
}
