//! The only code that touches the operating system.
#![allow(clippy::disallowed_methods, reason = "this is the room for clocks, sleeps, files and sockets")]

mod attend;
pub mod catalogue;
mod circuits;
pub mod client_child;
mod client_files;
pub mod client_process;
#[cfg(test)]
mod client_tests;
pub mod clock;
pub mod compare;
pub mod connect;
pub mod control;
mod datagrams;
pub mod dial;
pub mod doctor;
pub mod draw;
pub mod drive;
mod emit;
mod facts_file;
pub mod fetch;
pub mod files;
pub mod finder;
mod from_facts;
pub mod history_figures;
pub mod hog;
pub mod host;
pub mod interleave;
pub mod ioc_alone;
pub mod ioc_child;
pub mod ioc_process;
pub mod ioc_report;
pub mod listen;
pub mod live;
mod long_table;
#[cfg(test)]
mod loopback;
pub mod merge;
pub mod meter;
mod metered;
pub mod net;
pub mod network;
pub mod predict;
mod probe;
pub mod process;
pub mod progress;
pub mod python;
pub mod recording;
pub mod redraw;
pub mod report_files;
pub mod request;
pub mod run;
pub mod runs;
pub mod series;
mod series_report;
pub mod serve;
pub mod session;
pub mod simulation;
pub mod steady;
pub mod sweep;
pub mod sweep_folder;
pub mod timer;

pub use report_files::report_files;
