//! The page that all reports share: one HTML file that needs nothing else, with navigation, tables, figures, and a little script
//! without which it is whole.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figure::{Figure, Omitted, left_out};
use super::grids::{Cell, Grid};
use super::palette;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// A part of a page that the navigation names.
#[derive(Debug)]
pub struct Section {
    /// Where a link leads.
    pub anchor: &'static str,
    /// Its heading.
    pub name: &'static str,
    /// What stands below.
    pub body: Markup,
}

/// A page.
#[derive(Debug)]
pub struct Page<'a> {
    /// Its heading.
    pub title: &'a str,
    /// What it is about, in a line.
    pub subtitle: &'a str,
    /// In order.
    pub sections: Vec<Section>,
    /// Names of those who have a colour in the figures, by place: a reader may choose among them.
    pub clients: &'a [String],
    /// What they are, as the choice has it: `Clients`.
    pub choice: &'static str,
}

impl Page<'_> {
    /// As HTML.
    #[must_use]
    pub fn render(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="generator" content="pollcost";
                    title { (self.title) " – pollcost" }
                    style { (PreEscaped(STYLE)) (PreEscaped(dark_style())) }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        h1 { (self.title) }
                        p.subtitle { (self.subtitle) }
                        nav aria-label="Sections" { ul {
                            @for section in &self.sections { li { a href={ "#" (section.anchor) } { (section.name) } } }
                        } }
                    }
                    main #content {
                        @for Section { anchor, name, body } in &self.sections {
                            section aria-labelledby=(anchor) { h2 id=(anchor) { (name) } (body) }
                        }
                    }
                    footer { p { "Written by pollcost " (env!("CARGO_PKG_VERSION")) "." } }
                    script type="application/json" id="clients" data-choice=(self.choice) { (PreEscaped(self.names())) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string()
    }

    /// As JSON that cannot end the script element that it stands in.
    fn names(&self) -> String {
        serde_json::to_string(self.clients).unwrap_or_else(|_| "[]".to_owned()).replace('<', "\\u003c")
    }
}

fn dark_style() -> String {
    format!("@media screen and (prefers-color-scheme:dark){{{}}}", palette::dark_rules(".plot"))
}

/// A table. Rows that begin with the name of one of `clients`, and columns of that name, are hidden with it.
#[must_use]
pub fn table(grid: &Grid, clients: &[String]) -> Markup {
    let named = |text: &str| clients.iter().position(|name| name == text);
    let client = |row: &[Cell]| row.first().and_then(|cell| named(&cell.text));
    // A region that scrolls must be reachable by keyboard, and then it needs a name.
    html! {
        div.scroll tabindex="0" role="region" aria-label=(grid.caption) {
            // On a phone a row becomes a card, which takes its roles away: they are said.
            table role="table" {
                caption { span { (grid.caption) } }
                thead role="rowgroup" { tr role="row" { @for (column, name) in grid.head.iter().enumerate() {
                    th scope="col" role="columnheader" data-client=[named(name)] class=[is_number(grid, column).then_some("number")] { (name) }
                } } }
                tbody role="rowgroup" { @for row in &grid.rows {
                    tr role="row" data-client=[client(row)] {
                        @for (value, head) in row.iter().zip(&grid.head) { (cell(row, value, head, named(head))) }
                    }
                } }
            }
        }
        @for note in &grid.notes { p.note { (unbroken(note)) } }
    }
}

fn is_number(grid: &Grid, column: usize) -> bool {
    grid.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.number)
}

fn cell(row: &[Cell], value: &Cell, head: &str, client: Option<usize>) -> Markup {
    html! {
        @if row.first().is_some_and(|first| std::ptr::eq(first, value)) {
            th scope="row" role="rowheader" {
                @if let Some(link) = &value.link { a href=(link) { (value.marked()) } } @else { (value.marked()) }
            }
        } @else {
            td role="cell" data-head=(head) data-client=[client] class=[value.number.then_some("number")] {
                span {
                    (value.marked())
                    @if let Some(interval) = &value.interval { " " span.interval { "(" (interval) ")" } }
                }
            }
        }
    }
}

/// Figures with their drawings, and why others are missing.
#[must_use]
pub fn figures(figures: &[Figure], pictures: &[String], omitted: &[Omitted]) -> Markup {
    html! {
        @if figures.len() > 3 {
            nav aria-label="Figures" { ul { @for figure in figures { li { a href={ "#" (figure.id) } { (figure.title) } } } } }
        }
        @for (figure, picture) in figures.iter().zip(pictures) {
            figure id=(figure.id) {
                h3 { (figure.title) }
                div.plot tabindex="0" role="region" aria-label={ "Figure: " (figure.title) } { (PreEscaped(picture)) }
                figcaption {
                    p { (unbroken(&figure.caption)) }
                    @for note in &figure.notes { p { (unbroken(note)) } }
                }
            }
        }
        @for words in left_out(omitted) { p { (words) } }
    }
}

/// Blanks between a number and its unit become such that no line ends there.
#[must_use]
pub fn unbroken(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_ends_between_a_number_and_its_unit() {
        assert_eq!(unbroken("58.7 µs, 90 % of 3 s."), "58.7\u{a0}µs, 90\u{a0}% of 3\u{a0}s.");
        assert_eq!(unbroken("100 sheep in % s"), "100 sheep in % s");
    }

    #[test]
    fn a_name_cannot_end_the_script() {
        let clients = ["</script><b>".to_owned()];
        let page =
            Page { title: "t", subtitle: "s", sections: Vec::new(), clients: &clients, choice: "Clients" }.render();
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(page.contains("\\u003c/script>"));
    }
}
