//! Changes that the IOC made.

use serde::{Deserialize, Serialize};

use crate::pv::{PvId, Seq};
use crate::time::Tick;

/// One change of one PV, recorded by the IOC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emission {
    /// The PV that changed.
    pub pv: PvId,
    /// The number of the change, from 1 for each PV and repeat.
    pub seq: Seq,
    /// The scheduled instant.
    pub due: Tick,
    /// Read just before the new value became visible to any client.
    pub posted: Tick,
}
