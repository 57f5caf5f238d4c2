//! How long it is from one look at a PV to the next: the T of the expected values, with its spread.

use hdrhistogram::Histogram;

/// A distribution of the intervals between successive reads of a PV, in ns.
///
/// With a constant T everything below becomes the formulas of periodic reads (mean wait T/2). With a spread it is not the mean that decides: a change
/// at a random instant falls into a long interval more often than into a short one (length bias; Cox, "Renewal Theory",
/// 1962, chapter 5), so the mean wait is `E[T²] / 2 E[T]`, above `E[T] / 2`.
#[derive(Clone, Debug, PartialEq)]
pub struct Intervals {
    /// Lengths above zero, rising, with their probabilities.
    points: Vec<(f64, f64)>,
    mean: f64,
    mean_square: f64,
    /// From each read on nothing changes for so long, in ns.
    held: f64,
}

impl Intervals {
    /// Of lengths with weights; lengths that are not above zero are left out. `None` when nothing is left.
    #[must_use]
    pub fn new(mut points: Vec<(f64, f64)>) -> Option<Intervals> {
        points.retain(|(length, weight)| *length > 0.0 && length.is_finite() && *weight > 0.0);
        points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let all: f64 = points.iter().map(|p| p.1).sum();
        points.iter_mut().for_each(|p| p.1 /= all);
        let mean = points.iter().map(|(length, weight)| length * weight).sum();
        let mean_square = points.iter().map(|(length, weight)| length * length * weight).sum();
        (!points.is_empty()).then_some(Intervals { points, mean, mean_square, held: 0.0 })
    }

    /// Always the same length in ns.
    #[must_use]
    pub fn constant(length: f64) -> Option<Intervals> {
        Intervals::new(vec![(length, 1.0)])
    }

    /// Evenly distributed from `low` to `high` ns, in steps of a 256th: what a jittered pacing asks for.
    #[must_use]
    pub fn uniform(low: f64, high: f64) -> Option<Intervals> {
        const STEPS: u32 = 256;
        let step = (high - low) / f64::from(STEPS);
        Intervals::new((0..STEPS).map(|i| (low + (f64::from(i) + 0.5) * step, 1.0)).collect())
    }

    /// The same, where the IOC makes no change for `held` ns from each read on, since it is busy with the answer: a change that is due meanwhile
    /// is made after it, and waits for the next read no longer than `T - held`.
    #[must_use]
    pub fn held(self, held: f64) -> Intervals {
        Intervals { held: held.max(0.0), ..self }
    }

    /// As measured. The lengths are adjusted by the part in a thousand that makes their mean the exact one.
    #[must_use]
    pub fn measured(histogram: &Histogram<u64>, exact_mean: Option<f64>) -> Option<Intervals> {
        let points = |scale: f64| {
            let length = |ns| histogram.median_equivalent(ns) as f64 * scale;
            let buckets = histogram.iter_recorded();
            Intervals::new(buckets.map(|v| (length(v.value_iterated_to()), v.count_at_value() as f64)).collect())
        };
        let rounded = points(1.0)?;
        match exact_mean.map(|mean| mean / rounded.mean) {
            Some(scale) if (scale - 1.0).abs() < 2e-3 => points(scale),
            _ => Some(rounded),
        }
    }

    /// Mean length in ns.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The mean of a function of the length.
    pub fn expect(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.points.iter().map(|(length, weight)| f(*length) * weight).sum()
    }

    /// Mean time in ns that a random instant lies after the last read, or before the next.
    #[must_use]
    pub fn mean_residual(&self) -> f64 {
        self.mean_square / (2.0 * self.mean)
    }

    /// Mean time in ns from a change to the next read: `E[T² - h²] / 2 E[T]` with `h` the lesser of `T` and what is held.
    #[must_use]
    pub fn mean_wait(&self) -> f64 {
        let held_square = if self.held > 0.0 { self.expect(|t| self.held.min(t).powi(2)) } else { 0.0 };
        (self.mean_square - held_square) / (2.0 * self.mean)
    }

    /// The longest that a change waits in an interval of `length`.
    #[must_use]
    pub fn longest_wait(&self, length: f64) -> f64 {
        (length - self.held).max(0.0)
    }

    /// How long before the read at the end of an interval of `length` the changes began to be due that wait for at most `wait`.
    #[must_use]
    pub fn due_within(&self, wait: f64, length: f64) -> f64 {
        if wait >= self.longest_wait(length) { length } else { wait }
    }

    /// The time in ns from a change to the next read that a fraction `p` of all changes does not exceed.
    ///
    /// Its density at `u` is `P(T > u) / E[T]`: U(0, T) for a constant T. What is held waits for `T - held`, all of it.
    #[must_use]
    pub fn wait_quantile(&self, p: f64) -> f64 {
        let (mut below, mut from, mut longer) = (0.0, 0.0, 1.0);
        for (length, weight) in &self.points {
            let longest = self.longest_wait(*length);
            let piece = (longest - from) * longer / self.mean;
            if below + piece >= p && piece > 0.0 {
                return from + (longest - from) * (p - below).max(0.0) / piece;
            }
            below += piece + (length - longest) * weight / self.mean;
            from = longest;
            longer -= weight;
            if below >= p && self.held > 0.0 {
                return longest;
            }
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::histogram::nanoseconds;

    #[test]
    fn a_constant_period_waits_evenly() {
        let t = Intervals::constant(100.0).unwrap();
        assert_eq!((t.mean(), t.mean_wait()), (100.0, 50.0));
        assert_eq!((t.wait_quantile(0.05), t.wait_quantile(0.95), t.wait_quantile(1.0)), (5.0, 95.0, 100.0));
        assert_eq!(Intervals::constant(0.0), None);
        assert_eq!(Intervals::new(vec![(f64::NAN, 1.0)]), None);
    }

    #[test]
    fn long_intervals_catch_more_changes() {
        // Half of the intervals are 1, half 3: a random instant falls into a 3 with probability 3/4.
        let t = Intervals::new(vec![(3.0, 1.0), (1.0, 1.0)]).unwrap();
        assert_eq!(t.mean_wait(), 0.25 * 0.5 + 0.75 * 1.5);
        // Density 1/2 up to 1, then 1/4 up to 3.
        assert_eq!((t.wait_quantile(0.5), t.wait_quantile(0.75), t.wait_quantile(1.0)), (1.0, 2.0, 3.0));
    }

    #[test]
    fn an_even_spread_lengthens_the_wait() {
        // E[T²] = m² + w²/12.
        let t = Intervals::uniform(50.0, 150.0).unwrap();
        let exact = (100.0 * 100.0 + 100.0 * 100.0 / 12.0) / 200.0;
        assert!((t.mean() - 100.0).abs() < 1e-9 && (t.mean_wait() - exact).abs() < 1e-3);
    }

    #[test]
    fn what_is_held_waits_for_the_rest() {
        // Reads every 100, nothing changes for 20 after each: a fifth of the changes waits for 80, the others evenly for less.
        let t = Intervals::constant(100.0).unwrap().held(20.0);
        assert_eq!((t.mean_wait(), t.mean_residual()), (0.8 * 40.0 + 0.2 * 80.0, 50.0));
        assert_eq!((t.wait_quantile(0.4), t.wait_quantile(0.8), t.wait_quantile(0.9)), (40.0, 80.0, 80.0));
        assert_eq!((t.due_within(79.0, 100.0), t.due_within(80.0, 100.0)), (79.0, 100.0));
        // Half of the intervals are 10, shorter than what is held: all that is due in them comes just before the next read.
        let t = Intervals::new(vec![(10.0, 1.0), (50.0, 1.0)]).unwrap().held(20.0);
        let at_once = 10.0 / 60.0;
        assert!((t.mean_wait() - (30.0 * 15.0 + 20.0 * 30.0) / 60.0).abs() < 1e-12);
        assert_eq!((t.wait_quantile(at_once / 2.0), t.wait_quantile(0.99)), (0.0, 30.0));
        assert!((t.wait_quantile(at_once + 0.25) - 15.0).abs() < 1e-9);
    }

    #[test]
    fn the_exact_mean_wins_over_the_histogram() {
        let mut histogram = nanoseconds();
        histogram.record_n(100_037_000, 7).unwrap();
        let t = Intervals::measured(&histogram, Some(100_037_000.0)).unwrap();
        assert!((t.mean() - 100_037_000.0).abs() < 1.0);
        assert_eq!(Intervals::measured(&nanoseconds(), None), None);
    }
}
