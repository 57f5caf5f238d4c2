//! Sleeping to an absolute instant, on the calling thread.

use nix::sys::prctl;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

use crate::time::Tick;

/// Sleeps until `deadline`; returns at once when it has passed.
pub fn sleep_until(deadline: Tick) {
    let seconds = (deadline.0 / 1_000_000_000).cast_signed();
    let nanos = (deadline.0 % 1_000_000_000).cast_signed();
    let request = TimeSpec::new(seconds, nanos);
    // EINTR: a signal came; the deadline is absolute, so the same call goes on.
    while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &request)
        == Err(nix::Error::EINTR)
    {}
}

/// Asks the kernel not to delay this thread's wake-ups in order to group them: 1 ns instead of the usual 50 µs.
/// Threads started afterwards inherit it. Returns whether the kernel agreed.
pub fn sharpen() -> bool {
    prctl::set_timerslack(1).is_ok()
}
