//! The figures of a sweep: heat maps over two of its keys, or lines over one, and the break-even.

mod break_even;
mod heat;
mod lines;
mod shade;
mod shown;

use super::super::figure::{Figure, Omitted, Sample};
use super::super::number;
use crate::report::sweep::ruler::Ruler;
use crate::report::sweep::{Held, Survey, View};
use crate::scenario::sweep::label;

/// The most figures of one quantity.
const MOST_PANELS: usize = 6;

/// Names of the files of one quantity's figures: a figure's name is known before the run.
type Ids = [&'static str; MOST_PANELS];

/// One picture of a quantity: whose it is, and what is held.
struct Panel<'s> {
    survey: &'s Survey,
    view: &'s View,
    /// Across, and upward where two keys are swept.
    across: &'s Ruler,
    upward: Option<&'s Ruler>,
    /// The client.
    client: &'s str,
    held: Held,
    /// What tells it from the other pictures, such as `poll, fetch batch`; empty where there is only one.
    part: String,
    /// In the order of all pictures.
    number: usize,
}

/// The figures that a sweep's cells allow, in the order of its report, and those that they do not, with the reason.
#[must_use]
pub fn of_sweep(survey: &Survey) -> (Vec<Figure>, Vec<Omitted>) {
    let axes = &survey.index.axes;
    let Some(view) = View::of(axes) else { return (Vec::new(), Vec::new()) };
    let across = Ruler::of(&axes[view.x]);
    let upward = view.y.map(|axis| Ruler::of(&axes[axis]));
    let (panels, left) = panels(survey, &view, &across, upward.as_ref());
    let mut tried = break_even::break_even(survey, &view);
    for shown in shown::ALL {
        let one = |panel: &Panel<'_>| match panel.upward {
            Some(_) => heat::heat(panel, shown),
            // All clients are in one picture.
            None => lines::lines(panel, shown),
        };
        tried.extend(panels.iter().map(one));
    }
    let (mut figures, omitted) = super::parted(tried);
    if left > 0 {
        let several = if left == 1 { "combination" } else { "combinations" };
        let words = format!("{left} more {several} of clients and held values: not drawn; sweep.csv has all.");
        figures.iter_mut().filter(|figure| figure.id != break_even::ID).for_each(|f| f.notes.push(words.clone()));
    }
    if survey.index.simulated.is_some() {
        figures = figures.into_iter().map(|figure| figure.marked("simulated")).collect();
    }
    (figures, omitted)
}

/// The pictures of a quantity, evenly chosen where there are too many, and how many are left out.
fn panels<'s>(
    survey: &'s Survey,
    view: &'s View,
    across: &'s Ruler,
    upward: Option<&'s Ruler>,
) -> (Vec<Panel<'s>>, usize) {
    let pollers: Vec<&str> = survey.pollers().map(|(_, name)| name).collect();
    let every = survey.index.scenario.clients.iter().map(|client| client.name.as_str());
    let clients: Vec<&str> = match upward {
        // Lines have all clients in one picture.
        None => every.take(1).collect(),
        Some(_) if pollers.is_empty() => every.collect(),
        Some(_) => pollers,
    };
    let slices = view.slices(&survey.index.axes);
    let mut all = Vec::new();
    for client in &clients {
        for held in &slices {
            let several = (upward.is_some() && clients.len() > 1).then(|| (*client).to_owned());
            let held_words = held_words(survey, held);
            let words = Some(held_words).filter(|words| !words.is_empty() && slices.len() > 1);
            let part = several.into_iter().chain(words).collect::<Vec<_>>().join(", ");
            all.push(Panel { survey, view, across, upward, client, held: held.clone(), part, number: 0 });
        }
    }
    let (count, most) = (all.len(), MOST_PANELS);
    let chosen = |place: usize| count <= most || (0..most).any(|k| k * (count - 1) / (most - 1) == place);
    let kept = all.into_iter().enumerate().filter(|(place, _)| chosen(*place)).map(|(_, panel)| panel);
    let kept: Vec<Panel<'s>> = kept.enumerate().map(|(number, panel)| Panel { number, ..panel }).collect();
    let left = count - kept.len();
    (kept, left)
}

/// What is held, such as `copies 10`.
fn held_words(survey: &Survey, held: &Held) -> String {
    let axes = &survey.index.axes;
    let value = |(axis, at): &(usize, usize)| Some(format!("{} {}", label(axes, *axis), axes[*axis].values.get(*at)?));
    held.iter().filter_map(value).collect::<Vec<_>>().join(", ")
}

impl Panel<'_> {
    /// The title with what tells the picture from others.
    fn title(&self, question: &str) -> String {
        if self.part.is_empty() { question.to_owned() } else { format!("{question} ({})", self.part) }
    }

    /// The cell at places in the order of both rulers.
    fn cell(&self, column: usize, row: usize) -> Option<usize> {
        let x = *self.across.order.get(column)?;
        let y = self.upward.map_or(Some(0), |up| up.order.get(row).copied())?;
        self.survey.cell(self.view, x, y, &self.held)
    }

    /// Every cell of the picture with its places.
    fn cells(&self) -> impl Iterator<Item = (usize, usize, Option<usize>)> {
        let rows = self.upward.map_or(1, Ruler::count);
        let places = (0..rows).flat_map(|row| (0..self.across.count()).map(move |column| (column, row)));
        places.map(|(column, row)| (column, row, self.cell(column, row)))
    }

    /// How much stands behind a client in the picture.
    fn sample(&self, clients: &[&str]) -> Sample {
        let cells: Vec<usize> = self.cells().filter_map(|(_, _, cell)| cell).collect();
        let found = clients.iter().flat_map(|client| cells.iter().filter_map(|cell| self.survey.client(*cell, client)));
        super::sample(found)
    }

    /// What is held, for a caption: a sentence, or nothing.
    fn holding(&self) -> String {
        let held = held_words(self.survey, &self.held);
        if held.is_empty() { String::new() } else { format!(" Held: {held}.") }
    }
}

/// What the figure says of cells that have no colour.
fn gaps(not_run: usize, failed: usize, empty: usize, why: &str) -> Vec<String> {
    let cells = |n: usize| if n == 1 { "1 cell".to_owned() } else { format!("{} cells", number::count(n as u64)) };
    let told =
        [(not_run, "not run, or not in this folder"), (failed, "left out because a client failed in it"), (empty, why)];
    let told = told.iter().filter(|(n, _)| *n > 0);
    told.map(|(n, what)| format!("{}: {what}.", cells(*n))).collect()
}

#[cfg(test)]
mod tests;
