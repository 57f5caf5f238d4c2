//! How old is what a client holds? Age of information as it goes: a saw-tooth for each client.

use super::super::excerpt::{Excerpt, Second};
use super::super::figure::{Axis, Figure, Look, Omitted, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::{DASHED, SOLID};
use super::timeline::{Shown, TimeAxis, shown};
use super::{basis, key, sample, told};
use crate::summary::Summary;

const ID: &str = "age_saw";
const TITLE: &str = "How old is what each client holds?";
/// Name and question.
pub(super) const NAME: (&str, &str) = (ID, TITLE);

/// The age of the newest value that each client holds: it rises with time and falls at each newer value. Each lane has its own height.
///
/// # Errors
/// When no client has a second with changes in it.
pub fn age_saw(summary: &Summary, excerpt: &Excerpt) -> Result<Figure, Omitted> {
    let shown = shown(summary, excerpt);
    let time = TimeAxis::new(&shown, ID, TITLE)?;
    let count = shown.len();
    let mut names = Vec::new();
    let (mut expected, mut series) = (Vec::new(), Vec::new());
    for (lane, (look, client, second)) in shown.iter().enumerate() {
        let teeth = teeth(second);
        let top = teeth.iter().map(|t| t.1).fold(1.0, f64::max);
        let base = (count - 1 - lane) as f64;
        let points =
            teeth.into_iter().map(|(at, age)| (time.place(second, at), base + 0.1 + 0.8 * age / top)).collect();
        let mean = client.expected.age_mean_ns.filter(|mean| *mean > 0.0 && *mean < 1.1 * top);
        expected.extend(mean.map(|mean| {
            let y = base + 0.1 + 0.8 * mean / top;
            let shape = Shape::Line { points: vec![(0.0, y), (time.axis.scale.high, y)], dash: DASHED };
            Series { name: format!("expected mean, {}", client.name), look: Look::Muted, shape }
        }));
        let over = time.length(second).map(|length| format!(" in {length}")).unwrap_or_default();
        names.push(format!("{}\nto {}{over}", client.name, number::plain(Kind::Time, top)));
        series.push(Series { name: client.name.clone(), look: *look, shape: Shape::Line { points, dash: SOLID } });
    }
    let n = sample(shown.iter().map(|(_, client, _)| *client));
    let pv = shown.first().map_or("", |(_, _, second)| second.pv.as_str());
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Age of information of {pv}: how long ago the newest value that the client holds was posted. It falls when the client gets a newer one. \
             Each lane goes from 0 to the age beside its name.{} {}",
            if expected.is_empty() { "" } else { " Dashed: the mean over all PVs and all time that theory expects." },
            basis(n, "Shown is one PV of the first repeat.")
        ),
        alt: alt(&shown),
        x: time.axis,
        y: Axis::lanes("", names),
        keys: if expected.is_empty() { Vec::new() } else { vec![key("expected mean", Look::Muted, Symbol::Dashed)] },
        series: expected.into_iter().chain(series).collect(),
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

/// Corners `(time, age)`, in ns.
fn teeth(second: &Second) -> Vec<(f64, f64)> {
    let end = second.length_ns as i64;
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for (place, (_, received, posted)) in second.held.iter().enumerate() {
        let until = second.held.get(place + 1).map_or(end, |next| next.1);
        let from = (*received).max(0);
        if until > from {
            corners.extend([from, until].map(|at| (at as f64, (at - posted).max(0) as f64)));
        }
    }
    corners
}

fn alt(shown: &[Shown<'_>]) -> String {
    let words: Vec<String> = shown
        .iter()
        .filter_map(|(_, client, _)| {
            Some(format!("{} {}", client.name, number::plain(Kind::Time, client.age_mean_ns?.point)))
        })
        .collect();
    format!("Saw-teeth, one for each client. Mean age over the whole run: {}", told(&words))
}
