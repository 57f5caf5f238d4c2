//! What figures need of the facts, small enough to be kept beside the summary: a second of one PV, how latency went over the window,
//! and what the place in a burst does. A run whose tables were not kept is drawn from it.

mod gather;
mod second;

use serde::{Deserialize, Serialize};

use crate::trace::pairing::pair;
use crate::trace::{ByPv, EmissionIndex, Observation, Trace};
pub use gather::{Bursts, Gathering, Taken, longest_burst};

/// Version of the layout of `excerpt.json`.
const VERSION: u32 = 1;
/// Columns of the heat map: equal parts of the window.
pub const COLUMNS: usize = 40;
/// Rows of the heat map in each decade of latency.
pub const ROWS_PER_DECADE: f64 = 6.0;

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
        let longest = trace.emissions.iter().map(|of_repeat| longest_burst(of_repeat)).max().unwrap_or(0);
        let mut gathering = Gathering::new(scenario, &trace.segments, longest);
        for (repeat, emissions) in trace.emissions.iter().enumerate() {
            let index = EmissionIndex::new(scenario.pvs.len(), emissions);
            let bursts = gathering.bursts(emissions);
            for (place, segment) in trace.segments.iter().enumerate().filter(|(_, s)| s.repeat as usize == repeat) {
                let Some(client) = scenario.clients.get(segment.client) else { continue };
                // A client's first copy stands for all.
                let first: Vec<Observation> = segment.observations.iter().filter(|o| o.copy == 0).copied().collect();
                let by_pv = ByPv::new(scenario.pvs.len(), first.iter().map(|o| o.pv));
                let mut taken = gathering.take(place, segment, &index);
                pair(&index, &first, &by_pv, &client.pvs, segment.window, |change| {
                    taken.see(change, &bursts);
                });
                gathering.add(taken);
            }
        }
        gathering.finish()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::{Change, Fetch, Pacing};
    use crate::summary::example;
    use crate::time::{Span, Tick};

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
