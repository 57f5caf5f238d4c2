//! Delays and how they are drawn.

use hdrhistogram::Histogram;
use rand::RngExt;
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_pcg::Pcg64Mcg;

use crate::time::Span;

/// A random delay.
#[derive(Clone, Debug, PartialEq)]
pub enum Delay {
    /// Always the same.
    Constant(Span),
    /// `median · exp(sigma · N(0, 1))`: what queues and schedulers make of a short way, most close to the median and some far later.
    LogNormal {
        /// Half of them are longer.
        median: Span,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// `least + (mean - least) · Exp(1)`: a shortest time, and a wait for whatever else the machine does.
    Exponential {
        /// None is shorter.
        least: Span,
        /// Their mean.
        mean: Span,
    },
    /// Drawn from samples.
    Samples(Samples),
}

impl Delay {
    /// None at all.
    pub const NONE: Delay = Delay::Constant(Span::ZERO);

    /// Draws one.
    #[inline]
    pub fn draw(&self, random: &mut Pcg64Mcg) -> Span {
        match self {
            Delay::Constant(span) => *span,
            Delay::Exponential { least, mean } => {
                let more: f64 = Exp1.sample(random);
                *least + rounded(mean.0.saturating_sub(least.0).min(i64::MAX as u64) as i64 as f64 * more)
            }
            Delay::LogNormal { median, sigma } => log_normal(*median, *sigma, random),
            Delay::Samples(samples) => samples.draw(random),
        }
    }

    /// Its mean in ns.
    #[must_use]
    pub fn mean_ns(&self) -> f64 {
        match self {
            Delay::Constant(span) => span.0 as f64,
            Delay::LogNormal { median, sigma } => median.0 as f64 * libm::exp(sigma * sigma / 2.0),
            Delay::Exponential { least, mean } => (*mean).max(*least).0 as f64,
            Delay::Samples(samples) => samples.mean,
        }
    }

    /// The same divided by `parts`.
    #[must_use]
    pub fn divided(&self, parts: u64) -> Delay {
        match self {
            Delay::Constant(span) => Delay::Constant(*span / parts),
            Delay::LogNormal { median, sigma } => Delay::LogNormal { median: *median / parts, sigma: *sigma },
            Delay::Exponential { least, mean } => Delay::Exponential { least: *least / parts, mean: *mean / parts },
            Delay::Samples(samples) => Delay::Samples(samples.mapped(|ns| ns / parts)),
        }
    }
}

// Apart, so that the draws of a typical host are small enough to stand where they are used.
#[inline(never)]
fn log_normal(median: Span, sigma: f64, random: &mut Pcg64Mcg) -> Span {
    let normal: f64 = StandardNormal.sample(random);
    // Not the platform's: its last digit differs from machine to machine.
    rounded(median.0 as f64 * libm::exp(sigma * normal))
}

/// To the next nanosecond; by way of a signed number, which a processor makes in one step.
#[inline]
fn rounded(ns: f64) -> Span {
    Span(((ns + 0.5) as i64).max(0) as u64)
}

/// Samples as a histogram kept them: values, and how many there are up to each.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    values: Vec<(u64, u64)>,
    mean: f64,
}

impl Samples {
    /// Those of a histogram in ns, moved by the part in a hundred that makes their mean the exact one; `None` when it is empty.
    #[must_use]
    pub fn new(histogram: &Histogram<u64>, exact_mean: Option<f64>) -> Option<Samples> {
        let buckets: Vec<(u64, u64)> = histogram
            .iter_recorded()
            .map(|v| (histogram.median_equivalent(v.value_iterated_to()), v.count_at_value()))
            .collect();
        let raw = Samples::of(buckets.clone())?;
        let scale = exact_mean.map(|mean| mean / raw.mean).filter(|scale| (scale - 1.0).abs() < 0.01);
        match scale {
            Some(scale) => {
                Samples::of(buckets.into_iter().map(|(v, n)| ((v as f64 * scale).round() as u64, n)).collect())
            }
            None => Some(raw),
        }
    }

    /// Those values, each as likely as the others; `None` of none.
    #[must_use]
    pub fn of_values(values: impl Iterator<Item = u64>) -> Option<Samples> {
        Samples::of(values.map(|value| (value, 1)).collect())
    }

    /// Values with how often each came.
    fn of(buckets: Vec<(u64, u64)>) -> Option<Samples> {
        let (mut count, mut sum) = (0u64, 0.0);
        let mut values = Vec::with_capacity(buckets.len());
        for (value, n) in buckets.into_iter().filter(|(_, n)| *n > 0) {
            count = count.saturating_add(n);
            sum += value as f64 * n as f64;
            values.push((value, count));
        }
        (count > 0).then(|| Samples { values, mean: sum / count as f64 })
    }

    /// Each value changed.
    #[must_use]
    pub fn mapped(&self, change: impl Fn(u64) -> u64) -> Samples {
        let mut before = 0;
        let mut sum = 0.0;
        let mut values = Vec::with_capacity(self.values.len());
        for (value, count) in &self.values {
            let value = change(*value);
            sum += value as f64 * (count - before) as f64;
            values.push((value, *count));
            before = *count;
        }
        Samples { values, mean: sum / before.max(1) as f64 }
    }

    /// Mean in ns.
    #[must_use]
    pub fn mean_ns(&self) -> f64 {
        self.mean
    }

    #[inline(never)]
    fn draw(&self, random: &mut Pcg64Mcg) -> Span {
        let all = self.values.last().map_or(1, |last| last.1);
        let rank = random.random_range(0..all);
        let place = self.values.partition_point(|(_, count)| *count <= rank);
        Span(self.values.get(place).map_or(0, |v| v.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::trace::histogram::nanoseconds;

    fn mean_and_median(delay: &Delay) -> (f64, f64) {
        let mut random = Pcg64Mcg::seed_from_u64(3);
        let mut drawn: Vec<u64> = (0..100_001).map(|_| delay.draw(&mut random).0).collect();
        drawn.sort_unstable();
        (drawn.iter().sum::<u64>() as f64 / drawn.len() as f64, drawn[50_000] as f64)
    }

    #[test]
    fn a_log_normal_has_its_median_and_mean() {
        let delay = Delay::LogNormal { median: Span::from_micros(50), sigma: 0.5 };
        let (mean, median) = mean_and_median(&delay);
        assert!((median / 50e3 - 1.0).abs() < 0.01, "{median}");
        assert!((mean / delay.mean_ns() - 1.0).abs() < 0.01, "{mean}");
        assert!((delay.mean_ns() - 50e3 * 0.125f64.exp()).abs() < 1.0);
    }

    #[test]
    fn an_exponential_has_its_mean_and_least() {
        let delay = Delay::Exponential { least: Span::from_micros(20), mean: Span::from_micros(30) };
        let (mean, median) = mean_and_median(&delay);
        assert!((mean / 30e3 - 1.0).abs() < 0.01, "{mean}");
        assert!((median / (20e3 + 10e3 * 2f64.ln()) - 1.0).abs() < 0.01, "{median}");
        assert_eq!(delay.mean_ns(), 30e3);
    }

    #[test]
    fn samples_come_as_often_as_they_were_there() {
        let mut histogram = nanoseconds();
        histogram.record_n(100, 1).unwrap();
        histogram.record_n(300, 3).unwrap();
        let delay = Delay::Samples(Samples::new(&histogram, Some(250.0)).unwrap());
        let (mean, median) = mean_and_median(&delay);
        assert!((mean - 250.0).abs() < 1.5 && median == 300.0, "{mean} {median}");
        assert_eq!(delay.mean_ns(), 250.0);
        assert_eq!(delay.divided(2).mean_ns(), 125.0);
        assert_eq!(Samples::new(&nanoseconds(), None), None);
    }

    #[test]
    fn the_exact_mean_is_met() {
        let mut histogram = nanoseconds();
        histogram.record_n(1_000_400, 10).unwrap();
        let samples = Samples::new(&histogram, Some(1_000_100.0)).unwrap();
        assert_eq!(samples.mean_ns(), 1_000_100.0);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        // Written down once: the same on every machine.
        let delay = Delay::LogNormal { median: Span::from_micros(50), sigma: 0.5 };
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let drawn: Vec<u64> = (0..4).map(|_| delay.draw(&mut random).0).collect();
        insta::assert_debug_snapshot!(drawn);
    }
}
