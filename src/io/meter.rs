//! Processor time, context switches and the load of the host, read at the two edges of a window.

use std::fs;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

use super::clock;
use crate::time::{Span, Tick};

/// Processor time of all threads of a process so far, ended ones included: its own CPU clock, in nanoseconds
/// (`clock_getcpuclockid(3)`; the ticks of `/proc/PID/stat` are 10 ms and read 0 where 11 ms were used).
///
/// `None` when the process is gone.
#[must_use]
pub fn cpu_time(pid: u32) -> Option<Span> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).ok()?;
    let time = clock.now().ok()?;
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    let nanos = u64::try_from(time.tv_nsec()).ok()?;
    Some(Span(seconds * 1_000_000_000 + nanos))
}

/// Voluntary context switches of all living threads of a process so far; `None` when the process is gone.
#[must_use]
pub fn wakeups(pid: u32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut sum = 0;
    for task in tasks.flatten() {
        // A thread that ended between the listing and the reading is left out.
        if let Ok(status) = fs::read_to_string(task.path().join("status")) {
            sum += voluntary_switches(&status)?;
        }
    }
    Some(sum)
}

fn voluntary_switches(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()
}

/// What `/proc/stat` says of all processors together, in its ticks of 10 ms. Idle time is exact on a tickless kernel,
/// while busy time is only sampled at ticks: so busy time is taken as what is not idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HostTimes {
    idle: Span,
    steal: Span,
    processors: u64,
}

fn host_times() -> Option<HostTimes> {
    parse_host_times(&fs::read_to_string("/proc/stat").ok()?)
}

fn parse_host_times(stat: &str) -> Option<HostTimes> {
    let ticks: Vec<u64> =
        stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace().map_while(|t| t.parse().ok()).collect();
    let span = |i: usize| ticks.get(i).map(|t| Span::from_millis(t * 10));
    let processors = stat.lines().skip(1).take_while(|line| line.starts_with("cpu")).count() as u64;
    Some(HostTimes { idle: span(3)? + span(4)?, steal: span(7)?, processors })
}

/// What is read at one edge of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Processor time of the IOC.
    pub ioc: Option<Span>,
    /// For each client: its processor time and its voluntary context switches.
    pub clients: Vec<(Option<Span>, Option<u64>)>,
    own: Option<Span>,
    host: Option<HostTimes>,
    at: Tick,
}

impl Reading {
    /// Reads everything at this moment. The processes under test are read first, and on both edges in the same order.
    #[must_use]
    pub fn take(ioc: u32, clients: &[u32]) -> Reading {
        let ioc = cpu_time(ioc);
        let cpu: Vec<_> = clients.iter().map(|pid| cpu_time(*pid)).collect();
        let own = cpu_time(std::process::id());
        let (host, at) = (host_times(), clock::now());
        let clients = cpu.into_iter().zip(clients).map(|(cpu, pid)| (cpu, wakeups(*pid))).collect();
        Reading { ioc, clients, own, host, at }
    }
}

/// The difference of two readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time of the IOC.
    pub ioc: Option<Span>,
    /// For each client: its processor time and its voluntary context switches.
    pub clients: Vec<(Option<Span>, Option<u64>)>,
    /// Processor time of everything else but the harness.
    pub others: Option<Span>,
    /// Processor time that the hypervisor gave to others.
    pub steal: Option<Span>,
}

impl Usage {
    /// What was used between two readings.
    #[must_use]
    pub fn between(open: &Reading, close: &Reading) -> Usage {
        let ioc = less(close.ioc, open.ioc);
        let clients: Vec<_> = open
            .clients
            .iter()
            .zip(&close.clients)
            .map(|(from, to)| (less(to.0, from.0), to.1.zip(from.1).and_then(|(to, from)| to.checked_sub(from))))
            .collect();
        let ours = clients.iter().try_fold(Span::ZERO, |sum, client| Some(sum + client.0?));
        let host = close.host.zip(open.host);
        let steal = host.and_then(|(to, from)| less(Some(to.steal), Some(from.steal)));
        let busy = host.zip(steal).and_then(|((to, from), steal)| {
            let wall = close.at.saturating_since(open.at) * to.processors;
            Some(Span(wall.0.saturating_sub(less(Some(to.idle), Some(from.idle))?.0 + steal.0)))
        });
        let others = busy
            .zip(ours)
            .zip(ioc.zip(less(close.own, open.own)))
            .map(|((busy, clients), (ioc, own))| Span(busy.0.saturating_sub(clients.0 + ioc.0 + own.0)));
        Usage { ioc, clients, others, steal }
    }
}

fn less(to: Option<Span>, from: Option<Span>) -> Option<Span> {
    to?.0.checked_sub(from?.0).map(Span)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One above the largest process number that Linux gives (`proc(5)`).
    const PID_MAX_LIMIT: u32 = 4_194_304;

    #[test]
    fn reads_its_own_processor_time_finer_than_a_tick() {
        let pid = std::process::id();
        let before = cpu_time(pid).unwrap();
        let mut x = 1u64;
        while cpu_time(pid).unwrap().0 - before.0 < 1_000_000 {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(cpu_time(pid).unwrap() > before);
        assert_eq!(cpu_time(PID_MAX_LIMIT), None);
    }

    #[test]
    fn parses_what_the_kernel_prints() {
        assert_eq!(
            voluntary_switches("Name:\tx\nvoluntary_ctxt_switches:\t42\nnonvoluntary_ctxt_switches:\t7\n"),
            Some(42)
        );
        let stat =
            "cpu  100 0 50 2000 7 0 3 9 0 0\ncpu0 50 0 25 1000 4 0 2 5 0 0\ncpu1 50 0 25 1000 3 0 1 4 0 0\nintr 5\n";
        let times = parse_host_times(stat).unwrap();
        assert_eq!((times.idle, times.steal, times.processors), (Span::from_millis(20_070), Span::from_millis(90), 2));
        assert_eq!(parse_host_times("intr 5\n"), None);
    }

    #[test]
    fn usage_is_unknown_where_a_process_ended() {
        let open =
            Reading { ioc: Some(Span(5)), clients: vec![(Some(Span(1)), Some(1))], own: None, host: None, at: Tick(0) };
        let close = Reading { ioc: Some(Span(9)), clients: vec![(None, None)], ..open.clone() };
        let usage = Usage::between(&open, &close);
        assert_eq!((usage.ioc, &usage.clients[0], usage.others), (Some(Span(4)), &(None, None), None));
    }
}
