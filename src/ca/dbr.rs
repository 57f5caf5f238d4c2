//! The data of Channel Access: a value, and with it what the client asked for of its alarm, time stamp and limits.
//!
//! Layouts and sizes are those of `db_access.h`, big endian. In every structure the value comes last, right after
//! the padding that aligns it, and further elements follow it without gaps.

mod decode;
mod encode;

pub use decode::{DecodeError, Decoded, decode, first_element};
pub use encode::{encode, encode_extra};

use crate::pv::{Alarm, NativeType, Value};
use crate::time::EpicsTime;

/// Bytes of the engineering units on the wire, their terminator included (`MAX_UNITS_SIZE`).
pub const UNITS_SIZE: usize = 8;

/// What comes with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum DbrClass {
    /// Nothing: `DBR_DOUBLE`.
    Plain = 0,
    /// Alarm status and severity: `DBR_STS_DOUBLE`.
    Sts = 1,
    /// Alarm and time stamp: `DBR_TIME_DOUBLE`.
    Time = 2,
    /// Alarm, units, precision, display and alarm limits, labels: `DBR_GR_DOUBLE`.
    Gr = 3,
    /// As [`DbrClass::Gr`], and control limits: `DBR_CTRL_DOUBLE`.
    Ctrl = 4,
}

/// What a client asks for: how much comes with the value, and the native type it is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DbrType {
    /// What comes with the value.
    pub class: DbrClass,
    /// The type of the value's elements.
    pub native: NativeType,
}

impl DbrType {
    /// The type of a wire code from 0 (`DBR_STRING`) to 34 (`DBR_CTRL_DOUBLE`). For what lies above see [`ExtraType`].
    #[must_use]
    pub fn from_code(code: u16) -> Option<DbrType> {
        let class = match code / 7 {
            0 => DbrClass::Plain,
            1 => DbrClass::Sts,
            2 => DbrClass::Time,
            3 => DbrClass::Gr,
            4 => DbrClass::Ctrl,
            _ => return None,
        };
        Some(DbrType { class, native: NativeType::ALL[usize::from(code % 7)] })
    }

    /// The wire code.
    #[must_use]
    pub fn code(self) -> u16 {
        self.class as u16 * 7 + self.native.code()
    }

    /// Where the value starts, in bytes (`dbr_value_offset` of libca).
    #[must_use]
    pub fn value_offset(self) -> usize {
        use NativeType as N;
        match (self.class, self.native) {
            (DbrClass::Plain, _) => 0,
            (DbrClass::Sts, N::Char) => 5,
            (DbrClass::Sts, N::Double) => 8,
            (DbrClass::Sts, _) => 4,
            (DbrClass::Time, N::String | N::Float | N::Long) => 12,
            (DbrClass::Time, N::Short | N::Enum) => 14,
            (DbrClass::Time, N::Char) => 15,
            (DbrClass::Time, N::Double) => 16,
            // A string has no limits: its GR and CTRL structures are the STS one.
            (DbrClass::Gr | DbrClass::Ctrl, N::String) => 4,
            (DbrClass::Gr | DbrClass::Ctrl, N::Enum) => 422,
            (DbrClass::Gr, N::Short) => 24,
            (DbrClass::Gr, N::Float) => 40,
            (DbrClass::Gr, N::Char) => 19,
            (DbrClass::Gr, N::Long) => 36,
            (DbrClass::Gr, N::Double) => 64,
            (DbrClass::Ctrl, N::Short) => 28,
            (DbrClass::Ctrl, N::Float) => 48,
            (DbrClass::Ctrl, N::Char) => 21,
            (DbrClass::Ctrl, N::Long) => 44,
            (DbrClass::Ctrl, N::Double) => 80,
        }
    }

    /// Bytes of a payload with `count` elements, before it is padded (`dbr_size_n` of libca).
    #[must_use]
    pub fn payload_size(self, count: usize) -> usize {
        self.value_offset().saturating_add(self.native.element_size().saturating_mul(count))
    }

    /// The largest count whose payload fits `bytes`; `None` when not even an empty value does.
    #[must_use]
    pub fn largest_count(self, bytes: usize) -> Option<usize> {
        Some(bytes.checked_sub(self.value_offset())? / self.native.element_size())
    }
}

/// The request types beyond the five classes, which any client of the C library may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum ExtraType {
    /// Put only: whether a transient alarm must be acknowledged (`DBR_PUT_ACKT`).
    PutAckT = 35,
    /// Put only: acknowledges alarms up to a severity (`DBR_PUT_ACKS`).
    PutAckS = 36,
    /// Alarm with its acknowledgement, and the value as text (`DBR_STSACK_STRING`).
    StsAckString = 37,
    /// The record's type, such as `ai` (`DBR_CLASS_NAME`).
    ClassName = 38,
}

impl ExtraType {
    /// The type of a wire code from 35 to 38.
    #[must_use]
    pub fn from_code(code: u16) -> Option<ExtraType> {
        use ExtraType::*;
        [PutAckT, PutAckS, StsAckString, ClassName].into_iter().find(|extra| extra.code() == code)
    }

    /// The wire code.
    #[must_use]
    pub fn code(self) -> u16 {
        self as u16
    }

    /// Bytes of a payload with `count` elements, before it is padded.
    #[must_use]
    pub fn payload_size(self, count: usize) -> usize {
        let (offset, element) = match self {
            ExtraType::PutAckT | ExtraType::PutAckS => (0, 2),
            ExtraType::StsAckString => (8, 40),
            ExtraType::ClassName => (0, 40),
        };
        count.saturating_mul(element).saturating_add(offset)
    }
}

/// What seldom changes: units, precision, labels and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// Engineering units, at most 7 bytes.
    pub units: String,
    /// Digits after the point.
    pub precision: i16,
    /// Labels of an enum, at most 16 of at most 25 bytes.
    pub labels: Vec<String>,
    /// Display limits, low and high.
    pub display_limits: (f64, f64),
    /// Control limits, low and high.
    pub control_limits: (f64, f64),
    /// LOLO, NaN where it has no severity.
    pub lolo: f64,
    /// LOW, NaN where it has no severity.
    pub low: f64,
    /// HIGH, NaN where it has no severity.
    pub high: f64,
    /// HIHI, NaN where it has no severity.
    pub hihi: f64,
}

impl Default for Meta {
    /// As a record on which nothing is set: no alarm limits, all else zero or empty (`dbAccess.c`, `get_alarm`).
    fn default() -> Meta {
        Meta {
            units: String::new(),
            precision: 0,
            labels: Vec::new(),
            display_limits: (0.0, 0.0),
            control_limits: (0.0, 0.0),
            lolo: f64::NAN,
            low: f64::NAN,
            high: f64::NAN,
            hihi: f64::NAN,
        }
    }
}

/// A PV at one moment: all that any request type carries.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The value, in the record's native type.
    pub value: &'a Value,
    /// Its alarm.
    pub alarm: Alarm,
    /// When it was given.
    pub stamp: EpicsTime,
    /// Units, precision, labels and limits.
    pub meta: &'a Meta,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `dbr_size`, `dbr_value_size` and `dbr_value_offset` as libca 7.0.10 has them.
    const TABLES_OF_LIBCA: [(u16, usize, usize, usize); 39] = [
        (0, 40, 40, 0),
        (1, 2, 2, 0),
        (2, 4, 4, 0),
        (3, 2, 2, 0),
        (4, 1, 1, 0),
        (5, 4, 4, 0),
        (6, 8, 8, 0),
        (7, 44, 40, 4),
        (8, 6, 2, 4),
        (9, 8, 4, 4),
        (10, 6, 2, 4),
        (11, 6, 1, 5),
        (12, 8, 4, 4),
        (13, 16, 8, 8),
        (14, 52, 40, 12),
        (15, 16, 2, 14),
        (16, 16, 4, 12),
        (17, 16, 2, 14),
        (18, 16, 1, 15),
        (19, 16, 4, 12),
        (20, 24, 8, 16),
        (21, 44, 40, 4),
        (22, 26, 2, 24),
        (23, 44, 4, 40),
        (24, 424, 2, 422),
        (25, 20, 1, 19),
        (26, 40, 4, 36),
        (27, 72, 8, 64),
        (28, 44, 40, 4),
        (29, 30, 2, 28),
        (30, 52, 4, 48),
        (31, 424, 2, 422),
        (32, 22, 1, 21),
        (33, 48, 4, 44),
        (34, 88, 8, 80),
        (35, 2, 2, 0),
        (36, 2, 2, 0),
        (37, 48, 40, 8),
        (38, 40, 40, 0),
    ];

    #[test]
    fn sizes_are_those_of_libca() {
        for (code, size, element, offset) in TABLES_OF_LIBCA {
            let payload_size = |count| match DbrType::from_code(code) {
                Some(dbr) => {
                    assert_eq!(dbr.code(), code);
                    assert_eq!(dbr.value_offset(), offset);
                    dbr.payload_size(count)
                }
                None => ExtraType::from_code(code).unwrap().payload_size(count),
            };
            assert_eq!((payload_size(0), payload_size(1), payload_size(3)), (offset, size, size + 2 * element));
        }
        assert_eq!(DbrType::from_code(35), None);
        assert_eq!(ExtraType::from_code(34), None);
        assert_eq!(ExtraType::from_code(39), None);
    }

    #[test]
    fn sizes_do_not_overflow() {
        let dbr = DbrType { class: DbrClass::Ctrl, native: NativeType::String };
        assert_eq!(dbr.payload_size(usize::MAX), usize::MAX);
        assert_eq!(dbr.largest_count(84), Some(2));
        assert_eq!(dbr.largest_count(3), None);
    }
}
