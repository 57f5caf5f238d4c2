//! What a run came to, for people and for programs: tables, figures as data and their layout, and the report as HTML and Markdown.
//!
//! Nothing here draws or writes: [`crate::io::draw`] turns figures into files.

pub mod article;
mod axes;
mod cells;
pub mod compare;
pub mod comparison;
pub mod content;
pub mod csv;
pub mod dashboard;
pub mod document;
pub mod doubts;
pub mod examination;
pub mod excerpt;
pub mod figure;
pub mod figures;
pub mod forecast;
pub mod grids;
pub mod html;
pub mod interpreters;
mod latex;
pub mod layout;
mod legend;
pub mod markdown;
mod marker;
pub mod number;
pub mod overview;
pub mod page;
pub mod palette;
pub mod parquet;
mod place;
pub mod profile;
mod prose;
pub mod scale;
pub mod scene;
pub mod sentence;
mod series;
mod setup;
pub mod sweep;
#[cfg(test)]
pub(crate) mod synthetic;
pub mod table;
pub mod text;
pub mod verdicts;
pub mod warned;
