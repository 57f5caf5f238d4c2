//! A few hundred durations, summed up exactly.

use crate::stats::distribution::LEAST_BEYOND;
use crate::time::Span;
use crate::trace::floor::Quantiles;

/// Sums a sample up: percentiles by nearest rank, each only where at least 10 samples lie beyond it. `None` of no samples.
#[must_use]
pub fn quantiles(samples: &[Span]) -> Option<Quantiles> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let at = |p: f64| {
        let n = sorted.len() as f64;
        // A half of a millionth of a sample: 0.01 * 1000 is a little less than 10 in binary.
        let enough = p.min(1.0 - p) * n + 5e-7 >= LEAST_BEYOND;
        let rank = ((p * n - 5e-7).ceil() as usize).max(1);
        sorted.get(rank - 1).copied().filter(|_| enough)
    };
    Some(Quantiles {
        n: sorted.len() as u64,
        least_ns: *sorted.first()?,
        p50_ns: at(0.5),
        p90_ns: at(0.9),
        p99_ns: at(0.99),
        most_ns: *sorted.last()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(n: u64) -> Quantiles {
        // Every number below n once, in an order that is not theirs: 7919 is a prime.
        let samples: Vec<Span> = (0..n).map(|i| Span(i * 7919 % n)).collect();
        quantiles(&samples).unwrap()
    }

    #[test]
    fn percentiles_where_enough_lies_beyond_them() {
        assert_eq!(quantiles(&[]), None);
        let few = of(19);
        assert_eq!((few.n, few.least_ns, few.most_ns, few.p50_ns), (19, Span(0), Span(18), None));
        assert_eq!((of(20).p50_ns, of(20).p90_ns), (Some(Span(9)), None));
        assert_eq!((of(100).p90_ns, of(100).p99_ns), (Some(Span(89)), None));
        assert_eq!((of(1000).p50_ns, of(1000).p99_ns), (Some(Span(499)), Some(Span(989))));
        assert_eq!(of(999).p99_ns, None);
    }
}
