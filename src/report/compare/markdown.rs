//! A comparison as Markdown: for a page, a merge request, a job summary.

use std::fmt::Write;

use super::words::{by_weight, change, counts, method, value};
use crate::compare::outcome::{Comparison, Verdict};

/// The most bytes: GitHub takes a job summary of 1 MiB, and other text may stand beside it.
pub const MOST_BYTES: usize = 900_000;

/// A heading, the rows that need attention, and the others folded away.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = format!("### pollcost: {} ({})\n\n", comparison.verdict.word(), counts(comparison));
    let _ = writeln!(
        out,
        "`{}` against `{}`; {}.\n",
        escaped(&comparison.new.label),
        escaped(&comparison.base.label),
        method(comparison)
    );
    let (passed, told): (Vec<_>, Vec<_>) =
        by_weight(comparison).into_iter().partition(|row| row.verdict == Verdict::Pass);
    table(&mut out, &told);
    for bound in &comparison.bounds {
        let _ = writeln!(out, "- **{}** {}: {}", bound.verdict.word(), escaped(&bound.text), escaped(&bound.why));
    }
    for note in &comparison.notes {
        let _ = writeln!(out, "- {}", escaped(note));
    }
    if !passed.is_empty() {
        let _ = writeln!(out, "\n<details><summary>{} rows pass</summary>\n", passed.len());
        table(&mut out, &passed);
        out.push_str("</details>\n");
    }
    cut(out)
}

fn table(out: &mut String, rows: &[&crate::compare::Row]) {
    if rows.is_empty() {
        return;
    }
    out.push_str("| verdict | client | metric | base | new | change (95 %) | why |\n|---|---|---|--:|--:|---|---|\n");
    for row in rows {
        let _ = writeln!(
            out,
            "| {} | {} | {} ({}) | {} | {} | {} | {} |",
            row.verdict.word(),
            escaped(&row.client),
            row.metric.name(),
            row.unit,
            value(row.base),
            value(row.new),
            change(row),
            escaped(&row.why)
        );
    }
    out.push('\n');
}

/// Nothing in it makes markup or ends a cell.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '`' | '*' | '_' | '<' | '[' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Whole lines up to the limit.
fn cut(mut text: String) -> String {
    if text.len() <= MOST_BYTES {
        return text;
    }
    let mut end = MOST_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind('\n').map_or(0, |at| at + 1);
    text.truncate(end);
    text + "\nThe rest was left out: the summary of a job has room for 1 MiB. `--format json` has all of it.\n"
}
