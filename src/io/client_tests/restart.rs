//! Clients whose IOC starts anew under them, and channels that come and go.

use std::thread;

use super::super::dial::Persistent;
use super::super::drive::{ClientFailure, poll_rounds};
use super::super::fetch::{Circuits, Connecting};
use super::*;

/// Follows `L:P0` until it has been lost once and is back, with an IOC that starts anew once there are first values.
fn through_a_restart(fetch: Fetch, again: &str) -> Result<(Vec<Observation>, ClientTally), ClientFailure> {
    let mut ioc = Some(LoopbackIoc::start(PVS, 0));
    let (network, names) = (ioc.as_ref().unwrap().network(), names(&["L:P0"]));
    let port = ioc.as_ref().unwrap().port;
    let second = std::sync::Mutex::new(None);
    let restart = |ioc: &mut Option<LoopbackIoc>| {
        drop(ioc.take());
        *second.lock().unwrap() = Some(LoopbackIoc::start(again, port));
    };
    let enough = || second.lock().unwrap().as_ref().is_some_and(|ioc| busy(ioc, 20));
    run(&names, enough, |notebook, _, ready| {
        let mut ready_and_restart = |at| {
            ready(at);
            restart(&mut ioc);
        };
        let dialer = dialer(&network, &names);
        if fetch == Fetch::Monitor {
            let mut listener = dialer.subscribed(dialer.dial(clock::now() + LONG)?)?;
            let lost = follow(&mut listener, notebook, Span::ZERO, clock::now() + LONG, &mut ready_and_restart);
            let Err(ClientFailure::Disconnected(why)) = lost else { panic!("{lost:?}") };
            let (circuits, loss) = dialer.come_back(why)?;
            notebook.lost(loss);
            return call_back(&mut dialer.subscribed(circuits.unwrap())?, notebook, Span::ZERO);
        }
        let mut getter: Box<dyn Getter> = match fetch {
            Fetch::Connect => {
                let first = clock::now() + LONG;
                Box::new(Persistent::new(
                    Connecting::new(network.clone(), names.clone(), DbrClass::Time, first),
                    dialer,
                ))
            }
            _ => {
                let (links, places) = dialer.dial(clock::now() + LONG)?;
                Box::new(Persistent::new(Circuits::new(links, places, DbrClass::Time), dialer))
            }
        };
        let mut poller = Poller::new(fetch, Pacing::FixedDelay { period: Span::from_millis(1) }, 1, 3);
        let polled = poll_rounds(&mut poller, getter.as_mut(), notebook, 1, &mut ready_and_restart);
        getter.take_losses().into_iter().for_each(|loss| notebook.lost(loss));
        polled
    })
}

#[test]
fn a_client_comes_back_to_an_ioc_that_starts_anew() {
    for fetch in [Fetch::Monitor, Fetch::Serial, Fetch::Batch, Fetch::Connect] {
        let (observations, tally) = through_a_restart(fetch, PVS).unwrap();
        // One that connects for each get was between two of them.
        assert!(!tally.losses.is_empty() || fetch == Fetch::Connect, "{fetch:?}");
        assert!(
            tally.losses.iter().all(|l| l.length().is_some() && !l.why.is_empty()),
            "{fetch:?}: {:?}",
            tally.losses
        );
        let back = tally.losses.first().and_then(|loss| loss.back).unwrap_or(Tick(0));
        assert!(observations.iter().any(|o| o.received > back), "{fetch:?}: it goes on");
    }
}

#[test]
fn a_pv_that_comes_back_with_another_type_is_not_taken_for_the_one_it_was() {
    for fetch in [Fetch::Monitor, Fetch::Batch] {
        let failure = through_a_restart(fetch, "[[pv]]\nname = \"L:P0\"\ntype = \"char\"\n").unwrap_err();
        assert_eq!(failure.to_string(), "L:P0 is of type char, where double was due", "{fetch:?}");
    }
}

#[test]
fn a_first_value_that_never_comes_is_a_missing_pv() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let names = names(&["L:P0", "L:NOBODY"]);
    let deadline = clock::now() + Span::from_millis(200);
    let mut getter = Connecting::new(ioc.network(), names.clone(), DbrClass::Time, deadline);
    let mut values = vec![None; 2];
    match getter.get(0..2, &mut values) {
        Err(ClientFailure::NotConnected(missing)) => assert_eq!(missing, [names[1].clone()]),
        other => panic!("{other:?}"),
    }
    assert!(values[0].is_some());
}

#[test]
fn a_connecting_client_leaves_no_circuit_behind() {
    let ioc = LoopbackIoc::start(PVS, 0);
    let mut getter = Connecting::new(ioc.network(), changing(), DbrClass::Time, clock::now() + LONG);
    let mut values = vec![None; 10];
    for _ in 0..20 {
        getter.get(0..10, &mut values).unwrap();
    }
    assert!(values.iter().all(Option::is_some));
    while ioc.circuits() > 0 {
        thread::yield_now();
    }
}
