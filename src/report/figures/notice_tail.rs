//! How bad do the worst changes get? The tail of notice latency, as far as the samples carry it.

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::DASHED;
use super::super::scale::{Scale, Spacing, Unit};
use super::notice_ecdf::EXPECTED;
use super::{basis, expected, key, looks, sample, told};
use crate::stats::distribution::LEAST_BEYOND;
use crate::summary::{ClientSummary, Summary};

const ID: &str = "notice_tail";
const TITLE: &str = "How bad do the worst changes get?";
/// Corners closer than this in the ratio of shares are drawn as one.
const FINEST: f64 = 1.03;
/// Stretches of an expected curve.
const STEPS: u32 = 160;

/// A client and its tail.
type Tail<'a> = (Look, &'a ClientSummary, Vec<(f64, f64)>);

/// The share of changes noticed later than a time, both axes logarithmic, with the expected curve of each poller.
///
/// # Errors
/// When no client noticed enough changes.
pub fn notice_tail(summary: &Summary) -> Result<Figure, Omitted> {
    let drawn: Vec<Tail<'_>> =
        looks(summary).filter_map(|(look, client)| Some((look, client, tail(client)?))).collect();
    let omitted = || Omitted { id: ID, title: TITLE.into(), reason: "no client noticed enough changes".into() };
    let count = drawn.len().max(1) as f64;
    let measured: Vec<Series> = drawn
        .iter()
        .enumerate()
        .map(|(index, (look, client, points))| {
            let shift = 10f64.powf(-0.5 * index as f64 / count);
            let marks = [0.7, 0.1].iter().filter_map(|share| below(points, share * shift)).collect();
            Series { name: client.name.clone(), look: *look, shape: Shape::Step { points: points.clone(), marks } }
        })
        .collect();
    let x = Extent::all(measured.iter().map(Series::x_extent)).log().ok_or_else(omitted)?;
    let lowest = drawn.iter().flat_map(|d| &d.2).map(|p| p.1).filter(|y| *y > 0.0).fold(0.5, f64::min);
    let y = Scale { spacing: Spacing::Log, low: lowest * 0.8, high: 1.08 };
    let curves: Vec<Series> = drawn.iter().filter_map(|(_, client, _)| curve(client, &x, y.low)).collect();
    let n = sample(drawn.iter().map(|(_, client, _)| *client));
    let mut keys: Vec<_> = measured.iter().map(|s| key(s.name.clone(), s.look, Symbol::Line)).collect();
    if !curves.is_empty() {
        keys.push(key("expected", Look::Muted, Symbol::Dashed));
    }
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Share of all changes that a client noticed later than a time. A curve ends where fewer than ten samples lie beyond it.{} {}",
            if curves.is_empty() { "" } else { EXPECTED },
            basis(n, "Samples of all repeats together.")
        ),
        alt: alt(&drawn),
        x: Axis::new("Notice latency (seconds, log scale)", Unit::Nanoseconds, x),
        y: Axis::new("Changes noticed later (% of all, log scale)", Unit::Fraction, y),
        series: curves.into_iter().chain(measured).collect(),
        keys,
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

/// `(latency in ns, share of changes noticed later)`, as long as ten samples are later. What was never noticed is later than all.
fn tail(client: &ClientSummary) -> Option<Vec<(f64, f64)>> {
    let notice = &client.notice;
    let all = notice.histogram.len() + notice.negative + client.unnoticed;
    let mut later = all - notice.negative;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for bucket in notice.histogram.iter_recorded() {
        let latency = bucket.value_iterated_to() as f64;
        let before = later as f64 / all as f64;
        later -= bucket.count_at_value();
        let share = later as f64 / all as f64;
        if (later as f64) < LEAST_BEYOND {
            break;
        }
        match points.last() {
            None if latency > 0.0 => points.extend([(latency, before), (latency, share)]),
            Some(last) if latency > 0.0 && last.1 / share > FINEST => points.push((latency, share)),
            _ => {}
        }
    }
    (points.len() > 2).then_some(points)
}

/// The first corner below a share.
fn below(points: &[(f64, f64)], share: f64) -> Option<(f64, f64)> {
    points.iter().find(|point| point.1 <= share).copied()
}

/// Evenly spread over the logarithm of the share, for that axis is logarithmic too.
fn curve(client: &ClientSummary, x: &Scale, lowest: f64) -> Option<Series> {
    let latency = expected::notice_quantiles(client)?;
    let shares = (0..=STEPS).map(|k| lowest.powf(f64::from(k) / f64::from(STEPS)));
    let from = (latency(0.0).max(x.low), 1.0);
    let rest = shares.skip(1).map(|share| (latency(1.0 - share), share)).filter(|(at, _)| x.contains(*at));
    let points: Vec<(f64, f64)> = std::iter::once(from).chain(rest).collect();
    let name = format!("expected, {}", client.name);
    (points.len() > 1).then_some(Series { name, look: Look::Muted, shape: Shape::Line { points, dash: DASHED } })
}

fn alt(drawn: &[Tail<'_>]) -> String {
    let tails: Vec<String> = drawn
        .iter()
        .filter_map(|(_, client, _)| {
            let p99 = client.notice.p99_ns?;
            Some(format!("{} {}", client.name, number::plain(Kind::Time, p99.point)))
        })
        .collect();
    format!("Falling curves, one for each client. One change of a hundred was noticed later than: {}", told(&tails))
}
