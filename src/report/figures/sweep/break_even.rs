//! The value at which a callback becomes cheaper, over the other swept key.

use super::super::super::figure::{Axis, Extent, Figure, Key, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::super::number;
use super::super::super::palette::{DASHED, Identity, SOLID};
use super::super::super::scale::Unit;
use super::super::{basis, key, told};
use super::held_words;
use crate::report::sweep::break_even::{BreakEven, Turn, kind};
use crate::report::sweep::ruler::Ruler;
use crate::report::sweep::{Survey, View};
use crate::scenario::sweep::label;

pub(super) const ID: &str = "sweep_break_even";
const TITLE: &str = "Where does a callback become cheaper than polling?";
/// The most lines.
const MOST_LINES: usize = 7;

/// A line for each poller and each combination of held values.
struct Course<'a> {
    name: String,
    look: Look,
    /// By rising value of the other key, each with its place on the axis.
    rows: Vec<(f64, &'a BreakEven)>,
}

/// Break-evens over the key that goes upward in the heat maps; `None` where one key is swept: its figures have it as a line across.
///
/// # Errors
/// When there is none.
pub(super) fn break_even(survey: &Survey, view: &View) -> Vec<Result<Figure, Omitted>> {
    view.y.map(|y| drawn(survey, view, y)).into_iter().collect()
}

fn drawn(survey: &Survey, view: &View, y: usize) -> Result<Figure, Omitted> {
    let axes = &survey.index.axes;
    let (ruler, across) = (Ruler::of(&axes[y]), Ruler::of(&axes[view.x]));
    let rows = survey.break_evens();
    let courses = courses(survey, &rows, &ruler);
    let (shown, more) = courses.split_at(courses.len().min(MOST_LINES));
    let lines = shown.iter().flat_map(|course| lines(course, ruler.number(0).is_some()));
    let series: Vec<Series> = lines.chain(shown.iter().filter_map(points)).collect();
    let reason = if rows.is_empty() {
        "it needs a callback, a poller, and numbers that are swept"
    } else {
        "in no row of the sweep does the cheaper one change"
    };
    let omitted = || Omitted { id: ID, title: TITLE.into(), reason: reason.into() };
    let scale = Extent::all(series.iter().map(Series::y_extent)).log().ok_or_else(omitted)?;
    let mut keys: Vec<Key> = Vec::new();
    for course in shown.iter().filter(|course| series.iter().any(|series| series.look == course.look)) {
        keys.push(key(course.name.clone(), course.look, Symbol::Marker));
    }
    let way = if shown.iter().flat_map(|c| &c.rows).any(|(_, row)| matches!(row.cpu, Turn::Below(_))) {
        "below: callback cheaper"
    } else {
        "above: callback cheaper"
    };
    keys.push(key("measured", Look::Ink, Symbol::Marker));
    keys.push(key("expected (closed form)", Look::Muted, Symbol::Dashed));
    keys.push(key(way, Look::Ink, Symbol::Nothing));
    let mut notes: Vec<String> = shown.iter().filter_map(|course| beyond(course, label(axes, view.x))).collect();
    if !more.is_empty() {
        notes.push(format!("{} more lines are not drawn; the table has them.", more.len()));
    }
    let clients: Vec<_> = survey.index.scenario.clients.iter().map(|client| client.name.as_str()).collect();
    let cells = 0..survey.index.cells.len();
    let found = cells.flat_map(|cell| clients.iter().filter_map(move |client| survey.client(cell, client)));
    let n = super::super::sample(found);
    let what = across.label.split(" (").next().unwrap_or_default().to_owned();
    let unit = if across.unit == Unit::Nanoseconds { "seconds, log scale" } else { "log scale" };
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "The {} at which poller and callback take the same processor time of client and IOC, at each {}, found between \
             cells as costs go that are proportional to rates. {}",
            label(axes, view.x),
            label(axes, y),
            basis(
                n,
                "Bars with caps: 95 % interval, from where the same repeat of all cells by itself turns; often smaller than the marker, and \
                 none where a repeat does not turn."
            )
        ),
        alt: alt(shown, label(axes, view.x), view, survey),
        x: ruler.axis(false),
        y: Axis::new(format!("Break-even: {} ({unit})", lower(&what)), across.unit, scale),
        series,
        keys,
        direct_labels: false,
        notes,
        n,
    })
}

/// The first letter small, unless the word is an abbreviation.
fn lower(words: &str) -> String {
    let mut letters = words.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain([second]).chain(letters).collect()
        }
        _ => words.to_owned(),
    }
}

fn courses<'a>(survey: &Survey, rows: &'a [BreakEven], ruler: &Ruler) -> Vec<Course<'a>> {
    let mut courses: Vec<Course<'a>> = Vec::new();
    let several = survey.pollers().count() > 1;
    for row in rows {
        let held = held_words(survey, &row.place.1);
        let poller = (several || held.is_empty()).then(|| row.poller.clone());
        let name = poller.into_iter().chain(Some(held).filter(|held| !held.is_empty())).collect::<Vec<_>>().join(", ");
        let place = row.place.0.and_then(|y| ruler.order.iter().position(|value| *value == y));
        let Some(at) = place.map(|place| ruler.at(place)) else { continue };
        match courses.iter_mut().find(|course| course.name == name) {
            Some(course) => course.rows.push((at, row)),
            None => {
                let own = survey.pollers().find(|(_, name)| *name == row.poller).map_or(0, |(place, _)| place);
                courses.push(Course { name, look: Look::Client(Identity(own)), rows: vec![(at, row)] });
            }
        }
    }
    let mut looks: Vec<Look> = courses.iter().map(|course| course.look).collect();
    looks.dedup();
    if looks.len() < courses.len() {
        // One poller at several held values: the lines are nobody's.
        courses.iter_mut().enumerate().for_each(|(k, course)| course.look = Look::Tint(Identity(k)));
    }
    for course in &mut courses {
        course.rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    courses
}

/// The expected line, and one along what was measured.
fn lines(course: &Course<'_>, numbers: bool) -> Vec<Series> {
    let along = |of: &dyn Fn(&BreakEven) -> Turn| -> Vec<(f64, f64)> {
        course.rows.iter().filter_map(|(at, row)| Some((*at, of(row).value()?))).collect()
    };
    let kinds = [
        (along(&|row| row.cpu_closed_form), "expected", Look::Muted, DASHED),
        (along(&|row| row.cpu), "joined", course.look, SOLID),
    ];
    // What is expected leads the eye; where nothing is, a line along the points does.
    let kinds = kinds.into_iter().filter(|(points, ..)| numbers && points.len() > 1).take(1);
    kinds
        .map(|(points, what, look, dash)| Series {
            name: format!("{}, {what}", course.name),
            look,
            shape: Shape::Line { points, dash },
        })
        .collect()
}

fn points(course: &Course<'_>) -> Option<Series> {
    let points = course.rows.iter().filter_map(|(at, row)| {
        Some(Point { x: *at, y: row.cpu.value()?, y_interval: row.cpu_interval, ..Point::default() })
    });
    let points: Vec<Point> = points.collect();
    (!points.is_empty()).then(|| Series {
        name: course.name.clone(),
        look: course.look,
        shape: Shape::Points { points, hollow: false },
    })
}

/// Rows without a break-even have no point: where they are, and which way.
fn beyond(course: &Course<'_>, across: &str) -> Option<String> {
    let at = |wanted: fn(&Turn) -> bool| {
        let rows = course.rows.iter().filter(|(_, row)| wanted(&row.cpu));
        rows.map(|(_, row)| row.at.as_str()).collect::<Vec<_>>()
    };
    let told = [
        (at(|turn| *turn == Turn::Everywhere), format!("the callback is cheaper at every {across} of the sweep")),
        (at(|turn| *turn == Turn::Nowhere), format!("polling is cheaper at every {across} of the sweep")),
        (at(|turn| matches!(turn, Turn::Unsettled(..))), "the cheaper one changes more than once".to_owned()),
        (at(|turn| *turn == Turn::Unknown), "cells are missing".to_owned()),
    ];
    let told = told.iter().filter(|(rows, _)| !rows.is_empty());
    let words: Vec<String> = told.map(|(rows, what)| format!("at {} {what}", super::super::listed(rows))).collect();
    (!words.is_empty()).then(|| format!("{}: {}.", number::capital(&course.name), words.join("; ")))
}

fn alt(courses: &[Course<'_>], across: &str, view: &View, survey: &Survey) -> String {
    let kind = kind(&survey.index.axes[view.x]);
    let words: Vec<String> = courses
        .iter()
        .flat_map(|course| course.rows.iter().map(|(_, row)| row))
        .filter_map(|row| Some(format!("{} {}", row.at, number::plain(kind, row.cpu.value()?))))
        .collect();
    format!("The {across} at which a callback becomes cheaper: {}", told(&words))
}
