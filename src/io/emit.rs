//! The thread that makes the changes, each at its absolute instant.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::serve::Shared;
use super::{clock, timer};
use crate::ioc::CircuitId;
use crate::time::{Span, Tick};

/// Changes that are made under one hold of the lock, when so many are due at once, before any of them is sent: 200 that were due together
/// were all received within 0.15 ms that way, sent one by one the last took 2 ms.
const BURST: usize = 256;
/// A deadline further off than this is waited for where a new schedule can interrupt.
const FAR: Span = Span::from_millis(20);
/// Such a wait ends this long before the deadline: the rest is slept precisely.
const LEAD: Span = Span::from_millis(2);

/// Wakes the emitter from a long wait.
#[derive(Debug, Default)]
pub(super) struct Wake {
    state: Mutex<WakeState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct WakeState {
    /// Counts schedules.
    generation: u64,
    stop: bool,
}

impl Wake {
    fn state(&self) -> MutexGuard<'_, WakeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is a new schedule.
    pub(super) fn wake(&self) {
        self.state().generation += 1;
        self.changed.notify_all();
    }

    /// The thread is to end.
    pub(super) fn stop(&self) {
        self.state().stop = true;
        self.changed.notify_all();
    }

    /// Which schedule is the current one; `None`: the thread is to end.
    fn generation(&self) -> Option<u64> {
        let state = self.state();
        (!state.stop).then_some(state.generation)
    }

    /// Waits until there is another schedule than `known`, or at most until `limit`.
    fn wait(&self, known: u64, limit: Option<Tick>) {
        let mut state = self.state();
        while state.generation == known && !state.stop {
            let Some(limit) = limit else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = limit.saturating_since(clock::now());
            if left == Span::ZERO {
                return;
            }
            let waited = self.changed.wait_timeout(state, Duration::from_nanos(left.0));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Makes changes until it is told to stop.
pub(super) fn run(shared: &Shared) {
    let mut listed = Vec::new();
    while let Some(generation) = shared.wake.generation() {
        let due = shared.core_first().ioc.next_due();
        match due {
            None => shared.wake.wait(generation, None),
            Some(due) if due > clock::now() + FAR => shared.wake.wait(generation, Some(due - LEAD)),
            Some(due) => {
                timer::sleep_until(due - shared.spin);
                while clock::now() < due {
                    std::hint::spin_loop();
                }
                make_changes(shared, &mut listed);
            }
        }
    }
}

/// Makes what is due, and then sends it.
fn make_changes(shared: &Shared, listed: &mut Vec<CircuitId>) {
    let mut core = shared.core_first();
    let Some(mut posted) = core.post_due() else { return };
    for _ in 1..BURST {
        let Some(at) = core.post_due() else { break };
        posted = at;
    }
    core.ioc.take_listed(listed);
    // The lock is given up between circuits: with a thousand of them nobody else would get an answer meanwhile.
    for id in listed.drain(..) {
        core.pump_other(id, posted);
        drop(core);
        core = shared.core_first();
    }
    core.look_after(posted);
}
