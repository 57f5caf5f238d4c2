//! Which client gives the most for its processor time?

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::DASHED;
use super::super::scale::{Scale, Unit};
use super::{basis, key, listed, looks, sample, told};
use crate::summary::{ClientSummary, Summary};

const ID: &str = "latency_cpu";
const TITLE: &str = "What latency does the processor time buy?";

/// One point a client: mean notice latency against the processor time of client and IOC together. Lower left is better.
///
/// # Errors
/// When no client has both.
pub fn latency_cpu(summary: &Summary) -> Result<Figure, Omitted> {
    let points: Vec<(Look, &ClientSummary, Point)> =
        looks(summary).filter_map(|(look, client)| point(client).map(|point| (look, client, point))).collect();
    let series: Vec<Series> = points
        .iter()
        .map(|(look, client, point)| Series {
            name: client.name.clone(),
            look: *look,
            shape: Shape::Points { points: vec![point.clone()], hollow: false },
        })
        .collect();
    let omitted = || Omitted {
        id: ID,
        title: TITLE.into(),
        reason: "no client has a latency together with the processor time of both ends".into(),
    };
    let x = Extent::all(series.iter().map(Series::x_extent)).log().ok_or_else(omitted)?;
    let y = Extent::all(series.iter().map(Series::y_extent)).log().ok_or_else(omitted)?;
    let n = sample(points.iter().map(|(_, client, _)| *client));
    let left_out: Vec<&str> =
        summary.clients.iter().filter(|client| point(client).is_none()).map(|client| client.name.as_str()).collect();
    let notes = if left_out.is_empty() {
        Vec::new()
    } else {
        vec![format!("Left out for want of a latency or a processor time above zero: {}.", listed(&left_out))]
    };
    let front = front(&points, &x, &y);
    let mut keys: Vec<_> =
        points.iter().map(|(look, client, _)| key(client.name.clone(), *look, Symbol::Marker)).collect();
    keys.push(key("Pareto front", Look::Muted, Symbol::Dashed));
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Mean notice latency against the processor time that the client and the IOC take together, one point for each \
             client. Lower left is better: sooner, and for less. Dashed: the Pareto front. It passes through the clients than which none \
             is both sooner and cheaper: {}. {}",
            listed(&front.1),
            basis(n, "Bars with caps: 95 % intervals over repeats; across, the sum of the two ends' intervals.")
        ),
        alt: alt(&points),
        x: Axis::new("Processor time of client and IOC (% of one core, log scale)", Unit::Percent, x),
        y: Axis::new("Mean notice latency (seconds, log scale)", Unit::Nanoseconds, y),
        keys,
        series: std::iter::once(front.0).chain(series).collect(),
        direct_labels: true,
        notes,
        n,
    })
}

fn point(client: &ClientSummary) -> Option<Point> {
    let (own, ioc) = (client.cpu_client_percent?, client.cpu_ioc_percent?);
    let mean = client.notice.mean_ns?;
    let x_interval = own.interval.zip(ioc.interval).map(|(a, b)| (a.0 + b.0, a.1 + b.1));
    let x = own.point + ioc.point;
    let label = Some(client.name.clone());
    (x > 0.0 && mean.point > 0.0).then_some(Point {
        x,
        y: mean.point,
        x_interval,
        y_interval: mean.interval,
        y_spread: None,
        label,
    })
}

/// The Pareto front as steps along the edge of what nobody reached, by rising processor time, and the names of those on it.
fn front<'a>(points: &[(Look, &'a ClientSummary, Point)], x: &Scale, y: &Scale) -> (Series, Vec<&'a str>) {
    let mut sorted: Vec<(f64, f64, &str)> =
        points.iter().map(|(_, c, point)| (point.x, point.y, c.name.as_str())).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut corners, mut names): (Vec<(f64, f64)>, Vec<&str>) = (Vec::new(), Vec::new());
    for (cpu, latency, name) in sorted {
        // Before the first, nobody reached any latency.
        let before = corners.last().map_or(y.high, |last| last.1);
        if latency < before {
            corners.extend([(cpu, before), (cpu, latency)]);
            names.push(name);
        }
    }
    corners.extend(corners.last().map(|last| (x.high, last.1)));
    let shape = Shape::Line { points: corners, dash: DASHED };
    (Series { name: "Pareto front".into(), look: Look::Muted, shape }, names)
}

fn alt(points: &[(Look, &ClientSummary, Point)]) -> String {
    let words: Vec<String> = points
        .iter()
        .map(|(_, client, point)| {
            let (latency, cpu) = (number::plain(Kind::Time, point.y), number::plain(Kind::Percent, point.x));
            format!("{} {latency} for {cpu}", client.name)
        })
        .collect();
    format!("Mean notice latency, and the processor time of client and IOC that it takes: {}", told(&words))
}
