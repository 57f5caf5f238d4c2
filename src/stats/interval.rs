//! 95 % intervals of a mean over repeats.
//!
//! A run has few repeats, often three. The usual percentile bootstrap is far too narrow then: three values resample to ten
//! different sets only. Which interval is honest was measured, with 3000 simulated runs for each cell (`mean over n repeats`,
//! the fraction of intervals that hold the true mean; 95 % is right):
//!
//! | n | values | percentile bootstrap | bootstrap-t | Student's t |
//! |---|---|---|---|---|
//! | 3 | normal | 0.75 | 0.84 | 0.96 |
//! | 3 | log-normal, σ = 0.5 | 0.72 | 0.83 | 0.93 |
//! | 3 | exponential | 0.68 | 0.82 | 0.88 |
//! | 5 | normal | 0.84 | 0.94, 1.6 times as wide as t | 0.95 |
//! | 5 | exponential | 0.78 | 0.93, 2.7 times as wide as t | 0.88 |
//! | 10 | normal | 0.90 | 0.95 | 0.95 |
//! | 10 | log-normal, σ = 0.5 | 0.87 | 0.94 | 0.92 |
//! | 10 | exponential | 0.86 | 0.94 | 0.90 |
//! | 20 | exponential | 0.90 | 0.95 | 0.92 |
//!
//! Hence Student's t below [`BOOTSTRAP_FROM`] repeats, and from there on the bootstrap-t (Efron and Tibshirani, "An
//! Introduction to the Bootstrap", 1993, section 12.5), which follows a skewed distribution. No method helps against a rare
//! outlier that no repeat has shown: with one in ten repeats far off, three repeats hold the mean in 0.3 of the cases.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// From this many repeats on the bootstrap-t is used.
pub const BOOTSTRAP_FROM: usize = 10;
/// Resamples of a bootstrap.
const RESAMPLES: usize = 1999;
/// Every interval is drawn with the same seed: the same values give the same interval.
const SEED: u64 = 0x0070_6f6c_6c63_6f73;
/// Half of what lies outside of the interval.
const TAIL: f64 = 0.025;

/// Mean and standard error of the mean; `None` for fewer than two values.
fn mean_and_error(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    Some((mean, (squares / (n - 1.0) / n).sqrt()))
}

/// The 95 % interval of the mean of `values`, one value a repeat; `None` with fewer than two.
#[must_use]
pub fn of_mean(values: &[f64]) -> Option<(f64, f64)> {
    let (mean, error) = mean_and_error(values)?;
    let t = students_t(values.len() - 1)?;
    let (low, high) = (values.len() >= BOOTSTRAP_FROM).then(|| bootstrap_t(values, mean)).flatten().unwrap_or((-t, t));
    Some((mean - high * error, mean - low * error))
}

/// The 97.5 % quantile of Student's t, to six digits so that it is the same with any mathematics library.
pub(super) fn students_t(freedom: usize) -> Option<f64> {
    let t = StudentsT::new(0.0, 1.0, freedom as f64).ok()?.inverse_cdf(1.0 - TAIL);
    Some((t * 1e6).round() / 1e6)
}

/// The 2.5 % and 97.5 % quantiles of `(mean* - mean) / error*` over resamples; `None` when most resamples have no spread.
fn bootstrap_t(values: &[f64], mean: f64) -> Option<(f64, f64)> {
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    let mut sample = vec![0.0; values.len()];
    let mut ratios = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        sample.fill_with(|| values[random.random_range(0..values.len())]);
        let (resampled, error) = mean_and_error(&sample)?;
        if error > 0.0 {
            ratios.push((resampled - mean) / error);
        }
    }
    if ratios.len() <= RESAMPLES / 2 {
        return None;
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let place = |p: f64| ratios[((ratios.len() as f64 * p) as usize).min(ratios.len() - 1)];
    Some((place(TAIL), place(1.0 - TAIL)))
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, Exp1, LogNormal, Normal};

    use super::*;

    #[test]
    fn students_t_as_tabulated() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2.
        for (freedom, t) in [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)] {
            assert!((students_t(freedom).unwrap() - t).abs() < 1e-3);
        }
    }

    #[test]
    fn small_samples_by_hand() {
        assert_eq!(of_mean(&[]), None);
        assert_eq!(of_mean(&[3.0]), None);
        // Mean 2, standard error 1/sqrt(3).
        let (low, high) = of_mean(&[1.0, 2.0, 3.0]).unwrap();
        assert!((low - (2.0 - 4.302_653 / 3f64.sqrt())).abs() < 1e-6 && (high - 4.484_138).abs() < 1e-5);
        for n in [3, 10] {
            assert_eq!(of_mean(&vec![7.0; n]), Some((7.0, 7.0)));
        }
    }

    #[test]
    fn a_bootstrap_is_repeatable_and_leans_to_the_long_tail() {
        let skewed = [1.0, 1.1, 1.2, 1.2, 1.3, 1.4, 1.5, 1.9, 2.5, 6.0];
        let (low, high) = of_mean(&skewed).unwrap();
        assert_eq!(of_mean(&skewed), Some((low, high)));
        let mean = skewed.iter().sum::<f64>() / 10.0;
        assert!(low < mean && high - mean > 1.5 * (mean - low), "{low} {mean} {high}");
    }

    /// The fraction of simulated runs whose interval holds the true mean.
    fn coverage(n: usize, mean: f64, draw: impl Fn(&mut Pcg64Mcg) -> f64) -> f64 {
        const RUNS: u32 = 600;
        let mut random = Pcg64Mcg::seed_from_u64(7);
        let held = (0..RUNS).filter(|_| {
            let values: Vec<f64> = (0..n).map(|_| draw(&mut random)).collect();
            of_mean(&values).is_some_and(|(low, high)| low <= mean && mean <= high)
        });
        held.count() as f64 / f64::from(RUNS)
    }

    #[test]
    fn covers_what_the_page_says() {
        let normal = Normal::new(10.0, 1.0).unwrap();
        let skewed = LogNormal::new(0.0, 0.5).unwrap();
        // Three standard errors of 600 runs are 0.03 at 0.95 and 0.04 at 0.88.
        for (n, normally, log_normally, exponentially) in
            [(3, 0.95, 0.93, 0.88), (5, 0.95, 0.92, 0.88), (10, 0.95, 0.94, 0.94)]
        {
            let near =
                |measured: f64, wanted: f64| assert!((measured - wanted).abs() < 0.04, "{n}: {measured} {wanted}");
            near(coverage(n, 10.0, |r| normal.sample(r)), normally);
            near(coverage(n, 0.125f64.exp(), |r| skewed.sample(r)), log_normally);
            near(coverage(n, 1.0, |r| Exp1.sample(r)), exponentially);
        }
    }
}
