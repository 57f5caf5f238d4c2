//! The hot path of a client allocates nothing: asking, being answered, being called back, noting and recording.
#![expect(unsafe_code, reason = "an allocator that counts has no safe form")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use pollcost::ca::dbr::{DbrType, first_element};
use pollcost::ca::header::Header;
use pollcost::ca::message::{self, command, dbe, eca};
use pollcost::client::tally::{Followed, Tally};
use pollcost::client::{ChannelId, Circuit, Event, Identity};
use pollcost::io::control::observation_record;
use pollcost::io::recording::{Recorder, Recording};
use pollcost::pv::{NativeType, PvId, PvName};
use pollcost::scenario::model::Facts;
use pollcost::time::Tick;
use pollcost::trace::Window;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged; counting in a const-initialised thread local allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as asked of us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as asked of us.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as asked of us.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const PVS: usize = 100;
const DBR_TIME_DOUBLE: u16 = 20;

/// A client with its circuit; its server is this test.
struct Client {
    circuit: Circuit,
    channels: Vec<ChannelId>,
    tally: Tally,
    recorder: Recorder,
    from_server: Vec<u8>,
    now: Tick,
}

impl Client {
    fn new(recording: &Recording) -> Client {
        let identity = Identity { host: "here".to_owned(), user: "me".to_owned(), priority: 0 };
        let mut circuit = Circuit::open(&identity, 1 << 20);
        let mut from_server = Vec::with_capacity(1 << 20);
        let name = PvName::new("A").unwrap();
        let channels: Vec<ChannelId> = (0..PVS as u32).map(|tag| circuit.create(&name, tag).unwrap()).collect();
        for (sid, cid) in sent(&mut circuit, command::CREATE_CHAN, |header| header.p1).into_iter().enumerate() {
            message::channel_created(&mut from_server, NativeType::Double.code(), 1, cid, sid as u32);
        }
        let followed = |pv| Followed { pv: PvId(pv), native: NativeType::Double, labels: 0 };
        let followed: Vec<Followed> = (0..PVS as u32).map(followed).collect();
        let mut tally = Tally::new(&followed, Facts::News);
        tally.set_window(Window { open: Tick(0), close: Tick(u64::MAX), end: Tick(u64::MAX) });
        let recorder = Recorder::attach(recording).unwrap();
        let mut client = Client { circuit, channels, tally, recorder, from_server, now: Tick(1) };
        client.take();
        client
    }

    /// Takes what the server has sent, and notes it.
    fn take(&mut self) -> usize {
        let mut bytes = self.from_server.as_slice();
        let mut values = 0;
        while !bytes.is_empty() {
            let spare = self.circuit.spare();
            let count = spare.len().min(bytes.len());
            spare[..count].copy_from_slice(&bytes[..count]);
            self.circuit.filled(count);
            bytes = &bytes[count..];
            while let Some(event) = self.circuit.next_event().unwrap() {
                let (tag, data, polled) = match event {
                    Event::Got { tag, data, .. } => (tag, data, true),
                    Event::Update { tag, data, .. } => (tag, data, false),
                    _ => continue,
                };
                let carried = first_element(DbrType::from_code(data.dbr).unwrap(), data.payload);
                let note = if polled {
                    self.tally.got(tag as usize, carried, self.now, self.now)
                } else {
                    self.tally.updated(tag as usize, carried, self.now)
                };
                if let Some(observation) = note.record {
                    self.recorder.push(observation_record(&observation));
                }
                values += 1;
            }
        }
        self.from_server.clear();
        values
    }

    /// A batch of gets and their answers, each with `value`.
    fn poll(&mut self, value: f64) {
        self.now.0 += 1000;
        self.tally.round_started(self.now);
        for channel in &self.channels {
            self.circuit.get(*channel, DBR_TIME_DOUBLE, 1).unwrap();
        }
        let mut requests = self.circuit.to_send();
        while let Some((header, taken)) = Header::decode(requests, u32::MAX).unwrap() {
            reply(&mut self.from_server, command::READ_NOTIFY, header.p2, value);
            requests = &requests[taken..];
        }
        let count = self.circuit.to_send().len();
        self.circuit.sent(count);
        assert_eq!(self.take(), PVS);
        self.tally.answered(self.now, self.now);
    }
}

fn reply(out: &mut Vec<u8>, command: u16, id: u32, value: f64) {
    let header = Header { command, data_type: DBR_TIME_DOUBLE, count: 1, p1: eca::NORMAL, p2: id, ..Header::default() };
    message::with_payload(out, header, 24, |out| {
        out.extend_from_slice(&[0; 16]);
        out.extend_from_slice(&value.to_be_bytes());
    });
}

/// What of each message of one kind that the client sends.
fn sent(circuit: &mut Circuit, of: u16, what: impl Fn(Header) -> u32) -> Vec<u32> {
    let bytes = circuit.to_send().to_vec();
    circuit.sent(bytes.len());
    let mut rest = bytes.as_slice();
    let mut found = Vec::new();
    while let Some((header, taken)) = Header::decode(rest, u32::MAX).unwrap() {
        if header.command == of {
            found.push(what(header));
        }
        rest = &rest[taken + header.payload_size as usize..];
    }
    found
}

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn this_test_can_tell() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))) > 0);
}

#[test]
fn polling_allocates_nothing() {
    let recording = Recording::new(100_000).unwrap();
    let mut client = Client::new(&recording);
    client.poll(1.0);
    let allocated = allocations(|| {
        for round in 0..500u32 {
            client.poll(f64::from(round / 2 + 2));
        }
    });
    assert_eq!(allocated, 0, "in 50,000 gets");
}

#[test]
fn being_called_back_allocates_nothing() {
    let recording = Recording::new(100_000).unwrap();
    let mut client = Client::new(&recording);
    for (tag, channel) in client.channels.clone().into_iter().enumerate() {
        client.circuit.subscribe(channel, DBR_TIME_DOUBLE, 1, dbe::VALUE, tag as u32).unwrap();
    }
    let ids = sent(&mut client.circuit, command::EVENT_ADD, |header| header.p2);
    assert_eq!(ids.len(), PVS);
    let mut update_all = |value: u32| {
        for id in &ids {
            reply(&mut client.from_server, command::EVENT_ADD, *id, f64::from(value));
        }
        assert_eq!(client.take(), PVS);
    };
    update_all(1);
    let allocated = allocations(|| (2..500).for_each(&mut update_all));
    assert_eq!(allocated, 0, "in 50,000 updates");
}
