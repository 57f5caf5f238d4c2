//! How a simulated client polls: rounds, sleeps and askings, as `io::drive` does them live.

use super::client::{Client, SHORTEST_ROUND, Stage};
use super::server::{Ask, Server};
use crate::client::poller::Action;
use crate::scenario::model::Fetch;
use crate::time::Tick;

impl Client {
    /// Goes on with the rounds at `at`.
    pub(super) fn poll(&mut self, at: Tick, server: &mut Server) {
        let end = self.notes.end();
        if at >= end {
            self.over = true;
            return;
        }
        let Some(poller) = &mut self.poller else { return };
        match poller.next(at) {
            Action::WaitUntil(due) => {
                self.stage = Stage::Sleeping;
                self.timer = due.min(end).max(at) + self.model.timer.draw(&mut self.random);
            }
            Action::Ask { which, starts_round } => {
                if starts_round {
                    self.notes.tally.round_started(at);
                }
                self.which = which;
                self.asked = at;
                self.fetch(at, server);
            }
        }
    }

    /// Asks for the PVs that are due.
    pub(super) fn fetch(&mut self, at: Tick, server: &mut Server) {
        if let Some(cut) = self.line.cut.filter(|_| self.setup.fetch != Fetch::Cached) {
            return self.lose(at.max(cut), server);
        }
        let count = self.which.len() as u64;
        match self.setup.fetch {
            Fetch::Serial | Fetch::Batch | Fetch::Monitor if !self.line.shortcuts.is_empty() => {
                self.stage = Stage::Asking;
                let arrival = self.departure(at, self.model.costs.client_get * count / 2);
                server.ask(self.place, arrival, Ask::Gets(self.which.clone()));
            }
            Fetch::Serial | Fetch::Batch | Fetch::Monitor => self.request(at, server),
            Fetch::Cached => {
                let end = self.work(at, self.model.costs.client_read * count).max(at + SHORTEST_ROUND);
                self.note(end, false);
                self.stage = Stage::Running;
                self.timer = end;
            }
            Fetch::Connect => self.seek(at, server),
        }
    }

    /// Makes the requests, with their bytes.
    pub(super) fn request(&mut self, at: Tick, server: &mut Server) {
        self.stage = Stage::Asking;
        let Some(circuit) = &mut self.line.circuit else { return };
        for channel in self.line.channels[self.which.clone()].iter().flatten() {
            if let Err(error) = circuit.get(channel.id, channel.dbr, channel.count) {
                return self.fail(error.to_string());
            }
        }
        self.flush(at, self.model.costs.client_get * self.which.len() as u64 / 2, server);
    }

    /// All replies of an asking are there.
    pub(super) fn replied(&mut self, at: Tick, server: &mut Server) {
        let count = self.which.len() as u64;
        let received = self.work(at, self.model.costs.client_get * count / 2).max(self.asked + SHORTEST_ROUND);
        self.note(received, true);
        if self.setup.fetch == Fetch::Connect {
            self.disconnect(received, server);
        }
        self.poll(received, server);
    }

    /// Writes down the values of an asking that is over.
    fn note(&mut self, received: Tick, requested: bool) {
        let tally = &mut self.notes.tally;
        tally.answered(self.asked, received);
        let mut news = false;
        for index in self.which.clone() {
            let note = if requested {
                tally.got(index, self.values[index], self.asked, received)
            } else {
                tally.read(index, self.values[index], self.asked, received)
            };
            self.notes.observations.extend(note.record);
            news |= note.news;
        }
        let Some(poller) = &mut self.poller else { return };
        poller.answered(received, news);
        if poller.rounds() > 0 {
            self.notes.is_ready(received);
        }
    }
}
