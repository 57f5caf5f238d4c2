//! An excerpt that is gathered a segment at a time, so that a run's facts need not be in memory together.

use hdrhistogram::Histogram;

use super::second::a_second;
use super::{COLUMNS, ClientExcerpt, Excerpt, Place, ROWS_PER_DECADE, Second, VERSION};
use crate::scenario::model::Scenario;
use crate::stats::distribution::merge;
use crate::time::Tick;
use crate::trace::histogram::nanoseconds;
use crate::trace::pairing::Change;
use crate::trace::{Emission, EmissionIndex, Segment};

/// At most so many groups of places in a burst.
const PLACES: usize = 50;
/// Rows of the heat map: the decades of 64 bits.
const ROWS: usize = 20 * ROWS_PER_DECADE as usize;

/// The most changes of a repeat that were due at the same instant.
#[must_use]
pub fn longest_burst(emissions: &[Emission]) -> u32 {
    let bursts = emissions.chunk_by(|a, b| a.due == b.due);
    bursts.map(|burst| u32::try_from(burst.len()).unwrap_or(u32::MAX)).max().unwrap_or(0)
}

/// The place of each change of a repeat among those that were due at the same instant.
#[derive(Debug)]
pub struct Bursts {
    /// From 1; none where no two changes were due at the same instant.
    places: Vec<u32>,
}

impl Bursts {
    fn new(emissions: &[Emission], any: bool) -> Bursts {
        let bursts = emissions.chunk_by(|a, b| a.due == b.due).take(if any { usize::MAX } else { 0 });
        Bursts { places: bursts.flat_map(|burst| 1..=burst.len() as u32).collect() }
    }
}

/// What is gathered of one client, or of one of its segments.
#[derive(Debug)]
pub struct Taken {
    client: usize,
    open: Tick,
    /// The longest window of the client's repeats.
    window_ns: u64,
    /// So many places of a burst are taken together.
    wide: u32,
    second: Option<Second>,
    /// Column by column.
    heat: Vec<u32>,
    /// By place in a burst.
    burst: Vec<Histogram<u64>>,
}

impl Taken {
    fn new(client: usize, open: Tick, window_ns: u64, wide: u32) -> Taken {
        let heat = vec![0; COLUMNS * ROWS];
        Taken { client, open, window_ns, wide, second: None, heat, burst: Vec::new() }
    }

    /// Takes notice of a change.
    pub fn see(&mut self, change: &Change, bursts: &Bursts) {
        let Some(ns) = change.notice_ns().and_then(|ns| u64::try_from(ns).ok()).filter(|ns| *ns > 0) else { return };
        let since = change.emission.posted.saturating_since(self.open).0;
        let column = match since.checked_mul(COLUMNS as u64) {
            Some(parts) => parts / self.window_ns,
            None => (u128::from(since) * COLUMNS as u128 / u128::from(self.window_ns)) as u64,
        };
        let column = (column as usize).min(COLUMNS - 1);
        let row = ((ns as f64).log10() * ROWS_PER_DECADE).floor() as usize;
        if let Some(cell) = self.heat.get_mut(column * ROWS + row.min(ROWS - 1)) {
            *cell += 1;
        }
        if let Some(place) = bursts.places.get(change.place as usize) {
            self.group((place - 1) / self.wide).saturating_record(ns);
        }
    }

    fn group(&mut self, group: u32) -> &mut Histogram<u64> {
        let group = group as usize;
        while self.burst.len() <= group {
            self.burst.push(nanoseconds());
        }
        &mut self.burst[group]
    }

    fn merge(&mut self, other: Taken) {
        self.second = self.second.take().or(other.second);
        self.heat.iter_mut().zip(&other.heat).for_each(|(sum, more)| *sum += more);
        for (group, more) in other.burst.iter().enumerate() {
            merge(self.group(group as u32), more);
        }
    }

    fn finish(self, name: String) -> ClientExcerpt {
        let wide = self.wide;
        let place = |(group, histogram): (usize, &Histogram<u64>)| {
            let quantile = |q| histogram.value_at_quantile(q);
            let at = group as u32 + 1;
            (!histogram.is_empty()).then(|| Place {
                places: ((at - 1) * wide + 1, at * wide),
                n: histogram.len(),
                quantiles_ns: (quantile(0.05), quantile(0.5), quantile(0.95)),
            })
        };
        let groups = if self.burst.len() > 1 { self.burst.as_slice() } else { &[] };
        let cells = self.heat.iter().enumerate().filter(|(_, n)| **n > 0);
        ClientExcerpt {
            name,
            second: self.second,
            heat: cells.map(|(at, n)| ((at / ROWS) as u16, (at % ROWS) as i16, *n)).collect(),
            window_ns: self.window_ns,
            burst: groups.iter().enumerate().filter_map(place).collect(),
        }
    }
}

/// An excerpt under way.
#[derive(Debug)]
pub struct Gathering<'a> {
    scenario: &'a Scenario,
    /// Of each client: where its first segment stands, and what was gathered.
    clients: Vec<Option<(usize, Taken)>>,
    bursts: bool,
}

impl<'a> Gathering<'a> {
    /// Of these segments, whose facts are still to come; `longest` is the longest burst of all repeats.
    #[must_use]
    pub fn new(scenario: &'a Scenario, segments: &[Segment], longest: u32) -> Gathering<'a> {
        // Neighbouring places of long bursts are taken together.
        let wide = longest.div_ceil(PLACES as u32).max(1);
        let of_client = |client: usize| {
            let first = segments.iter().position(|s| s.client == client)?;
            let own = segments.iter().filter(|s| s.client == client);
            let window_ns = own.map(|s| s.window.length().0).max()?.max(1);
            Some((first, Taken::new(client, Tick(0), window_ns, wide)))
        };
        Gathering { scenario, clients: (0..scenario.clients.len()).map(of_client).collect(), bursts: longest > 1 }
    }

    /// The bursts of a repeat, as far as they matter.
    #[must_use]
    pub fn bursts(&self, emissions: &[Emission]) -> Bursts {
        Bursts::new(emissions, self.bursts && longest_burst(emissions) > 1)
    }

    /// The beginning of what is taken of a segment, which stands at `place` among all; its changes are to be shown to it.
    #[must_use]
    pub fn take(&self, place: usize, segment: &Segment, index: &EmissionIndex<'_>) -> Taken {
        let Some(Some((first, of_client))) = self.clients.get(segment.client) else {
            return Taken::new(segment.client, segment.window.open, 1, 1);
        };
        let mut taken = Taken::new(segment.client, segment.window.open, of_client.window_ns, of_client.wide);
        if *first == place {
            let pv = self.scenario.clients.get(segment.client).and_then(|client| client.pvs.first());
            taken.second = pv.and_then(|pv| {
                let name = self.scenario.pvs.get(pv.index())?.name.to_string();
                a_second(name, *pv, segment, index)
            });
        }
        taken
    }

    /// Adds what was taken of a segment.
    pub fn add(&mut self, taken: Taken) {
        if let Some(Some((_, of_client))) = self.clients.get_mut(taken.client) {
            of_client.merge(taken);
        }
    }

    /// What was gathered of all clients.
    #[must_use]
    pub fn finish(self) -> Excerpt {
        let named = self.clients.into_iter().zip(&self.scenario.clients);
        let clients = named.filter_map(|(of, client)| Some(of?.1.finish(client.name.clone())));
        Excerpt { version: VERSION, clients: clients.collect() }
    }
}
