//! Does latency stay as it is over the window? A heat map of each client.

use std::collections::BTreeMap;

use super::super::excerpt::{COLUMNS, Excerpt, ROWS_PER_DECADE};
use super::super::figure::{Axis, Block, Figure, Look, Omitted, Series, Shape};
use super::super::number::{self, Kind};
use super::super::scale::{Scale, Spacing, Unit};
use super::{basis, looks, sample, told};
use crate::summary::{ClientSummary, Summary};

const ID: &str = "latency_heat";
const TITLE: &str = "Does latency stay the same while the window is open?";
/// Name and question.
pub(super) const NAME: (&str, &str) = (ID, TITLE);
/// Changes that a column should have, and how many columns may be drawn as one: parts of their number.
const FEW: u64 = 4;
const MERGES: [u16; 4] = [1, 2, 4, 8];
/// Shades between nothing and the fullest cell.
const SHADES: f64 = 5.0;

/// A lane for each client: time across, notice latency upward on a logarithmic scale of its own, the fuller the more changes.
///
/// # Errors
/// When no client noticed a change.
pub fn latency_heat(summary: &Summary, excerpt: &Excerpt) -> Result<Figure, Omitted> {
    let shown: Vec<_> = looks(summary)
        .filter_map(|(look, client)| {
            let of = excerpt.clients.iter().find(|of| of.name == client.name)?;
            (!of.heat.is_empty()).then_some((look, client, of))
        })
        .collect();
    let count = shown.len();
    let together = together(&shown.iter().map(|(_, _, of)| of.heat.as_slice()).collect::<Vec<_>>());
    let bound = |row: i16| number::plain(Kind::Time, 10f64.powf(f64::from(row) / ROWS_PER_DECADE));
    let mut series = Vec::new();
    let mut names = Vec::new();
    for (lane, (look, client, of)) in shown.iter().enumerate() {
        let rows = || of.heat.iter().map(|cell| cell.1);
        let (Some(lowest), Some(highest)) = (rows().min(), rows().max()) else { continue };
        let height = f64::from(highest - lowest) + 1.0;
        let base = (count - 1 - lane) as f64 + 0.06;
        let row = |row: f64| base + 0.88 * (row - f64::from(lowest)) / height;
        let mut cells: BTreeMap<(u16, i16), u32> = BTreeMap::new();
        for (column, at, n) in &of.heat {
            *cells.entry((column / together, *at)).or_default() += n;
        }
        let fullest = cells.values().copied().max().unwrap_or(1).max(1);
        let part = 100.0 * f64::from(together) / COLUMNS as f64;
        let block = |((column, at), n): (&(u16, i16), &u32)| Block {
            x: (f64::from(*column) * part, f64::from(*column + 1) * part),
            y: (row(f64::from(*at)), row(f64::from(*at) + 1.0)),
            strength: shade(*n, fullest),
            ..Block::default()
        };
        let blocks = merged(cells.iter().map(block).collect());
        names.push(format!("{}\n{} to {}", client.name, bound(lowest), bound(highest + 1)));
        series.push(Series { name: client.name.clone(), look: *look, shape: Shape::Cells(blocks) });
    }
    if series.is_empty() {
        return Err(Omitted { id: ID, title: TITLE.into(), reason: "no client noticed a change".into() });
    }
    let n = sample(shown.iter().map(|(_, client, _)| *client));
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "When changes were posted (across) and how late each was noticed (upward in each lane, over the range beside its name, log scale). The fuller \
             a cell, the more changes, up to the fullest of the lane. What drifts over the window is not a steady state. {}",
            basis(n, "All repeats lie over each other.")
        ),
        alt: alt(&shown.iter().map(|(look, client, _)| (*look, *client)).collect::<Vec<_>>()),
        x: Axis::new(
            "Time since the window opened (% of its length)",
            Unit::Percent,
            Scale { spacing: Spacing::Linear, low: 0.0, high: 100.0 },
        ),
        y: Axis::lanes("", names),
        series,
        keys: Vec::new(),
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

/// How many columns are drawn as one: as many as it takes for each to have a few changes of the client that has fewest, for what is empty
/// should mean that nothing came.
fn together(heats: &[&[(u16, i16, u32)]]) -> u16 {
    let changes = |heat: &&[(u16, i16, u32)]| heat.iter().map(|cell| u64::from(cell.2)).sum::<u64>();
    let fewest = heats.iter().map(changes).min().unwrap_or(0);
    let enough = |together: &u16| fewest * u64::from(*together) >= FEW * COLUMNS as u64;
    MERGES.into_iter().find(enough).unwrap_or(MERGES[MERGES.len() - 1])
}

/// How full a cell is drawn: by the square root of its count, so that the tail is seen.
fn shade(n: u32, fullest: u32) -> f64 {
    let part = (f64::from(n) / f64::from(fullest)).sqrt();
    (part * SHADES).ceil() / SHADES
}

/// Neighbours in a row that are equally full become one.
fn merged(mut blocks: Vec<Block>) -> Vec<Block> {
    blocks.sort_by(|a, b| a.y.0.total_cmp(&b.y.0).then(a.x.0.total_cmp(&b.x.0)));
    let mut whole: Vec<Block> = Vec::new();
    for block in blocks {
        match whole.last_mut() {
            Some(last)
                if last.y == block.y && last.strength == block.strength && (last.x.1 - block.x.0).abs() < 1e-9 =>
            {
                last.x.1 = block.x.1;
            }
            _ => whole.push(block),
        }
    }
    whole
}

fn alt(shown: &[(Look, &ClientSummary)]) -> String {
    let words: Vec<String> = shown
        .iter()
        .filter_map(|(_, client)| {
            Some(format!("{} {}", client.name, number::plain(Kind::Time, client.notice.mean_ns?.point)))
        })
        .collect();
    format!("A heat map of notice latency over the window for each client. Mean latencies: {}", told(&words))
}
