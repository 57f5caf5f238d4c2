//! One processor for IOC and client, kept from sleeping while something is measured.
//!
//! A processor with nothing to do sleeps, and how long it takes to wake differs from one second to the next, above all in a virtual
//! machine, where the host is asked. And whether a client runs beside its IOC or on another processor is the scheduler's choice, made anew
//! in each repeat: the median latency of a callback scatters by a third of it. Here what is under test is bound to one processor, on which a
//! thread spins at the policy `SCHED_IDLE` (`sched(7)`): it runs only where the processor would otherwise sleep, and any other thread
//! takes its place at once. No privilege is needed. Its processor time is this process' own, which no meter charges to others.

#![expect(unsafe_code, reason = "sched_setscheduler has no safe form")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use thiserror::Error;

/// The name of the thread.
const NAME: &str = "steady";
/// No processor is held.
const NONE: usize = usize::MAX;
/// The processor that is held for what is under test. There is one machine, so there is one of it.
static HELD: AtomicUsize = AtomicUsize::new(NONE);

/// Why no processor could be held.
#[derive(Debug, Error)]
#[error("no processor can be kept awake for IOC and clients: {what}: {source}")]
pub struct SteadyError {
    what: &'static str,
    source: io::Error,
}

/// Holds a processor for what is under test until it is dropped.
#[derive(Debug)]
pub struct Steady {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Steady {
    /// Takes the last processor that this process may use (the first has most of the interrupts), and returns when it is awake.
    ///
    /// # Errors
    /// When the kernel refuses the policy or the binding to a processor.
    pub fn start() -> Result<Steady, SteadyError> {
        let failed = |e: nix::Error| SteadyError { what: "sched_getaffinity", source: e.into() };
        let allowed = sched_getaffinity(Pid::from_raw(0)).map_err(failed)?;
        let cpu = (0..CpuSet::count()).rev().find(|cpu| allowed.is_set(*cpu).unwrap_or(false)).unwrap_or(0);
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let (sender, settled) = mpsc::channel();
        let spin = move || {
            let result = settle(cpu);
            let fine = result.is_ok();
            // The receiver waits for it.
            let _ = sender.send(result);
            while fine && !told.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        };
        let thread = Builder::new().name(NAME.to_owned()).spawn(spin);
        let thread = thread.map_err(|source| SteadyError { what: "a thread", source })?;
        let steady = Steady { over, thread: Some(thread) };
        settled.recv().map_err(|e| SteadyError { what: "a thread", source: io::Error::other(e) })??;
        HELD.store(cpu, Ordering::Relaxed);
        Ok(steady)
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        HELD.store(NONE, Ordering::Relaxed);
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It cannot panic.
            let _ = thread.join();
        }
    }
}

/// This thread on the processor that is held, until it is dropped: what it starts meanwhile stays there.
#[derive(Debug)]
pub(super) struct Bound(Option<CpuSet>);

/// Binds this thread to the processor that is held, if one is. Where the kernel refuses, what is started runs anywhere.
pub(super) fn bound() -> Bound {
    let cpu = HELD.load(Ordering::Relaxed);
    if cpu == NONE {
        return Bound(None);
    }
    let before = sched_getaffinity(Pid::from_raw(0)).ok();
    Bound(before.filter(|_| bind(cpu).is_ok()))
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            // What it was allowed before it is allowed again.
            let _ = sched_setaffinity(Pid::from_raw(0), &before);
        }
    }
}

/// Keeps this thread off the processor that is held, if one is and there are others: what only watches must not take its time.
pub(super) fn keep_off() {
    let cpu = HELD.load(Ordering::Relaxed);
    if cpu == NONE {
        return;
    }
    let others = sched_getaffinity(Pid::from_raw(0)).and_then(|mut allowed| allowed.unset(cpu).map(|()| allowed));
    // Refused where there is no other; then it runs where it may.
    let _ = others.and_then(|others| sched_setaffinity(Pid::from_raw(0), &others));
}

fn bind(cpu: usize) -> nix::Result<()> {
    let mut one = CpuSet::new();
    one.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &one)
}

/// Binds this thread to a processor, and gives it the policy under which it stands in nobody's way.
fn settle(cpu: usize) -> Result<(), SteadyError> {
    bind(cpu).map_err(|e| SteadyError { what: "sched_setaffinity", source: e.into() })?;
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameters live through the call, which reads nothing else; 0 is the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
    if result != 0 {
        return Err(SteadyError { what: "sched_setscheduler", source: io::Error::last_os_error() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// Where each thread of that name may run, and its policy: field 41 of `/proc/PID/task/TID/stat`, as in `proc(5)`.
    fn spinning() -> Vec<(String, String)> {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten().map(|task| task.path());
        let ours = tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == NAME));
        let told = ours.filter_map(|task| {
            let stat = fs::read_to_string(task.join("stat")).ok()?;
            let policy = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(41 - 3)?.to_owned();
            Some((allowed(&fs::read_to_string(task.join("status")).ok()?), policy))
        });
        told.collect()
    }

    fn allowed(status: &str) -> String {
        status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned()
    }

    fn of_child() -> String {
        let told = Command::new("cat").arg("/proc/self/status").output().unwrap();
        allowed(&String::from_utf8(told.stdout).unwrap())
    }

    #[test]
    fn what_is_started_runs_where_a_thread_keeps_the_processor_awake() {
        let free = of_child();
        let steady = Steady::start().unwrap();
        let held = HELD.load(Ordering::Relaxed).to_string();
        assert_eq!(spinning(), [(held.clone(), libc::SCHED_IDLE.to_string())]);
        let bound = bound();
        assert_eq!(of_child(), held);
        drop(bound);
        assert_eq!(of_child(), free);
        let elsewhere = std::thread::spawn(|| {
            keep_off();
            of_child()
        });
        // Where there is no other processor it stays.
        assert!(elsewhere.join().unwrap() != held || free == held);
        drop(steady);
        assert_eq!((spinning(), HELD.load(Ordering::Relaxed)), (Vec::new(), NONE));
        let _still_free = super::bound();
        assert_eq!(of_child(), free);
    }
}
