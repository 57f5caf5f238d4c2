//! Facts measured while they come, so that a simulation takes no more memory the longer it lasts.
//!
//! Facts pile up for a while and are then measured as far as every client has noticed every change; what is still open stays for the
//! next time, with what each client holds. A client that lags has that much left open.

use super::client::Client;
use super::server::Server;
use crate::pv::{PvId, Seq};
use crate::scenario::model::{ClientSpec, Scenario};
use crate::summary::{Measured, Stretch};
use crate::time::Tick;
use crate::trace::{Emission, EmissionIndex, Observation, Request, Window};

/// At least so many facts are measured at once, where nothing else is said.
pub(super) const PILE: usize = 1 << 16;

/// Who takes the facts themselves, and is told how far a group has come.
pub trait Watcher {
    /// Virtual time has come so far; whether to go on.
    fn reached(&mut self, now: Tick) -> bool {
        let _ = now;
        true
    }

    /// The IOC posted these changes.
    fn posted(&mut self, emissions: &[Emission]) {
        let _ = emissions;
    }

    /// Clients, by their places in the group, made these requests, which the IOC answered; only with [`crate::scenario::model::Facts::Full`].
    fn asked(&mut self, requests: &[(usize, Request)]) {
        let _ = requests;
    }

    /// A client, by its place in the group, observed this.
    fn observed(&mut self, place: usize, observations: &[Observation]) {
        let _ = (place, observations);
    }
}

/// Takes nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {}

/// The measuring of a group.
#[derive(Debug)]
pub(super) struct Gauge<'a> {
    scenario: &'a Scenario,
    specs: Vec<&'a ClientSpec>,
    begun: Tick,
    from: Tick,
    pile: usize,
    limit: usize,
    /// Changes that stand first among the server's and were told before.
    told: usize,
    /// The most facts of one kind that were there at once.
    most: usize,
    clients: Vec<OfClient>,
    /// What each client comes to, its copies together.
    measured: Vec<Measured>,
}

/// The measuring of one client.
#[derive(Debug)]
struct OfClient {
    /// The place of what it comes to.
    slot: usize,
    /// Observations that stand first among the client's and were measured before.
    known: usize,
    /// What it has heard of each PV, by the PV's number: the latest change, and whether it looks at the PV at all.
    heard: Vec<Option<Heard>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    seq: Seq,
    /// The last observation with something new.
    last: Option<Observation>,
}

impl OfClient {
    fn new(scenario: &Scenario, spec: &ClientSpec, slot: usize) -> OfClient {
        let mut heard = vec![None; scenario.pvs.len()];
        for pv in &spec.pvs {
            if let Some(place) = heard.get_mut(pv.index()) {
                *place = Some(Heard::default());
            }
        }
        OfClient { slot, known: 0, heard }
    }

    fn hear(&mut self, observations: &[Observation]) {
        for o in observations.get(self.known..).unwrap_or_default() {
            if let Some(Some(heard)) = self.heard.get_mut(o.pv.index())
                && (heard.last.is_none() || o.seq > heard.seq)
            {
                *heard = Heard { seq: o.seq, last: Some(*o) };
            }
        }
    }

    /// When the first change was posted that the client has not noticed.
    fn noticed_until(&self, emissions: &[Emission]) -> Option<Tick> {
        let open = |e: &&Emission| self.heard.get(e.pv.index()).is_some_and(|h| h.is_some_and(|h| e.seq > h.seq));
        emissions.iter().find(open).map(|e| e.posted)
    }
}

impl<'a> Gauge<'a> {
    /// `slots` tells for each place which client, of those that `specs` tells of, is there.
    pub(super) fn new(
        scenario: &'a Scenario,
        specs: Vec<&'a ClientSpec>,
        slots: Vec<usize>,
        begun: Tick,
        pile: usize,
    ) -> Gauge<'a> {
        let measured = specs.iter().map(|_| Measured::new(scenario)).collect();
        let of = |slot: usize| Some(OfClient::new(scenario, specs.get(slot)?, slot));
        let clients = slots.into_iter().filter_map(of).collect();
        Gauge { scenario, specs, begun, from: Tick(0), pile, limit: pile, told: 0, most: 0, clients, measured }
    }

    /// Whether enough has piled up at the IOC and the client that did something last.
    #[inline]
    pub(super) fn is_due(&self, server: &Server, latest: Option<&Client>) -> bool {
        server.emissions.len().max(server.requests.len()) >= self.limit
            || latest.is_some_and(|client| client.notes.observations.len() >= self.limit)
    }

    /// Measures what is complete; everything when it is the last time.
    pub(super) fn measure(
        &mut self,
        server: &mut Server,
        clients: &mut [Client],
        window: Window,
        last: bool,
        watcher: &mut dyn Watcher,
    ) {
        let piles = clients.iter().map(|client| client.notes.observations.len());
        self.most = piles.fold(self.most.max(server.emissions.len()), usize::max);
        watcher.posted(server.emissions.get(self.told..).unwrap_or_default());
        let mut to = Tick(u64::MAX);
        for (place, (of, client)) in self.clients.iter_mut().zip(&*clients).enumerate() {
            watcher.observed(place, client.notes.observations.get(of.known..).unwrap_or_default());
            of.hear(&client.notes.observations);
            let open = of.noticed_until(&server.emissions).filter(|_| !last && client.failed.is_none());
            to = to.min(open.unwrap_or(to));
        }
        if !last {
            to = to.min(server.emissions.last().map_or(self.from, |e| e.posted));
        }
        watcher.asked(&server.requests);
        server.requests.clear();
        let back = server.ioc.outage().map(|outage| outage.up);
        let index = EmissionIndex::new(self.scenario.pvs.len(), &server.emissions);
        for (of, client) in self.clients.iter_mut().zip(&*clients) {
            let (Some(spec), Some(measured)) = (self.specs.get(of.slot), self.measured.get_mut(of.slot)) else {
                continue;
            };
            let observations = client.notes.observations.as_slice();
            let facts = Stretch { from: self.from, to, emissions: &index, observations, known: of.known, back };
            measured.add(self.scenario, spec, window, self.begun, &facts);
        }
        drop(index);
        self.from = self.from.max(to);
        self.keep_open(server, clients);
    }

    /// Lets go of all facts but those of changes that are still open, what the clients hold, and the changes that these tell of.
    fn keep_open(&mut self, server: &mut Server, clients: &mut [Client]) {
        let mut held: Vec<(PvId, Seq)> = Vec::new();
        let mut facts = 0;
        for (of, client) in self.clients.iter_mut().zip(clients) {
            let mut kept: Vec<Observation> = Vec::new();
            // What was held when the open stretch began, then what came since.
            let mut before: Vec<Option<Observation>> = vec![None; of.heard.len()];
            let split = client.notes.observations.partition_point(|o| o.received < self.from);
            for o in client.notes.observations.get(..split).unwrap_or_default() {
                if let Some(place) = before.get_mut(o.pv.index())
                    && place.is_none_or(|p| o.seq > p.seq)
                {
                    *place = Some(*o);
                }
            }
            kept.extend(before.into_iter().flatten());
            kept.extend_from_slice(client.notes.observations.get(split..).unwrap_or_default());
            held.extend(kept.iter().map(|o| (o.pv, o.seq)));
            of.known = kept.len();
            facts = facts.max(kept.len());
            client.notes.observations = kept;
        }
        held.sort_unstable();
        held.dedup();
        let from = self.from;
        server.emissions.retain(|e| e.posted >= from || held.binary_search(&(e.pv, e.seq)).is_ok());
        self.told = server.emissions.len();
        self.limit = self.pile.max(4 * facts.max(server.emissions.len()));
    }

    /// The most facts of one kind that were there at once.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// What was measured of each client.
    pub(super) fn finish(self) -> impl Iterator<Item = Measured> {
        self.measured.into_iter()
    }
}
