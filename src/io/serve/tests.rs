//! The server on real sockets of this host.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::ca::dbr::{self, DbrType};
use crate::ca::header::Header;
use crate::ca::message::{self, command, dbe, eca, search_reply};
use crate::ca::stream::Stream;
use crate::io::control::{record_emission, record_request};
use crate::io::listen;
use crate::io::recording::Recording;
use crate::ioc::limits::Limits;
use crate::ioc::{Counting, fixture};
use crate::scenario::model::{Change, Scenario};
use crate::time::WallClock;

const DOUBLE: u16 = 6;
/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bench {
    server: Server,
    port: u16,
    notices: mpsc::Receiver<Notice>,
    emissions: Recording,
    requests: Recording,
}

impl Bench {
    fn serve(scenario: Scenario) -> Bench {
        Bench::serve_to(scenario, Vec::new(), Vec::new())
    }

    /// With beacons to some addresses, and no answer to others.
    fn serve_to(scenario: Scenario, beacons: Vec<SocketAddrV4>, ignored: Vec<Ipv4Addr>) -> Bench {
        let endpoints = listen::bind_row(Ipv4Addr::LOCALHOST, 0, 1).unwrap();
        let port = endpoints[0].port;
        let (sender, notices) = mpsc::channel();
        let (emissions, requests) = (Recording::new(1 << 20).unwrap(), Recording::new(1 << 16).unwrap());
        let limits = Limits::for_scenario(&scenario, 0);
        let ioc = Ioc::new(scenario.into(), limits, Counting::ByListener(1), WallClock::default(), Tick(0));
        let serving = Serving {
            endpoints,
            beacons,
            silent: HashSet::new(),
            beacon_period: Span::from_secs(15),
            ignored,
            emissions: Some(Recorder::attach(&emissions).unwrap()),
            requests: Some(Recorder::attach(&requests).unwrap()),
            log: Box::new(move |notice| drop(sender.send(notice))),
        };
        Bench { server: Server::start(ioc, serving).unwrap(), port, notices, emissions, requests }
    }

    /// The last change of the first PV.
    fn last_seq(&self) -> u64 {
        self.server.with(|ioc| ioc.database().get(crate::pv::PvId(0)).unwrap().1.current().seq.0)
    }
}

struct Client {
    socket: TcpStream,
    stream: Stream,
}

impl Client {
    /// Connects and makes channels to these PVs: their identifiers are 0, 1, ... on both ends.
    fn connect(port: u16, names: &[&str]) -> Client {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        let mut client = Client { socket, stream: Stream::new(u32::MAX) };
        let mut bytes = Vec::new();
        message::client_version(&mut bytes, 0);
        for (cid, name) in names.iter().enumerate() {
            message::create_channel(&mut bytes, cid as u32, name);
        }
        client.send(&bytes);
        for _ in 0..1 + 2 * names.len() {
            client.receive();
        }
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// The next message; `None` when the server has closed the circuit.
    fn next(&mut self) -> Option<(Header, Vec<u8>)> {
        loop {
            if let Some(frame) = self.stream.next_frame().unwrap() {
                return Some((frame.header, frame.payload.to_vec()));
            }
            match self.socket.read(self.stream.spare()) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.stream.filled(count),
            }
        }
    }

    fn receive(&mut self) -> (Header, Vec<u8>) {
        self.next().expect("a message within the patience of the test")
    }

    fn number(&mut self) -> f64 {
        let (header, payload) = self.receive();
        assert_eq!(header.p1, eca::NORMAL);
        dbr::first_element(DbrType::from_code(DOUBLE).unwrap(), &payload).unwrap()
    }

    fn get(&mut self) -> f64 {
        let mut bytes = Vec::new();
        message::read_notify(&mut bytes, DOUBLE, 1, 0, 0);
        self.send(&bytes);
        loop {
            let (header, payload) = self.receive();
            if header.command == command::READ_NOTIFY {
                return dbr::first_element(DbrType::from_code(DOUBLE).unwrap(), &payload).unwrap();
            }
        }
    }

    fn subscribe(&mut self, sid: u32) {
        let mut bytes = Vec::new();
        message::event_add(&mut bytes, DOUBLE, 1, sid, sid, dbe::VALUE);
        self.send(&bytes);
    }
}

fn changing(interval: Span, pvs: usize) -> Scenario {
    fixture::one_group(Change::Periodic { interval }, pvs)
}

#[test]
fn every_change_reaches_a_monitor_in_order_and_is_recorded() {
    let mut bench = Bench::serve(changing(Span::from_millis(1), 1));
    let mut client = Client::connect(bench.port, &["PV0"]);
    client.subscribe(0);
    assert_eq!(client.number(), 0.0);
    let zero = clock::now();
    bench.server.begin(5, zero);
    let received: Vec<(f64, Tick)> = (0..100).map(|_| (client.number(), clock::now())).collect();
    bench.server.end();
    let (records, lost) = bench.emissions.read_new().unwrap();
    let emissions: Vec<_> = records.iter().map(record_emission).collect();
    assert_eq!(lost, 0);
    for (i, (number, at)) in received.iter().enumerate() {
        let emission = emissions[i];
        assert_eq!((*number, emission.seq.0), ((i + 1) as f64, i as u64 + 1));
        assert!(zero <= emission.due && emission.due <= emission.posted && emission.posted <= *at);
        assert_eq!(emission.due.0 - emissions[0].due.0, i as u64 * 1_000_000, "no drift");
    }
    let ended = bench.last_seq();
    assert_eq!(emissions.len() as u64, ended);
    assert_eq!(client.get() as u64, ended, "nothing changes after the end");
}

#[test]
fn a_reader_that_stops_reading_gets_the_newest_in_the_end_and_all_is_accounted_for() {
    let bench = Bench::serve(changing(Span::from_micros(1), 1));
    let mut slow = Client::connect(bench.port, &["PV0"]);
    slow.subscribe(0);
    assert_eq!(slow.number(), 0.0);
    bench.server.begin(1, clock::now());
    let replaced = |server: &Server| {
        server.with(|ioc| ioc.ledger().accounts()[0].rows().first().map_or(0, |row| row.total.updates_replaced))
    };
    // Until its socket and its queue are full. Another client is served meanwhile.
    let mut other = Client::connect(bench.port, &["PV0"]);
    while replaced(&bench.server) < 1000 {
        other.get();
    }
    bench.server.end();
    let last = bench.last_seq();
    let mut updates = 0;
    let mut before = 0.0;
    loop {
        let number = slow.number();
        updates += 1;
        assert!(number > before, "in order");
        before = number;
        if number as u64 == last {
            break;
        }
    }
    let count = bench.server.with(|ioc| ioc.ledger().accounts()[0].rows()[0].total);
    assert_eq!(count.updates_sent, updates);
    assert_eq!(count.updates_sent + count.updates_replaced, last, "every change since the beginning");
}

#[test]
fn a_flood_of_gets_is_answered_in_order_and_recorded() {
    let mut bench = Bench::serve(changing(Span::from_secs(1), 3));
    let mut client = Client::connect(bench.port, &["PV0", "PV1", "PV2"]);
    let mut bytes = Vec::new();
    for ioid in 0..30_000 {
        message::read_notify(&mut bytes, DOUBLE, 1, ioid % 3, ioid);
    }
    let mut writer = client.socket.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(&bytes).unwrap());
    for ioid in 0..30_000 {
        let (header, _) = client.receive();
        assert_eq!((header.command, header.p2), (command::READ_NOTIFY, ioid));
    }
    sender.join().unwrap();
    let rows = bench.server.with(|ioc| ioc.ledger().accounts()[0].rows());
    assert_eq!(rows.iter().map(|row| row.total.requests).collect::<Vec<_>>(), [10_000; 3]);
    assert_eq!(rows[0].total.redundant, 9_999, "nothing had changed");
    let (records, lost) = bench.requests.read_new().unwrap();
    assert_eq!((records.len(), lost), (30_000, 0));
    let (listener, request) = record_request(&records[29_999]);
    assert_eq!((listener, request.pv.0), (0, 2));
    assert!(request.received <= request.replied);
}

#[test]
fn a_put_wakes_the_monitor_of_another_client() {
    let bench = Bench::serve(fixture::one_of_each(&[(crate::pv::NativeType::Double, 1)]));
    let mut watcher = Client::connect(bench.port, &["DOUBLE1"]);
    let mut writer = Client::connect(bench.port, &["DOUBLE1"]);
    watcher.subscribe(0);
    watcher.number();
    let mut bytes = Vec::new();
    let header = Header { command: command::WRITE_NOTIFY, data_type: DOUBLE, count: 1, p2: 4, ..Header::default() };
    message::with_payload(&mut bytes, header, 8, |out| out.extend_from_slice(&2.5f64.to_be_bytes()));
    writer.send(&bytes);
    assert_eq!(watcher.number(), 2.5);
    assert_eq!(writer.receive().0.p1, eca::NORMAL);
    assert_eq!(writer.get(), 2.5);
}

#[test]
fn bad_bytes_close_their_circuit_with_a_reason_and_no_other() {
    let bench = Bench::serve(changing(Span::from_secs(1), 1));
    let mut good = Client::connect(bench.port, &["PV0"]);
    let mut bad = Client::connect(bench.port, &["PV0"]);
    let mut bytes = Vec::new();
    Header { command: 99, ..Header::default() }.encode(&mut bytes);
    bad.send(&bytes);
    assert_eq!(bad.receive().0.command, command::ERROR);
    assert_eq!(bad.next(), None);
    let notice = bench.notices.recv_timeout(PATIENCE).unwrap();
    assert_eq!(notice.what, "circuit closed: message 99 is none that a client sends");
    assert_eq!(notice.client, bad.socket.local_addr().unwrap().to_string());
    good.get();
    let half = TcpStream::connect((Ipv4Addr::LOCALHOST, bench.port)).unwrap();
    (&half).write_all(&[0, 1, 2]).unwrap();
    drop(half);
    let notice = bench.notices.recv_timeout(PATIENCE).unwrap();
    assert_eq!(notice.what, "circuit closed: the client closed it 3 bytes into a message");
}

#[test]
fn circuits_have_no_delay_and_leave_nothing_behind() {
    let bench = Bench::serve(changing(Span::from_millis(1), 1));
    bench.server.begin(1, clock::now());
    let mut clients: Vec<Client> = (0..200).map(|_| Client::connect(bench.port, &["PV0"])).collect();
    for client in &mut clients {
        client.subscribe(0);
        client.number();
    }
    for client in &mut clients {
        client.number();
    }
    {
        let core = bench.server.shared.core();
        let open: Vec<_> = core.connections.iter().flatten().collect();
        assert_eq!(open.len(), 200);
        assert!(open.iter().all(|connection| connection.socket.nodelay().unwrap()));
    }
    drop(clients);
    while bench.server.with(Ioc::circuits) > 0 {
        std::thread::yield_now();
    }
    let core = bench.server.shared.core();
    assert!(core.ioc.database().get(crate::pv::PvId(0)).unwrap().1.monitors.is_empty());
    assert!(core.connections.iter().all(Option::is_none));
    assert!(bench.notices.try_recv().is_err(), "ordinary ends are not told");
}

#[test]
fn searches_are_answered_on_the_same_port() {
    let bench = Bench::serve(changing(Span::from_secs(1), 2));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut question = Vec::new();
    message::datagram_version(&mut question, Some(3));
    message::search(&mut question, "NOT:OURS", 8, search_reply::DONT);
    message::search(&mut question, "PV1", 9, search_reply::DONT);
    socket.send_to(&question, (Ipv4Addr::LOCALHOST, bench.port)).unwrap();
    let mut answer = [0; 1024];
    let (size, from) = socket.recv_from(&mut answer).unwrap();
    let mut want = Vec::new();
    message::datagram_version(&mut want, Some(3));
    message::search_found(&mut want, bench.port, u32::MAX, 9);
    assert_eq!((&answer[..size], from.port()), (want.as_slice(), bench.port));
}

#[test]
fn a_server_that_is_dropped_lets_its_port_and_its_clients_go() {
    let bench = Bench::serve(changing(Span::from_secs(1), 1));
    let mut client = Client::connect(bench.port, &["PV0"]);
    let port = bench.port;
    drop(bench);
    assert_eq!(client.next(), None);
    drop(listen::bind(&[listen::Interface::LOOPBACK], port).unwrap());
}

#[test]
fn a_new_schedule_interrupts_a_long_wait() {
    let bench = Bench::serve(changing(Span::from_millis(2), 1));
    let mut client = Client::connect(bench.port, &["PV0"]);
    client.subscribe(0);
    client.number();
    bench.server.begin(1, clock::now() + Span::from_secs(3600));
    bench.server.begin(1, clock::now());
    assert_eq!(client.number(), 1.0);
}

#[test]
fn an_outage_that_is_given_up_does_not_come_over_the_next_client() {
    let bench = Bench::serve(changing(Span::from_millis(5), 1));
    let until = |what: &str, is: fn(&Ioc) -> bool| {
        let since = std::time::Instant::now();
        while !bench.server.with(is) {
            assert!(since.elapsed() < PATIENCE, "{what}");
            std::thread::yield_now();
        }
    };
    let hour = Span::from_secs(3600);
    // The client that it was for is gone while it is away: it comes back to the next one.
    bench.server.restart(clock::now(), hour);
    until("it goes", Ioc::is_away);
    bench.server.end();
    until("it comes back", |ioc| ioc.outage().is_some());
    bench.server.begin(1, clock::now());
    let mut client = Client::connect(bench.port, &["PV0"]);
    client.subscribe(0);
    // The client is gone before: neither does it go then, nor does what is planned next wait for it.
    bench.server.restart(clock::now() + Span::from_millis(20), hour);
    bench.server.begin(1, clock::now());
    for _ in 0..20 {
        client.number();
    }
    assert!(bench.server.with(|ioc| !ioc.is_away() && ioc.outage().is_none()));
    bench.server.restart(clock::now() + hour, hour);
    bench.server.restart(clock::now(), Span::from_millis(1));
    until("it was away", |ioc| ioc.outage().is_some());
}

#[test]
fn beacons_tell_of_the_server_one_after_the_other() {
    let heard = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    heard.set_read_timeout(Some(PATIENCE)).unwrap();
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, heard.local_addr().unwrap().port());
    let bench = Bench::serve_to(fixture::one_group(Change::Still, 1), vec![to], Vec::new());
    let mut bytes = [0; 64];
    for number in 0..4 {
        let count = heard.recv(&mut bytes).unwrap();
        let (header, _) = Header::decode(&bytes[..count], 0).unwrap().unwrap();
        assert_eq!((header.command, header.count, header.p1), (command::RSRV_IS_UP, u32::from(bench.port), number));
    }
}

#[test]
fn hosts_that_are_to_be_ignored_get_no_answer_to_a_search() {
    let stranger = Ipv4Addr::new(127, 0, 0, 5);
    let bench = Bench::serve_to(fixture::one_group(Change::Still, 1), Vec::new(), vec![stranger]);
    let mut question = Vec::new();
    message::search(&mut question, "PV0", 7, search_reply::DONT);
    let asked = [stranger, Ipv4Addr::LOCALHOST].map(|from| {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.send_to(&question, (Ipv4Addr::LOCALHOST, bench.port)).unwrap();
        socket
    });
    // Searches are looked at in their order: with the second one answered, the first was passed over.
    assert!(asked[1].recv(&mut [0; 64]).unwrap() > 0);
    asked[0].set_nonblocking(true).unwrap();
    assert_eq!(asked[0].recv(&mut [0; 64]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}
