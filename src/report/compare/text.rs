//! A comparison on a terminal.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::words::{by_weight, change, counts, method, value};
use crate::compare::outcome::{Comparison, Verdict};

/// What is printed. Without `all`, rows that pass are only counted.
#[must_use]
pub fn text(comparison: &Comparison, all: bool, colour: bool) -> String {
    let mut out = format!("{} against {} ({})\n", comparison.new.label, comparison.base.label, method(comparison));
    let rows = by_weight(comparison);
    let shown: Vec<_> = rows.into_iter().filter(|row| all || row.verdict != Verdict::Pass).collect();
    if !shown.is_empty() {
        let mut table = Table::new();
        table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["verdict", "client", "metric", "unit", "base", "new", "change (95 %)"].map(Cell::new));
        for row in &shown {
            let word = row.verdict.word();
            let cells =
                [word, &row.client, row.metric.name(), &row.unit, &value(row.base), &value(row.new), &change(row)];
            table.add_row(cells.map(str::to_owned));
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            column.set_padding(if place == 0 { (0, 0) } else { (2, 0) });
            let right = place == 4 || place == 5;
            column.set_cell_alignment(if right { CellAlignment::Right } else { CellAlignment::Left });
        }
        let _ = writeln!(out, "\n{}", painted(&table.trim_fmt(), colour));
        for row in shown.iter().filter(|row| row.verdict == Verdict::Inconclusive) {
            let _ = writeln!(out, "{} {}: {}", row.client, row.metric.name(), row.why);
        }
    }
    for bound in &comparison.bounds {
        let _ = writeln!(out, "{}: {} ({})", bound.verdict.word(), bound.text, bound.why);
    }
    for note in &comparison.notes {
        let _ = writeln!(out, "note: {note}");
    }
    let _ = writeln!(out, "\n{}: {}", comparison.verdict.word(), counts(comparison));
    out
}

/// The first word of each line in the colour of its verdict.
fn painted(table: &str, colour: bool) -> String {
    if !colour {
        return table.to_owned();
    }
    let code = |line: &str| match line.split_whitespace().next() {
        Some("regressed") => Some("31"),
        Some("improved") => Some("32"),
        Some("inconclusive") => Some("33"),
        _ => None,
    };
    let paint = |line: &str| match (code(line), line.find(' ')) {
        (Some(code), Some(end)) => format!("\u{1b}[1;{code}m{}\u{1b}[0m{}", &line[..end], &line[end..]),
        _ => line.to_owned(),
    };
    table.lines().map(paint).collect::<Vec<_>>().join("\n")
}
