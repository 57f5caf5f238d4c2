//! The invariants of ARCHITECTURE.md, held against the source text.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test reads files and may panic")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, lowest first. A file may use its own room and those before it.
const ROOMS: &[&str] = &[
    "time", "pv", "ca", "scenario", "trace", "ioc", "client", "stats", "doctor", "theory", "summary", "expect",
    "simulate", "compare", "report", "io", "cli",
];

/// Rooms that touch the operating system.
const OUTSIDE: &[&str] = &["io", "cli"];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "the sources are where they were");
    found
}

/// The room of a file: `lib.rs` and `main.rs` have none.
fn room(path: &Path) -> Option<String> {
    let first = path.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (name != "lib" && name != "main").then(|| name.to_owned())
}

/// The code of a file without its comments; with `tests` dropped, without its test modules too (they stand last).
fn code(text: &str, tests: bool) -> String {
    let end = if tests { text.len() } else { text.find("#[cfg(test)]").unwrap_or(text.len()) };
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn level(name: &str) -> usize {
    ROOMS.iter().position(|r| *r == name).unwrap_or_else(|| panic!("{name} is no room of ARCHITECTURE.md"))
}

#[test]
fn imports_go_upward_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(own) = room(&path) else { continue };
        for (at, _) in code(&text, true).match_indices("crate::") {
            let rest = &code(&text, true)[at + "crate::".len()..];
            let used: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !used.is_empty() && level(&used) > level(&own) {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_touches_no_operating_system() {
    let forbidden = [
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "std::thread",
        "std::process",
        "std::env",
        "Instant::now",
        "SystemTime",
        "tokio::",
        "nix::",
        "pdf_writer::",
        "indicatif::",
        "println!",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(own) = room(&path) else { continue };
        if OUTSIDE.contains(&own.as_str()) {
            continue;
        }
        let code = code(&text, false);
        wrong.extend(forbidden.iter().filter(|f| code.contains(**f)).map(|f| format!("{} has {f}", path.display())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn unsafe_code_is_under_io_and_says_why() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code = code(&text, true);
        let uses = code.contains("unsafe {") || code.contains("unsafe impl") || code.contains("unsafe fn");
        if uses && room(&path).as_deref() != Some("io") {
            wrong.push(format!("{} has unsafe code", path.display()));
        }
        if uses && text.matches("unsafe {").count() > text.matches("SAFETY:").count() {
            wrong.push(format!("{} has unsafe code without its reason", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_room_is_in_the_architecture() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    for (path, _) in sources() {
        let Some(own) = room(&path) else { continue };
        assert!(
            text.contains(&format!("`{own}")),
            "ARCHITECTURE.md does not name the room {own} of {}",
            path.display()
        );
    }
}
