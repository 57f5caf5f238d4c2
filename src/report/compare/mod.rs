//! A comparison for its readers: a terminal, a page, a CI server.

pub mod github;
pub mod history;
pub mod junit;
pub mod markdown;
#[cfg(test)]
mod tests;
pub mod text;
mod words;
