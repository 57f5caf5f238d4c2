//! How a value carries the number of its change, and how a reader gets that number back.
//!
//! Element 0 holds `seq`. A 64-bit float holds it exactly (up to 2^53), a text as decimal digits. The narrower types hold
//! it modulo the number of values they can tell apart, and the reader unwraps it.

use std::fmt::Write as _;

use crate::pv::{NativeType, Seq, Value};

/// How many changes a type can tell apart; `None`: as many as there are.
///
/// `labels` is the number of an enum's labels: an enum stays within them, so that every client can show its state.
/// An enum without labels uses all 16 bits.
#[must_use]
pub fn modulus(native: NativeType, labels: usize) -> Option<u64> {
    match native {
        NativeType::String | NativeType::Double => None,
        NativeType::Char => Some(1 << 8),
        NativeType::Enum if labels > 0 => Some(labels as u64),
        NativeType::Short | NativeType::Enum => Some(1 << 16),
        // Whole numbers below 2^24 are exact in a 32-bit float.
        NativeType::Float => Some(1 << 24),
        NativeType::Long => Some(1 << 32),
    }
}

/// Writes `seq` into element 0; `labels` is the number of an enum's labels. A value without elements stays so.
/// Nothing is allocated once a text has room for its digits.
pub fn carry(value: &mut Value, seq: Seq, labels: usize) {
    let wrapped = modulus(value.native_type(), labels).map_or(seq.0, |modulus| seq.0 % modulus);
    match value {
        Value::String(v) => {
            if let Some(text) = v.first_mut() {
                text.clear();
                let _ = write!(text, "{wrapped}");
            }
        }
        Value::Short(v) => put_first(v, wrapped as i16),
        Value::Float(v) => put_first(v, wrapped as f32),
        Value::Enum(v) => put_first(v, wrapped as u16),
        Value::Char(v) => put_first(v, wrapped as u8),
        Value::Long(v) => put_first(v, wrapped as i32),
        Value::Double(v) => put_first(v, wrapped as f64),
    }
}

fn put_first<T>(elements: &mut [T], element: T) {
    if let Some(first) = elements.first_mut() {
        *first = element;
    }
}

/// The latest change not after `newest` that a carried number can stand for.
///
/// Right as long as the reader is fewer changes behind `newest` than the type can tell apart.
/// `None` when the number is not one that [`carry`] writes, or is later than `newest`.
#[must_use]
pub fn latest(carried: f64, native: NativeType, labels: usize, newest: Seq) -> Option<Seq> {
    match modulus(native, labels) {
        None => exact(carried).filter(|seq| *seq <= newest),
        Some(modulus) => {
            let behind = (newest.0 % modulus + modulus - residue(carried, modulus)?) % modulus;
            newest.0.checked_sub(behind).map(Seq)
        }
    }
}

/// One reader's view of one PV: turns carried numbers into the changes they stand for, in order.
#[derive(Clone, Debug)]
pub struct Unwrapper {
    modulus: Option<u64>,
    last: Option<Seq>,
    ambiguous: u64,
}

impl Unwrapper {
    /// A reader that has seen nothing yet. `labels` is the number of an enum's labels.
    #[must_use]
    pub fn new(native: NativeType, labels: usize) -> Unwrapper {
        Unwrapper { modulus: modulus(native, labels), last: None, ambiguous: 0 }
    }

    /// As if `last` had been read already: for a reader that joins late and knows about when.
    #[must_use]
    pub fn after(self, last: Seq) -> Unwrapper {
        Unwrapper { last: Some(last), ..self }
    }

    /// The change that a carried number stands for: the earliest that is not before the last one read.
    /// The first is taken as it is. `None` when the number is not one that [`carry`] writes.
    ///
    /// A step of half the range or more is counted as ambiguous: had the reader missed a little more, the
    /// same number would have meant a later change.
    pub fn unwrap(&mut self, carried: f64) -> Option<Seq> {
        let seq = match self.modulus {
            None => exact(carried)?,
            Some(modulus) => {
                let residue = residue(carried, modulus)?;
                match self.last {
                    None => Seq(residue),
                    Some(last) => {
                        let step = (residue + modulus - last.0 % modulus) % modulus;
                        self.ambiguous += u64::from(step * 2 >= modulus);
                        Seq(last.0 + step)
                    }
                }
            }
        };
        self.last = Some(seq);
        Some(seq)
    }

    /// The last change read.
    #[must_use]
    pub fn last(&self) -> Option<Seq> {
        self.last
    }

    /// How many numbers could as well have meant a later change.
    #[must_use]
    pub fn ambiguous(&self) -> u64 {
        self.ambiguous
    }
}

fn exact(carried: f64) -> Option<Seq> {
    // There and back: cheaper than asking for the fraction, and a signed number is made in one step.
    let seq = carried as i64;
    (seq as f64 == carried && (0..=1 << 53).contains(&seq)).then_some(Seq(seq as u64))
}

/// Signed types carry the upper half of their range as negative numbers.
fn residue(carried: f64, modulus: u64) -> Option<u64> {
    let range = modulus as f64;
    let whole = carried.fract() == 0.0 && carried >= -range / 2.0 && carried < range;
    whole.then_some((carried as i64).rem_euclid(modulus as i64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::dbr::{DbrClass, DbrType, Meta, Reading, encode, first_element};
    use crate::pv::Alarm;
    use crate::time::EpicsTime;
    use proptest::prelude::*;

    fn of(native: NativeType) -> Value {
        match native {
            NativeType::String => Value::String(vec![String::new(), "second".into()]),
            NativeType::Short => Value::Short(vec![0, 1]),
            NativeType::Float => Value::Float(vec![0.0, 1.0]),
            NativeType::Enum => Value::Enum(vec![0, 1]),
            NativeType::Char => Value::Char(vec![0, 1]),
            NativeType::Long => Value::Long(vec![0, 1]),
            NativeType::Double => Value::Double(vec![0.0, 1.0]),
        }
    }

    /// What a client's first element says of a value that carries `seq`.
    fn carried(native: NativeType, seq: u64, labels: usize) -> f64 {
        let mut value = of(native);
        carry(&mut value, Seq(seq), labels);
        let (alarm, stamp) = (Alarm::default(), EpicsTime::default());
        let mut bytes = Vec::new();
        let dbr = DbrType { class: DbrClass::Time, native };
        encode(&mut bytes, dbr, 1, &Reading { value: &value, alarm, stamp, meta: &Meta::default() }).unwrap();
        first_element(dbr, &bytes).unwrap()
    }

    #[test]
    fn element_0_carries_and_the_others_stay() {
        let mut value = Value::Short(vec![5, 6]);
        carry(&mut value, Seq(40_000), 0);
        assert_eq!(value, Value::Short(vec![-25_536, 6]));
        let mut value = Value::Enum(vec![0]);
        carry(&mut value, Seq(7), 3);
        assert_eq!(value, Value::Enum(vec![1]));
        let mut value = Value::String(vec!["old".into()]);
        carry(&mut value, Seq(12), 0);
        assert_eq!(value, Value::String(vec!["12".into()]));
        let mut empty = Value::Double(vec![]);
        carry(&mut empty, Seq(1), 0);
        assert!(empty.is_empty());
    }

    #[test]
    fn what_nobody_carries_is_refused() {
        for (native, labels, number) in [
            (NativeType::Double, 0, 0.5),
            (NativeType::Double, 0, -1.0),
            (NativeType::Double, 0, f64::NAN),
            (NativeType::Char, 0, 256.0),
            (NativeType::Enum, 3, 3.0),
            (NativeType::Long, 0, f64::INFINITY),
        ] {
            assert_eq!(Unwrapper::new(native, labels).unwrap(number), None, "{native:?} {number}");
            assert_eq!(latest(number, native, labels, Seq(1000)), None, "{native:?} {number}");
        }
        assert_eq!(latest(9.0, NativeType::Char, 0, Seq(5)), None, "later than the newest");
    }

    #[test]
    fn a_step_of_half_the_range_is_ambiguous() {
        let mut reader = Unwrapper::new(NativeType::Char, 0).after(Seq(1000));
        assert_eq!(reader.unwrap(carried(NativeType::Char, 1127, 0)), Some(Seq(1127)));
        assert_eq!(reader.ambiguous(), 0);
        assert_eq!(reader.unwrap(carried(NativeType::Char, 1255, 0)), Some(Seq(1255)));
        assert_eq!(reader.ambiguous(), 1);
    }

    proptest! {
        #[test]
        fn a_reader_that_keeps_up_gets_every_number_back(
            native in prop::sample::select(&NativeType::ALL),
            labels in prop::sample::select(&[0, 5, 16]),
            start in 0..1u64 << 40,
            steps in prop::collection::vec(0..3u64, 1..50),
        ) {
            let mut reader = Unwrapper::new(native, labels).after(Seq(start));
            let mut seq = start;
            for step in steps {
                seq += step;
                let number = carried(native, seq, labels);
                prop_assert_eq!(reader.unwrap(number), Some(Seq(seq)));
                prop_assert_eq!(reader.last(), Some(Seq(seq)));
                prop_assert_eq!(latest(number, native, labels, Seq(seq + 2)), Some(Seq(seq)));
            }
            prop_assert_eq!(reader.ambiguous(), 0);
        }

        #[test]
        fn any_number_is_unwrapped_or_refused(
            native in prop::sample::select(&NativeType::ALL), numbers in prop::collection::vec(any::<f64>(), 1..20),
        ) {
            let mut reader = Unwrapper::new(native, 0);
            for number in numbers {
                let _ = reader.unwrap(number);
                let _ = latest(number, native, 0, Seq(7));
            }
        }
    }
}
