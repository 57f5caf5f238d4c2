//! How many requests tell a poller nothing new?

use super::super::figure::{Axis, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::{DASHED, Identity};
use super::super::scale::{Scale, Spacing, Unit};
use super::{basis, expected, key, listed, period, sample, told};
use crate::scenario::model::Scenario;
use crate::summary::{ClientSummary, Summary};

const ID: &str = "redundant_period";
const TITLE: &str = "How many requests bring nothing new?";

/// The redundant fraction of each poller at its achieved period, with the expected curve.
///
/// # Errors
/// When no poller made requests.
pub fn redundant_period(summary: &Summary, scenario: &Scenario) -> Result<Figure, Omitted> {
    let pollers: Vec<_> =
        period::pollers(summary).into_iter().filter(|(_, client, _)| client.redundant_fraction.is_some()).collect();
    let omitted =
        || Omitted { id: ID, title: TITLE.into(), reason: "no client made requests at a known period".into() };
    let points: Vec<Series> = pollers.iter().filter_map(|(index, client, at)| point(*index, client, *at)).collect();
    let x = period::axis(&points).ok_or_else(omitted)?;
    let curve = curve(&pollers, scenario, &x.scale);
    let marks = expected_marks(&pollers);
    let mut keys: Vec<_> = points.iter().map(|s| key(s.name.clone(), s.look, Symbol::Marker)).collect();
    keys.sort_by_key(|key| if let Look::Client(identity) = key.look { identity.0 } else { usize::MAX });
    keys.push(key("measured", Look::Ink, Symbol::Marker));
    if curve.is_some() {
        keys.push(key("expected", Look::Muted, Symbol::Dashed));
    } else if marks.is_some() {
        keys.push(key("expected", Look::Muted, Symbol::Hollow));
    }
    let marks = if curve.is_some() { None } else { marks };
    let n = sample(pollers.iter().map(|(_, client, _)| *client));
    let mut notes = period::notes(summary);
    let silent: Vec<&str> =
        summary.clients.iter().filter(|c| c.redundant_fraction.is_none()).map(|c| c.name.as_str()).collect();
    if !silent.is_empty() {
        let verb = if silent.len() == 1 { "makes" } else { "make" };
        notes.push(format!("{} {verb} no requests and so none that are redundant.", listed(&silent)));
    }
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Share of gets whose reply carried what the client already had, by the IOC's own count, at the achieved poll period. \
             Each such request costs both sides processor time and brings nothing. {}",
            basis(n, "Bars with caps: 95 % interval over repeats, often smaller than the marker.")
        ),
        alt: alt(&pollers),
        x,
        y: Axis::new(
            "Redundant requests (% of gets)",
            Unit::Fraction,
            Scale { spacing: Spacing::Linear, low: -0.03, high: 1.03 },
        ),
        series: curve.into_iter().chain(marks).chain(points).collect(),
        keys,
        direct_labels: false,
        notes,
        n,
    })
}

fn point(index: usize, client: &ClientSummary, at: f64) -> Option<Series> {
    let fraction = client.redundant_fraction?;
    let y_interval = fraction.interval.map(|(low, high)| (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0)));
    let point = Point { x: at, y: fraction.point, y_interval, ..Point::default() };
    let shape = Shape::Points { points: vec![point], hollow: false };
    Some(Series { name: client.name.clone(), look: Look::Client(Identity(index)), shape })
}

/// The curve over the whole axis, where all pollers look at the same PVs and theory has an answer.
fn curve(pollers: &[(usize, &ClientSummary, f64)], scenario: &Scenario, axis: &Scale) -> Option<Series> {
    let specs: Option<Vec<_>> =
        pollers.iter().map(|(_, client, _)| scenario.clients.iter().find(|spec| spec.name == client.name)).collect();
    let specs = specs?;
    let first = specs.first()?;
    let all_alike = specs.iter().all(|spec| spec.pvs == first.pvs)
        && pollers.iter().all(|(_, client, _)| client.expected.redundant_fraction.is_some());
    if !all_alike {
        return None;
    }
    let at = |t: f64| expected::redundant(scenario, first, t).map(|fraction| (t, fraction));
    let points: Option<Vec<(f64, f64)>> = expected::periods(axis.low, axis.high).map(at).collect();
    Some(Series { name: "expected".into(), look: Look::Muted, shape: Shape::Line { points: points?, dash: DASHED } })
}

/// Without a curve, the expected value of each client as a point of its own.
fn expected_marks(pollers: &[(usize, &ClientSummary, f64)]) -> Option<Series> {
    let points: Vec<Point> = pollers
        .iter()
        .filter_map(|(_, client, at)| {
            client.expected.redundant_fraction.map(|y| Point { x: *at, y, ..Point::default() })
        })
        .collect();
    let series = Series { name: "expected".into(), look: Look::Muted, shape: Shape::Points { points, hollow: true } };
    series.x_extent().log().map(|_| series)
}

fn alt(pollers: &[(usize, &ClientSummary, f64)]) -> String {
    let words: Vec<String> = pollers
        .iter()
        .filter_map(|(_, client, at)| {
            let fraction = number::plain(Kind::Fraction, client.redundant_fraction?.point);
            Some(format!("period {}, {fraction}", number::plain(Kind::Time, *at)))
        })
        .collect();
    format!("Share of requests that are redundant at each achieved poll period: {}", told(&words))
}
