//! The facts as Apache Parquet: the same columns as in the tables of CSV, with types, for pandas, polars, DuckDB and the like.
//!
//! Whole numbers are unsigned and packed as differences, names are dictionaries, an `asked_ns` that does not exist is null. Nothing here
//! opens a file. Format: <https://parquet.apache.org/docs/file-format/>.

mod column;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;

use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::csv::Names;
use super::csv::block::{Block, Fact};
use super::csv::facts::{EMISSIONS, OBSERVATIONS, REQUESTS};
use crate::pv::Seq;
use crate::time::Tick;
use crate::trace::{Emission, Observation, Request};
use column::{Column, Columns, Kind};

/// Rows of a group, which is read or written at once.
pub const GROUP: usize = if cfg!(test) { 100 } else { 1 << 17 };

/// A fact that is a row of a Parquet file.
pub trait Stored: Fact {
    /// The columns: those of the table of CSV as it is written, in their order.
    const TABLE: &'static [&'static str];
    /// What each column holds.
    const KINDS: &'static [Kind];

    /// Adds a row to the columns.
    fn put(key: Self::Key, fact: &Self, names: &Names, into: &mut [Column]);

    /// Takes a row; the column that is wrong, and what it should hold, where it cannot be.
    ///
    /// # Errors
    /// The column's place, and what would be right.
    fn take(columns: &mut Columns, names: &Names) -> Result<(Self::Key, Self), (usize, &'static str)>;
}

const CLIENT: &str = "a client of the scenario";
const PV: &str = "a PV of the scenario";

impl Stored for Emission {
    const TABLE: &'static [&'static str] = EMISSIONS;
    const KINDS: &'static [Kind] = &[Kind::Small, Kind::Text, Kind::Number, Kind::Number, Kind::Number];

    fn put(repeat: u32, e: &Emission, names: &Names, into: &mut [Column]) {
        let [a, b, c, d, f] = into else { return };
        a.small(repeat);
        b.name(names.pv(e.pv));
        c.number(e.seq.0);
        d.number(e.due.0);
        f.number(e.posted.0);
    }

    fn take(columns: &mut Columns, names: &Names) -> Result<(u32, Emission), (usize, &'static str)> {
        let repeat = columns.small(0);
        let pv = columns.text(1, |name| names.find_pv(name)).ok_or((1, PV))?;
        let (seq, due, posted) = (Seq(columns.number(2)), Tick(columns.number(3)), Tick(columns.number(4)));
        Ok((repeat, Emission { pv, seq, due, posted }))
    }
}

impl Stored for Observation {
    const TABLE: &'static [&'static str] = OBSERVATIONS;
    const KINDS: &'static [Kind] =
        &[Kind::Text, Kind::Small, Kind::Text, Kind::Number, Kind::Optional, Kind::Number, Kind::Flag, Kind::Small];

    fn put((client, repeat): (usize, u32), o: &Observation, names: &Names, into: &mut [Column]) {
        let [a, b, c, d, e, f, g, h] = into else { return };
        a.name(names.client(client));
        b.small(repeat);
        c.name(names.pv(o.pv));
        d.number(o.seq.0);
        e.optional(o.asked.map(|at| at.0));
        f.number(o.received.0);
        g.flag(o.first);
        h.small(o.copy);
    }

    fn take(columns: &mut Columns, names: &Names) -> Result<((usize, u32), Observation), (usize, &'static str)> {
        let client = columns.text(0, |name| names.find_client(name)).ok_or((0, CLIENT))?;
        let repeat = columns.small(1);
        let pv = columns.text(2, |name| names.find_pv(name)).ok_or((2, PV))?;
        let (seq, asked, received) = (Seq(columns.number(3)), columns.optional(4).map(Tick), Tick(columns.number(5)));
        let (first, copy) = (columns.flag(6), columns.small(7));
        Ok(((client, repeat), Observation { pv, seq, asked, received, first, copy }))
    }
}

impl Stored for Request {
    const TABLE: &'static [&'static str] = REQUESTS;
    const KINDS: &'static [Kind] = &[Kind::Text, Kind::Small, Kind::Text, Kind::Number, Kind::Number, Kind::Number];

    fn put((client, repeat): (usize, u32), r: &Request, names: &Names, into: &mut [Column]) {
        let [a, b, c, d, e, f] = into else { return };
        a.name(names.client(client));
        b.small(repeat);
        c.name(names.pv(r.pv));
        d.number(r.received.0);
        e.number(r.replied.0);
        f.number(r.seq.0);
    }

    fn take(columns: &mut Columns, names: &Names) -> Result<((usize, u32), Request), (usize, &'static str)> {
        let client = columns.text(0, |name| names.find_client(name)).ok_or((0, CLIENT))?;
        let repeat = columns.small(1);
        let pv = columns.text(2, |name| names.find_pv(name)).ok_or((2, PV))?;
        let (received, replied, seq) = (Tick(columns.number(3)), Tick(columns.number(4)), Seq(columns.number(5)));
        Ok(((client, repeat), Request { pv, received, replied, seq }))
    }
}

/// A file that is being written: rows pile up to a group.
pub struct Writer<'a, F: Stored, W: Write + Send> {
    out: SerializedFileWriter<W>,
    names: &'a Names,
    columns: Vec<Column>,
    rows: usize,
    of: std::marker::PhantomData<F>,
}

impl<'a, F: Stored, W: Write + Send> Writer<'a, F, W> {
    /// Begins a file.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(out: W, names: &'a Names) -> Result<Writer<'a, F, W>, ParquetError> {
        let fields = F::TABLE.iter().zip(F::KINDS).map(|(name, kind)| kind.field(name));
        let schema = parse_message_type(&format!("message facts {{ {} }}", fields.collect::<String>()))?;
        let mut properties =
            WriterProperties::builder().set_created_by(concat!("pollcost ", env!("CARGO_PKG_VERSION")).to_owned());
        for (name, _) in F::TABLE.iter().zip(F::KINDS).filter(|(_, kind)| kind.is_packed()) {
            let path = ColumnPath::from(*name);
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
            properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        let out = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties.build()))?;
        let columns = F::KINDS.iter().map(|kind| Column::new(*kind)).collect();
        Ok(Writer { out, names, columns, rows: 0, of: std::marker::PhantomData })
    }

    /// Adds rows of one key.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn add(&mut self, key: F::Key, facts: &[F]) -> Result<(), ParquetError> {
        for fact in facts {
            F::put(key, fact, self.names, &mut self.columns);
            self.rows += 1;
            if self.rows == GROUP {
                self.group()?;
            }
        }
        Ok(())
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.out.next_row_group()?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column()? else { break };
            column.write(writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Ends the file; without it there is none.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> Result<W, ParquetError> {
        if self.rows > 0 {
            self.group()?;
        }
        self.out.into_inner()
    }
}

/// A file that is read, a group of rows at a time.
pub struct Reader<R: ChunkReader + 'static> {
    file: SerializedFileReader<R>,
}

impl<R: ChunkReader + 'static> Reader<R> {
    /// Opens a file; its columns must begin with those that are known.
    ///
    /// # Errors
    /// In words.
    pub fn open<F: Stored>(input: R) -> Result<Reader<R>, String> {
        let file = SerializedFileReader::new(input).map_err(|e| damaged(&e))?;
        let found = file.metadata().file_metadata().schema_descr();
        for (place, (name, kind)) in F::TABLE.iter().zip(F::KINDS).enumerate() {
            let column = found.columns().get(place);
            if !column.is_some_and(|column| column.name() == *name && kind.is(column)) {
                let found = column.map_or("nothing".to_owned(), |c| format!("`{}` of {}", c.name(), c.physical_type()));
                let wanted = kind.field(name);
                let wanted = wanted.trim().trim_end_matches(';');
                return Err(format!(
                    "it is no such table of facts: column {} is {found}, should be `{wanted}`",
                    place + 1
                ));
            }
        }
        Ok(Reader { file })
    }

    /// How many groups there are.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.file.num_row_groups()
    }

    /// Reads one of them. Its lines are rows.
    ///
    /// # Errors
    /// In words: the file is damaged. What is wrong with a row is in the block.
    pub fn group<F: Stored>(&self, group: usize, names: &Names) -> Result<Block<F>, String> {
        let group = self.file.get_row_group(group).map_err(|e| damaged(&e))?;
        let rows = usize::try_from(group.metadata().num_rows()).map_err(|e| e.to_string())?;
        let mut columns = Columns::read(group.as_ref(), F::KINDS, rows)?;
        Ok(Block::of_rows(rows, || {
            let taken = F::take(&mut columns, names);
            columns.next();
            taken
        }))
    }
}

/// An error of the Parquet reader in words.
fn damaged(error: &ParquetError) -> String {
    format!("it is cut off, damaged or no Parquet ({error})")
}
