//! The Python interpreters of clients and probes: found by name, asked what they are, and given a virtual environment with the pinned
//! client libraries.

mod ask;
mod environment;
pub(in crate::io) mod find;
mod libca;
pub mod programs;

use std::path::{Path, PathBuf};

use self::ask::{Answer, PACKAGES, ask};
use self::environment::{Place, VARIABLE, home, requirements};
use super::remark::remark;
use super::request::PythonRequest;
use crate::doctor::python::{Environment, Lack, PythonSetup};

/// Sets up each interpreter, one after the other; with `check` only looks. What is not there is told in the result.
///
/// # Errors
/// When there is no place for environments, or child processes cannot be watched.
pub fn set_up(request: &PythonRequest) -> Result<Vec<PythonSetup>, String> {
    let home = home(request.folder.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| format!("child processes cannot be watched: {e}"))?;
    let asked = if request.pythons.is_empty() { &[find::DEFAULT.to_owned()] } else { request.pythons.as_slice() };
    Ok(asked.iter().map(|asked| runtime.block_on(set_up_one(asked, &home, request))).collect())
}

async fn set_up_one(asked: &str, home: &Path, request: &PythonRequest) -> PythonSetup {
    let mut setup = PythonSetup {
        asked: asked.to_owned(),
        interpreter: None,
        environment: Environment::Absent,
        libca_client: None,
        lacks: Vec::new(),
    };
    let bare = match find::interpreter(asked) {
        Ok(program) => ask(&program, false).await,
        Err(missing) => {
            let why = "neither on the search path nor in pyenv".to_owned();
            setup.lacks.push(lack("interpreter", why, missing.0.mend()));
            return setup;
        }
    };
    let bare = match bare {
        Ok(bare) => bare,
        Err(why) => {
            setup.lacks.push(lack("interpreter", why, "pyenv install 3.12".to_owned()));
            return setup;
        }
    };
    setup.interpreter = Some(bare.interpreter(asked));
    let place = Place::of(home, &bare);
    let mut python = bare.executable.clone();
    if bare.is_virtual {
        setup.environment = Environment::Own;
    } else {
        setup.environment = environment(&place, asked, &bare, request, &mut setup.lacks).await;
        if setup.environment == Environment::Absent {
            return setup;
        }
        python = place.python();
    }
    match ask(&python, true).await {
        Ok(answer) => furnish(&mut setup, &place, &answer, request).await,
        Err(why) => setup.lacks.push(lack("interpreter", why, command(asked, home))),
    }
    setup
}

/// The environment, made where it is not there and may be made.
async fn environment(
    place: &Place,
    asked: &str,
    bare: &Answer,
    request: &PythonRequest,
    lacks: &mut Vec<Lack>,
) -> Environment {
    let folder = place.folder.clone();
    if request.check {
        return match place.complete() {
            Some(note) => {
                refusals(lacks, &note.refused, place);
                Environment::Found { folder }
            }
            None => {
                let why = format!("{} is not there, or not complete", folder.display());
                lacks.push(lack("environment", why, command(asked, folder.parent().unwrap_or(&folder))));
                Environment::Absent
            }
        };
    }
    let _lock = match place.lock() {
        Ok(lock) => lock,
        Err(error) => {
            lacks.push(lack(
                "environment",
                format!("{}: {error}", folder.display()),
                "another folder with --dir".into(),
            ));
            return Environment::Absent;
        }
    };
    // What was refused before is tried again: a wheel or a network may be there now.
    if place.complete().is_some_and(|note| note.refused.is_empty()) {
        return Environment::Found { folder };
    }
    if !bare.lacks.is_empty() {
        let (major, minor) = bare.minor();
        let why = format!("{asked} has no module {}", bare.lacks.join(", "));
        lacks.push(lack("venv", why, format!("apt-get install python{major}.{minor}-venv")));
        return Environment::Absent;
    }
    if !request.voice.quiet {
        let state = if folder.exists() { "completing" } else { "making" };
        remark(format_args!("{asked}: {state} {}: a minute", folder.display()));
    }
    match place.make(&bare.base).await {
        Ok(note) => {
            refusals(lacks, &note.refused, place);
            Environment::Made { folder }
        }
        Err(why) => {
            lacks.push(lack("environment", why, String::new()));
            Environment::Absent
        }
    }
}

/// Says what is in an environment and what not, and makes the client in C.
async fn furnish(setup: &mut PythonSetup, place: &Place, answer: &Answer, request: &PythonRequest) {
    setup.interpreter = Some(answer.interpreter(&setup.asked));
    for (package, module) in PACKAGES {
        let told = setup.lacks.iter().any(|lack| lack.what == package);
        if !answer.packages.contains_key(package) && !told {
            setup.lacks.push(lack(package, "it is not installed".to_owned(), install(&answer.executable, package)));
        }
        if let Some(why) = answer.failed_imports.get(module) {
            setup.lacks.push(lack(package, format!("it cannot be imported: {why}"), String::new()));
        }
    }
    // A user's own environment is left as it is.
    let folder = match (&setup.environment, &answer.epicscorelibs) {
        (Environment::Found { .. } | Environment::Made { .. }, Some(libraries)) => Some((&place.folder, libraries)),
        _ => None,
    };
    let Some((folder, libraries)) = folder else { return };
    setup.libca_client = libca::made(folder);
    if setup.libca_client.is_some() {
        return;
    }
    if request.check {
        let home = folder.parent().unwrap_or(folder);
        setup.lacks.push(lack("libca_client", "it is not made".to_owned(), command(&setup.asked, home)));
        return;
    }
    match libca::make(folder, libraries).await {
        Ok(program) => setup.libca_client = Some(program),
        Err(lack) => setup.lacks.push(lack),
    }
}

fn refusals(lacks: &mut Vec<Lack>, refused: &std::collections::BTreeMap<String, String>, place: &Place) {
    for (requirement, why) in refused {
        let name: String = requirement.chars().take_while(|c| !"=<>;[ ".contains(*c)).collect();
        lacks.push(lack(&name, why.clone(), install(&place.python(), &name)));
    }
}

fn lack(what: &str, why: String, mend: String) -> Lack {
    Lack { what: what.to_owned(), why, mend }
}

/// The command that sets an interpreter up below a folder.
fn command(asked: &str, home: &Path) -> String {
    let usual = environment::home(None).is_ok_and(|usual| usual == home);
    let folder = if usual { String::new() } else { format!(" --dir {}", home.display()) };
    format!("{}{folder}", set_up_with(asked))
}

/// The same in the place where runs look.
fn set_up_with(asked: &str) -> String {
    format!("pollcost python --python {asked}")
}

/// The command that installs a package at its pinned version.
fn install(python: &Path, package: &str) -> String {
    let pinned = requirements().find(|line| line.split("==").next() == Some(package));
    let pinned = pinned.filter(|line| !line.contains(';')).unwrap_or(package);
    format!("{} -m pip install {pinned}", python.display())
}

/// The variable that tells runs where environments are, where that is not the usual place.
#[must_use]
pub fn needed_variable(folder: Option<&Path>) -> Option<(&'static str, PathBuf)> {
    let asked = folder?;
    let asked = std::path::absolute(asked).unwrap_or_else(|_| asked.to_owned());
    (home(None).ok()? != asked).then_some((VARIABLE, asked))
}
