//! What is wrong with a file, where, and what would be right.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use thiserror::Error;

/// One fault of an input file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The key at fault, such as `client.period`; empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What would be right; may be empty.
    pub advice: String,
    /// The line itself, fit for a terminal.
    pub excerpt: String,
    /// How many characters of the excerpt, from `column`, are meant.
    pub width: usize,
}

/// Why a file is not a scenario: at least one problem, in the order of the file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct ScenarioError {
    /// The first of the problems.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more: usize,
}

/// How many problems are told in full.
const TOLD: usize = 10;
/// The longest excerpt that is shown, in characters.
const MAX_EXCERPT: usize = 110;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.what)?;
        if !self.excerpt.is_empty() {
            let number = self.line.to_string();
            let (gap, before) = (" ".repeat(number.len()), " ".repeat(self.column.saturating_sub(1)));
            write!(f, "\n {number} | {}\n {gap} | {before}{}", self.excerpt, "^".repeat(self.width.max(1)))?;
        }
        if !self.advice.is_empty() {
            write!(f, "\nhelp: {}", self.advice)?;
        }
        Ok(())
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\nerror: ")?;
            }
            problem.fmt(f)?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n\nerror: and {more} more"),
        }
    }
}

/// The file that is being read, and what was found wrong with it so far.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    file: &'a str,
    text: &'a str,
    /// Which of several readings of the text this is; empty for the only one.
    case: String,
    found: RefCell<Vec<Finding>>,
}

#[derive(Debug)]
struct Finding {
    at: Where,
    key: String,
    what: String,
    advice: String,
}

/// Ordered: first this file by position, then other files in the order of finding.
#[derive(Debug)]
enum Where {
    Here(Range<usize>),
    Elsewhere { file: String, line: usize, excerpt: String },
}

impl<'a> Findings<'a> {
    /// Nothing found yet.
    pub(crate) fn new(file: &'a str, text: &'a str) -> Findings<'a> {
        Findings { file, text, case: String::new(), found: RefCell::new(Vec::new()) }
    }

    /// The same, of a reading that every fault is to name.
    pub(crate) fn in_the_case_of(self, case: &str) -> Findings<'a> {
        Findings { case: case.to_owned(), ..self }
    }

    /// Adds a fault at a range of bytes of the text.
    pub(crate) fn add(&self, at: Range<usize>, key: &str, what: impl Into<String>, advice: impl Into<String>) {
        self.push(Where::Here(at), key, what.into(), advice.into());
    }

    /// Adds a fault of another file, at a line of it.
    pub(crate) fn add_elsewhere(
        &self,
        file: &str,
        line: usize,
        excerpt: &str,
        key: &str,
        what: String,
        advice: String,
    ) {
        self.push(Where::Elsewhere { file: file.to_owned(), line, excerpt: shown(excerpt) }, key, what, advice);
    }

    fn push(&self, at: Where, key: &str, what: String, advice: String) {
        let what = if self.case.is_empty() { what } else { format!("{what} (in the cell {})", self.case) };
        self.found.borrow_mut().push(Finding { at, key: key.to_owned(), what, advice });
    }

    /// `Ok` when nothing was found.
    pub(crate) fn finish(self) -> Result<(), ScenarioError> {
        if self.is_empty() { Ok(()) } else { Err(self.into_error()) }
    }

    /// What was found, as an error.
    pub(crate) fn into_error(self) -> ScenarioError {
        let mut found = self.found.into_inner();
        found.sort_by_key(|finding| match &finding.at {
            Where::Here(at) => at.start,
            Where::Elsewhere { .. } => usize::MAX,
        });
        let more = found.len().saturating_sub(TOLD);
        found.truncate(TOLD);
        let problems = found.into_iter().map(|finding| problem(self.file, self.text, finding)).collect();
        ScenarioError { problems, more }
    }

    /// Whether nothing was found so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }
}

fn problem(file: &str, text: &str, finding: Finding) -> Problem {
    let (file, place) = match finding.at {
        Where::Here(at) => (file.to_owned(), Place::of(text, &at)),
        Where::Elsewhere { file, line, excerpt } => {
            let width = excerpt.chars().count();
            (file, Place { line, column: 1, excerpt, width })
        }
    };
    let Place { line, column, excerpt, width } = place;
    Problem { file, line, column, key: finding.key, what: finding.what, advice: finding.advice, excerpt, width }
}

/// Where a range of bytes lies, for people.
struct Place {
    line: usize,
    column: usize,
    excerpt: String,
    width: usize,
}

impl Place {
    fn of(text: &str, at: &Range<usize>) -> Place {
        let start = floor_boundary(text, at.start);
        let end = floor_boundary(text, at.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let column = text[line_start..start].chars().count() + 1;
        let width = text[start..end.min(line_end)].chars().count().max(1);
        let line = text[..start].matches('\n').count() + 1;
        let whole = text[line_start..line_end].trim_end();
        // An excerpt that would be cut before the fault says nothing: the column must do.
        let excerpt = if column > MAX_EXCERPT { String::new() } else { shown(whole) };
        let width = width.min(excerpt.chars().count().saturating_sub(column - 1).max(1));
        Place { line, column, excerpt, width }
    }
}

/// The nearest character boundary at or before a byte offset.
fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A line fit for a terminal: no control characters, not too long; character for character, so that columns hold.
pub(crate) fn shown(line: &str) -> String {
    let mut out: String = line.chars().take(MAX_EXCERPT).map(|c| if c == '\t' { ' ' } else { printable(c) }).collect();
    if line.chars().nth(MAX_EXCERPT).is_some() {
        out.push('…');
    }
    out
}

fn printable(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}

/// `did you mean ...` for a word that is not among the known ones; else the known ones.
pub(crate) fn suggest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(best) => format!("did you mean `{best}`?"),
        None if known.is_empty() => String::new(),
        None => format!("one of {}", listed(&known)),
    }
}

/// The known word that is most like this one, when one is like enough.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const ALIKE: f64 = 0.75;
    const MAX_WORD: usize = 64;
    if word.len() > MAX_WORD {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .into_iter()
        .filter(|k| k.len() <= MAX_WORD)
        .map(|k| (strsim::jaro_winkler(&lower, &k.to_lowercase()), k))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

/// Words as a list in prose, at most a dozen of them.
pub(crate) fn listed<S: AsRef<str>>(words: &[S]) -> String {
    const MOST: usize = 12;
    let mut out = words.iter().take(MOST).map(|w| format!("`{}`", w.as_ref())).collect::<Vec<_>>().join(", ");
    if words.len() > MOST {
        out.push_str(&format!(" and {} more", words.len() - MOST));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_from_one() {
        let text = "a = 1\n  µ = \"é\"\r\nend";
        let at = text.find('é').unwrap();
        let place = Place::of(text, &(at..at + 2));
        assert_eq!((place.line, place.column, place.width), (2, 8, 1));
        assert_eq!(place.excerpt, "  µ = \"é\"");
        let place = Place::of(text, &(text.len() + 5..text.len() + 9));
        assert_eq!((place.line, place.column, place.width), (3, 4, 1));
    }

    #[test]
    fn a_hostile_line_is_made_harmless() {
        assert_eq!(shown("a\u{1b}[31mb"), "a\u{fffd}[31mb");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), MAX_EXCERPT + 1);
    }

    #[test]
    fn the_nearest_word_is_found() {
        let known = ["fixed-delay", "fixed-rate", "spin"];
        assert_eq!(nearest("fixed-dely", known), Some("fixed-delay"));
        assert_eq!(nearest("Spin", known), Some("spin"));
        assert_eq!(nearest("quantum", known), None);
    }
}
