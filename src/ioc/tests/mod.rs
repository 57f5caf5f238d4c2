//! The IOC as its clients see it: bytes in, bytes out, in virtual time.

mod changes;
mod hostile;
mod monitors;
mod requests;

use std::net::SocketAddr;
use std::sync::Arc;

use super::closing::CloseReason;
use super::limits::Limits;
use super::{CircuitId, Counting, Ioc, Progress};
use crate::ca::header::Header;
use crate::ca::message::{self, command, text};
use crate::ca::stream::Stream;
use crate::scenario::model::Scenario;
use crate::time::{Tick, WallClock};

pub(super) const PORT: u16 = 4711;

pub(super) fn ioc(scenario: Scenario) -> Ioc {
    limited(scenario, |_| {})
}

pub(super) fn limited(scenario: Scenario, adjust: impl FnOnce(&mut Limits)) -> Ioc {
    let mut limits = Limits::for_scenario(&scenario, 0);
    adjust(&mut limits);
    let wall = WallClock { posix_nanos_at_zero: 1_700_000_000_000_000_000 };
    Ioc::new(Arc::new(scenario), limits, Counting::ByListener(1), wall, Tick(0))
}

/// One client of an IOC under test, whose socket takes everything.
pub(super) struct Client {
    pub(super) id: CircuitId,
    replies: Stream,
}

/// A message as it came.
pub(super) type Message = (Header, Vec<u8>);

impl Client {
    /// Connects and reads the server's greeting.
    pub(super) fn connect(ioc: &mut Ioc) -> Client {
        let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
        let id = ioc.open(0, peer, PORT).unwrap();
        let mut client = Client { id, replies: Stream::new(u32::MAX) };
        let greeting = client.exchange(ioc, Tick(0));
        assert_eq!(greeting, [(Header { command: command::VERSION, count: 13, ..Header::default() }, vec![])]);
        client
    }

    /// Connects, says who it is, and makes channels to these PVs: their identifiers are 0, 1, ... on both ends.
    pub(super) fn with_channels(ioc: &mut Ioc, names: &[&str]) -> Client {
        let mut client = Client::connect(ioc);
        let mut bytes = Vec::new();
        message::client_version(&mut bytes, 0);
        message::host_name(&mut bytes, "testhost");
        message::client_name(&mut bytes, "tester");
        for (cid, name) in names.iter().enumerate() {
            message::create_channel(&mut bytes, cid as u32, name);
        }
        let replies = client.ask(ioc, &bytes);
        let sids: Vec<u32> =
            replies.iter().filter(|(h, _)| h.command == command::CREATE_CHAN).map(|(h, _)| h.p2).collect();
        assert_eq!(sids, (0..names.len() as u32).collect::<Vec<_>>());
        client
    }

    /// Sends bytes and returns everything that comes.
    pub(super) fn ask(&mut self, ioc: &mut Ioc, bytes: &[u8]) -> Vec<Message> {
        self.ask_at(ioc, bytes, Tick(0))
    }

    pub(super) fn ask_at(&mut self, ioc: &mut Ioc, bytes: &[u8], now: Tick) -> Vec<Message> {
        ioc.received(self.id, bytes, now);
        self.exchange(ioc, now)
    }

    /// Works its circuit until nothing is left to do.
    pub(super) fn exchange(&mut self, ioc: &mut Ioc, now: Tick) -> Vec<Message> {
        loop {
            let progress = ioc.work(self.id, now, 64);
            let unsent = ioc.unsent(self.id).to_vec();
            self.replies.push(&unsent);
            ioc.sent(self.id, unsent.len(), now);
            if unsent.is_empty() && matches!(progress, Progress::Idle | Progress::Closed) {
                break;
            }
        }
        let mut messages = Vec::new();
        while let Some(frame) = self.replies.next_frame().unwrap() {
            messages.push((frame.header, frame.payload.to_vec()));
        }
        assert_eq!(self.replies.pending(), 0, "whole messages only");
        messages
    }

    /// Why its circuit is to be closed, in the log's words.
    pub(super) fn closed(&self, ioc: &mut Ioc) -> Option<String> {
        if ioc.work(self.id, Tick(0), 0) != Progress::Closed && ioc.work(self.id, Tick(0), 1) != Progress::Closed {
            return None;
        }
        ioc.close(self.id, CloseReason::ByClient).map(|notice| notice.what)
    }
}

/// The status and the text of an ERROR message.
pub(super) fn error_of(message: &Message) -> (u32, String) {
    let (header, payload) = message;
    assert_eq!(header.command, command::ERROR, "{header:?}");
    let (_, inner) = Header::decode(payload, u32::MAX).unwrap().unwrap();
    (header.p2, text(&payload[inner..]).into_owned())
}
