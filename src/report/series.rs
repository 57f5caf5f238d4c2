//! The data of a figure inside its frame: bands, lines, points and their bars.

use super::figure::{Look, Point, Series, Shape, Spread};
use super::layout::{Plan, corners, dash, line, marker as marker_of, paint};
use super::marker;
use super::palette::{DASHED, Paint, SOLID};
use super::scene::{Frame, Mark, Spot};

/// How strongly the area between two lines is filled.
const BAND: f64 = 0.18;
/// The same around a horizontal line.
const LEVEL_BAND: f64 = 0.16;
/// Radius of a dot, as a part of a marker's.
const DOT: f64 = 0.3;

impl Plan<'_> {
    pub(super) fn areas(&self, series: &Series) -> Vec<Mark> {
        match &series.shape {
            Shape::Band(points) => {
                let mut outline = self.spots(points.iter().map(|&(x, low, _)| (x, low)));
                outline.extend(self.spots(points.iter().rev().map(|&(x, _, high)| (x, high))));
                let (paint, opacity) = match series.look {
                    Look::Muted => (Paint::Band, 0.75),
                    look => (paint(look), BAND),
                };
                vec![Mark::Area { points: outline, paint, opacity }]
            }
            Shape::Level { band: Some((low, high)), .. } => {
                let ((bottom, _), (top, _)) = self.y_ends((*low, *high));
                let points = corners(&Frame { top, bottom, ..self.frame });
                // The bands of many lie over each other, and together may not hide the data.
                let bands = self.figure.series.iter().filter(|s| matches!(s.shape, Shape::Level { band: Some(_), .. }));
                let opacity = LEVEL_BAND * (3.0 / bands.count().max(1) as f64).min(1.0);
                vec![Mark::Area { points, paint: paint(series.look), opacity }]
            }
            Shape::Cells(blocks) => self.filled(blocks, paint(series.look)),
            Shape::Boxes(boxes) => boxes
                .iter()
                .filter_map(|one| {
                    let points = self.rectangle(one.quartiles, one.y)?;
                    Some(Mark::Area { points, paint: paint(series.look), opacity: 0.35 })
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn rectangle(&self, x: (f64, f64), y: (f64, f64)) -> Option<Vec<Spot>> {
        let ((left, bottom), (right, top)) = (self.spot((x.0, y.0))?, self.spot((x.1, y.1))?);
        Some(corners(&Frame { left, top, right, bottom }))
    }

    pub(super) fn lines(&self, series: &Series) -> Vec<Mark> {
        let colour = paint(series.look);
        let stroke = self.profile.stroke;
        match &series.shape {
            Shape::Line { points, dash } => {
                vec![line(self.spots(points.iter().copied()), 1.4 * stroke, colour, dash)]
            }
            Shape::Step { points, .. } => {
                let corners = steps(&self.spots(points.iter().copied()));
                vec![line(corners, 1.9 * stroke, colour, dash(series.look))]
            }
            Shape::Level { y, dashed, .. } => self
                .y(*y)
                .map(|y| {
                    let dash = if *dashed { DASHED } else { SOLID };
                    line(vec![(self.frame.left, y), (self.frame.right, y)], 1.9 * stroke, colour, dash)
                })
                .into_iter()
                .collect(),
            Shape::Verticals(xs) => xs
                .iter()
                .filter_map(|x| self.x(*x))
                .map(|x| line(vec![(x, self.frame.top), (x, self.frame.bottom)], stroke, colour, SOLID))
                .collect(),
            Shape::Boxes(boxes) => boxes.iter().flat_map(|one| self.whiskers(one, colour)).collect(),
            Shape::Hatched { blocks, crossed } => self.hatched(blocks, *crossed, colour),
            _ => Vec::new(),
        }
    }

    fn whiskers(&self, one: &Spread, colour: Paint) -> Vec<Mark> {
        let middle = (one.y.0 + one.y.1) / 2.0;
        let across = |from, to| self.spots([(from, middle), (to, middle)]);
        let median = self.spots([(one.median, one.y.0), (one.median, one.y.1)]);
        let stroke = self.profile.stroke;
        [(across(one.whiskers.0, one.quartiles.0), 1.2), (across(one.quartiles.1, one.whiskers.1), 1.2), (median, 2.2)]
            .map(|(points, width)| line(points, width * stroke, colour, SOLID))
            .to_vec()
    }

    pub(super) fn points(&self, series: &Series) -> Vec<Mark> {
        let (colour, shape) = (paint(series.look), marker_of(series.look));
        let (radius, stroke) = (self.profile.radius, self.profile.stroke);
        match &series.shape {
            Shape::Points { points, hollow } => points
                .iter()
                .flat_map(|point| {
                    let mut marks = self.bars(point, colour);
                    if let Some(at) = self.spot((point.x, point.y)) {
                        marks.extend(marker::marks(shape, at, radius, colour, *hollow, stroke));
                    }
                    marks
                })
                .collect(),
            Shape::Step { marks, .. } => self
                .spots(marks.iter().copied())
                .into_iter()
                .flat_map(|at| marker::marks(shape, at, radius * 0.87, colour, false, stroke))
                .collect(),
            Shape::Level { y, dashed, .. } => self
                .y(*y)
                .map(|y| (self.frame.right - self.profile.air(14.0), y))
                .map(|at| marker::marks(shape, at, radius, colour, *dashed, stroke))
                .unwrap_or_default(),
            Shape::Cells(blocks) => self.cell_words(blocks),
            Shape::Dots(points) => self
                .spots(points.iter().copied())
                .into_iter()
                .map(|at| Mark::Area { points: marker::dot(at, radius * DOT), paint: colour, opacity: 0.6 })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The places of single points: where a page looks for what stands under the pointer.
    pub(super) fn centres(&self, series: &Series) -> Vec<Spot> {
        match &series.shape {
            Shape::Points { points, .. } => self.spots(points.iter().map(|p| (p.x, p.y))),
            _ => Vec::new(),
        }
    }

    /// The thin line of the spread and the capped bars of the intervals. An end off the axis is cut at the frame and has no cap.
    fn bars(&self, point: &Point, colour: Paint) -> Vec<Mark> {
        let mut marks = Vec::new();
        let Some((x, y)) = self.spot((point.x, point.y)) else { return marks };
        let (stroke, cap) = (self.profile.stroke, 0.87 * self.profile.radius);
        let shows = |(low, high): ((f64, bool), (f64, bool)), middle: f64| {
            (low.0 - middle).abs().max((high.0 - middle).abs()) > self.profile.radius + 2.5
        };
        if let Some(((low, _), (high, _))) = point.y_spread.map(|range| self.y_ends(range)) {
            marks.push(line(vec![(x, low), (x, high)], 1.2 * stroke, colour, SOLID));
        }
        if let Some((low, high)) = point.y_interval.map(|range| self.y_ends(range)).filter(|ends| shows(*ends, y)) {
            marks.push(line(vec![(x, low.0), (x, high.0)], 2.2 * stroke, colour, SOLID));
            for (end, _) in [low, high].into_iter().filter(|(_, inside)| *inside) {
                marks.push(line(vec![(x - cap, end), (x + cap, end)], 1.4 * stroke, colour, SOLID));
            }
        }
        if let Some((low, high)) = point.x_interval.map(|range| self.x_ends(range)).filter(|ends| shows(*ends, x)) {
            marks.push(line(vec![(low.0, y), (high.0, y)], 2.2 * stroke, colour, SOLID));
            for (end, _) in [low, high].into_iter().filter(|(_, inside)| *inside) {
                marks.push(line(vec![(end, y - cap), (end, y + cap)], 1.4 * stroke, colour, SOLID));
            }
        }
        marks
    }

    /// Both ends of a range, cut to the frame, each with whether it lay inside.
    pub(super) fn y_ends(&self, (low, high): (f64, f64)) -> ((f64, bool), (f64, bool)) {
        let (top, bottom) = (self.frame.top, self.frame.bottom);
        let end = |value, beyond: f64| {
            let y = self.y(value).unwrap_or(beyond);
            (y.clamp(top, bottom), y >= top && y <= bottom && self.y(value).is_some())
        };
        (end(low, bottom), end(high, top))
    }

    pub(super) fn x_ends(&self, (low, high): (f64, f64)) -> ((f64, bool), (f64, bool)) {
        let (left, right) = (self.frame.left, self.frame.right);
        let end = |value, beyond: f64| {
            let x = self.x(value).unwrap_or(beyond);
            (x.clamp(left, right), x >= left && x <= right && self.x(value).is_some())
        };
        (end(low, left), end(high, right))
    }
}

/// Steps smaller than this, in px, are drawn as straight lines: no one sees the corner, and it makes the line rough.
const SMALLEST_STEP: f64 = 2.5;

/// The corners of a line that keeps its y up to the next x.
fn steps(points: &[Spot]) -> Vec<Spot> {
    let mut corners: Vec<Spot> = Vec::with_capacity(points.len() * 2);
    for &(x, y) in points {
        if let Some(&(before_x, before_y)) = corners.last()
            && (x - before_x).abs().max((y - before_y).abs()) > SMALLEST_STEP
        {
            corners.push((x, before_y));
        }
        corners.push((x, y));
    }
    corners
}
