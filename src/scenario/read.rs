//! From the text of a scenario file to the scenario.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use toml::de::DeTable;

use super::change::Traces;
use super::client_block::{self, PvIndex};
use super::duration::LONGEST;
use super::expect_block;
use super::model::{ClientSpec, Facts, PvGroup, PvSpec, Restart, Scenario};
use super::pattern::MAX_PVS;
use super::probe_block;
use super::problem::{Findings, ScenarioError};
use super::pv_block::{self, PvBlock};
use super::section::{Entry, Section};
use super::sweep::{self, Axis, Cell, Sweep};
use super::sweep_block;
use crate::pv::PvName;
use crate::time::Span;

/// The shortest measuring window: below it there is nothing to measure.
pub(crate) const SHORTEST_WINDOW: Span = Span::from_millis(1);
/// The most repeats.
pub(crate) const MAX_REPEATS: u32 = 10_000;
/// The largest seed: what a TOML integer holds.
pub(crate) const MAX_SEED: u64 = i64::MAX as u64;
/// The most clients.
const MAX_CLIENTS: usize = 10_000;
/// The most PVs in the lists of all clients together.
const MAX_LOOKED_AT: usize = 10_000_000;
/// The most bytes that the values of all PVs may take together.
const MAX_VALUE_BYTES: u64 = 1 << 30;
/// The most PVs in all cells of a sweep together.
const MAX_SWEPT_PVS: usize = 5_000_000;
/// The longest name of a scenario or client, in characters.
const MAX_NAME: usize = 64;
/// Entries of an event queue's ring: from those of EPICS base (`EVENTQUESIZE` of `dbEvent.c`) up.
const EVENT_QUEUE: RangeInclusive<u64> = 144..=1_000_000;
/// A longer spin would keep a processor busy for nothing.
const LONGEST_SPIN: Span = Span::from_millis(10);

/// A scenario file's text and what the user calls it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file, as messages name it.
    pub file: &'a str,
    /// The scenario's name when the text does not say: mostly the file's name without its ending.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
}

/// A file that a scenario refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedText {
    /// The file, as messages name it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// Reads a scenario. `load` gives the text of a file that the scenario names, by the name as it is written there, or the
/// reason why it cannot. Of a file with a `[sweep]` it is the scenario as its blocks have it.
///
/// # Errors
/// Everything that is wrong with the text, in its order: unknown keys, wrong types, values out of range, PVs or clients named
/// twice, trace files that are missing or unsorted, client PV lists that match nothing, a `[sweep]` that does not fit.
pub fn read(source: Source<'_>, load: &dyn Fn(&str) -> Result<LoadedText, String>) -> Result<Scenario, ScenarioError> {
    let findings = Findings::new(source.file, source.text);
    let Some(table) = parse(&source, &findings) else { return Err(findings.into_error()) };
    let scenario = whole(&table, source.name, load, &findings);
    if findings.is_empty() {
        sweep_block::axes(&table, &findings);
    }
    findings.finish()?;
    Ok(scenario)
}

/// Reads every cell of a file with a `[sweep]`; `None` when it has none.
///
/// # Errors
/// Those of [`read`]; and what is wrong in the first cell that is no scenario, which is named.
pub fn read_sweep(
    source: Source<'_>,
    load: &dyn Fn(&str) -> Result<LoadedText, String>,
) -> Result<Option<Sweep>, ScenarioError> {
    let findings = Findings::new(source.file, source.text);
    let Some(table) = parse(&source, &findings) else { return Err(findings.into_error()) };
    if !table.contains_key(sweep_block::SWEEP) {
        return Ok(None);
    }
    whole(&table, source.name, load, &findings);
    let swept = if findings.is_empty() { sweep_block::axes(&table, &findings) } else { None };
    let Some(swept) = swept else { return Err(findings.into_error()) };
    let axes: Vec<Axis> = swept.iter().map(|swept| swept.axis.clone()).collect();
    let (mut cells, mut pvs) = (Vec::new(), 0);
    for number in 0..axes.iter().map(|axis| axis.values.len()).product() {
        let at = sweep::combination(&axes, number);
        let told = sweep::told(&axes, &at);
        let findings = Findings::new(source.file, source.text).in_the_case_of(&told);
        let table = sweep_block::with_values(&table, &swept, &at);
        let mut scenario = whole(&table, source.name, load, &findings);
        pvs += scenario.pvs.len();
        if pvs > MAX_SWEPT_PVS {
            let what = format!("the cells up to here have {pvs} PVs together, more than {MAX_SWEPT_PVS}");
            findings.add(0..0, sweep_block::SWEEP, what, "sweep fewer values, or serve fewer PVs");
        }
        findings.finish()?;
        scenario.title = format!("{} ({told})", scenario.title);
        cells.push(Cell { folder: sweep::folder(&axes, number, &at), at, scenario });
    }
    Ok(Some(Sweep { axes, cells }))
}

fn parse<'t>(source: &Source<'t>, findings: &Findings<'_>) -> Option<DeTable<'t>> {
    match DeTable::parse(source.text) {
        Ok(table) => Some(table.into_inner()),
        Err(e) => {
            findings.add(e.span().unwrap_or(0..0), "", format!("not TOML: {}", e.message()), "");
            None
        }
    }
}

fn whole<'t>(
    table: &'t DeTable<'t>,
    name: &str,
    load: &dyn Fn(&str) -> Result<LoadedText, String>,
    findings: &'t Findings<'t>,
) -> Scenario {
    let root = Section::root(table, findings);
    let scenario = scenario(&root, name, &mut Traces::new(load), findings);
    root.finish(&[]);
    scenario
}

fn scenario(root: &Section<'_>, file_name: &str, traces: &mut Traces<'_>, findings: &Findings<'_>) -> Scenario {
    let name = root.entry("name").and_then(|e| short_name(&e)).unwrap_or_else(|| tame(file_name));
    let mut scenario = Scenario {
        title: root.text_or("title", &name),
        name,
        about: root.text_or("about", "").trim().to_owned(),
        seed: root.whole_or("seed", 0..=MAX_SEED, 1),
        repeats: root.whole_or("repeats", 1..=u64::from(MAX_REPEATS), 3) as u32,
        window: root.time_or("window", SHORTEST_WINDOW..=LONGEST, Span::from_secs(5)),
        min_periods: root.whole_or("min_periods", 0..=1_000_000, 5) as u32,
        warmup: root.time_or("warmup", Span::ZERO..=LONGEST, Span::from_millis(500)),
        drain: root.time_or("drain", Span::ZERO..=LONGEST, Span::from_millis(200)),
        connect_timeout: root.time_or("connect_timeout", SHORTEST_WINDOW..=LONGEST, Span::from_secs(5)),
        concurrent: root.flag_or("concurrent", false),
        restart: None,
        facts: root.choice_or("facts", &[("news", Facts::News), ("full", Facts::Full)], Facts::News),
        event_queue: Some(root.whole_or("event_queue", EVENT_QUEUE, *EVENT_QUEUE.start()) as u32)
            .filter(|entries| u64::from(*entries) != *EVENT_QUEUE.start()),
        spin: Some(root.time_or("spin", Span::ZERO..=LONGEST_SPIN, Span::ZERO)).filter(|spin| *spin > Span::ZERO),
        steady: root.flag_or("steady", false),
        groups: Vec::new(),
        pvs: Vec::new(),
        clients: Vec::new(),
        probes: Vec::new(),
        claims: Vec::new(),
        expectations: Vec::new(),
    };
    scenario.restart = root.entry("restart").and_then(|e| restart(&e, scenario.window));
    let (mut blocks, mut named): (Vec<PvBlock<'_>>, u64) = (Vec::new(), 0);
    for section in root.sections("pv") {
        let block = pv_block::read(section, traces);
        named += block.as_ref().map_or(0, |block| block.names.len() as u64);
        blocks.extend(block);
        // That is a fault, and `gather` says so: what follows could only take more memory.
        if named > MAX_PVS {
            break;
        }
    }
    let client_sections = root.sections("client");
    if blocks.is_empty() && findings.is_empty() {
        root.fault("pv", "there are no PVs", "add a block: [[pv]] with name = \"TEST:CALC{00..09}\"");
    }
    check_values_fit(&blocks);
    (scenario.groups, scenario.pvs) = gather(blocks);
    traces.check_names(&scenario, findings);
    // Clients refer to PVs by name: with PVs missing, faults would only be echoes.
    if findings.is_empty() {
        let index = PvIndex::new(&scenario);
        let clients = read_clients(client_sections, &scenario, &index);
        check_names(&clients);
        scenario.clients = clients.into_iter().map(|(_, client)| client).collect();
    }
    root.knows(&["probe", "claim", "expect", sweep_block::SWEEP]);
    // Likewise with clients missing.
    if findings.is_empty() {
        scenario.probes = probe_block::read(root.sections("probe"), &scenario.clients);
    }
    if findings.is_empty() {
        expect_block::read(root, &mut scenario);
    }
    scenario
}

/// `restart = { at = "2s", down = "500ms" }`: the IOC is back before the shortest window closes.
fn restart(entry: &Entry<'_>, window: Span) -> Option<Restart> {
    let section = entry.section()?;
    let time = |key, advice: &str| {
        let entry = section.entry(key);
        if entry.is_none() {
            section.fault(key, "is missing", advice);
        }
        entry?.time(SHORTEST_WINDOW..=LONGEST)
    };
    let at = time("at", "when the IOC goes away, from the opening of the window on: at = \"2s\"");
    let down = time("down", "how long it is away: down = \"500ms\"");
    section.finish(&[]);
    let restart = Restart { at: at?, down: down? };
    if restart.back() >= window {
        entry.fault(
            format!("the IOC would be back after {}, and the window is {window} long", restart.back()),
            "a longer `window`, an earlier `at`, or a shorter `down`",
        );
        return None;
    }
    Some(restart)
}

fn check_values_fit(blocks: &[PvBlock<'_>]) {
    let mut bytes = 0u64;
    for block in blocks {
        let each = u64::from(block.group.count) * block.group.native.element_size() as u64;
        bytes = bytes.saturating_add(each.saturating_mul(block.names.len() as u64));
        if bytes > MAX_VALUE_BYTES {
            let what = format!("up to here the values of all PVs take {bytes} bytes, more than {MAX_VALUE_BYTES}");
            block.name_entry.fault(what, "fewer PVs, or a smaller `count`");
            return;
        }
    }
}

/// All PVs of all blocks; a name may occur once.
fn gather(blocks: Vec<PvBlock<'_>>) -> (Vec<PvGroup>, Vec<PvSpec>) {
    let (mut groups, mut pvs) = (Vec::new(), Vec::<PvSpec>::new());
    let mut owners: HashMap<PvName, usize> = HashMap::new();
    for PvBlock { group, names, name_entry } in blocks {
        let number = groups.len();
        if pvs.len() as u64 + names.len() as u64 > MAX_PVS {
            name_entry.fault(format!("up to here there are more than {MAX_PVS} PVs"), "shorten a range");
            return (groups, pvs);
        }
        let twice = names.iter().find_map(|name| owners.get(name).map(|owner| (name, *owner)));
        if let Some((name, owner)) = twice {
            let first: &PvGroup = &groups[owner];
            name_entry.fault(
                format!("the PV `{name}` is named twice"),
                format!("it is already in the block `{}`; a name belongs to one block", first.pattern),
            );
            continue;
        }
        groups.push(group);
        owners.extend(names.iter().map(|name| (name.clone(), number)));
        pvs.extend(names.into_iter().map(|name| PvSpec { name, group: number }));
    }
    (groups, pvs)
}

type NamedClient<'a> = (Option<Entry<'a>>, ClientSpec);

fn read_clients<'a>(sections: Vec<Section<'a>>, scenario: &Scenario, index: &PvIndex<'_>) -> Vec<NamedClient<'a>> {
    let (mut clients, mut looked_at, mut copies) = (Vec::new(), 0, 0);
    for section in sections {
        if looked_at > MAX_LOOKED_AT || copies >= MAX_CLIENTS {
            let what = format!("up to here there are {copies} clients, and {looked_at} PVs in their lists");
            section.fault(
                "",
                what,
                format!("at most {MAX_CLIENTS} clients, and {MAX_LOOKED_AT} PVs over all their lists"),
            );
            break;
        }
        let client = client_block::read(section, scenario, index);
        looked_at += client.1.pvs.len() * client.1.copies as usize;
        copies += client.1.copies as usize;
        clients.push(client);
    }
    clients
}

fn check_names(clients: &[NamedClient<'_>]) {
    let mut seen = HashSet::new();
    for (entry, client) in clients {
        if let (Some(entry), false) = (entry, client.name.is_empty() || seen.insert(client.name.as_str())) {
            entry.fault(
                format!("the client `{}` is named twice", client.name),
                "every table tells clients apart by name: give it another",
            );
        }
    }
}

/// A name that is good for tables, `--clients` and folders alike.
pub(crate) fn short_name(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && text.len() <= MAX_NAME && text.chars().all(is_tame) {
        return Some(text.to_owned());
    }
    entry.fault(
        format!("{:?} is not a short name", super::problem::shown(text)),
        format!("letters, digits, `-`, `_` and `.`, a letter or digit first, at most {MAX_NAME} characters"),
    );
    None
}

fn is_tame(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A file's name made into a short name.
fn tame(file_name: &str) -> String {
    let name: String = file_name.chars().take(MAX_NAME).map(|c| if is_tame(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.is_empty() { "scenario".to_owned() } else { name.to_owned() }
}
