//! The times that a client was without its IOC.

use serde::{Deserialize, Serialize};

use crate::time::{Span, Tick};

/// A client lost a circuit, and was back or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// When the client noticed. It may have got nothing for a while before.
    pub lost: Tick,
    /// When all its channels were open again; `None`: its time was over first.
    pub back: Option<Tick>,
    /// What it saw of it.
    pub why: String,
}

impl Loss {
    /// How long it was away, for one that came back.
    #[must_use]
    pub fn length(&self) -> Option<Span> {
        self.back.map(|back| back.saturating_since(self.lost))
    }
}
