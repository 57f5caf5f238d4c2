//! Columns of a group of rows in memory.

use parquet::basic::Type;
use parquet::column::reader::ColumnReader;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::reader::RowGroupReader;
use parquet::schema::types::ColumnDescriptor;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name: UTF-8.
    Text,
    /// Unsigned, 32 bits.
    Small,
    /// Unsigned, 64 bits.
    Number,
    /// The same, or null.
    Optional,
    /// True or false.
    Flag,
}

impl Kind {
    /// The field of a schema.
    pub(super) fn field(self, name: &str) -> String {
        match self {
            Kind::Text => format!("required binary {name} (STRING); "),
            Kind::Small => format!("required int32 {name} (INTEGER(32,false)); "),
            Kind::Number => format!("required int64 {name} (INTEGER(64,false)); "),
            Kind::Optional => format!("optional int64 {name} (INTEGER(64,false)); "),
            Kind::Flag => format!("required boolean {name}; "),
        }
    }

    /// Whether values are kept as differences.
    pub(super) fn is_packed(self) -> bool {
        matches!(self, Kind::Number | Kind::Optional)
    }

    /// Whether a column of a file is one.
    pub(super) fn is(self, column: &ColumnDescriptor) -> bool {
        let (physical, levels) = match self {
            Kind::Text => (Type::BYTE_ARRAY, 0),
            Kind::Small => (Type::INT32, 0),
            Kind::Number => (Type::INT64, 0),
            Kind::Optional => (Type::INT64, 1),
            Kind::Flag => (Type::BOOLEAN, 0),
        };
        (column.physical_type(), column.max_def_level(), column.max_rep_level()) == (physical, levels, 0)
    }
}

/// The values of one column. Unsigned numbers are stored as the signed ones of the same bits.
#[derive(Debug)]
pub enum Column {
    /// Of [`Kind::Text`].
    Text(Vec<ByteArray>),
    /// Of [`Kind::Small`].
    Small(Vec<i32>),
    /// Of [`Kind::Number`].
    Number(Vec<i64>),
    /// Of [`Kind::Optional`]: those that are there, and for each row whether it has one.
    Optional(Vec<i64>, Vec<i16>),
    /// Of [`Kind::Flag`].
    Flag(Vec<bool>),
}

impl Column {
    pub(super) fn new(kind: Kind) -> Column {
        match kind {
            Kind::Text => Column::Text(Vec::new()),
            Kind::Small => Column::Small(Vec::new()),
            Kind::Number => Column::Number(Vec::new()),
            Kind::Optional => Column::Optional(Vec::new(), Vec::new()),
            Kind::Flag => Column::Flag(Vec::new()),
        }
    }

    pub(super) fn name(&mut self, name: &str) {
        if let Column::Text(values) = self {
            // Names repeat: one that is there already is shared.
            let again = values.last().filter(|last| last.data() == name.as_bytes()).cloned();
            values.push(again.unwrap_or_else(|| ByteArray::from(name)));
        }
    }

    pub(super) fn small(&mut self, value: u32) {
        if let Column::Small(values) = self {
            values.push(value.cast_signed());
        }
    }

    pub(super) fn number(&mut self, value: u64) {
        if let Column::Number(values) = self {
            values.push(value.cast_signed());
        }
    }

    pub(super) fn optional(&mut self, value: Option<u64>) {
        if let Column::Optional(values, there) = self {
            values.extend(value.map(u64::cast_signed));
            there.push(i16::from(value.is_some()));
        }
    }

    pub(super) fn flag(&mut self, value: bool) {
        if let Column::Flag(values) = self {
            values.push(value);
        }
    }

    /// Writes the values, and lets go of them.
    pub(super) fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        match (&mut *self, writer) {
            (Column::Text(values), ColumnWriter::ByteArrayColumnWriter(out)) => out.write_batch(values, None, None)?,
            (Column::Small(values), ColumnWriter::Int32ColumnWriter(out)) => out.write_batch(values, None, None)?,
            (Column::Number(values), ColumnWriter::Int64ColumnWriter(out)) => out.write_batch(values, None, None)?,
            (Column::Optional(values, there), ColumnWriter::Int64ColumnWriter(out)) => {
                out.write_batch(values, Some(there), None)?
            }
            (Column::Flag(values), ColumnWriter::BoolColumnWriter(out)) => out.write_batch(values, None, None)?,
            _ => return Err(ParquetError::General("a column is not of the schema's type".to_owned())),
        };
        match self {
            Column::Text(values) => values.clear(),
            Column::Small(values) => values.clear(),
            Column::Number(values) => values.clear(),
            Column::Optional(values, there) => {
                values.clear();
                there.clear();
            }
            Column::Flag(values) => values.clear(),
        }
        Ok(())
    }

    /// Reads so many rows.
    fn read(kind: Kind, reader: ColumnReader, rows: usize) -> Result<Column, ParquetError> {
        let mut column = Column::new(kind);
        let read = match (&mut column, reader) {
            (Column::Text(values), ColumnReader::ByteArrayColumnReader(mut from)) => {
                from.read_records(rows, None, None, values)?
            }
            (Column::Small(values), ColumnReader::Int32ColumnReader(mut from)) => {
                from.read_records(rows, None, None, values)?
            }
            (Column::Number(values), ColumnReader::Int64ColumnReader(mut from)) => {
                from.read_records(rows, None, None, values)?
            }
            (Column::Optional(values, there), ColumnReader::Int64ColumnReader(mut from)) => {
                from.read_records(rows, Some(there), None, values)?
            }
            (Column::Flag(values), ColumnReader::BoolColumnReader(mut from)) => {
                from.read_records(rows, None, None, values)?
            }
            _ => return Err(ParquetError::General("a column is not of the schema's type".to_owned())),
        };
        let complete = read.0 == rows && (read.1 == rows || kind == Kind::Optional);
        if complete { Ok(column) } else { Err(ParquetError::EOF(format!("{} of {rows} values", read.1))) }
    }
}

/// All columns of a group, taken row by row.
#[derive(Debug)]
pub struct Columns {
    columns: Vec<Column>,
    row: usize,
    /// How many values of optional columns were taken; there is one such column at most.
    taken: usize,
    /// The last name of each column, and what it was found to be.
    found: Vec<Option<(ByteArray, usize)>>,
}

impl Columns {
    pub(super) fn read(group: &dyn RowGroupReader, kinds: &[Kind], rows: usize) -> Result<Columns, String> {
        let column = |(place, kind): (usize, &Kind)| Column::read(*kind, group.get_column_reader(place)?, rows);
        let columns = kinds.iter().enumerate().map(column).collect::<Result<Vec<_>, ParquetError>>();
        let columns = columns.map_err(|e| super::damaged(&e))?;
        Ok(Columns { found: vec![None; columns.len()], columns, row: 0, taken: 0 })
    }

    pub(super) fn next(&mut self) {
        self.row += 1;
    }

    pub(super) fn text<T: Index>(&mut self, place: usize, find: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let Some(Column::Text(values)) = self.columns.get(place) else { return None };
        let (value, last) = (values.get(self.row)?, self.found.get_mut(place)?);
        if let Some((_, found)) = last.as_ref().filter(|(name, _)| name.data() == value.data()) {
            return Some(T::from_index(*found));
        }
        let found = find(value.data())?;
        *last = Some((value.clone(), found.index()));
        Some(found)
    }

    pub(super) fn small(&self, place: usize) -> u32 {
        match self.columns.get(place) {
            Some(Column::Small(values)) => values.get(self.row).map_or(0, |v| v.cast_unsigned()),
            _ => 0,
        }
    }

    pub(super) fn number(&self, place: usize) -> u64 {
        match self.columns.get(place) {
            Some(Column::Number(values)) => values.get(self.row).map_or(0, |v| v.cast_unsigned()),
            _ => 0,
        }
    }

    pub(super) fn optional(&mut self, place: usize) -> Option<u64> {
        let Some(Column::Optional(values, there)) = self.columns.get(place) else { return None };
        if *there.get(self.row)? == 0 {
            return None;
        }
        self.taken += 1;
        values.get(self.taken - 1).map(|v| v.cast_unsigned())
    }

    pub(super) fn flag(&self, place: usize) -> bool {
        matches!(self.columns.get(place), Some(Column::Flag(values)) if values.get(self.row) == Some(&true))
    }
}

/// What a name stands for.
pub(super) trait Index: Copy {
    fn index(self) -> usize;
    fn from_index(index: usize) -> Self;
}

impl Index for usize {
    fn index(self) -> usize {
        self
    }

    fn from_index(index: usize) -> usize {
        index
    }
}

impl Index for crate::pv::PvId {
    fn index(self) -> usize {
        self.0 as usize
    }

    fn from_index(index: usize) -> crate::pv::PvId {
        crate::pv::PvId(index as u32)
    }
}
