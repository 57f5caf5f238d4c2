//! Link and host as `pollcost doctor` found them.
//!
//! Raw TCP on the loopback interface is the way of a message and the waking of the thread that waits for it, together: no other delay is
//! added to it. What operations cost is not measured by an examination: it is [`Costs::TYPICAL`], with sends and wake-ups no dearer
//! than the fastest raw message, which holds them; they are taken off the delay, so that a single value takes as long as a raw message and what
//! its own handling takes, and many values queue as they do live.

use thiserror::Error;

use super::delay::{Delay, Samples};
use super::model::{ClientModel, IocModel, Model, RoundTrip, SOCKET_BUFFERS};
use crate::doctor::{Examination, Method};
use crate::scenario::model::{ClientSpec, Fetch, Phase, Scenario};
use crate::theory::Costs;
use crate::time::Span;
use crate::trace::floor::{AtPeriod, Quantiles};

/// Points that a distribution known by a few quantiles is drawn from.
const POINTS: u32 = 1000;

/// What an examination lacks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExaminedError {
    /// No one-way messages.
    #[error("it has no one-way push over the loopback interface")]
    NoPush,
    /// No round trips.
    #[error("it has no round trips over the loopback interface")]
    NoRoundTrips,
    /// No timers.
    #[error("it does not tell how late absolute sleeps are")]
    NoTimer,
}

impl Model {
    /// As an examination found a machine, for the clients of `scenario`: each with the delays at its own cadence. `name` is what the examination
    /// is called in the words on link and host.
    ///
    /// # Errors
    /// When the examination ended before what is needed was measured.
    pub fn examined(scenario: &Scenario, found: &Examination, name: &str) -> Result<Model, ExaminedError> {
        let costs = costs(found)?;
        let clients = scenario.clients.iter().map(|client| machine(scenario, found, &costs, client));
        let changes = scenario.groups_of_pvs().filter_map(|group| group.change.mean_rate_hz()).fold(0.0, f64::max);
        let emitter = timer(found, interval(changes)).ok_or(ExaminedError::NoTimer)?;
        Ok(Model {
            ioc: IocModel {
                wakeup: Delay::NONE,
                emitter: less(&emitter, costs.ioc_emitter),
                socket_buffers: SOCKET_BUFFERS,
                costs,
                busy: true,
            },
            clients: clients.collect::<Result<_, _>>()?,
            link: format!("raw loopback TCP of {name}, at the cadence of each client"),
            host: format!("timers and wake-ups of {name}, typical costs of each operation"),
        })
    }
}

fn machine(
    scenario: &Scenario,
    found: &Examination,
    costs: &Costs,
    client: &ClientSpec,
) -> Result<ClientModel, ExaminedError> {
    let period = client.asked_period().unwrap_or(Span::from_millis(1));
    let push = nearest(&found.loopback.push, news_interval(scenario, client)).ok_or(ExaminedError::NoPush)?;
    let both = nearest(&found.loopback.round_trip, period).ok_or(ExaminedError::NoRoundTrips)?;
    let timer = timer(found, period).ok_or(ExaminedError::NoTimer)?;
    // What is asked for one at a time follows at once, whatever the period.
    let both = match client.fetch {
        Fetch::Serial if client.pvs.len() > 1 => nearest(&found.loopback.round_trip, Span::ZERO).unwrap_or(both),
        _ => both,
    };
    Ok(ClientModel {
        round_trip: RoundTrip::Whole(less(&both, of_round_trip(costs))),
        push: less(&push, of_push(costs)),
        timer: less(&timer, costs.client_wakeup),
        reader: Delay::NONE,
        costs: *costs,
        busy: true,
    })
}

/// What of the costs a raw one-way message holds.
fn of_push(costs: &Costs) -> Span {
    costs.ioc_send + costs.client_wakeup
}

/// What of the costs a raw round trip holds.
fn of_round_trip(costs: &Costs) -> Span {
    costs.client_send + costs.ioc_wakeup + costs.client_wakeup
}

/// The typical costs, sends and wake-ups as much cheaper as the fastest raw messages want it.
fn costs(found: &Examination) -> Result<Costs, ExaminedError> {
    let fastest = |of: &[AtPeriod]| of.iter().map(|at| at.took.least_ns).min();
    let typical = Costs::TYPICAL;
    let push = fastest(&found.loopback.push).ok_or(ExaminedError::NoPush)?;
    let both = fastest(&found.loopback.round_trip).ok_or(ExaminedError::NoRoundTrips)?;
    let part = |raw: Span, cost: Span| raw.0 as f64 / cost.0.max(1) as f64;
    let scale = part(push, of_push(&typical)).min(part(both, of_round_trip(&typical))).min(1.0);
    let scaled = |cost: Span| Span((cost.0 as f64 * scale) as u64);
    Ok(Costs {
        ioc_wakeup: scaled(typical.ioc_wakeup),
        ioc_emitter: scaled(typical.ioc_emitter),
        ioc_send: scaled(typical.ioc_send),
        client_wakeup: scaled(typical.client_wakeup),
        client_send: scaled(typical.client_send),
        ..typical
    })
}

/// Mean time from one piece of news to the next; PVs that change together are one piece.
fn news_interval(scenario: &Scenario, client: &ClientSpec) -> Span {
    let mut together = vec![false; scenario.groups.len()];
    let mut rate = 0.0;
    for pv in client.pvs.iter().filter_map(|pv| scenario.pvs.get(pv.index())) {
        let Some((group, seen)) = scenario.groups.get(pv.group).zip(together.get_mut(pv.group)) else { continue };
        if group.phase != Phase::Aligned || !std::mem::replace(seen, true) {
            rate += group.change.mean_rate_hz().unwrap_or(0.0);
        }
    }
    interval(rate)
}

/// One over a rate; a day where nothing happens.
fn interval(rate_hz: f64) -> Span {
    const DAY: Span = Span::from_secs(86_400);
    if rate_hz > 0.0 { Span::from_secs_f64(1.0 / rate_hz).min(DAY) } else { DAY }
}

fn distance(a: Span, b: Span) -> f64 {
    (a.0.max(1) as f64 / b.0.max(1) as f64).ln().abs()
}

/// The one whose period is closest in ratio.
fn nearest(measured: &[AtPeriod], period: Span) -> Option<Quantiles> {
    let closest =
        measured.iter().min_by(|a, b| distance(a.period_ns, period).total_cmp(&distance(b.period_ns, period)));
    closest.map(|at| at.took)
}

/// How late absolute sleeps of about this length are.
fn timer(found: &Examination, sleep: Span) -> Option<Quantiles> {
    let absolute = found.timers.iter().filter(|timer| timer.method == Method::Absolute);
    let closest = absolute.min_by(|a, b| distance(a.asked_ns, sleep).total_cmp(&distance(b.asked_ns, sleep)));
    closest.map(|timer| timer.late)
}

/// Delays that have these quantiles, after `cost` was taken off each.
fn less(quantiles: &Quantiles, cost: Span) -> Delay {
    let values = (0..POINTS).map(|i| {
        let ns = at(quantiles, (f64::from(i) + 0.5) / f64::from(POINTS));
        (ns.round() as u64).saturating_sub(cost.0)
    });
    Samples::of_values(values).map_or(Delay::NONE, Delay::Samples)
}

/// The quantile `p` in ns: between two that are known in proportion of their logarithms, since delays have long tails.
fn at(quantiles: &Quantiles, p: f64) -> f64 {
    let Quantiles { least_ns, p50_ns, p90_ns, p99_ns, most_ns, .. } = *quantiles;
    let known = [(0.0, Some(least_ns)), (0.5, p50_ns), (0.9, p90_ns), (0.99, p99_ns), (1.0, Some(most_ns))];
    let known: Vec<(f64, f64)> = known.iter().filter_map(|(p, ns)| Some((*p, ns.as_ref()?.0 as f64))).collect();
    let Some(pair) = known.windows(2).find(|pair| p <= pair[1].0) else { return most_ns.0 as f64 };
    let ((low, from), (high, to)) = (pair[0], pair[1]);
    let part = (p - low) / (high - low);
    if from >= 1.0 { from * libm::pow(to / from, part) } else { from + (to - from) * part }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Loopback, Timer};
    use crate::scenario::{Source, read};

    const fn us(n: u64) -> Span {
        Span::from_micros(n)
    }

    fn always(span: Span) -> Quantiles {
        let q = Some(span);
        Quantiles { n: 2000, least_ns: span, p50_ns: q, p90_ns: q, p99_ns: q, most_ns: span }
    }

    fn found() -> Examination {
        let at = |period_ns, took| AtPeriod { period_ns, took: always(took) };
        Examination {
            timers: vec![
                Timer { method: Method::Tokio, asked_ns: Span::from_millis(10), late: always(us(900)) },
                Timer { method: Method::Absolute, asked_ns: Span::from_millis(10), late: always(us(70)) },
                Timer { method: Method::Absolute, asked_ns: Span::from_millis(1), late: always(us(40)) },
            ],
            loopback: Loopback {
                push: vec![at(Span::from_millis(1), us(24)), at(Span::from_millis(100), us(100))],
                round_trip: vec![at(Span::from_millis(10), us(150)), at(Span::ZERO, us(50))],
                ..Loopback::default()
            },
            ..Examination::default()
        }
    }

    fn scenario(text: &str) -> Scenario {
        read(Source { file: "t.toml", name: "t", text }, &|_| Err(String::new())).unwrap()
    }

    #[test]
    fn each_client_has_the_delays_of_its_cadence() {
        let scenario = scenario(
            "[[pv]]\nname = 'A{0..99}'\nchange = { rate_hz = 10 }\n[[pv]]\nname = 'B{0..9}'\nphase = 'aligned'\nchange = { rate_hz = 10 }\n\
             [[client]]\nname = 'fast'\nfetch = 'monitor'\n[[client]]\nname = 'slow'\nfetch = 'monitor'\npvs = 'B*'\n\
             [[client]]\nname = 'poll'\nfetch = 'batch'\nperiod = '10ms'\n[[client]]\nname = 'serial'\nfetch = 'serial'\nperiod = '10ms'\n",
        );
        let model = Model::examined(&scenario, &found(), "machine.json").unwrap();
        let typical = Costs::TYPICAL;
        assert_eq!(model.ioc.costs, typical, "the fastest push, 24 us, leaves room for its 18");
        let push = |client: usize| model.clients[client].push.mean_ns();
        // 1000 changes a second against ten bursts of a second.
        assert_eq!(push(0), (24_000 - of_push(&typical).0) as f64);
        assert_eq!(push(1), (100_000 - of_push(&typical).0) as f64);
        let trip = |client: usize| match &model.clients[client].round_trip {
            RoundTrip::Whole(both) => both.mean_ns() + of_round_trip(&typical).0 as f64,
            RoundTrip::EachWay(_) => f64::NAN,
        };
        assert_eq!((trip(2), trip(3)), (150e3, 50e3));
        assert_eq!(model.clients[2].timer.mean_ns(), (70_000 - typical.client_wakeup.0) as f64);
    }

    #[test]
    fn a_fast_machine_has_cheaper_wakeups() {
        let mut found = found();
        found.loopback.push[0].took = always(us(9));
        let model =
            Model::examined(&scenario("[[pv]]\nname = 'A'\n[[client]]\nname = 'm'\nfetch = 'monitor'\n"), &found, "x");
        let costs = model.unwrap().ioc.costs;
        assert_eq!((costs.ioc_send, costs.client_wakeup), (us(4), us(5)));
        assert_eq!(costs.ioc_get, Costs::TYPICAL.ioc_get);
    }

    #[test]
    fn what_is_missing_is_named() {
        let scenario = scenario("[[pv]]\nname = 'A'\n[[client]]\nname = 'm'\nfetch = 'monitor'\n");
        let lacking = |change: fn(&mut Examination)| {
            let mut found = found();
            change(&mut found);
            Model::examined(&scenario, &found, "x").unwrap_err()
        };
        assert_eq!(lacking(|f| f.loopback.push.clear()), ExaminedError::NoPush);
        assert_eq!(lacking(|f| f.loopback.round_trip.clear()), ExaminedError::NoRoundTrips);
        assert_eq!(lacking(|f| f.timers.truncate(1)), ExaminedError::NoTimer);
    }

    #[test]
    fn quantiles_are_met() {
        let quantiles = Quantiles {
            n: 10_000,
            least_ns: Span(100),
            p50_ns: Some(Span(200)),
            p90_ns: Some(Span(400)),
            p99_ns: Some(Span(3000)),
            most_ns: Span(9000),
        };
        for (p, ns) in
            [(0.0, 100.0), (0.5, 200.0), (0.7, 200.0 * 2f64.sqrt()), (0.9, 400.0), (0.99, 3000.0), (1.0, 9000.0)]
        {
            assert!((at(&quantiles, p) - ns).abs() < 1e-6, "{p}: {}", at(&quantiles, p));
        }
        let few = Quantiles { p90_ns: None, p99_ns: None, ..quantiles };
        assert!((at(&few, 0.75) - (200.0f64 * 9000.0).sqrt()).abs() < 1e-6);
    }
}
