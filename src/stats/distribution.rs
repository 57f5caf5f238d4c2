//! Percentiles and cumulative distributions from histograms, with the samples that a histogram cannot hold.

use hdrhistogram::Histogram;

use crate::trace::histogram::nanoseconds;

/// A percentile is shown only where at least this many samples lie beyond it.
pub const LEAST_BEYOND: f64 = 10.0;

/// A sample in three parts: values below zero, values in a histogram, and values known only to be larger than any (a change
/// that was never noticed has an endless latency; leaving it out would make a client look the better the more it overlooks).
#[derive(Clone, Debug)]
pub struct Distribution {
    histogram: Histogram<u64>,
    negative: u64,
    endless: u64,
    sum: i128,
}

impl Default for Distribution {
    fn default() -> Distribution {
        Distribution { histogram: nanoseconds(), negative: 0, endless: 0, sum: 0 }
    }
}

impl Distribution {
    /// Adds one value in ns; `None` is an endless one.
    pub fn record(&mut self, ns: Option<i64>) {
        let Some(ns) = ns else {
            self.endless += 1;
            return;
        };
        self.sum += i128::from(ns);
        match u64::try_from(ns) {
            Ok(ns) => self.histogram.saturating_record(ns),
            Err(_) => self.negative += 1,
        }
    }

    /// Adds all samples of another one.
    pub fn merge(&mut self, other: &Distribution) {
        merge(&mut self.histogram, &other.histogram);
        self.negative += other.negative;
        self.endless += other.endless;
        self.sum += other.sum;
    }

    /// The values that are not negative.
    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// How many values are below zero.
    #[must_use]
    pub fn negative(&self) -> u64 {
        self.negative
    }

    /// How many values there are, the endless ones not counted.
    #[must_use]
    pub fn finite(&self) -> u64 {
        self.histogram.len() + self.negative
    }

    /// Exact mean of the values that are not endless, in ns.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.finite() > 0).then(|| self.sum as f64 / self.finite() as f64)
    }

    /// A percentile in ns, see [`percentile`].
    #[must_use]
    pub fn percentile(&self, p: f64) -> Option<f64> {
        percentile(&self.histogram, self.negative, self.endless, p)
    }
}

/// Adds one histogram to another. All histograms of the program have the same bounds.
pub fn merge(into: &mut Histogram<u64>, from: &Histogram<u64>) {
    if into.add(from).is_err() {
        for v in from.iter_recorded() {
            into.saturating_record_n(v.value_iterated_to(), v.count_at_value());
        }
    }
}

/// The value that a fraction `p` of all samples does not exceed (nearest rank), in ns to three digits, with `negative`
/// samples below the histogram and `endless` ones beyond it.
///
/// `None` where fewer than [`LEAST_BEYOND`] samples lie beyond it on either side, or where it is not in the histogram.
#[must_use]
pub fn percentile(histogram: &Histogram<u64>, negative: u64, endless: u64, p: f64) -> Option<f64> {
    let all = histogram.len() + negative + endless;
    // A half of a millionth of a sample: 0.01 * 1000 is a little less than 10 in binary.
    if p.min(1.0 - p) * all as f64 + 5e-7 < LEAST_BEYOND {
        return None;
    }
    let rank = ((p * all as f64 - 5e-7).ceil() as u64).max(1).checked_sub(negative).filter(|rank| *rank > 0)?;
    let mut below = 0u64;
    let bucket = histogram.iter_recorded().find(|v| {
        below = v.count_at_value().saturating_add(below);
        below >= rank
    })?;
    Some(histogram.median_equivalent(bucket.value_iterated_to()) as f64)
}

/// The empirical cumulative distribution as points `(value in ns, fraction of all samples up to it)`, one for each bucket that
/// holds any. It begins above 0 when there are `negative` samples, and ends below 1 when there are `endless` ones.
#[must_use]
pub fn cumulative(histogram: &Histogram<u64>, negative: u64, endless: u64) -> Vec<(f64, f64)> {
    let all = (histogram.len() + negative + endless) as f64;
    let mut below = negative;
    let mut points = Vec::new();
    for v in histogram.iter_recorded() {
        below = v.count_at_value().saturating_add(below);
        points.push((histogram.median_equivalent(v.value_iterated_to()) as f64, below as f64 / all));
    }
    points
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: impl IntoIterator<Item = i64>) -> Distribution {
        let mut distribution = Distribution::default();
        values.into_iter().for_each(|v| distribution.record(Some(v)));
        distribution
    }

    #[test]
    fn percentiles_need_ten_samples_beyond() {
        assert_eq!(of(1..=1000).percentile(0.99), Some(990.0));
        assert_eq!(of(1..=999).percentile(0.99), None);
        assert_eq!(of(1..=100).percentile(0.9), Some(90.0));
        assert_eq!(of(1..=20).percentile(0.5), Some(10.0));
        assert_eq!(of(1..=19).percentile(0.5), None);
        assert_eq!(of(1..=199).percentile(0.05), None);
        assert_eq!(of(1..=200).percentile(0.05), Some(10.0));
        assert_eq!(Distribution::default().percentile(0.5), None);
    }

    #[test]
    fn what_was_never_noticed_counts_as_the_longest() {
        let mut distribution = of(1..=60);
        (0..40).for_each(|_| distribution.record(None));
        assert_eq!(distribution.percentile(0.5), Some(50.0));
        assert_eq!(distribution.percentile(0.7), None);
        assert_eq!(distribution.mean(), Some(30.5));
        assert_eq!(cumulative(distribution.histogram(), 0, 40).last(), Some(&(60.0, 0.6)));
    }

    #[test]
    fn negative_values_are_counted_and_in_the_mean() {
        let distribution = of(-50..50);
        assert_eq!((distribution.negative(), distribution.finite(), distribution.mean()), (50, 100, Some(-0.5)));
        assert_eq!(distribution.percentile(0.3), None);
        assert_eq!(distribution.percentile(0.6), Some(9.0));
        assert_eq!(cumulative(distribution.histogram(), 50, 0)[0], (0.0, 0.51));
    }

    proptest! {
        #[test]
        fn merging_is_recording_together(
            a in prop::collection::vec(-100i64..5_000_000_000, 0..80), b in prop::collection::vec(-100i64..5_000_000_000, 0..80),
        ) {
            let mut merged = of(a.clone());
            merged.merge(&of(b.clone()));
            let together = of(a.into_iter().chain(b));
            prop_assert_eq!(&merged.histogram, &together.histogram);
            prop_assert_eq!((merged.negative, merged.sum), (together.negative, together.sum));
        }

        #[test]
        fn merging_is_associative_and_commutative(
            parts in prop::collection::vec(prop::collection::vec(-100i64..i64::MAX / 4, 0..40), 3..=3), endless in 0usize..3,
        ) {
            let mut of: Vec<Distribution> = parts.into_iter().map(of).collect();
            of[endless].record(None);
            let merged = |a: &Distribution, b: &Distribution| {
                let mut both = a.clone();
                both.merge(b);
                both
            };
            let left = merged(&merged(&of[0], &of[1]), &of[2]);
            let right = merged(&of[0], &merged(&of[1], &of[2]));
            let turned = merged(&of[2], &merged(&of[1], &of[0]));
            for other in [&right, &turned] {
                prop_assert_eq!(&left.histogram, &other.histogram);
                prop_assert_eq!((left.negative, left.endless, left.sum), (other.negative, other.endless, other.sum));
            }
            prop_assert_eq!(left.endless, 1);
        }

        #[test]
        fn percentiles_are_those_of_the_sorted_values(
            mut values in prop::collection::vec(0i64..60_000_000_000, 100..400), p in 0.1f64..0.9,
        ) {
            let got = of(values.iter().copied()).percentile(p).unwrap();
            values.sort_unstable();
            let wanted = values[((p * values.len() as f64 - 5e-7).ceil() as usize).max(1) - 1] as f64;
            prop_assert!((got - wanted).abs() <= 1.0 + wanted * 1e-3, "{} {}", got, wanted);
        }
    }
}
