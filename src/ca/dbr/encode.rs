//! A reading to bytes, as a server answers a get or posts an event.

use super::{DbrClass, DbrType, ExtraType, Meta, Reading, UNITS_SIZE};
use crate::ca::convert::{self, ConvertError, LABEL_SIZE, MAX_LABELS};
use crate::pv::{NativeType, STRING_SIZE, Value};

/// Appends exactly `dbr.payload_size(count)` bytes; elements past the value's length are zero.
/// Where the value is not of the type asked for, it is converted as [`convert::read_as`] says.
///
/// The caller bounds `count`: it comes from a client, and this many elements are written.
///
/// # Errors
/// When the value cannot be given in that type; nothing is appended then.
pub fn encode(out: &mut Vec<u8>, dbr: DbrType, count: usize, reading: &Reading<'_>) -> Result<(), ConvertError> {
    let Reading { value, meta, .. } = reading;
    if value.native_type() == dbr.native {
        head(out, dbr, reading);
        elements(out, value, count);
    } else {
        let value = convert::read_as(value, dbr.native, count, &meta.labels, meta.precision)?;
        head(out, dbr, reading);
        elements(out, &value, count);
    }
    Ok(())
}

/// Appends exactly `extra.payload_size(count)` bytes. `record_type` answers `DBR_CLASS_NAME`.
/// Alarms are never acknowledged here: one that stands is reported as waiting for it.
///
/// # Errors
/// When `extra` can only be put; nothing is appended then.
pub fn encode_extra(
    out: &mut Vec<u8>,
    extra: ExtraType,
    count: usize,
    reading: &Reading<'_>,
    record_type: &str,
) -> Result<(), ConvertError> {
    let Reading { value, meta, alarm, .. } = reading;
    match extra {
        ExtraType::PutAckT | ExtraType::PutAckS => return Err(ConvertError::NotReadable(extra.code())),
        ExtraType::StsAckString => {
            let texts = convert::read_as(value, NativeType::String, count, &meta.labels, meta.precision)?;
            let acknowledge_transient = 1;
            for number in [alarm.status as u16, alarm.severity as u16, acknowledge_transient, alarm.severity as u16] {
                out.extend_from_slice(&number.to_be_bytes());
            }
            elements(out, &texts, count);
        }
        ExtraType::ClassName => elements(out, &Value::String(vec![record_type.to_owned()]), count),
    }
    Ok(())
}

/// All that comes before the value, its padding included.
fn head(out: &mut Vec<u8>, dbr: DbrType, reading: &Reading<'_>) {
    let Reading { alarm, stamp, .. } = reading;
    let mut bytes = [0u8; 16];
    bytes[0..2].copy_from_slice(&(alarm.status as u16).to_be_bytes());
    bytes[2..4].copy_from_slice(&(alarm.severity as u16).to_be_bytes());
    let offset = dbr.value_offset();
    match dbr.class {
        DbrClass::Plain => {}
        DbrClass::Sts => out.extend_from_slice(&bytes[..offset]),
        DbrClass::Time => {
            bytes[4..8].copy_from_slice(&stamp.seconds.to_be_bytes());
            bytes[8..12].copy_from_slice(&stamp.nanos.to_be_bytes());
            out.extend_from_slice(&bytes[..offset]);
        }
        DbrClass::Gr | DbrClass::Ctrl => {
            let from = out.len();
            out.extend_from_slice(&bytes[..4]);
            properties(out, dbr, reading);
            out.resize(from + offset, 0);
        }
    }
}

/// What a GR or CTRL structure has between the alarm and the value.
fn properties(out: &mut Vec<u8>, dbr: DbrType, reading: &Reading<'_>) {
    let meta = reading.meta;
    match dbr.native {
        NativeType::String => return,
        NativeType::Enum => return labels(out, &meta.labels),
        NativeType::Float | NativeType::Double => {
            // Only a float record has a precision (`dbAccess.c`, `getOptions`).
            let is_float = matches!(reading.value.native_type(), NativeType::Float | NativeType::Double);
            let precision = if is_float { meta.precision } else { 0 };
            out.extend_from_slice(&precision.to_be_bytes());
            out.extend_from_slice(&[0; 2]);
        }
        NativeType::Short | NativeType::Char | NativeType::Long => {}
    }
    text(out, &meta.units, UNITS_SIZE);
    for limit in limits(meta, dbr.class) {
        push_limit(out, limit, dbr.native);
    }
}

/// The limits in the order of `db_access.h`.
fn limits(meta: &Meta, class: DbrClass) -> impl Iterator<Item = f64> {
    let control = if class == DbrClass::Ctrl { 2 } else { 0 };
    [meta.display_limits.1, meta.display_limits.0, meta.hihi, meta.high, meta.low, meta.lolo]
        .into_iter()
        .chain([meta.control_limits.1, meta.control_limits.0].into_iter().take(control))
}

/// A limit that is not set is NaN, for which whole numbers have 0 (`dbAccess.c`, `get_alarm`).
fn push_limit(out: &mut Vec<u8>, limit: f64, native: NativeType) {
    let whole = if limit.is_finite() { convert::to_long(limit) } else { 0 };
    match native {
        NativeType::Double => out.extend_from_slice(&limit.to_be_bytes()),
        NativeType::Float => out.extend_from_slice(&convert::to_float(limit).to_be_bytes()),
        NativeType::Long => out.extend_from_slice(&whole.to_be_bytes()),
        NativeType::Short => out.extend_from_slice(&(whole as i16).to_be_bytes()),
        NativeType::Char => out.push(whole as u8),
        NativeType::String | NativeType::Enum => {}
    }
}

fn labels(out: &mut Vec<u8>, labels: &[String]) {
    let labels = &labels[..labels.len().min(MAX_LABELS)];
    out.extend_from_slice(&(labels.len() as u16).to_be_bytes());
    for label in labels {
        text(out, label, LABEL_SIZE);
    }
}

/// A text in a field of `size` bytes, NUL at its end.
fn text(out: &mut Vec<u8>, text: &str, size: usize) {
    let from = out.len();
    out.extend_from_slice(convert::fitting(text, size).as_bytes());
    out.resize(from + size, 0);
}

/// `count` elements; those past the value's length are zero.
fn elements(out: &mut Vec<u8>, value: &Value, count: usize) {
    match value {
        Value::String(v) => {
            for element in v.iter().take(count) {
                text(out, element, STRING_SIZE);
            }
        }
        Value::Short(v) => numbers(out, v, count, i16::to_be_bytes),
        Value::Float(v) => numbers(out, v, count, f32::to_be_bytes),
        Value::Enum(v) => numbers(out, v, count, u16::to_be_bytes),
        Value::Char(v) => out.extend_from_slice(&v[..v.len().min(count)]),
        Value::Long(v) => numbers(out, v, count, i32::to_be_bytes),
        Value::Double(v) => numbers(out, v, count, f64::to_be_bytes),
    }
    let missing = count.saturating_sub(value.len());
    if missing > 0 {
        out.resize(out.len() + missing * value.native_type().element_size(), 0);
    }
}

fn numbers<T: Copy, const SIZE: usize>(out: &mut Vec<u8>, from: &[T], count: usize, bytes: impl Fn(T) -> [u8; SIZE]) {
    let from = &from[..from.len().min(count)];
    if let [only] = from {
        return out.extend_from_slice(&bytes(*only));
    }
    let start = out.len();
    out.resize(start + from.len() * SIZE, 0);
    for (slot, element) in out[start..].chunks_exact_mut(SIZE).zip(from) {
        slot.copy_from_slice(&bytes(*element));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pv::{Alarm, AlarmStatus, Severity};
    use crate::time::EpicsTime;

    fn meta() -> Meta {
        Meta {
            units: "mm/s".into(),
            precision: 3,
            labels: vec!["Off".into(), "On".into()],
            display_limits: (-10.0, 10.0),
            control_limits: (-5.0, 5.0),
            lolo: -9.0,
            low: -8.0,
            high: 8.0,
            hihi: f64::NAN,
        }
    }

    fn bytes_of(class: DbrClass, native: NativeType, count: usize, value: &Value) -> Vec<u8> {
        let alarm = Alarm { severity: Severity::Major, status: AlarmStatus::HiHi };
        let reading = Reading { value, alarm, stamp: EpicsTime { seconds: 0x0102_0304, nanos: 5 }, meta: &meta() };
        let mut out = vec![0xEE; 3];
        let dbr = DbrType { class, native };
        encode(&mut out, dbr, count, &reading).unwrap();
        assert_eq!(out.len(), 3 + dbr.payload_size(count), "{dbr:?}");
        out.split_off(3)
    }

    #[test]
    fn time_double_byte_by_byte() {
        let got = bytes_of(DbrClass::Time, NativeType::Double, 1, &Value::Double(vec![1.5]));
        let want: &[u8] = &[0, 3, 0, 2, 1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 0, 0, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0];
        assert_eq!(got, want);
    }

    #[test]
    fn ctrl_short_byte_by_byte() {
        let got = bytes_of(DbrClass::Ctrl, NativeType::Short, 2, &Value::Short(vec![7]));
        let want: Vec<u8> = [
            [0u8, 3, 0, 2].as_slice(),
            b"mm/s\0\0\0\0",
            &[0, 10, 0xFF, 0xF6],
            &[0, 0, 0, 8, 0xFF, 0xF8, 0xFF, 0xF7],
            &[0, 5, 0xFF, 0xFB],
            &[0, 7, 0, 0],
        ]
        .concat();
        assert_eq!(got, want, "HIHI is not set: 0; the second element does not exist: 0");
    }

    #[test]
    fn gr_char_and_double() {
        let got = bytes_of(DbrClass::Gr, NativeType::Char, 1, &Value::Char(vec![200]));
        assert_eq!(&got[12..], [10, 246, 0, 8, 248, 247, 0, 200]);
        let got = bytes_of(DbrClass::Gr, NativeType::Double, 1, &Value::Double(vec![1.0]));
        assert_eq!(&got[4..8], [0, 3, 0, 0], "precision and padding");
        assert_eq!(&got[16..24], 10f64.to_be_bytes());
        assert!(f64::from_be_bytes(got[32..40].try_into().unwrap()).is_nan(), "HIHI");
        let got = bytes_of(DbrClass::Gr, NativeType::Double, 1, &Value::Long(vec![1]));
        assert_eq!(&got[4..8], [0; 4], "a whole-number record has no precision");
    }

    #[test]
    fn ctrl_enum_has_its_labels() {
        let got = bytes_of(DbrClass::Ctrl, NativeType::Enum, 1, &Value::Enum(vec![1]));
        assert_eq!(&got[4..6], [0, 2]);
        assert_eq!(&got[6..10], b"Off\0");
        assert_eq!(&got[32..35], b"On\0");
        assert_eq!(&got[422..], [0, 1]);
    }

    #[test]
    fn conversions_happen_on_the_way() {
        let got = bytes_of(DbrClass::Sts, NativeType::String, 1, &Value::Enum(vec![1]));
        assert_eq!(&got[4..7], b"On\0");
        let got = bytes_of(DbrClass::Plain, NativeType::String, 2, &Value::Double(vec![0.5]));
        assert_eq!(&got[..6], b"0.500\0");
        assert_eq!(got[40..], [0; 40]);
        let got = bytes_of(DbrClass::Plain, NativeType::Short, 1, &Value::Double(vec![3.0, 4.0]));
        assert_eq!(got, [0, 3], "only what was asked for");
    }

    #[test]
    fn a_failed_conversion_appends_nothing() {
        let value = Value::String(vec!["word".into()]);
        let reading =
            Reading { value: &value, alarm: Alarm::default(), stamp: EpicsTime::default(), meta: &Meta::default() };
        for class in [DbrClass::Plain, DbrClass::Time, DbrClass::Ctrl] {
            let mut out = vec![1, 2, 3];
            let dbr = DbrType { class, native: NativeType::Double };
            assert!(encode(&mut out, dbr, 1, &reading).is_err());
            assert_eq!(out, [1, 2, 3]);
        }
        let mut out = Vec::new();
        assert!(encode_extra(&mut out, ExtraType::PutAckS, 1, &reading, "ai").is_err());
        assert!(out.is_empty());
    }

    #[test]
    fn the_extra_types() {
        let alarm = Alarm { severity: Severity::Minor, status: AlarmStatus::High };
        let value = Value::Double(vec![1.0]);
        let reading = Reading { value: &value, alarm, stamp: EpicsTime::default(), meta: &Meta::default() };
        let mut out = Vec::new();
        encode_extra(&mut out, ExtraType::StsAckString, 1, &reading, "ai").unwrap();
        assert_eq!(out.len(), 48);
        assert_eq!(&out[..10], [0, 4, 0, 1, 0, 1, 0, 1, b'1', 0]);
        out.clear();
        encode_extra(&mut out, ExtraType::ClassName, 1, &reading, "ai").unwrap();
        assert_eq!(out.len(), 40);
        assert_eq!(&out[..3], b"ai\0");
    }

    #[test]
    fn texts_are_cut_at_a_character() {
        let got = bytes_of(DbrClass::Plain, NativeType::String, 1, &Value::String(vec!["µ".repeat(30)]));
        assert_eq!(got.len(), 40);
        assert_eq!(&got[36..], ["µ".as_bytes(), &[0, 0]].concat());
    }
}
