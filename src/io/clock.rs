//! Reading the clocks.

use nix::time::{ClockId, clock_gettime};

use crate::time::{Tick, WallClock};

fn nanos(clock: ClockId) -> u64 {
    // clock_gettime fails only for a clock that does not exist, and these two always do.
    clock_gettime(clock).map_or(0, |t| (t.tv_sec().cast_unsigned()) * 1_000_000_000 + t.tv_nsec().cast_unsigned())
}

/// Now, on `CLOCK_MONOTONIC`: the one clock that everything is measured with.
#[must_use]
pub fn now() -> Tick {
    Tick(nanos(ClockId::CLOCK_MONOTONIC))
}

/// How `CLOCK_REALTIME` stands to [`now`] at this moment.
#[must_use]
pub fn wall() -> WallClock {
    let before = now();
    let posix = nanos(ClockId::CLOCK_REALTIME);
    let after = now();
    let middle = before.0 + (after.0 - before.0) / 2;
    WallClock { posix_nanos_at_zero: posix.saturating_sub(middle) }
}
