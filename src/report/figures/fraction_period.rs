//! Two fractions against the period, each with its expected curve: requests that bring nothing new, and changes that are missed.

use super::super::figure::{Axis, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::{DASHED, Identity};
use super::super::scale::{Scale, Spacing, Unit};
use super::{basis, expected, key, listed, period, sample, told};
use crate::scenario::model::{Fetch, Scenario};
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Expected, Summary};

/// A question about a fraction.
struct Question {
    id: &'static str,
    title: &'static str,
    caption: &'static str,
    label: &'static str,
    none: &'static str,
    measured: fn(&ClientSummary) -> Option<Estimate>,
    expected: fn(&Expected) -> Option<f64>,
}

const REDUNDANT: Question = Question {
    id: "redundant_period",
    title: "How many requests bring nothing new?",
    caption: "Share of gets whose reply carried what the client already had, by the IOC's own count, at the achieved poll period. Each such \
              request costs both sides processor time and brings nothing.",
    label: "Redundant requests (% of gets)",
    none: "no client made requests at a known period",
    measured: |client| client.redundant_fraction,
    expected: |expected| expected.redundant_fraction,
};

const MISSED: Question = Question {
    id: "missed_period",
    title: "How many changes does each period miss?",
    caption: "Share of changes whose own value the client never saw, because a newer one took its place before the next poll, at the achieved \
              poll period.",
    label: "Missed changes (% of all)",
    none: "no poller has a known period and changes to miss",
    measured: |client| client.missed_fraction,
    expected: |expected| expected.missed_fraction,
};

/// The redundant fraction of each poller at its achieved period, with the expected curve.
///
/// # Errors
/// When no poller made requests.
pub fn redundant_period(summary: &Summary, scenario: &Scenario) -> Result<Figure, Omitted> {
    let mut figure = REDUNDANT.figure(summary, scenario)?;
    let silent: Vec<&str> =
        summary.clients.iter().filter(|c| c.redundant_fraction.is_none()).map(|c| c.name.as_str()).collect();
    if !silent.is_empty() {
        let verb = if silent.len() == 1 { "makes" } else { "make" };
        figure.notes.push(format!("{} {verb} no requests and so none that are redundant.", listed(&silent)));
    }
    Ok(figure)
}

/// The missed fraction of each poller at its achieved period, with the expected curve.
///
/// # Errors
/// When no poller has changes.
pub fn missed_period(summary: &Summary, scenario: &Scenario) -> Result<Figure, Omitted> {
    let mut figure = MISSED.figure(summary, scenario)?;
    let mut missed: Vec<(String, Vec<&str>)> = Vec::new();
    for client in summary.clients.iter().filter(|client| client.fetch == Fetch::Monitor) {
        let Some(part) = client.missed_fraction else { continue };
        let words = number::with_interval(Kind::Fraction, &part);
        match missed.iter_mut().find(|(same, _)| *same == words) {
            Some((_, names)) => names.push(&client.name),
            None => missed.push((words, vec![&client.name])),
        }
    }
    figure.notes.extend(missed.into_iter().map(|(words, names)| match names.as_slice() {
        [one] => format!("{one} has no period; it missed {words}."),
        _ => format!("{} have no period; each missed {words}.", listed(&names)),
    }));
    Ok(figure)
}

impl Question {
    fn figure(&self, summary: &Summary, scenario: &Scenario) -> Result<Figure, Omitted> {
        let pollers: Vec<_> =
            period::pollers(summary).into_iter().filter(|(_, client, _)| (self.measured)(client).is_some()).collect();
        let omitted = || Omitted { id: self.id, title: self.title.into(), reason: self.none.into() };
        let points: Vec<Series> =
            pollers.iter().filter_map(|(index, client, at)| self.point(*index, client, *at)).collect();
        let x = period::axis(&points).ok_or_else(omitted)?;
        let curve = self.curve(&pollers, scenario, &x.scale);
        let marks = if curve.is_some() { None } else { self.expected_marks(&pollers) };
        let mut keys: Vec<_> = points.iter().map(|s| key(s.name.clone(), s.look, Symbol::Marker)).collect();
        keys.sort_by_key(|key| if let Look::Client(identity) = key.look { identity.0 } else { usize::MAX });
        keys.push(key("measured", Look::Ink, Symbol::Marker));
        if curve.is_some() {
            keys.push(key("expected", Look::Muted, Symbol::Dashed));
        } else if marks.is_some() {
            keys.push(key("expected", Look::Muted, Symbol::Hollow));
        }
        let n = sample(pollers.iter().map(|(_, client, _)| *client));
        let bars = "Bars with caps: 95 % interval over repeats, often smaller than the marker.";
        Ok(Figure {
            id: self.id,
            title: self.title.into(),
            caption: format!("{} {}", self.caption, basis(n, bars)),
            alt: self.alt(&pollers),
            x,
            y: Axis::new(self.label, Unit::Fraction, Scale { spacing: Spacing::Linear, low: -0.03, high: 1.03 }),
            series: curve.into_iter().chain(marks).chain(points).collect(),
            keys,
            direct_labels: false,
            notes: period::notes(summary),
            n,
        })
    }

    fn point(&self, index: usize, client: &ClientSummary, at: f64) -> Option<Series> {
        let fraction = (self.measured)(client)?;
        let y_interval = fraction.interval.map(|(low, high)| (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0)));
        let point = Point { x: at, y: fraction.point, y_interval, ..Point::default() };
        let shape = Shape::Points { points: vec![point], hollow: false };
        Some(Series { name: client.name.clone(), look: Look::Client(Identity(index)), shape })
    }

    /// The curve over the whole axis, where all pollers look at the same PVs and theory has an answer.
    fn curve(&self, pollers: &[(usize, &ClientSummary, f64)], scenario: &Scenario, axis: &Scale) -> Option<Series> {
        let spec = |client: &ClientSummary| scenario.clients.iter().find(|spec| spec.name == client.name);
        let specs: Option<Vec<_>> = pollers.iter().map(|(_, client, _)| spec(client)).collect();
        let specs = specs?;
        let first = specs.first()?;
        let all_alike = specs.iter().all(|spec| spec.pvs == first.pvs)
            && pollers.iter().all(|(_, client, _)| (self.expected)(&client.expected).is_some());
        if !all_alike {
            return None;
        }
        let at = |t: f64| Some((t, (self.expected)(&expected::at_period(scenario, first, t)?)?));
        let points: Option<Vec<(f64, f64)>> = expected::periods(axis.low, axis.high).map(at).collect();
        Some(Series {
            name: "expected".into(),
            look: Look::Muted,
            shape: Shape::Line { points: points?, dash: DASHED },
        })
    }

    /// Without a curve, the expected value of each client as a point of its own.
    fn expected_marks(&self, pollers: &[(usize, &ClientSummary, f64)]) -> Option<Series> {
        let points: Vec<Point> = pollers
            .iter()
            .filter_map(|(_, client, at)| {
                (self.expected)(&client.expected).map(|y| Point { x: *at, y, ..Point::default() })
            })
            .collect();
        let series =
            Series { name: "expected".into(), look: Look::Muted, shape: Shape::Points { points, hollow: true } };
        series.x_extent().log().map(|_| series)
    }

    fn alt(&self, pollers: &[(usize, &ClientSummary, f64)]) -> String {
        let words: Vec<String> = pollers
            .iter()
            .filter_map(|(_, client, at)| {
                let fraction = number::plain(Kind::Fraction, (self.measured)(client)?.point);
                Some(format!("period {}, {fraction}", number::plain(Kind::Time, *at)))
            })
            .collect();
        format!("{} at each achieved poll period: {}", self.label, told(&words))
    }
}
