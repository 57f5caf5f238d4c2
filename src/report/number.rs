//! How numbers are written: rounded to what their interval supports, each with its unit. The one place that does.

use crate::stats::Estimate;

/// What a number is, and so its unit and how it is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nanoseconds: written in ns, µs, ms or s.
    Time,
    /// A fraction from 0 to 1: written in percent.
    Fraction,
    /// Percent already.
    Percent,
    /// Microseconds of processor time: written in ns, µs, ms or s.
    Micros,
    /// So many a second.
    Rate,
    /// Bytes a second: written in B/s, kB/s or MB/s.
    ByteRate,
    /// A number without a unit.
    Number,
}

/// Significant digits where there is no interval to go by.
const DIGITS: i32 = 3;

impl Kind {
    /// The factor and the unit in which a value of this size is written.
    fn unit(self, size: f64) -> (f64, &'static str) {
        let time = |ns_per_one: f64| match size.abs() * ns_per_one {
            v if v < 999.5 => (ns_per_one, "ns"),
            v if v < 999.5e3 => (ns_per_one * 1e-3, "µs"),
            v if v < 999.5e6 => (ns_per_one * 1e-6, "ms"),
            _ => (ns_per_one * 1e-9, "s"),
        };
        match self {
            Kind::Time => time(1.0),
            Kind::Micros => time(1e3),
            Kind::Fraction => (100.0, "%"),
            Kind::Percent => (1.0, "%"),
            Kind::Rate => (1.0, "/s"),
            Kind::Number => (1.0, ""),
            Kind::ByteRate => match size.abs() {
                v if v < 999.5 => (1.0, "B/s"),
                v if v < 999.5e3 => (1e-3, "kB/s"),
                _ => (1e-6, "MB/s"),
            },
        }
    }
}

/// The value alone, with its unit, as exact as its interval allows: `61.2 µs`.
#[must_use]
pub fn value(kind: Kind, estimate: &Estimate) -> String {
    let (factor, unit) = kind.unit(estimate.point);
    format!("{} {unit}", fixed(estimate.point * factor, decimals(estimate, factor))).trim_end().to_owned()
}

/// The interval alone, in the unit of the value beside it: `58.9 to 64.1`; `None` where there is none.
#[must_use]
pub fn interval(kind: Kind, estimate: &Estimate) -> Option<String> {
    let (low, high) = estimate.interval?;
    let (factor, _) = kind.unit(estimate.point);
    let places = decimals(estimate, factor);
    Some(format!("{} to {}", fixed(low * factor, places), fixed(high * factor, places)))
}

/// Value and interval: `61.2 µs (58.9 to 64.1)`.
#[must_use]
pub fn with_interval(kind: Kind, estimate: &Estimate) -> String {
    let value = value(kind, estimate);
    interval(kind, estimate).map_or_else(|| value.clone(), |interval| format!("{value} ({interval})"))
}

/// A number that has no interval, to three significant digits: `1.05 ms`.
#[must_use]
pub fn plain(kind: Kind, number: f64) -> String {
    value(kind, &Estimate { point: number, interval: None, n: 0 })
}

/// A number that has little room, to two significant digits, whole ones to three: `1.5 ms`, `0.056`, `103`.
#[must_use]
pub fn short(kind: Kind, number: f64) -> String {
    let (factor, unit) = kind.unit(number);
    // Its size when rounded: 9.97 is 10.
    let size = format!("{:.1e}", number * factor).parse::<f64>().unwrap_or(0.0).abs();
    let places = if size > 0.0 { 1 - size.log10().floor() as i32 } else { 0 };
    format!("{} {unit}", fixed(number * factor, places.clamp(0, 9))).trim_end().to_owned()
}

/// A difference with its sign: `+0.12 ms`, `−3.1 µs`.
#[must_use]
pub fn signed(kind: Kind, number: f64) -> String {
    let text = plain(kind, number);
    if number > 0.0 { format!("+{text}") } else { text }
}

/// An exact number in the unit of the estimate beside it: with as many decimals, and at least three significant digits.
#[must_use]
pub fn like(kind: Kind, estimate: &Estimate, number: f64) -> String {
    let (factor, unit) = kind.unit(estimate.point);
    let own = decimals(&Estimate { point: number, interval: None, n: 0 }, factor);
    format!("{} {unit}", fixed(number * factor, decimals(estimate, factor).max(own)))
}

/// A number with its sign and this many decimals: `+0.50`.
#[must_use]
pub fn with_sign(number: f64, places: i32) -> String {
    let text = fixed(number, places);
    if number > 0.0 { format!("+{text}") } else { text }
}

/// A word as it begins a sentence.
#[must_use]
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// A count, in groups of three digits: `18,000`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many decimals: those of the interval's half-width with one significant digit, or two where it begins with less than 3.55
/// (the rounding rule of the Particle Data Group's reviews), but between two and five digits of the value itself.
/// Without an interval, or with one of no width, three significant digits. Negative: tens, hundreds and so on.
fn decimals(estimate: &Estimate, factor: f64) -> i32 {
    let size = (estimate.point * factor).abs();
    // An interval of nothing but rounding errors says nothing about digits.
    let half = estimate.interval.map(|(low, high)| (high - low).abs() / 2.0 * factor).filter(|h| *h > 1e-9 * size);
    let by_size = if size > 0.0 { DIGITS - 1 - size.log10().floor() as i32 } else { 0 };
    let places = match half {
        Some(half) => (digits_of(half) - 1 - half.log10().floor() as i32).min(by_size + 2).max(by_size - 1),
        None => by_size,
    };
    places.clamp(-15, 6)
}

fn digits_of(half: f64) -> i32 {
    let leading = half / 10f64.powf(half.log10().floor());
    if leading < 3.55 { 2 } else { 1 }
}

/// With thousands grouped before the point, and a real minus sign; negative places round to tens, hundreds and so on.
fn fixed(number: f64, places: i32) -> String {
    let step = 10f64.powi((-places).max(0));
    let rounded = if places < 0 { (number.abs() / step).round() * step } else { number.abs() };
    let text = format!("{rounded:.*}", places.max(0) as usize);
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let whole = whole.parse::<u64>().map_or_else(|_| whole.to_owned(), count);
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if number < 0.0 && !is_zero { "−" } else { "" };
    match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{whole}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(point: f64, low: f64, high: f64) -> Estimate {
        Estimate { point, interval: Some((low, high)), n: 3 }
    }

    #[test]
    fn numbers_are_rounded_to_their_interval() {
        let cases = [
            (Kind::Time, estimate(61_234.0, 58_912.0, 64_101.0), "61.2 µs (58.9 to 64.1)"),
            (Kind::Time, estimate(61_234.0, 61_230.0, 61_238.0), "61.234 µs (61.230 to 61.238)"),
            (Kind::Time, estimate(50_123_456.0, 40_000_000.0, 60_000_000.0), "50 ms (40 to 60)"),
            (Kind::Time, estimate(999_700.0, 990_000.0, 1_010_000.0), "1.000 ms (0.990 to 1.010)"),
            (Kind::Fraction, estimate(0.9731, 0.9702, 0.9755), "97.31 % (97.02 to 97.55)"),
            (Kind::Fraction, estimate(0.0, 0.0, 0.0), "0 % (0 to 0)"),
            (Kind::Fraction, estimate(0.0015, 0.0015, 0.001_500_000_000_000_000_2), "0.150 % (0.150 to 0.150)"),
            (Kind::Percent, estimate(3.1444, 3.0, 3.3), "3.14 % (3.00 to 3.30)"),
            (Kind::Rate, estimate(123_456.7, 122_000.0, 125_000.0), "123,500 /s (122,000 to 125,000)"),
            (Kind::ByteRate, estimate(48_123.0, 48_000.0, 48_300.0), "48.12 kB/s (48.00 to 48.30)"),
            (Kind::Time, estimate(693_000.0, 0.0, 2_471_000.0), "690 µs (0 to 2,470)"),
            (Kind::Micros, estimate(12.345, 11.0, 14.0), "12.3 µs (11.0 to 14.0)"),
        ];
        for (kind, number, text) in cases {
            assert_eq!(with_interval(kind, &number), text);
        }
    }

    #[test]
    fn an_exact_number_keeps_its_digits_beside_a_rough_one() {
        assert_eq!(like(Kind::Time, &estimate(693_000.0, 0.0, 2_471_000.0), 1_234_567.0), "1,230 µs");
        assert_eq!(like(Kind::Time, &estimate(50_940_000.0, 50_670_000.0, 51_200_000.0), 50_754_321.0), "50.75 ms");
        assert_eq!(like(Kind::Fraction, &estimate(0.0, 0.0, 0.0), 0.0), "0 %");
    }

    #[test]
    fn without_an_interval_there_are_three_digits() {
        assert_eq!(plain(Kind::Time, 1_051_234.0), "1.05 ms");
        assert_eq!(plain(Kind::Time, 0.0), "0 ns");
        assert_eq!(plain(Kind::Fraction, 0.98765), "98.8 %");
        assert_eq!(signed(Kind::Time, -3_141.0), "−3.14 µs");
        assert_eq!(signed(Kind::Time, 3_141.0), "+3.14 µs");
        assert_eq!(signed(Kind::Fraction, -0.0), "0 %");
    }

    #[test]
    fn a_short_number_has_two_digits_or_is_whole() {
        let cases = [
            (0.0563, "0.056"),
            (1.54, "1.5"),
            (15.4, "15"),
            (9.97, "10"),
            (0.998, "1.0"),
            (103.4, "103"),
            (12_345.0, "12,345"),
            (0.0, "0"),
        ];
        for (number, text) in cases {
            assert_eq!(short(Kind::Number, number), text);
        }
        assert_eq!(short(Kind::Time, 1_540_000.0), "1.5 ms");
    }

    #[test]
    fn counts_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (18_000, "18,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }
}
