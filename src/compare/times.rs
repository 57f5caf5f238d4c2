//! How times of two runs may be held against each other: as they are, or, from another machine, as multiples of its floor.

use super::baseline::{Baseline, ClientValues, Machine};
use super::metric::{Kind, Metric};

/// How times may be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Times {
    /// On one machine.
    AsTheyAre,
    /// Latencies of callbacks in units of each machine's floor; nothing else.
    ToTheFloor,
}

impl Times {
    /// How the times of two runs may be compared, and what the reader must know of that.
    pub(super) fn between(base: &Baseline, new: &Baseline) -> (Times, Vec<String>) {
        let (Some(a), Some(b)) = (&base.machine, &new.machine) else { return (Times::AsTheyAre, Vec::new()) };
        if a.is_like(b) {
            let name = |m: &Machine| m.kernel.clone().unwrap_or_else(|| "an unknown kernel".to_owned());
            let changed = (a.kernel != b.kernel).then(|| format!("the kernel changed: {}, then {}", name(a), name(b)));
            return (Times::AsTheyAre, changed.into_iter().collect());
        }
        let machines = format!("another machine ({}; {}): counters are compared", named(a), named(b));
        let floors: Vec<String> = base
            .clients
            .iter()
            .filter_map(|of| {
                let (a, b) = floors(of, new.clients.iter().find(|other| other.name == of.name)?)?;
                Some(format!("{} {a} µs and {b} µs", of.name))
            })
            .collect();
        let note = if floors.is_empty() {
            format!(
                "{machines}, times are not: no client is called back, or one of the runs knows no floor of its machine"
            )
        } else {
            format!(
                "{machines}, and notice latencies of callbacks as multiples of what a push over loopback takes on each at the cadence of \
                 their changes ({}); latencies of pollers follow their period and processor times the processor: they are not",
                floors.join(", ")
            )
        };
        (Times::ToTheFloor, vec![note])
    }

    /// What the values of both sides are multiplied with, and their unit then; `None` where they may not be compared.
    pub(super) fn scale(
        self,
        base: &ClientValues,
        new: &ClientValues,
        metric: Metric,
    ) -> Option<((f64, f64), &'static str)> {
        if metric.kind() == Kind::Counter || self == Times::AsTheyAre {
            return Some(((1.0, 1.0), metric.unit()));
        }
        let (a, b) = floors(base, new).filter(|_| metric.is_latency())?;
        Some(((1.0 / a, 1.0 / b), "floors"))
    }
}

/// The floors of a client that is called back, on the one machine and the other, in µs.
fn floors(base: &ClientValues, new: &ClientValues) -> Option<(f64, f64)> {
    let known = base.floor_us.zip(new.floor_us).filter(|(a, b)| *a > 0.0 && *b > 0.0);
    known.filter(|_| base.is_called_back())
}

fn named(of: &Machine) -> String {
    let cpu = of.cpu_model.clone().unwrap_or_else(|| "an unknown processor".to_owned());
    let cores = of.cores.map_or_else(String::new, |n| format!(", {n} cores"));
    let clock = of.clock_source.as_ref().map_or_else(String::new, |c| format!(", clock {c}"));
    format!("{cpu}{cores}{clock}")
}
