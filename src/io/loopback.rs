//! An IOC on loopback sockets for the tests of this room: the real state machine, one thread for each circuit, any free port.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clock;
use super::network::Network;
use crate::ioc::closing::CloseReason;
use crate::ioc::limits::Limits;
use crate::ioc::{Counting, Ioc, Progress, search};
use crate::scenario::model::Scenario;
use crate::scenario::{Source, read};
use crate::time::Tick;
use crate::trace::Window;
use crate::trace::request::Count;

/// How often a circuit looks for changes while nothing comes from its client.
const TURN: Duration = Duration::from_millis(1);
/// Messages handled in one go.
const BUDGET: usize = 1000;

pub(crate) struct LoopbackIoc {
    pub(crate) port: u16,
    ioc: Arc<Mutex<Ioc>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

pub(crate) fn scenario(text: &str) -> Arc<Scenario> {
    let text = format!("{text}\n[[client]]\nname = \"c\"\nfetch = \"monitor\"\n");
    let source = Source { file: "test.toml", name: "test", text: &text };
    Arc::new(read(source, &|_| Err("no files here".to_owned())).unwrap())
}

/// A TCP and a UDP socket on the same port.
fn sockets(port: u16) -> (TcpListener, UdpSocket) {
    for _ in 0..100 {
        let Ok(tcp) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else {
            thread::sleep(TURN);
            continue;
        };
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            return (tcp, udp);
        }
    }
    panic!("no port that is free for TCP and UDP");
}

impl LoopbackIoc {
    /// Serves `text`'s PVs. Port 0 is any free one.
    pub(crate) fn start(text: &str, port: u16) -> LoopbackIoc {
        let scenario = scenario(text);
        let limits = Limits::for_scenario(&scenario, 16 << 20);
        let mut ioc = Ioc::new(scenario, limits, Counting::ByListener(1), clock::wall(), clock::now());
        ioc.begin(1, clock::now());
        ioc.set_window(Window { open: Tick(0), close: Tick(u64::MAX), end: Tick(u64::MAX) });
        let (tcp, udp) = sockets(port);
        let port = tcp.local_addr().unwrap().port();
        let (ioc, stop) = (Arc::new(Mutex::new(ioc)), Arc::new(AtomicBool::new(false)));
        let searches = {
            let (ioc, stop) = (Arc::clone(&ioc), Arc::clone(&stop));
            thread::spawn(move || answer_searches(&udp, port, &ioc, &stop))
        };
        let circuits = {
            let (ioc, stop) = (Arc::clone(&ioc), Arc::clone(&stop));
            thread::spawn(move || accept(&tcp, port, &ioc, &stop))
        };
        LoopbackIoc { port, ioc, stop, threads: vec![searches, circuits] }
    }

    pub(crate) fn network(&self) -> Network {
        Network::loopback(self.port)
    }

    /// What it counted over all.
    pub(crate) fn counted(&self) -> Count {
        self.ioc.lock().unwrap().ledger().accounts()[0].total()
    }

    /// Circuits that are open.
    pub(crate) fn circuits(&self) -> usize {
        self.ioc.lock().unwrap().circuits()
    }
}

impl Drop for LoopbackIoc {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn answer_searches(udp: &UdpSocket, port: u16, ioc: &Mutex<Ioc>, stop: &AtomicBool) {
    udp.set_read_timeout(Some(TURN)).unwrap();
    let mut datagram = vec![0; 65_536];
    while !stop.load(Ordering::Acquire) {
        let Ok((count, sender)) = udp.recv_from(&mut datagram) else { continue };
        for answer in search::answer(&datagram[..count], port, ioc.lock().unwrap().database()) {
            let _ = udp.send_to(&answer, sender);
        }
    }
}

fn accept(tcp: &TcpListener, port: u16, ioc: &Arc<Mutex<Ioc>>, stop: &Arc<AtomicBool>) {
    tcp.set_nonblocking(true).unwrap();
    let mut circuits = Vec::new();
    while !stop.load(Ordering::Acquire) {
        let Ok((stream, _)) = tcp.accept() else {
            thread::sleep(TURN);
            continue;
        };
        let (ioc, stop) = (Arc::clone(ioc), Arc::clone(stop));
        circuits.push(thread::spawn(move || serve(stream, port, &ioc, &stop)));
    }
    for circuit in circuits {
        let _ = circuit.join();
    }
}

/// One circuit: its bytes, and all changes that are due.
fn serve(mut stream: TcpStream, port: u16, ioc: &Mutex<Ioc>, stop: &AtomicBool) {
    stream.set_nonblocking(false).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(TURN)).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    let id = ioc.lock().unwrap().open(0, stream.peer_addr().unwrap(), port).unwrap();
    let mut bytes = vec![0; 65_536];
    let mut progress = Progress::Idle;
    while !stop.load(Ordering::Acquire) {
        let count = match progress {
            Progress::More | Progress::Backlog => 0,
            Progress::Idle => match stream.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => count,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
                Err(_) => break,
            },
            Progress::Closed => break,
        };
        let mut ioc = ioc.lock().unwrap();
        let now = clock::now();
        while ioc.next_due().is_some_and(|due| due <= now) {
            ioc.post_next(clock::now());
        }
        if count > 0 {
            ioc.received(id, &bytes[..count], now);
        }
        progress = ioc.work(id, now, BUDGET);
        let out = ioc.unsent(id).to_vec();
        ioc.sent(id, out.len(), now);
        drop(ioc);
        if stream.write_all(&out).is_err() {
            break;
        }
    }
    ioc.lock().unwrap().close(id, CloseReason::ByClient);
}
