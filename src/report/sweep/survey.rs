//! What the cells of a sweep came to, and one row for each client of each cell.

use super::super::csv::summary::records;
use super::super::document::SimulationNote;
use super::super::doubts::Doubts;
use super::index::SweepIndex;
use crate::scenario::metric::Metric;
use crate::scenario::sweep::{Setting, label};
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Summary};
use crate::trace::Host;

/// Times of swept keys are told in ms.
const NS_PER_MS: f64 = 1e6;

/// Which numbers of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Means over all repeats.
    Whole,
    /// Those of one repeat, from 0.
    Repeat(u32),
    /// What the closed forms say.
    Foreseen,
}

/// A cell that is done.
#[derive(Clone, Debug)]
pub struct CellFound {
    /// Its numbers.
    pub summary: Summary,
    /// Whether a client failed in it.
    pub failed: bool,
    /// What it was measured on; `None`: it was simulated.
    pub host: Option<Host>,
    /// What stood for link and host; `None`: it was measured.
    pub simulated: Option<SimulationNote>,
    /// What is known against its numbers.
    pub doubts: Doubts,
    /// What there is of its own report.
    pub pages: Pages,
}

/// Which reports of its own a cell has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// `report.html`.
    pub html: bool,
    /// `report.md`.
    pub markdown: bool,
}

/// A sweep and what is done of it.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Its index.
    pub index: SweepIndex,
    /// In the order of the index; `None`: not done, or of another shard.
    pub cells: Vec<Option<CellFound>>,
}

impl Survey {
    /// How many cells are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.cells.iter().flatten().count()
    }

    /// The mean over repeats of a client's metric in a cell, in base units; of one repeat, or what was foreseen. Of a cell in which a
    /// client failed nothing is known.
    #[must_use]
    pub fn value(&self, cell: usize, client: &str, metric: Metric, part: Part) -> Option<f64> {
        let client = self.client(cell, client)?;
        let values = || client.by_repeat.iter().filter_map(|of| Some((of.repeat, *of.values.get(&metric)?)));
        match part {
            Part::Whole => mean(&values().map(|(_, value)| value).collect::<Vec<_>>()),
            Part::Repeat(repeat) => values().find(|(of, _)| *of == repeat).map(|(_, value)| value),
            Part::Foreseen => None,
        }
    }

    /// A client's metric in a cell with its interval over repeats.
    #[must_use]
    pub fn estimate(&self, cell: usize, client: &str, metric: Metric) -> Option<Estimate> {
        let client = self.client(cell, client)?;
        let values: Vec<f64> = client.by_repeat.iter().filter_map(|of| of.values.get(&metric).copied()).collect();
        let estimate = Estimate::mean(&values)?;
        // A part of the repeats does not speak for all of them.
        Some(Estimate { interval: estimate.interval.filter(|_| values.len() == client.by_repeat.len()), ..estimate })
    }

    /// A client's numbers in a cell in which none failed.
    #[must_use]
    pub fn client(&self, cell: usize, client: &str) -> Option<&ClientSummary> {
        let found = self.cells.get(cell)?.as_ref().filter(|found| !found.failed)?;
        found.summary.clients.iter().find(|c| c.name == client)
    }

    /// Mean interval between a client's rounds in a cell, in ns: as achieved, or as foreseen where the index tells it.
    #[must_use]
    pub fn interval(&self, cell: usize, client: &str, part: Part) -> Option<f64> {
        let foreseen = self.index.cells.get(cell)?.foreseen.iter().find(|foreseen| foreseen.client == client);
        let foreseen = foreseen.filter(|_| part == Part::Foreseen).and_then(|foreseen| foreseen.period_ns);
        foreseen.or_else(|| self.client(cell, client)?.mean_period_ns)
    }

    /// As CSV: the cell, the value of each swept key (`_ms` for times), and the columns of `summary.csv`.
    ///
    /// # Errors
    /// Those of the CSV writer; writing to memory does not fail.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let axes = &self.index.axes;
        let timed = |place: usize| axes[place].values.iter().all(|value| matches!(value, Setting::TimeNs(_)));
        let mut table = csv::Writer::from_writer(Vec::new());
        let mut begun = false;
        for (cell, found) in self.index.cells.iter().zip(&self.cells) {
            let Some(found) = found else { continue };
            let values: Vec<String> = cell
                .at
                .iter()
                .enumerate()
                .map(|(place, at)| match &axes[place].values[*at] {
                    Setting::TimeNs(span) if timed(place) => (span.0 as f64 / NS_PER_MS).to_string(),
                    other => other.to_string(),
                })
                .collect();
            for record in records(&found.summary) {
                if !begun {
                    let heads = (0..axes.len())
                        .map(|place| format!("{}{}", label(axes, place), if timed(place) { "_ms" } else { "" }));
                    let own = record.iter().map(|(name, _)| (*name).to_owned());
                    table.write_record(std::iter::once("cell".to_owned()).chain(heads).chain(own))?;
                    begun = true;
                }
                let own = record.into_iter().map(|(_, value)| value.unwrap_or_default());
                table.write_record(std::iter::once(cell.folder.clone()).chain(values.iter().cloned()).chain(own))?;
            }
        }
        table.into_inner().map_err(|e| csv::Error::from(e.into_error()))
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
