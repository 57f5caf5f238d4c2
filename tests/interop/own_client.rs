//! Our own client against servers that others wrote.

use libtest_mimic::Failed;
use pollcost::ca::carry::modulus;
use pollcost::ca::dbr::{DbrClass, DbrType, Decoded};
use pollcost::ca::message::dbe;
use pollcost::io::clock;
use pollcost::io::network::Network;
use pollcost::io::session::{Session, SessionError};
use pollcost::pv::{NativeType, PvName, Value};
use pollcost::time::Span;

use crate::server::{Kind, Server};
use crate::workshop::Workshop;

/// How long anything may take.
const PATIENCE: Span = Span::from_secs(20);

/// What a case is given.
pub(crate) struct Bench<'a> {
    server: Server<'a>,
}

type Case = fn(&mut Bench<'_>) -> Result<(), Failed>;

/// Every case, by name.
pub(crate) const CASES: &[(&str, Case)] = &[
    ("get", get),
    ("get_every_class_of_every_type", get_every_class_of_every_type),
    ("get_of_limits_and_labels", get_of_limits_and_labels),
    ("get_as_text", get_as_text),
    ("pipelined_gets", pipelined_gets),
    ("waveform_of_100_kb", waveform_of_100_kb),
    ("put_is_read_back", put_is_read_back),
    ("put_that_fails", put_that_fails),
    ("monitor_initial_event", monitor_initial_event),
    ("monitor_sees_every_change", monitor_sees_every_change),
    ("monitor_of_a_waveform", monitor_of_a_waveform),
    ("cancelled_monitor_is_silent", cancelled_monitor_is_silent),
    ("unknown_name", unknown_name),
    ("server_restart", server_restart),
];

/// Runs a case against a server of its own.
pub(crate) fn run(workshop: &Workshop, kind: Kind, case: Case) -> Result<(), Failed> {
    let mut bench = Bench { server: Server::start(workshop, kind)? };
    case(&mut bench).map_err(|why| {
        let why = why.message().unwrap_or("failed").to_owned();
        Failed::from(format!("{why}\nserver:\n{}", bench.server.written()))
    })?;
    Ok(bench.server.close()?)
}

impl Bench<'_> {
    fn connect(&self, names: &[&str]) -> Result<Session, Failed> {
        let names = names.iter().map(|name| PvName::new(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(Session::connect(Network::loopback(self.server.port), &names, PATIENCE)?)
    }
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

fn number(decoded: &Decoded) -> Result<f64, Failed> {
    match &decoded.value {
        Value::Double(v) => v.first().copied().ok_or_else(|| "no element".into()),
        other => Err(format!("{other:?} is no double").into()),
    }
}

fn many() -> Vec<String> {
    (0..100).map(|i| format!("I:MANY{i:02}")).collect()
}

fn get(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["I:DOUBLE"])?;
    let first = session.get(0, DbrClass::Time)?;
    check(first.severity == Some(0), || format!("{first:?}"))?;
    let end = clock::now() + PATIENCE;
    loop {
        let later = session.get(0, DbrClass::Time)?;
        if number(&later)? > number(&first)? {
            return check(later.stamp > first.stamp, || format!("{later:?} after {first:?}"));
        }
        check(clock::now() < end, || format!("{later:?} stays"))?;
    }
}

fn settable() -> [(&'static str, Value); 7] {
    [
        ("S:DOUBLE", Value::Double(vec![2.5])),
        ("S:FLOAT", Value::Float(vec![-0.5])),
        ("S:LONG", Value::Long(vec![70_000])),
        ("S:SHORT", Value::Short(vec![-3])),
        ("S:CHAR", Value::Char(vec![200])),
        ("S:ENUM", Value::Enum(vec![2])),
        ("S:STRING", Value::String(vec!["a text".into()])),
    ]
}

fn get_every_class_of_every_type(bench: &mut Bench<'_>) -> Result<(), Failed> {
    for (name, value) in settable() {
        let mut session = bench.connect(&[name])?;
        session.put(0, &value)?;
        for class in [DbrClass::Plain, DbrClass::Sts, DbrClass::Time, DbrClass::Gr, DbrClass::Ctrl] {
            let got = session.get(0, class)?;
            // A caproto server answers CTRL_STRING with the layout of TIME_STRING.
            let known = name == "S:STRING" && class == DbrClass::Ctrl;
            check(got.value == value || known, || format!("{name} as {class:?}: {got:?}"))?;
        }
    }
    Ok(())
}

fn get_of_limits_and_labels(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["R:STILL", "S:ENUM"])?;
    let meta = session.get(0, DbrClass::Ctrl)?.meta.ok_or("no limits")?;
    check(meta.units == "mm" && meta.precision == 3, || format!("{meta:?}"))?;
    check(meta.display_limits == (-1000.0, 1000.0) && meta.control_limits == (-1000.0, 1000.0), || {
        format!("{meta:?}")
    })?;
    let labels = session.get(1, DbrClass::Ctrl)?.meta.ok_or("no labels")?.labels;
    check(labels == ["Off", "On", "Tripped"], || format!("{labels:?}"))?;
    check(modulus(NativeType::Enum, labels.len()) == Some(3), || "three states".into())
}

fn get_as_text(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["R:STILL"])?;
    let got = session.get_as(0, DbrType { class: DbrClass::Plain, native: NativeType::String })?;
    let Value::String(texts) = &got.value else { return Err(format!("{got:?}").into()) };
    check(texts.len() == 1 && texts[0].parse() == Ok(0.0), || format!("{texts:?}"))
}

fn pipelined_gets(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let names = many();
    let mut session = bench.connect(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let channels: Vec<usize> = (0..100).collect();
    let mut before = vec![0.0; 100];
    for _ in 0..50 {
        let values = session.get_many(&channels, DbrClass::Time)?;
        for (value, before) in values.iter().zip(&mut before) {
            let now = number(value)?;
            check(now >= *before, || format!("{now} after {before}"))?;
            *before = now;
        }
    }
    Ok(())
}

fn waveform_of_100_kb(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["I:WAVE"])?;
    for class in [DbrClass::Plain, DbrClass::Time, DbrClass::Ctrl] {
        let got = session.get(0, class)?;
        check(got.value.len() == 12_500, || format!("{} elements", got.value.len()))?;
        check(number(&got)? >= 0.0, || "no number".into())?;
    }
    Ok(())
}

fn put_is_read_back(bench: &mut Bench<'_>) -> Result<(), Failed> {
    for (name, value) in settable() {
        let mut session = bench.connect(&[name])?;
        session.put(0, &value)?;
        let got = session.get(0, DbrClass::Plain)?;
        check(got.value == value, || format!("{name}: {got:?}"))?;
    }
    let mut session = bench.connect(&["S:LONG"])?;
    session.put_and_go(0, &Value::Long(vec![5]))?;
    let got = session.get(0, DbrClass::Plain)?;
    check(got.value == Value::Long(vec![5]), || format!("the get overtook the put: {got:?}"))?;
    session.put(0, &Value::String(vec!["17".into()]))?;
    let got = session.get(0, DbrClass::Plain)?;
    check(got.value == Value::Long(vec![17]), || format!("{got:?}"))
}

fn put_that_fails(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["S:DOUBLE"])?;
    session.put(0, &Value::Double(vec![4.0]))?;
    let refused = session.put(0, &Value::String(vec!["word".into()]));
    check(matches!(refused, Err(SessionError::Refused { .. })), || format!("{refused:?}"))?;
    let got = session.get(0, DbrClass::Plain)?;
    check(got.value == Value::Double(vec![4.0]), || format!("{got:?}"))
}

fn monitor_initial_event(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["R:STILL"])?;
    session.subscribe(0, DbrClass::Time, dbe::VALUE | dbe::ALARM)?;
    let update = session.next_update(clock::now() + PATIENCE)?.ok_or("no initial event")?;
    check(update.value.value == Value::Double(vec![0.0]), || format!("{update:?}"))?;
    let second = session.next_update(clock::now() + Span::from_millis(300))?;
    check(second.is_none(), || format!("{second:?}"))
}

fn monitor_sees_every_change(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["I:DOUBLE"])?;
    session.subscribe(0, DbrClass::Time, dbe::VALUE)?;
    let mut last = None;
    for _ in 0..20 {
        let update = session.next_update(clock::now() + PATIENCE)?.ok_or("no update")?;
        let now = number(&update.value)?;
        check(last.is_none_or(|last| now == last + 1.0), || format!("{now} after {last:?}"))?;
        last = Some(now);
    }
    Ok(())
}

fn monitor_of_a_waveform(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["I:WAVE"])?;
    session.subscribe(0, DbrClass::Time, dbe::VALUE)?;
    for _ in 0..5 {
        let update = session.next_update(clock::now() + PATIENCE)?.ok_or("no update")?;
        check(update.value.value.len() == 12_500, || format!("{} elements", update.value.value.len()))?;
    }
    Ok(())
}

fn cancelled_monitor_is_silent(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["I:DOUBLE"])?;
    let cancelled = session.subscribe(0, DbrClass::Time, dbe::VALUE)?;
    let kept = session.subscribe(0, DbrClass::Plain, dbe::VALUE)?;
    for _ in 0..6 {
        session.next_update(clock::now() + PATIENCE)?.ok_or("no update")?;
    }
    session.cancel(cancelled);
    // What was on its way may still come; the get is behind the cancelling.
    session.get(0, DbrClass::Plain)?;
    while session.next_update(clock::now())?.is_some() {}
    for _ in 0..5 {
        let update = session.next_update(clock::now() + PATIENCE)?.ok_or("no update")?;
        check(update.subscription == kept, || format!("{update:?}"))?;
    }
    Ok(())
}

fn unknown_name(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let names = [PvName::new("I:DOUBLE")?, PvName::new("I:NO:SUCH:PV")?];
    let missing = Session::connect(Network::loopback(bench.server.port), &names, Span::from_secs(1));
    match missing {
        Err(SessionError::NotConnected(missing)) => check(missing == names[1..], || format!("{missing:?}")),
        other => Err(format!("{other:?}").into()),
    }
}

fn server_restart(bench: &mut Bench<'_>) -> Result<(), Failed> {
    let mut session = bench.connect(&["I:DOUBLE", "R:STILL"])?;
    session.subscribe(0, DbrClass::Time, dbe::VALUE)?;
    session.next_update(clock::now() + PATIENCE)?.ok_or("no update")?;
    bench.server.stop()?;
    let end = clock::now() + PATIENCE;
    while session.next_update(end).is_ok() {
        check(clock::now() < end, || "the loss of the server went unnoticed".into())?;
    }
    bench.server.restart()?;
    session.reconnect(PATIENCE)?;
    for _ in 0..3 {
        session.next_update(clock::now() + PATIENCE)?.ok_or("no update after the restart")?;
    }
    let got = session.get(1, DbrClass::Time)?;
    check(got.value == Value::Double(vec![0.0]), || format!("{got:?}"))
}
