//! What did each client believe, and when? One PV for a second, a lane for each client.

use super::super::excerpt::{Excerpt, Second};
use super::super::figure::{Axis, Figure, Look, Omitted, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::SOLID;
use super::super::scale::{Scale, Spacing, Unit};
use super::{basis, key, looks, sample, told};
use crate::summary::{ClientSummary, Summary};

const ID: &str = "timeline";
const TITLE: &str = "What did each client believe, and when?";
/// Name and question.
pub(super) const NAME: (&str, &str) = (ID, TITLE);

/// A client and its second.
pub(super) type Shown<'a> = (Look, &'a ClientSummary, &'a Second);

/// Those that have a second, in the order of the summary.
pub(super) fn shown<'a>(summary: &'a Summary, excerpt: &'a Excerpt) -> Vec<Shown<'a>> {
    looks(summary)
        .filter_map(|(look, client)| {
            let of = excerpt.clients.iter().find(|of| of.name == client.name)?;
            Some((look, client, of.second.as_ref().filter(|second| !second.held.is_empty())?))
        })
        .collect()
}

/// The time axis of lanes: in seconds where all are about as long, else in parts of each lane's own length.
pub(super) struct TimeAxis {
    pub(super) axis: Axis,
    own_lengths: bool,
}

impl TimeAxis {
    /// One that holds them all; the figure of this name is left out where there is nothing to hold.
    pub(super) fn new(shown: &[Shown<'_>], id: &'static str, title: &str) -> Result<TimeAxis, Omitted> {
        let lengths = || shown.iter().map(|(_, _, second)| second.length_ns);
        let (Some(shortest), Some(longest)) = (lengths().min(), lengths().max()) else {
            let reason = "no client held a value of a PV that changed in its window".into();
            return Err(Omitted { id, title: title.into(), reason });
        };
        let own_lengths = shortest.saturating_mul(2) < longest;
        let axis = |label: &str, unit, high| Axis::new(label, unit, Scale { spacing: Spacing::Linear, low: 0.0, high });
        let axis = if own_lengths {
            axis("Time since the window opened (% of the time beside each name)", Unit::Percent, 100.0)
        } else {
            axis("Time since the window opened (seconds)", Unit::Nanoseconds, longest as f64)
        };
        Ok(TimeAxis { axis, own_lengths })
    }

    /// Where an instant of a lane stands.
    pub(super) fn place(&self, second: &Second, ns: f64) -> f64 {
        if self.own_lengths { 100.0 * ns / second.length_ns.max(1) as f64 } else { ns }
    }

    /// The length of a lane in words, where the axis does not tell it.
    pub(super) fn length(&self, second: &Second) -> Option<String> {
        self.own_lengths.then(|| number::plain(Kind::Time, second.length_ns as f64))
    }
}

/// The value of a PV as steps, what each client held as steps, and the gap between them shaded.
///
/// # Errors
/// When no client has a second with changes in it.
pub fn timeline(summary: &Summary, excerpt: &Excerpt) -> Result<Figure, Omitted> {
    let shown = shown(summary, excerpt);
    let time = TimeAxis::new(&shown, ID, TITLE)?;
    let count = shown.len();
    let mut series = Vec::new();
    for (lane, (look, client, second)) in shown.iter().enumerate() {
        let Some(steps) = Steps::of(second, &time, (count - 1 - lane) as f64) else { continue };
        series.push(Series { name: format!("{}, gap", client.name), look: *look, shape: Shape::Band(steps.gap()) });
        let step = |points: &[(f64, f64)]| Shape::Step { points: points.to_vec(), marks: Vec::new() };
        series.push(Series { name: format!("{}, IOC", client.name), look: Look::Muted, shape: step(&steps.truth) });
        let belief = Shape::Line { points: corners(&steps.belief), dash: SOLID };
        series.push(Series { name: client.name.clone(), look: *look, shape: belief });
    }
    let n = sample(shown.iter().map(|(_, client, _)| *client));
    let pv = shown.first().map_or("", |(_, _, second)| second.pv.as_str());
    let name = |(_, client, second): &Shown<'_>| match time.length(second) {
        Some(length) => format!("{}\nover {length}", client.name),
        None => client.name.clone(),
    };
    let names = shown.iter().map(name).collect();
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "The value of {pv} at the IOC (grey, dashed) and what each client held of it (coloured), from the opening of its first window. Each change \
             is a step up; the shaded gap is what the client did not know yet. {}",
            basis(n, "Shown is one PV of the first repeat.")
        ),
        alt: alt(&shown),
        x: time.axis,
        y: Axis::lanes("", names),
        series,
        keys: vec![
            key("at the IOC", Look::Muted, Symbol::Dashed),
            key("held by the client", Look::Ink, Symbol::Plain),
            key("not known yet", Look::Muted, Symbol::Patch),
        ],
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

/// Both lines of a lane as corners.
struct Steps {
    truth: Vec<(f64, f64)>,
    belief: Vec<(f64, f64)>,
}

impl Steps {
    fn of(second: &Second, time: &TimeAxis, lane: f64) -> Option<Steps> {
        let end = time.place(second, second.length_ns as f64);
        let numbers = || second.posted.iter().map(|p| p.0).chain(second.held.iter().map(|h| h.0));
        let (low, high) = (numbers().min()?, numbers().max()?);
        let height = |number: u64| lane + 0.14 + 0.72 * (number - low) as f64 / ((high - low).max(1)) as f64;
        let steps = |changes: &mut dyn Iterator<Item = (u64, i64)>| {
            let mut points: Vec<(f64, f64)> =
                changes.map(|(number, at)| (time.place(second, (at as f64).max(0.0)), height(number))).collect();
            // Of what came before the opening only the last is shown.
            let before = points.iter().take_while(|p| p.0 <= 0.0).count().saturating_sub(1);
            points.drain(..before);
            if let Some(last) = points.last().copied() {
                points.push((end, last.1));
            }
            points
        };
        let truth = steps(&mut second.posted.iter().copied());
        let belief = steps(&mut second.held.iter().map(|(number, at, _)| (*number, *at)));
        Some(Steps { truth, belief })
    }

    /// `(time, believed, true)` at every corner of either.
    fn gap(&self) -> Vec<(f64, f64, f64)> {
        let start = self.belief.first().map_or(0.0, |p| p.0).max(self.truth.first().map_or(0.0, |p| p.0));
        let mut times: Vec<f64> = self.truth.iter().chain(&self.belief).map(|p| p.0).filter(|t| *t >= start).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let at = |points: &[(f64, f64)], time: f64| {
            points.iter().take_while(|p| p.0 <= time).last().or(points.first()).map_or(0.0, |p| p.1)
        };
        let mut gap: Vec<(f64, f64, f64)> = Vec::new();
        for time in times {
            if let Some((_, low, high)) = gap.last().copied() {
                gap.push((time, low, high));
            }
            gap.push((time, at(&self.belief, time), at(&self.truth, time)));
        }
        gap
    }
}

/// The corners of steps, so that they can be drawn as a line without the client's dash.
fn corners(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let first = points.first().copied();
    let after = points.windows(2).flat_map(|pair| [(pair[1].0, pair[0].1), pair[1]]);
    first.into_iter().chain(after).collect()
}

fn alt(shown: &[Shown<'_>]) -> String {
    let words: Vec<String> = shown
        .iter()
        .map(|(_, client, second)| {
            let held = second.held.iter().filter(|h| h.1 >= 0).count();
            let posted = second.posted.iter().filter(|p| p.1 >= 0).count();
            format!("{} saw {held} of {posted} changes", client.name)
        })
        .collect();
    let length = shown.first().map_or(0, |(_, _, second)| second.length_ns) as f64;
    format!("Steps over {}: {}", number::plain(Kind::Time, length), told(&words))
}
