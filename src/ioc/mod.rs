//! The simulated IOC, without any I/O: time comes in as an argument, bytes come in and go out.
//!
//! Whoever drives it (real sockets, or a simulation) does this:
//! - a client connects: [`Ioc::open`]; bytes come from it: [`Ioc::received`];
//! - then, and whenever its socket takes bytes again: [`Ioc::work`], and sends [`Ioc::unsent`], until nothing is left to do or to send;
//! - a change is due ([`Ioc::next_due`]): [`Ioc::post_next`];
//! - after either, [`Ioc::take_listed`] names the circuits that have got something to send: work them likewise.

pub mod alarm;
pub mod beacon;
pub mod circuit;
pub mod closing;
pub mod database;
pub mod event_queue;
pub mod generator;
pub mod ledger;
pub mod limits;
pub mod record;
pub mod schedule;
pub mod search;
mod seed;
pub mod shortcut;
pub mod signal;

use std::net::SocketAddr;
use std::sync::Arc;

use slab::Slab;

use self::circuit::{Circuit, Step};
use self::closing::{CloseReason, Notice};
use self::database::Database;
use self::ledger::Ledger;
use self::limits::Limits;
use self::schedule::Schedule;
use crate::pv::PvId;
use crate::scenario::model::Scenario;
use crate::time::{Span, Tick, WallClock};
use crate::trace::{Emission, Outage, Request, Window};

/// Which circuit. A number is used again after its circuit has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircuitId(pub usize);

/// What all circuits share.
#[derive(Debug)]
pub struct World {
    /// The PVs.
    pub database: Database,
    /// The counts.
    pub ledger: Ledger,
    /// The bounds.
    pub limits: Limits,
    /// Every get since they were last taken, with its listener; `None`: only counted.
    requests: Option<Vec<(usize, Request)>>,
    notices: Vec<Notice>,
    wall: WallClock,
}

/// How clients are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// One client for each of so many listeners.
    ByListener(usize),
    /// By address, host name and user name.
    ByPeer,
}

/// How far [`Ioc::work`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every complete message was handled.
    Idle,
    /// There may be more messages to handle.
    More,
    /// So much is unsent that nothing more is looked at; nothing should be read either.
    Backlog,
    /// The circuit is to be closed when what is unsent has been sent.
    Closed,
}

/// The IOC.
#[derive(Debug)]
pub struct Ioc {
    scenario: Arc<Scenario>,
    world: World,
    circuits: Slab<Circuit>,
    schedule: Option<Schedule>,
    listed: Vec<CircuitId>,
    /// When it went away, and when it came back if it has.
    outage: Option<(Tick, Option<Tick>)>,
}

impl Ioc {
    /// An IOC with the PVs of a scenario, none of them changing yet.
    #[must_use]
    pub fn new(scenario: Arc<Scenario>, limits: Limits, counting: Counting, wall: WallClock, now: Tick) -> Ioc {
        let ledger = match counting {
            Counting::ByListener(listeners) => Ledger::by_listener(listeners),
            Counting::ByPeer => Ledger::by_peer(limits.peers),
        };
        let database = Database::new(&scenario, wall.stamp(now));
        let world = World { database, ledger, limits, requests: None, notices: Vec::new(), wall };
        Ioc { scenario, world, circuits: Slab::new(), schedule: None, listed: Vec::new(), outage: None }
    }

    /// Keeps every request as a fact from now on.
    pub fn record_requests(&mut self) {
        self.world.requests.get_or_insert_default();
    }

    /// How the clocks stand to each other now.
    pub fn set_wall(&mut self, wall: WallClock) {
        self.world.wall = wall;
    }

    /// All values change, by generators anew from `seed`, in a schedule that starts at `at`. Counts start over.
    pub fn begin(&mut self, seed: u64, at: Tick) {
        self.begin_with(Schedule::new(&self.scenario, seed, at));
    }

    /// The same with only these PVs changing, as they do when all change; the others keep their values.
    pub fn begin_of(&mut self, pvs: &[PvId], seed: u64, at: Tick) {
        self.begin_with(Schedule::of(&self.scenario, pvs, seed, at));
    }

    fn begin_with(&mut self, schedule: Schedule) {
        self.world.database.restart();
        self.world.ledger.restart();
        self.schedule = Some(schedule);
        self.outage = None;
    }

    /// It goes away as if its process ended: every circuit is closed, and nothing changes until [`Ioc::come_back`]. What belongs to the
    /// measurement stays: the counts, and the numbers of the changes, which go on where they were.
    pub fn go_away(&mut self, now: Tick) {
        let open: Vec<CircuitId> = self.circuits.iter().map(|(key, _)| CircuitId(key)).collect();
        for id in open {
            // Nobody but the restart is to blame: the log need not have it.
            let _ = self.close(id, CloseReason::ServerStops);
        }
        self.listed.clear();
        self.outage = Some((now, None));
    }

    /// It is back. Changes that were due meanwhile were not made and never will be; their pattern goes on.
    pub fn come_back(&mut self, now: Tick) {
        if let Some((_, back)) = &mut self.outage {
            *back = Some(now);
        }
        if let Some(schedule) = &mut self.schedule {
            while schedule.next_due().is_some_and(|due| due < now) {
                schedule.next();
            }
        }
    }

    /// Whether it is away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self.outage, Some((_, None)))
    }

    /// When it was away, once it is back.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        let (down, up) = self.outage?;
        Some(Outage { down, up: up? })
    }

    /// Nothing changes any more.
    pub fn end(&mut self) {
        self.schedule = None;
    }

    /// The window that counts are told apart by.
    pub fn set_window(&mut self, window: Window) {
        self.world.ledger.set_window(window);
    }

    /// When the next change is due; `None`: none.
    #[must_use]
    pub fn next_due(&self) -> Option<Tick> {
        self.schedule.as_ref().filter(|_| !self.is_away())?.next_due()
    }

    /// Makes the change that is due next. `posted` was read just before. `None`: its signal stayed within the deadband, or there was none.
    pub fn post_next(&mut self, posted: Tick) -> Option<Emission> {
        let change = self.schedule.as_mut()?.next()?;
        let posting = self.world.database.change(change.pv, change.signal, self.world.wall.stamp(posted));
        if posting.mask != 0 {
            self.distribute(change.pv, posting.mask, posted);
        }
        Some(Emission { pv: change.pv, seq: posting.seq?, due: change.due, posted })
    }

    /// Queues a posting for every subscription whose mask it meets.
    fn distribute(&mut self, pv: PvId, mask: u16, now: Tick) {
        let Some((_, record)) = self.world.database.get_mut(pv) else { return };
        if record.monitors.is_empty() {
            return;
        }
        let monitors = std::mem::take(&mut record.monitors);
        let snapshot = Arc::clone(record.current());
        for (_, monitor) in monitors.iter().filter(|(_, monitor)| monitor.mask & mask != 0) {
            let Some(circuit) = self.circuits.get_mut(monitor.circuit.0) else { continue };
            circuit.post(monitor.key, &snapshot, &mut self.world, now);
            // As by an event task that is never late: what replaces updates is the client's slowness, never ours.
            circuit.deliver(&mut self.world, now);
            if !circuit.listed {
                circuit.listed = true;
                self.listed.push(monitor.circuit);
            }
        }
        if let Some((_, record)) = self.world.database.get_mut(pv) {
            record.monitors = monitors;
        }
    }

    /// A client connected to a listener of ours on TCP `port`.
    ///
    /// # Errors
    /// When there are too many circuits.
    pub fn open(&mut self, listener: usize, peer: SocketAddr, port: u16) -> Result<CircuitId, CloseReason> {
        if self.circuits.len() >= self.world.limits.circuits {
            return Err(CloseReason::TooManyCircuits(self.world.limits.circuits));
        }
        let entry = self.circuits.vacant_entry();
        let id = CircuitId(entry.key());
        entry.insert(Circuit::new(id, listener, peer, port, &mut self.world));
        Ok(id)
    }

    /// Bytes came from a client. [`Ioc::work`] must follow before more is read.
    pub fn received(&mut self, id: CircuitId, bytes: &[u8], now: Tick) {
        if let Some(circuit) = self.circuits.get_mut(id.0) {
            circuit.received(bytes, &mut self.world, now);
        }
    }

    /// Sends pending updates and handles up to `budget` messages, as far as the output has room.
    pub fn work(&mut self, id: CircuitId, now: Tick, budget: usize) -> Progress {
        let Some(circuit) = self.circuits.get_mut(id.0) else { return Progress::Closed };
        circuit.listed = false;
        circuit.deliver(&mut self.world, now);
        let mut progress = Progress::More;
        for _ in 0..budget {
            let Some(circuit) = self.circuits.get_mut(id.0) else { return Progress::Closed };
            if circuit.unsent().len() >= self.world.limits.unsent_replies {
                progress = Progress::Backlog;
                break;
            }
            match circuit.step(&mut self.world, now) {
                Step::Handled => {}
                Step::Posted(pv, posting) => self.distribute(pv, posting.mask, now),
                Step::Idle => {
                    progress = Progress::Idle;
                    break;
                }
                Step::Closed => return Progress::Closed,
            }
        }
        if let Some(circuit) = self.circuits.get_mut(id.0) {
            circuit.deliver(&mut self.world, now);
        }
        progress
    }

    /// What the log should have of a circuit whose client has taken nothing for so long.
    #[must_use]
    pub fn stalled(&self, id: CircuitId, silence: Span) -> Option<Notice> {
        let circuit = self.circuits.get(id.0)?;
        let (waiting, limits) = (circuit.unsent().len(), &self.world.limits);
        let what = format!(
            "has taken nothing for {silence}: {waiting} bytes wait for it; from {} on its updates are held back, from {} on its requests",
            limits.unsent_updates, limits.unsent_replies
        );
        Some(Notice { client: circuit.client(), what })
    }

    /// What waits to be sent to a client.
    #[must_use]
    pub fn unsent(&self, id: CircuitId) -> &[u8] {
        self.circuits.get(id.0).map_or(&[], Circuit::unsent)
    }

    /// The first `count` unsent bytes were sent.
    pub fn sent(&mut self, id: CircuitId, count: usize, now: Tick) {
        if let Some(circuit) = self.circuits.get_mut(id.0) {
            circuit.sent(count, &mut self.world, now);
        }
    }

    /// Takes a circuit away: `reason` is why, unless the circuit has a reason of its own. Returns what the log should have.
    pub fn close(&mut self, id: CircuitId, reason: CloseReason) -> Option<Notice> {
        let mut circuit = self.circuits.try_remove(id.0)?;
        circuit.detach(&mut self.world);
        if let Some(account) = circuit.account() {
            self.world.ledger.close(account);
        }
        let reason = match (circuit.closed(), circuit.incomplete(), reason) {
            (Some(own), ..) => own.clone(),
            (None, pending, CloseReason::ByClient) if pending > 0 => CloseReason::Truncated(pending),
            (None, _, reason) => reason,
        };
        let what = format!("circuit closed: {reason}");
        reason.is_notable().then(|| Notice { client: circuit.client(), what })
    }

    /// Circuits that have got something to send since this was last called. Each is named once; it may have closed since.
    pub fn take_listed(&mut self, into: &mut Vec<CircuitId>) {
        into.append(&mut self.listed);
    }

    /// What the log should have since this was last called.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.world.notices)
    }

    /// The requests answered since this was last called, with their listeners, when they are recorded.
    pub fn take_requests(&mut self, mut each: impl FnMut(usize, Request)) {
        for (listener, request) in self.world.requests.iter_mut().flat_map(|requests| requests.drain(..)) {
            each(listener, request);
        }
    }

    /// The counts.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.world.ledger
    }

    /// What it serves.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The PVs.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.world.database
    }

    /// Circuits that are open.
    #[must_use]
    pub fn circuits(&self) -> usize {
        self.circuits.len()
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
