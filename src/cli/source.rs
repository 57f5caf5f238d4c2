//! Where a scenario comes from: a built-in's name, or a path.

use std::path::Path;

use super::failure::Failure;
use crate::io::files;
use crate::scenario::model::Scenario;
use crate::scenario::sweep::Sweep;
use crate::scenario::{BUILT_IN, BuiltIn, nearest};

/// A scenario and its text.
#[derive(Debug)]
pub(crate) struct Found {
    /// What it says.
    pub(crate) scenario: Scenario,
    /// As it is written.
    pub(crate) text: String,
}

/// Finds a scenario by a built-in's name or a path, and reads it.
pub(crate) fn find(wanted: &str) -> Result<Found, Failure> {
    if let Some(built_in) = BuiltIn::named(wanted) {
        return Ok(Found { scenario: built_in.scenario()?, text: built_in.text.to_owned() });
    }
    let path = Path::new(wanted);
    if !looks_like_a_path(wanted) && !path.exists() {
        return Err(unknown(wanted));
    }
    let file = files::scenario_file(path).map_err(|why| {
        Failure::bad_input(
            format!("the scenario cannot be read: {why}"),
            "SCENARIO is a built-in's name (see `pollcost scenarios`) or a path to a TOML file",
        )
    })?;
    Ok(Found { scenario: file.scenario?, text: file.text })
}

/// Every cell of a scenario that [`find`] has found, where it has a `[sweep]`.
pub(crate) fn sweep(wanted: &str) -> Result<Option<Sweep>, Failure> {
    if let Some(built_in) = BuiltIn::named(wanted) {
        return Ok(built_in.sweep()?);
    }
    let cells = files::sweep_file(Path::new(wanted));
    Ok(cells.map_err(|why| Failure::bad_input(format!("the scenario cannot be read: {why}"), ""))??)
}

fn looks_like_a_path(wanted: &str) -> bool {
    wanted.contains('/') || wanted.ends_with(".toml")
}

fn unknown(wanted: &str) -> Failure {
    let names = BUILT_IN.map(|built_in| built_in.name);
    let hint = nearest(wanted, names).map_or_else(String::new, |best| format!("did you mean `{best}`? "));
    Failure::bad_input(
        format!("there is no scenario `{}`, and no such file", wanted.escape_debug()),
        format!(
            "{hint}`pollcost scenarios` lists those that are built in; a file of your own is named by its path, such as mine.toml"
        ),
    )
}
