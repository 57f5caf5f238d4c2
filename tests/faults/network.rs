//! Trouble on the network between a client and its IOC.

use std::time::Duration;

use pollcost::ca::dbr::DbrClass;
use pollcost::io::network::Network;
use pollcost::io::session::Session;
use pollcost::pv::{PvName, Value};
use pollcost::scenario::model::Fetch;
use pollcost::time::Span;
use pollcost::trace::{ClientTally, Observation};

use crate::client::{COUNT, Client, PVS};
use crate::process::{Ioc, hasty, network};
use crate::proxy::{Proxy, Way};

const USER: &str = "troubled";

/// Lets trouble come over a client, and checks what it has in the end against what the IOC counted.
fn through(fetch: Fetch, trouble: impl FnOnce(&Proxy, &mut Client)) -> ClientTally {
    through_as(network, fetch, trouble)
}

/// The same, over a client of such patience.
fn through_as(
    network: fn(u16, &str) -> Network,
    fetch: Fetch,
    trouble: impl FnOnce(&Proxy, &mut Client),
) -> ClientTally {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    let proxy = Proxy::before(ioc.port);
    let mut client = Client::start(fetch, network(proxy.port, USER));
    client.goes_on(20);
    trouble(&proxy, &mut client);
    client.goes_on(50);
    let (observations, tally) = client.stop();
    let newest = newest(ioc.port);
    check(&observations, &newest);
    let counted = ioc.counted(USER);
    let losses = tally.losses.len() as u64;
    // For docs/faults.md: `cargo test --test faults -- --nocapture`.
    println!("{fetch:?} {:?}", tally.losses);
    // What the IOC answered or sent and the client never had was on the way when its circuit was lost.
    let (own, updates) = (tally.requests.unwrap(), tally.updates.unwrap());
    assert!(own <= counted.gets && counted.gets - own <= losses * COUNT as u64, "{fetch:?}: {own} of {counted:?}");
    assert!(tally.redundant.unwrap() <= counted.redundant, "{fetch:?}: {counted:?}");
    assert!(updates <= counted.sent, "{fetch:?}: {updates} of {counted:?}");
    assert_eq!(counted.circuits, losses + 1, "{fetch:?}: {:?}", tally.losses);
    tally
}

/// The change that each PV has come to by now.
fn newest(port: u16) -> Vec<u64> {
    let names: Vec<PvName> = (0..COUNT).map(|i| PvName::new(&format!("F:P{i}")).unwrap()).collect();
    let mut session = Session::connect(network(port, "other"), &names, Span::from_secs(30)).unwrap();
    let values = session.get_many(&[0, 1, 2, 3, 4], DbrClass::Plain).unwrap();
    values.iter().map(|v| if let Value::Double(v) = &v.value { v[0] as u64 } else { panic!("{v:?}") }).collect()
}

/// Every observation is of a change that there was, once, and later than the one before it.
fn check(observations: &[Observation], newest: &[u64]) {
    for (pv, newest) in newest.iter().enumerate() {
        let of: Vec<_> = observations.iter().filter(|o| o.pv.index() == pv).collect();
        assert!(of.windows(2).all(|w| w[0].seq < w[1].seq && w[0].received <= w[1].received));
        assert!(of.last().is_some_and(|last| last.seq.0 <= *newest), "a change that never was");
    }
}

const BOTH: [Fetch; 2] = [Fetch::Batch, Fetch::Monitor];

#[test]
fn a_slow_network_loses_nothing() {
    for fetch in BOTH {
        let tally = through(fetch, |proxy, client| {
            proxy.set(Way::Late(Duration::from_millis(20)));
            client.goes_on(50);
        });
        assert_eq!(tally.losses, []);
    }
}

#[test]
fn messages_that_come_byte_by_byte_are_whole() {
    for fetch in BOTH {
        let tally = through(fetch, |proxy, client| {
            proxy.set(Way::Dripping);
            client.goes_on(100);
        });
        assert_eq!(tally.losses, []);
    }
}

#[test]
fn a_stall_that_ends_in_time_is_sat_out() {
    for fetch in BOTH {
        let tally = through(fetch, |proxy, _| {
            proxy.set(Way::Nowhere);
            // Less than the patience of either end; what comes of it does not depend on how long it really was.
            std::thread::sleep(Duration::from_millis(50));
            proxy.set(Way::Through);
        });
        assert_eq!(tally.losses, []);
    }
}

#[test]
fn a_half_open_connection_is_given_up_and_replaced() {
    for fetch in BOTH {
        let tally = through_as(hasty, fetch, |proxy, client| {
            let before = proxy.searches();
            proxy.set(Way::Nowhere);
            // It has asked for a sign of life and given up; now its search goes nowhere, too.
            crate::until("the client searches", || proxy.searches() > before);
            client.look();
            proxy.set(Way::Through);
        });
        assert!(tally.losses[0].why.contains("has not said anything for 600 ms"), "{:?}", tally.losses);
        assert!(tally.losses.iter().all(|loss| loss.back.is_some()));
    }
}

#[test]
fn a_connection_that_is_reset_or_cut_is_replaced() {
    for way in [Way::Reset, Way::Cut] {
        for fetch in BOTH {
            let tally = through(fetch, |proxy, client| {
                for _ in 0..3 {
                    proxy.end_all(way);
                    client.goes_on(10);
                }
            });
            assert_eq!(tally.losses.len(), 3, "{way:?} {fetch:?}");
            assert!(tally.losses.iter().all(|loss| loss.length().is_some()), "{:?}", tally.losses);
        }
    }
}
