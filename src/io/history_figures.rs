//! The figures of a history, as files.

use std::path::Path;

use thiserror::Error;

use super::draw::{DrawError, Style, figure_files};
use super::files::{FileError, write_files};
use crate::compare::Metric;
use crate::compare::history::History;
use crate::report::figures;
use crate::report::palette::Theme;

/// Why figures are not there.
#[derive(Debug, Error)]
pub enum HistoryFiguresError {
    /// One cannot be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// One cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

/// Writes a figure for each metric of the history.
///
/// # Errors
/// When one cannot be drawn or written.
pub fn write(folder: &Path, found: &History) -> Result<(), HistoryFiguresError> {
    let drawn: Vec<_> = Metric::ALL.into_iter().filter_map(|metric| figures::history(found, metric).ok()).collect();
    Ok(write_files(folder, &figure_files(&drawn, &Style::screen(Theme::Light))?)?)
}
