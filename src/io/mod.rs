//! The only code that touches the operating system.
#![allow(clippy::disallowed_methods, reason = "this is the room for clocks, sleeps, files and sockets")]

pub mod clock;
pub mod control;
pub mod recording;
pub mod timer;
