//! `pollcost scenarios`: what is built in, and what a scenario says.

use serde::Serialize;

use super::failure::Failure;
use super::source;
use crate::io::progress::expected;
use crate::io::request::Format;
use crate::scenario::BUILT_IN;
use crate::time::Span;

/// One line of the list.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    /// What it belongs to.
    family: &'static str,
    title: String,
    about: String,
    pvs: usize,
    clients: Vec<String>,
    /// How long `pollcost run` takes, about.
    seconds: u64,
}

/// The list of the built-in scenarios.
pub(crate) fn list(format: Format) -> Result<String, Failure> {
    let mut all = Vec::new();
    for built_in in BUILT_IN {
        let scenario = built_in.scenario()?;
        let length = match built_in.sweep()? {
            None => expected(&scenario),
            Some(sweep) => sweep.cells.iter().fold(Span::ZERO, |sum, cell| sum + expected(&cell.scenario)),
        };
        all.push(Listed {
            name: built_in.name,
            family: built_in.family,
            pvs: scenario.pvs.len(),
            clients: scenario.clients.iter().map(|client| client.name.clone()).collect(),
            seconds: (length + Span::from_millis(500)).0 / 1_000_000_000,
            title: scenario.title,
            about: scenario.about,
        });
    }
    if format == Format::Json {
        return json(&all);
    }
    let width = all.iter().map(|listed| listed.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut family = "";
    for listed in &all {
        if listed.family != family {
            family = listed.family;
            let gap = if text.is_empty() { "" } else { "\n" };
            text += &format!("{gap}{family}\n");
        }
        text += &format!("  {:width$}  {} ({} s)\n", listed.name, listed.title, listed.seconds);
    }
    Ok(text)
}

/// One scenario: as it is written, or as it was understood.
pub(crate) fn print(name: &str, format: Format) -> Result<String, Failure> {
    let found = source::find(name)?;
    match format {
        Format::Text => Ok(found.text),
        Format::Json => json(&found.scenario),
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::measurement(e.to_string(), ""))?;
    Ok(text + "\n")
}
