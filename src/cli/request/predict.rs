//! `pollcost predict`: options to a scenario.

use super::{Request, with_clients};
use crate::cli::args::{FetchFlag, PacingFlag, PatternFlag, PredictFlags};
use crate::cli::failure::Failure;
use crate::io::request::{PredictRequest, Predicted};
use crate::scenario::model::Scenario;
use crate::scenario::{Overrides, Source, read};
use crate::time::Span;

pub(super) fn predict(flags: PredictFlags) -> Result<Request, Failure> {
    let scenario = match &flags.scenario {
        Some(name) => with_clients(name, Overrides::default(), true)?,
        None => predicted(&flags)?,
    };
    let PredictFlags { link, budget, out, voice, .. } = flags;
    if budget.is_some() && scenario.clients.iter().all(|client| client.pacing.is_none()) {
        return Err(Failure::bad_input("a budget is kept by a poller, and there is none", "give --period"));
    }
    Ok(Request::Predict(Box::new(PredictRequest { scenario, link, budget, out, voice: super::voice(voice) })))
}

/// The scenario that the options describe.
fn predicted(flags: &PredictFlags) -> Result<Scenario, Failure> {
    const PVS: std::ops::RangeInclusive<u32> = 1..=100_000;
    const RATES: std::ops::RangeInclusive<f64> = 1e-6..=1e6;
    if !RATES.contains(&flags.rate) {
        return Err(Failure::bad_input(
            format!("--rate {} is out of range", flags.rate),
            "give changes of each PV a second, from 0.000001 to 1000000",
        ));
    }
    if !PVS.contains(&flags.pvs) {
        return Err(Failure::bad_input(format!("--pvs {} is out of range", flags.pvs), "give 1 to 100000 PVs"));
    }
    let interval = Span::from_secs_f64(1.0 / flags.rate).0;
    let change = match flags.pattern {
        PatternFlag::Periodic => format!("pattern = 'periodic', period = '{interval}ns'"),
        PatternFlag::Poisson => format!("pattern = 'poisson', period = '{interval}ns'"),
        PatternFlag::Jittered => format!("pattern = 'jittered', period = '{interval}ns', jitter = {:?}", flags.jitter),
        // A pulse is two changes.
        PatternFlag::Pulse => {
            format!("pattern = 'pulse', period = '{}ns', width = '{}ns'", 2 * interval, flags.width.0)
        }
    };
    let mut periods = flags.period.clone();
    periods.sort_unstable();
    periods.dedup();
    let fetch = match flags.fetch {
        FetchFlag::Batch => "batch",
        FetchFlag::Serial => "serial",
        FetchFlag::Connect => "connect",
        FetchFlag::Cached => "cached",
    };
    let pacing = match flags.pacing {
        PacingFlag::FixedDelay => "fixed-delay",
        PacingFlag::FixedRate => "fixed-rate",
    };
    let text = Predicted { pvs: flags.pvs, change, periods, fetch, pacing }.scenario_text();
    let source = Source { file: "the options", name: "prediction", text: &text };
    read(source, &|_| Err("no files here".to_owned()))
        .map_err(|error| Failure::bad_input(format!("these options describe no scenario\n{error}"), ""))
}
