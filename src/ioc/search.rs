//! Searches by datagram: which of the names that a client asks for are ours.
//!
//! Only what we serve is answered, only to the one who asked, and an answer is never larger than its question.

use super::database::Database;
use crate::ca::header::{HEADER_SIZE, Header};
use crate::ca::message::{self, command};

/// Clients from before 4.4 are not served (`caProto.h`, `CA_MINIMUM_SUPPORTED_VERSION`).
pub const OLDEST_MINOR_VERSION: u32 = 4;
/// From 4.11 on a datagram's VERSION has a sequence number, which the answer repeats.
const NUMBERED_SINCE: u32 = 11;
/// An answer's datagram is at most this long (`caProto.h`, `MAX_UDP_SEND`).
const MAX_DATAGRAM: usize = 1024;
/// Stands for the address that the answer comes from.
pub const SENDER: u32 = u32::MAX;

/// The answers to one datagram, for a server on TCP `port`: usually one, none when we have none of the names.
/// What follows anything malformed is not looked at.
#[must_use]
pub fn answer(datagram: &[u8], port: u16, database: &Database) -> Vec<Vec<u8>> {
    let mut answers = Answers { datagrams: Vec::new(), sequence: None, room: datagram.len() };
    let mut rest = datagram;
    while let Some((header, payload, behind)) = next_message(rest) {
        rest = behind;
        match header.command {
            command::VERSION if header.count >= NUMBERED_SINCE => answers.sequence = Some(header.p1),
            command::VERSION => {}
            command::SEARCH if header.count >= OLDEST_MINOR_VERSION => {
                let name = message::text(payload);
                if database.find(&name).is_some() && !answers.found(port, header.p2) {
                    break;
                }
            }
            _ => break,
        }
    }
    answers.datagrams
}

struct Answers {
    datagrams: Vec<Vec<u8>>,
    sequence: Option<u32>,
    /// Bytes that may still be answered.
    room: usize,
}

impl Answers {
    /// Adds an answer; false when it does not fit what may be answered.
    fn found(&mut self, port: u16, cid: u32) -> bool {
        const ANSWER: usize = HEADER_SIZE + 8;
        let starts = self.datagrams.last().is_none_or(|last| last.len() + ANSWER > MAX_DATAGRAM);
        let head = if starts && self.sequence.is_some() { HEADER_SIZE } else { 0 };
        let Some(room) = self.room.checked_sub(head + ANSWER) else { return false };
        self.room = room;
        if starts {
            let mut datagram = Vec::with_capacity(head + ANSWER);
            if self.sequence.is_some() {
                message::datagram_version(&mut datagram, self.sequence);
            }
            self.datagrams.push(datagram);
        }
        if let Some(last) = self.datagrams.last_mut() {
            message::search_found(last, port, SENDER, cid);
        }
        true
    }
}

/// The next message of a datagram, its payload and what follows; `None` at its end and where it is malformed.
fn next_message(bytes: &[u8]) -> Option<(Header, &[u8], &[u8])> {
    let (header, taken) = Header::decode(bytes, u32::from(u16::MAX)).ok()??;
    let (payload, rest) = bytes.get(taken..)?.split_at_checked(header.payload_size as usize)?;
    (header.payload_size % 8 == 0).then_some((header, payload, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture;
    use super::*;
    use crate::ca::message::search_reply;
    use crate::scenario::model::Change;
    use crate::time::EpicsTime;

    const PORT: u16 = 5064;

    fn database() -> Database {
        Database::new(&fixture::one_group(Change::Still, 100), EpicsTime::default())
    }

    fn question(sequence: Option<u32>, names: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        message::datagram_version(&mut bytes, sequence);
        for (cid, name) in names.iter().enumerate() {
            message::search(&mut bytes, name, cid as u32, search_reply::DONT);
        }
        bytes
    }

    #[test]
    fn answers_what_we_have_with_the_sequence_number() {
        let got = answer(&question(Some(77), &["PV1", "OTHER", "PV2.VAL"]), PORT, &database());
        let mut want = Vec::new();
        message::datagram_version(&mut want, Some(77));
        message::search_found(&mut want, PORT, u32::MAX, 0);
        message::search_found(&mut want, PORT, u32::MAX, 2);
        assert_eq!(got, [want]);
    }

    #[test]
    fn nothing_is_said_when_there_is_nothing_to_say() {
        let database = database();
        let mut old = Vec::new();
        Header { command: command::SEARCH, payload_size: 8, count: 3, ..Header::default() }.encode(&mut old);
        old.extend_from_slice(b"PV1\0\0\0\0\0");
        let mut cut = question(None, &["PV1"]);
        cut.pop();
        let mut misaligned = Vec::new();
        Header { command: command::SEARCH, payload_size: 4, count: 13, ..Header::default() }.encode(&mut misaligned);
        misaligned.extend_from_slice(b"PV1\0");
        let mut foreign = Vec::new();
        message::echo(&mut foreign);
        foreign.extend(question(None, &["PV1"]));
        for datagram in [question(Some(1), &["NO"]), old, cut, misaligned, foreign, vec![], vec![0; 15]] {
            assert_eq!(answer(&datagram, PORT, &database), Vec::<Vec<u8>>::new(), "{datagram:?}");
        }
    }

    #[test]
    fn many_answers_are_spread_over_datagrams() {
        let names: Vec<String> = (0..100).map(|i| format!("PV{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let question = question(Some(1), &names);
        let answers = answer(&question, PORT, &database());
        assert!(answers.iter().all(|a| a.len() <= MAX_DATAGRAM));
        let total: usize = answers.iter().map(Vec::len).sum();
        assert!(total <= question.len());
        // 100 answers of 24 bytes; the second and third datagram's VERSION take the room of two.
        assert_eq!(answers.iter().map(|a| (a.len() - 16) / 24).sum::<usize>(), 98);
    }

    proptest! {
        #[test]
        fn no_datagram_is_answered_with_more_than_it_had(
            junk in prop::collection::vec(any::<u8>(), 0..200),
            pvs in prop::collection::vec(0usize..120, 0..100),
            front in any::<bool>(),
        ) {
            let names: Vec<String> = pvs.iter().map(|i| format!("PV{i}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut datagram = question(front.then_some(9), &names);
            if front { datagram.extend(junk) } else { datagram.splice(0..0, junk); }
            let total: usize = answer(&datagram, PORT, &database()).iter().map(Vec::len).sum();
            prop_assert!(total <= datagram.len());
        }
    }
}
