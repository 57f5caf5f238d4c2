//! Alarms of a PV: fixed, or derived from its signal.

use crate::pv::{Alarm, AlarmStatus, Severity};
use crate::scenario::model::AlarmSpec;

/// The alarm of a signal's value: the limits are looked at in the order of an analog record (`aiRecord.c`, `checkAlarms`):
/// HIHI, LOLO, HIGH, LOW; a limit counts only with a severity.
#[must_use]
pub fn derive(spec: &AlarmSpec, signal: f64) -> Alarm {
    if let Some(severity) = spec.fixed {
        return alarm(severity, AlarmStatus::Soft);
    }
    let at_least = |limit: &Option<(f64, Severity)>| limit.filter(|(limit, _)| signal >= *limit);
    let at_most = |limit: &Option<(f64, Severity)>| limit.filter(|(limit, _)| signal <= *limit);
    [
        (at_least(&spec.hihi), AlarmStatus::HiHi),
        (at_most(&spec.lolo), AlarmStatus::LoLo),
        (at_least(&spec.high), AlarmStatus::High),
        (at_most(&spec.low), AlarmStatus::Low),
    ]
    .into_iter()
    .find_map(|(hit, status)| hit.filter(|(_, severity)| *severity != Severity::NoAlarm).map(|(_, s)| alarm(s, status)))
    .unwrap_or_default()
}

fn alarm(severity: Severity, status: AlarmStatus) -> Alarm {
    if severity == Severity::NoAlarm { Alarm::default() } else { Alarm { severity, status } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_from_the_outside_in() {
        let spec = AlarmSpec {
            fixed: None,
            lolo: Some((1.0, Severity::Major)),
            low: Some((2.0, Severity::Minor)),
            high: Some((8.0, Severity::Minor)),
            hihi: Some((9.0, Severity::Major)),
        };
        for (signal, want) in [
            (0.5, Some((Severity::Major, AlarmStatus::LoLo))),
            (1.0, Some((Severity::Major, AlarmStatus::LoLo))),
            (2.0, Some((Severity::Minor, AlarmStatus::Low))),
            (5.0, None),
            (8.0, Some((Severity::Minor, AlarmStatus::High))),
            (9.0, Some((Severity::Major, AlarmStatus::HiHi))),
            (f64::NAN, None),
        ] {
            let want = want.map_or(Alarm::default(), |(severity, status)| Alarm { severity, status });
            assert_eq!(derive(&spec, signal), want, "{signal}");
        }
    }

    #[test]
    fn a_limit_without_severity_is_none_and_a_fixed_alarm_stays() {
        let spec = AlarmSpec { hihi: Some((1.0, Severity::NoAlarm)), ..AlarmSpec::default() };
        assert_eq!(derive(&spec, 5.0), Alarm::default());
        let spec = AlarmSpec { fixed: Some(Severity::Invalid), hihi: Some((1.0, Severity::Minor)), ..spec };
        assert_eq!(derive(&spec, 5.0), Alarm { severity: Severity::Invalid, status: AlarmStatus::Soft });
        let spec = AlarmSpec { fixed: Some(Severity::NoAlarm), ..spec };
        assert_eq!(derive(&spec, 5.0), Alarm::default());
    }
}
