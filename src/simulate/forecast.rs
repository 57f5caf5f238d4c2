//! What theory and the models say of a client, without letting anything go.
//!
//! A poller's interval is its sleep, the lateness of its timer and the time of its askings; its askings take what the link and the host
//! make of them on average. The IOC reads what is asked for when it wakes up, and makes no change until it has answered: what comes after the
//! reading is the delay of a value, and not half of the asking. From there on it is [`crate::theory`]. Processor time is counts times costs.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use super::model::{ClientModel, Model, RoundTrip};
use super::server::BURST;
use crate::ca::dbr::{DbrClass, DbrType};
use crate::client::poller::asked_together;
use crate::pv::PvId;
use crate::scenario::model::{ClientSpec, DbrChoice, Fetch, Pacing, Phase, Scenario};
use crate::scenario::plan;
use crate::summary::expected::mixture_of;
use crate::summary::strategy::strategy;
use crate::theory::distribution::{
    Mixture, age_cdf, called_back_age, called_back_age_cdf, notice_cdf, quantile, seen_cdf,
};
use crate::theory::{Costs, Intervals, predict};
use crate::time::Span;

/// Messages of a get over a connection of its own: search, connection, channel, get.
const MESSAGES_OF_CONNECT: f64 = 4.0;
/// Bytes around a value: its message's header, and the status and stamp of a scalar.
const HEADER_BYTES: f64 = 16.0;
/// Draws for the quantiles of a callback's delay, which has no closed form.
const DRAWS: usize = 10_001;
/// Changes that the IOC makes before it sends what they set off.
const POSTED_AT_ONCE: f64 = BURST as f64;

/// Quantiles of a notice latency's curve.
pub const CURVE: usize = 2000;

/// A distribution in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean_ns: f64,
    /// Median.
    pub p50_ns: f64,
    /// 90 % are at most this.
    pub p90_ns: f64,
    /// 99 % are at most this.
    pub p99_ns: f64,
}

impl Spread {
    /// With a known mean, and quantiles of a cumulative distribution.
    fn of(mean_ns: f64, cdf: impl Fn(f64) -> f64) -> Option<Spread> {
        let [p50_ns, p90_ns, p99_ns] = [0.5, 0.9, 0.99].map(|p| quantile(p, &cdf));
        Some(Spread { mean_ns, p50_ns: p50_ns?, p90_ns: p90_ns?, p99_ns: p99_ns? })
    }
}

/// What is expected of one client. `None` where theory has no answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Its name.
    pub client: String,
    /// Fetch and pacing in words.
    pub strategy: String,
    /// The sleep or period asked for; `None` for a callback.
    pub asked_period: Option<Span>,
    /// Mean interval between two reads of a PV, in ns.
    pub period_ns: Option<f64>,
    /// Mean time from asking to having, in ns.
    pub round_trip_ns: Option<f64>,
    /// Notice latency.
    pub notice: Option<Spread>,
    /// The longest notice latency, in ns, where there is one.
    pub notice_longest_ns: Option<f64>,
    /// Quantiles of it in ns, evenly spread: of [`CURVE`] changes one lies at each.
    #[serde(skip)]
    pub notice_curve: Vec<f64>,
    /// Age of a value when it is seen.
    pub seen: Option<Spread>,
    /// Age of information.
    pub age: Option<Spread>,
    /// Its mean peak, in ns.
    pub age_peak_ns: Option<f64>,
    /// Redundant fraction of gets; `None` for a client that makes none.
    pub redundant: Option<f64>,
    /// Missed fraction of changes.
    pub missed: Option<f64>,
    /// Gets a second.
    pub requests_per_s: f64,
    /// Processor time of the client, in percent of one core.
    pub cpu_client_percent: f64,
    /// Processor time of the IOC, in percent of one core.
    pub cpu_ioc_percent: f64,
    /// Blocked and woken, a second.
    pub wakeups_per_s: f64,
}

impl Forecast {
    /// What is expected of a scenario's client on a model; `None` where the scenario has no such client, and where theory ends: pacings
    /// that start over at news (back-off, hybrid), callbacks that work on each update, copies that queue for one IOC. A callback's latency is
    /// `None` where PVs change together: their updates queue, and the place in the burst decides.
    #[must_use]
    pub fn of(scenario: &Scenario, model: &Model, client: usize) -> Option<Forecast> {
        let (spec, of_client) = (scenario.clients.get(client)?, model.clients.get(client)?);
        let beside: Vec<usize> = if scenario.concurrent { (0..scenario.clients.len()).collect() } else { vec![client] };
        let changing = plan::changing(scenario, &beside);
        if spec.copies > 1 {
            return None;
        }
        let case = Case { scenario, model, spec, own: of_client, costs: of_client.costs, changing };
        match &spec.pacing {
            None => (spec.service_time == Span::ZERO).then(|| case.callback()),
            Some(pacing) => case.poller(pacing),
        }
    }
}

fn curve(quantile: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..CURVE).map(|i| quantile((i as f64 + 0.5) / CURVE as f64)).collect()
}

/// What a forecast is made from.
struct Case<'a> {
    scenario: &'a Scenario,
    model: &'a Model,
    spec: &'a ClientSpec,
    own: &'a ClientModel,
    costs: Costs,
    /// The PVs that the IOC changes meanwhile.
    changing: Vec<PvId>,
}

impl Case<'_> {
    /// Time that an operation keeps its thread busy, in ns.
    fn busy(&self, cost: Span) -> f64 {
        if self.own.busy { cost.0 as f64 } else { 0.0 }
    }

    /// Mean bytes of a message with a value.
    fn reply_bytes(&self) -> f64 {
        let class = match self.spec.dbr {
            DbrChoice::Plain => DbrClass::Plain,
            DbrChoice::Time => DbrClass::Time,
            DbrChoice::Ctrl => DbrClass::Ctrl,
        };
        let groups = self.spec.pvs.iter().filter_map(|id| {
            let group = self.scenario.groups.get(self.scenario.pvs.get(id.index())?.group)?;
            let payload = DbrType { class, native: group.native }.payload_size(group.count as usize);
            Some(payload.div_ceil(8) as f64 * 8.0 + HEADER_BYTES)
        });
        let (sum, count) = groups.fold((0.0, 0.0), |(sum, n), bytes| (sum + bytes, n + 1.0));
        sum / f64::max(count, 1.0)
    }

    fn moving(&self, messages: f64) -> Span {
        Span((self.costs.kilobyte.0 as f64 * messages * self.reply_bytes() / 1000.0) as u64)
    }

    /// PVs of one asking.
    fn together(&self) -> f64 {
        asked_together(self.spec.fetch, self.spec.pvs.len()) as f64
    }

    /// Askings of one round.
    fn askings(&self) -> f64 {
        self.spec.pvs.len() as f64 / self.together()
    }

    /// Mean time of the way there and back, in ns.
    fn ways(&self) -> f64 {
        match &self.own.round_trip {
            RoundTrip::EachWay(way) => 2.0 * way.mean_ns(),
            RoundTrip::Whole(both) => both.mean_ns(),
        }
    }

    /// From the IOC's waking up for an asking, and reading all that is asked for, to its sending the values.
    fn answering(&self) -> f64 {
        let n = self.together();
        self.busy(self.costs.ioc_wakeup) + n * self.busy(self.costs.ioc_get) + self.busy(self.moving(n))
    }

    /// Mean time from the IOC's reading of a value to the client's having it, in ns. All values of an asking are read together and had together:
    /// the place in a batch does not matter.
    fn back(&self) -> f64 {
        // What is read from a copy came there by a callback.
        if self.spec.fetch == Fetch::Cached {
            return self.push() + self.round_trip();
        }
        let taking = self.busy(self.costs.client_wakeup) + self.together() * self.busy(self.costs.client_get) / 2.0;
        self.answering() + self.ways() / 2.0 + self.own.reader.mean_ns() + taking
    }

    /// Mean time from asking to having, in ns.
    fn round_trip(&self) -> f64 {
        let n = self.together();
        let c = &self.costs;
        if self.spec.fetch == Fetch::Cached {
            return self.busy(c.client_read) * n;
        }
        let each = self.ways()
            + self.model.ioc.wakeup.mean_ns()
            + self.own.reader.mean_ns()
            + self.busy(c.client_send)
            + self.busy(c.ioc_wakeup)
            + self.busy(c.client_wakeup);
        let gets = n * (self.busy(c.client_get) + self.busy(c.ioc_get)) + self.busy(self.moving(n));
        if self.spec.fetch == Fetch::Connect { MESSAGES_OF_CONNECT * each + gets } else { each + gets }
    }

    /// Mean delay of an update from its posting to its callback, in ns.
    fn push(&self) -> f64 {
        let server = if self.model.ioc.busy { self.model.ioc.costs.ioc_change.0 as f64 } else { 0.0 };
        let c = &self.costs;
        let own = [c.ioc_send, c.ioc_update, self.moving(1.0), c.client_wakeup, self.moving(1.0)]
            .iter()
            .map(|s| self.busy(*s))
            .sum::<f64>();
        server + own + self.own.push.mean_ns() + self.own.reader.mean_ns()
    }

    /// The same as a distribution, in rising order: the link and the wake-up are drawn, the rest is constant.
    fn push_drawn(&self) -> Vec<f64> {
        let mut random = Pcg64Mcg::seed_from_u64(self.scenario.seed);
        let constant = self.push() - self.own.push.mean_ns() - self.own.reader.mean_ns();
        let mut draw = || (self.own.push.draw(&mut random) + self.own.reader.draw(&mut random)).0 as f64;
        let mut drawn: Vec<f64> = (0..DRAWS).map(|_| constant + draw()).collect();
        drawn.sort_unstable_by(f64::total_cmp);
        drawn
    }

    fn mixture(&self) -> Option<Vec<(f64, crate::theory::Process)>> {
        mixture_of(self.scenario, self.spec)
    }

    /// Changes a second of some PVs.
    fn rate(&self, pvs: &[PvId]) -> f64 {
        let group = |pv: &PvId| self.scenario.groups.get(self.scenario.pvs.get(pv.index())?.group);
        pvs.iter().filter_map(|pv| group(pv)?.change.mean_rate_hz()).sum()
    }

    fn own_changes(&self) -> f64 {
        self.rate(&self.spec.pvs)
    }

    /// Times a second that some of these PVs change: once for all that change together, but for so many at a time as `most`.
    fn bursts(&self, pvs: &[PvId], most: f64) -> f64 {
        let of = |(index, group): (usize, &crate::scenario::model::PvGroup)| {
            let of_group = |pv: &&PvId| self.scenario.pvs.get(pv.index()).is_some_and(|pv| pv.group == index);
            let members = pvs.iter().filter(of_group).count() as f64;
            let each = group.change.mean_rate_hz().unwrap_or(0.0);
            if group.phase == Phase::Aligned { each * (members / most).ceil() } else { each * members }
        };
        self.scenario.groups.iter().enumerate().map(of).sum()
    }

    /// Whether any of the client's PVs change together.
    fn queues(&self) -> bool {
        self.bursts(&self.spec.pvs, f64::INFINITY) < self.own_changes()
    }

    /// Processor time in ns a second that the IOC takes to make changes.
    fn emitting(&self) -> f64 {
        let c = &self.model.ioc.costs;
        self.rate(&self.changing) * c.ioc_change.0 as f64
            + self.bursts(&self.changing, POSTED_AT_ONCE) * c.ioc_emitter.0 as f64
    }

    /// What the updates of a second cost in processor time in ns, at the client and at the IOC, and how often the client wakes up for them.
    fn updating(&self) -> (f64, f64, f64) {
        let (c, moving) = (&self.costs, self.moving(1.0));
        let (changes, sends) = (self.own_changes(), self.bursts(&self.spec.pvs, POSTED_AT_ONCE));
        let client = sends * c.client_wakeup.0 as f64 + changes * (c.client_update + moving).0 as f64;
        let ioc = sends * c.ioc_send.0 as f64 + changes * (c.ioc_update + moving).0 as f64;
        (client, ioc, sends)
    }

    fn callback(&self) -> Forecast {
        let push = self.push();
        let pvs = self.mixture();
        let (at_client, at_ioc, wakeups) = self.updating();
        let drawn = self.push_drawn();
        let at = |p: f64| drawn[(p * (DRAWS - 1) as f64) as usize];
        let spread = Spread { mean_ns: push, p50_ns: at(0.5), p90_ns: at(0.9), p99_ns: at(0.99) };
        let notice = (!self.queues()).then_some(spread);
        let ages = pvs.as_ref().and_then(|pvs| called_back_age(pvs, push));
        let age = pvs
            .as_ref()
            .zip(ages)
            .and_then(|(pvs, (mean, _))| Spread::of(mean, |x| called_back_age_cdf(pvs, push, x).unwrap_or(1.0)));
        Forecast {
            client: self.spec.name.clone(),
            strategy: strategy(self.spec),
            asked_period: None,
            period_ns: None,
            round_trip_ns: None,
            notice,
            notice_longest_ns: None,
            notice_curve: if notice.is_some() { curve(at) } else { Vec::new() },
            seen: notice,
            age,
            age_peak_ns: ages.map(|ages| ages.1),
            redundant: None,
            missed: Some(0.0),
            requests_per_s: 0.0,
            cpu_client_percent: at_client * 1e-7,
            cpu_ioc_percent: (self.emitting() + at_ioc) * 1e-7,
            wakeups_per_s: wakeups,
        }
    }

    /// Intervals between two reads of a PV.
    fn intervals(&self, pacing: &Pacing, round: f64) -> Option<Intervals> {
        let rest = round + self.own.timer.mean_ns() + self.busy(self.costs.client_wakeup);
        match pacing {
            Pacing::FixedDelay { period } if *period == Span::ZERO => Intervals::constant(round),
            Pacing::FixedDelay { period } => Intervals::constant(period.0 as f64 + rest),
            Pacing::FixedRate { period } => {
                let slots = (round / period.0 as f64).ceil().max(1.0);
                Intervals::constant(period.0 as f64 * slots)
            }
            Pacing::Jittered { period, jitter } => {
                let period = period.0 as f64;
                Intervals::uniform(period * (1.0 - jitter) + rest, period * (1.0 + jitter) + rest)
            }
            Pacing::Spin => Intervals::constant(round),
            Pacing::Backoff { .. } | Pacing::Hybrid { .. } => None,
        }
    }

    fn poller(&self, pacing: &Pacing) -> Option<Forecast> {
        let cached = self.spec.fetch == Fetch::Cached;
        let round_trip = self.round_trip();
        let round = round_trip * self.askings();
        let intervals = self.intervals(pacing, round)?.held(if cached { 0.0 } else { self.answering() });
        let back = self.back();
        let pvs = self.mixture();
        let means = pvs.as_ref().map(|pvs| predict(pvs, &intervals, 2.0 * back));
        let of_pvs = |cdf: &dyn Fn(&Mixture, f64) -> Option<f64>, mean: Option<f64>| {
            let (pvs, mean) = pvs.as_ref().zip(mean)?;
            Spread::of(mean, |x| cdf(pvs, x).unwrap_or(1.0))
        };
        let sleeps = !matches!(pacing, Pacing::Spin | Pacing::FixedDelay { period: Span::ZERO });
        let (at_client, at_ioc, wakeups) = self.costs_of_a_second(&intervals, sleeps);
        Some(Forecast {
            client: self.spec.name.clone(),
            strategy: strategy(self.spec),
            asked_period: self.spec.asked_period(),
            period_ns: Some(intervals.mean()),
            round_trip_ns: Some(round_trip),
            notice: Spread::of(intervals.mean_wait() + back, |x| notice_cdf(&intervals, back, x))
                .filter(|_| !(cached && self.queues())),
            notice_longest_ns: Some(intervals.wait_quantile(1.0) + back),
            notice_curve: curve(|p| intervals.wait_quantile(p) + back),
            seen: of_pvs(&|pvs, x| seen_cdf(pvs, &intervals, back, x), means.and_then(|m| m.seen_mean_ns)),
            age: of_pvs(&|pvs, x| age_cdf(pvs, &intervals, back, x), means.and_then(|m| m.age_mean_ns)),
            age_peak_ns: means.and_then(|m| m.age_peak_ns),
            redundant: means.and_then(|m| m.redundant).filter(|_| !cached),
            missed: means.and_then(|m| m.missed),
            requests_per_s: if cached { 0.0 } else { self.spec.pvs.len() as f64 / intervals.mean() * 1e9 },
            cpu_client_percent: at_client * 1e-7,
            cpu_ioc_percent: (self.emitting() + at_ioc) * 1e-7,
            wakeups_per_s: wakeups,
        })
    }

    /// Processor time in ns of a second of polling, at the client and at the IOC, and how often the client wakes up.
    fn costs_of_a_second(&self, intervals: &Intervals, sleeps: bool) -> (f64, f64, f64) {
        let ns = |span: Span| span.0 as f64;
        let (c, n, rounds) = (&self.costs, self.together(), 1e9 / intervals.mean());
        let slept = if sleeps { 1.0 } else { 0.0 };
        if self.spec.fetch == Fetch::Cached {
            let (at_client, at_ioc, wakeups) = self.updating();
            let client = rounds * (slept * ns(c.client_wakeup) + n * ns(c.client_read)) + at_client;
            return (client, at_ioc, rounds * slept + wakeups);
        }
        // A connection of its own is closed, too, and greets before it asks: version, user and host.
        let (messages, closing, greeting) = match self.spec.fetch {
            Fetch::Connect => (MESSAGES_OF_CONNECT, 1.0, 5.0),
            _ => (1.0, 0.0, 0.0),
        };
        let client = (messages + closing) * ns(c.client_send) + messages * ns(c.client_wakeup) + n * ns(c.client_get);
        let ioc = (messages + closing) * ns(c.ioc_wakeup) + (n + greeting) * ns(c.ioc_get) + ns(self.moving(n));
        let askings = self.askings();
        (
            rounds * (slept * ns(c.client_wakeup) + askings * client),
            rounds * askings * ioc,
            rounds * (slept + askings * messages),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Assembly, Delay, Group, Link, Messages, Unwatched};
    use super::*;
    use crate::scenario::{Source, read};

    fn scenario(change: &str) -> Scenario {
        let text = format!(
            "repeats = 2\nwindow = '100s'\nmin_periods = 100\n[[pv]]\nname = 'A{{0..19}}'\nchange = {{ {change} }}\n\
             [[client]]\nname = 'monitor'\nfetch = 'monitor'\n\
             [[client]]\nname = 'batch-10ms'\nfetch = 'batch'\nperiod = '10ms'\n\
             [[client]]\nname = 'batch-97ms'\nfetch = 'batch'\nperiod = '97ms'\n\
             [[client]]\nname = 'serial-20ms'\nfetch = 'serial'\nperiod = '20ms'\n\
             [[client]]\nname = 'rate-30ms'\nfetch = 'batch'\npacing = 'fixed-rate'\nperiod = '31ms'\n\
             [[client]]\nname = 'jittered'\nfetch = 'batch'\npacing = 'jittered'\nperiod = '50ms'\njitter = 0.5\n\
             [[client]]\nname = 'cached'\nfetch = 'cached'\nperiod = '40ms'\n\
             [[client]]\nname = 'connect'\nfetch = 'connect'\nperiod = '200ms'\n"
        );
        read(Source { file: "t", name: "t", text: &text }, &|_| Err(String::new())).unwrap()
    }

    /// What is forecast is what comes of it when it is let go.
    #[test]
    fn simulations_come_out_as_forecast() {
        let even = Link::EachWay(Delay::Exponential { least: Span::from_micros(10), mean: Span::from_micros(40) });
        for change in ["pattern = 'poisson', rate_hz = 10", "pattern = 'periodic', rate_hz = 10"] {
            let scenario = Arc::new(scenario(change));
            let model = Arc::new(Model::typical(&even, scenario.clients.len()));
            let mut assembly = Assembly::new(&scenario);
            for group in Group::all(&scenario, &model, Messages::Counted) {
                assembly.add(group.run(&mut Unwatched));
            }
            let (_, summary) = assembly.finish(&[]);
            for (index, measured) in summary.clients.iter().enumerate() {
                let forecast = Forecast::of(&scenario, &model, index).unwrap();
                let near = |what: &str, a: Option<f64>, b: Option<f64>, relative: f64, absolute: f64| {
                    let (Some(a), Some(b)) = (a, b) else {
                        return assert_eq!(a.is_some(), b.is_some(), "{change}, {}: {what}", measured.name);
                    };
                    let within = relative * b.abs() + absolute;
                    assert!((a - b).abs() <= within, "{change}, {}: {what} {a}, forecast {b}", measured.name);
                };
                let point = |e: Option<crate::stats::Estimate>| e.map(|e| e.point);
                let notice = forecast.notice.unwrap();
                near("period", measured.mean_period_ns, forecast.period_ns, 0.005, 0.0);
                near("notice mean", point(measured.notice.mean_ns), Some(notice.mean_ns), 0.03, 2e3);
                near("notice p50", point(measured.notice.p50_ns), Some(notice.p50_ns), 0.05, 2e3);
                near("notice p99", point(measured.notice.p99_ns), Some(notice.p99_ns), 0.05, 2e3);
                near("seen", point(measured.seen.mean_ns), forecast.seen.map(|s| s.mean_ns), 0.03, 2e3);
                near("age", point(measured.age_mean_ns), forecast.age.map(|s| s.mean_ns), 0.03, 2e3);
                near("peak", point(measured.age_peak_ns), forecast.age_peak_ns, 0.03, 2e3);
                near("missed", point(measured.missed_fraction), forecast.missed, 0.0, 0.015);
                near("redundant", point(measured.redundant_fraction), forecast.redundant, 0.0, 0.015);
                near("requests", point(measured.requests_per_s), Some(forecast.requests_per_s), 0.01, 0.0);
                near("client's cpu", point(measured.cpu_client_percent), Some(forecast.cpu_client_percent), 0.05, 0.0);
                near("ioc's cpu", point(measured.cpu_ioc_percent), Some(forecast.cpu_ioc_percent), 0.05, 0.0);
                near("wake-ups", point(measured.wakeups_per_s), Some(forecast.wakeups_per_s), 0.05, 0.0);
            }
        }
    }

    #[test]
    fn theory_says_nothing_of_what_starts_over_at_news() {
        let mut scenario = scenario("pattern = 'poisson', rate_hz = 10");
        scenario.clients[1].pacing = Some(Pacing::Hybrid { sleep: Span::from_millis(1) });
        let model = Model::typical(&Link::default(), scenario.clients.len());
        assert_eq!(Forecast::of(&scenario, &model, 1), None);
        assert_eq!(Forecast::of(&scenario, &model, 99), None);
    }
}
