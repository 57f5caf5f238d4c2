//! Link and host as an earlier run met them.
//!
//! A poller's askings take as long as those of the run's poller that is most like it; an update takes as long as the run's monitors
//! waited for one. These samples hold everything that happened on the way, at both ends: no wake-up delay and no work is added
//! to them. What is left of a poller's period beside its sleep and its askings is how late its timer was.
//! Processor time of an operation is what the run used for a client over what that client did.

use thiserror::Error;

use super::delay::{Delay, Samples};
use super::model::{ClientModel, IocModel, Model, RoundTrip, SOCKET_BUFFERS};
use crate::client::poller::asked_together;
use crate::scenario::model::{ClientSpec, Fetch, Pacing, Scenario};
use crate::stats::distribution::merge;
use crate::summary::{ClientSummary, Summary};
use crate::theory::Costs;
use crate::time::Span;
use crate::trace::histogram::nanoseconds;
use crate::trace::{ClientTally, Segment, Trace};

/// Messages that one get over a connection of its own takes: search, connection, channel, get.
const MESSAGES_OF_CONNECT: u64 = 4;

/// Why a run tells nothing of a link.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecordedError {
    /// A poller would need them.
    #[error("the run has no round trips for client {0}: no native poller of it was measured")]
    NoRoundTrips(String),
    /// A monitor would need them.
    #[error(
        "the run has no notice latencies for client {0}: no monitor of it noticed anything (those that work on each update do not count: their updates queue)"
    )]
    NoUpdates(String),
}

impl Model {
    /// As a run recorded it, for the clients of `scenario`. `name` is what the run is called in the words on link and host.
    ///
    /// # Errors
    /// When the run has no samples for one of them.
    pub fn recorded(scenario: &Scenario, trace: &Trace, summary: &Summary, name: &str) -> Result<Model, RecordedError> {
        let run = Run { trace, summary };
        let clients = scenario.clients.iter().map(|client| run.client(client)).collect::<Result<Vec<_>, _>>()?;
        Ok(Model {
            ioc: IocModel {
                wakeup: Delay::NONE,
                emitter: Delay::NONE,
                socket_buffers: SOCKET_BUFFERS,
                costs: Costs::NONE,
                busy: false,
            },
            clients,
            link: format!("round trips and notice latencies of {name}"),
            host: format!("timer lateness and processor time of {name}"),
        })
    }
}

/// A run that is asked for samples.
#[derive(Clone, Copy)]
struct Run<'a> {
    trace: &'a Trace,
    summary: &'a Summary,
}

impl<'a> Run<'a> {
    fn client(self, client: &ClientSpec) -> Result<ClientModel, RecordedError> {
        let listens = matches!(client.fetch, Fetch::Monitor | Fetch::Cached);
        let push = self
            .monitor_like(client)
            .and_then(|monitor| Samples::new(&monitor.notice.histogram, monitor.notice.mean_ns.map(|e| e.point)));
        let poller = self.poller_like(client);
        let asking = poller.and_then(|poller| self.askings(poller));
        let round_trip = match (&asking, &push) {
            (Some(asking), _) => {
                let both = Delay::Samples(asking.clone());
                let connects = poller.is_some_and(|p| p.fetch == Fetch::Connect);
                if connects { both.divided(MESSAGES_OF_CONNECT) } else { both }
            }
            // Only on the way to its subscriptions.
            (None, Some(push)) if listens => Delay::Samples(push.mapped(|ns| ns * 2)),
            (None, _) => return Err(RecordedError::NoRoundTrips(client.name.clone())),
        };
        let push = match push {
            Some(push) => Delay::Samples(push),
            None if listens => return Err(RecordedError::NoUpdates(client.name.clone())),
            None => Delay::NONE,
        };
        let like = if client.fetch == Fetch::Monitor { self.monitor_like(client) } else { poller };
        Ok(ClientModel {
            round_trip: RoundTrip::Whole(round_trip),
            push,
            timer: self.timer(poller).map_or(Delay::NONE, Delay::Samples),
            reader: Delay::NONE,
            costs: like.map_or(Costs::NONE, |like| self.costs(like)),
            busy: false,
        })
    }

    fn spec(self, client: &ClientSummary) -> Option<&'a ClientSpec> {
        self.trace.scenario.clients.iter().find(|c| c.name == client.name)
    }

    /// The monitor of the same name, else the first. One whose callback works tells of its queue, not of the link.
    fn monitor_like(self, client: &ClientSpec) -> Option<&'a ClientSummary> {
        let prompt = |c: &ClientSummary| self.spec(c).is_some_and(|spec| spec.service_time == Span::ZERO);
        let monitors =
            || self.summary.clients.iter().filter(|c| c.fetch == Fetch::Monitor && c.noticed > 0 && prompt(c));
        monitors().find(|m| m.name == client.name).or_else(|| monitors().next())
    }

    /// The poller whose askings are most like the client's: of the same name, else of the same fetch and about as many PVs at once.
    fn poller_like(self, client: &ClientSpec) -> Option<&'a ClientSummary> {
        let size = |fetch, pvs: usize| asked_together(fetch, pvs) as f64;
        let wanted = size(client.fetch, client.pvs.len());
        let unlike = |c: &&ClientSummary| {
            let ratio = (size(c.fetch, c.pvs) / wanted).ln().abs();
            let period = |p: Option<Span>| p.unwrap_or_default().0.max(1) as f64;
            let cadence = (period(c.asked_period) / period(client.asked_period())).ln().abs();
            (c.name != client.name, c.fetch != client.fetch, ratio, cadence)
        };
        let local = client.fetch == Fetch::Cached;
        let asks = |c: &&ClientSummary| {
            c.fetch != Fetch::Monitor && (c.fetch == Fetch::Cached) == local && self.askings(c).is_some()
        };
        let order = |a: &&ClientSummary, b: &&ClientSummary| {
            let ((a0, a1, a2, a3), (b0, b1, b2, b3)) = (unlike(a), unlike(b));
            (a0, a1).cmp(&(b0, b1)).then(a2.total_cmp(&b2)).then(a3.total_cmp(&b3))
        };
        self.summary.clients.iter().filter(asks).min_by(order)
    }

    fn segments(self, client: &ClientSummary) -> impl Iterator<Item = &'a Segment> {
        let index = self.trace.scenario.clients.iter().position(|c| c.name == client.name);
        self.trace.segments.iter().filter(move |s| Some(s.client) == index)
    }

    fn tallies(self, client: &ClientSummary) -> impl Iterator<Item = &'a ClientTally> {
        self.segments(client).filter_map(|s| s.tally.as_deref())
    }

    /// From asking to having, over all repeats.
    fn askings(self, client: &ClientSummary) -> Option<Samples> {
        let (mut all, mut sum) = (nanoseconds(), 0.0);
        for tally in self.tallies(client) {
            merge(&mut all, &tally.round_trips);
            sum += tally.mean_round_trip_ns.unwrap_or(0.0) * tally.round_trips.len() as f64;
        }
        Samples::new(&all, (!all.is_empty()).then(|| sum / all.len() as f64))
    }

    /// How late a poller's timer was: what its periods were longer than its sleep and its askings. `None` where its pacing does not tell.
    fn timer(self, poller: Option<&ClientSummary>) -> Option<Samples> {
        let poller = poller?;
        let Some(Pacing::FixedDelay { period }) = &poller.pacing else { return None };
        if *period == Span::ZERO {
            return None;
        }
        let askings = match poller.fetch {
            Fetch::Serial | Fetch::Connect => poller.pvs as f64,
            _ => 1.0,
        };
        let (mut all, mut sum) = (nanoseconds(), 0.0);
        for tally in self.tallies(poller) {
            merge(&mut all, &tally.periods);
            sum += tally.mean_period_ns.unwrap_or(0.0) * tally.periods.len() as f64;
        }
        let periods = Samples::new(&all, (!all.is_empty()).then(|| sum / all.len() as f64))?;
        let rest = period.0 as f64 + self.askings(poller)?.mean_ns() * askings;
        let late = periods.mapped(|ns| (ns as f64 - rest).max(0.0).round() as u64);
        // Askings that were quicker than their mean would be lateness lost, slower ones are lateness gained: the mean is known better.
        let mean = (periods.mean_ns() - rest).max(0.0);
        let scale = if late.mean_ns() > 0.0 { mean / late.mean_ns() } else { 0.0 };
        Some(late.mapped(|ns| (ns as f64 * scale).round() as u64))
    }

    /// Processor time for each get or update of a client, at both ends, whatever it went into.
    fn costs(self, client: &ClientSummary) -> Costs {
        let (mut at_client, mut at_ioc, mut gets, mut updates) = (0u64, 0u64, 0u64, 0u64);
        for segment in self.segments(client) {
            let (Some(client), Some(ioc)) = (segment.cpu_client, segment.cpu_ioc) else { continue };
            at_client += client.0;
            at_ioc += ioc.0;
            for row in &segment.ledger {
                gets += row.window.requests;
                updates += row.window.updates_sent;
            }
        }
        let each = |time: u64, count: u64| Span(time.checked_div(count).unwrap_or(0));
        let looks = self.spec(client).filter(|spec| spec.fetch == Fetch::Cached);
        match (looks, gets) {
            // What looking costs cannot be told from what the updates cost.
            (Some(_), _) | (None, 0) => {
                Costs { client_update: each(at_client, updates), ioc_update: each(at_ioc, updates), ..Costs::NONE }
            }
            (None, gets) => Costs { client_get: each(at_client, gets), ioc_get: each(at_ioc, gets), ..Costs::NONE },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Assembly, Group, Link, Messages, Unwatched};
    use super::*;
    use crate::scenario::{Source, read};

    fn scenario() -> Scenario {
        let text = "repeats = 3\nwindow = '20s'\n[[pv]]\nname = 'A{0..19}'\nchange = { pattern = 'poisson', rate_hz = 10 }\n\
                    [[client]]\nname = 'monitor'\nfetch = 'monitor'\n\
                    [[client]]\nname = 'working'\nfetch = 'monitor'\nservice_time = '1ms'\n\
                    [[client]]\nname = 'batch'\nfetch = 'batch'\nperiod = '5ms'\n\
                    [[client]]\nname = 'serial'\nfetch = 'serial'\nperiod = '20ms'\n";
        read(Source { file: "t.toml", name: "t", text }, &|_| Err(String::new())).unwrap()
    }

    /// A run on a machine that is known: everything costs three times as much as is typical, and wakes up later.
    fn run(scenario: &Arc<Scenario>) -> (Model, Trace, Summary) {
        let mut known = Model::typical(&Link::EachWay(Delay::Constant(Span::from_micros(70))), scenario.clients.len());
        let thrice =
            |costs: Costs| Costs { client_get: costs.client_get * 3, client_update: costs.client_update * 3, ..costs };
        let late = Delay::Exponential { least: Span::from_micros(40), mean: Span::from_micros(90) };
        for client in &mut known.clients {
            client.costs = thrice(client.costs);
            client.timer = late.clone();
        }
        known.ioc.costs = thrice(known.ioc.costs);
        let known = Arc::new(known);
        let mut assembly = Assembly::new(scenario);
        for group in Group::all(scenario, &known, Messages::Counted) {
            assembly.add(group.run(&mut Unwatched));
        }
        let (trace, summary) = assembly.finish(&[]);
        (Model::clone(&known), trace, summary)
    }

    fn near(what: &str, is: f64, due: f64, part: f64) {
        assert!((is - due).abs() <= part * due, "{what}: {is}, due {due}");
    }

    /// Delays, lateness of timers and processor time of a model are those of the run, and none of them is a typical one.
    #[test]
    fn everything_of_the_model_comes_from_the_run() {
        let scenario = Arc::new(scenario());
        let (known, trace, summary) = run(&scenario);
        let model = Model::recorded(&scenario, &trace, &summary, "a run").unwrap();
        // What lies on the way is in the samples: the IOC adds nothing to them, nor does the reading thread.
        assert_eq!((&model.ioc.wakeup, &model.ioc.emitter, model.ioc.busy), (&Delay::NONE, &Delay::NONE, false));
        assert_eq!(model.ioc.costs, Costs::NONE);
        for (place, client) in model.clients.iter().enumerate() {
            let (name, of) = (&scenario.clients[place].name, &summary.clients[place]);
            assert!(!client.busy && client.reader == Delay::NONE, "{name}");
            let own: Vec<&Segment> = trace.segments.iter().filter(|s| s.client == place).collect();
            let sum = |of: &dyn Fn(&Segment) -> u64| own.iter().map(|s| of(s)).sum::<u64>();
            let used = [sum(&|s| s.cpu_client.unwrap().0), sum(&|s| s.cpu_ioc.unwrap().0)];
            if of.fetch == Fetch::Monitor {
                // Updates that wait for a callback at work are no samples of the link: the other monitor's are taken.
                let prompt = &summary.clients[0];
                near(name, client.push.mean_ns(), prompt.notice.mean_ns.unwrap().point, 1e-3);
                if place == 0 {
                    let sent = sum(&|s| s.ledger.iter().map(|row| row.window.updates_sent).sum());
                    let costs =
                        Costs { client_update: Span(used[0] / sent), ioc_update: Span(used[1] / sent), ..Costs::NONE };
                    assert_eq!(client.costs, costs, "{name}");
                } else {
                    assert_eq!(client.costs, model.clients[0].costs, "{name}");
                }
                continue;
            }
            let RoundTrip::Whole(both) = &client.round_trip else { panic!("{name}: drawn each way") };
            near(name, both.mean_ns(), of.mean_round_trip_ns.unwrap(), 2e-3);
            let gets = sum(&|s| s.ledger.iter().map(|row| row.window.requests).sum());
            let costs = Costs { client_get: Span(used[0] / gets), ioc_get: Span(used[1] / gets), ..Costs::NONE };
            assert_eq!(client.costs, costs, "{name}");
            // The end of a sleep, and what waking up takes.
            let late = known.clients[place].timer.mean_ns() + known.clients[place].costs.client_wakeup.0 as f64;
            near(name, client.timer.mean_ns(), late, 0.05);
        }
    }

    #[test]
    fn a_run_of_callbacks_at_work_tells_nothing_of_the_link() {
        let whole = scenario();
        let only = |names: &[&str]| {
            let clients = whole.clients.iter().filter(|c| names.contains(&c.name.as_str())).cloned().collect();
            Arc::new(Scenario { clients, ..whole.clone() })
        };
        let (scenario, listener) = (only(&["working", "batch"]), only(&["monitor"]));
        let (_, trace, summary) = run(&scenario);
        assert!(Model::recorded(&only(&["batch"]), &trace, &summary, "x").is_ok());
        let why = Model::recorded(&listener, &trace, &summary, "x").unwrap_err();
        assert_eq!(why, RecordedError::NoUpdates("monitor".to_owned()));
        // And a run without a poller has no round trips.
        let (_, trace, summary) = run(&listener);
        let why = Model::recorded(&only(&["batch"]), &trace, &summary, "x").unwrap_err();
        assert_eq!(why, RecordedError::NoRoundTrips("batch".to_owned()));
    }
}
