//! The report as Markdown, its figures beside it in `figures/`.

use super::content::{Content, GLOSSARY, READING, residuals};
use super::figure::{Figure, Omitted, left_out};
use super::grids::{Cell, Grid};
use super::prose::pieces;
use super::verdicts;
use super::warned::{Kind, by_kind};

/// Writes the report.
#[must_use]
pub fn render(content: &Content) -> String {
    let numbers = format!(
        "## The numbers\n\n{}\n\n{READING}",
        content.results.iter().map(table).collect::<Vec<_>>().join("\n\n")
    );
    let (first, second) =
        if content.has_claims() { (verdicts(content), numbers) } else { (numbers, verdicts(content)) };
    let parts = [
        format!("# {}\n\n{}", text(&content.title), text(&content.subtitle)),
        plain(&content.plain),
        first,
        second,
        figures(&content.figures, &content.omitted),
        expected(content),
        warnings(content),
        setup(&content.setup),
        terms(),
        repeat(content),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// The paragraphs that need no knowledge.
pub(super) fn plain(paragraphs: &[String]) -> String {
    format!("## In plain words\n\n{}", paragraphs.iter().map(|p| named(p)).collect::<Vec<_>>().join("\n\n"))
}

/// What the words of a report mean.
pub(super) fn terms() -> String {
    let terms = GLOSSARY.iter().map(|(term, meaning)| format!("- **{term}**: {meaning}"));
    format!("## Terms\n\n{}", terms.collect::<Vec<_>>().join("\n"))
}

/// Nothing where nothing was expected.
fn verdicts(content: &Content) -> String {
    if content.verdicts.is_empty() {
        return String::new();
    }
    let tables = content.verdicts.iter().map(|(_, grid)| table(grid)).collect::<Vec<_>>().join("\n\n");
    let note = |(claim, note): &(String, String)| format!("\n\n**{}**: {}", text(claim), named(note));
    let notes: String = content.claim_notes.iter().map(note).collect();
    format!("## Verdicts\n\n{tables}\n\n{}{notes}", verdicts::READING)
}

/// A paragraph with the names in it set apart.
pub(super) fn named(paragraph: &str) -> String {
    pieces(paragraph).map(|(piece, is_name)| if is_name { format!("`{piece}`") } else { text(piece) }).collect()
}

/// A text without anything that Markdown would take for its own.
pub(super) fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            out.push('\\');
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}

/// A table.
#[must_use]
pub fn table(grid: &Grid) -> String {
    let number = |column: usize| grid.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.number);
    let head: Vec<String> = grid.head.iter().map(|name| text(name)).collect();
    let rule: Vec<&str> = (0..head.len()).map(|column| if number(column) { "---:" } else { "---" }).collect();
    let mut lines = vec![format!("**{}**\n", text(&grid.caption))];
    lines.push(format!("| {} |", head.join(" | ")));
    lines.push(format!("| {} |", rule.join(" | ")));
    for row in &grid.rows {
        lines.push(format!("| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | ")));
    }
    lines.extend(grid.notes.iter().map(|note| format!("\n{}", text(note))));
    lines.join("\n")
}

fn cell(cell: &Cell) -> String {
    match (&cell.interval, &cell.link) {
        (Some(interval), _) => format!("{} ({})", text(&cell.marked()), text(interval)),
        (None, Some(link)) => format!("[{}]({link})", text(&cell.marked())),
        (None, None) => text(&cell.marked()),
    }
}

/// Figures, their files beside in `figures/`, and why others are missing.
#[must_use]
pub fn figures(figures: &[Figure], omitted: &[Omitted]) -> String {
    let mut parts = vec!["## Figures".to_owned()];
    for figure in figures {
        let mut part = format!(
            "### {}\n\n![{}](figures/{}.png)\n\n{}",
            text(&figure.title),
            text(&figure.alt),
            figure.id,
            text(&figure.caption)
        );
        for note in &figure.notes {
            part += &format!("\n\n{}", text(note));
        }
        parts.push(part);
    }
    parts.extend(left_out(omitted).iter().map(|words| text(words)));
    parts.join("\n\n")
}

fn expected(content: &Content) -> String {
    let body = if content.expected.rows.is_empty() {
        "No client of this run has an expected value.".to_owned()
    } else {
        format!("{}\n\n{}", residuals(content.got), table(&content.expected))
    };
    format!("## {}\n\n{body}", content.expected_heading())
}

fn warnings(content: &Content) -> String {
    let line = |kind: &Kind<'_>| {
        let seen = kind
            .seen
            .iter()
            .map(|(client, what)| format!("**{}**: {}.", text(client.unwrap_or("The whole run")), text(what)));
        format!("- {} What to do: {}.", seen.collect::<Vec<_>>().join(" "), text(kind.advice))
    };
    let mut lines: Vec<String> = by_kind(&content.warnings).iter().map(line).collect();
    lines.extend(content.failures.iter().map(|failure| format!("- **Not measured**: {}", text(failure))));
    if lines.is_empty() {
        lines.push("None: nothing was found that casts doubt on the numbers.".to_owned());
    }
    format!("## Warnings\n\n{}\n\n{}", lines.join("\n"), content.limits)
}

/// What was run on what: names and values.
pub(super) fn setup(rows: &[(String, String)]) -> String {
    let rows: Vec<String> = rows.iter().map(|(name, value)| format!("- {}: {}", text(name), text(value))).collect();
    format!("## What was run on what\n\n{}", rows.join("\n"))
}

fn repeat(content: &Content) -> String {
    format!(
        "## How to repeat it\n\n```\n{}\n```\n\nThe folder of this report holds every recorded fact: `emissions.csv`, \
         `observations.csv` and `ledger.csv`, with the summary in `summary.csv` and everything else in `run.json`. \
         `pollcost report` draws this report again from them.",
        content.command
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::content::tests::content;
    use crate::report::synthetic::Wish;

    #[test]
    fn a_report_of_a_whole_run() {
        insta::assert_snapshot!(render(&content(&Wish::default())));
    }

    #[test]
    fn a_report_of_monitors_alone() {
        let page = render(&content(&Wish { sleeps: Vec::new(), repeats: 1, ..Wish::default() }));
        assert!(page.contains("Left out: “How many requests bring nothing new?”, because"));
        assert!(page.contains("No client of this run has an expected value."));
    }

    #[test]
    fn words_cannot_become_markup() {
        assert_eq!(text("a*b_c|d <e>\nf"), "a\\*b\\_c\\|d \\<e\\> f");
    }
}
