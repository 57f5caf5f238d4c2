//! The derived numbers of a run: one summary for each client, with intervals, expected values and warnings.

pub mod model;

pub use model::{ClientSummary, Expected, Latency, Summary, Warning};
