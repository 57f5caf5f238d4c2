//! From names to open channels: search, circuits, channels.

use std::io;
use std::net::SocketAddrV4;

use super::clock;
use super::finder::Finder;
use super::net::Link;
use super::network::Network;
use crate::client::search::{Found, SearchId};
use crate::client::{ChannelId, Event};
use crate::pv::{NativeType, PvName};
use crate::time::{Span, Tick};

/// How long a server that was found may take to accept.
const ACCEPT_PATIENCE: Span = Span::from_secs(2);
/// How long one circuit is waited for before the others are looked after.
const TURN: Span = Span::from_millis(20);
/// How long answers are waited for before the deadline is looked at again.
const LOOK: Span = Span::from_millis(100);

/// An open channel.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Index of its circuit.
    pub link: usize,
    /// Its identifier there.
    pub channel: ChannelId,
    /// Its native type.
    pub native: NativeType,
    /// Its elements.
    pub count: u32,
}

/// What connecting came to.
#[derive(Debug)]
pub struct Connected {
    /// One circuit for each server.
    pub links: Vec<Link>,
    /// One for each name; `None` where no server was found or none would have it.
    pub places: Vec<Option<Place>>,
    /// Names that more than one server answered for: the name, the server in use, the other.
    pub served_twice: Vec<(PvName, SocketAddrV4, SocketAddrV4)>,
}

/// Connects all `names`, for at most until `deadline`. The tag of each channel is its index in `names`.
///
/// # Errors
/// When there are no sockets to be had. That a name is not found is no error: its place stays empty.
pub fn connect(network: &Network, names: &[PvName], deadline: Tick) -> io::Result<Connected> {
    connect_until(network, names, &|| deadline)
}

/// The same with a deadline that may come nearer while names are searched for: it is looked at again and again.
///
/// # Errors
/// When there are no sockets to be had.
pub fn connect_until(network: &Network, names: &[PvName], deadline: &dyn Fn() -> Tick) -> io::Result<Connected> {
    let mut finder = Finder::new(&network.destinations, &network.manners.identity)?;
    let now = clock::now();
    let searches = names.iter().enumerate().map(|(tag, name)| finder.search.add(name.clone(), tag as u32, now));
    let searches: Vec<SearchId> = searches.collect();
    let mut connecting = Connecting {
        network,
        names,
        searches,
        finder,
        links: Vec::new(),
        pending: Vec::new(),
        places: vec![None; names.len()],
        served_twice: Vec::new(),
    };
    connecting.run(deadline)?;
    Ok(connecting.finish())
}

struct Connecting<'a> {
    network: &'a Network,
    names: &'a [PvName],
    searches: Vec<SearchId>,
    finder: Finder,
    links: Vec<Option<Link>>,
    /// For each link, the tags of the channels that it has not answered for.
    pending: Vec<Vec<u32>>,
    places: Vec<Option<Place>>,
    served_twice: Vec<(PvName, SocketAddrV4, SocketAddrV4)>,
}

impl Connecting<'_> {
    fn run(&mut self, deadline: &dyn Fn() -> Tick) -> io::Result<()> {
        let mut found = Vec::new();
        while self.places.iter().any(Option::is_none) {
            let (now, deadline) = (clock::now(), deadline());
            if now >= deadline {
                break;
            }
            let busy = self.pending.iter().any(|tags| !tags.is_empty());
            if !busy || self.finder.search.open() > 0 {
                self.finder.step(if busy { now } else { deadline.min(now + LOOK) }, &mut found)?;
            }
            for answer in found.drain(..) {
                self.found(answer);
            }
            for link in 0..self.links.len() {
                self.take(link, deadline.min(clock::now() + TURN));
            }
        }
        Ok(())
    }

    fn found(&mut self, answer: Found) {
        let name = &self.names[answer.tag as usize];
        if let Some(earlier) = answer.earlier {
            let twice = (name.clone(), earlier, answer.server);
            if !self.served_twice.contains(&twice) {
                self.served_twice.push(twice);
            }
            return;
        }
        let created = self.link_to(answer.server).and_then(|index| {
            self.links[index].as_mut()?.circuit().create(name, answer.tag).ok()?;
            Some(index)
        });
        match created {
            Some(index) => self.pending[index].push(answer.tag),
            None => self.search_again(answer.tag),
        }
    }

    /// The circuit to a server, connected when it is the first of its names.
    fn link_to(&mut self, server: SocketAddrV4) -> Option<usize> {
        if let Some(index) = self.links.iter().position(|l| l.as_ref().is_some_and(|l| l.server() == server)) {
            return Some(index);
        }
        let link = Link::connect(server, &self.network.manners, ACCEPT_PATIENCE).ok()?;
        self.links.push(Some(link));
        self.pending.push(Vec::new());
        Some(self.links.len() - 1)
    }

    fn search_again(&mut self, tag: u32) {
        self.finder.search.again(self.searches[tag as usize], clock::now());
    }

    /// Takes what a circuit says about the channels that were asked of it.
    fn take(&mut self, index: usize, deadline: Tick) {
        while !self.pending[index].is_empty() && clock::now() < deadline {
            let answers = match &mut self.links[index] {
                Some(link) => channel_answers(link, deadline),
                None => return,
            };
            let Some(answers) = answers else {
                return self.lose(index);
            };
            for (tag, opened) in answers {
                self.pending[index].retain(|t| *t != tag);
                match opened {
                    Some((channel, native, count)) => {
                        self.places[tag as usize] = Some(Place { link: index, channel, native, count });
                    }
                    None => {
                        self.places[tag as usize] = None;
                        self.search_again(tag);
                    }
                }
            }
        }
    }

    /// A circuit broke: all its names are searched again.
    fn lose(&mut self, index: usize) {
        self.links[index] = None;
        let mut lost = std::mem::take(&mut self.pending[index]);
        for (tag, place) in self.places.iter_mut().enumerate() {
            if place.is_some_and(|p| p.link == index) {
                *place = None;
                lost.push(tag as u32);
            }
        }
        for tag in lost {
            self.search_again(tag);
        }
    }

    fn finish(mut self) -> Connected {
        // Circuits that broke leave gaps: indices close up.
        let mut place_of = vec![0; self.links.len()];
        let mut links = Vec::new();
        for (index, link) in self.links.iter_mut().enumerate() {
            place_of[index] = links.len();
            links.extend(link.take());
        }
        for place in self.places.iter_mut().flatten() {
            place.link = place_of[place.link];
        }
        Connected { links, places: self.places, served_twice: self.served_twice }
    }
}

/// A channel's tag, and what it is if the server has it.
type Answer = (u32, Option<(ChannelId, NativeType, u32)>);

/// What comes about channels, until something does or the deadline; `None` when the circuit broke.
fn channel_answers(link: &mut Link, deadline: Tick) -> Option<Vec<Answer>> {
    link.exchange_until(deadline).ok()?;
    let mut answers = Vec::new();
    while let Some(event) = link.next_event().ok()? {
        match event {
            Event::Opened { channel, tag, native, count } => answers.push((tag, Some((channel, native, count)))),
            Event::Refused { tag } | Event::Dropped { tag } => answers.push((tag, None)),
            _ => {}
        }
    }
    Some(answers)
}
