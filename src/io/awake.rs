//! Processors kept from sleeping while something is measured.
//!
//! A processor with nothing to do sleeps, and how long it takes to wake differs from one second to the next, above all in a virtual
//! machine, where the host is asked: the median latency of a callback scatters by a third from repeat to repeat. Here a thread on each
//! processor spins at the policy `SCHED_IDLE` (`sched(7)`): it runs only where a processor would otherwise sleep, and any other thread
//! takes its place at once. No privilege is needed. Its processor time is this process' own, which no meter charges to others.

#![expect(unsafe_code, reason = "sched_setscheduler has no safe form")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use thiserror::Error;

/// The name of the threads.
const NAME: &str = "awake";

/// Why the processors may sleep all the same.
#[derive(Debug, Error)]
#[error("the processors cannot be kept awake: {what}: {source}")]
pub struct AwakeError {
    what: &'static str,
    source: io::Error,
}

/// Holds the processors that this process may use awake until it is dropped.
#[derive(Debug)]
pub struct Awake {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Awake {
    /// Starts the threads, and returns when all of them spin.
    ///
    /// # Errors
    /// When the kernel refuses the policy or the binding to a processor: nothing spins then.
    pub fn start() -> Result<Awake, AwakeError> {
        let failed = |what| move |e: nix::Error| AwakeError { what, source: e.into() };
        let allowed = sched_getaffinity(Pid::from_raw(0)).map_err(failed("sched_getaffinity"))?;
        let mut awake = Awake { over: Arc::new(AtomicBool::new(false)), threads: Vec::new() };
        let (sender, ready) = mpsc::channel();
        for cpu in (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)) {
            let (over, sender) = (Arc::clone(&awake.over), sender.clone());
            let spin = move || {
                let settled = settle(cpu);
                let fine = settled.is_ok();
                // The receiver waits for every thread.
                let _ = sender.send(settled);
                drop(sender);
                while fine && !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            };
            let thread = Builder::new().name(NAME.to_owned()).spawn(spin);
            awake.threads.push(thread.map_err(|source| AwakeError { what: "a thread", source })?);
        }
        drop(sender);
        for settled in ready {
            settled?;
        }
        Ok(awake)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It cannot panic.
            let _ = thread.join();
        }
    }
}

/// Binds this thread to a processor, and gives it the policy under which it stands in nobody's way.
fn settle(cpu: usize) -> Result<(), AwakeError> {
    let failed = |e: nix::Error| AwakeError { what: "sched_setaffinity", source: e.into() };
    let mut one = CpuSet::new();
    one.set(cpu).map_err(failed)?;
    sched_setaffinity(Pid::from_raw(0), &one).map_err(failed)?;
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameters live through the call, which reads nothing else; 0 is the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
    if result != 0 {
        return Err(AwakeError { what: "sched_setscheduler", source: io::Error::last_os_error() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    /// Where each of the threads may run, and its policy: field 41 of `/proc/PID/task/TID/stat`, as in `proc(5)`.
    fn spinning() -> Vec<(String, String)> {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten().map(|task| task.path());
        let ours = tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == NAME));
        let told = ours.filter_map(|task| {
            let stat = fs::read_to_string(task.join("stat")).ok()?;
            let policy = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(41 - 3)?.to_owned();
            let status = fs::read_to_string(task.join("status")).ok()?;
            let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim().to_owned();
            Some((allowed, policy))
        });
        told.collect()
    }

    #[test]
    fn one_thread_on_each_processor_that_gives_way_until_it_is_dropped() {
        let awake = Awake::start().unwrap();
        let found = spinning();
        let processors: BTreeSet<&str> = found.iter().map(|(cpu, _)| cpu.as_str()).collect();
        let allowed = std::thread::available_parallelism().unwrap().get();
        assert_eq!((found.len(), processors.len()), (allowed, allowed), "{found:?}");
        assert!(found.iter().all(|(_, policy)| *policy == libc::SCHED_IDLE.to_string()), "{found:?}");
        drop(awake);
        assert_eq!(spinning(), []);
    }
}
