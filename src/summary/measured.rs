//! What one segment comes to by itself, before repeats are put together.

use crate::scenario::model::{ClientSpec, Scenario};
use crate::stats::Distribution;
use crate::time::{Span, Tick};
use crate::trace::age::{Age, age};
use crate::trace::audit::{Audit, audit};
use crate::trace::pairing::{Paired, pair};
use crate::trace::request::Count;
use crate::trace::{ByPv, EmissionIndex, Segment, Window};

/// Updates of changes posted this shortly before the client's end, or after it, may be sent and never taken.
const IN_FLIGHT: Span = Span::from_millis(100);

/// The derived numbers of one client in one repeat.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Changes of the client's PVs in the window.
    pub paired: Paired,
    /// Of these, noticed.
    pub noticed: u64,
    /// Of these, never seen themselves.
    pub missed: u64,
    /// Changes for each group of the scenario.
    pub changes_of_group: Vec<u64>,
    /// Notice latency; what was not noticed is endless.
    pub notice: Distribution,
    /// The same from the scheduled instant.
    pub intended: Distribution,
    /// Latency of the changes that were seen.
    pub seen: Distribution,
    /// How late the IOC posted.
    pub lateness: Distribution,
    /// Age of information.
    pub age: Age,
    /// Observations that cannot be.
    pub audit: Audit,
    /// The IOC's count over the window, all PVs together.
    pub counted: Count,
    /// The IOC's count over the client's life, all PVs together.
    pub counted_in_all: Count,
    /// Updates that may have been on their way when the client ended.
    pub in_flight: u64,
    /// Mean time from asking to having, in ns, over what was asked for in the window and brought news. Redundant replies are left out
    /// even where they were recorded, so that the number does not depend on how much was.
    pub round_trip_ns: Option<f64>,
}

/// Derives the numbers of one segment. `emissions` are those of its repeat.
#[must_use]
pub fn measure(scenario: &Scenario, client: &ClientSpec, emissions: &EmissionIndex<'_>, segment: &Segment) -> Measured {
    let (window, observations) = (segment.window, segment.observations.as_slice());
    let by_pv = ByPv::new(scenario.pvs.len(), observations.iter().map(|o| o.pv));
    let mut measured = Measured {
        paired: Paired::default(),
        noticed: 0,
        missed: 0,
        changes_of_group: vec![0; scenario.groups.len()],
        notice: Distribution::default(),
        intended: Distribution::default(),
        seen: Distribution::default(),
        lateness: Distribution::default(),
        age: age(emissions, observations, &by_pv, &client.pvs, window),
        audit: audit(emissions, observations, &client.pvs),
        counted: Count::default(),
        counted_in_all: Count::default(),
        in_flight: in_flight(client, emissions, window),
        round_trip_ns: round_trip(segment, client, &by_pv),
    };
    for row in &segment.ledger {
        measured.counted.add(&row.window);
        measured.counted_in_all.add(&row.total);
    }
    let group_of = |pv: crate::pv::PvId| scenario.pvs.get(pv.index()).map(|spec| spec.group);
    measured.paired = pair(emissions, observations, &by_pv, &client.pvs, window, |change| {
        if let Some(count) = group_of(change.emission.pv).and_then(|g| measured.changes_of_group.get_mut(g)) {
            *count += 1;
        }
        measured.noticed += u64::from(change.noticed.is_some());
        measured.notice.record(change.notice_ns());
        measured.intended.record(change.intended_ns());
        measured.lateness.record(Some(change.lateness_ns()));
        match change.seen_ns() {
            Some(ns) => measured.seen.record(Some(ns)),
            None => measured.missed += 1,
        }
    });
    measured
}

fn in_flight(client: &ClientSpec, emissions: &EmissionIndex<'_>, window: Window) -> u64 {
    let late = Window { open: window.end - IN_FLIGHT, close: Tick(u64::MAX), end: Tick(u64::MAX) };
    client.pvs.iter().map(|pv| emissions.in_window(*pv, late).count() as u64).sum()
}

fn round_trip(segment: &Segment, client: &ClientSpec, by_pv: &ByPv) -> Option<f64> {
    let (mut sum, mut n) = (0i128, 0u64);
    for pv in &client.pvs {
        let mut before = None;
        for o in by_pv.of(*pv).iter().map(|&i| &segment.observations[i as usize]) {
            let news = before.replace(o.seq) != Some(o.seq);
            if let Some(asked) = o.asked.filter(|_| news && !o.first && segment.window.contains(o.received)) {
                sum += i128::from(o.received.signed_since(asked));
                n += 1;
            }
        }
    }
    (n > 0).then(|| sum as f64 / n as f64)
}
