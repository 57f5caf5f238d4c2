//! The client in C, made against the headers and shared objects that the Python package `epicscorelibs` brings.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::environment::failed;
use crate::doctor::python::Lack;

const SOURCE: &str = include_str!("../../../fixtures/clients/libca_client.c");

/// The program in a folder, where it is there and made of this source.
pub(super) fn made(folder: &Path) -> Option<PathBuf> {
    let program = folder.join("libca_client");
    let same = fs::read_to_string(folder.join("libca_client.c")).is_ok_and(|made_of| made_of == SOURCE);
    (same && program.is_file()).then_some(program)
}

/// Makes it in a folder.
///
/// # Errors
/// What lacks: a compiler, or what it said.
pub(super) async fn make(folder: &Path, epicscorelibs: &Path) -> Result<PathBuf, Lack> {
    let (program, source) = (folder.join("libca_client"), folder.join("libca_client.c"));
    let lack = |why: String, mend: &str| Lack { what: "libca_client".to_owned(), why, mend: mend.to_owned() };
    let draft = folder.join("libca_client.part.c");
    fs::write(&draft, SOURCE).map_err(|e| lack(format!("{}: {e}", draft.display()), ""))?;
    let (include, libraries) = (epicscorelibs.join("include"), epicscorelibs.join("lib"));
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O2", "-Wall", "-o"]).arg(&program).arg(&draft);
    // The headers lie in one folder for all systems, and what belongs to one compiler and system below it.
    for part in ["", "os/Linux", "compiler/gcc"] {
        cc.arg("-I").arg(include.join(part));
    }
    cc.arg("-L").arg(&libraries).args(["-lca", "-lCom", "-lpthread", "-lm"]);
    cc.arg(format!("-Wl,-rpath,{}", libraries.display()));
    if let Some(why) = failed(&mut cc).await {
        let absent = why.starts_with("it cannot be run");
        let mend = if absent { "apt-get install gcc libc6-dev" } else { "" };
        return Err(lack(format!("the C compiler `cc` failed: {why}"), mend));
    }
    fs::rename(&draft, &source).map_err(|e| lack(format!("{}: {e}", source.display()), ""))?;
    Ok(program)
}
