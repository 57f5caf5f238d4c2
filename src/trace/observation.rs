//! Values that a client got.

use serde::{Deserialize, Serialize};

use crate::pv::{PvId, Seq};
use crate::time::Tick;

/// One value as the client's own code had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The PV.
    pub pv: PvId,
    /// The change that the value carried.
    pub seq: Seq,
    /// The instant before the request left; `None` for a callback.
    pub asked: Option<Tick>,
    /// Read once, first thing when the client's own code had the value.
    pub received: Tick,
    /// Whether it is the client's first value of this PV: it only tells what the client started with.
    pub first: bool,
    /// Which copy of the client, from 0.
    pub copy: u32,
}
