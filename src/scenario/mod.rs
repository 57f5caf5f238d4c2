//! An experiment, parsed and believed: PVs and how they change, clients and how they ask, the measuring window.

pub mod model;
