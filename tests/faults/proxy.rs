//! A network that misbehaves: a proxy between a client and an IOC, for circuits and searches.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

/// How often a forwarder looks at what it is to do.
const TURN: Duration = Duration::from_millis(2);

/// What happens to what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It arrives.
    Through,
    /// It arrives this much later.
    Late(Duration),
    /// It arrives one byte at a time.
    Dripping,
    /// It does not arrive, and neither end is told: a stall, or a half-open connection when it lasts.
    Nowhere,
    /// The connection is reset.
    Reset,
    /// The connection is closed in good order, in the middle of whatever was sent.
    Cut,
}

struct Shared {
    way: Mutex<Way>,
    open: AtomicU32,
    searches: AtomicU32,
}

impl Shared {
    fn way(&self) -> Way {
        *self.way.lock().unwrap()
    }
}

/// The proxy. It lives as long as the test's process.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// In front of an IOC.
    pub(crate) fn before(server: u16) -> Proxy {
        let (tcp, udp) = loop {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
                break (tcp, udp);
            }
        };
        let port = tcp.local_addr().unwrap().port();
        let shared =
            Arc::new(Shared { way: Mutex::new(Way::Through), open: AtomicU32::new(0), searches: AtomicU32::new(0) });
        let forwarding = Arc::clone(&shared);
        thread::spawn(move || accept(&tcp, server, &forwarding));
        let forwarding = Arc::clone(&shared);
        thread::spawn(move || answer_searches(&udp, server, port, &forwarding));
        Proxy { port, shared }
    }

    /// From now on.
    pub(crate) fn set(&self, way: Way) {
        *self.shared.way.lock().unwrap() = way;
    }

    /// Searches that have come, passed on or not.
    pub(crate) fn searches(&self) -> u32 {
        self.shared.searches.load(Ordering::Acquire)
    }

    /// Ends all connections in this way, and lets new ones through once these are gone.
    pub(crate) fn end_all(&self, way: Way) {
        self.set(way);
        crate::until("the connections end", || self.shared.open.load(Ordering::Acquire) == 0);
        self.set(Way::Through);
    }
}

fn accept(tcp: &TcpListener, server: u16, shared: &Arc<Shared>) {
    for client in tcp.incoming().map_while(Result::ok) {
        // One that is not let through is closed: the client looks again.
        if matches!(shared.way(), Way::Reset | Way::Cut) {
            continue;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
        let (client, server) = (Arc::new(client), Arc::new(server));
        for (from, to) in [(&client, &server), (&server, &client)] {
            from.set_nodelay(true).unwrap();
            from.set_read_timeout(Some(TURN)).unwrap();
            let (from, to, shared) = (Arc::clone(from), Arc::clone(to), Arc::clone(shared));
            shared.open.fetch_add(1, Ordering::AcqRel);
            thread::spawn(move || {
                forward(&from, &to, &shared);
                // The other direction ends with this one; the last to go closes the sockets.
                let _ = from.shutdown(Shutdown::Read);
                drop((from, to));
                shared.open.fetch_sub(1, Ordering::AcqRel);
            });
        }
    }
}

fn forward(mut from: &TcpStream, mut to: &TcpStream, shared: &Shared) {
    let mut bytes = [0; 16 * 1024];
    loop {
        match shared.way() {
            Way::Nowhere => {
                thread::sleep(TURN);
                continue;
            }
            Way::Reset => {
                let now = nix::libc::linger { l_onoff: 1, l_linger: 0 };
                let _ = setsockopt(&from, sockopt::Linger, &now);
                return;
            }
            Way::Cut => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Way::Through | Way::Late(_) | Way::Dripping => {}
        }
        let count = match from.read(&mut bytes) {
            Ok(0) => {
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => continue,
            Err(_) => {
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        };
        let sent = match shared.way() {
            Way::Late(delay) => {
                thread::sleep(delay);
                to.write_all(&bytes[..count])
            }
            Way::Dripping => bytes[..count].iter().try_for_each(|byte| to.write_all(&[*byte])),
            // Half a message goes through before the end comes.
            Way::Cut | Way::Reset => to.write_all(&bytes[..count / 2]),
            Way::Through | Way::Nowhere => to.write_all(&bytes[..count]),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Passes searches on, and puts the proxy's port into the answers.
fn answer_searches(udp: &UdpSocket, server: u16, port: u16, shared: &Shared) {
    const SEARCH: [u8; 2] = [0, 6];
    let asking = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    asking.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut bytes = [0; 2048];
    while let Ok((count, client)) = udp.recv_from(&mut bytes) {
        shared.searches.fetch_add(1, Ordering::AcqRel);
        if shared.way() == Way::Nowhere || asking.send_to(&bytes[..count], (Ipv4Addr::LOCALHOST, server)).is_err() {
            continue;
        }
        let Ok((count, _)) = asking.recv_from(&mut bytes) else { continue };
        let mut at = 0;
        while at + 16 <= count {
            if bytes[at..at + 2] == SEARCH {
                bytes[at + 4..at + 6].copy_from_slice(&port.to_be_bytes());
            }
            at += 16 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        }
        let _ = udp.send_to(&bytes[..count], client);
    }
}
