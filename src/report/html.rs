//! The report of a run as one HTML file that needs nothing else: no network, no font.

use maud::{Markup, html};

use super::content::{Content, GLOSSARY, READING, residuals};
use super::page::{self, Page, Section, table, unbroken};
use super::prose::pieces;
use super::verdicts;
use super::warned::by_kind;

/// Writes the report. `pictures` are the figures as SVG in the light theme, in the order of the content's figures; a style rule
/// turns them dark where the reader's screen is.
#[must_use]
pub fn render(content: &Content, pictures: &[String]) -> String {
    let section = |anchor, name, body| Section { anchor, name, body };
    let mut sections =
        vec![section("plain", "In plain words", plain(content)), section("numbers", "The numbers", numbers(content))];
    if !content.verdicts.is_empty() {
        let place = if content.has_claims() { 1 } else { 2 };
        sections.insert(place, section("verdicts", "Verdicts", verdicts(content)));
    }
    sections.extend([
        section("figures", "Figures", page::figures(&content.figures, pictures, &content.omitted)),
        section("expected", content.expected_heading(), expected(content)),
        section("warnings", "Warnings", warnings(content)),
        section("setup", "What was run on what", rows(&content.setup)),
        section("terms", "Terms", terms()),
        section("repeat", "How to repeat it", repeat(content)),
    ]);
    Page { title: &content.title, subtitle: &content.subtitle, sections, clients: &content.clients, choice: "Clients" }
        .render()
}

fn plain(content: &Content) -> Markup {
    html! { div.plain { @for paragraph in &content.plain { p { (named(paragraph)) } } } }
}

/// A paragraph with the names in it set apart.
pub(super) fn named(text: &str) -> Markup {
    html! {
        @for (piece, is_name) in pieces(text) {
            @if is_name { code { (piece) } } @else { (unbroken(piece)) }
        }
    }
}

fn numbers(content: &Content) -> Markup {
    html! {
        @for grid in &content.results { (table(grid, &content.clients)) }
        p { (READING) }
    }
}

fn verdicts(content: &Content) -> Markup {
    html! {
        @for (_, grid) in &content.verdicts { (table(grid, &content.clients)) }
        p { (verdicts::READING) }
        @for (claim, note) in &content.claim_notes { p { strong { (claim) } ": " (named(note)) } }
    }
}

fn expected(content: &Content) -> Markup {
    html! {
        @if content.expected.rows.is_empty() {
            p { "No client of this run has an expected value." }
        } @else {
            p { (residuals(content.got)) }
            (table(&content.expected, &content.clients))
        }
    }
}

fn warnings(content: &Content) -> Markup {
    html! {
        @if content.warnings.is_empty() && content.failures.is_empty() {
            p { "None: nothing was found that casts doubt on the numbers." }
        }
        @for kind in by_kind(&content.warnings) {
            div.warning {
                @for (client, what) in &kind.seen { p { span.who { (client.unwrap_or("The whole run")) } ": " (what) "." } }
                p { "What to do: " (kind.advice) "." }
            }
        }
        @for failure in &content.failures { div.warning { p { span.who { "Not measured" } ": " (failure) } } }
        p { (content.limits) }
    }
}

/// Names and values.
pub(super) fn rows(rows: &[(String, String)]) -> Markup {
    html! { dl.setup { @for (name, value) in rows { dt { (name) } dd { (value) } } } }
}

/// What the words of a report mean.
pub(super) fn terms() -> Markup {
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
        // A script may hold any sign.
        let (page, _) = page.split_once("<script>").unwrap_or((page, ""));
        let page = format!("{page}</body></html>");
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
            for attribute in ["src=", "href=\"http", "href=\"//", "url(", "@import", "<script src", "<link"] {
                assert!(!page.contains(attribute), "{case}: {attribute}");
            }
        }
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
