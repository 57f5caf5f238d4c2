//! The fetches of a poller on real sockets: how the values of one asking are got.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::clock;
use super::connect::Place;
use super::dial::{self, Dialer};
use super::drive::{ClientFailure, Listener, Next, carried, refuse};
use super::finder::Finder;
use super::net::{Link, LinkError};
use super::network::Network;
use crate::ca::dbr::{DbrClass, DbrType};
use crate::client::{Data, Event};
use crate::pv::PvName;
use crate::time::{Span, Tick};
use crate::trace::Loss;

/// How long a get over a circuit of its own may take, once the first one has worked.
const CONNECT_PATIENCE: Span = Span::from_secs(2);

/// How the values of one asking are got.
pub trait Getter {
    /// Gets the PVs `which`, and puts the number that each carries into `values`; `None` where it carries none.
    /// Returns when the last of them is there.
    ///
    /// # Errors
    /// When the IOC is not there, or goes away.
    fn get(&mut self, which: Range<usize>, values: &mut [Option<f64>]) -> Result<(), ClientFailure>;

    /// Whether it makes requests, or reads a local copy.
    fn makes_requests(&self) -> bool;

    /// Asks over these circuits from now on: those before them were lost.
    fn use_circuits(&mut self, circuits: dial::Circuits);

    /// The times without the IOC, since they were last taken.
    fn take_losses(&mut self) -> Vec<Loss> {
        Vec::new()
    }
}

/// Gets over circuits that stay open: all requests of an asking leave together, then all answers are waited for.
#[derive(Debug)]
pub struct Circuits {
    links: Vec<Link>,
    places: Vec<Place>,
    class: DbrClass,
}

impl Circuits {
    /// For channels that are open: their tags are their indices.
    #[must_use]
    pub fn new(links: Vec<Link>, places: Vec<Place>, class: DbrClass) -> Circuits {
        Circuits { links, places, class }
    }
}

impl Getter for Circuits {
    fn get(&mut self, which: Range<usize>, values: &mut [Option<f64>]) -> Result<(), ClientFailure> {
        for place in &self.places[which] {
            let dbr = DbrType { class: self.class, native: place.native };
            let link = &mut self.links[place.link];
            link.circuit().get(place.channel, dbr.code(), place.count).map_err(|e| link.not_taken(e))?;
        }
        if self.links.len() > 1 {
            for link in &mut self.links {
                link.flush()?;
            }
        }
        for link in &mut self.links {
            while link.circuit().outstanding() > 0 {
                link.exchange()?;
                while let Some(event) = link.next_event()? {
                    match event {
                        Event::Got { tag, data, .. } => values[tag as usize] = carried(data),
                        other => refuse(other)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn makes_requests(&self) -> bool {
        true
    }

    fn use_circuits(&mut self, (links, places): dial::Circuits) {
        (self.links, self.places) = (links, places);
    }
}

/// Gets over a circuit of its own for each value: search, circuit, channel, get, close, as a shell loop of `caget`.
#[derive(Debug)]
pub struct Connecting {
    network: Network,
    names: Vec<PvName>,
    class: DbrClass,
    /// Until when the first values are waited for.
    first_deadline: Tick,
    had: Vec<bool>,
}

impl Connecting {
    /// For these names. First values are waited for until `first_deadline`.
    #[must_use]
    pub fn new(network: Network, names: Vec<PvName>, class: DbrClass, first_deadline: Tick) -> Connecting {
        let had = vec![false; names.len()];
        Connecting { network, names, class, first_deadline, had }
    }

    fn get_one(&self, index: usize, deadline: Tick) -> Result<Option<f64>, Failure> {
        let mut link = self.find(index, deadline)?;
        let created = link.circuit().create(&self.names[index], 0);
        created.map_err(|e| link.not_taken(e))?;
        loop {
            if link.exchange_until(deadline)?.is_none() && clock::now() >= deadline {
                return Err(Failure::Timeout);
            }
            let mut opened = None;
            while let Some(event) = link.next_event()? {
                match event {
                    Event::Opened { channel, native, count, .. } => opened = Some((channel, native, count)),
                    Event::Got { data, .. } => return Ok(carried(data)),
                    Event::Refused { .. } => return Err(Failure::Timeout),
                    other => refuse(other)?,
                }
            }
            if let Some((channel, native, count)) = opened {
                let dbr = DbrType { class: self.class, native };
                link.circuit().get(channel, dbr.code(), count).map_err(|e| link.not_taken(e))?;
            }
        }
    }

    fn find(&self, index: usize, deadline: Tick) -> Result<Link, Failure> {
        let no_socket = |e| ClientFailure::Lost(format!("no socket to search with: {e}"));
        let mut finder = Finder::new(&self.network.destinations, &self.network.manners.identity).map_err(no_socket)?;
        let id = finder.search.add(self.names[index].clone(), 0, clock::now());
        let mut found = Vec::new();
        while clock::now() < deadline {
            finder.step(deadline, &mut found).map_err(no_socket)?;
            if let Some(answer) = found.pop() {
                let left = deadline.saturating_since(clock::now());
                match Link::connect(answer.server, &self.network.manners, left) {
                    Ok(link) => return Ok(link),
                    Err(_) => finder.search.again(id, clock::now()),
                }
            }
        }
        Err(Failure::Timeout)
    }
}

enum Failure {
    Timeout,
    Client(ClientFailure),
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Failure {
        Failure::Client(error.into())
    }
}

impl From<ClientFailure> for Failure {
    fn from(failure: ClientFailure) -> Failure {
        Failure::Client(failure)
    }
}

impl Getter for Connecting {
    fn get(&mut self, which: Range<usize>, values: &mut [Option<f64>]) -> Result<(), ClientFailure> {
        for index in which {
            let first = !self.had[index];
            let deadline = if first { self.first_deadline } else { clock::now() + CONNECT_PATIENCE };
            values[index] = match self.get_one(index, deadline) {
                Ok(value) => value,
                Err(Failure::Client(failure)) => return Err(failure),
                Err(Failure::Timeout) if first => {
                    let missing = self.names.iter().zip(&self.had).filter(|(_, had)| !**had);
                    return Err(ClientFailure::NotConnected(missing.map(|(name, _)| name.clone()).collect()));
                }
                Err(Failure::Timeout) => {
                    let name = &self.names[index];
                    let why = format!("{name} was not found again within {CONNECT_PATIENCE}");
                    return Err(ClientFailure::Disconnected(why));
                }
            };
            self.had[index] = true;
        }
        Ok(())
    }

    fn makes_requests(&self) -> bool {
        true
    }

    /// The IOC is there again; each get makes its own circuit.
    fn use_circuits(&mut self, _: dial::Circuits) {}
}

/// The latest value of each PV, kept by a monitor's thread: what a client library's cache is.
#[derive(Debug)]
pub struct Table {
    numbers: Vec<AtomicU64>,
    updates: AtomicU64,
    failed: AtomicBool,
    state: Mutex<TableState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct TableState {
    complete: bool,
    failure: Option<String>,
    losses: Vec<Loss>,
}

/// Stands for a PV that has no value yet: no [`f64`] that came over the wire is stored with these bits.
const NO_VALUE: u64 = u64::MAX;
/// Stands for a value that carries no number.
const NO_NUMBER: u64 = u64::MAX - 1;

impl Table {
    /// For so many PVs, all without value.
    #[must_use]
    pub fn new(pvs: usize) -> Arc<Table> {
        Arc::new(Table {
            numbers: (0..pvs).map(|_| AtomicU64::new(NO_VALUE)).collect(),
            updates: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Updates that were received.
    #[must_use]
    pub fn updates(&self) -> u64 {
        self.updates.load(Ordering::Relaxed)
    }

    /// Keeps the table up to date until a circuit fails for good: the body of the monitor's thread. Lost circuits are dialled again.
    pub fn keep(&self, listener: Listener, dialer: &Dialer) {
        let mut without_first = self.numbers.len();
        let mut next = Some(listener);
        let failure = loop {
            let Some(mut listener) = next.take() else { break ClientFailure::Away };
            let listened = listener.listen(Tick(u64::MAX), &mut |index, data| {
                if self.store(index, data) == Some(NO_VALUE) {
                    without_first -= 1;
                    if without_first == 0 {
                        self.tell(|state| state.complete = true);
                    }
                }
                Next::More
            });
            let why = match listened {
                Err(ClientFailure::Disconnected(why)) if without_first == 0 && !dialer.orders.is_over() => why,
                Err(failure) => break failure,
                Ok(_) => break ClientFailure::Lost("its monitor ended".to_owned()),
            };
            let back = dialer.come_back(why).and_then(|(circuits, loss)| {
                self.tell(|state| state.losses.push(loss));
                circuits.map(|circuits| dialer.subscribed(circuits)).transpose()
            });
            match back {
                Ok(listener) => next = listener,
                Err(failure) => break failure,
            }
        };
        // A copy that nobody renews any more may be read until the end.
        if !matches!(failure, ClientFailure::Away) {
            self.tell(|state| state.failure = Some(failure.to_string()));
            self.failed.store(true, Ordering::Release);
        }
    }

    fn take_losses(&self) -> Vec<Loss> {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).losses)
    }

    fn store(&self, index: usize, data: Data<'_>) -> Option<u64> {
        let bits = carried(data).map_or(NO_NUMBER, f64::to_bits);
        self.updates.fetch_add(1, Ordering::Relaxed);
        self.numbers.get(index).map(|number| number.swap(bits.min(NO_NUMBER), Ordering::AcqRel))
    }

    fn tell(&self, change: impl FnOnce(&mut TableState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn failure(&self) -> ClientFailure {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        ClientFailure::Lost(state.failure.clone().unwrap_or_default())
    }
}

/// Reads the table; the monitor's thread fills it.
///
/// An asking is one look at the whole table: `asked` is read before it and `received` after it, so that no value is dated before
/// the instant at which it was there. It is the poller, not the monitor's thread, whose code has the value.
#[derive(Debug)]
pub struct Cached {
    table: Arc<Table>,
    names: Vec<PvName>,
    first_deadline: Tick,
    complete: bool,
}

impl Cached {
    /// A reader of `table`, which first values are waited for until `first_deadline`.
    #[must_use]
    pub fn new(table: Arc<Table>, names: Vec<PvName>, first_deadline: Tick) -> Cached {
        Cached { table, names, first_deadline, complete: false }
    }

    fn wait_for_first_values(&self) -> Result<(), ClientFailure> {
        let limit = Duration::from_nanos(self.first_deadline.saturating_since(clock::now()).0);
        let state = self.table.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |state: &mut TableState| !state.complete && state.failure.is_none();
        let (state, _) =
            self.table.changed.wait_timeout_while(state, limit, waiting).unwrap_or_else(PoisonError::into_inner);
        if state.complete {
            return Ok(());
        }
        if let Some(why) = &state.failure {
            return Err(ClientFailure::Lost(why.clone()));
        }
        let without = |(_, number): &(&PvName, &AtomicU64)| number.load(Ordering::Acquire) == NO_VALUE;
        let missing = self.names.iter().zip(&self.table.numbers).filter(without);
        Err(ClientFailure::NotConnected(missing.map(|(name, _)| name.clone()).collect()))
    }
}

impl Getter for Cached {
    fn get(&mut self, which: Range<usize>, values: &mut [Option<f64>]) -> Result<(), ClientFailure> {
        if !self.complete {
            self.wait_for_first_values()?;
            self.complete = true;
        }
        if self.table.failed.load(Ordering::Acquire) {
            return Err(self.table.failure());
        }
        for (value, number) in values[which.clone()].iter_mut().zip(&self.table.numbers[which]) {
            let bits = number.load(Ordering::Acquire);
            *value = (bits < NO_NUMBER).then(|| f64::from_bits(bits));
        }
        Ok(())
    }

    fn makes_requests(&self) -> bool {
        false
    }

    /// The monitor's thread sees to its circuits.
    fn use_circuits(&mut self, _: dial::Circuits) {}

    fn take_losses(&mut self) -> Vec<Loss> {
        self.table.take_losses()
    }
}
