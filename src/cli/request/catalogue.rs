//! `--all`: options to a request for every built-in scenario.

use super::{Request, facts, overrides};
use crate::cli::args::MeasureFlags;
use crate::cli::failure::Failure;
use crate::io::request::{CatalogueRequest, How, LinkChoice};
use crate::scenario::model::{Program, Scenario};
use crate::scenario::{BUILT_IN, Overrides};
use crate::time::Span;

pub(super) fn live(flags: MeasureFlags, port: u16) -> Result<Request, Failure> {
    every(flags, How::Live { port })
}

pub(super) fn simulated(flags: MeasureFlags, link: LinkChoice, report: bool) -> Result<Request, Failure> {
    let facts = flags.facts.map(facts);
    every(flags, How::Simulated { link, facts, report })
}

fn every(flags: MeasureFlags, how: How) -> Result<Request, Failure> {
    let scenarios = native(&overrides(&flags))?;
    let (out, voice) = (flags.out, super::voice(flags.voice));
    Ok(Request::Catalogue(Box::new(CatalogueRequest { scenarios, out, how, voice })))
}

/// Every built-in scenario that is one run, and whose clients are the program's own: others need programs that may not be there.
fn native(overrides: &Overrides) -> Result<Vec<Scenario>, Failure> {
    let mut all = Vec::new();
    for built_in in BUILT_IN {
        let scenario = built_in.scenario()?;
        if built_in.sweep()?.is_none() && scenario.clients.iter().all(|client| client.program == Program::Native) {
            // A window that is too short for the restart in it stays as it is.
            let long_enough = |window: &Span| scenario.restart.is_none_or(|restart| restart.back() < *window);
            let overrides = Overrides { window: overrides.window.filter(long_enough), ..overrides.clone() };
            all.push(overrides.apply(scenario)?);
        }
    }
    Ok(all)
}
