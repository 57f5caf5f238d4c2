//! What does each microsecond of latency cost that more polling wins?

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::Identity;
use super::super::scale::Unit;
use super::{basis, key, listed, sample, told};
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Summary};

const ID: &str = "price";
const TITLE: &str = "What does each microsecond won cost?";
/// Nanoseconds of processor time a second in one percent of a core.
const NS_PER_PERCENT: f64 = 1e7;

/// A client with latency and processor time of both ends.
struct Offer<'a> {
    index: usize,
    client: &'a ClientSummary,
    latency: Estimate,
    /// Percent of one core, client and IOC together.
    cpu: f64,
    cpu_interval: Option<(f64, f64)>,
}

/// For each client the processor time that it takes more than the next slower one, over the mean notice latency that it wins by it.
///
/// # Errors
/// When no two clients can be set against each other.
pub fn price(summary: &Summary) -> Result<Figure, Omitted> {
    let mut offers: Vec<Offer<'_>> =
        summary.clients.iter().enumerate().filter_map(|(index, client)| offer(index, client)).collect();
    offers.sort_by(|a, b| b.latency.point.total_cmp(&a.latency.point));
    let omitted = || Omitted {
        id: ID,
        title: TITLE.into(),
        reason: "no client pays more than a slower one for a shorter latency".into(),
    };
    let mut free = Vec::new();
    let mut priced = Vec::new();
    for pair in offers.windows(2) {
        let [slow, fast] = pair else { continue };
        match bought(slow, fast) {
            Some(point) => priced.push((fast, slow, point)),
            None => free.push(fast.client.name.as_str()),
        }
    }
    let series: Vec<Series> = priced
        .iter()
        .map(|(fast, _, point)| Series {
            name: fast.client.name.clone(),
            look: Look::Client(Identity(fast.index)),
            shape: Shape::Points { points: vec![point.clone()], hollow: false },
        })
        .collect();
    let x = Extent::all(series.iter().map(Series::x_extent)).log().ok_or_else(omitted)?;
    let y = Extent::all(series.iter().map(Series::y_extent)).log().ok_or_else(omitted)?;
    let n = sample(offers.iter().map(|offer| offer.client));
    let mut notes = Vec::new();
    if !free.is_empty() {
        let verb = if free.len() == 1 { "is" } else { "are" };
        notes.push(format!(
            "{} {verb} sooner than the next slower client and {} no more processor time: the win is free.",
            listed(&free),
            if free.len() == 1 { "takes" } else { "take" }
        ));
    }
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "For each client: the processor time, of client and IOC, that it takes each second more than the next slower client, for \
             each microsecond of mean notice latency that it is sooner. {}",
            basis(n, "Bars with caps: what the 95 % intervals of both clients allow.")
        ),
        alt: alt(&priced),
        x: Axis::new("Mean notice latency reached (seconds, log scale)", Unit::Nanoseconds, x),
        y: Axis::new("Processor time a second for each µs won (log scale)", Unit::Nanoseconds, y),
        keys: priced
            .iter()
            .map(|(fast, _, _)| key(fast.client.name.clone(), Look::Client(Identity(fast.index)), Symbol::Marker))
            .collect(),
        series,
        direct_labels: true,
        notes,
        n,
    })
}

fn offer(index: usize, client: &ClientSummary) -> Option<Offer<'_>> {
    let (own, ioc) = (client.cpu_client_percent?, client.cpu_ioc_percent?);
    let latency = client.notice.mean_ns?;
    let cpu_interval = own.interval.zip(ioc.interval).map(|(a, b)| (a.0 + b.0, a.1 + b.1));
    Some(Offer { index, client, latency, cpu: own.point + ioc.point, cpu_interval })
}

/// Nanoseconds of processor time a second for each microsecond; `None` when it is free.
fn bought(slow: &Offer<'_>, fast: &Offer<'_>) -> Option<Point> {
    let won_us = (slow.latency.point - fast.latency.point) / 1e3;
    let paid_ns = (fast.cpu - slow.cpu) * NS_PER_PERCENT;
    if won_us <= 0.0 || paid_ns <= 0.0 {
        return None;
    }
    let intervals = slow.latency.interval.zip(fast.latency.interval).zip(slow.cpu_interval.zip(fast.cpu_interval));
    let y_interval = intervals.and_then(|((slow_latency, fast_latency), (slow_cpu, fast_cpu))| {
        let won = ((slow_latency.0 - fast_latency.1) / 1e3, (slow_latency.1 - fast_latency.0) / 1e3);
        let paid = ((fast_cpu.0 - slow_cpu.1) * NS_PER_PERCENT, (fast_cpu.1 - slow_cpu.0) * NS_PER_PERCENT);
        (won.0 > 0.0).then(|| (paid.0 / won.1, paid.1 / won.0))
    });
    let label = Some(fast.client.name.clone());
    let x_interval = fast.latency.interval;
    Some(Point { x: fast.latency.point, y: paid_ns / won_us, x_interval, y_interval, y_spread: None, label })
}

fn alt(priced: &[(&Offer<'_>, &Offer<'_>, Point)]) -> String {
    let words: Vec<String> = priced
        .iter()
        .map(|(fast, slow, point)| {
            let price = number::plain(Kind::Time, point.y);
            format!("{} instead of {} {price} a second", fast.client.name, slow.client.name)
        })
        .collect();
    format!("Processor time for each microsecond won: {}", told(&words))
}
