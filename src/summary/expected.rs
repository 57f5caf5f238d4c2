//! What theory says of a client, from its achieved intervals and the rate of changes that was seen.

use crate::scenario::model::{Change, ClientSpec, Fetch, Pacing, PvGroup, Scenario, Signal};
use crate::theory::{Intervals, Process, notice, predict};
use crate::time::Span;

use super::Expected;

/// What was achieved, over all repeats of a client.
#[derive(Clone, Debug)]
pub struct Achieved {
    /// Intervals between the reads of a PV; `None` when there were none.
    pub intervals: Option<Intervals>,
    /// Mean time from asking for a value to having it, in ns.
    pub round_trip_ns: Option<f64>,
    /// Changes of the client's PVs in its windows, for each group of the scenario.
    pub changes_of_group: Vec<u64>,
    /// All windows together.
    pub time: Span,
}

/// The expected values of a client; what theory does not cover is `None`:
/// - a monitor: it misses nothing, as long as its callback keeps up; there is no theory of its delay;
/// - back-off and hybrid pacings: their intervals depend on the changes;
/// - deadbands that hold changes back: when the next one is let through depends on the signal;
/// - the redundant fraction of a client that reads its cache: it makes no requests.
#[must_use]
pub fn expected(scenario: &Scenario, client: &ClientSpec, achieved: &Achieved) -> Expected {
    if client.fetch == Fetch::Monitor {
        let missed_fraction = keeps_up(client, achieved).then_some(0.0);
        return Expected { missed_fraction, ..Expected::default() };
    }
    let Some(intervals) = achieved.intervals.as_ref().filter(|_| independent(client.pacing.as_ref())) else {
        return Expected::default();
    };
    let round_trip = if client.fetch == Fetch::Cached { Some(0.0) } else { achieved.round_trip_ns };
    let notice = round_trip.map(|r| notice(intervals, r));
    let prediction =
        mixture(scenario, client, achieved).map(|pvs| predict(&pvs, intervals, round_trip.unwrap_or_default()));
    let timed = prediction.filter(|_| round_trip.is_some());
    Expected {
        redundant_fraction: prediction.and_then(|p| p.redundant).filter(|_| client.fetch != Fetch::Cached),
        missed_fraction: prediction.and_then(|p| p.missed),
        notice_mean_ns: notice.map(|n| n.mean_ns),
        notice_band_ns: notice.map(|n| n.band_ns),
        seen_mean_ns: timed.and_then(|p| p.seen_mean_ns),
        age_mean_ns: timed.and_then(|p| p.age_mean_ns),
        age_peak_ns: timed.and_then(|p| p.age_peak_ns),
    }
}

/// Whether the pacing goes on by itself, whatever the polls find.
fn independent(pacing: Option<&Pacing>) -> bool {
    !matches!(pacing, Some(Pacing::Backoff { .. } | Pacing::Hybrid { .. }))
}

/// Whether a callback's work leaves it time for every update.
fn keeps_up(client: &ClientSpec, achieved: &Achieved) -> bool {
    let updates: u64 = achieved.changes_of_group.iter().sum();
    (client.service_time * updates) < achieved.time || client.service_time == Span::ZERO
}

/// How many of the client's PVs follow which process; `None` when one of them follows none that is known.
fn mixture(scenario: &Scenario, client: &ClientSpec, achieved: &Achieved) -> Option<Vec<(f64, Process)>> {
    let mut pvs = Vec::new();
    for (index, group) in scenario.groups.iter().enumerate() {
        let members = members(scenario, client, index);
        if members.is_empty() {
            continue;
        }
        let (changing, process) = process(group, &members)?;
        let still = members.len() - changing;
        if still > 0 {
            pvs.push((still as f64, Process::Still));
        }
        if changing > 0 {
            let seen = *achieved.changes_of_group.get(index)? as f64 / (achieved.time.0 as f64 * changing as f64);
            pvs.push((changing as f64, process.at_rate(seen)));
        }
    }
    (!pvs.is_empty()).then_some(pvs)
}

/// The processes of a client's PVs at the rates that the scenario asks for, and how many PVs follow each; `None` when one of them follows
/// none that is known.
#[must_use]
pub fn mixture_of(scenario: &Scenario, client: &ClientSpec) -> Option<Vec<(f64, Process)>> {
    let mut pvs = Vec::new();
    for (index, group) in scenario.groups.iter().enumerate() {
        let members = members(scenario, client, index);
        if members.is_empty() {
            continue;
        }
        let (changing, process) = process(group, &members)?;
        pvs.push(((members.len() - changing) as f64, Process::Still));
        pvs.push((changing as f64, process));
    }
    pvs.retain(|(count, _)| *count > 0.0);
    (!pvs.is_empty()).then_some(pvs)
}

/// The places within a group of those of its PVs that the client looks at.
fn members(scenario: &Scenario, client: &ClientSpec, group: usize) -> Vec<usize> {
    let of_group = scenario.pvs.iter().enumerate().filter(|(_, pv)| pv.group == group).map(|(id, _)| id);
    let wanted: std::collections::HashSet<usize> = client.pvs.iter().map(|pv| pv.index()).collect();
    of_group.enumerate().filter(|(_, id)| wanted.contains(id)).map(|(place, _)| place).collect()
}

/// How many of a group's members change at all, and how.
fn process(group: &PvGroup, members: &[usize]) -> Option<(usize, Process)> {
    if !every_change_is_posted(group) {
        return None;
    }
    match &group.change {
        Change::Trace { length, points, .. } => {
            let points: Vec<_> =
                members.iter().filter_map(|m| points.get(*m)).map(Vec::as_slice).filter(|p| !p.is_empty()).collect();
            Some((points.len(), Process::of_trace(length.0 as f64, &points)?))
        }
        Change::Still => Some((0, Process::Still)),
        change => Some((members.len(), Process::of(change)?)),
    }
}

/// Whether no change is held back by the monitor deadband: changes of at most MDEL are.
fn every_change_is_posted(group: &PvGroup) -> bool {
    match (group.mdel, group.signal) {
        (None, _) => true,
        (Some(mdel), Signal::Count) => mdel < 1.0,
        (Some(mdel), Signal::Noise { sigma, .. }) => mdel <= 0.0 && sigma > 0.0,
        (Some(_), Signal::Sine { .. }) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::example;

    const MS: f64 = 1e6;

    fn periodic(ms: u64) -> PvGroup {
        example::group(Change::Periodic { interval: Span::from_millis(ms) })
    }

    /// A client of 10 ms polls and a round trip of 1 ms, over ten seconds in which each group changed so often.
    fn of(groups: Vec<(usize, PvGroup)>, changes: &[u64], alter: impl FnOnce(&mut ClientSpec)) -> Expected {
        let pvs = groups.iter().map(|g| g.0).sum();
        let pacing = Some(Pacing::FixedDelay { period: Span::from_millis(9) });
        let mut client = example::client("c", Fetch::Batch, pacing, pvs);
        alter(&mut client);
        let scenario = example::scenario(groups, vec![client.clone()]);
        let achieved = Achieved {
            intervals: Intervals::constant(10.0 * MS),
            round_trip_ns: Some(MS),
            changes_of_group: changes.to_vec(),
            time: Span::from_secs(10),
        };
        expected(&scenario, &client, &achieved)
    }

    fn close(found: Option<f64>, wanted: f64) {
        assert!(found.is_some_and(|found| (found - wanted).abs() < 1e-9 * wanted.abs().max(1.0)), "{found:?} {wanted}");
    }

    #[test]
    fn groups_weigh_by_gets_and_changes() {
        // Two PVs that never change, six every 100 ms, two every 5 ms.
        let groups = vec![(2, example::group(Change::Still)), (6, periodic(100)), (2, periodic(5))];
        let expected = of(groups, &[0, 600, 4000], |_| {});
        close(expected.redundant_fraction, (2.0 + 6.0 * 0.9) / 10.0);
        close(expected.missed_fraction, 2000.0 / 4600.0);
        close(expected.notice_mean_ns, 5.5 * MS);
        close(expected.notice_band_ns.map(|b| b.0), MS);
    }

    #[test]
    fn the_rate_that_was_seen_counts() {
        let expected = of(vec![(10, periodic(100))], &[500], |_| {});
        close(expected.redundant_fraction, 0.95);
    }

    #[test]
    fn only_the_pvs_looked_at_count() {
        let ms = Span::from_millis;
        let point = |at| (ms(at), 0.0);
        let points = vec![vec![point(0), point(400)], vec![], vec![point(7)]];
        let trace = example::group(Change::Trace { file: "t".into(), length: ms(1000), points });
        // The third PV changes once a second, the second never.
        let expected = of(vec![(3, trace.clone())], &[10], |client| client.pvs.retain(|pv| pv.0 > 0));
        close(expected.redundant_fraction, (1.0 + 0.99) / 2.0);
        close(expected.missed_fraction, 0.0);
        let nothing = of(vec![(3, trace)], &[0], |client| client.pvs.retain(|pv| pv.0 == 1));
        assert_eq!((nothing.redundant_fraction, nothing.missed_fraction), (Some(1.0), None));
    }

    #[test]
    fn where_theory_ends() {
        let ten = || vec![(10, periodic(100))];
        let backoff = Pacing::Backoff { first: Span::from_millis(1), last: Span::from_millis(9) };
        let hybrid = Pacing::Hybrid { sleep: Span::from_millis(9) };
        for pacing in [backoff, hybrid] {
            assert_eq!(of(ten(), &[1000], |client| client.pacing = Some(pacing)), Expected::default());
        }
        let cached = of(ten(), &[1000], |client| client.fetch = Fetch::Cached);
        assert_eq!(cached.redundant_fraction, None);
        close(cached.missed_fraction, 0.0);
        close(cached.notice_mean_ns, 5.0 * MS);
        let held_back = vec![(10, PvGroup { mdel: Some(1.0), ..periodic(100) })];
        let held_back = of(held_back, &[500], |_| {});
        assert_eq!(
            (held_back.redundant_fraction, held_back.missed_fraction, held_back.age_mean_ns),
            (None, None, None)
        );
        close(held_back.notice_mean_ns, 5.5 * MS);
        let posted = vec![(10, PvGroup { mdel: Some(0.5), ..periodic(100) })];
        close(of(posted, &[1000], |_| {}).redundant_fraction, 0.9);
    }

    #[test]
    fn a_monitor_misses_nothing_as_long_as_it_keeps_up() {
        let monitor = |work: u64| {
            of(vec![(10, periodic(100))], &[1000], |client| {
                client.fetch = Fetch::Monitor;
                client.pacing = None;
                client.service_time = Span::from_millis(work);
            })
        };
        for work in [0, 9] {
            assert_eq!(monitor(work), Expected { missed_fraction: Some(0.0), ..Expected::default() });
        }
        assert_eq!(monitor(11), Expected::default());
    }
}
