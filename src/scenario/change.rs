//! When the PVs of a block change: `change = { pattern = "periodic", rate_hz = 10 }`.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::duration::LONGEST;
use super::model::{Change, Scenario};
use super::problem::{Findings, suggest};
use super::read::LoadedText;
use super::section::{Entry, Section};
use super::trace_file::{TraceFile, line_at};
use crate::pv::PvName;
use crate::time::Span;

/// The shortest time between changes of one PV.
const SHORTEST: Span = Span::from_micros(1);
/// The fastest changes of one PV, in Hz: one over [`SHORTEST`].
const FASTEST_HZ: f64 = 1e6;
/// The slowest changes, in Hz: about one a year, so that the interval stays within [`LONGEST`].
const SLOWEST_HZ: f64 = 1e-7;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Still,
    Periodic,
    Jittered,
    Poisson,
    Burst,
    Pulse,
    Motor,
    Ramp,
    Trace,
}

const KINDS: [(&str, Kind); 9] = [
    ("periodic", Kind::Periodic),
    ("jittered", Kind::Jittered),
    ("poisson", Kind::Poisson),
    ("burst", Kind::Burst),
    ("pulse", Kind::Pulse),
    ("motor", Kind::Motor),
    ("ramp", Kind::Ramp),
    ("trace", Kind::Trace),
    ("still", Kind::Still),
];

impl Kind {
    /// The keys that belong to it.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Kind::Still => &[],
            Kind::Periodic | Kind::Poisson => &["rate_hz", "period"],
            Kind::Jittered => &["rate_hz", "period", "jitter"],
            Kind::Burst => &["rate_hz", "period", "changes", "spacing"],
            Kind::Pulse => &["rate_hz", "period", "width"],
            Kind::Motor => &["rate_hz", "period", "moving", "resting"],
            Kind::Ramp => &["rate_hz", "period", "to_hz", "length"],
            Kind::Trace => &["file", "length"],
        }
    }
}

/// Keys that belong to some patterns only.
const ELSEWHERE: [(&str, &str); 11] = [
    ("jitter", "it belongs to pattern = \"jittered\""),
    ("changes", "it belongs to pattern = \"burst\""),
    ("spacing", "it belongs to pattern = \"burst\""),
    ("width", "it belongs to pattern = \"pulse\""),
    ("moving", "it belongs to pattern = \"motor\""),
    ("resting", "it belongs to pattern = \"motor\""),
    ("file", "it belongs to pattern = \"trace\""),
    ("length", "it belongs to pattern = \"ramp\" and \"trace\""),
    ("to_hz", "it belongs to pattern = \"ramp\""),
    ("rate_hz", "this pattern has no rate of its own"),
    ("period", "this pattern has no period of its own"),
];

/// Reads a change; no entry means that the PVs never change. After a fault anything will do: the scenario is refused.
pub(crate) fn read(entry: Option<Entry<'_>>, names: &[PvName], traces: &mut Traces<'_>) -> Change {
    let Some(entry) = entry else { return Change::Still };
    let Some(section) = entry.section() else { return Change::Still };
    let kind = match section.entry("pattern") {
        Some(entry) => match entry.choice(&KINDS) {
            Some(kind) => kind,
            // Which keys belong is not known.
            None => return Change::Still,
        },
        None => Kind::Periodic,
    };
    section.knows(kind.keys());
    let change = match kind {
        Kind::Still => Some(Change::Still),
        Kind::Trace => trace(&section, names, traces),
        _ => interval(&section).and_then(|interval| repeating(kind, &section, interval)),
    };
    section.finish(&ELSEWHERE);
    change.unwrap_or(Change::Still)
}

/// `rate_hz` or `period`: exactly one of them.
fn interval(section: &Section<'_>) -> Option<Span> {
    match (section.entry("rate_hz"), section.entry("period")) {
        (Some(rate), None) => rate.number(SLOWEST_HZ..=FASTEST_HZ).map(|hz| Span::from_secs_f64(1.0 / hz)),
        (None, Some(period)) => period.time(SHORTEST..=LONGEST),
        (Some(rate), Some(_)) => {
            rate.fault("`rate_hz` and `period` say the same thing", "keep one of them");
            None
        }
        (None, None) => {
            section.fault("rate_hz", "is missing: how often do the PVs change?", "rate_hz = 10, or period = \"100ms\"");
            None
        }
    }
}

fn repeating(kind: Kind, section: &Section<'_>, interval: Span) -> Option<Change> {
    Some(match kind {
        Kind::Jittered => Change::Jittered { interval, jitter: section.number_or("jitter", 0.0..=0.5, 0.1) },
        Kind::Poisson => Change::Poisson { interval },
        Kind::Burst => return burst(section, interval),
        Kind::Pulse => return pulse(section, interval),
        Kind::Motor => return motor(section, interval),
        Kind::Ramp => return ramp(section, interval),
        Kind::Periodic | Kind::Still | Kind::Trace => Change::Periodic { interval },
    })
}

fn burst(section: &Section<'_>, interval: Span) -> Option<Change> {
    let changes = needed(section, "changes", "how many in one burst: changes = 5");
    let spacing = needed(section, "spacing", "the time between them: spacing = \"1ms\"");
    let (changes, spacing) = (changes?, spacing?);
    let (count, spacing) = (changes.whole(1..=1_000_000)? as u32, spacing.time(SHORTEST..=LONGEST)?);
    let length = spacing * u64::from(count - 1);
    if length >= interval {
        changes.fault(
            format!("a burst of {count} changes {spacing} apart takes {length}, as long as from one to the next ({interval})"),
            "fewer changes, a smaller spacing, or a longer period",
        );
        return None;
    }
    Some(Change::Burst { interval, changes: count, spacing })
}

fn pulse(section: &Section<'_>, interval: Span) -> Option<Change> {
    let entry = needed(section, "width", "how long it stays up: width = \"20ms\"")?;
    let width = entry.time(SHORTEST..=LONGEST)?;
    if width >= interval {
        entry.fault(
            format!("a pulse of {width} does not fit between two rises, {interval} apart"),
            "a width below the period",
        );
        return None;
    }
    Some(Change::Pulse { interval, width })
}

fn motor(section: &Section<'_>, interval: Span) -> Option<Change> {
    let entry = needed(section, "moving", "how long one move takes: moving = \"2s\"");
    let resting = needed(section, "resting", "how long it then rests: resting = \"3s\"");
    let (entry, resting) = (entry?, resting?.time(Span::ZERO..=LONGEST)?);
    let moving = entry.time(SHORTEST..=LONGEST)?;
    if moving < interval {
        entry.fault(format!("a move of {moving} is over before its first change, after {interval}"), "a longer move");
        return None;
    }
    Some(Change::Motor { interval, moving, resting })
}

fn ramp(section: &Section<'_>, interval: Span) -> Option<Change> {
    let to = needed(section, "to_hz", "the rate at the end: to_hz = 5000");
    let entry = needed(section, "length", "how long the rate takes from one to the other: length = \"10s\"");
    let (to_hz, entry) = (to?.number(SLOWEST_HZ..=FASTEST_HZ)?, entry?);
    let length = entry.time(SHORTEST..=LONGEST)?;
    let from_hz = 1.0 / interval.as_secs_f64();
    if (from_hz + to_hz) / 2.0 * length.as_secs_f64() < 1.0 {
        entry.fault(format!("a ramp of {length} is over before its first change"), "a longer ramp, or faster changes");
        return None;
    }
    Some(Change::Ramp { from_hz, to_hz, length })
}

fn needed<'a>(section: &Section<'a>, key: &'static str, advice: &str) -> Option<Entry<'a>> {
    let entry = section.entry(key);
    if entry.is_none() {
        section.fault(key, "is missing", advice);
    }
    entry
}

fn trace(section: &Section<'_>, names: &[PvName], traces: &mut Traces<'_>) -> Option<Change> {
    let length = section.entry("length");
    let entry = needed(section, "file", "a CSV file with the columns time_s,pv,value: file = \"changes.csv\"")?;
    let file = entry.text()?;
    let trace = traces.open(&entry, file, names)?;
    let length = match (length, trace.natural_length()) {
        (Some(length), _) => {
            let least = trace.last() + Span(1);
            length.time(least..=LONGEST)?
        }
        (None, Some(length)) => length,
        (None, None) => {
            section.fault(
                "length",
                "is missing: all changes of the file come at one instant",
                "the time from one pass through the file to the next: length = \"1s\"",
            );
            return None;
        }
    };
    let points = trace.points_of(names.iter().map(PvName::as_str));
    Some(Change::Trace { file: file.to_owned(), length, points })
}

/// The trace files of a scenario, each read once.
pub(crate) struct Traces<'l> {
    load: &'l dyn Fn(&str) -> Result<LoadedText, String>,
    files: HashMap<String, Option<OpenTrace>>,
}

struct OpenTrace {
    shown: String,
    text: String,
    trace: Rc<TraceFile>,
    /// PVs of the blocks that read it.
    read_by: HashSet<PvName>,
}

impl<'l> Traces<'l> {
    /// None read yet.
    pub(crate) fn new(load: &'l dyn Fn(&str) -> Result<LoadedText, String>) -> Traces<'l> {
        Traces { load, files: HashMap::new() }
    }

    fn open(&mut self, entry: &Entry<'_>, file: &str, names: &[PvName]) -> Option<Rc<TraceFile>> {
        if !self.files.contains_key(file) {
            let opened = self.load(entry, file);
            self.files.insert(file.to_owned(), opened);
        }
        let open = self.files.get_mut(file)?.as_mut()?;
        open.read_by.extend(names.iter().cloned());
        Some(Rc::clone(&open.trace))
    }

    fn load(&self, entry: &Entry<'_>, file: &str) -> Option<OpenTrace> {
        let LoadedText { file: shown, text } = match (self.load)(file) {
            Ok(loaded) => loaded,
            Err(why) => {
                entry.fault(
                    format!("the trace file cannot be read: {why}"),
                    "its path is relative to the scenario file",
                );
                return None;
            }
        };
        match TraceFile::parse(&text) {
            Ok(trace) => Some(OpenTrace { shown, text, trace: Rc::new(trace), read_by: HashSet::new() }),
            Err(e) => {
                let excerpt = line_of(&text, e.line);
                entry.findings().add_elsewhere(&shown, e.line, excerpt, e.column, e.what, e.advice);
                None
            }
        }
    }

    /// Every PV of a trace file must be one of the blocks that read the file.
    pub(crate) fn check_names(&self, scenario: &Scenario, findings: &Findings<'_>) {
        for open in self.files.values().flatten() {
            let read_by: HashSet<&str> = open.read_by.iter().map(PvName::as_str).collect();
            let mut told = HashSet::new();
            for row in &open.trace.rows {
                let name = &open.trace.names[row.name];
                if read_by.contains(name.as_str()) || !told.insert(name) {
                    continue;
                }
                let known = scenario.pvs.iter().map(|pv| pv.name.as_str());
                let line = line_at(&open.text, row.byte);
                findings.add_elsewhere(
                    &open.shown,
                    line,
                    line_of(&open.text, line),
                    "pv",
                    format!("no block that reads this file has a PV `{}`", super::problem::shown(name)),
                    suggest(name, known),
                );
            }
        }
    }
}

fn line_of(text: &str, line: usize) -> &str {
    text.lines().nth(line.saturating_sub(1)).unwrap_or_default()
}
