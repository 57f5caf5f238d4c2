//! `pollcost compare --run`: what is measured in turn.

use std::path::{Path, PathBuf};

use super::with_clients;
use crate::cli::args::{CompareFlags, FetchFlag};
use crate::cli::failure::Failure;
use crate::io::interleave::Subject;
use crate::scenario::model::{ClientSpec, DbrChoice, Fetch, Pacing, Program, Scenario};
use crate::scenario::{BuiltIn, Overrides};
use crate::time::Span;

/// The name of a client that a command line stands for.
const CLIENT: &str = "client";

/// A subject from what was written after `--run`: a build of this program, a scenario, or a command line.
pub(crate) fn subject(written: &str, flags: &CompareFlags) -> Result<(String, Subject), Failure> {
    let overrides = || Overrides {
        window: flags.duration,
        clients: flags.clients.clone(),
        repeats: Some(1),
        ..Overrides::default()
    };
    let words = words(written)?;
    let Some(program) = words.first() else {
        return Err(Failure::bad_input(
            "--run '' names nothing",
            "give a command line, a TOML file, or a build of pollcost",
        ));
    };
    let path = Path::new(program);
    let name = written.to_owned();
    if words.len() == 1 && (written.ends_with(".toml") || BuiltIn::named(written).is_some()) {
        return Ok((name, Subject::Scenario(Box::new(with_clients(written, overrides(), true)?))));
    }
    if words.len() == 1 && path.file_name().is_some_and(|file| file.to_string_lossy().starts_with("pollcost")) {
        if !path.is_file() {
            return Err(Failure::bad_input(format!("--run {written}: there is no such file"), ""));
        }
        let scenario = Box::new(with_clients(&flags.scenario, overrides(), true)?);
        let named = flags.scenario.clone();
        return Ok((name, Subject::Build { program: PathBuf::from(program), scenario, named }));
    }
    if flags.clients.is_some() {
        return Err(Failure::bad_input("--clients does not go with a command line", "it is the only client then"));
    }
    let scenario = with_clients(&flags.scenario, Overrides { clients: None, ..overrides() }, true)?;
    Ok((name, Subject::Scenario(Box::new(with_program(scenario, words, flags)))))
}

/// The scenario with the command line as its only client.
fn with_program(scenario: Scenario, words: Vec<String>, flags: &CompareFlags) -> Scenario {
    let fetch = flags.fetch.map_or(Fetch::Monitor, |flag| match flag {
        FetchFlag::Serial => Fetch::Serial,
        FetchFlag::Batch => Fetch::Batch,
        FetchFlag::Connect => Fetch::Connect,
        FetchFlag::Cached => Fetch::Cached,
    });
    let period = flags.period.unwrap_or(Span::from_millis(10));
    let client = ClientSpec {
        name: CLIENT.to_owned(),
        program: Program::External(words),
        fetch,
        pacing: (fetch != Fetch::Monitor).then_some(Pacing::FixedDelay { period }),
        pvs: (0..scenario.pvs.len()).map(|i| crate::pv::PvId(i as u32)).collect(),
        dbr: DbrChoice::default(),
        service_time: Span::ZERO,
        copies: 1,
        hog_processes: 0,
    };
    // What the scenario expects of its own clients says nothing of this one.
    Scenario { clients: vec![client], expectations: Vec::new(), claims: Vec::new(), ..scenario }
}

/// A command line as its words: blanks part them, quotes of either kind keep them together, a backslash takes the next letter as it is.
fn words(line: &str) -> Result<Vec<String>, Failure> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(letters.next()),
            (c, Some(q)) if c == q => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(Failure::bad_input(format!("--run {line}: a quote is not closed"), ""));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_come_apart_as_in_a_shell() {
        for (line, expected) in [
            ("python3 a.py", vec!["python3", "a.py"]),
            (" 'my client' -x \"a b\"c ", vec!["my client", "-x", "a bc"]),
            ("a\\ b ''", vec!["a b", ""]),
            ("", vec![]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
        assert!(words("'open").is_err());
    }
}
