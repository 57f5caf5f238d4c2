//! The quantities that a claim's expectations speak of, with those that the source gives.

use super::words::{axis, capital, label, words};
use super::{Subject, given_key};
use crate::expect::Side;
use crate::report::figure::{Axis, Figure, Key, Look, Point, Sample, Series, Shape, Symbol};
use crate::report::palette::Identity;
use crate::report::scale::{Scale, Unit};
use crate::scenario::expectation::Quantity;
use crate::scenario::metric::{Dimension, Metric};

/// From this ratio of largest to smallest on an axis is logarithmic.
const WIDE: f64 = 30.0;
/// The part of a lane that several metrics share.
const SHARED: f64 = 0.6;

/// One quantity, in base units.
struct Item {
    of: String,
    metric: Metric,
    value: f64,
    interval: Option<(f64, f64)>,
    published: Option<f64>,
    n: u32,
}

/// The quantities of a claim that are of the kind that most of them are of, each once: a lane for each client or probe and a colour for
/// each metric; with one client or probe a lane for each metric.
pub(super) fn values(subject: &Subject<'_>) -> Option<Figure> {
    let Subject { id, .. } = subject;
    let items = of_one_kind(items(subject));
    let dimension = items.first()?.metric.dimension();
    let mut metrics: Vec<Metric> = Vec::new();
    let mut subjects: Vec<&str> = Vec::new();
    for item in &items {
        if !metrics.contains(&item.metric) {
            metrics.push(item.metric);
        }
        if !subjects.contains(&item.of.as_str()) {
            subjects.push(&item.of);
        }
    }
    // In the order of the scenario.
    let summary = subject.summary;
    let names =
        || summary.clients.iter().map(|c| c.name.as_str()).chain(summary.probes.iter().map(|p| p.name.as_str()));
    subjects.sort_by_key(|of| names().position(|name| name == *of));
    let by_metric = subjects.len() == 1;
    let names = if by_metric {
        metrics.iter().map(|metric| capital(&words(*metric))).collect()
    } else {
        subjects.iter().map(|of| (*of).to_owned()).collect()
    };
    let y = Axis::lanes("", names);
    let place = |item: &Item| {
        let metric = metrics.iter().position(|metric| *metric == item.metric)?;
        let lane = if by_metric { metric } else { subjects.iter().position(|of| *of == item.of)? };
        let (centre, shared) = (y.names.get(lane)?.0, metrics.len() as f64);
        let aside = if by_metric { 0.0 } else { (0.5 - (metric as f64 + 0.5) / shared) * SHARED };
        Some((centre + aside, if by_metric { 0 } else { metric }))
    };
    let mut series: Vec<Series> = Vec::new();
    let mut given: Vec<Point> = Vec::new();
    for (colour, metric) in metrics.iter().enumerate().take(if by_metric { 1 } else { metrics.len() }) {
        let own = items.iter().filter_map(|item| Some((item, place(item)?))).filter(|(_, (_, of))| *of == colour);
        let points = own.map(|(item, (y, _))| {
            given.extend(item.published.map(|x| Point { x, y, ..Point::default() }));
            Point { x: item.value, y, x_interval: item.interval, ..Point::default() }
        });
        let shape = Shape::Points { points: points.collect(), hollow: false };
        series.push(Series { name: words(*metric), look: Look::Client(Identity(colour)), shape });
    }
    let mut keys: Vec<Key> = Vec::new();
    if series.len() > 1 {
        let key = |s: &Series| Key { text: s.name.clone(), look: s.look, symbol: Symbol::Marker };
        keys.extend(series.iter().map(key));
    }
    if !given.is_empty() {
        if keys.is_empty() {
            keys.push(Key { text: "measured here".into(), look: Look::Client(Identity(0)), symbol: Symbol::Marker });
        }
        keys.push(given_key());
        let shape = Shape::Points { points: given, hollow: true };
        series.push(Series { name: "given by the source".into(), look: Look::Ink, shape });
    }
    let repeats = items.iter().map(|item| item.n).min().unwrap_or(0);
    let one = metrics.first().filter(|_| metrics.len() == 1).map(|metric| capital(&words(*metric)));
    let unit = match dimension {
        Dimension::Duration => Unit::Nanoseconds,
        Dimension::Percent => Unit::Percent,
        Dimension::Fraction => Unit::Fraction,
        Dimension::BytesPerSecond => Unit::Bytes,
        Dimension::PerSecond | Dimension::Count | Dimension::Ratio => Unit::Count,
    };
    let x = scale(&series)?;
    let shows = label(one.as_deref().unwrap_or(axis(&metrics)), dimension, x.spacing);
    Some(Figure {
        id,
        title: subject.title(),
        caption: subject.caption(&format!("means over {repeats} repeats, bars are 95 % intervals over repeats")),
        alt: subject.told(),
        x: Axis::new(shows, unit, x),
        y,
        series,
        keys,
        direct_labels: false,
        notes: Vec::new(),
        n: Sample { repeats, changes: 0 },
    })
}

/// Every measured quantity once, in the order of the expectations.
fn items(subject: &Subject<'_>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for judged in &subject.judged {
        let (left, right) = (judged.published.map(|p| p.left), judged.published.and_then(|p| p.right));
        for (side, published) in [(&judged.left, left), (&judged.right, right)] {
            let Some(item) = side.quantity.as_ref().and_then(|quantity| item(quantity, side, published)) else {
                continue;
            };
            match items.iter_mut().find(|known| known.of == item.of && known.metric == item.metric) {
                Some(known) => known.published = known.published.or(item.published),
                None => items.push(item),
            }
        }
    }
    items
}

fn item(quantity: &Quantity, side: &Side, published: Option<f64>) -> Option<Item> {
    let metric = quantity.metric;
    let base = |value: f64| metric.to_base(value);
    Some(Item {
        of: quantity.over.as_ref().map_or_else(|| quantity.of.clone(), |over| format!("{}\nover {over}", quantity.of)),
        metric,
        value: base(side.value?),
        interval: side.low.zip(side.high).map(|(low, high)| (base(low), base(high))),
        published: published.map(base),
        n: side.n,
    })
}

/// Those of the kind that is most frequent; of two that are equally frequent the first.
fn of_one_kind(items: Vec<Item>) -> Vec<Item> {
    let count = |kind: Dimension| items.iter().filter(|item| item.metric.dimension() == kind).count();
    let most = items.iter().map(|item| item.metric.dimension()).rev().max_by_key(|kind| count(*kind));
    items.into_iter().filter(|item| Some(item.metric.dimension()) == most).collect()
}

/// From zero, unless the values lie far apart.
fn scale(series: &[Series]) -> Option<Scale> {
    let points = || {
        series.iter().flat_map(|s| match &s.shape {
            Shape::Points { points, .. } => points.as_slice(),
            _ => &[],
        })
    };
    let ends: Vec<f64> = points().filter_map(|p| p.x_interval).flat_map(|(low, high)| [low, high]).collect();
    let values: Vec<f64> = points().map(|p| p.x).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    if least > 0.0 && most / least > WIDE {
        return Scale::log_around_points(&values, &ends);
    }
    // An axis of nothing but zeros still needs a length.
    Scale::from_zero(values.into_iter().chain(ends)).or_else(|| Scale::from_zero([1.0]))
}
