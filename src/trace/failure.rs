//! What was to be measured and could not be.

use serde::{Deserialize, Serialize};

/// One thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The client, or `None` for the IOC.
    pub client: Option<String>,
    /// From 0.
    pub repeat: u32,
    /// Why.
    pub why: String,
}
