//! The IOC on real sockets.
//!
//! One thread runs the network (tokio), another makes the changes (`emit`). Both hold the IOC behind one lock, for short times,
//! and both write to the circuits' sockets: whoever has made something to send sends it at once, so that
//! neither a reply nor an update waits for another thread. Only what a socket does not take is left to the network thread.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::attend::{self, Planned};
use super::control::{emission_record, request_record};
use super::emit::{self, Wake};
use super::listen::Endpoint;
use super::recording::Recorder;
use super::{clock, datagrams, timer};
use crate::ioc::closing::{CloseReason, Notice};
use crate::ioc::{CircuitId, Ioc, Progress};
use crate::pv::PvId;
use crate::time::{Span, Tick};
use crate::trace::{Request, Window};

/// Messages of one circuit that are handled before the lock is given up in between.
const BUDGET: usize = 256;
/// The two clocks are compared this often.
const WALL_CLOCK_PERIOD: Span = Span::from_secs(1);

/// Who is told what the log should have.
pub type Log = Box<dyn FnMut(Notice) + Send>;

/// What a server needs beside its IOC.
pub struct Serving {
    /// Where it waits, one for each listener.
    pub endpoints: Vec<Endpoint>,
    /// Where its beacons go.
    pub beacons: Vec<SocketAddrV4>,
    /// Listeners that send none: those of further copies of a client, of which there may be thousands.
    pub silent: HashSet<usize>,
    /// The longest time between beacons.
    pub beacon_period: Span,
    /// Hosts whose searches are not answered.
    pub ignored: Vec<Ipv4Addr>,
    /// Where changes are recorded.
    pub emissions: Option<Recorder>,
    /// Where requests are recorded.
    pub requests: Option<Recorder>,
    /// Who is told of circuits closed for a reason.
    pub log: Log,
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What both threads have.
pub(super) struct Shared {
    core: Mutex<Core>,
    /// The emitter wants the lock: all others let it go first.
    urgent: AtomicBool,
    /// Wakes the emitter when what it waits for is no longer what it should wait for.
    pub(super) wake: Wake,
    /// How long before a change the emitter wakes, to spin until it is due.
    pub(super) spin: Span,
    /// Ends the network thread.
    pub(super) stop: Notify,
    /// When it is to go away next, and for how long.
    pub(super) outage: Planned,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// One client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    /// Tells its task that the socket did not take everything.
    pub(super) stuck: Notify,
}

/// What the lock guards.
pub(super) struct Core {
    pub(super) ioc: Ioc,
    connections: Vec<Option<Arc<Connection>>>,
    emissions: Option<Recorder>,
    requests: Option<Recorder>,
    log: Log,
    wall_read: Tick,
    listed: Vec<CircuitId>,
}

/// How a circuit stands after it was worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pumped {
    /// Nothing to do until bytes come.
    Waiting,
    /// More messages are there to be handled.
    More,
    /// The socket takes no more.
    Stuck,
    /// It is over.
    Over(CloseReason),
}

impl Shared {
    /// The lock, after the emitter when that waits for it.
    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        let mut spins = 0u32;
        while self.urgent.load(Ordering::Acquire) {
            spins += 1;
            if spins < 1000 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, before all others.
    pub(super) fn core_first(&self) -> MutexGuard<'_, Core> {
        self.urgent.store(true, Ordering::Release);
        let core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        self.urgent.store(false, Ordering::Release);
        core
    }
}

impl Core {
    /// Takes a connection in, or says why not.
    pub(super) fn open(&mut self, listener: usize, port: u16, connection: Arc<Connection>) -> Option<CircuitId> {
        let peer = connection.socket.peer_addr().ok()?;
        match self.ioc.open(listener, peer, port) {
            Ok(id) => {
                if self.connections.len() <= id.0 {
                    self.connections.resize(id.0 + 1, None);
                }
                self.connections[id.0] = Some(connection);
                Some(id)
            }
            Err(reason) => {
                (self.log)(Notice { client: peer.to_string(), what: format!("circuit refused: {reason}") });
                None
            }
        }
    }

    /// All connections are given up.
    pub(super) fn disconnect(&mut self) {
        self.connections.clear();
    }

    /// Tells whoever reads the log.
    pub(super) fn log(&mut self, notice: Notice) {
        (self.log)(notice);
    }

    /// Takes a circuit away.
    pub(super) fn close(&mut self, id: CircuitId, reason: CloseReason) {
        if let Some(notice) = self.ioc.close(id, reason) {
            (self.log)(notice);
        }
        if let Some(connection) = self.connections.get_mut(id.0) {
            *connection = None;
        }
    }

    /// Handles messages of a circuit and sends what there is to send.
    pub(super) fn pump(&mut self, id: CircuitId, socket: &TcpStream, now: Tick) -> Pumped {
        loop {
            let progress = self.ioc.work(id, now, BUDGET);
            let unsent = self.ioc.unsent(id);
            if unsent.is_empty() {
                return match progress {
                    Progress::Idle | Progress::Backlog => Pumped::Waiting,
                    Progress::More => Pumped::More,
                    // The IOC knows the reason better.
                    Progress::Closed => Pumped::Over(CloseReason::ByClient),
                };
            }
            let size = unsent.len();
            match socket.try_write(unsent) {
                Ok(count) => {
                    self.ioc.sent(id, count, now);
                    self.record_requests();
                    if count < size && progress != Progress::Closed {
                        return Pumped::Stuck;
                    }
                }
                // One that is to be closed and does not even take the reason is closed without.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && progress != Progress::Closed => {
                    return Pumped::Stuck;
                }
                Err(error) => return Pumped::Over(connection_lost(&error)),
            }
            match progress {
                Progress::More => return Pumped::More,
                Progress::Closed => return Pumped::Over(CloseReason::ByClient),
                Progress::Idle | Progress::Backlog => {}
            }
        }
    }

    /// Sends what has been posted to circuits other than `own`. One that is stuck or over is left to its task.
    pub(super) fn pump_listed(&mut self, own: Option<CircuitId>, now: Tick) {
        let mut listed = std::mem::take(&mut self.listed);
        self.ioc.take_listed(&mut listed);
        for id in listed.drain(..).filter(|id| Some(*id) != own) {
            self.pump_other(id, now);
        }
        self.listed = listed;
    }

    /// Sends what has been posted to one circuit from outside its task.
    pub(super) fn pump_other(&mut self, id: CircuitId, now: Tick) {
        let Some(Some(connection)) = self.connections.get(id.0) else { return };
        let connection = Arc::clone(connection);
        if self.pump(id, &connection.socket, now) != Pumped::Waiting {
            connection.stuck.notify_one();
        }
    }

    /// Makes the next change if it is due. Returns the instant it was posted.
    pub(super) fn post_due(&mut self) -> Option<Tick> {
        let due = self.ioc.next_due()?;
        let posted = clock::now();
        if due > posted {
            return None;
        }
        let emission = self.ioc.post_next(posted);
        if let (Some(emission), Some(recorder)) = (emission, &mut self.emissions) {
            recorder.push(emission_record(&emission));
        }
        Some(posted)
    }

    fn record_requests(&mut self) {
        let Some(recorder) = &mut self.requests else { return };
        let replied = clock::now();
        self.ioc.take_requests(|listener, request| {
            recorder.push(request_record(listener, &Request { replied, ..request }));
        });
    }

    /// Tells what the log should have, and compares the clocks now and then.
    pub(super) fn look_after(&mut self, now: Tick) {
        for notice in self.ioc.take_notices() {
            (self.log)(notice);
        }
        if now.saturating_since(self.wall_read) >= WALL_CLOCK_PERIOD {
            self.ioc.set_wall(clock::wall());
            self.wall_read = now;
        }
    }
}

/// The words for a connection that failed; a client that just went away is the ordinary end.
pub(super) fn connection_lost(error: &io::Error) -> CloseReason {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset => CloseReason::ByClient,
        _ => CloseReason::Connection(error.to_string()),
    }
}

impl Server {
    /// Serves on bound sockets.
    ///
    /// # Errors
    /// When threads or the network runtime cannot be had.
    pub fn start(mut ioc: Ioc, serving: Serving) -> io::Result<Server> {
        raise_descriptor_limit();
        if serving.requests.is_some() {
            ioc.record_requests();
        }
        let spin = ioc.scenario().spin.unwrap_or_default();
        let core = Core {
            ioc,
            connections: Vec::new(),
            emissions: serving.emissions,
            requests: serving.requests,
            log: serving.log,
            wall_read: Tick(0),
            listed: Vec::new(),
        };
        let shared = Arc::new(Shared {
            core: Mutex::new(core),
            urgent: AtomicBool::new(false),
            wake: Wake::default(),
            spin,
            stop: Notify::new(),
            outage: Planned::default(),
        });
        let mut server = Server { shared: Arc::clone(&shared), threads: Vec::new() };
        let talk = datagrams::Talk {
            beacons: serving.beacons,
            silent: serving.silent,
            beacon_period: serving.beacon_period,
            ignored: serving.ignored.into(),
        };
        let runtime = attend::runtime()?;
        let endpoints = serving.endpoints;
        server.threads.push(thread("ioc-network", {
            let shared = Arc::clone(&shared);
            move || attend::attend(&shared, runtime, endpoints, &talk)
        })?);
        server.threads.push(thread("ioc-changes", move || emit::run(&shared))?);
        Ok(server)
    }

    /// Values change from now on: see [`Ioc::begin`].
    pub fn begin(&self, seed: u64, at: Tick) {
        self.begin_by(|ioc| ioc.begin(seed, at));
    }

    /// The values of these PVs change from now on: see [`Ioc::begin_of`].
    pub fn begin_of(&self, pvs: &[PvId], seed: u64, at: Tick) {
        self.begin_by(|ioc| ioc.begin_of(pvs, seed, at));
    }

    fn begin_by(&self, begin: impl FnOnce(&mut Ioc)) {
        self.shared.outage.give_up();
        let mut core = self.shared.core();
        core.ioc.set_wall(clock::wall());
        begin(&mut core.ioc);
        drop(core);
        self.shared.wake.wake();
    }

    /// It goes away at an instant, for so long, and comes back on the same ports: see [`Ioc::go_away`].
    pub fn restart(&self, at: Tick, down: Span) {
        self.shared.outage.plan(at, down);
    }

    /// Nothing changes any more when this returns.
    pub fn end(&self) {
        self.shared.outage.give_up();
        self.shared.core().ioc.end();
    }

    /// The window that counts are told apart by.
    pub fn set_window(&self, window: Window) {
        self.shared.core().ioc.set_window(window);
    }

    /// A look at the IOC.
    pub fn with<R>(&self, look: impl FnOnce(&Ioc) -> R) -> R {
        look(&self.shared.core().ioc)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.wake.stop();
        self.shared.stop.notify_one();
        self.shared.outage.give_up();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A thread whose wake-ups the kernel does not delay.
fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        timer::sharpen();
        body();
    })
}

/// As many descriptors as this process may have: a thousand circuits are more than the usual 1024.
fn raise_descriptor_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

#[cfg(test)]
mod tests;
