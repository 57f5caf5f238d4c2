//! How a simulated client takes updates: a thread that reads, hands over each update, and looks whether there is more.

use super::agenda::NEVER;
use super::client::{Client, Stage, carried, refused};
use super::server::Server;
use crate::client::Event;
use crate::client::flow::READ_BYTES;
use crate::scenario::model::Fetch;
use crate::time::{Span, Tick};

impl Client {
    /// The reading thread goes on at `now`: it was woken by bytes, or has done with those before.
    pub(super) fn listen(&mut self, now: Tick, server: &mut Server) {
        let mut at = if self.last_read.is_none() { self.wake(now) } else { now };
        loop {
            let more = self.line.down.arrival().is_some_and(|arrival| arrival <= at);
            if let Some(bytes) = self.last_read.take()
                && let Some(on) = self.flow.after_read(bytes, more)
            {
                self.control_flow(on, at, server);
            }
            if !more {
                return self.wait_or_lose(at, server);
            }
            let done = match self.take_updates(at) {
                Ok(done) => done,
                Err(why) => return self.fail(why),
            };
            self.make_room(at, server);
            if self.over {
                return;
            }
            if done > at {
                self.reader = done;
                return;
            }
            at = done;
        }
    }

    /// Asks the IOC to send updates, or to hold them back.
    fn control_flow(&mut self, on: bool, at: Tick, server: &mut Server) {
        if let Some(circuit) = &mut self.line.circuit {
            circuit.events(on);
        }
        self.flush(at, Span::ZERO, server);
    }

    /// One read, and the callback on each of its updates: when the last is over.
    fn take_updates(&mut self, at: Tick) -> Result<Tick, String> {
        // Taken out so that an update may borrow its bytes while it is written down.
        let Some(mut circuit) = self.line.circuit.take() else { return Ok(NEVER) };
        let room = circuit.spare();
        let length = room.len().min(READ_BYTES);
        let count = self.line.down.read(at, &mut room[..length]);
        circuit.filled(count);
        self.last_read = Some(count);
        // The bytes are moved before there is a value: of an array that is most of what there is to do.
        let mut now = self.work(at, self.model.costs.moving(count));
        let mut taken = Ok(());
        loop {
            match circuit.next_event() {
                Ok(None) => break,
                Ok(Some(Event::Update { tag, data, .. })) => {
                    let cost = self.model.costs.client_update;
                    now = self.updated(tag as usize, carried(data), now, cost);
                    if self.over {
                        break;
                    }
                }
                Ok(Some(other)) => taken = refused(other),
                Err(error) => taken = Err(error.to_string()),
            }
            if taken.is_err() {
                break;
            }
        }
        self.line.circuit = Some(circuit);
        taken.map(|()| now)
    }

    /// The callback: when it returns.
    fn updated(&mut self, index: usize, value: Option<f64>, received: Tick, cost: Span) -> Tick {
        if self.setup.fetch == Fetch::Cached {
            return self.copied(index, value, received, cost);
        }
        let note = self.notes.tally.updated(index, value, received);
        self.notes.keep(note);
        if self.notes.tally.without_first() == 0 {
            self.notes.is_ready(received);
        }
        self.over |= received >= self.notes.end();
        let done = self.work(received, cost);
        let service = self.setup.service_time;
        if service == Span::ZERO {
            return done;
        }
        // It sleeps until an absolute instant.
        let woken = done.max(received + service) + self.model.timer.draw(&mut self.random);
        self.wake(woken)
    }

    /// An update of what the client keeps a copy of.
    fn copied(&mut self, index: usize, value: Option<f64>, received: Tick, cost: Span) -> Tick {
        self.updates += 1;
        let done = self.work(received, cost);
        if let Some(place) = self.values.get_mut(index) {
            *place = value;
        }
        if let Some(filled) = self.filled.get_mut(index).filter(|filled| !**filled) {
            *filled = true;
            self.unfilled -= 1;
            if self.unfilled == 0 && self.stage == Stage::Filling {
                self.stage = Stage::Running;
                self.timer = done;
            }
        }
        done
    }
}
