//! How long until a client knows? The whole distribution of every client.

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::DASHED;
use super::super::scale::{Scale, Spacing, Unit};
use super::{basis, expected, key, listed, looks, sample, told};
use crate::summary::{ClientSummary, Summary};

const ID: &str = "notice_ecdf";
const TITLE: &str = "How long until a client knows of a change?";
/// Stretches of an expected curve.
const STEPS: u32 = 80;
/// What is said of those curves.
pub(super) const EXPECTED: &str =
    " Dashed: what a poller that does nothing but wait is expected to show at its achieved period.";
/// Corners closer than this in the fraction and in the ratio of latencies are drawn as one.
const FINEST_STEP: f64 = 0.002;

/// The empirical distribution of notice latency of all clients, on a logarithmic latency axis.
///
/// # Errors
/// When no client noticed a change.
pub fn notice_ecdf(summary: &Summary) -> Result<Figure, Omitted> {
    let count = summary.clients.len().max(1) as f64;
    let drawn: Vec<_> = looks(summary)
        .enumerate()
        .filter_map(|(index, (look, client))| {
            let points = ecdf(client)?;
            let shift = 0.2 * index as f64 / count;
            let marks = [0.2, 0.5, 0.75].iter().filter_map(|level| reached(&points, level + shift)).collect();
            Some((Series { name: client.name.clone(), look, shape: Shape::Step { points, marks } }, client))
        })
        .collect();
    let omitted = || Omitted { id: ID, title: TITLE.into(), reason: "no client noticed a change".into() };
    let series: Vec<Series> = drawn.iter().map(|(series, _)| series.clone()).collect();
    let x = Extent::all(series.iter().map(Series::x_extent)).log().ok_or_else(omitted)?;
    let curves: Vec<Series> = drawn.iter().filter_map(|(_, client)| curve(client, &x)).collect();
    let mut keys: Vec<_> = series.iter().map(|s| key(s.name.clone(), s.look, Symbol::Line)).collect();
    if !curves.is_empty() {
        keys.push(key("expected", Look::Muted, Symbol::Dashed));
    }
    let n = sample(drawn.iter().map(|(_, client)| *client));
    let unnoticed = drawn.iter().filter(|(_, c)| c.unnoticed > 0).map(|(_, c)| c.name.as_str()).collect::<Vec<_>>();
    let mut notes = Vec::new();
    if !unnoticed.is_empty() {
        notes.push(format!("The curve of {} ends below 100 %: some changes were never noticed.", listed(&unnoticed)));
    }
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Share of all changes that a client knew of within a time, from the posting of the new value to the client's \
             having something at least as new. Further left is better.{} {}",
            if curves.is_empty() { "" } else { EXPECTED },
            basis(n, "Samples of all repeats together.")
        ),
        alt: alt(&drawn.iter().map(|(_, client)| *client).collect::<Vec<_>>()),
        x: Axis::new("Notice latency (seconds, log scale)", Unit::Nanoseconds, x),
        y: Axis::new(
            "Changes noticed within this time (% of all)",
            Unit::Fraction,
            Scale { spacing: Spacing::Linear, low: 0.0, high: 1.02 },
        ),
        keys,
        series: curves.into_iter().chain(series).collect(),
        direct_labels: false,
        notes,
        n,
    })
}

/// Corners of the distribution: `(latency in ns, fraction of all changes)`. Changes never noticed stay in the denominator.
fn ecdf(client: &ClientSummary) -> Option<Vec<(f64, f64)>> {
    let notice = &client.notice;
    let all = (notice.histogram.len() + notice.negative + client.unnoticed) as f64;
    let mut below = notice.negative;
    let mut corners: Vec<(f64, f64)> = Vec::new();
    let mut pending = None;
    for bucket in notice.histogram.iter_recorded() {
        below += bucket.count_at_value();
        let latency = bucket.value_iterated_to() as f64;
        if latency <= 0.0 {
            continue;
        }
        let corner = (latency, below as f64 / all);
        match corners.last() {
            None => corners.extend([(latency, (below - bucket.count_at_value()) as f64 / all), corner]),
            Some(last) if corner.1 - last.1 < FINEST_STEP && latency / last.0 < 1.0 + 8.0 * FINEST_STEP => {
                pending = Some(corner);
                continue;
            }
            Some(_) => corners.push(corner),
        }
        pending = None;
    }
    corners.extend(pending);
    (corners.len() > 1).then_some(corners)
}

/// What a poller is expected to show, on the axis.
fn curve(client: &ClientSummary, x: &Scale) -> Option<Series> {
    let latency = expected::notice_quantiles(client)?;
    // Finer where the axis, which is logarithmic, spreads what is early.
    let parts = (0..=STEPS).map(|k| (f64::from(k) / f64::from(STEPS)).powi(2));
    let points: Vec<(f64, f64)> = parts.map(|part| (latency(part), part)).filter(|(at, _)| x.contains(*at)).collect();
    let name = format!("expected, {}", client.name);
    (points.len() > 1).then_some(Series { name, look: Look::Muted, shape: Shape::Line { points, dash: DASHED } })
}

/// The first corner at or above a fraction.
fn reached(corners: &[(f64, f64)], fraction: f64) -> Option<(f64, f64)> {
    corners.iter().find(|corner| corner.1 >= fraction).map(|corner| (corner.0, fraction))
}

fn alt(clients: &[&ClientSummary]) -> String {
    let medians: Vec<String> = clients
        .iter()
        .filter_map(|c| c.notice.p50_ns.map(|p| format!("{} {}", c.name, number::plain(Kind::Time, p.point))))
        .collect();
    if medians.is_empty() {
        return "Curves that rise from 0 to 100 % of changes, one for each client, over notice latency.".into();
    }
    format!(
        "Curves that rise from 0 to 100 % of changes, one for each client. Half of the changes were known after: {}",
        told(&medians)
    )
}
