//! Two or more runs side by side, and an overview of many: the same clients in a row, each run with a colour of its own.

use super::doubts::{AT_FLOOR, DIRTY, DISTURBED, Doubts};
use super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Sample, Series, Shape, Symbol};
use super::figures::server_load;
use super::grids::{Cell, Grid};
use super::number::{self, Kind};
use super::palette::Identity;
use super::scale::Unit;
use super::{markdown, page};
use crate::scenario::model::Scenario;
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Summary};

/// One of the runs.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What it is called: its folder.
    pub name: &'a str,
    /// `live` or `simulated`.
    pub how: &'a str,
    /// When, as a reader should see it.
    pub when: &'a str,
    /// What was run.
    pub scenario: &'a Scenario,
    /// What it came to.
    pub summary: &'a Summary,
    /// What is known against its numbers.
    pub doubts: &'a Doubts,
}

impl Side<'_> {
    fn is_simulated(&self) -> bool {
        self.how == "simulated"
    }

    /// Its name as a legend has it.
    pub(super) fn legend(&self) -> String {
        if self.is_simulated() { format!("{} (simulated)", self.name) } else { self.name.to_owned() }
    }
}

/// Which of the runs were not measured; empty where all were.
pub(super) fn simulated(sides: &[Side<'_>]) -> String {
    let names: Vec<&str> = sides.iter().filter(|side| side.is_simulated()).map(|side| side.name).collect();
    if names.is_empty() { String::new() } else { format!("Simulated, not measured: {}. ", names.join(", ")) }
}

/// The finished content.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Heading.
    pub title: String,
    /// What is compared, in a line.
    pub subtitle: String,
    /// Names of the runs, by the place of their colour.
    pub runs: Vec<String>,
    /// Which runs.
    pub overview: Grid,
    /// A table for each quantity: a row a client, a column a run.
    pub quantities: Vec<Grid>,
    /// Figures that have data.
    pub figures: Vec<Figure>,
    /// The others.
    pub omitted: Vec<Omitted>,
}

/// A quantity that runs are compared by.
struct Quantity {
    id: &'static str,
    name: &'static str,
    title: &'static str,
    kind: Kind,
    unit: Unit,
    axis: &'static str,
    of: fn(&ClientSummary) -> Option<Estimate>,
    drawn: bool,
}

const QUANTITIES: [Quantity; 6] = [
    Quantity {
        id: "runs_latency",
        name: "Notice latency, mean",
        title: "How late is each client in each run?",
        kind: Kind::Time,
        unit: Unit::Nanoseconds,
        axis: "Mean notice latency (seconds, log scale)",
        of: |client| client.notice.mean_ns,
        drawn: true,
    },
    Quantity {
        id: "runs_p99",
        name: "Notice latency, 99 %",
        title: "How late is one change of a hundred in each run?",
        kind: Kind::Time,
        unit: Unit::Nanoseconds,
        axis: "99 % of notice latency (seconds, log scale)",
        of: |client| client.notice.p99_ns,
        drawn: true,
    },
    Quantity {
        id: "runs_cpu_client",
        name: "CPU of client",
        title: "What does each client take in each run?",
        kind: Kind::Percent,
        unit: Unit::Percent,
        axis: "Processor time of the client (% of one core, log scale)",
        of: |client| client.cpu_client_percent,
        drawn: true,
    },
    Quantity {
        id: "runs_cpu_ioc",
        name: "CPU of IOC",
        title: "What does each client take of the IOC in each run?",
        kind: Kind::Percent,
        unit: Unit::Percent,
        axis: "Processor time of the IOC (% of one core, log scale)",
        of: |client| client.cpu_ioc_percent,
        drawn: true,
    },
    Quantity {
        id: "runs_missed",
        name: "Missed",
        title: "",
        kind: Kind::Fraction,
        unit: Unit::Fraction,
        axis: "",
        of: |client| client.missed_fraction,
        drawn: false,
    },
    Quantity {
        id: "runs_redundant",
        name: "Redundant",
        title: "",
        kind: Kind::Fraction,
        unit: Unit::Fraction,
        axis: "",
        of: |client| client.redundant_fraction,
        drawn: false,
    },
];

/// How it is to be read.
const READING: &str = "A row is a client, by its name in the scenario; a dash stands for what a run does not have. Intervals are those of each run: \
     whether runs differ is decided by a paired comparison, not by eye.";

impl Comparison {
    /// Puts runs side by side.
    #[must_use]
    pub fn new(sides: &[Side<'_>]) -> Comparison {
        let clients = clients(sides);
        let mut figures = Vec::new();
        let mut omitted = Vec::new();
        let drawn =
            QUANTITIES.iter().filter(|quantity| quantity.drawn).map(|quantity| quantity.figure(sides, &clients));
        for result in drawn.chain([server_load(sides)]) {
            match result {
                Ok(figure) => figures.push(figure),
                Err(reason) => omitted.push(reason),
            }
        }
        Comparison {
            title: format!("{} runs side by side", sides.len()),
            subtitle: sides.iter().map(|side| side.name).collect::<Vec<_>>().join(", "),
            runs: sides.iter().map(|side| side.name.to_owned()).collect(),
            overview: overview(sides),
            quantities: QUANTITIES
                .iter()
                .map(|quantity| quantity.grid(sides, &clients))
                .filter(|grid| grid.rows.iter().any(|row| row.iter().skip(1).any(|cell| *cell != Cell::none())))
                .collect(),
            figures,
            omitted,
        }
    }

    /// As HTML. `pictures` are the figures as SVG, in order.
    #[must_use]
    pub fn html(&self, pictures: &[String]) -> String {
        let tables = maud::html! {
            @for grid in &self.quantities { (page::table(grid, &self.runs)) }
            p { (READING) }
        };
        let sections = vec![
            page::Section { anchor: "runs", name: "The runs", body: page::table(&self.overview, &self.runs) },
            page::Section {
                anchor: "figures",
                name: "Figures",
                body: page::figures(&self.figures, pictures, &self.omitted),
            },
            page::Section { anchor: "numbers", name: "The numbers", body: tables },
        ];
        page::Page { title: &self.title, subtitle: &self.subtitle, sections, clients: &self.runs, choice: "Runs" }
            .render()
    }

    /// As Markdown, its figures beside it in `figures/`.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut parts = vec![format!("# {}", self.title), markdown::table(&self.overview)];
        parts.push(markdown::figures(&self.figures, &self.omitted));
        parts.push("## The numbers".to_owned());
        parts.extend(self.quantities.iter().map(markdown::table));
        parts.push(READING.to_owned());
        parts.join("\n\n") + "\n"
    }
}

/// Every client's name once, in the order in which runs have them.
fn clients(sides: &[Side<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for client in sides.iter().flat_map(|side| &side.summary.clients) {
        if !names.contains(&client.name) {
            names.push(client.name.clone());
        }
    }
    names
}

fn of<'a>(side: &Side<'a>, client: &str) -> Option<&'a ClientSummary> {
    side.summary.clients.iter().find(|found| found.name == client)
}

fn overview(sides: &[Side<'_>]) -> Grid {
    let row = |side: &Side<'_>| {
        let changes: u64 = side.summary.clients.iter().map(|client| client.changes).sum();
        vec![
            Cell::words(side.name),
            Cell::words(&side.scenario.name),
            Cell::words(side.how),
            Cell::words(side.when),
            Cell::plain(side.scenario.seed.to_string()),
            Cell::plain(side.summary.clients.len().to_string()),
            Cell::plain(side.scenario.pvs.len().to_string()),
            Cell::plain(side.scenario.repeats.to_string()),
            Cell::plain(number::count(changes)),
            Cell::plain(side.summary.warnings.len().to_string()),
        ]
    };
    let head = ["Run", "Scenario", "How", "When", "Seed", "Clients", "PVs", "Repeats", "Changes", "Warnings"];
    Grid {
        caption: "Which runs".to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: sides.iter().map(row).collect(),
        notes: Vec::new(),
    }
}

impl Quantity {
    fn grid(&self, sides: &[Side<'_>], clients: &[String]) -> Grid {
        let row = |client: &String| {
            let cells = sides.iter().map(|side| Cell {
                mark: self.mark(side, client),
                ..Cell::estimate(self.kind, of(side, client).and_then(self.of))
            });
            std::iter::once(Cell::words(client)).chain(cells).collect()
        };
        let notes = [
            (AT_FLOOR, "Near or below that machine's floor: what is left is the machine's, not the strategy's."),
            (DIRTY, DISTURBED),
        ];
        let rows: Vec<Vec<Cell>> = clients.iter().map(row).collect();
        let used = |mark: &str| rows.iter().flatten().any(|cell| cell.mark.contains(mark));
        let notes =
            notes.iter().filter(|(mark, _)| used(mark)).map(|(mark, words)| format!("{mark} {words}")).collect();
        let head = std::iter::once("Client".to_owned()).chain(sides.iter().map(|side| side.name.to_owned())).collect();
        Grid { caption: self.name.to_owned(), head, rows, notes }
    }

    /// What a number of a client is marked with in a run that has it.
    fn mark(&self, side: &Side<'_>, client: &str) -> &'static str {
        if of(side, client).and_then(self.of).is_none() {
            return "";
        }
        let near = if self.unit == Unit::Nanoseconds { side.doubts.of_latency(client) } else { "" };
        match (near.is_empty(), side.doubts.of_all(client).is_empty()) {
            (false, false) => "† ‡",
            (false, true) => AT_FLOOR,
            (true, false) => DIRTY,
            (true, true) => "",
        }
    }

    /// A lane for each client, a point for each run.
    fn figure(&self, sides: &[Side<'_>], clients: &[String]) -> Result<Figure, Omitted> {
        let omitted = || Omitted { id: self.id, title: self.title.into(), reason: "no run has it".into() };
        let has = |client: &&String| {
            sides.iter().any(|side| of(side, client).and_then(self.of).is_some_and(|e| e.point > 0.0))
        };
        let shown: Vec<&String> = clients.iter().filter(has).collect();
        let (lanes, count) = (shown.len() as f64, sides.len() as f64);
        let mut series = Vec::new();
        for (run, side) in sides.iter().enumerate() {
            let point = |(lane, client): (usize, &&String)| {
                let found = of(side, client).and_then(self.of).filter(|e| e.point > 0.0)?;
                let down = (run as f64 + 1.0) / (count + 1.0);
                let y = lanes - lane as f64 - down;
                Some(Point { x: found.point, y, x_interval: found.interval, ..Point::default() })
            };
            let points: Vec<Point> = shown.iter().enumerate().filter_map(point).collect();
            let shape = Shape::Points { points, hollow: false };
            series.push(Series { name: side.name.to_owned(), look: Look::Client(Identity(run)), shape });
        }
        let x = Extent::all(series.iter().map(Series::x_extent)).log().ok_or_else(omitted)?;
        let keys = sides.iter().enumerate().map(|(run, side)| super::figure::Key {
            text: side.legend(),
            look: Look::Client(Identity(run)),
            symbol: Symbol::Marker,
        });
        let all = || sides.iter().flat_map(|side| &side.summary.clients);
        let n = Sample {
            repeats: all().map(|client| client.repeats).min().unwrap_or(0),
            changes: all().map(|client| client.changes).sum(),
        };
        Ok(Figure {
            id: self.id,
            title: self.title.into(),
            caption: format!(
                "{}{} of each client, a lane each, in each run. Bars with caps: 95 % interval over repeats, often smaller than the marker. n: at least {} repeats \
                 of each client in each run, {} changes.",
                simulated(sides),
                self.name,
                n.repeats,
                number::count(n.changes)
            ),
            alt: self.alt(sides, &shown),
            x: Axis::new(self.axis, self.unit, x),
            y: Axis::lanes("", shown.iter().map(|name| (*name).clone()).collect()),
            series,
            keys: keys.collect(),
            direct_labels: false,
            notes: Vec::new(),
            n,
        })
    }

    fn alt(&self, sides: &[Side<'_>], clients: &[&String]) -> String {
        let told = |client: &&&String| {
            let values = sides.iter().filter_map(|side| {
                Some(format!("{} {}", number::value(self.kind, &(self.of)(of(side, client)?)?), side.name))
            });
            format!("{}: {}", client, values.collect::<Vec<_>>().join(", "))
        };
        let words: Vec<String> = clients.iter().take(6).map(|client| told(&client)).collect();
        format!("{} in each run. {}.", self.name, words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic::Wish;

    fn compared(wishes: &[(&str, Wish)]) -> Comparison {
        had(wishes, "live", &Doubts::default())
    }

    fn had(wishes: &[(&str, Wish)], how: &str, doubts: &Doubts) -> Comparison {
        let runs: Vec<_> = wishes.iter().map(|(name, wish)| (*name, wish.summary(), wish.scenario())).collect();
        let sides: Vec<Side<'_>> = runs
            .iter()
            .map(|(name, summary, scenario)| Side { name, how, when: "2026-03-01", scenario, summary, doubts })
            .collect();
        Comparison::new(&sides)
    }

    #[test]
    fn clients_that_only_one_run_has_are_dashes_in_the_others() {
        let fewer = Wish { sleeps: vec![crate::time::Span::from_millis(10)], ..Wish::default() };
        let found = compared(&[("before", Wish::default()), ("after", fewer)]);
        assert_eq!(found.overview.rows.len(), 2);
        for grid in &found.quantities {
            assert_eq!((grid.rows.len(), grid.head.len()), (6, 3));
            assert!(grid.rows.iter().all(|row| row.len() == 3));
        }
        let latency = &found.quantities[0];
        let spin = latency.rows.iter().find(|row| row[0].text.starts_with("poll-0")).unwrap();
        assert_eq!(spin[2].text, "–");
        assert!(found.markdown().contains("| poll-1s |"));
    }

    #[test]
    fn what_was_simulated_and_what_is_doubtful_says_so() {
        let wish = Wish::default();
        let mut summary = wish.summary();
        summary.clients[1].stolen_percent = Some(7.0);
        let doubts = Doubts::new(&summary, &wish.scenario(), &crate::trace::Host::default());
        let found = had(&[("one", wish)], "simulated", &doubts);
        for figure in &found.figures {
            assert_eq!(figure.keys[0].text, "one (simulated)");
            assert!(figure.caption.starts_with("Simulated, not measured: one. "), "{}", figure.caption);
        }
        assert!(found.quantities.iter().all(|grid| grid.rows[1][1].mark == DIRTY && grid.notes.len() == 1));
        assert!(found.markdown().contains(DIRTY));
    }

    #[test]
    fn a_page_of_many_runs_holds_all_of_them() {
        let names: Vec<String> = (0..12).map(|k| format!("run-{k}")).collect();
        let wishes: Vec<(&str, Wish)> =
            names.iter().enumerate().map(|(k, n)| (n.as_str(), Wish { seed: k as u64, ..Wish::default() })).collect();
        let found = compared(&wishes);
        assert_eq!(found.figures.len(), 4);
        assert_eq!(found.omitted[0].id, "server_load");
        let page = found.html(&vec![String::new(); 4]);
        assert!(names.iter().all(|name| page.contains(name.as_str())));
    }
}
