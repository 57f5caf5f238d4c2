//! A history on a terminal or as Markdown.

use std::fmt::Write;

use super::markdown::escaped;
use super::words::number;
use crate::compare::history::{History, Track};

/// What changed and what drifts, in the order of clients.
#[must_use]
pub fn lines(history: &History, markdown: bool) -> String {
    let mut out = String::new();
    if markdown {
        out.push_str("### pollcost: history\n\n");
    }
    let _ = writeln!(out, "{} runs, {} metrics of clients.\n", history.runs.len(), history.tracks.len());
    let found: Vec<String> = history.tracks.iter().flat_map(|track| of_track(track, &history.runs)).collect();
    for line in &found {
        let _ = writeln!(
            out,
            "{}{}",
            if markdown { "- " } else { "" },
            if markdown { escaped(line) } else { line.clone() }
        );
    }
    if found.is_empty() {
        out.push_str("Nothing changed and nothing drifts by what matters.\n");
    }
    for why in &history.left_out {
        let _ = writeln!(out, "left out: {}", if markdown { escaped(why) } else { why.clone() });
    }
    out
}

fn of_track(track: &Track, runs: &[String]) -> Vec<String> {
    let name = format!("{} {}", track.client, track.metric.name());
    let steps = track.changes.iter().map(|step| {
        let run = runs.get(step.at).map_or("", String::as_str);
        format!(
            "{name}: from {} to {} {} at {run} (p = {})",
            number(step.before),
            number(step.after),
            track.unit,
            number(step.p)
        )
    });
    let drift = track.drift.iter().map(|slope| {
        let (whole, run) = (number(slope.whole), number(slope.a_run));
        let sign = if slope.whole > 0.0 { "+" } else { "" };
        format!("{name}: drifts by {sign}{whole} {} over all runs, {run} a run (p = {})", track.unit, number(slope.p))
    });
    steps.chain(drift).collect()
}
