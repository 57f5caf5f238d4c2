//! Expected curves over the poll period, drawn between the pollers that were measured.

use crate::scenario::model::{Change, Scenario};
use crate::summary::ClientSummary;

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

/// Notice latency at a period in ns: mean, 5 % and 95 % quantile of U(0, T) + r/2.
pub(super) fn notice(period: f64, round_trip: f64) -> (f64, f64, f64) {
    let half = round_trip / 2.0;
    (period / 2.0 + half, 0.05 * period + half, 0.95 * period + half)
}

/// The redundant fraction at a period in ns for what a client looks at; `None` where a change pattern has no closed form.
pub(super) fn redundant(scenario: &Scenario, client: &ClientSummary, period: f64) -> Option<f64> {
    let spec = scenario.clients.iter().find(|spec| spec.name == client.name)?;
    let fractions: Option<Vec<f64>> = spec
        .pvs
        .iter()
        .map(|pv| {
            let group = scenario.pvs.get(pv.index()).and_then(|pv| scenario.groups.get(pv.group))?;
            let changes = group.change.mean_rate_hz()? * period / 1e9;
            match group.change {
                Change::Still => Some(1.0),
                Change::Periodic { .. } => Some((1.0 - changes).max(0.0)),
                Change::Poisson { .. } => Some((-changes).exp()),
                _ => None,
            }
        })
        .collect();
    let fractions = fractions.filter(|f| !f.is_empty())?;
    Some(fractions.iter().sum::<f64>() / fractions.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

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
