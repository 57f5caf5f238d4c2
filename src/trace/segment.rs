//! One client in one repeat: its window, what it saw, what it cost.

use hdrhistogram::Histogram;

use serde::{Deserialize, Serialize};

use super::{LedgerRow, Loss, Observation, Request};
use crate::time::{Span, Tick};

/// The measuring window and the drain after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Emissions posted from here on count.
    pub open: Tick,
    /// Emissions posted before this count.
    pub close: Tick,
    /// The client went on until here, so that the last changes could be noticed.
    pub end: Tick,
}

impl Window {
    /// Whether an instant is in the window (the drain is not).
    #[must_use]
    pub fn contains(&self, at: Tick) -> bool {
        self.open <= at && at < self.close
    }

    /// How long the window was.
    #[must_use]
    pub fn length(&self) -> Span {
        self.close.saturating_since(self.open)
    }
}

/// What a client counted itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientTally {
    /// Gets over the whole life of the client: must equal the ledger's total. `None`: a program of another make that does not say.
    pub requests: Option<u64>,
    /// Of these, redundant: must equal the ledger's total.
    pub redundant: Option<u64>,
    /// Monitor updates received over the whole life, initial events included.
    pub updates: Option<u64>,
    /// Intervals between the starts of successive poll rounds in the window, in ns.
    #[serde(with = "super::histogram")]
    pub periods: Histogram<u64>,
    /// Mean of those intervals in ns, exact (a histogram rounds); `None` when there is none.
    pub mean_period_ns: Option<f64>,
    /// From asking to having, for each asking in the window, in ns: a whole round of a batch, each single get otherwise.
    #[serde(with = "super::histogram")]
    pub round_trips: Histogram<u64>,
    /// Mean of the round trips in ns, exact.
    pub mean_round_trip_ns: Option<f64>,
    /// Values whose `seq` could not be told (narrow types that wrapped more than once).
    pub ambiguous: u64,
    /// Observations that did not fit the recording.
    pub overflowed: u64,
    /// When it was without its IOC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
}

/// The IOC's count for one client over the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IocTally {
    /// Bytes from the client.
    pub bytes_in: u64,
    /// Bytes to the client.
    pub bytes_out: u64,
    /// Circuits that the client opened over its whole life.
    pub circuits: u64,
    /// When the IOC was away, if it was restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
}

impl IocTally {
    /// Adds the count for another copy of the client.
    pub fn add(&mut self, other: &IocTally) {
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.circuits += other.circuits;
        self.outage = self.outage.or(other.outage);
    }
}

/// When an IOC that was restarted was away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// No change was posted from here on, no request answered, and all circuits were closed.
    pub down: Tick,
    /// It listened again.
    pub up: Tick,
}

/// One client in one repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Index into the scenario's clients.
    pub client: usize,
    /// From 0.
    pub repeat: u32,
    /// When it was measured.
    pub window: Window,
    /// When the changes of its PVs began: what was posted before was made for another client.
    pub begun: Tick,
    /// From the start of the client's process to its having a first value of every PV.
    pub connect: Option<Span>,
    /// Processor time of the client's process in the window.
    pub cpu_client: Option<Span>,
    /// Processor time of the IOC's process in the window.
    pub cpu_ioc: Option<Span>,
    /// Processor time of all other processes of the host in the window.
    pub cpu_others: Option<Span>,
    /// Processor time that the hypervisor gave to others in the window.
    pub steal: Option<Span>,
    /// Voluntary context switches of the client in the window.
    pub wakeups: Option<u64>,
    /// What was new to the client (everything with `facts = "full"`), in the order of receiving.
    pub observations: Vec<Observation>,
    /// The IOC's count, one row for each PV that the client touched, in the order of PVs.
    pub ledger: Vec<LedgerRow>,
    /// The IOC's count over all PVs.
    pub ioc: IocTally,
    /// With `facts = "full"`: every request.
    pub requests: Vec<Request>,
    /// What the client counted itself.
    pub tally: Option<Box<ClientTally>>,
    /// What the client or the harness wants the reader to know about this segment.
    pub warnings: Vec<String>,
}
