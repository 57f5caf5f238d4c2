//! What is told of a live run while it goes, and what it came to.

use thiserror::Error;

use super::super::process::ProcessError;
use crate::time::Span;
use crate::trace::{Emission, Failure, Observation, ProbeRun, Segment, Trace};

/// What happens in a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The clients of one group start.
    Started {
        /// Indices of the clients that run now.
        clients: &'a [usize],
        /// From 0.
        repeat: u32,
        /// How long until their windows and drains are over, about.
        expected: Span,
    },
    /// A probe starts.
    Probing {
        /// Index of the probe.
        probe: usize,
        /// From 0.
        repeat: u32,
    },
    /// A probe went to its end.
    Probed {
        /// What it found.
        run: &'a ProbeRun,
    },
    /// A probe yielded nothing in this repeat.
    ProbeFailed {
        /// Index of the probe.
        probe: usize,
        /// From 0.
        repeat: u32,
        /// Why.
        why: &'a str,
    },
    /// One client has been measured.
    Measured {
        /// Its facts.
        segment: &'a Segment,
        /// What the IOC posted since the last such event of this repeat.
        emissions: &'a [Emission],
        /// All that has been recorded until now, this segment included.
        trace: &'a Trace,
        /// What went wrong until now.
        failures: &'a [Failure],
    },
    /// One client yielded nothing that can be summed up.
    Failed {
        /// Index of the client.
        client: usize,
        /// From 0.
        repeat: u32,
        /// Why.
        why: String,
        /// What it recorded all the same.
        observations: &'a [Observation],
        /// What the IOC posted since the last such event of this repeat.
        emissions: &'a [Emission],
    },
}

/// Why a run ended before its time.
#[derive(Debug, Error)]
pub enum RunError {
    /// The IOC failed.
    #[error(transparent)]
    Ioc(#[from] ProcessError),
    /// A consumer of the events could not go on: results could not be saved.
    #[error("results could not be saved: {0}")]
    Save(String),
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// All that was recorded and can be summed up.
    pub trace: Trace,
    /// Clients that failed, and the IOC if it did.
    pub failures: Vec<Failure>,
    /// Whether a person ended it early.
    pub interrupted: bool,
}

/// A consumer of events; what it returns as an error ends the run.
pub type Listener<'a> = &'a mut dyn FnMut(Event<'_>) -> Result<(), String>;
