//! Which client gives the most for its processor time?

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::DASHED;
use super::super::scale::Unit;
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
    let front = front(&points);
    let mut keys: Vec<_> =
        points.iter().map(|(look, client, _)| key(client.name.clone(), *look, Symbol::Marker)).collect();
    if front.is_some() {
        keys.push(key("none is better in both", Look::Muted, Symbol::Dashed));
    }
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Mean notice latency against the processor time that the client and the IOC take together, one point for each \
             client. Lower left is better: sooner, and for less. Dashed: the Pareto front, the clients than which none is both sooner and \
             cheaper. {}",
            basis(n, "Bars with caps: 95 % intervals over repeats; across, the sum of the two ends' intervals.")
        ),
        alt: alt(&points),
        x: Axis::new("Processor time of client and IOC (% of one core, log scale)", Unit::Percent, x),
        y: Axis::new("Mean notice latency (seconds, log scale)", Unit::Nanoseconds, y),
        keys,
        series: front.into_iter().chain(series).collect(),
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

/// The Pareto front as steps, by rising processor time; `None` when one client is best in both.
fn front(points: &[(Look, &ClientSummary, Point)]) -> Option<Series> {
    let mut sorted: Vec<(f64, f64)> = points.iter().map(|(_, _, point)| (point.x, point.y)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut best: Vec<(f64, f64)> = Vec::new();
    for (cpu, latency) in sorted {
        match best.last().copied() {
            Some((_, before)) if latency >= before => {}
            // From one to the next along the edge of what is out of reach.
            Some((_, before)) => best.extend([(cpu, before), (cpu, latency)]),
            None => best.push((cpu, latency)),
        }
    }
    let shape = Shape::Line { points: best, dash: DASHED };
    let several = matches!(&shape, Shape::Line { points, .. } if points.len() > 1);
    several.then_some(Series { name: "Pareto front".into(), look: Look::Muted, shape })
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
