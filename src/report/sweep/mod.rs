//! Sweeps: the index of a sweep's folder, what its cells came to, and where a callback becomes cheaper.

pub mod break_even;
pub mod contour;
#[cfg(test)]
pub(crate) mod example;
pub mod index;
pub mod page;
pub mod ruler;
pub mod survey;
pub mod view;
mod words;

pub use index::{Foreseen, IndexError, Indexed, SweepIndex, index_of};
pub use page::SweepReport;
pub use survey::{CellFound, Pages, Part, Survey};
pub use view::{Held, Quantity, View};
