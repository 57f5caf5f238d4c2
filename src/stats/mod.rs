//! Statistics of the derived numbers: estimates with intervals over repeats, distributions and their percentiles.

pub mod change_points;
pub mod course;
pub mod distribution;
pub mod estimate;
pub mod interval;
pub mod kolmogorov;
pub mod pairs;
pub mod slope;
pub mod two_samples;

pub use distribution::Distribution;
pub use estimate::Estimate;
