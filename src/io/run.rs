//! A live run: repeats of an IOC, and in each repeat the clients, one at a time or side by side.
//!
//! What happens is told as [`Event`]s as it happens; saving, progress and messages are consumers of them.

mod event;
mod window;

use std::time::Duration;

use tokio::sync::watch;

use super::client_child::{ClientChild, ClientError, ClientFacts};
use super::clock;
use super::control::{CopySetup, ListenerLedger};
use super::ioc_child::IocChild;
use super::meter::Usage;
use super::probe::{self, ProbeError};
use super::python::programs::Programs;
use crate::pv::NativeType;
use crate::scenario::model::Scenario;
use crate::scenario::plan::{changing, copy_seed, order, probe_order, stimulus_seed};
use crate::time::{Span, Tick};
pub use crate::trace::Failure;
use crate::trace::anchor::anchor;
use crate::trace::{Emission, Observation, Request, Segment, Trace, Window};
pub use event::{Event, Listener, Outcome, RunError};

/// From telling the clients their window to its earliest opening: the message has arrived by then.
const NOTICE: Span = Span::from_millis(20);
/// What a client gets after the end of its drain to say that it is done.
const GRACE: Span = Span::from_secs(10);

/// Runs a scenario live.
///
/// `interrupted` turning true closes the window that is open and ends the run; what was recorded is kept.
///
/// # Errors
/// Only when the listener fails: what goes wrong in the run itself is in the outcome, beside all that was recorded.
pub async fn run(
    scenario: &Scenario,
    programs: &Programs,
    port: u16,
    interrupted: watch::Receiver<bool>,
    listener: Listener<'_>,
) -> Result<Outcome, RunError> {
    let trace = Trace { scenario: scenario.clone(), emissions: Vec::new(), segments: Vec::new(), probes: Vec::new() };
    let types = scenario.groups_of_pvs().map(|group| (group.native, group.labels.len())).collect();
    let mut run = Run {
        scenario,
        programs,
        interrupted,
        listener,
        outcome: Outcome { trace, failures: Vec::new(), interrupted: false },
        types,
    };
    for repeat in 0..scenario.repeats {
        run.outcome.trace.emissions.push(Vec::new());
        match run.repeat(repeat, port).await {
            Ok(()) => {}
            Err(RunError::Ioc(error)) => {
                run.outcome.failures.push(Failure { client: None, repeat, why: error.to_string() });
                break;
            }
            Err(error) => return Err(error),
        }
        if run.stopped() {
            break;
        }
    }
    run.outcome.interrupted = run.stopped();
    Ok(run.outcome)
}

struct Run<'a> {
    scenario: &'a Scenario,
    programs: &'a Programs,
    interrupted: watch::Receiver<bool>,
    listener: Listener<'a>,
    outcome: Outcome,
    /// Type and number of labels of each PV.
    types: Vec<(NativeType, usize)>,
}

/// One client while it is being measured.
struct Measured {
    client: usize,
    child: ClientChild,
    started: Tick,
    ready: Tick,
    failed: Option<ClientError>,
}

/// What was counted outside of one client.
struct Counted<'a> {
    window: Window,
    begun: Tick,
    usage: &'a Usage,
    place: usize,
    ledger: ListenerLedger,
    requests: &'a [(usize, Request)],
    warnings: &'a [String],
}

impl Run<'_> {
    fn stopped(&self) -> bool {
        *self.interrupted.borrow()
    }

    /// The probes by themselves, then the clients; in every other repeat the other way round.
    async fn repeat(&mut self, repeat: u32, port: u16) -> Result<(), RunError> {
        let last = repeat % 2 == 1;
        if !last {
            self.probes(repeat).await?;
        }
        if !self.scenario.clients.is_empty() && !self.stopped() {
            self.clients(repeat, port).await?;
        }
        if last {
            self.probes(repeat).await?;
        }
        Ok(())
    }

    async fn probes(&mut self, repeat: u32) -> Result<(), RunError> {
        for probe in probe_order(self.scenario, repeat) {
            if self.stopped() {
                break;
            }
            let spec = &self.scenario.probes[probe];
            self.tell(Event::Probing { probe, repeat })?;
            let found = tokio::select! {
                found = probe::run(spec, probe, repeat) => found,
                _ = self.interrupted.wait_for(|stop| *stop) => break,
            };
            match found {
                Ok(run) => {
                    self.tell(Event::Probed { run: &run })?;
                    self.outcome.trace.probes.push(run);
                }
                Err(ProbeError::NoInterpreter(_)) if spec.optional => {}
                Err(error) => {
                    let why = error.to_string();
                    self.tell(Event::ProbeFailed { probe, repeat, why: &why })?;
                    self.outcome.failures.push(Failure { client: Some(spec.name.clone()), repeat, why });
                }
            }
        }
        Ok(())
    }

    async fn clients(&mut self, repeat: u32, port: u16) -> Result<(), RunError> {
        let mut ioc = IocChild::start(self.scenario, repeat, port).await?;
        for group in order(self.scenario, repeat) {
            if self.stopped() {
                break;
            }
            self.group(&mut ioc, &group, repeat).await?;
        }
        ioc.stop().await?;
        Ok(())
    }

    async fn group(&mut self, ioc: &mut IocChild, clients: &[usize], repeat: u32) -> Result<(), RunError> {
        let longest = |of: fn(&Scenario, &_) -> Span| {
            clients.iter().map(|c| of(self.scenario, &self.scenario.clients[*c])).max().unwrap_or_default()
        };
        let warmup = longest(Scenario::warmup_of).max(NOTICE);
        let (length, drain) = (longest(Scenario::window_of), longest(Scenario::drain_of));
        self.tell(Event::Started { clients, repeat, expected: warmup + length + drain })?;

        let begun = clock::now();
        ioc.begin(changing(self.scenario, clients), stimulus_seed(self.scenario, repeat), begun).await?;
        let mut measured = self.start(ioc, clients, repeat).await?;
        let open = clock::now() + warmup;
        let window = Window { open, close: open + length, end: open + length + drain };
        let elapsed = self.watch(ioc, &mut measured, window).await;
        let (elapsed, ledger) = match elapsed {
            Ok(elapsed) => (Some(elapsed), ioc.end().await),
            Err(error) => (None, Err(error)),
        };
        let (mut listeners, mut warnings) = (Vec::new(), Vec::new());
        let died = match ledger {
            Ok(ledger) => {
                listeners = ledger.listeners;
                warnings = ledger.warnings;
                None
            }
            Err(error) => Some(error),
        };
        let (requests, lost) = ioc.new_requests()?;
        warnings.extend(overflow_warning("requests", lost));
        let (mut emissions, lost) = ioc.new_emissions()?;
        warnings.extend(overflow_warning("changes", lost));
        self.outcome.trace.emissions[repeat as usize].extend_from_slice(&emissions);
        for (place, client) in measured.into_iter().enumerate() {
            let ledger = listeners.get_mut(client.client).map(std::mem::take);
            let counted = elapsed.as_ref().zip(ledger).map(|(e, ledger)| Counted {
                window: e.window,
                begun,
                usage: &e.usage,
                place,
                ledger,
                requests: &requests,
                warnings: &warnings,
            });
            let emissions = std::mem::take(&mut emissions);
            self.conclude(client, repeat, counted, &emissions).await?;
        }
        died.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Starts the clients and waits until each is ready. One that fails is told and left out.
    async fn start(&mut self, ioc: &mut IocChild, clients: &[usize], repeat: u32) -> Result<Vec<Measured>, RunError> {
        let mut started = Vec::new();
        for &client in clients {
            let spec = &self.scenario.clients[client];
            let seed = |copy| copy_seed(self.scenario, repeat, client, copy);
            let now = clock::now();
            let copies =
                ioc.ports(client).iter().zip(0..).map(|(port, copy)| CopySetup { port: *port, seed: seed(copy) });
            match ClientChild::start(self.scenario, spec, self.programs.command(client), copies.collect()).await {
                Ok(child) => started.push(Measured { client, child, started: now, ready: now, failed: None }),
                Err(error) => self.fail(client, repeat, error.to_string(), &[], &[])?,
            }
        }
        let limit = Duration::from_nanos(self.scenario.connect_timeout.0);
        let mut ready = Vec::new();
        for mut one in started {
            let answer = tokio::select! {
                answer = one.child.ready(limit) => answer,
                error = ioc.failure() => return Err(error.into()),
                _ = self.interrupted.wait_for(|stop| *stop) => continue,
            };
            match answer {
                Ok(at) => ready.push(Measured { ready: at, ..one }),
                Err(error) => self.fail(one.client, repeat, error.to_string(), &[], &[])?,
            }
        }
        Ok(ready)
    }

    /// Puts one client's facts together and tells them.
    async fn conclude(
        &mut self,
        measured: Measured,
        repeat: u32,
        counted: Option<Counted<'_>>,
        emissions: &[Emission],
    ) -> Result<(), RunError> {
        let Measured { client, child, started, ready, failed } = measured;
        let (mut facts, lost) = match child.facts().await {
            Ok(facts) => (facts, None),
            Err(error) => (ClientFacts::default(), Some(error.to_string())),
        };
        anchor(&mut facts.observations, &self.outcome.trace.emissions[repeat as usize], &self.types);
        let counted = match (failed.map(|f| f.to_string()).or(lost), counted) {
            (Some(why), _) => Err(why),
            (None, None) => Err("the IOC failed".to_owned()),
            (None, Some(c)) if c.window.close <= c.window.open || clock::now() < c.window.open => {
                Err("ended before its window opened".to_owned())
            }
            (None, Some(counted)) => Ok(counted),
        };
        let Counted { window, begun, usage, place, ledger, requests, warnings } = match counted {
            Ok(counted) => counted,
            Err(why) => return self.fail(client, repeat, why, &facts.observations, emissions),
        };
        let mut warnings = warnings.to_vec();
        warnings.extend(facts.remarks);
        warnings.extend(overflow_warning("observations", facts.overflowed));
        let (cpu_client, wakeups) = usage.clients.get(place).copied().unwrap_or_default();
        let segment = Segment {
            client,
            repeat,
            window,
            begun,
            connect: Some(ready.saturating_since(started)),
            cpu_client,
            cpu_ioc: usage.ioc,
            cpu_others: usage.others,
            steal: usage.steal,
            wakeups,
            observations: facts.observations,
            ledger: ledger.rows,
            ioc: ledger.tally,
            requests: requests.iter().filter(|(of, _)| *of == client).map(|(_, request)| *request).collect(),
            tally: facts.tally,
            warnings,
        };
        let Outcome { trace, failures, .. } = &mut self.outcome;
        trace.segments.push(segment);
        let (trace, failures) = (&*trace, &*failures);
        match trace.segments.last() {
            Some(segment) => {
                let event = Event::Measured { segment, emissions, trace, failures };
                (self.listener)(event).map_err(RunError::Save)
            }
            None => Ok(()),
        }
    }

    fn tell(&mut self, event: Event<'_>) -> Result<(), RunError> {
        (self.listener)(event).map_err(RunError::Save)
    }

    fn fail(
        &mut self,
        client: usize,
        repeat: u32,
        why: String,
        observations: &[Observation],
        emissions: &[Emission],
    ) -> Result<(), RunError> {
        let name = self.scenario.clients[client].name.clone();
        self.outcome.failures.push(Failure { client: Some(name), repeat, why: why.clone() });
        self.tell(Event::Failed { client, repeat, why, observations, emissions })
    }
}

fn overflow_warning(what: &str, overflowed: u64) -> Option<String> {
    (overflowed > 0).then(|| format!("{overflowed} {what} did not fit the recording"))
}
