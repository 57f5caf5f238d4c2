//! What does each further client take of the server? Runs whose clients go side by side, by how many they are.

use super::super::comparison::{Side, simulated};
use super::super::figure::{Axis, Figure, Look, Omitted, Point, Sample, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::Identity;
use super::super::scale::{Scale, Spacing, Unit};
use super::{key, told};
use crate::stats::Estimate;

const ID: &str = "server_load";
const TITLE: &str = "What does each further client take of the server?";

/// Processor time of the IOC against the number of clients that it serves at once: a point for each run.
///
/// # Errors
/// When fewer than two runs have their clients side by side.
pub fn server_load(sides: &[Side<'_>]) -> Result<Figure, Omitted> {
    let points: Vec<(usize, &Side<'_>, Point)> =
        sides.iter().enumerate().filter_map(|(run, side)| Some((run, side, point(side)?))).collect();
    let reason = "it needs two runs whose clients go side by side (concurrent = true)";
    let omitted = || Omitted { id: ID, title: TITLE.into(), reason: reason.into() };
    if points.len() < 2 {
        return Err(omitted());
    }
    let most = points.iter().map(|(_, _, point)| point.x).fold(1.0, f64::max);
    let ends = points.iter().flat_map(|(_, _, point)| [Some(point.y), point.y_interval.map(|i| i.1)]).flatten();
    let y = Scale::from_zero(ends).ok_or_else(omitted)?;
    let series = points.iter().map(|(run, side, point)| Series {
        name: side.name.to_owned(),
        look: Look::Client(Identity(*run)),
        shape: Shape::Points { points: vec![point.clone()], hollow: false },
    });
    let words: Vec<String> = points
        .iter()
        .map(|(_, _, point)| format!("{} clients {}", point.x, number::plain(Kind::Percent, point.y)))
        .collect();
    let all = || points.iter().flat_map(|(_, side, _)| &side.summary.clients);
    let n = Sample {
        repeats: all().map(|client| client.repeats).min().unwrap_or(0),
        changes: all().map(|client| client.changes).sum(),
    };
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "{}Processor time of the IOC while it serves so many clients at once, a point for each run. Bars with caps: 95 % interval over repeats. n: at least {} repeats of \
             each client, {} changes.",
            simulated(sides),
            n.repeats,
            number::count(n.changes)
        ),
        alt: format!("Processor time of the IOC by number of clients: {}", told(&words)),
        x: Axis::new("Clients at once", Unit::Count, Scale { spacing: Spacing::Linear, low: 0.0, high: most * 1.08 }),
        y: Axis::new("Processor time of the IOC (% of one core)", Unit::Percent, y),
        series: series.collect(),
        keys: points
            .iter()
            .map(|(run, side, _)| key(side.legend(), Look::Client(Identity(*run)), Symbol::Marker))
            .collect(),
        direct_labels: true,
        notes: Vec::new(),
        n,
    })
}

/// One IOC serves all clients of a repeat: its processor time stands with each of them, and is the longest of their windows'.
fn point(side: &Side<'_>) -> Option<Point> {
    let clients = &side.summary.clients;
    if !side.scenario.concurrent {
        return None;
    }
    let known = clients.iter().filter_map(|client| client.cpu_ioc_percent);
    let Estimate { point, interval, .. } = known.max_by(|a, b| a.point.total_cmp(&b.point))?;
    let label = Some(side.legend());
    Some(Point { x: clients.len() as f64, y: point, y_interval: interval, label, ..Point::default() })
}
