//! The simulated IOC, without any I/O.

pub mod generator;
pub mod schedule;
mod seed;
pub mod signal;

#[cfg(test)]
mod fixture;
