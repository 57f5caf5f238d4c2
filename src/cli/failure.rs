//! Why a command could not be done: a message, what would be right, and an exit code.

use std::fmt;

use super::exit;
use crate::scenario::{OverrideError, ScenarioError};

/// Why a command could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One of [`super::exit`].
    pub exit: u8,
    /// What is wrong, and where.
    pub message: String,
    /// What would be right; may be empty.
    pub advice: String,
}

impl Failure {
    /// Bad usage or bad input: exit code 2.
    #[must_use]
    pub fn bad_input(message: impl Into<String>, advice: impl Into<String>) -> Failure {
        Failure { exit: exit::BAD_INPUT, message: message.into(), advice: advice.into() }
    }

    /// The measurement failed: exit code 4.
    #[must_use]
    pub fn measurement(message: impl Into<String>, advice: impl Into<String>) -> Failure {
        Failure { exit: exit::FAILED, message: message.into(), advice: advice.into() }
    }

    /// As it is printed; on a terminal its first words may be coloured.
    #[must_use]
    pub fn told(&self, colour: bool) -> String {
        let text = self.to_string();
        if !colour {
            return text;
        }
        let painted = text.lines().map(|line| {
            let word = |word: &str, code: &str| {
                line.strip_prefix(word).map(|rest| format!("\u{1b}[1;{code}m{word}\u{1b}[0m{rest}"))
            };
            word("error:", "31").or_else(|| word("help:", "36")).unwrap_or_else(|| line.to_owned())
        });
        painted.collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\nhelp: {}", self.advice) }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Failure {
        Failure::bad_input(error.to_string(), "")
    }
}

impl From<OverrideError> for Failure {
    fn from(error: OverrideError) -> Failure {
        Failure::bad_input(error.to_string(), error.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_its_first_words() {
        let failure = Failure::bad_input("the help: line", "do this");
        assert_eq!(failure.told(false), "error: the help: line\nhelp: do this");
        let painted = "\u{1b}[1;31merror:\u{1b}[0m the help: line\n\u{1b}[1;36mhelp:\u{1b}[0m do this";
        assert_eq!(failure.told(true), painted);
    }
}
