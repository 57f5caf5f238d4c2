//! Every fault of a scenario file is told with its file, line and key, and with what would be right.

mod clients;
mod expectations;
mod pvs;
mod sweeps;

use pollcost::scenario::{LoadedText, ScenarioError, Source, model::Scenario, read};
use proptest::prelude::*;

const PV: &str = "[[pv]]\nname = \"A{0..9}\"\nchange = { rate_hz = 10 }\n";
const CLIENT: &str = "[[client]]\nname = \"m\"\nfetch = \"monitor\"\n";

/// Reads a scenario whose trace files are these.
fn read_with(text: &str, files: &[(&str, &str)]) -> Result<Scenario, ScenarioError> {
    let load = |file: &str| match files.iter().find(|(name, _)| *name == file) {
        Some((name, text)) => Ok(LoadedText { file: format!("dir/{name}"), text: (*text).to_owned() }),
        None => Err("no such file".to_owned()),
    };
    read(Source { file: "dir/mine.toml", name: "mine", text }, &load)
}

/// A list of cases as one text: for each, its title and what the user is told.
fn told(cases: &[(&str, String)], files: &[(&str, &str)]) -> String {
    let told = cases.iter().map(|(title, text)| match read_with(text, files) {
        Ok(_) => format!("=== {title}\nACCEPTED"),
        Err(e) => format!("=== {title}\nerror: {e}"),
    });
    told.collect::<Vec<_>>().join("\n\n")
}

fn top(line: &str) -> String {
    format!("{line}\n{PV}{CLIENT}")
}

#[test]
fn of_the_file_as_a_whole() {
    let cases = [
        ("not TOML", "name = \nwindow = 3".to_owned()),
        ("key twice", top("seed = 1\nseed = 2")),
        ("empty", String::new()),
        ("no PVs", CLIENT.to_owned()),
        ("not a block", "pv = 3".to_owned()),
        ("a block that is no table", "pv = [3]".to_owned()),
        ("unknown key, nearly right", top("repeat = 3")),
        ("unknown key, far off", top("xyzzy = 3")),
        ("unknown block", top("[[clinet]]\nname = \"m\"")),
        ("name", top("name = \"../up\"")),
        ("name of a wrong type", top("name = 3")),
        ("seed negative", top("seed = -1")),
        ("repeats 0", top("repeats = 0")),
        ("repeats a fraction", top("repeats = 1.5")),
        ("window 0", top("window = 0")),
        ("window \"0s\"", top("window = \"0s\"")),
        ("window negative", top("window = \"-2s\"")),
        ("window negative, a number", top("window = -2")),
        ("window without a unit", top("window = 5")),
        ("window without a unit, a text", top("window = \"5\"")),
        ("window a fraction", top("window = 0.5")),
        ("window with an unknown unit", top("window = \"5 fortnights\"")),
        ("window too long", top("window = \"1000y\"")),
        ("window a flag", top("window = true")),
        ("restart without its length", top("restart = { at = \"1s\" }")),
        ("restart that outlasts the window", top("window = \"2s\"\nrestart = { at = \"1s\", down = \"1s\" }")),
        ("restart at no time", top("restart = true")),
        ("restart with a stranger", top("restart = { at = \"1s\", down = \"1s\", up = \"1s\" }")),
        ("facts unknown", top("facts = \"all\"")),
        ("facts a number", top("facts = 1")),
        ("concurrent", top("concurrent = \"yes\"")),
        ("control characters", "a = \"\u{1b}[31mred\u{7}\"".to_owned()),
        ("many faults", format!("{}{PV}", (0..14).map(|i| format!("k{i} = 1\n")).collect::<String>())),
    ];
    insta::assert_snapshot!(told(&cases, &[]));
}

#[test]
fn a_file_that_says_little_gets_sensible_defaults() {
    let text = format!(
        "{PV}{CLIENT}[[client]]\nname = \"p\"\nfetch = \"serial\"\nperiod = \"1ms\"\npvs = [\"*9\", \"A{{7..9}}\"]\n"
    );
    let scenario = read_with(&text, &[]).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&scenario).unwrap());
}

#[test]
fn hybrid_sleeps_half_of_the_mean_time_to_the_next_news() {
    for (pvs, phase, sleep_us) in [("A0", "random", 50_000), ("A{0..4}", "random", 10_000), ("A*", "aligned", 50_000)] {
        let text = format!(
            "[[pv]]\nname = \"A{{0..9}}\"\nphase = \"{phase}\"\nchange = {{ rate_hz = 10 }}\n\
             [[client]]\nname = \"h\"\nfetch = \"batch\"\npacing = \"hybrid\"\npvs = \"{pvs}\"\n"
        );
        let scenario = read_with(&text, &[]).unwrap();
        let period = scenario.clients[0].asked_period().unwrap();
        assert_eq!(period.as_micros_f64(), f64::from(sleep_us), "{pvs} {phase}");
    }
}

/// Text that is likely to get far into the reader.
fn likely_text() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "name",
        "seed",
        "window",
        "repeats",
        "type",
        "count",
        "change",
        "alarm",
        "signal",
        "labels",
        "units",
        "fetch",
        "pacing",
        "period",
        "pvs",
        "command",
        "jitter",
        "display_limits",
        "mdel",
        "first",
        "last",
        "phase",
        "facts",
    ]);
    let value = prop::sample::select(vec![
        "1",
        "-1",
        "0",
        "1.5",
        "nan",
        "inf",
        "true",
        "\"A{0..9}\"",
        "\"m\"",
        "\"10ms\"",
        "\"monitor\"",
        "\"batch\"",
        "\"hybrid\"",
        "\"backoff\"",
        "\"enum\"",
        "[1, 2]",
        "[\"A*\"]",
        "{ rate_hz = 10 }",
        "{ pattern = \"trace\", file = \"f\" }",
        "{ pattern = \"burst\", period = \"1s\", changes = 3, spacing = \"1s\" }",
        "{ hihi = 3 }",
        "{ kind = \"noise\" }",
        "1979-05-27",
        "[]",
        "{}",
        "99999999999999999999999",
    ]);
    let line = prop_oneof![
        4 => (key, value).prop_map(|(k, v)| format!("{k} = {v}\n")),
        1 => Just("[[pv]]\n".to_owned()),
        1 => Just("[[client]]\n".to_owned()),
    ];
    prop::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
}

#[test]
fn many_blocks_of_many_names_are_refused_before_they_fill_the_memory() {
    // Read to its end it would hold 600 million names.
    let blocks: String = (0..1000).map(|i| format!("[[pv]]\nname = \"P{i}:{{000000..599999}}\"\n")).collect();
    let error = read_with(&blocks, &[]).unwrap_err();
    assert_eq!((error.problems.len(), error.more), (1, 0));
    assert_eq!(
        (error.problems[0].line, error.problems[0].what.as_str()),
        (4, "up to here there are more than 1000000 PVs")
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![likely_text(), "\\PC*", "[\\[\\]{}=\"a-z0-9.\n -]{0,200}"]) {
        if let Err(e) = read_with(&text, &[("f", "time_s,pv,value\n0,A0,1\n1,A0,1\n")]) {
            prop_assert!(!e.to_string().is_empty());
        }
    }

    #[test]
    fn what_is_accepted_survives_being_written(text in likely_text()) {
        let text = format!("name = \"n\"\n{PV}{text}");
        if let Ok(scenario) = read_with(&text, &[]) {
            let written = serde_json::to_string(&scenario).unwrap();
            prop_assert_eq!(serde_json::from_str::<Scenario>(&written).unwrap(), scenario);
        }
    }
}
