//! Long tables of facts from disk, CSV or Parquet: cut into blocks that are read side by side, a few at a time, so that a table takes no
//! more memory the longer it is.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::runs::RunFolderError;
use crate::report::csv::block::{Block, Header, Run};
use crate::report::csv::facts::read_rows;
use crate::report::csv::{CsvError, Names};
use crate::report::parquet::{Reader, Stored};

/// Bytes of a block. Tests cut small tables into many.
const BLOCK: u64 = if cfg!(test) { 200 } else { 1 << 20 };
/// Blocks for each thread that are read at once.
const BLOCKS: usize = 4;
/// Bytes that are read at first beyond a block, to find the end of its last line.
const BEYOND: u64 = if cfg!(test) { 10 } else { 1 << 12 };

/// A table whose rows are taken in their order.
#[derive(Debug)]
pub(super) struct LongTable<'a, F: Stored> {
    path: PathBuf,
    names: &'a Names,
    source: Source,
    /// Rows to come.
    left: u64,
    /// Rows that have come.
    read: u64,
    /// Lines, or rows of Parquet, before the next block.
    lines: u64,
    blocks: VecDeque<Block<F>>,
}

/// Where blocks come from.
#[derive(Debug)]
enum Source {
    Csv {
        file: File,
        header: Header,
        length: u64,
        /// Where the next block begins.
        next: u64,
    },
    Parquet {
        groups: usize,
        /// The next group.
        next: usize,
    },
}

/// The file of a table: the CSV where there is one, else the Parquet where there is one.
fn file_of(folder: &Path, stem: &str) -> (PathBuf, bool) {
    let [csv, parquet] = ["csv", "parquet"].map(|ending| folder.join(format!("{stem}.{ending}")));
    if !csv.exists() && parquet.exists() { (parquet, true) } else { (csv, false) }
}

/// Whether there is such a table.
pub(super) fn exists(folder: &Path, stem: &str) -> bool {
    file_of(folder, stem).0.is_file()
}

impl<'a, F: Stored> LongTable<'a, F> {
    /// Opens a table of which the first `rows` rows count. Cells must not go over several lines.
    pub(super) fn open(
        folder: &Path,
        stem: &str,
        names: &'a Names,
        rows: u64,
    ) -> Result<LongTable<'a, F>, RunFolderError> {
        let (path, parquet) = file_of(folder, stem);
        let table = |path, source, lines| LongTable {
            path,
            names,
            source,
            left: rows,
            read: 0,
            lines,
            blocks: VecDeque::new(),
        };
        if parquet {
            let groups = reader::<F>(&path)?.groups();
            return Ok(table(path, Source::Parquet { groups, next: 0 }, 0));
        }
        let unread = |source| RunFolderError::Read { path: path.clone(), source };
        let file = File::open(&path).map_err(unread)?;
        let length = file.metadata().map_err(unread)?.len();
        let header = Header::read::<F>(&file).map_err(|error| RunFolderError::Table { path: path.clone(), error })?;
        let source = Source::Csv { file, header, length, next: header.end };
        Ok(table(path, source, 1))
    }

    /// The next block; `None` when all rows have come.
    pub(super) fn block(&mut self) -> Result<Option<(u64, Block<F>)>, RunFolderError> {
        if self.left == 0 {
            return Ok(None);
        }
        if self.blocks.is_empty() {
            self.fill()?;
        }
        let Some(mut block) = self.blocks.pop_front() else {
            let what = format!("the table ends after {} rows, {} were saved", self.read, self.read + self.left);
            return Err(self.wrong(CsvError { line: self.lines + 1, column: None, what }));
        };
        if block.facts.len() as u64 >= self.left {
            block.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        }
        if let Some(wrong) = block.wrong.take() {
            return Err(self.wrong(CsvError { line: wrong.line + self.lines, ..wrong }));
        }
        let rows = block.facts.len() as u64;
        let before = self.lines;
        (self.left, self.read, self.lines) = (self.left - rows, self.read + rows, self.lines + block.lines);
        Ok(Some((before, block)))
    }

    fn fill(&mut self) -> Result<(), RunFolderError> {
        let most = BLOCKS * rayon::current_num_threads();
        let (path, names) = (&self.path, self.names);
        let blocks: Result<Vec<Block<F>>, RunFolderError> = match &mut self.source {
            Source::Csv { file, header, length, next } => {
                let (file, length) = (&*file, *length);
                let starts: Vec<u64> = (*next..length).step_by(BLOCK as usize).take(most).collect();
                *next = starts.last().map_or(length, |last| (last + BLOCK).min(length));
                let read = |from: &u64| {
                    let bytes = lines_from(file, length, *from, (*from + BLOCK).min(length));
                    let bytes = bytes.map_err(|source| RunFolderError::Read { path: path.clone(), source })?;
                    Ok(Block::read(&bytes, *header, names))
                };
                starts.par_iter().map(read).collect()
            }
            Source::Parquet { groups, next } => {
                let from = *next;
                *next = (from + most).min(*groups);
                // A file of its own for each: they would share a place to read at.
                let read = |group: usize| {
                    let damaged = |what| RunFolderError::Parquet { path: path.clone(), what };
                    reader::<F>(path)?.group(group, names).map_err(damaged)
                };
                (from..*next).into_par_iter().map(read).collect()
            }
        };
        self.blocks = blocks?.into();
        Ok(())
    }

    /// An error in a cell.
    pub(super) fn wrong_at(&self, line: u64, column: &str, what: String) -> RunFolderError {
        self.wrong(CsvError { line, column: Some(column.to_owned()), what })
    }

    fn wrong(&self, error: CsvError) -> RunFolderError {
        let path = self.path.clone();
        match self.source {
            Source::Csv { .. } => RunFolderError::Table { path, error },
            Source::Parquet { .. } => {
                let column = error.column.map(|name| format!(", column `{name}`")).unwrap_or_default();
                RunFolderError::Parquet { path, what: format!("row {}{column}: {}", error.line, error.what) }
            }
        }
    }
}

/// The lines that begin in `[from, to)` of a file of this length.
fn lines_from(file: &File, length: u64, from: u64, to: u64) -> io::Result<Vec<u8>> {
    // The byte before tells whether a line begins at `from`.
    let start = from - 1;
    let mut bytes = Vec::new();
    let mut end = (to + BEYOND).min(length);
    let line_end = |bytes: &[u8], at: u64| {
        let at = (at - start) as usize;
        bytes.get(at..)?.iter().position(|b| *b == b'\n').map(|found| at + found + 1)
    };
    loop {
        let have = bytes.len();
        bytes.resize((end - start) as usize, 0);
        file.read_exact_at(&mut bytes[have..], start + have as u64)?;
        let Some(begin) = line_end(&bytes, start).filter(|begin| (*begin as u64) < to - start) else {
            return Ok(Vec::new());
        };
        let found = line_end(&bytes, to - 1).or((end == length).then_some(bytes.len()));
        if let Some(found) = found {
            bytes.truncate(found);
            bytes.drain(..begin);
            return Ok(bytes);
        }
        end = (end + BLOCK).min(length);
    }
}

fn reader<F: Stored>(path: &Path) -> Result<Reader<File>, RunFolderError> {
    let file = File::open(path).map_err(|source| RunFolderError::Read { path: path.to_owned(), source })?;
    Reader::open::<F>(file).map_err(|what| RunFolderError::Parquet { path: path.to_owned(), what })
}

/// Hands the first `rows` rows of a table to `take`, group by group: rows of one key that follow each other, or a part of them, with the
/// line of the first.
pub(super) fn groups<F: Stored>(
    folder: &Path,
    stem: &str,
    names: &Names,
    rows: u64,
    mut take: impl FnMut(Run<F::Key>, &[F]) -> Result<(), RunFolderError>,
) -> Result<(), RunFolderError> {
    let (path, parquet) = file_of(folder, stem);
    if names.break_lines() && !parquet {
        return one_by_one(path, names, rows, take);
    }
    let mut table = LongTable::<F>::open(folder, stem, names, rows)?;
    while let Some((before, block)) = table.block()? {
        for (run, facts) in block.groups() {
            take(Run { line: run.line + before, ..run }, facts)?;
        }
    }
    Ok(())
}

/// The same for tables whose cells may go over several lines.
fn one_by_one<F: Stored>(
    path: PathBuf,
    names: &Names,
    rows: u64,
    mut take: impl FnMut(Run<F::Key>, &[F]) -> Result<(), RunFolderError>,
) -> Result<(), RunFolderError> {
    let file = File::open(&path).map_err(|source| RunFolderError::Read { path: path.clone(), source })?;
    let mut refused = None;
    let read = read_rows::<F>(file, names, rows, |key, fact, line| {
        take(Run { key, from: 0, line }, &[fact]).map_err(|error| {
            refused = Some(error);
            CsvError { line, column: None, what: String::new() }
        })
    });
    match refused {
        Some(error) => Err(error),
        None => read.map_err(|error| RunFolderError::Table { path, error }),
    }
}
