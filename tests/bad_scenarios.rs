//! Every fault of a scenario file is told with its file, line and key, and with what would be right.

use pollcost::scenario::{LoadedText, ScenarioError, Source, model::Scenario, read, read_sweep};
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

fn pv(lines: &str) -> String {
    format!("[[pv]]\nname = \"A{{0..9}}\"\n{lines}\n{CLIENT}")
}

fn change(inner: &str) -> String {
    pv(&format!("change = {{ {inner} }}"))
}

fn client(lines: &str) -> String {
    format!("{PV}[[client]]\n{lines}\n")
}

#[test]
fn of_sweeps() {
    let file = |table: &str| {
        format!(
            "window = \"1s\"\n{PV}{CLIENT}[[client]]\nname = \"poll\"\nfetch = \"batch\"\nperiod = \"1ms\"\n{table}\n"
        )
    };
    let many = |n: usize| (1..=n).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let cases = [
        ("no table", "sweep = 3\n".to_owned() + &file("")),
        ("empty", file("[sweep]")),
        ("a single value", file("[sweep]\nclient.period = \"1ms\"")),
        ("no values", file("[sweep]\nclient.period = []")),
        ("a value twice", file("[sweep]\nclient.period = [\"1ms\", \"1000us\"]")),
        ("a wrong value", file("[sweep]\nclient.period = [\"1ms\", \"10\"]")),
        ("a value of a wrong type", file("[sweep]\npv.change.rate_hz = [1, \"fast\"]")),
        ("a value out of range", file("[sweep]\npv.pvs = [5, 50]").replace("change = {", "pvs = 9\nchange = {")),
        ("a key that no block has", file("[sweep]\nclient.jitter = [0.1]")),
        ("a key that is written wrong", file("[sweep]\npv.change.rate = [1, 2]")),
        ("a block that there is not", file("[sweep]\nclient.pool.period = [\"1ms\"]")),
        ("a kind of block that there is not", file("[sweep]\nclinet.period = [\"1ms\"]")),
        ("a block and no key", file("[sweep]\nclient = [1]")),
        ("a key of the file that is not there", file("[sweep]\nwidnow = [\"1s\"]")),
        ("a key of the file that is not written", file("[sweep]\ndrain = [\"1s\"]")),
        ("a name", file("[sweep]\nclient.name = [\"a\"]")),
        ("the same key twice", file("[sweep]\nclient.period = [\"1ms\"]\nclient.poll.period = [\"2ms\"]")),
        ("too many cells", {
            let table = format!("[sweep]\nwindow = [{}]\npv.change.rate_hz = [{}]", many_times(50), many(41));
            file(&table)
        }),
        ("values that do not go together", {
            let backoff =
                "[[client]]\nname = \"b\"\nfetch = \"batch\"\npacing = \"backoff\"\nfirst = \"1ms\"\nlast = \"9ms\"";
            file(&format!("{backoff}\n[sweep]\nclient.first = [\"1ms\", \"5ms\"]\nclient.last = [\"9ms\", \"4ms\"]"))
        }),
    ];
    let told = cases.iter().map(|(title, text)| {
        let source = Source { file: "dir/mine.toml", name: "mine", text };
        match read_sweep(source, &|_: &str| Err(String::new())) {
            Ok(_) => format!("=== {title}\nACCEPTED"),
            Err(e) => format!("=== {title}\nerror: {e}"),
        }
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n\n"));
}

fn many_times(n: usize) -> String {
    (1..=n).map(|i| format!("\"{i}s\"")).collect::<Vec<_>>().join(", ")
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
fn of_pvs() {
    let long = "x".repeat(600);
    let cases = [
        ("no name", "[[pv]]\ntype = \"long\"\n".to_owned()),
        ("name empty", "[[pv]]\nname = \"\"\n".to_owned()),
        ("name with a blank", "[[pv]]\nname = \"A B\"\n".to_owned()),
        ("name too long", format!("[[pv]]\nname = \"{long}\"\n")),
        ("range not closed", "[[pv]]\nname = \"A{0..9\"\n".to_owned()),
        ("range backwards", "[[pv]]\nname = \"A{9..0}\"\n".to_owned()),
        ("range of letters", "[[pv]]\nname = \"A{a..f}\"\n".to_owned()),
        ("range unevenly padded", "[[pv]]\nname = \"A{08..120}\"\n".to_owned()),
        ("too many names", "[[pv]]\nname = \"A{0..999}:{0..999}:{0..999}\"\n".to_owned()),
        ("too many PVs", "[[pv]]\nname = \"A{1..900000}\"\n[[pv]]\nname = \"B{1..900000}\"\n".to_owned()),
        ("named twice", format!("{PV}[[pv]]\nname = \"A5\"\n")),
        ("type unknown", pv("type = \"dubble\"")),
        ("type of a record", pv("type = \"bo\"")),
        ("count 0", pv("count = 0")),
        ("count too large", pv("count = 100000000")),
        ("all values too large", "[[pv]]\nname = \"A{0..999}\"\ncount = 1000000\n".to_owned()),
        ("units too long", pv("units = \"furlongs\"")),
        ("units of a string", pv("type = \"string\"\nunits = \"mm\"")),
        ("precision of a long", pv("type = \"long\"\nprecision = 2")),
        ("precision too large", pv("precision = 99")),
        ("labels of a double", pv("labels = [\"Off\"]")),
        (
            "too many labels",
            pv(
                "type = \"enum\"\nlabels = [\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]",
            ),
        ),
        ("label too long", pv("type = \"enum\"\nlabels = [\"Off\", \"a label of more than 25 bytes\"]")),
        ("label a number", pv("type = \"enum\"\nlabels = [0, 1]")),
        ("limits backwards", pv("display_limits = [10, 0]")),
        ("limits not a pair", pv("display_limits = [10]")),
        ("limits infinite", pv("control_limits = [0, inf]")),
        ("limits not a number", pv("control_limits = [nan, 1]")),
        ("alarm limit NaN", pv("alarm = { hihi = nan }")),
        ("alarm severity", pv("alarm = { severity = \"major\" }")),
        ("alarm limit without its limit", pv("alarm = { hihi = { severity = \"MAJOR\" } }")),
        ("alarm limits out of order", pv("alarm = { low = 5, high = 1 }")),
        ("alarm fixed and limits", pv("alarm = { severity = \"MINOR\", hihi = 3 }")),
        ("alarm limits of an enum", pv("type = \"enum\"\nalarm = { hihi = 3 }")),
        ("signal unknown", pv("signal = \"ramp\"")),
        ("signal without a kind", pv("signal = { mean = 3 }")),
        ("signal sigma negative", pv("signal = { kind = \"noise\", sigma = -1 }")),
        ("signal period 0", pv("signal = { kind = \"sine\", period = 0 }")),
        ("mdel infinite", pv("mdel = inf")),
        ("phase", pv("phase = \"rand\"")),
        ("writable", pv("writable = 1")),
        ("rate outside of the change", pv("rate_hz = 10")),
    ];
    insta::assert_snapshot!(told(&cases, &[]));
}

#[test]
fn of_changes() {
    let cases = [
        ("not a table", pv("change = \"periodic\"")),
        ("pattern unknown", change("pattern = \"periodical\", rate_hz = 1")),
        ("no rate", change("pattern = \"periodic\"")),
        ("rate and period", change("rate_hz = 10, period = \"100ms\"")),
        ("rate 0", change("rate_hz = 0")),
        ("rate negative", change("rate_hz = -10")),
        ("rate infinite", change("rate_hz = inf")),
        ("rate too high", change("rate_hz = 1e9")),
        ("period 0", change("period = 0")),
        ("period negative", change("period = \"-100ms\"")),
        ("jitter without the pattern", change("rate_hz = 10, jitter = 0.1")),
        ("jitter too large", change("pattern = \"jittered\", rate_hz = 10, jitter = 0.6")),
        ("burst without its changes", change("pattern = \"burst\", rate_hz = 10, spacing = \"1ms\"")),
        ("burst too long", change("pattern = \"burst\", rate_hz = 10, changes = 101, spacing = \"1ms\"")),
        ("ramp without its end", change("pattern = \"ramp\", rate_hz = 1000")),
        ("ramp too short", change("pattern = \"ramp\", rate_hz = 10, to_hz = 20, length = \"50ms\"")),
        ("length of no ramp", change("rate_hz = 10, length = \"1s\", to_hz = 20")),
        ("burst of none", change("pattern = \"burst\", rate_hz = 10, changes = 0, spacing = \"1ms\"")),
        ("pulse too wide", change("pattern = \"pulse\", rate_hz = 10, width = \"100ms\"")),
        ("pulse without a width", change("pattern = \"pulse\", rate_hz = 10")),
        ("motor too quick", change("pattern = \"motor\", rate_hz = 10, moving = \"50ms\", resting = \"1s\"")),
        ("still with a rate", change("pattern = \"still\", rate_hz = 10")),
    ];
    insta::assert_snapshot!(told(&cases, &[]));
}

#[test]
fn of_trace_files() {
    let files = [
        ("good.csv", "time_s,pv,value\n0.5,A0,1\n1.5,A1,2\n"),
        ("once.csv", "time_s,pv,value\n0.5,A0,1\n"),
        ("unsorted.csv", "time_s,pv,value\n0.5,A0,1\n0.7,A1,2\n0.6,A0,3\n"),
        ("stranger.csv", "time_s,pv,value\n0.5,A0,1\n0.6,A00,2\n0.7,A00,2\n"),
        ("text.csv", "time_s,pv,value\n0.5,A0,high\n"),
        ("header.csv", "t;pv;v\n0.5;A0;1\n"),
        ("empty.csv", ""),
    ];
    let trace = |file: &str| change(&format!("pattern = \"trace\", file = \"{file}\""));
    let cases = [
        ("good", trace("good.csv")),
        ("no file", change("pattern = \"trace\"")),
        ("missing", trace("gone.csv")),
        ("unsorted", trace("unsorted.csv")),
        ("unknown PV", trace("stranger.csv")),
        ("bad value", trace("text.csv")),
        ("bad header", trace("header.csv")),
        ("empty", trace("empty.csv")),
        ("no length", trace("once.csv")),
        ("length too short", change("pattern = \"trace\", file = \"good.csv\", length = \"1s\"")),
        ("with a rate", change("pattern = \"trace\", file = \"good.csv\", rate_hz = 3")),
    ];
    insta::assert_snapshot!(told(&cases, &files));
}

#[test]
fn of_clients() {
    let poll = |rest: &str| client(&format!("name = \"p\"\nfetch = \"batch\"\n{rest}"));
    let cases = [
        ("no name", client("fetch = \"monitor\"")),
        ("name with a comma", client("name = \"a,b\"\nfetch = \"monitor\"")),
        ("no fetch", client("name = \"p\"")),
        ("fetch unknown", client("name = \"p\"\nfetch = \"bach\"\nperiod = \"1ms\"")),
        ("twice", format!("{PV}{CLIENT}{CLIENT}")),
        ("monitor with a pacing", client("name = \"m\"\nfetch = \"monitor\"\npacing = \"spin\"")),
        ("monitor with a period", client("name = \"m\"\nfetch = \"monitor\"\nperiod = \"1ms\"")),
        ("pacing unknown", poll("pacing = \"fixed\"\nperiod = \"1ms\"")),
        ("no period", poll("")),
        ("period negative", poll("period = \"-1ms\"")),
        ("period without a unit", poll("period = 10")),
        ("fixed rate 0", poll("pacing = \"fixed-rate\"\nperiod = 0")),
        ("jittered 0", poll("pacing = \"jittered\"\nperiod = \"0ms\"")),
        ("jitter too large", poll("pacing = \"jittered\"\nperiod = \"1ms\"\njitter = 1.5")),
        ("jitter not a number", poll("pacing = \"jittered\"\nperiod = \"1ms\"\njitter = nan")),
        ("back-off from 0", poll("pacing = \"backoff\"\nfirst = 0")),
        ("back-off downwards", poll("pacing = \"backoff\"\nfirst = \"1s\"\nlast = \"10ms\"")),
        ("spin with a period", poll("pacing = \"spin\"\nperiod = \"1ms\"")),
        ("fixed delay with a sleep", poll("period = \"1ms\"\nsleep = \"1ms\"")),
        ("no copies", poll("period = \"1ms\"\ncopies = 0")),
        ("copies of another program", client("name = \"x\"\nfetch = \"monitor\"\ncommand = [\"true\"]\ncopies = 2")),
        ("slow poller", poll("period = \"1ms\"\nservice_time = \"1ms\"")),
        (
            "hybrid on PVs that never change",
            "[[pv]]\nname = \"A\"\n[[client]]\nname = \"h\"\nfetch = \"batch\"\npacing = \"hybrid\"\n".to_owned(),
        ),
        ("dbr unknown", poll("period = \"1ms\"\ndbr = \"sts\"")),
        ("PV unknown", poll("period = \"1ms\"\npvs = \"B0\"")),
        ("PV of a range unknown", poll("period = \"1ms\"\npvs = [\"A0\", \"A{8..12}\"]")),
        ("PV text that matches nothing", poll("period = \"1ms\"\npvs = [\"A*\", \"B*\"]")),
        ("PV list empty", poll("period = \"1ms\"\npvs = []")),
        ("PV list of numbers", poll("period = \"1ms\"\npvs = [1]")),
        ("PV pattern bad", poll("period = \"1ms\"\npvs = \"A{9..0}\"")),
        ("an unknown library", client("name = \"x\"\nclient = \"pyepics-calback\"")),
        (
            "a library and a command",
            client("name = \"x\"\nclient = \"pyepics-get\"\ncommand = [\"a\"]\nperiod = \"1ms\""),
        ),
        ("a library's fetch", client("name = \"x\"\nclient = \"pyepics-get\"\nfetch = \"batch\"\nperiod = \"1ms\"")),
        ("a library's pacing", client("name = \"x\"\nclient = \"libca-get\"\npacing = \"hybrid\"\nsleep = \"1ms\"")),
        ("a version of Python that is a number", client("name = \"x\"\nclient = \"pyepics-callback\"\npython = 3.12")),
        ("a hog in C", client("name = \"x\"\nclient = \"libca-monitor\"\nhog = 1")),
        ("a hog in a native client", client("name = \"x\"\nfetch = \"monitor\"\nhog = 1")),
        ("too many hogs", client("name = \"x\"\nclient = \"pyepics-callback\"\nhog = 100")),
        ("no switch interval", client("name = \"x\"\nclient = \"pyepics-callback\"\nswitch_interval = 0")),
        ("groups of one thread", client("name = \"x\"\nclient = \"pyepics-callback\"\ngroups = 2")),
        (
            "yielding without a callback",
            client("name = \"x\"\nclient = \"pyepics-get\"\nperiod = \"1ms\"\nyield_after_callback = true"),
        ),
        ("command a text", client("name = \"x\"\nfetch = \"monitor\"\ncommand = \"python3 my.py\"")),
        ("command empty", client("name = \"x\"\nfetch = \"monitor\"\ncommand = []")),
        ("command with a dbr", client("name = \"x\"\nfetch = \"monitor\"\ncommand = [\"true\"]\ndbr = \"plain\"")),
        ("unknown key", poll("period = \"1ms\"\nperoid = \"1ms\"")),
    ];
    insta::assert_snapshot!(told(&cases, &[]));
}

#[test]
fn of_expectations() {
    let all =
        "says = \"It is quick.\"\nmetric = \"notice_p99_us\"\nclient = \"m\"\nrelation = \"<\"\nvalue = \"5ms\"\n";
    let expect = |lines: &str| format!("{PV}{CLIENT}[[expect]]\n{lines}");
    let without =
        |key: &str| expect(&all.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect::<String>());
    let with = |from: &str, to: &str| expect(&all.replacen(from, to, 1));
    let cases = [
        ("nothing", expect("")),
        ("no sentence", without("says")),
        ("an empty sentence", with("It is quick.", "  ")),
        ("no client", without("client")),
        ("no relation", without("relation")),
        ("no right side", without("value")),
        ("a metric that is nearly right", with("notice_p99_us", "notice_p98_us")),
        ("a metric that is far off", with("notice_p99_us", "xyzzy")),
        ("a client that is not there", with("\"m\"", "\"n\"")),
        ("a relation that is not known", with("\"<\"", "\"=\"")),
        ("a duration without a unit", with("\"5ms\"", "5")),
        ("a fraction out of range", with("notice_p99_us", "missed_fraction").replace("\"5ms\"", "5")),
        ("both right sides", with("value", "other = \"m\"\nvalue")),
        ("another client that is not there", with("value = \"5ms\"", "other = \"poll\"")),
        ("a factor for a number", with("value", "factor = 2\nvalue")),
        ("a factor of 0", with("value = \"5ms\"", "other = \"m\"\nfactor = 0")),
        ("two kinds", with("value = \"5ms\"", "other = \"m\"\nother_metric = \"cpu_client_percent\"")),
        ("a tolerance for <", with("value", "tolerance = 0.1\nvalue")),
        ("no tolerance for ~", with("\"<\"", "\"~\"")),
        ("two tolerances", with("\"<\"", "\"~\"\ntolerance = 0.1\nwithin = \"1ms\"")),
        ("an unknown key", with("value", "metrik = 3\nvalue")),
        ("a claim that is not there", with("value", "claim = \"quick\"\nvalue")),
        (
            "a metric of two clients without the second",
            with("notice_p99_us", "cpu_us_per_us_won").replace("\"5ms\"", "5"),
        ),
        ("a second client for a metric of one", with("value", "over = \"m\"\nvalue")),
        ("a second client that is not there", with("value", "over = \"n\"\nvalue")),
        ("a published number that is nobody's", with("value", "published = \"4ms\"\nvalue")),
        (
            "a published number for a number",
            with("value", "source = \"x\"\npublished = \"4ms\"\npublished_other = \"1ms\"\nvalue"),
        ),
        ("no figures", format!("{PV}{CLIENT}[[claim]]\nname = \"quick\"\nsays = \"It is.\"\nfigure = []\n")),
        (
            "a figure that is not known",
            format!("{PV}{CLIENT}[[claim]]\nname = \"quick\"\nsays = \"It is.\"\nfigure = [\"pie\"]\n"),
        ),
        ("a claim without words", format!("{PV}{CLIENT}[[claim]]\nname = \"quick\"\n")),
        ("a claim twice", format!("{PV}{CLIENT}{0}{0}", "[[claim]]\nname = \"quick\"\nsays = \"It is.\"\n")),
    ];
    assert!(read_with(&expect(all), &[]).is_ok());
    insta::assert_snapshot!(told(&cases, &[]));
}

#[test]
fn of_probes() {
    let probe = |lines: &str| format!("{PV}{CLIENT}[[probe]]\n{lines}\n");
    let expect = "[[expect]]\nsays = \"None are lost.\"\nrelation = \"<=\"\nvalue = 0\n";
    let cases = [
        ("nothing", probe("")),
        ("a program that is nearly right", probe("name = \"p\"\nprogram = \"lost_update\"")),
        ("the name of a client", probe("name = \"m\"\nprogram = \"parallel\"")),
        ("an empty interpreter", probe("name = \"p\"\nprogram = \"parallel\"\npython = \"\"")),
        ("a version that is a number", probe("name = \"p\"\nprogram = \"parallel\"\npython = 3.10")),
        ("no time at all", probe("name = \"p\"\nprogram = \"parallel\"\ntimeout = 0")),
        ("an unknown key", probe("name = \"p\"\nprogram = \"parallel\"\npythn = \"3.9\"")),
        (
            "a metric of another program",
            probe("name = \"p\"\nprogram = \"parallel\"") + expect + "probe = \"p\"\nmetric = \"lost_plain_fraction\"",
        ),
        (
            "a probe for a client",
            probe("name = \"p\"\nprogram = \"parallel\"") + expect + "probe = \"p\"\nmetric = \"missed_fraction\"",
        ),
        (
            "both",
            probe("name = \"p\"\nprogram = \"parallel\"")
                + expect
                + "probe = \"p\"\nclient = \"m\"\nmetric = \"missed_fraction\"",
        ),
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
