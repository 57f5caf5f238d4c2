//! What `pollcost python` found and made: an interpreter, its environment, and what lacks, each with the command that mends it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::trace::Interpreter;

/// One interpreter that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonSetup {
    /// How it was asked for.
    pub asked: String,
    /// What it is; `None` where there is none.
    pub interpreter: Option<Interpreter>,
    /// Where the client libraries are.
    pub environment: Environment,
    /// The client in C, made against the C library that comes with the Python packages.
    pub libca_client: Option<PathBuf>,
    /// What is not there.
    pub lacks: Vec<Lack>,
}

/// Where the client libraries of an interpreter are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Environment {
    /// Nowhere.
    Absent,
    /// In a virtual environment that was there, complete.
    Found {
        /// Its folder.
        folder: PathBuf,
    },
    /// In a virtual environment that was made, or completed, now.
    Made {
        /// Its folder.
        folder: PathBuf,
    },
    /// In the interpreter's own packages: it is a virtual environment of the user's, and is left as it is.
    Own,
}

/// Something that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// What, such as `numpy`.
    pub what: String,
    /// Why, in words.
    pub why: String,
    /// The command that mends it.
    pub mend: String,
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.what, self.why)?;
        if self.mend.is_empty() { Ok(()) } else { write!(f, ": {}", self.mend) }
    }
}
