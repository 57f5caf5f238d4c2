//! Durations as people write them: `50us`, `1.5ms`, `10 s`, `1h 30m`, `0`.

use thiserror::Error;

use crate::time::Span;

/// The longest duration that a scenario may hold: a year. Sums of a few of them are far from overflowing.
pub const LONGEST: Span = Span::from_secs(365 * 86_400);

/// The longest text that is taken as a duration, in bytes.
const MAX_TEXT: usize = 20;

/// Why a text is not a duration.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DurationError {
    /// A minus sign.
    #[error("a duration may not be negative, this one is {0:?}")]
    Negative(String),
    /// A number without a unit.
    #[error("a duration needs a unit, {0:?} has none")]
    NoUnit(String),
    /// Anything else.
    #[error("{0:?} is not a duration")]
    Unreadable(String),
    /// More than [`LONGEST`].
    #[error("a duration is at most 365 days, this one is {0:?}")]
    TooLong(String),
}

impl DurationError {
    /// What would be right.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        "write a number with a unit (ns, us, ms, s, m, h, d), such as \"50us\", \"1.5ms\", \"2s\"; 0 needs none"
    }
}

/// Reads a duration.
///
/// # Errors
/// When it is negative, has no unit or an unknown one, is finer than a nanosecond or longer than [`LONGEST`].
pub fn parse_duration(text: &str) -> Result<Span, DurationError> {
    let text = text.trim();
    let shown = || text.chars().take(MAX_TEXT).collect::<String>();
    if text == "0" {
        return Ok(Span::ZERO);
    }
    if text.len() > MAX_TEXT {
        return Err(DurationError::Unreadable(shown()));
    }
    if text.starts_with('-') {
        return Err(DurationError::Negative(shown()));
    }
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        return Err(DurationError::NoUnit(shown()));
    }
    // A Greek mu looks the same as the micro sign; `.5s` is read as `0.5s`.
    let mut spelled = text.replace('\u{3bc}', "\u{b5}");
    if spelled.starts_with('.') {
        spelled.insert(0, '0');
    }
    let duration = humantime::parse_duration(&spelled).map_err(|_| DurationError::Unreadable(shown()))?;
    match u64::try_from(duration.as_nanos()) {
        Ok(ns) if ns <= LONGEST.0 => Ok(Span(ns)),
        _ => Err(DurationError::TooLong(shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, ns) in [
            ("0", 0),
            ("0s", 0),
            ("50us", 50_000),
            ("50µs", 50_000),
            ("50 μs", 50_000),
            ("250ns", 250),
            ("1ms", 1_000_000),
            ("1.5ms", 1_500_000),
            (".5s", 500_000_000),
            (" 2 s ", 2_000_000_000),
            ("1m 30s", 90_000_000_000),
            ("8h", 28_800_000_000_000),
            ("365d", LONGEST.0),
        ] {
            assert_eq!(parse_duration(text), Ok(Span(ns)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, error) in [
            ("-1ms", DurationError::Negative("-1ms".into())),
            ("10", DurationError::NoUnit("10".into())),
            ("1e-3", DurationError::NoUnit("1e-3".into())),
            ("", DurationError::Unreadable(String::new())),
            ("fast", DurationError::Unreadable("fast".into())),
            ("10 parsecs", DurationError::Unreadable("10 parsecs".into())),
            ("0.5ns", DurationError::Unreadable("0.5ns".into())),
            ("nan", DurationError::Unreadable("nan".into())),
            ("366d", DurationError::TooLong("366d".into())),
            ("1000y", DurationError::TooLong("1000y".into())),
        ] {
            assert_eq!(parse_duration(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[0-9. µa-z]{0,30}|\\PC*") {
            let _ = parse_duration(&text);
        }
    }
}
