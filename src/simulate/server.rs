//! The IOC in virtual time: what it does when, and how long it is busy with it.
//!
//! The network side and the emitter share one lock, as live: while one of them has it the other waits. The emitter wakes up beside what the network side
//! does, on a core of its own, and goes first. What is handled together, posted together and sent together is as in the
//! live server (`io::serve`, `io::emit`).

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;

use rand_pcg::Pcg64Mcg;

use super::agenda::NEVER;
use super::client::Client;
use super::model::IocModel;
use super::notes::Meter;
use crate::ca::header::Header;
use crate::ioc::closing::CloseReason;
use crate::ioc::search;
use crate::ioc::{CircuitId, Ioc, Progress};
use crate::time::{Span, Tick};
use crate::trace::{Emission, Request};

/// Messages of one circuit that are handled in one go.
const BUDGET: usize = 256;
/// Changes that are made together when so many are due at once.
pub(super) const BURST: usize = 64;
/// The IOC's port: a simulation has no other.
pub(super) const PORT: u16 = 5064;

/// What a client asks of the server.
#[derive(Debug)]
pub(super) enum Ask {
    /// Searches by datagram.
    Search(Vec<Vec<u8>>),
    /// A connection.
    Connect,
    /// To look at the bytes that have come on its circuit.
    Bytes,
    /// Gets without bytes, by the client's PVs.
    Gets(Range<usize>),
    /// To send on: the client has read something.
    Resume,
    /// To take a circuit away.
    Close(CircuitId),
}

/// An asking under way.
#[derive(Debug)]
struct Job {
    ready: Tick,
    number: u64,
    client: usize,
    ask: Ask,
}

impl PartialEq for Job {
    fn eq(&self, other: &Job) -> bool {
        self.number == other.number
    }
}
impl Eq for Job {}
impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Job) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Job {
    fn cmp(&self, other: &Job) -> Ordering {
        (self.ready, self.number).cmp(&(other.ready, other.number))
    }
}

/// What is under way to the IOC. Mostly that is one asking: the earliest has a place of its own, and the heap only what comes after it.
#[derive(Debug, Default)]
struct Jobs {
    first: Option<Job>,
    later: BinaryHeap<Reverse<Job>>,
}

impl Jobs {
    #[inline]
    fn first(&self) -> Option<Tick> {
        self.first.as_ref().map(|job| job.ready)
    }

    #[inline]
    fn push(&mut self, job: Job) {
        match &mut self.first {
            None => self.first = Some(job),
            Some(first) if job < *first => {
                let later = std::mem::replace(first, job);
                self.later.push(Reverse(later));
            }
            Some(_) => self.later.push(Reverse(job)),
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Job> {
        let job = self.first.take()?;
        if !self.later.is_empty() {
            self.first = self.later.pop().map(|Reverse(next)| next);
        }
        Some(job)
    }

    /// All of them, in no order.
    fn drain(&mut self) -> impl Iterator<Item = Job> {
        self.first.take().into_iter().chain(self.later.drain().map(|Reverse(job)| job))
    }
}

/// The IOC and its time.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) ioc: Ioc,
    pub(super) meter: Meter,
    /// Kept until they have been measured.
    pub(super) emissions: Vec<Emission>,
    /// Likewise, with the places of the clients that made them.
    pub(super) requests: Vec<(usize, Request)>,
    model: IocModel,
    random: Pcg64Mcg,
    jobs: Jobs,
    asked: u64,
    /// From when on it can do something else.
    free: Tick,
    /// When the emitter wants the lock for the change that is due next.
    emitter: Tick,
    /// Whether it wakes up for it.
    sleeps: bool,
    listed: Vec<CircuitId>,
    /// What is being sent.
    out: Vec<u8>,
    /// Whose circuit it is.
    owners: Vec<usize>,
    /// When it goes away or comes back next.
    switch: Tick,
    /// For how long it goes.
    down: Span,
}

impl Server {
    /// An IOC whose changes have begun.
    pub(super) fn new(ioc: Ioc, model: IocModel, random: Pcg64Mcg) -> Server {
        let mut server = Server {
            ioc,
            meter: Meter::default(),
            emissions: Vec::new(),
            requests: Vec::new(),
            out: Vec::new(),
            model,
            random,
            jobs: Jobs::default(),
            asked: 0,
            free: Tick(0),
            emitter: NEVER,
            sleeps: false,
            listed: Vec::new(),
            owners: Vec::new(),
            switch: NEVER,
            down: Span::ZERO,
        };
        server.set_emitter();
        server
    }

    /// When it makes its next changes.
    #[inline]
    pub(super) fn next_change(&self) -> Tick {
        self.emitter.max(self.free)
    }

    /// It is to go away at `at`, for so long.
    pub(super) fn plan_restart(&mut self, at: Tick, down: Span) {
        (self.switch, self.down) = (at, down);
    }

    /// When it goes away or comes back.
    #[inline]
    pub(super) fn next_switch(&self) -> Tick {
        self.switch
    }

    /// Goes away, or comes back.
    pub(super) fn switch(&mut self, clients: &mut [Client], touched: &mut Vec<usize>) {
        let now = self.switch;
        if self.ioc.is_away() {
            self.ioc.come_back(now);
            self.switch = NEVER;
        } else {
            self.ioc.go_away(now);
            self.switch = now + self.down;
            // Nobody answers what was under way.
            for job in self.jobs.drain() {
                if let (Ask::Connect, Some(client)) = (&job.ask, clients.get_mut(job.client)) {
                    client.refused(now);
                }
            }
            clients.iter_mut().for_each(|client| client.cut(now));
            touched.extend(0..clients.len());
        }
        self.free = self.free.max(now);
        self.set_emitter();
    }

    /// When it looks at what it was asked next.
    #[inline]
    pub(super) fn next_answer(&self) -> Tick {
        self.jobs.first().map_or(NEVER, |ready| ready.max(self.free))
    }

    /// A client's asking arrives at `arrival`.
    pub(super) fn ask(&mut self, client: usize, arrival: Tick, ask: Ask) {
        let ready = arrival + self.model.wakeup.draw(&mut self.random);
        self.asked += 1;
        self.jobs.push(Job { ready, number: self.asked, client, ask });
    }

    fn set_emitter(&mut self) {
        let due = self.ioc.next_due();
        // It does not sleep when the change is due already.
        self.sleeps = due.is_some_and(|due| due > self.free);
        self.emitter = match due {
            None => NEVER,
            Some(due) if !self.sleeps => due,
            Some(due) => {
                let waking = if self.model.busy { self.model.costs.ioc_emitter } else { Span::ZERO };
                due + self.model.emitter.draw(&mut self.random) + waking
            }
        };
    }

    /// Makes the changes that are due, and sends them. Clients that were sent something are added to `touched`.
    pub(super) fn make_changes(&mut self, clients: &mut [Client], touched: &mut Vec<usize>) {
        let (costs, busy) = (self.model.costs, self.model.busy);
        let mut at = self.next_change();
        if self.sleeps {
            self.meter.work(at, costs.ioc_emitter, false);
        }
        for _ in 0..BURST {
            if self.ioc.next_due().is_none_or(|due| due > at) {
                break;
            }
            self.emissions.extend(self.ioc.post_next(at));
            at = self.meter.work(at, costs.ioc_change, busy);
        }
        self.free = at;
        let mut listed = std::mem::take(&mut self.listed);
        self.ioc.take_listed(&mut listed);
        for id in listed.drain(..) {
            if let Some(client) = self.owners.get(id.0).and_then(|owner| clients.get_mut(*owner)) {
                self.send(id, client, at, touched);
            }
        }
        self.listed = listed;
        self.set_emitter();
    }

    /// Answers what was asked first.
    pub(super) fn answer(&mut self, clients: &mut [Client], touched: &mut Vec<usize>) {
        let Some(job) = self.jobs.pop() else { return };
        let Some(client) = clients.get_mut(job.client) else { return };
        if self.ioc.is_away() {
            if matches!(job.ask, Ask::Connect) {
                client.refused(job.ready);
                touched.push(job.client);
            }
            return;
        }
        let (costs, busy) = (client.model.costs, client.model.busy);
        let now = job.ready.max(self.free);
        let at = self.meter.work(now, costs.ioc_wakeup, busy);
        match job.ask {
            Ask::Search(datagrams) => {
                let answers = datagrams.iter().flat_map(|d| search::answer(d, PORT, self.ioc.database()));
                let answers: Vec<Vec<u8>> = answers.collect();
                self.free = self.meter.work(at, costs.ioc_get * answers.len() as u64, busy);
                client.found(answers, self.free);
                touched.push(job.client);
            }
            Ask::Connect => {
                self.free = at;
                self.connect(client);
                touched.push(job.client);
            }
            Ask::Bytes => {
                let bytes = client.line.take_sent(now);
                let cost = costs.ioc_get * messages(&bytes);
                self.free = self.meter.work(at, cost, busy);
                if let Some(id) = client.line.id {
                    self.ioc.received(id, &bytes, now);
                    self.send(id, client, now, touched);
                }
            }
            Ask::Gets(which) => {
                let bytes = self.get(client, which.clone(), now);
                self.free = self.meter.work(at, costs.ioc_get * which.len() as u64, busy);
                self.free = self.meter.work(self.free, costs.moving(bytes), busy);
                client.got(self.free);
                touched.push(job.client);
            }
            Ask::Resume => {
                self.free = at;
                if let Some(id) = client.line.id {
                    self.send(id, client, now, touched);
                }
            }
            Ask::Close(id) => {
                self.free = at;
                // What the log would have is no news: only a client that was cut off says something.
                let _ = self.ioc.close(id, CloseReason::ByClient);
            }
        }
        let (requests, replied) = (&mut self.requests, self.free);
        self.ioc.take_requests(|listener, request| requests.push((listener, Request { replied, ..request })));
    }

    fn connect(&mut self, client: &mut Client) {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 49_152));
        match self.ioc.open(client.place, peer, PORT) {
            Ok(id) => {
                if self.owners.len() <= id.0 {
                    self.owners.resize(id.0 + 1, usize::MAX);
                }
                self.owners[id.0] = client.place;
                client.accepted(id, self.free);
            }
            Err(reason) => client.fail(format!("the IOC refused a circuit: {reason}")),
        }
    }

    /// Gets without bytes; how many bytes the replies would have had.
    fn get(&mut self, client: &mut Client, which: Range<usize>, now: Tick) -> usize {
        let (mut bytes_in, mut bytes_out) = (0, 0);
        let Some(gets) = client.line.shortcuts.get(which.clone()) else { return 0 };
        for (get, value) in gets.iter().zip(&mut client.values[which]) {
            *value = self.ioc.get(get, now);
            bytes_in += get.bytes_in;
            bytes_out += get.bytes_out;
        }
        if let Some(first) = gets.first() {
            self.ioc.count_bytes(first, bytes_in, bytes_out, now);
        }
        bytes_out
    }

    /// Handles what has come on a circuit at `now` and sends what there is to send, as far as its sockets take it.
    fn send(&mut self, id: CircuitId, client: &mut Client, now: Tick, touched: &mut Vec<usize>) {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        loop {
            let progress = self.ioc.work(id, now, BUDGET);
            let unsent = self.ioc.unsent(id);
            let room = self.model.socket_buffers.saturating_sub(client.line.unread() + out.len());
            let (count, all) = (unsent.len().min(room), unsent.len());
            out.extend_from_slice(&unsent[..count]);
            self.ioc.sent(id, count, now);
            client.line.stuck = count < all;
            if client.line.stuck || matches!(progress, Progress::Idle | Progress::Closed) {
                break;
            }
        }
        if !out.is_empty() {
            let (costs, busy) = (client.model.costs, client.model.busy);
            if client.is_listening() {
                let cost = costs.ioc_send + costs.ioc_update * messages(&out);
                self.free = self.meter.work(self.free, cost, busy);
            }
            self.free = self.meter.work(self.free, costs.moving(out.len()), busy);
            client.sent(&out, self.free);
            touched.push(client.place);
        }
        self.out = out;
    }
}

/// How many messages begin in bytes that begin with one. A cut message counts where it begins.
fn messages(mut bytes: &[u8]) -> u64 {
    let mut count = 0;
    while !bytes.is_empty() {
        count += 1;
        let Ok(Some((header, taken))) = Header::decode(bytes, u32::MAX) else { break };
        bytes = bytes.get(taken + header.payload_size as usize..).unwrap_or_default();
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn jobs_come_in_their_order(steps in prop::collection::vec(prop::option::of(0u64..9), 0..60)) {
            let (mut jobs, mut due) = (Jobs::default(), Vec::new());
            for (number, step) in (0u64..).zip(steps) {
                match step {
                    Some(at) => {
                        jobs.push(Job { ready: Tick(at), number, client: 0, ask: Ask::Resume });
                        due.push((Tick(at), number));
                    }
                    None => {
                        due.sort_unstable();
                        let first = (!due.is_empty()).then(|| due.remove(0));
                        prop_assert_eq!(jobs.first(), first.map(|job| job.0));
                        prop_assert_eq!(jobs.pop().map(|job| (job.ready, job.number)), first);
                    }
                }
            }
            prop_assert_eq!(jobs.drain().count(), due.len());
            prop_assert!(jobs.pop().is_none());
        }
    }
}
