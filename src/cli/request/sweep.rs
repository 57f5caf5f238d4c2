//! A scenario with a `[sweep]`, and the options that go with it.

use super::super::args::{MeasureFlags, TablesFlag};
use super::super::failure::Failure;
use super::super::source;
use super::{overrides, voice, with_clients};
use crate::io::request::{How, SweepRequest};
use crate::scenario::model::{Facts, Scenario};
use crate::scenario::sweep::{Axis, Cell, Sweep};

/// What a scenario's name and its options ask for.
pub(super) enum Either {
    /// A grid of runs.
    Sweep(Box<SweepRequest>),
    /// One run; the options are handed back.
    One(MeasureFlags),
}

/// Reads the cells of a scenario, if it has any.
pub(super) fn request(scenario: &str, flags: MeasureFlags, how: How) -> Result<Either, Failure> {
    let simulated = matches!(how, How::Simulated { .. });
    let base = with_clients(scenario, overrides(&flags), simulated)?;
    let Some(sweep) = source::sweep(scenario)? else {
        let asked = if flags.plan { Some("--plan") } else { flags.shard.map(|_| "--shard") };
        return match asked {
            None => Ok(Either::One(flags)),
            Some(option) => Err(Failure::bad_input(
                format!("{option}: the scenario `{}` sweeps nothing", base.name),
                "add a table: [sweep] with keys of the file and their values, such as client.period = [\"1ms\", \"10ms\"]",
            )),
        };
    };
    keep_swept(&sweep.axes, &flags)?;
    if !matches!(flags.tables, TablesFlag::Csv) {
        return Err(Failure::bad_input(
            "--tables: the cells of a sweep keep their facts as CSV",
            "leave it out, or run one cell's scenario by itself",
        ));
    }
    super::check(flags.check, &base)?;
    let mut sweep = sweep.apply(&overrides(&flags))?;
    if let How::Simulated { facts, .. } = &how {
        // As a simulation saves it.
        let facts = facts.unwrap_or(Facts::News);
        let cell = |cell: Cell| Cell { scenario: Scenario { facts, ..cell.scenario }, ..cell };
        sweep = Sweep { axes: sweep.axes, cells: sweep.cells.into_iter().map(cell).collect() };
    }
    let MeasureFlags { out, shard, plan, check, voice: flags, .. } = flags;
    Ok(Either::Sweep(Box::new(SweepRequest {
        name: base.name,
        sweep,
        shard,
        out,
        how,
        plan,
        check,
        voice: voice(flags),
    })))
}

/// An option that sets a swept key would make all of its cells alike.
fn keep_swept(axes: &[Axis], flags: &MeasureFlags) -> Result<(), Failure> {
    let given = [
        ("window", "--duration", flags.duration.is_some()),
        ("repeats", "--repeats", flags.repeats.is_some()),
        ("seed", "--seed", flags.seed.is_some()),
        ("facts", "--facts", flags.facts.is_some()),
    ];
    let clash = given.iter().find(|(key, _, given)| *given && axes.iter().any(|axis| axis.key == *key));
    match clash {
        None => Ok(()),
        Some((key, option, _)) => {
            Err(Failure::bad_input(format!("{option} does not go with a sweep over `{key}`"), "leave one of them out"))
        }
    }
}
