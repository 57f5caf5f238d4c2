//! What a claim's clients pay in processor time, and what they win by it.

use super::Subject;
use crate::report::figure::{Axis, Extent, Figure, Key, Look, Point, Sample, Series, Shape, Symbol};
use crate::report::number::{self, Kind};
use crate::report::palette::{DASHED, Identity};
use crate::report::scale::Unit;
use crate::stats::Estimate;
use crate::summary::ClientSummary;

/// The clients by mean notice latency and by processor time for each change, with a line from what a client is set against to the client.
pub(super) fn trade(subject: &Subject<'_>) -> Option<Figure> {
    let Subject { id, judged, summary, .. } = subject;
    let sides = || judged.iter().flat_map(|judged| [&judged.left, &judged.right]);
    let quantities = || sides().filter_map(|side| side.quantity.as_ref());
    let named = |name: &str| summary.clients.iter().position(|client| client.name == name);
    let mut spoken_of: Vec<usize> =
        quantities().flat_map(|q| [named(&q.of), q.over.as_deref().and_then(named)]).flatten().collect();
    spoken_of.sort_unstable();
    spoken_of.dedup();
    let points: Vec<(usize, Point)> =
        spoken_of.iter().filter_map(|index| Some((*index, point(summary.clients.get(*index)?)?))).collect();
    let at = |name: &str| points.iter().find(|(index, _)| Some(*index) == named(name)).map(|(_, p)| (p.x, p.y));
    let mut lines: Vec<(&str, [(f64, f64); 2])> = quantities()
        .filter_map(|q| {
            let mut ends = [at(q.over.as_deref()?)?, at(&q.of)?];
            ends.sort_by(|a, b| a.0.total_cmp(&b.0));
            Some((q.of.as_str(), ends))
        })
        .collect();
    lines.dedup_by_key(|(of, _)| *of);
    let joined = lines.into_iter().map(|(of, ends)| Series {
        name: format!("{of} and what it is set against"),
        look: Look::Muted,
        shape: Shape::Line { points: ends.to_vec(), dash: DASHED },
    });
    let look = |index: usize| Look::Client(Identity(index));
    let marked = points.iter().map(|(index, point)| Series {
        name: summary.clients[*index].name.clone(),
        look: look(*index),
        shape: Shape::Points { points: vec![point.clone()], hollow: false },
    });
    let series: Vec<Series> = joined.chain(marked).collect();
    let mut notes: Vec<String> = sides()
        .filter_map(|side| {
            let quantity = side.quantity.as_ref()?;
            let price = Estimate { point: side.value?, interval: side.low.zip(side.high), n: side.n };
            Some(format!(
                "{} pays {} µs of processor time for each µs that it wins over {}.",
                quantity.of,
                number::with_interval(Kind::Number, &price),
                quantity.over.as_ref()?
            ))
        })
        .collect();
    notes.sort();
    notes.dedup();
    let repeats = points.iter().map(|(index, _)| summary.clients[*index].repeats).min()?;
    Some(Figure {
        id,
        title: subject.title(),
        caption: subject.caption(&format!(
            "processor time of client and IOC together for each change that was noticed, against how soon it was noticed; means over {repeats} \
             repeats, bars are 95 % intervals over repeats; a dashed line joins what pays to what it is set against"
        )),
        alt: format!("{} {}", subject.told(), notes.join(" ")),
        x: Axis::new(
            "Mean notice latency (seconds, log scale)",
            Unit::Nanoseconds,
            Extent::all(series.iter().map(Series::x_extent)).log()?,
        ),
        y: Axis::new(
            "Processor time for each change (seconds, log scale)",
            Unit::Nanoseconds,
            Extent::all(series.iter().map(Series::y_extent)).log()?,
        ),
        keys: points
            .iter()
            .map(|(index, _)| Key {
                text: summary.clients[*index].name.clone(),
                look: look(*index),
                symbol: Symbol::Marker,
            })
            .collect(),
        series,
        direct_labels: true,
        notes,
        n: Sample { repeats, changes: points.iter().map(|(index, _)| summary.clients[*index].changes).sum() },
    })
}

fn point(client: &ClientSummary) -> Option<Point> {
    let (latency, cpu) = (client.notice.mean_ns?, client.cpu_us_per_notice?.scaled(1e3));
    Some(Point {
        x: latency.point,
        y: cpu.point,
        x_interval: latency.interval,
        y_interval: cpu.interval,
        label: Some(client.name.clone()),
        ..Point::default()
    })
}
