//! The only code that touches the operating system.
#![allow(clippy::disallowed_methods, reason = "this is the room for clocks, sleeps, files and sockets")]

pub mod client_child;
pub mod client_process;
pub mod clock;
pub mod connect;
pub mod control;
pub mod drive;
pub mod fetch;
pub mod files;
pub mod finder;
pub mod host;
pub mod ioc_child;
pub mod meter;
pub mod net;
pub mod network;
pub mod process;
pub mod progress;
pub mod recording;
pub mod request;
pub mod run;
pub mod runs;
pub mod session;
pub mod timer;
