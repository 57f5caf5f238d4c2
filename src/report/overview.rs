//! The overview over the runs of a catalogue: one table, one figure, and the way to each report.

use maud::html as markup;

use super::figure::{Figure, Omitted};
use super::figures;
use super::grids::{Cell, Grid};
use super::html::named;
use super::markdown;
use super::number::Kind;
use super::page::{self, Page, Section};
use super::prose::how;
use crate::summary::{ClientSummary, Summary};

/// One scenario and what it came to.
#[derive(Debug)]
pub struct Surveyed {
    /// Its name: its folder, too.
    pub name: String,
    /// What it is about, in a line.
    pub title: String,
    /// Its numbers.
    pub summary: Summary,
    /// What polling cost, in a sentence.
    pub sentence: String,
}

/// All of them together, ready to be written.
#[derive(Debug)]
pub struct Overview {
    /// The link of a simulation as the command line has it, and its figure then says that nothing was measured; `None`: measured live.
    pub link: Option<String>,
    /// In the order of the catalogue.
    pub scenarios: Vec<Surveyed>,
}

impl Overview {
    /// All scenarios side by side.
    ///
    /// # Errors
    /// When no client of any noticed a change.
    pub fn figure(&self) -> Result<Figure, Omitted> {
        let all: Vec<(&str, &Summary)> = self.scenarios.iter().map(|s| (s.name.as_str(), &s.summary)).collect();
        let figure = figures::overview(&all)?;
        Ok(if self.link.is_some() { figure.marked("simulated") } else { figure })
    }

    /// A row for each client of each scenario.
    #[must_use]
    pub fn grid(&self) -> Grid {
        let rows = self.scenarios.iter().flat_map(|s| s.summary.clients.iter().map(move |client| row(s, client)));
        let head = [
            "Scenario",
            "Client",
            "Notice latency, mean",
            "99 %",
            "Missed",
            "Redundant",
            "CPU of client",
            "CPU of IOC",
        ];
        Grid {
            caption: "Every client of every scenario".to_owned(),
            head: head.map(str::to_owned).to_vec(),
            rows: rows.collect(),
            notes: Vec::new(),
        }
    }

    fn title(&self) -> String {
        format!("{} scenarios, {}", self.scenarios.len(), how(self.link.as_deref()))
    }

    /// As HTML that needs nothing else but the reports that it links to. `picture` is the figure as SVG.
    #[must_use]
    pub fn html(&self, figure: Option<(&Figure, &str)>) -> String {
        let section = |anchor, name, body| Section { anchor, name, body };
        let pages = markup! {
            dl { @for s in &self.scenarios {
                dt { a href={ (s.name) "/report.html" } { (s.name) } ": " (s.title) }
                dd { (named(&s.sentence)) }
            } }
        };
        let mut sections = vec![
            section("scenarios", "Scenarios", pages),
            section("numbers", "The numbers", page::table(&self.grid(), &[])),
        ];
        if let Some((figure, picture)) = figure {
            let drawn = page::figures(std::slice::from_ref(figure), &[picture.to_owned()], &[]);
            sections.insert(0, section("overview", "Side by side", drawn));
        }
        Page {
            title: &self.title(),
            subtitle: "Each scenario links to a report of its own",
            sections,
            clients: &[],
            choice: "Clients",
        }
        .render()
    }

    /// As Markdown, the figure beside it in `figures/`.
    #[must_use]
    pub fn markdown(&self, figure: Option<&Figure>) -> String {
        let mut parts = vec![format!("# {}", markdown::text(&self.title()))];
        if let Some(figure) = figure {
            parts.push(format!("![{}](figures/{}.svg)", markdown::text(&figure.alt), figure.id));
            parts.push(markdown::text(&figure.caption));
        }
        let line = |s: &Surveyed| {
            let title = markdown::text(&s.title);
            format!("- [{}]({}/report.md): {title}. {}", s.name, s.name, markdown::named(&s.sentence))
        };
        parts.push(self.scenarios.iter().map(line).collect::<Vec<_>>().join("\n"));
        parts.push(markdown::table(&self.grid()));
        parts.join("\n\n") + "\n"
    }

    /// As CSV: the columns of `summary.csv`, with the scenario before them.
    ///
    /// # Errors
    /// Those of the CSV writer; writing to memory does not fail.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let mut begun = false;
        for s in &self.scenarios {
            for record in super::csv::summary::records(&s.summary) {
                if !begun {
                    table.write_record(std::iter::once("scenario").chain(record.iter().map(|(name, _)| *name)))?;
                    begun = true;
                }
                let cells = record.into_iter().map(|(_, cell)| cell.unwrap_or_default());
                table.write_record(std::iter::once(s.name.clone()).chain(cells))?;
            }
        }
        table.into_inner().map_err(|e| csv::Error::from(e.into_error()))
    }

    /// For a terminal: a line for each scenario.
    #[must_use]
    pub fn text(&self) -> String {
        let line = |s: &Surveyed| format!("{}\n  {}\n", s.name, s.sentence);
        self.scenarios.iter().map(line).collect()
    }
}

fn row(of: &Surveyed, client: &ClientSummary) -> Vec<Cell> {
    let (words, cell) = (|text: &str| Cell::words(text), Cell::estimate);
    vec![
        words(&of.name),
        words(&client.name),
        cell(Kind::Time, client.notice.mean_ns),
        cell(Kind::Time, client.notice.p99_ns),
        cell(Kind::Fraction, client.missed_fraction),
        cell(Kind::Fraction, client.redundant_fraction),
        cell(Kind::Percent, client.cpu_client_percent),
        cell(Kind::Percent, client.cpu_ioc_percent),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic::Wish;

    #[test]
    fn every_client_of_every_scenario_is_in_every_form() {
        let surveyed = |name: &str| Surveyed {
            name: name.to_owned(),
            title: "a case".to_owned(),
            summary: Wish::default().summary(),
            sentence: "It cost `poll` much.".to_owned(),
        };
        let overview =
            Overview { link: Some("constant:15us".to_owned()), scenarios: vec![surveyed("one"), surveyed("two")] };
        let clients = overview.scenarios[0].summary.clients.len();
        let grid = overview.grid();
        assert_eq!(grid.rows.len(), 2 * clients);
        assert!(grid.rows.iter().all(|row| row.len() == grid.head.len()));
        let csv = String::from_utf8(overview.csv().unwrap()).unwrap();
        assert_eq!(csv.lines().count(), 1 + 2 * clients);
        assert!(csv.starts_with("scenario,client,strategy,"));
        let figure = overview.figure().unwrap();
        let page = overview.html(Some((&figure, "<svg></svg>")));
        let text = overview.markdown(Some(&figure));
        for name in ["one", "two"] {
            assert!(page.contains(&format!("href=\"{name}/report.html\"")));
            assert!(text.contains(&format!("]({name}/report.md)")));
        }
        assert!(text.contains("figures/overview.svg"));
    }
}
