//! A figure as data: one question, its axes, its series and its words. Nothing here knows pixels.

use super::number;
use super::palette::{Dash, Identity};
use super::scale::{Scale, Spacing, Unit};

/// One question and the data that answer it.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Name of its files, such as `notice_ecdf`.
    pub id: &'static str,
    /// The question.
    pub title: String,
    /// What is shown, for the text below it.
    pub caption: String,
    /// What a reader who cannot see it should know: the answer in words.
    pub alt: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// In drawing order.
    pub series: Vec<Series>,
    /// What the legend explains, in its order.
    pub keys: Vec<Key>,
    /// Whether points may carry their names in the figure; the legend then leaves out clients, if all names find room.
    pub direct_labels: bool,
    /// What was left out or must be known.
    pub notes: Vec<String>,
    /// What it rests on.
    pub n: Sample,
}

/// How much stands behind a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Repeats of the client that has fewest.
    pub repeats: u32,
    /// Changes of all clients together.
    pub changes: u64,
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it is, with its unit.
    pub label: String,
    /// How its ticks are written.
    pub unit: Unit,
    /// Its range.
    pub scale: Scale,
    /// Words in place of numbers, each at its value and in one or two lines; a vertical axis has them from the top down. Empty: ticks
    /// as the scale has them.
    pub names: Vec<(f64, String)>,
    /// Whether each name has a lane of its own, see [`Axis::lanes`].
    pub in_lanes: bool,
}

impl Axis {
    /// An axis of numbers.
    pub fn new(label: impl Into<String>, unit: Unit, scale: Scale) -> Axis {
        Axis { label: label.into(), unit, scale, names: Vec::new(), in_lanes: false }
    }

    /// An axis of lanes, one for each name from the top down: lane `k` of `n` lies between `n - 1 - k` and `n - k`.
    pub fn lanes(label: impl Into<String>, names: Vec<String>) -> Axis {
        let count = names.len() as f64;
        let names = names.into_iter().enumerate().map(|(k, name)| (count - k as f64 - 0.5, name)).collect();
        let scale = Scale { spacing: Spacing::Linear, low: 0.0, high: count };
        Axis { label: label.into(), unit: Unit::Count, scale, names, in_lanes: true }
    }

    /// How many lanes it has; 0 for an axis without.
    #[must_use]
    pub fn lane_count(&self) -> usize {
        if self.in_lanes { self.names.len() } else { 0 }
    }
}

/// Whose something is, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// A client's.
    Client(Identity),
    /// Everyone's: text colour.
    Ink,
    /// Expected or secondary: grey.
    Muted,
    /// A colour that is nobody's: what is compared are no clients.
    Tint(Identity),
}

/// Data that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name, for the exported table.
    pub name: String,
    /// Whose.
    pub look: Look,
    /// The data and their kind.
    pub shape: Shape,
}

/// The data of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Single points with the client's marker.
    Points {
        /// The points.
        points: Vec<Point>,
        /// Drawn as an outline.
        hollow: bool,
    },
    /// A line from point to point.
    Line {
        /// The points, in rising x.
        points: Vec<(f64, f64)>,
        /// Its dashes.
        dash: Dash,
    },
    /// A line that keeps its y up to the next x, with markers here and there to tell it from others.
    Step {
        /// The corners, in rising x.
        points: Vec<(f64, f64)>,
        /// Where markers sit.
        marks: Vec<(f64, f64)>,
    },
    /// The area between two lines: `(x, low, high)` in rising x.
    Band(Vec<(f64, f64, f64)>),
    /// A horizontal line over the whole width: a client without a period.
    Level {
        /// Where.
        y: f64,
        /// A paler area around it.
        band: Option<(f64, f64)>,
        /// Its own label in the figure.
        label: String,
        /// Drawn dashed.
        dashed: bool,
    },
    /// Vertical lines over the whole height.
    Verticals(Vec<f64>),
    /// Rectangles, the more filled the stronger.
    Cells(Vec<Block>),
    /// Rectangles without a value, `(x, y)`: hatched, never filled.
    Hatched {
        /// Each from and to, across and upward.
        blocks: Vec<((f64, f64), (f64, f64))>,
        /// Hatched both ways.
        crossed: bool,
    },
    /// Small dots: single samples.
    Dots(Vec<(f64, f64)>),
    /// Boxes with whiskers, lying along the x axis.
    Boxes(Vec<Spread>),
}

/// A rectangle and how strongly it is filled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// From and to.
    pub x: (f64, f64),
    /// From and to.
    pub y: (f64, f64),
    /// From 0 to 1; 0: not filled.
    pub strength: f64,
    /// What the strength stands for, for the exported table.
    pub value: Option<f64>,
    /// Words in it, where they find room in every rectangle of the figure.
    pub label: Option<String>,
}

/// Five numbers of a distribution, drawn at a height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The ends of the whiskers.
    pub whiskers: (f64, f64),
    /// The ends of the box.
    pub quartiles: (f64, f64),
    /// The line across the box.
    pub median: f64,
    /// The lower and the upper edge of the box.
    pub y: (f64, f64),
}

/// A point with what is known around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// Where.
    pub y: f64,
    /// 95 % interval of x.
    pub x_interval: Option<(f64, f64)>,
    /// 95 % interval of y.
    pub y_interval: Option<(f64, f64)>,
    /// Where most single samples lie: a thin line.
    pub y_spread: Option<(f64, f64)>,
    /// Its name, when names stand in the figure.
    pub label: Option<String>,
}

/// One line of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// What it says.
    pub text: String,
    /// Whose colour and marker.
    pub look: Look,
    /// What is drawn before it.
    pub symbol: Symbol,
}

/// The sample before a line of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// The marker, filled.
    Marker,
    /// The marker as an outline.
    Hollow,
    /// A stretch of line with the marker on it.
    Line,
    /// A dashed stretch of line.
    Dashed,
    /// A stretch of line without a marker.
    Plain,
    /// A filled patch.
    Patch,
    /// A patch as strongly filled, in percent.
    Shade(u8),
    /// A hatched patch.
    Hatched,
    /// A patch hatched both ways.
    Crossed,
    /// A short vertical bar with end caps: an interval.
    Bar,
    /// A thin vertical bar: a spread.
    Spread,
    /// Nothing: a remark on the whole figure.
    Nothing,
}

/// The places of a series along one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extent {
    /// Its points.
    pub points: Vec<f64>,
    /// The ends of intervals and spreads around them.
    pub ends: Vec<f64>,
}

impl Extent {
    fn of(value: f64, ranges: &[Option<(f64, f64)>]) -> Extent {
        Extent { points: vec![value], ends: ranges.iter().flatten().flat_map(|(low, high)| [*low, *high]).collect() }
    }

    /// All of several.
    pub fn all(extents: impl IntoIterator<Item = Extent>) -> Extent {
        extents.into_iter().fold(Extent::default(), |mut sum, extent| {
            sum.points.extend(extent.points);
            sum.ends.extend(extent.ends);
            sum
        })
    }

    /// A logarithmic scale that has room for it; `None` when nothing is positive.
    #[must_use]
    pub fn log(&self) -> Option<Scale> {
        Scale::log_around_points(&self.points, &self.ends)
    }
}

impl Series {
    /// Whether its markers are outlines.
    pub(super) fn is_hollow(&self) -> bool {
        matches!(self.shape, Shape::Points { hollow: true, .. } | Shape::Level { dashed: true, .. })
    }

    /// Along the x axis.
    #[must_use]
    pub fn x_extent(&self) -> Extent {
        let points = match &self.shape {
            Shape::Points { points, .. } => {
                return Extent::all(points.iter().map(|p| Extent::of(p.x, &[p.x_interval])));
            }
            Shape::Line { points, .. } | Shape::Step { points, .. } => points.iter().map(|p| p.0).collect(),
            Shape::Band(points) => points.iter().map(|p| p.0).collect(),
            Shape::Level { .. } => Vec::new(),
            Shape::Verticals(xs) => xs.clone(),
            Shape::Cells(blocks) => blocks.iter().flat_map(|b| [b.x.0, b.x.1]).collect(),
            Shape::Hatched { blocks, .. } => blocks.iter().flat_map(|(x, _)| [x.0, x.1]).collect(),
            Shape::Dots(points) => points.iter().map(|p| p.0).collect(),
            Shape::Boxes(boxes) => boxes.iter().flat_map(|b| [b.whiskers.0, b.whiskers.1]).collect(),
        };
        Extent { points, ends: Vec::new() }
    }

    /// Along the y axis.
    #[must_use]
    pub fn y_extent(&self) -> Extent {
        let points = match &self.shape {
            Shape::Points { points, .. } => {
                return Extent::all(points.iter().map(|p| Extent::of(p.y, &[p.y_interval, p.y_spread])));
            }
            Shape::Line { points, .. } | Shape::Step { points, .. } => points.iter().map(|p| p.1).collect(),
            Shape::Band(points) => points.iter().flat_map(|p| [p.1, p.2]).collect(),
            Shape::Level { y, band, .. } => return Extent::of(*y, &[*band]),
            Shape::Verticals(_) => Vec::new(),
            Shape::Cells(blocks) => blocks.iter().flat_map(|b| [b.y.0, b.y.1]).collect(),
            Shape::Hatched { blocks, .. } => blocks.iter().flat_map(|(_, y)| [y.0, y.1]).collect(),
            Shape::Dots(points) => points.iter().map(|p| p.1).collect(),
            Shape::Boxes(boxes) => boxes.iter().flat_map(|b| [b.y.0, b.y.1]).collect(),
        };
        Extent { points, ends: Vec::new() }
    }
}

/// A figure that cannot be drawn, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omitted {
    /// The name its files would have had.
    pub id: &'static str,
    /// The question.
    pub title: String,
    /// Why there is no answer.
    pub reason: String,
}

impl Omitted {
    /// As a terminal has it.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{}: {}", self.id, self.reason)
    }
}

/// Those that are missing, in sentences: one for all that share a reason.
#[must_use]
pub fn left_out(omitted: &[Omitted]) -> Vec<String> {
    let mut by_reason: Vec<(&str, Vec<String>)> = Vec::new();
    for one in omitted {
        let title = format!("“{}”", one.title);
        match by_reason.iter_mut().find(|(reason, _)| *reason == one.reason) {
            Some((_, titles)) => titles.push(title),
            None => by_reason.push((&one.reason, vec![title])),
        }
    }
    by_reason
        .into_iter()
        .map(|(reason, titles)| format!("Left out: {}, because {reason}.", titles.join(", ")))
        .collect()
}

impl Figure {
    /// The figure of a run that was not measured: its title, its legend, its caption and its alternative text say `how` it came about
    /// instead, so that none of them can be parted from it.
    #[must_use]
    pub fn marked(mut self, how: &str) -> Figure {
        self.title = format!("{} ({how})", self.title);
        let mut told = false;
        for key in &mut self.keys {
            if let Some(rest) = key.text.strip_prefix("measured") {
                key.text = format!("{how}{rest}");
                told = true;
            }
        }
        if !told {
            self.keys.push(Key { text: how.to_owned(), look: Look::Ink, symbol: Symbol::Nothing });
        }
        for text in [&mut self.caption, &mut self.alt] {
            *text = format!("{}, not measured. {text}", number::capital(how));
        }
        self
    }

    /// The data as a table: `series, kind, x, x_low, x_high, y, y_low, y_high`, in the axes' own units (ns, percent, fraction). The
    /// `x` of a cell is its value, or its strength where it has none; the interval of a box is between its quartiles.
    ///
    /// # Errors
    /// Those of the CSV writer; writing to memory does not fail.
    pub fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["series", "kind", "x", "x_low", "x_high", "y", "y_low", "y_high"])?;
        for series in &self.series {
            for (kind, x, y) in series.rows() {
                let cell = |v: Option<f64>| v.map(|v| nine_digits(v).to_string()).unwrap_or_default();
                table.write_record([
                    series.name.as_str(),
                    kind,
                    &cell(x.0),
                    &cell(x.1.map(|i| i.0)),
                    &cell(x.1.map(|i| i.1)),
                    &cell(y.0),
                    &cell(y.1.map(|i| i.0)),
                    &cell(y.1.map(|i| i.1)),
                ])?;
            }
        }
        table.into_inner().map_err(|e| csv::Error::from(e.into_error()))
    }
}

/// Rounded to nine significant digits: more than any measurement has, and the same on every machine.
fn nine_digits(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// A coordinate and its interval, as a table has it.
type Cell = (Option<f64>, Option<(f64, f64)>);

impl Series {
    fn rows(&self) -> Vec<(&'static str, Cell, Cell)> {
        let at = |v: f64| (Some(v), None);
        match &self.shape {
            Shape::Points { points, .. } => points
                .iter()
                .flat_map(|p| {
                    let mean = ("point", (Some(p.x), p.x_interval), (Some(p.y), p.y_interval));
                    let spread = p.y_spread.map(|s| ("spread", at(p.x), (None, Some(s))));
                    std::iter::once(mean).chain(spread)
                })
                .collect(),
            Shape::Line { points, .. } => points.iter().map(|p| ("line", at(p.0), at(p.1))).collect(),
            Shape::Step { points, .. } => points.iter().map(|p| ("step", at(p.0), at(p.1))).collect(),
            Shape::Band(points) => points.iter().map(|p| ("band", at(p.0), (None, Some((p.1, p.2))))).collect(),
            Shape::Level { y, band, .. } => vec![("level", (None, None), (Some(*y), *band))],
            Shape::Verticals(xs) => xs.iter().map(|x| ("vertical", at(*x), (None, None))).collect(),
            Shape::Cells(blocks) => blocks
                .iter()
                .map(|b| ("cell", (b.value.or(Some(b.strength).filter(|s| *s > 0.0)), Some(b.x)), (None, Some(b.y))))
                .collect(),
            Shape::Hatched { blocks, .. } => {
                blocks.iter().map(|(x, y)| ("hatched", (None, Some(*x)), (None, Some(*y)))).collect()
            }
            Shape::Dots(points) => points.iter().map(|p| ("dot", at(p.0), at(p.1))).collect(),
            Shape::Boxes(boxes) => boxes
                .iter()
                .flat_map(|b| {
                    let row = |kind, range| (kind, (Some(b.median), Some(range)), (None, Some(b.y)));
                    [row("box", b.quartiles), row("whiskers", b.whiskers)]
                })
                .collect(),
        }
    }
}
