//! Blocks of a long table: whole lines, read without what stands before them, so that blocks can be read side by side.
//!
//! Nearly all rows are as this program writes them, and are taken in one go over their bytes. Any other row is read again by the rules
//! for CSV, which also say what is wrong with it.

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use super::rows::{CsvError, Names, Row, Rows, broken, unequal};
use crate::pv::PvId;

/// A fact that is a row of a table.
pub trait Fact: Copy + Send + Sync {
    /// What rows are grouped by.
    type Key: Copy + PartialEq + Send + Sync + std::fmt::Debug;
    /// The columns that a table must have, and has first.
    const COLUMNS: &'static [&'static str];
    /// How many columns this program writes.
    const WRITTEN: usize;

    /// Takes a row that is as this program writes it; `None` when it is not.
    fn plain(cells: &mut Cells<'_>, names: &Names) -> Option<(Self::Key, Self)>;

    /// Takes any row.
    ///
    /// # Errors
    /// Naming line and column.
    fn any(row: Row<'_>, names: &Names) -> Result<(Self::Key, Self), CsvError>;
}

/// What the header tells of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    columns: usize,
    /// Where the rows begin, in bytes.
    pub end: u64,
}

impl Header {
    /// Reads it; it must begin with the known columns.
    ///
    /// # Errors
    /// Naming the column.
    pub fn read<F: Fact>(input: impl Read) -> Result<Header, CsvError> {
        let (columns, end) = Rows::new(input, F::COLUMNS)?.place()?;
        Ok(Header { columns, end })
    }
}

/// Rows of one key that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<K> {
    /// Their key.
    pub key: K,
    /// The first of them among the facts of the block.
    pub from: usize,
    /// Its line, from 1 within the block.
    pub line: u64,
}

/// What a block holds.
#[derive(Debug)]
pub struct Block<F: Fact> {
    /// In the order of the rows.
    pub facts: Vec<F>,
    /// Which of them belong together.
    pub runs: Vec<Run<F::Key>>,
    /// How many lines it has.
    pub lines: u64,
    /// What is wrong with the row after the facts; its line is counted within the block.
    pub wrong: Option<CsvError>,
}

impl<F: Fact> Block<F> {
    /// Reads whole lines.
    #[must_use]
    pub fn read(bytes: &[u8], header: Header, names: &Names) -> Block<F> {
        let mut block = Block { facts: Vec::new(), runs: Vec::new(), lines: 0, wrong: None };
        let mut cells = Cells { bytes, at: 0, client: 0, pv: PvId(0) };
        // Columns that are not known are for the rules of CSV.
        let plain = header.columns == F::WRITTEN;
        while cells.at < bytes.len() {
            let from = cells.at;
            let row = if plain { F::plain(&mut cells, names) } else { None };
            block.lines += 1;
            match row {
                Some((key, fact)) => block.push(key, fact),
                None => {
                    cells.at = from;
                    let line = cells.line();
                    match by_the_rules::<F>(line, header.columns as u64, block.lines, names) {
                        Ok(Some((key, fact))) => block.push(key, fact),
                        Ok(None) => {}
                        Err(error) => {
                            block.wrong = Some(error);
                            return block;
                        }
                    }
                }
            }
        }
        block
    }

    /// So many rows that are taken one after the other; what cannot be taken is a column's place and what should be there.
    #[must_use]
    pub fn of_rows(rows: usize, mut take: impl FnMut() -> Result<(F::Key, F), (usize, &'static str)>) -> Block<F> {
        let mut block = Block { facts: Vec::with_capacity(rows), runs: Vec::new(), lines: 0, wrong: None };
        for _ in 0..rows {
            block.lines += 1;
            match take() {
                Ok((key, fact)) => block.push(key, fact),
                Err((column, wanted)) => {
                    let column = F::COLUMNS.get(column).map(|name| (*name).to_owned());
                    block.wrong = Some(CsvError { line: block.lines, column, what: format!("it is not {wanted}") });
                    break;
                }
            }
        }
        block
    }

    fn push(&mut self, key: F::Key, fact: F) {
        if self.runs.last().is_none_or(|run| run.key != key) {
            self.runs.push(Run { key, from: self.facts.len(), line: self.lines });
        }
        self.facts.push(fact);
    }

    /// The runs with their facts.
    pub fn groups(&self) -> impl Iterator<Item = (Run<F::Key>, &[F])> {
        let ends = self.runs.iter().skip(1).map(|run| run.from).chain([self.facts.len()]);
        self.runs.iter().zip(ends).map(|(run, end)| (*run, self.facts.get(run.from..end).unwrap_or_default()))
    }

    /// Lets go of all facts from `rows` on, and of what is wrong after them.
    pub fn truncate(&mut self, rows: usize) {
        self.facts.truncate(rows);
        self.runs.retain(|run| run.from < rows);
        self.wrong = None;
    }
}

/// A line by the rules of CSV; `None` where it is empty.
fn by_the_rules<F: Fact>(
    bytes: &[u8],
    columns: u64,
    line: u64,
    names: &Names,
) -> Result<Option<(F::Key, F)>, CsvError> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = ByteRecord::new();
    let placed = |error: CsvError| CsvError { line, ..error };
    if !reader.read_byte_record(&mut record).map_err(|e| placed(broken(&e)))? {
        return Ok(None);
    }
    if record.len() as u64 != columns {
        return Err(CsvError { line, column: None, what: unequal(record.len() as u64, columns) });
    }
    F::any(Row::of(&record, F::COLUMNS, line), names).map(Some)
}

/// The cells of plain rows, one after the other.
#[derive(Debug)]
pub struct Cells<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Those of the last row: the next one has the same or the following, mostly.
    client: usize,
    pv: PvId,
}

impl<'a> Cells<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next line, its end included.
    fn line(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| at + 1);
        self.at += end;
        &rest[..end]
    }

    fn digits(&mut self) -> Option<u64> {
        let (mut value, mut digits) = (0u64, 0);
        for byte in self.rest() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            digits += 1;
        }
        self.at += digits;
        // Twenty digits may be too many.
        (1..20).contains(&digits).then_some(value)
    }

    fn passes(&mut self, byte: u8) -> Option<()> {
        (self.bytes.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    /// A number that is followed by another cell.
    pub(super) fn number(&mut self) -> Option<u64> {
        let number = self.digits()?;
        self.passes(b',')?;
        Some(number)
    }

    /// A number that may be left out.
    pub(super) fn optional(&mut self) -> Option<Option<u64>> {
        if self.passes(b',').is_some() { Some(None) } else { self.number().map(Some) }
    }

    /// The number that ends the row.
    pub(super) fn last(&mut self) -> Option<u64> {
        let number = self.digits()?;
        if self.at < self.bytes.len() {
            self.passes(b'\n')?;
        }
        Some(number)
    }

    pub(super) fn repeat(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    /// Whether this cell comes next.
    fn is(&mut self, cell: &[u8]) -> bool {
        let rest = self.rest();
        // No cell at all stands for a name that is not there.
        let found = !cell.is_empty() && rest.get(cell.len()) == Some(&b',') && rest.starts_with(cell);
        self.at += if found { cell.len() + 1 } else { 0 };
        found
    }

    /// A cell without quotes.
    fn word(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = rest.iter().position(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'))?;
        (rest[end] == b',').then(|| self.at += end + 1)?;
        Some(&rest[..end])
    }

    pub(super) fn client(&mut self, names: &Names) -> Option<usize> {
        if !self.is(names.client_cell(self.client)) {
            self.client = names.find_client(self.word()?)?;
        }
        Some(self.client)
    }

    pub(super) fn pv(&mut self, names: &Names) -> Option<PvId> {
        let next = PvId(self.pv.0.wrapping_add(1));
        if self.is(names.pv_cell(next)) {
            self.pv = next;
        } else if !self.is(names.pv_cell(self.pv)) {
            self.pv = names.find_pv(self.word()?)?;
        }
        Some(self.pv)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::csv::facts::{read_rows, write_observations};
    use crate::report::csv::rows::Names;
    use crate::scenario::model::{Change, Fetch, Pacing};
    use crate::summary::example;
    use crate::time::Span;
    use crate::trace::Observation;

    const HEADER: &str = "client,repeat,pv,seq,asked_ns,received_ns,first,copy\n";

    fn names() -> Names {
        let delay = Some(Pacing::FixedDelay { period: Span::from_millis(30) });
        let clients = vec![
            example::client("monitor", Fetch::Monitor, None, 4),
            example::client("a, \"b\"", Fetch::Batch, delay.clone(), 4),
            example::client("poll", Fetch::Batch, delay, 4),
        ];
        Names::new(&example::scenario(vec![(4, example::group(Change::Still))], clients))
    }

    type Row = ((usize, u32), Observation);

    /// Row by row, by the rules of CSV.
    fn slowly(text: &[u8], rows: u64) -> (Vec<Row>, Option<CsvError>) {
        let mut read = Vec::new();
        let wrong = read_rows::<Observation>(text, &names(), rows, |key, fact, _| {
            read.push((key, fact));
            Ok(())
        });
        (read, wrong.err())
    }

    fn in_blocks(text: &[u8], at: usize) -> (Vec<Row>, Option<CsvError>) {
        let header = Header::read::<Observation>(text).unwrap();
        let rows = &text[header.end as usize..];
        let cut =
            rows.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).nth(at).unwrap_or(rows.len());
        let (mut read, mut lines) = (Vec::new(), 1);
        for part in [&rows[..cut], &rows[cut..]] {
            let block = Block::<Observation>::read(part, header, &names());
            read.extend(block.groups().flat_map(|(run, facts)| facts.iter().map(move |fact| (run.key, *fact))));
            if let Some(wrong) = block.wrong {
                return (read, Some(CsvError { line: wrong.line + lines, ..wrong }));
            }
            lines += block.lines;
        }
        (read, None)
    }

    #[test]
    fn unusual_rows_are_read_as_csv_has_them() {
        let text = format!(
            "{HEADER}monitor,0,TEST:G0P0,1,,5,0,0\n\n\"monitor\",0,TEST:G0P1,2,,6,0,1\r\n\"a, \"\"b\"\"\",1,TEST:G0P2,18446744073709551615,7,8,1,0"
        );
        let (read, wrong) = in_blocks(text.as_bytes(), 1);
        assert_eq!((read.len(), wrong), (3, None));
        assert_eq!(read[2].0, (1, 1));
        assert_eq!(read[2].1.seq.0, u64::MAX);
    }

    #[test]
    fn columns_of_later_versions_are_passed_over() {
        let text = "client,repeat,pv,seq,asked_ns,received_ns,first,copy,more\nmonitor,0,TEST:G0P0,1,,5,0,2,x\n";
        let (read, wrong) = in_blocks(text.as_bytes(), 0);
        assert_eq!((read[0].1.copy, wrong), (2, None));
        assert_eq!(read, slowly(text.as_bytes(), 1).0);
    }

    #[test]
    fn a_table_from_before_there_were_copies_is_read() {
        let text = "client,repeat,pv,seq,asked_ns,received_ns,first\nmonitor,0,TEST:G0P0,1,,5,0\n";
        let (read, wrong) = in_blocks(text.as_bytes(), 0);
        assert_eq!((read[0].1.copy, wrong), (0, None));
        assert_eq!(read, slowly(text.as_bytes(), 1).0);
    }

    fn written() -> impl Strategy<Value = Vec<u8>> {
        let one = (
            prop::sample::select(vec![0usize, 2]),
            0..3u32,
            0..4u32,
            any::<u64>(),
            prop::option::of(any::<u64>()),
            any::<u64>(),
            any::<(bool, u32)>(),
        );
        prop::collection::vec(one, 0..12).prop_map(|rows| {
            let mut bytes = HEADER.as_bytes().to_vec();
            let mut writer = csv::Writer::from_writer(&mut bytes);
            for (client, repeat, pv, seq, asked, received, (first, copy)) in rows {
                let (asked, received) = (asked.map(crate::time::Tick), crate::time::Tick(received));
                let fact = Observation { pv: PvId(pv), seq: crate::pv::Seq(seq), asked, received, first, copy };
                write_observations(&mut writer, &names(), client, repeat, &[fact]).unwrap();
            }
            writer.flush().unwrap();
            drop(writer);
            bytes
        })
    }

    proptest! {
        /// Damage may go anywhere: rows, errors and their lines are those of the rules of CSV. (Quotes are left out: one without its end would
        /// go over lines, which no name of the scenario does.)
        #[test]
        fn blocks_are_read_as_the_rules_of_csv_have_it(
            mut bytes in written(), at in 0.0..1.0f64, noise in prop::collection::vec(prop::sample::select(b"0123456789,:-monitr \n\xff".to_vec()), 0..4), cut in 0..6usize,
        ) {
            let place = HEADER.len() + ((bytes.len() - HEADER.len()) as f64 * at) as usize;
            let end = (place + noise.len()).min(bytes.len());
            bytes.splice(place..end, noise);
            let (read, wrong) = in_blocks(&bytes, cut);
            let (wanted, error) = slowly(&bytes, read.len() as u64 + u64::from(wrong.is_some()));
            prop_assert_eq!(read, wanted);
            // The rules of CSV count a row from the empty lines before it on.
            let empty = bytes.windows(2).any(|pair| pair == b"\n\n");
            let placed = |error: Option<CsvError>| error.map(|e| CsvError { line: if empty { 0 } else { e.line }, ..e });
            prop_assert_eq!(placed(wrong), placed(error));
        }
    }
}
