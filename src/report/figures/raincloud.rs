//! How do the latencies of each client spread? Density, box and samples of every client side by side.

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Series, Shape, Spread};
use super::super::number::{self, Kind};
use super::super::scale::Unit;
use super::{basis, looks, sample, told};
use crate::summary::{ClientSummary, Summary};

const ID: &str = "raincloud";
const TITLE: &str = "How do the latencies of each client spread?";
/// Fewer samples have no shape.
const LEAST: u64 = 40;
/// Steps of a density in each decade, and how far it is smoothed, in steps.
const STEPS_PER_DECADE: f64 = 16.0;
const SMOOTHING: i32 = 2;
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
    let mut series = Vec::new();
    for (lane, (look, client)) in shown.iter().enumerate() {
        let base = (count - 1 - lane) as f64;
        let named = |what: &str, shape| Series { name: format!("{}, {what}", client.name), look: *look, shape };
        series.push(named("density", Shape::Band(density(client, base + 0.46, base + 0.94))));
        series.push(named("box", Shape::Boxes(vec![five(client, (base + 0.27, base + 0.41))])));
        series.push(named("samples", Shape::Dots(dots(client, base + 0.06, base + 0.2))));
    }
    let omitted = || Omitted { id: ID, title: TITLE.into(), reason: "no client noticed enough changes".into() };
    let boxes = series.iter().filter(|series| matches!(series.shape, Shape::Boxes(_) | Shape::Dots(_)));
    let x = Extent::all(boxes.map(Series::x_extent)).log().ok_or_else(omitted)?;
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

/// The density over the logarithm of latency between two heights.
fn density(client: &ClientSummary, low: f64, high: f64) -> Vec<(f64, f64, f64)> {
    let step_of = |ns: u64| ((ns.max(1) as f64).log10() * STEPS_PER_DECADE).round() as i32;
    let mut counts = std::collections::BTreeMap::new();
    for bucket in client.notice.histogram.iter_recorded() {
        *counts.entry(step_of(bucket.value_iterated_to())).or_insert(0.0) += bucket.count_at_value() as f64;
    }
    let (Some((first, _)), Some((last, _))) = (counts.first_key_value(), counts.last_key_value()) else {
        return Vec::new();
    };
    let weight = |distance: i32| (-0.5 * (f64::from(distance) / f64::from(SMOOTHING) * 1.5).powi(2)).exp();
    let at = |step: i32| {
        (-2 * SMOOTHING..=2 * SMOOTHING)
            .map(|d| weight(d) * counts.get(&(step + d)).copied().unwrap_or(0.0))
            .sum::<f64>()
    };
    let smooth: Vec<(i32, f64)> = (first - 2 * SMOOTHING..=last + 2 * SMOOTHING).map(|step| (step, at(step))).collect();
    let top = smooth.iter().map(|s| s.1).fold(f64::MIN_POSITIVE, f64::max);
    smooth
        .into_iter()
        .map(|(step, density)| {
            (10f64.powf(f64::from(step) / STEPS_PER_DECADE), low, low + (high - low) * density / top)
        })
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
