//! A client's connection to the IOC: what is under way on it, and what the client knows of its channels.

use super::pipe::Pipe;
use crate::client::{ChannelId, Circuit};
use crate::ioc::CircuitId;
use crate::ioc::shortcut::Shortcut;
use crate::time::Tick;

/// An open channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    pub(super) id: ChannelId,
    /// The DBR code that the client asks for.
    pub(super) dbr: u16,
    pub(super) count: u32,
}

/// The connection.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The client's end.
    pub(super) circuit: Option<Circuit>,
    /// The IOC's end.
    pub(super) id: Option<CircuitId>,
    pub(super) channels: Vec<Option<Channel>>,
    /// Gets without bytes, one for each channel, where the simulation makes them so.
    pub(super) shortcuts: Vec<Shortcut>,
    /// To the IOC.
    pub(super) up: Pipe,
    /// To the client.
    pub(super) down: Pipe,
    /// The IOC has more to send than the sockets take.
    pub(super) stuck: bool,
    /// The IOC closed it: when the end of the stream arrives at the client.
    pub(super) cut: Option<Tick>,
}

impl Line {
    /// Before it is connected; so many channels will be asked for.
    pub(super) fn new(channels: usize) -> Line {
        Line { channels: vec![None; channels], ..Line::default() }
    }

    /// Bytes to the client that it has not read.
    pub(super) fn unread(&self) -> usize {
        self.down.held()
    }

    /// What has come to the IOC by `now`.
    pub(super) fn take_sent(&mut self, now: Tick) -> Vec<u8> {
        let mut bytes = vec![0; self.up.held()];
        let count = self.up.read(now, &mut bytes);
        bytes.truncate(count);
        bytes
    }

    /// Puts what the client has to say on its way, to arrive at `arrival`; whether there was anything.
    pub(super) fn flush(&mut self, arrival: Tick) -> bool {
        let Some(circuit) = &mut self.circuit else { return false };
        let count = circuit.to_send().len();
        self.up.push(arrival, circuit.to_send());
        circuit.sent(count);
        count > 0
    }
}
