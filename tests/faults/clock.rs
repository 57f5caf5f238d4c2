//! The wall clock is stepped: time stamps follow it, nothing else does.
//!
//! The machine's clock is not touched: the IOC takes the offset between its two clocks as an argument.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use pollcost::ca::dbr::{DbrType, decode};
use pollcost::ca::message::{self, command, dbe};
use pollcost::ca::stream::Stream;
use pollcost::ioc::limits::Limits;
use pollcost::ioc::{Counting, Ioc};
use pollcost::pv::Value;
use pollcost::scenario::{Source, read};
use pollcost::time::{EpicsTime, Tick, WallClock};
use pollcost::trace::Emission;

const PVS: &str = "[[pv]]\nname = \"K:A\"\nchange = { pattern = \"periodic\", period = \"10ms\" }\n\
                   [[client]]\nname = \"c\"\nfetch = \"monitor\"\n";
const TIME_DOUBLE: u16 = 20;

/// Changes of a second, with the wall clock stepped at half time: the facts, and what a monitor was sent.
fn second(step_seconds: i64) -> (Vec<Emission>, Vec<Value>, Vec<EpicsTime>) {
    let scenario = Arc::new(read(Source { file: "k", name: "k", text: PVS }, &|_| Err(String::new())).unwrap());
    let (start, later) = (wall(0), wall(step_seconds));
    let mut ioc = Ioc::new(scenario, Limits::default(), Counting::ByListener(1), start, Tick(0));
    let id = ioc.open(0, SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)), 5064).unwrap();
    let mut bytes = Vec::new();
    message::client_version(&mut bytes, 0);
    message::create_channel(&mut bytes, 1, "K:A");
    message::event_add(&mut bytes, TIME_DOUBLE, 1, 0, 1, dbe::VALUE);
    ioc.received(id, &bytes, Tick(0));
    ioc.work(id, Tick(0), 100);
    ioc.begin(1, Tick(0));
    let (mut emissions, mut stream) = (Vec::new(), Stream::new(1 << 16));
    while let Some(due) = ioc.next_due().filter(|due| *due < Tick(1_000_000_000)) {
        if due >= Tick(500_000_000) {
            ioc.set_wall(later);
        }
        emissions.extend(ioc.post_next(due));
        ioc.work(id, due, 100);
        stream.push(ioc.unsent(id));
        ioc.sent(id, ioc.unsent(id).len(), due);
    }
    let (mut values, mut stamps) = (Vec::new(), Vec::new());
    while let Some(frame) = stream.next_frame().unwrap() {
        if frame.header.command == command::EVENT_ADD {
            let decoded = decode(DbrType::from_code(TIME_DOUBLE).unwrap(), 1, frame.payload).unwrap();
            stamps.push(decoded.stamp.unwrap());
            values.push(decoded.value);
        }
    }
    (emissions, values, stamps)
}

/// A wall clock some seconds into the year 2026.
fn wall(seconds: i64) -> WallClock {
    WallClock { posix_nanos_at_zero: 1_767_225_600_000_000_000u64.saturating_add_signed(seconds * 1_000_000_000) }
}

#[test]
fn a_step_of_the_wall_clock_shows_in_time_stamps_and_nowhere_else() {
    let steady = second(0);
    assert!(steady.0.len() >= 99 && steady.1.len() == steady.0.len() + 1);
    for hour in [-3600, 3600] {
        let stepped = second(hour);
        assert_eq!(stepped.0, steady.0, "changes, when they were due and when they were posted");
        assert_eq!(stepped.1, steady.1, "values");
        let moved = stepped.2.iter().zip(&steady.2).filter(|(a, b)| a != b).count();
        assert!((45..=55).contains(&moved), "{moved} stamps moved");
    }
}
