//! `pollcost compare` and `pollcost baseline` through the program itself: formats, policies, what is refused, and what is measured in turn.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test reads files and may panic")]

mod running;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use running::{expect_code, monitor, poller, program, pvs, scenario, text};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A callback and a poller.
static SMALL: LazyLock<String> = LazyLock::new(|| {
    let blocks = [pvs("T:{0..9}", "pattern = \"periodic\", rate_hz = 10"), monitor(), poller("poll", "batch", "10ms")];
    format!("name = \"small\"\nseed = 5\n{}", scenario(4, "1s", &blocks))
});

/// Clients, scenarios and runs of one test, and the program in their folder.
struct Bench(TempDir);

impl Bench {
    fn new() -> Bench {
        Bench(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A program of the shell.
    fn script(&self, name: &str, text: &str) {
        self.write(name, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = program();
        command.args(arguments).current_dir(self.0.path()).env("GITHUB_STEP_SUMMARY", self.path("summary.md"));
        command.output().unwrap()
    }

    /// What is printed, when it ends with this code.
    #[track_caller]
    fn told(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        expect_code(&output, code);
        text(if code == 2 { &output.stderr } else { &output.stdout })
    }

    /// A simulated run of a scenario, and its baseline beside it.
    fn simulated(&self, name: &str, scenario: &str) {
        self.write(&format!("{name}.toml"), scenario);
        self.told(&["simulate", &format!("{name}.toml"), "--facts", "news", "-o", name, "--quiet"], 0);
        self.told(&["baseline", "save", name, &format!("{name}.json")], 0);
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// A baseline with something changed.
    fn changed(&self, from: &str, to: &str, change: impl FnOnce(&mut Value)) {
        let mut baseline = self.json(from);
        change(&mut baseline);
        self.write(to, &baseline.to_string());
    }
}

/// As if it had been measured, each value of a metric of the first client times its factor in turn.
fn measured(baseline: &mut Value, metric: &str, factors: &[f64]) {
    baseline["simulated"] = Value::Null;
    baseline["machine"] = json!({ "cpu_model": "a", "cores": 2, "kernel": null, "clock_source": null });
    for (place, value) in baseline["clients"][0]["values"][metric].as_array_mut().unwrap().iter_mut().enumerate() {
        *value = json!(value.as_f64().unwrap() * factors[place % factors.len()]);
    }
}

const EXPECT: &str = "[[expect]]\nsays = \"It is noticed soon.\"\nclient = \"monitor\"\nrelation = \"<\"\n";

#[test]
fn bounds_of_a_policy_count() {
    let bench = Bench::new();
    bench.simulated("base", &SMALL);
    // 400 changes: a 99th percentile needs 1000.
    for (metric, bound, inconclusive, word, code) in [
        ("notice_p50_us", "5ms", "report", "pass", 0),
        ("notice_p50_us", "1ns", "report", "regressed", 1),
        ("notice_p50_us", "1ns", "pass", "regressed", 1),
        ("notice_p99_us", "5ms", "report", "inconclusive", 3),
        ("notice_p99_us", "5ms", "pass", "inconclusive", 0),
        ("notice_p99_us", "5ms", "fail", "inconclusive", 1),
    ] {
        let policy = format!("inconclusive = \"{inconclusive}\"\n{EXPECT}metric = \"{metric}\"\nvalue = \"{bound}\"\n");
        bench.write("policy.toml", &policy);
        let told = bench.told(&["compare", "base.json", "base", "--policy", "policy.toml"], code);
        let line = format!("{word}: It is noticed soon. ({metric}(monitor) < ");
        assert!(told.lines().any(|l| l.starts_with(&line)), "{line}\n{told}");
        let told = bench.told(&["compare", "base", "base", "--policy", "policy.toml", "--format", "json"], code);
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["bounds"][0]["verdict"], word);
    }
    let told = bench.told(&["compare", "base", "base.json", "--policy", "policy.toml"], 2);
    assert!(told.contains("policy.toml:2:") && told.contains("can only be checked on a run folder"), "{told}");
    bench.write("policy.toml", &format!("{EXPECT}metric = \"notice_p50_us\"\nvalue = \"5ms\"\nclinet = \"x\"\n"));
    let told = bench.told(&["compare", "base", "base", "--policy", "policy.toml"], 2);
    assert!(told.contains("policy.toml:7:") && told.contains("`client`"), "{told}");
}

#[test]
fn a_baseline_is_updated_by_its_policy() {
    let bench = Bench::new();
    bench.simulated("now", &SMALL);
    bench.changed("now.json", "kept.json", |b| measured(b, "notice_p50", &[0.1]));
    // Its run was not simulated, so that the new one is another experiment: said, and replaced all the same.
    let told = bench.told(&["baseline", "update", "kept.json", "now"], 0);
    assert!(told.contains("the base was measured, the new one was simulated") && told.contains("replaced: kept.json"));
    assert_eq!(bench.json("kept.json"), bench.json("now.json"));
    bench.write("policy.toml", "levl = 0.1\n");
    let told = bench.told(&["baseline", "update", "kept.json", "now", "--policy", "policy.toml"], 2);
    assert!(told.contains("policy.toml:1:1") && told.contains("`level`"), "{told}");
    bench.write("policy.toml", &format!("{EXPECT}metric = \"notice_p50_us\"\nvalue = \"1ns\"\n"));
    let told = bench.told(&["baseline", "update", "kept.json", "now", "--policy", "policy.toml"], 0);
    assert!(told.contains("regressed: It is noticed soon."), "{told}");
}

#[test]
fn every_format_says_the_same() {
    let bench = Bench::new();
    bench.simulated("base", &SMALL);
    bench.changed("base.json", "a.json", |b| measured(b, "notice_p50", &[1.0, 1.01, 0.99, 1.005]));
    bench.changed("base.json", "b.json", |b| {
        measured(b, "notice_p50", &[1.5, 1.51, 1.49, 1.505]);
        measured(b, "notice_p90", &[1.0, 9.0, 0.2, 3.0]);
        b["clients"][0]["values"]["bytes"] = json!([1.0, 1.0, 1.0, 1.0]);
    });
    let compare = |format: &str| bench.told(&["compare", "a.json", "b.json", "--format", format], 1);
    let told: Value = serde_json::from_str(&compare("json")).unwrap();
    let schema: Value = serde_json::from_str(&bench.told(&["compare", "--schema"], 0)).unwrap();
    assert_eq!(faults(&schema, &schema, &told, "$"), Vec::<String>::new());
    let of = |verdict: &str| {
        let rows = told["rows"].as_array().unwrap().iter().filter(|row| row["verdict"] == verdict);
        rows.map(|row| format!("{} {}", row["client"].as_str().unwrap(), row["metric"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let (worse, open, better) = (of("regressed"), of("inconclusive"), of("improved"));
    assert_eq!((worse, better), (vec!["monitor notice_p50".to_owned()], vec!["monitor bytes".to_owned()]));
    assert!(open.contains(&"monitor notice_p90".to_owned()), "{open:?}");
    let all = told["rows"].as_array().unwrap().len();

    let text = compare("text");
    assert!(!text.contains('\u{1b}'), "colour into a pipe: {text:?}");
    let coloured = bench.told(&["compare", "a.json", "b.json", "--color", "always"], 1);
    assert!(coloured.contains("\u{1b}[1;31mregressed\u{1b}[0m"), "{coloured:?}");
    assert!(
        text.lines().any(|l| l.starts_with("regressed") && l.contains("monitor") && l.contains("notice_p50")),
        "{text}"
    );

    // As another parser reads it.
    bench.write("told.xml", &compare("junit"));
    let read = "import sys, xml.etree.ElementTree as t; r = t.parse(sys.argv[1]).getroot(); c = list(r.iter('testcase'))\n\
                print(r.get('tests'), r.get('failures'), r.get('skipped'), len(c), *[x.get('classname') + ' ' + x.get('name') for x in c if x.find('failure') is not None])";
    let parsed = Command::new("python3").args(["-c", read]).arg(bench.path("told.xml")).output().unwrap();
    let parsed = String::from_utf8(parsed.stdout).unwrap();
    assert_eq!(parsed.trim(), format!("{all} 1 {} {all} pollcost.monitor notice_p50", open.len()));

    let markdown = compare("markdown");
    assert!(markdown.starts_with("### pollcost: regressed (1 regressed, 1 improved, "), "{markdown}");
    let annotated = compare("github");
    let commands: Vec<&str> = annotated.lines().map(|l| l.split(" title=").next().unwrap()).collect();
    let warnings = vec!["::warning"; open.len()];
    assert_eq!(commands, [&["::error"][..], &warnings, &["::notice"]].concat(), "{annotated}");
    assert_eq!(fs::read_to_string(bench.path("summary.md")).unwrap(), markdown);
}

#[test]
fn annotations_and_the_summary_of_a_job_have_an_end() {
    let bench = Bench::new();
    bench.simulated("base", &SMALL);
    let many = |factor: f64| {
        move |b: &mut Value| {
            measured(b, "notice_p50", &[factor, 1.01 * factor, 0.99 * factor]);
            let one = b["clients"][0].clone();
            let named = |i: usize| json!(format!("a client with a rather long name, number {i}"));
            b["clients"] = (0..2000)
                .map(|i| {
                    let mut c = one.clone();
                    c["name"] = named(i);
                    c
                })
                .collect();
        }
    };
    bench.changed("base.json", "a.json", many(1.0));
    bench.changed("base.json", "b.json", many(1.7));
    let annotated = bench.told(&["compare", "a.json", "b.json", "--format", "github"], 1);
    assert!(annotated.lines().count() <= 21 && annotated.len() < 1 << 20 && annotated.contains("And 1990 more."));
    let summary = fs::read_to_string(bench.path("summary.md")).unwrap();
    assert!(
        (500_000..1 << 20).contains(&summary.len()) && summary.contains("The rest was left out"),
        "{}",
        summary.len()
    );
}

#[test]
fn another_experiment_is_refused_and_the_difference_named() {
    let bench = Bench::new();
    bench.simulated("base", &SMALL);
    let without_poll = SMALL.split("[[client]]\nname = \"poll\"").next().unwrap();
    for (name, scenario, said) in [
        ("seed", SMALL.replace("seed = 5", "seed = 6"), "`seed`: `5` in the base, `6` in the new one"),
        (
            "window",
            SMALL.replace("window = \"1s\"", "window = \"2s\""),
            "`window`: `1 s` in the base, `2 s` in the new one",
        ),
        ("clients", without_poll.to_owned(), "`client poll` is in the base only"),
        ("period", SMALL.replace("period = \"10ms\"", "period = \"20ms\""), "`client poll`: `batch, fixed-delay 10 ms"),
        ("pvs", SMALL.replace("{0..9}", "{0..4}"), "`pv T:{0..9}` is in the base only"),
        ("steady", SMALL.replace("seed = 5", "seed = 5\nsteady = true"), "`steady` is in the new one only (yes)"),
    ] {
        bench.simulated(name, &scenario);
        for new in [name.to_owned(), format!("{name}.json")] {
            let told = bench.told(&["compare", "base.json", &new], 2);
            assert!(told.contains("cannot be compared") && told.contains(said), "{name}: {told}");
        }
    }
    bench.changed("base.json", "live.json", |b| measured(b, "notice_p50", &[1.0]));
    let told = bench.told(&["compare", "base.json", "live.json"], 2);
    assert!(told.contains("the base was simulated, the new one was measured"), "{told}");
    bench.changed("base.json", "later.json", |b| b["baseline_version"] = json!(2));
    let told = bench.told(&["compare", "later.json", "base"], 2);
    assert!(told.contains("later.json, baseline version 2; this version of pollcost reads version 1"), "{told}");
    let note = bench.path("base").join("run.json");
    let text = fs::read_to_string(&note).unwrap();
    let mut run: Value = serde_json::from_str(&text).unwrap();
    run["schema_version"] = json!(99);
    fs::write(&note, run.to_string()).unwrap();
    let told = bench.told(&["compare", "base.json", "base"], 2);
    assert!(told.contains("run.json") && told.contains("99"), "{told}");
}

/// Where a value is not as its schema says. Knows the words that the schema of a comparison uses, and fails on others.
fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Some(words) = schema.as_object() else { return found };
    for (word, says) in words {
        let fine = match word.as_str() {
            "$ref" => {
                let named = says.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                found.extend(faults(root, &root["$defs"][named], value, at));
                true
            }
            "type" => {
                let is = |kind: &str| match kind {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "number" => value.is_number(),
                    "null" => value.is_null(),
                    "boolean" => value.is_boolean(),
                    other => panic!("{at}: type {other}"),
                };
                says.as_str().map_or_else(|| says.as_array().unwrap().iter().any(|k| is(k.as_str().unwrap())), is)
            }
            "const" => value == says,
            "enum" => says.as_array().unwrap().contains(value),
            "oneOf" | "anyOf" => {
                let fits =
                    says.as_array().unwrap().iter().filter(|one| faults(root, one, value, at).is_empty()).count();
                if word == "oneOf" { fits == 1 } else { fits >= 1 }
            }
            "required" => says.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "properties" => {
                for (key, of) in says.as_object().unwrap() {
                    if let Some(inner) = value.get(key) {
                        found.extend(faults(root, of, inner, &format!("{at}.{key}")));
                    }
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(says, false, "{at}");
                let known = schema["properties"].as_object().unwrap();
                value.as_object().is_none_or(|object| object.keys().all(|key| known.contains_key(key)))
            }
            "items" => {
                for (place, inner) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(faults(root, says, inner, &format!("{at}[{place}]")));
                }
                true
            }
            "minimum" => value.as_f64().is_none_or(|v| v >= says.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|v| v <= says.as_f64().unwrap()),
            "$schema" | "$defs" | "title" | "description" | "format" => true,
            other => panic!("{at}: `{other}` is a word of JSON Schema that this test does not know"),
        };
        if !fine {
            found.push(format!("{at}: {word} {says}, found {value}"));
        }
    }
    found
}

#[test]
fn the_schema_refuses_what_is_not_a_comparison() {
    let bench = Bench::new();
    bench.simulated("base", &SMALL);
    let schema: Value = serde_json::from_str(&bench.told(&["compare", "--schema"], 0)).unwrap();
    let told: Value = serde_json::from_str(&bench.told(&["compare", "base", "base", "--format", "json"], 0)).unwrap();
    assert_eq!(faults(&schema, &schema, &told, "$"), Vec::<String>::new());
    for change in [
        |c: &mut Value| c["verdict"] = json!("fine"),
        |c: &mut Value| c["rows"][0]["metric"] = json!("notice_p51"),
        |c: &mut Value| c["rows"][0]["more"] = json!(1),
        |c: &mut Value| c["rows"][0]["ratio"] = json!({ "point": 1.0, "low": "x", "high": 2.0 }),
        |c: &mut Value| drop(c.as_object_mut().unwrap().remove("exit")),
        |c: &mut Value| c["method"] = json!({ "kind": "by eye" }),
    ] {
        let mut wrong = told.clone();
        change(&mut wrong);
        assert!(!faults(&schema, &schema, &wrong, "$").is_empty(), "{wrong}");
    }
}

/// A poller for a moment, with changes enough for a median in each window.
fn polled(period: &str) -> String {
    let text = SMALL.replace("{0..9}", "{0..49}").replace("window = \"1s\"", "window = \"200ms\"");
    let (before, _) = text.split_once("[[client]]").unwrap();
    before.to_owned() + &poller("poll", "batch", period)
}

#[test]
fn another_build_is_measured_in_turn() {
    let bench = Bench::new();
    bench.write("short.toml", &polled("10ms"));
    bench.write("slow.toml", &polled("40ms"));
    let real = env!("CARGO_BIN_EXE_pollcost");
    bench.script("pollcost-as-it-is", &format!("exec '{real}' \"$@\""));
    // A build that sleeps four times as long as it is told.
    bench
        .script("pollcost-slow", &format!("shift 2\nexec '{real}' run '{}' \"$@\"", bench.path("slow.toml").display()));
    bench.script("pollcost-broken", "echo 'it is broken' >&2\nexit 1");
    let compare = |new: &str, more: &[&str], code: i32| {
        let base =
            ["compare", "--run", "./pollcost-as-it-is", "--run", new, "--scenario", "short.toml", "--repeats", "8"];
        bench.told(&[&base[..], more].concat(), code)
    };
    let told: Value = serde_json::from_str(&compare("./pollcost-slow", &["--format", "json", "--quiet"], 1)).unwrap();
    let row = told["rows"].as_array().unwrap().iter().find(|row| row["metric"] == "notice_p50").unwrap();
    assert_eq!((&row["verdict"], &row["client"]), (&json!("regressed"), &json!("poll")), "{row}");
    assert!(row["new"].as_f64().unwrap() > 12_000.0 && row["resolution"].as_f64().unwrap() >= 1.0, "{row}");
    assert_eq!(told["method"], json!({ "kind": "interleaved", "level": 0.01, "looks": 1, "steady": true }));
    assert_eq!((&told["base"]["repeats"], &told["new"]["repeats"]), (&json!(8), &json!(8)));
    let failed =
        bench.run(&["compare", "--run", "./pollcost-broken", "--run", "./pollcost-slow", "--scenario", "short.toml"]);
    assert_eq!(failed.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("pollcost-broken ended with"), "{failed:?}");
    assert!(compare("./pollcost-none", &[], 2).contains("there is no such file"));
}

#[test]
fn another_program_or_interpreter_is_measured_in_turn() {
    let bench = Bench::new();
    let caught = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/caught");
    fs::copy(caught.join("few.toml"), bench.path("short.toml")).unwrap();
    let client = caught.join("client.py");
    let client = client.display();
    bench.script("slow-client", &format!("exec python3 '{client}' --fault slow \"$@\""));
    let compare = |base: &str, new: &str, more: &[&str]| {
        let said = ["compare", "--run", base, "--run", new, "--scenario", "short.toml", "--format", "json", "--quiet"];
        let output = bench.run(&[&said[..], more].concat());
        (output.status.code().unwrap(), output)
    };
    let good = format!("python3 '{client}' monitor");
    let (code, output) = compare(&good, "./slow-client monitor", &["--repeats", "8"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let regressed: Vec<&str> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["verdict"] == "regressed")
        .filter_map(|row| row["metric"].as_str())
        .collect();
    assert!(code == 1 && regressed.contains(&"notice_p50"), "{code} {told:#}");
    assert_eq!((&told["base"]["label"], &told["new"]["label"]), (&json!(good), &json!("./slow-client monitor")));
    // The same interpreter, started otherwise: any verdict, from as many repeats as were asked for.
    let (code, output) =
        compare(&good, &format!("python3 -I -S '{client}' monitor"), &["--repeats", "2", "--unsteady"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert!(
        [0, 1, 3].contains(&code) && told["method"]["steady"] == json!(false) && told["new"]["repeats"] == json!(2)
    );
    // As long as nothing is told it goes on, up to the most: no policy is as strict as this one.
    bench.write(
        "strict.toml",
        "metrics = [\"notice_p50\"]\n[effect]\nnotice_p50 = { relative = 0.0, absolute = 0.0 }\n",
    );
    let more = ["--repeats", "2", "--most-repeats", "6", "--policy", "strict.toml"];
    let (code, output) = compare(&good, &good, &more);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let repeats = told["base"]["repeats"].as_u64().unwrap();
    assert!(repeats == 6 || (repeats < 6 && code != 3), "{code} {told}");
    let (code, output) = compare(&good, &good, &["--repeats", "8", "--most-repeats", "4"]);
    assert!(code == 2 && String::from_utf8_lossy(&output.stderr).contains("--most-repeats 4"), "{output:?}");
    let (code, output) = compare("python3 none.py", &good, &["--repeats", "2"]);
    assert!(code == 4 && String::from_utf8_lossy(&output.stderr).contains("none.py"), "{output:?}");
}
