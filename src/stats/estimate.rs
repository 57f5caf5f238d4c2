//! A number with what is known about its uncertainty.

use serde::{Deserialize, Serialize};

use super::interval;

/// A quantity over repeats: the unit of replication is the repeat, a process started afresh.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub point: f64,
    /// 95 % interval over repeats, low and high; `None` with fewer than two repeats.
    pub interval: Option<(f64, f64)>,
    /// How many repeats it rests on.
    pub n: u32,
}

impl Estimate {
    /// The mean of one value a repeat; `None` without any.
    #[must_use]
    pub fn mean(values: &[f64]) -> Option<Estimate> {
        let point = values.iter().sum::<f64>() / values.len() as f64;
        (!values.is_empty()).then(|| Estimate { point, interval: interval::of_mean(values), n: values.len() as u32 })
    }

    /// A value that was had from all repeats together, such as a percentile of merged histograms or a ratio of sums; its
    /// uncertainty is that of the mean of `values`, the same quantity in each repeat by itself.
    ///
    /// Where only some of the `repeats` have a value of their own there is no interval.
    #[must_use]
    pub fn pooled(point: f64, values: &[f64], repeats: u32) -> Estimate {
        let whole = values.len() == repeats as usize;
        let own = Estimate::mean(values).filter(|_| whole);
        let shift = own.map_or(0.0, |own| point - own.point);
        let interval = own.and_then(|own| own.interval).map(|(low, high)| (low + shift, high + shift));
        Estimate { point, interval, n: repeats }
    }

    /// The same with the interval cut to what is possible: true values lie within, so it holds them as often as before.
    #[must_use]
    pub fn within(self, least: f64, most: f64) -> Estimate {
        let interval = self.interval.map(|(low, high)| (low.clamp(least, most), high.clamp(least, most)));
        Estimate { interval, ..self }
    }

    /// The same in another unit.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Estimate {
        let interval = self.interval.map(|(low, high)| (low * factor, high * factor));
        Estimate { point: self.point * factor, interval, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repeat_has_no_interval() {
        assert_eq!(Estimate::mean(&[]), None);
        assert_eq!(Estimate::mean(&[2.0]), Some(Estimate { point: 2.0, interval: None, n: 1 }));
    }

    #[test]
    fn a_pooled_value_has_the_spread_of_the_repeats() {
        let own = Estimate::mean(&[1.0, 2.0, 3.0]).unwrap().interval.unwrap();
        let pooled = Estimate::pooled(2.5, &[1.0, 2.0, 3.0], 3);
        assert_eq!((pooled.point, pooled.n), (2.5, 3));
        let (low, high) = pooled.interval.unwrap();
        assert!((low - own.0 - 0.5).abs() < 1e-12 && (high - own.1 - 0.5).abs() < 1e-12);
        assert_eq!(Estimate::pooled(2.5, &[1.0, 2.0], 3).interval, None);
    }

    #[test]
    fn intervals_end_where_values_do() {
        let estimate = Estimate { point: 0.1, interval: Some((-0.2, 0.4)), n: 3 };
        assert_eq!(estimate.within(0.0, 1.0).interval, Some((0.0, 0.4)));
        assert_eq!(estimate.scaled(100.0).interval, Some((-20.0, 40.0)));
    }
}
