//! Small scenarios and segments for tests.

use super::strategy::fetch_word;
use super::{ClientSummary, Expected, Latency};
use crate::pv::{NativeType, PvId, PvName, Seq};
use crate::scenario::model::{
    AlarmSpec, Change, ClientSpec, DbrChoice, Facts, Fetch, Pacing, Phase, Program, PvGroup, PvSpec, Scenario, Signal,
};
use crate::scenario::probe::ProbeSpec;
use crate::time::{Span, Tick};
use crate::trace::histogram::nanoseconds;
use crate::trace::request::Count;
use crate::trace::{ClientTally, Emission, IocTally, LedgerRow, Observation, Segment, Window};

pub(crate) fn group(change: Change) -> PvGroup {
    PvGroup {
        pattern: "TEST:CALC{0..}".into(),
        native: NativeType::Double,
        count: 1,
        change,
        phase: Phase::Random,
        units: "mm".into(),
        precision: 3,
        labels: Vec::new(),
        display_limits: (0.0, 0.0),
        control_limits: (0.0, 0.0),
        alarm: AlarmSpec::default(),
        signal: Signal::Count,
        mdel: None,
        adel: None,
        writable: false,
    }
}

pub(crate) fn client(name: &str, fetch: Fetch, pacing: Option<Pacing>, pvs: usize) -> ClientSpec {
    ClientSpec {
        name: name.into(),
        program: Program::Native,
        fetch,
        pacing,
        pvs: (0..pvs as u32).map(PvId).collect(),
        dbr: DbrChoice::Time,
        service_time: Span::ZERO,
        copies: 1,
        hog_processes: 0,
    }
}

/// Groups of so many PVs each, and clients that look at them.
pub(crate) fn scenario(groups: Vec<(usize, PvGroup)>, clients: Vec<ClientSpec>) -> Scenario {
    let mut pvs = Vec::new();
    for (group, (count, _)) in groups.iter().enumerate() {
        for i in 0..*count {
            pvs.push(PvSpec { name: PvName::new(&format!("TEST:G{group}P{i}")).unwrap(), group });
        }
    }
    Scenario {
        name: "example".into(),
        title: "An example".into(),
        about: String::new(),
        seed: 1,
        repeats: 2,
        window: Span::from_secs(1),
        min_periods: 5,
        warmup: Span::from_millis(100),
        drain: Span::from_millis(100),
        connect_timeout: Span::from_secs(5),
        concurrent: false,
        restart: None,
        facts: Facts::News,
        event_queue: None,
        spin: None,
        steady: false,
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        pvs,
        clients,
        probes: Vec::new(),
        claims: Vec::new(),
        expectations: Vec::new(),
    }
}

/// A segment in which nothing was recorded.
pub(crate) fn segment(client: usize, repeat: u32, open: u64, close: u64, end: u64) -> Segment {
    Segment {
        client,
        repeat,
        begun: Tick(0),
        window: Window { open: Tick(open), close: Tick(close), end: Tick(end) },
        connect: None,
        cpu_client: None,
        cpu_ioc: None,
        cpu_others: None,
        steal: None,
        wakeups: None,
        observations: Vec::new(),
        ledger: Vec::new(),
        ioc: IocTally::default(),
        requests: Vec::new(),
        tally: None,
        warnings: Vec::new(),
    }
}

/// Changes of PVs at even phases, every `interval` until `end`, in the order of posting.
pub(crate) fn posted(pvs: u64, interval: u64, end: u64, phase: u64) -> Vec<Emission> {
    let times = (0..).map(|k| (k, phase + k * interval / pvs)).take_while(|(_, at)| *at < end);
    times
        .map(|(k, at)| Emission {
            pv: PvId((k % pvs) as u32),
            seq: Seq(k / pvs + 1),
            due: Tick(at),
            posted: Tick(at + 1_000),
        })
        .collect()
}

/// A monitor that has each change `delay` after its posting.
pub(crate) fn push(mut segment: Segment, emissions: &[Emission], delay: u64) -> Segment {
    let from = segment.window.open.0 - 500_000_000;
    let life = from..=segment.window.end.0 - delay;
    let mut seen = std::collections::HashSet::new();
    segment.observations = emissions
        .iter()
        .filter(|e| life.contains(&e.posted.0))
        .map(|e| Observation {
            pv: e.pv,
            seq: e.seq,
            asked: None,
            received: e.posted + Span(delay),
            first: seen.insert(e.pv),
            copy: 0,
        })
        .collect();
    for pv in &seen {
        let of_pv = segment.observations.iter().filter(|o| o.pv == *pv);
        let within = of_pv.clone().filter(|o| segment.window.contains(o.received)).count() as u64;
        let total = Count { updates_sent: of_pv.count() as u64, ..Count::default() };
        segment.ledger.push(LedgerRow { pv: *pv, window: Count { updates_sent: within, ..Count::default() }, total });
    }
    segment.ledger.sort_by_key(|row| row.pv);
    let mut tally = tally();
    tally.updates = Some(segment.observations.len() as u64);
    segment.tally = Some(Box::new(tally));
    segment
}

fn tally() -> ClientTally {
    ClientTally {
        requests: Some(0),
        redundant: Some(0),
        updates: Some(0),
        periods: nanoseconds(),
        mean_period_ns: None,
        round_trips: nanoseconds(),
        mean_round_trip_ns: None,
        ambiguous: 0,
        overflowed: 0,
        losses: Vec::new(),
    }
}

/// A poller that reads all PVs every `period`; the IOC reads half of `round_trip` after the asking.
pub(crate) fn poll(segment: Segment, emissions: &[Emission], pvs: u32, period: u64, round_trip: u64) -> Segment {
    let mut segment = poll_in_full(segment, emissions, pvs, period, round_trip);
    let mut held = std::collections::HashMap::new();
    segment.observations.retain(|o| held.insert(o.pv, o.seq) != Some(o.seq));
    segment
}

/// The same with `facts = "full"`: redundant replies are recorded too.
pub(crate) fn poll_in_full(
    mut segment: Segment,
    emissions: &[Emission],
    pvs: u32,
    period: u64,
    round_trip: u64,
) -> Segment {
    let window = segment.window;
    let (mut tally, mut rows) = (tally(), Vec::new());
    for pv in (0..pvs).map(PvId) {
        let of_pv: Vec<_> = emissions.iter().filter(|e| e.pv == pv).collect();
        let (mut window_count, mut total, mut last) = (Count::default(), Count::default(), None);
        let mut asked = window.open.0 - 2 * period;
        while asked + round_trip <= window.end.0 {
            let read = Tick(asked + round_trip / 2);
            let newest = of_pv.partition_point(|e| e.posted <= read).checked_sub(1).map_or(Seq(0), |i| of_pv[i].seq);
            let redundant = u64::from(last == Some(newest));
            let get = Count { requests: 1, redundant, ..Count::default() };
            total.add(&get);
            if window.contains(read) {
                window_count.add(&get);
            }
            let (sent, received) = (Some(Tick(asked)), Tick(asked + round_trip));
            let first = last.is_none();
            segment.observations.push(Observation { pv, seq: newest, asked: sent, received, first, copy: 0 });
            last = Some(newest);
            asked += period;
        }
        tally.requests = tally.requests.map(|sum| sum + total.requests);
        tally.redundant = tally.redundant.map(|sum| sum + total.redundant);
        rows.push(LedgerRow { pv, window: window_count, total });
    }
    segment.observations.sort_by_key(|o| o.received);
    tally.periods.record_n(period, window.length().0 / period).unwrap();
    tally.mean_period_ns = Some(period as f64);
    segment.ledger = rows;
    segment.tally = Some(Box::new(tally));
    segment
}

/// A probe with this program, called `a-PROGRAM`.
pub(crate) fn probe(program: &str) -> ProbeSpec {
    ProbeSpec {
        name: format!("a-{program}"),
        program: program.into(),
        python: None,
        arguments: Vec::new(),
        timeout: Span::from_secs(60),
        optional: false,
    }
}

/// The summary of a client of which nothing is known yet.
pub(crate) fn summary_of(name: &str, fetch: Fetch) -> ClientSummary {
    let latency =
        Latency { histogram: nanoseconds(), negative: 0, mean_ns: None, p50_ns: None, p90_ns: None, p99_ns: None };
    ClientSummary {
        name: name.into(),
        strategy: fetch_word(fetch).into(),
        fetch,
        pacing: None,
        asked_period: None,
        achieved_period_ns: None,
        achieved_period_p99_ns: None,
        mean_period_ns: None,
        mean_round_trip_ns: None,
        pvs: 0,
        copies: 1,
        repeats: 0,
        changes: 0,
        noticed: 0,
        missed: 0,
        unnoticed: 0,
        missed_fraction: None,
        requests: 0,
        redundant: 0,
        redundant_fraction: None,
        updates_replaced: 0,
        notice: latency.clone(),
        intended: latency.clone(),
        seen: latency,
        age_mean_ns: None,
        age_peak_ns: None,
        cpu_client_percent: None,
        cpu_ioc_percent: None,
        cpu_us_per_notice: None,
        requests_per_s: None,
        bytes_in_per_s: None,
        bytes_out_per_s: None,
        wakeups_per_s: None,
        others_percent: None,
        stolen_percent: None,
        connect_ns: None,
        recovery_ns: None,
        expected: Expected::default(),
        by_repeat: Vec::new(),
    }
}
