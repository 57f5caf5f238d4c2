//! The request of `pollcost python`.

use super::voice;
use crate::cli::args::PythonFlags;
use crate::cli::failure::Failure;
use crate::io::request::PythonRequest;

pub(super) fn python(flags: PythonFlags) -> Result<PythonRequest, Failure> {
    if flags.python.iter().any(|python| python.is_empty() || python.contains('\0')) {
        return Err(Failure::bad_input("--python names no interpreter", "a version or a path: --python 3.12"));
    }
    let PythonFlags { python: pythons, dir: folder, check, voice: speech } = flags;
    let folder = folder.map(|folder| std::path::absolute(&folder).unwrap_or(folder));
    Ok(PythonRequest { pythons, folder, check, voice: voice(speech) })
}
