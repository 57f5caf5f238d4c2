//! The server's circuit: any bytes and any order of messages, changes in between, a client that reads as it likes.
#![no_main]

mod acts;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use pollcost::ioc::closing::CloseReason;
use pollcost::ioc::limits::Limits;
use pollcost::ioc::{Counting, Ioc, Progress};
use pollcost::pv::PvId;
use pollcost::scenario::model::Scenario;
use pollcost::scenario::{Source, read};
use pollcost::time::{Tick, WallClock};

const PVS: &str = r#"
[[pv]]
name = "S:DOUBLE"
writable = true
change = { pattern = "periodic", period = "1ms" }
[[pv]]
name = "I:ENUM"
type = "enum"
labels = ["Off", "On"]
writable = true
[[pv]]
name = "I:STRING"
type = "string"
writable = true
[[pv]]
name = "I:LONG"
type = "char"
count = 100
[[client]]
name = "c"
fetch = "monitor"
"#;

fn scenario() -> Arc<Scenario> {
    static SCENARIO: OnceLock<Arc<Scenario>> = OnceLock::new();
    let parsed = || Arc::new(read(Source { file: "f", name: "f", text: PVS }, &|_| Err(String::new())).unwrap());
    Arc::clone(SCENARIO.get_or_init(parsed))
}

fuzz_target!(|data: &[u8]| {
    let limits = Limits { payload: 4096, channels: 5, subscriptions: 7, unsent_replies: 2048, ..Limits::default() };
    let unsent_most = limits.unsent_replies + limits.unsent_updates + 4 * limits.payload as usize;
    let mut ioc = Ioc::new(scenario(), limits, Counting::ByPeer, WallClock::default(), Tick(0));
    ioc.begin(1, Tick(0));
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
    let mut id = ioc.open(0, peer, 5064).unwrap();
    let mut now = Tick(0);
    let mut bytes = Vec::new();
    for act in acts::acts(data) {
        bytes.clear();
        match act.code % 8 {
            0 => bytes.extend_from_slice(act.bytes),
            1..=4 => acts::frame(act.bytes, &mut bytes),
            5 => {
                if let Some(due) = ioc.next_due() {
                    now = now.max(due);
                    ioc.post_next(now);
                }
            }
            6 => {
                let count = act.bytes.len() * 16;
                ioc.sent(id, count.min(ioc.unsent(id).len()), now);
            }
            _ => {
                ioc.close(id, CloseReason::ByClient);
                id = ioc.open(0, peer, 5064).unwrap();
            }
        }
        ioc.received(id, &bytes, now);
        loop {
            match ioc.work(id, now, 16) {
                Progress::More => {}
                Progress::Idle | Progress::Backlog => break,
                Progress::Closed => {
                    ioc.close(id, CloseReason::ByClient);
                    id = ioc.open(0, peer, 5064).unwrap();
                    break;
                }
            }
        }
        assert!(ioc.unsent(id).len() <= unsent_most, "{} bytes unsent", ioc.unsent(id).len());
        ioc.take_notices();
    }
    ioc.close(id, CloseReason::ByClient);
    assert_eq!(ioc.circuits(), 0);
    for pv in 0..4 {
        assert!(ioc.database().get(PvId(pv)).unwrap().1.monitors.is_empty(), "a subscription outlived its circuit");
    }
    for account in ioc.ledger().accounts() {
        for row in account.rows() {
            assert!(row.total.redundant <= row.total.requests);
        }
    }
});
