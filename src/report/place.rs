//! Finding room for names beside their points: no two names over each other, none over a marker, none outside.

use super::palette::Paint;
use super::scene::{Anchor, Frame, Label, Spot};

/// The room that is left inside a frame.
#[derive(Clone, Debug)]
pub(super) struct Room {
    inside: Frame,
    taken: Vec<Frame>,
    /// Stretches of line that a name had better not lie on.
    lines: Vec<(Spot, Spot)>,
    /// Font size of names, in px.
    size: f64,
}

impl Room {
    /// All of the frame.
    #[must_use]
    pub(super) fn new(inside: Frame, size: f64) -> Room {
        Room { inside, taken: Vec::new(), lines: Vec::new(), size }
    }

    /// Keeps names out of here.
    pub(super) fn take(&mut self, frame: Frame) {
        self.taken.push(frame);
    }

    /// Keeps names off this line where there is another place for them.
    pub(super) fn cross_unwillingly(&mut self, points: &[Spot]) {
        self.lines.extend(points.windows(2).map(|pair| (pair[0], pair[1])));
    }

    fn is_free(&self, frame: &Frame) -> bool {
        self.inside.holds(frame) && !self.taken.iter().any(|t| t.overlaps(frame))
    }

    /// A name beside a marker: right, left, above, below, then the corners; `None` where all are taken.
    pub(super) fn beside(&mut self, text: &str, (x, y): Spot, gap: f64) -> Option<Label> {
        let middle = y + self.size * 0.27;
        let (above, below) = (y - gap, y + gap + self.size * 0.74);
        let places = [
            (Anchor::Start, (x + gap, middle)),
            (Anchor::End, (x - gap, middle)),
            (Anchor::Middle, (x, above)),
            (Anchor::Middle, (x, below)),
            (Anchor::Start, (x + gap * 0.7, above)),
            (Anchor::Start, (x + gap * 0.7, below)),
            (Anchor::End, (x - gap * 0.7, above)),
            (Anchor::End, (x - gap * 0.7, below)),
        ];
        self.first_free(text, &places)
    }

    /// A name along a horizontal line: above or below it, from the left to the right.
    pub(super) fn along(&mut self, text: &str, y: f64) -> Option<Label> {
        let (above, below) = (y - self.size * 0.5, y + self.size * (0.42 + 0.74));
        let (left, right) = (self.inside.left + self.size * 0.67, self.inside.right - self.size * 0.67);
        let steps = 8;
        let places: Vec<_> = (0..=steps)
            .map(|k| left + (right - left) * f64::from(k) / f64::from(steps))
            .flat_map(|x| {
                let anchor = if x > (left + right) / 2.0 { Anchor::End } else { Anchor::Start };
                [(anchor, (x, above)), (anchor, (x, below))]
            })
            .collect();
        self.first_free(text, &places)
    }

    fn first_free(&mut self, text: &str, places: &[(Anchor, Spot)]) -> Option<Label> {
        let free: Vec<Label> = places
            .iter()
            .map(|&(anchor, at)| Label {
                text: text.to_owned(),
                at,
                anchor,
                size: self.size,
                paint: Paint::Ink,
                upward: false,
            })
            .filter(|label| self.is_free(&label.frame().grown(1.0)))
            .collect();
        let crossed = |label: &Label| self.lines.iter().any(|(from, to)| label.frame().meets(*from, *to));
        let found = free.iter().find(|label| !crossed(label)).or(free.first())?.clone();
        self.take(found.frame());
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_overlap_and_stay_inside() {
        let inside = Frame { left: 0.0, top: 0.0, right: 300.0, bottom: 100.0 };
        let mut room = Room::new(inside, 12.0);
        let spots: Vec<Spot> = (0..8).map(|k| (150.0 + f64::from(k) * 4.0, 50.0)).collect();
        for spot in &spots {
            room.take(Frame::around(*spot, 5.0));
        }
        let mut labels: Vec<Label> = spots.iter().filter_map(|s| room.beside("a name", *s, 8.0)).collect();
        labels.extend(room.along("level", 95.0));
        assert!(labels.len() > 2);
        for (i, a) in labels.iter().enumerate() {
            assert!(inside.holds(&a.frame()));
            assert!(labels[i + 1..].iter().all(|b| !a.frame().overlaps(&b.frame())));
            assert!(spots.iter().all(|s| !a.frame().overlaps(&Frame::around(*s, 5.0))));
        }
    }

    #[test]
    fn a_name_lies_on_a_line_only_where_it_must() {
        let mut room = Room::new(Frame { left: 0.0, top: 0.0, right: 300.0, bottom: 100.0 }, 12.0);
        room.cross_unwillingly(&[(150.0, 50.0), (300.0, 50.0)]);
        let beside = room.beside("a name", (150.0, 50.0), 8.0).unwrap();
        assert_eq!(beside.anchor, Anchor::End, "left of the point, for the line goes to the right");
        room.take(Frame { left: 0.0, top: 0.0, right: 149.0, bottom: 100.0 });
        room.take(Frame { left: 0.0, top: 58.0, right: 300.0, bottom: 100.0 });
        room.take(Frame { left: 0.0, top: 0.0, right: 300.0, bottom: 42.0 });
        assert!(room.beside("a name", (150.0, 50.0), 8.0).is_some(), "on the line: there is no other place");
    }

    #[test]
    fn no_room_is_none() {
        let mut room = Room::new(Frame { left: 0.0, top: 0.0, right: 20.0, bottom: 20.0 }, 12.0);
        assert_eq!(room.beside("far too long for this", (10.0, 10.0), 5.0), None);
    }
}
