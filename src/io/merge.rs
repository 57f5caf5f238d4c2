//! The shards of a sweep as one folder: what one machine would have made. Whole cells are put together; nothing in them is averaged.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::FileError;
use super::request::MergeRequest;
use super::sweep::{SweepDone, finish};
use super::sweep_folder::{SweepError, is_empty, load_index, save_index, survey};
use crate::report::sweep::{Indexed, SweepIndex};
use crate::scenario::sweep::told;

/// Missing cells that are named.
const NAMED: usize = 5;

/// Puts shards together.
///
/// # Errors
/// When they are not of the same sweep, cells overlap or are missing (all named), or something cannot be read or written.
pub fn merge(request: &MergeRequest) -> Result<SweepDone, SweepError> {
    let Some((first, rest)) = request.shards.split_first() else {
        return Err(wrong("no shards were named".to_owned(), "pollcost merge OUT SHARD..."));
    };
    let index = SweepIndex { shard: None, ..load_index(first)? };
    for other in rest {
        if let Some(what) = index.difference(&load_index(other)?) {
            let what = what.replace(" there", " in the first").replace(" here", " in the second");
            let what = format!("{} and {} are not of one sweep: {what}", first.display(), other.display());
            return Err(wrong(what, "name the shards of one sweep"));
        }
    }
    let owners = owners(&request.shards, &index)?;
    if !is_empty(&request.out) {
        return Err(wrong(
            format!(
                "{}: already holds something; shards are merged into a folder that is new or empty",
                request.out.display()
            ),
            "give another folder",
        ));
    }
    // Every cell is read before anything is written.
    for shard in &request.shards {
        survey(shard, index.clone())?;
    }
    save_index(&request.out, &index)?;
    for (cell, owner) in index.cells.iter().zip(owners) {
        let own = request.out.join(&cell.folder);
        copy(&owner.join(&cell.folder), &own).map_err(|source| FileError { path: own, source })?;
    }
    // As the shards were made: with a report, or numbers only.
    let report = request.shards.iter().any(|shard| shard.join("report.html").is_file());
    finish(request.out.clone(), index, report, false)
}

fn wrong(what: String, advice: &'static str) -> SweepError {
    SweepError::Merge { what, advice }
}

/// The shard that holds each cell.
fn owners<'a>(shards: &'a [PathBuf], index: &SweepIndex) -> Result<Vec<&'a Path>, SweepError> {
    let values = |cell: &Indexed| told(&index.axes, &cell.at);
    let (mut owners, mut missing) = (Vec::new(), Vec::new());
    for cell in &index.cells {
        let mut holding = shards.iter().filter(|shard| shard.join(&cell.folder).exists());
        match (holding.next(), holding.next()) {
            (Some(owner), None) => owners.push(owner.as_path()),
            (Some(one), Some(other)) => {
                let what = format!("{} and {} both hold the cell {}", one.display(), other.display(), values(cell));
                return Err(wrong(what, "name each shard once, and only shards of one `--shard I/N` split"));
            }
            (None, _) => missing.push(values(cell)),
        }
    }
    if missing.is_empty() {
        return Ok(owners);
    }
    let more = missing.len().saturating_sub(NAMED);
    missing.truncate(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let what = format!("no shard holds the cells: {}{more}", missing.join("; "));
    Err(wrong(what, "name all shards, and start those that were ended early once more with their -o"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
