//! Rectangles on the axes: filled by value, hatched where there is none, with their words inside.

use super::figure::{Block, Shape};
use super::layout::{Plan, corners, line};
use super::palette::{Paint, SOLID};
use super::profile::Profile;
use super::scene::{Anchor, Frame, Label, Mark, Spot};
use super::text;

/// From one line of a hatching to the next, for letters of the screen's size.
const PITCH: f64 = 7.0;
/// Air around the words in a rectangle.
const AIR: f64 = 2.0;

/// Where words may stand in a rectangle, in order: parts of the room that is left beside and below them.
const PLACES: [(f64, f64); 11] = [
    (0.0, 0.0),
    (0.0, -0.5),
    (0.0, 0.5),
    (0.0, -1.0),
    (0.0, 1.0),
    (-1.0, -1.0),
    (1.0, -1.0),
    (-1.0, 1.0),
    (1.0, 1.0),
    (-1.0, 0.0),
    (1.0, 0.0),
];

/// A rectangle as a shape has it: from and to, across and upward.
type Sides = ((f64, f64), (f64, f64));

impl Plan<'_> {
    pub(super) fn filled(&self, blocks: &[Block], paint: Paint) -> Vec<Mark> {
        let filled = blocks.iter().filter(|block| block.strength > 0.0);
        filled
            .filter_map(|block| {
                let points = self.rectangle(block.x, block.y)?;
                Some(Mark::Area { points, paint, opacity: block.strength })
            })
            .collect()
    }

    /// Each rectangle with lines across it and one around it.
    pub(super) fn hatched(&self, blocks: &[Sides], crossed: bool, paint: Paint) -> Vec<Mark> {
        let frames = blocks.iter().filter_map(|(x, y)| self.block_frame(*x, *y));
        let marks = |frame: Frame| {
            let mut marks = hatching(&frame, crossed, self.profile, paint);
            marks.push(outline(&frame, self.profile.stroke));
            marks
        };
        frames.flat_map(marks).collect()
    }

    /// The words in the rectangles: in all of them, or in none where one finds no room. Where a line of the figure crosses them they stand
    /// above or below it.
    pub(super) fn cell_words(&self, blocks: &[Block]) -> Vec<Mark> {
        let size = self.profile.tick_size;
        let lines = self.line_pieces();
        let placed: Option<Vec<Label>> = blocks
            .iter()
            .filter_map(|block| Some((self.block_frame(block.x, block.y)?, block.label.as_ref()?)))
            .map(|(frame, words)| {
                let fits = text::width(words, size) + 2.0 * AIR <= frame.right - frame.left
                    && size + 2.0 * AIR <= frame.bottom - frame.top;
                let spare = |room: f64, taken: f64| ((room - taken) / 2.0 - AIR).max(0.0);
                let (wide, high) = (frame.right - frame.left, frame.bottom - frame.top);
                let spare = (spare(wide, text::width(words, size)), spare(high, size));
                let label = |(across, down): (f64, f64)| {
                    let centre = ((frame.left + frame.right) / 2.0, (frame.top + frame.bottom) / 2.0);
                    let middle = (centre.0 + across * spare.0, centre.1 + down * spare.1);
                    let at = (middle.0, middle.1 + size * 0.36);
                    let text = words.clone();
                    Label { text, at, anchor: Anchor::Middle, size, paint: Paint::Ink, upward: false }
                };
                let places = PLACES.map(label);
                let free = |label: &&Label| !lines.iter().any(|(a, b)| label.frame().grown(AIR).meets(*a, *b));
                let place = places.iter().find(free).unwrap_or(&places[0]).clone();
                fits.then_some(place)
            })
            .collect();
        placed.unwrap_or_default().into_iter().map(Mark::Text).collect()
    }

    /// The straight pieces of every line over the cells.
    fn line_pieces(&self) -> Vec<(Spot, Spot)> {
        let lines = self.figure.series.iter().filter_map(|series| match &series.shape {
            Shape::Line { points, .. } => Some(self.spots(points.iter().copied())),
            _ => None,
        });
        lines.flat_map(|line| line.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()).collect()
    }

    fn block_frame(&self, x: (f64, f64), y: (f64, f64)) -> Option<Frame> {
        let ((left, bottom), (right, top)) = (self.spot((x.0, y.0))?, self.spot((x.1, y.1))?);
        Some(Frame { left, top, right, bottom })
    }
}

/// A line around a rectangle.
pub(super) fn outline(frame: &Frame, stroke: f64) -> Mark {
    let mut points = corners(frame);
    points.extend(points.first().copied());
    line(points, 0.7 * stroke, Paint::Muted, SOLID)
}

/// Rising lines across a rectangle; crossed: falling ones too. They stand at the same places of the whole drawing, so that neighbours
/// join.
pub(super) fn hatching(frame: &Frame, crossed: bool, profile: &Profile, paint: Paint) -> Vec<Mark> {
    let pitch = profile.air(PITCH);
    let rising = diagonals(frame, pitch, 1.0);
    let falling = if crossed { diagonals(frame, pitch, -1.0) } else { Vec::new() };
    rising.into_iter().chain(falling).map(|(a, b)| line(vec![a, b], 0.8 * profile.stroke, paint, SOLID)).collect()
}

/// The pieces of the lines `x + turn * y = k * pitch` that lie in a rectangle.
fn diagonals(frame: &Frame, pitch: f64, turn: f64) -> Vec<(Spot, Spot)> {
    let sums = [frame.left + turn * frame.top, frame.right + turn * frame.bottom]
        .into_iter()
        .chain([frame.left + turn * frame.bottom, frame.right + turn * frame.top]);
    let (low, high) = sums.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), s| (low.min(s), high.max(s)));
    if !(pitch > 0.0 && low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    let (first, last) = ((low / pitch).ceil() as i64, (high / pitch).floor() as i64);
    (first..=last)
        .filter_map(|k| {
            let sum = k as f64 * pitch;
            // x as y goes from the top to the bottom, cut at both sides.
            let at = |y: f64| sum - turn * y;
            let y_at = |x: f64| turn * (sum - x);
            let (a, b) = (y_at(frame.left), y_at(frame.right));
            let top = frame.top.max(a.min(b));
            let bottom = frame.bottom.min(a.max(b));
            (bottom > top).then(|| ((at(top), top), (at(bottom), bottom)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hatching_stays_inside_and_covers_all_of_it() {
        let frame = Frame { left: 10.0, top: 5.0, right: 60.0, bottom: 25.0 };
        for turn in [1.0, -1.0] {
            let lines = diagonals(&frame, 7.0, turn);
            // 70 px of sums, one line every 7.
            assert_eq!(lines.len(), 10, "{lines:?}");
            for spot in lines.iter().flat_map(|(a, b)| [a, b]) {
                assert!(frame.grown(1e-9).holds(&Frame::around(*spot, 0.0)), "{spot:?}");
            }
            for ((x0, y0), (x1, y1)) in lines {
                assert!((x0 + turn * y0 - (x1 + turn * y1)).abs() < 1e-9);
            }
        }
        assert!(diagonals(&frame, 0.0, 1.0).is_empty());
    }
}
