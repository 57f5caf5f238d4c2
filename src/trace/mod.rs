//! The recorded facts of a run. Everything else is derived from them by pure functions.

pub mod age;
pub mod anchor;
pub mod audit;
pub mod by_pv;
pub mod emission;
pub mod failure;
pub mod floor;
pub mod histogram;
pub mod host;
pub mod interpreter;
pub mod loss;
pub mod observation;
pub mod pairing;
pub mod probe;
pub mod request;
pub mod segment;

pub use by_pv::{ByPv, EmissionIndex};
pub use emission::Emission;
pub use failure::Failure;
pub use floor::Floor;
pub use host::Host;
pub use interpreter::Interpreter;
pub use loss::Loss;
pub use observation::Observation;
pub use probe::ProbeRun;
pub use request::{LedgerRow, Request};
pub use segment::{ClientTally, IocTally, Outage, Segment, Window};

use crate::scenario::model::Scenario;

/// Everything that one run recorded: live, simulated or loaded from disk, it is the same type.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What was run.
    pub scenario: Scenario,
    /// Every change that the IOC made visible, by repeat; within a repeat in the order of posting.
    pub emissions: Vec<Vec<Emission>>,
    /// One for each client and repeat that was measured, in the order of running.
    pub segments: Vec<Segment>,
    /// One for each probe and repeat that went to its end, in the order of running.
    pub probes: Vec<ProbeRun>,
}
