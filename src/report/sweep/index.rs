//! `sweep.json`: which cells a sweep has, what they are of, and what is to be expected of them. Whether a cell is done, its folder tells.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::super::document::Indented;
use crate::scenario::difference;
use crate::scenario::model::{Facts, Scenario};
use crate::scenario::sweep::{Axis, Sweep, told};
use crate::simulate::{Forecast, Model};

/// Version of the layout of `sweep.json`.
pub const INDEX_VERSION: u32 = 1;

/// The index of a sweep's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepIndex {
    /// As [`INDEX_VERSION`].
    pub schema_version: u32,
    /// Version of the program.
    pub pollcost: String,
    /// The link as the command line has it; `None`: measured live.
    pub simulated: Option<String>,
    /// Which facts of a simulation are kept.
    pub facts: Option<Facts>,
    /// Seed of every cell.
    pub seed: u64,
    /// Which part of the cells is in this folder, such as `1/3`; `None`: all of them.
    pub shard: Option<String>,
    /// The swept keys.
    pub axes: Vec<Axis>,
    /// Every cell, of other shards too.
    pub cells: Vec<Indexed>,
    /// The scenario of the first cell.
    pub scenario: Scenario,
}

/// A cell as the index has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indexed {
    /// The name of its folder.
    pub folder: String,
    /// The place of each axis' value.
    pub at: Vec<usize>,
    /// A digest of its scenario.
    pub digest: String,
    /// What is expected of its clients.
    pub foreseen: Vec<Foreseen>,
}

/// What the closed forms say of a client, with the costs of the model. `None` where they have no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreseen {
    /// Its name.
    pub client: String,
    /// Processor time of client and IOC, in percent of one core.
    pub cpu_total_percent: Option<f64>,
    /// Mean notice latency in ns.
    pub notice_mean_ns: Option<f64>,
    /// Mean interval between two reads in ns.
    #[serde(default)]
    pub period_ns: Option<f64>,
}

/// What is wrong with an index.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IndexError {
    /// It is no JSON, or not of this layout.
    #[error("line {line}, column {column}: {what}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was found.
        what: String,
    },
    /// It was written by another version.
    #[error("layout {found}; this version of pollcost reads layout {INDEX_VERSION}")]
    Version {
        /// As written.
        found: u32,
    },
    /// It contradicts itself.
    #[error("cell {0} lies outside of the axes, or in a folder that is not below this one")]
    Outside(usize),
}

/// The index of a sweep, all of it. `model` stands for link and host of a cell.
#[must_use]
pub fn index_of(
    sweep: &Sweep,
    simulated: Option<String>,
    facts: Option<Facts>,
    model: &dyn Fn(&Scenario) -> Option<Model>,
) -> Option<SweepIndex> {
    let first = sweep.cells.first()?.scenario.clone();
    let cells = sweep.cells.iter().map(|cell| {
        let model = model(&cell.scenario);
        let foreseen = |client: usize, name: &str| {
            let forecast = model.as_ref().and_then(|model| Forecast::of(&cell.scenario, model, client));
            Foreseen {
                client: name.to_owned(),
                cpu_total_percent: forecast.as_ref().map(|f| rounded(f.cpu_client_percent + f.cpu_ioc_percent)),
                period_ns: forecast.as_ref().and_then(|f| f.period_ns).map(rounded),
                notice_mean_ns: forecast.and_then(|f| f.notice).map(|notice| rounded(notice.mean_ns)),
            }
        };
        let clients = cell.scenario.clients.iter().enumerate();
        Indexed {
            folder: cell.folder.clone(),
            at: cell.at.clone(),
            digest: digest(&cell.scenario),
            foreseen: clients.map(|(client, spec)| foreseen(client, &spec.name)).collect(),
        }
    });
    Some(SweepIndex {
        schema_version: INDEX_VERSION,
        pollcost: env!("CARGO_PKG_VERSION").to_owned(),
        simulated,
        facts,
        seed: first.seed,
        shard: None,
        axes: sweep.axes.clone(),
        cells: cells.collect(),
        scenario: first,
    })
}

/// To six significant digits: the same on every machine.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// A digest of all that a scenario says (FNV-1a).
#[must_use]
pub fn digest(scenario: &Scenario) -> String {
    let text = serde_json::to_vec(scenario).unwrap_or_default();
    let hash = text
        .iter()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

fn malformed(error: serde_json::Error) -> IndexError {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    IndexError::Malformed { line: error.line(), column: error.column(), what }
}

impl SweepIndex {
    /// As it is written.
    ///
    /// # Errors
    /// None in practice: all that is written can be.
    pub fn write(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Indented::default()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it is malformed, of another version, or contradicts itself.
    pub fn read(bytes: &[u8]) -> Result<SweepIndex, IndexError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let found = serde_json::from_slice::<Version>(bytes).map_err(malformed)?.schema_version;
        if found != INDEX_VERSION {
            return Err(IndexError::Version { found });
        }
        let index: SweepIndex = serde_json::from_slice(bytes).map_err(malformed)?;
        let fits = |cell: &Indexed| {
            let inside = cell.at.len() == index.axes.len()
                && cell.at.iter().zip(&index.axes).all(|(at, axis)| *at < axis.values.len());
            let tame = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            inside && cell.folder.starts_with(|c: char| c.is_ascii_digit()) && cell.folder.chars().all(tame)
        };
        match index.cells.iter().position(|cell| !fits(cell)) {
            Some(place) => Err(IndexError::Outside(place)),
            None => Ok(index),
        }
    }

    /// What differs from another index that must not when their cells are to be one sweep, in words. The part of the cells that each
    /// folder holds is left out, and so is what is expected of them.
    #[must_use]
    pub fn difference(&self, here: &SweepIndex) -> Option<String> {
        let way = |index: &SweepIndex| match &index.simulated {
            None => "measured live".to_owned(),
            Some(option) => format!("simulated with --link {option}"),
        };
        let said = |what: &str, there: &dyn std::fmt::Display, here: &dyn std::fmt::Display| {
            Some(format!("{what}: {there} there, {here} here"))
        };
        if self.pollcost != here.pollcost {
            return said("version of pollcost", &self.pollcost, &here.pollcost);
        }
        if self.simulated != here.simulated {
            return Some(format!("{} there, {} here", way(self), way(here)));
        }
        if self.facts != here.facts {
            let words = |facts: Option<Facts>| facts.map_or("none", |f| if f == Facts::Full { "full" } else { "news" });
            return said("facts kept", &words(self.facts), &words(here.facts));
        }
        if self.seed != here.seed {
            return said("seed", &self.seed, &here.seed);
        }
        let keys = |index: &SweepIndex| index.axes.iter().map(|axis| axis.key.clone()).collect::<Vec<_>>().join(", ");
        if keys(self) != keys(here) {
            return said("swept keys", &keys(self), &keys(here));
        }
        let values = |axis: &Axis| axis.values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if let Some((a, b)) = self.axes.iter().zip(&here.axes).find(|(a, b)| a != b) {
            return said(&format!("values of `{}`", a.key), &values(a), &values(b));
        }
        if let Some(what) = difference(&self.scenario, &here.scenario) {
            return Some(what);
        }
        let other = self.cells.iter().zip(&here.cells).find(|(a, b)| a.digest != b.digest || a.folder != b.folder);
        if let Some((cell, _)) = other {
            return Some(format!("the scenario of the cell {}", told(&self.axes, &cell.at)));
        }
        (self.cells.len() != here.cells.len())
            .then(|| format!("{} cells there, {} here", self.cells.len(), here.cells.len()))
    }
}
