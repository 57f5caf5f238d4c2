//! The legend: beside the data in one column, or below the axis in as many as fit.

use super::cells;
use super::figure::{Figure, Key, Look, Symbol};
use super::layout::{corners, dash, has_marker, line, marker as marker_of, paint};
use super::marker;
use super::palette::{DASHED, Paint, SOLID};
use super::profile::{LegendPlace, Profile};
use super::scene::{Anchor, Frame, Label, Mark, Spot};
use super::text;

/// From one line to the next, for letters of the screen's size.
const PITCH: f64 = 19.0;
/// Room for the sample before the words.
const SAMPLE: f64 = 34.0;
/// Longer names are shortened: px beside the data, for letters of the screen's size.
const WIDEST: f64 = 250.0;
/// Air between the clients and the rest.
const BREAK: f64 = 10.0;
/// Air between columns.
const COLUMNS: f64 = 14.0;

/// The lines of a legend, placed.
#[derive(Debug)]
pub(super) struct Legend<'a> {
    /// Where it stands.
    pub(super) place: LegendPlace,
    /// Whether clients are in it.
    pub(super) clients: bool,
    /// Its size in px; 0 when there is nothing to say.
    pub(super) width: f64,
    pub(super) height: f64,
    /// Each line, its words and the middle of its left end.
    lines: Vec<(&'a Key, String, Spot)>,
}

impl<'a> Legend<'a> {
    /// Lays it out in a figure that has so much room across.
    pub(super) fn new(figure: &'a Figure, clients: bool, profile: &Profile, room: f64) -> Legend<'a> {
        let (named, common): (Vec<&Key>, Vec<&Key>) =
            figure.keys.iter().partition(|key| matches!(key.look, Look::Client(_)));
        let named = if clients { named } else { Vec::new() };
        let air = |px| profile.air(px);
        let mut legend = Legend { place: profile.legend, clients, width: 0.0, height: 0.0, lines: Vec::new() };
        let keys = || named.iter().chain(&common);
        if keys().all(|key| key.symbol == Symbol::Nothing) {
            legend.place = LegendPlace::Below;
        }
        let most = match legend.place {
            LegendPlace::Beside => air(WIDEST).min(room * 0.32),
            LegendPlace::Below => room - air(SAMPLE),
        };
        if keys().next().is_none() {
            return legend;
        }
        let mut down = 0.0;
        for group in [&named, &common] {
            let texts: Vec<&str> = group.iter().map(|key| key.text.as_str()).collect();
            let words = text::fit_all(&texts, profile.tick_size, most);
            let widest = words.iter().map(|words| text::width(words, profile.tick_size)).fold(0.0, f64::max);
            let sampled = group.iter().any(|key| key.symbol != Symbol::Nothing);
            let cell = if sampled { air(SAMPLE) + widest } else { widest };
            let columns = match legend.place {
                LegendPlace::Beside => 1,
                LegendPlace::Below => (((room + air(COLUMNS)) / (cell + air(COLUMNS))) as usize).max(1),
            };
            for (place, (key, words)) in group.iter().zip(words).enumerate() {
                let (row, column) = (place / columns, place % columns);
                let at = (column as f64 * (cell + air(COLUMNS)), down + (row as f64 + 0.5) * air(PITCH));
                legend.lines.push((key, words, at));
            }
            down += group.len().div_ceil(columns) as f64 * air(PITCH);
            if legend.place == LegendPlace::Beside && !group.is_empty() && !common.is_empty() {
                down += air(BREAK);
            }
            legend.width = legend.width.max(cell);
        }
        legend.height = down;
        legend
    }

    /// Whether it only remarks on the whole figure: it then needs no place of its own if there is one beside the axis label.
    pub(super) fn is_remark(&self) -> bool {
        self.lines.len() == 1 && self.lines[0].0.symbol == Symbol::Nothing
    }

    /// Each line drawn, with its top left corner here, and whose it is.
    pub(super) fn marks(&self, profile: &Profile, (left, top): Spot) -> Vec<(Look, Vec<Mark>)> {
        let placed = self.lines.iter().map(|(key, words, (x, y))| (*key, words, (left + x, top + y)));
        placed.map(|(key, words, at)| (key.look, entry(key, words, profile, at))).collect()
    }
}

fn entry(key: &Key, words: &str, profile: &Profile, (left, y): Spot) -> Vec<Mark> {
    let mut marks = sample(key, profile, (left + profile.air(13.0), y));
    let beside = if key.symbol == Symbol::Nothing { 0.0 } else { profile.air(SAMPLE) };
    marks.push(Mark::Text(Label {
        text: words.to_owned(),
        at: (left + beside, y + profile.tick_size * 0.36),
        anchor: Anchor::Start,
        size: profile.tick_size,
        paint: Paint::Ink,
        upward: false,
    }));
    marks
}

/// The patch before a line of the legend, around its middle.
fn patch(profile: &Profile, (x, y): Spot) -> Frame {
    let (half, tall) = (profile.air(13.0), profile.air(6.0));
    Frame { left: x - half, right: x + half, top: y - tall, bottom: y + tall }
}

fn sample(key: &Key, profile: &Profile, (x, y): Spot) -> Vec<Mark> {
    let colour = paint(key.look);
    let (stroke, radius) = (profile.stroke, profile.radius);
    let half = profile.air(13.0);
    let across = vec![(x - half, y), (x + half, y)];
    let upright = |height: f64, width: f64| line(vec![(x, y - height), (x, y + height)], width * stroke, colour, SOLID);
    let mut marks = match key.symbol {
        Symbol::Marker | Symbol::Hollow | Symbol::Nothing => Vec::new(),
        Symbol::Line => vec![line(across, 1.9 * stroke, colour, dash(key.look))],
        Symbol::Dashed => vec![line(across, 1.4 * stroke, colour, DASHED)],
        Symbol::Plain => vec![line(across, 1.4 * stroke, colour, SOLID)],
        Symbol::Patch => {
            let frame = patch(profile, (x, y));
            let paint = if key.look == Look::Muted { Paint::Band } else { colour };
            vec![Mark::Area { points: corners(&frame), paint, opacity: 0.75 }]
        }
        Symbol::Shade(percent) => {
            let frame = patch(profile, (x, y));
            let mut marks = Vec::new();
            if percent > 0 {
                let opacity = f64::from(percent) / 100.0;
                marks.push(Mark::Area { points: corners(&frame), paint: colour, opacity });
            }
            marks.push(cells::outline(&frame, stroke));
            marks
        }
        Symbol::Hatched | Symbol::Crossed => {
            let frame = patch(profile, (x, y));
            let mut marks = cells::hatching(&frame, key.symbol == Symbol::Crossed, profile, colour);
            marks.push(cells::outline(&frame, stroke));
            marks
        }
        Symbol::Bar => {
            let (wide, tall) = (profile.air(4.0), profile.air(5.0));
            let cap = |end: f64| line(vec![(x - wide, end), (x + wide, end)], 1.4 * stroke, colour, SOLID);
            vec![upright(tall, 2.2), cap(y - tall), cap(y + tall)]
        }
        Symbol::Spread => vec![upright(profile.air(7.0), 1.2)],
    };
    if has_marker(key.symbol) {
        let hollow = key.symbol == Symbol::Hollow;
        marks.extend(marker::marks(marker_of(key.look), (x, y), radius, colour, hollow, stroke));
    }
    marks
}
