//! From flags to requests: options applied, everything checked.

mod catalogue;
mod compare;
mod predict;
mod python;
mod report;
mod sweep;

use std::io::IsTerminal;

use clap_complete::Shell;

use super::args::{
    BaselineFlags, ColorFlag, Command, CompareFlags, DoctorFlags, FactsFlag, Flags, FormatFlag, HistoryFlags, IocFlags,
    MeasureFlags, RunFlags, SimulateFlags, TablesFlag, VoiceFlags,
};
pub(super) use compare::subject;

use super::failure::Failure;
use super::{DEFAULT_SCENARIO, source};
use crate::io::request::CatalogueRequest;
use crate::io::request::{
    DoctorRequest, Format, How, IocRequest, MergeRequest, PredictRequest, PythonRequest, ReportRequest, RunRequest,
    SimulateRequest, SweepRequest, Tables, Voice,
};
use crate::scenario::Overrides;
use crate::scenario::model::{Facts, Scenario};
use crate::time::Span;
use sweep::Either;

/// What the user asks for.
#[derive(Debug)]
pub(crate) enum Request {
    /// Run a scenario live.
    Run(Box<RunRequest>),
    /// Run every built-in scenario.
    Catalogue(Box<CatalogueRequest>),
    /// Run a scenario over a grid of values.
    Sweep(Box<SweepRequest>),
    /// Put shards of a sweep together.
    Merge(MergeRequest),
    /// Run a scenario in virtual time.
    Simulate(Box<SimulateRequest>),
    /// Say what to expect.
    Predict(Box<PredictRequest>),
    /// Serve a scenario's PVs.
    Ioc(Box<IocRequest>),
    /// Examine the machine.
    Doctor(DoctorRequest),
    /// Set up interpreters.
    Python(PythonRequest),
    /// Draw a report again.
    Report(Box<ReportRequest>),
    /// List the built-in scenarios, or print one.
    Scenarios {
        /// The one; `None`: the list.
        name: Option<String>,
        /// How it is printed.
        format: Format,
    },
    /// Compare runs.
    Compare(Box<CompareFlags>),
    /// Keep baselines.
    Baseline(BaselineFlags),
    /// Look over a series of runs.
    History(HistoryFlags),
    /// Print a completion script.
    Completions(Shell),
}

/// Turns flags into a request.
pub(crate) fn request(flags: Flags) -> Result<Request, Failure> {
    match flags.command {
        None => run(DEFAULT_SCENARIO, flags.run),
        Some(Command::Run { scenario, flags }) => run(&scenario, flags),
        Some(Command::Simulate(flags)) => simulate(flags),
        Some(Command::Predict(flags)) => predict::predict(flags),
        Some(Command::Ioc(flags)) => ioc(flags),
        Some(Command::Doctor(flags)) => Ok(Request::Doctor(doctor(flags))),
        Some(Command::Python(flags)) => Ok(Request::Python(python::python(flags)?)),
        Some(Command::Report(flags)) => Ok(Request::Report(Box::new(report::report(flags)?))),
        Some(Command::Scenarios(flags)) => Ok(Request::Scenarios { name: flags.name, format: format(flags.format) }),
        Some(Command::Merge(flags)) => {
            Ok(Request::Merge(MergeRequest { out: flags.out, shards: flags.shards, voice: voice(flags.voice) }))
        }
        Some(Command::Compare(flags)) => Ok(Request::Compare(flags)),
        Some(Command::Baseline(flags)) => Ok(Request::Baseline(flags)),
        Some(Command::History(flags)) => Ok(Request::History(flags)),
        Some(Command::Completions { shell }) => Ok(Request::Completions(shell)),
        // Answered before any request is made.
        Some(Command::InternalIoc | Command::InternalClient | Command::InternalHog) => {
            Err(Failure::bad_input("this command is for the processes of a run only", ""))
        }
    }
}

fn run(scenario: &str, flags: RunFlags) -> Result<Request, Failure> {
    let RunFlags { measure, port, no_report, live } = flags;
    if measure.all {
        return catalogue::live(measure, port);
    }
    let how = How::Live { port };
    let measure = match sweep::request(scenario, measure, how)? {
        Either::Sweep(_) if live => {
            let remedy = "leave it out: a sweep tells of each cell as it goes";
            return Err(Failure::bad_input("--live: a sweep is many runs, and the dashboard shows one", remedy));
        }
        Either::Sweep(request) => return Ok(Request::Sweep(request)),
        Either::One(measure) => measure,
    };
    let scenario = with_clients(scenario, overrides(&measure), false)?;
    check(measure.check, &scenario)?;
    let (out, check, tables, voice) = (measure.out, measure.check, tables(measure.tables), voice(measure.voice));
    let report = !no_report;
    Ok(Request::Run(Box::new(RunRequest { scenario, out, port, report, check, tables, live, voice })))
}

fn simulate(flags: SimulateFlags) -> Result<Request, Failure> {
    let SimulateFlags { scenario, measure, link, no_report } = flags;
    let report = !no_report;
    if measure.all {
        return catalogue::simulated(measure, link, report);
    }
    let how = How::Simulated { link: link.clone(), facts: measure.facts.map(facts), report };
    let measure = match sweep::request(&scenario, measure, how)? {
        Either::Sweep(request) => return Ok(Request::Sweep(request)),
        Either::One(measure) => measure,
    };
    let scenario = with_clients(&scenario, overrides(&measure), true)?;
    check(measure.check, &scenario)?;
    let tables = tables(measure.tables);
    if tables != Tables::Csv && measure.facts.is_none() {
        return Err(Failure::bad_input(
            "--tables: a simulation keeps no facts unless it is told to",
            "add --facts news",
        ));
    }
    let (out, facts, check, voice) = (measure.out, measure.facts.map(facts), measure.check, voice(measure.voice));
    Ok(Request::Simulate(Box::new(SimulateRequest { scenario, out, link, facts, tables, report, check, voice })))
}

/// What the options change in a scenario.
fn overrides(flags: &MeasureFlags) -> Overrides {
    Overrides {
        window: flags.duration,
        repeats: flags.repeats,
        seed: flags.seed,
        clients: flags.clients.clone(),
        facts: flags.facts.map(facts),
    }
}

/// A scenario without expectations has nothing that could be checked: a check that cannot fail is a mistake.
fn check(asked: bool, scenario: &Scenario) -> Result<(), Failure> {
    if asked && scenario.expectations.is_empty() {
        return Err(Failure::bad_input(
            format!("--check: the scenario `{}` expects nothing", scenario.name),
            "add a block: [[expect]] with says, metric, client, relation, and value or other",
        ));
    }
    Ok(())
}

/// A scenario that has clients, or probes where they can be run, options applied.
fn with_clients(scenario: &str, overrides: Overrides, simulated: bool) -> Result<Scenario, Failure> {
    let found = source::find(scenario)?;
    if found.scenario.clients.is_empty() && (simulated || found.scenario.probes.is_empty()) {
        return Err(Failure::bad_input(
            format!("{scenario}: there are no clients to measure"),
            "add a block: [[client]] with name = \"monitor\" and fetch = \"monitor\"",
        ));
    }
    Ok(overrides.apply(found.scenario)?)
}

fn facts(flag: FactsFlag) -> Facts {
    match flag {
        FactsFlag::News => Facts::News,
        FactsFlag::Full => Facts::Full,
    }
}

fn tables(flag: TablesFlag) -> Tables {
    match flag {
        TablesFlag::Csv => Tables::Csv,
        TablesFlag::Parquet => Tables::Parquet,
        TablesFlag::Both => Tables::Both,
    }
}

fn ioc(flags: IocFlags) -> Result<Request, Failure> {
    if flags.duration == Some(Span::ZERO) {
        return Err(Failure::bad_input("--duration 0 is out of range", "leave it out to serve until Ctrl-C"));
    }
    let found = source::find(&flags.scenario)?;
    let scenario = Overrides { seed: flags.seed, ..Overrides::default() }.apply(found.scenario)?;
    let (port, duration, voice) = (flags.port, flags.duration, voice(flags.voice));
    Ok(Request::Ioc(Box::new(IocRequest { scenario, port, duration, voice })))
}

fn doctor(flags: DoctorFlags) -> DoctorRequest {
    DoctorRequest { quick: flags.quick, out: flags.out, voice: voice(flags.voice) }
}

fn voice(flags: VoiceFlags) -> Voice {
    let colour = coloured(flags.color, std::io::stdout().is_terminal());
    Voice { format: format(flags.format), quiet: flags.quiet, colour }
}

fn format(flag: FormatFlag) -> Format {
    match flag {
        FormatFlag::Text => Format::Text,
        FormatFlag::Json => Format::Json,
    }
}

/// Whether to colour: as asked, else only on a terminal, and not where the user's environment says no (no-color.org).
pub(crate) fn coloured(flag: ColorFlag, terminal: bool) -> bool {
    match flag {
        ColorFlag::Always => true,
        ColorFlag::Never => false,
        ColorFlag::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    }
}
