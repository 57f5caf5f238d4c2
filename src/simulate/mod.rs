//! A scenario in virtual time: the IOC and the clients of a live run, joined by a link model on a host model.
//!
//! Nothing here waits: whatever happens next happens at once, at its own instant. The state machines are the very ones that real
//! sockets drive (`ioc`, `client`); what this room adds is when each thread runs and how long a message is under way.
//! Everything follows from the scenario, its seed and the models, so two simulations of the same are the same to the last bit.

mod agenda;
mod assembly;
pub mod budget;
mod calculated;
mod client;
mod connecting;
mod delay;
mod examined;
pub mod forecast;
mod gauge;
mod group;
mod line;
mod listening;
mod losing;
pub mod model;
mod notes;
mod pipe;
mod polling;
mod recorded;
mod server;

pub use assembly::{Assembly, Offset};
pub use budget::{Budget, Verdict};
pub use calculated::calculated;
pub use delay::{Delay, Samples};
pub use examined::ExaminedError;
pub use forecast::{Forecast, Spread};
pub use gauge::{Unwatched, Watcher};
pub use group::{Group, Messages, Simulated};
pub use model::{Link, Model};
pub use recorded::RecordedError;

#[cfg(test)]
mod tests;
