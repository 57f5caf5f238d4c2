//! The client side of Channel Access and the strategies under test, as state machines: no sockets, no clock, no threads.

pub mod circuit;
pub mod event;
pub mod flow;
pub mod identifier;
pub mod pacing;
pub mod poller;
pub mod search;
pub mod tally;

pub use circuit::{Circuit, Identity, Silence};
pub use event::{ChannelId, CircuitError, Data, Event, RequestError, RequestId, SubscriptionId};

#[cfg(test)]
mod joined;
