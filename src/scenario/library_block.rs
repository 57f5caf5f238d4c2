//! The part of a `[[client]]` block that names a client of a library: `client = "pyepics-callback"`.

use super::library::{LIBRARY, LibraryClient, LibraryProgram};
use super::model::Fetch;
use super::section::{Entry, Section};
use crate::time::Span;

/// The most CPU-bound threads or processes beside a client.
pub(super) const MAX_HOGS: u64 = 64;
/// The most threads or processes that share the PVs.
const MAX_GROUPS: u64 = 64;
/// Bounds of the interpreter's switch interval: it counts in whole microseconds, and one above a minute hands over never.
const SWITCH_INTERVALS: std::ops::RangeInclusive<Span> = Span::from_micros(1)..=Span::from_secs(60);
/// The keys of clients in Python.
const OF_PYTHON: [&str; 4] = ["hog", "switch_interval", "yield_after_callback", "groups"];

/// Reads it; `None` after a fault.
pub(super) fn read(entry: &Entry<'_>, section: &Section<'_>) -> Option<(LibraryClient, LibraryProgram)> {
    section.knows(&OF_PYTHON);
    section.knows(&["python"]);
    let program = entry.choice(&LIBRARY.map(|program| (program.name, program)))?;
    let client = LibraryClient {
        client: program.name.to_owned(),
        python: section.entry("python").and_then(|e| python(&e)),
        hog: section.whole_or("hog", 0..=MAX_HOGS, 0) as u32,
        switch_interval: section.entry("switch_interval").and_then(|e| e.time(SWITCH_INTERVALS)),
        yield_after_callback: section.flag_or("yield_after_callback", false),
        groups: section.entry("groups").and_then(|e| e.whole(1..=MAX_GROUPS)).map(|groups| groups as u32),
    };
    let refuse = |key: &'static str, what: &str, advice: &str| {
        if let Some(entry) = section.entry(key) {
            entry.fault(what, advice);
        }
    };
    if program.is_compiled() {
        for key in ["hog", "switch_interval", "yield_after_callback"] {
            refuse(key, "belongs to clients in Python", "beside a client in C or a native one: hog_processes = 1");
        }
    } else if program.fetch != Fetch::Monitor {
        refuse("yield_after_callback", "this client has no callback", "take one with callbacks, or leave it out");
    }
    if !program.grouped {
        refuse("groups", "this client has one thread", "it belongs to pyepics-threads and pyepics-processes");
    }
    Some((client, program))
}

/// A version or a path.
fn python(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if text.is_empty() || text.contains('\0') {
        entry.fault("names no interpreter", "a version or a path: python = \"3.12\"");
    }
    Some(text.to_owned())
}
