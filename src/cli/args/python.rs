//! `pollcost python`.

use std::path::PathBuf;

use clap::Args;

use super::VoiceFlags;

pub(super) const PYTHON_EXAMPLES: &str = "\
Examples:
  pollcost python
  pollcost python --python 3.9 --python 3.12 --python ~/python3.14t/bin/python3
  pollcost python --check --format json

It makes a virtual environment for each interpreter, in $POLLCOST_PYTHON_DIR, or else in $XDG_CACHE_HOME/pollcost/python (mostly
~/.cache/pollcost/python), installs the versions that pollcost was tested with from PyPI, and compiles the client in C. Runs find them there
by the name of the interpreter. An interpreter that is itself a virtual environment is left as it is, and used with what is in it.
One that was left unfinished is completed; what was refused is tried again. Where something lacks, the exit code is 4.";

#[derive(Debug, Args)]
pub(crate) struct PythonFlags {
    /// An interpreter: a version such as 3.12 or 3.13t, looked up on the search path and in pyenv, or a path; may be given several times
    /// [default: python3]
    #[arg(long, value_name = "VERSION|PATH")]
    pub(crate) python: Vec<String>,
    /// Where the environments are to be; runs need POLLCOST_PYTHON_DIR to find them there
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Only look; make and install nothing
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}
