//! A client in virtual time: what its threads do when, and when they run next.
//!
//! The loops are those of the live client (`io::drive`, `io::fetch`): the same poller, tally, circuit and flow control, with sleeps and
//! reads that end at an instant instead of blocking.

use std::ops::Range;

use rand_pcg::Pcg64Mcg;

use super::agenda::NEVER;
use super::line::{Channel, Line};
use super::model::{ClientModel, RoundTrip};
use super::notes::Notes;
use super::server::{Ask, Server};
use crate::ca::dbr::{DbrClass, DbrType, first_element};
use crate::client::event::status_text;
use crate::client::flow::FlowControl;
use crate::client::poller::Poller;
use crate::client::search::Search;
use crate::client::{Data, Event};
use crate::ioc::CircuitId;
use crate::pv::{PvId, PvName};
use crate::scenario::model::Fetch;
use crate::time::{Span, Tick};
use crate::trace::Window;

/// No round is shorter: a loop that costs nothing would not let time go on.
pub(super) const SHORTEST_ROUND: Span = Span(100);

/// A PV as a client sees it.
#[derive(Clone, Debug)]
pub(super) struct ClientPv {
    pub(super) id: PvId,
    pub(super) name: PvName,
}

/// What a client is told before it starts.
#[derive(Debug)]
pub(super) struct Setup {
    /// Its place in the group: its listener, too.
    pub(super) place: usize,
    pub(super) pvs: Vec<ClientPv>,
    pub(super) fetch: Fetch,
    pub(super) class: DbrClass,
    pub(super) service_time: Span,
    pub(super) payload_limit: u32,
    /// Whether gets go without their bytes.
    pub(super) shortcut: bool,
    /// When it starts.
    pub(super) start: Tick,
}

/// What the main thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its start.
    Starting,
    /// Answers to its searches.
    Searching,
    /// A connection.
    Connecting,
    /// Channels.
    Creating,
    /// First values of what it keeps a copy of.
    Filling,
    /// The end of a sleep.
    Sleeping,
    /// Nothing: it goes on at once.
    Running,
    /// Replies.
    Asking,
    /// Updates, or its end.
    Listening,
}

/// What came otherwise than as bytes on the circuit.
#[derive(Debug)]
pub(super) enum Letter {
    Datagrams(Vec<Vec<u8>>),
    Accepted,
    /// Nobody listens where the IOC was found.
    Refused,
    Got,
}

/// A client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) place: usize,
    pub(super) model: ClientModel,
    pub(super) notes: Notes,
    pub(super) line: Line,
    /// The number that each PV was last heard to carry.
    pub(super) values: Vec<Option<f64>>,
    pub(super) failed: Option<String>,
    pub(super) setup: Setup,
    pub(super) random: Pcg64Mcg,
    pub(super) poller: Option<Poller>,
    pub(super) search: Search,
    pub(super) flow: FlowControl,
    pub(super) stage: Stage,
    /// When the main thread goes on by itself.
    pub(super) timer: Tick,
    /// When the thread that reads goes on.
    pub(super) reader: Tick,
    pub(super) letter: Option<Letter>,
    /// The way back of what is being asked.
    pub(super) back: Span,
    /// The PVs that are being asked for, and since when.
    pub(super) which: Range<usize>,
    pub(super) asked: Tick,
    /// Updates are taken as they come.
    pub(super) subscribed: bool,
    /// The reading thread has not blocked since its last read of so many bytes.
    pub(super) last_read: Option<usize>,
    /// Values of the copy that are still missing.
    pub(super) filled: Vec<bool>,
    pub(super) unfilled: usize,
    pub(super) updates: u64,
    /// Where the thread that keeps the copy is with finding the IOC again, and when it goes on by itself.
    pub(super) redial: Option<(Stage, Tick)>,
    /// It has lost the IOC and is not back: since when.
    pub(super) lost: Option<Tick>,
    pub(super) over: bool,
}

impl Client {
    pub(super) fn new(
        setup: Setup,
        model: ClientModel,
        notes: Notes,
        poller: Option<Poller>,
        random: Pcg64Mcg,
    ) -> Client {
        let pvs = setup.pvs.len();
        Client {
            place: setup.place,
            model,
            notes,
            line: Line::new(pvs),
            values: vec![None; pvs],
            failed: None,
            random,
            poller,
            search: Search::new(),
            flow: FlowControl::new(setup.payload_limit),
            stage: Stage::Starting,
            timer: setup.start,
            reader: NEVER,
            letter: None,
            back: Span::ZERO,
            which: 0..0,
            asked: setup.start,
            subscribed: false,
            last_read: None,
            filled: vec![false; pvs],
            unfilled: pvs,
            updates: 0,
            redial: None,
            lost: None,
            over: false,
            setup,
        }
    }

    /// When it does something next.
    pub(super) fn next(&self) -> Tick {
        if self.over { NEVER } else { self.timer.min(self.reader).min(self.redial_at()) }
    }

    /// Whether its time is over, or it has failed.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether what it is sent are updates.
    pub(super) fn is_listening(&self) -> bool {
        self.subscribed
    }

    /// Updates that it took for its copy.
    pub(super) fn copied_updates(&self) -> u64 {
        self.updates
    }

    /// It cannot go on.
    pub(super) fn fail(&mut self, why: String) {
        self.failed.get_or_insert(why);
        self.over = true;
    }

    /// The window is known.
    pub(super) fn set_window(&mut self, window: Window) {
        self.notes.set_window(window);
        if self.stage == Stage::Listening {
            self.timer = window.end;
        }
    }

    // What the server does to it.

    /// Answers to a search leave the server at `at`.
    pub(super) fn found(&mut self, answers: Vec<Vec<u8>>, at: Tick) {
        if !answers.is_empty() {
            self.receive(Letter::Datagrams(answers), at);
        }
    }

    /// A connection is accepted at `at`.
    pub(super) fn accepted(&mut self, id: CircuitId, at: Tick) {
        self.line.id = Some(id);
        self.receive(Letter::Accepted, at);
    }

    /// Replies without bytes leave the server at `at`.
    pub(super) fn got(&mut self, at: Tick) {
        self.receive(Letter::Got, at);
    }

    pub(super) fn receive(&mut self, letter: Letter, at: Tick) {
        self.letter = Some(letter);
        self.reader = at + self.back + self.model.reader.draw(&mut self.random);
    }

    /// Bytes leave the server at `at`.
    pub(super) fn sent(&mut self, bytes: &[u8], at: Tick) {
        let way = if self.subscribed { self.model.push.draw(&mut self.random) } else { self.back };
        self.line.down.push(at + way, bytes);
        if self.reader == NEVER {
            self.wait_for_bytes();
        }
    }

    /// The reading thread blocks until bytes are there.
    pub(super) fn wait_for_bytes(&mut self) {
        self.reader = match self.line.down.arrival().or(self.line.cut) {
            Some(arrival) => arrival + self.model.reader.draw(&mut self.random),
            None => NEVER,
        };
    }

    // What it does itself.

    /// Does what is due at `now`.
    pub(super) fn step(&mut self, now: Tick, server: &mut Server) {
        if self.redial_at() < self.reader.min(self.timer) {
            self.look_for(now, server);
        } else if self.reader <= self.timer {
            self.reader = NEVER;
            if self.subscribed { self.listen(now, server) } else { self.read(now, server) }
        } else {
            self.timer = NEVER;
            self.run(now, server);
        }
    }

    pub(super) fn work(&mut self, at: Tick, cost: Span) -> Tick {
        self.notes.meter.work(at, cost, self.model.busy)
    }

    /// A thread wakes up.
    pub(super) fn wake(&mut self, now: Tick) -> Tick {
        self.notes.woke(now);
        self.work(now, self.model.costs.client_wakeup)
    }

    /// The main thread goes on by itself.
    fn run(&mut self, now: Tick, server: &mut Server) {
        match self.stage {
            Stage::Starting if self.setup.fetch == Fetch::Connect => self.poll(now, server),
            Stage::Starting => self.seek(now, server),
            Stage::Sleeping => {
                let at = self.wake(now);
                self.poll(at, server);
            }
            Stage::Running => self.poll(now, server),
            Stage::Listening => self.over = true,
            Stage::Searching => self.look_for(now, server),
            Stage::Connecting | Stage::Creating | Stage::Filling | Stage::Asking => {}
        }
    }

    /// Sends something, together with what it costs: when it leaves.
    pub(super) fn departure(&mut self, at: Tick, cost: Span) -> Tick {
        let (there, back) = match &self.model.round_trip {
            RoundTrip::EachWay(way) => (way.draw(&mut self.random), way.draw(&mut self.random)),
            RoundTrip::Whole(both) => {
                let both = both.draw(&mut self.random);
                (both / 2, Span(both.0 - both.0 / 2))
            }
        };
        self.back = back;
        self.work(at, self.model.costs.client_send + cost) + there
    }

    /// The answer to something is there.
    fn read(&mut self, now: Tick, server: &mut Server) {
        let at = self.wake(now);
        match self.letter.take() {
            Some(Letter::Datagrams(datagrams)) => self.searched(&datagrams, at, server),
            Some(Letter::Accepted) => self.create(at, server),
            Some(Letter::Refused) => self.seek(at, server),
            Some(Letter::Got) => self.replied(at, server),
            None => self.take_replies(at, server),
        }
    }

    /// Takes the bytes that have come.
    fn take_replies(&mut self, at: Tick, server: &mut Server) {
        if self.has_ended(at) {
            return self.lose(at, server);
        }
        let missing = match self.read_all(at) {
            Ok(missing) => missing,
            Err(why) => return self.fail(why),
        };
        self.make_room(at, server);
        if missing {
            return self.wait_or_lose(at, server);
        }
        match self.dialling() {
            Stage::Creating if self.line.channels[self.wanted()].iter().all(Option::is_some) => {
                self.connected(at, server)
            }
            Stage::Asking => self.replied(at, server),
            _ => self.wait_or_lose(at, server),
        }
    }

    /// The IOC is told that there is room again.
    pub(super) fn make_room(&mut self, at: Tick, server: &mut Server) {
        if std::mem::take(&mut self.line.stuck) {
            server.ask(self.place, at, Ask::Resume);
        }
    }

    /// Reads and takes everything; whether replies are still owed.
    fn read_all(&mut self, at: Tick) -> Result<bool, String> {
        let Line { circuit, down, channels, .. } = &mut self.line;
        let Some(circuit) = circuit else { return Ok(false) };
        loop {
            let count = down.read(at, circuit.spare());
            if count == 0 {
                return Ok(circuit.outstanding() > 0);
            }
            circuit.filled(count);
            while let Some(event) = circuit.next_event().map_err(|e| e.to_string())? {
                match event {
                    Event::Got { tag, data, .. } => {
                        if let Some(value) = self.values.get_mut(tag as usize) {
                            *value = carried(data);
                        }
                    }
                    Event::Opened { channel, tag, native, count } => {
                        let dbr = DbrType { class: self.setup.class, native }.code();
                        if let Some(place) = channels.get_mut(tag as usize) {
                            *place = Some(Channel { id: channel, dbr, count });
                        }
                    }
                    other => refused(other)?,
                }
            }
        }
    }
}

/// The number that a value carries in its first element.
#[inline]
pub(super) fn carried(data: Data<'_>) -> Option<f64> {
    first_element(DbrType::from_code(data.dbr)?, data.payload)
}

/// An event that a client can't go on after becomes its failure, as live.
pub(super) fn refused(event: Event<'_>) -> Result<(), String> {
    match event {
        Event::GetFailed { status, .. } => Err(format!("a get was refused: {}", status_text(status))),
        Event::UpdateFailed { status, .. } => Err(format!("a subscription was refused: {}", status_text(status))),
        Event::Dropped { .. } => Err("the IOC dropped a channel".to_owned()),
        Event::Refused { .. } => Err("the IOC does not have a channel".to_owned()),
        Event::Complaint { status, why, .. } => Err(format!("the IOC complains: {} ({why})", status_text(status))),
        _ => Ok(()),
    }
}
