//! Words for whoever watches.

use std::fmt::Display;
use std::io::Write;

/// Writes a line to standard error. A terminal or pipe that is closed meanwhile ends nothing.
pub(super) fn remark(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
