//! The network thread of an IOC: it attends to its sockets until the IOC ends, and does without them while the IOC is away.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
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

/// The next time that the IOC is to be away.
#[derive(Debug, Default)]
pub(super) struct Planned {
    next: Mutex<Option<(Tick, Span)>>,
    told: Notify,
}

impl Planned {
    /// From `at` on, for so long.
    pub(super) fn plan(&self, at: Tick, down: Span) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, down));
        self.told.notify_one();
    }

    fn take(&self) -> Option<(Tick, Span)> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until it is time to go; for how long.
    async fn due(&self) -> Span {
        loop {
            self.told.notified().await;
            if let Some((at, down)) = self.take() {
                tokio::time::sleep(Duration::from_nanos(at.saturating_since(clock::now()).0)).await;
                return down;
            }
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
        let Some(down) = down else { return };
        timer::sleep_until(now + down);
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
