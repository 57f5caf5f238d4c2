//! `--all`: options to a request for every built-in scenario.

use super::{Request, facts};
use crate::cli::args::{RunFlags, SimulateFlags};
use crate::cli::failure::Failure;
use crate::io::request::{CatalogueRequest, How};
use crate::scenario::model::{Program, Scenario};
use crate::scenario::{BUILT_IN, Overrides};

pub(super) fn live(flags: RunFlags) -> Result<Request, Failure> {
    let overrides = Overrides {
        window: flags.duration,
        repeats: flags.repeats,
        seed: flags.seed,
        clients: None,
        facts: flags.facts.map(facts),
    };
    let (out, how, voice) = (flags.out, How::Live { port: flags.port }, super::voice(flags.voice));
    Ok(Request::Catalogue(Box::new(CatalogueRequest { scenarios: every(&overrides)?, out, how, voice })))
}

pub(super) fn simulated(flags: SimulateFlags) -> Result<Request, Failure> {
    let overrides =
        Overrides { window: flags.duration, repeats: flags.repeats, seed: flags.seed, clients: None, facts: None };
    let how = How::Simulated { link: flags.link, facts: flags.facts.map(facts) };
    let (out, voice) = (flags.out, super::voice(flags.voice));
    Ok(Request::Catalogue(Box::new(CatalogueRequest { scenarios: every(&overrides)?, out, how, voice })))
}

/// Every built-in scenario whose clients are the program's own: others need programs that may not be there.
fn every(overrides: &Overrides) -> Result<Vec<Scenario>, Failure> {
    let mut all = Vec::new();
    for built_in in BUILT_IN {
        let scenario = built_in.scenario()?;
        if scenario.clients.iter().all(|client| client.program == Program::Native) {
            all.push(overrides.apply(scenario)?);
        }
    }
    Ok(all)
}
