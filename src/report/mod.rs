//! What a run came to, for people: figures as data, their layout, and the report as HTML and Markdown.
//!
//! Nothing here draws or writes: [`crate::io::draw`] turns figures into files.

pub mod figure;
pub mod figures;
pub mod layout;
mod legend;
mod marker;
pub mod number;
pub mod palette;
mod place;
pub mod scale;
pub mod scene;
mod series;
#[cfg(test)]
pub(crate) mod synthetic;
pub mod text;
