//! What the machine of a run could do at best: the floor under its numbers.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// A sample of durations, summed up. A percentile is `None` where fewer than 10 samples lie beyond it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Samples.
    pub n: u64,
    /// The shortest.
    pub least_ns: Span,
    /// Median.
    pub p50_ns: Option<Span>,
    /// 90th percentile.
    pub p90_ns: Option<Span>,
    /// 99th percentile.
    pub p99_ns: Option<Span>,
    /// The longest.
    pub most_ns: Span,
}

/// A duration that depends on how long the machine was left idle before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtPeriod {
    /// From one to the next; zero: back to back.
    pub period_ns: Span,
    /// How long it took.
    pub took: Quantiles,
}

/// The floor in short form, as a run keeps it: `pollcost doctor` measures more, and longer.
///
/// What could not be measured is absent; [`super::Host::unavailable`] says why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Floor {
    /// How much later than asked a thread runs after an absolute `clock_nanosleep` of 1 ms, with a timer slack of 1 ns.
    pub sleep: Option<Quantiles>,
    /// One-way push on a TCP loopback connection with the size of a monitor update: from before the write to after the read of
    /// a thread that waited for it.
    pub push: Vec<AtPeriod>,
    /// Round trip with the sizes of a get and its reply.
    pub round_trip: Vec<AtPeriod>,
    /// Mean time that a read of the clock takes, in picoseconds.
    pub clock_read_ps: Option<u64>,
    /// Processor time that other processes used meanwhile, in thousandths of one core.
    pub others_permille: Option<u64>,
    /// Processor time that the hypervisor gave to others meanwhile, in thousandths of one core.
    pub steal_permille: Option<u64>,
}

impl Floor {
    /// The median one-way push where changes come at this interval: of the measured period that is closest in ratio.
    #[must_use]
    pub fn push_p50(&self, interval: Span) -> Option<(Span, Span)> {
        let distance = |at: &&AtPeriod| {
            let (a, b) = (at.period_ns.0.max(1) as f64, interval.0.max(1) as f64);
            (a / b).ln().abs()
        };
        let known = self.push.iter().filter(|at| at.took.p50_ns.is_some());
        let closest = known.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        Some((closest.period_ns, closest.took.p50_ns?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_that_of_the_closest_cadence() {
        let at = |period, p50: Option<u64>| AtPeriod {
            period_ns: Span::from_millis(period),
            took: Quantiles { n: 100, p50_ns: p50.map(Span::from_micros), ..Quantiles::default() },
        };
        let floor = Floor { push: vec![at(1, Some(20)), at(10, Some(40)), at(100, None)], ..Floor::default() };
        let push = |ms| floor.push_p50(Span::from_millis(ms)).map(|(period, p50)| (period.0 / 1_000_000, p50.0 / 1000));
        assert_eq!((push(0), push(1), push(3)), (Some((1, 20)), Some((1, 20)), Some((1, 20))));
        assert_eq!((push(4), push(100), push(100_000)), (Some((10, 40)), Some((10, 40)), Some((10, 40))));
        assert_eq!(Floor::default().push_p50(Span::from_millis(1)), None);
    }

    #[test]
    fn it_is_read_back() {
        let took = Quantiles { n: 3, least_ns: Span(1), most_ns: Span(9), ..Quantiles::default() };
        let floor = Floor {
            push: vec![AtPeriod { period_ns: Span(5), took }],
            clock_read_ps: Some(20_000),
            ..Floor::default()
        };
        let text = serde_json::to_string(&floor).unwrap();
        assert_eq!(serde_json::from_str::<Floor>(&text).unwrap(), floor);
    }
}
