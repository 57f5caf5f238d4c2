//! Where PVs change all at once: what does the place in the burst do?

use super::super::excerpt::{Excerpt, Place};
use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::scale::{Scale, Spacing, Unit};
use super::{basis, key, looks, sample, told};
use crate::summary::{ClientSummary, Summary};

const ID: &str = "burst_place";
const TITLE: &str = "What does the place in a burst do?";
/// Name and question.
pub(super) const NAME: (&str, &str) = (ID, TITLE);

/// Median notice latency by place among the changes that were due at the same instant, with the band from 5 % to 95 %.
///
/// # Errors
/// When no two changes were due at the same instant.
pub fn burst_place(summary: &Summary, excerpt: &Excerpt) -> Result<Figure, Omitted> {
    let shown: Vec<(Look, &ClientSummary, &[Place])> = looks(summary)
        .filter_map(|(look, client)| {
            let of = excerpt.clients.iter().find(|of| of.name == client.name)?;
            (of.burst.len() > 1).then_some((look, client, of.burst.as_slice()))
        })
        .collect();
    let omitted =
        || Omitted { id: ID, title: TITLE.into(), reason: "no two changes were due at the same instant".into() };
    let last = shown.iter().flat_map(|(_, _, places)| places.iter().map(|p| p.places.1)).max().ok_or_else(omitted)?;
    let mut series = Vec::new();
    for (look, client, places) in &shown {
        let middle = |place: &Place| f64::from(place.places.0 + place.places.1) / 2.0;
        let at = |ns: u64| (ns as f64).max(1.0);
        let band = places.iter().map(|p| (middle(p), at(p.quantiles_ns.0), at(p.quantiles_ns.2))).collect();
        series.push(Series { name: format!("{}, 5 % to 95 %", client.name), look: *look, shape: Shape::Band(band) });
        // A step for each group of places, and a marker in two of them, for each client in others.
        let mut points: Vec<(f64, f64)> =
            places.iter().map(|p| (f64::from(p.places.0) - 0.5, at(p.quantiles_ns.1))).collect();
        points.extend(places.last().map(|p| (f64::from(p.places.1) + 0.5, at(p.quantiles_ns.1))));
        let shift = series.len() / 2;
        let marks = places.iter().skip(1 + 2 * shift % places.len()).step_by(places.len().div_ceil(2));
        let marks = marks.map(|p| (middle(p), at(p.quantiles_ns.1))).collect();
        series.push(Series { name: client.name.clone(), look: *look, shape: Shape::Step { points, marks } });
    }
    let y = Extent::all(series.iter().map(Series::y_extent)).log().ok_or_else(omitted)?;
    let n = sample(shown.iter().map(|(_, client, _)| *client));
    let mut keys: Vec<_> =
        shown.iter().map(|(look, client, _)| key(client.name.clone(), *look, Symbol::Line)).collect();
    keys.push(key("5 % to 95 %", Look::Muted, Symbol::Patch));
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Notice latency by place among the changes that were due at the same instant: the IOC posts one after the other. Lines: median; \
             shaded: 5 % to 95 % of changes. {}",
            basis(n, "Samples of all repeats together.")
        ),
        alt: alt(&shown),
        x: Axis::new(
            "Place in the burst (1 is posted first)",
            Unit::Count,
            Scale { spacing: Spacing::Linear, low: 0.5, high: f64::from(last) + 0.5 },
        ),
        y: Axis::new("Notice latency (seconds, log scale)", Unit::Nanoseconds, y),
        series,
        keys,
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

fn alt(shown: &[(Look, &ClientSummary, &[Place])]) -> String {
    let words: Vec<String> = shown
        .iter()
        .filter_map(|(_, client, places)| {
            let time = |place: &Place| number::plain(Kind::Time, place.quantiles_ns.1 as f64);
            Some(format!(
                "{} {} for the first and {} for the last",
                client.name,
                time(places.first()?),
                time(places.last()?)
            ))
        })
        .collect();
    format!("Median notice latency by place in a burst: {}", told(&words))
}
