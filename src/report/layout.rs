//! From a figure to a scene: where its axes, data, names and legend go, in px.

use super::axes::{self, LINE};
use super::figure::{Figure, Look, Point, Series, Shape, Symbol};
use super::legend::Legend;
use super::palette::{DASHED, Dash, Marker, Paint, SOLID};
use super::place::Room;
use super::profile::{LegendPlace, Profile};
use super::scale::Tick;
use super::scene::{Anchor, Frame, Label, Mark, Owned, Scene, Spot};
use super::text;

/// From the data to the figure's bottom: tick labels and one line of the axis label.
const BOTTOM: f64 = 54.0;
/// Air at the outer edges.
const EDGE: f64 = 12.0;
/// Air between the data and the legend beside it.
const GAP: f64 = 16.0;

/// Whether the question stands above the data, where the profile lets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Title {
    /// In the picture: for a file that stands alone.
    Drawn,
    /// Beside it: for a page with a heading of its own.
    Left,
}

/// Lays a figure out.
#[must_use]
pub fn scene(figure: &Figure, profile: &Profile, title: Title) -> Scene {
    if figure.direct_labels
        && let Some(scene) = Plan::new(figure, profile, title, false).draw(true)
    {
        return scene;
    }
    let plan = Plan::new(figure, profile, title, true);
    plan.draw(false).unwrap_or_else(|| plan.empty())
}

/// A figure with the frame of its data.
pub(super) struct Plan<'a> {
    pub(super) figure: &'a Figure,
    pub(super) profile: &'a Profile,
    /// The question above the data, in lines; none where it is left out.
    title: Vec<String>,
    /// Around the data.
    pub(super) frame: Frame,
    height: f64,
    legend: Legend<'a>,
    pub(super) y_ticks: Vec<Tick>,
    /// In lines, as wide as there is room.
    pub(super) x_label: Vec<String>,
    pub(super) y_label: Vec<String>,
}

impl<'a> Plan<'a> {
    fn new(figure: &'a Figure, profile: &'a Profile, title: Title, clients_in_legend: bool) -> Plan<'a> {
        let air = |px| profile.air(px);
        let titled = title == Title::Drawn && profile.titled;
        let room = profile.width - 2.0 * air(EDGE);
        let legend = Legend::new(figure, clients_in_legend, profile, room);
        let beside = legend.place == LegendPlace::Beside && legend.width > 0.0;
        let right =
            if beside { profile.width - air(EDGE) - legend.width - air(GAP) } else { profile.width - 2.0 * air(EDGE) };
        let lanes = figure.y.lane_count() as f64 * lane_height(figure, profile);
        let needed = if beside { legend.height } else { 0.0 };
        let data_height = if lanes > 0.0 { lanes } else { profile.data_height }.max(needed).ceil();
        let mut plan = Plan {
            figure,
            profile,
            title: Vec::new(),
            frame: Frame { left: 0.0, top: 0.0, right: right.floor(), bottom: data_height },
            height: 0.0,
            legend,
            y_ticks: Vec::new(),
            x_label: Vec::new(),
            y_label: text::wrap(&figure.y.label, profile.label_size, data_height),
        };
        plan.y_ticks = axes::y_ticks(&plan);
        let widest = plan.y_ticks.iter().filter_map(|t| t.label.as_deref()).flat_map(|l| l.split('\n'));
        let widest = widest.map(|l| text::width(l, profile.tick_size));
        let label_rows = plan.y_label.len() as f64;
        let label_width = if plan.figure.y.label.is_empty() {
            0.0
        } else {
            profile.label_size * (1.0 + (label_rows - 1.0) * LINE) + air(10.0)
        };
        plan.frame.left = (air(EDGE) + label_width + widest.fold(0.0, f64::max) + air(9.0)).ceil();
        if titled {
            let room = profile.width - plan.frame.left - air(EDGE);
            let lines = text::wrap(&figure.title, profile.title_size, room);
            plan.title = lines.iter().map(|line| text::fit(line, profile.title_size, room)).collect();
        }
        let top = if plan.title.is_empty() {
            air(14.0)
        } else {
            profile.title_size * (1.0 + LINE * (plan.title.len() as f64 - 1.0)) + air(30.0)
        };
        plan.frame = Frame { top, bottom: top + data_height, ..plan.frame };
        let middle = (plan.frame.left + plan.frame.right) / 2.0;
        let x_room = 2.0 * middle.min(profile.width - middle) - 4.0;
        plan.x_label = text::wrap(&figure.x.label, profile.label_size, x_room);
        let below = if beside { 0.0 } else { plan.legend.height };
        plan.height = (plan.legend_top() + below).ceil();
        plan
    }

    /// Where a legend below the axis begins; without one, where the figure ends.
    fn legend_top(&self) -> f64 {
        let more = self.x_label.len().saturating_sub(1) as f64;
        let end = self.frame.bottom + self.profile.air(BOTTOM) + more * self.profile.label_size * LINE;
        if self.remark_fits() { end - self.legend.height } else { end }
    }

    /// Whether the legend is a remark that has room left of the label of the axis.
    fn remark_fits(&self) -> bool {
        let widest = self.x_label.iter().map(|words| text::width(words, self.profile.label_size)).fold(0.0, f64::max);
        let from = (self.frame.left + self.frame.right - widest) / 2.0;
        self.legend.is_remark() && self.profile.air(EDGE + GAP) + self.legend.width < from
    }

    fn empty(&self) -> Scene {
        Scene {
            width: self.profile.width,
            height: self.height,
            marks: Vec::new(),
            owned: Vec::new(),
            data: self.frame,
            dash_scale: self.profile.stroke,
        }
    }

    /// `None` when every name must stand at its point and one finds no room.
    fn draw(&self, names_needed: bool) -> Option<Scene> {
        let mut scene = self.empty();
        let whole = Frame { left: 0.0, top: 0.0, right: self.profile.width, bottom: self.height };
        scene.marks.push(Mark::Area { points: corners(&whole), paint: Paint::Background, opacity: 1.0 });
        scene.marks.extend(self.title());
        scene.marks.extend(self.x_axis());
        scene.marks.extend(self.y_axis());
        for series in &self.figure.series {
            scene.add(series.look, self.areas(series), Vec::new());
        }
        for series in &self.figure.series {
            scene.add(series.look, self.lines(series), Vec::new());
        }
        // Outlines hide what is behind them, so that they go first.
        let (outlines, filled): (Vec<&Series>, Vec<&Series>) = self.figure.series.iter().partition(|s| s.is_hollow());
        for series in outlines.into_iter().chain(filled) {
            scene.add(series.look, self.points(series), self.centres(series));
        }
        scene.marks.extend(self.frame_lines());
        let names = self.names();
        if names_needed && names.iter().any(|(_, name)| name.is_none()) {
            return None;
        }
        for (look, name) in names.into_iter().filter_map(|(look, name)| Some((look, name?))) {
            let behind =
                Mark::Area { points: corners(&name.frame().grown(1.5)), paint: Paint::Background, opacity: 0.8 };
            scene.add(look, vec![behind, Mark::Text(name)], Vec::new());
        }
        let corner = match self.legend.place {
            LegendPlace::Beside => (self.frame.right + self.profile.air(GAP), self.frame.top),
            LegendPlace::Below => (self.profile.air(EDGE), self.legend_top() - self.profile.air(4.0)),
        };
        for (look, marks) in self.legend.marks(self.profile, corner) {
            scene.add(look, marks, Vec::new());
        }
        Some(scene)
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

    fn title(&self) -> impl Iterator<Item = Mark> {
        let size = self.profile.title_size;
        self.title.iter().enumerate().map(move |(row, line)| {
            let down = size * (0.74 + LINE * row as f64) + self.profile.air(15.0);
            let at = (self.frame.left, down);
            Mark::Text(Label { text: line.clone(), at, anchor: Anchor::Start, size, paint: Paint::Ink, upward: false })
        })
    }

    /// Names at points and levels, each with its place or without.
    fn names(&self) -> Vec<(Look, Option<Label>)> {
        let radius = self.profile.radius;
        let mut room = Room::new(self.frame.grown(-2.0), self.profile.tick_size);
        for series in &self.figure.series {
            match &series.shape {
                Shape::Line { points, .. } => room.cross_unwillingly(&self.spots(points.iter().copied())),
                Shape::Points { points, .. } => {
                    for point in points {
                        self.keep_clear(point, &mut room);
                    }
                }
                Shape::Level { y, .. } => {
                    if let Some(y) = self.y(*y) {
                        room.take(Frame { top: y - 1.5, bottom: y + 1.5, ..self.frame });
                        room.take(Frame::around((self.frame.right - self.profile.air(14.0), y), radius + 2.0));
                    }
                }
                _ => {}
            }
        }
        let mut names = Vec::new();
        for series in &self.figure.series {
            match &series.shape {
                Shape::Points { points, .. } if !self.legend.clients => {
                    for point in points {
                        if let (Some(name), Some(at)) = (&point.label, self.spot((point.x, point.y))) {
                            names.push((series.look, room.beside(name, at, radius + self.profile.air(5.0))));
                        }
                    }
                }
                Shape::Level { y, label, .. } => {
                    names.extend(self.y(*y).map(|y| (series.look, room.along(label, y))));
                }
                _ => {}
            }
        }
        names
    }

    fn keep_clear(&self, point: &Point, room: &mut Room) {
        let Some((x, y)) = self.spot((point.x, point.y)) else { return };
        room.take(Frame::around((x, y), self.profile.radius + 2.0));
        let cap = self.profile.air(5.0);
        for range in [point.y_interval, point.y_spread].into_iter().flatten() {
            let ((bottom, _), (top, _)) = self.y_ends(range);
            room.take(Frame { left: x - cap, right: x + cap, top, bottom });
        }
        if let Some(((left, _), (right, _))) = point.x_interval.map(|range| self.x_ends(range)) {
            room.take(Frame { left: left.min(x - cap), right: right.max(x + cap), top: y - cap, bottom: y + cap });
        }
    }

    /// The data's frame: left and bottom only.
    fn frame_lines(&self) -> Vec<Mark> {
        let f = &self.frame;
        let points = vec![(f.left, f.top), (f.left, f.bottom), (f.right, f.bottom)];
        vec![line(points, 1.2 * self.profile.stroke, Paint::Ink, SOLID)]
    }
}

/// The height of a lane: lower than the profile's where the page would not hold so many, but never too low for its name.
fn lane_height(figure: &Figure, profile: &Profile) -> f64 {
    let rows = figure.y.names.iter().map(|(_, name)| name.split('\n').count()).max().unwrap_or(1) as f64;
    let least = rows * profile.tick_size * LINE + 1.0;
    (profile.tallest / figure.y.lane_count().max(1) as f64).clamp(least.min(profile.lane_height), profile.lane_height)
}

impl Scene {
    fn add(&mut self, look: Look, marks: Vec<Mark>, points: Vec<Spot>) {
        let from = self.marks.len();
        self.marks.extend(marks);
        if let Look::Client(identity) = look
            && self.marks.len() > from
        {
            self.owned.push(Owned { marks: from..self.marks.len(), client: identity.0, points });
        }
    }
}

/// The colour of a look.
pub(super) fn paint(look: Look) -> Paint {
    match look {
        Look::Client(identity) => identity.paint(),
        Look::Ink => Paint::Ink,
        Look::Muted => Paint::Muted,
        Look::Tint(identity) => identity.paint(),
    }
}

/// The marker of a look.
pub(super) fn marker(look: Look) -> Marker {
    match look {
        Look::Client(identity) | Look::Tint(identity) => identity.marker(),
        Look::Ink | Look::Muted => Marker::Circle,
    }
}

/// The dash of a look.
pub(super) fn dash(look: Look) -> Dash {
    match look {
        Look::Client(identity) | Look::Tint(identity) => identity.dash(),
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

/// Whether the legend shows this symbol with a marker.
pub(super) fn has_marker(symbol: Symbol) -> bool {
    matches!(symbol, Symbol::Marker | Symbol::Hollow | Symbol::Line)
}
