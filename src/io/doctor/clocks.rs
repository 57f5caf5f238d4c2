//! Resolution of the clocks and the cost of reading them.

use std::hint::black_box;

use nix::time::{ClockId, clock_getres};
use nix::unistd::{SysconfVar, sysconf};

use crate::doctor::Clocks;
use crate::io::{clock, meter};
use crate::time::Span;

/// Reads in one timed batch.
const READS: u64 = 2_000;
/// Batches; the fastest is told: what is slower was disturbed.
const BATCHES: usize = 9;
/// Steps looked at.
const STEPS: usize = 2_000;

pub(super) fn clocks() -> Clocks {
    let pid = std::process::id();
    let cpu = || meter::cpu_time(pid);
    Clocks {
        stated_ns: resolution(ClockId::CLOCK_MONOTONIC),
        smallest_step_ns: smallest_step(|| Some(Span(clock::now().0))),
        read_ps: Some(read_ps()),
        cpu_step_ns: smallest_step(cpu),
        cpu_read_ps: cpu().map(|_| {
            cost(|| {
                black_box(cpu());
            })
        }),
        proc_tick_ns: sysconf(SysconfVar::CLK_TCK)
            .ok()
            .flatten()
            .filter(|hz| *hz > 0)
            .map(|hz| Span(1_000_000_000 / hz.unsigned_abs())),
        usual_slack_ns: nix::sys::prctl::get_timerslack().ok().and_then(|ns| u64::try_from(ns).ok()).map(Span),
    }
}

/// Mean time of a read of the clock, in picoseconds.
pub(super) fn read_ps() -> u64 {
    cost(|| {
        black_box(clock::now());
    })
}

/// The resolution that the kernel states for a clock.
pub(super) fn resolution(clock: ClockId) -> Option<Span> {
    let step = clock_getres(clock).ok()?;
    Some(Span(u64::try_from(step.tv_sec()).ok()? * 1_000_000_000 + u64::try_from(step.tv_nsec()).ok()?))
}

/// The smallest step between two reads that differ.
fn smallest_step(read: impl Fn() -> Option<Span>) -> Option<Span> {
    let mut last = read()?;
    let mut smallest = None;
    for _ in 0..STEPS {
        let now = read()?;
        if let Some(step) = now.0.checked_sub(last.0).filter(|step| *step > 0) {
            smallest = Some(smallest.map_or(step, |least: u64| least.min(step)));
        }
        last = now;
    }
    smallest.map(Span)
}

/// Time of one operation in picoseconds: the mean of the fastest batch.
fn cost(operation: impl Fn()) -> u64 {
    let batch = |_| {
        let start = clock::now();
        (0..READS).for_each(|_| operation());
        clock::now().saturating_since(start).0 * 1000 / READS
    };
    (0..BATCHES).map(batch).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_measured_against_itself() {
        let clocks = clocks();
        assert!(clocks.stated_ns.is_some() && clocks.read_ps.is_some_and(|ps| ps > 0), "{clocks:?}");
        // A step cannot be shorter than the clock states, nor than nothing.
        assert!(clocks.smallest_step_ns >= clocks.stated_ns, "{clocks:?}");
        assert!(clocks.cpu_step_ns < clocks.proc_tick_ns, "{clocks:?}");
    }

    #[test]
    fn a_clock_that_stands_has_no_step() {
        assert_eq!(smallest_step(|| Some(Span(7))), None);
        assert_eq!(smallest_step(|| None), None);
    }
}
