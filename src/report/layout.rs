//! From a figure to a scene: where its axes, data, names and legend go, in px.

use super::figure::{Axis, Figure, Look, Point, Shape, Symbol};
use super::legend;
use super::palette::{DASHED, Dash, Marker, Paint, SOLID};
use super::place::Room;
use super::scale::Tick;
use super::scene::{Anchor, Frame, Label, Mark, Scene, Spot};
use super::text;

/// Width of every figure, in px.
const WIDTH: f64 = 780.0;
/// Height of the area with the data, in px; more where the legend needs it.
const DATA_HEIGHT: f64 = 330.0;
const TITLE_SIZE: f64 = 16.0;
const LABEL_SIZE: f64 = 13.0;
const TICK_SIZE: f64 = 12.0;
/// From the figure's top to the data: title and air.
const TITLED_TOP: f64 = 46.0;
/// The same without a title: air for half of a tick's label.
const TOP: f64 = 14.0;
/// From the data to the figure's bottom: tick labels and axis label.
const BOTTOM: f64 = 54.0;
/// Air at the outer edges.
const EDGE: f64 = 12.0;
/// Radius of a marker.
pub(super) const RADIUS: f64 = 4.6;

/// Whether the question stands above the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Title {
    /// In the picture: for a file that stands alone.
    Drawn,
    /// Beside it: for a page with a heading of its own.
    Left,
}

/// Lays a figure out.
#[must_use]
pub fn scene(figure: &Figure, title: Title) -> Scene {
    let with_legend = Plan::new(figure, title, true);
    if figure.direct_labels {
        let plan = Plan::new(figure, title, false);
        if let Some(scene) = plan.draw(true) {
            return scene;
        }
    }
    with_legend.draw(false).unwrap_or(Scene { width: WIDTH, height: DATA_HEIGHT, marks: Vec::new() })
}

/// A figure with the frame of its data.
pub(super) struct Plan<'a> {
    figure: &'a Figure,
    title: Title,
    /// Around the data.
    pub(super) frame: Frame,
    height: f64,
    /// Whether clients stand in the legend.
    clients_in_legend: bool,
    y_ticks: Vec<Tick>,
}

impl<'a> Plan<'a> {
    fn new(figure: &'a Figure, title: Title, clients_in_legend: bool) -> Plan<'a> {
        let top = if title == Title::Drawn { TITLED_TOP } else { TOP };
        let y_ticks = figure.y.scale.ticks(figure.y.unit);
        let widest = y_ticks.iter().filter_map(|t| t.label.as_deref()).map(|l| text::width(l, TICK_SIZE));
        let left = (EDGE + LABEL_SIZE + 10.0 + widest.fold(0.0, f64::max) + 9.0).ceil();
        let (legend_width, legend_height) = legend::size(figure, clients_in_legend);
        let right = if legend_width > 0.0 { (WIDTH - EDGE - legend_width - 16.0).floor() } else { WIDTH - 2.0 * EDGE };
        let data_height = DATA_HEIGHT.max(legend_height).ceil();
        let frame = Frame { left, top, right, bottom: top + data_height };
        Plan { figure, title, frame, height: top + data_height + BOTTOM, clients_in_legend, y_ticks }
    }

    /// `None` when every name must stand at its point and one finds no room.
    fn draw(&self, names_needed: bool) -> Option<Scene> {
        let mut marks = vec![Mark::Area {
            points: corners(&Frame { left: 0.0, top: 0.0, right: WIDTH, bottom: self.height }),
            paint: Paint::Background,
            opacity: 1.0,
        }];
        marks.extend(self.title());
        marks.extend(self.x_axis());
        marks.extend(self.y_axis());
        for series in &self.figure.series {
            marks.extend(self.areas(series));
        }
        for series in &self.figure.series {
            marks.extend(self.lines(series));
        }
        for series in &self.figure.series {
            marks.extend(self.points(series));
        }
        marks.extend(frame_lines(&self.frame));
        let names = self.names();
        if names_needed && names.iter().any(Option::is_none) {
            return None;
        }
        for name in names.into_iter().flatten() {
            marks.push(Mark::Area {
                points: corners(&name.frame().grown(1.5)),
                paint: Paint::Background,
                opacity: 0.8,
            });
            marks.push(Mark::Text(name));
        }
        let corner = (self.frame.right + 16.0, self.frame.top);
        marks.extend(legend::marks(self.figure, self.clients_in_legend, corner));
        Some(Scene { width: WIDTH, height: self.height, marks })
    }

    pub(super) fn x(&self, value: f64) -> Option<f64> {
        Some(self.frame.left + self.figure.x.scale.place(value)? * (self.frame.right - self.frame.left))
    }

    pub(super) fn y(&self, value: f64) -> Option<f64> {
        Some(self.frame.bottom - self.figure.y.scale.place(value)? * (self.frame.bottom - self.frame.top))
    }

    pub(super) fn spot(&self, (x, y): (f64, f64)) -> Option<Spot> {
        Some((self.x(x)?, self.y(y)?))
    }

    pub(super) fn spots(&self, points: impl IntoIterator<Item = (f64, f64)>) -> Vec<Spot> {
        points.into_iter().filter_map(|p| self.spot(p)).collect()
    }

    fn title(&self) -> Option<Mark> {
        if self.title == Title::Left {
            return None;
        }
        let words = text::fit(&self.figure.title, TITLE_SIZE, WIDTH - 2.0 * EDGE);
        Some(words).filter(|w| !w.is_empty()).map(|text| {
            Mark::Text(Label {
                text,
                at: (self.frame.left, 27.0),
                anchor: Anchor::Start,
                size: TITLE_SIZE,
                paint: Paint::Ink,
                upward: false,
            })
        })
    }

    fn x_axis(&self) -> Vec<Mark> {
        let Axis { label, unit, scale } = &self.figure.x;
        let (top, bottom) = (self.frame.top, self.frame.bottom);
        let mut marks = Vec::new();
        let mut free_from = f64::NEG_INFINITY;
        for tick in scale.ticks(*unit) {
            let Some(x) = self.x(tick.at) else { continue };
            let length = if tick.label.is_some() { 6.0 } else { 3.0 };
            let x = x.floor() + 0.5;
            if tick.label.is_some() {
                marks.push(line(vec![(x, top), (x, bottom)], 1.0, Paint::Grid, SOLID));
            }
            marks.push(line(vec![(x, bottom), (x, bottom + length)], 1.0, Paint::Muted, SOLID));
            if let Some(words) = tick.label {
                let label = tick_label(words, (x, bottom + 10.0 + TICK_SIZE * 0.74), Anchor::Middle);
                if label.frame().left > free_from && label.frame().right < WIDTH {
                    free_from = label.frame().right + 6.0;
                    marks.push(Mark::Text(label));
                }
            }
        }
        let middle = (self.frame.left + self.frame.right) / 2.0;
        marks.push(Mark::Text(Label {
            text: label.clone(),
            at: (middle, bottom + 46.0),
            anchor: Anchor::Middle,
            size: LABEL_SIZE,
            paint: Paint::Ink,
            upward: false,
        }));
        marks
    }

    fn y_axis(&self) -> Vec<Mark> {
        let (left, right) = (self.frame.left, self.frame.right);
        let mut marks = Vec::new();
        for tick in &self.y_ticks {
            let Some(y) = self.y(tick.at) else { continue };
            let length = if tick.label.is_some() { 6.0 } else { 3.0 };
            let y = y.floor() + 0.5;
            if tick.label.is_some() {
                marks.push(line(vec![(left, y), (right, y)], 1.0, Paint::Grid, SOLID));
            }
            marks.push(line(vec![(left - length, y), (left, y)], 1.0, Paint::Muted, SOLID));
            if let Some(words) = &tick.label {
                let at = (left - 9.0, y + TICK_SIZE * 0.36);
                marks.push(Mark::Text(tick_label(words.clone(), at, Anchor::End)));
            }
        }
        marks.push(Mark::Text(Label {
            text: self.figure.y.label.clone(),
            at: (EDGE + LABEL_SIZE * 0.74, (self.frame.top + self.frame.bottom) / 2.0),
            anchor: Anchor::Middle,
            size: LABEL_SIZE,
            paint: Paint::Ink,
            upward: true,
        }));
        marks
    }

    /// Names at points and levels, each with its place or without.
    fn names(&self) -> Vec<Option<Label>> {
        let mut room = Room::new(self.frame.grown(-2.0));
        for series in &self.figure.series {
            match &series.shape {
                Shape::Points { points, .. } => {
                    for point in points {
                        self.keep_clear(point, &mut room);
                    }
                }
                Shape::Level { y, .. } => {
                    if let Some(y) = self.y(*y) {
                        room.take(Frame { top: y - 1.5, bottom: y + 1.5, ..self.frame });
                        room.take(Frame::around((self.frame.right - 14.0, y), RADIUS + 2.0));
                    }
                }
                _ => {}
            }
        }
        let mut names = Vec::new();
        for series in &self.figure.series {
            match &series.shape {
                Shape::Points { points, .. } if !self.clients_in_legend => {
                    for point in points {
                        if let (Some(name), Some(at)) = (&point.label, self.spot((point.x, point.y))) {
                            names.push(room.beside(name, at, RADIUS + 5.0));
                        }
                    }
                }
                Shape::Level { y, label, .. } => names.extend(self.y(*y).map(|y| room.along(label, y))),
                _ => {}
            }
        }
        names
    }

    fn keep_clear(&self, point: &Point, room: &mut Room) {
        let Some((x, y)) = self.spot((point.x, point.y)) else { return };
        room.take(Frame::around((x, y), RADIUS + 2.0));
        for range in [point.y_interval, point.y_spread].into_iter().flatten() {
            let ((bottom, _), (top, _)) = self.y_ends(range);
            room.take(Frame { left: x - 5.0, right: x + 5.0, top, bottom });
        }
        if let Some(((left, _), (right, _))) = point.x_interval.map(|range| self.x_ends(range)) {
            room.take(Frame { left, right, top: y - 5.0, bottom: y + 5.0 });
        }
    }
}

/// The colour of a look.
pub(super) fn paint(look: Look) -> Paint {
    match look {
        Look::Client(identity) => identity.paint(),
        Look::Ink => Paint::Ink,
        Look::Muted => Paint::Muted,
    }
}

/// The marker of a look.
pub(super) fn marker(look: Look) -> Marker {
    match look {
        Look::Client(identity) => identity.marker(),
        Look::Ink | Look::Muted => Marker::Circle,
    }
}

/// The dash of a look.
pub(super) fn dash(look: Look) -> Dash {
    match look {
        Look::Client(identity) => identity.dash(),
        Look::Ink => SOLID,
        Look::Muted => DASHED,
    }
}

pub(super) fn line(points: Vec<Spot>, width: f64, paint: Paint, dash: Dash) -> Mark {
    Mark::Line { points, width, paint, dash }
}

pub(super) fn corners(f: &Frame) -> Vec<Spot> {
    vec![(f.left, f.top), (f.right, f.top), (f.right, f.bottom), (f.left, f.bottom)]
}

/// The data's frame: left and bottom only.
fn frame_lines(f: &Frame) -> Vec<Mark> {
    vec![line(vec![(f.left, f.top), (f.left, f.bottom), (f.right, f.bottom)], 1.2, Paint::Ink, SOLID)]
}

fn tick_label(text: String, at: Spot, anchor: Anchor) -> Label {
    Label { text, at, anchor, size: TICK_SIZE, paint: Paint::Ink, upward: false }
}

/// Whether the legend shows this symbol with a marker.
pub(super) fn has_marker(symbol: Symbol) -> bool {
    matches!(symbol, Symbol::Marker | Symbol::Hollow | Symbol::Line)
}
