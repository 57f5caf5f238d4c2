//! Where a series changes, and whether it drifts.
//!
//! Change points are found by E-divisive (Matteson and James, "A nonparametric approach for multiple change point analysis of
//! multivariate data", J. Am. Stat. Assoc. 109, 2014) with the energy distance of exponent 1: the split of a stretch whose two
//! sides differ most is taken when a permutation test says that it is none of chance, and both sides are searched again. Drift that
//! no single step shows is found by the test of Mann and Kendall, its size by the slope of Theil and Sen.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{ContinuousCDF, Normal};

/// The fewest values on either side of a change: two cannot be told from an outlier and its neighbour.
pub const LEAST_SIDE: usize = 3;
/// Permutations of a test: the smallest p is one in this many and one more.
const PERMUTATIONS: usize = 999;
/// The fewest values that a drift is looked for in.
const LEAST_DRIFT: usize = 8;

/// A change of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// Index of the first value after it.
    pub at: usize,
    /// Of the permutation test.
    pub p: f64,
}

/// A slow drift of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Theil and Sen's slope: the median over all pairs, for each step of the series.
    pub slope: f64,
    /// Of Mann and Kendall's test, two-sided.
    pub p: f64,
}

/// The change points of a series at a level, in its order. The same series and seed give the same points.
#[must_use]
pub fn change_points(series: &[f64], level: f64, seed: u64) -> Vec<ChangePoint> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut found = Vec::new();
    let mut open = vec![(0, series.len())];
    while let Some((from, to)) = open.pop() {
        let stretch = series.get(from..to).unwrap_or_default();
        let Some((split, strength)) = best_split(stretch) else { continue };
        let p = permutation_p(stretch, strength, &mut random);
        if p <= level {
            found.push(ChangePoint { at: from + split, p });
            open.push((from, from + split));
            open.push((from + split, to));
        }
    }
    found.sort_by_key(|point| point.at);
    found
}

/// The split whose sides differ most, and by how much; `None` for a stretch that is too short.
fn best_split(values: &[f64]) -> Option<(usize, f64)> {
    let n = values.len();
    if n < 2 * LEAST_SIDE {
        return None;
    }
    let distance = |i: usize, j: usize| (values[i] - values[j]).abs();
    let to_all: Vec<f64> = (0..n).map(|i| (0..n).map(|j| distance(i, j)).sum()).collect();
    let all = to_all.iter().sum::<f64>() / 2.0;
    // Sums over the pairs within the left side; those across follow, and those within the right.
    let (mut within, mut touching) = (0.0, 0.0);
    let mut best: Option<(usize, f64)> = None;
    for (split, to_others) in (1..n).zip(&to_all) {
        within += (0..split - 1).map(|i| distance(i, split - 1)).sum::<f64>();
        touching += to_others;
        let across = touching - 2.0 * within;
        if split < LEAST_SIDE || n - split < LEAST_SIDE {
            continue;
        }
        let right = all - within - across;
        let (m, k) = (split as f64, (n - split) as f64);
        let energy = 2.0 * across / (m * k) - 2.0 * within / (m * (m - 1.0)) - 2.0 * right / (k * (k - 1.0));
        let strength = energy * m * k / (m + k);
        if strength > best.map_or(f64::NEG_INFINITY, |(_, most)| most) {
            best = Some((split, strength));
        }
    }
    best
}

fn permutation_p(values: &[f64], strength: f64, random: &mut Pcg64Mcg) -> f64 {
    let mut shuffled = values.to_vec();
    let mut as_strong = 1usize;
    for _ in 0..PERMUTATIONS {
        for place in (1..shuffled.len()).rev() {
            shuffled.swap(place, random.random_range(0..=place));
        }
        let strongest = best_split(&shuffled).map_or(f64::NEG_INFINITY, |(_, strength)| strength);
        // Sums in another order differ in the last digits.
        as_strong += usize::from(strongest >= strength - 1e-9 * strength.abs());
    }
    as_strong as f64 / (PERMUTATIONS + 1) as f64
}

/// The drift of a series; `None` when it is too short to tell.
#[must_use]
pub fn drift(series: &[f64]) -> Option<Drift> {
    drift_within(series, std::slice::from_ref(&(0..series.len())))
}

/// The drift that the stretches of a series have in common: only values of the same stretch are held against each other. `None` when it is
/// too short to tell.
#[must_use]
pub fn drift_within(series: &[f64], stretches: &[Range<usize>]) -> Option<Drift> {
    if series.len() < LEAST_DRIFT || series.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let of_size = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    let (mut slopes, mut balance, mut variance) = (Vec::new(), 0i64, 0.0);
    for values in stretches.iter().filter_map(|stretch| series.get(stretch.clone())) {
        for (i, early) in values.iter().enumerate() {
            for (j, late) in values.iter().enumerate().skip(i + 1) {
                balance += i64::from(late > early) - i64::from(late < early);
                slopes.push((late - early) / (j - i) as f64);
            }
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let tied: f64 = sorted.chunk_by(|a, b| a == b).map(|ties| of_size(ties.len() as f64)).sum();
        variance += of_size(values.len() as f64) - tied;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let slope = slopes.get(slopes.len() / 2).copied()?;
    let z = if variance > 0.0 { (balance.abs() - 1).max(0) as f64 / variance.sqrt() } else { 0.0 };
    let p = 2.0 * Normal::new(0.0, 1.0).ok()?.sf(z);
    Some(Drift { slope, p: p.min(1.0) })
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, Normal as Noise};

    use super::*;

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let normal = Noise::new(100.0, 3.0).unwrap();
        (0..n).map(|_| normal.sample(&mut random)).collect()
    }

    #[test]
    fn the_strength_is_that_of_the_definition() {
        let values = noise(9, 1);
        let (split, strength) = best_split(&values).unwrap();
        let naive = |split: usize| {
            let (a, b) = values.split_at(split);
            let sum = |x: &[f64], y: &[f64]| x.iter().flat_map(|v| y.iter().map(move |w| (v - w).abs())).sum::<f64>();
            let (m, k) = (a.len() as f64, b.len() as f64);
            let energy = 2.0 * sum(a, b) / (m * k) - sum(a, a) / (m * (m - 1.0)) - sum(b, b) / (k * (k - 1.0));
            energy * m * k / (m + k)
        };
        let best = (LEAST_SIDE..=values.len() - LEAST_SIDE).max_by(|a, b| naive(*a).total_cmp(&naive(*b))).unwrap();
        assert!(split == best && (strength - naive(best)).abs() < 1e-9);
    }

    #[test]
    fn steps_are_found_where_they_are() {
        let mut series = noise(60, 2);
        series[20..].iter_mut().for_each(|v| *v += 20.0);
        series[45..].iter_mut().for_each(|v| *v -= 35.0);
        let found: Vec<usize> = change_points(&series, 0.01, 7).iter().map(|c| c.at).collect();
        assert_eq!(found, [20, 45]);
        assert_eq!(change_points(&series, 0.01, 7), change_points(&series, 0.01, 7));
    }

    #[test]
    fn noise_has_none() {
        let alarms = (0..100).filter(|seed| !change_points(&noise(30, 100 + seed), 0.01, *seed).is_empty()).count();
        assert!(alarms <= 5, "{alarms} of 100 at 1 %");
        assert!(change_points(&[1.0; 30], 0.05, 1).is_empty());
        assert!(change_points(&[], 0.05, 1).is_empty());
    }

    #[test]
    fn a_drift_is_found_that_no_step_shows() {
        let mut series = noise(40, 5);
        series.iter_mut().enumerate().for_each(|(i, v)| *v += 0.4 * i as f64);
        let told = drift(&series).unwrap();
        assert!(told.p < 1e-3 && (told.slope - 0.4).abs() < 0.15, "{told:?}");
        let alarms = (0..300).filter(|seed| drift(&noise(30, 1000 + seed)).unwrap().p < 0.05).count();
        assert!((3..30).contains(&alarms), "{alarms} of 300 at 5 %");
        assert_eq!(drift(&[1.0; 20]).unwrap().p, 1.0);
        assert_eq!(drift(&[1.0; 3]), None);
    }
}
