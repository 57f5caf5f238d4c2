//! An experiment, parsed and believed: PVs and how they change, clients and how they ask, the measuring window.
//!
//! A scenario is a TOML file. [`read`] turns its text into a [`model::Scenario`] in which every value has been checked, or
//! says for each fault where it is, what is wrong and what would be right. Nothing here opens a file: the text of a scenario
//! and of the CSV files that it names comes from the caller.

pub mod catalogue;
mod change;
mod client_block;
mod difference;
pub mod duration;
pub(crate) mod expect_block;
pub mod expectation;
pub mod library;
mod library_block;
pub mod metric;
pub mod model;
pub mod overrides;
pub mod pattern;
pub mod plan;
pub mod probe;
mod probe_block;
pub(crate) mod problem;
mod pv_block;
mod read;
pub(crate) mod section;
pub mod shard;
pub mod sweep;
mod sweep_block;
mod trace_file;

pub use catalogue::{BUILT_IN, BuiltIn};
pub use difference::difference;
pub use overrides::{OverrideError, Overrides};
pub use problem::{Problem, ScenarioError, nearest};
pub use read::{LoadedText, Source, read, read_sweep};
