//! Bytes under way in one direction of a connection.

use std::collections::VecDeque;

use crate::time::Tick;

/// What was sent and not yet read, in order, each piece with its arrival.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    bytes: VecDeque<u8>,
    pieces: VecDeque<(Tick, usize)>,
    last: Tick,
}

impl Pipe {
    /// Sends bytes that arrive at `arrival`, or with those sent before if that is later: a stream keeps its order.
    pub(super) fn push(&mut self, arrival: Tick, bytes: &[u8]) {
        self.last = self.last.max(arrival);
        self.bytes.extend(bytes);
        match self.pieces.back_mut() {
            Some((at, length)) if *at == self.last => *length += bytes.len(),
            _ => self.pieces.push_back((self.last, bytes.len())),
        }
    }

    /// Bytes sent and not read.
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }

    /// When the last byte arrives, or has arrived.
    pub(super) fn last_arrival(&self) -> Tick {
        self.last
    }

    /// When the first unread byte arrives.
    pub(super) fn arrival(&self) -> Option<Tick> {
        self.pieces.front().map(|piece| piece.0)
    }

    /// Reads what has arrived by `now`, as far as there is room.
    pub(super) fn read(&mut self, now: Tick, into: &mut [u8]) -> usize {
        let mut count = 0;
        while let Some((arrival, length)) = self.pieces.front_mut() {
            let taken = (*length).min(into.len() - count);
            if *arrival > now || taken == 0 {
                break;
            }
            count += taken;
            *length -= taken;
            if *length == 0 {
                self.pieces.pop_front();
            }
        }
        let (front, back) = self.bytes.as_slices();
        let from_front = count.min(front.len());
        into[..from_front].copy_from_slice(&front[..from_front]);
        into[from_front..count].copy_from_slice(&back[..count - from_front]);
        self.bytes.drain(..count);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_keeps_its_order_and_its_times() {
        let mut pipe = Pipe::default();
        pipe.push(Tick(10), b"abc");
        pipe.push(Tick(8), b"de");
        pipe.push(Tick(20), b"f");
        let mut room = [0; 4];
        assert_eq!((pipe.held(), pipe.arrival()), (6, Some(Tick(10))));
        assert_eq!(pipe.read(Tick(9), &mut room), 0);
        assert_eq!((pipe.read(Tick(10), &mut room), &room), (4, b"abcd"));
        assert_eq!((pipe.read(Tick(15), &mut room), room[0]), (1, b'e'));
        assert_eq!((pipe.read(Tick(15), &mut room), pipe.arrival()), (0, Some(Tick(20))));
        assert_eq!((pipe.read(Tick(20), &mut room), room[0], pipe.held()), (1, b'f', 0));
    }
}
