//! The server's datagrams: answers to searches, and beacons.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::listen::Endpoint;
use super::serve::Shared;
use crate::ioc::beacon::{self, Beacons};
use crate::ioc::closing::Notice;
use crate::ioc::search;
use crate::time::Span;

/// The largest datagram there is.
const LARGEST: usize = 64 * 1024;

/// What is said by datagram beside answers.
pub(super) struct Talk {
    pub(super) beacons: Vec<SocketAddrV4>,
    pub(super) silent: HashSet<usize>,
    pub(super) beacon_period: Span,
    pub(super) ignored: Arc<[Ipv4Addr]>,
}

/// Answers searches for a server and sends its beacons, in the background. The server's circuits are accepted elsewhere.
pub(super) fn talk(shared: &Arc<Shared>, listener: usize, endpoint: &mut Endpoint, talk: &Talk) {
    let port = endpoint.port;
    let hearing = |socket| UdpSocket::from_std(socket).map(Arc::new);
    let replying: io::Result<Vec<_>> = endpoint.searches.drain(..).map(hearing).collect();
    let pairs = replying.and_then(|replying| {
        let own = replying.iter().map(|socket| Ok((Arc::clone(socket), Arc::clone(socket))));
        // What was sent to all is answered from the interface's own address.
        let to_all = endpoint.broadcasts.drain(..).map(|(socket, i)| Ok((hearing(socket)?, Arc::clone(&replying[i]))));
        own.chain(to_all).collect::<io::Result<Vec<_>>>()
    });
    match pairs {
        Ok(pairs) => {
            for (heard, replying) in pairs {
                let (shared, ignored) = (Arc::clone(shared), Arc::clone(&talk.ignored));
                tokio::spawn(async move { answer(&shared, &heard, &replying, port, &ignored).await });
            }
        }
        Err(error) => tell(shared, port, format!("searches can't be answered: {error}")),
    }
    if !talk.beacons.is_empty() && !talk.silent.contains(&listener) {
        let (shared, to, period) = (Arc::clone(shared), talk.beacons.clone(), talk.beacon_period);
        tokio::spawn(async move {
            if let Err(error) = send_beacons(port, &to, period).await {
                tell(&shared, port, format!("no beacons can be sent: {error}"));
            }
        });
    }
}

fn tell(shared: &Shared, port: u16, what: String) {
    shared.core().log(Notice { client: format!("port {port}"), what });
}

async fn answer(shared: &Shared, heard: &UdpSocket, replying: &UdpSocket, port: u16, ignored: &[Ipv4Addr]) {
    let mut datagram = vec![0; LARGEST];
    loop {
        // An error belongs to an answer that was not wanted (ICMP port unreachable): the next datagram is what counts.
        let Ok((size, from)) = heard.recv_from(&mut datagram).await else { continue };
        if matches!(from, SocketAddr::V4(from) if ignored.contains(from.ip())) {
            continue;
        }
        let answers = search::answer(&datagram[..size], port, shared.core().ioc.database());
        for answer in answers {
            let _ = replying.send_to(&answer, from).await;
        }
    }
}

async fn send_beacons(port: u16, to: &[SocketAddrV4], period: Span) -> io::Result<()> {
    let socket = UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.set_broadcast(true)?;
    let mut beacons = Beacons::up_to(period);
    loop {
        let (number, wait) = beacons.advance();
        let datagram = beacon::datagram(port, number);
        for address in to {
            // A network that is down now may be up for the next one.
            let _ = socket.send_to(&datagram, address).await;
        }
        tokio::time::sleep(Duration::from_nanos(wait.0)).await;
    }
}
