//! The clients that come with the program, each against the IOC: what it noted is what the IOC counted and posted.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use libtest_mimic::Failed;
use pollcost::scenario::library::{LIBRARY, LibraryProgram};
use pollcost::scenario::model::Fetch;

type Row = HashMap<String, String>;

/// Every client, by name.
pub(crate) fn all() -> [LibraryProgram; LIBRARY.len()] {
    LIBRARY
}

/// Where `pollcost python` is told to put the environment of these tests.
fn environments() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap_or(Path::new("target")).join("interop-python")
}

/// Sets the environment up once, as a user does.
fn set_up() -> Result<(), String> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let set_up = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
        command.args(["python", "--quiet"]).env("POLLCOST_PYTHON_DIR", environments());
        let output = command.output().map_err(|e| e.to_string())?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{told}{}", String::from_utf8_lossy(&output.stderr))) }
    };
    DONE.get_or_init(set_up).clone()
}

/// Runs one client with every reply recorded, and holds what it noted against the IOC's own facts.
pub(crate) fn run(program: &LibraryProgram) -> Result<(), Failed> {
    set_up()?;
    let folder = tempfile::tempdir()?;
    let period = if program.fetch == Fetch::Monitor { "" } else { "period = '20ms'\n" };
    let scenario = format!(
        "repeats = 1\nwindow = '600ms'\nmin_periods = 1\nwarmup = '100ms'\ndrain = '1s'\nconnect_timeout = '60s'\n\
         [[pv]]\nname = 'T:{{0..9}}'\nchange = {{ rate_hz = 20 }}\n\
         [[client]]\nname = 'it'\nclient = '{}'\n{period}",
        program.name
    );
    std::fs::write(folder.path().join("mine.toml"), scenario)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
    command.args(["run", "mine.toml", "-o", "out", "--facts", "full", "--quiet"]);
    command.current_dir(folder.path()).env("POLLCOST_PYTHON_DIR", environments());
    let output = command.output()?;
    if !output.status.success() {
        let told = [output.stdout, output.stderr].concat();
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&told)).into());
    }
    let out = folder.path().join("out");
    nothing_is_invented(program, &out)?;
    match program.fetch {
        Fetch::Monitor => every_event_is_noted(program, &out),
        Fetch::Cached => no_get_is_made(&out),
        Fetch::Serial | Fetch::Batch | Fetch::Connect => every_get_is_noted(&out),
    }
}

/// What was noted had been posted, before; by a monitor once.
fn nothing_is_invented(program: &LibraryProgram, out: &Path) -> Result<(), Failed> {
    let mut posted = HashMap::new();
    for row in rows(&out.join("emissions.csv"))? {
        posted.insert((row["pv"].clone(), number(&row, "seq")?), number(&row, "posted_ns")?);
    }
    let mut seen = HashSet::new();
    let observations = rows(&out.join("observations.csv"))?;
    for row in &observations {
        let event = (row["pv"].clone(), number(row, "seq")?);
        // The value before the first change was never posted.
        if event.1 > 0 {
            let at = posted.get(&event).ok_or_else(|| format!("nobody posted {row:?}"))?;
            check(*at < number(row, "received_ns")?, || format!("received before it was posted: {row:?}"))?;
        }
        let asked = !row["asked_ns"].is_empty();
        check(asked == (program.fetch != Fetch::Monitor), || format!("asked or not: {row:?}"))?;
        check(asked || seen.insert(event), || format!("noted twice: {row:?}"))?;
    }
    check(!observations.is_empty(), || "nothing was noted".into())
}

/// No change is missed. Without `--all-updates` aioca may merge what comes while its loop is busy, but tells the newest.
fn every_event_is_noted(program: &LibraryProgram, out: &Path) -> Result<(), Failed> {
    for row in rows(&out.join("summary.csv"))? {
        check(number(&row, "changes")? > 0 && number(&row, "unnoticed")? == 0, || format!("{row:?}"))?;
        let merges = program.name == "aioca-camonitor";
        check(merges || number(&row, "missed")? == 0, || format!("missed: {row:?}"))?;
    }
    no_get_is_made(out)
}

fn no_get_is_made(out: &Path) -> Result<(), Failed> {
    for row in rows(&out.join("ledger.csv"))? {
        check(number(&row, "total_requests")? == 0, || format!("it asked: {row:?}"))?;
    }
    Ok(())
}

/// Its replies are those that the IOC counted, redundant ones among them, PV by PV.
fn every_get_is_noted(out: &Path) -> Result<(), Failed> {
    let mut replies: HashMap<String, (u64, u64, Option<u64>)> = HashMap::new();
    for row in rows(&out.join("observations.csv"))? {
        let seq = number(&row, "seq")?;
        let (count, redundant, last) = replies.entry(row["pv"].clone()).or_default();
        *count += 1;
        *redundant += u64::from(*last == Some(seq));
        *last = Some(seq);
    }
    let ledger = rows(&out.join("ledger.csv"))?;
    check(ledger.len() == 10, || format!("{} PVs in the ledger", ledger.len()))?;
    for row in ledger {
        let (count, redundant, _) = replies.get(&row["pv"]).copied().unwrap_or_default();
        let counted = (number(&row, "total_requests")?, number(&row, "total_redundant")?);
        check(counted == (count, redundant) && count > 5, || format!("({count}, {redundant}) noted: {row:?}"))?;
    }
    Ok(())
}

fn rows(path: &Path) -> Result<Vec<Row>, Failed> {
    let mut reader = csv::Reader::from_path(path)?;
    let header = reader.headers()?.clone();
    let row = |record: csv::StringRecord| {
        header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect::<Row>()
    };
    Ok(reader.records().map(|record| record.map(row)).collect::<Result<_, _>>()?)
}

fn number(row: &Row, column: &str) -> Result<u64, Failed> {
    let cell = row.get(column).ok_or_else(|| format!("no column {column}"))?;
    cell.parse().map_err(|_| format!("{column} is {cell:?} in {row:?}").into())
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}
