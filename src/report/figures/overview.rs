//! How late is each way of knowing, in every scenario? All scenarios of a catalogue side by side.

use super::super::figure::{Axis, Extent, Figure, Key, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::Identity;
use super::super::scale::Unit;
use super::{basis, key, sample, told};
use crate::summary::{ClientSummary, Summary};
use crate::time::Span;

const ID: &str = "overview";
const TITLE: &str = "How late does each way of asking know, in every scenario?";
/// A client that missed a larger part of the changes is drawn hollow.
const MISSES: f64 = 0.01;

/// What kind of client it is, so that clients of different scenarios share a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Callback,
    Spinning,
    Fast,
    Medium,
    Slow,
}

const CLASSES: [(Class, &str); 5] = [
    (Class::Callback, "callback"),
    (Class::Spinning, "poll without a sleep"),
    (Class::Fast, "poll, up to 20 ms"),
    (Class::Medium, "poll, up to 200 ms"),
    (Class::Slow, "poll, longer"),
];

impl Class {
    fn of(client: &ClientSummary) -> Class {
        match client.asked_period {
            None => Class::Callback,
            Some(Span::ZERO) => Class::Spinning,
            Some(period) if period <= Span::from_millis(20) => Class::Fast,
            Some(period) if period <= Span::from_millis(200) => Class::Medium,
            Some(_) => Class::Slow,
        }
    }
}

/// A lane for each scenario, a point for each of its clients at its mean notice latency.
///
/// # Errors
/// When no client noticed anything.
pub fn overview(scenarios: &[(&str, &Summary)]) -> Result<Figure, Omitted> {
    let count = scenarios.len();
    let mut series = Vec::new();
    let mut keys: Vec<Key> = Vec::new();
    for (place, (class, words)) in CLASSES.into_iter().enumerate() {
        let look = Look::Client(Identity(place));
        for hollow in [false, true] {
            let points: Vec<Point> = scenarios
                .iter()
                .enumerate()
                .flat_map(|(lane, (_, summary))| {
                    let middle = (count - 1 - lane) as f64 + 0.5;
                    let clients = summary.clients.iter().filter(move |client| Class::of(client) == class);
                    clients.filter(move |client| misses(client) == hollow).filter_map(move |c| point(c, middle))
                })
                .collect();
            if !points.is_empty() {
                let part = if hollow { ", missed over 1 %" } else { "" };
                series.push(Series { name: format!("{words}{part}"), look, shape: Shape::Points { points, hollow } });
            }
        }
        if series.iter().any(|s| s.look == look) {
            keys.push(key(words, look, Symbol::Marker));
        }
    }
    if series.iter().any(|s| matches!(s.shape, Shape::Points { hollow: true, .. })) {
        keys.push(key("outline: over 1 % missed", Look::Muted, Symbol::Hollow));
    }
    let omitted = || Omitted { id: ID, title: TITLE.into(), reason: "no client noticed a change".into() };
    let x = Extent::all(series.iter().map(Series::x_extent)).log().ok_or_else(omitted)?;
    let n = sample(scenarios.iter().flat_map(|(_, summary)| &summary.clients));
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Mean notice latency of every client, a lane for each scenario. An outline is a client that missed more than 1 % of the changes. {}",
            basis(n, "Intervals over repeats are in the table.")
        ),
        alt: alt(scenarios),
        x: Axis::new("Mean notice latency (seconds, log scale)", Unit::Nanoseconds, x),
        y: Axis::lanes("", scenarios.iter().map(|(name, _)| (*name).to_owned()).collect()),
        series,
        keys,
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

fn misses(client: &ClientSummary) -> bool {
    client.missed_fraction.is_some_and(|missed| missed.point > MISSES)
}

fn point(client: &ClientSummary, y: f64) -> Option<Point> {
    let mean = client.notice.mean_ns?;
    Some(Point { x: mean.point, y, ..Point::default() })
}

fn alt(scenarios: &[(&str, &Summary)]) -> String {
    let words: Vec<String> = scenarios
        .iter()
        .filter_map(|(name, summary)| {
            let means = summary.clients.iter().filter_map(|c| c.notice.mean_ns.map(|mean| mean.point));
            let (low, high) = means.fold((f64::INFINITY, 0.0f64), |(low, high), m| (low.min(m), high.max(m)));
            let time = |ns| number::plain(Kind::Time, ns);
            (high > 0.0).then(|| format!("{name} from {} to {}", time(low), time(high)))
        })
        .collect();
    format!("Mean notice latency from the quickest to the slowest client: {}", told(&words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic::Wish;

    #[test]
    fn every_client_has_its_place_in_the_lane_of_its_scenario() {
        let summary = Wish::default().summary();
        let figure = overview(&[("one", &summary), ("two", &summary)]).unwrap();
        assert_eq!(figure.y.lane_count(), 2);
        let points = |y: f64| {
            let all = figure.series.iter().filter_map(|s| match &s.shape {
                Shape::Points { points, .. } => Some(points.iter().filter(move |p| p.y == y).count()),
                _ => None,
            });
            all.sum::<usize>()
        };
        let wanted = summary.clients.iter().filter(|c| c.notice.mean_ns.is_some()).count();
        assert_eq!((points(1.5), points(0.5)), (wanted, wanted));
        assert!(overview(&[]).is_err());
    }
}
