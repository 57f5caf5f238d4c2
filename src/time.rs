//! Instants and durations in integer nanoseconds, on one clock.
//!
//! Nothing here reads a clock: a [`Tick`] comes in as an argument. Live, it is `CLOCK_MONOTONIC`,
//! which all processes of one host share; in a simulation it is virtual time.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

use serde::{Deserialize, Serialize};

/// An instant: nanoseconds since the clock's origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tick(pub u64);

/// A duration that cannot be negative: nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Tick {
    /// `self - earlier` in nanoseconds, negative when `self` is the earlier one. Never clamped.
    #[must_use]
    pub fn signed_since(self, earlier: Tick) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The time from `earlier` to `self`, or zero when `self` is not later. For scheduling, not for measuring.
    #[must_use]
    pub fn saturating_since(self, earlier: Tick) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// The longest span: about 584 years.
    pub const MAX: Span = Span(u64::MAX);

    /// Whole microseconds.
    #[must_use]
    pub const fn from_micros(us: u64) -> Span {
        Span(us * 1_000)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Span {
        Span(ms * 1_000_000)
    }

    /// Whole seconds.
    #[must_use]
    pub const fn from_secs(s: u64) -> Span {
        Span(s * 1_000_000_000)
    }

    /// Seconds as a fraction, rounded to the nanosecond; negative and NaN become zero, too large becomes [`Span::MAX`].
    #[must_use]
    pub fn from_secs_f64(s: f64) -> Span {
        Span((s * 1e9).round() as u64)
    }

    /// Seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Milliseconds.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Microseconds.
    #[must_use]
    pub fn as_micros_f64(self) -> f64 {
        self.0 as f64 / 1e3
    }
}

impl Add<Span> for Tick {
    type Output = Tick;
    fn add(self, span: Span) -> Tick {
        Tick(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Tick {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub<Span> for Tick {
    type Output = Tick;
    fn sub(self, span: Span) -> Tick {
        Tick(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, times: u64) -> Span {
        Span(self.0.saturating_mul(times))
    }
}

impl Div<u64> for Span {
    type Output = Span;
    fn div(self, parts: u64) -> Span {
        Span(self.0 / parts)
    }
}

impl fmt::Display for Span {
    /// In the largest unit that keeps it readable: `0`, `250 ns`, `50 µs`, `1.5 ms`, `2 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0 as f64;
        let (value, unit) = match self.0 {
            0 => return f.write_str("0"),
            1..1_000 => (ns, "ns"),
            1_000..1_000_000 => (ns / 1e3, "µs"),
            1_000_000..1_000_000_000 => (ns / 1e6, "ms"),
            _ => (ns / 1e9, "s"),
        };
        let rounded = (value * 1000.0).round() / 1000.0;
        write!(f, "{rounded} {unit}")
    }
}

/// An EPICS time stamp: seconds and nanoseconds since 1990-01-01 UTC, as Channel Access carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpicsTime {
    /// Seconds since 1990-01-01 00:00:00 UTC.
    pub seconds: u32,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

/// Seconds from the POSIX epoch (1970) to the EPICS epoch (1990): `POSIX_TIME_AT_EPICS_EPOCH` of EPICS base's `epicsTime.h`.
pub const EPICS_EPOCH_POSIX_SECONDS: u64 = 631_152_000;

impl EpicsTime {
    /// From nanoseconds since the POSIX epoch (`CLOCK_REALTIME`). Before 1990 it is the zero stamp.
    #[must_use]
    pub fn from_posix_nanos(ns: u64) -> EpicsTime {
        let Some(since) = ns.checked_sub(EPICS_EPOCH_POSIX_SECONDS * 1_000_000_000) else {
            return EpicsTime::default();
        };
        EpicsTime { seconds: (since / 1_000_000_000) as u32, nanos: (since % 1_000_000_000) as u32 }
    }
}

/// How the two clocks of a host stand to each other: carried so that a [`Tick`] can be stamped as [`EpicsTime`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WallClock {
    /// `CLOCK_REALTIME` minus `CLOCK_MONOTONIC`, in nanoseconds.
    pub posix_nanos_at_zero: u64,
}

impl WallClock {
    /// The EPICS time stamp of an instant.
    #[must_use]
    pub fn stamp(self, at: Tick) -> EpicsTime {
        EpicsTime::from_posix_nanos(self.posix_nanos_at_zero.saturating_add(at.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_keep_their_sign() {
        assert_eq!(Tick(5).signed_since(Tick(8)), -3);
        assert_eq!(Tick(8).signed_since(Tick(5)), 3);
        assert_eq!(Tick(5).saturating_since(Tick(8)), Span::ZERO);
    }

    #[test]
    fn epics_epoch_is_1990() {
        let ns = EPICS_EPOCH_POSIX_SECONDS * 1_000_000_000 + 1_500_000_000;
        let stamp = EpicsTime::from_posix_nanos(ns);
        assert_eq!((stamp.seconds, stamp.nanos), (1, 500_000_000));
        assert_eq!(EpicsTime::from_posix_nanos(7), EpicsTime::default());
    }

    #[test]
    fn spans_read_well() {
        for (ns, text) in [(0, "0"), (250, "250 ns"), (50_000, "50 µs"), (1_500_000, "1.5 ms"), (2_000_000_000, "2 s")]
        {
            assert_eq!(Span(ns).to_string(), text);
        }
    }
}
