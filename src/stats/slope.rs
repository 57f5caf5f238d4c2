//! The slope of a quantity over time, with an interval that holds although one sample is like the next.

use super::Estimate;
use super::interval::students_t;

/// Blocks that a series is cut into: samples within one may depend on each other.
const BLOCKS: usize = 20;

/// Change of `value` for each unit of `time`, over samples `(time, value)` in the order of time; `None` with fewer than three samples.
///
/// Least squares through the means of [`BLOCKS`] successive blocks (or of all samples, where there are fewer), and the 95 %
/// interval of Student's t for them: batch means (Law, Simulation Modeling and Analysis, chapter 9). It is right as long as what makes a sample like
/// the next lasts less than a block.
#[must_use]
pub fn slope(samples: &[(f64, f64)]) -> Option<Estimate> {
    let size = samples.len().div_ceil(BLOCKS).max(1);
    let mean = |block: &[(f64, f64)]| {
        let n = block.len() as f64;
        (block.iter().map(|s| s.0).sum::<f64>() / n, block.iter().map(|s| s.1).sum::<f64>() / n)
    };
    let means: Vec<(f64, f64)> = samples.chunks(size).map(mean).collect();
    let freedom = means.len().checked_sub(2).filter(|freedom| *freedom > 0)?;
    let (time, value) = mean(&means);
    let spread: f64 = means.iter().map(|m| (m.0 - time) * (m.0 - time)).sum();
    if spread <= 0.0 {
        return None;
    }
    let point = means.iter().map(|m| (m.0 - time) * (m.1 - value)).sum::<f64>() / spread;
    let residuals = means.iter().map(|m| m.1 - value - point * (m.0 - time));
    let error = (residuals.map(|r| r * r).sum::<f64>() / freedom as f64 / spread).sqrt();
    let reach = students_t(freedom)? * error;
    Some(Estimate { point, interval: Some((point - reach, point + reach)), n: means.len() as u32 })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn a_line_has_its_slope_and_no_doubt() {
        let line: Vec<(f64, f64)> = (0..100).map(|t| (f64::from(t), 7.0 - 0.5 * f64::from(t))).collect();
        let got = slope(&line).unwrap();
        assert!((got.point + 0.5).abs() < 1e-12);
        let (low, high) = got.interval.unwrap();
        assert!(low <= -0.5 + 1e-12 && high >= -0.5 - 1e-12 && high - low < 1e-9);
        assert_eq!(got.n, 20);
    }

    #[test]
    fn the_textbook_example_of_three_points() {
        // Residuals 1/6, -1/3, 1/6; error sqrt(1/6 / 2) = 0.288675; t of one degree of freedom 12.7062.
        let got = slope(&[(0.0, 0.0), (1.0, 1.0), (2.0, 3.0)]).unwrap();
        assert!((got.point - 1.5).abs() < 1e-12);
        let (low, high) = got.interval.unwrap();
        assert!((high - low - 2.0 * 12.706_205 * 0.288_675).abs() < 1e-4, "{low} {high}");
        assert_eq!(slope(&[(0.0, 0.0), (1.0, 1.0)]), None);
        assert_eq!(slope(&[(1.0, 0.0), (1.0, 1.0), (1.0, 5.0)]), None);
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let mut within = 0;
        for _ in 0..1000 {
            // Each sample is much like the one before it.
            let mut noise = 0.0;
            let series: Vec<(f64, f64)> = (0..2000)
                .map(|t| {
                    noise = 0.8 * noise + random.random_range(-1.0..1.0);
                    (f64::from(t), 0.01 * f64::from(t) + noise)
                })
                .collect();
            let (low, high) = slope(&series).and_then(|s| s.interval).unwrap();
            within += i32::from(low <= 0.01 && 0.01 <= high);
        }
        assert!((920..=975).contains(&within), "{within} of 1000");
    }
}
