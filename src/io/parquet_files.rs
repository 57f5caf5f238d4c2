//! The long tables of a run folder as Parquet: made of the tables of CSV once the run is over. A file of Parquet is none before its end is
//! written, and a run must keep its facts when it is killed.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use super::long_table::groups;
use super::runs::RunFolderError;
use crate::report::csv::Names;
use crate::report::parquet::{Stored, Writer};

/// Writes the first `rows` rows of a table of CSV as Parquet beside it.
pub(super) fn write_parquet<F: Stored>(
    folder: &Path,
    stem: &str,
    names: &Names,
    rows: u64,
) -> Result<(), RunFolderError> {
    let (path, draft) = (folder.join(format!("{stem}.parquet")), folder.join(format!("{stem}.parquet.tmp")));
    let cannot = |source: io::Error| RunFolderError::Write { path: path.clone(), source };
    let file = BufWriter::new(File::create(&draft).map_err(cannot)?);
    let mut writer = Writer::<F, _>::new(file, names).map_err(|e| cannot(io::Error::other(e)))?;
    groups::<F>(folder, stem, names, rows, |run, facts| {
        writer.add(run.key, facts).map_err(|e| cannot(io::Error::other(e)))
    })?;
    let file = writer.finish().map_err(|e| cannot(io::Error::other(e)))?;
    file.into_inner().map_err(|e| cannot(e.into_error()))?;
    fs::rename(&draft, &path).map_err(cannot)
}

/// Takes the long tables of CSV away.
pub(super) fn remove_csv(folder: &Path) -> Result<(), RunFolderError> {
    for stem in ["emissions", "observations", "requests"] {
        let path = folder.join(format!("{stem}.csv"));
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(RunFolderError::Write { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}
