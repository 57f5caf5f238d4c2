//! What this machine is, as the kernel tells it.

use std::collections::BTreeMap;
use std::fs;

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
    Host {
        cpu_model,
        cores: cores.and_then(|n| n.parse().ok()),
        kernel,
        clock_source,
        timer_slack_ns: sharpened_slack(),
        governor,
        versions: BTreeMap::from([("pollcost".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
        unavailable,
    }
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
