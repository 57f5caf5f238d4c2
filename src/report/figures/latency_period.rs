//! What does a longer period do to notice latency, and is it what it should be?

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::{DASHED, Identity};
use super::super::scale::Unit;
use super::{basis, expected, key, looks, period, sample, told};
use crate::scenario::model::Fetch;
use crate::summary::strategy::fetch_word;
use crate::summary::{ClientSummary, Latency, Summary};
use crate::theory::{Intervals, Notice, notice};

const ID: &str = "latency_period";
const TITLE: &str = "How much later does a client know when it polls less often?";
/// Fewer samples have no 5 % and 95 % quantile: at least 10 must lie beyond each.
const SPREAD_SAMPLES: u64 = 200;

/// Mean notice latency of each poller at its achieved period, with the expected mean and the expected band of single changes;
/// monitors, which have no period, as horizontal lines.
///
/// # Errors
/// When no poller has both a period and a latency.
pub fn latency_period(summary: &Summary) -> Result<Figure, Omitted> {
    let pollers = period::pollers(summary);
    let points: Vec<Series> = pollers.iter().filter_map(|(index, client, at)| point(*index, client, *at)).collect();
    let omitted =
        || Omitted { id: ID, title: TITLE.into(), reason: "no poller has a measured period and latency".into() };
    let curves = curves(&pollers);
    let has_curves = !curves.is_empty();
    let levels: Vec<(Look, &ClientSummary, Series)> = looks(summary).filter_map(level).collect();
    let mut keys = Vec::new();
    keys.extend(levels.iter().map(|(look, client, _)| key(client.name.clone(), *look, Symbol::Line)));
    keys.extend(points.iter().map(|series| key(series.name.clone(), series.look, Symbol::Marker)));
    keys.push(key("measured mean", Look::Ink, Symbol::Marker));
    if points.iter().any(has_spread) {
        keys.push(key("5 % to 95 % of changes", Look::Ink, Symbol::Spread));
    }
    if has_curves {
        keys.push(key("expected mean", Look::Muted, Symbol::Dashed));
        keys.push(key("expected 5 % to 95 %", Look::Muted, Symbol::Patch));
    }
    keys.sort_by_key(|key| match key.look {
        Look::Client(identity) => identity.0,
        _ => usize::MAX,
    });
    let series: Vec<Series> = curves.into_iter().chain(levels.into_iter().map(|l| l.2)).chain(points.clone()).collect();
    let x = period::axis(&points).ok_or_else(omitted)?;
    let y = Extent::all(series.iter().map(Series::y_extent)).log().ok_or_else(omitted)?;
    let n = sample(&summary.clients);
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Mean notice latency over all changes at the achieved poll period. A poller that does nothing but wait is expected at \
             half of its period plus half of a round trip (dashed); what lies above is added by the machine. {}",
            basis(
                n,
                "Bars with caps: 95 % interval of the mean over repeats, often smaller than the marker. Shaded around a monitor's line: 5 % to \
                 95 % of its changes."
            )
        ),
        alt: alt(&pollers, summary),
        x,
        y: Axis::new("Notice latency (seconds, log scale)", Unit::Nanoseconds, y),
        series,
        keys,
        direct_labels: false,
        notes: period::notes(summary),
        n,
    })
}

fn point(index: usize, client: &ClientSummary, at: f64) -> Option<Series> {
    let mean = client.notice.mean_ns.filter(|mean| mean.point > 0.0)?;
    let point =
        Point { x: at, y: mean.point, y_interval: mean.interval, y_spread: spread(&client.notice), ..Point::default() };
    let shape = Shape::Points { points: vec![point], hollow: false };
    Some(Series { name: client.name.clone(), look: Look::Client(Identity(index)), shape })
}

fn has_spread(series: &Series) -> bool {
    matches!(&series.shape, Shape::Points { points, .. } if points.iter().any(|point| point.y_spread.is_some()))
}

/// 5 % and 95 % quantiles, where they exist.
fn spread(latency: &Latency) -> Option<(f64, f64)> {
    let quantile = |q| latency.histogram.value_at_quantile(q) as f64;
    (latency.histogram.len() >= SPREAD_SAMPLES && latency.negative == 0).then(|| (quantile(0.05), quantile(0.95)))
}

fn level((look, client): (Look, &ClientSummary)) -> Option<(Look, &ClientSummary, Series)> {
    let mean = client.notice.mean_ns.filter(|mean| client.fetch == Fetch::Monitor && mean.point > 0.0)?;
    let label = format!("{}: mean {}", client.name, number::value(Kind::Time, &mean));
    let shape = Shape::Level { y: mean.point, band: spread(&client.notice), label, dashed: false };
    Some((look, client, Series { name: client.name.clone(), look, shape }))
}

/// The expected band and mean over the measured periods. Clients that fetch in different ways have different round trips at the
/// same period, so each way has its own.
fn curves(pollers: &[(usize, &ClientSummary, f64)]) -> Vec<Series> {
    let mut series = Vec::new();
    for fetch in [Fetch::Serial, Fetch::Batch, Fetch::Connect, Fetch::Cached] {
        let measured: Vec<(f64, f64)> = pollers
            .iter()
            .filter(|(_, client, _)| client.fetch == fetch && client.expected.notice_mean_ns.is_some())
            .map(|(_, client, at)| (*at, client.mean_round_trip_ns.unwrap_or(0.0)))
            .collect();
        let (Some((first, _)), Some((last, _))) = (measured.first(), measured.last()) else { continue };
        // A single poller gets a short stretch, so that there is something to see.
        let (first, last) = if last / first < 1.2 { (first / 1.1, last * 1.1) } else { (*first, *last) };
        let at = |t: f64| Some((t, notice(&Intervals::constant(t)?, expected::round_trip_at(&measured, t))));
        let curve: Vec<(f64, Notice)> = expected::periods(first, last).filter_map(at).collect();
        let name = fetch_word(fetch);
        series.push(Series {
            name: format!("expected 5 % to 95 %, {name}"),
            look: Look::Muted,
            shape: Shape::Band(curve.iter().map(|(t, notice)| (*t, notice.band_ns.0, notice.band_ns.1)).collect()),
        });
        series.push(Series {
            name: format!("expected mean, {name}"),
            look: Look::Muted,
            shape: Shape::Line { points: curve.iter().map(|(t, notice)| (*t, notice.mean_ns)).collect(), dash: DASHED },
        });
    }
    series
}

fn alt(pollers: &[(usize, &ClientSummary, f64)], summary: &Summary) -> String {
    let mut words: Vec<String> = pollers
        .iter()
        .filter_map(|(_, client, at)| {
            let mean = client.notice.mean_ns?.point;
            Some(format!("period {}, mean latency {}", number::plain(Kind::Time, *at), number::plain(Kind::Time, mean)))
        })
        .collect();
    let monitors = summary.clients.iter().filter(|client| client.fetch == Fetch::Monitor);
    words.extend(monitors.filter_map(|client| {
        let mean = client.notice.mean_ns?.point;
        Some(format!("{} without a period, mean latency {}", client.name, number::plain(Kind::Time, mean)))
    }));
    format!("Mean notice latency at each achieved poll period: {}", told(&words))
}
