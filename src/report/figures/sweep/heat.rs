//! A quantity over two swept keys, with the line at which a callback becomes cheaper.

use super::super::super::doubts::{DIRTY, DISTURBED};
use super::super::super::figure::{Block, Figure, Key, Look, Omitted, Series, Shape, Symbol};
use super::super::super::palette::{DASHED, SOLID};
use super::super::{basis, key, told};
use super::shade::Shade;
use super::shown::Shown;
use super::{Panel, gaps};
use crate::report::sweep::{Part, Quantity};

/// A heat map.
///
/// # Errors
/// When no cell has a value.
pub(super) fn heat(panel: &Panel<'_>, shown: Shown) -> Result<Figure, Omitted> {
    let id = shown.ids().get(panel.number).copied().unwrap_or_default();
    let title = panel.title(shown.question());
    let found = Found::of(panel, shown);
    let values: Vec<f64> = found.blocks.iter().filter_map(|block| block.value).collect();
    let reason = match shown {
        Shown::Ratio if panel.survey.callback().is_none() => "no client of the sweep is called back",
        Shown::Ratio if panel.survey.callback() == Some(panel.client) => "no client of the sweep polls",
        _ => "no cell has a value",
    };
    let omitted = || Omitted { id, title: title.clone(), reason: reason.into() };
    let upward = panel.upward.ok_or_else(omitted)?;
    let shade = Shade::of(shown, &values).ok_or_else(omitted)?;
    let mut keys = shade.keys(&values);
    let mut series = filled(&shade, &found.blocks, shown);
    let not = if found.empty > 0 && found.not_run == 0 { "no value" } else { "not run, or no value" };
    for (blocks, crossed, name) in [(&found.hatched, false, not), (&found.crossed, true, "a client failed")] {
        if !blocks.is_empty() {
            let shape = Shape::Hatched { blocks: blocks.clone(), crossed };
            series.push(Series { name: name.into(), look: Look::Muted, shape });
            let symbol = if crossed { Symbol::Crossed } else { Symbol::Hatched };
            keys.push(key(name, Look::Muted, symbol));
        }
    }
    let (lines, line_keys) = break_even(panel);
    series.extend(lines);
    let with_line = !line_keys.is_empty();
    keys.extend(line_keys);
    let n = panel.sample(&[panel.client]);
    let mut notes = gaps(found.not_run, found.crossed.len(), found.empty, shown.why_not());
    if let Shown::Cpu | Shown::Notice = shown
        && let Some(callback) = panel.survey.callback().filter(|name| *name != panel.client)
    {
        notes.extend(of_callback(panel, shown, callback));
    }
    notes.extend(disturbed(panel));
    let line = if with_line {
        " The line: where poller and callback take the same processor time, between cells as costs go that are proportional to rates; \
         dashed, where the closed forms expect it."
    } else {
        ""
    };
    Ok(Figure {
        id,
        title,
        caption: format!(
            "{}: a rectangle for each cell of the sweep, around its values, with the value in it where there is room.{line}{} {}",
            shown.words(panel.client),
            panel.holding(),
            basis(n, "Intervals over repeats are in the table of all cells.")
        ),
        alt: alt(panel, shown, &found.blocks),
        x: panel.across.axis(false),
        y: upward.axis(true),
        series,
        keys,
        direct_labels: false,
        notes,
        n,
    })
}

/// The cells of a picture.
#[derive(Default)]
struct Found {
    blocks: Vec<Block>,
    hatched: Vec<((f64, f64), (f64, f64))>,
    crossed: Vec<((f64, f64), (f64, f64))>,
    not_run: usize,
    empty: usize,
}

impl Found {
    fn of(panel: &Panel<'_>, shown: Shown) -> Found {
        let mut found = Found::default();
        for (column, row, cell) in panel.cells() {
            let sides = (panel.across.cell(column), panel.upward.map_or((0.0, 1.0), |up| up.cell(row)));
            let done = cell.and_then(|cell| Some((cell, panel.survey.cells.get(cell)?.as_ref()?)));
            match done {
                None => {
                    found.not_run += 1;
                    found.hatched.push(sides);
                }
                Some((_, done)) if done.failed => found.crossed.push(sides),
                Some((cell, _)) => match shown.value(panel.survey, cell, panel.client) {
                    Some(value) => {
                        let label = Some(shown.short(value.point));
                        found.blocks.push(Block {
                            x: sides.0,
                            y: sides.1,
                            strength: 0.0,
                            value: Some(value.point),
                            label,
                        });
                    }
                    None => {
                        found.empty += 1;
                        found.hatched.push(sides);
                    }
                },
            }
        }
        found
    }
}

/// A series for each colour; the words of all cells stand in the last, so that they stand in all or in none.
fn filled(shade: &Shade, blocks: &[Block], shown: Shown) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for tint in shade.tints() {
        let own = blocks.iter().filter_map(|block| {
            let (own, strength) = shade.fill(block.value?);
            (own == tint).then(|| Block { strength, label: None, ..block.clone() })
        });
        let own: Vec<Block> = own.collect();
        if !own.is_empty() {
            series.push(Series {
                name: shown.label().trim_end_matches([')', '(']).to_owned(),
                look: Look::Tint(tint),
                shape: Shape::Cells(own),
            });
        }
    }
    let words = blocks.iter().map(|block| Block { strength: 0.0, value: None, ..block.clone() }).collect();
    series.push(Series { name: "words".into(), look: Look::Ink, shape: Shape::Cells(words) });
    series
}

/// The line at which both take the same, measured and expected, with their keys.
fn break_even(panel: &Panel<'_>) -> (Vec<Series>, Vec<Key>) {
    let (mut series, mut keys) = (Vec::new(), Vec::new());
    let Some(upward) = panel.upward else { return (series, keys) };
    let kinds = [
        (Part::Whole, "measured break-even", Look::Ink, SOLID, Symbol::Plain),
        // On top: it is seen where both are one.
        (Part::Foreseen, "expected break-even", Look::Muted, DASHED, Symbol::Dashed),
    ];
    for (part, name, look, dash, symbol) in kinds {
        let lines = panel.survey.contour(panel.view, (panel.across, upward), &panel.held, panel.client, part);
        if !lines.is_empty() {
            keys.push(key(name, look, symbol));
        }
        let line = |points| Series { name: name.into(), look, shape: Shape::Line { points, dash } };
        series.extend(lines.into_iter().map(line));
    }
    (series, keys)
}

/// How many cells were measured while others used the machine.
fn disturbed(panel: &Panel<'_>) -> Option<String> {
    let clients: Vec<&str> = std::iter::once(panel.client).chain(panel.survey.callback()).collect();
    let cells = panel.cells().filter_map(|(_, _, cell)| panel.survey.cells.get(cell?)?.as_ref());
    let all: Vec<bool> =
        cells.map(|found| clients.iter().any(|client| !found.doubts.of_all(client).is_empty())).collect();
    let dirty = all.iter().filter(|dirty| **dirty).count();
    (dirty > 0).then(|| format!("{DIRTY} {dirty} of {} cells: {DISTURBED}", all.len()))
}

/// What the callback takes meanwhile: it has no part in the picture.
fn of_callback(panel: &Panel<'_>, shown: Shown, callback: &str) -> Option<String> {
    let values = panel.cells().filter_map(|(_, _, cell)| shown.value(panel.survey, cell?, callback));
    let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(v.point), h.max(v.point)));
    let unit = if shown == Shown::Cpu { " %" } else { "" };
    let short = |value| shown.short(value);
    let (low, most) = (short(low), short(high));
    let range = if low == most { format!("{low}{unit}") } else { format!("{low}{unit} to {most}{unit}") };
    (high > 0.0).then(|| format!("In the same cells {callback} has {range}."))
}

fn alt(panel: &Panel<'_>, shown: Shown, blocks: &[Block]) -> String {
    let values = || blocks.iter().filter_map(|block| block.value);
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let mut words = vec![format!("{} from {} to {}", shown.words(panel.client), shown.short(low), shown.short(high))];
    if panel.survey.callback().is_some_and(|callback| callback != panel.client) {
        let more =
            panel.cells().filter_map(|(_, _, c)| panel.survey.more(c?, panel.client, Quantity::Cpu, Part::Whole));
        let (cheaper, all) = more.fold((0, 0), |(cheaper, all), more| (cheaper + usize::from(more > 0.0), all + 1));
        words.push(format!("the callback is cheaper in {cheaper} of {all} cells"));
    }
    format!("A heat map over two swept keys: {}", told(&words))
}
