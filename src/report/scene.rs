//! A drawing as plain shapes in px, after layout and before any drawing library: what a test can check for overlaps.

use std::ops::Range;

use super::palette::{Dash, Paint};
use super::text;

/// A place in px: x to the right, y down.
pub type Spot = (f64, f64);

/// A finished drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Width in px.
    pub width: f64,
    /// Height in px.
    pub height: f64,
    /// From back to front.
    pub marks: Vec<Mark>,
    /// Which of them belong to a client, by rising place.
    pub owned: Vec<Owned>,
    /// The frame around the data.
    pub data: Frame,
    /// Dashes are drawn in so many times their lengths.
    pub dash_scale: f64,
}

/// Marks that belong to one client: a page can hide them, and tell what stands under the pointer.
#[derive(Clone, Debug, PartialEq)]
pub struct Owned {
    /// Places in the scene's marks.
    pub marks: Range<usize>,
    /// Place of the client in the summary.
    pub client: usize,
    /// Centres of the points among them.
    pub points: Vec<Spot>,
}

/// One shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A line from spot to spot.
    Line {
        /// Its corners.
        points: Vec<Spot>,
        /// Its width in px.
        width: f64,
        /// Its colour.
        paint: Paint,
        /// Its dashes.
        dash: Dash,
    },
    /// A filled area.
    Area {
        /// Its corners.
        points: Vec<Spot>,
        /// Its colour.
        paint: Paint,
        /// 1 hides what is behind it.
        opacity: f64,
    },
    /// A text in one line.
    Text(Label),
}

/// A text and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What it says.
    pub text: String,
    /// On the baseline: at its start, middle or end.
    pub at: Spot,
    /// Which of the three.
    pub anchor: Anchor,
    /// Font size in px.
    pub size: f64,
    /// Colour.
    pub paint: Paint,
    /// Turned to read from bottom to top.
    pub upward: bool,
}

/// Which part of a text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its start.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A rectangle: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Smallest x.
    pub left: f64,
    /// Smallest y.
    pub top: f64,
    /// Largest x.
    pub right: f64,
    /// Largest y.
    pub bottom: f64,
}

impl Frame {
    /// Whether two share more than an edge.
    #[must_use]
    pub fn overlaps(&self, other: &Frame) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// Whether the straight line from one spot to another goes through it.
    #[must_use]
    pub fn meets(&self, from: Spot, to: Spot) -> bool {
        // Liang and Barsky: the stretch of the line that lies between each pair of sides.
        let along = |start: f64, step: f64, low: f64, high: f64| match step {
            0.0 if start > low && start < high => (0.0, 1.0),
            0.0 => (1.0, 0.0),
            _ => {
                let ends = ((low - start) / step, (high - start) / step);
                (ends.0.min(ends.1), ends.0.max(ends.1))
            }
        };
        let x = along(from.0, to.0 - from.0, self.left, self.right);
        let y = along(from.1, to.1 - from.1, self.top, self.bottom);
        x.0.max(y.0).max(0.0) < x.1.min(y.1).min(1.0)
    }

    /// Whether the other lies inside.
    #[must_use]
    pub fn holds(&self, other: &Frame) -> bool {
        self.left <= other.left && self.top <= other.top && self.right >= other.right && self.bottom >= other.bottom
    }

    /// Larger by so many px on each side.
    #[must_use]
    pub fn grown(&self, by: f64) -> Frame {
        Frame { left: self.left - by, top: self.top - by, right: self.right + by, bottom: self.bottom + by }
    }

    /// Around a spot.
    #[must_use]
    pub fn around((x, y): Spot, radius: f64) -> Frame {
        Frame { left: x, top: y, right: x, bottom: y }.grown(radius)
    }
}

impl Label {
    /// The rectangle that the text fills.
    #[must_use]
    pub fn frame(&self) -> Frame {
        let width = text::width(&self.text, self.size);
        let start = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -width / 2.0,
            Anchor::End => -width,
        };
        let (ascent, descent) = (self.size * 0.74, self.size * 0.21);
        let (x, y) = self.at;
        if self.upward {
            Frame { left: x - ascent, top: y - start - width, right: x + descent, bottom: y - start }
        } else {
            Frame { left: x + start, top: y - ascent, right: x + start + width, bottom: y + descent }
        }
    }
}

/// The pieces of a dashed line; a solid one is its only piece.
#[must_use]
pub fn dashes(points: &[Spot], dash: &[f64]) -> Vec<Vec<Spot>> {
    if dash.is_empty() || dash.iter().any(|length| *length <= 0.0) {
        return vec![points.to_vec()];
    }
    let mut pieces = Vec::new();
    let mut piece: Vec<Spot> = points.first().copied().into_iter().collect();
    let (mut turn, mut left) = (0, dash[0]);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut length = (to.0 - from.0).hypot(to.1 - from.1);
        while length > left {
            let part = left / length;
            from = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            length -= left;
            if turn % 2 == 0 {
                piece.push(from);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![from];
            }
            turn = (turn + 1) % dash.len();
            left = dash[turn];
        }
        left -= length;
        if turn % 2 == 0 {
            piece.push(to);
        }
    }
    if turn % 2 == 0 && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_corners_and_keep_their_lengths() {
        let corner = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)];
        let pieces = dashes(&corner, &[8.0, 4.0]);
        assert_eq!(pieces, [vec![(0.0, 0.0), (8.0, 0.0)], vec![(10.0, 2.0), (10.0, 10.0)]]);
        assert_eq!(dashes(&corner, &[]), [corner.to_vec()]);
        assert_eq!(dashes(&corner, &[25.0, 4.0]), [corner.to_vec()]);
    }

    #[test]
    fn a_label_fills_the_place_its_anchor_says() {
        let label = |anchor, upward| Label {
            text: "0000".into(),
            at: (100.0, 50.0),
            anchor,
            size: 10.0,
            paint: Paint::Ink,
            upward,
        };
        let wide = text::width("0000", 10.0);
        assert!((label(Anchor::End, false).frame().left - (100.0 - wide)).abs() < 1e-9);
        assert!((label(Anchor::Middle, true).frame().top - (50.0 - wide / 2.0)).abs() < 1e-9);
        assert!((label(Anchor::Start, true).frame().bottom - 50.0).abs() < 1e-9);
    }

    #[test]
    fn a_line_meets_a_frame_only_where_it_passes() {
        let frame = Frame { left: 10.0, top: 10.0, right: 20.0, bottom: 20.0 };
        for (from, to, meets) in [
            ((0.0, 15.0), (30.0, 15.0), true),
            ((0.0, 15.0), (9.0, 15.0), false),
            ((15.0, 0.0), (15.0, 12.0), true),
            ((0.0, 25.0), (25.0, 0.0), true),
            ((0.0, 8.0), (30.0, 8.0), false),
            ((12.0, 12.0), (13.0, 14.0), true),
        ] {
            assert_eq!(frame.meets(from, to), meets, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn frames_that_touch_do_not_overlap() {
        let a = Frame { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };
        assert!(!a.overlaps(&Frame { left: 1.0, right: 2.0, ..a }));
        assert!(a.overlaps(&Frame { left: 0.9, right: 2.0, ..a }));
        assert!(a.grown(1.0).holds(&a));
    }
}
