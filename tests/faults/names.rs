//! Names that are served twice, and PVs that are not what they were.

use pollcost::ca::dbr::DbrClass;
use pollcost::ca::message::dbe;
use pollcost::io::clock;
use pollcost::io::session::Session;
use pollcost::pv::{PvName, Value};
use pollcost::time::Span;

use crate::process::{Ioc, network};

const LONG: Span = Span::from_secs(30);

fn pv(kind: &str) -> String {
    format!("[[pv]]\nname = \"F:X\"\ntype = \"{kind}\"\nchange = {{ pattern = \"periodic\", rate_hz = 100 }}\n")
}

#[test]
fn two_iocs_with_the_same_name_are_told_and_the_first_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Ioc::start(folder.path(), &pv("double"), 0), Ioc::start(folder.path(), &pv("double"), 0));
    let names = [PvName::new("F:X").unwrap()];
    let mut both = network(first.port, "twice");
    both.destinations.datagrams.extend(network(second.port, "twice").destinations.datagrams);
    // The second answer comes while the first circuit is being made: now and then too late to be heard.
    crate::until("both answers are heard", || {
        let mut session = Session::connect(both.clone(), &names, LONG).unwrap();
        assert!(session.get(0, DbrClass::Plain).is_ok());
        let told = session.take_complaints();
        let of_both = |text: &String| [&first, &second].iter().all(|ioc| text.contains(&ioc.port.to_string()));
        assert!(told.iter().all(of_both), "{told:?}");
        !told.is_empty()
    });
}

#[test]
fn a_pv_of_another_type_after_a_restart_is_told_and_read_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), &pv("double"), 0);
    let port = ioc.port;
    let mut session = Session::connect(network(port, "typed"), &[PvName::new("F:X").unwrap()], LONG).unwrap();
    session.subscribe(0, DbrClass::Time, dbe::VALUE).unwrap();
    assert!(matches!(session.get(0, DbrClass::Plain).unwrap().value, Value::Double(_)));
    ioc.kill();
    while session.next_update(clock::now() + LONG).is_ok() {}
    let _again = Ioc::start(folder.path(), &pv("string"), port);
    session.reconnect(LONG).unwrap();
    assert_eq!(session.take_complaints(), ["F:X is of type string now; it was double"]);
    assert!(matches!(session.get(0, DbrClass::Plain).unwrap().value, Value::String(_)));
    let update = session.next_update(clock::now() + LONG).unwrap().unwrap();
    assert!(matches!(update.value.value, Value::String(_)), "the subscription has the new type, too");
}
