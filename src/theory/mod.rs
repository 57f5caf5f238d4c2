//! Expected values: what a poller should measure, given its intervals and how the PVs change.

pub mod cost;
pub mod distribution;
pub mod intervals;
pub mod prediction;
pub mod process;

pub use cost::Costs;
pub use intervals::Intervals;
pub use prediction::{Notice, Prediction, notice, predict};
pub use process::Process;
