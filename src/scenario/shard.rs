//! Which cells of a sweep a machine runs, where several share them.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use super::sweep::MAX_CELLS;
use crate::time::Span;

/// The `i`-th of `n` parts, written `i/n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub part: usize,
    /// Of so many.
    pub of: usize,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((_, of)) if of > MAX_CELLS => Err(format!("no sweep has more than {MAX_CELLS} cells to share")),
            Some((part, of)) if 1 <= part && part <= of => Ok(Shard { part, of }),
            _ => Err("give I/N, the I-th of N parts, such as 1/3".to_owned()),
        }
    }
}

/// The places of a shard's cells, in rising order. The longest cell goes to the part that has least to do so far, and so on: the same
/// on every machine, and the parts take about the same time. Every cell is in one part.
#[must_use]
pub fn deal(lengths: &[Span], shard: Shard) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|cell| (Reverse(lengths[*cell]), *cell));
    let mut loads = vec![(Span::ZERO, 0usize); shard.of];
    let mut own = Vec::new();
    for cell in order {
        let least = loads.iter().enumerate().min_by_key(|(part, load)| (**load, *part)).map(|(part, _)| part);
        let Some(load) = least.and_then(|part| loads.get_mut(part)) else { continue };
        *load = (load.0 + lengths[cell], load.1 + 1);
        if least == Some(shard.part - 1) {
            own.push(cell);
        }
    }
    own.sort_unstable();
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_or_refused() {
        assert_eq!("2/3".parse(), Ok(Shard { part: 2, of: 3 }));
        for wrong in ["", "1", "0/3", "4/3", "a/b", "1/0", "-1/2", "1/2/3", "1/2001", "1/99999999999999"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_cell_is_in_one_part_and_the_parts_take_alike() {
        let lengths: Vec<Span> = (0..35u64).map(|cell| Span(1 + (cell * 7) % 5 * 100)).collect();
        for of in 1..=5 {
            let parts: Vec<Vec<usize>> = (1..=of).map(|part| deal(&lengths, Shard { part, of })).collect();
            let mut all: Vec<usize> = parts.concat();
            all.sort_unstable();
            assert_eq!(all, (0..35).collect::<Vec<_>>());
            let times: Vec<u64> = parts.iter().map(|part| part.iter().map(|cell| lengths[*cell].0).sum()).collect();
            let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
            assert!(most - least <= 401, "{times:?}");
        }
        assert_eq!(deal(&lengths, Shard { part: 40, of: 40 }), [] as [usize; 0]);
        // Cells that take no time are dealt out too.
        assert_eq!(deal(&[Span::ZERO; 4], Shard { part: 2, of: 2 }), [1, 3]);
    }
}
