//! What a simulated client writes down, and what it used.

use crate::client::tally::{Note, Tally};
use crate::time::{Span, Tick};
use crate::trace::{Observation, Window};

use super::agenda::NEVER;

/// One client's notebook and meters.
#[derive(Debug)]
pub(super) struct Notes {
    pub(super) tally: Tally,
    /// Kept until they have been measured.
    pub(super) observations: Vec<Observation>,
    /// When it had a first value of every PV.
    pub(super) ready: Option<Tick>,
    pub(super) meter: Meter,
    /// Blocked and woken in the window.
    pub(super) wakeups: u64,
    end: Tick,
}

impl Notes {
    pub(super) fn new(tally: Tally) -> Notes {
        Notes { tally, observations: Vec::new(), ready: None, meter: Meter::default(), wakeups: 0, end: NEVER }
    }

    /// The window is known.
    pub(super) fn set_window(&mut self, window: Window) {
        self.tally.set_window(window);
        self.meter.window = Some(window);
        self.end = window.end;
    }

    /// When the client's time is over.
    pub(super) fn end(&self) -> Tick {
        self.end
    }

    /// Writes down what is to be recorded; whether it was news.
    #[inline]
    pub(super) fn keep(&mut self, note: Note) -> bool {
        self.observations.extend(note.record);
        note.news
    }

    /// A thread of the client had blocked and runs again.
    pub(super) fn woke(&mut self, at: Tick) {
        self.wakeups += u64::from(self.meter.counts(at));
    }

    /// The client has a first value of every PV.
    pub(super) fn is_ready(&mut self, at: Tick) {
        self.ready.get_or_insert(at);
    }
}

/// Processor time in the window.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) window: Option<Window>,
    pub(super) used: Span,
}

impl Meter {
    fn counts(&self, at: Tick) -> bool {
        self.window.is_some_and(|window| window.contains(at))
    }

    /// Work of `cost` starts at `at`: when it ends, if it keeps its thread `busy`.
    #[inline]
    pub(super) fn work(&mut self, at: Tick, cost: Span, busy: bool) -> Tick {
        if self.counts(at) {
            self.used += cost;
        }
        if busy { at + cost } else { at }
    }
}
