//! A comparison as workflow commands of GitHub Actions: annotations on the run.

use super::words::{by_weight, change, counts, value};
use crate::compare::outcome::{Comparison, Verdict};

/// GitHub shows ten annotations of a kind for a step.
const MOST: usize = 10;

/// One command a line: errors for regressions, warnings for what is inconclusive, one notice with the counts. Format: "Workflow
/// commands for GitHub Actions", docs.github.com.
#[must_use]
pub fn github(comparison: &Comparison) -> String {
    let mut lines = Vec::new();
    for (verdict, command) in [(Verdict::Regressed, "error"), (Verdict::Inconclusive, "warning")] {
        let bounds = comparison.bounds.iter().filter(|b| b.verdict == verdict);
        let bounds = bounds.map(|b| (format!("pollcost: {}", b.text), b.why.clone()));
        let rows = by_weight(comparison).into_iter().filter(|row| row.verdict == verdict).map(|row| {
            let title = format!("pollcost: {} {} {}", row.client, row.metric.name(), verdict.word());
            let (base, new) = (value(row.base), value(row.new));
            (title, format!("{base} to {new} {}: {}. {}", row.unit, change(row), row.why))
        });
        let told: Vec<_> = bounds.chain(rows).collect();
        let more = told.len().saturating_sub(MOST);
        for (place, (title, text)) in told.into_iter().take(MOST).enumerate() {
            let rest = if place + 1 == MOST && more > 0 { format!(" And {more} more.") } else { String::new() };
            lines.push(format!("::{command} title={}::{}", property(&title), data(&format!("{text}{rest}"))));
        }
    }
    let all = format!("{} ({})", comparison.verdict.word(), counts(comparison));
    let notes = comparison.notes.iter().map(|note| format!("\n{note}")).collect::<String>();
    lines.push(format!("::notice title=pollcost::{}", data(&format!("{all}{notes}"))));
    lines.join("\n") + "\n"
}

/// Escapes of the runner's `ActionCommand`: `%`, CR and LF; in a property also `:` and `,`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
