//! The report over the cells of a sweep: one page, one Markdown file, and the way to the report of each cell.

use maud::{Markup, html as markup};

use super::super::content::{LIMITS, READING, SIMULATED_LIMITS};
use super::super::doubts::{AT_FLOOR, DIRTY, DISTURBED, Doubts};
use super::super::figure::{Figure, Omitted};
use super::super::figures::of_sweep;
use super::super::grids::{Cell, Grid};
use super::super::number::{self, Kind};
use super::super::page::{self, Page, Section};
use super::super::prose::how;
use super::super::setup::host_rows;
use super::super::warned::by_kind;
use super::super::{html, markdown};
use super::survey::{CellFound, Part, Survey};
use super::view::Quantity;
use crate::scenario::metric::Metric;
use crate::scenario::sweep::told;
use crate::summary::ClientSummary;

/// Warnings of a kind that are told in full.
const MOST_NAMED: usize = 3;

/// The report of a sweep, before it is HTML or Markdown: both are written from the same.
#[derive(Clone, Debug)]
pub struct SweepReport<'s> {
    survey: &'s Survey,
    /// In the order of the report.
    pub figures: Vec<Figure>,
    /// Figures without data.
    pub omitted: Vec<Omitted>,
    title: String,
    subtitle: String,
    plain: Vec<String>,
    setup: Vec<(String, String)>,
    warnings: Vec<Found>,
    command: String,
}

/// What asks for the same thing, in one or more cells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    advice: String,
    /// What was seen, of whom and in which cell: the first few.
    seen: Vec<String>,
    /// How many more.
    more: usize,
}

impl<'s> SweepReport<'s> {
    /// Puts a report together; `command` repeats the sweep.
    #[must_use]
    pub fn new(survey: &'s Survey, command: String) -> SweepReport<'s> {
        let (figures, omitted) = of_sweep(survey);
        let index = &survey.index;
        let how = how(index.simulated.as_deref());
        SweepReport {
            survey,
            figures,
            omitted,
            title: title(survey),
            subtitle: format!("Sweep {}, {} of {} cells, {how}", index.scenario.name, survey.done(), index.cells.len()),
            plain: survey.plain(),
            setup: setup(survey),
            warnings: warnings(survey),
            command,
        }
    }

    /// Figures that have no data, each with the reason, as a terminal has them.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        self.omitted.iter().map(Omitted::line).collect()
    }

    /// As HTML that needs nothing else but the reports that it links to. `pictures` are the figures as SVG.
    #[must_use]
    pub fn html(&self, pictures: &[String]) -> String {
        let clients: Vec<String> = self.survey.index.scenario.clients.iter().map(|c| c.name.clone()).collect();
        let section = |anchor, name, body| Section { anchor, name, body };
        let plain = markup! { div.plain { @for paragraph in &self.plain { p { (html::named(paragraph)) } } } };
        let mut sections = vec![section("plain", "In plain words", plain)];
        if let Some(grid) = self.survey.break_even_grid() {
            let body = markup! { (page::table(&grid, &[])) p { (HOW) } };
            sections.push(section("break-even", "Break-even", body));
        }
        sections.extend([
            section("figures", "Figures", page::figures(&self.figures, pictures, &self.omitted)),
            section(
                "cells",
                "Cells",
                markup! { (page::table(&self.cells(|found| found.pages.html.then_some("report.html")), &[])) p { (READING) } },
            ),
            section("warnings", "Warnings", self.warnings_html()),
            section("setup", "What was run on what", html::rows(&self.setup)),
            section("terms", "Terms", html::terms()),
            section(
                "repeat",
                "How to repeat it",
                markup! { pre tabindex="0" { code { (self.command) } } p { (html::named(REDRAW)) } },
            ),
        ]);
        Page { title: &self.title, subtitle: &self.subtitle, sections, clients: &clients, choice: "Clients" }.render()
    }

    fn warnings_html(&self) -> Markup {
        markup! {
            @if self.warnings.is_empty() { p { (NO_WARNING) } }
            @for warning in &self.warnings {
                div.warning {
                    @for seen in &warning.seen { p { (seen) "." } }
                    @if warning.more > 0 { p { "And " (warning.more) " more of this kind." } }
                    p { "What to do: " (warning.advice) "." }
                }
            }
            p { (self.limits()) }
        }
    }

    /// As Markdown, the figures beside it in `figures/`.
    #[must_use]
    pub fn markdown(&self) -> String {
        let text = markdown::text;
        let warning = |found: &Found| {
            let more = if found.more > 0 { format!(" And {} more of this kind.", found.more) } else { String::new() };
            format!("- {}.{more} What to do: {}.", text(&found.seen.join(". ")), text(&found.advice))
        };
        let warnings: Vec<String> = self.warnings.iter().map(warning).collect();
        let warnings = if warnings.is_empty() { NO_WARNING.to_owned() } else { warnings.join("\n") };
        let mut parts =
            vec![format!("# {}\n\n{}", text(&self.title), text(&self.subtitle)), markdown::plain(&self.plain)];
        if let Some(grid) = self.survey.break_even_grid() {
            parts.push(format!("## Break-even\n\n{}\n\n{HOW}", markdown::table(&grid)));
        }
        let cells = self.cells(|found| found.pages.markdown.then_some("report.md"));
        parts.extend([
            markdown::figures(&self.figures, &self.omitted),
            format!("## Cells\n\n{}\n\n{READING}", markdown::table(&cells)),
            format!("## Warnings\n\n{warnings}\n\n{}", self.limits()),
            markdown::setup(&self.setup),
            markdown::terms(),
            format!("## How to repeat it\n\n```\n{}\n```\n\n{REDRAW}", self.command),
        ]);
        parts.join("\n\n") + "\n"
    }

    fn limits(&self) -> &'static str {
        if self.survey.index.simulated.is_some() { SIMULATED_LIMITS } else { LIMITS }
    }

    /// A row for each client of each cell; the first column leads to the report of the cell.
    fn cells(&self, page: fn(&CellFound) -> Option<&'static str>) -> Grid {
        let survey = self.survey;
        let mut rows = Vec::new();
        for (place, (cell, found)) in survey.index.cells.iter().zip(&survey.cells).enumerate() {
            let words = told(&survey.index.axes, &cell.at);
            let Some(found) = found else {
                rows.push(padded(vec![Cell::words(words), Cell::words("not run")]));
                continue;
            };
            let link = page(found).map(|file| format!("{}/{file}", cell.folder));
            for client in &found.summary.clients {
                let mut row = vec![Cell { link: link.clone(), ..Cell::words(words.clone()) }];
                if found.failed {
                    row.push(Cell::words(format!("{}: a client failed", client.name)));
                } else {
                    row.extend(numbers(survey, place, client));
                    mark(&mut row, &client.name, &found.doubts);
                }
                rows.push(padded(row));
            }
        }
        Grid {
            caption: "Every client of every cell".to_owned(),
            head: HEAD.map(str::to_owned).to_vec(),
            notes: notes(&rows),
            rows,
        }
    }
}

/// What lies near the floor or was disturbed gets its sign, as in the report of the cell.
fn mark(row: &mut [Cell], client: &str, doubts: &Doubts) {
    let marks =
        [(CLIENT, doubts.of_all(client))].into_iter().chain(LATENCIES.map(|at| (at, doubts.of_latency(client))));
    for (column, sign) in marks {
        if let Some(cell) = row.get_mut(column).filter(|cell| !sign.is_empty() && **cell != Cell::none()) {
            cell.mark = sign;
        }
    }
}

fn notes(rows: &[Vec<Cell>]) -> Vec<String> {
    let over = "Over the callback: processor time of the poller and its IOC over that of the callback and its IOC, in the same cell.";
    let signs = [
        (AT_FLOOR, "Near or below this machine's floor: what is left is the machine's, not the strategy's."),
        (DIRTY, DISTURBED),
    ];
    let used = |sign: &str| rows.iter().flatten().any(|cell| cell.mark == sign);
    let told = signs.iter().filter(|(sign, _)| used(sign)).map(|(sign, words)| format!("{sign} {words}"));
    std::iter::once(over.to_owned()).chain(told).collect()
}

/// Columns of [`HEAD`].
const CLIENT: usize = 1;
const LATENCIES: [usize; 2] = [4, 5];

const HEAD: [&str; 8] = [
    "Cell",
    "Client",
    "CPU of client and IOC",
    "over the callback",
    "Notice latency, mean",
    "median",
    "Missed",
    "Redundant",
];

fn padded(mut row: Vec<Cell>) -> Vec<Cell> {
    row.resize_with(HEAD.len(), Cell::none);
    row
}

fn numbers(survey: &Survey, cell: usize, client: &ClientSummary) -> Vec<Cell> {
    let cpu = Metric::named(Quantity::Cpu.metric()).and_then(|metric| survey.estimate(cell, &client.name, metric));
    let polls = survey.callback() != Some(client.name.as_str());
    let ratio = survey.ratio(cell, &client.name, Quantity::Cpu, Part::Whole).filter(|_| polls);
    vec![
        Cell::words(&client.name),
        Cell::estimate(Kind::Percent, cpu),
        ratio.map_or_else(Cell::none, |ratio| Cell::plain(number::plain(Kind::Number, ratio))),
        Cell::estimate(Kind::Time, client.notice.mean_ns),
        Cell::estimate(Kind::Time, client.notice.p50_ns),
        Cell::estimate(Kind::Fraction, client.missed_fraction),
        Cell::estimate(Kind::Fraction, client.redundant_fraction),
    ]
}

const NO_WARNING: &str = "None: nothing was found in any cell that casts doubt on the numbers.";
const HOW: &str = "Cheaper is less processor time of client and IOC together in the same cell; earlier is a lower mean notice latency. The \
     value lies between two cells, found as costs go: processor time is counts times costs, and counts are proportional to rates, so \
     that between two poll periods costs go evenly over the rate of polls. In brackets the 95 % interval over repeats: each repeat of \
     all cells by itself turns somewhere. The closed form takes the costs of each operation as the model has them.";
const REDRAW: &str = "The folder holds a run for each cell, `sweep.csv` with the numbers of all of them, and `sweep.json` with the plan. \
     `pollcost report` on it draws this report again, and on the folder of a cell that of the cell.";

/// The title of the scenario, without the values of the first cell.
fn title(survey: &Survey) -> String {
    let index = &survey.index;
    let values = index.cells.first().map(|cell| format!(" ({})", told(&index.axes, &cell.at)));
    let title = &index.scenario.title;
    values.and_then(|values| title.strip_suffix(&values)).unwrap_or(title).to_owned()
}

/// What was run on what.
fn setup(survey: &Survey) -> Vec<(String, String)> {
    let (index, scenario) = (&survey.index, &survey.index.scenario);
    let row = |name: &str, value: String| (name.to_owned(), value);
    let mut rows = vec![row("Scenario", format!("{}: {}", scenario.name, scenario.about.trim()))];
    for axis in &index.axes {
        let values: Vec<String> = axis.values.iter().map(ToString::to_string).collect();
        rows.push(row(&format!("Swept: {}", axis.key), values.join(", ")));
    }
    let clients: Vec<&str> = scenario.clients.iter().map(|client| client.name.as_str()).collect();
    rows.push(row("Clients", clients.join(", ")));
    let swept = |key: &str| index.axes.iter().any(|axis| axis.key == key);
    let fixed = [
        ("repeats", "Repeats", scenario.repeats.to_string()),
        (
            "window",
            "Measuring window",
            format!("{}, and at least {} poll periods", scenario.window, scenario.min_periods),
        ),
        ("seed", "Seed", scenario.seed.to_string()),
    ];
    rows.extend(fixed.into_iter().filter(|(key, ..)| !swept(key)).map(|(_, name, value)| row(name, value)));
    rows.push(row("Version of pollcost", index.pollcost.clone()));
    let found = || survey.cells.iter().flatten();
    if let Some(note) = found().find_map(|found| found.simulated.as_ref()) {
        rows.push(row("Link, modelled", note.link.clone()));
        rows.push(row("Host, modelled", note.host.clone()));
    }
    let mut machines: Vec<Vec<(String, String)>> = Vec::new();
    for host in found().filter_map(|found| found.host.as_ref()) {
        // The floor is measured anew in each cell.
        let facts: Vec<_> = host_rows(host).into_iter().filter(|(name, _)| !name.starts_with("Floor")).collect();
        if !machines.contains(&facts) {
            machines.push(facts);
        }
    }
    let several = machines.len() > 1;
    for (number, facts) in machines.into_iter().enumerate() {
        let of = if several { format!(" of machine {}", number + 1) } else { String::new() };
        rows.extend(facts.into_iter().map(|(name, value)| (format!("{name}{of}"), value)));
    }
    rows
}

/// The warnings of all cells, those that ask for the same thing together.
fn warnings(survey: &Survey) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for (cell, found) in survey.index.cells.iter().zip(&survey.cells) {
        let at = told(&survey.index.axes, &cell.at);
        for kind in found.iter().flat_map(|found| by_kind(&found.summary.warnings)) {
            let seen =
                kind.seen.iter().map(|(client, what)| format!("{}, {at}: {what}", client.unwrap_or("The whole run")));
            match all.iter_mut().find(|found| found.advice == kind.advice) {
                Some(one) => one.seen.extend(seen),
                None => all.push(Found { advice: kind.advice.to_owned(), seen: seen.collect(), more: 0 }),
            }
        }
    }
    for found in &mut all {
        found.more = found.seen.len().saturating_sub(MOST_NAMED);
        found.seen.truncate(MOST_NAMED);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::example::{BOTH, cases, survey};
    use super::*;

    fn report(survey: &Survey) -> (String, String) {
        let report = SweepReport::new(survey, "pollcost run t.toml".to_owned());
        let pictures: Vec<String> =
            report.figures.iter().map(|f| format!("<svg><title>{}</title></svg>", f.id)).collect();
        (report.html(&pictures), report.markdown())
    }

    #[test]
    fn the_report_of_a_sweep() {
        let table = "pv.change.rate_hz = [1, 1000]\nclient.period = ['1ms', '1s']";
        insta::assert_snapshot!(report(&survey(BOTH, table)).1);
    }

    #[test]
    fn every_cell_and_client_has_a_row_and_leads_to_what_is_there() {
        for (case, survey) in cases() {
            let (page, text) = report(&survey);
            let clients = survey.index.scenario.clients.len();
            assert_eq!(page.matches("/report.html\"").count(), clients * survey.index.cells.len(), "{case}");
            assert!(!text.contains("/report.md)"), "{case}: there is none");
            for attribute in ["src=", "href=\"http", "url(", "@import", "<link"] {
                assert!(!page.contains(attribute), "{case}: {attribute}");
            }
        }
    }

    #[test]
    fn what_is_missing_and_what_failed_is_said() {
        let mut survey = survey(BOTH, "pv.change.rate_hz = [1, 10]\nclient.period = ['1ms', '1s']");
        survey.cells[0] = None;
        survey.cells[1].as_mut().unwrap().failed = true;
        survey.cells[2].as_mut().unwrap().summary.warnings.clear();
        let (page, text) = report(&survey);
        for words in [
            "Of 4 cells, 1 cell is not there: a second start with the same -o runs the rest; 1 cell is left out because a client failed in it.",
            "poll: a client failed",
            "not run",
            "The whole run, rate_hz 10, period 1 s: it was a test",
        ] {
            assert!(page.contains(words) && text.replace("\\_", "_").contains(words), "{words}");
        }
    }
}
