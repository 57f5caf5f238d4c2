//! What does polling cost, against being called back?
//!
//! # Layout
//! Facts flow one way: a scenario is run and yields a [`trace::Trace`] of plain facts; everything else is
//! derived from the trace by pure functions.
//!
//! - [`time`], [`pv`]: instants, spans, names, values.
//! - [`ca`]: Channel Access, bytes to messages and back; no I/O.
//! - [`scenario`]: an experiment, parsed and believed.
//! - [`trace`]: the recorded facts.
//! - [`doctor`]: what a machine can measure.
//! - [`stats`], [`theory`], [`summary`]: derived numbers, each with its interval and its expected value.
//! - [`expect`]: whether what a scenario expects holds, by those intervals.
//! - [`report`]: tables, sentences and files as bytes.
//! - [`report`]: figures, tables and words.
//! - [`io`]: the only room that touches the operating system.
//! - [`cli`]: arguments to requests, errors to messages and exit codes.

// A closed terminal or pipe ends nothing: `io::remark`, and `cli` for what was asked for.
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

pub mod ca;
pub mod cli;
pub mod client;
pub mod compare;
pub mod doctor;
pub mod expect;
pub mod io;
pub mod ioc;
pub mod pv;
pub mod report;
pub mod scenario;
pub mod simulate;
pub mod stats;
pub mod summary;
pub mod theory;
pub mod time;
pub mod trace;
