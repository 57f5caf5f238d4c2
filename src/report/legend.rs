//! The legend beside the data.

use super::figure::{Figure, Key, Look, Symbol};
use super::layout::{RADIUS, corners, dash, has_marker, line, marker as marker_of, paint};
use super::marker;
use super::palette::{DASHED, Paint, SOLID};
use super::scene::{Anchor, Frame, Label, Mark, Spot};
use super::text;

const SIZE: f64 = 12.5;
/// From one line to the next.
const PITCH: f64 = 19.0;
/// Room for the sample before the words.
const SAMPLE: f64 = 34.0;
/// Longer names are shortened.
const WIDEST: f64 = 250.0;
/// Air between the clients and the rest.
const BREAK: f64 = 10.0;

fn is_client(key: &Key) -> bool {
    matches!(key.look, Look::Client(_))
}

fn shown(figure: &Figure, clients: bool) -> (Vec<&Key>, Vec<&Key>) {
    let (named, common): (Vec<&Key>, Vec<&Key>) = figure.keys.iter().partition(|key| is_client(key));
    (if clients { named } else { Vec::new() }, common)
}

/// Width and height in px; both 0 when there is nothing to say.
pub(super) fn size(figure: &Figure, clients: bool) -> (f64, f64) {
    let (named, common) = shown(figure, clients);
    let rows = named.len() + common.len();
    if rows == 0 {
        return (0.0, 0.0);
    }
    let widest = named.iter().chain(&common).map(|k| text::width(&k.text, SIZE).min(WIDEST)).fold(0.0, f64::max);
    let gap = if named.is_empty() || common.is_empty() { 0.0 } else { BREAK };
    (SAMPLE + widest, rows as f64 * PITCH + gap)
}

/// The legend with its top left corner here.
pub(super) fn marks(figure: &Figure, clients: bool, (left, top): Spot) -> Vec<Mark> {
    let (named, common) = shown(figure, clients);
    let gap = if named.is_empty() { 0.0 } else { BREAK };
    let first = named.iter().enumerate().map(|(row, key)| (row as f64 * PITCH, *key));
    let after = named.len() as f64 * PITCH + gap;
    let second = common.iter().enumerate().map(|(row, key)| (after + row as f64 * PITCH, *key));
    first.chain(second).flat_map(|(down, key)| entry(key, (left, top + down + PITCH / 2.0))).collect()
}

/// One line, its middle at this height.
fn entry(key: &Key, (left, y): Spot) -> Vec<Mark> {
    let mut marks = sample(key, (left + 13.0, y));
    marks.push(Mark::Text(Label {
        text: text::fit(&key.text, SIZE, WIDEST),
        at: (left + SAMPLE, y + SIZE * 0.36),
        anchor: Anchor::Start,
        size: SIZE,
        paint: Paint::Ink,
        upward: false,
    }));
    marks
}

fn sample(key: &Key, (x, y): Spot) -> Vec<Mark> {
    let colour = paint(key.look);
    let across = vec![(x - 13.0, y), (x + 13.0, y)];
    let upright = |height: f64, width: f64| line(vec![(x, y - height), (x, y + height)], width, colour, SOLID);
    let mut marks = match key.symbol {
        Symbol::Marker | Symbol::Hollow => Vec::new(),
        Symbol::Line => vec![line(across, 1.9, colour, dash(key.look))],
        Symbol::Dashed => vec![line(across, 1.4, colour, DASHED)],
        Symbol::Patch => {
            let frame = Frame { left: x - 13.0, right: x + 13.0, top: y - 6.0, bottom: y + 6.0 };
            let paint = if key.look == Look::Muted { Paint::Band } else { colour };
            vec![Mark::Area { points: corners(&frame), paint, opacity: 0.75 }]
        }
        Symbol::Bar => {
            let cap = |end: f64| line(vec![(x - 4.0, end), (x + 4.0, end)], 1.4, colour, SOLID);
            vec![upright(5.0, 2.2), cap(y - 5.0), cap(y + 5.0)]
        }
        Symbol::Spread => vec![upright(7.0, 1.2)],
    };
    if has_marker(key.symbol) {
        marks.extend(marker::marks(marker_of(key.look), (x, y), RADIUS, colour, key.symbol == Symbol::Hollow));
    }
    marks
}
