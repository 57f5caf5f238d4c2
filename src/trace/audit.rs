//! Whether what a client says can be true: every value it received was posted before.

use super::Observation;
use super::by_pv::EmissionIndex;
use crate::pv::PvId;

/// Observations that cannot be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Of a `seq` that was never posted.
    pub never_posted: u64,
    /// Received before their `seq` was posted.
    pub before_posted: u64,
    /// Of a PV that the client does not look at.
    pub other_pv: u64,
    /// Received before they were asked for.
    pub before_asked: u64,
}

impl Audit {
    /// Adds the counts of another repeat.
    pub fn add(&mut self, other: &Audit) {
        self.never_posted += other.never_posted;
        self.before_posted += other.before_posted;
        self.other_pv += other.other_pv;
        self.before_asked += other.before_asked;
    }
}

/// Checks all observations of a segment. `seq` 0 is the value from before the first change and needs no posting.
#[must_use]
pub fn audit(emissions: &EmissionIndex<'_>, observations: &[Observation], pvs: &[PvId]) -> Audit {
    let mut own = vec![false; pvs.iter().map(|pv| pv.index() + 1).max().unwrap_or(0)];
    for pv in pvs {
        own[pv.index()] = true;
    }
    let mut audit = Audit::default();
    for o in observations {
        if own.get(o.pv.index()) != Some(&true) {
            audit.other_pv += 1;
            continue;
        }
        audit.before_asked += u64::from(o.asked.is_some_and(|asked| asked > o.received));
        if o.seq.0 > 0 {
            match emissions.find(o.pv, o.seq) {
                None => audit.never_posted += 1,
                Some(e) => audit.before_posted += u64::from(o.received < e.posted),
            }
        }
    }
    audit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pv::Seq;
    use crate::time::Tick;
    use crate::trace::Emission;

    #[test]
    fn each_kind_is_counted_apart() {
        let emissions = [Emission { pv: PvId(0), seq: Seq(1), due: Tick(10), posted: Tick(10) }];
        let index = EmissionIndex::new(2, &emissions);
        let seen = |pv, seq, asked: u64, received| Observation {
            pv: PvId(pv),
            seq: Seq(seq),
            asked: Some(Tick(asked)),
            received: Tick(received),
            first: false,
            copy: 0,
        };
        let good = [seen(0, 0, 1, 5), seen(0, 1, 8, 12)];
        assert_eq!(audit(&index, &good, &[PvId(0)]), Audit::default());
        let bad = [seen(0, 1, 8, 9), seen(0, 2, 8, 12), seen(1, 1, 8, 12), seen(0, 1, 14, 12), seen(u32::MAX, 1, 1, 2)];
        let wanted = Audit { never_posted: 1, before_posted: 1, other_pv: 2, before_asked: 1 };
        assert_eq!(audit(&index, &bad, &[PvId(0)]), wanted);
    }
}
