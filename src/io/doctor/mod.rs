//! Examining the machine: every measurement of `pollcost doctor`, one after the other, each over when it is told to stop.

mod clocks;
mod counters;
mod load;
mod short;
pub mod timers;
pub mod wire;

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use self::short::floor;
use super::files::FileError;
use super::host::host;
use super::interrupt::Interrupt;
use super::progress::Steps;
use super::request::DoctorRequest;
use crate::doctor::advice::advice;
use crate::doctor::{Examination, Loopback, Method, SCHEMA_VERSION, Timer, quantiles};
use crate::time::Span;
use crate::trace::floor::AtPeriod;

/// Tells measurements to end.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// They are to end.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether they are to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl From<Arc<AtomicBool>> for Stop {
    fn from(told: Arc<AtomicBool>) -> Stop {
        Stop(told)
    }
}

/// Examines the machine as asked, until Ctrl-C, and writes the JSON where one wants it.
///
/// # Errors
/// When the file cannot be written: that is known before anything is measured.
pub fn examine_and_save(request: &DoctorRequest) -> Result<Examination, FileError> {
    let cannot = |path: &PathBuf, source| FileError { path: path.clone(), source };
    if let Some(path) = &request.out {
        OpenOptions::new().append(true).create(true).open(path).map_err(|source| cannot(path, source))?;
    }
    let stop = Stop::from(Interrupt::of_program().flag());
    let found = examine(request.quick, request.voice.quiet, &stop);
    if let Some(path) = &request.out {
        std::fs::write(path, found.json()).map_err(|source| cannot(path, source))?;
    }
    Ok(found)
}

/// Something to be measured so many times.
#[derive(Clone, Copy, Debug)]
struct Series {
    period: Span,
    count: usize,
}

const fn series(period: Span, count: usize) -> Series {
    Series { period, count }
}

/// Sleeps, shortest first; those from [`LONG`] on are measured side by side.
const SLEEPS: [Series; 6] = [
    series(Span::from_micros(50), 1000),
    series(Span::from_micros(200), 1000),
    series(Span::from_millis(1), 1000),
    series(Span::from_millis(10), 100),
    series(Span::from_millis(100), 20),
    series(Span::from_secs(1), 20),
];
const QUICK_SLEEPS: [Series; 4] = [
    series(Span::from_micros(50), 200),
    series(Span::from_micros(200), 200),
    series(Span::from_millis(1), 200),
    series(Span::from_millis(10), 20),
];
/// Messages: at 1 kHz, 100 Hz and 10 Hz.
const MESSAGES: [Series; 3] =
    [series(Span::from_millis(1), 1000), series(Span::from_millis(10), 100), series(Span::from_millis(100), 30)];
const QUICK_MESSAGES: [Series; 2] = [series(Span::from_millis(1), 300), series(Span::from_millis(10), 40)];
/// Round trips back to back.
const TIGHT: Series = series(Span::ZERO, 5000);
/// Sleeps of this length keep nobody busy: all ways to wait are measured at the same time, out of step.
const LONG: Span = Span::from_millis(100);
/// So many threads share the count of such a sleep.
const SIDE_BY_SIDE: usize = 2;

/// Examines the machine, `quick` in a few seconds.
///
/// What cannot be measured is in the result, with its reason.
#[must_use]
pub fn examine(quick: bool, quiet: bool, stop: &Stop) -> Examination {
    let started = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    let (sleeps, messages) =
        if quick { (&QUICK_SLEEPS[..], &QUICK_MESSAGES[..]) } else { (&SLEEPS[..], &MESSAGES[..]) };
    let watch = load::Watch::start();
    let mut found = Examination {
        schema_version: SCHEMA_VERSION,
        pollcost: env!("CARGO_PKG_VERSION").to_owned(),
        started,
        quick,
        host: host(),
        counters: counters::counters(),
        loopback: Loopback {
            push_bytes: wire::reply_bytes(),
            request_bytes: wire::REQUEST_BYTES,
            reply_bytes: wire::reply_bytes(),
            ..Loopback::default()
        },
        ..Examination::default()
    };
    let mut steps = Steps::new(plan(sleeps, messages), quiet);
    steps.next("clocks");
    found.clocks = clocks::clocks();
    for sleep in sleeps {
        steps.next(&format!("sleeps of {}", sleep.period));
        measure_sleep(*sleep, stop, &mut found);
    }
    for message in messages.iter().chain([&TIGHT]) {
        steps.next(&cadence(message.period));
        measure_messages(*message, stop, &mut found);
    }
    steps.finish();
    found.load = watch.load();
    if quick {
        found.not_measured.push("sleeps of 100 ms and 1 s, and messages at 10 Hz: left out by --quick".to_owned());
    }
    found.interrupted = stop.is_set();
    if found.interrupted {
        found.not_measured.push("what came after the interruption".to_owned());
    }
    found.host.floor = Some(found.floor());
    found.advice = advice(&found);
    found
}

fn cadence(period: Span) -> String {
    if period == Span::ZERO { "round trips back to back".to_owned() } else { format!("messages every {period}") }
}

/// How long each step takes, about.
fn plan(sleeps: &[Series], messages: &[Series]) -> Vec<Span> {
    let ways = Method::ALL.len() as u64;
    let sleep = |s: &Series| match s.period {
        // tokio rounds up to its next millisecond.
        period if period < LONG => (period * (ways - 1) + period + LATE_OF_TOKIO) * s.count as u64,
        period => period * (s.count.div_ceil(SIDE_BY_SIDE) + 1) as u64,
    };
    let both_ways = |s: &Series| s.period * 2 * s.count as u64;
    let clocks = Span::from_millis(10);
    let tight = Span::from_millis(200);
    let all = sleeps.iter().map(sleep).chain(messages.iter().map(both_ways));
    std::iter::once(clocks).chain(all).chain([tight]).collect()
}

const LATE_OF_TOKIO: Span = Span::from_millis(1);

/// All ways to wait for so long: in turn, or side by side and out of step where that would take too long.
fn measure_sleep(sleep: Series, stop: &Stop, found: &mut Examination) {
    let asked = sleep.period;
    let results: Vec<(Method, Result<Vec<Span>, String>)> = if asked < LONG {
        let in_turn = |method| (method, timers::lateness(method, asked, sleep.count, Span::ZERO, stop));
        Method::ALL.into_iter().map(in_turn).collect()
    } else {
        side_by_side(sleep, stop)
    };
    for (method, result) in results {
        match result {
            Ok(late) => found.timers.extend(quantiles(&late).map(|late| Timer { method, asked_ns: asked, late })),
            Err(why) => found.not_measured.push(format!("{} of {asked}: {why}", method.word())),
        }
    }
}

fn side_by_side(sleep: Series, stop: &Stop) -> Vec<(Method, Result<Vec<Span>, String>)> {
    let threads = Method::ALL.len() * SIDE_BY_SIDE;
    let step = sleep.period / threads as u64;
    let count = sleep.count.div_ceil(SIDE_BY_SIDE);
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|place| {
                let method = Method::ALL[place % Method::ALL.len()];
                let offset = step * place as u64;
                (method, scope.spawn(move || timers::lateness(method, sleep.period, count, offset, stop)))
            })
            .collect();
        let mut merged: Vec<(Method, Result<Vec<Span>, String>)> = Method::ALL.map(|m| (m, Ok(Vec::new()))).into();
        for (method, thread) in started {
            let result = thread.join().unwrap_or_else(|_| Err("its thread ended early".to_owned()));
            let Some((_, all)) = merged.iter_mut().find(|(m, _)| *m == method) else { continue };
            match (&mut *all, result) {
                (Ok(all), Ok(late)) => all.extend(late),
                (_, Err(why)) => *all = Err(why),
                (Err(_), Ok(_)) => {}
            }
        }
        merged
    })
}

/// Messages at one cadence, one way and both.
fn measure_messages(message: Series, stop: &Stop, found: &mut Examination) {
    let Series { period, count } = message;
    let Examination { loopback: Loopback { push, round_trip, .. }, not_measured, .. } = found;
    let mut keep = |what: &str, into: &mut Vec<AtPeriod>, result: std::io::Result<Vec<Span>>| match result {
        Ok(took) => into.extend(quantiles(&took).map(|took| AtPeriod { period_ns: period, took })),
        Err(error) => not_measured.push(format!("{what}, {}: {error}", cadence(period))),
    };
    if period > Span::ZERO {
        keep("one-way push", push, wire::push(period, count, stop));
    }
    keep("ping-pong", round_trip, wire::round_trip(period, count, stop));
}
