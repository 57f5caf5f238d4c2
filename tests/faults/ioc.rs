//! The IOC is killed, stopped and started again under its clients.

use nix::sys::signal::Signal;
use pollcost::ca::dbr::DbrClass;
use pollcost::io::session::{Session, SessionError};
use pollcost::io::{clock, net::LinkError};
use pollcost::pv::PvName;
use pollcost::scenario::model::Fetch;
use pollcost::time::Span;

use crate::client::{Client, PVS};
use crate::process::{Ioc, hasty as hasty_network, network};

#[test]
fn clients_come_back_to_an_ioc_that_was_killed_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    let port = ioc.port;
    let mut clients = [Fetch::Batch, Fetch::Monitor].map(|fetch| Client::start(fetch, network(port, "survivor")));
    clients.iter_mut().for_each(|client| client.goes_on(20));
    ioc.kill();
    let again = Ioc::start(folder.path(), PVS, port);
    clients.iter_mut().for_each(|client| client.goes_on(50));
    for client in clients {
        let (_, tally) = client.stop();
        println!("killed and started again: {:?}", tally.losses);
        assert_eq!(tally.losses.len(), 1, "{:?}", tally.losses);
        assert!(tally.losses[0].back.is_some());
        assert!(tally.losses[0].why.contains("127.0.0.1"), "{:?}", tally.losses);
    }
    assert!(again.counted("survivor").sent > 0);
}

#[test]
fn an_ioc_that_is_stopped_is_waited_for_or_given_up_as_the_client_will() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    let names = [PvName::new("F:P0").unwrap()];
    let mut patient = network(ioc.port, "patient");
    patient.manners.patience = Span::from_secs(60);
    let mut follower = Client::start(Fetch::Monitor, patient);
    follower.goes_on(20);
    let mut hasty = Session::connect(hasty_network(ioc.port, "hasty"), &names, Span::from_secs(30)).unwrap();
    ioc.signal(Signal::SIGSTOP);
    let before = clock::now();
    // The signal takes effect when it does.
    let error = loop {
        if let Err(error) = hasty.get(0, DbrClass::Plain) {
            break error;
        }
    };
    assert!(matches!(error, SessionError::Link(LinkError::Silent { .. })), "{error}");
    assert!(clock::now().saturating_since(before) >= Span::from_millis(600), "both patiences were used");
    ioc.signal(Signal::SIGCONT);
    follower.goes_on(100);
    hasty.reconnect(Span::from_secs(30)).unwrap();
    assert!(hasty.get(0, DbrClass::Plain).is_ok());
    let (observations, tally) = follower.stop();
    assert_eq!(tally.losses, [], "one that waits loses nothing");
    // The changes that were due meanwhile were made late, not left out, and each was sent or replaced by a newer one.
    for pv in 0..5 {
        let of: Vec<_> = observations.iter().filter(|o| o.pv.index() == pv).collect();
        assert!(of.windows(2).all(|w| w[0].seq < w[1].seq));
    }
    let counted = ioc.counted("patient");
    assert!(tally.updates.unwrap() <= counted.sent, "{counted:?}");
}
