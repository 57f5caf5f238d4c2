//! What else runs on the machine while something is measured.

use std::collections::BTreeMap;
use std::fs;

use crate::doctor::{Busy, Load};
use crate::io::meter::{self, Surroundings};
use crate::time::Span;

/// Processes that are told at most.
const TOLD: usize = 3;
/// Below this, in percent of one core, a process is not told.
const WORTH_TELLING: f64 = 1.0;

/// The state at the beginning.
#[derive(Debug)]
pub(super) struct Watch {
    surroundings: Surroundings,
    processes: BTreeMap<u32, Span>,
}

impl Watch {
    pub(super) fn start() -> Watch {
        Watch { processes: processes(), surroundings: Surroundings::now() }
    }

    /// What has been used since.
    pub(super) fn load(&self) -> Load {
        let used = self.surroundings.since();
        let percent = |span: Span| span.0 as f64 / used.over.0.max(1) as f64 * 100.0;
        let mut busiest: Vec<(u32, f64)> = processes()
            .into_iter()
            .filter_map(|(pid, now)| {
                let before = self.processes.get(&pid).copied().unwrap_or_default();
                Some((pid, percent(Span(now.0.checked_sub(before.0)?))))
            })
            .filter(|(pid, percent)| *percent >= WORTH_TELLING && *pid != std::process::id())
            .collect();
        busiest.sort_by(|a, b| b.1.total_cmp(&a.1));
        busiest.truncate(TOLD);
        let busiest = busiest.into_iter().map(|(pid, percent)| Busy { pid, name: name(pid), percent }).collect();
        let unknown =
            used.others.is_none().then(|| "/proc/stat cannot be read, or is not that of this system".to_owned());
        let (others_percent, steal_percent) = (used.others.map(percent), used.steal.map(percent));
        Load { over_ns: used.over, others_percent, steal_percent, busiest, unknown }
    }
}

/// Processor time of every process that may be looked at.
fn processes() -> BTreeMap<u32, Span> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, meter::cpu_time(pid)?))).collect()
}

fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "(ended)".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_busy_process_is_found_and_this_one_is_not() {
        let watch = Watch::start();
        let mut busy = Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap();
        // Until it is among the busiest, whatever else runs, and is no longer a copy of this process.
        let found = loop {
            let load = watch.load();
            if let Some(found) = load.busiest.into_iter().find(|b| b.pid == busy.id() && b.name == "sh") {
                break found;
            }
        };
        busy.kill().unwrap();
        busy.wait().unwrap();
        assert!(found.percent >= WORTH_TELLING, "{found:?}");
        assert!(watch.load().busiest.iter().all(|b| b.pid != std::process::id()));
    }
}
