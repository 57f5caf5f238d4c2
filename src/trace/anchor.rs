//! Which change a late client's first value of a narrow type stands for.
//!
//! Numbers of changes run through a whole repeat, and narrow types carry them modulo their range. A client that starts late
//! reads its first value already wrapped and counts on from there: all its numbers of that PV are off by the same amount.
//! The IOC's own record of what it had posted by then tells by how much.

use std::collections::HashMap;

use super::{ByPv, Emission, Observation};
use crate::ca::carry::{latest, modulus};
use crate::pv::{NativeType, PvId, Seq};

/// Puts the numbers of observations right, given the repeat's changes in the order of posting and, for each PV, its type and
/// the number of its enum labels. Wide types are left as they are, and so is what cannot be told.
///
/// It is right as long as the first value was fewer changes old than its type can tell apart.
pub fn anchor(observations: &mut [Observation], emissions: &[Emission], types: &[(NativeType, usize)]) {
    let narrow =
        |pv: PvId| types.get(pv.index()).copied().filter(|(native, labels)| modulus(*native, *labels).is_some());
    if !observations.iter().any(|o| narrow(o.pv).is_some()) {
        return;
    }
    let by_pv = ByPv::new(types.len(), emissions.iter().map(|e| e.pv));
    let mut shifts: HashMap<(u32, PvId), u64> = HashMap::new();
    for observation in observations {
        let Some((native, labels)) = narrow(observation.pv) else { continue };
        let shift = *shifts.entry((observation.copy, observation.pv)).or_insert_with(|| {
            let of_pv = by_pv.of(observation.pv);
            let known = of_pv.partition_point(|&i| emissions[i as usize].posted <= observation.received);
            let newest = known.checked_sub(1).map_or(Seq(0), |last| emissions[of_pv[last] as usize].seq);
            let truth = latest(observation.seq.0 as f64, native, labels, newest);
            truth.and_then(|truth| truth.0.checked_sub(observation.seq.0)).unwrap_or(0)
        });
        observation.seq = Seq(observation.seq.0 + shift);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Tick;

    const CHAR: (NativeType, usize) = (NativeType::Char, 0);
    const DOUBLE: (NativeType, usize) = (NativeType::Double, 0);

    /// Change `seq` is posted at `10 * seq`.
    fn emissions(pv: u32, seqs: u64) -> impl Iterator<Item = Emission> {
        (1..=seqs).map(move |s| Emission { pv: PvId(pv), seq: Seq(s), due: Tick(10 * s), posted: Tick(10 * s) })
    }

    fn observed(pv: u32, seq: u64, received: u64) -> Observation {
        Observation { pv: PvId(pv), seq: Seq(seq), asked: None, received: Tick(received), first: false, copy: 0 }
    }

    fn anchored(types: &[(NativeType, usize)], seen: &[(u32, u64, u64)]) -> Vec<u64> {
        let mut all: Vec<Emission> = emissions(0, 1000).chain(emissions(1, 1000)).collect();
        all.sort_by_key(|e| e.posted);
        let mut observations: Vec<_> = seen.iter().map(|(pv, seq, at)| observed(*pv, *seq, *at)).collect();
        anchor(&mut observations, &all, types);
        observations.iter().map(|o| o.seq.0).collect()
    }

    #[test]
    fn a_late_first_value_is_put_right_and_the_rest_with_it() {
        // Change 700 reads as 188 in eight bits.
        assert_eq!(anchored(&[CHAR, CHAR], &[(0, 188, 7005), (0, 189, 7015), (0, 300, 8125)]), [700, 701, 812]);
        assert_eq!(anchored(&[(NativeType::Enum, 4), CHAR], &[(0, 3, 7035), (0, 5, 7055)]), [703, 705]);
    }

    #[test]
    fn an_early_client_and_a_wide_type_stay_as_they_are() {
        assert_eq!(anchored(&[CHAR, CHAR], &[(0, 0, 5), (0, 1, 15), (1, 3, 31)]), [0, 1, 3]);
        assert_eq!(anchored(&[CHAR, DOUBLE], &[(1, 700, 7005), (1, 12, 8000)]), [700, 12]);
    }

    #[test]
    fn a_value_of_a_short_while_ago_is_not_taken_for_a_later_one() {
        assert_eq!(anchored(&[CHAR, CHAR], &[(0, 187, 7005)]), [699], "the newest was 700");
    }
}
