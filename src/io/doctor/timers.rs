//! How much later than asked a thread runs, for four ways to wait.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::Stop;
use crate::doctor::Method;
use crate::io::{clock, timer};
use crate::time::{Span, Tick};

/// Waits `count` times for `asked`, on a thread of its own, after a first wait of `offset`; the time by which each wait was longer.
/// Ends early when it is told to stop.
///
/// # Errors
/// Why this way to wait is not to be had.
pub fn lateness(method: Method, asked: Span, count: usize, offset: Span, stop: &Stop) -> Result<Vec<Span>, String> {
    let stop = stop.clone();
    let thread = std::thread::spawn(move || {
        if method != Method::Sleep && !timer::sharpen() {
            return Err("the kernel does not let a thread choose its timer slack".to_owned());
        }
        timer::sleep_until(clock::now() + offset);
        sample(method, asked, count, &stop)
    });
    thread.join().unwrap_or_else(|_| Err("its thread ended early".to_owned()))
}

fn sample(method: Method, asked: Span, count: usize, stop: &Stop) -> Result<Vec<Span>, String> {
    let duration = Duration::from_nanos(asked.0);
    match method {
        Method::Sleep => repeat(asked, count, stop, |_| {
            std::thread::sleep(duration);
            Ok(())
        }),
        Method::Absolute => repeat(asked, count, stop, |deadline| {
            timer::sleep_until(deadline);
            Ok(())
        }),
        Method::Timerfd => {
            let fd = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC).map_err(|e| e.to_string())?;
            repeat(asked, count, stop, |deadline| {
                let at = TimeSpec::from_duration(Duration::from_nanos(deadline.0));
                fd.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME).map_err(|e| e.to_string())?;
                fd.wait().map_err(|e| e.to_string())
            })
        }
        Method::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let runtime = runtime.map_err(|e| e.to_string())?;
            repeat(asked, count, stop, |_| {
                // The timer is registered with the runtime that polls it.
                runtime.block_on(async { tokio::time::sleep(duration).await });
                Ok(())
            })
        }
    }
}

fn repeat(
    asked: Span,
    count: usize,
    stop: &Stop,
    mut wait: impl FnMut(Tick) -> Result<(), String>,
) -> Result<Vec<Span>, String> {
    let mut late = Vec::with_capacity(count);
    while late.len() < count && !stop.is_set() {
        let deadline = clock::now() + asked;
        wait(deadline)?;
        late.push(clock::now().saturating_since(deadline));
    }
    Ok(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_waits_at_least_as_long_as_asked() {
        let asked = Span::from_millis(2);
        for method in Method::ALL {
            let before = clock::now();
            let late = lateness(method, asked, 5, Span::ZERO, &Stop::default()).unwrap();
            assert_eq!(late.len(), 5);
            assert!(clock::now().saturating_since(before) >= asked * 5, "{method:?}");
        }
    }

    #[test]
    fn it_ends_when_told() {
        let stop = Stop::default();
        stop.set();
        assert_eq!(lateness(Method::Absolute, Span::from_secs(1), 1000, Span::ZERO, &stop), Ok(Vec::new()));
    }
}
