//! `run.json`: everything about a run but its tables.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, PrettyFormatter};
use thiserror::Error;

use super::csv::summary::{EmptyCell, empty_cells};
use crate::expect::{Verdicts, judge};
use crate::scenario::model::Scenario;
use crate::summary::checks::worst_percent;
use crate::summary::{ClientSummary, ProbeSummary, Summary, Warning};
use crate::time::{Span, Tick};
use crate::trace::{ClientTally, Failure, Host, IocTally, Segment, Trace, Window};

/// Version of the layout of `run.json` and of the tables beside it. A change that an old reader would misread raises it.
pub const SCHEMA_VERSION: u32 = 1;
/// A run has at most this many repeats.
const MOST_REPEATS: usize = 1_000_000;

/// What is known of a run besides its facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunNote {
    /// Version of the program that made the run.
    pub pollcost: String,
    /// When it was started, as RFC 3339 in UTC.
    pub started: Option<String>,
    /// What it was made on.
    pub host: Host,
    /// What stood for link and host; `None`: it was measured live.
    pub simulated: Option<SimulationNote>,
    /// What went wrong.
    pub failures: Vec<Failure>,
    /// Whether a person ended it early.
    pub interrupted: bool,
    /// Whether it went on to its end. A run that was killed has `false`.
    pub finished: bool,
    /// What the one who ran it wants the reader to know, failures and interruption included.
    pub notes: Vec<Warning>,
}

/// What stood for link and host in a simulated run. Its processor time, wake-ups and bytes are modelled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulationNote {
    /// The link as the command line has it, such as `constant:50us`.
    pub option: String,
    /// The link, in words.
    pub link: String,
    /// The host, in words.
    pub host: String,
    /// Whether the tables hold the facts; else they are empty but for the ledger, and only the summaries tell of them.
    pub facts: bool,
}

/// How many rows of each table belong to the run as saved. Rows after them were written later and are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRows {
    /// Of `emissions.csv`.
    pub emissions: u64,
    /// Of `observations.csv`.
    pub observations: u64,
    /// Of `ledger.csv`.
    pub ledger: u64,
    /// Of `requests.csv`; `None`: there is no such table.
    pub requests: Option<u64>,
    /// Of `probes.csv`; `None`: there is no such table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<u64>,
}

/// A segment without what is in the tables.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SegmentRecord {
    client: String,
    repeat: u32,
    window: Window,
    /// Absent in runs of the first versions, which did not tell.
    #[serde(default)]
    begun: Tick,
    connect_ns: Option<Span>,
    cpu_client_ns: Option<Span>,
    cpu_ioc_ns: Option<Span>,
    cpu_others_ns: Option<Span>,
    steal_ns: Option<Span>,
    wakeups: Option<u64>,
    ioc: IocTally,
    tally: Option<Box<ClientTally>>,
    warnings: Vec<String>,
}

/// The document as it is laid out.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Layout {
    schema_version: u32,
    pollcost: String,
    started: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    simulated: Option<SimulationNote>,
    finished: bool,
    interrupted: bool,
    seed: u64,
    host: Host,
    failures: Vec<Failure>,
    notes: Vec<Warning>,
    warnings: Vec<Warning>,
    empty_cells: Vec<EmptyCell>,
    summaries: Vec<ClientSummary>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    probes: Vec<ProbeSummary>,
    repeats: usize,
    rows: SavedRows,
    segments: Vec<SegmentRecord>,
    /// What the expectations of the scenario come to: for readers of the file; the program judges anew.
    #[serde(default, skip_deserializing, skip_serializing_if = "Verdicts::is_empty")]
    verdicts: Verdicts,
    scenario: Scenario,
}

/// What is wrong with a document.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DocumentError {
    /// It is no JSON, or not of this layout.
    #[error("line {line}, column {column}: {what}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was found and what would be right.
        what: String,
    },
    /// It was written by another version.
    #[error("schema version {found}; this version of pollcost reads version {SCHEMA_VERSION}")]
    Version {
        /// As written.
        found: u32,
    },
    /// It contradicts itself.
    #[error("{0}")]
    Contradiction(String),
}

/// A document that was read: the tables are still to be added to the trace.
#[derive(Clone, Debug)]
pub struct Document {
    /// What is known of the run besides its facts.
    pub note: RunNote,
    /// Scenario and segments, with no emissions, observations, ledgers and requests yet.
    pub trace: Trace,
    /// The summary as it was saved.
    pub summary: Summary,
    /// How many rows of the tables belong to it.
    pub rows: SavedRows,
}

/// The document as bytes.
///
/// # Errors
/// None in practice: all that is written can be.
pub fn write_document(note: &RunNote, trace: &Trace, summary: &Summary, rows: SavedRows) -> io::Result<Vec<u8>> {
    let name = |client: usize| trace.scenario.clients.get(client).map(|c| c.name.clone()).unwrap_or_default();
    let layout = Layout {
        schema_version: SCHEMA_VERSION,
        pollcost: note.pollcost.clone(),
        started: note.started.clone(),
        simulated: note.simulated.clone(),
        finished: note.finished,
        interrupted: note.interrupted,
        seed: trace.scenario.seed,
        host: note.host.clone(),
        failures: note.failures.clone(),
        notes: note.notes.clone(),
        warnings: summary.warnings.clone(),
        empty_cells: empty_cells(summary),
        summaries: summary.clients.clone(),
        probes: summary.probes.clone(),
        repeats: trace.emissions.len(),
        rows,
        segments: trace.segments.iter().map(|s| record(s, name(s.client))).collect(),
        verdicts: judge(&trace.scenario, summary),
        scenario: trace.scenario.clone(),
    };
    let mut bytes = Vec::new();
    layout.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Indented::default()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn record(segment: &Segment, client: String) -> SegmentRecord {
    SegmentRecord {
        client,
        repeat: segment.repeat,
        window: segment.window,
        begun: segment.begun,
        connect_ns: segment.connect,
        cpu_client_ns: segment.cpu_client,
        cpu_ioc_ns: segment.cpu_ioc,
        cpu_others_ns: segment.cpu_others,
        steal_ns: segment.steal,
        wakeups: segment.wakeups,
        ioc: segment.ioc.clone(),
        tally: segment.tally.clone(),
        warnings: segment.warnings.clone(),
    }
}

/// Reads a document.
///
/// # Errors
/// When it is malformed, of another version, or contradicts itself.
pub fn read_document(bytes: &[u8]) -> Result<Document, DocumentError> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u32,
    }
    let found = serde_json::from_slice::<Version>(bytes).map_err(|e| malformed(&e))?.schema_version;
    if found != SCHEMA_VERSION {
        return Err(DocumentError::Version { found });
    }
    let layout: Layout = serde_json::from_slice(bytes).map_err(|e| malformed(&e))?;
    check(&layout).map_err(DocumentError::Contradiction)?;
    Ok(document(layout))
}

fn malformed(error: &serde_json::Error) -> DocumentError {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    DocumentError::Malformed { line: error.line(), column: error.column(), what }
}

/// Everything that later code takes for granted.
fn check(layout: &Layout) -> Result<(), String> {
    let scenario = &layout.scenario;
    if let Some(pv) = scenario.pvs.iter().find(|pv| pv.group >= scenario.groups.len()) {
        return Err(format!("scenario: PV {} is of group {}, there are {}", pv.name, pv.group, scenario.groups.len()));
    }
    for client in &scenario.clients {
        if let Some(pv) = client.pvs.iter().find(|pv| pv.index() >= scenario.pvs.len()) {
            return Err(format!(
                "scenario: client {} looks at PV {}, there are {}",
                client.name,
                pv.0,
                scenario.pvs.len()
            ));
        }
    }
    if layout.repeats > MOST_REPEATS {
        return Err(format!("repeats: {} are more than {MOST_REPEATS}", layout.repeats));
    }
    for segment in &layout.segments {
        if !scenario.clients.iter().any(|c| c.name == segment.client) {
            return Err(format!("segments: `{}` is not a client of the scenario", segment.client));
        }
        if segment.repeat as usize >= layout.repeats {
            return Err(format!("segments: repeat {} of {}", segment.repeat, layout.repeats));
        }
    }
    Ok(())
}

fn document(layout: Layout) -> Document {
    let named = &layout.scenario.clients;
    let index = |name: &str| named.iter().position(|c| c.name == name).unwrap_or_default();
    let segments = layout.segments.into_iter().map(|s| Segment {
        client: index(&s.client),
        repeat: s.repeat,
        window: s.window,
        begun: s.begun,
        connect: s.connect_ns,
        cpu_client: s.cpu_client_ns,
        cpu_ioc: s.cpu_ioc_ns,
        cpu_others: s.cpu_others_ns,
        steal: s.steal_ns,
        wakeups: s.wakeups,
        observations: Vec::new(),
        ledger: Vec::new(),
        ioc: s.ioc,
        requests: Vec::new(),
        tally: s.tally,
        warnings: s.warnings,
    });
    let segments: Vec<Segment> = segments.collect();
    let mut clients = layout.summaries;
    for client in &mut clients {
        disturbed(client, &layout.scenario, &segments);
    }
    let note = RunNote {
        pollcost: layout.pollcost,
        started: layout.started,
        simulated: layout.simulated,
        host: layout.host,
        failures: layout.failures,
        interrupted: layout.interrupted,
        finished: layout.finished,
        notes: layout.notes,
    };
    Document {
        note,
        trace: Trace {
            emissions: vec![Vec::new(); layout.repeats],
            segments,
            probes: Vec::new(),
            scenario: layout.scenario,
        },
        summary: Summary { clients, probes: layout.probes, warnings: layout.warnings },
        rows: layout.rows,
    }
}

/// The first versions saved what disturbed a client only beside its windows.
fn disturbed(client: &mut ClientSummary, scenario: &Scenario, segments: &[Segment]) {
    let worst = |of: fn(&Segment) -> Option<Span>| {
        let own = segments.iter().filter(|s| scenario.clients.get(s.client).is_some_and(|c| c.name == client.name));
        worst_percent(&own.map(|s| (of(s), s.window.length())).collect::<Vec<_>>())
    };
    let found = (worst(|s| s.cpu_others), worst(|s| s.steal));
    client.others_percent = client.others_percent.or(found.0);
    client.stolen_percent = client.stolen_percent.or(found.1);
}

/// Objects on lines of their own, arrays of anything else on one line: long lists of numbers stay readable in a diff.
#[derive(Debug, Default)]
pub(super) struct Indented(PrettyFormatter<'static>);

impl Formatter for Indented {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::{Change, Fetch};
    use crate::summary::{example, summarise};
    use crate::trace::Loss;
    use crate::trace::histogram::nanoseconds;

    fn trace() -> Trace {
        let clients = vec![example::client("a \"b\"", Fetch::Batch, None, 2)];
        let scenario = example::scenario(vec![(2, example::group(Change::Still))], clients);
        let mut segment = example::segment(0, 1, 10, 20, 30);
        segment.cpu_ioc = Some(Span(7));
        segment.warnings = vec!["w".into()];
        let mut periods = nanoseconds();
        periods.record_n(1_000_001, 3).unwrap();
        segment.tally = Some(Box::new(ClientTally {
            requests: Some(3),
            redundant: Some(1),
            updates: None,
            mean_period_ns: Some(1_000_000.1 + 1.0 / 3.0),
            periods,
            round_trips: nanoseconds(),
            mean_round_trip_ns: None,
            ambiguous: 0,
            overflowed: 0,
            losses: vec![Loss { lost: Tick(12), back: None, why: "it was cut".into() }],
        }));
        Trace { scenario, emissions: vec![Vec::new(); 2], segments: vec![segment], probes: Vec::new() }
    }

    fn bytes() -> Vec<u8> {
        let note = RunNote { finished: true, host: Host { cores: Some(2), ..Host::default() }, ..RunNote::default() };
        let trace = trace();
        write_document(&note, &trace, &summarise(&trace, &[]), SavedRows { emissions: 5, ..SavedRows::default() })
            .unwrap()
    }

    #[test]
    fn a_document_comes_back() {
        let document = read_document(&bytes()).unwrap();
        let trace = trace();
        assert_eq!(document.trace.scenario, trace.scenario);
        // Not `assert_eq`: a histogram prints all of its buckets.
        assert!(document.trace.segments == trace.segments);
        assert_eq!(document.trace.emissions.len(), 2);
        assert!(document.summary == summarise(&trace, &[]));
        assert_eq!((document.note.finished, document.note.host.cores, document.rows.emissions), (true, Some(2), 5));
    }

    #[test]
    fn histograms_stay_on_one_line() {
        let text = String::from_utf8(bytes()).unwrap();
        assert!(text.contains("\"periods\": [[1000447, 3]],\n"), "{text}");
    }

    #[test]
    fn damage_is_placed() {
        let good = String::from_utf8(bytes()).unwrap();
        let client = |name: &str| format!("\"client\": \"{name}\",\n    \"repeat\"");
        let cases: [(&str, &str, &str); 6] = [
            ("\"seed\": 1", "\"seed\": -1", "line 7, column 12: invalid value: integer `-1`, expected u64"),
            (
                "\"schema_version\": 1",
                "\"schema_version\": 9",
                "schema version 9; this version of pollcost reads version 1",
            ),
            ("\",\n    \"repeat\": 1,", "\",\n    \"repeat\": 2,", "segments: repeat 2 of 2"),
            ("\"group\": 0", "\"group\": 4", "scenario: PV TEST:G0P0 is of group 4, there are 1"),
            ("\"repeats\": 2,\n  \"rows", "\"repeats\": 9999999,\n  \"rows", "repeats: 9999999 are more than 1000000"),
            (&client("a \\\"b\\\""), &client("c"), "segments: `c` is not a client of the scenario"),
        ];
        for (from, to, error) in cases {
            assert!(good.contains(from), "{from} is not in {good}");
            assert_eq!(read_document(good.replacen(from, to, 1).as_bytes()).unwrap_err().to_string(), error);
        }
        for cut in [0, 1, good.len() / 2, good.len() - 3] {
            assert!(matches!(read_document(&good.as_bytes()[..cut]), Err(DocumentError::Malformed { .. })));
        }
    }
}
