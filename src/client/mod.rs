//! The client side of Channel Access and the strategies under test, as state machines: no sockets, no clock, no threads.
//!
//! - [`search`] finds servers, [`circuit`] speaks with one; both take bytes and give bytes.
//! - [`poller`] says when to ask for what: a fetch and a [`pacing`]. [`flow`] is the flow control of a monitor.
//! - [`tally`] is what a client notes of the values that it gets, and what it counts; [`lines`] is the same of another program.
//!
//! `io::drive` joins them to sockets and a clock.

pub mod circuit;
pub mod event;
pub mod flow;
pub mod identifier;
pub mod lines;
pub mod pacing;
pub mod poller;
pub mod search;
pub mod tally;

pub use circuit::{Circuit, Identity, Silence};
pub use event::{ChannelId, CircuitError, Data, Event, RequestError, RequestId, SubscriptionId};

#[cfg(test)]
mod joined;
