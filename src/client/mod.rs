//! The client side of Channel Access and the strategies under test, as state machines: no sockets, no clock, no threads.

pub mod pacing;
pub mod search;
