//! One group of clients with an IOC of its own, from the beginning of the changes to the end of the last drain.

use std::sync::Arc;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::agenda::{Agenda, NEVER};
use super::client::{Client, ClientPv, Setup};
use super::gauge::{Gauge, PILE, Watcher};
use super::model::Model;
use super::notes::Notes;
use super::server::Server;
use crate::ca::dbr::DbrClass;
use crate::client::poller::Poller;
use crate::client::tally::{Followed, Tally};
use crate::ioc::ledger::Account;
use crate::ioc::limits::Limits;
use crate::ioc::{Counting, Ioc};
use crate::pv::{PvId, Seq};
use crate::scenario::model::{ClientSpec, DbrChoice, Facts, Scenario};
use crate::scenario::plan;
use crate::summary::Measured;
use crate::time::{EPICS_EPOCH_POSIX_SECONDS, Span, Tick, WallClock};
use crate::trace::{IocTally, LedgerRow, Segment, Window};

/// Virtual time zero as a time stamp: 2020-01-01 00:00:00 UTC. Any would do, as long as it is always the same.
const WALL: WallClock = WallClock { posix_nanos_at_zero: (EPICS_EPOCH_POSIX_SECONDS + 946_771_200) * 1_000_000_000 };
/// About how long the round of a client that does not sleep takes, in s.
const SHORTEST_PERIOD: f64 = 2e-4;
/// The watcher is told once in so many turns.
const TURNS: u32 = 1 << 20;
/// When changes begin.
const BEGIN: Tick = Tick(0);

/// How messages of gets go between client and IOC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Messages {
    /// As what they come to: see [`crate::ioc::shortcut`].
    #[default]
    Counted,
    /// As bytes, through both circuits.
    Whole,
}

/// A group that is to be simulated.
#[derive(Clone, Debug)]
pub struct Group {
    /// What is run.
    pub scenario: Arc<Scenario>,
    /// On what.
    pub model: Arc<Model>,
    /// From 0.
    pub repeat: u32,
    /// Indices of its clients.
    pub clients: Vec<usize>,
    /// All copies of all of them: the place of the client among `clients`, and which copy.
    pub places: Vec<(usize, u32)>,
    /// How gets go.
    pub messages: Messages,
    /// At least so many facts are measured at once. More take more memory; the results are the same.
    pub pile: usize,
}

/// What came of it. Facts have gone to the [`Watcher`] and are in no segment.
#[derive(Debug)]
pub struct Simulated {
    /// From 0.
    pub repeat: u32,
    /// One for each client that did not fail.
    pub segments: Vec<Segment>,
    /// What each of them comes to.
    pub measured: Vec<Measured>,
    /// The others, and why.
    pub failed: Vec<(usize, String)>,
    /// When it was over.
    pub end: Tick,
    /// How often each PV changed.
    pub changes: Vec<Seq>,
    /// Whether the watcher ended it early: then there are no segments.
    pub stopped: bool,
    /// The most facts of one kind, of the IOC or of one client, that were in memory at once.
    pub most_facts: usize,
}

impl Group {
    /// All groups of a scenario, in the order of a live run.
    #[must_use]
    pub fn all(scenario: &Arc<Scenario>, model: &Arc<Model>, messages: Messages) -> Vec<Group> {
        let of_repeat = |repeat| {
            plan::order(scenario, repeat).into_iter().map(move |clients| Group {
                scenario: Arc::clone(scenario),
                model: Arc::clone(model),
                repeat,
                places: places(scenario, &clients),
                clients,
                messages,
                pile: PILE,
            })
        };
        (0..scenario.repeats).flat_map(of_repeat).collect()
    }

    /// Lets it go.
    pub fn run(&self, watcher: &mut dyn Watcher) -> Simulated {
        let mut going = Going::new(self);
        let stopped = !going.go(watcher);
        going.finish(stopped, watcher)
    }

    /// About how much there is to do, in any unit: gets, and changes that each client may be told of.
    #[must_use]
    pub fn work(&self) -> f64 {
        let scenario = &self.scenario;
        let time = |client: &ClientSpec| {
            let parts = [Scenario::warmup_of, Scenario::window_of, Scenario::drain_of];
            parts.iter().map(|of| of(scenario, client).as_secs_f64()).sum::<f64>()
        };
        let changing = plan::changing(scenario, &self.clients);
        let of_group = |pv: &PvId| scenario.groups.get(scenario.pvs.get(pv.index())?.group);
        let changes: f64 = changing.iter().filter_map(|pv| of_group(pv)?.change.mean_rate_hz()).sum();
        let specs = (0..self.places.len()).filter_map(|place| self.spec(place));
        let of = |client: &ClientSpec| {
            let period = client.asked_period().map_or(f64::INFINITY, |p| p.as_secs_f64() + SHORTEST_PERIOD);
            time(client) * (client.pvs.len() as f64 / period + 10.0 * changes)
        };
        specs.map(of).sum()
    }

    fn spec(&self, place: usize) -> Option<&ClientSpec> {
        self.scenario.clients.get(self.index(place)?)
    }

    /// Which of the scenario's clients is at a place.
    fn index(&self, place: usize) -> Option<usize> {
        self.clients.get(self.places.get(place)?.0).copied()
    }

    /// The longest of what the clients want.
    fn longest(&self, of: fn(&Scenario, &ClientSpec) -> Span) -> Span {
        let specs = self.clients.iter().filter_map(|client| self.scenario.clients.get(*client));
        let wanted = specs.map(|spec| of(&self.scenario, spec));
        wanted.max().unwrap_or_default()
    }

    fn window(&self, ready: Tick) -> Window {
        let open = ready + self.longest(Scenario::warmup_of);
        let close = open + self.longest(Scenario::window_of);
        Window { open, close, end: close + self.longest(Scenario::drain_of) }
    }

    fn random(&self, purpose: u64) -> Pcg64Mcg {
        let first = self.clients.first().copied().unwrap_or_default() as u64;
        let parts = [self.scenario.seed, u64::from(self.repeat), first, purpose];
        Pcg64Mcg::seed_from_u64(plan::seed(&parts))
    }

    fn client(&self, place: usize, spec: &ClientSpec, limits: &Limits) -> Option<Client> {
        let scenario = &self.scenario;
        let (index, copy) = (self.index(place)?, self.places.get(place)?.1);
        let specs = spec.pvs.iter().filter_map(|id| Some((*id, scenario.pvs.get(id.index())?)));
        let (mut pvs, mut followed) = (Vec::new(), Vec::new());
        for (id, pv) in specs {
            let group = scenario.groups.get(pv.group)?;
            pvs.push(ClientPv { id, name: pv.name.clone() });
            followed.push(Followed { pv: id, native: group.native, labels: group.labels.len() });
        }
        let seed = plan::copy_seed(scenario, self.repeat, index, copy);
        let pacing = spec.pacing.clone();
        let poller = pacing.map(|pacing| Poller::new(spec.fetch, pacing, pvs.len(), seed));
        let setup = Setup {
            place,
            pvs,
            fetch: spec.fetch,
            class: match spec.dbr {
                DbrChoice::Plain => DbrClass::Plain,
                DbrChoice::Time => DbrClass::Time,
                DbrChoice::Ctrl => DbrClass::Ctrl,
            },
            service_time: spec.service_time,
            payload_limit: limits.payload,
            shortcut: self.messages == Messages::Counted,
            start: BEGIN,
        };
        let notes = Notes::new(Tally::of_copy(&followed, scenario.facts, copy));
        let random = self.random(1 + place as u64);
        Some(Client::new(setup, self.model.clients.get(index)?.clone(), notes, poller, random))
    }
}

fn places(scenario: &Scenario, clients: &[usize]) -> Vec<(usize, u32)> {
    let copies = |client: usize| scenario.clients.get(client).map_or(1, |spec| spec.copies);
    let of = |(slot, client): (usize, &usize)| (0..copies(*client)).map(move |copy| (slot, copy));
    clients.iter().enumerate().flat_map(of).collect()
}

/// A group under way.
struct Going<'a> {
    group: &'a Group,
    server: Server,
    clients: Vec<Client>,
    agenda: Agenda,
    gauge: Gauge<'a>,
    touched: Vec<usize>,
    window: Option<Window>,
    now: Tick,
}

impl<'a> Going<'a> {
    fn new(group: &'a Group) -> Going<'a> {
        let limits = Limits::for_scenario(&group.scenario, 0);
        let counting = Counting::ByListener(group.places.len());
        let mut ioc = Ioc::new(Arc::clone(&group.scenario), limits, counting, WALL, BEGIN);
        if group.scenario.facts == Facts::Full {
            ioc.record_requests();
        }
        let changing = plan::changing(&group.scenario, &group.clients);
        ioc.begin_of(&changing, plan::stimulus_seed(&group.scenario, group.repeat), BEGIN);
        let server = Server::new(ioc, group.model.ioc.clone(), group.random(0));
        let specs = (0..group.places.len()).filter_map(|place| Some((place, group.spec(place)?)));
        let clients: Vec<Client> = specs.filter_map(|(place, spec)| group.client(place, spec, &limits)).collect();
        let mut agenda = Agenda::new(clients.len());
        for (place, client) in clients.iter().enumerate() {
            agenda.set(place, client.next());
        }
        let specs = group.clients.iter().filter_map(|client| group.scenario.clients.get(*client)).collect();
        let slots = group.places.iter().map(|place| place.0).collect();
        let gauge = Gauge::new(&group.scenario, specs, slots, BEGIN, group.pile);
        Going { group, server, clients, agenda, gauge, touched: Vec::new(), window: None, now: BEGIN }
    }

    /// Goes from one thing that happens to the next. At one instant changes come first, then the IOC, then clients.
    /// Whether it came to its end.
    fn go(&mut self, watcher: &mut dyn Watcher) -> bool {
        let mut turn = 0u32;
        loop {
            let (change, answer) = (self.server.next_change(), self.server.next_answer());
            let (own, place) = self.agenda.next();
            let switch = self.server.next_switch();
            self.now = change.min(answer).min(own).min(switch);
            if self.now == NEVER {
                return true;
            }
            turn = turn.wrapping_add(1);
            if turn.is_multiple_of(TURNS) && !watcher.reached(self.now) {
                return false;
            }
            if switch == self.now {
                self.server.switch(&mut self.clients, &mut self.touched);
            } else if change == self.now {
                self.server.make_changes(&mut self.clients, &mut self.touched);
            } else if answer == self.now {
                self.server.answer(&mut self.clients, &mut self.touched);
            } else {
                self.clients[place].step(own, &mut self.server);
                self.touched.push(place);
            }
            let latest = self.touched.last().and_then(|place| self.clients.get(*place));
            let due = self.gauge.is_due(&self.server, latest);
            for place in self.touched.drain(..) {
                self.agenda.set(place, self.clients[place].next());
            }
            let Some(window) = self.window else {
                self.open_window();
                continue;
            };
            if due {
                self.gauge.measure(&mut self.server, &mut self.clients, window, false, watcher);
            }
            if self.now >= window.end && self.clients.iter().all(Client::is_over) {
                return true;
            }
        }
    }

    /// Once all clients are ready the window is known.
    fn open_window(&mut self) {
        let limit = BEGIN + self.group.scenario.connect_timeout;
        if self.now > limit {
            for client in self.clients.iter_mut().filter(|client| client.notes.ready.is_none()) {
                client.fail(format!("not connected within {}", self.group.scenario.connect_timeout));
            }
        }
        let waiting = |client: &Client| client.failed.is_none() && client.notes.ready.is_none();
        if self.clients.iter().any(waiting) {
            return;
        }
        let ready = self.clients.iter().filter_map(|client| client.notes.ready).max();
        let window = self.group.window(ready.unwrap_or(self.now));
        self.server.ioc.set_window(window);
        self.server.meter.window = Some(window);
        if let Some(restart) = self.group.scenario.restart {
            self.server.plan_restart(window.open + restart.at, restart.down);
        }
        for (place, client) in self.clients.iter_mut().enumerate() {
            client.set_window(window);
            self.agenda.set(place, client.next());
        }
        self.window = Some(window);
    }

    fn finish(mut self, stopped: bool, watcher: &mut dyn Watcher) -> Simulated {
        let pvs = 0..self.group.scenario.pvs.len() as u32;
        let changes = pvs.map(|pv| self.server.ioc.database().get(PvId(pv)).map_or(Seq(0), |(_, r)| r.current().seq));
        // Changes are stamped when they are posted, which may be after the group's last event; the next group begins after them.
        let posted = self.server.emissions.last().map_or(self.now, |e| Tick(e.posted.0 + 1));
        let mut simulated = Simulated {
            repeat: self.group.repeat,
            segments: Vec::new(),
            measured: Vec::new(),
            failed: Vec::new(),
            end: self.now.max(posted),
            changes: changes.collect(),
            stopped,
            most_facts: 0,
        };
        if stopped {
            return simulated;
        }
        let window = self.window.unwrap_or(Window { open: self.now, close: self.now, end: self.now });
        self.gauge.measure(&mut self.server, &mut self.clients, window, true, watcher);
        simulated.most_facts = self.gauge.most();
        let cpu_ioc = self.server.meter.used;
        let (accounts, outage) = (self.server.ioc.ledger().accounts(), self.server.ioc.outage());
        let mut places = self.clients.into_iter().enumerate();
        for ((slot, index), mut measured) in self.group.clients.iter().enumerate().zip(self.gauge.finish()) {
            let copies = self.group.places.iter().filter(|place| place.0 == slot).count();
            let mut together = Together::default();
            for (place, client) in places.by_ref().take(copies) {
                together.add(client, accounts.get(place));
            }
            let Together { tally: Some(tally), failed: None, .. } = together else {
                let why = together.failed.unwrap_or_else(|| "it has no copies".to_owned());
                simulated.failed.push((*index, why));
                continue;
            };
            measured.count(&together.ledger);
            simulated.measured.push(measured);
            simulated.segments.push(Segment {
                client: *index,
                repeat: self.group.repeat,
                window,
                begun: BEGIN,
                connect: together.ready.map(|ready| ready.saturating_since(BEGIN)),
                cpu_client: Some(together.cpu),
                cpu_ioc: Some(cpu_ioc),
                cpu_others: None,
                steal: None,
                wakeups: Some(together.wakeups),
                observations: Vec::new(),
                ledger: together.ledger,
                ioc: IocTally { outage, ..together.ioc },
                requests: Vec::new(),
                tally: Some(Box::new(tally.finish(0))),
                warnings: Vec::new(),
            });
        }
        simulated
    }
}

/// What all copies of a client come to.
#[derive(Default)]
struct Together {
    tally: Option<Tally>,
    failed: Option<String>,
    cpu: Span,
    wakeups: u64,
    ready: Option<Tick>,
    ledger: Vec<LedgerRow>,
    ioc: IocTally,
}

impl Together {
    /// The next copy, the first one first.
    fn add(&mut self, client: Client, account: Option<&Account>) {
        let (updates, lost) = (client.copied_updates(), client.still_lost());
        self.failed = self.failed.take().or(client.failed);
        let mut notes = client.notes;
        lost.into_iter().for_each(|loss| notes.tally.lost(loss));
        notes.tally.count_updates(updates);
        self.cpu += notes.meter.used;
        self.wakeups += notes.wakeups;
        self.ready = self.ready.max(notes.ready);
        if let Some(account) = account {
            self.ledger = LedgerRow::sum([self.ledger.as_slice(), &account.rows()].into_iter());
            self.ioc.add(&account.tally());
        }
        match &mut self.tally {
            Some(tally) => tally.absorb(notes.tally),
            None => self.tally = Some(notes.tally),
        }
    }
}
