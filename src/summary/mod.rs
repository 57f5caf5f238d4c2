//! The derived numbers of a run: one summary for each client, with intervals, expected values and warnings.

pub mod by_repeat;
pub mod checks;
mod combine;
#[cfg(test)]
pub(crate) mod example;
pub mod expected;
pub mod finding;
pub mod measured;
pub mod model;
pub mod near_floor;
pub mod notes;
pub mod probes;
pub mod strategy;
mod summarise;

pub use by_repeat::OfRepeat;
pub use finding::Finding;
pub use measured::{Measured, Stretch};
pub use model::{ClientSummary, Expected, Latency, Summary, Warning};
pub use near_floor::{FloorOf, floor_of, near_floor};
pub use notes::notes;
pub use probes::{ProbeSummary, summarise_probes};
pub use summarise::{summarise, summarise_measured};
