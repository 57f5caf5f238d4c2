//! Which results lie so close to what the machine can do at best that they tell of the machine, not of the client.

use super::{ClientSummary, Summary, Warning};
use crate::scenario::model::Scenario;
use crate::time::Span;
use crate::trace::Floor;

/// A median notice latency up to this many times the floor's is near it.
const NEAR: u64 = 2;
/// Load of others while the floor was measured that makes it doubtful, in thousandths of a core; the same for stolen time.
const BUSY_PERMILLE: u64 = 100;
const STOLEN_PERMILLE: u64 = 10;

/// Warnings that hold a run's numbers against the floor of its machine.
#[must_use]
pub fn near_floor(scenario: &Scenario, summary: &Summary, floor: &Floor) -> Vec<Warning> {
    let near: Vec<String> = summary
        .clients
        .iter()
        .filter_map(|client| {
            let p50 = Span(client.notice.p50_ns?.point.max(0.0).round() as u64);
            let at = floor_of(scenario, &client.name, floor).filter(|at| at.is_near(client))?;
            Some(format!("{} ({p50}; the floor at one message in {} is {})", client.name, at.period, at.push))
        })
        .collect();
    let at_floor = (!near.is_empty()).then(|| Warning {
        client: None,
        what: format!(
            "near or below the floor, what one message takes to a waiting thread on this machine: the median notice latency of {}",
            near.join(", ")
        ),
        advice: "differences of this size are the machine's, not the strategy's; `pollcost doctor` measures the floor at length"
            .to_owned(),
    });
    let dirty = |permille: Option<u64>, bound: u64| permille.filter(|p| *p >= bound).map(|p| p as f64 / 10.0);
    let told = |what: String| Warning {
        client: None,
        what,
        advice: "the floor in host.floor is too high by that; end what else runs and measure again".to_owned(),
    };
    let others = dirty(floor.others_permille, BUSY_PERMILLE)
        .map(|percent| told(format!("other processes used {percent} % of a core while the floor was measured")));
    let steal = dirty(floor.steal_permille, STOLEN_PERMILLE).map(|percent| {
        told(format!("the hypervisor gave {percent} % of a core to others while the floor was measured"))
    });
    at_floor.into_iter().chain(others).chain(steal).collect()
}

/// The floor of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloorOf {
    /// The measured period that is closest to the client's time between changes.
    pub period: Span,
    /// What a message takes to a waiting thread at this period, in the median.
    pub push: Span,
}

impl FloorOf {
    /// Whether the median of a client is so low that it tells of the machine.
    #[must_use]
    pub fn is_near(&self, client: &ClientSummary) -> bool {
        client.notice.p50_ns.is_some_and(|p50| p50.point <= (self.push * NEAR).0 as f64)
    }
}

/// The floor at the time between changes of the PVs that a client looks at; `None` where either is not known.
#[must_use]
pub fn floor_of(scenario: &Scenario, client: &str, floor: &Floor) -> Option<FloorOf> {
    let (period, push) = floor.push_p50(interval_of(scenario, client)?)?;
    Some(FloorOf { period, push })
}

/// Mean time between changes of any PV that a client looks at.
#[must_use]
pub fn interval_of(scenario: &Scenario, client: &str) -> Option<Span> {
    let client = scenario.clients.iter().find(|c| c.name == client)?;
    let groups = client.pvs.iter().filter_map(|pv| scenario.groups.get(scenario.pvs.get(pv.index())?.group));
    let rate: f64 = groups.filter_map(|group| group.change.mean_rate_hz()).sum();
    (rate > 0.0).then(|| Span::from_secs_f64(1.0 / rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::{Change, Fetch};
    use crate::stats::Estimate;
    use crate::summary::{example, summarise};
    use crate::trace::Trace;
    use crate::trace::floor::{AtPeriod, Quantiles};

    /// Ten PVs of 10 Hz, so one message in 10 ms, and a client with this median.
    fn warned(p50_us: f64, floor: &Floor) -> Vec<String> {
        let change = Change::Periodic { interval: Span::from_millis(100) };
        let scenario = example::scenario(
            vec![(10, example::group(change))],
            vec![example::client("monitor", Fetch::Monitor, None, 10)],
        );
        let emissions = example::posted(10, 100_000_000, 6_000_000_000, 7);
        let segment = example::segment(0, 0, 1_000_000_000, 2_000_000_000, 2_200_000_000);
        let segments = vec![example::push(segment, &emissions, 60_000)];
        let trace = Trace { scenario, emissions: vec![emissions], segments, probes: Vec::new() };
        let mut summary = summarise(&trace, &[]);
        summary.clients[0].notice.p50_ns =
            Some(Estimate { point: p50_us * 1e3, ..summary.clients[0].notice.p50_ns.unwrap() });
        near_floor(&trace.scenario, &summary, floor).into_iter().map(|w| w.what).collect()
    }

    fn floor() -> Floor {
        let at = |ms, us| AtPeriod {
            period_ns: Span::from_millis(ms),
            took: Quantiles { n: 100, p50_ns: Some(Span::from_micros(us)), ..Quantiles::default() },
        };
        Floor { push: vec![at(1, 10), at(10, 40)], ..Floor::default() }
    }

    #[test]
    fn a_median_within_twice_the_floor_of_its_cadence_is_told() {
        assert_eq!(warned(80.1, &floor()), Vec::<String>::new());
        let [what] = <[String; 1]>::try_from(warned(80.0, &floor())).unwrap();
        assert!(what.ends_with("monitor (80 µs; the floor at one message in 10 ms is 40 µs)"), "{what}");
        assert_eq!(warned(1.0, &Floor::default()), Vec::<String>::new());
    }

    #[test]
    fn a_floor_that_was_disturbed_is_told() {
        let disturbed = |others, steal| {
            warned(500.0, &Floor { others_permille: Some(others), steal_permille: Some(steal), ..floor() })
        };
        assert_eq!(disturbed(99, 9), Vec::<String>::new());
        assert_eq!(
            disturbed(431, 10),
            [
                "other processes used 43.1 % of a core while the floor was measured",
                "the hypervisor gave 1 % of a core to others while the floor was measured"
            ]
        );
    }
}
