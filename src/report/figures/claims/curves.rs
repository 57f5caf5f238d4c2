//! The curves of the probe that a claim's first expectation is of.

use super::Subject;
use crate::report::figure::{Axis, Figure, Key, Look, Sample, Series, Shape, Symbol};
use crate::report::palette::{DASHED, Identity, SOLID};
use crate::report::scale::{Scale, Unit};
use crate::summary::ProbeSummary;

/// How far each curve has come over time, in the first repeat.
pub(super) fn curves(subject: &Subject<'_>) -> Option<Figure> {
    let Subject { id, judged, summary, .. } = subject;
    let name = &judged.first()?.left.quantity.as_ref()?.of;
    let probe: &ProbeSummary = summary.probes.iter().find(|probe| probe.name == *name && !probe.curves.is_empty())?;
    let zero = probe.curves.values().flatten().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
    let (mut series, mut keys) = (Vec::new(), Vec::new());
    for (place, (name, points)) in probe.curves.iter().enumerate() {
        let look = Look::Client(Identity(place));
        let points: Vec<(f64, f64)> = points.iter().map(|(x, y)| ((x - zero) * 1e9, *y)).collect();
        let (dash, symbol) = if place % 2 == 0 { (SOLID, Symbol::Plain) } else { (DASHED, Symbol::Dashed) };
        series.push(Series { name: name.clone(), look, shape: Shape::Line { points, dash } });
        keys.push(Key { text: name.clone(), look, symbol });
    }
    let all = || probe.curves.values().flatten();
    Some(Figure {
        id,
        title: subject.title(),
        caption: subject.caption(&format!(
            "how far each has come, counted in its own rounds, over time, in the first of {} repeats",
            probe.repeats
        )),
        alt: subject.told(),
        x: Axis::new(
            "Time since the start (seconds)",
            Unit::Nanoseconds,
            Scale::from_zero(all().map(|(x, _)| (x - zero) * 1e9))?,
        ),
        y: Axis::new("Rounds (number)", Unit::Count, Scale::from_zero(all().map(|(_, y)| *y))?),
        series,
        keys,
        direct_labels: false,
        notes: Vec::new(),
        n: Sample { repeats: probe.repeats, changes: 0 },
    })
}
