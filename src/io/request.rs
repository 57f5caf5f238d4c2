//! What a user asks for, checked: the rest of the program believes it.

use std::fmt;
use std::path::PathBuf;

use super::draw::Style;
use crate::scenario::model::{Facts, Scenario};
use crate::scenario::shard::Shard;
use crate::scenario::sweep::Sweep;
use crate::simulate::{Budget, Link};
use crate::time::Span;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// How a command speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Voice {
    /// How results are printed.
    pub format: Format,
    /// No progress and no remarks: results and errors only.
    pub quiet: bool,
    /// Whether standard output may be coloured.
    pub colour: bool,
}

/// How the long tables of a run folder are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tables {
    /// As CSV.
    #[default]
    Csv,
    /// As Parquet.
    Parquet,
    /// As both.
    Both,
}

/// `pollcost run`: run a scenario live.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// The scenario, options applied; it has a client.
    pub scenario: Scenario,
    /// The run folder; `None`: `reports/SCENARIO-UTCTIME/` below the current folder.
    pub out: Option<PathBuf>,
    /// Port of the first of the IOC's listeners, the others above it; 0: any free ones.
    pub port: u16,
    /// Whether a report is drawn; else there are only facts and numbers.
    pub report: bool,
    /// Whether the scenario's expectations count for the exit code.
    pub check: bool,
    /// How the facts are kept.
    pub tables: Tables,
    /// Whether a dashboard is shown while it goes.
    pub live: bool,
    /// How to speak.
    pub voice: Voice,
}

/// `pollcost simulate`: run a scenario in virtual time.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulateRequest {
    /// The scenario, options applied; it has a client.
    pub scenario: Scenario,
    /// The run folder; `None`: `reports/SCENARIO-UTCTIME/` below the current folder.
    pub out: Option<PathBuf>,
    /// What lies between clients and IOC.
    pub link: LinkChoice,
    /// Which facts are written to the tables; `None`: none, they are only counted.
    pub facts: Option<Facts>,
    /// How they are kept.
    pub tables: Tables,
    /// Whether a report is drawn; else there are only facts and numbers.
    pub report: bool,
    /// Whether the scenario's expectations count for the exit code.
    pub check: bool,
    /// How to speak.
    pub voice: Voice,
}

/// `--all`: every built-in scenario, live or in virtual time.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogueRequest {
    /// The scenarios, options applied; each has a client, and no two have one name.
    pub scenarios: Vec<Scenario>,
    /// Where the run folders and the overview go; `None`: `reports/catalogue-UTCTIME/` below the current folder.
    pub out: Option<PathBuf>,
    /// Live, or not.
    pub how: How,
    /// How to speak.
    pub voice: Voice,
}

/// A scenario with a `[sweep]`, live or in virtual time.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRequest {
    /// Its name.
    pub name: String,
    /// Its cells, options applied; each has a client.
    pub sweep: Sweep,
    /// Which part of the cells is run; `None`: all of them.
    pub shard: Option<Shard>,
    /// Where the run folders, the index and the table go; `None`: `reports/SCENARIO-UTCTIME/` below the current folder.
    pub out: Option<PathBuf>,
    /// Live, or not.
    pub how: How,
    /// Only say what would be run.
    pub plan: bool,
    /// Whether the expectations of every cell count for the exit code.
    pub check: bool,
    /// How to speak.
    pub voice: Voice,
}

/// `pollcost merge`: the shards of a sweep as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeRequest {
    /// Where it goes.
    pub out: PathBuf,
    /// The folders of the shards.
    pub shards: Vec<PathBuf>,
    /// How to speak.
    pub voice: Voice,
}

/// How a catalogue or a sweep is run.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// Live.
    Live {
        /// As of a [`RunRequest`].
        port: u16,
    },
    /// In virtual time.
    Simulated {
        /// As of a [`SimulateRequest`].
        link: LinkChoice,
        /// Likewise.
        facts: Option<Facts>,
        /// Likewise.
        report: bool,
    },
}

/// Where a simulation's link comes from. It is shown as the command line has it.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkChoice {
    /// A model, and the option that asks for it.
    Model {
        /// The model.
        link: Link,
        /// Such as `constant:50us`.
        option: String,
    },
    /// The samples of a run folder; the host is taken from it, too.
    From(PathBuf),
    /// What `pollcost doctor` found and wrote to a file, link and host.
    Doctor(PathBuf),
}

impl fmt::Display for LinkChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkChoice::Model { option, .. } => f.write_str(option),
            LinkChoice::Doctor(file) => write!(f, "doctor:{}", file.file_name().unwrap_or(file.as_os_str()).display()),
            LinkChoice::From(run) => write!(f, "from:{}", run.file_name().unwrap_or(run.as_os_str()).display()),
        }
    }
}

/// `pollcost predict`: what is expected, without a run.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictRequest {
    /// Changes and clients.
    pub scenario: Scenario,
    /// What lies between clients and IOC.
    pub link: LinkChoice,
    /// Limits to be kept, and as they were written.
    pub budget: Option<(Budget, String)>,
    /// Where figures and tables go; `None`: nowhere.
    pub out: Option<PathBuf>,
    /// How to speak.
    pub voice: Voice,
}

/// A prediction's scenario as options give it.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// How many PVs.
    pub pvs: u32,
    /// How they change, as a scenario has it.
    pub change: String,
    /// The pollers' sleeps.
    pub periods: Vec<Span>,
    /// How they fetch, as a scenario has it.
    pub fetch: &'static str,
    /// How they are paced, as a scenario has it.
    pub pacing: &'static str,
}

/// `pollcost ioc`: serve a scenario's PVs.
#[derive(Clone, Debug, PartialEq)]
pub struct IocRequest {
    /// The scenario, options applied.
    pub scenario: Scenario,
    /// The port, TCP and UDP; 0: any free one; `None`: what the environment says, else 5064.
    pub port: Option<u16>,
    /// Stop after this long; `None`: at Ctrl-C.
    pub duration: Option<Span>,
    /// How to speak.
    pub voice: Voice,
}

/// `pollcost python`: set up interpreters for the clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonRequest {
    /// Versions or paths; none: `python3`.
    pub pythons: Vec<String>,
    /// Where the environments go; `None`: where runs look for them.
    pub folder: Option<PathBuf>,
    /// Only look.
    pub check: bool,
    /// How to speak.
    pub voice: Voice,
}

/// `pollcost doctor`: examine the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorRequest {
    /// In a few seconds.
    pub quick: bool,
    /// Where the JSON goes besides; `None`: nowhere.
    pub out: Option<PathBuf>,
    /// How to speak.
    pub voice: Voice,
}

/// `pollcost report`: draw the report of a run folder again, its figures alone, or several runs side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportRequest {
    /// The run folders.
    pub runs: Vec<PathBuf>,
    /// Where the report goes; `None`: into the only run folder.
    pub out: Option<PathBuf>,
    /// How figure files are to look.
    pub style: Style,
    /// Which figures, as they were asked for; `None`: all.
    pub figures: Option<Vec<String>>,
    /// The clients that figures show; `None`: all.
    pub clients: Option<Vec<String>>,
    /// Whether only figures are written, and no report.
    pub only_figures: bool,
    /// Whether the numbers are derived anew from the facts.
    pub from_facts: bool,
    /// Whether the scenario's expectations count for the exit code.
    pub check: bool,
    /// How to speak.
    pub voice: Voice,
}
