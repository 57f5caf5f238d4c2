//! Bytes that no client should send: they cost the sender its circuit and nobody else anything.

use proptest::prelude::*;

use super::{Client, error_of, ioc, limited};
use crate::ca::header::Header;
use crate::ca::message::{self, command, dbe, eca};
use crate::ioc::closing::CloseReason;
use crate::ioc::{Ioc, Progress, fixture};
use crate::pv::NativeType;
use crate::scenario::model::{Change, Scenario};
use crate::time::{Span, Tick};

fn encoded(header: Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    header.encode(&mut bytes);
    bytes.resize(bytes.len() + header.payload_size.min(4096) as usize, 0xFF);
    bytes
}

#[test]
fn each_offence_is_answered_and_closes_the_circuit_with_its_reason() {
    let h = |command, data_type, p1| Header { command, data_type, count: 13, p1, p2: 1, ..Header::default() };
    let cases = [
        (encoded(h(command::READ_NOTIFY, 6, 99)), eca::INTERNAL, "message 15 names channel 99"),
        (encoded(h(command::WRITE, 6, 99)), eca::INTERNAL, "message 4 names channel 99"),
        (encoded(h(command::EVENT_ADD, 6, 99)), eca::INTERNAL, "message 1 names channel 99"),
        (encoded(h(command::CLEAR_CHANNEL, 0, 99)), eca::INTERNAL, "message 12 names channel 99"),
        (encoded(h(command::READ_NOTIFY, 39, 0)), eca::BADTYPE, "asks for data type 39"),
        (encoded(h(command::WRITE, 39, 0)), eca::BADTYPE, "asks for data type 39"),
        (encoded(h(command::WRITE, 38, 0)), eca::BADTYPE, "asks for data type 38"),
        (encoded(h(command::EVENT_ADD, 0xFFFF, 0)), eca::BADTYPE, "asks for data type 65535"),
        (encoded(h(command::EVENT_CANCEL, 6, 0)), eca::BADMONID, "subscription 1 is to be cancelled"),
        (encoded(h(command::RSRV_IS_UP, 0, 0)), eca::INTERNAL, "message 13 is none that a client sends"),
        (encoded(h(command::ACCESS_RIGHTS, 0, 0)), eca::INTERNAL, "message 22 is none"),
        (encoded(h(4711, 0, 0)), eca::INTERNAL, "message 4711 is none"),
        (encoded(h(command::VERSION, 100, 0)), eca::INTERNAL, "priority 100"),
        (encoded(Header { count: 3, ..h(command::VERSION, 0, 0) }), eca::DEFUNCT, "version 4.3"),
        (encoded(Header { p2: 0, ..h(command::CREATE_CHAN, 0, 0) }), eca::DEFUNCT, "version 4.0"),
        (encoded(Header { payload_size: 12, ..h(command::ECHO, 0, 0) }), eca::INTERNAL, "not a multiple of 8"),
        (encoded(Header { payload_size: 1 << 30, ..h(command::WRITE, 6, 0) }), eca::TOLARGE, "over the limit"),
    ];
    for (bytes, status, reason) in cases {
        let mut ioc = ioc(fixture::one_group(Change::Still, 1));
        let mut bystander = Client::with_channels(&mut ioc, &["PV0"]);
        let mut client = Client::with_channels(&mut ioc, &["PV0"]);
        let replies = client.ask(&mut ioc, &bytes);
        assert_eq!(error_of(replies.last().unwrap()).0, status, "{reason}");
        let closed = client.closed(&mut ioc).unwrap();
        assert!(closed.starts_with("circuit closed: ") && closed.contains(reason), "{closed} instead of {reason}");
        let mut get = Vec::new();
        message::read_notify(&mut get, 6, 1, 0, 1);
        assert_eq!(bystander.ask(&mut ioc, &get).len(), 1, "{reason}: nobody else notices");
        assert_eq!(ioc.circuits(), 1);
    }
}

#[test]
fn a_name_without_end_closes_the_circuit() {
    for (command, what) in [(command::HOST_NAME, "host"), (command::CLIENT_NAME, "user")] {
        for size in [8, 512 + 8] {
            let mut ioc = ioc(fixture::one_group(Change::Still, 1));
            let mut client = Client::connect(&mut ioc);
            let mut bytes = encoded(Header { command, payload_size: size, ..Header::default() });
            if size > 8 {
                *bytes.last_mut().unwrap() = 0;
            }
            client.ask(&mut ioc, &bytes);
            let closed = client.closed(&mut ioc).unwrap();
            assert!(closed.contains(&format!("the client's {what} name takes {size} bytes")), "{closed}");
        }
    }
}

#[test]
fn a_terminal_is_not_sent_what_a_name_could_hold() {
    let mut ioc = ioc(fixture::one_group(Change::Still, 1));
    let mut client = Client::connect(&mut ioc);
    let mut bytes = Vec::new();
    message::client_name(&mut bytes, "\u{1b}[2Jroot");
    bytes.extend(encoded(Header { command: 99, ..Header::default() }));
    client.ask(&mut ioc, &bytes);
    let notice = ioc.close(client.id, CloseReason::ByClient).unwrap();
    assert_eq!(notice.client, "?[2Jroot@ (127.0.0.1:40000)");
}

#[test]
fn an_end_in_the_middle_of_a_message_is_told_and_an_ordinary_end_is_not() {
    let mut ioc = ioc(fixture::one_group(Change::Still, 1));
    let mut client = Client::connect(&mut ioc);
    client.ask(&mut ioc, &[0, 15, 0]);
    let notice = ioc.close(client.id, CloseReason::ByClient).unwrap();
    assert_eq!(notice.what, "circuit closed: the client closed it 3 bytes into a message");
    let client = Client::connect(&mut ioc);
    assert_eq!(ioc.close(client.id, CloseReason::ByClient), None);
    assert_eq!(ioc.close(client.id, CloseReason::ByClient), None, "it is gone");
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    let mut ioc = ioc(fixture::one_of_each(&[(NativeType::Double, 1), (NativeType::Char, 1000)]));
    let client = Client::with_channels(&mut ioc, &["DOUBLE1", "CHAR1000"]);
    let mut gets = Vec::new();
    for ioid in 0..1000 {
        message::read_notify(&mut gets, 4, 0, 1, ioid);
    }
    ioc.received(client.id, &gets, Tick(0));
    let mut rounds = 0;
    while ioc.work(client.id, Tick(0), 16) != Progress::Backlog {
        rounds += 1;
        assert!(rounds < 100);
    }
    let unsent = ioc.unsent(client.id).len();
    assert!(unsent < 64 * 1024 + 1100, "one answer over the limit at most");
    let told = ioc.stalled(client.id, Span::from_secs(5)).unwrap().what;
    let (from, to) = (
        format!("has taken nothing for 5 s: {unsent} bytes wait for it; "),
        "from 16384 on its updates are held back, from 65536 on its requests",
    );
    assert_eq!(told, from + to);
    let mut answered = 0;
    while ioc.work(client.id, Tick(0), 1000) != Progress::Idle || !ioc.unsent(client.id).is_empty() {
        answered += ioc.unsent(client.id).len();
        ioc.sent(client.id, ioc.unsent(client.id).len(), Tick(0));
    }
    assert_eq!(answered, 1000 * (16 + 1000), "and all is answered once it reads again");
}

/// What a hostile but able client may do next.
#[derive(Clone, Debug)]
enum Act {
    Create { name: usize },
    Message(Header, Vec<u8>),
    Raw(Vec<u8>),
    Take(usize),
    Change,
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => Just(Vec::new()),
        2 => (0u16..16, any::<u16>()).prop_map(|(mask, junk)| {
            let mut bytes = vec![0; 16];
            bytes[12..14].copy_from_slice(&mask.to_be_bytes());
            bytes[14..16].copy_from_slice(&junk.to_be_bytes());
            bytes
        }),
        2 => prop::collection::vec(any::<u8>(), 0..20).prop_map(|mut bytes| {
            bytes.resize(message::padded(bytes.len()), 0);
            bytes
        }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let commands = prop::sample::select(vec![
        command::VERSION,
        command::EVENT_ADD,
        command::EVENT_ADD,
        command::EVENT_CANCEL,
        command::READ,
        command::WRITE,
        command::SEARCH,
        command::EVENTS_OFF,
        command::EVENTS_ON,
        command::READ_SYNC,
        command::CLEAR_CHANNEL,
        command::READ_NOTIFY,
        command::CREATE_CHAN,
        command::WRITE_NOTIFY,
        command::CLIENT_NAME,
        command::HOST_NAME,
        command::ECHO,
    ]);
    let count = prop_oneof![6 => 0u32..4, 1 => Just(13u32), 1 => any::<u32>()];
    let header = (commands, 0u16..40, count, 0u32..5, 0u32..5).prop_map(|(command, data_type, count, p1, p2)| Header {
        command,
        data_type,
        count,
        p1,
        p2,
        ..Header::default()
    });
    prop_oneof![
        4 => (0usize..6).prop_map(|name| Act::Create { name }),
        20 => (header, payload()).prop_map(|(header, payload)| Act::Message(header, payload)),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Act::Raw),
        6 => (0usize..5000).prop_map(Act::Take),
        6 => Just(Act::Change),
    ]
}

fn target() -> Scenario {
    let mut scenario = fixture::one_of_each(&[
        (NativeType::Double, 1),
        (NativeType::Enum, 1),
        (NativeType::String, 2),
        (NativeType::Char, 300),
    ]);
    for group in &mut scenario.groups {
        group.change = Change::Periodic { interval: Span(100) };
    }
    scenario
}

const NAMES: [&str; 6] = ["DOUBLE1", "ENUM1", "STRING2", "CHAR300", "NONE", ""];
const LIMITS: (usize, usize) = (6, 12);

/// The most that a circuit under test may hold: its limits, and one message each way.
const MOST: usize = 64 * 1024 + 16 * 1024 + 2 * 17 * 1024 + 16 * 1024;

fn act_out(ioc: &mut Ioc, client: &mut Option<Client>, act: Act, now: Tick) {
    let connected = client.get_or_insert_with(|| Client::connect(ioc));
    let id = connected.id;
    let mut bytes = Vec::new();
    match act {
        Act::Create { name } => message::create_channel(&mut bytes, 1, NAMES[name]),
        Act::Message(header, payload) => {
            message::with_payload(&mut bytes, header, payload.len(), |out| out.extend_from_slice(&payload));
        }
        Act::Raw(raw) => bytes = raw,
        Act::Take(count) => {
            let count = count.min(ioc.unsent(id).len());
            ioc.sent(id, count, now);
        }
        Act::Change => {
            ioc.post_next(now);
        }
    }
    ioc.received(id, &bytes, now);
    loop {
        match ioc.work(id, now, 16) {
            Progress::More => {}
            Progress::Idle | Progress::Backlog => break,
            Progress::Closed => {
                assert!(ioc.close(id, CloseReason::ByClient).is_some());
                *client = None;
                break;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_messages_breaks_the_server(acts in prop::collection::vec(act(), 1..200)) {
        let mut ioc = limited(target(), |limits| {
            limits.payload = 16 * 1024;
            (limits.channels, limits.subscriptions) = LIMITS;
        });
        ioc.begin(1, Tick(0));
        let mut bystander = Client::with_channels(&mut ioc, &["DOUBLE1"]);
        let mut bytes = Vec::new();
        message::event_add(&mut bytes, 6, 1, 0, 7, dbe::VALUE);
        bystander.ask(&mut ioc, &bytes);
        let mut client = None;
        for (step, act) in acts.into_iter().enumerate() {
            act_out(&mut ioc, &mut client, act, Tick(step as u64));
            if let Some(client) = &client {
                let held = ioc.circuits[client.id.0].held_bytes();
                prop_assert!(held <= MOST, "{held} bytes held");
            }
        }
        if let Some(client) = client {
            ioc.close(client.id, CloseReason::ByClient);
        }
        let monitors: usize = (0..4).map(|pv| ioc.database().get(crate::pv::PvId(pv)).unwrap().1.monitors.len()).sum();
        prop_assert_eq!(monitors, 1, "nothing stays behind but the bystander's");
        let mut get = Vec::new();
        message::read_notify(&mut get, 6, 1, 0, 1);
        let replies = bystander.ask(&mut ioc, &get);
        prop_assert!(replies.iter().any(|(header, _)| header.command == command::READ_NOTIFY));
    }

    #[test]
    fn any_bytes_end_in_waiting_or_in_a_closed_circuit(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let mut ioc = ioc(target());
        let client = Client::connect(&mut ioc);
        ioc.received(client.id, &bytes, Tick(0));
        let mut rounds = 0;
        loop {
            let progress = ioc.work(client.id, Tick(0), 16);
            ioc.sent(client.id, ioc.unsent(client.id).len(), Tick(0));
            if matches!(progress, Progress::Idle | Progress::Closed) { break; }
            rounds += 1;
            prop_assert!(rounds < 1000);
        }
    }
}
