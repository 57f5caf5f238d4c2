//! Too much of everything: connections, searches, and not enough descriptors.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use pollcost::ca::message::{self, search_reply};
use pollcost::scenario::model::Fetch;

use crate::client::{Client, PVS};
use crate::process::{Ioc, network, plain};

/// The IOC's limit of circuits.
const LIMIT: usize = 10_000;

fn connect(port: u16) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()
}

/// Descriptors that a process has open.
fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

#[test]
fn ten_thousand_connections_that_send_nothing_keep_nobody_out() {
    // Ours, the IOC's, and what either has beside.
    let needed = LIMIT as u64 + 500;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(most >= needed, "{needed} descriptors are needed, {most} allowed: ulimit -Hn {needed}");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    let before = descriptors(ioc.pid());
    let mut client = Client::start(Fetch::Monitor, network(ioc.port, "served"));
    client.goes_on(10);
    let mut silent: Vec<TcpStream> = (1..LIMIT).map(|_| connect(ioc.port)).collect();
    crate::until("all are accepted", || descriptors(ioc.pid()) >= before + LIMIT);
    // One more is told of and closed.
    let mut refused = connect(ioc.port);
    assert_eq!(refused.read(&mut [0; 64]).unwrap(), 0);
    let told = ioc.remark("circuit refused");
    assert!(told.ends_with(&format!("circuit refused: {LIMIT} circuits are open, which is the limit")), "{told}");
    client.goes_on(100);
    // Where one ends there is room for another.
    drop(silent.pop());
    crate::until("there is room", || connect(ioc.port).read(&mut [0; 64]).unwrap() > 0);
    drop(silent);
    crate::until("their descriptors are given back", || descriptors(ioc.pid()) <= before + 2);
    client.goes_on(10);
    let (_, tally) = client.stop();
    assert_eq!(tally.losses, []);
    let counted = ioc.counted("served");
    assert!(tally.updates.unwrap() <= counted.sent);
}

#[test]
fn without_descriptors_those_who_are_there_are_served_and_others_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    plain(&mut command);
    command.args(["-c", "ulimit -n 40; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_pollcost")]);
    let ioc = Ioc::spawn(command, folder.path(), PVS, 0);
    let mut client = Client::start(Fetch::Batch, network(ioc.port, "early"));
    client.goes_on(10);
    let crowd: Vec<TcpStream> = (0..60).map(|_| connect(ioc.port)).collect();
    let told = ioc.remark("no circuit can be accepted");
    assert!(told.contains("Too many open files"), "{told}");
    client.goes_on(50);
    drop(crowd);
    let mut late = Client::start(Fetch::Monitor, network(ioc.port, "late"));
    late.goes_on(50);
    let (_, tally) = client.stop();
    assert_eq!(tally.losses, []);
    late.stop();
    assert_eq!(ioc.counted("early").gets, tally.requests.unwrap());
}

#[test]
fn a_storm_of_searches_disturbs_nobody_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    let port = ioc.port;
    let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let storm = {
        let (over, sent) = (Arc::clone(&over), Arc::clone(&sent));
        std::thread::spawn(move || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let mut datagram = Vec::new();
            message::datagram_version(&mut datagram, Some(1));
            for cid in 0..40 {
                message::search(&mut datagram, if cid % 2 == 0 { "F:P1" } else { "NOBODY" }, cid, search_reply::DONT);
            }
            while !over.load(Ordering::Acquire) {
                // What the IOC's socket has no room for is lost, as on any network.
                let _ = socket.send_to(&datagram, (Ipv4Addr::LOCALHOST, port));
                sent.fetch_add(1, Ordering::AcqRel);
            }
        })
    };
    crate::until("the storm is on", || sent.load(Ordering::Acquire) > 10_000);
    let mut client = Client::start(Fetch::Monitor, network(port, "found"));
    client.goes_on(100);
    over.store(true, Ordering::Release);
    storm.join().unwrap();
    let (observations, tally) = client.stop();
    assert_eq!(tally.losses, []);
    // Updates are not lost to it: each PV's changes came one by one.
    for pv in 0..5 {
        let of: Vec<_> = observations.iter().filter(|o| o.pv.index() == pv).collect();
        assert!(of.windows(2).all(|w| w[0].seq < w[1].seq));
    }
    assert!(tally.updates.unwrap() <= ioc.counted("found").sent);
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    let mut stuck = connect(ioc.port);
    let mut bytes = Vec::new();
    message::client_version(&mut bytes, 0);
    message::client_name(&mut bytes, "stuck");
    message::create_channel(&mut bytes, 1, "F:P0");
    for ioid in 0..1000 {
        message::read_notify(&mut bytes, 20, 1, 0, ioid);
    }
    // It asks and asks and takes no answer, until its requests are not taken any more either.
    stuck.set_nonblocking(true).unwrap();
    let mut asked = 0u64;
    crate::until("its requests are no longer taken", || {
        match stuck.write(&bytes) {
            Ok(count) => asked += count as u64,
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock && asked > 1 << 20,
        }
        false
    });
    let mut client = Client::start(Fetch::Batch, network(ioc.port, "other"));
    client.goes_on(100);
    let told = ioc.remark("has taken nothing for 5 s");
    assert!(told.starts_with("stuck@") && told.contains("from 65536 on its requests"), "{told}");
    drop(stuck);
    let (_, tally) = client.stop();
    assert_eq!((tally.losses.len(), tally.requests), (0, Some(ioc.counted("other").gets)));
}
