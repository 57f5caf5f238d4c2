//! A live run: repeats of an IOC, and in each repeat the clients, one at a time or side by side.
//!
//! What happens is told as [`Event`]s as it happens; saving, progress and messages are consumers of them.

use std::task::Poll;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;
use tokio::sync::watch;

use super::client_child::{ClientChild, ClientError, ClientFacts};
use super::clock;
use super::control::{CopySetup, ListenerLedger};
use super::ioc_child::IocChild;
use super::meter::{Reading, Usage};
use super::metered::{Metered, found, reading_at};
use super::probe::{self, ProbeError};
use super::process::ProcessError;
use crate::pv::NativeType;
use crate::scenario::model::Scenario;
use crate::scenario::plan::{copy_seed, order, probe_order, stimulus_seed};
use crate::time::{Span, Tick};
pub use crate::trace::Failure;
use crate::trace::anchor::anchor;
use crate::trace::{Emission, Observation, ProbeRun, Request, Segment, Trace, Window};

/// From telling the clients their window to its earliest opening: the message has arrived by then.
const NOTICE: Span = Span::from_millis(20);
/// What a client gets after the end of its drain to say that it is done.
const GRACE: Span = Span::from_secs(10);
/// How long the clients go on after an interruption closed their window.
const LAST_LOOK: Span = Span::from_millis(200);

/// What happens in a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The clients of one group start.
    Started {
        /// Indices of the clients that run now.
        clients: &'a [usize],
        /// From 0.
        repeat: u32,
        /// How long until their windows and drains are over, about.
        expected: Span,
    },
    /// A probe starts.
    Probing {
        /// Index of the probe.
        probe: usize,
        /// From 0.
        repeat: u32,
    },
    /// A probe went to its end.
    Probed {
        /// What it found.
        run: &'a ProbeRun,
    },
    /// A probe yielded nothing in this repeat.
    ProbeFailed {
        /// Index of the probe.
        probe: usize,
        /// From 0.
        repeat: u32,
        /// Why.
        why: &'a str,
    },
    /// One client has been measured.
    Measured {
        /// Its facts.
        segment: &'a Segment,
        /// What the IOC posted since the last such event of this repeat.
        emissions: &'a [Emission],
        /// All that has been recorded until now, this segment included.
        trace: &'a Trace,
        /// What went wrong until now.
        failures: &'a [Failure],
    },
    /// One client yielded nothing that can be summed up.
    Failed {
        /// Index of the client.
        client: usize,
        /// From 0.
        repeat: u32,
        /// Why.
        why: String,
        /// What it recorded all the same.
        observations: &'a [Observation],
        /// What the IOC posted since the last such event of this repeat.
        emissions: &'a [Emission],
    },
}

/// Why a run ended before its time.
#[derive(Debug, Error)]
pub enum RunError {
    /// The IOC failed.
    #[error(transparent)]
    Ioc(#[from] ProcessError),
    /// A consumer of the events could not go on: results could not be saved.
    #[error("results could not be saved: {0}")]
    Save(String),
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// All that was recorded and can be summed up.
    pub trace: Trace,
    /// Clients that failed, and the IOC if it did.
    pub failures: Vec<Failure>,
    /// Whether a person ended it early.
    pub interrupted: bool,
}

/// A consumer of events; what it returns as an error ends the run.
pub type Listener<'a> = &'a mut dyn FnMut(Event<'_>) -> Result<(), String>;

/// Runs a scenario live.
///
/// `interrupted` turning true closes the window that is open and ends the run; what was recorded is kept.
///
/// # Errors
/// Only when the listener fails: what goes wrong in the run itself is in the outcome, beside all that was recorded.
pub async fn run(
    scenario: &Scenario,
    port: u16,
    interrupted: watch::Receiver<bool>,
    listener: Listener<'_>,
) -> Result<Outcome, RunError> {
    let trace = Trace { scenario: scenario.clone(), emissions: Vec::new(), segments: Vec::new(), probes: Vec::new() };
    let types = scenario.groups_of_pvs().map(|group| (group.native, group.labels.len())).collect();
    let mut run = Run {
        scenario,
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

/// How the windows of a group came out.
struct Elapsed {
    window: Window,
    usage: Usage,
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
                Err(ProbeError::NoInterpreter { .. }) if spec.optional => {}
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
        ioc.begin(stimulus_seed(self.scenario, repeat), begun).await?;
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
            match ClientChild::start(self.scenario, spec, copies.collect()).await {
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

    /// Sees the window and the drain through: what was used, and the window as it came out.
    async fn watch(
        &mut self,
        ioc: &mut IocChild,
        measured: &mut [Measured],
        mut window: Window,
    ) -> Result<Elapsed, ProcessError> {
        let subjects: Vec<Metered> = measured.iter().map(|m| Metered::of(&m.child)).collect();
        announce(ioc, measured, window).await?;
        if let Some(restart) = self.scenario.restart {
            ioc.restart(window.open + restart.at, restart.down).await?;
        }
        let opening = reading_at(window.open, ioc.pid(), &subjects);
        let closing = reading_at(window.close, ioc.pid(), &subjects);
        let (Some(open), _) = self.until(opening, ioc, measured).await? else {
            let nothing = Reading::take(ioc.pid(), &[]);
            return Ok(Elapsed { window, usage: Usage::between(&nothing, &nothing) });
        };
        let (close, stopped) = self.until(closing, ioc, measured).await?;
        if stopped {
            window.close = clock::now();
            window.end = window.close + LAST_LOOK;
            announce(ioc, measured, window).await?;
        }
        let close = close.unwrap_or_else(|| Reading::take(ioc.pid(), &found(&subjects)));
        let usage = Usage::between(&open, &close);
        self.drain(ioc, measured, window).await?;
        Ok(Elapsed { window, usage })
    }

    /// Waits for a reading while the clients go on; with `true` when a person ended the run first.
    async fn until(
        &mut self,
        reading: oneshot::Receiver<Reading>,
        ioc: &mut IocChild,
        measured: &mut [Measured],
    ) -> Result<(Option<Reading>, bool), ProcessError> {
        if self.stopped() {
            return Ok((None, true));
        }
        tokio::select! {
            reading = reading => Ok((reading.ok(), false)),
            () = all_ended(measured, true) => Ok((None, false)),
            error = ioc.failure() => Err(error),
            _ = self.interrupted.wait_for(|stop| *stop) => Ok((None, true)),
        }
    }

    async fn drain(
        &mut self,
        ioc: &mut IocChild,
        measured: &mut [Measured],
        window: Window,
    ) -> Result<(), ProcessError> {
        let until = |at: Tick| tokio::time::sleep(Duration::from_nanos(at.saturating_since(clock::now()).0));
        tokio::select! {
            () = all_ended(measured, false) => {}
            () = until(window.end) => {}
            error = ioc.failure() => return Err(error),
        }
        for one in &mut *measured {
            one.child.tell_end();
        }
        tokio::select! {
            () = all_ended(measured, false) => {}
            () = until(window.end + GRACE) => {}
            error = ioc.failure() => return Err(error),
        }
        for one in measured.iter_mut().filter(|one| one.failed.is_none()) {
            one.failed = one.child.overdue(Duration::from_nanos(GRACE.0));
        }
        Ok(())
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

/// Tells the IOC and every client its window.
async fn announce(ioc: &mut IocChild, measured: &mut [Measured], window: Window) -> Result<(), ProcessError> {
    ioc.window(window).await?;
    for one in measured.iter_mut().filter(|one| one.failed.is_none()) {
        if let Err(error) = one.child.set_window(window).await {
            one.failed = Some(error);
        }
    }
    Ok(())
}

/// Lets all clients go on until each has ended. With `only_early`, until each has failed: one that is done is no early end.
/// Cancel safe.
async fn all_ended(measured: &mut [Measured], only_early: bool) {
    let running = measured.iter_mut().filter(|one| one.failed.is_none());
    let ended = running.map(|one| async {
        match one.child.run().await {
            Ok(()) if only_early => std::future::pending().await,
            Ok(()) => {}
            Err(error) => one.failed = Some(error),
        }
    });
    let mut ended: Vec<_> = ended.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        ended.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if ended.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
