//! How a simulated client loses its IOC, and comes back: as `io::dial` does live.

use super::agenda::NEVER;
use super::client::{Client, Letter, Stage};
use super::line::Line;
use super::server::Server;
use crate::client::flow::FlowControl;
use crate::scenario::model::Fetch;
use crate::time::Tick;
use crate::trace::Loss;

/// What a client sees of it.
const WHY: &str = "the simulated IOC closed the circuit";

impl Client {
    /// The IOC closes its circuits at `at`.
    pub(super) fn cut(&mut self, at: Tick) {
        if self.line.id.take().is_none() {
            return;
        }
        let way = if self.subscribed { self.model.push.draw(&mut self.random) } else { self.back };
        // The end comes after all bytes that were sent.
        self.line.cut = Some((at + way).max(self.line.down.last_arrival()));
        self.line.shortcuts.clear();
        self.line.stuck = false;
        let reads = self.subscribed || matches!(self.dialling(), Stage::Creating | Stage::Asking);
        if reads && self.reader == NEVER {
            self.wait_for_bytes();
        }
    }

    /// Nobody listens where it wanted to connect.
    pub(super) fn refused(&mut self, at: Tick) {
        self.receive(Letter::Refused, at);
    }

    /// Waits for bytes, unless the end of the stream is all that there was.
    pub(super) fn wait_or_lose(&mut self, at: Tick, server: &mut Server) {
        if self.has_ended(at) { self.lose(at, server) } else { self.wait_for_bytes() }
    }

    /// Whether the end of the stream is all that there is.
    pub(super) fn has_ended(&self, at: Tick) -> bool {
        self.line.cut.is_some_and(|cut| cut <= at) && self.line.down.arrival().is_none()
    }

    /// It notices that its circuit is gone, and looks for the IOC.
    pub(super) fn lose(&mut self, at: Tick, server: &mut Server) {
        if self.notes.ready.is_none() {
            return self.fail("the IOC went away before the first values".to_owned());
        }
        self.lost.get_or_insert(at);
        self.line = Line::new(self.setup.pvs.len());
        self.flow = FlowControl::new(self.setup.payload_limit);
        self.subscribed = false;
        self.last_read = None;
        self.reader = NEVER;
        if self.setup.fetch == Fetch::Cached {
            // The thread that reads the copy goes on beside it.
            self.redial = Some((Stage::Searching, NEVER));
        }
        self.seek(at, server);
    }

    /// It has its channels again; whether it had lost them.
    pub(super) fn came_back(&mut self, at: Tick) -> bool {
        let Some(lost) = self.lost.take() else { return false };
        self.notes.tally.lost(Loss { lost, back: Some(at), why: WHY.to_owned() });
        true
    }

    /// A loss that it did not come back from.
    pub(super) fn still_lost(&self) -> Option<Loss> {
        self.lost.map(|lost| Loss { lost, back: None, why: WHY.to_owned() })
    }

    /// Where the thread that finds the IOC and opens channels is.
    pub(super) fn dialling(&self) -> Stage {
        self.redial.map_or(self.stage, |(stage, _)| stage)
    }

    /// That thread is there now, and goes on by itself at `timer`.
    pub(super) fn dial(&mut self, stage: Stage, timer: Tick) {
        match &mut self.redial {
            Some(place) => *place = (stage, timer),
            None => (self.stage, self.timer) = (stage, timer),
        }
    }

    /// When it goes on by itself where it is not the main thread.
    pub(super) fn redial_at(&self) -> Tick {
        self.redial.map_or(NEVER, |(_, timer)| timer)
    }
}
