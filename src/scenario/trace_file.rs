//! Changes from a CSV file: `time_s,pv,value`, in the order of time.

use std::collections::HashMap;

use super::duration::LONGEST;
use super::problem::shown;
use crate::time::Span;

/// The header of a trace file.
const HEADER: [&str; 3] = ["time_s", "pv", "value"];
const FIRST_LINE: &str = "the first line must be: time_s,pv,value";
/// The most changes that a trace file may hold.
const MAX_ROWS: usize = 10_000_000;

/// One change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TraceRow {
    /// Byte of the text, or of blank lines and remarks before it: see [`line_at`].
    pub(crate) byte: u64,
    /// Time since the start.
    pub(crate) at: Span,
    /// Index into [`TraceFile::names`].
    pub(crate) name: usize,
    /// The signal's new value.
    pub(crate) value: f64,
}

/// A trace file that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TraceFile {
    /// The PVs, in the order of their first rows.
    pub(crate) names: Vec<String>,
    /// The changes, in the order of time.
    pub(crate) rows: Vec<TraceRow>,
}

/// Why a text is not a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceError {
    /// Line in the file, from 1.
    pub(crate) line: usize,
    /// The column at fault; empty for the row as a whole.
    pub(crate) column: &'static str,
    /// What is wrong.
    pub(crate) what: String,
    /// What would be right.
    pub(crate) advice: String,
}

impl TraceFile {
    /// Reads the text of a trace file.
    pub(crate) fn parse(text: &str) -> Result<TraceFile, TraceError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(without_mark(text).as_bytes());
        let mut reading = Reading::default();
        let mut record = csv::StringRecord::new();
        let mut headed = false;
        loop {
            let byte = reader.position().byte();
            let fault = |(column, what, advice)| TraceError { line: line_at(text, byte), column, what, advice };
            match reader.read_record(&mut record) {
                Ok(true) if headed => reading.row(&record, byte).map_err(fault)?,
                Ok(true) if record.iter().eq(HEADER) => headed = true,
                Ok(true) => return Err(fault(wrong("", "the header is missing", FIRST_LINE))),
                Ok(false) => break,
                Err(_) => return Err(fault(wrong("", "is not CSV", "three columns: time_s,pv,value"))),
            }
        }
        let nothing = |what: &str, advice: &str| {
            let (column, what, advice) = wrong("", what, advice);
            TraceError { line: 1, column, what, advice }
        };
        match (headed, reading.file.rows.is_empty()) {
            (true, false) => Ok(reading.file),
            (true, true) => Err(nothing("there is no change in the file", "a row such as: 0.5,TEST:CALC0,1.0")),
            (false, _) => Err(nothing("the file is empty", FIRST_LINE)),
        }
    }

    /// The changes of some PVs, by name, in their order.
    pub(crate) fn points_of<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<Vec<(Span, f64)>> {
        let wanted: HashMap<&str, usize> = names.enumerate().map(|(i, name)| (name, i)).collect();
        let places: Vec<Option<usize>> = self.names.iter().map(|name| wanted.get(name.as_str()).copied()).collect();
        let mut points = vec![Vec::new(); wanted.len()];
        for row in &self.rows {
            if let Some(place) = places[row.name] {
                points[place].push((row.at, row.value));
            }
        }
        points
    }

    /// How long one pass is when the scenario does not say: to the last change and one mean gap more, so that the rate stays
    /// what it was. `None` when all changes come at one instant.
    pub(crate) fn natural_length(&self) -> Option<Span> {
        let (first, last) = (self.rows.first()?.at, self.rows.last()?.at);
        let mut instants: Vec<Span> = self.rows.iter().map(|row| row.at).collect();
        instants.dedup();
        let gaps = instants.len() as u64 - 1;
        (gaps > 0).then(|| last + Span((last.0 - first.0) / gaps))
    }

    /// The last instant of the file.
    pub(crate) fn last(&self) -> Span {
        self.rows.last().map_or(Span::ZERO, |row| row.at)
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    file: TraceFile,
    places: HashMap<String, usize>,
    /// For each name, the time of its last change.
    last_of: Vec<Span>,
}

/// The column at fault, what is wrong and what would be right.
type Wrong = (&'static str, String, String);

fn wrong(column: &'static str, what: &str, advice: &str) -> Wrong {
    (column, what.to_owned(), advice.to_owned())
}

impl Reading {
    fn row(&mut self, record: &csv::StringRecord, byte: u64) -> Result<(), Wrong> {
        if record.len() != HEADER.len() {
            return Err(wrong("", &format!("has {} columns instead of 3", record.len()), "time_s,pv,value"));
        }
        if self.file.rows.len() == MAX_ROWS {
            return Err(wrong("", &format!("there are more than {MAX_ROWS} changes"), "shorten the file"));
        }
        let at = time(&record[0])?;
        let value = number(&record[2]).ok_or_else(|| {
            wrong(
                "value",
                &format!("{:?} is not a finite number", shown(&record[2])),
                "the signal's value, such as 1.5",
            )
        })?;
        let before = self.file.last();
        if at < before {
            let what = format!("the time {} s is before that of the row above, {} s", &record[0], before.as_secs_f64());
            return Err(wrong("time_s", &what, "sort the rows by time"));
        }
        let name = self.place_of(&record[1], at)?;
        self.file.rows.push(TraceRow { byte, at, name, value });
        Ok(())
    }

    fn place_of(&mut self, name: &str, at: Span) -> Result<usize, Wrong> {
        let Some(&place) = self.places.get(name) else {
            let place = self.file.names.len();
            self.places.insert(name.to_owned(), place);
            self.file.names.push(name.to_owned());
            self.last_of.push(at);
            return Ok(place);
        };
        if self.last_of[place] == at {
            let what = format!("`{}` changes twice at the same time", shown(name));
            return Err(wrong("time_s", &what, "leave one of the two rows out"));
        }
        self.last_of[place] = at;
        Ok(place)
    }
}

fn time(text: &str) -> Result<Span, Wrong> {
    match number(text) {
        Some(s) if (0.0..=LONGEST.as_secs_f64()).contains(&s) => Ok(Span::from_secs_f64(s)),
        _ => {
            let what = format!("{:?} is not a time in seconds", shown(text));
            Err(wrong("time_s", &what, "seconds since the start, 0 or more, such as 0.25"))
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|n| n.is_finite())
}

/// The text without the byte order mark that some programs put first.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The line, from 1, of the first row at or after a byte. The CSV reader's own count is behind after CR LF, blank lines and
/// remarks: it takes them with the row that follows.
pub(crate) fn line_at(text: &str, byte: u64) -> usize {
    let text = without_mark(text).as_bytes();
    let mut at = (byte as usize).min(text.len());
    loop {
        match text.get(at) {
            Some(b'\n' | b'\r') => at += 1,
            Some(b'#') => at += text[at..].iter().position(|b| *b == b'\n').unwrap_or(text.len() - at),
            _ => return text[..at].iter().filter(|b| **b == b'\n').count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_rows_by_pv() {
        let text = "\u{feff}time_s,pv,value\n# a remark\n0.5, A ,1\n0.5,B,2.5\n1.25,A,-3e2\n";
        let file = TraceFile::parse(text).unwrap();
        assert_eq!(file.names, ["A", "B"]);
        let TraceRow { byte, at, name, value } = file.rows[2];
        assert_eq!((line_at(text, byte), at, name, value), (5, Span::from_millis(1250), 0, -300.0));
        let points = file.points_of(["B", "C", "A"].into_iter());
        assert_eq!(points[0], [(Span::from_millis(500), 2.5)]);
        assert_eq!(points[1], []);
        assert_eq!(points[2].len(), 2);
        assert_eq!(file.natural_length(), Some(Span::from_millis(2000)));
    }

    #[test]
    fn names_the_line() {
        for (text, line, what) in [
            ("", 1, "the file is empty"),
            ("0,A,1\n", 1, "the header is missing"),
            ("time_s,pv,value\n", 1, "there is no change in the file"),
            ("time_s,pv,value\n0,A\n", 2, "has 2 columns instead of 3"),
            ("time_s,pv,value\n0,A,1\n\n2,A,1\n1,A,1\n", 5, "the time 1 s is before that of the row above, 2 s"),
            ("time_s,pv,value\r\n2,A,1\r\n1,A,1\r\n", 3, "the time 1 s is before that of the row above, 2 s"),
            ("\n# why\n\ntime_s,pv,value\n\n# so\n\n-1,A,1\n", 8, "\"-1\" is not a time in seconds"),
            ("time_s,pv,value\n-1,A,1\n", 2, "\"-1\" is not a time in seconds"),
            ("time_s,pv,value\n0,A,nan\n", 2, "\"nan\" is not a finite number"),
            ("time_s,pv,value\n0,A,1\n0,A,2\n", 3, "`A` changes twice at the same time"),
        ] {
            let error = TraceFile::parse(text).unwrap_err();
            assert_eq!((error.line, error.what.as_str()), (line, what), "{text:?}");
        }
    }

    #[test]
    fn one_instant_has_no_natural_length() {
        let file = TraceFile::parse("time_s,pv,value\n1,A,1\n1,B,1\n").unwrap();
        assert_eq!(file.natural_length(), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(time_s,pv,value\n)?([0-9.\"#e+-]{0,6},?[AB\"]?,?[0-9nai.]{0,4}\n){0,6}|\\PC*") {
            let _ = TraceFile::parse(&text);
        }
    }
}
