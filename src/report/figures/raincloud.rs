//! How do the latencies of each client spread? Density, box and samples of every client side by side.

use std::collections::BTreeMap;

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Series, Shape, Spread};
use super::super::number::{self, Kind};
use super::super::scale::Unit;
use super::{basis, looks, sample, told};
use crate::summary::{ClientSummary, Summary};

const ID: &str = "raincloud";
const TITLE: &str = "How do the latencies of each client spread?";
/// Fewer samples have no shape.
const LEAST: u64 = 40;
/// The narrowest and the widest kernel of a density, in decades, and into how many steps it is cut.
const NARROWEST: f64 = 0.012;
const WIDEST: f64 = 0.12;
const STEPS_PER_WIDTH: f64 = 3.0;
/// What is less dense than this part of the densest cannot be seen, and sets no axis.
const THINNEST: f64 = 0.01;
/// Samples that are drawn as dots: quantiles evenly spread.
const DOTS: u32 = 48;

/// A lane for each client: the density of its notice latency on a logarithmic axis, a box of its quartiles, and single samples.
///
/// # Errors
/// When no client noticed enough changes.
pub fn raincloud(summary: &Summary) -> Result<Figure, Omitted> {
    let shown: Vec<(Look, &ClientSummary)> =
        looks(summary).filter(|(_, client)| client.notice.histogram.len() >= LEAST).collect();
    let count = shown.len();
    let mut series: Vec<Series> = Vec::new();
    for (lane, (look, client)) in shown.iter().enumerate() {
        let base = (count - 1 - lane) as f64;
        let named = |what: &str, shape| Series { name: format!("{}, {what}", client.name), look: *look, shape };
        series.push(named("density", Shape::Band(density(client, base + 0.46, base + 0.94))));
        series.push(named("box", Shape::Boxes(vec![five(client, (base + 0.27, base + 0.41))])));
        series.push(named("samples", Shape::Dots(dots(client, base + 0.06, base + 0.2))));
    }
    let omitted = || Omitted { id: ID, title: TITLE.into(), reason: "no client noticed enough changes".into() };
    let x = Extent::all(series.iter().map(seen)).log().ok_or_else(omitted)?;
    for series in &mut series {
        if let Shape::Band(points) = &mut series.shape {
            points.retain(|point| x.contains(point.0));
        }
    }
    let n = sample(shown.iter().map(|(_, client)| *client));
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Notice latency of each client: its density over the logarithm of latency, each scaled to its own height; the box from 25 % to 75 % \
             with the median, whiskers from 5 % to 95 %; below it {DOTS} evenly spread quantiles as dots. {}",
            basis(n, "Samples of all repeats together.")
        ),
        alt: alt(&shown),
        x: Axis::new("Notice latency (seconds, log scale)", Unit::Nanoseconds, x),
        y: Axis::lanes("", shown.iter().map(|(_, client)| client.name.clone()).collect()),
        series,
        keys: Vec::new(),
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

/// The part of a series that the axis must hold: of a density only what can be seen of it.
fn seen(series: &Series) -> Extent {
    let Shape::Band(points) = &series.shape else { return series.x_extent() };
    let top = points.iter().map(|p| p.2 - p.1).fold(0.0, f64::max);
    let dense = points.iter().filter(|p| p.2 - p.1 > THINNEST * top).map(|p| p.0);
    Extent { points: dense.collect(), ends: Vec::new() }
}

/// The density over the logarithm of latency between two heights: a Gaussian kernel as wide as Silverman's rule of thumb says
/// (B. W. Silverman, Density Estimation for Statistics and Data Analysis, 1986, equation 3.31).
fn density(client: &ClientSummary, low: f64, high: f64) -> Vec<(f64, f64, f64)> {
    let histogram = &client.notice.histogram;
    let weighted: Vec<(f64, f64)> = histogram
        .iter_recorded()
        .map(|bucket| ((bucket.value_iterated_to().max(1) as f64).log10(), bucket.count_at_value() as f64))
        .collect();
    let n: f64 = weighted.iter().map(|w| w.1).sum();
    let mean = weighted.iter().map(|(at, n)| at * n).sum::<f64>() / n;
    let deviation = (weighted.iter().map(|(at, n)| n * (at - mean).powi(2)).sum::<f64>() / n).sqrt();
    let quartile = |part| (histogram.value_at_quantile(part).max(1) as f64).log10();
    let spread = deviation.min((quartile(0.75) - quartile(0.25)) / 1.34);
    let width = (0.9 * spread * n.powf(-0.2)).clamp(NARROWEST, WIDEST);
    let step = width / STEPS_PER_WIDTH;
    let mut counts: BTreeMap<i64, f64> = BTreeMap::new();
    for (at, n) in weighted {
        *counts.entry((at / step).round() as i64).or_default() += n;
    }
    let (Some((first, _)), Some((last, _))) = (counts.first_key_value(), counts.last_key_value()) else {
        return Vec::new();
    };
    let reach = (3.0 * STEPS_PER_WIDTH) as i64;
    let weight = |distance: i64| (-0.5 * (distance as f64 / STEPS_PER_WIDTH).powi(2)).exp();
    let at = |step: i64| counts.range(step - reach..=step + reach).map(|(k, n)| weight(k - step) * n).sum::<f64>();
    let smooth: Vec<(i64, f64)> = (first - reach..=last + reach).map(|step| (step, at(step))).collect();
    let top = smooth.iter().map(|s| s.1).fold(f64::MIN_POSITIVE, f64::max);
    // Flat stretches need their ends only.
    let seen = |place: usize| {
        let near = &smooth[place.saturating_sub(1)..(place + 2).min(smooth.len())];
        place == 0 || place + 1 == smooth.len() || near.iter().any(|s| s.1 > THINNEST * top)
    };
    (0..smooth.len())
        .filter(|place| seen(*place))
        .map(|place| smooth[place])
        .map(|(k, density)| (10f64.powf(k as f64 * step), low, low + (high - low) * density / top))
        .collect()
}

fn five(client: &ClientSummary, y: (f64, f64)) -> Spread {
    let at = |quantile: f64| (client.notice.histogram.value_at_quantile(quantile) as f64).max(1.0);
    Spread { whiskers: (at(0.05), at(0.95)), quartiles: (at(0.25), at(0.75)), median: at(0.5), y }
}

/// Evenly spread quantiles at heights that look thrown and are the same each time.
fn dots(client: &ClientSummary, low: f64, high: f64) -> Vec<(f64, f64)> {
    (0..DOTS)
        .map(|k| {
            let quantile = (f64::from(k) + 0.5) / f64::from(DOTS);
            let latency = (client.notice.histogram.value_at_quantile(quantile) as f64).max(1.0);
            // The golden ratio spreads any number of heights evenly.
            (latency, low + (high - low) * (f64::from(k) * 0.618_034).fract())
        })
        .collect()
}

fn alt(shown: &[(Look, &ClientSummary)]) -> String {
    let middle = |client: &ClientSummary| {
        let at = |quantile: f64| number::plain(Kind::Time, client.notice.histogram.value_at_quantile(quantile) as f64);
        format!("{} from {} to {}", client.name, at(0.25), at(0.75))
    };
    let words: Vec<String> = shown.iter().map(|(_, client)| middle(client)).collect();
    format!("The middle half of each client's notice latencies: {}", told(&words))
}
