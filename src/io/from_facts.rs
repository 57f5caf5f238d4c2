//! The numbers and figures of a run derived anew from its tables of facts, a repeat at a time: a run of any number of repeats is read in
//! the memory of the largest of them.

use std::path::Path;

use rayon::prelude::*;

use super::long_table::LongTable;
use super::runs::{Heads, LoadedRun, RunFolderError, check_repeat, heads, load};
use crate::report::csv::Names;
use crate::report::csv::block::{Block, Run};
use crate::report::document::RunNote;
use crate::report::excerpt::{Excerpt, Gathering, longest_burst};
use crate::scenario::model::Scenario;
use crate::summary::measured::measure_seen;
use crate::summary::{Summary, Summing, add_probes, near_floor, summarise};
use crate::trace::{Emission, EmissionIndex, Observation, ProbeRun, Segment};

/// So many observations may wait until they are measured, so that there is enough to do for every thread.
const MOST_WAITING: usize = 4_000_000;

/// What the facts of a run come to.
#[derive(Debug)]
pub(super) struct Derived {
    /// What is known of the run besides its facts.
    pub(super) note: RunNote,
    /// What was run.
    pub(super) scenario: Scenario,
    /// The numbers.
    pub(super) summary: Summary,
    /// What figures need.
    pub(super) excerpt: Excerpt,
}

/// Why facts could not be derived from a repeat at a time.
enum Stop {
    Failed(RunFolderError),
    /// The tables are sorted in another way than they were written: they have to be read as a whole.
    OutOfOrder,
}

impl From<RunFolderError> for Stop {
    fn from(error: RunFolderError) -> Stop {
        Stop::Failed(error)
    }
}

/// Derives everything from the tables.
///
/// # Errors
/// When a table is missing or damaged: it, the line and the column are named.
pub(super) fn derive(path: &Path) -> Result<Derived, RunFolderError> {
    let headed = heads(path)?;
    if headed.note.simulated.as_ref().is_some_and(|simulated| !simulated.facts) {
        return Err(RunFolderError::NoFacts { path: path.to_owned() });
    }
    match in_order(path, headed) {
        Ok(derived) => Ok(derived),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::OutOfOrder) => {
            let LoadedRun { note, trace, .. } = load(path)?;
            let summary = with_floor(summarise(&trace, &note.notes), &trace.scenario, &note);
            let excerpt = Excerpt::of(&trace);
            Ok(Derived { note, scenario: trace.scenario, summary, excerpt })
        }
    }
}

fn with_floor(mut summary: Summary, scenario: &Scenario, note: &RunNote) -> Summary {
    if let Some(floor) = &note.host.floor {
        let near = near_floor(scenario, &summary, floor);
        summary.warnings.extend(near);
    }
    summary
}

fn in_order(path: &Path, headed: Heads) -> Result<Derived, Stop> {
    let Heads { note, trace, rows, .. } = headed;
    let (scenario, probes) = (&trace.scenario, trace.probes);
    let names = Names::new(scenario);
    if names.break_lines() {
        return Err(Stop::OutOfOrder);
    }
    let repeats = trace.emissions.len();
    let mut emissions = EmissionTable::open(path, &names, rows.emissions, repeats)?;
    let longest = emissions.longest_burst()?;
    emissions = EmissionTable::open(path, &names, rows.emissions, repeats)?;
    let mut deriving = Deriving {
        scenario,
        emissions,
        gathering: Gathering::new(scenario, &trace.segments, longest),
        summing: Summing::new(scenario),
        segments: trace.segments,
        next: 0,
        measured: 0,
    };
    let mut observations = LongTable::<Observation>::open(path, "observations", &names, rows.observations)?;
    while let Some((_, block)) = observations.block()? {
        for (run, facts) in block.groups() {
            deriving.observed(run.key, facts)?;
        }
    }
    let (summary, excerpt) = deriving.finish(&note, &probes)?;
    let scenario = trace.scenario.clone();
    Ok(Derived { summary: with_floor(summary, &scenario, &note), note, excerpt, scenario })
}

/// Segments that are measured as soon as their facts are there.
struct Deriving<'a> {
    scenario: &'a Scenario,
    emissions: EmissionTable<'a>,
    gathering: Gathering<'a>,
    summing: Summing<'a>,
    segments: Vec<Segment>,
    /// The segment whose facts are coming, and with those before it all that are complete.
    next: usize,
    /// Those before it are measured, and their facts gone.
    measured: usize,
}

impl Deriving<'_> {
    /// Rows of one client and repeat came.
    fn observed(&mut self, (client, repeat): (usize, u32), facts: &[Observation]) -> Result<(), Stop> {
        let same = |s: &Segment| (s.client, s.repeat) == (client, repeat);
        // Facts of a client that failed belong to no segment.
        let Some(place) = self.segments.iter().position(same) else { return Ok(()) };
        if place < self.next {
            return Err(Stop::OutOfOrder);
        }
        if place > self.next {
            self.measure_before(place)?;
            self.next = place;
        }
        self.segments[place].observations.extend_from_slice(facts);
        Ok(())
    }

    /// Measures the segments before `place` whose repeat is over, or all of them if there is enough to do.
    fn measure_before(&mut self, place: usize) -> Result<(), Stop> {
        while self.measured < place {
            let repeat = self.segments[self.measured].repeat;
            let waiting = &self.segments[self.measured..place];
            let of_repeat = waiting.iter().take_while(|s| s.repeat == repeat).count();
            let observations: usize = waiting.iter().map(|s| s.observations.len()).sum();
            let over = self.segments.get(self.measured + of_repeat).is_none_or(|s| s.repeat != repeat);
            if !over && observations < MOST_WAITING {
                return Ok(());
            }
            self.measure(repeat, self.measured + of_repeat)?;
        }
        Ok(())
    }

    /// Measures the segments from the first that is not yet up to `to`, all of one repeat.
    fn measure(&mut self, repeat: u32, to: usize) -> Result<(), Stop> {
        self.emissions.advance(repeat)?;
        let Deriving { scenario, emissions, gathering, segments, .. } = self;
        let posted = emissions.current.as_slice();
        let index = EmissionIndex::new(scenario.pvs.len(), posted);
        let bursts = gathering.bursts(posted);
        let places: Vec<usize> = (self.measured..to).collect();
        let measured = places.par_iter().map(|&place| {
            let segment = segments.get(place)?;
            let client = scenario.clients.get(segment.client)?;
            let mut taken = gathering.take(place, segment, &index);
            let measured = measure_seen(scenario, client, &index, segment, |change| taken.see(change, &bursts));
            Some((measured, taken))
        });
        let measured: Vec<_> = measured.collect();
        for (place, one) in places.into_iter().zip(measured) {
            if let Some((measured, taken)) = one {
                self.summing.add(&self.segments[place], &measured);
                self.gathering.add(taken);
            }
            self.segments[place].observations = Vec::new();
        }
        self.measured = to;
        Ok(())
    }

    fn finish(mut self, note: &RunNote, probes: &[ProbeRun]) -> Result<(Summary, Excerpt), Stop> {
        self.measure_before(self.segments.len())?;
        let mut summary = self.summing.finish(&note.notes);
        if note.simulated.is_none() {
            add_probes(&mut summary, self.scenario, probes);
        }
        Ok((summary, self.gathering.finish()))
    }
}

/// The changes of one repeat after the other.
struct EmissionTable<'a> {
    table: LongTable<'a, Emission>,
    repeats: usize,
    /// The block that is being taken, its place among the lines, and how many of its groups are taken.
    block: Option<(u64, Block<Emission>, usize)>,
    repeat: Option<u32>,
    current: Vec<Emission>,
}

impl<'a> EmissionTable<'a> {
    fn open(path: &Path, names: &'a Names, rows: u64, repeats: usize) -> Result<EmissionTable<'a>, RunFolderError> {
        let table = LongTable::open(path, "emissions", names, rows)?;
        Ok(EmissionTable { table, repeats, block: None, repeat: None, current: Vec::new() })
    }

    /// Goes through the whole table: the most changes of a repeat that were due at one instant.
    fn longest_burst(&mut self) -> Result<u32, Stop> {
        let (mut longest, mut last) = (0, 0);
        // A burst may begin in one block and end in the next.
        let mut open: Vec<Emission> = Vec::new();
        while let Some((before, block)) = self.table.block()? {
            for (run, facts) in block.groups() {
                self.check(before, run)?;
                if run.key < last {
                    return Err(Stop::OutOfOrder);
                }
                if run.key > last {
                    open.clear();
                }
                last = run.key;
                let joined = facts.iter().take_while(|e| open.last().is_some_and(|o| o.due == e.due)).count();
                open.extend_from_slice(&facts[..joined]);
                longest = longest.max(longest_burst(&open)).max(longest_burst(facts));
                if joined < facts.len() {
                    let from = facts.iter().rposition(|e| facts.last().is_some_and(|l| l.due != e.due));
                    open.clear();
                    open.extend_from_slice(&facts[from.map_or(0, |at| at + 1)..]);
                }
            }
        }
        Ok(longest)
    }

    fn check(&self, before: u64, run: Run<u32>) -> Result<(), RunFolderError> {
        check_repeat(run.key, self.repeats).map_err(|what| self.table.wrong_at(run.line + before, "repeat", what))
    }

    /// Takes the changes of a repeat, and lets go of those before.
    fn advance(&mut self, repeat: u32) -> Result<(), Stop> {
        if self.repeat.is_some_and(|now| now >= repeat) {
            return if self.repeat == Some(repeat) { Ok(()) } else { Err(Stop::OutOfOrder) };
        }
        self.repeat = Some(repeat);
        self.current = Vec::new();
        loop {
            if self.block.is_none() {
                self.block = self.table.block()?.map(|(before, block)| (before, block, 0));
            }
            let Some((_, block, taken)) = &mut self.block else { return Ok(()) };
            let more = block.groups().skip(*taken);
            for (run, facts) in more {
                if run.key > repeat {
                    return Ok(());
                }
                *taken += 1;
                if run.key == repeat {
                    self.current.extend_from_slice(facts);
                }
            }
            self.block = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::runs::RunFolder;
    use super::*;
    use crate::scenario::model::{Change, Fetch, Pacing};
    use crate::summary::example;
    use crate::time::{Span, Tick};
    use crate::trace::floor::{AtPeriod, Quantiles};
    use crate::trace::{Floor, Host, Trace};

    const MS: u64 = 1_000_000;

    /// Three clients in three repeats, turned round in every other one. The clients of a burst and of a wait, and one that saw nothing.
    fn trace() -> Trace {
        let change = Change::Periodic { interval: Span::from_millis(100) };
        let delay = |ms| Some(Pacing::FixedDelay { period: Span::from_millis(ms) });
        let clients = vec![
            example::client("monitor", Fetch::Monitor, None, 4),
            example::client("poll", Fetch::Batch, delay(30), 4),
            example::client("blind", Fetch::Batch, delay(30), 4),
        ];
        let mut scenario = example::scenario(vec![(4, example::group(change))], clients);
        scenario.repeats = 3;
        let mut trace = Trace { scenario, emissions: Vec::new(), segments: Vec::new(), probes: Vec::new() };
        for repeat in 0..3u32 {
            let mut emissions = example::posted(4, 100 * MS, 8_000 * MS, 7 + u64::from(repeat));
            for emission in &mut emissions {
                // All PVs of a round are due at once, but in the first repeat.
                emission.due = if repeat > 0 { Tick(emission.due.0 / (100 * MS) * 100 * MS) } else { emission.due };
            }
            let segment = |client: usize| {
                let open = (1000 + 2000 * client as u64) * MS;
                example::segment(client, repeat, open, open + 1000 * MS, open + 1200 * MS)
            };
            let mut of_repeat = vec![
                example::push(segment(0), &emissions, 60_000 * (1 + u64::from(repeat))),
                example::poll(segment(1), &emissions, 4, 31 * MS, MS),
                segment(2),
            ];
            if repeat == 1 {
                of_repeat.reverse();
            }
            trace.segments.extend(of_repeat);
            trace.emissions.push(emissions);
        }
        trace
    }

    fn note() -> RunNote {
        let took = Quantiles { n: 100, p50_ns: Some(Span(50_000)), ..Quantiles::default() };
        let floor = Floor { push: vec![AtPeriod { period_ns: Span::from_millis(25), took }], ..Floor::default() };
        RunNote { host: Host { floor: Some(floor), ..Host::default() }, ..RunNote::default() }
    }

    /// What the whole trace comes to must be what its folder comes to.
    fn check(path: &Path, trace: &Trace) {
        let derived = derive(path).unwrap();
        assert!(derived.summary == with_floor(summarise(trace, &[]), &trace.scenario, &note()));
        assert_eq!(derived.excerpt, Excerpt::of(trace));
        assert!(derived.excerpt.clients[0].burst.len() > 1);
    }

    #[test]
    fn a_repeat_at_a_time_comes_to_the_same_as_all_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, trace) = (folder.path().join("run"), trace());
        RunFolder::write(&path, &note(), &trace, &summarise(&trace, &[])).unwrap();
        assert!(in_order(&path, heads(&path).unwrap()).is_ok());
        check(&path, &trace);
    }

    #[test]
    fn tables_in_another_order_come_to_the_same() {
        let folder = tempfile::tempdir().unwrap();
        for (table, key) in [("observations.csv", 1), ("emissions.csv", 0)] {
            let (path, trace) = (folder.path().join(table), trace());
            RunFolder::write(&path, &note(), &trace, &summarise(&trace, &[])).unwrap();
            let text = fs::read_to_string(path.join(table)).unwrap();
            let mut lines: Vec<&str> = text.lines().collect();
            // By repeat, the last one first; rows of one repeat stay as they are.
            lines[1..].sort_by_key(|line| std::cmp::Reverse(line.split(',').nth(key).map(str::to_owned)));
            fs::write(path.join(table), lines.join("\n")).unwrap();
            assert!(matches!(in_order(&path, heads(&path).unwrap()), Err(Stop::OutOfOrder)));
            check(&path, &trace);
        }
    }

    #[test]
    fn damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (path, trace) = (folder.path().join("run"), trace());
        RunFolder::write(&path, &note(), &trace, &summarise(&trace, &[])).unwrap();
        let cases = [
            (
                "emissions.csv",
                "\n2,TEST:G0P0,3,",
                "\n3,TEST:G0P0,3,",
                "column `repeat`: `3` is not one of the 3 repeats",
            ),
            ("observations.csv", "poll,1,TEST:G0P2,", "poll,1,TEST:G0P5,", "`TEST:G0P5` is not a PV of the scenario"),
            ("observations.csv", "monitor,0,TEST:G0P0,", "monitor,0,", "7 cells where the header has 8"),
        ];
        for (file, from, to, error) in cases {
            let good = fs::read_to_string(path.join(file)).unwrap();
            let line = good[..good.find(from).unwrap() + 1].lines().count();
            fs::write(path.join(file), good.replacen(from, to, 1)).unwrap();
            let said = derive(&path).unwrap_err().to_string();
            let line = if from.starts_with('\n') { line + 1 } else { line };
            assert!(said.starts_with(&format!("{}, line {line}", path.join(file).display())), "{said}");
            assert!(said.contains(error), "{said}");
            fs::write(path.join(file), good).unwrap();
        }
    }
}
