//! The client on real sockets, against the IOC's state machine on real sockets.

mod restart;
mod scripted;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::clock;
use super::connect::connect;
use super::control::record_observation;
use super::dial::Dialer;
use super::drive::{ClientFailure, Listener, Notebook, Orders, call_back, follow, poll_rounds};
use super::fetch::{Cached, Circuits, Connecting, Getter, Table};
use super::loopback::LoopbackIoc;
use super::net::{Link, LinkError};
use super::network::Network;
use super::recording::{Recorder, Recording};
use super::session::{Session, SessionError};
use crate::ca::dbr::DbrClass;
use crate::ca::message::{self, dbe};
use crate::client::Event;
use crate::client::poller::Poller;
use crate::client::tally::{Followed, Tally};
use crate::pv::{NativeType, PvId, PvName, Value};
use crate::scenario::model::{Facts, Fetch, Pacing};
use crate::time::{Span, Tick};
use crate::trace::{ClientTally, Observation, Window};

const PVS: &str = r#"
[[pv]]
name = "L:P{0..9}"
change = { pattern = "periodic", rate_hz = 100 }
[[pv]]
name = "L:SET"
writable = true
[[pv]]
name = "L:WAVE"
count = 12500
[[pv]]
name = "L:BIG"
count = 1000000
"#;

const LONG: Span = Span::from_secs(20);

fn names(texts: &[&str]) -> Vec<PvName> {
    texts.iter().map(|text| PvName::new(text).unwrap()).collect()
}

fn changing() -> Vec<PvName> {
    (0..10).map(|i| PvName::new(&format!("L:P{i}")).unwrap()).collect()
}

#[test]
fn a_session_gets_puts_and_follows() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let names = names(&["L:P0", "L:SET", "L:WAVE", "L:BIG"]);
    let mut session = Session::connect(ioc.network(), &names, LONG).unwrap();
    session.put(1, &Value::Double(vec![42.0])).unwrap();
    assert_eq!(session.get(1, DbrClass::Plain).unwrap().value, Value::Double(vec![42.0]));
    session.put_and_go(1, &Value::String(vec!["43".into()])).unwrap();
    assert_eq!(session.get(1, DbrClass::Time).unwrap().value, Value::Double(vec![43.0]));
    assert!(matches!(session.put(0, &Value::Double(vec![1.0])), Err(SessionError::Link(LinkError::Request { .. }))));
    assert_eq!(session.get(2, DbrClass::Time).unwrap().value.len(), 12_500);
    assert_eq!(session.get(3, DbrClass::Ctrl).unwrap().value.len(), 1_000_000);
    let both = [session.subscribe(0, DbrClass::Time, dbe::VALUE), session.subscribe(0, DbrClass::Plain, dbe::VALUE)];
    assert!(both.iter().all(Result::is_ok));
    let mut updates = [0, 0];
    while updates.iter().any(|n| *n < 5) {
        let update = session.next_update(clock::now() + LONG).unwrap().unwrap();
        assert_eq!(update.value.stamp.is_some(), update.subscription == 0);
        updates[update.subscription] += 1;
    }
    session.cancel(0);
    let many = session.get_many(&[0; 1000], DbrClass::Plain).unwrap();
    assert_eq!(many.len(), 1000);
    assert!(session.take_complaints().is_empty());
}

#[test]
fn neither_end_waits_for_the_other_to_read() {
    // 4 MB of requests and 10 MB of replies: more than the sockets hold both ways.
    let ioc = LoopbackIoc::start(PVS, 0);
    let mut session = Session::connect(ioc.network(), &names(&["L:SET"]), LONG).unwrap();
    let many = vec![0; 250_000];
    assert_eq!(session.get_many(&many, DbrClass::Time).unwrap().len(), many.len());
    assert_eq!(ioc.counted().requests, 250_000);
}

#[test]
fn names_that_nobody_has_are_named() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let names = names(&["L:P0", "L:NOBODY", "L:P1", "L:NEVER"]);
    match Session::connect(ioc.network(), &names, Span::from_millis(300)) {
        Err(SessionError::NotConnected(missing)) => assert_eq!(missing, [names[1].clone(), names[3].clone()]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_server_is_asked_over_tcp() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let mut network = ioc.network();
    network.destinations.name_servers = std::mem::take(&mut network.destinations.datagrams);
    let names = changing();
    let connected = connect(&network, &names, clock::now() + LONG).unwrap();
    assert!(connected.places.iter().all(Option::is_some));
    assert_eq!(connected.links.len(), 1);
    assert_eq!(connected.links[0].server(), SocketAddrV4::new(Ipv4Addr::LOCALHOST, ioc.port));
}

/// Two IOCs with a PV each, and both names.
fn two_iocs() -> (LoopbackIoc, LoopbackIoc, Network, Vec<PvName>) {
    let pv = |name| format!("[[pv]]\nname = \"{name}\"\nchange = {{ pattern = \"periodic\", rate_hz = 100 }}\n");
    let (first, second) = (LoopbackIoc::start(&pv("L:A"), 0), LoopbackIoc::start(&pv("L:B"), 0));
    let mut network = first.network();
    network.destinations.datagrams.extend(second.network().destinations.datagrams);
    (first, second, network, names(&["L:A", "L:B"]))
}

#[test]
fn names_may_live_on_two_servers() {
    let (first, second, network, names) = two_iocs();
    let mut session = Session::connect(network.clone(), &names, LONG).unwrap();
    assert_eq!(session.links().len(), 2);
    assert_eq!(session.get_many(&[0, 1, 0], DbrClass::Time).unwrap().len(), 3);

    let mut getter = getter(Fetch::Batch, &network, &names);
    let mut poller = Poller::new(Fetch::Batch, Pacing::FixedDelay { period: Span::from_millis(1) }, 2, 3);
    let enough = || busy(&first, 200) && busy(&second, 200);
    let (observations, _) =
        run(&names, enough, |notebook, _, ready| poll_rounds(&mut poller, getter.as_mut(), notebook, 2, ready))
            .unwrap();
    check_observations(&observations, &names);

    let connected = connect(&network, &names, clock::now() + LONG).unwrap();
    let places: Vec<_> = connected.places.into_iter().flatten().collect();
    let mut listener = subscribed(connected.links, &places);
    let before = (first.counted().updates_sent, second.counted().updates_sent);
    let enough = || first.counted().updates_sent > before.0 + 20 && second.counted().updates_sent > before.1 + 20;
    let (observations, _) = run(&names, enough, |notebook, _, ready| {
        follow(&mut listener, notebook, Span::ZERO, clock::now() + LONG, ready)
    })
    .unwrap();
    check_observations(&observations, &names);
}

#[test]
fn a_session_comes_back_after_a_restart() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let (port, network) = (ioc.port, ioc.network());
    let mut session = Session::connect(network, &names(&["L:P0", "L:SET"]), LONG).unwrap();
    session.subscribe(0, DbrClass::Time, dbe::VALUE).unwrap();
    assert!(session.next_update(clock::now() + LONG).unwrap().is_some());
    drop(ioc);
    let lost = loop {
        match session.next_update(clock::now() + LONG) {
            Ok(update) => assert!(update.is_some(), "the loss is noticed"),
            Err(error) => break error,
        }
    };
    assert!(matches!(lost, SessionError::Link(LinkError::Closed(_) | LinkError::Broken { .. })), "{lost}");
    let _again = LoopbackIoc::start(PVS, port);
    session.reconnect(LONG).unwrap();
    assert!(session.next_update(clock::now() + LONG).unwrap().is_some(), "it is subscribed again");
    assert!(session.get(1, DbrClass::Plain).is_ok());
}

/// Polls or follows until `enough`, which is asked from when the first values are there; gives what was recorded and counted.
fn run(
    names: &[PvName],
    enough: impl Fn() -> bool + Sync,
    client: impl FnOnce(&mut Notebook<'_>, &Orders, &mut dyn FnMut(Tick)) -> Result<(), ClientFailure>,
) -> Result<(Vec<Observation>, ClientTally), ClientFailure> {
    let followed: Vec<Followed> =
        (0..names.len() as u32).map(|i| Followed { pv: PvId(i), native: NativeType::Double, labels: 0 }).collect();
    let mut recording = Recording::new(100_000).unwrap();
    let orders = Orders::default();
    let mut notebook =
        Notebook::new(Tally::new(&followed, Facts::News), Recorder::attach(&recording).unwrap(), &orders);
    let over = AtomicBool::new(false);
    let mut readies = 0;
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(1));
                if let Some(window) = orders.window().filter(|_| enough()) {
                    orders.set_window(Window { end: clock::now(), ..window });
                    return;
                }
            }
        });
        let result = client(&mut notebook, &orders, &mut |at| {
            readies += 1;
            orders.set_window(Window { open: at, close: Tick(u64::MAX), end: Tick(u64::MAX) });
        });
        over.store(true, Ordering::Release);
        result
    });
    result?;
    assert_eq!(readies, 1);
    let tally = notebook.finish(0);
    let (records, _) = recording.read_new().unwrap();
    Ok((records.iter().map(record_observation).collect(), tally))
}

/// Whether an IOC has answered so many gets, or sent so many updates.
fn busy(ioc: &LoopbackIoc, count: u64) -> bool {
    let counted = ioc.counted();
    counted.requests + counted.updates_sent >= count
}

fn dialer(network: &Network, names: &[PvName]) -> Dialer {
    let natives = vec![NativeType::Double; names.len()];
    Dialer::new(network.clone(), (names.to_vec(), natives), DbrClass::Time, Arc::default())
}

fn getter(fetch: Fetch, network: &Network, names: &[PvName]) -> Box<dyn Getter> {
    let deadline = clock::now() + LONG;
    if fetch == Fetch::Connect {
        return Box::new(Connecting::new(network.clone(), names.to_vec(), DbrClass::Time, deadline));
    }
    let connected = connect(network, names, deadline).unwrap();
    let places: Vec<_> = connected.places.into_iter().flatten().collect();
    if fetch != Fetch::Cached {
        return Box::new(Circuits::new(connected.links, places, DbrClass::Time));
    }
    let table = Table::new(names.len());
    let listener = subscribed(connected.links, &places);
    let kept = Arc::clone(&table);
    let dialer = dialer(network, names);
    thread::spawn(move || kept.keep(listener, &dialer));
    Box::new(Cached::new(table, names.to_vec(), deadline))
}

fn subscribed(mut links: Vec<Link>, places: &[super::connect::Place]) -> Listener {
    for (tag, place) in places.iter().enumerate() {
        let circuit = links[place.link].circuit();
        circuit.subscribe(place.channel, 20, place.count, dbe::VALUE, tag as u32).unwrap();
    }
    Listener::new(links, 0)
}

fn check_observations(observations: &[Observation], names: &[PvName]) {
    for pv in 0..names.len() as u32 {
        let of: Vec<_> = observations.iter().filter(|o| o.pv == PvId(pv)).collect();
        assert!(of.len() > 1, "PV {pv} changed");
        assert!(of.iter().enumerate().all(|(i, o)| o.first == (i == 0)));
        assert!(of.windows(2).all(|w| w[0].seq < w[1].seq && w[0].received <= w[1].received));
        assert!(of.iter().all(|o| o.asked.is_none_or(|asked| asked <= o.received)));
    }
}

#[test]
fn every_fetch_records_news_and_counts_what_the_ioc_counts() {
    for fetch in [Fetch::Serial, Fetch::Batch, Fetch::Connect, Fetch::Cached] {
        let ioc = LoopbackIoc::start(PVS, 0);
        let names = changing();
        let mut getter = getter(fetch, &ioc.network(), &names);
        let pacing = Pacing::FixedDelay { period: Span::from_millis(3) };
        let mut poller = Poller::new(fetch, pacing, names.len(), 3);
        let (observations, tally) = run(
            &names,
            || busy(&ioc, 500),
            |notebook, _, ready| poll_rounds(&mut poller, getter.as_mut(), notebook, names.len(), ready),
        )
        .unwrap();
        check_observations(&observations, &names);
        assert!(observations.iter().all(|o| o.asked.is_some()));
        let counted = ioc.counted();
        assert_eq!((tally.requests, tally.redundant), (Some(counted.requests), Some(counted.redundant)), "{fetch:?}");
        assert_eq!(tally.requests == Some(0), fetch == Fetch::Cached);
        assert!(tally.mean_period_ns.is_some_and(|mean| mean >= 3e6), "{fetch:?}");
        assert!(!tally.round_trips.is_empty());
    }
}

#[test]
fn a_monitor_is_called_back_until_its_end() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let names = changing();
    let connected = connect(&ioc.network(), &names, clock::now() + LONG).unwrap();
    let places: Vec<_> = connected.places.into_iter().flatten().collect();
    let mut listener = subscribed(connected.links, &places);
    let (observations, tally) = run(
        &names,
        || busy(&ioc, 300),
        |notebook, _, ready| follow(&mut listener, notebook, Span::ZERO, clock::now() + LONG, ready),
    )
    .unwrap();
    check_observations(&observations, &names);
    assert!(observations.iter().all(|o| o.asked.is_none()));
    assert_eq!((tally.requests, tally.updates), (Some(0), Some(observations.len() as u64)));
}

#[test]
fn a_monitor_of_nothing_that_changes_ends_when_it_is_told() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let names = names(&["L:SET"]);
    let connected = connect(&ioc.network(), &names, clock::now() + LONG).unwrap();
    let places: Vec<_> = connected.places.into_iter().flatten().collect();
    let hang_ups: Vec<_> = connected.links.iter().map(|l| l.hang_up_handle().unwrap()).collect();
    let mut listener = subscribed(connected.links, &places);
    let (observations, tally) = run(
        &names,
        || false,
        |notebook, orders, ready| {
            orders.keep(hang_ups);
            follow(&mut listener, notebook, Span::ZERO, clock::now() + LONG, &mut |at| {
                ready(at);
                orders.end();
            })
        },
    )
    .unwrap();
    assert_eq!((observations.len(), tally.updates), (1, Some(1)));
    assert!(observations[0].first);
}

#[test]
fn a_slow_callback_takes_its_time_for_each_update() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let names = changing();
    let connected = connect(&ioc.network(), &names, clock::now() + LONG).unwrap();
    let places: Vec<_> = connected.places.into_iter().flatten().collect();
    let mut listener = subscribed(connected.links, &places);
    let service = Span::from_millis(2);
    let (observations, _) = run(
        &names,
        || busy(&ioc, 100),
        |notebook, _, ready| follow(&mut listener, notebook, service, clock::now() + LONG, ready),
    )
    .unwrap();
    assert!(observations.windows(2).all(|w| w[1].received.saturating_since(w[0].received) >= service));
}

#[test]
fn a_client_whose_ioc_dies_says_so() {
    for fetch in [Fetch::Serial, Fetch::Batch, Fetch::Connect] {
        let ioc = LoopbackIoc::start(PVS, 0);
        let names = changing();
        let mut getter = getter(fetch, &ioc.network(), &names);
        let mut poller = Poller::new(fetch, Pacing::FixedDelay { period: Span::from_millis(1) }, names.len(), 3);
        let mut ioc = Some(ioc);
        let failure = run(
            &names,
            || false,
            |notebook, _, ready| {
                let mut ready_and_dead = |at| {
                    ready(at);
                    drop(ioc.take());
                };
                poll_rounds(&mut poller, getter.as_mut(), notebook, names.len(), &mut ready_and_dead)
            },
        );
        let told = matches!(failure, Err(ClientFailure::Lost(_) | ClientFailure::Disconnected(_)));
        assert!(told, "{fetch:?}: {failure:?}");
    }
}
