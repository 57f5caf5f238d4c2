//! A sweep: one scenario over a grid of values, a cell for each combination.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::model::Scenario;
use super::overrides::{OverrideError, Overrides};
use crate::time::Span;

/// The most cells.
pub const MAX_CELLS: usize = 2_000;
/// The longest name of a cell's folder, in characters.
const LONGEST_NAME: usize = 80;

/// One value of a swept key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// A length of time, in ns.
    TimeNs(Span),
    /// A number.
    Number(f64),
    /// Anything else, as it is written.
    Word(String),
}

impl Setting {
    /// The value on an axis of numbers: ns for a time; `None` for a word.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Setting::TimeNs(span) => Some(span.0 as f64),
            Setting::Number(number) => Some(*number),
            Setting::Word(_) => None,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::TimeNs(span) => span.fmt(f),
            Setting::Number(number) => number.fmt(f),
            Setting::Word(word) => f.write_str(word),
        }
    }
}

/// A swept key and its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The key as the file has it, such as `client.period`.
    pub key: String,
    /// At least one, no two alike.
    pub values: Vec<Setting>,
}

/// One combination of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The place of each axis' value.
    pub at: Vec<usize>,
    /// The name of its folder.
    pub folder: String,
    /// The scenario with these values: what the same file without a sweep would say.
    pub scenario: Scenario,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The swept keys, in the order of the file.
    pub axes: Vec<Axis>,
    /// Every combination; the last axis goes quickest.
    pub cells: Vec<Cell>,
}

impl Sweep {
    /// The sweep with the changes of a command line in every cell.
    ///
    /// # Errors
    /// When one does not fit.
    pub fn apply(self, overrides: &Overrides) -> Result<Sweep, OverrideError> {
        let cell = |cell: Cell| Ok(Cell { scenario: overrides.apply(cell.scenario)?, ..cell });
        Ok(Sweep { axes: self.axes, cells: self.cells.into_iter().map(cell).collect::<Result<_, OverrideError>>()? })
    }
}

/// How an axis is called in tables: the last word of its key, or the whole key where two share it.
#[must_use]
pub fn label(axes: &[Axis], place: usize) -> &str {
    let last = |axis: &'_ Axis| axis.key.rsplit('.').next().map(str::len).unwrap_or_default();
    let Some(axis) = axes.get(place) else { return "" };
    let word = &axis.key[axis.key.len() - last(axis)..];
    let shared = axes.iter().filter(|other| other.key.rsplit('.').next() == Some(word)).count() > 1;
    if shared { &axis.key } else { word }
}

/// The values of a combination, such as `rate_hz 10, period 100 ms`.
#[must_use]
pub fn told(axes: &[Axis], at: &[usize]) -> String {
    let value = |(place, at): (usize, &usize)| {
        let setting = axes.get(place)?.values.get(*at)?;
        Some(format!("{} {setting}", label(axes, place)))
    };
    at.iter().enumerate().filter_map(value).collect::<Vec<_>>().join(", ")
}

/// The combination of a cell.
pub(super) fn combination(axes: &[Axis], cell: usize) -> Vec<usize> {
    let mut rest = cell;
    let mut at: Vec<usize> = axes
        .iter()
        .rev()
        .map(|axis| {
            let count = axis.values.len().max(1);
            let place = rest % count;
            rest /= count;
            place
        })
        .collect();
    at.reverse();
    at
}

/// The folder of a cell: its number makes it unique, its values make it readable.
pub(super) fn folder(axes: &[Axis], cell: usize, at: &[usize]) -> String {
    let words = told(axes, at).replace(", ", "-").replace('µ', "u");
    let mut name = format!("{cell:04}-");
    let mut gap = false;
    for c in words.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') {
            // A value and its unit stand together.
            if gap && !(name.ends_with(|last: char| last.is_ascii_digit()) && c.is_ascii_alphabetic()) {
                name.push('-');
            }
            name.push(c);
            gap = false;
        } else {
            gap = true;
        }
    }
    name.truncate(LONGEST_NAME);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> Vec<Axis> {
        let time = |ms| Setting::TimeNs(Span::from_micros(ms));
        vec![
            Axis { key: "pv.change.rate_hz".into(), values: vec![Setting::Number(0.1), Setting::Number(10.0)] },
            Axis { key: "client.period".into(), values: vec![time(50), time(1000), time(1_000_000)] },
        ]
    }

    #[test]
    fn the_last_axis_goes_quickest() {
        let all: Vec<_> = (0..6).map(|cell| combination(&axes(), cell)).collect();
        assert_eq!(all, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
    }

    #[test]
    fn folders_and_words_tell_the_values() {
        assert_eq!(told(&axes(), &[0, 2]), "rate_hz 0.1, period 1 s");
        assert_eq!(folder(&axes(), 3, &[1, 0]), "0003-rate_hz-10-period-50us");
        let odd = [Axis { key: "client.a.fetch".into(), values: vec![Setting::Word("[\"a b\"]/../x".into())] }];
        assert_eq!(folder(&odd, 12, &[0]), "0012-fetch-a-b-..-x");
        let long = [Axis { key: "x".into(), values: vec![Setting::Word("y".repeat(500))] }];
        assert_eq!(folder(&long, 0, &[0]).len(), LONGEST_NAME);
    }

    #[test]
    fn axes_that_share_a_word_are_called_by_their_whole_keys() {
        let axes = ["client.a.period", "client.b.period", "window"];
        let axes: Vec<Axis> = axes.iter().map(|key| Axis { key: (*key).into(), values: Vec::new() }).collect();
        assert_eq!([0, 1, 2].map(|place| label(&axes, place)), ["client.a.period", "client.b.period", "window"]);
    }

    #[test]
    fn settings_survive_being_written() {
        for axis in axes() {
            let text = serde_json::to_string(&axis).unwrap();
            assert_eq!(serde_json::from_str::<Axis>(&text).unwrap(), axis);
        }
    }
}
