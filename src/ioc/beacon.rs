//! Beacons: a server's word that it is there (`rsrv/online_notify.c`).

use crate::ca::message;
use crate::time::Span;

/// Wait after the first beacon.
const FIRST: Span = Span::from_millis(20);

/// When to send beacons: the wait after each doubles from 20 ms to the longest (`EPICS_CAS_BEACON_PERIOD`, usually 15 s).
#[derive(Clone, Copy, Debug)]
pub struct Beacons {
    number: u32,
    wait: Span,
    longest: Span,
}

impl Beacons {
    /// A server's beacons from its start on.
    #[must_use]
    pub fn up_to(longest: Span) -> Beacons {
        Beacons { number: 0, wait: FIRST.min(longest), longest }
    }

    /// The next beacon's number, and how long to wait after it.
    pub fn advance(&mut self) -> (u32, Span) {
        let this = (self.number, self.wait);
        self.number = self.number.wrapping_add(1);
        self.wait = (self.wait * 2).min(self.longest);
        this
    }
}

/// The datagram of a beacon; the receiver takes its sender's address for ours.
#[must_use]
pub fn datagram(port: u16, number: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16);
    message::beacon(&mut bytes, port, number, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beacons_slow_down_from_20_ms_to_15_s() {
        let mut beacons = Beacons::up_to(Span::from_secs(15));
        let waits: Vec<u64> = (0..12).map(|_| beacons.advance().1.0 / 1_000_000).collect();
        assert_eq!(waits, [20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240, 15_000, 15_000]);
        assert_eq!(beacons.advance().0, 12);
        assert_eq!(datagram(5064, 7), [0, 13, 0, 0, 0, 13, 0x13, 0xC8, 0, 0, 0, 7, 0, 0, 0, 0]);
    }
}
