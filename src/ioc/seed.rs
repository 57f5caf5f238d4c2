//! Independent random streams from one seed, the same on every machine.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

/// What a stream is for, so that no two uses share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Phases of a block's PVs.
    Phase = 1,
    /// Instants of changes.
    Instants = 2,
    /// Values of the signal.
    Signal = 3,
}

/// The stream of a purpose and an index (a PV's or a block's).
pub(super) fn stream(seed: u64, purpose: Purpose, index: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(mixed(mixed(mixed(seed) ^ purpose as u64) ^ index))
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): neighbouring inputs give unrelated outputs.
fn mixed(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn each_use_has_a_stream_of_its_own() {
        let mut firsts: Vec<u64> = [Purpose::Phase, Purpose::Instants, Purpose::Signal]
            .into_iter()
            .flat_map(|purpose| (0..100).map(move |index| stream(7, purpose, index).next_u64()))
            .collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 300);
        assert_eq!(stream(7, Purpose::Phase, 3).next_u64(), stream(7, Purpose::Phase, 3).next_u64());
    }
}
