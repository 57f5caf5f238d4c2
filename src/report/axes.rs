//! The axes of a figure: grid, ticks, their labels, and what each axis is.

use super::figure::Shape;
use super::layout::{Plan, line};
use super::palette::{Paint, SOLID};
use super::scale::{SPARSEST, Tick};
use super::scene::{Anchor, Frame, Label, Mark, Spot};
use super::text;

/// From one line of an axis label to the next, in font sizes.
pub(super) const LINE: f64 = 1.2;
/// The widest name of a lane, as a part of the figure; and where that would cut one.
const WIDEST_NAME: f64 = 0.3;
const WIDER_NAME: f64 = 0.42;

impl Plan<'_> {
    pub(super) fn x_axis(&self) -> Vec<Mark> {
        let profile = self.profile;
        let (top, bottom) = (self.frame.top, self.frame.bottom);
        let size = profile.tick_size;
        let mut marks = Vec::new();
        for (x, label) in self.x_ticks(bottom + profile.air(10.0) + size * 0.74) {
            if label.is_some() && self.gridded() {
                marks.push(line(vec![(x, top), (x, bottom)], profile.stroke, Paint::Grid, SOLID));
            }
            let length = profile.air(if label.is_some() { 6.0 } else { 3.0 });
            marks.push(line(vec![(x, bottom), (x, bottom + length)], profile.stroke, Paint::Muted, SOLID));
            marks.extend(label.map(Mark::Text));
        }
        let middle = (self.frame.left + self.frame.right) / 2.0;
        for (row, words) in self.x_label.iter().enumerate() {
            let down = profile.air(46.0) + row as f64 * profile.label_size * LINE;
            marks.push(self.axis_label(words, (middle, bottom + down), false));
        }
        marks
    }

    /// Where the ticks are, with their labels at this height: as many as all find room, so that no gap is left between them.
    fn x_ticks(&self, down: f64) -> Vec<(f64, Option<Label>)> {
        let axis = &self.figure.x;
        let placed = |level| -> Vec<(f64, Option<Label>)> {
            let ticks = match axis.names.is_empty() {
                true => axis.scale.sparse_ticks(axis.unit, level),
                false => self.x_names(level),
            };
            let ticks = ticks.into_iter();
            let at = |tick: Tick| {
                let x = self.x(tick.at)?.floor() + 0.5;
                Some((x, tick.label.map(|words| self.tick_label(words, (x, down)))))
            };
            ticks.filter_map(at).collect()
        };
        let all_fit = |ticks: &Vec<(f64, Option<Label>)>| {
            let frames: Vec<Frame> = ticks.iter().filter_map(|(_, label)| Some(label.as_ref()?.frame())).collect();
            frames.windows(2).all(|pair| pair[0].right + self.profile.air(6.0) < pair[1].left) && frames.len() > 1
        };
        let sparsest = SPARSEST.max(axis.names.len());
        let mut ticks = (0..=sparsest).map(placed).find(all_fit).unwrap_or_else(|| placed(0));
        // What finds no room even so leaves a minor tick.
        let mut free_from = f64::NEG_INFINITY;
        for (_, label) in &mut ticks {
            *label = label.take().filter(|l| l.frame().left > free_from && l.frame().right < self.profile.width);
            free_from = label.as_ref().map_or(free_from, |label| label.frame().right + self.profile.air(6.0));
        }
        ticks
    }

    pub(super) fn y_axis(&self) -> Vec<Mark> {
        let profile = self.profile;
        let (left, right) = (self.frame.left, self.frame.right);
        let size = profile.tick_size;
        let lanes = self.figure.y.lane_count();
        let mut marks = Vec::new();
        let mut free_below = f64::INFINITY;
        for tick in &self.y_ticks {
            let Some(y) = self.y(tick.at) else { continue };
            let y = y.floor() + 0.5;
            // A name may go on in a second line.
            let lines: Vec<&str> = tick.label.iter().flat_map(|words| words.split('\n')).collect();
            let middle = (lines.len() as f64 - 1.0) / 2.0;
            let mut labels: Vec<Label> = lines
                .iter()
                .enumerate()
                .map(|(row, words)| {
                    let down = size * (0.36 + LINE * (row as f64 - middle));
                    Label {
                        anchor: Anchor::End,
                        ..self.tick_label((*words).to_owned(), (left - profile.air(9.0), y + down))
                    }
                })
                .collect();
            if labels.last().is_some_and(|label| label.frame().bottom >= free_below) {
                labels.clear();
            }
            if lanes == 0 {
                if !labels.is_empty() && self.gridded() {
                    marks.push(line(vec![(left, y), (right, y)], profile.stroke, Paint::Grid, SOLID));
                }
                let length = profile.air(if labels.is_empty() { 3.0 } else { 6.0 });
                marks.push(line(vec![(left - length, y), (left, y)], profile.stroke, Paint::Muted, SOLID));
            }
            if let Some(first) = labels.first() {
                free_below = first.frame().top - 1.0;
            }
            marks.extend(labels.into_iter().map(Mark::Text));
        }
        for edge in 1..lanes {
            let y = self.y(edge as f64);
            marks.extend(y.map(|y| line(vec![(left, y), (right, y)], profile.stroke, Paint::Grid, SOLID)));
        }
        let middle = (self.frame.top + self.frame.bottom) / 2.0;
        for (row, words) in self.y_label.iter().enumerate() {
            let x = profile.air(12.0) + profile.label_size * (0.74 + LINE * row as f64);
            marks.push(self.axis_label(words, (x, middle), true));
        }
        marks
    }

    /// The names of the horizontal axis: numbers stay whole, and at a higher level only every second, third and so on has its label; words
    /// are shortened to the room that each has.
    fn x_names(&self, level: usize) -> Vec<Tick> {
        let names = &self.figure.x.names;
        let room = (self.frame.right - self.frame.left) / names.len().max(1) as f64 - self.profile.air(8.0);
        let numbers = names.iter().all(|(_, name)| name.starts_with(|c: char| c.is_ascii_digit()));
        let label = |(place, name): (usize, &String)| match numbers {
            true => place.is_multiple_of(level + 1).then(|| name.clone()),
            false => Some(text::fit(name, self.profile.tick_size, room)),
        };
        names.iter().enumerate().map(|(place, (at, name))| Tick { at: *at, label: label((place, name)) }).collect()
    }

    /// Whether grid lines are drawn: never below cells, which have edges of their own.
    fn gridded(&self) -> bool {
        let cells = |shape: &Shape| matches!(shape, Shape::Cells(blocks) if blocks.iter().any(|b| b.value.is_some()));
        self.profile.grid && !self.figure.series.iter().any(|series| cells(&series.shape))
    }

    fn axis_label(&self, words: &str, at: Spot, upward: bool) -> Mark {
        let size = self.profile.label_size;
        Mark::Text(Label { text: words.to_owned(), at, anchor: Anchor::Middle, size, paint: Paint::Ink, upward })
    }

    fn tick_label(&self, text: String, at: Spot) -> Label {
        let size = self.profile.tick_size;
        Label { text, at, anchor: Anchor::Middle, size, paint: Paint::Ink, upward: false }
    }
}

/// The ticks of the vertical axis, from the bottom up: those of its scale, or its names.
pub(super) fn y_ticks(plan: &Plan<'_>) -> Vec<Tick> {
    let axis = &plan.figure.y;
    if axis.names.is_empty() {
        return axis.scale.ticks(axis.unit);
    }
    let (size, width) = (plan.profile.tick_size, plan.profile.width);
    let lines: Vec<(&str, Option<&str>)> = axis
        .names
        .iter()
        .map(|(_, name)| name.split_once('\n').map_or((name.as_str(), None), |(a, b)| (a, Some(b))))
        .collect();
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    let fits = |line: &str| text::width(line, size) <= width * WIDEST_NAME;
    let all_fit = lines.iter().all(|(name, more)| fits(name) && more.is_none_or(fits));
    let room = width * if all_fit { WIDEST_NAME } else { WIDER_NAME };
    let short = text::fit_all(&names, size, room);
    let detail = |words: &str| format!("\n{}", text::fit(words, size, room));
    let labels = short.into_iter().zip(&lines).map(|(name, (_, more))| name + &more.map(detail).unwrap_or_default());
    axis.names.iter().zip(labels).rev().map(|((at, _), label)| Tick { at: *at, label: Some(label) }).collect()
}
