//! Byte-level behaviour of a circuit.

use super::*;
use crate::ca::message::dbe;
use proptest::prelude::*;

const LIMIT: u32 = 1 << 16;
const DOUBLE: u16 = 6;

fn identity() -> Identity {
    Identity { host: "here".into(), user: "me".into(), priority: 0 }
}

fn name(text: &str) -> PvName {
    PvName::new(text).unwrap()
}

fn feed(circuit: &mut Circuit, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let spare = circuit.spare();
        let taken = spare.len().min(bytes.len());
        spare[..taken].copy_from_slice(&bytes[..taken]);
        circuit.filled(taken);
        bytes = &bytes[taken..];
    }
}

/// All events as text, those of no interest left out; the error that ends them is the last.
fn events(circuit: &mut Circuit) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match circuit.next_event() {
            Ok(Some(Event::Nothing)) => {}
            Ok(Some(event)) => seen.push(format!("{event:?}")),
            Ok(None) => return seen,
            Err(error) => {
                seen.push(error.to_string());
                return seen;
            }
        }
    }
}

/// Commands that are to go out; they are taken as sent.
fn commands(circuit: &mut Circuit) -> Vec<Header> {
    let mut stream = Stream::new(u32::MAX);
    stream.push(circuit.to_send());
    let count = circuit.to_send().len();
    circuit.sent(count);
    let mut seen = Vec::new();
    while let Some(frame) = stream.next_frame().unwrap() {
        seen.push(frame.header);
    }
    assert_eq!(stream.pending(), 0);
    seen
}

fn value(out: &mut Vec<u8>, command: u16, status: u32, id: u32, value: f64) {
    let header = Header { command, data_type: DOUBLE, count: 1, p1: status, p2: id, ..Header::default() };
    message::with_payload(out, header, 8, |out| out.extend_from_slice(&value.to_be_bytes()));
}

/// A circuit with one open channel, tag 5, SID 77; nothing is waiting to go out.
fn opened() -> (Circuit, ChannelId) {
    let mut circuit = Circuit::open(&identity(), LIMIT);
    let channel = circuit.create(&name("A"), 5).unwrap();
    commands(&mut circuit);
    let mut bytes = Vec::new();
    message::server_version(&mut bytes);
    message::access_rights(&mut bytes, channel.0, 3);
    message::channel_created(&mut bytes, DOUBLE, 1, channel.0, 77);
    feed(&mut circuit, &bytes);
    assert_eq!(events(&mut circuit).len(), 2);
    (circuit, channel)
}

#[test]
fn opens_with_version_user_and_host() {
    let mut circuit = Circuit::open(&identity(), LIMIT);
    circuit.create(&name("TEST:A"), 0).unwrap();
    let sent: Vec<u16> = commands(&mut circuit).iter().map(|h| h.command).collect();
    assert_eq!(sent, [command::VERSION, command::CLIENT_NAME, command::HOST_NAME, command::CREATE_CHAN]);
}

#[test]
fn many_gets_are_answered_in_any_order_and_any_cut_of_the_bytes() {
    let (mut circuit, channel) = opened();
    let ids: Vec<RequestId> = (0..10_000).map(|_| circuit.get(channel, DOUBLE, 1).unwrap()).collect();
    assert_eq!(commands(&mut circuit).len(), 10_000);
    let mut bytes = Vec::new();
    for (i, id) in ids.iter().enumerate().rev() {
        value(&mut bytes, command::READ_NOTIFY, eca::NORMAL, id.0, i as f64);
    }
    let mut expected = ids.iter().rev();
    for chunk in bytes.chunks(997) {
        feed(&mut circuit, chunk);
        while let Some(event) = circuit.next_event().unwrap() {
            let Event::Got { request, tag: 5, data } = event else { panic!("{event:?}") };
            assert_eq!(Some(&request), expected.next());
            assert_eq!(data.payload.len(), 8);
        }
    }
    assert_eq!((expected.next(), circuit.outstanding()), (None, 0));
    feed(&mut circuit, &bytes);
    assert!(events(&mut circuit).is_empty(), "answers that nobody waits for");
}

#[test]
fn one_byte_at_a_time_is_as_good() {
    let (mut circuit, channel) = opened();
    let id = circuit.get(channel, DOUBLE, 1).unwrap();
    let mut bytes = Vec::new();
    value(&mut bytes, command::READ_NOTIFY, eca::NORMAL, id.0, 1.0);
    for (i, byte) in bytes.iter().enumerate() {
        feed(&mut circuit, &[*byte]);
        assert_eq!(events(&mut circuit).len(), usize::from(i + 1 == bytes.len()));
    }
}

#[test]
fn elements_are_counted_by_the_bytes_that_came() {
    const STRING: u16 = 0;
    const TIME_CHAR: u16 = 18;
    for (dbr, announced, bytes, count) in [
        (DOUBLE, 100, 24, 3),
        (DOUBLE, 2, 24, 2),
        (TIME_CHAR, 100, 24, 9),
        (STRING, 2, 48, 2),
        (DOUBLE, u32::MAX, 0, 0),
    ] {
        let (mut circuit, channel) = opened();
        let request = circuit.get(channel, dbr, announced).unwrap();
        let header = Header { command: command::READ_NOTIFY, data_type: dbr, count: announced, ..Header::default() };
        let header = Header { p1: eca::NORMAL, p2: request.0, ..header };
        let mut out = Vec::new();
        message::with_payload(&mut out, header, bytes, |out| out.extend(std::iter::repeat_n(0, bytes)));
        feed(&mut circuit, &out);
        let Some(Event::Got { data, .. }) = circuit.next_event().unwrap() else { panic!("no value") };
        assert_eq!(data.count, count, "{bytes} bytes of type {dbr}");
        let read = crate::ca::dbr::decode(DbrType::from_code(dbr).unwrap(), data.count as usize, data.payload);
        assert_eq!(read.unwrap().value.len(), count as usize);
    }
}

#[test]
fn requests_need_an_open_channel_and_the_right() {
    let mut circuit = Circuit::open(&identity(), LIMIT);
    let channel = circuit.create(&name("A"), 0).unwrap();
    assert_eq!(circuit.get(channel, DOUBLE, 1), Err(RequestError::NotConnected));
    let (mut circuit, channel) = opened();
    let mut bytes = Vec::new();
    message::access_rights(&mut bytes, channel.0, 0);
    feed(&mut circuit, &bytes);
    events(&mut circuit);
    assert_eq!(circuit.get(channel, DOUBLE, 1), Err(RequestError::NoReadAccess));
    assert_eq!(circuit.put(channel, DOUBLE, 1, &[0; 8]), Err(RequestError::NoWriteAccess));
    assert_eq!(circuit.put_notify(channel, DOUBLE, 1, &[0; 8]), Err(RequestError::NoWriteAccess));
    assert!(circuit.to_send().is_empty());
}

#[test]
fn old_servers_are_told_the_count() {
    let (mut circuit, channel) = opened();
    circuit.get(channel, DOUBLE, 0).unwrap();
    assert_eq!(commands(&mut circuit)[0].count, 0);
    let mut bytes = Vec::new();
    Header { command: command::VERSION, count: 11, ..Header::default() }.encode(&mut bytes);
    feed(&mut circuit, &bytes);
    events(&mut circuit);
    circuit.get(channel, DOUBLE, 0).unwrap();
    circuit.subscribe(channel, DOUBLE, 0, dbe::VALUE, 0).unwrap();
    assert_eq!(commands(&mut circuit).iter().map(|h| h.count).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn failures_find_their_request() {
    let (mut circuit, channel) = opened();
    let get = circuit.get(channel, DOUBLE, 1).unwrap();
    let refused = circuit.get(channel, DOUBLE, 1).unwrap();
    let put = circuit.put_notify(channel, DOUBLE, 1, &[0; 8]).unwrap();
    circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 9).unwrap();
    circuit.put(channel, DOUBLE, 1, &[0; 8]).unwrap();
    let asked = commands(&mut circuit);
    let mut bytes = Vec::new();
    value(&mut bytes, command::READ_NOTIFY, eca::GETFAIL, get.0, 0.0);
    for request in &asked[1..] {
        message::error(&mut bytes, channel.0, eca::NOWTACCESS, request, "because");
    }
    feed(&mut circuit, &bytes);
    let why = format!("status: {}", eca::NOWTACCESS);
    let want = [
        format!("GetFailed {{ request: {get:?}, tag: 5, status: {} }}", eca::GETFAIL),
        format!("GetFailed {{ request: {refused:?}, tag: 5, {why} }}"),
        format!("Written {{ request: {put:?}, tag: 5, {why} }}"),
        format!("UpdateFailed {{ subscription: SubscriptionId({}), tag: 9, {why} }}", asked[3].p2),
        format!("Complaint {{ tag: Some(5), command: {}, {why}, why: \"because\" }}", command::WRITE),
    ];
    assert_eq!(events(&mut circuit), want);
    assert_eq!(circuit.outstanding(), 0);
}

#[test]
fn a_cancelled_subscription_is_silent_until_its_last_word() {
    let (mut circuit, channel) = opened();
    let one = circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 1).unwrap();
    let two = circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 2).unwrap();
    circuit.cancel(one);
    circuit.cancel(one);
    let sent: Vec<u16> = commands(&mut circuit).iter().map(|h| h.command).collect();
    assert_eq!(sent, [command::EVENT_ADD, command::EVENT_ADD, command::EVENT_CANCEL]);
    let mut bytes = Vec::new();
    for id in [one, two] {
        value(&mut bytes, command::EVENT_ADD, eca::NORMAL, id.0, 1.0);
    }
    message::event_cancelled(&mut bytes, DOUBLE, 77, one.0);
    value(&mut bytes, command::EVENT_ADD, eca::NORMAL, one.0, 1.0);
    feed(&mut circuit, &bytes);
    let seen = events(&mut circuit);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].contains("tag: 2"), "{seen:?}");
    assert_eq!(seen[1], "Cancelled { tag: 1 }");
}

#[test]
fn a_channel_that_goes_takes_its_requests_along() {
    for (message, event) in [
        (message::server_disconnect as fn(&mut Vec<u8>, u32), "Dropped { tag: 5 }"),
        (message::create_failed, "Refused { tag: 5 }"),
        (|out, cid| message::clear_channel(out, 77, cid), "Cleared { tag: 5 }"),
    ] {
        let (mut circuit, channel) = opened();
        let id = circuit.get(channel, DOUBLE, 1).unwrap();
        let subscription = circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 0).unwrap();
        let mut bytes = Vec::new();
        message(&mut bytes, channel.0);
        value(&mut bytes, command::READ_NOTIFY, eca::NORMAL, id.0, 0.0);
        value(&mut bytes, command::EVENT_ADD, eca::NORMAL, subscription.0, 0.0);
        feed(&mut circuit, &bytes);
        assert_eq!(events(&mut circuit), [event]);
        assert_eq!(circuit.outstanding(), 0);
        assert_eq!(circuit.get(channel, DOUBLE, 1), Err(RequestError::NotConnected));
    }
}

#[test]
fn a_channel_cleared_before_it_opened_is_cleared_when_it_does() {
    let mut circuit = Circuit::open(&identity(), LIMIT);
    let channel = circuit.create(&name("A"), 5).unwrap();
    circuit.clear(channel);
    commands(&mut circuit);
    let mut bytes = Vec::new();
    message::channel_created(&mut bytes, DOUBLE, 1, channel.0, 77);
    feed(&mut circuit, &bytes);
    assert!(events(&mut circuit).is_empty());
    let sent = commands(&mut circuit);
    assert_eq!((sent.len(), sent[0].command, sent[0].p1), (1, command::CLEAR_CHANNEL, 77));
}

#[test]
fn silence_is_broken_by_any_byte() {
    let (mut circuit, _) = opened();
    assert_eq!(circuit.silent(), Silence::Asked);
    assert_eq!(commands(&mut circuit)[0].command, command::ECHO);
    let mut bytes = Vec::new();
    message::echo(&mut bytes);
    feed(&mut circuit, &bytes);
    assert!(events(&mut circuit).is_empty());
    assert!(circuit.to_send().is_empty(), "an ECHO is not answered");
    assert_eq!(circuit.silent(), Silence::Asked);
    assert_eq!(circuit.silent(), Silence::Dead);
}

#[test]
fn bytes_that_are_not_the_protocol_end_the_circuit_with_a_reason() {
    let frame = |header: Header, payload: &[u8]| {
        let mut out = Vec::new();
        Header { payload_size: payload.len() as u32, ..header }.encode(&mut out);
        out.extend_from_slice(payload);
        out
    };
    let command = |command| Header { command, ..Header::default() };
    let cases = [
        (frame(command(99), &[]), "the server sent command 99"),
        (frame(command(command::EVENT_ADD), &[0; 7]), "what the server sent is not a message: payload of 7 bytes"),
        (frame(command(command::ERROR), &[0; 8]), "the server sent an ERROR message"),
        (frame(Header { data_type: 7, ..command(command::CREATE_CHAN) }, &[]), "the server sent data of type 7"),
        (
            frame(command(command::EVENT_ADD), &vec![0; LIMIT as usize + 8]),
            "what the server sent is not a message: payload of 65544 bytes is over the limit",
        ),
    ];
    let answer = |data_type, count, payload: &[u8]| {
        frame(Header { data_type, count, p1: eca::NORMAL, p2: 0, ..command(command::READ_NOTIFY) }, payload)
    };
    let cases = cases.into_iter().chain([
        (answer(39, 1, &[0; 8]), "the server sent data of type 39"),
        (answer(20, 1, &[0; 8]), "the server sent 8 bytes of DBR type 20, whose values start at byte 16"),
        (answer(31, u32::MAX, &[0; 24]), "the server sent 24 bytes of DBR type 31, whose values start at byte 422"),
    ]);
    for (mut bytes, why) in cases {
        let (mut circuit, channel) = opened();
        let request = circuit.get(channel, DOUBLE, 1).unwrap();
        if bytes[..2] == command::READ_NOTIFY.to_be_bytes() {
            bytes[12..16].copy_from_slice(&request.0.to_be_bytes());
        }
        feed(&mut circuit, &bytes);
        let seen = events(&mut circuit);
        assert!(seen.len() == 1 && seen[0].starts_with(why), "{seen:?}, wanted {why}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(messages in prop::collection::vec(
        (0u16..30, prop::collection::vec(any::<u8>(), 0..40), any::<u16>(), 0u32..4, 0u32..4, 0u32..4), 0..40,
    )) {
        let (mut circuit, channel) = opened();
        circuit.get(channel, DOUBLE, 1).unwrap();
        let subscription = circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 2).unwrap();
        for (i, (command, payload, data_type, count, p1, p2)) in messages.into_iter().enumerate() {
            let ids = [0, channel.0, subscription.0, u32::MAX];
            let header = Header { command, data_type, count, p1: ids[p1 as usize], p2: ids[p2 as usize], ..Header::default() };
            let mut bytes = Vec::new();
            message::with_payload(&mut bytes, header, payload.len(), |out| out.extend_from_slice(&payload));
            feed(&mut circuit, &bytes);
            events(&mut circuit);
            if i == 10 {
                circuit.cancel(subscription);
                circuit.clear(channel);
            }
        }
    }
}
