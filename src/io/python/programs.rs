//! What the clients of a scenario are started with: looked up before anything is measured, so that what lacks is told then.

use std::collections::HashMap;
use std::path::PathBuf;

use thiserror::Error;

use super::ask::{Answer, ask};
use super::environment::{self, Place};
use super::{find, install, libca, set_up_with};
use crate::scenario::library::{LibraryClient, LibraryProgram};
use crate::scenario::model::{ClientSpec, Facts, Program, Scenario};
use crate::trace::Interpreter;

/// Something that a client needs is not there.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{who} cannot be run: {why}")]
pub struct NotReady {
    who: String,
    why: String,
    /// The command that mends it; may be empty.
    pub mend: String,
}

/// The commands of a scenario's clients, and the interpreters that they and the probes run on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs {
    /// For each client, the words that start it, PV names apart; `None` for a native one.
    commands: Vec<Option<Vec<String>>>,
    interpreters: Vec<Interpreter>,
}

/// An interpreter that was looked up.
struct Known {
    answer: Answer,
    /// The client in C in its environment.
    libca: Option<PathBuf>,
    uses: Interpreter,
}

impl Programs {
    /// Looks up everything that a scenario needs. An interpreter of a probe may be missing: the probe says so.
    ///
    /// # Errors
    /// At the first client that cannot be run.
    pub async fn of(scenario: &Scenario) -> Result<Programs, NotReady> {
        let mut known: HashMap<String, Known> = HashMap::new();
        let mut order = Vec::new();
        let mut commands = Vec::new();
        for client in &scenario.clients {
            commands.push(match &client.program {
                Program::Native => None,
                Program::External(words) => Some(external(client, words, &mut known, &mut order).await?),
                Program::Library(library) => Some(of_library(scenario, client, library, &mut known, &mut order).await?),
            });
        }
        for probe in &scenario.probes {
            let asked = probe.python.as_deref().unwrap_or(find::DEFAULT);
            // What its interpreter lacks is told when it is run.
            let _ = look_up(&format!("probe {}", probe.name), asked, &[], &mut known, &mut order).await;
        }
        let interpreters = order.iter().filter_map(|asked| known.remove(asked)).map(|known| known.uses).collect();
        Ok(Programs { commands, interpreters })
    }

    /// The words that start a client; `None` for a native one.
    #[must_use]
    pub fn command(&self, client: usize) -> Option<&[String]> {
        self.commands.get(client)?.as_deref()
    }

    /// The interpreters, in the order in which they were needed first.
    #[must_use]
    pub fn interpreters(&self) -> &[Interpreter] {
        &self.interpreters
    }
}

/// A command of the user's, as it stands; but `python3 builtin:NAME.py` means the interpreter with its environment.
async fn external(
    client: &ClientSpec,
    words: &[String],
    known: &mut HashMap<String, Known>,
    order: &mut Vec<String>,
) -> Result<Vec<String>, NotReady> {
    let [python, script, ..] = words else { return Ok(words.to_vec()) };
    let program = script.strip_prefix("builtin:").and_then(LibraryProgram::of_file);
    let Some(program) = program.filter(|program| !program.is_compiled()) else { return Ok(words.to_vec()) };
    let answer = &look_up(&client.name, python, program.packages(), known, order).await?.answer;
    let mut words = words.to_vec();
    words[0] = answer.executable.display().to_string();
    Ok(words)
}

async fn of_library(
    scenario: &Scenario,
    client: &ClientSpec,
    library: &LibraryClient,
    known: &mut HashMap<String, Known>,
    order: &mut Vec<String>,
) -> Result<Vec<String>, NotReady> {
    let asked = library.python.as_deref().unwrap_or(find::DEFAULT);
    let Some(program) = LibraryProgram::named(&library.client) else {
        return Err(not_ready(&client.name, format!("there is no client `{}`", library.client), String::new()));
    };
    let found = look_up(&client.name, asked, program.packages(), known, order).await?;
    let mut words = if program.is_compiled() {
        let Some(program) = &found.libca else {
            let why = "the client in C is not made".to_owned();
            return Err(not_ready(&client.name, why, set_up_with(asked)));
        };
        vec![program.display().to_string()]
    } else {
        vec![found.answer.executable.display().to_string(), format!("builtin:{}", program.file)]
    };
    let full = scenario.facts == Facts::Full;
    let pacing = client.pacing.as_ref();
    words.extend(library.arguments(pacing, client.service_time, scenario.connect_timeout, full));
    Ok(words)
}

/// An interpreter with these packages. Of two that have them, its environment goes first.
async fn look_up<'k>(
    who: &str,
    asked: &str,
    packages: &[&str],
    known: &'k mut HashMap<String, Known>,
    order: &mut Vec<String>,
) -> Result<&'k Known, NotReady> {
    if !known.contains_key(asked) {
        let found = interpreter(who, asked, packages).await?;
        known.insert(asked.to_owned(), found);
        order.push(asked.to_owned());
    }
    let Some(found) = known.get_mut(asked) else {
        return Err(not_ready(who, format!("no interpreter `{asked}`"), String::new()));
    };
    for package in packages {
        if !found.answer.packages.contains_key(*package) {
            let python = &found.answer.executable;
            let why = format!("{} has no package {package}", python.display());
            return Err(not_ready(who, why, install(python, package)));
        }
    }
    found.uses.used_by.push(who.to_owned());
    Ok(found)
}

async fn interpreter(who: &str, asked: &str, packages: &[&str]) -> Result<Known, NotReady> {
    let program = find::interpreter(asked).map_err(|missing| not_ready(who, missing.to_string(), missing.0.mend()))?;
    let told = |why: String| not_ready(who, why, String::new());
    let bare = ask(&program, false).await.map_err(told)?;
    let place = Place::of(&environment::home(None).map_err(told)?, &bare);
    let complete = place.complete().is_some();
    let answer =
        if complete && !bare.is_virtual { ask(&place.python(), bare.free_threaded).await.map_err(told)? } else { bare };
    let lacking = packages.iter().any(|package| !answer.packages.contains_key(*package));
    if lacking && !complete && !answer.is_virtual {
        let why = format!("`{asked}` has no environment with the client libraries in {}", place.folder.display());
        return Err(not_ready(who, why, set_up_with(asked)));
    }
    let uses = answer.interpreter(asked);
    Ok(Known { libca: libca::made(&place.folder), answer, uses })
}

fn not_ready(who: &str, why: String, mend: String) -> NotReady {
    NotReady { who: who.to_owned(), why, mend }
}
