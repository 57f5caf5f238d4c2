//! Name resolution on real sockets: searches by UDP to the address list and by TCP to name servers.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::clock;
use crate::ca::message;
use crate::ca::stream::Stream;
use crate::client::Identity;
use crate::client::search::{Found, MAX_DATAGRAM, Search};
use crate::time::{Span, Tick};

/// How long a name server may take to accept.
const NAME_SERVER_PATIENCE: Duration = Duration::from_secs(2);
/// How long until a name server that failed is tried again.
const NAME_SERVER_PAUSE: Span = Span::from_secs(2);
/// The longest datagram.
const DATAGRAM_LIMIT: usize = 65_536;

/// Where searches go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    /// By UDP: hosts and broadcast addresses.
    pub datagrams: Vec<SocketAddrV4>,
    /// By TCP: name servers.
    pub name_servers: Vec<SocketAddrV4>,
}

/// The broadcast addresses of this host's interfaces, as the automatic address list has them: those that are up; a point-to-point
/// link's other end; never the loopback interface, unless there is no other (`iocinf.cpp`, configureChannelAccessAddressList).
///
/// # Errors
/// When the interfaces can't be listed.
pub fn automatic_addresses() -> io::Result<Vec<Ipv4Addr>> {
    let mut found = Vec::new();
    for interface in getifaddrs()? {
        if !interface.flags.contains(InterfaceFlags::IFF_UP) || interface.flags.contains(InterfaceFlags::IFF_LOOPBACK) {
            continue;
        }
        let address = if interface.flags.contains(InterfaceFlags::IFF_BROADCAST) {
            interface.broadcast
        } else if interface.flags.contains(InterfaceFlags::IFF_POINTOPOINT) {
            interface.destination
        } else {
            None
        };
        if let Some(address) = address.as_ref().and_then(|a| a.as_sockaddr_in()).map(|a| a.ip())
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    if found.is_empty() {
        found.push(Ipv4Addr::LOCALHOST);
    }
    Ok(found)
}

/// Searches under way, and their sockets.
#[derive(Debug)]
pub struct Finder {
    /// What is being searched for.
    pub search: Search,
    socket: UdpSocket,
    destinations: Vec<SocketAddrV4>,
    name_servers: Vec<NameServer>,
    identity: Identity,
    datagram: Vec<u8>,
    received: Vec<u8>,
}

/// A name server: searches go over a circuit.
#[derive(Debug)]
struct NameServer {
    address: SocketAddrV4,
    circuit: Option<(TcpStream, Stream)>,
    retry: Tick,
}

impl Finder {
    /// Nothing to search for yet.
    ///
    /// # Errors
    /// When no socket is to be had.
    pub fn new(destinations: &Destinations, identity: &Identity) -> io::Result<Finder> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_broadcast(true)?;
        socket.set_nonblocking(true)?;
        let name_servers =
            destinations.name_servers.iter().map(|a| NameServer { address: *a, circuit: None, retry: Tick(0) });
        Ok(Finder {
            search: Search::new(),
            socket,
            destinations: destinations.datagrams.clone(),
            name_servers: name_servers.collect(),
            identity: identity.clone(),
            datagram: Vec::with_capacity(2 * MAX_DATAGRAM),
            received: vec![0; DATAGRAM_LIMIT],
        })
    }

    /// Sends the searches that are due and waits for answers, at most until `deadline` or the next search that is due.
    /// Answers are appended to `found`.
    ///
    /// # Errors
    /// When waiting fails. A destination that can't be reached is no error: another may answer.
    pub fn step(&mut self, deadline: Tick, found: &mut Vec<Found>) -> io::Result<()> {
        self.call_name_servers();
        while self.search.transmit(clock::now(), &mut self.datagram) {
            for destination in &self.destinations {
                let _ = self.socket.send_to(&self.datagram, destination);
            }
            for server in &mut self.name_servers {
                server.send(&self.datagram);
            }
        }
        let wake = self.search.deadline().map_or(deadline, |due| due.min(deadline));
        self.wait(wake)?;
        self.receive(found);
        Ok(())
    }

    fn call_name_servers(&mut self) {
        let now = clock::now();
        for server in self.name_servers.iter_mut().filter(|s| s.circuit.is_none() && s.retry <= now) {
            server.retry = now + NAME_SERVER_PAUSE;
            server.circuit = connect_name_server(server.address, &self.identity).ok();
        }
    }

    fn wait(&self, wake: Tick) -> io::Result<()> {
        let mut fds = vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let circuits = self.name_servers.iter().filter_map(|s| s.circuit.as_ref());
        fds.extend(circuits.map(|(stream, _)| PollFd::new(stream.as_fd(), PollFlags::POLLIN)));
        let left = wake.saturating_since(clock::now()).0.div_ceil(1_000_000);
        match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn receive(&mut self, found: &mut Vec<Found>) {
        // An error of a datagram socket is the echo of an earlier send that was not wanted somewhere.
        while let Ok((count, sender)) = self.socket.recv_from(&mut self.received) {
            if let SocketAddr::V4(sender) = sender {
                self.search.datagram(sender, &self.received[..count], found);
            }
        }
        for server in &mut self.name_servers {
            server.receive(&mut self.search, found);
        }
    }
}

fn connect_name_server(address: SocketAddrV4, identity: &Identity) -> io::Result<(TcpStream, Stream)> {
    let mut stream = TcpStream::connect_timeout(&address.into(), NAME_SERVER_PATIENCE)?;
    stream.set_nodelay(true)?;
    let mut greeting = Vec::new();
    message::client_version(&mut greeting, identity.priority);
    message::client_name(&mut greeting, &identity.user);
    message::host_name(&mut greeting, &identity.host);
    stream.write_all(&greeting)?;
    stream.set_nonblocking(true)?;
    Ok((stream, Stream::new(DATAGRAM_LIMIT as u32)))
}

impl NameServer {
    fn send(&mut self, datagram: &[u8]) {
        // One that does not take a kilobyte at once is of no use; it is called again after its pause.
        if let Some((stream, _)) = &mut self.circuit
            && stream.write_all(datagram).is_err()
        {
            self.circuit = None;
        }
    }

    fn receive(&mut self, search: &mut Search, found: &mut Vec<Found>) {
        let Some((stream, buffer)) = &mut self.circuit else { return };
        let alive = loop {
            match stream.read(buffer.spare()) {
                Ok(0) => break false,
                Ok(count) => buffer.filled(count),
                Err(e) => break matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
            }
            let sound = loop {
                match buffer.next_frame() {
                    Ok(Some(frame)) => found.extend(search.answer(*self.address.ip(), &frame)),
                    Ok(None) => break true,
                    Err(_) => break false,
                }
            };
            if !sound {
                break false;
            }
        };
        if !alive {
            self.circuit = None;
        }
    }
}
