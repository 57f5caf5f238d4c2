//! Finding the server of a name: searches out, answers in; no sockets.
//!
//! In the spirit of libca (`searchTimer.cpp`, `udpiiu.cpp`): the first try goes out at once, several names share a datagram,
//! each name's retry delay doubles from 32 ms, and the number of datagrams sent without waiting grows while all are answered
//! and falls back when answers are lost. libca lets the delay grow to five minutes because beacons tell it of new servers;
//! this client does not listen to beacons, so its delay stops at [`LONGEST_DELAY`]. Bursts of one datagram keep that harmless
//! where nobody answers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddrV4};

use slab::Slab;

use crate::ca::header::Header;
use crate::ca::message::{self, command, search_reply};
use crate::ca::stream::Frame;
use crate::pv::PvName;
use crate::time::{Span, Tick};

/// Bytes of a datagram at most (`caProto.h`, `MAX_UDP_SEND`): it fits every link unfragmented.
pub const MAX_DATAGRAM: usize = 1024;
/// The first retry delay (`udpiiu.h`, `minRoundTripEstimate`).
pub const FIRST_DELAY: Span = Span::from_millis(32);
/// The longest retry delay.
pub const LONGEST_DELAY: Span = Span::from_secs(1);
/// Datagrams sent in the first burst, before anything is known of the servers.
const FIRST_BURST: u32 = 8;
/// Datagrams sent in one burst at most (`searchTimer.cpp`, `maxTriesPerFrame`).
const LARGEST_BURST: u32 = 64;

/// A name being searched for: its CID in search messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SearchId(u32);

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was found.
    pub id: SearchId,
    /// The caller's own number of it.
    pub tag: u32,
    /// The server's TCP address.
    pub server: SocketAddrV4,
    /// Another server that had answered before: the name is served twice, and the first answer stands.
    pub earlier: Option<SocketAddrV4>,
}

#[derive(Debug)]
struct Wanted {
    name: PvName,
    tag: u32,
    delay: Span,
    due: Tick,
    burst: u64,
    server: Option<SocketAddrV4>,
}

/// What was sent without waiting for answers.
#[derive(Debug, Default)]
struct Burst {
    number: u64,
    limit: u32,
    datagrams: u32,
    asked: u32,
    answered: u32,
    patience: Tick,
}

/// All names that are being searched for.
#[derive(Debug, Default)]
pub struct Search {
    names: Slab<Wanted>,
    queue: BinaryHeap<Reverse<(Tick, u32)>>,
    open: usize,
    burst: Burst,
    sequence: u32,
}

impl Search {
    /// Nothing to search for yet.
    #[must_use]
    pub fn new() -> Search {
        Search { burst: Burst { limit: FIRST_BURST, ..Burst::default() }, ..Search::default() }
    }

    /// Starts to search for a name; the first try is due at `now`.
    pub fn add(&mut self, name: PvName, tag: u32, now: Tick) -> SearchId {
        let wanted = Wanted { name, tag, delay: FIRST_DELAY, due: now, burst: 0, server: None };
        let key = self.names.insert(wanted) as u32;
        self.queue.push(Reverse((now, key)));
        self.open += 1;
        SearchId(key)
    }

    /// Searches again for a name that was found, because its server turned out to be no use: not before its retry delay is over.
    pub fn again(&mut self, id: SearchId, now: Tick) {
        let Some(wanted) = self.names.get_mut(id.0 as usize) else { return };
        if wanted.server.take().is_some() {
            wanted.due = now + wanted.delay;
            wanted.delay = (wanted.delay * 2).min(LONGEST_DELAY);
            self.queue.push(Reverse((wanted.due, id.0)));
            self.open += 1;
        }
    }

    /// Forgets a name, found or not.
    pub fn remove(&mut self, id: SearchId) {
        if let Some(wanted) = self.names.try_remove(id.0 as usize) {
            self.open -= usize::from(wanted.server.is_none());
        }
    }

    /// How many names nobody has answered for.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// The names that nobody has answered for.
    pub fn missing(&self) -> impl Iterator<Item = &PvName> {
        self.names.iter().filter(|(_, w)| w.server.is_none()).map(|(_, w)| &w.name)
    }

    /// Writes the next datagram that is due into `out` (cleared first) and says whether there is one. It goes to every destination;
    /// name servers get the same bytes on their circuits.
    pub fn transmit(&mut self, now: Tick, out: &mut Vec<u8>) -> bool {
        out.clear();
        self.renew_burst(now);
        if self.burst.datagrams >= self.burst.limit {
            return false;
        }
        while let Some(Reverse((due, key))) = self.queue.peek().copied() {
            if due > now {
                break;
            }
            let Some(wanted) = self.names.get_mut(key as usize).filter(|w| w.server.is_none() && w.due == due) else {
                self.queue.pop();
                continue;
            };
            if out.is_empty() {
                self.sequence = self.sequence.wrapping_add(1);
                message::datagram_version(out, Some(self.sequence));
            }
            let before = out.len();
            message::search(out, wanted.name.as_str(), key, search_reply::DONT);
            if out.len() > MAX_DATAGRAM {
                out.truncate(before);
                break;
            }
            self.queue.pop();
            wanted.due = now + wanted.delay;
            wanted.delay = (wanted.delay * 2).min(LONGEST_DELAY);
            wanted.burst = self.burst.number;
            self.queue.push(Reverse((wanted.due, key)));
            self.burst.asked += 1;
        }
        let some = !out.is_empty();
        self.burst.datagrams += u32::from(some);
        some
    }

    /// A burst is over when all of it was answered, or when patience is.
    fn renew_burst(&mut self, now: Tick) {
        let complete = self.burst.answered >= self.burst.asked;
        if self.burst.datagrams > 0 && !complete && now < self.burst.patience {
            return;
        }
        let limit = match self.burst.asked {
            0 => self.burst.limit,
            _ if complete => (self.burst.limit * 2).min(LARGEST_BURST),
            _ => (self.burst.limit / 2).max(1),
        };
        self.burst = Burst { number: self.burst.number + 1, limit, patience: now + FIRST_DELAY, ..Burst::default() };
    }

    /// When [`Search::transmit`] may have something again, at the earliest; `None` when nothing is being searched for.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        if self.open == 0 {
            return None;
        }
        let Reverse((due, _)) = self.queue.peek()?;
        let waiting = self.burst.datagrams >= self.burst.limit && self.burst.answered < self.burst.asked;
        Some(if waiting { (*due).max(self.burst.patience) } else { *due })
    }

    /// Takes a datagram that came from `sender`; what it answers is appended to `found`. What is not Channel Access is ignored
    /// from there on: anybody can send a datagram.
    pub fn datagram(&mut self, sender: SocketAddrV4, mut bytes: &[u8], found: &mut Vec<Found>) {
        while let Ok(Some((header, taken))) = Header::decode(bytes, MAX_DATAGRAM as u32 * 64) {
            let Some(payload) = bytes.get(taken..taken + header.payload_size as usize) else { return };
            found.extend(self.answer(*sender.ip(), &Frame { header, payload }));
            bytes = &bytes[taken + payload.len()..];
        }
    }

    /// Takes one message, from a datagram or from a name server's circuit; `sender` is whose address stands for "here".
    pub fn answer(&mut self, sender: Ipv4Addr, frame: &Frame<'_>) -> Option<Found> {
        let header = frame.header;
        if header.command != command::SEARCH || header.data_type == 0 {
            return None;
        }
        let wanted = self.names.get_mut(header.p2 as usize)?;
        // `udpiiu.cpp`, searchRespAction: all ones is the sender; some servers say 0.
        let ip = if matches!(header.p1, 0 | u32::MAX) { sender } else { Ipv4Addr::from(header.p1) };
        let server = SocketAddrV4::new(ip, header.data_type);
        let found = Found { id: SearchId(header.p2), tag: wanted.tag, server, earlier: wanted.server };
        match wanted.server {
            // The same server again: the answer to a second try, or to a search that reached it by two ways.
            Some(earlier) if earlier == server => return None,
            Some(_) => {}
            None => {
                wanted.server = Some(server);
                self.open -= 1;
                self.burst.answered += u32::from(wanted.burst == self.burst.number);
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 7), 5064);

    fn name(i: u32) -> PvName {
        PvName::new(&format!("TEST:CALC{i:05}")).unwrap()
    }

    /// The CIDs that a datagram searches for.
    fn cids(bytes: &[u8]) -> Vec<u32> {
        let mut stream = crate::ca::stream::Stream::new(1024);
        stream.push(bytes);
        let mut seen = Vec::new();
        while let Some(frame) = stream.next_frame().unwrap() {
            match frame.header.command {
                command::SEARCH => seen.push(frame.header.p1),
                other => assert_eq!(other, command::VERSION),
            }
        }
        assert_eq!(stream.pending(), 0);
        seen
    }

    fn burst(search: &mut Search, now: Tick) -> Vec<Vec<u32>> {
        let mut out = Vec::new();
        let mut datagrams = Vec::new();
        while search.transmit(now, &mut out) {
            assert!(out.len() <= MAX_DATAGRAM);
            datagrams.push(cids(&out));
        }
        datagrams
    }

    fn reply(port: u16, address: u32, cid: u32) -> Vec<u8> {
        let mut out = Vec::new();
        message::datagram_version(&mut out, None);
        message::search_found(&mut out, port, address, cid);
        out
    }

    fn answer(search: &mut Search, port: u16, address: u32, cid: u32) -> Vec<Found> {
        let mut found = Vec::new();
        search.datagram(SENDER, &reply(port, address, cid), &mut found);
        found
    }

    #[test]
    fn a_lonely_name_is_tried_at_once_and_then_ever_more_slowly() {
        let mut search = Search::new();
        search.add(name(0), 0, Tick(0));
        let mut now = Tick(0);
        let mut gaps = Vec::new();
        for _ in 0..10 {
            assert_eq!(burst(&mut search, now), vec![vec![0]]);
            let next = search.deadline().unwrap();
            assert!(burst(&mut search, next - Span(1)).is_empty());
            gaps.push(next.saturating_since(now).0 / 1_000_000);
            now = next;
        }
        assert_eq!(gaps, [32, 64, 128, 256, 512, 1000, 1000, 1000, 1000, 1000]);
    }

    #[test]
    fn names_share_datagrams_and_bursts_grow_while_all_are_answered() {
        let mut search = Search::new();
        for i in 0..5000 {
            search.add(name(i), i, Tick(0));
        }
        let mut bursts = Vec::new();
        let mut now = Tick(0);
        while search.open() > 0 {
            let datagrams = burst(&mut search, now);
            bursts.push(datagrams.len());
            for cid in datagrams.iter().flatten() {
                assert_eq!(answer(&mut search, 5064, u32::MAX, *cid).len(), 1);
            }
            now += Span::from_micros(100);
        }
        assert_eq!(bursts, [8, 16, 32, 64, 42], "31 names of 32 bytes in each of 162 datagrams");
        assert_eq!(search.deadline(), None);
    }

    #[test]
    fn bursts_shrink_when_answers_are_lost() {
        let mut search = Search::new();
        for i in 0..5000 {
            search.add(name(i), i, Tick(0));
        }
        let mut now = Tick(0);
        let mut sizes = Vec::new();
        for _ in 0..5 {
            sizes.push(burst(&mut search, now).len());
            now = search.deadline().unwrap();
        }
        assert_eq!(sizes, [8, 4, 2, 1, 1]);
    }

    #[test]
    fn an_answer_names_its_server_or_means_its_sender() {
        for (address, ip) in [(u32::MAX, [10, 0, 0, 7]), (0, [10, 0, 0, 7]), (0xC0A8_0001, [192, 168, 0, 1])] {
            let mut search = Search::new();
            let id = search.add(name(1), 42, Tick(0));
            let found = answer(&mut search, 1234, address, id.0);
            let server = SocketAddrV4::new(Ipv4Addr::from(ip), 1234);
            assert_eq!(found, [Found { id, tag: 42, server, earlier: None }]);
            assert_eq!(search.open(), 0);
        }
    }

    #[test]
    fn a_second_server_is_reported_and_does_not_win() {
        let mut search = Search::new();
        let id = search.add(name(1), 0, Tick(0));
        let first = answer(&mut search, 1, u32::MAX, id.0)[0].server;
        assert!(answer(&mut search, 1, u32::MAX, id.0).is_empty(), "the same again");
        assert_eq!(answer(&mut search, 2, u32::MAX, id.0)[0].earlier, Some(first));
        assert_eq!(answer(&mut search, 2, u32::MAX, id.0)[0].earlier, Some(first));
    }

    #[test]
    fn a_name_that_failed_later_is_searched_again_after_its_delay() {
        let mut search = Search::new();
        let id = search.add(name(1), 0, Tick(0));
        assert_eq!(burst(&mut search, Tick(0)).len(), 1);
        answer(&mut search, 1, u32::MAX, id.0);
        search.again(id, Tick(1_000_000));
        search.again(id, Tick(1_000_000));
        assert_eq!(search.open(), 1);
        assert!(search.deadline().unwrap() <= Tick(65_000_000));
        assert!(burst(&mut search, Tick(64_999_999)).is_empty());
        assert_eq!(
            burst(&mut search, Tick(65_000_000)),
            vec![vec![id.0]],
            "once, although it stood twice in the queue"
        );
        search.remove(id);
        assert_eq!((search.open(), search.deadline()), (0, None));
    }

    #[test]
    fn strange_datagrams_change_nothing() {
        let mut search = Search::new();
        let id = search.add(name(1), 0, Tick(0));
        let good = reply(5064, u32::MAX, id.0);
        let mut cases =
            vec![Vec::new(), vec![0xFF; 100], vec![0; 15], reply(0, u32::MAX, id.0), reply(5064, u32::MAX, 77)];
        cases.extend((0..good.len()).map(|cut| good[..cut].to_vec()));
        for bytes in cases {
            let mut found = Vec::new();
            search.datagram(SENDER, &bytes, &mut found);
            assert!(found.is_empty(), "{bytes:?}");
            assert_eq!(search.open(), 1);
        }
    }
}
