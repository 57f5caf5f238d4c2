//! Whether one run is worse than another: what may be compared, from which values, and with which verdict.
//!
//! Counters come first, times second. A verdict needs a practical minimum effect and an interval without "no change" in it,
//! corrected for the number of metrics; `docs/comparison.md` tells why, and how often it errs.

pub mod baseline;
pub mod decide;
pub mod exact;
pub mod history;
pub mod metric;
pub mod outcome;
pub mod policy;
pub mod sameness;
#[cfg(test)]
pub(crate) mod tests;
mod times;

pub use baseline::Baseline;
pub use decide::compare;
pub use metric::Metric;
pub use outcome::{Comparison, Row, Verdict};
pub use policy::Policy;
