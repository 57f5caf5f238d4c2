//! Scenario files, and the trace files that they name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollcost::scenario::{LoadedText, Source, read};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // What follows a NUL is the trace file.
    let (text, trace) = text.split_once('\0').unwrap_or((text, ""));
    // Ranges of names are bounded by the reader, at more names than a fuzzer has time for.
    let digits = text.as_bytes().windows(4).any(|four| four.iter().all(u8::is_ascii_digit));
    if digits || text.matches("..").count() > 2 {
        return;
    }
    let load = |_: &str| Ok(LoadedText { file: "trace.csv".into(), text: trace.to_owned() });
    match read(Source { file: "fuzz.toml", name: "fuzz", text }, &load) {
        Ok(scenario) => assert!(!scenario.pvs.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
