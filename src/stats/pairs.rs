//! Samples that belong together in pairs: two sides measured one right after the other, with the same changes.
//!
//! What drifts from pair to pair hits both sides of a pair alike and leaves their difference alone. The test is Student's on the
//! differences (of logarithms, where all values are positive), with Wilcoxon's signed ranks ("Individual comparisons by ranking
//! methods", Biometrics Bulletin 1, 1945) beside it, as Mann and Whitney's are for samples that are not paired.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::two_samples::{BOOTSTRAP_FROM, Contrast, Scale, TAIL, bootstrap, least_error, mean, moments};

/// Up to so many pairs the p of the signed ranks is exact.
const EXACT_UP_TO: usize = 40;

/// Sets `new` against `base`, the one's values paired with the other's by their places. `floor` is as for
/// [`super::two_samples::contrast`]. `None` with fewer than two pairs, sides of unlike length, or a value that is not finite.
#[must_use]
pub fn contrast_of_pairs(base: &[f64], new: &[f64], floor: f64) -> Option<Contrast> {
    let finite = base.iter().chain(new).all(|v| v.is_finite());
    if base.len() < 2 || base.len() != new.len() || !finite {
        return None;
    }
    let scale = Scale::of_samples(base, new);
    let on = |values: &[f64]| values.iter().map(|v| scale.of(*v)).collect::<Vec<f64>>();
    let (a, b) = (on(base), on(new));
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| b - a).collect();
    // The least error is that of either side.
    let least = least_error(base, new, floor, scale) * std::f64::consts::SQRT_2;
    let told = moments(&differences, least);
    let (p, (low, high)) = if told.error > 0.0 {
        let t = StudentsT::new(0.0, 1.0, told.n - 1.0).ok()?;
        let width = t.inverse_cdf(1.0 - TAIL) * told.error;
        let straight = (told.mean - width, told.mean + width);
        let bootstrapped = (differences.len() >= BOOTSTRAP_FROM).then(|| bootstrap(&[&differences], least));
        (2.0 * t.sf(told.mean.abs() / told.error), bootstrapped.flatten().unwrap_or(straight))
    } else {
        (1.0, (told.mean, told.mean))
    };
    Some(Contrast {
        scale,
        base: scale.back(mean(&a)),
        new: scale.back(mean(&b)),
        effect: scale.back(told.mean),
        interval: (scale.back(low), scale.back(high)),
        p: p.clamp(0.0, 1.0),
        p_rank: signed_rank_p(&differences),
        p_rank_least: 2.0f64.powi(1 - differences.len().min(1000) as i32).min(1.0),
    })
}

/// What pairs of one and the same thing leave open: 1.96 standard errors of a mean over `pairs` pairs that scatter as those of `first` and
/// `second` do, on the scale (of logarithms for [`Scale::Ratio`]). How well so few of them tell their scatter is no matter here: the test
/// of the differences themselves answers for that. `None` with fewer than two pairs.
#[must_use]
pub fn resolution_of_pairs(first: &[f64], second: &[f64], scale: Scale, pairs: usize) -> Option<f64> {
    if first.len() < 2 || first.len() != second.len() {
        return None;
    }
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| scale.of(*b) - scale.of(*a)).collect();
    if differences.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let told = moments(&differences, 0.0);
    let scatter = told.error * told.n.sqrt();
    let normal = Normal::new(0.0, 1.0).ok()?;
    Some(normal.inverse_cdf(1.0 - TAIL) * scatter / (pairs.max(1) as f64).sqrt())
}

/// Two-sided p of Wilcoxon's signed ranks: exact for up to [`EXACT_UP_TO`] differences of which no two are as large, else by the normal
/// approximation with corrections for ties and continuity. Differences of 0 are left out, as Wilcoxon does.
#[must_use]
pub fn signed_rank_p(differences: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    sorted.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = sorted.len() as f64;
    let (mut above, mut rank, mut tied) = (0.0, 0.0, 0.0);
    for group in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let size = group.len() as f64;
        let of_each = rank + (size + 1.0) / 2.0;
        above += of_each * group.iter().filter(|d| **d > 0.0).count() as f64;
        tied += size * size * size - size;
        rank += size;
    }
    let whole = n * (n + 1.0) / 2.0;
    let most = above.max(whole - above);
    if tied == 0.0 && sorted.len() <= EXACT_UP_TO {
        let ways = ways(sorted.len());
        let as_far: f64 = ways.iter().skip(most as usize).sum();
        return (2.0 * as_far / ways.iter().sum::<f64>()).min(1.0);
    }
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - tied / 48.0;
    let z = (most - whole / 2.0 - 0.5).max(0.0) / variance.sqrt();
    Normal::new(0.0, 1.0).map_or(1.0, |normal| (2.0 * normal.sf(z)).min(1.0))
}

/// In how many of all choices of signs each sum of the ranks above zero comes about. Exact in doubles up to [`EXACT_UP_TO`].
fn ways(n: usize) -> Vec<f64> {
    let mut ways = vec![0.0; n * (n + 1) / 2 + 1];
    ways[0] = 1.0;
    for rank in 1..=n {
        for sum in (rank..ways.len()).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    use rand_pcg::Pcg64Mcg;

    use super::super::two_samples::contrast;
    use super::*;

    #[test]
    fn signed_ranks_as_tabulated() {
        // Wilcoxon 1945, table II: of 10 pairs a smaller sum of ranks of 8 has p = 0.049 (2 * 25 / 1024); of 7 pairs 2 has 6 / 128.
        let ten = [1.0, 2.0, -3.0, -4.0, 5.0, -6.0, -7.0, -8.0, -9.0, -10.0];
        assert!((signed_rank_p(&ten) - 2.0 * 25.0 / 1024.0).abs() < 1e-12, "{}", signed_rank_p(&ten));
        assert!((signed_rank_p(&[1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) - 6.0 / 128.0).abs() < 1e-12);
        assert!((signed_rank_p(&[1.0, 2.0, 3.0, 4.0, 5.0]) - 2.0 / 32.0).abs() < 1e-12);
        assert_eq!(ways(3), [1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0]);
        assert_eq!((signed_rank_p(&[]), signed_rank_p(&[0.0; 9]), signed_rank_p(&[1.0, -1.0])), (1.0, 1.0, 1.0));
        // With ties, by the approximation: close to the exact p of ranks that are not tied.
        let tied = signed_rank_p(&[1.0, 1.0, 3.0, 4.0, 5.0, 6.0, -2.0, 8.0]);
        assert!((tied - 0.039).abs() < 0.02, "{tied}");
    }

    #[test]
    fn students_t_by_hand() {
        // Differences 1, 2, 3, 6 of values that are not positive: mean 3, standard error sqrt(14 / 3 / 4), t = 2.777 of freedom 3.
        let told = contrast_of_pairs(&[0.0; 4], &[1.0, 2.0, 3.0, 6.0], 0.0).unwrap();
        let t = StudentsT::new(0.0, 1.0, 3.0).unwrap();
        assert!((told.p - 2.0 * t.sf(3.0 / (14.0f64 / 12.0).sqrt())).abs() < 1e-12, "{told:?}");
        assert_eq!((told.scale, told.effect, told.p_rank, told.p_rank_least), (Scale::Difference, 3.0, 0.125, 0.125));
        assert!((told.interval.0 - (3.0 - 3.182_446 * (14.0f64 / 12.0).sqrt())).abs() < 1e-5);
        for (base, new) in [(&[1.0][..], &[1.0][..]), (&[1.0, 2.0], &[1.0, 2.0, 3.0]), (&[1.0, f64::NAN], &[1.0, 2.0])]
        {
            assert_eq!(contrast_of_pairs(base, new, 0.0), None);
        }
        let same = contrast_of_pairs(&[5.0; 3], &[5.0; 3], 0.0).unwrap();
        assert_eq!((same.effect, same.p, same.scale), (1.0, 1.0, Scale::Ratio));
    }

    #[test]
    fn what_drifts_is_no_noise_to_pairs() {
        let drifting = |i: usize, factor: f64| factor * (10.0 + i as f64) * (1.0 + 0.01 * ((i * 7 % 5) as f64 - 2.0));
        let base: Vec<f64> = (0..10).map(|i| drifting(i, 1.0)).collect();
        let new: Vec<f64> = (0..10).map(|i| drifting(i + i % 2, 1.2)).collect();
        let (pairs, apart) = (contrast_of_pairs(&base, &new, 0.0).unwrap(), contrast(&base, &new, 0.0).unwrap());
        assert!(pairs.p < 1e-4 && apart.p > 1e-2, "{} {}", pairs.p, apart.p);
    }

    #[test]
    fn rejects_as_often_as_it_says_and_covers() {
        let mut random = Pcg64Mcg::seed_from_u64(5);
        for n in [4, 10, 24] {
            let (mut rejected, mut held) = (0, 0);
            for _ in 0..600 {
                let level: Vec<f64> = (0..n).map(|_| StandardNormal.sample(&mut random)).collect();
                let mut side = |factor: f64| -> Vec<f64> {
                    let mut noise = |l: &f64| {
                        0.5 * l + 0.1 * <StandardNormal as Distribution<f64>>::sample(&StandardNormal, &mut random)
                    };
                    level.iter().map(|l| factor * noise(l).exp()).collect()
                };
                rejected += u32::from(contrast_of_pairs(&side(1.0), &side(1.0), 0.0).unwrap().p < 0.05);
                let (low, high) = contrast_of_pairs(&side(1.0), &side(1.1), 0.0).unwrap().interval;
                held += u32::from(low <= 1.1 && 1.1 <= high);
            }
            assert!(rejected < 50 && held > 545, "{n}: {rejected} {held}");
        }
    }

    #[test]
    fn the_resolution_is_that_of_the_control() {
        // Differences -1 and 1: scatter sqrt 2; the mean of eight pairs has an error of 0.5.
        let found = resolution_of_pairs(&[1.0, 0.0], &[0.0, 1.0], Scale::Difference, 8).unwrap();
        assert!((found - 1.959_964 * 0.5).abs() < 1e-5, "{found}");
        assert_eq!(resolution_of_pairs(&[1.0], &[1.0], Scale::Ratio, 8), None);
        assert_eq!(resolution_of_pairs(&[1.0, 0.0], &[1.0, 1.0], Scale::Ratio, 8), None);
    }
}
