//! What this kernel lets a program count.
#![expect(unsafe_code, reason = "perf_event_open has no safe form")]

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::FromRawFd;

use nix::libc;

use crate::doctor::Counter;

/// `perf_event_attr` of `linux/perf_event.h` in its first version, 64 bytes.
#[repr(C)]
struct PerfEventAttr {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    bp_addr: u64,
}

/// `PERF_TYPE_HARDWARE` and `PERF_TYPE_SOFTWARE`.
const HARDWARE: u32 = 0;
const SOFTWARE: u32 = 1;
/// `exclude_kernel` and `exclude_hv`: what an ordinary user may count under the usual `perf_event_paranoid` of 2.
const USER_ONLY: u64 = 1 << 5 | 1 << 6;

pub(super) fn counters() -> Vec<Counter> {
    vec![
        found("schedstat", schedstat()),
        found("perf, software events", perf(SOFTWARE, 0).map(|()| "cpu-clock of this process, user space".to_owned())),
        found(
            "perf, hardware events",
            perf(HARDWARE, 1).map(|()| "instructions of this process, user space".to_owned()),
        ),
        found("cgroup v2", cgroup_v2()),
        found("cgroup v1", cgroup_v1()),
        found("CPU frequency", exists("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")),
        found("idle states", exists("/sys/devices/system/cpu/cpu0/cpuidle/state0/name")),
        found("pressure stall information", read("/proc/pressure/cpu").map(|_| "/proc/pressure/cpu".to_owned())),
    ]
}

fn found(name: &str, result: Result<String, String>) -> Counter {
    let available = result.is_ok();
    Counter { name: name.to_owned(), available, note: result.unwrap_or_else(|why| why) }
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))
}

fn exists(path: &str) -> Result<String, String> {
    read(path).map(|_| path.to_owned())
}

/// Run time, waiting time and time slices of this process. A kernel without `CONFIG_SCHED_INFO` has zeros there.
fn schedstat() -> Result<String, String> {
    const PATH: &str = "/proc/self/schedstat";
    let text = read(PATH)?;
    if text.split_ascii_whitespace().all(|field| field == "0") {
        return Err(format!("{PATH} counts nothing: a kernel without CONFIG_SCHED_INFO"));
    }
    Ok(PATH.to_owned())
}

/// Opens an event of this process and reads it once.
fn perf(kind: u32, config: u64) -> Result<(), String> {
    let attr = PerfEventAttr {
        kind,
        size: size_of::<PerfEventAttr>() as u32,
        config,
        sample_period: 0,
        sample_type: 0,
        read_format: 0,
        flags: USER_ONLY,
        wakeup_events: 0,
        bp_type: 0,
        bp_addr: 0,
    };
    // SAFETY: `attr` is a perf_event_attr of the size that it states, and lives through the call, which only reads it.
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attr, 0, -1, -1, 0) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(|| {
        let error = io::Error::last_os_error();
        let paranoid = read("/proc/sys/kernel/perf_event_paranoid")
            .map_or(String::new(), |level| format!(" (kernel.perf_event_paranoid is {})", level.trim()));
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::EOPNOTSUPP | libc::ENODEV) => {
                "this processor, or its hypervisor, offers none".to_owned()
            }
            Some(libc::EACCES | libc::EPERM) => format!("not permitted{paranoid}"),
            _ => format!("perf_event_open: {error}"),
        }
    })?;
    // SAFETY: a descriptor that was just opened and that nobody else has.
    let mut event = unsafe { File::from_raw_fd(fd) };
    event.read_exact(&mut [0; 8]).map_err(|e| format!("it cannot be read: {e}"))
}

/// The hierarchy of this process in version 2, where processor time is accounted.
fn cgroup_v2() -> Result<String, String> {
    const CONTROLLERS: &str = "/sys/fs/cgroup/cgroup.controllers";
    read(CONTROLLERS)?;
    let own = read("/proc/self/cgroup")?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::")).ok_or("this process is in none")?;
    exists(&format!("/sys/fs/cgroup{}/cpu.stat", path.trim_end_matches('/')))
}

fn cgroup_v1() -> Result<String, String> {
    let own = read("/proc/self/cgroup")?;
    let of_cpu = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers.split(',').any(|c| c == "cpuacct").then(|| path.to_owned())
    });
    let path = of_cpu.ok_or("no cpuacct hierarchy")?;
    exists(&format!("/sys/fs/cgroup/cpuacct{}/cpuacct.usage", path.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_says_where_or_why_not() {
        let counters = counters();
        assert!(counters.iter().all(|c| !c.note.is_empty()), "{counters:?}");
        assert!(counters.iter().any(|c| c.name == "schedstat"));
    }

    #[test]
    fn an_event_that_does_not_exist_has_a_reason() {
        assert!(perf(SOFTWARE, 9_999).is_err());
        assert!(perf(99_999, 0).is_err());
        assert_eq!(size_of::<PerfEventAttr>(), 64);
    }
}
