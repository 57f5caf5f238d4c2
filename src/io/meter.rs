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

/// A client as it is metered: its process, and the processes that it started itself.
///
/// A client is the leader of a process group of its own, so its children are found by the group, however they were started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its process number.
    pub pid: u32,
    /// Its other processes, as far as they were there when they were looked for.
    pub others: Vec<u32>,
    /// CPU-bound processes beside it: neither its own nor a disturbance.
    pub hogs: Vec<u32>,
}

impl Subject {
    /// A client that starts no processes: a native one.
    #[must_use]
    pub fn alone(pid: u32) -> Subject {
        Subject { pid, others: Vec::new(), hogs: Vec::new() }
    }

    /// Looks for the processes of its group: a read of all of `/proc`, a millisecond or two.
    pub fn find_others(&mut self) {
        let Ok(processes) = fs::read_dir("/proc") else { return };
        let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let of_group = |pid: &u32| {
            *pid != self.pid && stat(*pid).and_then(|text| field(&text, GROUP)) == Some(u64::from(self.pid))
        };
        self.others = pids.filter(of_group).collect();
    }

    fn all(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.pid).chain(self.others.iter().copied())
    }

    /// Processor time of all its processes so far: living ones by their own clocks, ended ones by what the kernel credited to the
    /// process that waited for them, in its ticks of 10 ms. `None` when its main process is gone.
    fn cpu(&self) -> Option<Span> {
        let mut sum = cpu_time(self.pid)?;
        for pid in &self.others {
            sum += cpu_time(*pid).unwrap_or_default();
        }
        // Only a client that starts processes can have waited for some.
        let ended = |pid| stat(pid).as_deref().and_then(ended_children).unwrap_or_default();
        Some(self.all().fold(sum, |sum, pid| sum + ended(pid)))
    }

    fn wakeups(&self) -> Option<u64> {
        let of_main = wakeups(self.pid)?;
        Some(self.others.iter().filter_map(|pid| wakeups(*pid)).fold(of_main, u64::saturating_add))
    }
}

/// Fields of `/proc/PID/stat`, counted as in `proc(5)`.
const GROUP: usize = 5;
const CHILDREN_USER: usize = 16;
const CHILDREN_SYSTEM: usize = 17;

fn stat(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

/// A numeric field behind the program's name, which stands in parentheses and may hold anything.
fn field(stat: &str, number: usize) -> Option<u64> {
    const FIRST_BEHIND: usize = 3;
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_ascii_whitespace().nth(number.checked_sub(FIRST_BEHIND)?)?.parse().ok()
}

/// Processor time of the children that a process has waited for.
fn ended_children(stat: &str) -> Option<Span> {
    Some(Span::from_millis((field(stat, CHILDREN_USER)? + field(stat, CHILDREN_SYSTEM)?) * 10))
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
    /// Of the CPU-bound processes beside the clients.
    hogs: Span,
    host: Option<HostTimes>,
    at: Tick,
}

impl Reading {
    /// Reads everything at this moment. The processes under test are read first, and on both edges in the same order.
    #[must_use]
    pub fn take(ioc: u32, clients: &[Subject]) -> Reading {
        let ioc = cpu_time(ioc);
        let cpu: Vec<_> = clients.iter().map(Subject::cpu).collect();
        let own = cpu_time(std::process::id());
        let hogs = clients.iter().flat_map(|client| &client.hogs).filter_map(|pid| cpu_time(*pid));
        let hogs = hogs.fold(Span::ZERO, |sum, time| sum + time);
        let (host, at) = (host_times(), clock::now());
        let clients = cpu.into_iter().zip(clients).map(|(cpu, client)| (cpu, client.wakeups())).collect();
        Reading { ioc, clients, own, hogs, host, at }
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
        let hogs = close.hogs.0.saturating_sub(open.hogs.0);
        let others = busy
            .zip(ours)
            .zip(ioc.zip(less(close.own, open.own)))
            .map(|((busy, clients), (ioc, own))| Span(busy.0.saturating_sub(clients.0 + ioc.0 + own.0 + hogs)));
        Usage { ioc, clients, others, steal }
    }
}

/// The load of the host at one moment, for a process that looks at itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surroundings {
    own: Option<Span>,
    host: Option<HostTimes>,
    at: Tick,
}

/// What was used since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Over how long.
    pub over: Span,
    /// Processor time of all other processes.
    pub others: Option<Span>,
    /// Processor time that the hypervisor gave to others.
    pub steal: Option<Span>,
}

impl Surroundings {
    /// Reads everything at this moment.
    #[must_use]
    pub fn now() -> Surroundings {
        Surroundings { own: cpu_time(std::process::id()), host: host_times(), at: clock::now() }
    }

    /// What was used from then until now.
    #[must_use]
    pub fn since(&self) -> Used {
        let now = Surroundings::now();
        let over = now.at.saturating_since(self.at);
        let host = now.host.zip(self.host);
        let steal = host.and_then(|(to, from)| less(Some(to.steal), Some(from.steal)));
        let others = host.zip(steal).and_then(|((to, from), steal)| {
            let used = less(Some(to.idle), Some(from.idle))? + steal + less(now.own, self.own)?;
            Some(Span((over * to.processors).0.saturating_sub(used.0)))
        });
        Used { over, others, steal }
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
    fn a_name_in_a_stat_may_hold_anything() {
        let stat = "17 (a) b (c) S 4 16 16 0 -1 4194304 100 200 0 0 5 6 7 8 20 0 1 0 1 1 1\n";
        assert_eq!((field(stat, 4), field(stat, GROUP), field(stat, 3)), (Some(4), Some(16), None));
        assert_eq!(ended_children(stat), Some(Span::from_millis(150)));
        assert_eq!(field("", GROUP), None);
    }

    #[test]
    fn the_processes_of_a_group_count_together() {
        use std::io::Read;
        use std::os::unix::process::CommandExt;
        use std::process::{Command, Stdio};
        // One child lives and works, another has worked and ended.
        let work = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        // A shell gives its background jobs no standard input of their own accord.
        let script = format!("exec 3<&0; ({work}); ({work}; echo done; read x <&3) & wait");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut shell = shell.spawn().unwrap();
        shell.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
        let mut subject = Subject::alone(shell.id());
        let alone = cpu_time(shell.id()).unwrap();
        subject.find_others();
        assert_eq!(subject.others.len(), 1);
        let child = cpu_time(subject.others[0]).unwrap();
        assert!(child > Span::ZERO && subject.cpu().unwrap() >= alone + child, "{:?} {alone} {child}", subject.cpu());
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert_eq!(subject.cpu(), None);
    }

    #[test]
    fn what_computes_beside_a_client_is_nobodys_disturbance() {
        let times = |idle| Some(HostTimes { idle: Span::from_millis(idle), steal: Span::ZERO, processors: 2 });
        let own = Some(Span::ZERO);
        let open = Reading { ioc: own, clients: vec![(own, None)], own, hogs: Span::ZERO, host: times(0), at: Tick(0) };
        // A second of two processors: idle for 700 ms, 100 ms for the client, 200 for the IOC, 900 for the process beside it.
        let close = Reading {
            ioc: Some(Span::from_millis(200)),
            clients: vec![(Some(Span::from_millis(100)), None)],
            hogs: Span::from_millis(900),
            host: times(700),
            at: Tick(1_000_000_000),
            ..open.clone()
        };
        let usage = Usage::between(&open, &close);
        assert_eq!((usage.clients[0].0, usage.others), (Some(Span::from_millis(100)), Some(Span::from_millis(100))));
    }

    #[test]
    fn usage_is_unknown_where_a_process_ended() {
        let open = Reading {
            ioc: Some(Span(5)),
            clients: vec![(Some(Span(1)), Some(1))],
            own: None,
            hogs: Span::ZERO,
            host: None,
            at: Tick(0),
        };
        let close = Reading { ioc: Some(Span(9)), clients: vec![(None, None)], ..open.clone() };
        let usage = Usage::between(&open, &close);
        assert_eq!((usage.ioc, &usage.clients[0], usage.others), (Some(Span(4)), &(None, None), None));
    }
}
