//! The Kolmogorov-Smirnov test: whether a sample can have come from a distribution.

/// What a test came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// The largest distance between the sample's cumulative distribution and the assumed one.
    pub distance: f64,
    /// How likely a distance at least as large is, if the sample did come from it.
    pub p: f64,
}

/// Tests independent samples against a continuous cumulative distribution; `None` without samples.
///
/// The probability is Kolmogorov's limit with the correction of Stephens ("Use of the Kolmogorov-Smirnov, Cramér-von Mises and
/// related statistics without extensive tables", J. R. Statist. Soc. B 32, 1970), good to 1 % from five samples on.
#[must_use]
pub fn one_sample(samples: &mut [f64], cdf: impl Fn(f64) -> f64) -> Option<Test> {
    if samples.is_empty() {
        return None;
    }
    samples.sort_unstable_by(f64::total_cmp);
    let n = samples.len() as f64;
    let of = |(place, x): (usize, &f64)| {
        let p = cdf(*x);
        (p - place as f64 / n).max((place as f64 + 1.0) / n - p)
    };
    let distance = samples.iter().enumerate().map(of).fold(0.0, f64::max);
    Some(Test { distance, p: beyond((n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance) })
}

/// `Q(λ) = 2 Σ (-1)^(k-1) exp(-2 k² λ²)`.
fn beyond(lambda: f64) -> f64 {
    const TERMS: i32 = 100;
    // The sum converges slowly below, where the probability is 1 to ten digits.
    if lambda < 0.2 {
        return 1.0;
    }
    let term = |k: i32| f64::from(1 - 2 * ((k - 1) % 2)) * (-2.0 * f64::from(k * k) * lambda * lambda).exp();
    (2.0 * (1..=TERMS).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn critical_values_as_tabulated() {
        // Smirnov, "Table for estimating the goodness of fit of empirical distributions", Ann. Math. Statist. 19, 1948.
        for (lambda, p) in [(0.828, 0.5), (1.224, 0.1), (1.358, 0.05), (1.628, 0.01), (1.949, 0.001)] {
            assert!((beyond(lambda) / p - 1.0).abs() < 0.01, "{lambda}: {}", beyond(lambda));
        }
        assert_eq!(beyond(0.1), 1.0);
    }

    #[test]
    fn small_samples_by_hand() {
        let test = one_sample(&mut [0.9, 0.2], |x| x).unwrap();
        assert!((test.distance - 0.4).abs() < 1e-12);
        assert_eq!(one_sample(&mut [], |x| x), None);
    }

    #[test]
    fn rejects_as_often_as_it_says() {
        let mut random = Pcg64Mcg::seed_from_u64(5);
        let mut rejected = 0;
        for _ in 0..2000 {
            let mut samples: Vec<f64> = (0..50).map(|_| random.random::<f64>()).collect();
            rejected += u32::from(one_sample(&mut samples, |x| x).unwrap().p < 0.05);
        }
        assert!((70..130).contains(&rejected), "{rejected} of 2000 at 5 %");
        let mut squares: Vec<f64> = (0..1000).map(|_| random.random::<f64>().powi(2)).collect();
        assert!(one_sample(&mut squares, |x| x).unwrap().p < 1e-9);
    }
}
