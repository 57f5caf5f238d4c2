//! The axes of a figure: grid, ticks, their labels, and what each axis is.

use super::figure::Shape;
use super::layout::{Plan, line};
use super::palette::{Paint, SOLID};
use super::scale::Tick;
use super::scene::{Anchor, Label, Mark, Spot};
use super::text;

/// From one line of an axis label to the next, in font sizes.
pub(super) const LINE: f64 = 1.2;
/// The widest name of a lane, as a part of the figure.
const WIDEST_NAME: f64 = 0.3;

impl Plan<'_> {
    pub(super) fn x_axis(&self) -> Vec<Mark> {
        let profile = self.profile;
        let (top, bottom) = (self.frame.top, self.frame.bottom);
        let size = profile.tick_size;
        let mut marks = Vec::new();
        let mut free_from = f64::NEG_INFINITY;
        for tick in self.x_ticks() {
            let Some(x) = self.x(tick.at) else { continue };
            let x = x.floor() + 0.5;
            let label = tick.label.map(|words| self.tick_label(words, (x, bottom + profile.air(10.0) + size * 0.74)));
            // A label that finds no room leaves a minor tick.
            let label = label.filter(|label| label.frame().left > free_from && label.frame().right < profile.width);
            if label.is_some() && self.gridded() {
                marks.push(line(vec![(x, top), (x, bottom)], profile.stroke, Paint::Grid, SOLID));
            }
            let length = profile.air(if label.is_some() { 6.0 } else { 3.0 });
            marks.push(line(vec![(x, bottom), (x, bottom + length)], profile.stroke, Paint::Muted, SOLID));
            if let Some(label) = label {
                free_from = label.frame().right + profile.air(6.0);
                marks.push(Mark::Text(label));
            }
        }
        let middle = (self.frame.left + self.frame.right) / 2.0;
        for (row, words) in self.x_label.iter().enumerate() {
            let down = profile.air(46.0) + row as f64 * profile.label_size * LINE;
            marks.push(self.axis_label(words, (middle, bottom + down), false));
        }
        marks
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

    /// The ticks of the horizontal axis: those of its scale, or its names. Numbers stay whole; words are shortened to the room that
    /// each has.
    fn x_ticks(&self) -> Vec<Tick> {
        let axis = &self.figure.x;
        if axis.names.is_empty() {
            return axis.scale.ticks(axis.unit);
        }
        let count = axis.names.len();
        let room = (self.frame.right - self.frame.left) / count as f64 - self.profile.air(8.0);
        let is_number = |name: &str| name.starts_with(|c: char| c.is_ascii_digit());
        if !axis.names.iter().all(|(_, name)| is_number(name)) {
            let label = |name: &str| Some(text::fit(name, self.profile.tick_size, room));
            return axis.names.iter().map(|(at, name)| Tick { at: *at, label: label(name) }).collect();
        }
        // As many as find room, evenly chosen.
        let widest = axis.names.iter().map(|(_, name)| text::width(name, self.profile.tick_size)).fold(0.0, f64::max);
        let stride =
            (1..=count).find(|stride| widest <= room + (*stride as f64 - 1.0) * (room + self.profile.air(8.0)));
        let stride = stride.unwrap_or(count.max(1));
        let labelled = |place: usize| place.is_multiple_of(stride);
        let ticks = axis.names.iter().enumerate();
        ticks.map(|(place, (at, name))| Tick { at: *at, label: labelled(place).then(|| name.clone()) }).collect()
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
    let size = plan.profile.tick_size;
    let fit = |line: &str| text::fit(line, size, plan.profile.width * WIDEST_NAME);
    let label = |name: &str| Some(name.split('\n').map(fit).collect::<Vec<_>>().join("\n"));
    axis.names.iter().rev().map(|(at, name)| Tick { at: *at, label: label(name) }).collect()
}
