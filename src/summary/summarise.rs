//! From the facts of a run to its summary.

use super::checks;
use super::combine::Fold;
use super::finding::Finding;
use super::measured::{Measured, measure};
use super::{ClientSummary, Summary, Warning, summarise_probes};
use crate::scenario::model::{ClientSpec, Scenario};
use crate::stats::Distribution;
use crate::time::Span;
use crate::trace::audit::Audit;
use crate::trace::{EmissionIndex, Loss, ProbeRun, Segment, Trace};

/// Sums a run up. `notes` are what the one who ran it knows besides, such as failures; they come first among the warnings.
#[must_use]
pub fn summarise(trace: &Trace, notes: &[Warning]) -> Summary {
    let scenario = &trace.scenario;
    let indices: Vec<EmissionIndex<'_>> =
        trace.emissions.iter().map(|of_repeat| EmissionIndex::new(scenario.pvs.len(), of_repeat)).collect();
    let mut summing = Summing::new(scenario);
    for segment in &trace.segments {
        let (client, index) = (scenario.clients.get(segment.client), indices.get(segment.repeat as usize));
        if let Some((client, index)) = client.zip(index) {
            // Measured one after the other: a measured segment takes a megabyte.
            summing.add(segment, &measure(scenario, client, index, segment));
        }
    }
    let mut summary = summing.finish(notes);
    add_probes(&mut summary, scenario, &trace.probes);
    summary
}

/// Adds what the probes of a live run found, and which of them were left out.
pub fn add_probes(summary: &mut Summary, scenario: &Scenario, probes: &[ProbeRun]) {
    summary.probes = summarise_probes(scenario, probes);
    let absent = |name: &str| summary.probes.iter().all(|probe| probe.name != name);
    let left_out = scenario.probes.iter().filter(|probe| probe.optional && absent(&probe.name));
    summary.warnings.extend(left_out.map(|probe| Warning {
        client: Some(probe.name.clone()),
        what: "was left out: its interpreter is not there".to_owned(),
        advice: "nothing that is expected of it was put to the test; install that interpreter to do so".to_owned(),
    }));
}

/// The same from segments that were measured while their facts came; `measured` holds one for each of them.
#[must_use]
pub fn summarise_measured(
    scenario: &Scenario,
    segments: &[Segment],
    measured: &[Measured],
    notes: &[Warning],
) -> Summary {
    let mut summing = Summing::new(scenario);
    segments.iter().zip(measured).for_each(|(segment, measured)| summing.add(segment, measured));
    summing.finish(notes)
}

/// A run that is summed up a segment at a time. Of each client they must come in the order of its repeats.
#[derive(Debug)]
pub struct Summing<'a> {
    scenario: &'a Scenario,
    clients: Vec<OfClient<'a>>,
}

impl<'a> Summing<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new(scenario: &'a Scenario) -> Summing<'a> {
        Summing { scenario, clients: scenario.clients.iter().map(|client| OfClient::new(scenario, client)).collect() }
    }

    /// Adds a segment, of which only what is not in the tables is looked at, and what its facts came to.
    pub fn add(&mut self, segment: &Segment, measured: &Measured) {
        if let Some(client) = self.clients.get_mut(segment.client) {
            client.add(segment, measured);
        }
    }

    /// What all of them come to.
    #[must_use]
    pub fn finish(self, notes: &[Warning]) -> Summary {
        let mut summary = Summary { warnings: notes.to_vec(), ..Summary::default() };
        if self.scenario.concurrent {
            summary.warnings.push(Finding::SideBySide.warning(None));
        }
        for client in &self.clients {
            let (of_client, warnings) = client.summary(self.scenario);
            summary.clients.extend(of_client);
            summary.warnings.extend(warnings);
        }
        summary
    }
}

/// What has been added of one client.
#[derive(Debug)]
struct OfClient<'a> {
    client: &'a ClientSpec,
    fold: Fold<'a>,
    seen: Seen,
    segments: u32,
    /// What client or harness said of its segments.
    said: Vec<Warning>,
}

impl<'a> OfClient<'a> {
    fn new(scenario: &'a Scenario, client: &'a ClientSpec) -> OfClient<'a> {
        let (fold, seen) = (Fold::new(scenario, client), Seen::default());
        OfClient { client, fold, seen, segments: 0, said: Vec::new() }
    }

    fn add(&mut self, segment: &Segment, measured: &Measured) {
        self.fold.add(segment, measured);
        self.seen.add(segment, measured);
        self.segments += 1;
        self.said.extend(segment.warnings.iter().map(|text| Warning {
            client: Some(self.client.name.clone()),
            what: format!("in repeat {}: {text}", segment.repeat + 1),
            advice: "hold this against the numbers of that repeat".to_owned(),
        }));
    }

    fn summary(&self, scenario: &Scenario) -> (Option<ClientSummary>, Vec<Warning>) {
        let repeats = checks::repeats(self.segments, scenario.repeats);
        let name = Some(self.client.name.as_str());
        let mut warnings: Vec<Warning> = repeats.iter().map(|f| f.warning(name)).collect();
        if self.segments == 0 {
            return (None, warnings);
        }
        let mut summary = self.fold.summary();
        summary.others_percent = checks::worst_percent(&self.seen.others);
        summary.stolen_percent = checks::worst_percent(&self.seen.steal);
        let findings = self.seen.findings(scenario, self.client, &self.fold, &summary);
        warnings.extend(findings.iter().map(|f| f.warning(name)));
        warnings.extend(self.said.iter().cloned());
        (Some(summary), warnings)
    }
}

/// What the checks look at, over all segments of a client.
#[derive(Debug, Default)]
struct Seen {
    others: Vec<(Option<Span>, Span)>,
    steal: Vec<(Option<Span>, Span)>,
    counts: Vec<Finding>,
    audit: Audit,
    before_first: u64,
    ambiguous: u64,
    overflowed: u64,
    losses: Vec<Loss>,
    restarts: Vec<(Span, Option<Span>)>,
    lateness: Distribution,
    shortest: Option<Span>,
}

impl Seen {
    fn add(&mut self, segment: &Segment, measured: &Measured) {
        let length = segment.window.length();
        self.others.push((segment.cpu_others, length));
        self.steal.push((segment.steal, length));
        self.audit.add(&measured.audit);
        self.before_first += measured.paired.before_first;
        self.lateness.merge(&measured.lateness);
        self.shortest = Some(self.shortest.map_or(length, |shortest| shortest.min(length)));
        let away = segment.ioc.outage.map(|outage| outage.up.saturating_since(outage.down));
        self.restarts.extend(away.map(|away| (away, measured.recovery)));
        let Some(tally) = &segment.tally else { return };
        self.ambiguous = self.ambiguous.saturating_add(tally.ambiguous);
        self.overflowed = self.overflowed.saturating_add(tally.overflowed);
        let (repeat, ioc) = (segment.repeat, &measured.counted_in_all);
        self.losses.extend_from_slice(&tally.losses);
        let on_the_way = tally.losses.len() as u64 * segment.ledger.len() as u64;
        let counts =
            |what, own: Option<u64>, ioc| own.and_then(|own| checks::counts(what, repeat, own, ioc, on_the_way));
        self.counts.extend(counts("gets", tally.requests, ioc.requests));
        self.counts.extend(counts("redundant gets", tally.redundant, ioc.redundant));
        // What the sockets held of updates when a circuit was lost has no bound worth naming.
        let in_flight = if tally.losses.is_empty() { measured.in_flight } else { u64::MAX };
        let updates = tally.updates.and_then(|own| checks::updates(repeat, own, ioc.updates_sent, in_flight));
        self.counts.extend(updates);
    }

    fn findings(
        &self,
        scenario: &Scenario,
        client: &ClientSpec,
        fold: &Fold<'_>,
        summary: &ClientSummary,
    ) -> Vec<Finding> {
        let mut found = self.counts.clone();
        found.extend(checks::impossible(self.audit));
        found.extend(checks::losses(&self.losses));
        found.extend(checks::restarts(&self.restarts));
        found.extend(checks::negative(summary.notice.negative));
        found.extend(checks::overflowed(self.overflowed));
        found.extend(checks::ambiguous(self.ambiguous));
        found.extend(checks::late_first(self.before_first));
        found.extend(checks::unnoticed(summary.unnoticed, summary.changes));
        found.extend(checks::no_changes(summary.changes));
        let period = fold.mean_period_ns();
        found.extend(checks::few_periods(self.shortest.unwrap_or_default(), period, scenario.min_periods));
        found.extend(self.beats(scenario, client, fold));
        found.extend(checks::late_posting(&self.lateness, fold.change_interval_ns()));
        found.extend(checks::others_busy(&self.others));
        found.extend(checks::stolen(&self.steal));
        found
    }

    fn beats(&self, scenario: &Scenario, client: &ClientSpec, fold: &Fold<'_>) -> Vec<Finding> {
        let Some(intervals) = fold.intervals() else { return Vec::new() };
        let mut members = vec![0usize; scenario.groups.len()];
        for spec in client.pvs.iter().filter_map(|pv| scenario.pvs.get(pv.index())) {
            if let Some(count) = members.get_mut(spec.group) {
                *count += 1;
            }
        }
        let groups = scenario.groups.iter().zip(members);
        groups.filter_map(|(group, members)| checks::beat(group, members, &intervals)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pv::{PvId, Seq};
    use crate::scenario::model::{Change, Fetch, Pacing, Phase};
    use crate::summary::example;
    use crate::summary::example::{poll, poll_in_full, posted, push};
    use crate::trace::Observation;

    const MS: u64 = 1_000_000;

    /// Twenty PVs that change every 100 ms at even phases, for two repeats: a monitor and pollers of 30 ms and 250 ms.
    fn trace() -> Trace {
        let change = Change::Periodic { interval: Span::from_millis(100) };
        let delay = |ms| Some(Pacing::FixedDelay { period: Span::from_millis(ms) });
        let clients = vec![
            example::client("monitor", Fetch::Monitor, None, 20),
            example::client("poll-30ms", Fetch::Batch, delay(30), 20),
            example::client("poll-250ms", Fetch::Serial, delay(250), 20),
        ];
        let scenario = example::scenario(vec![(20, example::group(change))], clients);
        let mut trace = Trace { scenario, emissions: Vec::new(), segments: Vec::new(), probes: Vec::new() };
        for repeat in 0..2u32 {
            let emissions = posted(20, 100 * MS, 40_000 * MS, 7 + u64::from(repeat));
            let segment = |client| {
                let open = (1 + 13 * client as u64) * 1000 * MS + u64::from(repeat) * 17 * MS;
                example::segment(client, repeat, open, open + 10_000 * MS, open + 11_000 * MS)
            };
            trace.segments.push(push(segment(0), &emissions, 60_000));
            trace.segments.push(poll(segment(1), &emissions, 20, 31 * MS, MS));
            trace.segments.push(poll(segment(2), &emissions, 20, 251 * MS, MS));
            trace.emissions.push(emissions);
        }
        trace
    }

    fn near(measured: Option<f64>, expected: Option<f64>, tolerance: f64) {
        let (measured, expected) = (measured.unwrap(), expected.unwrap());
        assert!((measured - expected).abs() <= tolerance, "{measured} {expected}");
    }

    #[test]
    fn pollers_come_to_what_theory_expects() {
        let summary = summarise(&trace(), &[]);
        assert_eq!(summary.warnings, []);
        for (client, t) in summary.clients[1..].iter().zip([31e6, 251e6]) {
            let expected = client.expected;
            near(client.mean_period_ns, Some(t), 1.0);
            near(client.achieved_period_ns.map(|e| e.point), Some(t), 1e-3 * t);
            near(client.mean_round_trip_ns, Some(1e6), 1.0);
            near(expected.notice_mean_ns, Some((t + 1e6) / 2.0), 1.0);
            near(client.notice.mean_ns.map(|e| e.point), expected.notice_mean_ns, 0.01 * t);
            near(client.missed_fraction.map(|e| e.point), expected.missed_fraction, 0.01);
            near(client.redundant_fraction.map(|e| e.point), expected.redundant_fraction, 0.01);
            near(client.seen.mean_ns.map(|e| e.point), expected.seen_mean_ns, 0.01 * t);
            near(client.age_mean_ns.map(|e| e.point), expected.age_mean_ns, 0.01 * t);
            near(client.age_peak_ns.map(|e| e.point), expected.age_peak_ns, 0.01 * t);
            let band = expected.notice_band_ns.unwrap();
            let p90 = client.notice.p90_ns.unwrap().point;
            assert!(band.0 < p90 && p90 < band.1);
        }
    }

    #[test]
    fn a_monitor_sees_everything() {
        let monitor = &summarise(&trace(), &[]).clients[0];
        assert_eq!((monitor.changes, monitor.noticed, monitor.missed, monitor.unnoticed), (4000, 4000, 0, 0));
        assert_eq!(monitor.notice.mean_ns.map(|e| (e.point, e.interval)), Some((60_000.0, Some((60_000.0, 60_000.0)))));
        assert_eq!((monitor.requests, monitor.redundant_fraction, monitor.achieved_period_ns), (0, None, None));
        assert_eq!(monitor.expected, crate::summary::Expected { missed_fraction: Some(0.0), ..Default::default() });
        assert_eq!(monitor.seen.histogram.len(), 4000);
        assert_eq!((monitor.missed_fraction.map(|e| e.point), monitor.repeats), (Some(0.0), 2));
    }

    #[test]
    fn costs_are_rates_over_the_window() {
        let mut trace = trace();
        for segment in &mut trace.segments {
            segment.cpu_client = Some(Span::from_millis(200));
            segment.cpu_ioc = Some(Span::from_millis(300));
            segment.wakeups = Some(50);
            segment.ioc.bytes_out = 1000;
        }
        trace.segments[0].wakeups = None;
        let client = &summarise(&trace, &[]).clients[0];
        assert_eq!(client.cpu_client_percent.map(|e| e.point), Some(2.0));
        assert_eq!(client.cpu_ioc_percent.map(|e| e.point), Some(3.0));
        assert_eq!(client.cpu_us_per_notice.map(|e| e.point), Some(500_000.0 / 2000.0));
        assert_eq!(client.bytes_out_per_s.map(|e| e.point), Some(100.0));
        assert_eq!(client.wakeups_per_s.map(|e| (e.point, e.interval, e.n)), Some((5.0, None, 1)));
    }

    #[test]
    fn an_external_poller_is_known_by_the_ledger() {
        let mut trace = trace();
        trace.segments.iter_mut().for_each(|s| s.tally = None);
        let client = &summarise(&trace, &[]).clients[1];
        near(client.achieved_period_ns.map(|e| e.point), Some(31e6), 1e5);
        near(client.redundant_fraction.map(|e| e.point), client.expected.redundant_fraction, 0.01);
        assert_eq!(client.achieved_period_p99_ns, None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let mut trace = trace();
        trace.scenario.groups[0].phase = Phase::Aligned;
        trace.scenario.groups[0].change = Change::Periodic { interval: Span::from_millis(62) };
        trace.scenario.repeats = 3;
        trace.scenario.min_periods = 100;
        trace.scenario.concurrent = true;
        let far = Observation {
            pv: PvId(3),
            seq: Seq(1 << 40),
            asked: None,
            received: trace.segments[1].window.open,
            first: false,
            copy: 0,
        };
        trace.segments[1].observations.push(far);
        if let Some(tally) = &mut trace.segments[1].tally {
            tally.requests = tally.requests.map(|n| n + 1);
            tally.overflowed = 5;
        }
        trace.segments[1].steal = Some(Span::from_secs(1));
        trace.segments[1].warnings.push("a circuit was closed".into());
        trace.segments.retain(|s| s.client == 1);
        let note = Finding::NoChanges.warning(None);
        let summary = summarise(&trace, std::slice::from_ref(&note));
        assert_eq!(summary.clients.len(), 1);
        assert_eq!(summary.warnings[0], note);
        let said: Vec<_> = summary.warnings.iter().map(|w| format!("{:?} {}", w.client, w.what)).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn recording_every_reply_changes_no_number() {
        let news = trace();
        let mut full = trace();
        for (place, period) in [(1, 31), (2, 251), (4, 31), (5, 251)] {
            let emissions = &full.emissions[place / 3];
            let bare =
                Segment { observations: Vec::new(), ledger: Vec::new(), tally: None, ..full.segments[place].clone() };
            full.segments[place] = poll_in_full(bare, emissions, 20, period * MS, MS);
        }
        let recorded = |trace: &Trace| trace.segments.iter().map(|s| s.observations.len()).sum::<usize>();
        assert!(recorded(&full) > recorded(&news));
        // Not `assert_eq`: a histogram prints all of its buckets.
        assert!(summarise(&full, &[]) == summarise(&news, &[]));
    }
}
