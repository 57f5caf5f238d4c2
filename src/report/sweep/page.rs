//! The report over the cells of a sweep: one page, one Markdown file, and the way to the report of each cell.

use std::collections::BTreeMap;

use maud::{Markup, html as markup};

use super::super::content::{LIMITS, READING, SIMULATED_LIMITS};
use super::super::figure::{Figure, Omitted};
use super::super::figures::of_sweep;
use super::super::grids::{Cell, Grid};
use super::super::number::{self, Kind};
use super::super::page::{self, Page, Section};
use super::super::setup::host_rows;
use super::super::{html, markdown};
use super::survey::{CellFound, Part, Survey};
use super::view::Quantity;
use crate::scenario::metric::Metric;
use crate::scenario::sweep::told;
use crate::summary::ClientSummary;

/// Cells that a warning names one by one.
const MOST_NAMED: usize = 4;

/// What a report needs besides the cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepSetting {
    /// The command that repeats it.
    pub command: String,
}

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

/// A warning of one or more cells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    who: String,
    what: String,
    advice: String,
    cells: String,
}

impl<'s> SweepReport<'s> {
    /// Puts a report together.
    #[must_use]
    pub fn new(survey: &'s Survey, setting: SweepSetting) -> SweepReport<'s> {
        let (figures, omitted) = of_sweep(survey);
        let index = &survey.index;
        let how = match &index.simulated {
            Some(option) => format!("simulated in virtual time ({option})"),
            None => "measured live".to_owned(),
        };
        SweepReport {
            survey,
            figures,
            omitted,
            title: title(survey),
            subtitle: format!("Sweep {}, {} of {} cells, {how}", index.scenario.name, survey.done(), index.cells.len()),
            plain: survey.plain(),
            setup: setup(survey),
            warnings: warnings(survey),
            command: setting.command,
        }
    }

    /// Figures that have no data, each with the reason, as a terminal has them.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        self.omitted.iter().map(|omitted| format!("{}: {}", omitted.id, omitted.reason)).collect()
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
                    p { span.who { (warning.who) } ": " (warning.what) "." }
                    p { "In " (warning.cells) ". What to do: " (warning.advice) "." }
                }
            }
            p { (self.limits()) }
        }
    }

    /// As Markdown, the figures beside it in `figures/`.
    #[must_use]
    pub fn markdown(&self) -> String {
        let text = markdown::text;
        let warnings: Vec<String> = self
            .warnings
            .iter()
            .map(|w| {
                let (who, what, advice) = (text(&w.who), text(&w.what), text(&w.advice));
                format!("- **{who}**: {what}. In {}. What to do: {advice}.", text(&w.cells))
            })
            .collect();
        let warnings = if warnings.is_empty() { NO_WARNING.to_owned() } else { warnings.join("\n") };
        let setup: Vec<String> =
            self.setup.iter().map(|(name, value)| format!("- {}: {}", text(name), text(value))).collect();
        let mut parts = vec![
            format!("# {}\n\n{}", text(&self.title), text(&self.subtitle)),
            format!(
                "## In plain words\n\n{}",
                self.plain.iter().map(|p| markdown::named(p)).collect::<Vec<_>>().join("\n\n")
            ),
        ];
        if let Some(grid) = self.survey.break_even_grid() {
            parts.push(format!("## Break-even\n\n{}\n\n{HOW}", markdown::table(&grid)));
        }
        let cells = self.cells(|found| found.pages.markdown.then_some("report.md"));
        parts.extend([
            markdown::figures(&self.figures, &self.omitted),
            format!("## Cells\n\n{}\n\n{READING}", markdown::table(&cells)),
            format!("## Warnings\n\n{warnings}\n\n{}", self.limits()),
            format!("## What was run on what\n\n{}", setup.join("\n")),
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
                }
                rows.push(padded(row));
            }
        }
        Grid {
            caption: "Every client of every cell".to_owned(),
            head: HEAD.map(str::to_owned).to_vec(),
            rows,
            notes: vec![
                "Over the callback: processor time of the poller and its IOC over that of the callback and its IOC, in the same cell."
                    .to_owned(),
            ],
        }
    }
}

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

/// The warnings of all cells, each once, with the cells that have it.
fn warnings(survey: &Survey) -> Vec<Found> {
    let mut all: BTreeMap<(String, String), (String, Vec<String>)> = BTreeMap::new();
    for (cell, found) in survey.index.cells.iter().zip(&survey.cells) {
        for warning in found.iter().flat_map(|found| &found.summary.warnings) {
            let who = warning.client.clone().unwrap_or_else(|| "The whole run".to_owned());
            // Numbers differ from cell to cell; what is said first stands for all.
            let kind: String = warning.what.chars().filter(|c| c.is_alphabetic()).collect();
            let (_, cells) = all
                .entry((who, format!("{kind}\n{}", warning.advice)))
                .or_insert_with(|| (warning.what.clone(), Vec::new()));
            cells.push(told(&survey.index.axes, &cell.at));
        }
    }
    let found = |((who, kind), (what, mut cells)): ((String, String), (String, Vec<String>))| {
        cells.dedup();
        let more = cells.len().saturating_sub(MOST_NAMED);
        let advice = kind.split_once('\n').map(|(_, advice)| advice.to_owned()).unwrap_or_default();
        cells.truncate(MOST_NAMED);
        let more = if more > 0 { format!("; and {more} more cells") } else { String::new() };
        Found { who, what, advice, cells: cells.join("; ") + &more }
    };
    all.into_iter().map(found).collect()
}
