//! What figures need of the facts, small enough to be kept beside the summary: a second of one PV, how latency went over the window,
//! and what the place in a burst does. A run whose tables were not kept is drawn from it.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use std::borrow::Cow;

use crate::pv::{PvId, Seq};
use crate::scenario::model::ClientSpec;
use crate::time::{Span, Tick};
use crate::trace::histogram::nanoseconds;
use crate::trace::pairing::pair;
use crate::trace::{ByPv, Emission, EmissionIndex, Segment, Trace, Window};

/// Version of the layout of `excerpt.json`.
const VERSION: u32 = 1;
/// The stretch that the timeline shows, unless it has too few changes or too many.
const SECOND: Span = Span::from_secs(1);
/// At least and at most so many changes, as far as the window has them.
const FEWEST: usize = 4;
const MOST: usize = 30;
/// Columns of the heat map: equal parts of the window.
pub const COLUMNS: usize = 40;
/// Rows of the heat map in each decade of latency.
pub const ROWS_PER_DECADE: f64 = 6.0;
/// At most so many groups of places in a burst.
const PLACES: usize = 50;

/// Of each client that was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excerpt {
    /// Of the layout.
    pub version: u32,
    /// In the order of the scenario.
    pub clients: Vec<ClientExcerpt>,
}

/// Of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientExcerpt {
    /// Its name.
    pub name: String,
    /// One of its PVs for a while in its first repeat.
    pub second: Option<Second>,
    /// Changes by when they were posted and how late they were noticed, all repeats together: column, row, how many.
    pub heat: Vec<(u16, i16, u32)>,
    /// The longest window of its repeats, in ns: what the columns are parts of.
    pub window_ns: u64,
    /// By place in a burst; empty where no two changes were due at the same instant.
    pub burst: Vec<Place>,
}

/// One PV for a while. Times are ns since the opening of the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// Which.
    pub pv: String,
    /// How long the while is, in ns.
    pub length_ns: u64,
    /// Its changes: number and when posted; the one before the while first, if there is one.
    pub posted: Vec<(u64, i64)>,
    /// What the client came to hold: number, when received, when posted; what it held at the opening first.
    pub held: Vec<(u64, i64, i64)>,
}

/// Changes at one place of a burst, or at a few neighbouring ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// First and last place, from 1.
    pub places: (u32, u32),
    /// How many changes.
    pub n: u64,
    /// 5 %, 50 % and 95 % of their notice latencies, in ns.
    pub quantiles_ns: (u64, u64, u64),
}

impl Excerpt {
    /// Takes it from the facts.
    #[must_use]
    pub fn of(trace: &Trace) -> Excerpt {
        let scenario = &trace.scenario;
        let posted: Vec<Posted> = trace.emissions.iter().map(|of_repeat| Posted::new(of_repeat)).collect();
        // Neighbouring places of long bursts are taken together.
        let wide = posted.iter().map(|p| p.longest).max().unwrap_or(1).div_ceil(PLACES as u32).max(1);
        let clients = scenario.clients.iter().enumerate().filter_map(|(number, client)| {
            let segments: Vec<&Segment> = trace.segments.iter().filter(|s| s.client == number).collect();
            let first = segments.first()?;
            let mut taken = Taken::new(segments.iter().map(|s| s.window.length().0).max()?);
            let mut second = None;
            for whole in &segments {
                let first_copy = first_copy(client.copies, whole);
                let segment = first_copy.as_ref();
                let emissions = trace.emissions.get(segment.repeat as usize)?;
                let index = EmissionIndex::new(scenario.pvs.len(), emissions);
                let by_pv = ByPv::new(scenario.pvs.len(), segment.observations.iter().map(|o| o.pv));
                taken.add(client, segment, &index, &by_pv, posted.get(segment.repeat as usize)?, wide);
                if std::ptr::eq(*whole, *first) {
                    second = client.pvs.first().and_then(|pv| {
                        let name = scenario.pvs.get(pv.index())?.name.to_string();
                        a_second(name, *pv, segment, &index, &by_pv)
                    });
                }
            }
            Some(taken.finish(wide, client.name.clone(), second))
        });
        Excerpt { version: VERSION, clients: clients.collect() }
    }

    /// As bytes.
    ///
    /// # Errors
    /// None in practice.
    pub fn write(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// From bytes.
    ///
    /// # Errors
    /// In words, when they are none, or of another version.
    pub fn read(bytes: &[u8]) -> Result<Excerpt, String> {
        let excerpt: Excerpt = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if excerpt.version != VERSION {
            return Err(format!("version {}; this version of pollcost reads version {VERSION}", excerpt.version));
        }
        Ok(excerpt)
    }
}

/// The changes of a repeat in the order of posting, each with its place among those that were due at the same instant.
struct Posted {
    /// When posted, number, PV, place from 1.
    places: Vec<(Tick, Seq, PvId, u32)>,
    longest: u32,
}

impl Posted {
    fn new(emissions: &[Emission]) -> Posted {
        let (mut due, mut place, mut longest) = (None, 0, 0);
        let mut places = Vec::with_capacity(emissions.len());
        for emission in emissions {
            place = if due == Some(emission.due) { place + 1 } else { 1 };
            due = Some(emission.due);
            longest = place.max(longest);
            places.push((emission.posted, emission.seq, emission.pv, place));
        }
        Posted { places, longest }
    }

    fn place(&self, emission: &Emission) -> Option<u32> {
        let from = self.places.partition_point(|(posted, ..)| *posted < emission.posted);
        let same = self.places.get(from..)?.iter().take_while(|(posted, ..)| *posted == emission.posted);
        same.into_iter().find(|(_, seq, pv, _)| (*seq, *pv) == (emission.seq, emission.pv)).map(|found| found.3)
    }
}

/// What is gathered of one client.
struct Taken {
    window_ns: u64,
    heat: std::collections::BTreeMap<(u16, i16), u32>,
    /// By place in a burst.
    burst: Vec<Histogram<u64>>,
}

impl Taken {
    fn new(window_ns: u64) -> Taken {
        Taken { window_ns: window_ns.max(1), heat: std::collections::BTreeMap::new(), burst: Vec::new() }
    }

    fn add(
        &mut self,
        client: &ClientSpec,
        segment: &Segment,
        index: &EmissionIndex<'_>,
        by_pv: &ByPv,
        posted: &Posted,
        wide: u32,
    ) {
        let Window { open, .. } = segment.window;
        let bursts = posted.longest > 1;
        pair(index, &segment.observations, by_pv, &client.pvs, segment.window, |change| {
            let Some(ns) = change.notice_ns().and_then(|ns| u64::try_from(ns).ok()).filter(|ns| *ns > 0) else {
                return;
            };
            let since = change.emission.posted.saturating_since(open).0;
            let column = (u128::from(since) * COLUMNS as u128 / u128::from(self.window_ns)).min(COLUMNS as u128 - 1);
            let row = ((ns as f64).log10() * ROWS_PER_DECADE).floor();
            *self.heat.entry((column as u16, row as i16)).or_default() += 1;
            if let Some(place) = bursts.then(|| posted.place(&change.emission)).flatten() {
                let group = ((place - 1) / wide) as usize;
                while self.burst.len() <= group {
                    self.burst.push(nanoseconds());
                }
                self.burst[group].saturating_record(ns);
            }
        });
    }

    fn finish(self, wide: u32, name: String, second: Option<Second>) -> ClientExcerpt {
        let groups = self.burst.len() as u32;
        let place = |(group, histogram): (usize, &Histogram<u64>)| {
            let quantile = |q| histogram.value_at_quantile(q);
            let at = group as u32 + 1;
            (!histogram.is_empty()).then(|| Place {
                places: ((at - 1) * wide + 1, at * wide),
                n: histogram.len(),
                quantiles_ns: (quantile(0.05), quantile(0.5), quantile(0.95)),
            })
        };
        let burst = if groups > 1 { self.burst.iter().enumerate().filter_map(place).collect() } else { Vec::new() };
        ClientExcerpt {
            name,
            second,
            heat: self.heat.into_iter().map(|((column, row), n)| (column, row, n)).collect(),
            window_ns: self.window_ns,
            burst,
        }
    }
}

/// A while of one PV from the opening of the window.
/// A segment with the observations of its client's first copy alone, which stands for all.
fn first_copy(copies: u32, segment: &Segment) -> Cow<'_, Segment> {
    if copies == 1 {
        return Cow::Borrowed(segment);
    }
    let observations = segment.observations.iter().filter(|o| o.copy == 0).copied().collect();
    Cow::Owned(Segment { observations, ..segment.clone() })
}

fn a_second(pv_name: String, pv: PvId, segment: &Segment, index: &EmissionIndex<'_>, by_pv: &ByPv) -> Option<Second> {
    let Window { open, close, .. } = segment.window;
    let since = |at: Tick| at.signed_since(open);
    let all: Vec<&Emission> = index.in_window(pv, segment.window).collect();
    let mut length = SECOND.0;
    let within =
        |length: u64| all.iter().filter(|e| since(e.posted) < i64::try_from(length).unwrap_or(i64::MAX)).count();
    if within(length) < FEWEST {
        length = all.get(FEWEST - 1).map_or(segment.window.length().0, |e| since(e.posted).unsigned_abs() * 5 / 4);
    }
    if within(length) > MOST {
        length = all.get(MOST).map_or(length, |e| since(e.posted).unsigned_abs());
    }
    let length = length.min(close.saturating_since(open).0);
    let end = i64::try_from(length).ok()?;
    let posted_of = |seq: Seq| index.find(pv, seq).map(|e| since(e.posted));

    let mut held: Vec<(u64, i64, i64)> = Vec::new();
    for observation in by_pv.of(pv).iter().map(|&i| &segment.observations[i as usize]) {
        let at = since(observation.received);
        let Some(posted) = posted_of(observation.seq).filter(|_| at < end) else { continue };
        if held.last().is_some_and(|(seq, ..)| *seq >= observation.seq.0) {
            continue;
        }
        if at < 0 {
            held.clear();
        }
        held.push((observation.seq.0, at, posted));
    }
    let first = all.first()?.seq.0;
    let before = posted_of(Seq(first.checked_sub(1)?)).map(|at| (first - 1, at));
    let posted = before.into_iter().chain(all.iter().map(|e| (e.seq.0, since(e.posted))).filter(|(_, at)| *at < end));
    Some(Second { pv: pv_name, length_ns: length, posted: posted.collect(), held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::{Change, Fetch, Pacing};
    use crate::summary::example;

    const MS: u64 = 1_000_000;

    fn trace() -> Trace {
        let change = Change::Periodic { interval: Span::from_millis(100) };
        let delay = Some(Pacing::FixedDelay { period: Span::from_millis(30) });
        let clients =
            vec![example::client("monitor", Fetch::Monitor, None, 4), example::client("poll", Fetch::Batch, delay, 4)];
        let scenario = example::scenario(vec![(4, example::group(change))], clients);
        let mut trace = Trace { scenario, emissions: Vec::new(), segments: Vec::new(), probes: Vec::new() };
        for repeat in 0..2u32 {
            let emissions = example::posted(4, 100 * MS, 6_000 * MS, 7);
            let segment = |client: usize| {
                let open = (1000 + 2000 * client as u64) * MS;
                example::segment(client, repeat, open, open + 1000 * MS, open + 1200 * MS)
            };
            trace.segments.push(example::push(segment(0), &emissions, 60_000));
            trace.segments.push(example::poll(segment(1), &emissions, 4, 31 * MS, MS));
            trace.emissions.push(emissions);
        }
        trace
    }

    #[test]
    fn a_second_shows_what_was_posted_and_what_was_believed() {
        let excerpt = Excerpt::of(&trace());
        assert_eq!(excerpt.clients.len(), 2);
        for client in &excerpt.clients {
            let second = client.second.as_ref().unwrap();
            let end = second.length_ns as i64;
            assert!(second.posted.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
            assert!(second.held.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
            assert!(second.held.iter().all(|(_, received, posted)| received >= posted && *received < end));
            assert!((4..=31).contains(&second.posted.len()), "{}", second.posted.len());
        }
        let late = |client: &ClientExcerpt| {
            let second = client.second.as_ref().unwrap();
            second.held.iter().skip(1).map(|(_, received, posted)| received - posted).max().unwrap()
        };
        assert_eq!(late(&excerpt.clients[0]), 60_000);
        assert!(late(&excerpt.clients[1]) > 1_000_000);
    }

    #[test]
    fn every_noticed_change_is_in_the_heat_map_once() {
        let trace = trace();
        let summary = crate::summary::summarise(&trace, &[]);
        for (client, of) in Excerpt::of(&trace).clients.iter().zip(&summary.clients) {
            assert_eq!(client.heat.iter().map(|cell| u64::from(cell.2)).sum::<u64>(), of.noticed);
            assert!(client.heat.iter().all(|cell| usize::from(cell.0) < COLUMNS));
        }
    }

    #[test]
    fn places_in_a_burst_are_told_apart() {
        let mut trace = trace();
        for emission in trace.emissions.iter_mut().flatten() {
            // All PVs of a round are due at once, and each is posted after the one before.
            emission.due = Tick(emission.due.0 / (100 * MS) * 100 * MS);
        }
        let burst = &Excerpt::of(&trace).clients[0].burst;
        assert_eq!(burst.len(), 4);
        assert!(burst.iter().all(|place| place.n > 0));
        assert_eq!(burst[3].places, (4, 4));
    }

    #[test]
    fn it_comes_back_as_it_was() {
        let excerpt = Excerpt::of(&trace());
        let bytes = excerpt.write().unwrap();
        assert_eq!(Excerpt::read(&bytes), Ok(excerpt.clone()));
        let other = Excerpt { version: 9, ..excerpt };
        assert!(Excerpt::read(&other.write().unwrap()).unwrap_err().contains("version 9"));
        assert!(Excerpt::read(b"{").is_err());
    }
}
