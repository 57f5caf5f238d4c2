//! A client for any Channel Access server: connect, get, put, monitor; blocking, on the calling thread.
//!
//! ```no_run
//! use pollcost::ca::dbr::DbrClass;
//! use pollcost::io::network::Network;
//! use pollcost::io::session::Session;
//! use pollcost::pv::PvName;
//! use pollcost::time::Span;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let names = [PvName::new("TEST:A")?];
//! let mut session = Session::connect(Network::from_environment()?, &names, Span::from_secs(5))?;
//! println!("{:?}", session.get(0, DbrClass::Time)?.value);
//! # Ok(())
//! # }
//! ```

use std::collections::VecDeque;
use std::io;

use thiserror::Error;

use super::clock;
use super::connect::{Place, connect};
use super::net::{Link, LinkError};
use super::network::Network;
use crate::ca::dbr::{DbrClass, DbrType, DecodeError, Decoded, Meta, Reading, decode, encode};
use crate::ca::message::eca;
use crate::client::event::status_text;
use crate::client::{Data, Event, SubscriptionId};
use crate::pv::{Alarm, NativeType, PvName, Value};
use crate::time::{EpicsTime, Span, Tick};

/// What can go wrong between a client and its servers.
#[derive(Debug, Error)]
pub enum SessionError {
    /// Nobody answered for these.
    #[error("not connected: no answer for {} PVs, the first is {}", .0.len(), .0.first().map_or("none", PvName::as_str))]
    NotConnected(Vec<PvName>),
    /// No sockets.
    #[error("no sockets to search with: {0}")]
    Sockets(#[from] io::Error),
    /// A circuit failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The server gave up a channel.
    #[error("the server dropped the channel {0}")]
    Dropped(PvName),
    /// The server refused a request.
    #[error("{name}: {}", status_text(*status))]
    Refused {
        /// The PV.
        name: PvName,
        /// The status.
        status: u32,
    },
    /// A value that can't be read.
    #[error("{name}: {source}")]
    Value {
        /// The PV.
        name: PvName,
        /// Why.
        source: DecodeError,
    },
    /// A value that can't be put: it does not convert to the type.
    #[error("{name} can't be put: {why}")]
    NotPut {
        /// The PV.
        name: PvName,
        /// Why.
        why: String,
    },
}

/// A monitor update.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which subscription, by the number that [`Session::subscribe`] returned.
    pub subscription: usize,
    /// The value.
    pub value: Decoded,
    /// When the client had it.
    pub received: Tick,
}

#[derive(Debug)]
struct Subscribed {
    channel: usize,
    class: DbrClass,
    mask: u16,
    id: Option<SubscriptionId>,
}

/// Connected channels: each is known by the index of its name, each subscription by the number it was given.
#[derive(Debug)]
pub struct Session {
    network: Network,
    names: Vec<PvName>,
    links: Vec<Link>,
    places: Vec<Place>,
    subscriptions: Vec<Subscribed>,
    updates: VecDeque<Update>,
    complaints: Vec<String>,
}

impl Session {
    /// Connects all names, for at most `limit`.
    ///
    /// # Errors
    /// When one of them is not found.
    pub fn connect(network: Network, names: &[PvName], limit: Span) -> Result<Session, SessionError> {
        let mut session = Session {
            network,
            names: names.to_vec(),
            links: Vec::new(),
            places: Vec::new(),
            subscriptions: Vec::new(),
            updates: VecDeque::new(),
            complaints: Vec::new(),
        };
        session.reconnect(limit)?;
        Ok(session)
    }

    /// Connects all names anew and subscribes again to what was subscribed: after the loss of a server. A PV that has another type
    /// now is a complaint ([`Session::take_complaints`]), and is read as what it is.
    /// Each subscription then starts with the value that it finds.
    ///
    /// # Errors
    /// When a name is not found.
    pub fn reconnect(&mut self, limit: Span) -> Result<(), SessionError> {
        self.links.clear();
        let before = std::mem::take(&mut self.places);
        let connected = connect(&self.network, &self.names, clock::now() + limit)?;
        let missing = self.names.iter().zip(&connected.places).filter(|(_, place)| place.is_none());
        let missing: Vec<PvName> = missing.map(|(name, _)| name.clone()).collect();
        if !missing.is_empty() {
            return Err(SessionError::NotConnected(missing));
        }
        self.links = connected.links;
        self.places = connected.places.into_iter().flatten().collect();
        self.complaints.extend(
            connected
                .served_twice
                .iter()
                .map(|(name, used, other)| format!("{name} is served by {used}, which is in use, and by {other}")),
        );
        for ((name, now), was) in self.names.iter().zip(&self.places).zip(&before) {
            if now.native != was.native {
                self.complaints.push(format!("{name} is of type {} now; it was {}", now.native, was.native));
            }
        }
        for subscription in 0..self.subscriptions.len() {
            if self.subscriptions[subscription].id.is_some() {
                self.request_subscription(subscription)?;
            }
        }
        Ok(())
    }

    /// The circuits, for those who want to drive them themselves.
    pub fn links(&mut self) -> &mut [Link] {
        &mut self.links
    }

    /// The channel of each name.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// What servers complained about without being asked, such as puts without completion; and names that two servers have.
    pub fn take_complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// Gets one value in its native type.
    ///
    /// # Errors
    /// When it is refused, or the server is lost.
    pub fn get(&mut self, channel: usize, class: DbrClass) -> Result<Decoded, SessionError> {
        let native = self.place(channel)?.native;
        self.get_as(channel, DbrType { class, native })
    }

    /// Gets one value in any type.
    ///
    /// # Errors
    /// When it is refused, or the server is lost.
    pub fn get_as(&mut self, channel: usize, dbr: DbrType) -> Result<Decoded, SessionError> {
        let mut values = self.get_each(&[channel], |_| dbr)?;
        let refused = || SessionError::Refused { name: self.names[channel].clone(), status: eca::GETFAIL };
        values.pop().ok_or_else(refused)
    }

    /// Gets many values in their native types: all requests leave together, then all answers are waited for.
    ///
    /// # Errors
    /// When one is refused, or a server is lost.
    pub fn get_many(&mut self, channels: &[usize], class: DbrClass) -> Result<Vec<Decoded>, SessionError> {
        self.get_each(channels, |native| DbrType { class, native })
    }

    fn get_each(
        &mut self,
        channels: &[usize],
        dbr: impl Fn(NativeType) -> DbrType,
    ) -> Result<Vec<Decoded>, SessionError> {
        for channel in channels {
            let place = self.place(*channel)?;
            let link = &mut self.links[place.link];
            let code = dbr(place.native).code();
            link.circuit().get(place.channel, code, place.count).map_err(|e| link.not_taken(e))?;
        }
        let mut values: Vec<Option<Result<Decoded, DecodeError>>> = vec![None; self.places.len()];
        self.complete(|tag, data| values[tag as usize] = Some(decoded(data)))?;
        let value = |channel: &usize| match &values[*channel] {
            Some(Ok(value)) => Ok(value.clone()),
            Some(Err(source)) => Err(SessionError::Value { name: self.names[*channel].clone(), source: *source }),
            None => Err(SessionError::Refused { name: self.names[*channel].clone(), status: eca::GETFAIL }),
        };
        channels.iter().map(value).collect()
    }

    /// Waits until everything that was asked is answered.
    fn complete(&mut self, mut got: impl FnMut(u32, Data<'_>)) -> Result<(), SessionError> {
        for index in 0..self.links.len() {
            while self.links[index].circuit().outstanding() > 0 {
                self.links[index].exchange()?;
                self.take(index, &mut got)?;
            }
        }
        Ok(())
    }

    /// Takes what has come on one circuit.
    fn take(&mut self, index: usize, got: &mut impl FnMut(u32, Data<'_>)) -> Result<(), SessionError> {
        let name = |tag: u32| self.names[tag as usize].clone();
        while let Some(event) = self.links[index].next_event()? {
            match event {
                Event::Got { tag, data, .. } => got(tag, data),
                Event::Update { tag, data, .. } => {
                    let received = clock::now();
                    let channel = self.subscriptions[tag as usize].channel;
                    let value =
                        decoded(data).map_err(|source| SessionError::Value { name: name(channel as u32), source })?;
                    self.updates.push_back(Update { subscription: tag as usize, value, received });
                }
                Event::GetFailed { tag, status, .. } => return Err(SessionError::Refused { name: name(tag), status }),
                Event::Written { tag, status, .. } if status != eca::NORMAL => {
                    return Err(SessionError::Refused { name: name(tag), status });
                }
                Event::UpdateFailed { tag, status, .. } => {
                    let channel = self.subscriptions[tag as usize].channel;
                    return Err(SessionError::Refused { name: name(channel as u32), status });
                }
                Event::Dropped { tag } | Event::Refused { tag } => return Err(SessionError::Dropped(name(tag))),
                Event::Complaint { tag, status, why, .. } => {
                    let name = tag.map_or_else(|| "a request".to_owned(), |tag| self.names[tag as usize].to_string());
                    self.complaints.push(format!("{name}: {} ({why})", status_text(status)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts a value, and waits until all that it set off is done.
    ///
    /// # Errors
    /// When it is refused, or the server is lost.
    pub fn put(&mut self, channel: usize, value: &Value) -> Result<(), SessionError> {
        let (code, count, data) = self.encoded(channel, value)?;
        let place = self.place(channel)?;
        let link = &mut self.links[place.link];
        link.circuit().put_notify(place.channel, code, count, &data).map_err(|e| link.not_taken(e))?;
        self.complete(|_, _| {})
    }

    /// Puts a value without asking for completion: what goes wrong becomes a complaint some time.
    ///
    /// # Errors
    /// When it can't be sent.
    pub fn put_and_go(&mut self, channel: usize, value: &Value) -> Result<(), SessionError> {
        let (code, count, data) = self.encoded(channel, value)?;
        let place = self.place(channel)?;
        let link = &mut self.links[place.link];
        link.circuit().put(place.channel, code, count, &data).map_err(|e| link.not_taken(e))?;
        while !self.links[place.link].flush()? {
            self.links[place.link].receive_now()?;
            self.take(place.link, &mut |_, _| {})?;
        }
        Ok(())
    }

    fn place(&self, channel: usize) -> Result<Place, SessionError> {
        let missing = || SessionError::NotConnected(self.names.get(channel).cloned().into_iter().collect());
        self.places.get(channel).copied().ok_or_else(missing)
    }

    fn encoded(&self, channel: usize, value: &Value) -> Result<(u16, u32, Vec<u8>), SessionError> {
        let dbr = DbrType { class: DbrClass::Plain, native: value.native_type() };
        let meta = Meta::default();
        let reading = Reading { value, alarm: Alarm::default(), stamp: EpicsTime::default(), meta: &meta };
        let mut data = Vec::new();
        encode(&mut data, dbr, value.len(), &reading)
            .map_err(|why| SessionError::NotPut { name: self.names[channel].clone(), why: why.to_string() })?;
        Ok((dbr.code(), value.len() as u32, data))
    }

    /// Subscribes with a mask of [`crate::ca::message::dbe`] bits; updates come by [`Session::next_update`].
    ///
    /// # Errors
    /// When the channel is not open.
    pub fn subscribe(&mut self, channel: usize, class: DbrClass, mask: u16) -> Result<usize, SessionError> {
        self.place(channel)?;
        self.subscriptions.push(Subscribed { channel, class, mask, id: None });
        let subscription = self.subscriptions.len() - 1;
        self.request_subscription(subscription)?;
        Ok(subscription)
    }

    fn request_subscription(&mut self, subscription: usize) -> Result<(), SessionError> {
        let Subscribed { channel, class, mask, .. } = self.subscriptions[subscription];
        let place = self.place(channel)?;
        let dbr = DbrType { class, native: place.native }.code();
        let link = &mut self.links[place.link];
        let id = link.circuit().subscribe(place.channel, dbr, place.count, mask, subscription as u32);
        self.subscriptions[subscription].id = Some(id.map_err(|e| link.not_taken(e))?);
        Ok(())
    }

    /// Cancels a subscription.
    pub fn cancel(&mut self, subscription: usize) {
        let Subscribed { channel, id, .. } = &mut self.subscriptions[subscription];
        if let (Some(id), Some(place)) = (id.take(), self.places.get(*channel)) {
            self.links[place.link].circuit().cancel(id);
        }
    }

    /// The next update that came or comes until `deadline`; `None` when none does.
    ///
    /// # Errors
    /// When a server is lost, or says no.
    pub fn next_update(&mut self, deadline: Tick) -> Result<Option<Update>, SessionError> {
        loop {
            if let Some(update) = self.updates.pop_front() {
                return Ok(Some(update));
            }
            if clock::now() >= deadline {
                return Ok(None);
            }
            // With several circuits each is waited for in turn.
            let turn = if self.links.len() > 1 { clock::now() + Span::from_millis(1) } else { deadline };
            for index in 0..self.links.len() {
                self.links[index].exchange_until(turn.min(deadline))?;
                self.take(index, &mut |_, _| {})?;
            }
        }
    }
}

fn decoded(data: Data<'_>) -> Result<Decoded, DecodeError> {
    // The circuit lets only types through that exist; the request types beyond these are never asked for here.
    let dbr = DbrType::from_code(data.dbr).unwrap_or(DbrType { class: DbrClass::Plain, native: NativeType::String });
    decode(dbr, data.count as usize, data.payload)
}
