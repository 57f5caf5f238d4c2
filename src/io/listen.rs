//! The sockets that a server waits on: TCP for circuits and UDP for searches, on one port.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};

use nix::sys::socket::{Backlog, listen};
use thiserror::Error;

/// Connections that may wait to be accepted: a thousand clients may start at once.
const BACKLOG: i32 = 4096;
/// How often a free port is looked for that is free for TCP and for UDP.
const ATTEMPTS: u32 = 100;

/// Why there is nothing to wait on.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Somebody else has the port.
    #[error("port {port} of {interface} is taken ({protocol}); name another port, or 0 for any free one")]
    Taken {
        /// The port.
        port: u16,
        /// The interface.
        interface: Ipv4Addr,
        /// `TCP` or `UDP`.
        protocol: &'static str,
    },
    /// It cannot be listened on for another reason.
    #[error("port {port} of {interface} can't be listened on ({protocol}): {source}")]
    Refused {
        /// The port.
        port: u16,
        /// The interface.
        interface: Ipv4Addr,
        /// `TCP` or `UDP`.
        protocol: &'static str,
        /// Why.
        source: io::Error,
    },
    /// More listeners than ports.
    #[error("{listeners} listeners from port {port} on would go beyond port 65535")]
    OutOfPorts {
        /// The first port.
        port: u16,
        /// How many are wanted.
        listeners: usize,
    },
}

impl ListenError {
    fn new(source: io::Error, port: u16, interface: Ipv4Addr, protocol: &'static str) -> ListenError {
        match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::Taken { port, interface, protocol },
            _ => ListenError::Refused { port, interface, protocol, source },
        }
    }
}

/// A bound server: one port, on one or more interfaces.
#[derive(Debug)]
pub struct Endpoint {
    /// For circuits, one for each interface.
    pub circuits: Vec<TcpListener>,
    /// For searches, one for each interface.
    pub searches: Vec<UdpSocket>,
    /// For searches sent to all: each with the place of the interface that answers for it.
    pub broadcasts: Vec<(UdpSocket, usize)>,
    /// The port, TCP and UDP.
    pub port: u16,
}

/// An interface to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its own address.
    pub address: Ipv4Addr,
    /// The address that searches to all arrive at, where it is another.
    pub broadcast: Option<Ipv4Addr>,
}

impl Interface {
    /// This host, for this host.
    pub const LOOPBACK: Interface = Interface { address: Ipv4Addr::LOCALHOST, broadcast: None };
}

/// Binds one server.
/// Port 0: any that is free for both TCP and UDP.
///
/// # Errors
/// When the port is taken or may not be had.
pub fn bind(interfaces: &[Interface], port: u16) -> Result<Endpoint, ListenError> {
    for _ in 1..ATTEMPTS {
        match bind_once(interfaces, port) {
            // The system chose a port that is free for TCP; somebody may have it for UDP.
            Err(ListenError::Taken { .. }) if port == 0 => {}
            outcome => return outcome,
        }
    }
    bind_once(interfaces, port)
}

/// Binds several servers on one address: on successive ports from `first`, or on any free ones when that is 0.
///
/// # Errors
/// When a port is taken or may not be had.
pub fn bind_row(address: Ipv4Addr, first: u16, count: usize) -> Result<Vec<Endpoint>, ListenError> {
    (0..count)
        .map(|i| {
            let port = match first {
                0 => 0,
                first => u16::try_from(i)
                    .ok()
                    .and_then(|i| first.checked_add(i))
                    .ok_or(ListenError::OutOfPorts { port: first, listeners: count })?,
            };
            bind(&[Interface { address, broadcast: None }], port)
        })
        .collect()
}

fn bind_once(interfaces: &[Interface], mut port: u16) -> Result<Endpoint, ListenError> {
    let mut circuits = Vec::new();
    for interface in interfaces {
        let listener = circuit_listener(interface.address, port)?;
        // The first of them finds the port, if any will do.
        port = listener.local_addr().map_err(|e| ListenError::new(e, port, interface.address, "TCP"))?.port();
        circuits.push(listener);
    }
    let search = |address| search_socket(address, port);
    let searches = interfaces.iter().map(|i| search(i.address)).collect::<Result<_, _>>()?;
    let to_all = interfaces.iter().enumerate().filter_map(|(i, interface)| Some((i, interface.broadcast?)));
    let broadcasts = to_all.map(|(i, address)| Ok((search(address)?, i))).collect::<Result<_, _>>()?;
    Ok(Endpoint { circuits, searches, broadcasts, port })
}

fn circuit_listener(address: Ipv4Addr, port: u16) -> Result<TcpListener, ListenError> {
    let bound = || {
        let listener = TcpListener::bind(SocketAddrV4::new(address, port))?;
        listen(&listener, Backlog::new(BACKLOG)?)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bound().map_err(|source| ListenError::new(source, port, address, "TCP"))
}

fn search_socket(address: Ipv4Addr, port: u16) -> Result<UdpSocket, ListenError> {
    let bound = || {
        let socket = UdpSocket::bind(SocketAddrV4::new(address, port))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    bound().map_err(|source| ListenError::new(source, port, address, "UDP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [Interface; 1] = [Interface::LOOPBACK];

    #[test]
    fn any_free_port_is_the_same_for_both() {
        let endpoints = bind_row(Ipv4Addr::LOCALHOST, 0, 3).unwrap();
        for endpoint in &endpoints {
            assert_ne!(endpoint.port, 0);
            assert_eq!(endpoint.circuits[0].local_addr().unwrap().port(), endpoint.port);
            assert_eq!(endpoint.searches[0].local_addr().unwrap().port(), endpoint.port);
        }
        assert_ne!(endpoints[0].port, endpoints[1].port);
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let tcp = bind(&HERE, 0).unwrap();
        let message = bind(&HERE, tcp.port).unwrap_err().to_string();
        assert_eq!(
            message,
            format!("port {} of 127.0.0.1 is taken (TCP); name another port, or 0 for any free one", tcp.port)
        );
        let Endpoint { circuits, searches, port, .. } = tcp;
        drop(circuits);
        let message = bind(&HERE, port).unwrap_err().to_string();
        assert!(message.contains(&format!("port {port} of 127.0.0.1 is taken (UDP)")), "{message}");
        drop(searches);
    }

    #[test]
    fn ports_end() {
        let error = bind_row(Ipv4Addr::LOCALHOST, 65_535, 2).unwrap_err();
        // The first of them may be taken by another program of this host.
        assert!(matches!(error, ListenError::OutOfPorts { .. } | ListenError::Taken { .. }), "{error}");
    }
}
