//! How a simulated client finds the IOC and opens its channels: search, connection, channels, subscriptions.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;

use super::agenda::NEVER;
use super::client::{Client, SHORTEST_ROUND, Stage};
use super::server::{Ask, PORT, Server};
use crate::ca::message::dbe;
use crate::client::{Circuit, Identity};
use crate::scenario::model::Fetch;
use crate::time::{Span, Tick};

/// What a client watches: as the live one.
const MASK: u16 = dbe::VALUE | dbe::ALARM;

impl Client {
    /// Searches for the names that nobody has answered for.
    pub(super) fn look_for(&mut self, at: Tick, server: &mut Server) {
        let (mut datagrams, mut datagram) = (Vec::new(), Vec::new());
        while self.search.transmit(at, &mut datagram) {
            datagrams.push(datagram.clone());
        }
        self.stage = Stage::Searching;
        if let Some(again) = self.search.deadline() {
            self.timer = again.max(at + SHORTEST_ROUND);
        }
        if !datagrams.is_empty() {
            let arrival = self.departure(at, Span::ZERO);
            server.ask(self.place, arrival, Ask::Search(datagrams));
        }
    }

    /// Connects.
    pub(super) fn connect(&mut self, at: Tick, server: &mut Server) {
        self.stage = Stage::Connecting;
        self.timer = NEVER;
        let arrival = self.departure(at, Span::ZERO);
        server.ask(self.place, arrival, Ask::Connect);
    }

    /// Asks for the channels that it needs now.
    pub(super) fn create(&mut self, at: Tick, server: &mut Server) {
        self.stage = Stage::Creating;
        let identity = Identity { host: "simulated".to_owned(), user: "pollcost".to_owned(), priority: 0 };
        let mut circuit = Circuit::open(&identity, self.setup.payload_limit);
        for tag in self.wanted() {
            if let Err(error) = circuit.create(&self.setup.pvs[tag].name, tag as u32) {
                return self.fail(error.to_string());
            }
            self.line.channels[tag] = None;
        }
        self.line.circuit = Some(circuit);
        self.flush(at, Span::ZERO, server);
    }

    /// Puts what the circuit has to say on its way.
    pub(super) fn flush(&mut self, at: Tick, cost: Span, server: &mut Server) {
        let arrival = self.departure(at, cost);
        if self.line.flush(arrival) {
            server.ask(self.place, arrival, Ask::Bytes);
        }
    }

    /// All channels are there.
    pub(super) fn connected(&mut self, at: Tick, server: &mut Server) {
        match self.setup.fetch {
            Fetch::Connect => self.request(at, server),
            Fetch::Monitor | Fetch::Cached => self.subscribe(at, server),
            Fetch::Serial | Fetch::Batch => {
                if self.setup.shortcut {
                    self.take_shortcuts(server);
                }
                self.poll(at, server);
            }
        }
    }

    fn take_shortcuts(&mut self, server: &mut Server) {
        let Some(id) = self.line.id else { return };
        let channels = self.line.channels.iter().zip(&self.setup.pvs);
        let gets = channels.map(|(channel, pv)| {
            let channel = channel.as_ref()?;
            server.ioc.shortcut(id, pv.id, channel.dbr, channel.count)
        });
        self.line.shortcuts = gets.collect::<Option<Vec<_>>>().unwrap_or_default();
    }

    fn subscribe(&mut self, at: Tick, server: &mut Server) {
        let Some(circuit) = &mut self.line.circuit else { return };
        for (tag, channel) in self.line.channels.iter().enumerate() {
            let Some(channel) = channel else { continue };
            if let Err(error) = circuit.subscribe(channel.id, channel.dbr, channel.count, MASK, tag as u32) {
                return self.fail(error.to_string());
            }
        }
        self.subscribed = true;
        self.stage = if self.setup.fetch == Fetch::Monitor { Stage::Listening } else { Stage::Filling };
        self.flush(at, Span::ZERO, server);
    }

    /// The PVs whose channels are needed now.
    pub(super) fn wanted(&self) -> Range<usize> {
        if self.setup.fetch == Fetch::Connect { self.which.clone() } else { 0..self.setup.pvs.len() }
    }

    /// Takes answers to searches.
    pub(super) fn searched(&mut self, datagrams: &[Vec<u8>], at: Tick, server: &mut Server) {
        let mut found = Vec::new();
        for datagram in datagrams {
            self.search.datagram(SocketAddrV4::new(Ipv4Addr::LOCALHOST, PORT), datagram, &mut found);
        }
        if self.search.open() == 0 { self.connect(at, server) } else { self.look_for(at, server) }
    }

    /// The connection of one get is no longer needed.
    pub(super) fn disconnect(&mut self, at: Tick, server: &mut Server) {
        self.line.circuit = None;
        if let Some(id) = self.line.id.take() {
            let arrival = self.departure(at, Span::ZERO);
            server.ask(self.place, arrival, Ask::Close(id));
        }
    }
}
