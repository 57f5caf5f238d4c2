//! The circuits of a client under test: made when it starts, and made again when they are lost, as every EPICS client does.

use std::cell::Cell;
use std::sync::Arc;

use super::connect::{Place, connect, connect_until};
use super::drive::{ClientFailure, Listener, Notebook, Orders, call_back, follow};
use super::fetch::Getter;
use super::net::Link;
use super::network::Network;
use super::{clock, timer};
use crate::ca::dbr::{DbrClass, DbrType};
use crate::ca::message::dbe;
use crate::pv::{NativeType, PvName};
use crate::time::{Span, Tick};
use crate::trace::Loss;

/// What a client watches: as `camonitor` does.
const MASK: u16 = dbe::VALUE | dbe::ALARM;
/// Circuits that did not live this long are not dialled again at once.
const SHORT_LIVED: Span = Span::from_secs(1);
/// The first pause before such a circuit is dialled again; it doubles up to [`SHORT_LIVED`].
const FIRST_PAUSE: Span = Span::from_millis(32);

/// Open circuits, and the channel of each PV on them.
pub type Circuits = (Vec<Link>, Vec<Place>);

/// Where a client's circuits come from.
#[derive(Debug)]
pub struct Dialer {
    /// Where to look.
    pub network: Network,
    /// What to open.
    pub names: Vec<PvName>,
    /// The type that each PV has.
    pub natives: Vec<NativeType>,
    /// The class of DBR types that the client asks for.
    pub class: DbrClass,
    /// Whether the client's time is over.
    pub orders: Arc<Orders>,
    /// When circuits were last had, and how long to pause before the next.
    last: Cell<(Tick, Span)>,
}

impl Dialer {
    /// Nothing is dialled yet.
    #[must_use]
    pub fn new(network: Network, pvs: (Vec<PvName>, Vec<NativeType>), class: DbrClass, orders: Arc<Orders>) -> Dialer {
        let (names, natives) = pvs;
        Dialer { network, names, natives, class, orders, last: Cell::new((Tick(0), Span::ZERO)) }
    }

    /// Opens all channels for the first time, until `deadline` at most.
    ///
    /// # Errors
    /// When one of them is not to be had, or is not of the type that it should have.
    pub fn dial(&self, deadline: Tick) -> Result<Circuits, ClientFailure> {
        let connected = connect(&self.network, &self.names, deadline).map_err(no_socket)?;
        let missing = self.names.iter().zip(&connected.places).filter(|(_, place)| place.is_none());
        let missing: Vec<PvName> = missing.map(|(name, _)| name.clone()).collect();
        if !missing.is_empty() {
            return Err(ClientFailure::NotConnected(missing));
        }
        for (name, used, other) in &connected.served_twice {
            self.orders.remark(format!("{name} is served twice: by {used}, which is in use, and by {other}"));
        }
        self.keep(connected.links, connected.places)
    }

    /// Opens all channels again after a loss, for as long as it takes; `None` when the client's time was over first.
    ///
    /// # Errors
    /// When a PV has come back with another type: what it carries would be taken for something else.
    pub fn again(&self) -> Result<Option<Circuits>, ClientFailure> {
        let (since, paused) = self.last.get();
        let now = clock::now();
        let short_lived = now.saturating_since(since) < SHORT_LIVED;
        let pause = if short_lived { (paused * 2).max(FIRST_PAUSE).min(SHORT_LIVED) } else { Span::ZERO };
        timer::sleep_until((now + pause).min(self.orders.last_instant()));
        let connected = connect_until(&self.network, &self.names, &|| self.orders.last_instant()).map_err(no_socket)?;
        if connected.places.iter().any(Option::is_none) {
            return Ok(None);
        }
        let circuits = self.keep(connected.links, connected.places)?;
        self.last.set((clock::now(), pause));
        Ok(Some(circuits))
    }

    /// Circuits that are to be used: of the right types, and ended when the client's time is over.
    fn keep(&self, links: Vec<Link>, places: Vec<Option<Place>>) -> Result<Circuits, ClientFailure> {
        let places: Vec<Place> = places.into_iter().flatten().collect();
        for ((name, native), place) in self.names.iter().zip(&self.natives).zip(&places) {
            if place.native != *native {
                let why = format!("{name} is of type {}, where {native} was due", place.native);
                return Err(ClientFailure::Lost(why));
            }
        }
        let hang_ups: std::io::Result<Vec<_>> = links.iter().map(Link::hang_up_handle).collect();
        self.orders.keep(hang_ups.map_err(|e| ClientFailure::Lost(e.to_string()))?);
        Ok((links, places))
    }

    /// Circuits with a subscription to each PV.
    ///
    /// # Errors
    /// When a circuit does not take them.
    pub fn subscribed(&self, (mut links, places): Circuits) -> Result<Listener, ClientFailure> {
        for (tag, place) in places.iter().enumerate() {
            let dbr = DbrType { class: self.class, native: place.native }.code();
            let link = &mut links[place.link];
            let subscribed = link.circuit().subscribe(place.channel, dbr, place.count, MASK, tag as u32);
            subscribed.map_err(|e| link.not_taken(e))?;
        }
        Ok(Listener::new(links, self.network.array_bytes))
    }

    /// Follows monitors until the client's time is over, over one circuit after the other. `ready` is called when every PV has
    /// its first value.
    ///
    /// # Errors
    /// When a first value is missing at `deadline`, or the IOC does not do what is asked.
    pub fn follow(
        &self,
        notebook: &mut Notebook<'_>,
        service_time: Span,
        deadline: Tick,
        ready: &mut dyn FnMut(Tick),
    ) -> Result<(), ClientFailure> {
        let mut listener = self.subscribed(self.dial(deadline)?)?;
        let mut outcome = follow(&mut listener, notebook, service_time, deadline, ready);
        while let Err(ClientFailure::Disconnected(why)) = outcome {
            // There is nothing to come back to before the first values.
            if notebook.without_first() > 0 {
                return Err(ClientFailure::Disconnected(why));
            }
            let (circuits, loss) = self.come_back(why)?;
            notebook.lost(loss);
            let Some(circuits) = circuits else { return Ok(()) };
            outcome =
                self.subscribed(circuits).and_then(|mut listener| call_back(&mut listener, notebook, service_time));
        }
        outcome
    }

    /// Comes back from a loss that was just noticed, and says how it went.
    ///
    /// # Errors
    /// Those of [`Dialer::again`].
    pub fn come_back(&self, why: String) -> Result<(Option<Circuits>, Loss), ClientFailure> {
        let lost = clock::now();
        let circuits = self.again()?;
        let back = circuits.is_some().then(clock::now);
        Ok((circuits, Loss { lost, back, why }))
    }
}

fn no_socket(error: std::io::Error) -> ClientFailure {
    ClientFailure::Lost(format!("no socket to search with: {error}"))
}

/// A getter that dials again when its circuits are lost, and then asks once more for what it had not got.
#[derive(Debug)]
pub struct Persistent<G> {
    getter: G,
    dialer: Dialer,
    answered: bool,
    losses: Vec<Loss>,
}

impl<G: Getter> Persistent<G> {
    /// A loss before the first values fails: there is nothing to come back to.
    #[must_use]
    pub fn new(getter: G, dialer: Dialer) -> Persistent<G> {
        Persistent { getter, dialer, answered: false, losses: Vec::new() }
    }
}

impl<G: Getter> Getter for Persistent<G> {
    fn get(&mut self, which: std::ops::Range<usize>, values: &mut [Option<f64>]) -> Result<(), ClientFailure> {
        loop {
            let why = match self.getter.get(which.clone(), values) {
                Ok(()) => {
                    self.answered |= which.end == values.len();
                    return Ok(());
                }
                Err(ClientFailure::Disconnected(why)) if self.answered && !self.dialer.orders.is_over() => why,
                Err(other) => return Err(other),
            };
            let (circuits, loss) = self.dialer.come_back(why)?;
            self.losses.push(loss);
            self.getter.use_circuits(circuits.ok_or(ClientFailure::Away)?);
        }
    }

    fn use_circuits(&mut self, circuits: Circuits) {
        self.getter.use_circuits(circuits);
    }

    fn makes_requests(&self) -> bool {
        self.getter.makes_requests()
    }

    fn take_losses(&mut self) -> Vec<Loss> {
        std::mem::take(&mut self.losses)
    }
}
