//! A number with what is known about its uncertainty.

use serde::{Deserialize, Serialize};

/// A quantity over repeats: the unit of replication is the repeat, a process started afresh.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub point: f64,
    /// 95 % interval over repeats, low and high; `None` with fewer than two repeats.
    pub interval: Option<(f64, f64)>,
    /// How many repeats it rests on.
    pub n: u32,
}
