//! What this machine is, as the kernel tells it.

use std::collections::BTreeMap;
use std::fs;

use nix::time::{ClockId, clock_getres};
use nix::unistd::{SysconfVar, sysconf};

use crate::trace::host::Host;

/// Reads what a reader of the results must know of the machine. What cannot be read is named with its reason.
#[must_use]
pub fn host() -> Host {
    let mut unavailable = BTreeMap::new();
    let mut known = |field: &str, read: Result<String, String>| match read {
        Ok(text) => Some(text),
        Err(why) => {
            unavailable.insert(field.to_owned(), why);
            None
        }
    };
    let cpu_model = known("cpu_model", cpu_model());
    let kernel = known("kernel", kernel());
    let clock_source = known("clock_source", line("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
    let governor = known("governor", line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
    let cores = known("cores", std::thread::available_parallelism().map(|n| n.to_string()).map_err(|e| e.to_string()));
    let online = known("cores_online", online());
    let kernel_hz = known("kernel_hz", kernel_hz().map(|hz| hz.to_string()));
    let idle_driver = known("idle_driver", line("/sys/devices/system/cpu/cpuidle/current_driver"));
    let hypervisor = known("hypervisor", hypervisor().map(|is| is.to_string()));
    Host {
        cpu_model,
        cores: cores.and_then(|n| n.parse().ok()),
        cores_online: online.and_then(|n| n.parse().ok()),
        cpu_quota_permille: cpu_quota(),
        kernel_hz: kernel_hz.and_then(|n| n.parse().ok()),
        idle_driver,
        hypervisor: hypervisor.and_then(|is| is.parse().ok()),
        floor: None,
        kernel,
        clock_source,
        timer_slack_ns: sharpened_slack(),
        governor,
        versions: BTreeMap::from([("pollcost".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
        interpreters: Vec::new(),
        unavailable,
    }
}

/// The same with its floor, which takes less than a second to measure.
#[must_use]
pub fn measured_host() -> Host {
    let mut host = host();
    let (floor, missing) = super::doctor::floor(&super::doctor::Stop::default());
    host.floor = Some(floor);
    if !missing.is_empty() {
        host.unavailable.insert("floor".to_owned(), missing.join("; "));
    }
    host
}

fn line(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(|e| format!("{path}: {e}"))
}

fn cpu_model() -> Result<String, String> {
    const PATH: &str = "/proc/cpuinfo";
    let text = line(PATH)?;
    let model = text.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    model.map(|(_, name)| name.trim().to_owned()).ok_or_else(|| format!("{PATH} names no model"))
}

fn online() -> Result<String, String> {
    let count = sysconf(SysconfVar::_NPROCESSORS_ONLN).map_err(|e| format!("sysconf: {e}"))?;
    count.map(|n| n.to_string()).ok_or_else(|| "sysconf does not tell".to_owned())
}

/// Ticks in a second: one over the resolution of the coarse clock, which the tick moves.
fn kernel_hz() -> Result<u64, String> {
    let step = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE).map_err(|e| format!("clock_getres: {e}"))?;
    match u64::try_from(step.tv_nsec()) {
        Ok(ns @ 1..) if step.tv_sec() == 0 => Ok((1_000_000_000 + ns / 2) / ns),
        _ => Err("the coarse clock has no resolution".to_owned()),
    }
}

fn hypervisor() -> Result<bool, String> {
    const PATH: &str = "/proc/cpuinfo";
    let text = line(PATH)?;
    let flags = text.lines().find_map(|l| l.strip_prefix("flags")?.split_once(':'));
    let (_, flags) = flags.ok_or_else(|| format!("{PATH} names no flags"))?;
    Ok(flags.split_ascii_whitespace().any(|flag| flag == "hypervisor"))
}

/// The limit of this process' own control group, in thousandths of one core.
fn cpu_quota() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let in_v2 = own.lines().find_map(|line| line.strip_prefix("0::"));
    let v2 = in_v2.and_then(|path| {
        let path = path.trim_end_matches('/');
        quota(&fs::read_to_string(format!("/sys/fs/cgroup{path}/cpu.max")).ok()?)
    });
    v2.or_else(|| {
        let folder = "/sys/fs/cgroup/cpu";
        let part = |name: &str| fs::read_to_string(format!("{folder}/{name}")).ok();
        quota(&format!("{} {}", part("cpu.cfs_quota_us")?.trim(), part("cpu.cfs_period_us")?.trim()))
    })
}

/// Of `cpu.max`: quota and period in µs; `max` or a negative quota is no limit.
fn quota(text: &str) -> Option<u64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota * 1000).checked_div(period)
}

fn kernel() -> Result<String, String> {
    let name = nix::sys::utsname::uname().map_err(|e| format!("uname: {e}"))?;
    Ok(format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy()))
}

/// The timer slack that threads which sleep for a measurement get, in ns: asked for on a thread that ends at once.
fn sharpened_slack() -> Option<u64> {
    let thread = std::thread::spawn(|| {
        super::timer::sharpen();
        nix::sys::prctl::get_timerslack().ok()
    });
    u64::try_from(thread.join().ok()??).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_has_a_reason() {
        let host = host();
        let named = |field: &str| host.unavailable.contains_key(field);
        assert_ne!(host.governor.is_some(), named("governor"));
        assert_ne!(host.kernel_hz.is_some(), named("kernel_hz"));
        assert_ne!(host.cores_online.is_some(), named("cores_online"));
        assert!(host.cores <= host.cores_online, "{host:?}");
    }

    #[test]
    fn limits_of_control_groups() {
        assert_eq!(quota("max 100000\n"), None);
        assert_eq!(quota("-1 100000"), None);
        assert_eq!(quota("150000 100000\n"), Some(1500));
        assert_eq!(quota("150000 0"), None);
        assert_eq!(quota(""), None);
    }
}
