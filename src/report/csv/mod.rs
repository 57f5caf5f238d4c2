//! The tables of a run folder as bytes, and back.
//!
//! Nothing here opens a file: rows go to any writer and come from any reader. Columns are found by their place; columns after
//! those that are known are passed over, so that later versions may add some.

pub mod block;
pub mod facts;
pub mod ledger;
pub mod probes;
pub mod rows;
pub mod summary;

pub use rows::{CsvError, Names};
