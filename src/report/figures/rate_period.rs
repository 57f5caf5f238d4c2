//! What does polling ask of the network: requests and bytes against the period.

use std::collections::BTreeMap;

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::{DASHED, Identity};
use super::super::scale::Unit;
use super::{basis, key, looks, period, sample, told};
use crate::scenario::model::Fetch;
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Summary};

/// One of the two ways of data.
struct Way {
    name: &'static str,
    of: fn(&ClientSummary) -> Option<Estimate>,
    hollow: bool,
}

/// A question about a rate.
struct Question {
    id: &'static str,
    title: &'static str,
    caption: &'static str,
    label: &'static str,
    unit: Unit,
    kind: Kind,
    ways: &'static [Way],
    /// What a poller that looks at so many values is expected to have at a period in ns.
    expected: Option<fn(values: f64, period: f64) -> f64>,
}

const REQUESTS: Question = Question {
    id: "requests_period",
    title: "How many requests does each period make?",
    caption: "Gets a second by the IOC's own count, over all PVs of a client, at the achieved poll period. Dashed: its PVs over its period.",
    label: "Requests (1/s, log scale)",
    unit: Unit::Count,
    kind: Kind::Rate,
    ways: &[Way { name: "requests", of: |client| client.requests_per_s, hollow: false }],
    expected: Some(|values, period| values * 1e9 / period),
};

const BYTES: Question = Question {
    id: "bytes_period",
    title: "How many bytes does each period move?",
    caption: "Bytes a second to the IOC (filled) and to the client (hollow), of Channel Access and without the headers of TCP and IP, at \
              the achieved poll period.",
    label: "Bytes (B/s, log scale)",
    unit: Unit::Bytes,
    kind: Kind::ByteRate,
    ways: &[
        Way { name: "to the IOC", of: |client| client.bytes_in_per_s, hollow: false },
        Way { name: "to the client", of: |client| client.bytes_out_per_s, hollow: true },
    ],
    expected: None,
};

/// Gets a second of each poller at its achieved period.
///
/// # Errors
/// When no poller has both.
pub fn requests_period(summary: &Summary) -> Result<Figure, Omitted> {
    REQUESTS.figure(summary)
}

/// Bytes a second each way, monitors as horizontal lines.
///
/// # Errors
/// When no poller has both a period and a count.
pub fn bytes_period(summary: &Summary) -> Result<Figure, Omitted> {
    BYTES.figure(summary)
}

impl Question {
    fn figure(&self, summary: &Summary) -> Result<Figure, Omitted> {
        let pollers = period::pollers(summary);
        let omitted = || Omitted {
            id: self.id,
            title: self.title.into(),
            reason: "no poller has a measured period and this count".into(),
        };
        let points: Vec<Series> = self
            .ways
            .iter()
            .flat_map(|way| pollers.iter().filter_map(move |(index, client, at)| self.point(way, *index, client, *at)))
            .collect();
        let levels: Vec<Series> =
            self.ways.iter().flat_map(|way| looks(summary).filter_map(move |l| self.level(way, l))).collect();
        let x = period::axis(&points).ok_or_else(omitted)?;
        let curves = self.curves(&pollers);
        let y =
            Extent::all(points.iter().chain(&levels).chain(&curves).map(Series::y_extent)).log().ok_or_else(omitted)?;
        let shown = |look: Look| points.iter().chain(&levels).any(|series| series.look == look);
        let mut keys: Vec<_> = looks(summary)
            .filter(|(look, _)| shown(*look))
            .map(|(look, client)| {
                let monitor = client.fetch == Fetch::Monitor;
                key(client.name.clone(), look, if monitor { Symbol::Line } else { Symbol::Marker })
            })
            .collect();
        if self.ways.len() > 1 {
            keys.extend(
                self.ways
                    .iter()
                    .map(|way| key(way.name, Look::Ink, if way.hollow { Symbol::Hollow } else { Symbol::Marker })),
            );
        }
        if !curves.is_empty() {
            keys.push(key("expected", Look::Muted, Symbol::Dashed));
        }
        let n = sample(&summary.clients);
        let bars = "Bars with caps: 95 % interval over repeats, often smaller than the marker.";
        Ok(Figure {
            id: self.id,
            title: self.title.into(),
            caption: format!("{} {}", self.caption, basis(n, bars)),
            alt: self.alt(&pollers),
            x,
            y: Axis::new(self.label, self.unit, y),
            series: curves.into_iter().chain(levels).chain(points).collect(),
            keys,
            direct_labels: false,
            notes: period::notes(summary),
            n,
        })
    }

    /// What is expected of pollers, a line for those that look at equally many values.
    fn curves(&self, pollers: &[(usize, &ClientSummary, f64)]) -> Vec<Series> {
        let Some(expected) = self.expected else { return Vec::new() };
        let mut by_values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        let asks = |client: &ClientSummary| self.ways.iter().any(|way| (way.of)(client).is_some_and(|r| r.point > 0.0));
        for (_, client, at) in pollers.iter().filter(|(_, client, _)| asks(client)) {
            by_values.entry(client.pvs as u64 * u64::from(client.copies)).or_default().push(*at);
        }
        let curve = |(values, periods): (u64, Vec<f64>)| {
            let (first, last) = (*periods.first()?, *periods.last()?);
            // A single period gets a short stretch, so that there is something to see.
            let ends = if last / first < 1.2 { [first / 1.1, last * 1.1] } else { [first, last] };
            let points = ends.map(|t| (t, expected(values as f64, t))).to_vec();
            let shape = Shape::Line { points, dash: DASHED };
            Some(Series { name: format!("expected of {values} values"), look: Look::Muted, shape })
        };
        by_values.into_iter().filter_map(curve).collect()
    }

    fn point(&self, way: &Way, index: usize, client: &ClientSummary, at: f64) -> Option<Series> {
        let rate = (way.of)(client).filter(|rate| rate.point > 0.0)?;
        let point = Point { x: at, y: rate.point, y_interval: rate.interval, ..Point::default() };
        Some(Series {
            name: format!("{}, {}", client.name, way.name),
            look: Look::Client(Identity(index)),
            shape: Shape::Points { points: vec![point], hollow: way.hollow },
        })
    }

    fn level(&self, way: &Way, (look, client): (Look, &ClientSummary)) -> Option<Series> {
        let rate = (way.of)(client).filter(|rate| client.fetch == Fetch::Monitor && rate.point > 0.0)?;
        let label = format!("{}: {} {}", client.name, number::value(self.kind, &rate), way.name);
        let shape = Shape::Level { y: rate.point, band: rate.interval, label, dashed: way.hollow };
        Some(Series { name: format!("{}, {}", client.name, way.name), look, shape })
    }

    fn alt(&self, pollers: &[(usize, &ClientSummary, f64)]) -> String {
        let words: Vec<String> = pollers
            .iter()
            .map(|(_, client, at)| {
                let rates: Vec<String> = self
                    .ways
                    .iter()
                    .filter_map(|way| Some(format!("{} {}", number::value(self.kind, &(way.of)(client)?), way.name)))
                    .collect();
                format!("period {}, {}", number::plain(Kind::Time, *at), rates.join(" and "))
            })
            .collect();
        format!("Rates at each achieved poll period: {}", told(&words))
    }
}
