//! The network thread of an IOC: it attends to its sockets until the IOC ends, and does without them while the IOC is away.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::listen::{self, Endpoint, ListenError};
use super::serve::Shared;
use super::{circuits, clock, datagrams, timer};
use crate::ioc::closing::Notice;
use crate::time::{Span, Tick};

/// A port that somebody took while the IOC was away is tried again after this long.
const AGAIN: Span = Span::from_millis(10);
/// So often: a second in all.
const TRIES: u32 = 100;

/// The last of an absence is slept through to the instant; until then it may be ended early.
const LAST: Span = Span::from_millis(5);

/// The next time that the IOC is to be away.
#[derive(Debug, Default)]
pub(super) struct Planned {
    state: Mutex<State>,
    told: Notify,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: Option<(Tick, Span)>,
    /// Goes up with each plan, and with each that is given up.
    orders: u64,
}

impl Planned {
    /// From `at` on, for so long.
    pub(super) fn plan(&self, at: Tick, down: Span) {
        self.order(Some((at, down)));
    }

    /// Not at all, and back at once if it is away: whoever it was for is gone.
    pub(super) fn give_up(&self) {
        self.order(None);
    }

    fn order(&self, next: Option<(Tick, Span)>) {
        let mut state = self.state();
        (state.next, state.orders) = (next, state.orders + 1);
        self.changed.notify_all();
        self.told.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is time to go; for how long, and by which order.
    async fn due(&self) -> (Span, u64) {
        loop {
            let next = self.state().next;
            let Some((at, down)) = next else {
                self.told.notified().await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_nanos(at.saturating_since(clock::now()).0)) => {
                    let mut state = self.state();
                    if state.next == next {
                        state.next = None;
                        return (down, state.orders);
                    }
                }
                () = self.told.notified() => {}
            }
        }
    }

    /// Blocks until an instant, or until there are other orders.
    fn stay_away(&self, until: Tick, orders: u64) {
        let mut state = self.state();
        while state.orders == orders {
            let left = until.saturating_since(clock::now()).0;
            if left <= LAST.0 {
                drop(state);
                return timer::sleep_until(until);
            }
            let patience = Duration::from_nanos(left - LAST.0);
            state = self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What the network thread runs on.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Attends to sockets until it is told to stop.
pub(super) fn attend(shared: &Arc<Shared>, mut runtime: Runtime, mut endpoints: Vec<Endpoint>, talk: &datagrams::Talk) {
    loop {
        let ports: Vec<u16> = endpoints.iter().map(|endpoint| endpoint.port).collect();
        let down = runtime.block_on(async {
            for (listener, mut endpoint) in endpoints.drain(..).enumerate() {
                datagrams::talk(shared, listener, &mut endpoint, talk);
                circuits::accept(shared, listener, endpoint.circuits, endpoint.port);
            }
            tokio::select! {
                () = shared.stop.notified() => None,
                down = shared.outage.due() => Some(down),
            }
        });
        let mut core = shared.core();
        let now = clock::now();
        if down.is_some() {
            core.ioc.go_away(now);
        }
        core.disconnect();
        drop(core);
        // With its tasks go all sockets: listeners, circuits, searches.
        drop(runtime);
        let Some((down, orders)) = down else { return };
        shared.outage.stay_away(now + down, orders);
        let again = runtime_and_ports(&ports);
        (runtime, endpoints) = match again {
            Ok(again) => again,
            Err(why) => {
                let what = format!("it cannot come back: {why}");
                return shared.core().log(Notice { client: "all clients".to_owned(), what });
            }
        };
        shared.core().ioc.come_back(clock::now());
        shared.wake.wake();
    }
}

fn runtime_and_ports(ports: &[u16]) -> Result<(Runtime, Vec<Endpoint>), String> {
    let endpoints = ports.iter().map(|port| bind_again(*port)).collect::<Result<_, _>>();
    Ok((runtime().map_err(|e| e.to_string())?, endpoints.map_err(|e| e.to_string())?))
}

/// A port of ours again: another program may have it for a moment, as the far end of a search of its own.
fn bind_again(port: u16) -> Result<Endpoint, ListenError> {
    for _ in 1..TRIES {
        match listen::bind(&[listen::Interface::LOOPBACK], port) {
            Err(ListenError::Taken { .. }) => timer::sleep_until(clock::now() + AGAIN),
            outcome => return outcome,
        }
    }
    listen::bind(&[listen::Interface::LOOPBACK], port)
}
