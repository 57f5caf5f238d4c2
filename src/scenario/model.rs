//! The finished scenario that the rest of the program believes: every value in it has been checked.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::expectation::{Claim, Expectation};
use super::library::LibraryClient;
use super::probe::ProbeSpec;
use crate::pv::{NativeType, PvId, PvName, Severity};
use crate::time::Span;

/// One experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Short name, used for the run folder.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What it shows and what to expect, in plain words.
    pub about: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// How many times each client is measured, each time in a process started afresh.
    pub repeats: u32,
    /// The measuring window is at least this long ...
    pub window: Span,
    /// ... and at least this many poll periods of the client.
    pub min_periods: u32,
    /// From a client's being connected to the opening of its window, or one of its poll periods if that is longer.
    pub warmup: Span,
    /// After the window closes a client goes on for this long, or two of its poll periods if that is longer.
    pub drain: Span,
    /// A client that is not connected after this long has failed.
    pub connect_timeout: Span,
    /// Whether all clients run side by side on one IOC, instead of one at a time.
    pub concurrent: bool,
    /// Whether the IOC goes away in mid-window, and comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// How much is recorded.
    pub facts: Facts,
    /// Entries of an event queue's ring, where that is not the 144 of EPICS base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_queue: Option<u32>,
    /// The emitter wakes this long before each change and spins until it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spin: Option<Span>,
    /// Whether IOC and clients share one processor that is kept awake while clients are measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub steady: bool,
    /// The blocks that PVs were defined in.
    pub groups: Vec<PvGroup>,
    /// All PVs, patterns expanded; [`PvId`] is the index.
    pub pvs: Vec<PvSpec>,
    /// The clients under test.
    pub clients: Vec<ClientSpec>,
    /// Experiments on interpreters, beside the clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<ProbeSpec>,
    /// Statements that expectations put to the test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// What should come out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
}

/// A client's period comes out a little longer than asked, by its round time: windows are stretched by this, in percent.
const STRETCH_PERCENT: u64 = 1;

fn stretched(span: Span) -> Span {
    span + span * STRETCH_PERCENT / 100
}

impl Scenario {
    /// The block of each PV, in the order of the PVs.
    pub fn groups_of_pvs(&self) -> impl Iterator<Item = &PvGroup> {
        self.pvs.iter().filter_map(|pv| self.groups.get(pv.group))
    }

    /// The IOC's listeners of each client, one for each of its copies, so that the IOC's count tells them apart.
    #[must_use]
    pub fn listeners(&self) -> Vec<Range<usize>> {
        let mut next = 0;
        let range = |client: &ClientSpec| {
            let first = next;
            next += client.copies as usize;
            first..next
        };
        self.clients.iter().map(range).collect()
    }

    /// How long a client goes on before its window opens: its first, random, phase is over by then.
    #[must_use]
    pub fn warmup_of(&self, client: &ClientSpec) -> Span {
        self.warmup.max(stretched(client.asked_period().unwrap_or_default()))
    }

    /// How long a client's window is: what was asked, and at least [`Scenario::min_periods`] of its periods.
    #[must_use]
    pub fn window_of(&self, client: &ClientSpec) -> Span {
        let period = client.asked_period().unwrap_or_default();
        self.window.max(stretched(period * u64::from(self.min_periods)))
    }

    /// How long a client goes on after its window, so that the last changes can be noticed: at least two of its periods.
    #[must_use]
    pub fn drain_of(&self, client: &ClientSpec) -> Span {
        self.drain.max(stretched(client.asked_period().unwrap_or_default() * 2))
    }
}

/// The IOC goes away in mid-window, once for each client, as if its process had been restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// When, from the opening of the window on.
    pub at: Span,
    /// How long it is away: all circuits are closed, nobody answers searches, nothing changes.
    pub down: Span,
}

impl Restart {
    /// When it is back, from the opening of the window on.
    #[must_use]
    pub fn back(&self) -> Span {
        self.at + self.down
    }
}

/// How much is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Facts {
    /// An observation when its `seq` is new to the client; redundant replies only count.
    #[default]
    News,
    /// Every reply and every request.
    Full,
}

/// One PV.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PvSpec {
    /// Its name.
    pub name: PvName,
    /// Index into [`Scenario::groups`].
    pub group: usize,
}

/// What the PVs of one block have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PvGroup {
    /// The pattern that was written, such as `TEST:CALC{00..99}`.
    pub pattern: String,
    /// Native type.
    pub native: NativeType,
    /// Elements: 1 for a scalar.
    pub count: u32,
    /// How it changes.
    pub change: Change,
    /// How the changes of the block's PVs stand to each other in time.
    pub phase: Phase,
    /// Engineering units, at most 7 bytes (`MAX_UNITS_SIZE` 8 with its NUL).
    pub units: String,
    /// Digits after the point.
    pub precision: i16,
    /// Labels of an enum, at most 16 of at most 25 bytes.
    pub labels: Vec<String>,
    /// Display and control limits, low and high.
    pub display_limits: (f64, f64),
    /// Control limits, low and high.
    pub control_limits: (f64, f64),
    /// Alarm limits and severities.
    pub alarm: AlarmSpec,
    /// The underlying signal that deadbands and derived alarms look at.
    pub signal: Signal,
    /// Monitor deadband (MDEL) of the signal: changes of at most this much are not posted and are not changes. `None`: post always.
    pub mdel: Option<f64>,
    /// Archive deadband (ADEL), for `DBE_LOG` subscribers.
    pub adel: Option<f64>,
    /// Whether clients may put.
    pub writable: bool,
}

/// Alarms of a PV.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlarmSpec {
    /// Always this severity, whatever the value; `None`: derived from the limits.
    pub fixed: Option<Severity>,
    /// LOLO and its severity.
    pub lolo: Option<(f64, Severity)>,
    /// LOW and its severity.
    pub low: Option<(f64, Severity)>,
    /// HIGH and its severity.
    pub high: Option<(f64, Severity)>,
    /// HIHI and its severity.
    pub hihi: Option<(f64, Severity)>,
}

/// When a PV changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "pattern")]
pub enum Change {
    /// Never.
    Still,
    /// Every `interval`.
    Periodic {
        /// Time between changes.
        interval: Span,
    },
    /// Every `interval`, each change moved by a uniform random time of up to `jitter` times the interval either way (at most 0.5: order is kept).
    Jittered {
        /// Mean time between changes.
        interval: Span,
        /// Largest displacement as a fraction of the interval, 0 to 0.5.
        jitter: f64,
    },
    /// At random, independent of the past.
    Poisson {
        /// Mean time between changes.
        interval: Span,
    },
    /// Every `interval`, `changes` changes `spacing` apart.
    Burst {
        /// Time from the start of one burst to the next.
        interval: Span,
        /// Changes in one burst.
        changes: u32,
        /// Time between the changes of one burst.
        spacing: Span,
    },
    /// Every `interval` up, and down again `width` later: two changes.
    Pulse {
        /// Time from one rise to the next.
        interval: Span,
        /// How long it stays up.
        width: Span,
    },
    /// A motor: changes every `interval` while it moves for `moving`, then rests for `resting`.
    Motor {
        /// Time between changes while moving.
        interval: Span,
        /// How long one move takes.
        moving: Span,
        /// How long it then rests.
        resting: Span,
    },
    /// Faster and faster: at a rate that rises (or falls) evenly from one to the other, then again from the start.
    Ramp {
        /// Changes a second at the start.
        from_hz: f64,
        /// Changes a second at the end.
        to_hz: f64,
        /// How long one rise takes.
        length: Span,
    },
    /// As a CSV file says, again from its start when it ends.
    Trace {
        /// The file as the scenario names it.
        file: String,
        /// Time from the start of one pass to the start of the next.
        length: Span,
        /// For each PV of the block, in its order, the time of each change since the start of the pass and the signal's value.
        points: Vec<Vec<(Span, f64)>>,
    },
}

impl Change {
    /// Changes a second of one PV, over long times; `None` where only the trace knows (use its points).
    #[must_use]
    pub fn mean_rate_hz(&self) -> Option<f64> {
        let per = |changes: f64, interval: Span| (interval.0 > 0).then(|| changes / interval.as_secs_f64());
        match self {
            Change::Still => Some(0.0),
            Change::Periodic { interval } | Change::Jittered { interval, .. } | Change::Poisson { interval } => {
                per(1.0, *interval)
            }
            Change::Burst { interval, changes, .. } => per(f64::from(*changes), *interval),
            Change::Pulse { interval, .. } => per(2.0, *interval),
            Change::Motor { interval, moving, resting } => {
                per((moving.0 / interval.0.max(1)) as f64, *moving + *resting)
            }
            Change::Ramp { from_hz, to_hz, length } => per(ramp_changes(*from_hz, *to_hz, *length) as f64, *length),
            Change::Trace { .. } => None,
        }
    }
}

/// Changes of one pass of a ramp: the area below its rate, as a whole number of at least 1.
#[must_use]
pub fn ramp_changes(from_hz: f64, to_hz: f64, length: Span) -> u64 {
    ((from_hz + to_hz) / 2.0 * length.as_secs_f64()).round().max(1.0) as u64
}

/// When so large a part of a ramp's changes is over, as a part of its length: with a rate that goes evenly from `a` to `b`, the part
/// `u` is over after `(√(a² + u(b² - a²)) - a)/(b - a)`, which is written here so that equal rates are no exception.
#[must_use]
pub fn ramp_time(from_hz: f64, to_hz: f64, part: f64) -> f64 {
    let now = (from_hz * from_hz + part * (to_hz * to_hz - from_hz * from_hz)).sqrt();
    part * (from_hz + to_hz) / (from_hz + now)
}

/// How the PVs of a block stand to each other in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Each PV at a random phase, drawn anew for each repeat: one PV in each of n equal slots of the interval, in random order and at a
    /// random place in its slot (stratified: each phase alone is uniform, together they cover the interval evenly).
    #[default]
    Random,
    /// All at the same, random, phase: a burst over PVs.
    Aligned,
    /// Evenly spread over the interval in the order of the PVs, from a random phase.
    Staggered,
}

/// The underlying signal: what deadbands and derived alarms look at. The value that clients get carries `seq`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Signal {
    /// The number of the change itself.
    #[default]
    Count,
    /// Gaussian noise around a mean.
    Noise {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sigma: f64,
    },
    /// A sine over the time since the start.
    Sine {
        /// Middle.
        mean: f64,
        /// Amplitude.
        amplitude: f64,
        /// Length of one turn.
        period: Span,
    },
}

/// One client under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientSpec {
    /// Its name: unique in the scenario, used in every table.
    pub name: String,
    /// What runs.
    pub program: Program,
    /// How it gets values.
    pub fetch: Fetch,
    /// When it asks again; `None` for a monitor.
    pub pacing: Option<Pacing>,
    /// Which PVs it looks at.
    pub pvs: Vec<PvId>,
    /// What it asks for.
    pub dbr: DbrChoice,
    /// A slow callback: how long the client works on each update before it takes the next.
    pub service_time: Span,
    /// So many of it run at once, each with circuits of its own.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub copies: u32,
    /// CPU-bound processes beside it, started and ended with it; their processor time is not its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hog_processes: u32,
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl ClientSpec {
    /// The period asked for (its longest, for a back-off); `None` for a monitor.
    #[must_use]
    pub fn asked_period(&self) -> Option<Span> {
        self.pacing.as_ref().map(Pacing::asked_period)
    }
}

/// What runs as the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Program {
    /// This binary.
    Native,
    /// Another program that speaks the line protocol: the program and its first arguments; PV names follow.
    External(Vec<String>),
    /// One that comes with this program, on a client library, in Python or C.
    Library(LibraryClient),
}

/// How a client gets values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fetch {
    /// One get at a time, as `PV.get`.
    Serial,
    /// All gets in one flush, then wait for all, as `caget_many`.
    Batch,
    /// A new search, circuit and channel for each get, as a shell loop of `caget`.
    Connect,
    /// The last monitor value is read: no request.
    Cached,
    /// Callback.
    Monitor,
}

/// When a client asks again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Pacing {
    /// Sleep `period` after each round: what people write.
    FixedDelay {
        /// The sleep.
        period: Span,
    },
    /// A round every `period` on an absolute schedule.
    FixedRate {
        /// The schedule.
        period: Span,
    },
    /// Sleep `period`, moved by a uniform random time of up to `jitter` times the period either way.
    Jittered {
        /// Mean sleep.
        period: Span,
        /// Largest displacement as a fraction of the period, 0 to 1.
        jitter: f64,
    },
    /// Sleep `first`, doubling to `last` while nothing new comes; news starts it over: as set-and-wait loops do.
    Backoff {
        /// First sleep.
        first: Span,
        /// Longest sleep.
        last: Span,
    },
    /// No sleep at all.
    Spin,
    /// Sleep half of the mean change interval after news, then spin until the next (Linux's hybrid block polling).
    Hybrid {
        /// The sleep: half of the mean change interval.
        sleep: Span,
    },
}

impl Pacing {
    /// The sleep or period asked for, its longest where it varies.
    #[must_use]
    pub fn asked_period(&self) -> Span {
        match self {
            Pacing::FixedDelay { period } | Pacing::FixedRate { period } | Pacing::Jittered { period, .. } => *period,
            Pacing::Backoff { last, .. } => *last,
            Pacing::Spin => Span::ZERO,
            Pacing::Hybrid { sleep } => *sleep,
        }
    }
}

/// What a native client asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DbrChoice {
    /// The native type, plain: no time stamp.
    Plain,
    /// `DBR_TIME_*`: alarm and time stamp with the value, as most clients ask.
    #[default]
    Time,
    /// `DBR_CTRL_*`: limits, units and alarm with the value.
    Ctrl,
}
