//! What follows from an examination, in plain words: what a run on this machine can tell apart, and what to do for more.

use serde::{Deserialize, Serialize};

use super::{Examination, Method};
use crate::time::Span;

/// Load of others, in percent of one core, that disturbs a measurement: as for the windows of a run.
pub const BUSY_PERCENT: f64 = 10.0;
/// The same of time that the hypervisor gave away.
pub const STOLEN_PERCENT: f64 = 1.0;
/// A read of the clock that costs more than this is a system call.
const VDSO: Span = Span(200);
/// A callback at 10 Hz that takes this many times as long as at 1 kHz is told apart.
const SLOWER: f64 = 1.5;
/// Polls should be so many times longer than their timer is late, for the period to be what was asked for within 10 %.
const TIMES_LATE: u64 = 10;

/// One thing to know, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// Whether it casts doubt on what is measured here.
    pub caution: bool,
    /// What was found.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// A cautionary or a plain one.
fn told(caution: bool, what: String, advice: impl Into<String>) -> Advice {
    Advice { caution, what, advice: advice.into() }
}

/// All that follows: what limits every run first, then what can be mended.
#[must_use]
pub fn advice(found: &Examination) -> Vec<Advice> {
    let checks: [fn(&Examination) -> Option<Advice>; 11] =
        [callback, idle, get, shortest_sleep, tokio, load, steal, cores, clock, governor, counting];
    checks.iter().filter_map(|check| check(found)).collect()
}

fn p50_at(found: &Examination, period: Span) -> Option<Span> {
    found.loopback.push.iter().find(|at| at.period_ns == period)?.took.p50_ns
}

fn callback(found: &Examination) -> Option<Advice> {
    let p50 = p50_at(found, Span::from_millis(1))?;
    Some(told(
        false,
        format!("a message of a monitor's size takes {} from one waiting thread to another, at 1 kHz", short(p50)),
        "no callback is noticed sooner here; take differences between clients that are smaller for the machine's",
    ))
}

fn idle(found: &Examination) -> Option<Advice> {
    let fast = p50_at(found, Span::from_millis(1))?;
    let slow = found.loopback.push.iter().max_by_key(|at| at.period_ns)?;
    let p50 = slow.took.p50_ns?;
    let slower = p50.0 as f64 / fast.0.max(1) as f64;
    (slower >= SLOWER).then(|| {
        told(
            false,
            format!(
                "an idle core wakes slower: the same takes {} where messages come every {}",
                short(p50),
                slow.period_ns
            ),
            "compare latencies only at the same rate of changes",
        )
    })
}

fn get(found: &Examination) -> Option<Advice> {
    let tight = found.loopback.round_trip.iter().find(|at| at.period_ns == Span::ZERO)?;
    let p50 = tight.took.p50_ns?;
    Some(told(
        false,
        format!("a round trip of a get's size takes {}, back to back", short(p50)),
        format!(
            "one client that gets one value at a time cannot make more than {} requests/s",
            thousands(1e9 / p50.0.max(1) as f64)
        ),
    ))
}

fn shortest_sleep(found: &Examination) -> Option<Advice> {
    let late = found.timer(Method::Absolute, Span::from_millis(1))?.p50_ns?;
    Some(told(
        false,
        format!("a thread runs {} after the instant it asked for, in the median of sleeps of 1 ms", short(late)),
        format!(
            "poll periods below {} are longer than asked by a tenth or more; a run tells the period that was achieved",
            short(late * TIMES_LATE)
        ),
    ))
}

fn tokio(found: &Examination) -> Option<Advice> {
    let asked = Span::from_millis(1);
    let late = found.timer(Method::Tokio, asked)?.p50_ns?;
    let absolute = found.timer(Method::Absolute, asked)?.p50_ns?;
    (late > absolute * TIMES_LATE).then(|| {
        told(
            false,
            format!("a sleep of 1 ms in tokio is {} late: its timer counts milliseconds", short(late)),
            "programs that must be on time sleep on a thread of their own; this program's clients and emitter do",
        )
    })
}

fn load(found: &Examination) -> Option<Advice> {
    let percent = found.load.others_percent.filter(|p| *p >= BUSY_PERCENT)?;
    let named: Vec<String> =
        found.load.busiest.iter().map(|b| format!("{} ({}) {:.0} %", b.name, b.pid, b.percent)).collect();
    let who = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
    Some(told(
        true,
        format!("other processes used {percent:.0} % of a core meanwhile{who}"),
        "end them before a run, or take its latencies as upper bounds",
    ))
}

fn steal(found: &Examination) -> Option<Advice> {
    let percent = found.load.steal_percent.filter(|p| *p >= STOLEN_PERCENT)?;
    Some(told(
        true,
        format!("the hypervisor gave {percent:.1} % of a core to others"),
        "tails of latencies are those of the host; use a machine of your own for them",
    ))
}

fn cores(found: &Examination) -> Option<Advice> {
    let host = &found.host;
    let quota = host.cpu_quota_permille.map(|q| q as f64 / 1000.0);
    if let Some(quota) = quota.filter(|q| *q < 2.0) {
        return Some(told(
            true,
            format!(
                "the control group of this process may use {quota} of a core in each period, and is stopped when that is used up"
            ),
            "raise its quota: a spinning poller and the IOC take two cores",
        ));
    }
    (host.cores? < 2).then(|| {
        told(
            true,
            "only one processor core is allowed: IOC and client take turns on it".to_owned(),
            "allow a second one (taskset, the virtual machine's settings); a spinning poller starves the IOC otherwise",
        )
    })
}

fn clock(found: &Examination) -> Option<Advice> {
    let read = Span(found.clocks.read_ps? / 1000);
    let source = found.host.clock_source.as_deref().unwrap_or("not known");
    (read > VDSO).then(|| {
        told(
            true,
            format!("a read of the clock takes {read}: it is a system call (clock source {source})"),
            "see whether the kernel offers `tsc` in /sys/devices/system/clocksource/clocksource0/available_clocksource",
        )
    })
}

fn governor(found: &Examination) -> Option<Advice> {
    let governor = found.host.governor.as_deref().filter(|g| *g != "performance")?;
    Some(told(
        false,
        format!("the frequency governor is `{governor}`: processor time per operation depends on the load"),
        "cpupower frequency-set -g performance",
    ))
}

fn counting(found: &Examination) -> Option<Advice> {
    let step = found.clocks.cpu_step_ns?;
    let tick = found.clocks.proc_tick_ns?;
    (step < tick).then(|| {
        told(
            false,
            format!("processor time is counted in steps of {step}, where /proc/PID/stat has {tick}"),
            "a run uses the finer one",
        )
    })
}

/// Three digits are more than these numbers hold.
fn short(span: Span) -> String {
    let digits = |unit: u64| Span((span.0 + unit / 2) / unit * unit).to_string();
    match span.0 {
        0..1_000 => digits(1),
        1_000..10_000 => digits(100),
        10_000..1_000_000 => digits(1_000),
        1_000_000..10_000_000 => digits(100_000),
        _ => digits(1_000_000),
    }
}

fn thousands(value: f64) -> String {
    let rounded = (value / 1000.0).round() as u64;
    if rounded == 0 { format!("{value:.0}") } else { format!("{rounded},000") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Busy, Clocks, Load, Loopback, Timer};
    use crate::trace::Host;
    use crate::trace::floor::{AtPeriod, Quantiles};

    fn took(us: u64) -> Quantiles {
        Quantiles { n: 100, p50_ns: Some(Span::from_micros(us)), ..Quantiles::default() }
    }

    fn at(ms: u64, us: u64) -> AtPeriod {
        AtPeriod { period_ns: Span::from_millis(ms), took: took(us) }
    }

    fn examination() -> Examination {
        let timer = |method, us| Timer { method, asked_ns: Span::from_millis(1), late: took(us) };
        Examination {
            host: Host { cores: Some(2), clock_source: Some("tsc".to_owned()), ..Host::default() },
            timers: vec![timer(Method::Absolute, 30), timer(Method::Tokio, 1060)],
            loopback: Loopback {
                push: vec![at(1, 24), at(10, 40), at(100, 98)],
                round_trip: vec![at(1, 60), at(0, 35)],
                ..Loopback::default()
            },
            clocks: Clocks {
                read_ps: Some(22_400),
                cpu_step_ns: Some(Span(180)),
                proc_tick_ns: Some(Span::from_millis(10)),
                ..Clocks::default()
            },
            ..Examination::default()
        }
    }

    fn whats(found: &Examination, caution: bool) -> Vec<String> {
        advice(found)
            .into_iter()
            .filter(|a| a.caution == caution)
            .map(|a| format!("{}; {}", a.what, a.advice))
            .collect()
    }

    #[test]
    fn a_good_machine_has_limits_and_no_cautions() {
        let found = examination();
        assert_eq!(whats(&found, true), Vec::<String>::new());
        insta::assert_snapshot!(whats(&found, false).join("\n"));
    }

    #[test]
    fn nothing_follows_from_nothing() {
        assert_eq!(advice(&Examination::default()), []);
    }

    #[test]
    fn what_disturbs_is_cautioned_against() {
        let mut found = examination();
        found.host.cores = Some(1);
        found.host.clock_source = Some("acpi_pm".to_owned());
        found.clocks.read_ps = Some(1_400_000);
        found.load = Load {
            others_percent: Some(143.0),
            steal_percent: Some(2.0),
            busiest: vec![Busy { pid: 7, name: "firefox".to_owned(), percent: 97.0 }],
            ..Load::default()
        };
        insta::assert_snapshot!(whats(&found, true).join("\n"));
        found.host.cpu_quota_permille = Some(1500);
        assert!(
            whats(&found, true)
                .iter()
                .any(|a| a.starts_with("the control group of this process may use 1.5 of a core"))
        );
    }

    #[test]
    fn just_below_the_bounds_nothing_is_cautioned() {
        let mut found = examination();
        found.load = Load { others_percent: Some(9.9), steal_percent: Some(0.9), ..Load::default() };
        found.clocks.read_ps = Some(200_999);
        assert_eq!(whats(&found, true), Vec::<String>::new());
    }
}
