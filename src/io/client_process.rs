//! A native client under test, as a process of its own: `pollcost internal-client`, told what to do on standard input
//! ([`super::control`]).

use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;

use nix::sys::signal::{SigSet, Signal};

use super::control::{ClientReply, ClientSetup};
use super::dial::{Dialer, Persistent};
use super::drive::{ClientFailure, Notebook, Orders, locked, poll_rounds};
use super::fetch::{Cached, Circuits, Connecting, Getter, Table};
use super::network::Network;
use super::recording::Recorder;
use super::remark::remark;
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
/// Stack of a copy's thread: a thousand of them must not take gigabytes.
const STACK: usize = 512 * 1024;

/// Runs the client that standard input describes, and says on standard output how it went.
/// It ends at once when standard input closes; an interrupt from the keyboard is the harness' business.
#[must_use]
pub fn run() -> ExitCode {
    // Threads inherit the mask. It fails only for a signal that does not exist.
    let _ = SigSet::from(Signal::SIGINT).thread_block();
    timer::sharpen();
    let orders = Arc::new(Crew::default());
    let (sender, receiver) = mpsc::channel();
    let told = Arc::clone(&orders);
    std::thread::spawn(move || listen_to_harness(&told, &sender));
    let Ok(setup) = receiver.recv() else {
        return ExitCode::from(2);
    };
    let (reply, code) = match measure(&Arc::new(setup), &orders) {
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
fn listen_to_harness(orders: &Arc<Crew>, setup: &mpsc::Sender<ClientSetup>) {
    let mut lines = BufReader::new(io::stdin()).lines().map_while(Result::ok);
    let first = lines.next();
    match first.as_deref().map(serde_json::from_str) {
        Some(Ok(parsed)) => {
            let grace = ended_by(&parsed);
            orders.enlist(parsed.copies.len());
            // The receiver waits for it.
            let _ = setup.send(parsed);
            for line in lines {
                take_window(orders, &line, grace);
            }
        }
        Some(Err(error)) => remark(format_args!("the first line of standard input is not a client's setup: {error}")),
        None => {}
    }
    std::process::exit(0);
}

/// How long after the end of its time a client is made to stop: a monitor waits for what may never come, a poller for its last answer.
fn ended_by(setup: &ClientSetup) -> Span {
    if setup.spec.fetch == Fetch::Monitor { Span::ZERO } else { LAST_ANSWER }
}

fn take_window(orders: &Arc<Crew>, line: &str, grace: Span) {
    let Ok(window) = serde_json::from_str::<Window>(line) else {
        remark(format_args!("standard input said {line:?}, where a window was due"));
        return;
    };
    orders.each(|own| own.set_window(window));
    let orders = Arc::clone(orders);
    std::thread::spawn(move || {
        timer::sleep_until(window.end + grace);
        orders.each(Orders::end);
    });
}

/// Runs all copies side by side, and counts them together.
fn measure(setup: &Arc<ClientSetup>, crew: &Crew) -> Result<ClientTally, ClientFailure> {
    let recorder = Recorder::inherit(setup.observations).map_err(|e| lost(&format!("no recording: {e}")))?;
    if let ([_], Some(orders)) = (setup.copies.as_slice(), crew.member(0)) {
        let mut notebook = Notebook::new(Tally::new(&followed(setup), setup.facts), recorder, &orders);
        let updates = live(setup, 0, &orders, &mut notebook, &mut ready)?;
        return Ok(notebook.finish(updates));
    }
    let recorder = Arc::new(Mutex::new(recorder));
    let readiness = Arc::new(Mutex::new((setup.copies.len(), Tick(0))));
    let (sender, receiver) = mpsc::channel();
    for copy in 0..setup.copies.len() {
        let Some(orders) = crew.member(copy) else { break };
        let (setup, recorder, readiness) = (Arc::clone(setup), Arc::clone(&recorder), Arc::clone(&readiness));
        let sender = sender.clone();
        let body = move || {
            timer::sharpen();
            let tally = Tally::of_copy(&followed(&setup), setup.facts, copy as u32);
            let mut notebook = Notebook::sharing(tally, recorder, &orders);
            let lived = live(&setup, copy, &orders, &mut notebook, &mut |at| one_more_is_ready(&readiness, at));
            // When one has failed, nobody listens to the others any more.
            let _ = sender.send(lived.map(|updates| notebook.into_tally(updates)));
        };
        std::thread::Builder::new().stack_size(STACK).spawn(body).map_err(|e| lost(&format!("no thread: {e}")))?;
    }
    drop(sender);
    let (mut all, mut told) = (None::<Tally>, 0);
    for tally in receiver {
        let tally = tally?;
        told += 1;
        match &mut all {
            // The first copy has the histograms.
            Some(all) if tally.is_of_first_copy() => {
                let rest = std::mem::replace(all, tally);
                all.absorb(rest);
            }
            Some(all) => all.absorb(tally),
            None => all = Some(tally),
        }
    }
    if told < setup.copies.len() {
        return Err(lost(&format!("{} of its copies ended without a word", setup.copies.len() - told)));
    }
    let overflowed = locked(&recorder).overflowed();
    all.map(|all| all.finish(overflowed)).ok_or_else(|| lost(&"it has no copies"))
}

fn lost(why: &dyn std::fmt::Display) -> ClientFailure {
    ClientFailure::Lost(why.to_string())
}

fn followed(setup: &ClientSetup) -> Vec<Followed> {
    setup.pvs.iter().map(|pv| Followed { pv: pv.id, native: pv.native, labels: pv.labels }).collect()
}

/// The client is ready when its last copy is.
fn one_more_is_ready(readiness: &Mutex<(usize, Tick)>, at: Tick) {
    let mut state = locked(readiness);
    *state = (state.0.saturating_sub(1), state.1.max(at));
    if state.0 == 0 {
        ready(state.1);
    }
}

/// What one copy does from its connecting to its end; updates that were received for it by others.
fn live(
    setup: &ClientSetup,
    copy: usize,
    orders: &Arc<Orders>,
    notebook: &mut Notebook<'_>,
    ready: &mut dyn FnMut(Tick),
) -> Result<u64, ClientFailure> {
    let mut network = Network::from_environment().map_err(|e| lost(&e))?;
    let own = setup.copies.get(copy).ok_or_else(|| lost(&"it has no listener"))?;
    // The environment speaks of the first copy's listener.
    network.destinations.datagrams.iter_mut().for_each(|address| address.set_port(own.port));
    let deadline = clock::now() + setup.connect_timeout;
    let names: Vec<PvName> = setup.pvs.iter().map(|pv| pv.name.clone()).collect();
    let pvs = (names, setup.pvs.iter().map(|pv| pv.native).collect());
    let dialer = Dialer::new(network, pvs, class_of(setup.spec.dbr), Arc::clone(orders));
    let client = Client { setup, seed: own.seed, dialer, deadline };
    match &setup.spec.pacing {
        None => client.monitor(notebook, ready).map(|()| 0),
        Some(pacing) => client.poll(pacing.clone(), notebook, ready),
    }
}

/// The orders of all copies.
#[derive(Debug, Default)]
struct Crew {
    members: Mutex<Vec<Arc<Orders>>>,
}

impl Crew {
    fn enlist(&self, copies: usize) {
        locked(&self.members).resize_with(copies, Arc::default);
    }

    fn member(&self, copy: usize) -> Option<Arc<Orders>> {
        locked(&self.members).get(copy).cloned()
    }

    fn each(&self, tell: impl Fn(&Orders)) {
        locked(&self.members).iter().for_each(|orders| tell(orders));
    }

    fn take_remarks(&self) -> Vec<String> {
        let mut remarks: Vec<String> = locked(&self.members).iter().flat_map(|orders| orders.take_remarks()).collect();
        remarks.dedup();
        remarks
    }
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
    seed: u64,
    dialer: Dialer,
    deadline: Tick,
}

impl Client<'_> {
    fn monitor(&self, notebook: &mut Notebook<'_>, ready: &mut dyn FnMut(Tick)) -> Result<(), ClientFailure> {
        let service_time = self.setup.spec.service_time;
        self.dialer
            .follow(notebook, service_time, self.deadline, ready)
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

    fn poll(
        self,
        pacing: Pacing,
        notebook: &mut Notebook<'_>,
        ready: &mut dyn FnMut(Tick),
    ) -> Result<u64, ClientFailure> {
        let Client { setup, seed, dialer, deadline } = self;
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
        let mut poller = Poller::new(fetch, pacing, names.len(), seed);
        let polled = poll_rounds(&mut poller, getter.as_mut(), notebook, names.len(), ready);
        getter.take_losses().into_iter().for_each(|loss| notebook.lost(loss));
        polled?;
        Ok(table.updates())
    }
}

fn ready(at: Tick) {
    say(&ClientReply::Ready { at });
}
