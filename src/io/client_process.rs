//! A native client under test, as a process of its own: `pollcost internal-client`, told what to do on standard input
//! ([`super::control`]).

use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;

use nix::sys::signal::{SigSet, Signal};

use super::control::{ClientReply, ClientSetup};
use super::dial::{Dialer, Persistent};
use super::drive::{ClientFailure, Notebook, Orders, poll_rounds};
use super::fetch::{Cached, Circuits, Connecting, Getter, Table};
use super::network::Network;
use super::recording::Recorder;
use super::{clock, timer};
use crate::ca::dbr::DbrClass;
use crate::client::poller::Poller;
use crate::client::tally::{Followed, Tally};
use crate::pv::PvName;
use crate::scenario::model::{DbrChoice, Fetch, Pacing};
use crate::time::{Span, Tick};
use crate::trace::{ClientTally, Window};

/// What a poller whose last request is not answered yet gets beyond the end of its time.
const LAST_ANSWER: Span = Span::from_secs(3);

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
        Ok(tally) => (ClientReply::Done { tally: Box::new(tally), remarks: orders.take_remarks() }, 0),
        Err(ClientFailure::NotConnected(missing)) => (ClientReply::NotConnected { missing }, 4),
        Err(failure) => (ClientReply::Lost { why: failure.to_string() }, 4),
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

fn measure(setup: &ClientSetup, orders: &Arc<Orders>) -> Result<ClientTally, ClientFailure> {
    let lost = |why: &dyn std::fmt::Display| ClientFailure::Lost(why.to_string());
    let network = Network::from_environment().map_err(|e| lost(&e))?;
    let deadline = clock::now() + setup.connect_timeout;
    let followed: Vec<Followed> =
        setup.pvs.iter().map(|pv| Followed { pv: pv.id, native: pv.native, labels: pv.labels }).collect();
    let recorder = Recorder::inherit(setup.observations).map_err(|e| lost(&format!("no recording: {e}")))?;
    let mut notebook = Notebook::new(Tally::new(&followed, setup.facts), recorder, orders);
    let names: Vec<PvName> = setup.pvs.iter().map(|pv| pv.name.clone()).collect();
    let pvs = (names, setup.pvs.iter().map(|pv| pv.native).collect());
    let dialer = Dialer::new(network, pvs, class_of(setup.spec.dbr), Arc::clone(orders));
    let client = Client { setup, dialer, deadline };
    let updates = match &setup.spec.pacing {
        None => client.monitor(&mut notebook)?,
        Some(pacing) => client.poll(pacing.clone(), &mut notebook)?,
    };
    Ok(notebook.finish(updates))
}

fn class_of(dbr: DbrChoice) -> DbrClass {
    match dbr {
        DbrChoice::Plain => DbrClass::Plain,
        DbrChoice::Time => DbrClass::Time,
        DbrChoice::Ctrl => DbrClass::Ctrl,
    }
}

struct Client<'a> {
    setup: &'a ClientSetup,
    dialer: Dialer,
    deadline: Tick,
}

impl Client<'_> {
    fn monitor(&self, notebook: &mut Notebook<'_>) -> Result<u64, ClientFailure> {
        let service_time = self.setup.spec.service_time;
        self.dialer
            .follow(notebook, service_time, self.deadline, &mut ready)
            .map(|()| 0)
            .map_err(|failure| self.named(failure, notebook))
    }

    /// A listener knows PVs by their tags only.
    fn named(&self, failure: ClientFailure, notebook: &Notebook<'_>) -> ClientFailure {
        match failure {
            ClientFailure::NotConnected(_) => {
                let missing = notebook.missing().filter_map(|index| self.dialer.names.get(index).cloned());
                ClientFailure::NotConnected(missing.collect())
            }
            other => other,
        }
    }

    fn poll(self, pacing: Pacing, notebook: &mut Notebook<'_>) -> Result<u64, ClientFailure> {
        let Client { setup, dialer, deadline } = self;
        let (fetch, names) = (setup.spec.fetch, dialer.names.clone());
        let table = Table::new(names.len());
        let mut getter: Box<dyn Getter> = match fetch {
            Fetch::Serial | Fetch::Batch | Fetch::Monitor => {
                let (links, places) = dialer.dial(deadline)?;
                Box::new(Persistent::new(Circuits::new(links, places, dialer.class), dialer))
            }
            Fetch::Connect => {
                let getter = Connecting::new(dialer.network.clone(), names.clone(), dialer.class, deadline);
                Box::new(Persistent::new(getter, dialer))
            }
            Fetch::Cached => {
                let listener = dialer.subscribed(dialer.dial(deadline)?)?;
                let kept = Arc::clone(&table);
                std::thread::spawn(move || kept.keep(listener, &dialer));
                Box::new(Cached::new(Arc::clone(&table), names.clone(), deadline))
            }
        };
        let mut poller = Poller::new(fetch, pacing, names.len(), setup.seed);
        let polled = poll_rounds(&mut poller, getter.as_mut(), notebook, names.len(), &mut ready);
        getter.take_losses().into_iter().for_each(|loss| notebook.lost(loss));
        polled?;
        Ok(table.updates())
    }
}

fn ready(at: Tick) {
    say(&ClientReply::Ready { at });
}
