//! Expected curves over the poll period, drawn between the pollers that were measured.

use crate::scenario::model::{ClientSpec, Scenario};
use crate::summary::expected::{Achieved, expected};
use crate::summary::{ClientSummary, Expected};
use crate::theory::Intervals;
use crate::time::Span;

/// Points of a curve.
const STEPS: u32 = 96;

/// Periods from the first to the last, evenly spread on a logarithmic axis.
pub(super) fn periods(first: f64, last: f64) -> impl Iterator<Item = f64> {
    (0..=STEPS).map(move |k| first * (last / first).powf(f64::from(k) / f64::from(STEPS)))
}

/// The round-trip time at a period, straight between those that were measured on a logarithmic period axis. `measured` holds
/// `(period, round trip)` by rising period.
pub(super) fn round_trip_at(measured: &[(f64, f64)], period: f64) -> f64 {
    let after = measured.iter().position(|(at, _)| *at >= period).unwrap_or(measured.len());
    match (after.checked_sub(1).and_then(|before| measured.get(before)), measured.get(after)) {
        (Some((t0, r0)), Some((t1, r1))) => r0 + (r1 - r0) * (period / t0).ln() / (t1 / t0).ln(),
        (Some((_, r)), None) | (None, Some((_, r))) => *r,
        (None, None) => 0.0,
    }
}

/// Latency by the part of changes that a poller is expected to have noticed: it does nothing but wait, at its achieved period; `None`
/// where nothing is expected.
pub(super) fn notice_quantiles(client: &ClientSummary) -> Option<impl Fn(f64) -> f64> {
    client.expected.notice_mean_ns?;
    let intervals = Intervals::constant(client.mean_period_ns?)?;
    let back = client.mean_round_trip_ns.unwrap_or(0.0) / 2.0;
    Some(move |part| intervals.wait_quantile(part) + back)
}

/// What is expected of a client that asks every `period` ns, its PVs changing as the scenario says; `None` for traces, whose rate only
/// their points know.
pub(super) fn at_period(scenario: &Scenario, client: &ClientSpec, period: f64) -> Option<Expected> {
    // Long enough that whole changes are as exact as the curve needs.
    let time = Span::from_secs(1_000_000);
    let mut changes_of_group = Vec::with_capacity(scenario.groups.len());
    for (index, group) in scenario.groups.iter().enumerate() {
        let members = client.pvs.iter().filter(|pv| scenario.pvs.get(pv.index()).is_some_and(|pv| pv.group == index));
        let changes = group.change.mean_rate_hz()? * members.count() as f64 * time.as_secs_f64();
        changes_of_group.push(changes.round() as u64);
    }
    let intervals = Intervals::constant(period);
    Some(expected(scenario, client, &Achieved { intervals, round_trip_ns: None, changes_of_group, time }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic::Wish;

    #[test]
    fn redundant_requests_follow_the_scenario() {
        let scenario = Wish::default().scenario();
        for (period, fraction) in [(1e6, 0.99), (5e7, 0.5), (1e8, 0.0), (1e9, 0.0)] {
            let found = at_period(&scenario, &scenario.clients[1], period).unwrap().redundant_fraction;
            assert!((found.unwrap() - fraction).abs() < 1e-6);
        }
        assert_eq!(at_period(&scenario, &scenario.clients[0], 1e6).unwrap().redundant_fraction, None);
    }

    #[test]
    fn round_trips_are_straight_between_measured_ones() {
        let measured = [(1e6, 100.0), (1e8, 300.0)];
        for (period, expected) in [(1e5, 100.0), (1e6, 100.0), (1e7, 200.0), (1e8, 300.0), (1e9, 300.0)] {
            assert!((round_trip_at(&measured, period) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn a_curve_ends_where_it_should() {
        let all: Vec<f64> = periods(1e3, 1e9).collect();
        assert_eq!(all.len(), STEPS as usize + 1);
        assert!((all[0] - 1e3).abs() < 1e-6 && (all[STEPS as usize] / 1e9 - 1.0).abs() < 1e-9);
    }
}
