//! Run folders: saved as the facts come, so that an interrupted run keeps what it has, and loaded again.
//!
//! The tables are appended to; `run.json` and `summary.csv` are written anew each time, under another name first, so that
//! there is always a whole one. `run.json` says how many rows of each table belong to it: what a killed run wrote after its
//! last saving is passed over.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::report::csv::facts::{
    EMISSIONS, OBSERVATIONS, REQUESTS, read_emissions, read_observations, read_requests, write_emissions,
    write_observations, write_requests,
};
use crate::report::csv::ledger::{LEDGER, read_ledger, write_ledger};
use crate::report::csv::probes::{PROBES, read_probes, write_probe};
use crate::report::csv::summary::write_summary;
use crate::report::csv::{CsvError, Names};
use crate::report::document::{Document, DocumentError, RunNote, SavedRows, read_document, write_document};
use crate::report::excerpt::Excerpt;
use crate::scenario::model::{Facts, Scenario};
use crate::summary::Summary;
use crate::trace::{Emission, Observation, ProbeRun, Request, Segment, Trace};

const RUN: &str = "run.json";
const SUMMARY: &str = "summary.csv";
const EXCERPT: &str = "excerpt.json";

/// Why a run folder could not be written or read. All of them are bad input (exit code 2) but [`RunFolderError::Write`] in
/// mid-run.
#[derive(Debug, Error)]
pub enum RunFolderError {
    /// A new run must not be mixed with what is there.
    #[error("{}: already holds {holds}; a run needs a folder that is new or empty", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        holds: &'static str,
    },
    /// It cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A table is damaged.
    #[error("{}, {error}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What, and where.
        error: CsvError,
    },
    /// `excerpt.json` is damaged.
    #[error("{}: {what}", path.display())]
    Excerpt {
        /// The file.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// `run.json` is damaged.
    #[error("{}, {error}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What, and where.
        error: DocumentError,
    },
}

/// A table that is appended to.
#[derive(Debug)]
struct Table {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl Table {
    fn create(folder: &Path, name: &str, columns: &[&str]) -> Result<Table, RunFolderError> {
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|source| RunFolderError::Write { path: path.clone(), source })?;
        let writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(file);
        let mut table = Table { path, writer };
        table.append(|out| out.write_record(columns))?;
        Ok(table)
    }

    /// Writes rows, and sees to it that they have left this process.
    fn append(&mut self, rows: impl FnOnce(&mut csv::Writer<File>) -> csv::Result<()>) -> Result<(), RunFolderError> {
        let written = rows(&mut self.writer).map_err(io::Error::from).and_then(|()| self.writer.flush());
        written.map_err(|source| RunFolderError::Write { path: self.path.clone(), source })
    }
}

/// The folder of a run that is being made.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    names: Names,
    emissions: Table,
    observations: Table,
    ledger: Table,
    requests: Option<Table>,
    probes: Option<(Table, Scenario)>,
    rows: SavedRows,
}

impl RunFolder {
    /// Makes the folder, and the tables with their headers: what cannot be written is known before the run starts.
    ///
    /// # Errors
    /// When there is something in it, or it cannot be written.
    pub fn create(path: &Path, scenario: &Scenario) -> Result<RunFolder, RunFolderError> {
        let cannot = |source| RunFolderError::Write { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(cannot)?;
        if fs::read_dir(path).map_err(cannot)?.next().is_some() {
            let holds = if path.join(RUN).exists() { "a run" } else { "something else" };
            return Err(RunFolderError::Occupied { path: path.to_owned(), holds });
        }
        let full = scenario.facts == Facts::Full;
        Ok(RunFolder {
            path: path.to_owned(),
            names: Names::new(scenario),
            emissions: Table::create(path, "emissions.csv", EMISSIONS)?,
            observations: Table::create(path, "observations.csv", OBSERVATIONS)?,
            ledger: Table::create(path, "ledger.csv", LEDGER)?,
            requests: full.then(|| Table::create(path, "requests.csv", REQUESTS)).transpose()?,
            probes: match scenario.probes.is_empty() {
                true => None,
                false => Some((Table::create(path, "probes.csv", PROBES)?, scenario.clone())),
            },
            rows: SavedRows {
                requests: full.then_some(0),
                probes: (!scenario.probes.is_empty()).then_some(0),
                ..SavedRows::default()
            },
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends changes of a repeat: those since the last time.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append_emissions(&mut self, repeat: u32, emissions: &[Emission]) -> Result<(), RunFolderError> {
        self.emissions.append(|out| write_emissions(out, &self.names, repeat, emissions))?;
        self.rows.emissions += emissions.len() as u64;
        Ok(())
    }

    /// Appends what a client saw: also of one that failed and has no segment.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append_observations(
        &mut self,
        client: usize,
        repeat: u32,
        observations: &[Observation],
    ) -> Result<(), RunFolderError> {
        self.observations.append(|out| write_observations(out, &self.names, client, repeat, observations))?;
        self.rows.observations += observations.len() as u64;
        Ok(())
    }

    /// Appends the facts of a segment. Its numbers are in `run.json` from the next [`RunFolder::save`] on.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append_segment(&mut self, segment: &Segment) -> Result<(), RunFolderError> {
        let (client, repeat) = (segment.client, segment.repeat);
        self.append_observations(client, repeat, &segment.observations)?;
        self.ledger.append(|out| write_ledger(out, &self.names, client, repeat, &segment.ledger))?;
        self.rows.ledger += segment.ledger.len() as u64;
        self.append_requests(client, repeat, &segment.requests)
    }

    /// Appends what a client asked for, where that is recorded.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append_requests(&mut self, client: usize, repeat: u32, requests: &[Request]) -> Result<(), RunFolderError> {
        if let Some((table, rows)) = self.requests.as_mut().zip(self.rows.requests.as_mut()) {
            table.append(|out| write_requests(out, &self.names, client, repeat, requests))?;
            *rows += requests.len() as u64;
        }
        Ok(())
    }

    /// Appends what a probe found.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append_probe(&mut self, run: &ProbeRun) -> Result<(), RunFolderError> {
        if let Some(((table, scenario), rows)) = self.probes.as_mut().zip(self.rows.probes.as_mut()) {
            table.append(|out| {
                *rows += write_probe(out, scenario, run)?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Writes `run.json` and `summary.csv` as of now. The facts of `trace` must have been appended.
    ///
    /// # Errors
    /// When they cannot be written; the ones before them are still there then.
    pub fn save(&self, note: &RunNote, trace: &Trace, summary: &Summary) -> Result<(), RunFolderError> {
        let mut table = Vec::new();
        let cannot = |name: &str, source| RunFolderError::Write { path: self.path.join(name), source };
        write_summary(&mut table, summary).map_err(|e| cannot(SUMMARY, e.into()))?;
        let document = write_document(note, trace, summary, self.rows).map_err(|e| cannot(RUN, e))?;
        self.replace(SUMMARY, &table)?;
        self.replace(RUN, &document)
    }

    /// Saves a run that is complete in memory, such as a simulated one.
    ///
    /// # Errors
    /// Those of [`RunFolder::create`] and of writing.
    pub fn write(path: &Path, note: &RunNote, trace: &Trace, summary: &Summary) -> Result<RunFolder, RunFolderError> {
        let mut folder = RunFolder::create(path, &trace.scenario)?;
        for (repeat, emissions) in trace.emissions.iter().enumerate() {
            folder.append_emissions(repeat as u32, emissions)?;
        }
        for segment in &trace.segments {
            folder.append_segment(segment)?;
        }
        for run in &trace.probes {
            folder.append_probe(run)?;
        }
        folder.save(note, trace, summary)?;
        Ok(folder)
    }

    /// Writes what figures need of the facts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_excerpt(&self, excerpt: &Excerpt) -> Result<(), RunFolderError> {
        let cannot = |source| RunFolderError::Write { path: self.path.join(EXCERPT), source };
        let bytes = excerpt.write().map_err(|e| cannot(e.into()))?;
        self.replace(EXCERPT, &bytes)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), RunFolderError> {
        let (path, draft) = (self.path.join(name), self.path.join(format!("{name}.tmp")));
        let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, &path));
        written.map_err(|source| RunFolderError::Write { path, source })
    }
}

/// A run that was loaded.
#[derive(Clone, Debug)]
pub struct LoadedRun {
    /// What is known of it besides its facts.
    pub note: RunNote,
    /// Its facts, as they were recorded: none but counts in a simulation that kept none.
    pub trace: Trace,
    /// Its summary as it was saved. Summing the trace up again gives the same, unless it is of a simulation that kept no facts.
    pub summary: Summary,
}

/// What a run came to, from `run.json` alone: enough to draw its report again where the tables of facts were not kept.
///
/// # Errors
/// When it is missing or damaged: the line and the column are named.
pub fn load_summary(path: &Path) -> Result<(RunNote, Scenario, Summary), RunFolderError> {
    let Document { note, trace, summary, .. } = document(path)?;
    Ok((note, trace.scenario, summary))
}

/// What figures need of the facts, as the run folder keeps it; `None` when it does not.
///
/// # Errors
/// When it is damaged.
pub fn load_excerpt(path: &Path) -> Result<Option<Excerpt>, RunFolderError> {
    let file = path.join(EXCERPT);
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(RunFolderError::Read { path: file, source }),
    };
    let excerpt = Excerpt::read(&bytes);
    excerpt.map(Some).map_err(|what| RunFolderError::Excerpt { path: file, what })
}

fn document(path: &Path) -> Result<Document, RunFolderError> {
    let file = path.join(RUN);
    let bytes = fs::read(&file).map_err(|source| RunFolderError::Read { path: file.clone(), source })?;
    read_document(&bytes).map_err(|error| RunFolderError::Document { path: file, error })
}

/// Loads a run folder.
///
/// # Errors
/// When a file is missing or damaged: it, the line and the column are named.
pub fn load(path: &Path) -> Result<LoadedRun, RunFolderError> {
    let document = document(path)?;
    let (mut trace, rows) = (document.trace, document.rows);
    let names = Names::new(&trace.scenario);
    let repeats = trace.emissions.len();

    table(path, "emissions.csv", |input| {
        read_emissions(input, &names, rows.emissions, |repeat, emission| {
            let of_repeat = trace.emissions.get_mut(repeat as usize);
            of_repeat.ok_or_else(|| format!("one of the {repeats} repeats"))?.push(emission);
            Ok(())
        })
    })?;
    let segments = &mut trace.segments;
    let places: HashMap<(usize, u32), usize> =
        segments.iter().enumerate().map(|(place, s)| ((s.client, s.repeat), place)).collect();
    // Facts of a client that failed belong to no segment: they stay in the tables.
    let place = |client: usize, repeat: u32| places.get(&(client, repeat)).copied();
    table(path, "observations.csv", |input| {
        read_observations(input, &names, rows.observations, |client, repeat, observation| {
            place(client, repeat).into_iter().for_each(|i| segments[i].observations.push(observation));
        })
    })?;
    table(path, "ledger.csv", |input| {
        read_ledger(input, &names, rows.ledger, |client, repeat, row| {
            place(client, repeat).into_iter().for_each(|i| segments[i].ledger.push(row));
        })
    })?;
    if let Some(rows) = rows.requests {
        table(path, "requests.csv", |input| {
            read_requests(input, &names, rows, |client, repeat, request| {
                place(client, repeat).into_iter().for_each(|i| segments[i].requests.push(request));
            })
        })?;
    }
    if let Some(rows) = rows.probes {
        let mut found = Vec::new();
        table(path, "probes.csv", |input| {
            found = read_probes(input, &trace.scenario, rows)?;
            Ok(())
        })?;
        trace.probes = found;
    }
    Ok(LoadedRun { note: document.note, trace, summary: document.summary })
}

fn table(folder: &Path, name: &str, read: impl FnOnce(File) -> Result<(), CsvError>) -> Result<(), RunFolderError> {
    let path = folder.join(name);
    let file = File::open(&path).map_err(|source| RunFolderError::Read { path: path.clone(), source })?;
    read(file).map_err(|error| RunFolderError::Table { path, error })
}

#[cfg(test)]
mod tests {
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
        let mut runner =
            proptest::test_runner::TestRunner::new(ProptestConfig { cases: 500, ..ProptestConfig::default() });
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
}
