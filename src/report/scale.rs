//! Axes: from a value to a place between 0 and 1, and where the ticks go.

use super::number;

/// What the numbers of an axis are, and so how its ticks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds; ticks say ns, µs, ms or s.
    Nanoseconds,
    /// Percent.
    Percent,
    /// A fraction from 0 to 1; ticks say percent.
    Fraction,
    /// A plain number.
    Count,
    /// Bytes a second; ticks say B/s, kB/s or MB/s.
    Bytes,
}

/// How values are spread along the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// Equal steps.
    Linear,
    /// Equal ratios: values must be positive.
    Log,
}

/// A stretch of values along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Linear or logarithmic.
    pub spacing: Spacing,
    /// The value at 0.
    pub low: f64,
    /// The value at 1.
    pub high: f64,
}

/// A tick: major ones carry a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where.
    pub at: f64,
    /// What it says; `None`: a minor tick.
    pub label: Option<String>,
}

/// At most this many decades are labelled.
const LABELLED_DECADES: f64 = 8.0;
/// The highest level of leaving labels out.
pub const SPARSEST: usize = 3;

impl Scale {
    /// A logarithmic scale around all positive values, with some air at both ends; `None` when there is none.
    #[must_use]
    pub fn log_around(values: impl IntoIterator<Item = f64>) -> Option<Scale> {
        let (low, high) = extent(values.into_iter().filter(|v| *v > 0.0))?;
        let air = (high / low).powf(0.05).max(1.12);
        let air = if high / low < 1.5 { 1.6 } else { air };
        Some(Scale { spacing: Spacing::Log, low: low / air, high: high * air })
    }

    /// A logarithmic scale around points and the ends of the intervals around them. An end more than a factor of ten beyond all points
    /// is left outside: an interval that nearly reaches zero would otherwise squeeze the points into a corner.
    #[must_use]
    pub fn log_around_points(points: &[f64], ends: &[f64]) -> Option<Scale> {
        let (low, high) = extent(points.iter().copied().filter(|v| *v > 0.0))?;
        let near = ends.iter().copied().filter(|v| (low / 10.0..=high * 10.0).contains(v));
        Scale::log_around(near.chain([low, high]))
    }

    /// A linear scale from zero to the largest value, with some air above; `None` when there is no value above zero.
    #[must_use]
    pub fn from_zero(values: impl IntoIterator<Item = f64>) -> Option<Scale> {
        let (_, high) = extent(values)?;
        (high > 0.0).then_some(Scale { spacing: Spacing::Linear, low: 0.0, high: high * 1.06 })
    }

    /// The place of a value: 0 at the low end, 1 at the high end; `None` where the scale has no place for it.
    #[must_use]
    pub fn place(&self, value: f64) -> Option<f64> {
        let place = match self.spacing {
            Spacing::Linear => (value - self.low) / (self.high - self.low),
            Spacing::Log if value > 0.0 => (value / self.low).ln() / (self.high / self.low).ln(),
            Spacing::Log => return None,
        };
        place.is_finite().then_some(place)
    }

    /// The value at a place between 0 and 1.
    #[must_use]
    pub fn value(&self, place: f64) -> f64 {
        match self.spacing {
            Spacing::Linear => self.low + place * (self.high - self.low),
            Spacing::Log => self.low * (self.high / self.low).powf(place),
        }
    }

    /// Whether the value lies on the axis.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        value >= self.low && value <= self.high
    }

    /// Major and minor ticks, in rising order.
    #[must_use]
    pub fn ticks(&self, unit: Unit) -> Vec<Tick> {
        self.sparse_ticks(unit, 0)
    }

    /// The same with fewer labels, at round values still: the fewer the higher `level` is, up to [`SPARSEST`].
    #[must_use]
    pub fn sparse_ticks(&self, unit: Unit, level: usize) -> Vec<Tick> {
        let decades = (self.high / self.low).log10();
        match self.spacing {
            Spacing::Log if decades >= 2.0 => {
                let stride = (decades / LABELLED_DECADES).ceil() as i32;
                self.decade_ticks(unit, stride.max(level as i32 + 1), &[1])
            }
            Spacing::Log if decades >= 0.8 => {
                let digits: [&[i32]; SPARSEST + 1] = [&[1, 2, 5], &[1, 3], &[1], &[1]];
                self.decade_ticks(unit, 1, digits[level.min(SPARSEST)])
            }
            _ => self.even_ticks(unit, 5.0 / (1.0 + 0.5 * level as f64)),
        }
    }

    /// Ticks at 1 to 9 times each power of ten; those whose first digit is in `labelled` are major, in every `stride`-th decade.
    fn decade_ticks(&self, unit: Unit, stride: i32, labelled: &[i32]) -> Vec<Tick> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let mut ticks = Vec::new();
        for power in first..=last {
            for digit in 1..10 {
                let at = f64::from(digit) * 10f64.powi(power);
                let major = labelled.contains(&digit) && power.rem_euclid(stride) == 0;
                if self.contains(at) && (major || stride == 1 || digit == 1) {
                    ticks.push(Tick { at, label: major.then(|| unit.tick(at)) });
                }
            }
        }
        ticks
    }

    /// Ticks at multiples of 1, 2 or 5 times a power of ten, about so many of them.
    fn even_ticks(&self, unit: Unit, about: f64) -> Vec<Tick> {
        let raw = (self.high - self.low) / about;
        if !(raw > 0.0 && raw.is_finite()) {
            return Vec::new();
        }
        let magnitude = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * magnitude).into_iter().find(|s| *s >= raw * 0.8).unwrap_or(raw);
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        (first..=last).map(|k| k as f64 * step).map(|at| Tick { at, label: Some(unit.tick(at)) }).collect()
    }
}

fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((v.min(low), v.max(high))),
    })
}

impl Unit {
    /// A tick's label: as few digits as the value needs.
    #[must_use]
    pub fn tick(self, value: f64) -> String {
        match self {
            Unit::Nanoseconds if value == 0.0 => "0".to_owned(),
            Unit::Nanoseconds => {
                let (scaled, unit) = match value.abs() * 1.000_001 {
                    v if v < 1e3 => (value, "ns"),
                    v if v < 1e6 => (value / 1e3, "µs"),
                    v if v < 1e9 => (value / 1e6, "ms"),
                    _ => (value / 1e9, "s"),
                };
                format!("{} {unit}", plain(scaled))
            }
            Unit::Percent => format!("{} %", plain(value)),
            Unit::Fraction => format!("{} %", plain(value * 100.0)),
            Unit::Count if value >= 1e3 && value.fract() == 0.0 => number::count(value as u64),
            Unit::Count => plain(value),
            Unit::Bytes => {
                let (scaled, unit) = match value.abs() * 1.000_001 {
                    v if v < 1e3 => (value, "B/s"),
                    v if v < 1e6 => (value / 1e3, "kB/s"),
                    _ => (value / 1e6, "MB/s"),
                };
                format!("{} {unit}", plain(scaled))
            }
        }
    }
}

/// The number with at most 6 significant digits and no zeros at the end of its fraction.
fn plain(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = (5 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, unit: Unit) -> Vec<String> {
        scale.ticks(unit).into_iter().filter_map(|t| t.label).collect()
    }

    fn log(low: f64, high: f64) -> Scale {
        Scale { spacing: Spacing::Log, low, high }
    }

    #[test]
    fn log_ticks_read_as_people_say_them() {
        assert_eq!(labels(log(2e3, 3e9), Unit::Nanoseconds), ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"]);
        assert_eq!(labels(log(0.05, 120.0), Unit::Percent), ["0.1 %", "1 %", "10 %", "100 %"]);
        assert_eq!(labels(log(0.9e6, 3e7), Unit::Nanoseconds), ["1 ms", "2 ms", "5 ms", "10 ms", "20 ms"]);
        assert_eq!(labels(log(1e6, 1.7e6), Unit::Nanoseconds), ["1 ms", "1.2 ms", "1.4 ms", "1.6 ms"]);
    }

    #[test]
    fn wide_ranges_label_only_some_decades() {
        let found = labels(log(1.0, 1e14), Unit::Nanoseconds);
        assert!(found.len() <= 9, "{found:?}");
        assert!(found.contains(&"1 s".to_owned()) || found.contains(&"100 ms".to_owned()), "{found:?}");
    }

    #[test]
    fn labels_can_be_left_out_and_what_stays_is_round() {
        let sparse = |scale: Scale, level| {
            let ticks = scale.sparse_ticks(Unit::Nanoseconds, level).into_iter();
            ticks.filter_map(|t| t.label).collect::<Vec<_>>()
        };
        let second = Scale { spacing: Spacing::Linear, low: 0.0, high: 1e9 };
        assert_eq!(sparse(second, 0).len(), 6);
        assert_eq!(sparse(second, 2), ["0", "500 ms", "1 s"]);
        assert_eq!(sparse(log(0.9e6, 3e7), 1), ["1 ms", "3 ms", "10 ms", "30 ms"]);
        assert_eq!(sparse(log(2e3, 3e9), 1).len(), 3);
        assert_eq!(labels(log(90.0, 2e6), Unit::Count), ["100", "1,000", "10,000", "100,000", "1,000,000"]);
    }

    #[test]
    fn minor_ticks_lie_between() {
        let ticks = log(1e3, 1e6).ticks(Unit::Nanoseconds);
        assert_eq!(ticks.iter().filter(|t| t.label.is_none()).count(), 24);
        assert!(ticks.windows(2).all(|w| w[0].at < w[1].at));
    }

    #[test]
    fn linear_ticks_are_round() {
        let scale = Scale { spacing: Spacing::Linear, low: 0.0, high: 1.0 };
        let wider = Scale { spacing: Spacing::Linear, low: -0.03, high: 1.03 };
        for scale in [scale, wider] {
            assert_eq!(labels(scale, Unit::Fraction), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        }
    }

    #[test]
    fn a_scale_holds_what_it_was_made_around() {
        for values in [vec![5.0], vec![1.0, 1e12], vec![3.0, 3.1, 0.0]] {
            let scale = Scale::log_around(values.clone()).unwrap();
            for v in values.into_iter().filter(|v| *v > 0.0) {
                let place = scale.place(v).unwrap();
                assert!((0.0..=1.0).contains(&place));
                assert!((scale.value(place) / v - 1.0).abs() < 1e-9);
            }
            assert_eq!(scale.place(0.0), None);
        }
        assert_eq!(Scale::log_around([0.0, f64::NAN]), None);
        assert_eq!(Scale::from_zero([0.0]), None);
    }

    #[test]
    fn an_interval_that_nearly_reaches_zero_does_not_set_the_axis() {
        let scale = Scale::log_around_points(&[1e6, 2e6], &[1.0, 5e5, -3.0, 3e6]).unwrap();
        assert!(scale.low > 4e5 && scale.low <= 5e5 && scale.high >= 3e6);
    }
}
