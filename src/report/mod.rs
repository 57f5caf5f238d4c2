//! What a run came to, for people and for programs.

pub mod csv;
pub mod document;
