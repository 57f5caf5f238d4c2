//! Numbers as text, written and read the way EPICS base does it.
//!
//! Sources: `cvtFast.c` (number to text) and `epicsStdlib.c` (text to number) of EPICS base, and the C library's
//! `strtol` and `strtod`, which the latter rests on.

use std::fmt::Write as _;

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// It does not start with a number (`S_stdlib_noConversion`), or something follows that may not.
    NotANumber,
    /// The number does not fit (`S_stdlib_overflow`, `S_stdlib_underflow`).
    OutOfRange,
}

/// Largest magnitude that is written with all the digits that the precision asks for.
const PLAIN_LIMIT: f64 = 1e7;

/// Text of a 64-bit float with `precision` digits after the point (`cvtDoubleToString`).
///
/// Over 1e7 at most three digits follow the point, over 1e16 or with a precision over 8 it is exponential.
#[must_use]
pub fn double_text(value: f64, precision: i16) -> String {
    let precision = usize::from(precision.cast_unsigned());
    if value.is_nan() || precision > 8 || value.abs() > PLAIN_LIMIT {
        return if precision > 8 || value.abs() > 1e16 {
            let digits = precision.min(17);
            exponential(value, digits, digits + 7)
        } else {
            fixed(value, precision.min(3))
        };
    }
    let scale = f64::from(10u32.pow(precision as u32));
    let whole = value.abs().trunc();
    plain(value < 0.0, whole as u32, ((value.abs() - whole) * scale * 10.0) as u32, precision)
}

/// Text of a 32-bit float (`cvtFloatToString`): as [`double_text`], exponential from 1e8, computed in 32 bits.
#[must_use]
pub fn float_text(value: f32, precision: i16) -> String {
    let precision = usize::from(precision.cast_unsigned());
    if value.is_nan() || precision > 8 || f64::from(value).abs() > PLAIN_LIMIT {
        return if precision > 8 || value.abs() >= 1e8 {
            let digits = precision.min(12);
            exponential(f64::from(value), digits, digits + 6)
        } else {
            fixed(f64::from(value), precision.min(3))
        };
    }
    let scale = 10u32.pow(precision as u32) as f32;
    let whole = value.abs().trunc();
    plain(value < 0.0, whole as u32, ((value.abs() - whole) * scale * 10.0) as u32, precision)
}

/// `tenths` is the fraction times ten to the power of `precision + 1`: its last digit decides the rounding.
fn plain(negative: bool, mut whole: u32, tenths: u32, precision: usize) -> String {
    let one = 10u32.pow(precision as u32);
    let mut fraction = (tenths + 5) / 10;
    if fraction >= one {
        whole += 1;
        fraction -= one;
    }
    let sign = if negative { "-" } else { "" };
    if precision == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction:0precision$}") }
}

fn fixed(value: f64, digits: usize) -> String {
    if value.is_nan() { "nan".to_owned() } else { format!("{value:.digits$}") }
}

/// As C's `%*.*e`: right-aligned, at least two digits of exponent, its sign always there.
fn exponential(value: f64, digits: usize, width: usize) -> String {
    let text = if value.is_finite() {
        let text = format!("{value:.digits$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        format!("{mantissa}e{sign}{exponent:0>2}")
    } else {
        let mut text = String::new();
        let _ = write!(text, "{value}");
        text.make_ascii_lowercase();
        text
    };
    format!("{text:>width$}")
}

/// The whole number that a text starts with, and what follows it (`epicsParseLong` with base 0, as `strtol` reads it):
/// hexadecimal after `0x`, octal after `0`, else decimal. White space before and after is skipped.
///
/// # Errors
/// When it does not start with a number, or the number needs more than 64 bits.
pub fn leading_integer(text: &str) -> Result<(i64, &str), ParseError> {
    let text = text.trim_start_matches(is_space);
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { "-" } else { "" };
    let (radix, body) = radix(body);
    let end = body.find(|c: char| !c.is_digit(radix)).unwrap_or(body.len());
    if end == 0 {
        return Err(ParseError::NotANumber);
    }
    let (digits, rest) = body.split_at(end);
    let number = i64::from_str_radix(&format!("{sign}{digits}"), radix).map_err(|_| ParseError::OutOfRange)?;
    Ok((number, rest.trim_start_matches(is_space)))
}

/// The base that a number's start tells, and the number without what only tells the base.
fn radix(body: &str) -> (u32, &str) {
    let hexadecimal = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X"));
    match hexadecimal.filter(|digits| digits.starts_with(|c: char| c.is_ascii_hexdigit())) {
        Some(digits) => (16, digits),
        None if body.starts_with('0') => (8, body),
        None => (10, body),
    }
}

/// The floating point number that a text starts with (`epicsParseDouble`): decimal, hexadecimal, infinity or NaN.
/// What follows it is ignored.
///
/// # Errors
/// When it does not start with a number, or the number is too large or too small for 64 bits.
pub fn leading_double(text: &str) -> Result<f64, ParseError> {
    let text = text.trim_start_matches(is_space);
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    if starts_with_ignoring_case(body, "inf") {
        return Ok(sign * f64::INFINITY);
    }
    if starts_with_ignoring_case(body, "nan") {
        return Ok(f64::NAN);
    }
    let hexadecimal = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")).and_then(hexadecimal);
    let (value, is_zero) = match hexadecimal {
        Some(parsed) => parsed,
        None => decimal(body)?,
    };
    if value.is_infinite() || (value.abs() < f64::MIN_POSITIVE && !is_zero) {
        return Err(ParseError::OutOfRange);
    }
    Ok(sign * value)
}

/// The 32-bit float that a text starts with (`epicsParseFloat`).
///
/// # Errors
/// As [`leading_double`], with the range of 32 bits.
pub fn leading_float(text: &str) -> Result<f32, ParseError> {
    let value = leading_double(text)?;
    let too_small = value > 0.0 && value <= f64::from(f32::MIN_POSITIVE);
    let too_large = value.is_finite() && value.abs() >= f64::from(f32::MAX);
    if too_small || too_large { Err(ParseError::OutOfRange) } else { Ok(value as f32) }
}

/// The unsigned number with the given largest value that a text starts with.
/// As with C's `strtoul`, a negative number counts from the top: -1 is the largest value.
///
/// # Errors
/// As [`leading_integer`].
pub fn leading_unsigned(text: &str, largest: u16) -> Result<u16, ParseError> {
    let (number, _) = leading_integer(text)?;
    let largest = i64::from(largest);
    if (-largest..=largest).contains(&number) {
        Ok(number.rem_euclid(largest + 1) as u16)
    } else {
        Err(ParseError::OutOfRange)
    }
}

fn decimal(body: &str) -> Result<(f64, bool), ParseError> {
    let bytes = body.as_bytes();
    let digits_from = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits_from(0);
    let mut end = whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits_from(end + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return Err(ParseError::NotANumber);
    }
    let is_zero = bytes[..end].iter().all(|b| matches!(b, b'0' | b'.'));
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(end + 1 + signed..).map_or(0, |_| digits_from(end + 1 + signed));
        if exponent > 0 {
            end += 1 + signed + exponent;
        }
    }
    let value = body[..end].parse().map_err(|_| ParseError::NotANumber)?;
    Ok((value, is_zero))
}

/// What follows `0x`: `None` when that is not a hexadecimal digit, so that the number is the 0 before the x.
fn hexadecimal(body: &str) -> Option<(f64, bool)> {
    let bytes = body.as_bytes();
    let mut mantissa: u64 = 0;
    let mut exponent: i32 = 0;
    let mut digits = 0;
    let mut after_point = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if let Some(digit) = char::from(*byte).to_digit(16) {
            digits += 1;
            if mantissa < 1 << 58 {
                mantissa = mantissa << 4 | u64::from(digit);
                exponent -= if after_point { 4 } else { 0 };
            } else {
                exponent += if after_point { 0 } else { 4 };
            }
        } else if *byte == b'.' && !after_point {
            after_point = true;
        } else {
            break;
        }
        at += 1;
    }
    if digits == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'p' | b'P'))
        && let Some(power) = decimal_exponent(&body[at + 1..])
    {
        exponent = exponent.saturating_add(power);
    }
    // Two steps: 2^exponent alone may be out of range where the product is not.
    let half = exponent / 2;
    Some((mantissa as f64 * 2f64.powi(half) * 2f64.powi(exponent - half), mantissa == 0))
}

/// Clamped to what surely is out of range.
fn decimal_exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let size = if end == 0 { return None } else { digits[..end].parse().unwrap_or(100_000).min(100_000) };
    Some(if text.starts_with('-') { -size } else { size })
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0B' | '\x0C' | '\r')
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made with `cvtDoubleToString` and `cvtFloatToString` of EPICS base 7.0.10.
    const TEXTS_OF_EPICS_BASE: &str = include_str!("../../fixtures/epics_base_number_texts.csv");

    #[test]
    fn floats_are_written_as_epics_base_writes_them() {
        for line in TEXTS_OF_EPICS_BASE.lines().skip(1) {
            let [value, precision, double, float] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
            let value: f64 = value.parse().unwrap();
            let precision = precision.parse().unwrap();
            assert_eq!(double_text(value, precision), double, "{line}");
            assert_eq!(float_text(value as f32, precision), float, "{line}");
        }
    }

    #[test]
    fn integers_are_read_from_the_front() {
        use ParseError::*;
        for (text, want) in [
            ("12", Ok((12, ""))),
            ("  -7 mm", Ok((-7, "mm"))),
            ("+3.9", Ok((3, ".9"))),
            ("0x10", Ok((16, ""))),
            ("-0X1g", Ok((-1, "g"))),
            ("0xg", Ok((0, "xg"))),
            ("010", Ok((8, ""))),
            ("08", Ok((0, "8"))),
            ("-9223372036854775808", Ok((i64::MIN, ""))),
            ("", Err(NotANumber)),
            ("-", Err(NotANumber)),
            ("abc", Err(NotANumber)),
            ("99999999999999999999", Err(OutOfRange)),
        ] {
            assert_eq!(leading_integer(text), want, "{text:?}");
        }
        assert_eq!(leading_unsigned("-1", 255), Ok(255));
        assert_eq!(leading_unsigned("256", 255), Err(OutOfRange));
        assert_eq!(leading_unsigned("-256", 255), Err(OutOfRange));
    }

    #[test]
    fn floats_are_read_from_the_front() {
        use ParseError::*;
        for (text, want) in [
            ("1.5", Ok(1.5)),
            (" -.5e1 V", Ok(-5.0)),
            ("5.", Ok(5.0)),
            ("1e", Ok(1.0)),
            ("1e+", Ok(1.0)),
            ("0x10", Ok(16.0)),
            ("0x1.8p1", Ok(3.0)),
            ("0xg", Ok(0.0)),
            ("-Infinity", Ok(f64::NEG_INFINITY)),
            ("0e999", Ok(0.0)),
            ("1e400", Err(OutOfRange)),
            ("1e-400", Err(OutOfRange)),
            (".", Err(NotANumber)),
            ("e5", Err(NotANumber)),
            ("", Err(NotANumber)),
        ] {
            assert_eq!(leading_double(text), want, "{text:?}");
        }
        assert!(leading_double("NaN(1)").unwrap().is_nan());
        assert_eq!(leading_float("1e39"), Err(OutOfRange));
        assert_eq!(leading_float("1e-39"), Err(OutOfRange));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = leading_integer(&text);
            let _ = leading_double(&text);
            let _ = leading_float(&text);
        }

        #[test]
        fn what_is_written_is_read_back(value in -9_999_999.0..9_999_999.0f64, precision in 0..9i16) {
            let back = leading_double(&double_text(value, precision)).unwrap();
            prop_assert!((back - value).abs() <= 0.5000001 * 10f64.powi(-i32::from(precision)) + 1e-9);
        }

        #[test]
        fn any_float_is_written_in_less_than_40_bytes(bits: u64, precision: i16) {
            prop_assert!(double_text(f64::from_bits(bits), precision).len() < 40);
            prop_assert!(float_text(f32::from_bits(bits as u32), precision).len() < 40);
        }
    }
}
