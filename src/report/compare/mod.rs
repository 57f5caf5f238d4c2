//! A comparison for its readers: a terminal, a page, a CI server.

pub mod github;
pub mod history;
pub mod junit;
pub mod markdown;
pub mod text;
mod words;
#[cfg(test)]
mod tests;
