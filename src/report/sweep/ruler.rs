//! Where the values of a swept key stand on the axis of a figure.

use super::super::scale::{Scale, Spacing, Unit};
use crate::scenario::sweep::{Axis, Setting};

/// Values that are as even on either axis go on a logarithmic one from this ratio on.
const LOG_FROM: f64 = 8.0;
/// No two may be closer on an axis than this part of an even spread; else they stand in ranks.
const CLOSEST: f64 = 0.3;
/// What stands on either side of an only value.
const ALONE: f64 = 2.0;

/// The values of one key along an axis, in rising order; words as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruler {
    /// Which value of the key has each place.
    pub order: Vec<usize>,
    /// What each is called.
    pub names: Vec<String>,
    /// What the axis is, with its unit.
    pub label: String,
    /// How its ticks are written.
    pub unit: Unit,
    /// From the outer edge of the first value's cell to that of the last.
    pub scale: Scale,
    /// The values where they are numbers.
    numbers: Option<Vec<f64>>,
    /// Where each value is on the axis.
    places: Vec<f64>,
    /// The edges of their cells, one more.
    edges: Vec<f64>,
}

impl Ruler {
    /// Of a swept key.
    #[must_use]
    pub fn of(axis: &Axis) -> Ruler {
        let mut order: Vec<usize> = (0..axis.values.len()).collect();
        let number = |place: &usize| axis.values.get(*place).and_then(Setting::number);
        let mut numbers: Option<Vec<f64>> = order.iter().map(number).collect();
        if numbers.is_some() {
            order.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)));
            numbers = order.iter().map(number).collect();
        }
        let timed = matches!(axis.values.first(), Some(Setting::TimeNs(_)));
        let unit = if timed && numbers.is_some() { Unit::Nanoseconds } else { Unit::Count };
        let spaced = numbers.as_deref().and_then(spacing);
        let (places, edges, scale) = match (&numbers, spaced) {
            (Some(numbers), Some(spacing)) => {
                let edges = edges(numbers, spacing);
                let (low, high) = (edges.first().copied().unwrap_or(0.0), edges.last().copied().unwrap_or(1.0));
                (numbers.clone(), edges, Scale { spacing, low, high })
            }
            _ => {
                let count = order.len();
                let scale = Scale { spacing: Spacing::Linear, low: 0.0, high: count as f64 };
                ((0..count).map(|k| k as f64 + 0.5).collect(), (0..=count).map(|k| k as f64).collect(), scale)
            }
        };
        Ruler {
            names: order.iter().filter_map(|place| axis.values.get(*place)).map(ToString::to_string).collect(),
            label: label(&axis.key, timed, numbers.is_some().then_some(spaced)),
            order,
            unit,
            scale,
            numbers,
            places,
            edges,
        }
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// The number that stands at a place in order; `None` for words.
    #[must_use]
    pub fn number(&self, place: usize) -> Option<f64> {
        self.numbers.as_ref()?.get(place).copied()
    }

    /// Where the value in this place of the order stands on the axis.
    #[must_use]
    pub fn at(&self, place: usize) -> f64 {
        self.places.get(place).copied().unwrap_or(0.0)
    }

    /// From and to of its cell.
    #[must_use]
    pub fn cell(&self, place: usize) -> (f64, f64) {
        let edge = |place: usize| self.edges.get(place).copied().unwrap_or(0.0);
        (edge(place), edge(place + 1))
    }

    /// Where a number between two neighbours stands: the value in this place and the next.
    #[must_use]
    pub fn between(&self, place: usize, number: f64) -> f64 {
        let (Some(from), Some(to)) = (self.number(place), self.number(place + 1)) else { return self.at(place) };
        let part = match self.scale.spacing {
            // The number itself.
            _ if self.at(place) == from && self.at(place + 1) == to => return number,
            _ if to == from => 0.0,
            _ => (number - from) / (to - from),
        };
        self.at(place) + part * (self.at(place + 1) - self.at(place))
    }

    /// Where a number between the first and the last value stands; `None` where words stand.
    #[must_use]
    pub fn place(&self, number: f64) -> Option<f64> {
        let below = (0..self.count().saturating_sub(1)).rev();
        let place = below.into_iter().find(|place| self.number(*place).is_some_and(|at| at <= number))?;
        Some(self.between(place, number))
    }

    /// The axis of a figure, its ticks at the values. `upward`: names from the top down.
    #[must_use]
    pub fn axis(&self, upward: bool) -> super::super::figure::Axis {
        let mut names: Vec<(f64, String)> = self.places.iter().copied().zip(self.names.iter().cloned()).collect();
        if upward {
            names.reverse();
        }
        super::super::figure::Axis {
            names,
            ..super::super::figure::Axis::new(self.label.clone(), self.unit, self.scale)
        }
    }
}

/// How numbers in rising order are spread; `None`: they stand in ranks.
fn spacing(numbers: &[f64]) -> Option<Spacing> {
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    // The smallest step as a part of an even one: 1 where all are even.
    let evenness = |there: fn(f64) -> f64| {
        let steps = numbers.windows(2).map(|pair| there(pair[1]) - there(pair[0]));
        let even = (there(last) - there(first)) / (numbers.len().max(2) - 1) as f64;
        steps.fold(f64::INFINITY, f64::min) / even
    };
    let linear = evenness(|x| x);
    let log = if first > 0.0 { evenness(f64::ln) } else { 0.0 };
    let as_even = (log - linear).abs() < 1e-9;
    match numbers {
        [alone] => (*alone > 0.0).then_some(Spacing::Log),
        _ if log.max(linear) < CLOSEST => None,
        _ if log > linear && !as_even || as_even && last / first >= LOG_FROM => Some(Spacing::Log),
        _ => Some(Spacing::Linear),
    }
}

/// Half way between neighbours as the axis has them, and as far beyond the first and the last.
fn edges(numbers: &[f64], spacing: Spacing) -> Vec<f64> {
    let there = |x: f64| if spacing == Spacing::Log { x.ln() } else { x };
    let back = |x: f64| if spacing == Spacing::Log { x.exp() } else { x };
    let spread: Vec<f64> = numbers.iter().map(|x| there(*x)).collect();
    let (Some(first), Some(last)) = (spread.first(), spread.last()) else { return Vec::new() };
    let inner: Vec<f64> = spread.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
    let (low, high) = match (inner.first(), inner.last()) {
        (Some(one), Some(other)) => (2.0 * first - one, 2.0 * last - other),
        _ => (first - ALONE.ln(), last + ALONE.ln()),
    };
    std::iter::once(low).chain(inner).chain([high]).map(back).collect()
}

/// What a swept key is, with its unit. `spaced`: how numbers are spread; `None` for words.
fn label(key: &str, timed: bool, spaced: Option<Option<Spacing>>) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let (words, unit) = match last {
        "period" if timed && key.starts_with("client.") => ("Poll period asked for", "seconds"),
        "period" if timed => ("Time between changes of each PV", "seconds"),
        "rate_hz" => ("Change rate of each PV", "Hz"),
        "pvs" => ("PVs", "number"),
        "count" | "elements" => ("Elements of a value", "number"),
        "copies" => ("Clients at once", "number"),
        "service_time" if timed => ("Service time of an update", "seconds"),
        _ => (key, if timed { "seconds" } else { "" }),
    };
    let spread = match spaced {
        None => return words.to_owned(),
        Some(Some(Spacing::Log)) => "log scale",
        Some(_) => "",
    };
    let inside = [unit, spread].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    if inside.is_empty() { words.to_owned() } else { format!("{words} ({inside})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn ruler(values: &[f64]) -> Ruler {
        Ruler::of(&Axis { key: "pv.pvs".into(), values: values.iter().map(|v| Setting::Number(*v)).collect() })
    }

    #[test]
    fn values_over_decades_stand_on_a_logarithmic_axis_in_rising_order() {
        let times = [10, 1, 100].map(|ms| Setting::TimeNs(Span::from_millis(ms)));
        let ruler = Ruler::of(&Axis { key: "client.period".into(), values: times.to_vec() });
        assert_eq!((ruler.scale.spacing, ruler.order.as_slice()), (Spacing::Log, &[1, 0, 2][..]));
        assert_eq!(ruler.label, "Poll period asked for (seconds, log scale)");
        assert_eq!(ruler.names, ["1 ms", "10 ms", "100 ms"]);
        let root = 10f64.sqrt();
        let near = |a: (f64, f64), b: (f64, f64)| (a.0 / b.0 - 1.0).abs() < 1e-9 && (a.1 / b.1 - 1.0).abs() < 1e-9;
        assert!(near(ruler.cell(0), (1e6 / root, 1e6 * root)) && near(ruler.cell(2), (1e8 / root, 1e8 * root)));
        assert_eq!(ruler.between(0, 3e6), 3e6);
    }

    #[test]
    fn even_values_stand_evenly_and_a_zero_before_decades_in_ranks() {
        let even = ruler(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!((even.scale.low, even.scale.high, even.scale.spacing), (0.5, 4.5, Spacing::Linear));
        let steps: Vec<f64> = (1..=10).map(|k| 2.0 * f64::from(k)).collect();
        assert_eq!(ruler(&steps).scale.spacing, Spacing::Linear);
        for decades in [&[1.0, 2.0, 5.0, 10.0, 20.0][..], &[100.0, 200.0, 400.0], &[1.0, 1000.0]] {
            assert_eq!(ruler(decades).scale.spacing, Spacing::Log, "{decades:?}");
        }
        let ranks = ruler(&[0.0, 1.0, 10.0, 100.0]);
        assert_eq!((ranks.scale.low, ranks.scale.high), (0.0, 4.0));
        assert_eq!((ranks.at(2), ranks.cell(2)), (2.5, (2.0, 3.0)));
        // Half way from 10 to 100 is half way from one rank to the next.
        assert_eq!(ranks.between(2, 55.0), 3.0);
        let alone = ruler(&[5.0]);
        assert!(alone.scale.contains(5.0) && alone.scale.place(5.0).is_some_and(|place| (place - 0.5).abs() < 1e-9));
    }

    #[test]
    fn words_stand_in_the_order_of_the_file() {
        let words = ["serial", "batch"].map(|word| Setting::Word(word.into()));
        let ruler = Ruler::of(&Axis { key: "client.fetch".into(), values: words.to_vec() });
        assert_eq!((ruler.names.join(" "), ruler.number(0)), ("serial batch".to_owned(), None));
        assert_eq!((ruler.at(0), ruler.label.as_str()), (0.5, "client.fetch"));
        assert_eq!(ruler.axis(true).names[0].1, "batch");
    }
}
