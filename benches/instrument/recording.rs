//! What single operations of the instrument cost: reading the clock, recording a fact, writing and reading a value.
//!
//! Nanoseconds for each operation and its ratio to a clock read in the same run: times differ from machine to machine, ratios much less.

use std::hint::black_box;

use pollcost::ca::dbr::{self, DbrClass, DbrType, Meta, Reading};
use pollcost::ca::message;
use pollcost::ca::stream::Stream;
use pollcost::client::tally::{Followed, Tally};
use pollcost::io::clock;
use pollcost::io::control::observation_record;
use pollcost::io::recording::{Recorder, Recording};
use pollcost::pv::{Alarm, NativeType, PvId, Value};
use pollcost::scenario::model::Facts;
use pollcost::time::{EpicsTime, Tick};

use super::table::Row;

/// Operations in one timed batch.
const BATCH: u64 = 20_000;
/// Batches of each operation, taken in turn with those of the others; the median of them is told.
const BATCHES: usize = 51;

struct Case<'a> {
    name: &'static str,
    run: Box<dyn FnMut(u64) + 'a>,
    nanos: Vec<f64>,
}

fn case<'a>(name: &'static str, run: impl FnMut(u64) + 'a) -> Case<'a> {
    Case { name, run: Box::new(run), nanos: Vec::new() }
}

/// Prints what each costs.
pub(crate) fn print() {
    let costs = measure_all();
    let unit = costs[0].1;
    println!("{:45} {:>8} {:>12}", "operation", "ns", "clock reads");
    for (name, nanos) in costs {
        println!("{name:45} {nanos:>8.1} {:>12.2}", nanos / unit);
    }
}

/// The row of the table.
pub(crate) fn measure() -> Row {
    let costs = measure_all();
    let of = |wanted: &str| costs.iter().find(|(name, _)| *name == wanted).map_or(f64::NAN, |(_, nanos)| *nanos);
    let (record, note) = (of(RECORD), of(NOTE));
    Row {
        case: "recording one observation".to_owned(),
        against: String::new(),
        wanted: "50 ns or less, no allocation".to_owned(),
        measured: format!(
            "{record:.1} ns; with telling news from redundant {note:.1} ns; a clock read {:.1} ns",
            costs[0].1
        ),
        ratios: Vec::new(),
        reached: Some(note <= 50.0),
        note: format!(
            "Median of {BATCHES} batches of {BATCH}. That nothing is allocated is held by `tests/allocation.rs`. More operations: \
             `cargo bench --bench instrument -- operations`."
        ),
        measured_at: String::new(),
    }
}

const RECORD: &str = "record an observation";
const NOTE: &str = "note a change that is news, and record it";

/// Name and median ns of each operation; the clock first.
fn measure_all() -> Vec<(&'static str, f64)> {
    let recording = Recording::new(BATCH as usize * (BATCHES + 1)).unwrap();
    let mut recorder = Recorder::attach(&recording).unwrap();
    let notes = Recording::new(BATCH as usize * (BATCHES + 1)).unwrap();
    let mut note_recorder = Recorder::attach(&notes).unwrap();
    let followed = |pv| Followed { pv: PvId(pv), native: NativeType::Double, labels: 0 };
    let followed: Vec<Followed> = (0..100).map(followed).collect();
    let mut tally = Tally::new(&followed, Facts::News);
    let mut redundant = Tally::new(&followed, Facts::News);
    let mut change = 0.0;
    let meta = Meta::default();
    let value = Value::Double(vec![41.0]);
    let reading =
        Reading { value: &value, alarm: Alarm::default(), stamp: EpicsTime { seconds: 1, nanos: 2 }, meta: &meta };
    let dbr = DbrType { class: DbrClass::Time, native: NativeType::Double };
    let mut payload = Vec::new();
    dbr::encode(&mut payload, dbr, 1, &reading).unwrap();
    let mut out = Vec::with_capacity(64);
    let mut stream = Stream::new(16_384);
    let mut request = Vec::new();
    message::read_notify(&mut request, dbr.code(), 1, 7, 9);

    let mut cases = [
        case("read the clock", |_| {
            black_box(clock::now());
        }),
        case(RECORD, |i| recorder.push(black_box([i, i, i, i]))),
        case(NOTE, |i| {
            change += 1.0;
            let note = tally.updated(black_box(i as usize % 100), Some(change), Tick(i));
            if let Some(observation) = note.record {
                note_recorder.push(observation_record(&observation));
            }
        }),
        case("note a redundant reply", |i| {
            black_box(redundant.got(black_box(i as usize % 100), black_box(Some(7.0)), Tick(i), Tick(i)));
        }),
        case("encode DBR_TIME_DOUBLE", |_| {
            out.clear();
            dbr::encode(&mut out, dbr, 1, &reading).unwrap();
            black_box(&out);
        }),
        case("read the number a DBR_TIME_DOUBLE carries", |_| {
            black_box(dbr::first_element(dbr, black_box(&payload)));
        }),
        case("cut one request from a stream", |_| {
            stream.push(&request);
            black_box(stream.next_frame().unwrap().unwrap().header);
        }),
    ];
    for _ in 0..BATCHES {
        for case in &mut cases {
            let start = clock::now();
            for i in 0..BATCH {
                (case.run)(i);
            }
            case.nanos.push(clock::now().saturating_since(start).0 as f64 / BATCH as f64);
        }
    }
    let median = |case: &mut Case<'_>| {
        case.nanos.sort_by(f64::total_cmp);
        (case.name, case.nanos[BATCHES / 2])
    };
    cases.iter_mut().map(median).collect()
}
