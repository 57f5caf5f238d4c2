//! Scenarios for the tests of this room.

use crate::pv::{NativeType, PvName};
use crate::scenario::model::{AlarmSpec, Change, Facts, Phase, PvGroup, PvSpec, Scenario, Signal};
use crate::time::Span;

/// One block of `pvs` scalar doubles `PV0`, `PV1`, ...
pub(crate) fn one_group(change: Change, pvs: usize) -> Scenario {
    let groups = vec![group(NativeType::Double, 1, change)];
    let pvs = (0..pvs).map(|i| spec(&format!("PV{i}"), 0)).collect();
    scenario(groups, pvs)
}

/// One PV for each given type and element count, named by both (`DOUBLE1`, `CHAR100`), all writable, none changing.
pub(crate) fn one_of_each(types: &[(NativeType, u32)]) -> Scenario {
    let groups = types
        .iter()
        .map(|(native, count)| PvGroup { writable: true, ..group(*native, *count, Change::Still) })
        .collect();
    let pvs = types
        .iter()
        .enumerate()
        .map(|(i, (native, count))| spec(&format!("{native:?}{count}").to_uppercase(), i))
        .collect();
    scenario(groups, pvs)
}

pub(crate) fn group(native: NativeType, count: u32, change: Change) -> PvGroup {
    PvGroup {
        pattern: "PV{0..9}".to_owned(),
        native,
        count,
        change,
        phase: Phase::Random,
        units: "mm".to_owned(),
        precision: 3,
        labels: vec!["Off".to_owned(), "On".to_owned()],
        display_limits: (0.0, 100.0),
        control_limits: (-10.0, 110.0),
        alarm: AlarmSpec::default(),
        signal: Signal::Count,
        mdel: None,
        adel: None,
        writable: false,
    }
}

pub(crate) fn spec(name: &str, group: usize) -> PvSpec {
    PvSpec { name: PvName::new(name).unwrap(), group }
}

pub(crate) fn scenario(groups: Vec<PvGroup>, pvs: Vec<PvSpec>) -> Scenario {
    Scenario {
        name: "test".to_owned(),
        title: String::new(),
        about: String::new(),
        seed: 1,
        repeats: 1,
        window: Span::from_secs(1),
        min_periods: 1,
        warmup: Span::ZERO,
        drain: Span::ZERO,
        connect_timeout: Span::from_secs(1),
        concurrent: false,
        restart: None,
        facts: Facts::News,
        event_queue: None,
        spin: None,
        steady: false,
        groups,
        pvs,
        clients: Vec::new(),
        probes: Vec::new(),
        claims: Vec::new(),
        expectations: Vec::new(),
    }
}
