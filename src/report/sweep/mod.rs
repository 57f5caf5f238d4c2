//! Sweeps: the index of a sweep's folder, what its cells came to, and where a callback becomes cheaper.

pub mod break_even;
pub mod index;
pub mod survey;
pub mod view;

pub use index::{Foreseen, IndexError, Indexed, SweepIndex, index_of};
pub use survey::{CellFound, Survey};
pub use view::{Quantity, View};
