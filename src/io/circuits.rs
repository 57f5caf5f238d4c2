//! Circuits on TCP: accepting them, and one task for each.

use std::cell::RefCell;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::clock;
use super::serve::{Connection, Pumped, Shared, connection_lost};
use crate::ioc::CircuitId;
use crate::ioc::closing::{CloseReason, Notice};
use crate::time::Span;
use std::os::fd::AsRawFd;

/// Bytes that are read at once.
const READ_SIZE: usize = 64 * 1024;
/// A client that takes nothing for so long is told of, once.
const PATIENCE: Span = Span::from_secs(5);
/// After a connection could not be accepted (out of descriptors, say) the next try waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

thread_local! {
    /// What was read, until the IOC has it: one buffer for all circuits of the network thread.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

/// Accepts circuits on a port, in the background.
pub(super) fn accept(shared: &Arc<Shared>, listener: usize, sockets: Vec<StdListener>, port: u16) {
    for socket in sockets {
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            match TcpListener::from_std(socket) {
                Ok(socket) => accept_on(&shared, listener, &socket, port).await,
                Err(error) => tell(&shared, port, &error),
            }
        });
    }
}

async fn accept_on(shared: &Arc<Shared>, listener: usize, socket: &TcpListener, port: u16) {
    let mut failing = false;
    loop {
        match socket.accept().await {
            Ok((stream, _)) => {
                failing = false;
                begin(shared, listener, stream, port);
            }
            Err(error) => {
                if !failing {
                    tell(shared, port, &error);
                }
                failing = true;
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn tell(shared: &Shared, port: u16, error: &io::Error) {
    let what = format!("no circuit can be accepted: {error}");
    shared.core().log(Notice { client: format!("port {port}"), what });
}

fn begin(shared: &Arc<Shared>, listener: usize, stream: TcpStream, port: u16) {
    // Nagle and delayed acknowledgement together would make every reply 40 ms late.
    let _ = stream.set_nodelay(true);
    // As an EPICS server: a client whose host is gone is noticed in the end.
    let _ = setsockopt(&stream, sockopt::KeepAlive, &true);
    let connection = Arc::new(Connection { socket: stream, stuck: Notify::new() });
    let opened = shared.core().open(listener, port, Arc::clone(&connection));
    if let Some(id) = opened {
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let reason = serve(&shared, id, &connection).await;
            shared.core().close(id, reason);
            // The last words may still be under way: the end of our side comes after them.
            let _ = shutdown(connection.socket.as_raw_fd(), Shutdown::Write);
        });
    }
}

/// Serves one circuit to its end.
async fn serve(shared: &Shared, id: CircuitId, connection: &Connection) -> CloseReason {
    let mut stuck = match pump(shared, id, connection, &[]).await {
        Ok(stuck) => stuck,
        Err(reason) => return reason,
    };
    let mut told = false;
    loop {
        let ready = if stuck {
            // A client that does not take its replies is not read from either.
            room(shared, id, connection, &mut told).await
        } else {
            tokio::select! {
                biased;
                ready = connection.socket.readable() => ready,
                () = connection.stuck.notified() => {
                    stuck = true;
                    continue;
                }
            }
        };
        if let Err(error) = ready {
            return connection_lost(&error);
        }
        let outcome = if stuck { pump(shared, id, connection, &[]).await } else { read(shared, id, connection).await };
        match outcome {
            Ok(still) => stuck = still,
            Err(reason) => return reason,
        }
    }
}

/// Waits until the socket takes bytes again.
async fn room(shared: &Shared, id: CircuitId, connection: &Connection, told: &mut bool) -> io::Result<()> {
    if !*told {
        let patience = Duration::from_nanos(PATIENCE.0);
        if let Ok(ready) = tokio::time::timeout(patience, connection.socket.writable()).await {
            return ready;
        }
        *told = true;
        let mut core = shared.core();
        if let Some(notice) = core.ioc.stalled(id, PATIENCE) {
            core.log(notice);
        }
    }
    connection.socket.writable().await
}

/// Reads once, and answers what was read. Returns whether the socket is stuck.
async fn read(shared: &Shared, id: CircuitId, connection: &Connection) -> Result<bool, CloseReason> {
    let mut buffer = READ.take();
    buffer.resize(READ_SIZE, 0);
    let outcome = match connection.socket.try_read(&mut buffer) {
        Ok(0) => Err(CloseReason::ByClient),
        Ok(count) => pump(shared, id, connection, &buffer[..count]).await,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(connection_lost(&error)),
    };
    READ.replace(buffer);
    outcome
}

/// Hands bytes to the IOC, and works the circuit until it waits or is stuck. Returns whether it is stuck.
async fn pump(shared: &Shared, id: CircuitId, connection: &Connection, bytes: &[u8]) -> Result<bool, CloseReason> {
    let mut bytes = bytes;
    loop {
        let pumped = {
            let now = clock::now();
            let mut core = shared.core();
            if !bytes.is_empty() {
                core.ioc.received(id, bytes, now);
                bytes = &[];
            }
            let pumped = core.pump(id, &connection.socket, now);
            core.pump_listed(Some(id), now);
            core.look_after(now);
            pumped
        };
        match pumped {
            Pumped::Waiting => return Ok(false),
            Pumped::Stuck => return Ok(true),
            Pumped::Over(reason) => return Err(reason),
            // Others have their turn in between.
            Pumped::More => tokio::task::yield_now().await,
        }
    }
}
