//! What the operations of client and IOC cost in processor time.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// Processor time of each operation, in ns.
///
/// [`Costs::TYPICAL`] are round numbers from runs of this program's own client and IOC on small Linux servers. They differ from
/// machine to machine by a factor of two or three; those of a given machine come from a run made there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    /// The IOC's network side wakes up, reads what came, and sends what it answered.
    pub ioc_wakeup: Span,
    /// The IOC answers one get.
    pub ioc_get: Span,
    /// The IOC's emitter wakes up for changes that are due.
    pub ioc_emitter: Span,
    /// The IOC changes one PV.
    pub ioc_change: Span,
    /// The IOC sends what a change set off to one client.
    pub ioc_send: Span,
    /// The IOC queues and writes one update.
    pub ioc_update: Span,
    /// A client falls asleep and wakes up, for a timer or for bytes.
    pub client_wakeup: Span,
    /// A client sends one flush of requests.
    pub client_send: Span,
    /// A client makes one request and takes its reply.
    pub client_get: Span,
    /// A client takes one update.
    pub client_update: Span,
    /// A client looks at one value of its own copy.
    pub client_read: Span,
    /// Either end moves 1000 bytes of payload.
    pub kilobyte: Span,
}

impl Costs {
    /// Round numbers of a small Linux server.
    pub const TYPICAL: Costs = Costs {
        ioc_wakeup: Span(10_000),
        ioc_get: Span(120),
        ioc_emitter: Span(12_000),
        ioc_change: Span(500),
        ioc_send: Span(8_000),
        ioc_update: Span(300),
        client_wakeup: Span(10_000),
        client_send: Span(4_000),
        client_get: Span(120),
        client_update: Span(300),
        client_read: Span(20),
        kilobyte: Span(200),
    };

    /// Nothing costs anything.
    pub const NONE: Costs = Costs {
        ioc_wakeup: Span::ZERO,
        ioc_get: Span::ZERO,
        ioc_emitter: Span::ZERO,
        ioc_change: Span::ZERO,
        ioc_send: Span::ZERO,
        ioc_update: Span::ZERO,
        client_wakeup: Span::ZERO,
        client_send: Span::ZERO,
        client_get: Span::ZERO,
        client_update: Span::ZERO,
        client_read: Span::ZERO,
        kilobyte: Span::ZERO,
    };

    /// Moving so many bytes.
    #[must_use]
    pub fn moving(&self, bytes: usize) -> Span {
        Span(self.kilobyte.0.saturating_mul(bytes as u64) / 1000)
    }
}

impl Default for Costs {
    fn default() -> Costs {
        Costs::TYPICAL
    }
}
