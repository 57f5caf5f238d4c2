//! The underlying signal of a PV: what deadbands and derived alarms look at.

use std::f64::consts::TAU;

use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use crate::scenario::model::Signal;
use crate::time::Span;

/// A signal with its random stream.
#[derive(Clone, Debug)]
pub struct SignalSource {
    signal: Signal,
    random: Pcg64Mcg,
}

impl SignalSource {
    /// The signal, drawing from `random` where it is noise.
    #[must_use]
    pub fn new(signal: Signal, random: Pcg64Mcg) -> SignalSource {
        SignalSource { signal, random }
    }

    /// Its value at the `number`-th change (from 1), `at` since the start.
    pub fn value(&mut self, number: u64, at: Span) -> f64 {
        match self.signal {
            Signal::Count => number as f64,
            Signal::Noise { mean, sigma } => {
                let normal: f64 = StandardNormal.sample(&mut self.random);
                mean + sigma * normal
            }
            Signal::Sine { mean, amplitude, period } => sine(mean, amplitude, period, at),
        }
    }
}

/// The value before the first change: what alarms are derived from until then.
#[must_use]
pub fn rest(signal: &Signal) -> f64 {
    match signal {
        Signal::Count => 0.0,
        Signal::Noise { mean, .. } | Signal::Sine { mean, .. } => *mean,
    }
}

fn sine(mean: f64, amplitude: f64, period: Span, at: Span) -> f64 {
    if period.0 == 0 {
        return mean;
    }
    // The remainder first: hours of nanoseconds would cost a sine its last digits.
    let turn = (at.0 % period.0) as f64 / period.0 as f64;
    mean + amplitude * (TAU * turn).sin()
}

#[cfg(test)]
mod tests {
    use super::super::seed::{Purpose, stream};
    use super::*;

    fn source(signal: Signal) -> SignalSource {
        SignalSource::new(signal, stream(11, Purpose::Signal, 0))
    }

    #[test]
    fn count_and_sine_are_exact() {
        assert_eq!(source(Signal::Count).value(42, Span::ZERO), 42.0);
        let period = Span::from_secs(4);
        let mut sine = source(Signal::Sine { mean: 10.0, amplitude: 2.0, period });
        for (at, want) in [(0, 10.0), (1, 12.0), (2, 10.0), (3, 8.0), (4_000_001, 12.0)] {
            let got = sine.value(1, Span::from_secs(at));
            assert!((got - want).abs() < 1e-9, "{at} s: {got}");
        }
        assert_eq!(source(Signal::Sine { mean: 3.0, amplitude: 1.0, period: Span::ZERO }).value(1, period), 3.0);
    }

    #[test]
    fn noise_has_its_mean_and_deviation() {
        let mut noise = source(Signal::Noise { mean: 5.0, sigma: 0.5 });
        let values: Vec<f64> = (0..100_000).map(|n| noise.value(n, Span::ZERO)).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let sigma = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 1e5).sqrt();
        assert!((mean - 5.0).abs() < 0.01, "{mean}");
        assert!((sigma - 0.5).abs() < 0.01, "{sigma}");
    }
}
