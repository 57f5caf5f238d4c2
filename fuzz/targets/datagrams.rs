//! Searches by datagram, at both ends: no answer is larger than its question.
#![no_main]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use pollcost::client::search::Search;
use pollcost::ioc::database::Database;
use pollcost::ioc::search::answer;
use pollcost::pv::PvName;
use pollcost::scenario::{Source, read};
use pollcost::time::{EpicsTime, Tick};

fn database() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let text = "[[pv]]\nname = \"A\"\n[[pv]]\nname = \"S:DOUBLE\"\n[[client]]\nname = \"c\"\nfetch = \"monitor\"\n";
        let scenario = read(Source { file: "f", name: "f", text }, &|_| Err(String::new())).unwrap();
        Database::new(&scenario, EpicsTime::default())
    })
}

fuzz_target!(|data: &[u8]| {
    let answered: usize = answer(data, 5064, database()).iter().map(Vec::len).sum();
    assert!(answered <= data.len());
    let mut search = Search::new();
    search.add(PvName::new("A").unwrap(), 0, Tick(0));
    search.add(PvName::new("S:DOUBLE").unwrap(), 1, Tick(0));
    let mut out = Vec::new();
    search.transmit(Tick(0), &mut out);
    let mut found = Vec::new();
    search.datagram(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9), data, &mut found);
    assert!(search.open() <= 2);
});
