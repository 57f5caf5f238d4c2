//! Where a callback becomes cheaper than polling: the value of the axis across at which both take the same.
//!
//! *Cheaper* is less processor time of client and IOC together per second, both in the same cell; *earlier* is a lower mean notice latency.
//! Between two neighbouring cells the logarithm of the ratio is taken to go evenly over the logarithm of the swept value (over the value
//! itself where one is not positive). Both are powers of it where either side is proportional to rate or period, and the interpolation is
//! then exact.

use serde::Serialize;

use super::super::grids::{Cell, Grid};
use super::super::number::{self, Kind};
use super::survey::Survey;
use super::view::{Quantity, View};
use crate::scenario::sweep::{Axis, Setting, label, told};

/// On which side of a value, or whether at all, the callback takes less.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// At values below this one.
    Below(f64),
    /// At values above this one.
    Above(f64),
    /// At every value of the sweep.
    Everywhere,
    /// At none.
    Nowhere,
    /// Cells are missing.
    Unknown,
}

/// A row of cells, and where the callback takes less in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakEven {
    /// The poller.
    pub poller: String,
    /// The values that are the same in the whole row.
    pub at: String,
    /// The key that goes across; its values are in ns where they are times.
    pub across: String,
    /// By processor time.
    pub cpu: Turn,
    /// The same by the closed forms and the costs of the model.
    pub cpu_closed_form: Turn,
    /// By mean notice latency.
    pub notice: Turn,
}

/// Where the ratio goes through 1 along a row, each value with its ratio.
#[must_use]
pub fn turn(row: &[(f64, Option<f64>)]) -> Turn {
    let known: Vec<(f64, f64)> =
        row.iter().filter_map(|(x, ratio)| Some((*x, ratio.filter(|r| *r > 0.0)?.ln()))).collect();
    let (Some(first), true) = (known.first(), known.len() == row.len()) else { return Turn::Unknown };
    let even = row.iter().any(|(x, _)| *x <= 0.0);
    let scale = |x: f64| if even { x } else { x.ln() };
    for pair in known.windows(2) {
        let ((x0, r0), (x1, r1)) = (pair[0], pair[1]);
        if (r0 > 0.0) != (r1 > 0.0) {
            let part = r0 / (r0 - r1);
            let x = scale(x0) + part * (scale(x1) - scale(x0));
            let x = if even { x } else { x.exp() };
            return if r0 > 0.0 { Turn::Below(x) } else { Turn::Above(x) };
        }
    }
    if first.1 > 0.0 { Turn::Everywhere } else { Turn::Nowhere }
}

impl Turn {
    /// In words, with the value as the axis has it.
    #[must_use]
    pub fn words(&self, axis: &Axis) -> String {
        let value = |x: f64| match axis.values.first() {
            Some(Setting::TimeNs(_)) => number::plain(Kind::Time, x),
            _ => number::plain(Kind::Number, x),
        };
        match self {
            Turn::Below(x) => format!("below {}", value(*x)),
            Turn::Above(x) => format!("above {}", value(*x)),
            Turn::Everywhere => "everywhere".to_owned(),
            Turn::Nowhere => "nowhere".to_owned(),
            Turn::Unknown => "–".to_owned(),
        }
    }
}

impl Survey {
    /// A row for each poller and each combination of the values that do not go across; none without a callback, a poller, or numbers
    /// to go across.
    #[must_use]
    pub fn break_evens(&self) -> Vec<BreakEven> {
        let axes = &self.index.axes;
        let Some(view) = View::of(axes).filter(|_| self.callback().is_some()) else { return Vec::new() };
        let xs: Vec<Option<f64>> = axes[view.x].values.iter().map(Setting::number).collect();
        let Some(xs) = xs.into_iter().collect::<Option<Vec<f64>>>() else { return Vec::new() };
        let rows = view.y.map_or(1, |axis| axes[axis].values.len());
        let mut found = Vec::new();
        for (_, poller) in self.pollers() {
            for held in view.slices(axes) {
                for y in 0..rows {
                    let row = |ratio: &dyn Fn(usize) -> Option<f64>| {
                        let of = |(x, value): (usize, &f64)| (*value, self.cell(&view, x, y, &held).and_then(ratio));
                        let mut row: Vec<(f64, Option<f64>)> = xs.iter().enumerate().map(of).collect();
                        row.sort_by(|a, b| a.0.total_cmp(&b.0));
                        turn(&row)
                    };
                    found.push(BreakEven {
                        poller: poller.to_owned(),
                        at: self.held_words(&view, y, &held),
                        across: axes[view.x].key.clone(),
                        cpu: row(&|cell| self.ratio(cell, poller, Quantity::Cpu)),
                        cpu_closed_form: row(&|cell| self.foreseen_ratio(cell, poller, Quantity::Cpu)),
                        notice: row(&|cell| self.ratio(cell, poller, Quantity::Notice)),
                    });
                }
            }
        }
        found
    }

    /// The values of a row, such as `rate_hz 10`.
    fn held_words(&self, view: &View, y: usize, held: &[(usize, usize)]) -> String {
        let axes = &self.index.axes;
        let upward = view.y.map(|axis| (axis, y));
        let mut all: Vec<(usize, usize)> = upward.into_iter().chain(held.iter().copied()).collect();
        all.sort_unstable();
        let value = |(axis, value): &(usize, usize)| {
            Some(format!("{} {}", label(axes, *axis), axes[*axis].values.get(*value)?))
        };
        all.iter().filter_map(value).collect::<Vec<_>>().join(", ")
    }

    /// The rows as a table; `None` when there are none.
    #[must_use]
    pub fn break_even_grid(&self) -> Option<Grid> {
        let axes = &self.index.axes;
        let view = View::of(axes)?;
        let rows = self.break_evens();
        let across = label(axes, view.x);
        let cells = |row: &BreakEven| {
            let turn = |turn: &Turn| Cell::plain(turn.words(&axes[view.x]));
            let at = if row.at.is_empty() { "all".to_owned() } else { row.at.clone() };
            vec![
                Cell::words(&row.poller),
                Cell::words(at),
                turn(&row.cpu),
                turn(&row.cpu_closed_form),
                turn(&row.notice),
            ]
        };
        (!rows.is_empty()).then(|| Grid {
            caption: format!("At which {across} a callback is cheaper than polling, and at which it is earlier"),
            head: ["Poller", "At", "Cheaper", "by the closed form", "Earlier"].map(str::to_owned).to_vec(),
            rows: rows.iter().map(cells).collect(),
            notes: Vec::new(),
        })
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let Some(grid) = self.break_even_grid() else { return self.cells_text() };
        let mut rows: Vec<Vec<&str>> = vec![grid.head.iter().map(String::as_str).collect()];
        rows.extend(grid.rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()));
        let widths: Vec<usize> = (0..grid.head.len())
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let line = |row: &Vec<&str>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        format!("{}\n\n{}\n", grid.caption, rows.iter().map(line).collect::<String>())
    }

    fn cells_text(&self) -> String {
        let cells = self.index.cells.iter().zip(&self.cells).filter(|(_, found)| found.is_some());
        cells.map(|(cell, _)| format!("{}\n", told(&self.index.axes, &cell.at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_turns_where_the_ratio_is_one() {
        // A ratio of 10 ms over the period: 1 at 10 ms, however coarse the row is.
        let row = |xs: &[f64]| xs.iter().map(|x| (*x, Some(10.0 / x))).collect::<Vec<_>>();
        for xs in [&[1.0, 100.0][..], &[1.0, 3.0, 30.0, 1000.0], &[9.0, 11.0]] {
            let Turn::Below(x) = turn(&row(xs)) else { panic!("{xs:?}") };
            assert!((x - 10.0).abs() < 1e-9, "{x}");
        }
        let rising: Vec<_> = [1.0, 100.0].iter().map(|x| (*x, Some(x / 10.0))).collect();
        assert!(matches!(turn(&rising), Turn::Above(x) if (x - 10.0).abs() < 1e-9));
        assert_eq!(turn(&row(&[1.0, 2.0])), Turn::Everywhere);
        assert_eq!(turn(&row(&[20.0, 50.0])), Turn::Nowhere);
        assert_eq!(turn(&[(1.0, Some(2.0)), (2.0, None)]), Turn::Unknown);
        assert_eq!(turn(&[]), Turn::Unknown);
        // With a value of 0 the row is taken as even.
        assert!(matches!(turn(&[(0.0, Some(2.0)), (1.0, Some(0.5))]), Turn::Below(x) if (x - 0.5).abs() < 1e-9));
    }
}
