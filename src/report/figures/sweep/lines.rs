//! A quantity over one swept key, a line for each client.

use super::super::super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::super::palette::{DASHED, Identity, SOLID};
use super::super::super::scale::{Scale, Spacing};
use super::super::{basis, key, told};
use super::shown::Shown;
use super::{Panel, gaps};
use crate::report::sweep::Quantity;
use crate::report::sweep::break_even::Course;

/// Lines, with the break-even across them.
///
/// # Errors
/// When no cell has a value.
pub(super) fn lines(panel: &Panel<'_>, shown: Shown) -> Result<Figure, Omitted> {
    let survey = panel.survey;
    let id = shown.ids().get(panel.number).copied().unwrap_or_default();
    let title = panel.title(shown.question());
    let callback = survey.callback();
    let clients = survey.index.scenario.clients.iter().enumerate();
    let clients: Vec<(usize, &str)> = clients
        .map(|(place, client)| (place, client.name.as_str()))
        .filter(|(_, name)| shown != Shown::Ratio || Some(*name) != callback)
        .collect();
    let points: Vec<Series> = clients.iter().filter_map(|(place, name)| points(panel, shown, *place, name)).collect();
    let reason = if shown == Shown::Ratio && callback.is_none() {
        "no client of the sweep is called back"
    } else {
        "no cell has a value"
    };
    let omitted = || Omitted { id, title: title.clone(), reason: reason.into() };
    if points.is_empty() {
        return Err(omitted());
    }
    let expected: Vec<Series> = clients.iter().filter_map(|(_, name)| expected(panel, shown, name)).collect();
    let y = y_axis(shown, points.iter().chain(&expected)).ok_or_else(omitted)?;
    let mut keys: Vec<_> = points.iter().map(|s| key(s.name.clone(), s.look, Symbol::Marker)).collect();
    keys.push(key("measured", Look::Ink, Symbol::Marker));
    if !expected.is_empty() {
        keys.push(key("expected", Look::Muted, Symbol::Dashed));
    }
    // A line along the points only where none is expected.
    let without = |of: &&Series| !expected.iter().any(|line| line.name == format!("{}, expected", of.name));
    let joins: Vec<Series> = points.iter().filter(without).filter_map(|of| join(panel, shown, of)).collect();
    let mut series = expected;
    series.extend(joins);
    let turns = turns(panel);
    if matches!(shown, Shown::Ratio | Shown::Cpu) && !turns.is_empty() {
        keys.push(key("break-even", Look::Ink, Symbol::Plain));
        series.push(Series { name: "break-even".into(), look: Look::Ink, shape: Shape::Verticals(turns) });
    }
    series.extend(points);
    let names: Vec<&str> = clients.iter().map(|(_, name)| *name).collect();
    let n = panel.sample(&names);
    let (mut not_run, mut failed, mut empty) = (0, 0, 0);
    for (_, _, cell) in panel.cells() {
        match cell.and_then(|cell| survey.cells.get(cell)?.as_ref()) {
            None => not_run += 1,
            Some(found) if found.failed => failed += 1,
            Some(_) => {
                let has = |name: &&str| cell.is_some_and(|cell| shown.value(survey, cell, name).is_some());
                let asks = |name: &&&str| shown != Shown::Redundant || survey.callback() != Some(**name);
                empty += usize::from(!names.iter().filter(asks).all(has));
            }
        }
    }
    let what = shown.words("each client");
    Ok(Figure {
        id,
        title,
        caption: format!(
            "{what}, a point for each cell of the sweep.{} {}",
            panel.holding(),
            basis(n, "Bars with caps: 95 % interval over repeats, often smaller than the marker.")
        ),
        alt: alt(panel, shown, &names),
        x: panel.across.axis(false),
        y,
        series,
        keys,
        direct_labels: false,
        notes: gaps(not_run, failed, empty, shown.why_not()),
        n,
    })
}

fn points(panel: &Panel<'_>, shown: Shown, place: usize, client: &str) -> Option<Series> {
    let points: Vec<Point> = panel
        .cells()
        .filter_map(|(column, _, cell)| {
            let value = shown.value(panel.survey, cell?, client)?;
            let cut = |(low, high): (f64, f64)| match shown.whole() {
                Some(whole) => (low.clamp(whole.low, whole.high), high.clamp(whole.low, whole.high)),
                None => (low, high),
            };
            let y_interval = value.interval.map(cut);
            Some(Point { x: panel.across.at(column), y: value.point, y_interval, ..Point::default() })
        })
        .collect();
    let look = Look::Client(Identity(place));
    let shape = Shape::Points { points, hollow: false };
    let any = matches!(&shape, Shape::Points { points, .. } if !points.is_empty());
    any.then(|| Series { name: client.to_owned(), look, shape })
}

/// A line along the points of a client.
fn join(panel: &Panel<'_>, shown: Shown, of: &Series) -> Option<Series> {
    let Shape::Points { points, .. } = &of.shape else { return None };
    let points = along(panel, shown, &points.iter().map(|point| (point.x, point.y)).collect::<Vec<_>>())?;
    let shape = Shape::Line { points, dash: SOLID };
    Some(Series { name: format!("{}, joined", of.name), look: of.look, shape })
}

/// Steps between two neighbours.
const STEPS: u32 = 12;

/// A line through places on the axis and their values: as costs go between cells, and straight for what is no cost. `None` where words
/// go across.
fn along(panel: &Panel<'_>, shown: Shown, places: &[(f64, f64)]) -> Option<Vec<(f64, f64)>> {
    let (axis, ruler) = (&panel.survey.index.axes[panel.view.x], panel.across);
    let number = |x: f64| (0..ruler.count()).find(|k| ruler.at(*k) == x).and_then(|k| Some((k, ruler.number(k)?)));
    let known: Vec<(usize, f64, f64)> =
        places.iter().map(|(x, y)| number(*x).map(|(k, number)| (k, number, *y))).collect::<Option<_>>()?;
    let reciprocal = Course::of(axis, Quantity::Cpu) == Course::Reciprocal;
    let mut line = Vec::new();
    for pair in known.windows(2) {
        let ((k, from, low), (next, to, high)) = (pair[0], pair[1]);
        let steps = if shown == Shown::Cpu && from > 0.0 && next == k + 1 { STEPS } else { 1 };
        for step in 0..steps {
            let part = f64::from(step) / f64::from(steps);
            // Evenly along a logarithmic axis.
            let x = if steps > 1 { from * (to / from).powf(part) } else { from };
            let way =
                if reciprocal { (1.0 / x - 1.0 / from) / (1.0 / to - 1.0 / from) } else { (x - from) / (to - from) };
            line.push((ruler.between(k, x), if step == 0 { low } else { low + way * (high - low) }));
        }
    }
    let (last, ..) = known.last()?;
    line.push((ruler.at(*last), known.last()?.2));
    (line.len() > 1).then_some(line)
}

fn expected(panel: &Panel<'_>, shown: Shown, client: &str) -> Option<Series> {
    let at = |(column, _, cell): (usize, usize, Option<usize>)| {
        Some((panel.across.at(column), shown.expected(panel.survey, cell?, client)?))
    };
    let points = along(panel, shown, &panel.cells().filter_map(at).collect::<Vec<_>>())?;
    let shape = Shape::Line { points, dash: DASHED };
    Some(Series { name: format!("{client}, expected"), look: Look::Muted, shape })
}

/// The values at which pollers and the callback take the same.
fn turns(panel: &Panel<'_>) -> Vec<f64> {
    let rows = panel.survey.break_evens();
    let own = rows.iter().filter(|row| row.place.1 == panel.held);
    own.filter_map(|row| panel.across.place(row.cpu.value()?)).collect()
}

/// Logarithmic, unless something is zero; parts from nothing to all.
fn y_axis<'a>(shown: Shown, series: impl Iterator<Item = &'a Series>) -> Option<Axis> {
    let extent = Extent::all(series.map(Series::y_extent));
    let named = |spacing: &str| match shown {
        Shown::Ratio => format!("{} ({spacing})", shown.label()),
        _ => format!("{}, {spacing})", shown.label()),
    };
    if shown.whole().is_some() {
        let scale = Scale { spacing: Spacing::Linear, low: -0.03, high: 1.03 };
        return Some(Axis::new(format!("{})", shown.label()), shown.unit(), scale));
    }
    if extent.points.iter().all(|value| *value > 0.0) {
        return Some(Axis::new(named("log scale"), shown.unit(), extent.log()?));
    }
    let all = extent.points.iter().chain(&extent.ends).copied();
    Some(Axis::new(named("linear"), shown.unit(), Scale::from_zero(all)?))
}

fn alt(panel: &Panel<'_>, shown: Shown, clients: &[&str]) -> String {
    let words: Vec<String> = clients
        .iter()
        .filter_map(|client| {
            let values = panel.cells().filter_map(|(_, _, cell)| Some(shown.value(panel.survey, cell?, client)?.point));
            let values: Vec<f64> = values.collect();
            let (first, last) = (values.first()?, values.last()?);
            Some(format!("{client} from {} to {}", shown.short(*first), shown.short(*last)))
        })
        .collect();
    format!("{}, over one swept key: {}", shown.question().trim_end_matches('?'), told(&words))
}
