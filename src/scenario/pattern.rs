//! PV names by the dozen: `TEST:CALC{00000..00999}`.

use thiserror::Error;

use crate::pv::{PvName, PvNameError};

/// The most PVs that a scenario may hold.
pub const MAX_PVS: u64 = 1_000_000;
/// The most bytes that the names of one pattern may take together.
const MAX_NAME_BYTES: u128 = 64 << 20;

/// A PV name with any number of zero-padded ranges in it. Braces without `..` are part of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Range { low: u64, high: u64, width: usize },
}

/// Why a text is not a pattern of PV names.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PatternError {
    /// `{` without `}`.
    #[error("the brace that opens in {0:?} is not closed")]
    Unclosed(String),
    /// `{..5}`, `{a..b}`.
    #[error("{0:?} is not a range of numbers")]
    NotARange(String),
    /// `{9..0}`.
    #[error("the range {0:?} runs backwards")]
    Backwards(String),
    /// `{08..120}`.
    #[error("the two ends of {0:?} are not padded to the same width")]
    Padding(String),
    /// More names than a scenario may hold.
    #[error("the pattern stands for {0} names, more than {MAX_PVS}")]
    TooMany(u128),
    /// Long names, and many of them.
    #[error("the pattern stands for {names} names of up to {bytes} letters, more than 64 MiB of text")]
    TooLong {
        /// How many.
        names: u128,
        /// Bytes of the longest.
        bytes: usize,
    },
    /// What it stands for is no PV name.
    #[error(transparent)]
    Name(#[from] PvNameError),
}

impl PatternError {
    /// What would be right.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            PatternError::TooMany(_) | PatternError::TooLong { .. } => "shorten a range",
            PatternError::Name(_) => "a name such as \"TEST:CALC\", or with a range \"TEST:CALC{000..099}\"",
            _ => "a range is two numbers of the same width, both included, such as \"TEST:CALC{000..099}\"",
        }
    }
}

impl NamePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When a range is malformed or runs backwards, when it stands for more than [`MAX_PVS`] names, or for no PV name.
    pub fn parse(text: &str) -> Result<NamePattern, PatternError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let Some(length) = rest[open..].find('}') else {
                return Err(PatternError::Unclosed(rest[open..].chars().take(40).collect()));
            };
            let braced = &rest[open..=open + length];
            literal.push_str(&rest[..open]);
            match parse_range(braced)? {
                Some(range) => parts.extend([Part::Text(std::mem::take(&mut literal)), range]),
                None => literal.push_str(braced),
            }
            rest = &rest[open + length + 1..];
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        let pattern = NamePattern { parts };
        pattern.check()?;
        Ok(pattern)
    }

    /// The longest name must be a name, and there must not be too many.
    fn check(&self) -> Result<(), PatternError> {
        let mut last = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => last.push_str(text),
                Part::Range { high, width, .. } => last.push_str(&format!("{high:0width$}")),
            }
        }
        PvName::new(&last)?;
        match self.count() {
            count if count > u128::from(MAX_PVS) => Err(PatternError::TooMany(count)),
            names if names * last.len() as u128 > MAX_NAME_BYTES => {
                Err(PatternError::TooLong { names, bytes: last.len() })
            }
            _ => Ok(()),
        }
    }

    fn count(&self) -> u128 {
        self.parts.iter().fold(1u128, |count, part| match part {
            Part::Text(_) => count,
            Part::Range { low, high, .. } => count.saturating_mul(u128::from(high - low) + 1),
        })
    }

    /// The names, the last range running fastest.
    ///
    /// # Errors
    /// When one of them is no PV name.
    pub fn names(&self) -> Result<Vec<PvName>, PatternError> {
        let mut texts = vec![String::new()];
        for part in &self.parts {
            texts = match part {
                Part::Text(text) => texts.into_iter().map(|t| t + text).collect(),
                Part::Range { low, high, width } => {
                    texts.iter().flat_map(|t| (*low..=*high).map(move |n| format!("{t}{n:0width$}"))).collect()
                }
            };
        }
        Ok(texts.iter().map(|t| PvName::new(t)).collect::<Result<_, _>>()?)
    }
}

/// `{low..high}`; `None` when it is a piece of a name, as in `SR:C30{BPM:1}`.
fn parse_range(braced: &str) -> Result<Option<Part>, PatternError> {
    let inner = &braced[1..braced.len() - 1];
    let Some((low, high)) = inner.split_once("..") else { return Ok(None) };
    let number = |digits: &str| {
        let fine = !digits.is_empty() && digits.len() <= 18 && digits.bytes().all(|b| b.is_ascii_digit());
        fine.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let shown = || braced.chars().take(40).collect::<String>();
    let (Some(from), Some(to)) = (number(low), number(high)) else { return Err(PatternError::NotARange(shown())) };
    if from > to {
        return Err(PatternError::Backwards(shown()));
    }
    let padded = |digits: &str| digits.len() > 1 && digits.starts_with('0');
    if (padded(low) || padded(high)) && low.len() != high.len() {
        return Err(PatternError::Padding(shown()));
    }
    let width = if low.len() == high.len() { low.len() } else { 1 };
    Ok(Some(Part::Range { low: from, high: to, width }))
}

/// Whether a name matches a text in which `*` stands for any number of characters.
#[must_use]
pub fn matches_glob(glob: &str, name: &str) -> bool {
    let mut pieces = glob.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(pattern: &str) -> Vec<String> {
        NamePattern::parse(pattern).unwrap().names().unwrap().into_iter().map(String::from).collect()
    }

    #[test]
    fn ranges_are_inclusive_and_padded() {
        let all = names("TEST:CALC{00000..00999}");
        assert_eq!((all.len(), all[0].as_str(), all[999].as_str()), (1000, "TEST:CALC00000", "TEST:CALC00999"));
        assert_eq!(names("A{8..11}"), ["A8", "A9", "A10", "A11"]);
        assert_eq!(names("A{1..2}:B{08..09}.X"), ["A1:B08.X", "A1:B09.X", "A2:B08.X", "A2:B09.X"]);
        assert_eq!(names("PLAIN"), ["PLAIN"]);
        assert_eq!(names("SR:C30-MG{HCor:L1}Fld-SP"), ["SR:C30-MG{HCor:L1}Fld-SP"]);
        assert_eq!(names("A{7..7}"), ["A7"]);
    }

    #[test]
    fn bad_patterns_are_refused() {
        for (text, error) in [
            ("A{1..2", PatternError::Unclosed("{1..2".into())),
            ("A{..2}", PatternError::NotARange("{..2}".into())),
            ("A{a..b}", PatternError::NotARange("{a..b}".into())),
            ("A{-1..2}", PatternError::NotARange("{-1..2}".into())),
            ("A{9..0}", PatternError::Backwards("{9..0}".into())),
            ("A{08..120}", PatternError::Padding("{08..120}".into())),
            ("A{0..1000000}", PatternError::TooMany(1_000_001)),
            (&format!("{}{{000000..999999}}", "A".repeat(70)), PatternError::TooLong { names: 1_000_000, bytes: 76 }),
            ("A{0..999999}{0..999999}", PatternError::TooMany(1_000_000_000_000)),
            ("", PatternError::Name(PvNameError::Empty)),
            ("A B{0..1}", PatternError::Name(PvNameError::BadCharacter(' '))),
        ] {
            assert_eq!(NamePattern::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn globs() {
        for (glob, name, matches) in [
            ("A*", "A", true),
            ("A*", "ABC", true),
            ("*C", "ABC", true),
            ("A*C", "ABC", true),
            ("A*B*C", "AxBxC", true),
            ("A*BC", "ABCxC", false),
            ("AB*BA", "ABA", false),
            ("*", "anything", true),
            ("ABC", "ABC", true),
            ("ABC", "ABCD", false),
        ] {
            assert_eq!(matches_glob(glob, name), matches, "{glob} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_stands_for_as_many_names_as_it_counts(text in "[A-Z{}.0-9]{0,16}") {
            if let Ok(pattern) = NamePattern::parse(&text)
                && pattern.count() < 10_000 {
                prop_assert_eq!(pattern.names().unwrap().len() as u128, pattern.count());
            }
        }
    }
}
