//! The floor in short form: what every run measures of its machine before it starts, in less than a second.

use super::{Series, Stop, clocks, load, series, timers, wire};
use crate::doctor::{FLOOR_SLEEP, Method, quantiles};
use crate::time::Span;
use crate::trace::Floor;
use crate::trace::floor::AtPeriod;

const SLEEPS: usize = 100;
const PUSHES: [Series; 2] = [series(Span::from_millis(1), 200), series(Span::from_millis(10), 20)];
const ROUND_TRIPS: [Series; 2] = [series(Span::from_millis(10), 20), series(Span::ZERO, 500)];

/// Measures it. What could not be had is named with its reason.
#[must_use]
pub fn floor(stop: &Stop) -> (Floor, Vec<String>) {
    let watch = load::Watch::start();
    let mut missing = Vec::new();
    let sleep = timers::lateness(Method::Absolute, FLOOR_SLEEP, SLEEPS, Span::ZERO, stop);
    let sleep = sleep.map_err(|why| missing.push(format!("sleep: {why}"))).ok();
    let mut kept = |what: &str, series: &[Series], measure: fn(Span, usize, &Stop) -> std::io::Result<Vec<Span>>| {
        let mut all = Vec::new();
        for one in series {
            match measure(one.period, one.count, stop) {
                Ok(took) => all.extend(quantiles(&took).map(|took| AtPeriod { period_ns: one.period, took })),
                Err(error) => missing.push(format!("{what}: {error}")),
            }
        }
        all
    };
    let push = kept("push", &PUSHES, wire::push);
    let round_trip = kept("round trip", &ROUND_TRIPS, wire::round_trip);
    let load = watch.load();
    let permille = |percent: Option<f64>| percent.map(|p| (p * 10.0).round() as u64);
    let floor = Floor {
        sleep: sleep.as_deref().and_then(quantiles),
        push,
        round_trip,
        clock_read_ps: Some(clocks::read_ps()),
        others_permille: permille(load.others_percent),
        steal_permille: permille(load.steal_percent),
    };
    (floor, missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_learns_of_its_floor() {
        let (floor, missing) = floor(&Stop::default());
        assert_eq!(missing, Vec::<String>::new());
        let periods = |of: &[AtPeriod]| of.iter().map(|at| at.period_ns.0).collect::<Vec<_>>();
        assert_eq!(
            (periods(&floor.push), periods(&floor.round_trip)),
            (vec![1_000_000, 10_000_000], vec![10_000_000, 0])
        );
        assert!(floor.push.iter().chain(&floor.round_trip).all(|at| at.took.p50_ns.is_some()), "{floor:?}");
        assert!(floor.sleep.is_some_and(|s| s.n == SLEEPS as u64) && floor.clock_read_ps.is_some());
    }
}
