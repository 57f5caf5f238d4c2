//! Subscriptions: their first event, their masks, their queue, their end.

use super::{Client, Message, error_of, ioc, limited};
use crate::ca::dbr::{self, DbrType};
use crate::ca::header::Header;
use crate::ca::message::{self, command, dbe, eca};
use crate::ioc::{Ioc, Progress, fixture};
use crate::pv::{NativeType, Severity};
use crate::scenario::model::{Change, Scenario, Signal};
use crate::time::{Span, Tick};

const DOUBLE: u16 = 6;
const ALL: u16 = dbe::VALUE | dbe::ALARM | dbe::LOG;

fn subscribe(sid: u32, id: u32, mask: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    message::event_add(&mut bytes, DOUBLE, 1, sid, id, mask);
    bytes
}

fn changing(pvs: usize) -> Scenario {
    fixture::one_group(Change::Periodic { interval: Span(1000) }, pvs)
}

/// Makes the next `count` changes; the instants are those that were due.
fn change(ioc: &mut Ioc, count: usize) {
    for _ in 0..count {
        let due = ioc.next_due().unwrap();
        ioc.post_next(due);
    }
}

/// Subscription and number of each event.
fn events(messages: &[Message]) -> Vec<(u32, f64)> {
    let dbr = DbrType::from_code(DOUBLE).unwrap();
    messages
        .iter()
        .map(|(header, payload)| {
            assert_eq!((header.command, header.p1), (command::EVENT_ADD, eca::NORMAL));
            (header.p2, dbr::first_element(dbr, payload).unwrap())
        })
        .collect()
}

#[test]
fn the_first_event_comes_at_once_and_then_one_for_each_change() {
    let mut ioc = ioc(changing(1));
    ioc.begin(1, Tick(0));
    let mut client = Client::with_channels(&mut ioc, &["PV0"]);
    change(&mut ioc, 2);
    assert_eq!(events(&client.ask(&mut ioc, &subscribe(0, 30, dbe::VALUE))), [(30, 2.0)]);
    change(&mut ioc, 3);
    assert_eq!(events(&client.exchange(&mut ioc, Tick(0))), [(30, 3.0), (30, 4.0), (30, 5.0)]);
    let row = ioc.ledger().accounts()[0].rows()[0];
    assert_eq!((row.total.updates_sent, row.total.updates_replaced), (4, 0));
}

#[test]
fn two_subscriptions_on_one_channel_end_one_by_one() {
    let mut ioc = ioc(changing(1));
    ioc.begin(1, Tick(0));
    let mut client = Client::with_channels(&mut ioc, &["PV0"]);
    let mut bytes = subscribe(0, 30, dbe::VALUE);
    bytes.extend(subscribe(0, 31, dbe::VALUE));
    assert_eq!(events(&client.ask(&mut ioc, &bytes)).len(), 2);
    change(&mut ioc, 1);
    let mut cancel = Vec::new();
    message::event_cancel(&mut cancel, DOUBLE, 1, 0, 30);
    let mut replies = client.ask(&mut ioc, &cancel);
    let position = replies.iter().position(|(header, _)| header.payload_size == 0).unwrap();
    let (last_word, _) = replies.remove(position);
    let want = Header { command: command::EVENT_ADD, data_type: DOUBLE, count: 1, p2: 30, ..Header::default() };
    assert_eq!(last_word, want);
    change(&mut ioc, 1);
    assert_eq!(events(&client.exchange(&mut ioc, Tick(0))), [(31, 2.0)]);
    let replies = client.ask(&mut ioc, &cancel);
    assert_eq!(error_of(&replies[0]).0, eca::BADMONID);
    assert!(client.closed(&mut ioc).unwrap().contains("subscription 30"));
    assert!(ioc.database().get(crate::pv::PvId(0)).unwrap().1.monitors.is_empty());
}

#[test]
fn a_mask_tells_what_wakes_a_subscriber() {
    let mut scenario = changing(1);
    scenario.groups[0].signal = Signal::Count;
    scenario.groups[0].adel = Some(2.5);
    scenario.groups[0].alarm.high = Some((4.0, Severity::Minor));
    let mut ioc = ioc(scenario);
    ioc.begin(1, Tick(0));
    let mut client = Client::with_channels(&mut ioc, &["PV0"]);
    for (id, mask) in [(1, dbe::VALUE), (2, dbe::LOG), (3, dbe::ALARM), (4, dbe::PROPERTY), (5, 0x80)] {
        assert_eq!(events(&client.ask(&mut ioc, &subscribe(0, id, mask))), [(id, 0.0)], "the first comes to all");
    }
    change(&mut ioc, 5);
    let got = events(&client.exchange(&mut ioc, Tick(0)));
    let of = |id| got.iter().filter(|(i, _)| *i == id).map(|(_, value)| *value).collect::<Vec<_>>();
    assert_eq!(of(1), [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(of(2), [1.0, 4.0], "beyond ADEL");
    assert_eq!(of(3), [4.0], "the alarm came at HIGH");
    assert_eq!((of(4), of(5)), (vec![], vec![]));
}

#[test]
fn an_impossible_mask_is_refused_and_the_circuit_stays() {
    let mut ioc = ioc(changing(1));
    let mut client = Client::with_channels(&mut ioc, &["PV0"]);
    for mask in [0, 0x100, 0xFFFF] {
        assert_eq!(error_of(&client.ask(&mut ioc, &subscribe(0, 1, mask))[0]).0, eca::BADMASK);
    }
    let short =
        Header { command: command::EVENT_ADD, payload_size: 8, data_type: DOUBLE, count: 1, ..Header::default() };
    let mut bytes = Vec::new();
    short.encode(&mut bytes);
    bytes.extend_from_slice(&[255; 8]);
    assert_eq!(error_of(&client.ask(&mut ioc, &bytes)[0]).0, eca::BADMASK);
    let mut twice = subscribe(0, 1, ALL);
    twice.extend(subscribe(0, 1, ALL));
    let replies = client.ask(&mut ioc, &twice);
    assert_eq!(error_of(&replies[0]).0, eca::BADMONID, "an identifier is given once");
    assert_eq!(client.closed(&mut ioc), None);
}

#[test]
fn a_put_goes_to_every_subscriber_and_the_count_goes_on() {
    let mut scenario = changing(1);
    scenario.groups[0].writable = true;
    let mut ioc = ioc(scenario);
    ioc.begin(1, Tick(0));
    let mut one = Client::with_channels(&mut ioc, &["PV0"]);
    let mut two = Client::with_channels(&mut ioc, &["PV0"]);
    one.ask(&mut ioc, &subscribe(0, 1, dbe::VALUE));
    two.ask(&mut ioc, &subscribe(0, 2, dbe::VALUE));
    change(&mut ioc, 1);
    let mut listed = Vec::new();
    ioc.take_listed(&mut listed);
    assert_eq!(listed, [one.id, two.id]);
    one.exchange(&mut ioc, Tick(0));
    two.exchange(&mut ioc, Tick(0));
    let mut bytes = Vec::new();
    let header =
        Header { command: command::WRITE_NOTIFY, data_type: DOUBLE, count: 1, p1: 0, p2: 8, ..Header::default() };
    message::with_payload(&mut bytes, header, 8, |out| out.extend_from_slice(&77f64.to_be_bytes()));
    let replies = one.ask(&mut ioc, &bytes);
    assert_eq!((replies[0].0.command, replies[0].0.p1), (command::WRITE_NOTIFY, eca::NORMAL));
    assert_eq!(events(&replies[1..]), [(1, 77.0)]);
    listed.clear();
    ioc.take_listed(&mut listed);
    assert!(listed.contains(&two.id));
    assert_eq!(events(&two.exchange(&mut ioc, Tick(0))), [(2, 77.0)]);
    change(&mut ioc, 1);
    assert_eq!(events(&two.exchange(&mut ioc, Tick(0))), [(2, 2.0)]);
}

#[test]
fn a_reader_that_falls_behind_loses_values_from_the_middle_only() {
    let mut ioc = ioc(changing(1));
    ioc.begin(1, Tick(0));
    let mut client = Client::with_channels(&mut ioc, &["PV0"]);
    client.ask(&mut ioc, &subscribe(0, 1, dbe::VALUE));
    // Its socket takes nothing: the output fills up to the size of a server's send buffer, then the queue.
    let fits = 16 * 1024 / 24 + 1;
    for _ in 0..2000 {
        change(&mut ioc, 1);
        ioc.work(client.id, Tick(0), 8);
    }
    assert!(ioc.unsent(client.id).len() <= 16 * 1024 + 24);
    let got: Vec<f64> = events(&client.exchange(&mut ioc, Tick(0))).into_iter().map(|(_, value)| value).collect();
    let mut want: Vec<f64> = (1..=fits as u32 + 107).map(f64::from).collect();
    want.push(2000.0);
    assert_eq!(got, want, "108 wait in the queue, the last of them the newest");
    let count = ioc.ledger().accounts()[0].rows()[0].total;
    assert_eq!(count.updates_sent + count.updates_replaced, 2001, "every update is accounted for");
}

#[test]
fn flow_control_keeps_only_the_newest() {
    let mut ioc = ioc(changing(1));
    ioc.begin(1, Tick(0));
    let mut client = Client::with_channels(&mut ioc, &["PV0"]);
    client.ask(&mut ioc, &subscribe(0, 1, dbe::VALUE));
    let mut off = Vec::new();
    message::events(&mut off, false);
    assert_eq!(client.ask(&mut ioc, &off), []);
    for _ in 0..5 {
        change(&mut ioc, 1);
        assert_eq!(client.exchange(&mut ioc, Tick(0)), []);
    }
    let mut on = Vec::new();
    message::events(&mut on, true);
    assert_eq!(events(&client.ask(&mut ioc, &on)), [(1, 5.0)]);
}

#[test]
fn an_array_is_sent_with_the_value_of_the_moment_of_sending() {
    let mut scenario = changing(1);
    scenario.groups[0].count = 3;
    let mut ioc = ioc(scenario);
    ioc.begin(1, Tick(0));
    let mut client = Client::with_channels(&mut ioc, &["PV0"]);
    let mut bytes = Vec::new();
    message::event_add(&mut bytes, DOUBLE, 0, 0, 1, dbe::VALUE);
    let first = client.ask(&mut ioc, &bytes);
    assert_eq!((first[0].0.count, first[0].0.payload_size), (3, 24), "as many as there are");
    // Its socket takes nothing: only what has left the queue keeps its value.
    for _ in 0..500 {
        change(&mut ioc, 1);
    }
    let got: Vec<f64> = events(&client.exchange(&mut ioc, Tick(0))).into_iter().map(|(_, value)| value).collect();
    let fits = 16 * 1024 / 40 + 1;
    let mut want: Vec<f64> = (1..=fits).map(f64::from).collect();
    want.push(500.0);
    assert_eq!(got, want, "one waits in the queue");
    let count = ioc.ledger().accounts()[0].rows()[0].total;
    assert_eq!((count.updates_sent, count.updates_replaced), (fits as u64 + 2, 500 - fits as u64 - 1));
}

#[test]
fn events_under_way_to_a_cleared_channel_are_dropped() {
    let mut ioc = ioc(changing(2));
    ioc.begin(1, Tick(0));
    let mut client = Client::with_channels(&mut ioc, &["PV0", "PV1"]);
    let mut bytes = subscribe(0, 1, dbe::VALUE);
    bytes.extend(subscribe(1, 2, dbe::VALUE));
    client.ask(&mut ioc, &bytes);
    change(&mut ioc, 6);
    let mut clear = Vec::new();
    message::clear_channel(&mut clear, 0, 0);
    ioc.received(client.id, &clear, Tick(0));
    let mut replies = client.exchange(&mut ioc, Tick(0));
    let cleared = replies.iter().position(|(header, _)| header.command == command::CLEAR_CHANNEL).unwrap();
    assert!(events(&replies.split_off(cleared + 1)).iter().all(|(id, _)| *id == 2), "none after the answer");
    change(&mut ioc, 4);
    assert_eq!(events(&client.exchange(&mut ioc, Tick(0))).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn an_enum_reads_as_its_label_in_events_too() {
    let mut ioc = ioc(fixture::one_of_each(&[(NativeType::Enum, 1)]));
    let mut client = Client::with_channels(&mut ioc, &["ENUM1"]);
    let mut bytes = Vec::new();
    message::event_add(&mut bytes, 0, 1, 0, 1, dbe::VALUE);
    let replies = client.ask(&mut ioc, &bytes);
    assert_eq!(message::text(&replies[0].1), "Off");
}

#[test]
fn limits_refuse_with_a_reason_and_a_note() {
    let mut ioc = limited(changing(2), |limits| {
        limits.subscriptions = 2;
        limits.channels = 2;
        limits.circuits = 2;
    });
    let mut client = Client::with_channels(&mut ioc, &["PV0", "PV1"]);
    let mut bytes = Vec::new();
    message::create_channel(&mut bytes, 3, "PV1");
    assert_eq!(client.ask(&mut ioc, &bytes)[0].0.command, command::CREATE_CH_FAIL);
    // Cancelled while flow control holds its event back: it still takes memory, and still counts.
    let mut bytes = Vec::new();
    message::events(&mut bytes, false);
    bytes.extend(subscribe(0, 1, ALL));
    message::event_cancel(&mut bytes, DOUBLE, 1, 0, 1);
    bytes.extend(subscribe(0, 2, ALL));
    bytes.extend(subscribe(0, 3, ALL));
    bytes.extend(subscribe(0, 4, ALL));
    let replies = client.ask(&mut ioc, &bytes);
    let errors: Vec<u32> = replies.iter().filter(|(h, _)| h.command == command::ERROR).map(|m| error_of(m).0).collect();
    assert_eq!(errors, [eca::ALLOCMEM, eca::ALLOCMEM]);
    let notices = ioc.take_notices();
    let texts: Vec<&str> = notices.iter().map(|n| n.what.as_str()).collect();
    assert_eq!(
        texts,
        ["no further channel: it has 2, which is the limit", "no further subscription: it has 2, which is the limit"],
        "each once"
    );
    assert_eq!(notices[0].client, "tester@testhost (127.0.0.1:40000)");
    let _second = Client::connect(&mut ioc);
    let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 40_001));
    assert_eq!(ioc.open(0, peer, 1).unwrap_err().to_string(), "2 circuits are open, which is the limit");
    assert_eq!(ioc.work(client.id, Tick(0), 1), Progress::Idle);
}
