//! What a sweep came to, as text or JSON for standard output, and as an exit code.

use std::fmt::Write;

use serde_json::{Value, json};

use super::outcome::{checked, clients};
use super::{Failure, exit};
use crate::expect::{Verdicts, judge};
use crate::io::request::Format;
use crate::io::sweep::{Plan, SweepDone};
use crate::io::sweep_folder::SweepError;
use crate::scenario::sweep::Setting;
use crate::time::Span;

/// The exit code of a sweep.
pub(super) fn code(done: &SweepDone, check: bool) -> u8 {
    if done.interrupted {
        exit::INTERRUPTED
    } else if !done.failed.is_empty() {
        exit::FAILED
    } else if check {
        // The cells' verdicts as those of one run.
        let found = done.survey.cells.iter().flatten();
        let codes = found.map(|found| checked(&verdicts(done, &found.summary))).collect::<Vec<_>>();
        let first = [exit::REGRESSED, exit::INCONCLUSIVE].into_iter().find(|code| codes.contains(code));
        first.unwrap_or(exit::DONE)
    } else {
        exit::DONE
    }
}

fn verdicts(done: &SweepDone, summary: &crate::summary::Summary) -> Verdicts {
    // Expectations are the same in every cell.
    judge(&done.survey.index.scenario, summary)
}

/// What is printed at its end.
pub(super) fn told_of(done: &SweepDone, format: Format, check: bool) -> String {
    match format {
        Format::Text => text(done),
        Format::Json => document(&json(done, check)),
    }
}

fn text(done: &SweepDone) -> String {
    let survey = &done.survey;
    let (index, count) = (&survey.index, survey.done());
    let mut text = survey.text();
    let _ = match &index.shard {
        Some(shard) => writeln!(text, "{count} of {} cells: shard {shard}", index.cells.len()),
        None if count < index.cells.len() => {
            writeln!(text, "{count} of {} cells; a second start with the same -o runs the rest", index.cells.len())
        }
        None => writeln!(text, "{count} cells"),
    };
    if !done.failed.is_empty() {
        let _ = writeln!(text, "Clients failed in: {}", done.failed.join(", "));
    }
    let _ = writeln!(text, "\nTable: {}", done.folder.join("sweep.csv").display());
    if let Some(page) = &done.page {
        let _ = writeln!(text, "Report: {}", page.display());
    }
    text
}

fn json(done: &SweepDone, check: bool) -> Value {
    let index = &done.survey.index;
    let cells = index.cells.iter().zip(&done.survey.cells).filter_map(|(cell, found)| {
        let found = found.as_ref()?;
        let values = cell.at.iter().zip(&index.axes).map(|(at, axis)| (axis.key.clone(), value(&axis.values[*at])));
        Some(json!({
            "run": done.folder.join(&cell.folder), "values": values.collect::<serde_json::Map<_, _>>(),
            "failed": found.failed, "clients": clients(&found.summary),
        }))
    });
    json!({
        "folder": done.folder, "report": done.page, "exit": code(done, check), "interrupted": done.interrupted, "failed": done.failed,
        "shard": index.shard, "cells_in_all": index.cells.len(), "cells": cells.collect::<Vec<_>>(),
        "break_even": done.survey.break_evens(),
    })
}

/// A value of a swept key: times with their unit.
fn value(setting: &Setting) -> Value {
    match setting {
        Setting::TimeNs(span) => json!(format!("{span}")),
        Setting::Number(number) => json!(number),
        Setting::Word(word) => json!(word),
    }
}

fn document(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// What is printed of a plan.
pub(super) fn planned(plan: &Plan, format: Format) -> String {
    let total = plan.cells.iter().fold(Span::ZERO, |sum, (_, _, span)| sum + *span);
    if format == Format::Json {
        let cells = plan.cells.iter();
        let cells = cells
            .map(|(folder, values, span)| json!({"folder": folder, "values": values, "seconds": span.as_secs_f64()}));
        return document(&json!({
            "shard": plan.shard.map(|shard| shard.to_string()), "virtual_time": plan.simulated,
            "cells": cells.collect::<Vec<_>>(), "seconds": total.as_secs_f64(),
        }));
    }
    let mut text = String::new();
    for (_, values, span) in &plan.cells {
        let _ = writeln!(text, "{values}: {:.1} s", span.as_secs_f64());
    }
    let part = plan.shard.map_or_else(String::new, |shard| format!(" of shard {shard}"));
    let time = if plan.simulated { "of virtual time" } else { "and a little more" };
    let _ = writeln!(text, "\n{} cells{part}, about {} {time}", plan.cells.len(), rough(total));
    text
}

/// A length of time as a person plans with it.
fn rough(span: Span) -> String {
    match span.as_secs_f64() {
        s if s < 120.0 => format!("{s:.0} seconds"),
        s if s < 7200.0 => format!("{:.0} minutes", s / 60.0),
        s => format!("{:.1} hours", s / 3600.0),
    }
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Failure {
        let text = error.to_string();
        match error {
            SweepError::Series(error) => error.into(),
            SweepError::Link(error) => (*error).into(),
            SweepError::Cell(_) | SweepError::Unreadable { .. } | SweepError::Index { .. } => {
                Failure::bad_input(text, "name a folder that a sweep has made")
            }
            SweepError::Other { .. } => Failure::bad_input(
                text,
                "give another folder with -o, or the scenario and the options of the first start",
            ),
            SweepError::Occupied(_) => Failure::bad_input(text, "give another folder with -o"),
            SweepError::Shard { .. } => Failure::bad_input(text, "split it into fewer parts"),
            SweepError::Merge { advice, .. } => Failure::bad_input(text, advice),
            SweepError::Draw(_) | SweepError::Write(_) => {
                Failure::measurement(text, "what was complete before is kept")
            }
        }
    }
}
