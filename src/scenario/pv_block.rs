//! One `[[pv]]` block.

use super::change::{self, Traces};
use super::duration::LONGEST;
use super::model::{AlarmSpec, Phase, PvGroup, Signal};
use super::pattern::NamePattern;
use super::section::{Entry, Section};
use crate::pv::{NativeType, PvName, Severity};
use crate::time::Span;

/// Bytes of engineering units without the NUL (`MAX_UNITS_SIZE` of `db_access.h` is 8).
const MAX_UNITS: usize = 7;
/// Labels of an enum (`MAX_ENUM_STATES`).
const MAX_LABELS: usize = 16;
/// Bytes of one label without the NUL (`MAX_ENUM_STRING_SIZE` is 26).
const MAX_LABEL: usize = 25;
/// The most bytes of one array.
const MAX_ARRAY_BYTES: u64 = 64 << 20;

const TYPES: [(&str, NativeType); 7] = [
    ("double", NativeType::Double),
    ("float", NativeType::Float),
    ("long", NativeType::Long),
    ("short", NativeType::Short),
    ("char", NativeType::Char),
    ("enum", NativeType::Enum),
    ("string", NativeType::String),
];

pub(crate) const SEVERITIES: [(&str, Severity); 4] = [
    ("NO_ALARM", Severity::NoAlarm),
    ("MINOR", Severity::Minor),
    ("MAJOR", Severity::Major),
    ("INVALID", Severity::Invalid),
];

const PHASES: [(&str, Phase); 3] =
    [("random", Phase::Random), ("aligned", Phase::Aligned), ("staggered", Phase::Staggered)];

const NUMERIC: &str = "only numeric types have it: double, float, long, short, char";

/// Keys that belong to some types only.
const ELSEWHERE: [(&str, &str); 8] = [
    ("labels", "only type = \"enum\" has labels"),
    ("precision", "only type = \"double\" and type = \"float\" have a precision"),
    ("units", NUMERIC),
    ("display_limits", NUMERIC),
    ("control_limits", NUMERIC),
    ("mdel", NUMERIC),
    ("adel", NUMERIC),
    ("rate_hz", "it belongs into the change: change = { pattern = \"periodic\", rate_hz = 10 }"),
];

/// A block that was read: what its PVs have in common, and their names.
pub(crate) struct PvBlock<'a> {
    /// What they have in common.
    pub(crate) group: PvGroup,
    /// Their names.
    pub(crate) names: Vec<PvName>,
    /// Where the name stands, for faults that show only later.
    pub(crate) name_entry: Entry<'a>,
}

/// Reads a block; `None` when it has no usable name.
pub(crate) fn read<'a>(section: Section<'a>, traces: &mut Traces<'_>) -> Option<PvBlock<'a>> {
    let names = names(&section);
    let (native, type_known) = match section.entry("type").map(|e| e.choice(&TYPES)) {
        None => (NativeType::Double, true),
        Some(native) => (native.unwrap_or(NativeType::Double), native.is_some()),
    };
    let most = MAX_ARRAY_BYTES / native.element_size() as u64;
    let known_names = names.as_ref().map_or(&[][..], |(_, _, names)| names.as_slice());
    let mut group = PvGroup {
        pattern: names.as_ref().map_or_else(String::new, |(_, pattern, _)| pattern.clone()),
        native,
        count: section.whole_or("count", 1..=most, 1) as u32,
        change: change::read(section.entry("change"), known_names, traces),
        phase: section.choice_or("phase", &PHASES, Phase::Random),
        units: String::new(),
        precision: 0,
        labels: Vec::new(),
        display_limits: (0.0, 0.0),
        control_limits: (0.0, 0.0),
        alarm: section.entry("alarm").and_then(|e| alarm(&e, native)).unwrap_or_default(),
        signal: section.entry("signal").and_then(|e| signal(&e)).unwrap_or_default(),
        mdel: None,
        adel: None,
        writable: section.flag_or("writable", false),
    };
    match native {
        NativeType::Enum => group.labels = section.entry("labels").and_then(|e| labels(&e)).unwrap_or_default(),
        NativeType::String => {}
        _ => numeric(&section, &mut group),
    }
    if !type_known {
        // Which keys belong is not known.
        section.knows(&["labels", "precision", "units", "display_limits", "control_limits", "mdel", "adel"]);
    }
    section.finish(&ELSEWHERE);
    let (name_entry, _, names) = names?;
    Some(PvBlock { group, names, name_entry })
}

/// The names of a block: of its range, only the first `pvs` where that is given.
fn names<'a>(section: &Section<'a>) -> Option<(Entry<'a>, String, Vec<PvName>)> {
    let Some(entry) = section.entry("name") else {
        section.fault("name", "is missing", "a PV name, or many: name = \"TEST:CALC{000..099}\"");
        return None;
    };
    let text = entry.text()?;
    match NamePattern::parse(text).and_then(|pattern| pattern.names()) {
        Ok(mut names) => {
            let most = names.len() as u64;
            names.truncate(section.whole_or("pvs", 1..=most, most) as usize);
            Some((entry, text.to_owned(), names))
        }
        Err(e) => {
            section.knows(&["pvs"]);
            entry.fault(e.to_string(), e.advice());
            None
        }
    }
}

/// What only numbers have.
fn numeric(section: &Section<'_>, group: &mut PvGroup) {
    if let Some(entry) = section.entry("units") {
        group.units = entry.text().map_or_else(String::new, |text| bounded(&entry, text, MAX_UNITS, "units"));
    }
    if matches!(group.native, NativeType::Double | NativeType::Float) {
        group.precision = section.whole_or("precision", 0..=15, 0) as i16;
    }
    let limits = |key| section.entry(key).and_then(|e| e.limits()).unwrap_or((0.0, 0.0));
    group.display_limits = limits("display_limits");
    group.control_limits = limits("control_limits");
    let deadband = |key| section.entry(key).and_then(|e| e.finite()).filter(|d| *d >= 0.0);
    group.mdel = deadband("mdel");
    group.adel = deadband("adel");
}

/// A text of at most so many bytes, without control characters.
fn bounded(entry: &Entry<'_>, text: &str, most: usize, what: &str) -> String {
    if text.len() > most {
        entry.fault(
            format!("{:?} takes {} bytes", super::problem::shown(text), text.len()),
            format!("Channel Access carries at most {most} bytes of {what}"),
        );
    } else if text.chars().any(char::is_control) {
        entry.fault("holds a control character", "");
    }
    text.to_owned()
}

fn labels(entry: &Entry<'_>) -> Option<Vec<String>> {
    let items = entry.list()?;
    if items.len() > MAX_LABELS {
        entry.fault(format!("has {} labels", items.len()), format!("an enum has at most {MAX_LABELS}"));
        return None;
    }
    let label = |item: &Entry<'_>| item.text().map(|text| bounded(item, text, MAX_LABEL, "each label"));
    items.iter().map(label).collect()
}

/// `alarm = { severity = "MINOR" }`, or `alarm = { high = 5, hihi = { limit = 9, severity = "INVALID" } }`.
fn alarm(entry: &Entry<'_>, native: NativeType) -> Option<AlarmSpec> {
    let section = entry.section()?;
    let mut alarm =
        AlarmSpec { fixed: section.entry("severity").and_then(|e| e.choice(&SEVERITIES)), ..AlarmSpec::default() };
    let numeric = !matches!(native, NativeType::Enum | NativeType::String);
    if alarm.fixed.is_none() && numeric {
        let limit = |key, severity| section.entry(key).and_then(|e| alarm_limit(&e, severity));
        alarm.lolo = limit("lolo", Severity::Major);
        alarm.low = limit("low", Severity::Minor);
        alarm.high = limit("high", Severity::Minor);
        alarm.hihi = limit("hihi", Severity::Major);
        check_order(entry, &alarm);
    }
    let why = if numeric { "with a fixed `severity` there are no limits" } else { NUMERIC };
    section.finish(&[("lolo", why), ("low", why), ("high", why), ("hihi", why)]);
    Some(alarm)
}

fn alarm_limit(entry: &Entry<'_>, usual: Severity) -> Option<(f64, Severity)> {
    if !entry.is_table() {
        return Some((entry.finite()?, usual));
    }
    let section = entry.section()?;
    let limit = section.entry("limit");
    if limit.is_none() {
        section.fault("limit", "is missing", "{ limit = 9.0, severity = \"MAJOR\" }");
    }
    let severity = section.choice_or("severity", &SEVERITIES, usual);
    section.finish(&[]);
    Some((limit?.finite()?, severity))
}

fn check_order(entry: &Entry<'_>, alarm: &AlarmSpec) {
    let limits = [("lolo", alarm.lolo), ("low", alarm.low), ("high", alarm.high), ("hihi", alarm.hihi)];
    let set: Vec<(&str, f64)> = limits.iter().filter_map(|(key, limit)| limit.map(|(at, _)| (*key, at))).collect();
    if let Some(pair) = set.windows(2).find(|pair| pair[0].1 > pair[1].1) {
        let what = format!("`{}` ({}) is above `{}` ({})", pair[0].0, pair[0].1, pair[1].0, pair[1].1);
        entry.fault(what, "the order is lolo, low, high, hihi");
    }
}

/// `signal = "count"`, or `signal = { kind = "noise", mean = 20, sigma = 0.1 }`, or `{ kind = "sine", ... }`.
fn signal(entry: &Entry<'_>) -> Option<Signal> {
    #[derive(Clone, Copy)]
    enum Kind {
        Count,
        Noise,
        Sine,
    }
    const KINDS: [(&str, Kind); 3] = [("count", Kind::Count), ("noise", Kind::Noise), ("sine", Kind::Sine)];
    if entry.is_text() {
        if entry.text() != Some("count") {
            entry.fault("is neither \"count\" nor a table", "signal = { kind = \"noise\", mean = 20, sigma = 0.1 }");
        }
        return Some(Signal::Count);
    }
    let section = entry.section()?;
    let Some(kind) = section.entry("kind") else {
        section.fault("kind", "is missing", "one of `count`, `noise`, `sine`");
        return None;
    };
    let any = f64::MIN..=f64::MAX;
    let positive = f64::MIN_POSITIVE..=f64::MAX;
    let signal = match kind.choice(&KINDS)? {
        Kind::Count => Signal::Count,
        Kind::Noise => Signal::Noise {
            mean: section.number_or("mean", any, 0.0),
            sigma: section.number_or("sigma", 0.0..=f64::MAX, 1.0),
        },
        Kind::Sine => Signal::Sine {
            mean: section.number_or("mean", any, 0.0),
            amplitude: section.number_or("amplitude", positive, 1.0),
            period: section.time_or("period", Span::from_micros(1)..=LONGEST, Span::from_secs(10)),
        },
    };
    section.finish(&[]);
    Some(signal)
}
