//! One PV of the IOC: its value, and what a change of its signal or a put does to it.

use std::sync::Arc;

use slab::Slab;

use super::CircuitId;
use super::alarm;
use super::event_queue::SubscriptionKey;
use super::signal;
use crate::ca::carry::carry;
use crate::ca::convert::{self, ConvertError};
use crate::ca::dbr::{Meta, Reading};
use crate::ca::message::dbe;
use crate::pv::{Alarm, NativeType, Seq, Severity, Value};
use crate::scenario::model::{AlarmSpec, PvGroup};
use crate::time::EpicsTime;

/// What the PVs of one block share.
#[derive(Debug)]
pub struct Properties {
    /// Native type.
    pub native: NativeType,
    /// Elements of the whole array: 1 for a scalar.
    pub count: usize,
    /// Units, precision, labels and limits.
    pub meta: Meta,
    /// Whether clients may put.
    pub writable: bool,
    alarm: AlarmSpec,
    mdel: Option<f64>,
    adel: Option<f64>,
    at_rest: f64,
}

impl Properties {
    /// Those of a block of the scenario.
    #[must_use]
    pub fn new(group: &PvGroup) -> Properties {
        let limit = |limit: Option<(f64, Severity)>| {
            limit.filter(|(_, severity)| *severity != Severity::NoAlarm).map_or(f64::NAN, |(limit, _)| limit)
        };
        Properties {
            native: group.native,
            count: group.count.max(1) as usize,
            meta: Meta {
                units: group.units.clone(),
                precision: group.precision,
                labels: group.labels.clone(),
                display_limits: group.display_limits,
                control_limits: group.control_limits,
                lolo: limit(group.alarm.lolo),
                low: limit(group.alarm.low),
                high: limit(group.alarm.high),
                hihi: limit(group.alarm.hihi),
            },
            writable: group.writable,
            alarm: group.alarm.clone(),
            mdel: group.mdel,
            adel: group.adel,
            at_rest: signal::rest(&group.signal),
        }
    }

    /// The record type that such a PV would have in an EPICS database (`DBR_CLASS_NAME`).
    #[must_use]
    pub fn record_type(&self) -> &'static str {
        use NativeType as N;
        match (self.native, self.writable) {
            _ if self.count > 1 => "waveform",
            (N::String, false) => "stringin",
            (N::String, true) => "stringout",
            (N::Enum, false) => "mbbi",
            (N::Enum, true) => "mbbo",
            (N::Short | N::Char | N::Long, false) => "longin",
            (N::Short | N::Char | N::Long, true) => "longout",
            (N::Float | N::Double, false) => "ai",
            (N::Float | N::Double, true) => "ao",
        }
    }

    fn blank(&self) -> Value {
        let n = self.count;
        match self.native {
            NativeType::String => Value::String(vec![String::new(); n]),
            NativeType::Short => Value::Short(vec![0; n]),
            NativeType::Float => Value::Float(vec![0.0; n]),
            NativeType::Enum => Value::Enum(vec![0; n]),
            NativeType::Char => Value::Char(vec![0; n]),
            NativeType::Long => Value::Long(vec![0; n]),
            NativeType::Double => Value::Double(vec![0.0; n]),
        }
    }
}

/// A PV's value as it was visible from one posting to the next.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The value, carrying `seq` unless it was put.
    pub value: Value,
    /// The change that it carries.
    pub seq: Seq,
    /// Counts everything that made another value visible, puts too.
    pub version: u64,
    /// Its alarm.
    pub alarm: Alarm,
    /// When it was posted.
    pub stamp: EpicsTime,
}

impl Snapshot {
    /// With the properties of its PV: all that a client may ask for.
    #[must_use]
    pub fn reading<'a>(&'a self, properties: &'a Properties) -> Reading<'a> {
        Reading { value: &self.value, alarm: self.alarm, stamp: self.stamp, meta: &properties.meta }
    }
}

/// A subscription to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// The circuit.
    pub circuit: CircuitId,
    /// The circuit's subscription.
    pub key: SubscriptionKey,
    /// What it wants to be told of, see [`dbe`].
    pub mask: u16,
}

/// What a change or a put comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posting {
    /// Whom to tell, see [`dbe`]; 0: nobody.
    pub mask: u16,
    /// The number of the change, when the value became another one.
    pub seq: Option<Seq>,
}

/// One PV.
#[derive(Debug)]
pub struct Record {
    /// Shared with the event queues that still hold it: a change makes a new one only then.
    current: Arc<Snapshot>,
    /// The signal when `DBE_VALUE` was last posted (MLST).
    last_monitored: Option<f64>,
    /// The signal when `DBE_LOG` was last posted (ALST).
    last_archived: Option<f64>,
    /// Changes of the signal that stayed within the deadbands.
    suppressed: u64,
    /// Subscriptions, in no particular order.
    pub monitors: Slab<Monitor>,
}

impl Record {
    /// A record before its first change: `seq` 0, the alarm of its signal at rest.
    #[must_use]
    pub fn new(properties: &Properties, stamp: EpicsTime) -> Record {
        let mut value = properties.blank();
        carry(&mut value, Seq(0), properties.meta.labels.len());
        let alarm = alarm::derive(&properties.alarm, properties.at_rest);
        Record {
            current: Arc::new(Snapshot { value, seq: Seq(0), version: 0, alarm, stamp }),
            last_monitored: None,
            last_archived: None,
            suppressed: 0,
            monitors: Slab::new(),
        }
    }

    /// What is visible now.
    #[must_use]
    pub fn current(&self) -> &Arc<Snapshot> {
        &self.current
    }

    /// Changes of the signal that stayed within the deadbands, so far.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.suppressed
    }

    /// Forgets what the deadbands look back at: the next change is posted.
    pub fn restart(&mut self) {
        self.last_monitored = None;
        self.last_archived = None;
    }

    /// The signal changes to `signal`.
    ///
    /// A change by at most MDEL is not a change: the value stays, `seq` stays. An alarm that changes is told in any case.
    /// Without ADEL the archive follows MDEL.
    pub fn change(&mut self, properties: &Properties, signal: f64, stamp: EpicsTime) -> Posting {
        let moved = exceeds(properties.mdel, self.last_monitored, signal);
        let archived = properties.adel.map_or(moved, |adel| exceeds(Some(adel), self.last_archived, signal));
        let alarm = alarm::derive(&properties.alarm, signal);
        let alarm_changed = alarm != self.current.alarm;
        let mask = mask(moved, archived, alarm_changed);
        self.suppressed += u64::from(!moved);
        if mask == 0 {
            return Posting::default();
        }
        if archived {
            self.last_archived = Some(signal);
        }
        let current = Arc::make_mut(&mut self.current);
        current.alarm = alarm;
        current.stamp = stamp;
        if !moved {
            return Posting { mask, seq: None };
        }
        self.last_monitored = Some(signal);
        current.seq.0 += 1;
        current.version += 1;
        if current.value.is_empty() {
            current.value = properties.blank();
        }
        carry(&mut current.value, current.seq, properties.meta.labels.len());
        Posting { mask, seq: Some(current.seq) }
    }

    /// A client puts `value`, of any type; elements beyond the record's own count are left out (`dbAccess.c`, `dbPut`).
    /// It is told to all, whether or not it is another value; it is no change of the signal.
    ///
    /// # Errors
    /// When it cannot be had in the record's native type.
    pub fn put(&mut self, properties: &Properties, value: &Value, stamp: EpicsTime) -> Result<Posting, ConvertError> {
        let mut value = convert::convert(value, properties.native, &properties.meta.labels)?;
        truncate(&mut value, properties.count);
        let alarm = number(&value).map_or(self.current.alarm, |number| alarm::derive(&properties.alarm, number));
        let mask = mask(true, true, alarm != self.current.alarm);
        let current = Arc::make_mut(&mut self.current);
        current.value = value;
        current.version += 1;
        current.alarm = alarm;
        current.stamp = stamp;
        Ok(Posting { mask, seq: None })
    }
}

fn mask(value: bool, log: bool, alarm: bool) -> u16 {
    [(value, dbe::VALUE), (log, dbe::LOG), (alarm, dbe::ALARM)]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, bit)| bit)
        .sum()
}

/// Whether a value is further than the deadband from the last one told (`recGbl.c`, `recGblCheckDeadband`).
fn exceeds(deadband: Option<f64>, last: Option<f64>, signal: f64) -> bool {
    match (deadband, last) {
        (Some(deadband), Some(last)) => (signal - last).abs() > deadband,
        _ => true,
    }
}

fn truncate(value: &mut Value, count: usize) {
    match value {
        Value::String(v) => v.truncate(count),
        Value::Short(v) => v.truncate(count),
        Value::Float(v) => v.truncate(count),
        Value::Enum(v) => v.truncate(count),
        Value::Char(v) => v.truncate(count),
        Value::Long(v) => v.truncate(count),
        Value::Double(v) => v.truncate(count),
    }
}

/// The first element as a number; `None` for a text.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(_) => None,
        Value::Short(v) => v.first().copied().map(f64::from),
        Value::Float(v) => v.first().copied().map(f64::from),
        Value::Enum(v) => v.first().copied().map(f64::from),
        Value::Char(v) => v.first().copied().map(f64::from),
        Value::Long(v) => v.first().copied().map(f64::from),
        Value::Double(v) => v.first().copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::pv::AlarmStatus;
    use crate::scenario::model::Change;

    const NOW: EpicsTime = EpicsTime { seconds: 5, nanos: 6 };

    fn record(adjust: impl FnOnce(&mut PvGroup)) -> (Properties, Record) {
        let mut group = fixture::group(NativeType::Double, 1, Change::Still);
        adjust(&mut group);
        let properties = Properties::new(&group);
        let record = Record::new(&properties, EpicsTime::default());
        (properties, record)
    }

    #[test]
    fn each_change_is_posted_and_numbered() {
        let (properties, mut record) = record(|_| {});
        assert_eq!(record.current().value, Value::Double(vec![0.0]));
        for n in 1..=3u64 {
            let posting = record.change(&properties, 7.0, NOW);
            assert_eq!(posting, Posting { mask: dbe::VALUE | dbe::LOG, seq: Some(Seq(n)) });
            assert_eq!(record.current().value, Value::Double(vec![n as f64]));
            assert_eq!((record.current().version, record.current().stamp), (n, NOW));
        }
    }

    #[test]
    fn a_change_within_the_deadband_is_none() {
        let (properties, mut record) = record(|g| g.mdel = Some(1.0));
        let seqs: Vec<Option<u64>> = [10.0, 10.5, 11.0, 11.1, 10.2, 10.0]
            .into_iter()
            .map(|signal| record.change(&properties, signal, NOW).seq.map(|s| s.0))
            .collect();
        assert_eq!(seqs, [Some(1), None, None, Some(2), None, Some(3)]);
        assert_eq!(record.suppressed(), 3);
        record.restart();
        assert_eq!(record.change(&properties, 10.0, NOW).seq, Some(Seq(4)), "after a restart the first change counts");
    }

    proptest::proptest! {
        /// What a monitor last told is never further off than the deadband, and nothing nearer than that is told.
        #[test]
        fn a_deadband_is_what_may_be_kept_back(
            deadband in 0.0f64..10.0,
            signals in proptest::collection::vec(-20.0f64..20.0, 1..100),
        ) {
            let (properties, mut record) = record(|g| g.mdel = Some(deadband));
            let (mut told, mut seq, mut kept_back) = (None::<f64>, 0, 0);
            for signal in signals {
                let news = told.is_none_or(|told| (signal - told).abs() > deadband);
                let posting = record.change(&properties, signal, NOW);
                if news {
                    (told, seq) = (Some(signal), seq + 1);
                } else {
                    kept_back += 1;
                }
                proptest::prop_assert_eq!(posting.seq, news.then_some(Seq(seq)));
                proptest::prop_assert_eq!(posting.mask & dbe::VALUE != 0, news);
            }
            proptest::prop_assert_eq!((record.suppressed(), record.current().seq), (kept_back, Seq(seq)));
        }
    }

    #[test]
    fn the_archive_has_a_deadband_of_its_own() {
        let (properties, mut record) = record(|g| {
            g.mdel = Some(1.0);
            g.adel = Some(3.0);
        });
        let masks: Vec<u16> =
            [0.0, 2.0, 2.5, 3.5].into_iter().map(|signal| record.change(&properties, signal, NOW).mask).collect();
        assert_eq!(masks, [dbe::VALUE | dbe::LOG, dbe::VALUE, 0, dbe::VALUE | dbe::LOG]);
    }

    #[test]
    fn an_alarm_is_told_when_it_changes_even_within_the_deadband() {
        let (properties, mut record) = record(|g| {
            g.mdel = Some(10.0);
            g.alarm.high = Some((5.0, Severity::Minor));
        });
        let postings: Vec<Posting> =
            [4.0, 6.0, 7.0, 3.0].into_iter().map(|signal| record.change(&properties, signal, NOW)).collect();
        assert_eq!(
            postings,
            [
                Posting { mask: dbe::VALUE | dbe::LOG, seq: Some(Seq(1)) },
                Posting { mask: dbe::ALARM, seq: None },
                Posting::default(),
                Posting { mask: dbe::ALARM, seq: None },
            ]
        );
        assert_eq!(record.current().seq, Seq(1));
    }

    #[test]
    fn a_put_is_told_but_is_no_change() {
        let (properties, mut record) = record(|g| g.alarm.hihi = Some((50.0, Severity::Major)));
        record.change(&properties, 1.0, NOW);
        let text = Value::String(vec!["60.5".to_owned(), "1".to_owned()]);
        let posting = record.put(&properties, &text, NOW).unwrap();
        assert_eq!(posting, Posting { mask: dbe::VALUE | dbe::LOG | dbe::ALARM, seq: None });
        assert_eq!(record.current().value, Value::Double(vec![60.5]), "one element, converted");
        assert_eq!(record.current().alarm, Alarm { severity: Severity::Major, status: AlarmStatus::HiHi });
        assert_eq!((record.current().seq, record.current().version), (Seq(1), 2));
        assert!(record.put(&properties, &Value::String(vec!["nonsense".to_owned()]), NOW).is_err());
        assert_eq!(record.change(&properties, 2.0, NOW).seq, Some(Seq(2)), "the schedule goes on with its own number");
        assert_eq!(record.current().value, Value::Double(vec![2.0]));
    }

    #[test]
    fn what_a_queue_holds_does_not_change_and_what_none_holds_is_not_copied() {
        let (properties, mut record) = record(|_| {});
        record.change(&properties, 1.0, NOW);
        let held = Arc::clone(record.current());
        record.change(&properties, 2.0, NOW);
        assert_eq!((held.seq, record.current().seq), (Seq(1), Seq(2)));
        let place = Arc::as_ptr(record.current());
        record.change(&properties, 3.0, NOW);
        assert_eq!(Arc::as_ptr(record.current()), place);
    }

    #[test]
    fn an_emptied_array_is_whole_again_at_its_next_change() {
        let mut group = fixture::group(NativeType::Long, 4, Change::Still);
        group.writable = true;
        let properties = Properties::new(&group);
        let mut record = Record::new(&properties, NOW);
        record.put(&properties, &Value::Long(vec![]), NOW).unwrap();
        assert_eq!(record.current().value.len(), 0);
        record.change(&properties, 1.0, NOW);
        assert_eq!(record.current().value, Value::Long(vec![1, 0, 0, 0]));
    }
}
