//! The loops of a client under test: one for every poller, one for monitors. Both join the pure state machines to sockets, clock
//! and timer.
//!
//! The hot path reads the clock twice for each asking, loads one atomic, and allocates nothing.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use thiserror::Error;

use super::control::observation_record;
use super::fetch::Getter;
use super::net::{HangUp, Link, LinkError};
use super::recording::Recorder;
use super::{clock, timer};
use crate::ca::dbr::{DbrType, first_element};
use crate::client::event::status_text;
use crate::client::flow::FlowControl;
use crate::client::poller::{Action, Poller};
use crate::client::tally::{Note, Tally};
use crate::client::{Data, Event};
use crate::pv::PvName;
use crate::time::{Span, Tick};
use crate::trace::{ClientTally, Loss, Window};

/// Why a client under test had to stop.
#[derive(Debug, Error)]
pub enum ClientFailure {
    /// Nobody answered for these, or never gave a first value.
    #[error("not connected to {} PVs", .0.len())]
    NotConnected(Vec<PvName>),
    /// The IOC does not do what is asked, or the client cannot go on.
    #[error("{0}")]
    Lost(String),
    /// The circuit is gone: another may be had.
    #[error("{0}")]
    Disconnected(String),
    /// The client's time was over before it was back.
    #[error("it was not back when its time was over")]
    Away,
}

impl From<LinkError> for ClientFailure {
    fn from(error: LinkError) -> ClientFailure {
        match error {
            LinkError::Closed(_) | LinkError::Broken { .. } | LinkError::Silent { .. } => {
                ClientFailure::Disconnected(error.to_string())
            }
            LinkError::Protocol { .. } | LinkError::Request { .. } => ClientFailure::Lost(error.to_string()),
        }
    }
}

/// What a client is told while it runs: written by the thread that listens to the harness, read by the hot loop.
#[derive(Debug, Default)]
pub struct Orders {
    version: AtomicU32,
    window: Mutex<Option<Window>>,
    over: AtomicBool,
    hang_ups: Mutex<Vec<HangUp>>,
    remarks: Mutex<Vec<String>>,
}

impl Orders {
    /// The measuring window; a later one replaces it.
    pub fn set_window(&self, window: Window) {
        *locked(&self.window) = Some(window);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The circuits whose waiting ends with [`Orders::end`], in place of those before them.
    pub fn keep(&self, hang_ups: impl IntoIterator<Item = HangUp>) {
        let mut kept = locked(&self.hang_ups);
        kept.clear();
        kept.extend(hang_ups);
        // The end may have come just before them.
        if self.is_over() {
            kept.iter().for_each(HangUp::hang_up);
        }
    }

    /// Something that the reader of the results should know.
    pub fn remark(&self, what: String) {
        locked(&self.remarks).push(what);
    }

    /// All remarks.
    #[must_use]
    pub fn take_remarks(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.remarks))
    }

    /// The client's time is over, whatever it waits for.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
        locked(&self.hang_ups).iter().for_each(HangUp::hang_up);
    }

    /// The window as it is known now.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        *locked(&self.window)
    }

    /// When the client's time is over, as far as it is known; the past once it is over.
    #[must_use]
    pub fn last_instant(&self) -> Tick {
        if self.is_over() {
            return Tick(0);
        }
        self.window().map_or(Tick(u64::MAX), |window| window.end)
    }

    /// Whether the client's time is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a client records with.
#[derive(Debug)]
enum Pen {
    /// Its own.
    Own(Recorder),
    /// One that all copies of the client have.
    Shared(Arc<Mutex<Recorder>>),
}

/// What a client writes down, and its orders as far as it has looked.
#[derive(Debug)]
pub struct Notebook<'a> {
    tally: Tally,
    pen: Pen,
    orders: &'a Orders,
    seen: u32,
    end: Tick,
}

impl<'a> Notebook<'a> {
    /// An empty one.
    #[must_use]
    pub fn new(tally: Tally, recorder: Recorder, orders: &'a Orders) -> Notebook<'a> {
        Notebook { tally, pen: Pen::Own(recorder), orders, seen: 0, end: Tick(u64::MAX) }
    }

    /// One of several that write into one recording.
    #[must_use]
    pub fn sharing(tally: Tally, recorder: Arc<Mutex<Recorder>>, orders: &'a Orders) -> Notebook<'a> {
        Notebook { tally, pen: Pen::Shared(recorder), orders, seen: 0, end: Tick(u64::MAX) }
    }

    /// Looks whether there are new orders: one atomic load when there are none.
    #[inline]
    fn look(&mut self) {
        let version = self.orders.version.load(Ordering::Acquire);
        if version != self.seen {
            self.seen = version;
            if let Some(window) = self.orders.window() {
                self.tally.set_window(window);
                self.end = window.end;
            }
        }
    }

    /// Whether the client's time is over at `now`.
    fn is_over(&mut self, now: Tick) -> bool {
        self.look();
        now >= self.end
    }

    #[inline]
    fn keep(&mut self, note: Note) -> bool {
        if let Some(observation) = note.record {
            let record = observation_record(&observation);
            match &mut self.pen {
                Pen::Own(recorder) => recorder.push(record),
                Pen::Shared(recorder) => locked(recorder).push(record),
            }
        }
        note.news
    }

    /// PVs that there is no value of yet.
    #[must_use]
    pub fn without_first(&self) -> usize {
        self.tally.without_first()
    }

    /// The indices of these PVs.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.tally.missing()
    }

    /// A monitor update.
    #[inline]
    pub fn updated(&mut self, index: usize, carried: Option<f64>, received: Tick) {
        let note = self.tally.updated(index, carried, received);
        self.keep(note);
    }

    /// The client was without its IOC.
    pub fn lost(&mut self, loss: Loss) {
        self.tally.lost(loss);
    }

    /// The counts, `updates` received by others included.
    #[must_use]
    pub fn finish(self, updates: u64) -> ClientTally {
        let overflowed = match &self.pen {
            Pen::Own(recorder) => recorder.overflowed(),
            Pen::Shared(recorder) => locked(recorder).overflowed(),
        };
        self.into_tally(updates).finish(overflowed)
    }

    /// The same, to be counted together with those of other copies.
    #[must_use]
    pub fn into_tally(mut self, updates: u64) -> Tally {
        self.look();
        self.tally.count_updates(updates);
        self.tally
    }
}

/// Polls until the client's time is over. `ready` is called when the first values are there. The last round is seen through;
/// a get that is still not answered when [`Orders::end`] comes never will be.
///
/// # Errors
/// When the IOC is not there, or goes away.
pub fn poll_rounds(
    poller: &mut Poller,
    getter: &mut dyn Getter,
    notebook: &mut Notebook<'_>,
    pvs: usize,
    ready: &mut dyn FnMut(Tick),
) -> Result<(), ClientFailure> {
    let mut carried = vec![None; pvs];
    let mut told = false;
    loop {
        let now = clock::now();
        if notebook.is_over(now) {
            return Ok(());
        }
        let (which, starts_round) = match poller.next(now) {
            Action::WaitUntil(due) => {
                timer::sleep_until(due.min(notebook.end));
                continue;
            }
            Action::Ask { which, starts_round } => (which, starts_round),
        };
        if starts_round {
            notebook.tally.round_started(now);
        }
        match getter.get(which.clone(), &mut carried) {
            Err(ClientFailure::Away) => return Ok(()),
            Err(ClientFailure::Lost(_) | ClientFailure::Disconnected(_)) if notebook.orders.is_over() => {
                let waited = clock::now().saturating_since(now);
                return Err(ClientFailure::Lost(format!("the IOC did not answer a get for {waited}")));
            }
            answered => answered?,
        }
        let received = clock::now();
        notebook.tally.answered(now, received);
        let mut news = false;
        for index in which {
            let note = if getter.makes_requests() {
                notebook.tally.got(index, carried[index], now, received)
            } else {
                notebook.tally.read(index, carried[index], now, received)
            };
            news |= notebook.keep(note);
        }
        poller.answered(received, news);
        if !told && poller.rounds() > 0 {
            told = true;
            ready(received);
        }
    }
}

/// The number that a value carries in its first element.
#[inline]
#[must_use]
pub fn carried(data: Data<'_>) -> Option<f64> {
    first_element(DbrType::from_code(data.dbr)?, data.payload)
}

/// Takes monitor updates as they come, each by its subscription's tag; it is handed over before the next is looked at, so a slow taker fills
/// first the socket and then the server's event queue, as a slow callback of libca does. Flow control is libca's ([`FlowControl`]).
#[derive(Debug)]
pub struct Listener {
    links: Vec<Link>,
    flows: Vec<FlowControl>,
}

/// What the taker of updates says to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    More,
    /// That was enough: return.
    Enough,
}

impl Listener {
    /// For circuits with their subscriptions made; they go out when listening starts.
    #[must_use]
    pub fn new(links: Vec<Link>, array_bytes: u32) -> Listener {
        let flows = links.iter().map(|_| FlowControl::new(array_bytes)).collect();
        Listener { links, flows }
    }

    /// Hands over every update until `take` has enough, which gives `true`, or until `deadline`, which gives `false`.
    /// [`Tick`]'s largest value stands for no deadline: then one circuit is waited for in a single system call.
    ///
    /// # Errors
    /// When a circuit fails or the server refuses a subscription.
    pub fn listen(
        &mut self,
        deadline: Tick,
        take: &mut dyn FnMut(usize, Data<'_>) -> Next,
    ) -> Result<bool, ClientFailure> {
        for link in &mut self.links {
            if hand_over(link, take)? == Next::Enough {
                return Ok(true);
            }
            link.flush()?;
        }
        loop {
            let Some((index, mut bytes)) = self.wait(deadline)? else {
                return Ok(false);
            };
            let (link, flow) = (&mut self.links[index], &mut self.flows[index]);
            loop {
                if hand_over(link, take)? == Next::Enough {
                    return Ok(true);
                }
                let more = link.receive_now()?;
                if let Some(on) = flow.after_read(bytes, more.is_some()) {
                    link.circuit().events(on);
                    link.flush()?;
                }
                match more {
                    Some(count) => bytes = count,
                    None => break,
                }
            }
        }
    }

    /// Waits for bytes: on which circuit, and how many.
    fn wait(&mut self, deadline: Tick) -> Result<Option<(usize, usize)>, ClientFailure> {
        let forever = deadline == Tick(u64::MAX);
        if let [link] = self.links.as_mut_slice() {
            let count = if forever { Some(link.exchange()?) } else { link.exchange_until(deadline)? };
            if count.is_none() && clock::now() < deadline {
                return Ok(Some((0, 0)));
            }
            return Ok(count.map(|count| (0, count)));
        }
        loop {
            for (index, link) in self.links.iter_mut().enumerate() {
                if let Some(count) = link.receive_now()? {
                    return Ok(Some((index, count)));
                }
            }
            if clock::now() >= deadline {
                return Ok(None);
            }
            wait_for_any(&self.links, deadline)?;
        }
    }
}

fn wait_for_any(links: &[Link], deadline: Tick) -> Result<(), ClientFailure> {
    let mut fds: Vec<PollFd<'_>> = links.iter().map(|l| PollFd::new(l.as_fd(), PollFlags::POLLIN)).collect();
    let left = deadline.saturating_since(clock::now()).0.div_ceil(1_000_000);
    match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(ClientFailure::Lost(format!("waiting for several circuits failed: {errno}"))),
    }
}

fn hand_over(link: &mut Link, take: &mut dyn FnMut(usize, Data<'_>) -> Next) -> Result<Next, ClientFailure> {
    while let Some(event) = link.next_event()? {
        match event {
            Event::Update { tag, data, .. } => {
                if take(tag as usize, data) == Next::Enough {
                    return Ok(Next::Enough);
                }
            }
            other => refuse(other)?,
        }
    }
    Ok(Next::More)
}

/// An event that a client under test can't go on after becomes its failure; others need no attention.
///
/// # Errors
/// Just that.
pub fn refuse(event: Event<'_>) -> Result<(), ClientFailure> {
    let why = match event {
        Event::GetFailed { status, .. } => format!("a get was refused: {}", status_text(status)),
        Event::UpdateFailed { status, .. } => format!("a subscription was refused: {}", status_text(status)),
        Event::Dropped { .. } => return Err(ClientFailure::Disconnected("the IOC dropped a channel".to_owned())),
        Event::Complaint { status, why, .. } => format!("the IOC complains: {} ({why})", status_text(status)),
        _ => return Ok(()),
    };
    Err(ClientFailure::Lost(why))
}

/// Follows monitors until the client's time is over. `ready` is called when every PV has its first value;
/// PVs that have none by `deadline` are not connected.
///
/// With a service time, the callback works that long on each update: it sleeps until an absolute instant, which is the update's
/// `received` plus the service time, and so takes no processor time of its own.
///
/// # Errors
/// When a first value is missing, or the IOC goes away.
pub fn follow(
    listener: &mut Listener,
    notebook: &mut Notebook<'_>,
    service_time: Span,
    deadline: Tick,
    ready: &mut dyn FnMut(Tick),
) -> Result<(), ClientFailure> {
    let mut last = Tick(0);
    let complete = notebook.without_first() == 0
        || listener.listen(deadline, &mut |index, data| {
            last = note_update(notebook, index, data, service_time);
            if notebook.without_first() == 0 { Next::Enough } else { Next::More }
        })?;
    if !complete {
        return Err(ClientFailure::NotConnected(Vec::new()));
    }
    ready(last);
    call_back(listener, notebook, service_time)
}

/// Makes the callback for every update until the client's time is over.
///
/// # Errors
/// When the IOC goes away.
pub fn call_back(
    listener: &mut Listener,
    notebook: &mut Notebook<'_>,
    service_time: Span,
) -> Result<(), ClientFailure> {
    let listened = listener.listen(Tick(u64::MAX), &mut |index, data| {
        let received = note_update(notebook, index, data, service_time);
        if notebook.is_over(received) { Next::Enough } else { Next::More }
    });
    match listened {
        Err(ClientFailure::Lost(_) | ClientFailure::Disconnected(_)) if notebook.orders.is_over() => Ok(()),
        listened => listened.map(|_| ()),
    }
}

/// The callback of a monitor.
#[inline]
fn note_update(notebook: &mut Notebook<'_>, index: usize, data: Data<'_>, service_time: Span) -> Tick {
    let received = clock::now();
    notebook.updated(index, carried(data), received);
    if service_time > Span::ZERO {
        timer::sleep_until(received + service_time);
    }
    received
}
