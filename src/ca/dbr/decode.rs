//! Bytes to a value and what came with it: a client's replies, a server's puts.

use thiserror::Error;

use super::{DbrClass, DbrType, Meta, UNITS_SIZE};
use crate::ca::convert::{LABEL_SIZE, MAX_LABELS};
use crate::ca::decimal;
use crate::ca::message::{eca, text};
use crate::pv::{NativeType, STRING_SIZE, Value};
use crate::time::EpicsTime;

/// What a payload held.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The value.
    pub value: Value,
    /// Alarm status, see `alarm.h`; `None` in a plain type.
    pub status: Option<u16>,
    /// Alarm severity, 0 to 3; `None` in a plain type.
    pub severity: Option<u16>,
    /// Time stamp of a TIME type.
    pub stamp: Option<EpicsTime>,
    /// Units, precision, labels and limits of a GR or CTRL type; `None` for a string, which has none.
    pub meta: Option<Meta>,
}

/// Why a payload is not the data that its header announces.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// Fewer bytes than the elements take.
    #[error("{count} elements of {dbr:?} take {needed} bytes, the payload has {size}")]
    TooShort {
        /// What was announced.
        dbr: DbrType,
        /// How many elements.
        count: usize,
        /// Bytes they take.
        needed: usize,
        /// Bytes there are.
        size: usize,
    },
}

impl DecodeError {
    /// The status to refuse such a request with.
    #[must_use]
    pub fn status(&self) -> u32 {
        eca::BADCOUNT
    }
}

/// Reads `count` elements of `dbr` from a payload; bytes behind them are padding.
/// The last text may end with the payload: clients send no more of it than its terminator (`comQueSend.cpp`).
///
/// # Errors
/// When the payload is too short.
pub fn decode(dbr: DbrType, count: usize, payload: &[u8]) -> Result<Decoded, DecodeError> {
    let mut needed = dbr.payload_size(count);
    if dbr.native == NativeType::String && count > 0 {
        needed = needed.saturating_sub(STRING_SIZE - 1);
    }
    if payload.len() < needed {
        return Err(DecodeError::TooShort { dbr, count, needed, size: payload.len() });
    }
    let (head, elements) = payload.split_at(dbr.value_offset());
    let head = Bytes(head);
    let has_alarm = dbr.class != DbrClass::Plain;
    Ok(Decoded {
        value: value(dbr.native, count, elements),
        status: has_alarm.then(|| u16::from_be_bytes(head.at(0))),
        severity: has_alarm.then(|| u16::from_be_bytes(head.at(2))),
        stamp: (dbr.class == DbrClass::Time)
            .then(|| EpicsTime { seconds: u32::from_be_bytes(head.at(4)), nanos: u32::from_be_bytes(head.at(8)) }),
        meta: meta(dbr, &head),
    })
}

/// Element 0 as the number it carries, a text as a decimal number: `None` where there is none.
///
/// No allocation: this is what every reply of a poller goes through.
#[must_use]
#[inline]
pub fn first_element(dbr: DbrType, payload: &[u8]) -> Option<f64> {
    let element = payload.get(dbr.value_offset()..)?;
    Some(match dbr.native {
        NativeType::Double => f64::from_be_bytes(*element.first_chunk()?),
        NativeType::Float => f32::from_be_bytes(*element.first_chunk()?).into(),
        NativeType::Long => i32::from_be_bytes(*element.first_chunk()?).into(),
        NativeType::Short => i16::from_be_bytes(*element.first_chunk()?).into(),
        NativeType::Enum => u16::from_be_bytes(*element.first_chunk()?).into(),
        NativeType::Char => (*element.first()?).into(),
        NativeType::String => {
            let field = &element[..element.len().min(STRING_SIZE)];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            let text = std::str::from_utf8(&field[..end]).ok()?;
            return decimal::leading_double(text).ok();
        }
    })
}

fn value(native: NativeType, count: usize, bytes: &[u8]) -> Value {
    match native {
        NativeType::String => {
            let texts = bytes.chunks(STRING_SIZE).take(count).map(|field| text(field).into_owned());
            Value::String(texts.collect())
        }
        NativeType::Short => Value::Short(numbers(bytes, count, i16::from_be_bytes)),
        NativeType::Float => Value::Float(numbers(bytes, count, f32::from_be_bytes)),
        NativeType::Enum => Value::Enum(numbers(bytes, count, u16::from_be_bytes)),
        NativeType::Char => Value::Char(bytes[..count].to_vec()),
        NativeType::Long => Value::Long(numbers(bytes, count, i32::from_be_bytes)),
        NativeType::Double => Value::Double(numbers(bytes, count, f64::from_be_bytes)),
    }
}

fn numbers<T, const SIZE: usize>(bytes: &[u8], count: usize, number: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().take(count).map(|chunk| number(*chunk)).collect()
}

/// What comes before the value, of which `decode` has checked the size.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn at<const SIZE: usize>(&self, from: usize) -> [u8; SIZE] {
        self.0.get(from..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; SIZE])
    }

    fn text(&self, from: usize, size: usize) -> String {
        self.0.get(from..from + size).map_or_else(String::new, |field| text(field).into_owned())
    }

    fn limit(&self, from: usize, index: usize, native: NativeType) -> f64 {
        let at = from + index * native.element_size();
        match native {
            NativeType::Double => f64::from_be_bytes(self.at(at)),
            NativeType::Float => f32::from_be_bytes(self.at(at)).into(),
            NativeType::Long => i32::from_be_bytes(self.at(at)).into(),
            NativeType::Short => i16::from_be_bytes(self.at(at)).into(),
            NativeType::Char => u8::from_be_bytes(self.at(at)).into(),
            NativeType::String | NativeType::Enum => f64::NAN,
        }
    }
}

fn meta(dbr: DbrType, head: &Bytes<'_>) -> Option<Meta> {
    let has_control = match dbr.class {
        DbrClass::Gr => false,
        DbrClass::Ctrl => true,
        DbrClass::Plain | DbrClass::Sts | DbrClass::Time => return None,
    };
    match dbr.native {
        NativeType::String => None,
        NativeType::Enum => {
            let count = usize::from(u16::from_be_bytes(head.at(4))).min(MAX_LABELS);
            let labels = (0..count).map(|i| head.text(6 + i * LABEL_SIZE, LABEL_SIZE)).collect();
            Some(Meta { labels, ..Meta::default() })
        }
        native => {
            let is_float = matches!(native, NativeType::Float | NativeType::Double);
            let units_at = if is_float { 8 } else { 4 };
            let limit = |index| head.limit(units_at + UNITS_SIZE, index, native);
            Some(Meta {
                units: head.text(units_at, UNITS_SIZE),
                precision: if is_float { i16::from_be_bytes(head.at(4)) } else { 0 },
                labels: Vec::new(),
                display_limits: (limit(1), limit(0)),
                control_limits: if has_control { (limit(7), limit(6)) } else { (0.0, 0.0) },
                lolo: limit(5),
                low: limit(4),
                high: limit(3),
                hihi: limit(2),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::convert::read_as;
    use crate::ca::dbr::{Reading, encode};
    use crate::pv::{Alarm, AlarmStatus, Severity};
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            prop::collection::vec("[ -~]{0,39}", 0..5).prop_map(Value::String),
            prop::collection::vec(any::<i16>(), 0..9).prop_map(Value::Short),
            prop::collection::vec(-1e30..1e30f32, 0..9).prop_map(Value::Float),
            prop::collection::vec(any::<u16>(), 0..9).prop_map(Value::Enum),
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Char),
            prop::collection::vec(any::<i32>(), 0..9).prop_map(Value::Long),
            prop::collection::vec(-1e300..1e300f64, 0..9).prop_map(Value::Double),
        ]
    }

    fn any_dbr() -> impl Strategy<Value = DbrType> {
        (0..35u16).prop_map(|code| DbrType::from_code(code).unwrap())
    }

    /// Limits that every native type can hold.
    fn meta() -> Meta {
        Meta {
            units: "degC".into(),
            precision: 4,
            labels: vec!["Idle".into(), "Moving".into(), "Fault".into()],
            display_limits: (1.0, 100.0),
            control_limits: (2.0, 99.0),
            lolo: 3.0,
            low: 4.0,
            high: 98.0,
            hihi: 97.0,
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(value in any_value(), dbr in any_dbr(), more in 0..3usize) {
            let meta = meta();
            let alarm = Alarm { severity: Severity::Invalid, status: AlarmStatus::Udf };
            let stamp = EpicsTime { seconds: 7, nanos: 999_999_999 };
            let count = value.len();
            let reading = Reading { value: &value, alarm, stamp, meta: &meta };
            let mut out = Vec::new();
            let converted = read_as(&value, dbr.native, count, &meta.labels, meta.precision);
            prop_assert_eq!(encode(&mut out, dbr, count, &reading).is_ok(), converted.is_ok());
            let Ok(converted) = converted else { return Ok(()) };
            prop_assert_eq!(out.len(), dbr.payload_size(count));
            if let (Value::Double(v), NativeType::Double) = (&value, dbr.native) {
                prop_assert_eq!(first_element(dbr, &out), v.first().copied());
            }
            out.resize(out.len() + more, 0);
            let back = decode(dbr, count, &out).unwrap();
            prop_assert_eq!(&back.value, &converted);
            let plain = dbr.class == DbrClass::Plain;
            prop_assert_eq!(back.severity, (!plain).then_some(3));
            prop_assert_eq!(back.status, (!plain).then_some(17));
            prop_assert_eq!(back.stamp, (dbr.class == DbrClass::Time).then_some(stamp));
            let with_meta = matches!(dbr.class, DbrClass::Gr | DbrClass::Ctrl) && dbr.native != NativeType::String;
            prop_assert_eq!(back.meta.is_some(), with_meta);
            if let Some(got) = back.meta {
                if dbr.native == NativeType::Enum {
                    prop_assert_eq!(&got.labels, &meta.labels);
                } else {
                    prop_assert_eq!(&got.units, &meta.units);
                    prop_assert_eq!((got.lolo, got.low, got.high, got.hihi), (3.0, 4.0, 98.0, 97.0));
                    prop_assert_eq!(got.display_limits, meta.display_limits);
                    if dbr.class == DbrClass::Ctrl {
                        prop_assert_eq!(got.control_limits, meta.control_limits);
                    }
                }
            }
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(
            dbr in any_dbr(),
            count in prop_oneof![0..20usize, any::<usize>()],
            payload in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            if let Ok(decoded) = decode(dbr, count, &payload) {
                prop_assert_eq!(decoded.value.len(), count);
            }
            let _ = first_element(dbr, &payload);
        }
    }

    #[test]
    fn a_put_of_one_text_ends_at_its_terminator() {
        let dbr = DbrType::from_code(0).unwrap();
        let got = decode(dbr, 1, b"3.14\0\0\0\0").unwrap();
        assert_eq!(got.value, Value::String(vec!["3.14".into()]));
        let error = decode(dbr, 2, b"3.14\0\0\0\0").unwrap_err();
        assert_eq!(error.status(), eca::BADCOUNT);
        assert!(decode(dbr, 1, b"").is_err());
    }

    #[test]
    fn element_0_of_every_type() {
        let values = [
            Value::String(vec!["42".into()]),
            Value::Short(vec![42]),
            Value::Float(vec![42.0]),
            Value::Enum(vec![42]),
            Value::Char(vec![42]),
            Value::Long(vec![42]),
            Value::Double(vec![42.0]),
        ];
        for value in &values {
            for code in 0..35 {
                let dbr = DbrType::from_code(code).unwrap();
                if dbr.native != value.native_type() {
                    continue;
                }
                let (alarm, stamp) = (Alarm::default(), EpicsTime::default());
                let mut out = Vec::new();
                encode(&mut out, dbr, 1, &Reading { value, alarm, stamp, meta: &meta() }).unwrap();
                assert_eq!(first_element(dbr, &out), Some(42.0), "{dbr:?}");
                assert_eq!(first_element(dbr, &out[..dbr.value_offset()]), None, "{dbr:?} without elements");
            }
        }
        let text = DbrType::from_code(0).unwrap();
        assert_eq!(first_element(text, b"word\0"), None);
    }
}
