//! What a machine can measure, as data: how late its timers are, how long its loopback takes, what it can count, and what else
//! runs on it. Measured in `io::doctor`; what follows from it is in [`advice`].

pub mod advice;
pub mod python;
pub mod quantiles;

use serde::{Deserialize, Serialize};

pub use self::advice::Advice;
pub use self::quantiles::quantiles;
use crate::time::Span;
use crate::trace::Host;
use crate::trace::floor::{AtPeriod, Floor, Quantiles};

/// Version of the layout of an examination's JSON.
pub const SCHEMA_VERSION: u32 = 1;
/// The sleep that a floor in short form tells of.
pub const FLOOR_SLEEP: Span = Span::from_millis(1);

/// All that was found of one machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the program.
    pub pollcost: String,
    /// When, as RFC 3339 in UTC.
    pub started: String,
    /// Whether it was a short one.
    pub quick: bool,
    /// Whether a person ended it early: what was measured by then is there.
    pub interrupted: bool,
    /// The machine; its floor is this examination in short form.
    pub host: Host,
    /// How late threads wake from sleeps.
    pub timers: Vec<Timer>,
    /// How long messages take over the loopback interface.
    pub loopback: Loopback,
    /// The clocks.
    pub clocks: Clocks,
    /// What can be counted, and what not.
    pub counters: Vec<Counter>,
    /// What else ran meanwhile.
    pub load: Load,
    /// What was not measured, with the reason.
    pub not_measured: Vec<String>,
    /// What follows.
    pub advice: Vec<Advice>,
}

/// A way to wait for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A relative sleep with the thread's usual timer slack, as `time.sleep` of Python and `std::thread::sleep` do.
    Sleep,
    /// `clock_nanosleep` to an absolute instant, with a timer slack of 1 ns: what pollers and the emitter of this program do.
    Absolute,
    /// Reading a `timerfd`.
    Timerfd,
    /// The timer of the tokio runtime.
    Tokio,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 4] = [Method::Sleep, Method::Absolute, Method::Timerfd, Method::Tokio];

    /// As a table has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Method::Sleep => "sleep",
            Method::Absolute => "absolute sleep",
            Method::Timerfd => "timerfd",
            Method::Tokio => "tokio",
        }
    }
}

/// How much later than asked a thread runs after waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// How it waits.
    pub method: Method,
    /// How long.
    pub asked_ns: Span,
    /// How much later.
    pub late: Quantiles,
}

/// Raw TCP on the loopback interface with Channel Access' sizes, from one waiting thread to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loopback {
    /// Bytes of a push: a monitor update of a `DBR_TIME_DOUBLE`.
    pub push_bytes: usize,
    /// Bytes of a request: a get.
    pub request_bytes: usize,
    /// Bytes of its reply: a get's, of a `DBR_TIME_DOUBLE`.
    pub reply_bytes: usize,
    /// One way.
    pub push: Vec<AtPeriod>,
    /// There and back; the last of them back to back.
    pub round_trip: Vec<AtPeriod>,
}

/// What the clocks tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// Resolution of `CLOCK_MONOTONIC` as the kernel states it.
    pub stated_ns: Option<Span>,
    /// The smallest step that was seen between two reads.
    pub smallest_step_ns: Option<Span>,
    /// Mean time of a read of `CLOCK_MONOTONIC`, in picoseconds.
    pub read_ps: Option<u64>,
    /// The smallest step that was seen of a process' processor time.
    pub cpu_step_ns: Option<Span>,
    /// Mean time of a read of it, in picoseconds.
    pub cpu_read_ps: Option<u64>,
    /// A tick of the processor time in `/proc/PID/stat`.
    pub proc_tick_ns: Option<Span>,
    /// Timer slack of a thread that asks for nothing.
    pub usual_slack_ns: Option<Span>,
}

/// Something that a kernel may let a program count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// What.
    pub name: String,
    /// Whether it can be counted here.
    pub available: bool,
    /// Where it is had from, or why it is not.
    pub note: String,
}

/// What else ran while the machine was examined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Over how long.
    pub over_ns: Span,
    /// Processor time of all other processes, in percent of one core.
    pub others_percent: Option<f64>,
    /// What the hypervisor gave to others, in percent of one core.
    pub steal_percent: Option<f64>,
    /// The busiest others: at most three, from 1 % of a core on.
    pub busiest: Vec<Busy>,
    /// What is not known, and why.
    pub unknown: Option<String>,
}

/// Another process that used the processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// In percent of one core.
    pub percent: f64,
}

impl Examination {
    /// The short form: what a run keeps of its machine.
    #[must_use]
    pub fn floor(&self) -> Floor {
        let permille = |percent: Option<f64>| percent.map(|p| (p * 10.0).round() as u64);
        Floor {
            sleep: self.timer(Method::Absolute, FLOOR_SLEEP),
            push: self.loopback.push.clone(),
            round_trip: self.loopback.round_trip.clone(),
            clock_read_ps: self.clocks.read_ps,
            others_permille: permille(self.load.others_percent),
            steal_permille: permille(self.load.steal_percent),
        }
    }

    /// How late a method is after a sleep.
    #[must_use]
    pub fn timer(&self, method: Method, asked: Span) -> Option<Quantiles> {
        self.timers.iter().find(|t| t.method == method && t.asked_ns == asked).map(|t| t.late)
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
