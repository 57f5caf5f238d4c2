//! What does polling cost in processor time, on both ends?

use std::mem::discriminant;

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::{DASHED, Dash, Identity, SOLID};
use super::super::scale::{Scale, Spacing, Unit};
use super::{basis, key, looks, period, sample, told};
use crate::scenario::model::{Fetch, Pacing};
use crate::stats::Estimate;
use crate::summary::strategy::fetch_word;
use crate::summary::{ClientSummary, Summary};
use crate::time::Span;

const ID: &str = "cpu_period";
const TITLE: &str = "What does it cost in processor time, on both ends?";

/// Whose processor time.
#[derive(Clone, Copy)]
enum End {
    Client,
    Ioc,
}

impl End {
    fn cpu(self, client: &ClientSummary) -> Option<Estimate> {
        match self {
            End::Client => client.cpu_client_percent,
            End::Ioc => client.cpu_ioc_percent,
        }
    }

    fn name(self) -> &'static str {
        match self {
            End::Client => "client",
            End::Ioc => "IOC",
        }
    }

    fn dash(self) -> Dash {
        match self {
            End::Client => SOLID,
            End::Ioc => DASHED,
        }
    }
}

/// Processor time of client and IOC for each poller at its achieved period; monitors as horizontal lines.
///
/// # Errors
/// When no poller has both a period and a processor time.
pub fn cpu_period(summary: &Summary) -> Result<Figure, Omitted> {
    let pollers = period::pollers(summary);
    let ends = [End::Client, End::Ioc];
    let points: Vec<Series> = ends
        .iter()
        .flat_map(|end| pollers.iter().filter_map(|(index, client, at)| point(*end, *index, client, *at)))
        .collect();
    let reason = "no poller has a measured period and processor time".into();
    let x = period::axis(&points).ok_or_else(|| Omitted { id: ID, title: TITLE.into(), reason })?;
    let levels: Vec<Series> = ends.iter().flat_map(|end| looks(summary).filter_map(|l| level(*end, l))).collect();
    let joins = ends.iter().flat_map(|end| joins(*end, &pollers));
    let mut keys: Vec<_> = looks(summary)
        .filter(|(look, _)| points.iter().chain(&levels).any(|series| series.look == *look))
        .map(|(look, client)| {
            let monitor = client.fetch == Fetch::Monitor;
            key(client.name.clone(), look, if monitor { Symbol::Line } else { Symbol::Marker })
        })
        .collect();
    keys.push(key("client process", Look::Ink, Symbol::Marker));
    keys.push(key("IOC process", Look::Ink, Symbol::Hollow));
    let series: Vec<Series> = joins.chain(levels).chain(points).collect();
    let (scale, spacing) = y_scale(&series);
    let n = sample(&summary.clients);
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Processor time of the client (filled) and of the IOC that serves it (hollow) while the window is open, 100 % being one \
             core. {}",
            basis(
                n,
                "Bars with caps, and the shading around a monitor's line: 95 % interval over repeats, often smaller than the marker."
            )
        ),
        alt: alt(&pollers),
        x,
        y: Axis::new(format!("Processor time (% of one core, {spacing})"), Unit::Percent, scale),
        series,
        keys,
        direct_labels: false,
        notes: period::notes(summary),
        n,
    })
}

/// Logarithmic, unless something is zero: that has a place on a linear axis only.
fn y_scale(series: &[Series]) -> (Scale, &'static str) {
    let extent = Extent::all(series.iter().map(Series::y_extent));
    let positive = extent.points.iter().all(|v| *v > 0.0);
    match extent.log().filter(|_| positive) {
        Some(scale) => (scale, "log scale"),
        None => {
            let all = extent.points.iter().chain(&extent.ends).copied();
            (Scale::from_zero(all).unwrap_or(Scale { spacing: Spacing::Linear, low: 0.0, high: 1.0 }), "linear")
        }
    }
}

fn point(end: End, index: usize, client: &ClientSummary, at: f64) -> Option<Series> {
    let cpu = end.cpu(client)?;
    let point = Point { x: at, y: cpu.point, y_interval: cpu.interval, ..Point::default() };
    Some(Series {
        name: format!("{}, {}", client.name, end.name()),
        look: Look::Client(Identity(index)),
        shape: Shape::Points { points: vec![point], hollow: matches!(end, End::Ioc) },
    })
}

fn level(end: End, (look, client): (Look, &ClientSummary)) -> Option<Series> {
    let cpu = end.cpu(client).filter(|_| client.fetch == Fetch::Monitor)?;
    let label = format!("{}: {} {}", client.name, end.name(), number::value(Kind::Percent, &cpu));
    let shape = Shape::Level { y: cpu.point, band: cpu.interval, label, dashed: matches!(end, End::Ioc) };
    Some(Series { name: format!("{}, {}", client.name, end.name()), look, shape })
}

/// Pollers that differ in their period only.
struct Family {
    fetch: Fetch,
    pacing: Option<Pacing>,
    /// PVs and copies: who looks at more takes more.
    size: (usize, u32),
    /// `(period, processor time)` by rising period.
    points: Vec<(f64, f64)>,
}

/// Grey lines that lead the eye along the pollers of a family.
fn joins(end: End, pollers: &[(usize, &ClientSummary, f64)]) -> Vec<Series> {
    let mut families: Vec<Family> = Vec::new();
    for (_, client, at) in pollers {
        let Some(cpu) = end.cpu(client) else { continue };
        let pacing = client.pacing.clone().map(plain);
        let kind = |pacing: &Option<Pacing>| pacing.as_ref().map(discriminant);
        let size = (client.pvs, client.copies);
        let same = |f: &&mut Family| f.fetch == client.fetch && kind(&f.pacing) == kind(&pacing) && f.size == size;
        match families.iter_mut().find(same) {
            Some(family) => family.points.push((*at, cpu.point)),
            None => families.push(Family { fetch: client.fetch, pacing, size, points: vec![(*at, cpu.point)] }),
        }
    }
    families
        .into_iter()
        .filter(|family| family.points.len() > 1)
        .map(|family| Series {
            name: format!("{} of {} pollers", end.name(), fetch_word(family.fetch)),
            look: Look::Muted,
            shape: Shape::Line { points: family.points, dash: end.dash() },
        })
        .collect()
}

/// A poller that spins is one that sleeps for no time.
fn plain(pacing: Pacing) -> Pacing {
    if pacing == Pacing::Spin { Pacing::FixedDelay { period: Span::ZERO } } else { pacing }
}

fn alt(pollers: &[(usize, &ClientSummary, f64)]) -> String {
    let percent = |cpu: Option<Estimate>| cpu.map_or("unknown".into(), |cpu| number::plain(Kind::Percent, cpu.point));
    let words: Vec<String> = pollers
        .iter()
        .map(|(_, client, at)| {
            let (client_cpu, ioc) = (percent(client.cpu_client_percent), percent(client.cpu_ioc_percent));
            format!("period {}, client {client_cpu}, IOC {ioc}", number::plain(Kind::Time, *at))
        })
        .collect();
    format!("Processor time at each achieved poll period: {}", told(&words))
}
