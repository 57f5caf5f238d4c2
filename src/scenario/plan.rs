//! In which order a scenario's clients are measured, and the seeds of their random choices: the same live and simulated.

use super::model::Scenario;
use crate::pv::PvId;

/// The order of the clients in a repeat: forward, backward, forward, ... so that a drift of the machine hits all alike.
/// Each item is a group that runs side by side.
#[must_use]
pub fn order(scenario: &Scenario, repeat: u32) -> Vec<Vec<usize>> {
    let all = 0..scenario.clients.len();
    if scenario.concurrent {
        return vec![all.collect()];
    }
    let mut groups: Vec<Vec<usize>> = all.map(|client| vec![client]).collect();
    if repeat % 2 == 1 {
        groups.reverse();
    }
    groups
}

/// The PVs that change while these clients are measured: those that one of them looks at, in their order. Nobody looks at the others
/// then: the IOC's work for them would be charged to clients that have nothing to do with it.
#[must_use]
pub fn changing(scenario: &Scenario, clients: &[usize]) -> Vec<PvId> {
    let specs = clients.iter().filter_map(|client| scenario.clients.get(*client));
    let mut pvs: Vec<PvId> = specs.flat_map(|client| client.pvs.iter().copied()).collect();
    pvs.sort_unstable();
    pvs.dedup();
    pvs
}

/// The order of the probes in a repeat, turned round in every other one likewise.
#[must_use]
pub fn probe_order(scenario: &Scenario, repeat: u32) -> Vec<usize> {
    let mut all: Vec<usize> = (0..scenario.probes.len()).collect();
    if repeat % 2 == 1 {
        all.reverse();
    }
    all
}

/// Seed of how PVs change in a repeat: all of its clients meet the same changes.
#[must_use]
pub fn stimulus_seed(scenario: &Scenario, repeat: u32) -> u64 {
    seed(&[scenario.seed, u64::from(repeat)])
}

/// Seed of a client's own choices in a repeat: its phase and its jitter.
#[must_use]
pub fn client_seed(scenario: &Scenario, repeat: u32, client: usize) -> u64 {
    seed(&[scenario.seed, u64::from(repeat), 1 + client as u64])
}

/// The same of one of its copies, counted from 0.
#[must_use]
pub fn copy_seed(scenario: &Scenario, repeat: u32, client: usize, copy: u32) -> u64 {
    let first = client_seed(scenario, repeat, client);
    if copy == 0 { first } else { seed(&[first, u64::from(copy)]) }
}

/// A seed for one purpose (SplitMix64's finalizer over the parts).
#[must_use]
pub fn seed(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |sum: u64, part| {
        let mut z = sum.wrapping_add(*part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_by_every_part() {
        let all = [seed(&[1, 0]), seed(&[1, 1]), seed(&[2, 0]), seed(&[1, 0, 1]), seed(&[1, 0, 2])];
        for (i, a) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|b| a != b));
        }
        assert_eq!(seed(&[1, 0]), all[0]);
    }
}
