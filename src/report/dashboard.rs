//! What a terminal shows while a run goes: where it is, and what each client came to so far. The state takes in what happened and the
//! time; drawing it is a pure function.

mod draw;
mod row;
#[cfg(test)]
mod tests;

use crate::scenario::model::Scenario;
use crate::stats::Distribution;
use crate::summary::Measured;
use crate::time::{Span, Tick};
use crate::trace::Segment;
pub use draw::draw;

/// The whole of what is shown.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// What is run.
    scenario: String,
    repeats: u32,
    clients: Vec<Client>,
    /// What is going on, in words: clients or a probe.
    what: String,
    repeat: u32,
    /// Groups of clients that have started, and how many there are.
    groups: (usize, usize),
    /// When the group that runs began, and how long it takes, about.
    now_running: Option<(Tick, Span)>,
    /// How long the groups that are over were expected to take, and all of them.
    passed: Span,
    all: Span,
    /// What went wrong or needs a reader's eye, the latest last.
    warnings: Vec<String>,
    /// Whether a person has ended it.
    ending: bool,
}

/// What one client came to so far.
#[derive(Clone, Debug)]
struct Client {
    name: String,
    running: bool,
    failed: bool,
    repeats: u32,
    notice: Distribution,
    /// Median notice latency of each repeat in ns, as far as it has one.
    medians: Vec<f64>,
    changes: u64,
    missed: u64,
    requests: u64,
    redundant: u64,
    window: Span,
    cpu_client: Option<Span>,
    cpu_ioc: Option<Span>,
}

impl Dashboard {
    /// Before the first client. `groups` is how many groups of clients run one after the other, `all` how long they take, about.
    #[must_use]
    pub fn new(scenario: &Scenario, groups: usize, all: Span) -> Dashboard {
        let client = |name: &String| Client {
            name: name.clone(),
            running: false,
            failed: false,
            repeats: 0,
            notice: Distribution::default(),
            medians: Vec::new(),
            changes: 0,
            missed: 0,
            requests: 0,
            redundant: 0,
            window: Span::ZERO,
            cpu_client: Some(Span::ZERO),
            cpu_ioc: Some(Span::ZERO),
        };
        Dashboard {
            scenario: scenario.name.clone(),
            repeats: scenario.repeats,
            clients: scenario.clients.iter().map(|c| client(&c.name)).collect(),
            what: "starting".to_owned(),
            repeat: 0,
            groups: (0, groups),
            now_running: None,
            passed: Span::ZERO,
            all,
            warnings: Vec::new(),
            ending: false,
        }
    }

    /// A group of clients starts, which takes so long, about.
    pub fn started(&mut self, clients: &[usize], repeat: u32, expected: Span, now: Tick) {
        self.over();
        for (index, client) in self.clients.iter_mut().enumerate() {
            client.running = clients.contains(&index);
        }
        let names = clients.iter().filter_map(|c| Some(self.clients.get(*c)?.name.as_str()));
        self.what = names.collect::<Vec<_>>().join(", ");
        self.repeat = repeat;
        self.groups.0 += 1;
        self.now_running = Some((now, expected));
    }

    /// A probe starts.
    pub fn probing(&mut self, name: &str, repeat: u32) {
        self.over();
        self.what = format!("probe {name}");
        self.repeat = repeat;
    }

    fn over(&mut self) {
        if let Some((_, expected)) = self.now_running.take() {
            self.passed += expected;
        }
        for client in &mut self.clients {
            client.running = false;
        }
    }

    /// A client was measured once.
    pub fn measured(&mut self, segment: &Segment, measured: &Measured) {
        let Some(client) = self.clients.get_mut(segment.client) else { return };
        client.repeats += 1;
        client.notice.merge(&measured.notice);
        client.medians.extend(measured.notice.percentile(0.5));
        client.changes += measured.paired.changes;
        client.missed += measured.missed;
        client.requests += measured.counted.requests;
        client.redundant += measured.counted.redundant;
        client.window += segment.window.length();
        // A repeat without it leaves the sum without meaning.
        client.cpu_client = client.cpu_client.zip(segment.cpu_client).map(|(sum, more)| sum + more);
        client.cpu_ioc = client.cpu_ioc.zip(segment.cpu_ioc).map(|(sum, more)| sum + more);
        let (name, repeat) = (client.name.clone(), segment.repeat + 1);
        self.warnings.extend(segment.warnings.iter().map(|text| format!("{name}, repeat {repeat}: {text}")));
    }

    /// A client or a probe failed.
    pub fn failed(&mut self, client: Option<usize>, text: String) {
        if let Some(client) = client.and_then(|client| self.clients.get_mut(client)) {
            client.failed = true;
        }
        self.warnings.push(text);
    }

    /// Something that a reader should know.
    pub fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// A person has ended it.
    pub fn ending(&mut self) {
        self.ending = true;
    }

    /// How far it is, from 0 to 1, and how long it still takes, about.
    #[must_use]
    pub fn progress(&self, now: Tick) -> (f64, Span) {
        let running = self.now_running.map(|(since, expected)| expected.min(now.saturating_since(since)));
        let done = (self.passed + running.unwrap_or_default()).min(self.all);
        let part = if self.all == Span::ZERO { 1.0 } else { done.0 as f64 / self.all.0 as f64 };
        (part, Span(self.all.0 - done.0))
    }
}
