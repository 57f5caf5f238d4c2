//! Process variables: names, native types, values, alarms and the sequence number that a value carries.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name of a process variable, as clients search for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PvName(Arc<str>);

/// Why a text is not a PV name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PvNameError {
    /// Nothing there.
    #[error("a PV name may not be empty")]
    Empty,
    /// Longer than a search may carry.
    #[error("a PV name has at most {MAX_PV_NAME} bytes, this one has {0}")]
    TooLong(usize),
    /// A blank, control or non-ASCII character.
    #[error("a PV name is printable ASCII without blanks, this one holds {0:?}")]
    BadCharacter(char),
}

/// The longest PV name: what libca accepts less its terminator and some room (`caProto.h`, `MAX_UDP_SEND` bounds the rest).
pub const MAX_PV_NAME: usize = 500;

impl PvName {
    /// Checks and keeps a name.
    ///
    /// # Errors
    /// When it is empty, too long, or holds a character that is not printable ASCII.
    pub fn new(name: &str) -> Result<PvName, PvNameError> {
        if name.is_empty() {
            return Err(PvNameError::Empty);
        }
        if name.len() > MAX_PV_NAME {
            return Err(PvNameError::TooLong(name.len()));
        }
        match name.chars().find(|c| !c.is_ascii_graphic()) {
            Some(bad) => Err(PvNameError::BadCharacter(bad)),
            None => Ok(PvName(name.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PvName {
    type Error = PvNameError;
    fn try_from(name: String) -> Result<PvName, PvNameError> {
        PvName::new(&name)
    }
}

impl From<PvName> for String {
    fn from(name: PvName) -> String {
        name.0.to_string()
    }
}

/// Which PV: its index in the scenario's expanded list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PvId(pub u32);

impl PvId {
    /// As an index into the scenario's list.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The number of a change of one PV, from 1. Zero is the value before the first change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// The seven native types of Channel Access, with their codes (`db_access.h`, `DBR_STRING` to `DBR_DOUBLE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u16)]
pub enum NativeType {
    /// 40 bytes, ended by a NUL.
    String = 0,
    /// 16-bit signed.
    Short = 1,
    /// 32-bit IEEE 754.
    Float = 2,
    /// 16-bit index into up to 16 labels.
    Enum = 3,
    /// 8-bit unsigned.
    Char = 4,
    /// 32-bit signed.
    Long = 5,
    /// 64-bit IEEE 754.
    Double = 6,
}

impl NativeType {
    /// All seven, in the order of their codes.
    pub const ALL: [NativeType; 7] = [
        NativeType::String,
        NativeType::Short,
        NativeType::Float,
        NativeType::Enum,
        NativeType::Char,
        NativeType::Long,
        NativeType::Double,
    ];

    /// The wire code, 0 to 6.
    #[must_use]
    pub fn code(self) -> u16 {
        self as u16
    }

    /// Bytes of one element on the wire.
    #[must_use]
    pub fn element_size(self) -> usize {
        match self {
            NativeType::String => STRING_SIZE,
            NativeType::Short | NativeType::Enum => 2,
            NativeType::Float | NativeType::Long => 4,
            NativeType::Char => 1,
            NativeType::Double => 8,
        }
    }
}

impl fmt::Display for NativeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NativeType::String => "string",
            NativeType::Short => "short",
            NativeType::Float => "float",
            NativeType::Enum => "enum",
            NativeType::Char => "char",
            NativeType::Long => "long",
            NativeType::Double => "double",
        })
    }
}

/// Bytes of a Channel Access string, its terminator included (`MAX_STRING_SIZE` of `epicsTypes.h`).
pub const STRING_SIZE: usize = 40;

/// The value of a PV: one or more elements of its native type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Texts of at most 39 bytes.
    String(Vec<String>),
    /// 16-bit signed integers.
    Short(Vec<i16>),
    /// 32-bit floats.
    Float(Vec<f32>),
    /// Indices into the enum's labels.
    Enum(Vec<u16>),
    /// Bytes.
    Char(Vec<u8>),
    /// 32-bit signed integers.
    Long(Vec<i32>),
    /// 64-bit floats.
    Double(Vec<f64>),
}

impl Value {
    /// The native type.
    #[must_use]
    pub fn native_type(&self) -> NativeType {
        match self {
            Value::String(_) => NativeType::String,
            Value::Short(_) => NativeType::Short,
            Value::Float(_) => NativeType::Float,
            Value::Enum(_) => NativeType::Enum,
            Value::Char(_) => NativeType::Char,
            Value::Long(_) => NativeType::Long,
            Value::Double(_) => NativeType::Double,
        }
    }

    /// How many elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Value::String(v) => v.len(),
            Value::Short(v) => v.len(),
            Value::Float(v) => v.len(),
            Value::Enum(v) => v.len(),
            Value::Char(v) => v.len(),
            Value::Long(v) => v.len(),
            Value::Double(v) => v.len(),
        }
    }

    /// Whether it has no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Alarm severity, with its code on the wire (`alarm.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u16)]
pub enum Severity {
    /// In order.
    #[default]
    #[serde(rename = "NO_ALARM")]
    NoAlarm = 0,
    /// A warning.
    Minor = 1,
    /// An alarm.
    Major = 2,
    /// The value means nothing.
    Invalid = 3,
}

/// Why there is an alarm: the codes of `alarm.h` that this IOC sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum AlarmStatus {
    /// No alarm.
    #[default]
    NoAlarm = 0,
    /// At or above HIHI.
    HiHi = 3,
    /// At or above HIGH.
    High = 4,
    /// At or below LOLO.
    LoLo = 5,
    /// At or below LOW.
    Low = 6,
    /// An enum state that is an alarm.
    State = 7,
    /// Set by software: a fixed severity of the scenario.
    Soft = 15,
    /// Not yet given a value.
    Udf = 17,
}

/// Severity and status together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Alarm {
    /// How bad.
    pub severity: Severity,
    /// Why.
    pub status: AlarmStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_ascii() {
        assert!(PvName::new("TEST:CALC{00}.VAL").is_ok());
        assert_eq!(PvName::new(""), Err(PvNameError::Empty));
        assert_eq!(PvName::new("a b"), Err(PvNameError::BadCharacter(' ')));
        assert_eq!(PvName::new(&"x".repeat(501)), Err(PvNameError::TooLong(501)));
    }
}
