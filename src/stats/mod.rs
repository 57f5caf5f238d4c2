//! Statistics of the derived numbers: estimates with intervals, histograms, bootstrap.

pub mod estimate;

pub use estimate::Estimate;
