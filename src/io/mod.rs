//! The only code that touches the operating system.
#![allow(clippy::disallowed_methods, reason = "this is the room for clocks, sleeps, files and sockets")]

pub mod client_child;
pub mod clock;
pub mod control;
pub mod draw;
pub mod ioc_child;
pub mod meter;
pub mod process;
pub mod progress;
pub mod recording;
pub mod run;
pub mod timer;
