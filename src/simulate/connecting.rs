//! How a simulated client finds the IOC and opens its channels: search, connection, channels, subscriptions.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;

use super::agenda::NEVER;
use super::client::{Client, SHORTEST_ROUND, Stage};
use super::server::{Ask, PORT, Server};
use crate::ca::message::dbe;
use crate::client::search::Search;
use crate::client::{Circuit, Identity};
use crate::scenario::model::Fetch;
use crate::time::{Span, Tick};

/// What a client watches: as the live one.
const MASK: u16 = dbe::VALUE | dbe::ALARM;

impl Client {
    /// Starts to search for what it needs now.
    pub(super) fn seek(&mut self, at: Tick, server: &mut Server) {
        self.search = Search::new();
        for tag in self.wanted() {
            self.search.add(self.setup.pvs[tag].name.clone(), tag as u32, at);
        }
        self.look_for(at, server);
    }

    /// Searches for the names that nobody has answered for.
    pub(super) fn look_for(&mut self, at: Tick, server: &mut Server) {
        if at >= self.notes.end() {
            self.over = true;
            return;
        }
        let (mut datagrams, mut datagram) = (Vec::new(), Vec::new());
        while self.search.transmit(at, &mut datagram) {
            datagrams.push(datagram.clone());
        }
        let again = self.search.deadline().map_or(NEVER, |again| again.max(at + SHORTEST_ROUND));
        self.dial(Stage::Searching, again.min(self.notes.end()));
        if !datagrams.is_empty() {
            let arrival = self.departure(at, Span::ZERO);
            server.ask(self.place, arrival, Ask::Search(datagrams));
        }
    }

    /// Connects.
    pub(super) fn connect(&mut self, at: Tick, server: &mut Server) {
        self.dial(Stage::Connecting, NEVER);
        let arrival = self.departure(at, Span::ZERO);
        server.ask(self.place, arrival, Ask::Connect);
    }

    /// Asks for the channels that it needs now.
    pub(super) fn create(&mut self, at: Tick, server: &mut Server) {
        self.dial(Stage::Creating, NEVER);
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
        if self.line.cut.is_some() && self.reader == NEVER {
            self.wait_for_bytes();
        }
    }

    /// All channels are there.
    pub(super) fn connected(&mut self, at: Tick, server: &mut Server) {
        let again = self.came_back(at);
        match self.setup.fetch {
            Fetch::Connect => self.request(at, server),
            Fetch::Monitor | Fetch::Cached => self.subscribe(at, server),
            Fetch::Serial | Fetch::Batch => {
                if self.setup.shortcut {
                    self.take_shortcuts(server);
                }
                // What it had asked for when it lost the IOC it asks for once more.
                if again { self.fetch(at, server) } else { self.poll(at, server) }
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
        if self.redial.take().is_none() {
            let monitor = self.setup.fetch == Fetch::Monitor;
            self.stage = if monitor { Stage::Listening } else { Stage::Filling };
            self.timer = if monitor { self.notes.end() } else { NEVER };
        }
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
        self.line.cut = None;
        if let Some(id) = self.line.id.take() {
            let arrival = self.departure(at, Span::ZERO);
            server.ask(self.place, arrival, Ask::Close(id));
        }
    }
}
