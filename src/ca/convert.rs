//! Conversions between native types, by the rules of EPICS base.
//!
//! Sources: `dbConvert.c` and `dbFastLinkConv.c` (which C casts are made, on a machine where a cast of a number
//! that does not fit is `cvttsd2si`), `epicsConvert.c` (64-bit to 32-bit floats), `mbboRecord.c` (labels).
//!
//! Whole numbers wrap. Floats lose their fraction, then wrap; what does not fit 32 bits becomes `i32::MIN`, of which
//! a narrower type takes the lower bits: 0. A 64-bit float that does not fit 32 bits becomes the nearest that does.
//! A text gives the number it starts with: hexadecimal after `0x`, else decimal, or for whole numbers octal after `0`.
//! `fixtures/epics_base_conversions.txt` is what an EPICS softIoc makes of a thousand values.

use thiserror::Error;

use super::decimal::{self, ParseError};
use super::message::eca;
use crate::pv::{NativeType, STRING_SIZE, Value};

/// Labels that an enum can have at most (`MAX_ENUM_STATES`).
pub const MAX_LABELS: usize = 16;
/// Bytes of a label on the wire, its terminator included (`MAX_ENUM_STRING_SIZE`).
pub const LABEL_SIZE: usize = 26;
/// Digits after the point where a record has no precision (`dbConvert.c`, `putDoubleString`).
const PRECISION_OF_TEXTS: i16 = 6;

/// Why a value cannot be given in another type.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConvertError {
    /// A text that does not start with a number.
    #[error("the text {text:?} is not a number, as {to:?} needs")]
    NotANumber {
        /// The text.
        text: String,
        /// The type asked for.
        to: NativeType,
    },
    /// A text with a number that the type cannot hold.
    #[error("the number {text:?} does not fit {to:?}")]
    OutOfRange {
        /// The text.
        text: String,
        /// The type asked for.
        to: NativeType,
    },
    /// A text that is neither a label nor the number of one.
    #[error("{text:?} is none of the states {labels:?}, nor the number of one")]
    UnknownState {
        /// The text.
        text: String,
        /// The labels there are.
        labels: Vec<String>,
    },
    /// A single text is not a state: EPICS reads it as one only if its record is an enum.
    #[error("a text record cannot be read as the number of a state")]
    NoState,
    /// A request type that only exists for puts, such as an alarm's acknowledgement.
    #[error("the request type {0} can be put, not read")]
    NotReadable(u16),
}

impl ConvertError {
    /// The status that a server gives to a get of such a value (`camessage.c`, `read_reply`).
    #[must_use]
    pub fn get_status(&self) -> u32 {
        eca::GETFAIL
    }

    /// The status that a server gives to a put of such a value (`camessage.c`, `write_action`).
    #[must_use]
    pub fn put_status(&self) -> u32 {
        eca::PUTFAIL
    }
}

/// What a put of `value` stores in a record of type `to`.
///
/// `labels` are those of an enum record; one without labels takes any number. A number becomes a text with six digits
/// after the point, since a string record has no precision of its own. A single empty text is 0.
///
/// # Errors
/// When a text is not a number of that type, or not a state of that enum.
pub fn convert(value: &Value, to: NativeType, labels: &[String]) -> Result<Value, ConvertError> {
    let precision = PRECISION_OF_TEXTS;
    match value {
        Value::String(texts) if to == NativeType::Enum => states(texts, labels),
        Value::String(texts) => from_texts(texts, to, Way::Put),
        Value::Short(v) => Ok(from_numbers(v, to, precision)),
        Value::Float(v) => Ok(from_numbers(v, to, precision)),
        Value::Enum(v) => Ok(from_numbers(v, to, precision)),
        Value::Char(v) => Ok(from_numbers(v, to, precision)),
        Value::Long(v) => Ok(from_numbers(v, to, precision)),
        Value::Double(v) => Ok(from_numbers(v, to, precision)),
    }
}

/// What a get of the first `count` elements of `value` as type `to` gives.
///
/// An enum's text is its label; without labels it is its number. An empty text is 0.
///
/// # Errors
/// When a text is not a number of that type, or a single one is asked for as a state.
pub fn read_as(
    value: &Value,
    to: NativeType,
    count: usize,
    labels: &[String],
    precision: i16,
) -> Result<Value, ConvertError> {
    let first = |length: usize| ..count.min(length);
    match value {
        Value::Enum(v) if to == NativeType::String && !labels.is_empty() => {
            Ok(Value::String(v[first(v.len())].iter().map(|index| label(*index, labels)).collect()))
        }
        Value::String(v) if v.len() == 1 && to == NativeType::Enum => Err(ConvertError::NoState),
        Value::String(v) => from_texts(&v[first(v.len())], to, Way::Get),
        Value::Short(v) => Ok(from_numbers(&v[first(v.len())], to, precision)),
        Value::Float(v) => Ok(from_numbers(&v[first(v.len())], to, precision)),
        Value::Enum(v) => Ok(from_numbers(&v[first(v.len())], to, precision)),
        Value::Char(v) => Ok(from_numbers(&v[first(v.len())], to, precision)),
        Value::Long(v) => Ok(from_numbers(&v[first(v.len())], to, precision)),
        Value::Double(v) => Ok(from_numbers(&v[first(v.len())], to, precision)),
    }
}

/// The nearest 32-bit float, never infinite for a finite number (`epicsConvertDoubleToFloat`).
#[must_use]
pub fn to_float(value: f64) -> f32 {
    if value == 0.0 || !value.is_finite() {
        value as f32
    } else {
        let size = value.abs().clamp(f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX));
        size.copysign(value) as f32
    }
}

/// C's cast of a float to a 32-bit integer, as the processor does it: what does not fit is `i32::MIN`.
#[must_use]
pub fn to_long(value: f64) -> i32 {
    let whole = value.trunc();
    if whole >= f64::from(i32::MIN) && whole <= f64::from(i32::MAX) { whole as i32 } else { i32::MIN }
}

/// `text` cut to what fits `size` bytes with a terminator, at a character's border.
#[must_use]
pub fn fitting(text: &str, size: usize) -> &str {
    &text[..text.floor_char_boundary(size.saturating_sub(1))]
}

/// An element of a numeric native type.
trait Number: Copy {
    /// As 32-bit integer, wrapped or cut as C does.
    fn long(self) -> i32;
    fn float(self) -> f32;
    fn double(self) -> f64;
    fn text(self, precision: i16) -> String;
}

macro_rules! whole_number {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn long(self) -> i32 {
                i32::from(self)
            }
            fn float(self) -> f32 {
                self as f32
            }
            fn double(self) -> f64 {
                f64::from(self)
            }
            fn text(self, _precision: i16) -> String {
                self.to_string()
            }
        }
    )*};
}

whole_number!(u8, i16, u16, i32);

impl Number for f32 {
    fn long(self) -> i32 {
        to_long(f64::from(self))
    }
    fn float(self) -> f32 {
        self
    }
    fn double(self) -> f64 {
        f64::from(self)
    }
    fn text(self, precision: i16) -> String {
        decimal::float_text(self, precision)
    }
}

impl Number for f64 {
    fn long(self) -> i32 {
        to_long(self)
    }
    fn float(self) -> f32 {
        to_float(self)
    }
    fn double(self) -> f64 {
        self
    }
    fn text(self, precision: i16) -> String {
        decimal::double_text(self, precision)
    }
}

fn from_numbers<T: Number>(from: &[T], to: NativeType, precision: i16) -> Value {
    let from = from.iter().copied();
    match to {
        NativeType::String => Value::String(from.map(|x| x.text(precision)).collect()),
        NativeType::Short => Value::Short(from.map(|x| x.long() as i16).collect()),
        NativeType::Float => Value::Float(from.map(Number::float).collect()),
        NativeType::Enum => Value::Enum(from.map(|x| x.long() as u16).collect()),
        NativeType::Char => Value::Char(from.map(|x| x.long() as u8).collect()),
        NativeType::Long => Value::Long(from.map(Number::long).collect()),
        NativeType::Double => Value::Double(from.map(Number::double).collect()),
    }
}

/// Which way a text goes.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Get,
    Put,
}

fn from_texts(texts: &[String], to: NativeType, way: Way) -> Result<Value, ConvertError> {
    let empty_is_zero = way == Way::Get || texts.len() == 1;
    // `db_access.c` gets a char as signed and puts it as unsigned.
    let char = |text: &str| match way {
        Way::Get => signed::<i8>(text).map(i8::cast_unsigned),
        Way::Put => decimal::leading_unsigned(text, u8::MAX.into()).map(|number| number as u8),
    };
    Ok(match to {
        NativeType::String => Value::String(texts.iter().map(|text| fitting(text, STRING_SIZE).to_owned()).collect()),
        NativeType::Short => Value::Short(parsed(texts, to, empty_is_zero, signed)?),
        NativeType::Long => Value::Long(parsed(texts, to, empty_is_zero, signed)?),
        NativeType::Char => Value::Char(parsed(texts, to, empty_is_zero, char)?),
        NativeType::Enum => {
            Value::Enum(parsed(texts, to, empty_is_zero, |text| decimal::leading_unsigned(text, u16::MAX))?)
        }
        NativeType::Float => Value::Float(parsed(texts, to, empty_is_zero, decimal::leading_float)?),
        NativeType::Double => Value::Double(parsed(texts, to, empty_is_zero, decimal::leading_double)?),
    })
}

fn parsed<T: Default>(
    texts: &[String],
    to: NativeType,
    empty_is_zero: bool,
    parse: impl Fn(&str) -> Result<T, ParseError>,
) -> Result<Vec<T>, ConvertError> {
    let parse_one = |text: &String| match parse(text) {
        _ if text.is_empty() && empty_is_zero => Ok(T::default()),
        Ok(number) => Ok(number),
        Err(ParseError::NotANumber) => Err(ConvertError::NotANumber { text: text.clone(), to }),
        Err(ParseError::OutOfRange) => Err(ConvertError::OutOfRange { text: text.clone(), to }),
    };
    texts.iter().map(parse_one).collect()
}

fn signed<T: TryFrom<i64>>(text: &str) -> Result<T, ParseError> {
    let (number, _) = decimal::leading_integer(text)?;
    T::try_from(number).map_err(|_| ParseError::OutOfRange)
}

/// The label of a state; a state that has none is empty, one that can have none is illegal (`mbboRecord.c`, `get_enum_str`).
fn label(index: u16, labels: &[String]) -> String {
    match labels.get(usize::from(index)) {
        Some(label) => label.clone(),
        None if usize::from(index) < MAX_LABELS => String::new(),
        None => "Illegal Value".to_owned(),
    }
}

/// The states that texts name: by label, else by number (`dbFastLinkConv.c`, `cvt_st_e`).
fn states(texts: &[String], labels: &[String]) -> Result<Value, ConvertError> {
    let state = |text: &String| {
        if let Some(index) = labels.iter().position(|label| label == text) {
            return Ok(index as u16);
        }
        match decimal::leading_unsigned(text, u16::MAX) {
            Ok(number) if labels.is_empty() || usize::from(number) < labels.len() => Ok(number),
            _ => Err(ConvertError::UnknownState { text: text.clone(), labels: labels.to_vec() }),
        }
    };
    Ok(Value::Enum(texts.iter().map(state).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["Off", "On", "7"].map(String::from).to_vec()
    }

    fn text(text: &str) -> Value {
        Value::String(vec![text.into()])
    }

    #[test]
    fn puts_of_texts() {
        use NativeType as N;
        for (from, to, want) in [
            ("12.7", N::Short, Some(Value::Short(vec![12]))),
            ("40000", N::Short, None),
            ("0x10", N::Long, Some(Value::Long(vec![16]))),
            ("010", N::Long, Some(Value::Long(vec![8]))),
            ("0x10", N::Double, Some(Value::Double(vec![16.0]))),
            ("1e400", N::Double, None),
            ("1e40", N::Float, None),
            ("2.5 mm", N::Float, Some(Value::Float(vec![2.5]))),
            ("-1", N::Char, Some(Value::Char(vec![255]))),
            ("300", N::Char, None),
            ("", N::Long, Some(Value::Long(vec![0]))),
            ("x", N::Long, None),
            ("On", N::Enum, Some(Value::Enum(vec![1]))),
            ("7", N::Enum, Some(Value::Enum(vec![2]))),
            ("0", N::Enum, Some(Value::Enum(vec![0]))),
            ("1 ", N::Enum, Some(Value::Enum(vec![1]))),
            ("3", N::Enum, None),
            ("1x", N::Enum, Some(Value::Enum(vec![1]))),
            ("x", N::Enum, None),
            ("", N::Enum, None),
        ] {
            let got = convert(&text(from), to, &labels());
            if let Err(error) = &got {
                assert_eq!((error.put_status(), error.get_status()), (eca::PUTFAIL, eca::GETFAIL));
            }
            assert_eq!(got.ok(), want, "{from:?} to {to:?}");
        }
        assert_eq!(convert(&text("77"), N::Enum, &[]), Ok(Value::Enum(vec![77])), "an enum without labels");
        let two = Value::String(vec!["1".into(), String::new()]);
        assert!(convert(&two, N::Long, &[]).is_err(), "an empty text in an array is not a number");
        let long = "x".repeat(50);
        assert_eq!(convert(&text(&long), N::String, &[]), Ok(text(&long[..39])));
    }

    #[test]
    fn numbers_wrap_or_are_cut_as_c_casts_them() {
        use NativeType as N;
        for (from, to, want) in [
            (Value::Long(vec![70_000]), N::Short, Value::Short(vec![4464])),
            (Value::Long(vec![-1]), N::Char, Value::Char(vec![255])),
            (Value::Long(vec![-1]), N::Enum, Value::Enum(vec![65535])),
            (Value::Enum(vec![65535]), N::Short, Value::Short(vec![-1])),
            (Value::Short(vec![-1]), N::Long, Value::Long(vec![-1])),
            (Value::Char(vec![200]), N::Short, Value::Short(vec![200])),
            (Value::Double(vec![-1.9]), N::Long, Value::Long(vec![-1])),
            (Value::Double(vec![70_000.5]), N::Short, Value::Short(vec![4464])),
            (Value::Double(vec![3e9]), N::Long, Value::Long(vec![i32::MIN])),
            (Value::Double(vec![3e9]), N::Short, Value::Short(vec![0])),
            (Value::Double(vec![f64::NAN]), N::Long, Value::Long(vec![i32::MIN])),
            (Value::Double(vec![1e300]), N::Float, Value::Float(vec![f32::MAX])),
            (Value::Double(vec![-1e-300]), N::Float, Value::Float(vec![-f32::MIN_POSITIVE])),
            (Value::Double(vec![f64::INFINITY]), N::Float, Value::Float(vec![f32::INFINITY])),
            (Value::Float(vec![1.5]), N::Double, Value::Double(vec![1.5])),
        ] {
            assert_eq!(convert(&from, to, &[]), Ok(want.clone()), "put {from:?} to {to:?}");
            assert_eq!(read_as(&from, to, 9, &[], 0), Ok(want), "get {from:?} as {to:?}");
        }
    }

    #[test]
    fn texts_of_numbers_follow_the_precision() {
        let read = |value: &Value, labels: &[String]| read_as(value, NativeType::String, 9, labels, 2);
        assert_eq!(read(&Value::Double(vec![1.234]), &[]), Ok(text("1.23")));
        assert_eq!(read(&Value::Float(vec![1.234]), &[]), Ok(text("1.23")));
        assert_eq!(read(&Value::Long(vec![-5]), &[]), Ok(text("-5")));
        assert_eq!(read(&Value::Enum(vec![1]), &labels()), Ok(text("On")));
        assert_eq!(read(&Value::Enum(vec![3]), &labels()), Ok(text("")));
        assert_eq!(read(&Value::Enum(vec![16]), &labels()), Ok(text("Illegal Value")));
        assert_eq!(read(&Value::Enum(vec![3]), &[]), Ok(text("3")));
        assert_eq!(convert(&Value::Enum(vec![1]), NativeType::String, &labels()), Ok(text("1")), "a put");
        assert_eq!(convert(&Value::Double(vec![2.5]), NativeType::String, &[]), Ok(text("2.500000")), "a put");
    }

    #[test]
    fn a_get_converts_only_what_it_was_asked_for() {
        let texts = Value::String(vec!["4".into(), "not a number".into()]);
        assert_eq!(read_as(&texts, NativeType::Enum, 1, &[], 0), Ok(Value::Enum(vec![4])));
        assert!(read_as(&texts, NativeType::Enum, 2, &[], 0).is_err());
        assert_eq!(read_as(&text("4"), NativeType::Enum, 1, &[], 0), Err(ConvertError::NoState));
    }
}
