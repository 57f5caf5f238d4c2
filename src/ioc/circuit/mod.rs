//! The server's side of one circuit: bytes in, bytes out, no I/O.
//!
//! What is answered and when a circuit is closed follows `rsrv/camessage.c` of EPICS base 7, with two exceptions, each to be kinder
//! than it: a subscription with an impossible mask is refused without closing the circuit, and what is wrong is always said
//! in an ERROR message before a circuit is closed for it.

mod access;
mod channel;
mod monitor;
mod output;
pub(super) mod request_type;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;

use self::session::Session;
use super::closing::CloseReason;
use super::event_queue::SubscriptionKey;
use super::ledger::AccountId;
use super::record::{Posting, Snapshot};
use super::{CircuitId, World};
use crate::ca::message;
use crate::ca::stream::Stream;
use crate::pv::PvId;
use crate::time::Tick;

/// What one step of a circuit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A message was handled.
    Handled,
    /// A put was handled: others must be told.
    Posted(PvId, Posting),
    /// There is no complete message.
    Idle,
    /// It is closed, or closes with this message.
    Closed,
}

/// One circuit.
#[derive(Debug)]
pub struct Circuit {
    stream: Stream,
    session: Session,
    closed: Option<CloseReason>,
    /// It is in the list of circuits that have something to send.
    pub(super) listed: bool,
}

impl Circuit {
    /// A circuit that was opened from `peer` to our `port`. It has something to send at once: our version.
    pub(super) fn new(id: CircuitId, listener: usize, peer: SocketAddr, port: u16, world: &mut World) -> Circuit {
        let mut session = Session::new(id, listener, peer, port, world.limits.event_queue);
        session.account = world.ledger.open(listener);
        message::server_version(&mut session.out.bytes);
        Circuit { stream: Stream::new(world.limits.payload), session, closed: None, listed: false }
    }

    /// Bytes came.
    pub(super) fn received(&mut self, bytes: &[u8], world: &mut World, now: Tick) {
        if self.closed.is_none() {
            self.stream.push(bytes);
        }
        self.session.count_bytes(bytes.len(), 0, world, now);
    }

    /// Handles the next message, when there is one.
    pub(super) fn step(&mut self, world: &mut World, now: Tick) -> Step {
        if self.closed.is_some() {
            return Step::Closed;
        }
        let outcome = match self.stream.next_frame() {
            Ok(None) => return Step::Idle,
            Ok(Some(frame)) => self.session.handle(&frame, world, now),
            Err(error) => Err(self.session.malformed(error)),
        };
        match outcome {
            Ok(None) => Step::Handled,
            Ok(Some((pv, posting))) => Step::Posted(pv, posting),
            Err(reason) => {
                self.closed = Some(reason);
                Step::Closed
            }
        }
    }

    /// A PV was posted that it has a subscription to.
    pub(super) fn post(&mut self, key: SubscriptionKey, snapshot: &Arc<Snapshot>, world: &mut World, now: Tick) {
        self.session.post(key, snapshot, world, now);
    }

    /// Moves updates from the event queue to the output, while there is room.
    pub(super) fn deliver(&mut self, world: &mut World, now: Tick) {
        if self.closed.is_none() {
            self.session.deliver(world, now);
        }
    }

    /// What waits to be sent.
    pub(super) fn unsent(&self) -> &[u8] {
        self.session.out.unsent()
    }

    /// `count` bytes were sent.
    pub(super) fn sent(&mut self, count: usize, world: &mut World, now: Tick) {
        self.session.out.consume(count);
        self.session.count_bytes(0, count, world, now);
    }

    /// Why it is to be closed, once what is unsent has been sent.
    pub(super) fn closed(&self) -> Option<&CloseReason> {
        self.closed.as_ref()
    }

    /// Who it is, for the log.
    pub(super) fn client(&self) -> String {
        self.session.client()
    }

    /// Bytes of a message whose rest has not come.
    pub(super) fn incomplete(&self) -> usize {
        self.stream.pending()
    }

    /// The listener that it was opened on.
    pub(super) fn listener(&self) -> usize {
        self.session.listener
    }

    /// The account that it is counted under.
    pub(super) fn account(&self) -> Option<AccountId> {
        self.session.account
    }

    /// Takes its subscriptions off the records.
    pub(super) fn detach(&mut self, world: &mut World) {
        self.session.detach(world);
    }

    /// Bytes that it holds: for tests of the bounds.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.stream.pending() + self.session.out.bytes.len()
    }
}
