//! Telling a person how far a run is: a bar on a terminal, plain lines elsewhere, nothing when asked to be quiet.
//! It goes to standard error, so that results on standard output stay clean.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::remark::remark;
use super::run::Event;
use crate::scenario::model::Scenario;
use crate::simulate::Group;
use crate::time::Span;

/// Steps of the bar in a second of expected time. It moves no more often than that, for drawing costs processor time too.
const STEPS_PER_SECOND: f64 = 4.0;

/// Where progress goes.
#[derive(Debug)]
pub struct Progress {
    shown: Shown,
    names: Vec<String>,
    probes: Vec<String>,
    repeats: u32,
}

#[derive(Debug)]
enum Shown {
    Bar(Bar),
    Lines,
    Nothing,
}

#[derive(Debug)]
struct Bar {
    bar: ProgressBar,
    /// Steps of the groups that are over.
    done: u64,
    mover: Option<JoinHandle<()>>,
}

/// Progress of a simulation, whose groups go side by side.
#[derive(Debug)]
pub struct Simulating {
    bar: Option<ProgressBar>,
    lines: bool,
    scenario: Scenario,
}

impl Simulating {
    /// Progress of a scenario; a bar only where standard error is a terminal.
    #[must_use]
    pub fn new(scenario: &Scenario, quiet: bool) -> Simulating {
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !quiet).then(|| Bar::new(expected(scenario).0).bar);
        Simulating { bar, lines: !terminal && !quiet, scenario: scenario.clone() }
    }

    /// Virtual time of one of the groups went on by so much.
    pub fn went_on(&self, by: Span) {
        if let Some(bar) = &self.bar {
            bar.inc(by.0);
        }
    }

    /// A group is over, `rest` after it last went on.
    pub fn group_is_over(&self, group: &Group, rest: Span) {
        self.went_on(rest);
        if self.lines {
            let names = group.clients.iter().filter_map(|c| Some(self.scenario.clients.get(*c)?.name.as_str()));
            let names: Vec<&str> = names.collect();
            remark(format_args!(
                "repeat {}/{}  {} simulated",
                group.repeat + 1,
                self.scenario.repeats,
                names.join(", ")
            ));
        }
    }

    /// The simulation is over: the bar goes away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How long a scenario takes, about: windows, warm-ups and drains, one client at a time unless they run side by side.
#[must_use]
pub fn expected(scenario: &Scenario) -> Span {
    let of = |client| scenario.warmup_of(client) + scenario.window_of(client) + scenario.drain_of(client);
    let each = scenario.clients.iter().map(of);
    let repeat = if scenario.concurrent {
        each.max().unwrap_or_default()
    } else {
        each.fold(Span::ZERO, |sum, span| sum + span)
    };
    repeat * u64::from(scenario.repeats)
}

/// Progress through steps whose lengths are known about.
#[derive(Debug)]
pub struct Steps {
    bar: Option<ProgressBar>,
    lines: bool,
    lengths: Vec<Span>,
    place: usize,
}

impl Steps {
    /// So long each; a bar only where standard error is a terminal.
    #[must_use]
    pub fn new(lengths: Vec<Span>, quiet: bool) -> Steps {
        let terminal = std::io::stderr().is_terminal();
        let all = lengths.iter().fold(Span::ZERO, |sum, span| sum + *span);
        let bar = (terminal && !quiet).then(|| Bar::new(all.0).bar);
        Steps { bar, lines: !terminal && !quiet, lengths, place: 0 }
    }

    /// The next one starts.
    pub fn next(&mut self, name: &str) {
        if let Some(bar) = &self.bar {
            let done = self.lengths.iter().take(self.place).fold(Span::ZERO, |sum, span| sum + *span);
            bar.set_message(name.to_owned());
            bar.set_position(done.0);
        }
        self.place += 1;
        if self.lines {
            remark(format_args!("{}/{}  {name}", self.place, self.lengths.len()));
        }
    }

    /// All are over: the bar goes away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn steps(span: Span) -> u64 {
    (span.as_secs_f64() * STEPS_PER_SECOND).round() as u64
}

impl Progress {
    /// Progress of a scenario; a bar only where standard error is a terminal.
    #[must_use]
    pub fn new(scenario: &Scenario, quiet: bool) -> Progress {
        let shown = if quiet {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            Shown::Bar(Bar::new(steps(expected(scenario))))
        } else {
            Shown::Lines
        };
        let names = scenario.clients.iter().map(|c| c.name.clone()).collect();
        let probes = scenario.probes.iter().map(|probe| probe.name.clone()).collect();
        Progress { shown, names, probes, repeats: scenario.repeats }
    }

    /// Takes notice of what happened.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { clients, repeat, expected } => {
                let names: Vec<&str> = clients.iter().map(|c| self.name(*c)).collect();
                let message = format!("{}  {}", self.place(*repeat), names.join(", "));
                if let Shown::Bar(bar) = &mut self.shown {
                    bar.group(message, steps(*expected));
                }
            }
            Event::Probing { probe, repeat } => {
                let message = format!("{}  {}", self.place(*repeat), self.probe(*probe));
                if let Shown::Bar(bar) = &mut self.shown {
                    bar.group(message, 0);
                }
            }
            Event::Probed { run } => {
                let text =
                    format!("{}  {}: {} measurements", self.place(run.repeat), self.probe(run.probe), run.values.len());
                self.line(&text);
            }
            Event::ProbeFailed { probe, repeat, why } => {
                self.failed(&format!("{}  {} failed: {why}", self.place(*repeat), self.probe(*probe)));
            }
            Event::Measured { segment, .. } => self.line(&format!(
                "{}  {}: {} values in {}",
                self.place(segment.repeat),
                self.name(segment.client),
                segment.observations.iter().filter(|o| segment.window.contains(o.received)).count(),
                segment.window.length(),
            )),
            Event::Failed { client, repeat, why, .. } => {
                self.failed(&format!("{}  {} failed: {why}", self.place(*repeat), self.name(*client)));
            }
        }
    }

    /// The run is over: the bar goes away.
    pub fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.bar.finish_and_clear();
        }
    }

    fn failed(&self, text: &str) {
        match &self.shown {
            Shown::Bar(bar) => bar.bar.println(text),
            Shown::Lines => remark(text),
            Shown::Nothing => {}
        }
    }

    fn probe(&self, index: usize) -> &str {
        self.probes.get(index).map_or("", String::as_str)
    }

    fn line(&self, text: &str) {
        if let Shown::Lines = self.shown {
            remark(text);
        }
    }

    fn place(&self, repeat: u32) -> String {
        format!("repeat {}/{}", repeat + 1, self.repeats)
    }

    fn name(&self, client: usize) -> &str {
        self.names.get(client).map_or("", String::as_str)
    }
}

impl Bar {
    fn new(length: u64) -> Bar {
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template("{bar:32} {percent:>3} %  about {eta} left  {msg}") {
            bar.set_style(style);
        }
        Bar { bar, done: 0, mover: None }
    }

    /// The next group starts: the bar stands where the groups before it end, and moves on as time passes.
    fn group(&mut self, message: String, steps: u64) {
        if let Some(mover) = self.mover.take() {
            mover.abort();
        }
        self.bar.set_position(self.done);
        self.bar.set_message(message);
        self.done += steps;
        let bar = self.bar.clone();
        self.mover = Some(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / STEPS_PER_SECOND));
            for _ in 0..steps {
                ticks.tick().await;
                bar.inc(1);
            }
        }));
    }
}
