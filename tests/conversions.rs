//! What our IOC makes of values that are put in one type and read in another, held against what EPICS makes of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reads its own fixture")]

use pollcost::ca::convert::{convert, read_as};
use pollcost::pv::{NativeType, Value};

/// What `libca conversions` (tests/interop/libca.c) wrote down about the records of tests/interop/reference.db on a softIoc of
/// EPICS base 7.0.10: `RECORD <- TYPE VALUE: done or fails; TYPE VALUE ...`.
const OF_SOFT_IOC: &str = include_str!("../fixtures/epics_base_conversions.txt");

#[test]
fn every_conversion_is_that_of_a_soft_ioc() {
    let labels = ["Off", "On", "Tripped"].map(String::from);
    let mut stored: Option<(&str, Value)> = None;
    let mut wrong = Vec::new();
    for line in OF_SOFT_IOC.lines() {
        let (record, rest) = line.split_once(" <- ").unwrap();
        let (put, reads) = rest.rsplit_once("; ").unwrap();
        let (put, outcome) = put.rsplit_once(": ").unwrap();
        let (from, value) = put.split_once(' ').unwrap();
        let (native, labels, precision) = match record {
            "S:DOUBLE" => (NativeType::Double, &[][..], 3),
            "S:FLOAT" => (NativeType::Float, &[][..], 2),
            "S:ENUM" => (NativeType::Enum, &labels[..], 0),
            other => (native_of(other.strip_prefix("S:").unwrap()), &[][..], 0),
        };
        let converted = convert(&parsed(native_of(from), value), native, labels);
        if converted.is_ok() != (outcome == "done") {
            wrong.push(format!("{line}\n  put: {converted:?}"));
        }
        match converted {
            Ok(value) => stored = Some((record, value)),
            // What a record held before its first put is not written down.
            Err(_) if stored.as_ref().is_none_or(|(of, _)| *of != record) => continue,
            Err(_) => {}
        }
        let Some((_, held)) = &stored else { continue };
        for (name, expected) in read_values(reads) {
            let got = read_as(held, native_of(name), 1, labels, precision);
            let same = match &got {
                Ok(got) => expected != "fails" && is(got, &parsed(native_of(name), expected)),
                Err(_) => expected == "fails",
            };
            if !same {
                wrong.push(format!("{line}\n  read as {name}: {got:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn native_of(name: &str) -> NativeType {
    match name {
        "STRING" => NativeType::String,
        "SHORT" => NativeType::Short,
        "FLOAT" => NativeType::Float,
        "ENUM" => NativeType::Enum,
        "CHAR" => NativeType::Char,
        "LONG" => NativeType::Long,
        "DOUBLE" => NativeType::Double,
        other => panic!("{other} is no type"),
    }
}

fn parsed(native: NativeType, text: &str) -> Value {
    let number = || text.parse::<f64>().unwrap();
    match native {
        NativeType::String => Value::String(vec![text.trim_matches('"').to_owned()]),
        NativeType::Short => Value::Short(vec![number() as i16]),
        NativeType::Float => Value::Float(vec![number() as f32]),
        NativeType::Enum => Value::Enum(vec![number() as u16]),
        NativeType::Char => Value::Char(vec![number() as u8]),
        NativeType::Long => Value::Long(vec![number() as i32]),
        NativeType::Double => Value::Double(vec![number()]),
    }
}

/// Equal, NaN and NaN as well.
fn is(got: &Value, expected: &Value) -> bool {
    let is_nan = |value: &Value| match value {
        Value::Double(v) => v[0].is_nan(),
        Value::Float(v) => v[0].is_nan(),
        _ => false,
    };
    got == expected || (is_nan(got) && is_nan(expected))
}

/// `STRING "a b" SHORT 3 ...` in pairs.
fn read_values(text: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once(' ') {
        let end = match after.strip_prefix('"') {
            Some(quoted) => quoted.find('"').unwrap() + 2,
            None => after.find(' ').unwrap_or(after.len()),
        };
        pairs.push((name, &after[..end]));
        rest = after[end..].trim_start();
    }
    pairs
}
