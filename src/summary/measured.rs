//! What one segment comes to by itself, before repeats are put together.

use crate::pv::PvId;
use crate::scenario::model::{ClientSpec, Scenario};
use crate::stats::Distribution;
use crate::time::{Span, Tick};
use crate::trace::age::{Age, age};
use crate::trace::audit::{Audit, audit};
use crate::trace::pairing::{Change, Paired, pair};
use crate::trace::request::Count;
use crate::trace::{ByPv, EmissionIndex, LedgerRow, Observation, Segment, Window};

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
    /// From asking to having, over what was asked for in the window and brought news: their sum in ns, and how many. Redundant replies are
    /// left out even where they were recorded, so that the number does not depend on how much was.
    pub round_trips: (i128, u64),
    /// From the IOC's being back to the client's first value of a change that was posted since, of the first copy that had one; `None`
    /// without an outage.
    pub recovery: Option<Span>,
}

/// The facts of a stretch of time: all that is known of the changes that were posted in `[from, to)`.
///
/// A segment may be measured stretch by stretch, so that its facts need not be kept. The sum of the stretches is exactly what comes of all
/// facts together, as long as the client has noticed every change of a stretch (or never will) in the observations that are handed over
/// with it.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// From where on changes count.
    pub from: Tick,
    /// Until where.
    pub to: Tick,
    /// At least the changes of the stretch, and those that its observations speak of.
    pub emissions: &'a EmissionIndex<'a>,
    /// At least what was received in the stretch or tells of its changes; before it, what the client held of each PV when it began.
    pub observations: &'a [Observation],
    /// How many of the first observations were handed over with an earlier stretch, too.
    pub known: usize,
    /// When the IOC was back, if it was away.
    pub back: Option<Tick>,
}

impl Measured {
    /// Nothing yet.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Measured {
        Measured {
            paired: Paired::default(),
            noticed: 0,
            missed: 0,
            changes_of_group: vec![0; scenario.groups.len()],
            notice: Distribution::default(),
            intended: Distribution::default(),
            seen: Distribution::default(),
            lateness: Distribution::default(),
            age: Age::default(),
            audit: Audit::default(),
            counted: Count::default(),
            counted_in_all: Count::default(),
            in_flight: 0,
            round_trips: (0, 0),
            recovery: None,
        }
    }

    /// Mean time from asking to having, in ns.
    #[must_use]
    pub fn round_trip_ns(&self) -> Option<f64> {
        let (sum, n) = self.round_trips;
        (n > 0).then(|| sum as f64 / n as f64)
    }

    /// Adds the next stretch of a client's facts. `begun` is when the changes of its segment began.
    pub fn add(&mut self, scenario: &Scenario, client: &ClientSpec, window: Window, begun: Tick, facts: &Stretch<'_>) {
        self.add_seen(scenario, client, window, begun, facts, |_| {});
    }

    /// The same, and shows every change of the stretch to `see`.
    fn add_seen(
        &mut self,
        scenario: &Scenario,
        client: &ClientSpec,
        window: Window,
        begun: Tick,
        facts: &Stretch<'_>,
        mut see: impl FnMut(&Change),
    ) {
        let Stretch { from, to, emissions, observations, known, back } = *facts;
        let by_pv = ByPv::new(scenario.pvs.len(), observations.iter().map(|o| o.pv));
        let pvs = client.pvs.as_slice();
        let part = Window { open: window.open.max(from), close: window.close.min(to), end: window.end };
        self.audit.add(&audit(emissions, observations.get(known..).unwrap_or_default(), pvs));
        self.in_flight += in_flight(client, emissions, window, from, to);
        let unknown = observations.get(known..).unwrap_or_default();
        self.recovery = self.recovery.or_else(|| recovery(emissions, unknown, back?));
        if part.open >= part.close {
            return;
        }
        self.age.add(&age(emissions, observations, &by_pv, pvs, part, begun));
        let (sum, n) = round_trips(observations, pvs, &by_pv, part);
        self.round_trips = (self.round_trips.0 + sum, self.round_trips.1 + n);
        let group_of = |pv: PvId| scenario.pvs.get(pv.index()).map(|spec| spec.group);
        let paired = pair(emissions, observations, &by_pv, pvs, part, |change| {
            see(change);
            if let Some(count) = group_of(change.emission.pv).and_then(|g| self.changes_of_group.get_mut(g)) {
                *count += 1;
            }
            self.noticed += u64::from(change.noticed.is_some());
            self.notice.record(change.notice_ns());
            self.intended.record(change.intended_ns());
            self.lateness.record(Some(change.lateness_ns()));
            match change.seen_ns() {
                Some(ns) => self.seen.record(Some(ns)),
                None => self.missed += 1,
            }
        });
        self.paired.add(&paired);
    }

    /// Adds the IOC's counts.
    pub fn count(&mut self, ledger: &[LedgerRow]) {
        for row in ledger {
            self.counted.add(&row.window);
            self.counted_in_all.add(&row.total);
        }
    }
}

/// Derives the numbers of one segment. `emissions` are those of its repeat.
#[must_use]
pub fn measure(scenario: &Scenario, client: &ClientSpec, emissions: &EmissionIndex<'_>, segment: &Segment) -> Measured {
    measure_seen(scenario, client, emissions, segment, |_| {})
}

/// The same, and shows every change of the segment, for the client's first copy, to `see`: whoever needs them besides need not pair them again.
#[must_use]
pub fn measure_seen(
    scenario: &Scenario,
    client: &ClientSpec,
    emissions: &EmissionIndex<'_>,
    segment: &Segment,
    mut see: impl FnMut(&Change),
) -> Measured {
    let mut measured = Measured::new(scenario);
    let observations = segment.observations.as_slice();
    let back = segment.ioc.outage.map(|outage| outage.up);
    let mut add = |observations: &[Observation], see: &mut dyn FnMut(&Change)| {
        let whole = Stretch { from: Tick(0), to: Tick(u64::MAX), emissions, observations, known: 0, back };
        measured.add_seen(scenario, client, segment.window, segment.begun, &whole, see);
    };
    if client.copies == 1 {
        add(observations, &mut see);
    } else {
        // Every copy has noticed a change when it has: none counts for another. The first one is shown.
        for (copy, of_copy) in by_copy(observations, client.copies).iter().enumerate() {
            let mut unseen = |_: &Change| {};
            add(of_copy, if copy == 0 { &mut see } else { &mut unseen });
        }
    }
    measured.count(&segment.ledger);
    measured
}

/// The observations of each copy, in their order.
fn by_copy(observations: &[Observation], copies: u32) -> Vec<Vec<Observation>> {
    let mut of_copy = vec![Vec::new(); copies as usize];
    for observation in observations {
        if let Some(place) = of_copy.get_mut(observation.copy as usize) {
            place.push(*observation);
        }
    }
    of_copy
}

/// Changes of the stretch whose updates may be sent and never taken: the latest, or, where a slow callback lags, any.
fn in_flight(client: &ClientSpec, emissions: &EmissionIndex<'_>, window: Window, from: Tick, to: Tick) -> u64 {
    let late = if client.service_time > Span::ZERO { from } else { from.max(window.end - IN_FLIGHT) };
    let late = Window { open: late, close: to, end: to };
    client.pvs.iter().map(|pv| emissions.in_window(*pv, late).count() as u64).sum()
}

/// Until the first value of a change that was posted from `back` on.
fn recovery(emissions: &EmissionIndex<'_>, observations: &[Observation], back: Tick) -> Option<Span> {
    let fresh = |o: &&Observation| emissions.find(o.pv, o.seq).is_some_and(|e| e.posted >= back);
    // A client may tell of its PVs one after the other.
    let first = observations.iter().filter(|o| o.received >= back).filter(fresh).map(|o| o.received).min()?;
    Some(first.saturating_since(back))
}

fn round_trips(observations: &[Observation], pvs: &[PvId], by_pv: &ByPv, window: Window) -> (i128, u64) {
    let (mut sum, mut n) = (0i128, 0u64);
    for pv in pvs {
        let mut before = None;
        for o in by_pv.of(*pv).iter().map(|&i| &observations[i as usize]) {
            let news = before.replace(o.seq) != Some(o.seq);
            if let Some(asked) = o.asked.filter(|_| news && !o.first && window.contains(o.received)) {
                sum += i128::from(o.received.signed_since(asked));
                n += 1;
            }
        }
    }
    (sum, n)
}
