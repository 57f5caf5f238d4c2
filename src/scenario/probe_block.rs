//! One `[[probe]]` block.

use super::duration::LONGEST;
use super::model::ClientSpec;
use super::probe::{PROGRAMS, ProbeProgram, ProbeSpec};
use super::read::{SHORTEST_WINDOW, short_name};
use super::section::Section;
use crate::time::Span;

/// The most probes.
const MAX_PROBES: usize = 100;

/// Reads all of them.
pub(crate) fn read(sections: Vec<Section<'_>>, clients: &[ClientSpec]) -> Vec<ProbeSpec> {
    let mut probes: Vec<ProbeSpec> = Vec::new();
    for section in sections {
        if probes.len() == MAX_PROBES {
            section.fault("", format!("there are more than {MAX_PROBES} probes"), "");
            break;
        }
        if let Some(probe) = probe(section, clients, &probes) {
            probes.push(probe);
        }
    }
    probes
}

fn probe(section: Section<'_>, clients: &[ClientSpec], before: &[ProbeSpec]) -> Option<ProbeSpec> {
    let entry = section.entry("name");
    if entry.is_none() {
        section.fault("name", "is missing", "a short name for tables: name = \"lost-3.12\"");
    }
    let name = entry.as_ref().and_then(short_name);
    if let Some((entry, name)) = entry.as_ref().zip(name.as_ref())
        && (before.iter().any(|probe| probe.name == *name) || clients.iter().any(|client| client.name == *name))
    {
        entry.fault(format!("`{name}` is the name of another probe or client"), "give it another name");
    }
    let program = section.entry("program");
    if program.is_none() {
        let known: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
        section.fault("program", "is missing", format!("one of {}", super::problem::listed(&known)));
    }
    let known = PROGRAMS.map(|program| (program.name, program));
    let program: Option<ProbeProgram> = program.and_then(|entry| entry.choice(&known));
    let python = section.entry("python").and_then(|entry| {
        let text = entry.text()?;
        if text.is_empty() || text.contains('\0') {
            entry.fault("names no interpreter", "a version or a path: python = \"3.12\"");
        }
        Some(text.to_owned())
    });
    let arguments = section.entry("arguments").and_then(|entry| entry.texts()).unwrap_or_default();
    let arguments: Vec<String> = arguments
        .into_iter()
        .map(|(entry, text)| {
            if text.contains('\0') {
                entry.fault("holds a NUL character", "");
            }
            text.to_owned()
        })
        .collect();
    let probe = ProbeSpec {
        name: name.unwrap_or_default(),
        program: program.map(|program| program.name.to_owned()).unwrap_or_default(),
        python,
        arguments,
        timeout: section.time_or("timeout", SHORTEST_WINDOW..=LONGEST, Span::from_secs(60)),
        optional: section.flag_or("optional", false),
    };
    section.finish(&[]);
    Some(probe)
}
