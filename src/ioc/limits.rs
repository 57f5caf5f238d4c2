//! How much a client may ask of the server: every bound on memory, each with a word for the one that meets it.

use super::event_queue::RING_SIZE;
use crate::ca::dbr::{DbrClass, DbrType};
use crate::ca::header::EXTENDED_HEADER_SIZE;
use crate::pv::NativeType;
use crate::scenario::model::Scenario;

/// Bounds on what one circuit, and all of them together, may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest payload taken or sent, in bytes.
    pub payload: u32,
    /// Channels of one circuit.
    pub channels: usize,
    /// Subscriptions of one circuit, cancelled ones with pending updates included.
    pub subscriptions: usize,
    /// Circuits open at once, over all listeners.
    pub circuits: usize,
    /// Unsent bytes of replies above which no further request of the circuit is looked at.
    pub unsent_replies: usize,
    /// Unsent bytes above which no further update leaves the event queue: the send buffer of an EPICS server (`caProto.h`, `MAX_TCP`).
    pub unsent_updates: usize,
    /// Entries of a ring of an event queue.
    pub event_queue: usize,
    /// Clients that the ledger tells apart when it counts by peer; later ones are counted together.
    pub peers: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            payload: 16 * 1024,
            channels: 200_000,
            subscriptions: 200_000,
            circuits: 10_000,
            unsent_replies: 64 * 1024,
            unsent_updates: 16 * 1024,
            event_queue: RING_SIZE,
            peers: 4096,
        }
    }
}

impl Limits {
    /// Limits under which every PV of the scenario can be read as its native type and as strings, and written as either.
    /// `max_array_bytes` is what `EPICS_CA_MAX_ARRAY_BYTES` says; it can only raise the limit.
    #[must_use]
    pub fn for_scenario(scenario: &Scenario, max_array_bytes: u32) -> Limits {
        let largest = scenario.groups.iter().map(|group| {
            let as_type = |native| DbrType { class: DbrClass::Ctrl, native }.payload_size(group.count as usize);
            as_type(group.native).max(as_type(NativeType::String))
        });
        let needed = largest.max().unwrap_or(0).saturating_add(EXTENDED_HEADER_SIZE);
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let base = Limits::default();
        let event_queue = scenario.event_queue.map_or(base.event_queue, |entries| entries as usize);
        Limits { payload: base.payload.max(max_array_bytes).max(needed), event_queue, ..base }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_largest_pv_always_fits() {
        let small = fixture::one_of_each(&[(NativeType::Double, 1)]);
        assert_eq!(Limits::for_scenario(&small, 0).payload, 16 * 1024);
        assert_eq!(Limits::for_scenario(&small, 1_000_000).payload, 1_000_000);
        let large = fixture::one_of_each(&[(NativeType::Double, 1), (NativeType::Char, 100_000)]);
        assert!(Limits::for_scenario(&large, 0).payload >= 4_000_000, "as strings of 40 bytes");
    }
}
