//! Exit codes: what scripts rely on.

/// Done; nothing regressed, all expectations hold.
pub const DONE: u8 = 0;
/// A regression, or an expectation that does not hold.
pub const REGRESSED: u8 = 1;
/// Bad usage or bad input; the message names the place.
pub const BAD_INPUT: u8 = 2;
/// Inconclusive: the runs cannot tell.
pub const INCONCLUSIVE: u8 = 3;
/// The measurement failed or is not valid; what was recorded is kept.
pub const FAILED: u8 = 4;
/// Interrupted; what was recorded is kept and reported.
pub const INTERRUPTED: u8 = 130;

/// The codes as the help text tells them.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done; nothing regressed, all expectations hold
  1    a regression, or an expectation that does not hold
  2    bad usage or bad input (scenario, file, option): the message names the place
  3    inconclusive: the runs cannot tell
  4    the measurement failed or is not valid; what was recorded is kept
  130  interrupted; what was recorded is kept and reported";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_code() {
        for code in [DONE, REGRESSED, BAD_INPUT, INCONCLUSIVE, FAILED, INTERRUPTED] {
            assert!(HELP.lines().any(|line| line.split_whitespace().next() == Some(&code.to_string())), "{code}");
        }
    }
}
