use super::*;
use crate::pv::PvId;
use crate::scenario::model::{Change, Fetch, Pacing};
use crate::summary::{example, summarise};
use crate::time::{Span, Tick};
use crate::trace::{Host, Request};

const MS: u64 = 1_000_000;

fn trace(facts: Facts) -> Trace {
    let change = Change::Periodic { interval: Span::from_millis(100) };
    let delay = Some(Pacing::FixedDelay { period: Span::from_millis(30) });
    let clients =
        vec![example::client("monitor", Fetch::Monitor, None, 4), example::client("poll", Fetch::Batch, delay, 4)];
    let mut scenario = example::scenario(vec![(4, example::group(change))], clients);
    scenario.facts = facts;
    let mut trace = Trace { scenario, emissions: Vec::new(), segments: Vec::new(), probes: Vec::new() };
    for repeat in 0..2u32 {
        let emissions = example::posted(4, 100 * MS, 6_000 * MS, 7);
        let open = |client: u64| (1000 + 2000 * client) * MS;
        let segment =
            |c| example::segment(c, repeat, open(c as u64), open(c as u64) + 1000 * MS, open(c as u64) + 1200 * MS);
        trace.segments.push(example::push(segment(0), &emissions, 60_000));
        trace.segments.push(example::poll(segment(1), &emissions, 4, 31 * MS, MS));
        trace.emissions.push(emissions);
    }
    trace.segments[1].requests =
        vec![Request { pv: PvId(2), received: Tick(5), replied: Tick(6), seq: crate::pv::Seq(1) }];
    trace
}

fn note() -> RunNote {
    RunNote { pollcost: "0.0".into(), host: Host { cores: Some(2), ..Host::default() }, ..RunNote::default() }
}

#[test]
fn a_run_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/run");
    let trace = trace(Facts::Full);
    let summary = summarise(&trace, &[]);
    RunFolder::write(&path, &note(), &trace, &summary).unwrap();
    let run = load(&path).unwrap();
    // Not `assert_eq`: a histogram prints all of its buckets.
    assert!(run.trace == trace);
    assert!(run.summary == summary);
    assert!(summarise(&run.trace, &[]) == summary);
    assert_eq!(run.note, note());
    let mut files: Vec<_> =
        fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let wanted = ["emissions.csv", "ledger.csv", "observations.csv", "requests.csv", "run.json", "summary.csv"];
    assert_eq!(files, wanted);
}

#[test]
fn an_interrupted_run_has_what_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let whole = trace(Facts::News);
    let mut so_far = Trace { emissions: Vec::new(), segments: Vec::new(), ..whole.clone() };
    let mut run = RunFolder::create(folder.path(), &whole.scenario).unwrap();
    so_far.emissions.push(whole.emissions[0].clone());
    so_far.segments.push(Segment { requests: Vec::new(), ..whole.segments[0].clone() });
    run.append_emissions(0, &whole.emissions[0][..10]).unwrap();
    run.append_emissions(0, &whole.emissions[0][10..]).unwrap();
    run.append_segment(&whole.segments[0]).unwrap();
    // A client that failed: its observations are kept, but are of no segment.
    run.append_observations(1, 0, &whole.segments[1].observations).unwrap();
    run.save(&note(), &so_far, &summarise(&so_far, &[])).unwrap();
    // Then the run is killed in the middle of a row.
    run.append_segment(&whole.segments[2]).unwrap();
    drop(run);
    let table = folder.path().join("emissions.csv");
    let mut bytes = fs::read(&table).unwrap();
    bytes.extend_from_slice(b"0,TEST:G0");
    fs::write(&table, bytes).unwrap();
    assert!(load(folder.path()).unwrap().trace == so_far);
    assert!(!folder.path().join("requests.csv").exists());
}

#[test]
fn folders_that_will_not_do_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let trace = trace(Facts::News);
    let error = |path: &Path| RunFolder::create(path, &trace.scenario).unwrap_err().to_string();
    fs::write(folder.path().join("file"), "").unwrap();
    let said = error(folder.path());
    assert!(said.ends_with(": already holds something else; a run needs a folder that is new or empty"), "{said}");
    assert!(said.starts_with(folder.path().to_str().unwrap()));
    let below = folder.path().join("file/run");
    assert!(error(&below).starts_with(&format!("{}: cannot be written: ", below.display())));
    let run = folder.path().join("run");
    RunFolder::write(&run, &note(), &trace, &summarise(&trace, &[])).unwrap();
    assert!(error(&run).contains("already holds a run"));
}

#[test]
fn damage_names_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let trace = trace(Facts::News);
    RunFolder::write(&path, &note(), &trace, &summarise(&trace, &[])).unwrap();
    let cases = [
        (
            "emissions.csv",
            "\n1,TEST:G0P0,1,",
            "\n2,TEST:G0P0,1,",
            "line 242, column `repeat`: `2` is not one of the 2 repeats",
        ),
        ("observations.csv", "poll,0,TEST:G0P0,", "pool,0,TEST:G0P0,", "column `client`: `pool` is not a client"),
        ("ledger.csv", "TEST:G0P3", "TEST:G0P4", "line 5, column `pv`: `TEST:G0P4` is not a PV of the scenario"),
        ("ledger.csv", "updates_sent", "updates", "line 1, column `updates_sent`: `updates` where this column"),
        ("run.json", "\"segments\"", "\"elements\"", "missing field `segments`"),
    ];
    for (file, from, to, error) in cases {
        let good = fs::read_to_string(path.join(file)).unwrap();
        assert!(good.contains(from), "{file} {from}");
        fs::write(path.join(file), good.replacen(from, to, 1)).unwrap();
        let said = load(&path).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{}, line ", path.join(file).display())), "{said}");
        assert!(said.contains(error), "{said}");
        fs::write(path.join(file), good).unwrap();
    }
    fs::remove_file(path.join("ledger.csv")).unwrap();
    assert!(load(&path).unwrap_err().to_string().contains("ledger.csv: cannot be read: No such file"));
}

/// What a run folder holds, in the order of the files' names.
fn files(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

#[test]
fn no_damage_is_worse_than_an_error() {
    use proptest::prelude::*;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let whole = trace(Facts::Full);
    RunFolder::write(&path, &note(), &whole, &summarise(&whole, &[])).unwrap();
    let files = files(&path);
    let noise = prop::collection::vec(prop::sample::select(b"0123456789-.,:\"[]{}eE \nnull\xff".to_vec()), 1..12);
    let damage = (0..files.len(), 0.0f64..1.0, any::<bool>(), noise);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 500, ..ProptestConfig::default() });
    let outcome = runner.run(&damage, |(file, place, cut, noise)| {
        let (name, good) = &files[file];
        let mut content = good.clone();
        let at = (place * content.len() as f64) as usize;
        let end = if cut { content.len() } else { (at + noise.len()).min(content.len()) };
        content.splice(at..end, if cut { Vec::new() } else { noise });
        fs::write(name, content).unwrap();
        let loaded = load(&path);
        fs::write(name, good).unwrap();
        match loaded {
            Ok(run) => drop(summarise(&run.trace, &[])),
            Err(error) => prop_assert!(error.to_string().contains("run/"), "{}", error),
        }
        Ok(())
    });
    outcome.unwrap();
}
