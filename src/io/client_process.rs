//! A native client under test, as a process of its own: `pollcost internal-client`, told what to do on standard input
//! ([`super::control`]).

use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;

use nix::sys::signal::{SigSet, Signal};

use super::connect::{Place, connect};
use super::control::{ClientReply, ClientSetup};
use super::drive::{ClientFailure, Listener, Notebook, Orders, follow, poll_rounds};
use super::fetch::{Cached, Circuits, Connecting, Getter, Table};
use super::net::Link;
use super::network::Network;
use super::recording::Recorder;
use super::{clock, timer};
use crate::ca::dbr::{DbrClass, DbrType};
use crate::ca::message::dbe;
use crate::client::poller::Poller;
use crate::client::tally::{Followed, Tally};
use crate::pv::PvName;
use crate::scenario::model::{DbrChoice, Fetch, Pacing};
use crate::time::{Span, Tick};
use crate::trace::{ClientTally, Window};

/// What a poller whose last request is not answered yet gets beyond the end of its time.
const LAST_ANSWER: Span = Span::from_secs(3);
/// What a client watches: as `camonitor` does.
const MASK: u16 = dbe::VALUE | dbe::ALARM;

/// Runs the client that standard input describes, and says on standard output how it went.
/// It ends at once when standard input closes; an interrupt from the keyboard is the harness' business.
#[must_use]
pub fn run() -> ExitCode {
    // Threads inherit the mask. It fails only for a signal that does not exist.
    let _ = SigSet::from(Signal::SIGINT).thread_block();
    timer::sharpen();
    let orders = Arc::new(Orders::default());
    let (sender, receiver) = mpsc::channel();
    let told = Arc::clone(&orders);
    std::thread::spawn(move || listen_to_harness(&told, &sender));
    let Ok(setup) = receiver.recv() else {
        return ExitCode::from(2);
    };
    let (reply, code) = match measure(&setup, &orders) {
        Ok(tally) => (ClientReply::Done { tally: Box::new(tally) }, 0),
        Err(ClientFailure::NotConnected(missing)) => (ClientReply::NotConnected { missing }, 4),
        Err(ClientFailure::Lost(why)) => (ClientReply::Lost { why }, 4),
    };
    say(&reply);
    ExitCode::from(code)
}

fn say(reply: &ClientReply) {
    let Ok(mut line) = serde_json::to_vec(reply) else { return };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    // When nobody listens any more, standard input is closed too, and that ends the process.
    let _ = out.write_all(&line).and_then(|()| out.flush());
}

/// The thread that reads standard input: the setup first, then windows.
fn listen_to_harness(orders: &Arc<Orders>, setup: &mpsc::Sender<ClientSetup>) {
    let mut lines = BufReader::new(io::stdin()).lines().map_while(Result::ok);
    let first = lines.next();
    match first.as_deref().map(serde_json::from_str) {
        Some(Ok(parsed)) => {
            let grace = ended_by(&parsed);
            // The receiver waits for it.
            let _ = setup.send(parsed);
            for line in lines {
                take_window(orders, &line, grace);
            }
        }
        Some(Err(error)) => eprintln!("the first line of standard input is not a client's setup: {error}"),
        None => {}
    }
    std::process::exit(0);
}

/// How long after the end of its time a client is made to stop: a monitor waits for what may never come, a poller for its last answer.
fn ended_by(setup: &ClientSetup) -> Span {
    if setup.spec.fetch == Fetch::Monitor { Span::ZERO } else { LAST_ANSWER }
}

fn take_window(orders: &Arc<Orders>, line: &str, grace: Span) {
    let Ok(window) = serde_json::from_str::<Window>(line) else {
        eprintln!("standard input said {line:?}, where a window was due");
        return;
    };
    orders.set_window(window);
    let orders = Arc::clone(orders);
    std::thread::spawn(move || {
        timer::sleep_until(window.end + grace);
        orders.end();
    });
}

fn measure(setup: &ClientSetup, orders: &Orders) -> Result<ClientTally, ClientFailure> {
    let lost = |why: &dyn std::fmt::Display| ClientFailure::Lost(why.to_string());
    let network = Network::from_environment().map_err(|e| lost(&e))?;
    let deadline = clock::now() + setup.connect_timeout;
    let followed: Vec<Followed> =
        setup.pvs.iter().map(|pv| Followed { pv: pv.id, native: pv.native, labels: pv.labels }).collect();
    let recorder = Recorder::inherit(setup.observations).map_err(|e| lost(&format!("no recording: {e}")))?;
    let mut notebook = Notebook::new(Tally::new(&followed, setup.facts), recorder, orders);
    let names: Vec<PvName> = setup.pvs.iter().map(|pv| pv.name.clone()).collect();
    let mut client = Client { setup, orders, network, names, deadline };
    let updates = match &setup.spec.pacing {
        None => client.monitor(&mut notebook)?,
        Some(pacing) => client.poll(pacing.clone(), &mut notebook)?,
    };
    Ok(notebook.finish(updates))
}

struct Client<'a> {
    setup: &'a ClientSetup,
    orders: &'a Orders,
    network: Network,
    names: Vec<PvName>,
    deadline: Tick,
}

impl Client<'_> {
    fn class(&self) -> DbrClass {
        match self.setup.spec.dbr {
            DbrChoice::Plain => DbrClass::Plain,
            DbrChoice::Time => DbrClass::Time,
            DbrChoice::Ctrl => DbrClass::Ctrl,
        }
    }

    fn connect(&self) -> Result<(Vec<Link>, Vec<Place>), ClientFailure> {
        let connected = connect(&self.network, &self.names, self.deadline)
            .map_err(|e| ClientFailure::Lost(format!("no socket to search with: {e}")))?;
        let missing = self.names.iter().zip(&connected.places).filter(|(_, place)| place.is_none());
        let missing: Vec<PvName> = missing.map(|(name, _)| name.clone()).collect();
        if !missing.is_empty() {
            return Err(ClientFailure::NotConnected(missing));
        }
        for (name, used, other) in &connected.served_twice {
            eprintln!("{name} is served twice: by {used}, which is in use, and by {other}");
        }
        let hang_ups: io::Result<Vec<_>> = connected.links.iter().map(Link::hang_up_handle).collect();
        self.orders.keep(hang_ups.map_err(|e| ClientFailure::Lost(e.to_string()))?);
        Ok((connected.links, connected.places.into_iter().flatten().collect()))
    }

    /// Circuits with a subscription to each PV.
    fn subscribed(&self) -> Result<Listener, ClientFailure> {
        let (mut links, places) = self.connect()?;
        for (tag, place) in places.iter().enumerate() {
            let dbr = DbrType { class: self.class(), native: place.native }.code();
            let link = &mut links[place.link];
            let subscribed = link.circuit().subscribe(place.channel, dbr, place.count, MASK, tag as u32);
            subscribed.map_err(|e| link.not_taken(e))?;
        }
        Ok(Listener::new(links, self.network.array_bytes))
    }

    fn monitor(&mut self, notebook: &mut Notebook<'_>) -> Result<u64, ClientFailure> {
        let mut listener = self.subscribed()?;
        follow(&mut listener, notebook, self.setup.spec.service_time, self.deadline, &mut ready)
            .map_err(|failure| self.named(failure, notebook))?;
        Ok(0)
    }

    /// A listener knows PVs by their tags only.
    fn named(&self, failure: ClientFailure, notebook: &Notebook<'_>) -> ClientFailure {
        match failure {
            ClientFailure::NotConnected(_) => {
                let missing = notebook.missing().filter_map(|index| self.names.get(index).cloned());
                ClientFailure::NotConnected(missing.collect())
            }
            other => other,
        }
    }

    fn poll(&mut self, pacing: Pacing, notebook: &mut Notebook<'_>) -> Result<u64, ClientFailure> {
        let fetch = self.setup.spec.fetch;
        let table = Table::new(self.names.len());
        let mut getter: Box<dyn Getter> = match fetch {
            Fetch::Serial | Fetch::Batch | Fetch::Monitor => {
                let (links, places) = self.connect()?;
                Box::new(Circuits::new(links, places, self.class()))
            }
            Fetch::Connect => {
                Box::new(Connecting::new(self.network.clone(), self.names.clone(), self.class(), self.deadline))
            }
            Fetch::Cached => {
                let listener = self.subscribed()?;
                let kept = Arc::clone(&table);
                std::thread::spawn(move || kept.keep(listener));
                Box::new(Cached::new(Arc::clone(&table), self.names.clone(), self.deadline))
            }
        };
        let mut poller = Poller::new(fetch, pacing, self.names.len(), self.setup.seed);
        poll_rounds(&mut poller, getter.as_mut(), notebook, self.names.len(), &mut ready)?;
        Ok(table.updates())
    }
}

fn ready(at: Tick) {
    say(&ClientReply::Ready { at });
}
