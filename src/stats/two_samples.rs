//! Two samples of repeats against each other: how much the second differs, how sure that is, and what could have been told.
//!
//! Positive values are compared as a ratio, by the difference of their logarithms; where a value is zero, as a difference.
//! The p of the decision is Welch's: at three repeats a side it still tells a doubling of a steady count from noise, which
//! Mann-Whitney cannot (its smallest p is 0.1 there). Mann-Whitney is computed beside it, and a decision needs its consent where
//! it is able to give it, so that one wild repeat decides nothing.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// From this many repeats a side the interval is bootstrapped: it follows skewed values then. Below, resamples are too few.
pub(super) const BOOTSTRAP_FROM: usize = 20;
/// Resamples of a bootstrap.
const RESAMPLES: usize = 999;
/// The same values give the same interval.
const SEED: u64 = 0x7261_7469_6f73;
/// Half of what lies outside of a 95 % interval.
pub(super) const TAIL: f64 = 0.025;
/// The smallest relative standard error that is believed: values are kept to three digits.
const LEAST_ERROR: f64 = 5e-4;

/// Up to so many repeats a side Mann-Whitney's p is exact.
const EXACT_UP_TO: usize = 25;

/// How the two samples are set against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Second over first.
    Ratio,
    /// Second minus first.
    Difference,
}

impl Scale {
    /// The scale of two samples: ratios where all values are positive.
    pub(super) fn of_samples(base: &[f64], new: &[f64]) -> Scale {
        if base.iter().chain(new).all(|v| *v > 0.0) { Scale::Ratio } else { Scale::Difference }
    }

    /// A value where differences are taken: its logarithm on [`Scale::Ratio`].
    pub(super) fn of(self, value: f64) -> f64 {
        if self == Scale::Ratio { value.ln() } else { value }
    }

    /// From there to a ratio or a difference.
    #[must_use]
    pub fn back(self, value: f64) -> f64 {
        if self == Scale::Ratio { value.exp() } else { value }
    }
}

/// What two samples came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// How they are set against each other.
    pub scale: Scale,
    /// Mean of the first: geometric on [`Scale::Ratio`].
    pub base: f64,
    /// Mean of the second, likewise.
    pub new: f64,
    /// Ratio or difference.
    pub effect: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// Two-sided p of Welch's test on the scale.
    pub p: f64,
    /// Two-sided p of Mann-Whitney's test.
    pub p_rank: f64,
    /// The smallest p that Mann-Whitney's test can have with so many repeats.
    pub p_rank_least: f64,
}

#[derive(Clone, Copy)]
pub(super) struct Moments {
    pub(super) mean: f64,
    pub(super) error: f64,
    pub(super) n: f64,
}

/// Sets `new` against `base`. `floor` is the standard error of either mean that counting alone makes, on the values' own scale
/// (0 where nothing is counted). `None` with fewer than two values on a side, or a value that is not finite.
#[must_use]
pub fn contrast(base: &[f64], new: &[f64], floor: f64) -> Option<Contrast> {
    let finite = base.iter().chain(new).all(|v| v.is_finite());
    if base.len() < 2 || new.len() < 2 || !finite {
        return None;
    }
    let scale = Scale::of_samples(base, new);
    let on = |values: &[f64]| values.iter().map(|v| scale.of(*v)).collect::<Vec<f64>>();
    let (a, b) = (on(base), on(new));
    let least = least_error(base, new, floor, scale);
    let (x, y) = (moments(&a, least), moments(&b, least));
    let difference = y.mean - x.mean;
    let error = x.error.hypot(y.error);
    let (p, (low, high)) = if error > 0.0 {
        let freedom = error.powi(4) / (x.error.powi(4) / (x.n - 1.0) + y.error.powi(4) / (y.n - 1.0));
        let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
        let width = t.inverse_cdf(1.0 - TAIL) * error;
        let bootstrapped = (a.len().min(b.len()) >= BOOTSTRAP_FROM).then(|| bootstrap(&[&a, &b], least)).flatten();
        let (low, high) = bootstrapped.unwrap_or((difference - width, difference + width));
        (2.0 * t.sf(difference.abs() / error), (low, high))
    } else {
        (1.0, (difference, difference))
    };
    let back = |v: f64| scale.back(v);
    Some(Contrast {
        scale,
        base: back(x.mean),
        new: back(y.mean),
        effect: back(difference),
        interval: (back(low), back(high)),
        p: p.clamp(0.0, 1.0),
        p_rank: rank_p(base, new),
        p_rank_least: rank_least(base.len(), new.len()),
    })
}

/// The least standard error of either mean on the scale: that of counting, and of the digits that are kept.
pub(super) fn least_error(base: &[f64], new: &[f64], floor: f64, scale: Scale) -> f64 {
    let centre = mean(base).abs().max(mean(new).abs());
    match scale {
        Scale::Ratio => (floor / centre).max(LEAST_ERROR),
        Scale::Difference => floor.max(LEAST_ERROR * centre),
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(super) fn moments(values: &[f64], least: f64) -> Moments {
    let n = values.len() as f64;
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    Moments { mean, error: (squares / (n - 1.0) / n).sqrt().max(least), n }
}

/// Bootstrap-t interval of the mean of one sample, or of the difference of the means of two; each is resampled by itself.
pub(super) fn bootstrap(samples: &[&[f64]], least: f64) -> Option<(f64, f64)> {
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    let told = |moments: &[Moments]| {
        let mean = moments.iter().fold(0.0, |sum, side| side.mean - sum);
        (mean, moments.iter().fold(0.0f64, |error, side| error.hypot(side.error)))
    };
    let (difference, error) = told(&samples.iter().map(|values| moments(values, least)).collect::<Vec<_>>());
    let mut ratios = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let mut drawn = |values: &&[f64]| {
            let (n, centre) = (values.len(), values[0]);
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..n {
                let from_centre = values[random.random_range(0..n)] - centre;
                sum += from_centre;
                squares += from_centre * from_centre;
            }
            let n = n as f64;
            let scatter = (squares - sum * sum / n).max(0.0);
            Moments { mean: centre + sum / n, error: (scatter / (n - 1.0) / n).sqrt().max(least), n }
        };
        let (mean, error) = told(&samples.iter().map(&mut drawn).collect::<Vec<_>>());
        ratios.push((mean - difference) / error);
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| ratios.get((ratios.len() as f64 * p) as usize).copied();
    Some((difference - at(1.0 - TAIL)? * error, difference - at(TAIL)? * error))
}

/// Two-sided p of Mann-Whitney's test: exact up to [`EXACT_UP_TO`] repeats a side where no two values are alike, else by the
/// normal approximation with corrections for ties and continuity.
///
/// Of our own: the exact p of `statrs` 0.19.1 is 1 where all of the first sample lies below the second.
#[must_use]
pub fn rank_p(base: &[f64], new: &[f64]) -> f64 {
    let (n, m) = (base.len(), new.len());
    let mut all: Vec<f64> = base.iter().chain(new).copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    let ties: Vec<usize> = all.chunk_by(|a, b| a == b).map(<[f64]>::len).collect();
    let above = |x: f64, y: f64| if x > y { 1.0 } else { f64::from(u8::from(x == y)) / 2.0 };
    let u: f64 = new.iter().map(|x| base.iter().map(|y| above(*x, *y)).sum::<f64>()).sum();
    let product = (n * m) as f64;
    let u = u.max(product - u);
    if ties.len() == n + m && n.max(m) <= EXACT_UP_TO {
        let ways = ways(n, m);
        let all: f64 = ways.iter().sum();
        let as_far: f64 = ways.iter().skip(u as usize).sum();
        return (2.0 * as_far / all).min(1.0);
    }
    let size = (n + m) as f64;
    let tied: f64 = ties.iter().map(|t| (*t as f64).powi(3) - *t as f64).sum();
    let variance = product / 12.0 * ((size + 1.0) - tied / (size * (size - 1.0)).max(1.0));
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (u - product / 2.0 - 0.5).max(0.0) / variance.sqrt();
    Normal::new(0.0, 1.0).map_or(1.0, |normal| (2.0 * normal.sf(z)).min(1.0))
}

/// In how many ways each U comes about: the coefficients of Gauss's binomial `[n + m, n]`, by the product of
/// `(1 - q^(m + i)) / (1 - q^i)`. Exact in doubles up to [`EXACT_UP_TO`].
fn ways(n: usize, m: usize) -> Vec<f64> {
    let size = n * m + 1;
    let mut ways = vec![0.0; size];
    ways[0] = 1.0;
    for i in 1..=n {
        for u in (m + i..size).rev() {
            ways[u] -= ways[u - m - i];
        }
        for u in i..size {
            ways[u] += ways[u - i];
        }
    }
    ways
}

/// `2 / C(n + m, n)`: the p of two samples of which one lies wholly above the other.
#[must_use]
pub fn rank_least(n: usize, m: usize) -> f64 {
    let ways = (1..=n).fold(1.0, |product, i| product * (m + i) as f64 / i as f64);
    (2.0 / ways).min(1.0)
}

/// Two-sided p of Welch's test on the values as they are: what a comparison without logarithms would say.
#[must_use]
pub fn welch_p(base: &[f64], new: &[f64]) -> Option<f64> {
    if base.len() < 2 || new.len() < 2 {
        return None;
    }
    let (x, y) = (moments(base, 0.0), moments(new, 0.0));
    let error = x.error.hypot(y.error);
    let freedom = error.powi(4) / (x.error.powi(4) / (x.n - 1.0) + y.error.powi(4) / (y.n - 1.0));
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(2.0 * t.sf((y.mean - x.mean).abs() / error))
}

/// Benjamini and Hochberg's step-up procedure ("Controlling the false discovery rate", J. R. Statist. Soc. B 57, 1995): each p
/// adjusted for all of them, in their order. A finding whose adjusted p is at most `q` has a false discovery rate of at most `q`.
#[must_use]
pub fn benjamini_hochberg(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| ps[*b].total_cmp(&ps[*a]));
    let (mut adjusted, mut least) = (vec![1.0; ps.len()], 1.0f64);
    for (place, index) in order.into_iter().enumerate() {
        let rank = ps.len() - place;
        least = least.min(ps[index] * ps.len() as f64 / rank as f64);
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, LogNormal};

    use super::*;

    #[test]
    fn mann_whitney_as_tabulated() {
        // Mann and Whitney, Ann. Math. Statist. 18, 1947, table I: U = 0 for 3 and 3 has a one-sided p of 0.05.
        assert!((rank_p(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]) - 0.1).abs() < 1e-12);
        assert!((rank_least(3, 3) - 0.1).abs() < 1e-12);
        assert!((rank_least(5, 5) - 2.0 / 252.0).abs() < 1e-12);
        assert_eq!(rank_p(&[1.0; 4], &[1.0; 4]), 1.0);
        // All 70 orders of 4 and 4: U of 14, 15 and 16 comes about in 2, 1 and 1 ways.
        assert!((rank_p(&[4.5, 1.0, 2.0, 3.0], &[6.0, 7.0, 8.0, 4.0]) - 2.0 * 2.0 / 70.0).abs() < 1e-12);
        assert_eq!(ways(3, 2), [1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0]);
        // With ties, by the approximation: U = 14 of 16, two pairs tied.
        let tied = rank_p(&[1.0, 2.0, 3.0, 4.0], &[4.0, 5.0, 6.0, 3.0]);
        assert!((tied - 0.1082).abs() < 0.02, "{tied}");
    }

    #[test]
    fn welch_by_hand() {
        // Means 2 and 5, standard errors 1/sqrt(3) and sqrt(16/3): t = 3 / sqrt(17/3), freedom (17/3)^2 / (1/18 + 128/9) = 2.25.
        let p = welch_p(&[1.0, 2.0, 3.0], &[1.0, 5.0, 9.0]).unwrap();
        let t = StudentsT::new(0.0, 1.0, (17.0f64 / 3.0).powi(2) / (1.0 / 18.0 + 128.0 / 9.0)).unwrap();
        assert!((p - 2.0 * t.sf(3.0 / (17.0f64 / 3.0).sqrt())).abs() < 1e-12 && (0.3..0.4).contains(&p), "{p}");
    }

    #[test]
    fn benjamini_and_hochberg_by_hand() {
        let adjusted = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.5]);
        let expected = [0.04, 0.16 / 3.0, 0.16 / 3.0, 0.5];
        assert!(adjusted.iter().zip(expected).all(|(a, e)| (a - e).abs() < 1e-12), "{adjusted:?}");
        assert!(benjamini_hochberg(&[]).is_empty());
    }

    #[test]
    fn what_is_alike_is_alike() {
        let same = contrast(&[5.0; 3], &[5.0; 3], 0.0).unwrap();
        assert_eq!((same.effect, same.p, same.scale), (1.0, 1.0, Scale::Ratio));
        let none = contrast(&[0.0; 3], &[0.0; 3], 0.0).unwrap();
        assert_eq!((none.effect, none.p, none.scale), (0.0, 1.0, Scale::Difference));
        assert_eq!(contrast(&[1.0], &[1.0, 2.0], 0.0), None);
        assert_eq!(contrast(&[1.0, f64::NAN], &[1.0, 2.0], 0.0), None);
    }

    #[test]
    fn three_steady_repeats_tell_a_doubling() {
        let told = contrast(&[100.0, 101.0, 100.5], &[201.0, 200.0, 200.6], 0.0).unwrap();
        assert!(told.p < 1e-6 && (told.effect - 1.996).abs() < 0.01, "{told:?}");
        assert!(told.interval.0 > 1.9 && told.interval.1 < 2.1);
    }

    #[test]
    fn rejects_as_often_as_it_says_and_covers() {
        let noise = LogNormal::new(3.0, 0.2).unwrap();
        let mut random = Pcg64Mcg::seed_from_u64(3);
        for n in [3, 6, 20] {
            let (mut rejected, mut held) = (0, 0);
            for _ in 0..600 {
                let mut draw = |factor: f64| (0..n).map(|_| factor * noise.sample(&mut random)).collect::<Vec<f64>>();
                rejected += u32::from(contrast(&draw(1.0), &draw(1.0), 0.0).unwrap().p < 0.05);
                let (low, high) = contrast(&draw(1.0), &draw(1.3), 0.0).unwrap().interval;
                held += u32::from(low <= 1.3 && 1.3 <= high);
            }
            assert!(rejected < 50 && held > 550, "{n}: {rejected} {held}");
        }
    }
}
