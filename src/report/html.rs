//! The report as one HTML file that needs nothing else: no network, no script, no font.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::content::{Content, GLOSSARY, READING, RESIDUALS};
use super::figure::Figure;
use super::grids::{Cell, Grid};
use super::palette;
use super::prose::pieces;
use super::verdicts;

pub(super) const STYLE: &str = include_str!("report.css");

/// The section that only some reports have.
const VERDICTS: &str = "verdicts";

/// The sections that the navigation names: anchor and heading.
const SECTIONS: &[(&str, &str)] = &[
    ("plain", "In plain words"),
    ("numbers", "The numbers"),
    (VERDICTS, "Verdicts"),
    ("figures", "Figures"),
    ("expected", "Measured and expected"),
    ("warnings", "Warnings"),
    ("setup", "What was run on what"),
    ("terms", "Terms"),
    ("repeat", "How to repeat it"),
];

/// Writes the report. `pictures` are the figures as SVG in the light theme, in the order of the content's figures; a style rule
/// turns them dark where the reader's screen is.
#[must_use]
pub fn render(content: &Content, pictures: &[String]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="pollcost";
                title { (content.title) " – pollcost" }
                style { (PreEscaped(STYLE)) (PreEscaped(dark_style())) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    h1 { (content.title) }
                    p.subtitle { (content.subtitle) }
                    nav aria-label="Sections" { ul { @for (anchor, name) in SECTIONS.iter().filter(|(anchor, _)| *anchor != VERDICTS || !content.verdicts.is_empty()) { li { a href={ "#" (anchor) } { (name) } } } } }
                }
                main #content {
                    (section(0, plain(content)))
                    (section(1, numbers(content)))
                    @if !content.verdicts.is_empty() { (section(2, verdicts(content))) }
                    (section(3, figures(content, pictures)))
                    (section(4, expected(content)))
                    (section(5, warnings(content)))
                    (section(6, setup(content)))
                    (section(7, terms()))
                    (section(8, repeat(content)))
                }
                footer { p { "Written by pollcost " (env!("CARGO_PKG_VERSION")) "." } }
            }
        }
    };
    page.into_string()
}

pub(super) fn dark_style() -> String {
    format!("@media screen and (prefers-color-scheme:dark){{{}}}", palette::dark_rules(".plot"))
}

fn section(index: usize, body: Markup) -> Markup {
    let Some((anchor, name)) = SECTIONS.get(index) else { return body };
    html! {
        section aria-labelledby=(anchor) {
            h2 id=(anchor) { (name) }
            (body)
        }
    }
}

fn plain(content: &Content) -> Markup {
    html! { div.plain { @for paragraph in &content.plain { p { (named(paragraph)) } } } }
}

/// A paragraph with the names in it set apart.
fn named(text: &str) -> Markup {
    html! {
        @for (piece, is_name) in pieces(text) {
            @if is_name { code { (piece) } } @else { (unbroken(piece)) }
        }
    }
}

/// Blanks between a number and its unit become such that no line ends there.
fn unbroken(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = None;
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].split([' ', '.', ',', ';', ')']).next().unwrap_or_default();
        let is_unit = matches!(next, "%" | "ns" | "µs" | "ms" | "s" | "/s" | "B/s" | "kB/s" | "MB/s");
        let joins = c == ' ' && is_unit && before.is_some_and(|b: char| b.is_ascii_digit());
        out.push(if joins { '\u{a0}' } else { c });
        before = Some(c);
    }
    out
}

fn numbers(content: &Content) -> Markup {
    html! {
        @for grid in &content.results { (table(grid)) }
        p { (READING) }
    }
}

fn verdicts(content: &Content) -> Markup {
    html! {
        @for grid in &content.verdicts { (table(grid)) }
        p { (verdicts::READING) }
        @for (claim, note) in &content.claim_notes { p { strong { (claim) } ": " (note) } }
    }
}

pub(super) fn table(grid: &Grid) -> Markup {
    // A region that scrolls must be reachable by keyboard, and then it needs a name.
    html! {
        div.scroll tabindex="0" role="region" aria-label=(grid.caption) {
            table {
                caption { (grid.caption) }
                thead { tr { @for (column, name) in grid.head.iter().enumerate() {
                    th scope="col" class=[is_number(grid, column).then_some("number")] { (name) }
                } } }
                tbody { @for row in &grid.rows { tr { @for (column, value) in row.iter().enumerate() { (cell(column, value)) } } } }
            }
        }
    }
}

fn is_number(grid: &Grid, column: usize) -> bool {
    grid.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.number)
}

fn cell(column: usize, value: &Cell) -> Markup {
    html! {
        @if column == 0 {
            th scope="row" { (value.text) }
        } @else {
            td class=[value.number.then_some("number")] {
                (value.text)
                @if let Some(interval) = &value.interval { " " span.interval { "(" (interval) ")" } }
            }
        }
    }
}

fn figures(content: &Content, pictures: &[String]) -> Markup {
    html! {
        @for (figure, picture) in content.figures.iter().zip(pictures) { (drawn(figure, picture)) }
        @for omitted in &content.omitted {
            p { "Left out: “" (omitted.title) "”, because " (omitted.reason) "." }
        }
    }
}

pub(super) fn drawn(figure: &Figure, picture: &str) -> Markup {
    html! {
        figure id=(figure.id) {
            h3 { (figure.title) }
            div.plot tabindex="0" role="region" aria-label={ "Figure: " (figure.title) } { (PreEscaped(picture)) }
            figcaption {
                p { (unbroken(&figure.caption)) }
                @for note in &figure.notes { p { (unbroken(note)) } }
            }
        }
    }
}

fn expected(content: &Content) -> Markup {
    html! {
        @if content.expected.rows.is_empty() {
            p { "No client of this run has an expected value." }
        } @else {
            p { (RESIDUALS) }
            (table(&content.expected))
        }
    }
}

fn warnings(content: &Content) -> Markup {
    html! {
        @if content.warnings.is_empty() && content.failures.is_empty() {
            p { "None: nothing was found that casts doubt on the numbers." }
        }
        @for warning in &content.warnings {
            div.warning {
                p { span.who { (warning.client.as_deref().unwrap_or("The whole run")) } ": " (warning.what) "." }
                p { "What to do: " (warning.advice) "." }
            }
        }
        @for failure in &content.failures { div.warning { p { span.who { "Not measured" } ": " (failure) } } }
        p { (content.limits) }
    }
}

fn setup(content: &Content) -> Markup {
    html! { dl.setup { @for (name, value) in &content.setup { dt { (name) } dd { (value) } } } }
}

fn terms() -> Markup {
    html! { dl { @for (term, meaning) in GLOSSARY { dt { (term) } dd { (meaning) } } } }
}

fn repeat(content: &Content) -> Markup {
    html! {
        pre tabindex="0" { code { (content.command) } }
        p {
            "The folder of this report holds every recorded fact: " code { "emissions.csv" } ", " code { "observations.csv" } " and "
            code { "ledger.csv" } ", with the summary in " code { "summary.csv" } " and everything else in " code { "run.json" } ". "
            code { "pollcost report" } " draws this report again from them."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::content::tests::content;
    use crate::report::synthetic::{Wish, cases};

    /// A stand-in for the drawings, which another room makes.
    fn page(content: &Content) -> String {
        let pictures: Vec<String> =
            content.figures.iter().map(|f| format!("<svg role=\"img\"><title>{}</title></svg>", f.id)).collect();
        render(content, &pictures)
    }

    /// Every element is closed, in order. Names of elements that never are.
    fn assert_well_formed(page: &str) {
        const EMPTY: &[&str] = &["meta", "!DOCTYPE", "br", "img", "link"];
        let mut open: Vec<&str> = Vec::new();
        for part in page.split('<').skip(1) {
            let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("no end of <{part}"));
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "closed but not open");
            } else {
                let name = tag.split([' ', '/']).next().unwrap();
                if !EMPTY.contains(&name) && !tag.ends_with('/') {
                    open.push(name);
                }
            }
        }
        assert!(open.is_empty(), "left open: {open:?}");
    }

    #[test]
    fn pages_are_well_formed_and_need_nothing_from_outside() {
        for (case, wish) in cases() {
            let page = page(&content(&wish));
            assert_well_formed(&page);
            for attribute in ["src=", "href=\"http", "href=\"//", "url(", "@import", "<script", "<link"] {
                assert!(!page.contains(attribute), "{case}: {attribute}");
            }
        }
    }

    #[test]
    fn no_line_ends_between_a_number_and_its_unit() {
        assert_eq!(unbroken("58.7 µs, 90 % of 3 s."), "58.7\u{a0}µs, 90\u{a0}% of 3\u{a0}s.");
        assert_eq!(unbroken("100 sheep in % s"), "100 sheep in % s");
    }

    #[test]
    fn anchors_lead_somewhere_and_are_unique() {
        let page = page(&content(&Wish::default()));
        for anchor in page.split("href=\"#").skip(1).filter_map(|part| part.split('"').next()) {
            assert_eq!(page.matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
        }
    }

    #[test]
    fn it_says_what_was_measured_and_what_was_not() {
        let content = content(&Wish::default());
        let page = page(&content);
        for figure in &content.figures {
            assert!(page.contains(&format!("<title>{}</title>", figure.id)));
        }
        for words in [
            "<code>poll-1s</code>",
            "poll-100ms",
            "What to do: draw a random phase",
            "died &lt;signal 9&gt;",
            "no cpufreq in this kernel",
        ] {
            assert!(page.contains(words), "{words}");
        }
    }
}
