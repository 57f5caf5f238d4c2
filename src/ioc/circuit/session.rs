//! What a circuit knows of its client, and which handler each message goes to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use slab::Slab;

use super::channel::Channel;
use super::monitor::Subscription;
use super::output::Output;
use crate::ca::header::{Header, HeaderError};
use crate::ca::message::{self, command, eca, search_reply};
use crate::ca::stream::Frame;
use crate::ioc::closing::{CloseReason, Notice, Refusal};
use crate::ioc::event_queue::{EventQueue, SubscriptionKey};
use crate::ioc::ledger::{AccountId, Peer};
use crate::ioc::record::{Posting, Snapshot};
use crate::ioc::{CircuitId, World, search};
use crate::pv::PvId;
use crate::time::Tick;

/// Bytes of a host or user name, its NUL included (`camessage.c`, `host_name_action`).
const MAX_CLIENT_NAME: usize = 512;
/// The highest priority of a circuit (`caProto.h`, `CA_PROTO_PRIORITY_MAX`).
const MAX_PRIORITY: u16 = 99;
/// An identifier that stands for none.
const NO_ID: u32 = u32::MAX;

/// What a handled message comes to: a put that others must be told of, or the end of the circuit.
pub(super) type Outcome = Result<Option<(PvId, Posting)>, CloseReason>;

/// Everything of a circuit but the bytes that came.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: CircuitId,
    pub(super) listener: usize,
    peer: SocketAddr,
    port: u16,
    host: String,
    user: String,
    pub(super) account: Option<AccountId>,
    /// Bytes in and out before the account was known.
    unaccounted: (usize, usize),
    pub(super) out: Output,
    /// By the identifier that we gave.
    pub(super) channels: Slab<Channel>,
    pub(super) events: EventQueue<Subscription, Option<Arc<Snapshot>>>,
    /// By our channel's and the client's subscription's identifier.
    pub(super) subscriptions: HashMap<(u32, u32), SubscriptionKey>,
    refused: Vec<Refusal>,
}

impl Session {
    pub(super) fn new(id: CircuitId, listener: usize, peer: SocketAddr, port: u16, event_queue: usize) -> Session {
        Session {
            id,
            listener,
            peer,
            port,
            host: String::new(),
            user: String::new(),
            account: None,
            unaccounted: (0, 0),
            out: Output::default(),
            channels: Slab::new(),
            events: EventQueue::new(event_queue),
            subscriptions: HashMap::new(),
            refused: Vec::new(),
        }
    }

    /// Handles one message.
    pub(super) fn handle(&mut self, frame: &Frame<'_>, world: &mut World, now: Tick) -> Outcome {
        let Frame { header, payload } = frame;
        match header.command {
            command::VERSION => self.version(header)?,
            command::HOST_NAME | command::CLIENT_NAME => self.client_name(header, payload)?,
            command::ECHO => self.echo(header, payload),
            command::READ_SYNC => header.encode(&mut self.out.bytes),
            command::SEARCH => self.search(header, payload, world)?,
            command::CREATE_CHAN => self.create_channel(header, payload, world, now)?,
            command::CLEAR_CHANNEL => self.clear_channel(header, world)?,
            command::READ | command::READ_NOTIFY => self.read(header, world, now)?,
            command::WRITE | command::WRITE_NOTIFY => return self.write(header, payload, world, now),
            command::EVENT_ADD => self.event_add(header, payload, world, now)?,
            command::EVENT_CANCEL => self.event_cancel(header, world)?,
            command::EVENTS_OFF => self.events.set_flow_control(true),
            command::EVENTS_ON => self.events.set_flow_control(false),
            other => return Err(self.fatal(header, eca::INTERNAL, CloseReason::UnknownCommand(other))),
        }
        Ok(None)
    }

    fn version(&mut self, header: &Header) -> Result<(), CloseReason> {
        self.supported(header, header.count)?;
        if header.data_type > MAX_PRIORITY {
            return Err(self.fatal(header, eca::INTERNAL, CloseReason::UnknownPriority(header.data_type)));
        }
        Ok(())
    }

    /// Clients from before 4.4 are not served (`caProto.h`, `CA_MINIMUM_SUPPORTED_VERSION`).
    pub(super) fn supported(&mut self, header: &Header, minor: u32) -> Result<(), CloseReason> {
        if minor < search::OLDEST_MINOR_VERSION {
            return Err(self.fatal(header, eca::DEFUNCT, CloseReason::TooOld(minor)));
        }
        Ok(())
    }

    /// HOST_NAME or CLIENT_NAME: taken until the first channel is there.
    fn client_name(&mut self, header: &Header, payload: &[u8]) -> Result<(), CloseReason> {
        let what = if header.command == command::HOST_NAME { "host" } else { "user" };
        if !self.channels.is_empty() {
            self.error(header, eca::INTERNAL, &format!("a {what} name is not taken after the first channel"));
            return Ok(());
        }
        let size = payload.iter().position(|byte| *byte == 0).map_or(usize::MAX, |end| end + 1);
        if size > MAX_CLIENT_NAME {
            let reason = CloseReason::LongName { what, size: payload.len() };
            return Err(self.fatal(header, eca::INTERNAL, reason));
        }
        let name = printable(&message::text(payload));
        match header.command {
            command::HOST_NAME => self.host = name,
            _ => self.user = name,
        }
        Ok(())
    }

    fn echo(&mut self, header: &Header, payload: &[u8]) {
        header.encode(&mut self.out.bytes);
        self.out.bytes.extend_from_slice(payload);
    }

    /// SEARCH over TCP: we are asked as a name server.
    fn search(&mut self, header: &Header, payload: &[u8], world: &World) -> Result<(), CloseReason> {
        self.supported(header, header.count)?;
        let name = message::text(payload);
        if name.is_empty() {
            return Ok(());
        }
        if world.database.find(&name).is_some() {
            message::search_found_on_circuit(&mut self.out.bytes, self.port, search::SENDER, header.p2);
        } else if header.data_type == search_reply::DO {
            message::not_found(&mut self.out.bytes, header.p1);
        }
        Ok(())
    }

    /// Says what is wrong with a request; the circuit stays (`camessage.c`, `send_err`).
    pub(super) fn error(&mut self, request: &Header, status: u32, why: &str) {
        let cid = match request.command {
            command::EVENT_ADD
            | command::EVENT_CANCEL
            | command::READ
            | command::READ_NOTIFY
            | command::WRITE
            | command::WRITE_NOTIFY => self.channel(request.p1).map_or(NO_ID, |channel| channel.cid),
            command::SEARCH => request.p1,
            _ => NO_ID,
        };
        message::error(&mut self.out.bytes, cid, status, request, why);
    }

    /// Says what is wrong; the caller closes the circuit for it.
    pub(super) fn fatal(&mut self, request: &Header, status: u32, reason: CloseReason) -> CloseReason {
        self.error(request, status, &reason.to_string());
        reason
    }

    /// The next message is none that is taken.
    pub(super) fn malformed(&mut self, error: HeaderError) -> CloseReason {
        let status = match error {
            HeaderError::PayloadTooLarge { .. } => eca::TOLARGE,
            HeaderError::Misaligned(_) => eca::INTERNAL,
        };
        self.fatal(&Header::default(), status, CloseReason::Malformed(error))
    }

    /// Notes what was refused, once for each kind.
    pub(super) fn refuse(&mut self, refusal: Refusal, world: &mut World) -> String {
        if !self.refused.contains(&refusal) {
            self.refused.push(refusal);
            world.notices.push(Notice { client: self.client(), what: refusal.to_string() });
        }
        refusal.to_string()
    }

    /// The channel of an identifier that we gave.
    pub(super) fn channel(&self, sid: u32) -> Option<&Channel> {
        self.channels.get(sid as usize)
    }

    /// The same, closing the circuit when there is none.
    pub(super) fn known_channel(&mut self, header: &Header) -> Result<&Channel, CloseReason> {
        if !self.channels.contains(header.p1 as usize) {
            let reason = CloseReason::UnknownChannel { command: header.command, sid: header.p1 };
            return Err(self.fatal(header, eca::INTERNAL, reason));
        }
        Ok(&self.channels[header.p1 as usize])
    }

    /// The client has said who it is, as far as it will.
    pub(super) fn identify(&mut self, world: &mut World, now: Tick) {
        if self.account.is_some() {
            return;
        }
        let peer = Peer { user: self.user.clone(), host: self.host.clone(), address: Some(self.peer.ip()) };
        self.account = world.ledger.identify(peer);
        let (bytes_in, bytes_out) = std::mem::take(&mut self.unaccounted);
        self.count_bytes(bytes_in, bytes_out, world, now);
    }

    pub(super) fn count_bytes(&mut self, bytes_in: usize, bytes_out: usize, world: &mut World, now: Tick) {
        match self.account {
            Some(account) => world.ledger.bytes(account, bytes_in, bytes_out, now),
            None => {
                self.unaccounted.0 += bytes_in;
                self.unaccounted.1 += bytes_out;
            }
        }
    }

    /// Who it is, for the log.
    pub(super) fn client(&self) -> String {
        match (self.user.as_str(), self.host.as_str()) {
            ("", "") => self.peer.to_string(),
            (user, host) => format!("{user}@{host} ({})", self.peer),
        }
    }
}

/// What a terminal may be shown of a name that a client gave.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
