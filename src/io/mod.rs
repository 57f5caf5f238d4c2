//! The only code that touches the operating system.
#![allow(clippy::disallowed_methods, reason = "this is the room for clocks, sleeps, files and sockets")]

mod circuits;
pub mod client_child;
pub mod clock;
pub mod connect;
pub mod control;
mod datagrams;
mod emit;
pub mod files;
pub mod finder;
pub mod ioc_alone;
pub mod ioc_child;
pub mod ioc_process;
pub mod ioc_report;
pub mod listen;
pub mod meter;
pub mod net;
pub mod network;
pub mod process;
pub mod progress;
pub mod recording;
pub mod request;
pub mod run;
pub mod serve;
pub mod session;
pub mod timer;
