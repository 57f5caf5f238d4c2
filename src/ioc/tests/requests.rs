//! Channels, gets, puts, searches: each request and its answer.

use super::{Client, Message, PORT, error_of, ioc, limited};
use crate::ca::dbr::{self, DbrClass, DbrType};
use crate::ca::header::Header;
use crate::ca::message::{self, access, command, eca, search_reply};
use crate::ioc::fixture;
use crate::pv::{NativeType, PvId, Seq, Severity, Value};
use crate::scenario::model::{Change, PvGroup};
use crate::time::{Span, Tick};
use crate::trace::{Request, Window};

const DOUBLE: u16 = 6;
const TIME_DOUBLE: u16 = 20;

fn get(dbr: u16, count: u32, sid: u32, ioid: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    message::read_notify(&mut bytes, dbr, count, sid, ioid);
    bytes
}

fn put(command: u16, dbr: u16, count: u32, sid: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let header = Header { command, data_type: dbr, count, p1: sid, p2: 55, ..Header::default() };
    message::with_payload(&mut bytes, header, payload.len(), |out| out.extend_from_slice(payload));
    bytes
}

fn value(dbr: u16, message: &Message) -> Value {
    let (header, payload) = message;
    dbr::decode(DbrType::from_code(dbr).unwrap(), header.count as usize, payload).unwrap().value
}

fn all_types() -> Vec<(NativeType, u32)> {
    NativeType::ALL.into_iter().flat_map(|native| [(native, 1), (native, 5)]).collect()
}

#[test]
fn a_channel_is_made_after_its_access_rights() {
    let mut scenario = fixture::one_of_each(&[(NativeType::Double, 1), (NativeType::Char, 100)]);
    scenario.groups[0].writable = false;
    let mut ioc = ioc(scenario);
    let mut client = Client::connect(&mut ioc);
    let mut bytes = Vec::new();
    message::create_channel(&mut bytes, 70, "DOUBLE1");
    message::create_channel(&mut bytes, 71, "NOBODY");
    message::create_channel(&mut bytes, 72, "CHAR100.VAL");
    let mut want = Vec::new();
    message::access_rights(&mut want, 70, access::READ);
    message::channel_created(&mut want, DOUBLE, 1, 70, 0);
    message::create_failed(&mut want, 71);
    message::access_rights(&mut want, 72, access::READ | access::WRITE);
    message::channel_created(&mut want, 4, 100, 72, 1);
    let mut got = Vec::new();
    for (header, _) in client.ask(&mut ioc, &bytes) {
        header.encode(&mut got);
    }
    assert_eq!(got, want);
}

#[test]
fn every_type_is_read_as_every_other() {
    let types = all_types();
    let mut ioc = ioc(fixture::one_of_each(&types));
    let names: Vec<String> = types.iter().map(|(native, n)| format!("{native:?}{n}").to_uppercase()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut client = Client::with_channels(&mut ioc, &names);
    for (sid, (native, count)) in types.iter().enumerate() {
        for code in 0..=34u16 {
            let dbr = DbrType::from_code(code).unwrap();
            // A text record is no state: the answer has the status, and zeros as many as were asked for.
            let fails = (*native, *count, dbr.native) == (NativeType::String, 1, NativeType::Enum);
            for asked in [0, 1, *count, count + 3] {
                let replies = client.ask(&mut ioc, &get(code, asked, sid as u32, 9));
                let (header, payload) = &replies[0];
                let answered = if asked == 0 && !fails { *count } else { asked };
                let want = Header {
                    command: command::READ_NOTIFY,
                    payload_size: message::padded(dbr.payload_size(answered as usize)) as u32,
                    data_type: code,
                    count: answered,
                    p1: if fails { eca::GETFAIL } else { eca::NORMAL },
                    p2: 9,
                };
                assert_eq!((replies.len(), *header), (1, want), "{dbr:?} of {}", names[sid]);
                assert!(dbr::decode(dbr, answered as usize, payload).is_ok());
            }
        }
    }
}

#[test]
fn a_ctrl_get_has_the_properties_of_the_pv() {
    let mut scenario = fixture::one_of_each(&[(NativeType::Double, 1), (NativeType::Enum, 1)]);
    scenario.groups[0].alarm.hihi = Some((90.0, Severity::Major));
    let mut ioc = ioc(scenario);
    let mut client = Client::with_channels(&mut ioc, &["DOUBLE1", "ENUM1"]);
    let ctrl = |native| DbrType { class: DbrClass::Ctrl, native };
    let replies = client.ask(&mut ioc, &get(ctrl(NativeType::Double).code(), 1, 0, 0));
    let meta = dbr::decode(ctrl(NativeType::Double), 1, &replies[0].1).unwrap().meta.unwrap();
    assert_eq!((meta.units.as_str(), meta.precision), ("mm", 3));
    assert_eq!((meta.display_limits, meta.control_limits), ((0.0, 100.0), (-10.0, 110.0)));
    assert_eq!(meta.hihi, 90.0);
    assert!(meta.lolo.is_nan());
    let replies = client.ask(&mut ioc, &get(ctrl(NativeType::Enum).code(), 1, 1, 0));
    let meta = dbr::decode(ctrl(NativeType::Enum), 1, &replies[0].1).unwrap().meta.unwrap();
    assert_eq!(meta.labels, ["Off", "On"]);
}

#[test]
fn a_read_without_notify_names_the_clients_channel() {
    let mut ioc = ioc(fixture::one_of_each(&[(NativeType::Double, 1)]));
    let mut client = Client::connect(&mut ioc);
    let mut bytes = Vec::new();
    message::create_channel(&mut bytes, 700, "DOUBLE1");
    Header { command: command::READ, data_type: DOUBLE, count: 1, p1: 0, p2: 12, ..Header::default() }
        .encode(&mut bytes);
    message::read_sync(&mut bytes);
    let replies = client.ask(&mut ioc, &bytes);
    assert_eq!((replies[2].0.command, replies[2].0.p1, replies[2].0.p2), (command::READ, 700, 12));
    assert_eq!(replies[3].0.command, command::READ_SYNC);
}

#[test]
fn puts_reach_the_value_in_every_type() {
    let types = all_types();
    let mut ioc = ioc(fixture::one_of_each(&types));
    for (native, count) in types {
        let name = format!("{native:?}{count}").to_uppercase();
        let mut client = Client::with_channels(&mut ioc, &[&name]);
        let text = put(command::WRITE_NOTIFY, 0, 1, 0, b"1\0");
        let replies = client.ask(&mut ioc, &text);
        assert_eq!((replies[0].0.command, replies[0].0.p1, replies[0].0.p2), (command::WRITE_NOTIFY, eca::NORMAL, 55));
        let double = put(command::WRITE, DOUBLE, 1, 0, &1f64.to_be_bytes());
        assert_eq!(client.ask(&mut ioc, &double), [], "{name}: a put without notify is not answered");
        let replies = client.ask(&mut ioc, &get(DOUBLE, 0, 0, 1));
        assert_eq!(value(DOUBLE, &replies[0]), Value::Double(vec![1.0]), "{name}: as many elements as were put");
    }
}

#[test]
fn puts_are_refused_with_their_reason_and_the_circuit_stays() {
    let mut scenario = fixture::one_of_each(&[(NativeType::Double, 1), (NativeType::Enum, 1), (NativeType::Long, 3)]);
    scenario.groups[2].writable = false;
    let mut ioc = ioc(scenario);
    let mut client = Client::with_channels(&mut ioc, &["DOUBLE1", "ENUM1", "LONG3"]);
    let cases: [(u32, u16, u32, &[u8], u32); 6] = [
        (0, 0, 1, b"seven\0", eca::PUTFAIL),
        (1, 0, 1, b"Sideways\0", eca::PUTFAIL),
        (2, 5, 1, &[0, 0, 0, 1], eca::NOWTACCESS),
        (0, DOUBLE, 1, &[1], eca::NORMAL),
        (0, DOUBLE, 1, &[], eca::BADCOUNT),
        (0, DOUBLE, 0, &[], eca::PUTFAIL),
    ];
    for (sid, dbr, count, payload, status) in cases {
        let replies = client.ask(&mut ioc, &put(command::WRITE_NOTIFY, dbr, count, sid, payload));
        assert_eq!((replies[0].0.command, replies[0].0.p1), (command::WRITE_NOTIFY, status), "{sid} {payload:?}");
        let replies = client.ask(&mut ioc, &put(command::WRITE, dbr, count, sid, payload));
        if status == eca::NORMAL {
            assert_eq!(replies, []);
        } else {
            assert_eq!((error_of(&replies[0]).0, replies[0].0.p1), (status, sid), "{payload:?}");
        }
    }
    assert_eq!(client.closed(&mut ioc), None);
}

#[test]
fn more_elements_than_there_are_come_as_zeros_up_to_the_limit() {
    let mut ioc = limited(fixture::one_of_each(&[(NativeType::Double, 1)]), |limits| limits.payload = 16_384);
    let mut client = Client::with_channels(&mut ioc, &["DOUBLE1"]);
    let replies = client.ask(&mut ioc, &get(DOUBLE, 2048, 0, 1));
    assert_eq!((replies[0].0.count, replies[0].0.payload_size), (2048, 16_384));
    let replies = client.ask(&mut ioc, &get(DOUBLE, 2049, 0, 1));
    assert_eq!(error_of(&replies[0]).0, eca::TOLARGE);
    let replies = client.ask(&mut ioc, &get(DOUBLE, u32::MAX, 0, 1));
    assert_eq!(error_of(&replies[0]).0, eca::TOLARGE);
    assert_eq!(client.closed(&mut ioc), None);
}

#[test]
fn record_type_and_acknowledgement_can_be_read() {
    let mut ioc = ioc(fixture::one_of_each(&[(NativeType::Double, 1), (NativeType::Char, 9)]));
    let mut client = Client::with_channels(&mut ioc, &["DOUBLE1", "CHAR9"]);
    for (sid, name) in [(0, "ao"), (1, "waveform")] {
        for count in [0, 1] {
            let replies = client.ask(&mut ioc, &get(38, count, sid, 1));
            assert_eq!((replies[0].0.p1, replies[0].0.count, replies[0].0.payload_size), (eca::NORMAL, 1, 40));
            assert_eq!(message::text(&replies[0].1), name);
        }
        let replies = client.ask(&mut ioc, &get(37, 1, sid, 1));
        assert_eq!((replies[0].0.p1, replies[0].0.payload_size), (eca::NORMAL, 48));
    }
    let replies = client.ask(&mut ioc, &get(35, 1, 0, 1));
    assert_eq!(replies[0].0.p1, eca::GETFAIL, "only to be put");
    let replies = client.ask(&mut ioc, &put(command::WRITE_NOTIFY, 36, 1, 0, &[0, 1]));
    assert_eq!(replies[0].0.p1, eca::NORMAL);
}

#[test]
fn a_name_server_answers_over_tcp() {
    let mut ioc = ioc(fixture::one_group(Change::Still, 2));
    let mut client = Client::connect(&mut ioc);
    let mut bytes = Vec::new();
    message::search(&mut bytes, "PV1", 5, search_reply::DO);
    message::search(&mut bytes, "PV7", 6, search_reply::DO);
    message::search(&mut bytes, "PV8", 7, search_reply::DONT);
    let replies = client.ask(&mut ioc, &bytes);
    let mut want = Vec::new();
    message::search_found_on_circuit(&mut want, PORT, u32::MAX, 5);
    message::not_found(&mut want, 6);
    let mut got = Vec::new();
    replies.iter().for_each(|(header, _)| header.encode(&mut got));
    assert_eq!(got, want);
}

#[test]
fn echoes_come_back_whole_and_names_only_before_channels() {
    let mut ioc = ioc(fixture::one_group(Change::Still, 1));
    let mut client = Client::with_channels(&mut ioc, &["PV0"]);
    let echo = put(command::ECHO, 3, 4, 5, b"eight by");
    let replies = client.ask(&mut ioc, &echo);
    assert_eq!(replies[0].1, b"eight by");
    let mut bytes = Vec::new();
    message::client_version(&mut bytes, 20);
    assert_eq!(client.ask(&mut ioc, &bytes), [], "a priority may be changed at any time");
    for name in [message::host_name, message::client_name] {
        let mut bytes = Vec::new();
        name(&mut bytes, "late");
        assert_eq!(error_of(&client.ask(&mut ioc, &bytes)[0]).0, eca::INTERNAL);
    }
    assert_eq!(client.closed(&mut ioc), None);
}

#[test]
fn a_cleared_channel_is_gone_and_its_place_is_free() {
    let mut ioc = ioc(fixture::one_group(Change::Still, 2));
    let mut client = Client::with_channels(&mut ioc, &["PV0", "PV1"]);
    let mut bytes = Vec::new();
    message::clear_channel(&mut bytes, 0, 0);
    message::create_channel(&mut bytes, 9, "PV1");
    let replies = client.ask(&mut ioc, &bytes);
    assert_eq!((replies[0].0.command, replies[0].0.p1), (command::CLEAR_CHANNEL, 0));
    assert_eq!((replies[2].0.p1, replies[2].0.p2), (9, 0));
}

#[test]
fn the_ledger_counts_gets_and_facts_hold_each() {
    let mut scenario = fixture::one_group(Change::Periodic { interval: Span(100) }, 2);
    scenario.groups[0] = PvGroup { phase: crate::scenario::model::Phase::Aligned, ..scenario.groups[0].clone() };
    let mut ioc = ioc(scenario);
    ioc.record_requests();
    ioc.begin(1, Tick(1000));
    ioc.set_window(Window { open: Tick(1100), close: Tick(1300), end: Tick(1400) });
    let mut client = Client::with_channels(&mut ioc, &["PV0", "PV1"]);
    for at in [1000, 1150, 1160, 1350] {
        while ioc.next_due().is_some_and(|due| due <= Tick(at)) {
            ioc.post_next(Tick(at));
        }
        let mut bytes = get(TIME_DOUBLE, 1, 1, 0);
        bytes.extend(get(TIME_DOUBLE, 1, 1, 1));
        assert_eq!(client.ask_at(&mut ioc, &bytes, Tick(at)).len(), 2);
    }
    let rows = ioc.ledger().accounts()[0].rows();
    assert_eq!(rows.len(), 1, "PV0 was connected and not read");
    assert_eq!(rows[0].pv, PvId(1));
    assert_eq!((rows[0].window.requests, rows[0].total.requests), (4, 8));
    let mut seen = Vec::new();
    ioc.take_requests(|listener, Request { pv, received, seq, .. }| seen.push((listener, pv, received.0, seq)));
    assert_eq!(seen.len(), 8);
    assert_eq!((seen[2].0, seen[2].1, seen[2].2), (0, PvId(1), 1150));
    let redundant = seen.windows(2).filter(|pair| pair[0].3 == pair[1].3).count() as u64;
    assert_eq!(rows[0].total.redundant, redundant);
    assert!(redundant >= 4 && seen[7].3 > Seq(1));
    let tally = ioc.ledger().accounts()[0].tally();
    assert_eq!((tally.bytes_in, tally.bytes_out), (4 * 16, 4 * 40));
}
