//! One `[[client]]` block.

use std::collections::{HashMap, HashSet};

use super::duration::LONGEST;
use super::library::{LibraryClient, LibraryProgram};
use super::library_block::{self, MAX_HOGS};
use super::model::{Change, ClientSpec, DbrChoice, Fetch, Pacing, Phase, Program, PvGroup, Scenario};
use super::pattern::{NamePattern, matches_glob};
use super::problem::{listed, shown, suggest};
use super::read::short_name;
use super::section::{Entry, Section};
use crate::pv::PvId;
use crate::time::Span;

/// The shortest period of a schedule.
const SHORTEST: Span = Span::from_micros(1);
/// The most copies of one client: each takes two listeners of the IOC, a circuit and a thread.
const MAX_COPIES: u64 = 5000;
/// The most texts with `*` in one client's list of PVs: each is held against every PV.
const MAX_GLOBS: usize = 100;

const FETCHES: [(&str, Fetch); 5] = [
    ("serial", Fetch::Serial),
    ("batch", Fetch::Batch),
    ("connect", Fetch::Connect),
    ("cached", Fetch::Cached),
    ("monitor", Fetch::Monitor),
];

#[derive(Clone, Copy)]
enum Kind {
    FixedDelay,
    FixedRate,
    Jittered,
    Backoff,
    Spin,
    Hybrid,
}

impl Kind {
    /// The keys that belong to it.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Kind::FixedDelay | Kind::FixedRate => &["period"],
            Kind::Jittered => &["period", "jitter"],
            Kind::Backoff => &["first", "last"],
            Kind::Spin => &[],
            Kind::Hybrid => &["sleep"],
        }
    }
}

const PACINGS: [(&str, Kind); 6] = [
    ("fixed-delay", Kind::FixedDelay),
    ("fixed-rate", Kind::FixedRate),
    ("jittered", Kind::Jittered),
    ("backoff", Kind::Backoff),
    ("spin", Kind::Spin),
    ("hybrid", Kind::Hybrid),
];

const DBRS: [(&str, DbrChoice); 3] =
    [("plain", DbrChoice::Plain), ("time", DbrChoice::Time), ("ctrl", DbrChoice::Ctrl)];

/// Keys that belong to some clients only.
const ELSEWHERE: [(&str, &str); 13] = [
    ("period", "it belongs to pacing = \"fixed-delay\", \"fixed-rate\" and \"jittered\""),
    ("jitter", "it belongs to pacing = \"jittered\""),
    ("first", "it belongs to pacing = \"backoff\""),
    ("last", "it belongs to pacing = \"backoff\""),
    ("sleep", "it belongs to pacing = \"hybrid\"; a fixed sleep is called `period`"),
    ("service_time", "it belongs to a native or a library's client with callbacks: a slow callback"),
    ("copies", "it belongs to native clients: name each other program by itself"),
    ("dbr", "it belongs to native clients: an external `command` asks for what it wants"),
    ("python", "it belongs to a library's client, such as client = \"pyepics-callback\"; a `command` names its own"),
    ("hog", "it belongs to a library's client in Python; beside any other: hog_processes = 1"),
    ("switch_interval", "it belongs to a library's client in Python, such as client = \"pyepics-callback\""),
    (
        "yield_after_callback",
        "it belongs to a library's client in Python with callbacks, such as client = \"pyepics-callback\"",
    ),
    ("groups", "it belongs to client = \"pyepics-threads\" and \"pyepics-processes\""),
];

/// The PVs of a scenario by name.
pub(crate) struct PvIndex<'s> {
    by_name: HashMap<&'s str, PvId>,
}

impl<'s> PvIndex<'s> {
    /// Of a scenario whose PVs are known.
    pub(crate) fn new(scenario: &'s Scenario) -> PvIndex<'s> {
        let ids = scenario.pvs.iter().enumerate();
        PvIndex { by_name: ids.map(|(i, pv)| (pv.name.as_str(), PvId(i as u32))).collect() }
    }
}

/// Reads a block, and where its name stands.
pub(crate) fn read<'a>(
    section: Section<'a>,
    scenario: &Scenario,
    index: &PvIndex<'_>,
) -> (Option<Entry<'a>>, ClientSpec) {
    let name = section.entry("name");
    if name.is_none() {
        section.fault("name", "is missing", "a short name for tables: name = \"poll-10ms\"");
    }
    let what = program(&section);
    let fetch = fetch(&section, &what);
    let (native, library) = (matches!(what, What::Native), matches!(what, What::Library(..)));
    let every_pv = || (0..scenario.pvs.len() as u32).map(PvId).collect();
    let pvs = section.entry("pvs").map_or_else(every_pv, |e| chosen(&e, scenario, index));
    let client = ClientSpec {
        name: name.as_ref().and_then(short_name).unwrap_or_default(),
        pacing: fetch.and_then(|fetch| pacing(&section, fetch, &what, scenario, &pvs)),
        fetch: fetch.unwrap_or(Fetch::Monitor),
        pvs,
        dbr: if native { section.choice_or("dbr", &DBRS, DbrChoice::Time) } else { DbrChoice::Time },
        service_time: match (native || library, fetch) {
            (true, Some(Fetch::Monitor)) => section.time_or("service_time", Span::ZERO..=LONGEST, Span::ZERO),
            _ => Span::ZERO,
        },
        copies: if native { section.whole_or("copies", 1..=MAX_COPIES, 1) as u32 } else { 1 },
        hog_processes: section.whole_or("hog_processes", 0..=MAX_HOGS, 0) as u32,
        program: what.program(),
    };
    // Without a fetch, which keys belong is not known.
    if fetch.is_some() {
        section.finish(&ELSEWHERE);
    }
    (name, client)
}

/// What runs as the client.
enum What {
    Native,
    External(Vec<String>),
    Library(LibraryClient, LibraryProgram),
    /// It was named wrongly.
    Unknown,
}

impl What {
    fn program(self) -> Program {
        match self {
            What::Native | What::Unknown => Program::Native,
            What::External(words) => Program::External(words),
            What::Library(client, _) => Program::Library(client),
        }
    }
}

fn program(section: &Section<'_>) -> What {
    let (library, own) = (section.entry("client"), section.entry("command"));
    match (library, own) {
        (Some(entry), Some(_)) => {
            entry.fault("stands beside `command`: a client is one or the other", "leave one of them out");
            What::Unknown
        }
        (Some(entry), None) => match library_block::read(&entry, section) {
            Some((client, program)) => What::Library(client, program),
            None => What::Unknown,
        },
        (None, Some(entry)) => command(&entry),
        (None, None) => What::Native,
    }
}

/// A library's client has its own; the others say it.
fn fetch(section: &Section<'_>, what: &What) -> Option<Fetch> {
    let entry = section.entry("fetch");
    let own = match what {
        What::Library(_, program) => Some(program.fetch),
        What::Unknown => return None,
        What::Native | What::External(_) => None,
    };
    if entry.is_none() && own.is_none() {
        section.fault("fetch", "is missing", "one of `monitor`, `batch`, `serial`, `cached`, `connect`");
    }
    let said = entry.as_ref().and_then(|e| e.choice(&FETCHES));
    if let (Some(entry), Some(said), Some(own)) = (&entry, said, own)
        && said != own
    {
        entry.fault("is not what this client does", "leave it out: the client has its own");
    }
    own.or(said)
}

/// `command = ["python3", "my_client.py"]`.
fn command(entry: &Entry<'_>) -> What {
    const WRITE: &str =
        "the program and its arguments: command = [\"python3\", \"my_client.py\"]; PV names are appended";
    let Some(items) = entry.list() else { return What::Unknown };
    let words: Vec<String> = items.iter().filter_map(|item| item.text().map(str::to_owned)).collect();
    if words.first().is_none_or(|program| program.is_empty()) {
        entry.fault("names no program", WRITE);
    } else if words.iter().any(|word| word.contains('\0')) {
        entry.fault("holds a NUL character", WRITE);
    }
    What::External(words)
}

/// The PVs that a client looks at: names, ranges as in a PV's name, or texts with `*`; each PV once.
fn chosen(entry: &Entry<'_>, scenario: &Scenario, index: &PvIndex<'_>) -> Vec<PvId> {
    let Some(texts) = entry.texts() else { return Vec::new() };
    let mut chosen = Vec::new();
    let globs = texts.iter().filter(|(_, text)| text.contains('*')).count();
    if globs > MAX_GLOBS {
        entry.fault(format!("has {globs} texts with `*`"), format!("at most {MAX_GLOBS}"));
        return chosen;
    }
    for (item, text) in &texts {
        if text.contains('*') {
            let matching = scenario.pvs.iter().enumerate().filter(|(_, pv)| matches_glob(text, pv.name.as_str()));
            let before = chosen.len();
            chosen.extend(matching.map(|(i, _)| PvId(i as u32)));
            if chosen.len() == before {
                nothing_matches(item, text, scenario);
            }
        } else {
            chosen.extend(named(item, text, scenario, index));
        }
    }
    if texts.is_empty() {
        entry.fault("names no PV", "leave `pvs` out for all PVs");
    }
    let mut seen = HashSet::new();
    chosen.retain(|pv| seen.insert(*pv));
    chosen
}

fn named(item: &Entry<'_>, text: &str, scenario: &Scenario, index: &PvIndex<'_>) -> Vec<PvId> {
    let names = match NamePattern::parse(text).and_then(|pattern| pattern.names()) {
        Ok(names) => names,
        Err(e) => {
            item.fault(e.to_string(), e.advice());
            return Vec::new();
        }
    };
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        match index.by_name.get(name.as_str()) {
            Some(id) => ids.push(*id),
            None => {
                nothing_matches(item, name.as_str(), scenario);
                break;
            }
        }
    }
    ids
}

fn nothing_matches(item: &Entry<'_>, name: &str, scenario: &Scenario) {
    let patterns = scenario.groups.iter().map(|group| group.pattern.as_str());
    item.fault(format!("no PV of this scenario is called `{}`", shown(name)), suggest(name, patterns));
}

/// When it asks again. After a fault anything will do: the scenario is refused.
fn pacing(section: &Section<'_>, fetch: Fetch, what: &What, scenario: &Scenario, pvs: &[PvId]) -> Option<Pacing> {
    let entry = section.entry("pacing");
    if fetch == Fetch::Monitor {
        return monitor_has_none(section, entry);
    }
    let kind = match &entry {
        Some(entry) => entry.choice(&PACINGS),
        None => Some(Kind::FixedDelay),
    };
    if let (Some(entry), What::Library(_, program)) = (&entry, what) {
        let word = entry.text().unwrap_or_default();
        if kind.is_some() && !program.pacings().contains(&word) {
            entry.fault(format!("`{}` has no such pacing", program.name), listed(program.pacings()));
        }
    }
    // Without a pacing, which keys belong is not known: any.
    section.knows(kind.map_or(&["period", "jitter", "first", "last", "sleep"], Kind::keys));
    match kind? {
        Kind::FixedDelay => period(section, Span::ZERO).map(|period| Pacing::FixedDelay { period }),
        Kind::FixedRate => period(section, SHORTEST).map(|period| Pacing::FixedRate { period }),
        Kind::Jittered => {
            let jitter = section.number_or("jitter", 0.0..=1.0, 0.1);
            period(section, SHORTEST).map(|period| Pacing::Jittered { period, jitter })
        }
        Kind::Backoff => backoff(section),
        Kind::Spin => Some(Pacing::Spin),
        Kind::Hybrid => hybrid(section, scenario, pvs),
    }
}

fn monitor_has_none(section: &Section<'_>, pacing: Option<Entry<'_>>) -> Option<Pacing> {
    let others = ["period", "jitter", "first", "last", "sleep"].map(|key| section.entry(key));
    for entry in pacing.into_iter().chain(others.into_iter().flatten()) {
        entry.fault(
            "a monitor has no pacing: the IOC calls it back",
            "leave it out, or poll the monitor's last value with fetch = \"cached\"",
        );
    }
    None
}

fn period(section: &Section<'_>, least: Span) -> Option<Span> {
    let Some(entry) = section.entry("period") else {
        section.fault("period", "is missing: how long to wait between rounds", "period = \"10ms\"");
        return None;
    };
    let period = entry.time(Span::ZERO..=LONGEST)?;
    if period < least {
        entry.fault(
            format!("a schedule of {period} cannot be kept"),
            "at least 1 us; without any wait it is pacing = \"spin\"",
        );
        return None;
    }
    Some(period)
}

fn backoff(section: &Section<'_>) -> Option<Pacing> {
    let first = section.time_or("first", SHORTEST..=LONGEST, Span::from_millis(10));
    let entry = section.entry("last");
    let last = match &entry {
        Some(entry) => entry.time(SHORTEST..=LONGEST)?,
        None => Span::from_millis(100).max(first),
    };
    if let (Some(entry), true) = (entry, last < first) {
        entry.fault(format!("the longest sleep, {last}, is below the first, {first}"), "`last` is at least `first`");
        return None;
    }
    Some(Pacing::Backoff { first, last })
}

fn hybrid(section: &Section<'_>, scenario: &Scenario, pvs: &[PvId]) -> Option<Pacing> {
    if let Some(entry) = section.entry("sleep") {
        return entry.time(Span::ZERO..=LONGEST).map(|sleep| Pacing::Hybrid { sleep });
    }
    let sleep = mean_news_interval(scenario, pvs).map(|interval| interval / 2);
    if sleep.is_none() {
        section.fault(
            "sleep",
            "is missing: no PV of this client changes, so there is no mean change interval to take half of",
            "sleep = \"50ms\"",
        );
    }
    sleep.map(|sleep| Pacing::Hybrid { sleep })
}

/// The mean time from one piece of news to the next over all PVs of a client: those of an aligned block come together.
fn mean_news_interval(scenario: &Scenario, pvs: &[PvId]) -> Option<Span> {
    let mut rate = 0.0;
    let mut aligned = HashSet::new();
    for pv in pvs {
        let number = scenario.pvs[pv.index()].group;
        let group = &scenario.groups[number];
        if group.phase != Phase::Aligned || aligned.insert(number) {
            rate += rate_hz(scenario, group, *pv);
        }
    }
    (rate > 0.0).then(|| Span::from_secs_f64(1.0 / rate))
}

fn rate_hz(scenario: &Scenario, group: &PvGroup, pv: PvId) -> f64 {
    let Change::Trace { length, points, .. } = &group.change else {
        return group.change.mean_rate_hz().unwrap_or(0.0);
    };
    // A block's PVs follow one another in the scenario, in the order of the points.
    let number = scenario.pvs[pv.index()].group;
    let first = scenario.pvs.partition_point(|spec| spec.group < number);
    points.get(pv.index() - first).map_or(0.0, |points| points.len() as f64 / length.as_secs_f64())
}
