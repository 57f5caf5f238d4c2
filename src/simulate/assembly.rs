//! Groups put together to one run, as if they had run one after the other on one IOC.
//!
//! Each group has an IOC of its own, so that groups can be simulated side by side. In a run the groups of a repeat follow each other: later
//! ones have later times, and their changes higher numbers.

use super::group::Simulated;
use crate::pv::{PvId, Seq};
use crate::scenario::model::Scenario;
use crate::summary::{Measured, Summary, Warning, summarise_measured};
use crate::time::Tick;
use crate::trace::{Emission, Failure, IocTally, Observation, Outage, Request, Segment, Trace, Window};

/// By how much the facts of a group are moved.
#[derive(Clone, Debug, Default)]
pub struct Offset {
    time: u64,
    changes: Vec<u64>,
}

impl Offset {
    /// After this group.
    pub fn pass(&mut self, group: &Simulated) {
        self.time += group.end.0;
        self.changes.resize(self.changes.len().max(group.changes.len()), 0);
        for (sum, more) in self.changes.iter_mut().zip(&group.changes) {
            *sum += more.0;
        }
    }

    fn at(&self, at: Tick) -> Tick {
        Tick(at.0 + self.time)
    }

    fn seq(&self, pv: PvId, seq: Seq) -> Seq {
        Seq(seq.0 + self.changes.get(pv.index()).copied().unwrap_or(0))
    }

    /// A change, moved.
    #[must_use]
    pub fn emission(&self, e: Emission) -> Emission {
        Emission { pv: e.pv, seq: self.seq(e.pv, e.seq), due: self.at(e.due), posted: self.at(e.posted) }
    }

    /// An observation, moved.
    #[must_use]
    pub fn observation(&self, o: Observation) -> Observation {
        let (asked, received) = (o.asked.map(|asked| self.at(asked)), self.at(o.received));
        Observation { seq: self.seq(o.pv, o.seq), asked, received, ..o }
    }

    /// A request, moved.
    #[must_use]
    pub fn request(&self, r: Request) -> Request {
        let (received, replied) = (self.at(r.received), self.at(r.replied));
        Request { pv: r.pv, received, replied, seq: self.seq(r.pv, r.seq) }
    }

    fn segment(&self, segment: Segment) -> Segment {
        let Window { open, close, end } = segment.window;
        let window = Window { open: self.at(open), close: self.at(close), end: self.at(end) };
        let outage = segment.ioc.outage.map(|o| Outage { down: self.at(o.down), up: self.at(o.up) });
        let ioc = IocTally { outage, ..segment.ioc };
        let mut tally = segment.tally;
        for loss in tally.iter_mut().flat_map(|tally| &mut tally.losses) {
            (loss.lost, loss.back) = (self.at(loss.lost), loss.back.map(|back| self.at(back)));
        }
        Segment { window, begun: self.at(segment.begun), ioc, tally, ..segment }
    }
}

/// A run that grows by a group at a time, in the order of [`super::Group::all`].
#[derive(Debug)]
pub struct Assembly {
    trace: Trace,
    measured: Vec<Measured>,
    failures: Vec<Failure>,
    offset: Offset,
}

impl Assembly {
    /// A run without groups.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Assembly {
        let trace =
            Trace { scenario: scenario.clone(), emissions: Vec::new(), segments: Vec::new(), probes: Vec::new() };
        Assembly { trace, measured: Vec::new(), failures: Vec::new(), offset: Offset::default() }
    }

    /// Adds the next group: by how much its facts are to be moved.
    pub fn add(&mut self, group: Simulated) -> Offset {
        if self.trace.emissions.len() <= group.repeat as usize {
            self.trace.emissions.resize(group.repeat as usize + 1, Vec::new());
            self.offset = Offset::default();
        }
        let offset = self.offset.clone();
        self.offset.pass(&group);
        self.trace.segments.extend(group.segments.into_iter().map(|segment| offset.segment(segment)));
        self.measured.extend(group.measured);
        let clients = &self.trace.scenario.clients;
        self.failures.extend(group.failed.into_iter().map(|(client, why)| Failure {
            client: clients.get(client).map(|client| client.name.clone()),
            repeat: group.repeat,
            why,
        }));
        offset
    }

    /// What could not be simulated.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Sums the run up. The trace has segments without facts.
    #[must_use]
    pub fn finish(self, notes: &[Warning]) -> (Trace, Summary) {
        let summary = summarise_measured(&self.trace.scenario, &self.trace.segments, &self.measured, notes);
        (self.trace, summary)
    }
}
