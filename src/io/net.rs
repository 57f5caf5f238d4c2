//! One circuit on a blocking TCP socket.
//!
//! The client waits in `recv`: one system call from the arrival of a reply to having it, where `epoll` takes two.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddrV4, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use thiserror::Error;

use super::clock;
use crate::client::{Circuit, CircuitError, Event, Identity, RequestError, Silence};
use crate::time::{Span, Tick};

/// How long a server may take to answer an ECHO (`caProto.h`, `CA_ECHO_TIMEOUT`).
pub const ECHO_PATIENCE: Span = Span::from_secs(5);

/// Why a circuit can't be used any longer.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The server closed it.
    #[error("the server at {0} closed the circuit")]
    Closed(SocketAddrV4),
    /// The operating system did.
    #[error("the circuit to {server} broke: {source}")]
    Broken {
        /// The server.
        server: SocketAddrV4,
        /// Why.
        source: io::Error,
    },
    /// The server says nothing, not even to an ECHO.
    #[error("the server at {server} has not said anything for {silence}")]
    Silent {
        /// The server.
        server: SocketAddrV4,
        /// For how long.
        silence: Span,
    },
    /// What it says is not the protocol.
    #[error("the circuit to {server} was closed: {source}")]
    Protocol {
        /// The server.
        server: SocketAddrV4,
        /// What came.
        source: CircuitError,
    },
    /// A request could not be made.
    #[error("the server at {server}: {source}")]
    Request {
        /// The server.
        server: SocketAddrV4,
        /// Why not.
        source: RequestError,
    },
}

/// A circuit and its socket.
#[derive(Debug)]
pub struct Link {
    socket: TcpStream,
    server: SocketAddrV4,
    circuit: Circuit,
    patience: Span,
    echo_patience: Span,
}

/// What a circuit needs to know of the client.
#[derive(Clone, Debug)]
pub struct Manners {
    /// How it introduces itself.
    pub identity: Identity,
    /// The largest payload it takes, in bytes.
    pub payload_limit: u32,
    /// How long a server may be silent before it is asked for a sign of life (`EPICS_CA_CONN_TMO`).
    pub patience: Span,
    /// How long it may take to give that: [`ECHO_PATIENCE`].
    pub echo_patience: Span,
}

impl Link {
    /// Connects to a server, for at most `limit`. The greeting goes out with the first requests.
    ///
    /// # Errors
    /// When the server does not accept.
    pub fn connect(server: SocketAddrV4, manners: &Manners, limit: Span) -> io::Result<Link> {
        let limit = Duration::from_nanos(limit.0.max(1));
        let socket = TcpStream::connect_timeout(&server.into(), limit)?;
        socket.set_nodelay(true)?;
        let circuit = Circuit::open(&manners.identity, manners.payload_limit);
        let Manners { patience, echo_patience, .. } = *manners;
        let link = Link { socket, server, circuit, patience, echo_patience };
        link.wait_at_most(link.patience)?;
        Ok(link)
    }

    fn wait_at_most(&self, span: Span) -> io::Result<()> {
        self.socket.set_read_timeout(Some(Duration::from_nanos(span.0.max(1_000_000))))
    }

    /// The circuit, to make requests on.
    pub fn circuit(&mut self) -> &mut Circuit {
        &mut self.circuit
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> SocketAddrV4 {
        self.server
    }

    /// A handle that ends a wait in [`Link::exchange`] from another thread.
    ///
    /// # Errors
    /// When no more descriptors are to be had.
    pub fn hang_up_handle(&self) -> io::Result<HangUp> {
        self.socket.try_clone().map(HangUp)
    }

    /// What came; `None` until more is received.
    ///
    /// # Errors
    /// When it is not the protocol.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, LinkError> {
        let server = self.server;
        self.circuit.next_event().map_err(|source| LinkError::Protocol { server, source })
    }

    /// Sends what is to go out, then waits until something comes. Take all events before calling it again.
    /// Returns how many bytes came.
    ///
    /// While the server does not take what is sent, what it sends is taken: neither waits for the other.
    ///
    /// # Errors
    /// When the circuit is of no use any longer.
    pub fn exchange(&mut self) -> Result<usize, LinkError> {
        if !self.flush()? { self.receive_now().map(|n| n.unwrap_or(0)) } else { self.receive() }
    }

    /// Sends what is to go out, without waiting for more than the socket's buffer. Returns `false` when something came
    /// before all had gone out: take that first.
    ///
    /// # Errors
    /// When the circuit is of no use any longer.
    pub fn flush(&mut self) -> Result<bool, LinkError> {
        while !self.circuit.to_send().is_empty() {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(self.socket.as_raw_fd(), self.circuit.to_send(), flags) {
                Ok(count) => self.circuit.sent(count),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    if self.wait_for_room()? {
                        return Ok(false);
                    }
                }
                Err(errno) => return Err(self.broken(errno.into())),
            }
        }
        Ok(true)
    }

    /// Like [`Link::exchange`], but waits no longer than until `deadline`; `None` when nothing came by then.
    ///
    /// # Errors
    /// When the circuit is of no use any longer.
    pub fn exchange_until(&mut self, deadline: Tick) -> Result<Option<usize>, LinkError> {
        if self.flush()? {
            let left = deadline.saturating_since(clock::now()).0.div_ceil(1_000_000);
            let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
                Ok(0) | Err(Errno::EINTR) => return Ok(None),
                Ok(_) => {}
                Err(errno) => return Err(self.broken(errno.into())),
            }
        }
        self.receive_now()
    }

    /// Waits until the socket takes more or has something; `true`: it has something.
    fn wait_for_room(&self) -> Result<bool, LinkError> {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN | PollFlags::POLLOUT)];
        let limit = self.patience + self.echo_patience;
        let timeout = PollTimeout::try_from(limit.0 / 1_000_000).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(0) => Err(LinkError::Silent { server: self.server, silence: limit }),
            Ok(_) => Ok(fds[0].revents().is_some_and(|r| r.intersects(PollFlags::POLLIN))),
            Err(Errno::EINTR) => Ok(false),
            Err(errno) => Err(self.broken(errno.into())),
        }
    }

    /// Waits until something comes. A server that is silent for too long is asked for a sign of life.
    fn receive(&mut self) -> Result<usize, LinkError> {
        let mut asked = false;
        loop {
            match self.socket.read(self.circuit.spare()) {
                Ok(0) => return Err(LinkError::Closed(self.server)),
                Ok(count) => {
                    self.circuit.filled(count);
                    if asked {
                        self.wait_at_most(self.patience).map_err(|e| self.broken(e))?;
                    }
                    return Ok(count);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if self.circuit.silent() == Silence::Dead {
                        let silence = self.patience + self.echo_patience;
                        return Err(LinkError::Silent { server: self.server, silence });
                    }
                    asked = true;
                    self.wait_at_most(self.echo_patience).map_err(|e| self.broken(e))?;
                    if !self.flush()? {
                        return self.receive_now().map(|n| n.unwrap_or(0));
                    }
                }
                Err(e) => return Err(self.broken(e)),
            }
        }
    }

    /// Takes what is there already; `None` when there is nothing.
    ///
    /// # Errors
    /// When the circuit is of no use any longer.
    pub fn receive_now(&mut self) -> Result<Option<usize>, LinkError> {
        match recv(self.socket.as_raw_fd(), self.circuit.spare(), MsgFlags::MSG_DONTWAIT) {
            Ok(0) => Err(LinkError::Closed(self.server)),
            Ok(count) => {
                self.circuit.filled(count);
                Ok(Some(count))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(errno) => Err(self.broken(errno.into())),
        }
    }

    /// The error for a request that this circuit did not take.
    #[must_use]
    pub fn not_taken(&self, source: RequestError) -> LinkError {
        LinkError::Request { server: self.server, source }
    }

    fn broken(&self, source: io::Error) -> LinkError {
        LinkError::Broken { server: self.server, source }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Ends the waiting of a [`Link`] from another thread: it finds its circuit closed.
#[derive(Debug)]
pub struct HangUp(TcpStream);

impl HangUp {
    /// Nothing more is received.
    pub fn hang_up(&self) {
        // It fails only when the circuit is closed already.
        let _ = self.0.shutdown(Shutdown::Read);
    }
}
