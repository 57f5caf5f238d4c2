//! What stands to what: ratios of two quantities, in the run and in the source.

use super::words::words;
use super::{Subject, given_key};
use crate::expect::Judged;
use crate::report::figure::{Axis, Extent, Figure, Key, Look, Point, Sample, Series, Shape, Symbol};
use crate::report::palette::Identity;
use crate::report::scale::Unit;

/// The ratios of a claim's expectations, each in a lane of its own, with what the source gives for the same two.
pub(super) fn ratios(subject: &Subject<'_>) -> Option<Figure> {
    let Subject { id, judged, .. } = subject;
    let shown: Vec<&&Judged> = judged.iter().filter(|judged| judged.ratio.is_some_and(|r| r.point > 0.0)).collect();
    let y = Axis::lanes("", shown.iter().map(|judged| lane(judged)).collect());
    let places = || shown.iter().zip(y.names.iter().map(|(place, _)| *place));
    let measured = places().filter_map(|(judged, y)| {
        let ratio = judged.ratio?;
        Some(Point { x: ratio.point, y, x_interval: ratio.interval, ..Point::default() })
    });
    let published = places().filter_map(|(judged, y)| Some(Point { x: published(judged)?, y, ..Point::default() }));
    let (measured, published): (Vec<Point>, Vec<Point>) = (measured.collect(), published.collect());
    let ours = Look::Client(Identity(0));
    let mut keys = vec![Key { text: "measured here".into(), look: ours, symbol: Symbol::Marker }];
    let mut series = vec![
        Series { name: "the same".into(), look: Look::Muted, shape: Shape::Verticals(vec![1.0]) },
        Series { name: "measured".into(), look: ours, shape: Shape::Points { points: measured, hollow: false } },
    ];
    if !published.is_empty() {
        keys.push(given_key());
        let shape = Shape::Points { points: published, hollow: true };
        series.push(Series { name: "given by the source".into(), look: Look::Ink, shape });
    }
    let repeats = shown.iter().filter_map(|judged| judged.ratio).map(|ratio| ratio.n).min().unwrap_or(0);
    Some(Figure {
        id,
        title: subject.title(),
        caption: subject.caption(&format!(
            "one quantity over another in each repeat, geometric means over {repeats} repeats, bars are 95 % intervals; left of the line at 1 \
             the first is smaller"
        )),
        alt: subject.told(),
        x: Axis::new("Ratio (number, log scale)", Unit::Count, Extent::all(series.iter().map(Series::x_extent)).log()?),
        y,
        series,
        keys,
        direct_labels: false,
        notes: Vec::new(),
        n: Sample { repeats, changes: 0 },
    })
}

/// What the source's two numbers come to.
fn published(judged: &Judged) -> Option<f64> {
    let published = judged.published?;
    Some(published.left / published.right?).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
}

/// Both sides by name, and what of them.
fn lane(judged: &Judged) -> String {
    let (Some(left), Some(right)) = (&judged.left.quantity, &judged.right.quantity) else { return String::new() };
    let metric = words(left.metric);
    if left.of == right.of {
        return format!("{metric} / {}\n{}", words(right.metric), left.of);
    }
    format!("{} / {}\n{metric}", left.of, right.of)
}
