//! Rows of typed cells, and where one is wrong.

use std::collections::HashMap;
use std::io::{Read, Write};

use csv::{ByteRecord, ReaderBuilder};
use thiserror::Error;

use crate::pv::PvId;
use crate::scenario::model::Scenario;

/// What is wrong with a table, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}{}: {what}", column.as_ref().map(|c| format!(", column `{c}`")).unwrap_or_default())]
pub struct CsvError {
    /// From 1; the header is line 1.
    pub line: u64,
    /// The column, where it is one that is wrong.
    pub column: Option<String>,
    /// What was found and what would be right.
    pub what: String,
}

/// How clients and PVs are told apart in the tables: by name.
#[derive(Clone, Debug)]
pub struct Names {
    clients: Vec<String>,
    pvs: Vec<String>,
    /// As the tables have them: with quotes, where they need any.
    cells: (Vec<Vec<u8>>, Vec<Vec<u8>>),
    client_of: HashMap<Vec<u8>, usize>,
    pv_of: HashMap<Vec<u8>, PvId>,
}

impl Names {
    /// The names of a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Names {
        let clients: Vec<String> = scenario.clients.iter().map(|c| c.name.clone()).collect();
        let pvs: Vec<String> = scenario.pvs.iter().map(|pv| pv.name.to_string()).collect();
        let client_of = clients.iter().enumerate().map(|(i, name)| (name.clone().into_bytes(), i)).collect();
        let pv_of = pvs.iter().enumerate().map(|(i, name)| (name.clone().into_bytes(), PvId(i as u32))).collect();
        let cells = (clients.iter().map(|name| cell(name)).collect(), pvs.iter().map(|name| cell(name)).collect());
        Names { clients, pvs, cells, client_of, pv_of }
    }

    /// Whether a cell may go over more than one line.
    #[must_use]
    pub fn break_lines(&self) -> bool {
        self.clients.iter().chain(&self.pvs).any(|name| name.contains(['\n', '\r']))
    }

    pub(super) fn client_cell(&self, index: usize) -> &[u8] {
        self.cells.0.get(index).map_or(&[], Vec::as_slice)
    }

    pub(super) fn pv_cell(&self, pv: PvId) -> &[u8] {
        self.cells.1.get(pv.index()).map_or(&[], Vec::as_slice)
    }

    pub(in crate::report) fn find_client(&self, name: &[u8]) -> Option<usize> {
        self.client_of.get(name).copied()
    }

    pub(in crate::report) fn find_pv(&self, name: &[u8]) -> Option<PvId> {
        self.pv_of.get(name).copied()
    }

    pub(in crate::report) fn client(&self, index: usize) -> &str {
        self.clients.get(index).map_or("", String::as_str)
    }

    pub(in crate::report) fn pv(&self, pv: PvId) -> &str {
        self.pvs.get(pv.index()).map_or("", String::as_str)
    }
}

/// A name as the tables have it.
fn cell(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = csv::WriterBuilder::new().from_writer(&mut bytes);
    // Two cells: one alone would be quoted if it were empty.
    let written = writer.write_record([name, "0"]).and_then(|()| Ok(writer.flush()?));
    drop(writer);
    let end = bytes.len().saturating_sub(3);
    bytes.truncate(if written.is_ok() { end } else { 0 });
    bytes
}

/// A table that is read row by row.
#[derive(Debug)]
pub(super) struct Rows<R> {
    reader: csv::Reader<R>,
    record: ByteRecord,
    columns: &'static [&'static str],
}

/// One row of it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    record: &'a ByteRecord,
    columns: &'static [&'static str],
    line: u64,
}

impl<R: Read> Rows<R> {
    /// Reads the header, which must begin with `columns`.
    pub(super) fn new(input: R, columns: &'static [&'static str]) -> Result<Rows<R>, CsvError> {
        let mut reader = ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(input);
        let found = reader.byte_headers().map_err(|e| broken(&e))?.clone();
        for (place, name) in columns.iter().enumerate() {
            if found.get(place) != Some(name.as_bytes()) {
                let found = found.get(place).map_or("nothing".to_owned(), |cell| format!("`{}`", shown(cell)));
                let what = format!("{found} where this column should be, its place is {}", place + 1);
                return Err(CsvError { line: 1, column: Some((*name).to_owned()), what });
            }
        }
        Ok(Rows { reader, record: ByteRecord::new(), columns })
    }

    /// How many columns there are, and where the rows begin, in bytes.
    pub(super) fn place(mut self) -> Result<(usize, u64), CsvError> {
        let columns = self.reader.byte_headers().map_err(|e| broken(&e))?.len();
        Ok((columns, self.reader.position().byte()))
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, CsvError> {
        let more = self.reader.read_byte_record(&mut self.record).map_err(|e| broken(&e))?;
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(more.then_some(Row { record: &self.record, columns: self.columns, line }))
    }

    /// Hands the first `rows` rows to `take`. What follows them was written after the run was last saved: it is left.
    pub(super) fn each(
        mut self,
        rows: u64,
        mut take: impl FnMut(Row<'_>) -> Result<(), CsvError>,
    ) -> Result<(), CsvError> {
        for read in 0..rows {
            match self.next()? {
                Some(row) => take(row)?,
                None => {
                    let what = format!("the table ends after {read} rows, {rows} were saved");
                    return Err(CsvError { line: self.reader.position().line(), column: None, what });
                }
            }
        }
        Ok(())
    }
}

impl<'a> Row<'a> {
    pub(super) fn of(record: &'a ByteRecord, columns: &'static [&'static str], line: u64) -> Row<'a> {
        Row { record, columns, line }
    }

    fn cell(&self, column: usize) -> &[u8] {
        self.record.get(column).unwrap_or_default()
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn bytes(&self, column: usize) -> &[u8] {
        self.cell(column)
    }

    pub(super) fn words(&self, column: usize) -> String {
        String::from_utf8_lossy(self.cell(column)).into_owned()
    }

    /// A finite number.
    pub(super) fn real(&self, column: usize) -> Result<f64, CsvError> {
        let parsed = std::str::from_utf8(self.cell(column)).ok().and_then(|text| text.parse().ok());
        parsed.filter(|number: &f64| number.is_finite()).ok_or_else(|| self.wrong(column, "a finite number"))
    }

    /// An error in a cell of this row.
    pub(super) fn wrong(&self, column: usize, wanted: &str) -> CsvError {
        let what = format!("`{}` is not {wanted}", shown(self.cell(column)));
        let column = self.columns.get(column).map(|name| (*name).to_owned());
        CsvError { line: self.line, column, what }
    }

    pub(super) fn number(&self, column: usize) -> Result<u64, CsvError> {
        let parsed = std::str::from_utf8(self.cell(column)).ok().and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| self.wrong(column, "a whole number from 0 to 2^64 - 1"))
    }

    /// A number that may be left out.
    pub(super) fn optional(&self, column: usize) -> Result<Option<u64>, CsvError> {
        if self.cell(column).is_empty() { Ok(None) } else { self.number(column).map(Some) }
    }

    pub(super) fn flag(&self, column: usize) -> Result<bool, CsvError> {
        match self.cell(column) {
            b"0" => Ok(false),
            b"1" => Ok(true),
            _ => Err(self.wrong(column, "0 or 1")),
        }
    }

    pub(super) fn repeat(&self, column: usize) -> Result<u32, CsvError> {
        self.number(column)?.try_into().map_err(|_| self.wrong(column, "a repeat"))
    }

    pub(super) fn copy(&self, column: usize) -> Result<Option<u32>, CsvError> {
        let copy = self.optional(column)?.map(u32::try_from).transpose();
        copy.map_err(|_| self.wrong(column, "a copy"))
    }

    pub(super) fn pv(&self, column: usize, names: &Names) -> Result<PvId, CsvError> {
        let pv = names.find_pv(self.cell(column));
        pv.ok_or_else(|| self.wrong(column, "a PV of the scenario"))
    }

    pub(super) fn client(&self, column: usize, names: &Names) -> Result<usize, CsvError> {
        let client = names.find_client(self.cell(column));
        client.ok_or_else(|| self.wrong(column, "a client of the scenario"))
    }
}

/// A cell as a message shows it.
fn shown(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).chars().take(60).collect()
}

pub(super) fn unequal(len: u64, expected: u64) -> String {
    format!("{len} cells where the header has {expected}")
}

pub(super) fn broken(error: &csv::Error) -> CsvError {
    let line = error.position().map_or(1, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => unequal(*len, *expected_len),
        csv::ErrorKind::Io(why) => why.to_string(),
        _ => error.to_string(),
    };
    CsvError { line, column: None, what }
}

/// A row under way: cells are formatted without an allocation for each.
#[derive(Debug)]
pub(super) struct Line<'a, W: Write> {
    pub(super) out: &'a mut csv::Writer<W>,
    pub(super) digits: Vec<u8>,
}

impl<'a, W: Write> Line<'a, W> {
    pub(super) fn new(out: &'a mut csv::Writer<W>) -> Line<'a, W> {
        Line { out, digits: Vec::with_capacity(20) }
    }

    pub(super) fn text(&mut self, text: &str) -> csv::Result<()> {
        self.out.write_field(text)
    }

    pub(super) fn number(&mut self, number: u64) -> csv::Result<()> {
        self.digits.clear();
        write!(self.digits, "{number}")?;
        self.out.write_field(&self.digits)
    }

    pub(super) fn optional(&mut self, number: Option<u64>) -> csv::Result<()> {
        match number {
            Some(number) => self.number(number),
            None => self.out.write_field(""),
        }
    }

    pub(super) fn end(&mut self) -> csv::Result<()> {
        self.out.write_record(None::<&[u8]>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &["pv", "seq", "first"];

    fn read(text: &str, rows: u64) -> Result<Vec<(u64, bool)>, String> {
        let mut read = Vec::new();
        let table = Rows::new(text.as_bytes(), COLUMNS).map_err(|e| e.to_string())?;
        let taken = table.each(rows, |row| {
            read.push((row.number(1)?, row.flag(2)?));
            Ok(())
        });
        taken.map(|()| read).map_err(|e| e.to_string())
    }

    #[test]
    fn damage_is_placed() {
        let whole = "a whole number from 0 to 2^64 - 1";
        for (text, error) in [
            ("", "line 1, column `pv`: nothing where this column should be, its place is 1".to_owned()),
            ("pv,due\n", "line 1, column `seq`: `due` where this column should be, its place is 2".to_owned()),
            ("pv,seq,first\nA,1,1\nA,x1,0\n", format!("line 3, column `seq`: `x1` is not {whole}")),
            ("pv,seq,first\nA,-1,1\n", format!("line 2, column `seq`: `-1` is not {whole}")),
            (
                "pv,seq,first\nA,18446744073709551616,1\n",
                format!("line 2, column `seq`: `18446744073709551616` is not {whole}"),
            ),
            ("pv,seq,first\nA,\u{ff}\n", "line 2: 2 cells where the header has 3".to_owned()),
            ("pv,seq,first\nA,1,2\n", "line 2, column `first`: `2` is not 0 or 1".to_owned()),
            ("pv,seq,first\nA,1,0\n", "line 3: the table ends after 1 rows, 2 were saved".to_owned()),
            ("pv,seq,first\nA,1,0\nA,1", "line 3: 2 cells where the header has 3".to_owned()),
        ] {
            assert_eq!(read(text, 2), Err(error), "{text:?}");
        }
        let bytes = b"pv,seq,first\nA,\xff\xfe,1\n";
        let error = Rows::new(&bytes[..], COLUMNS).unwrap().each(1, |row| row.number(1).map(|_| ())).unwrap_err();
        assert_eq!(error.column.as_deref(), Some("seq"));
    }

    #[test]
    fn later_columns_and_later_rows_are_passed_over() {
        let text = "pv,seq,first,more\nA,1,1,x\nA,2,0,y\nbroken off";
        assert_eq!(read(text, 2), Ok(vec![(1, true), (2, false)]));
        assert_eq!(read(text, 0), Ok(vec![]));
    }
}
