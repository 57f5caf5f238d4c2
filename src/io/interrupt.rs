//! What asks the program to end: Ctrl-C, a service manager, a CI server that cancels a job, a terminal that closes.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::remark::remark;
use super::terminal::Taken;

/// The exit code of a program that a person ended.
pub(super) const INTERRUPTED: i32 = 130;

/// Whether the program was asked to end.
#[derive(Debug)]
pub(super) struct Interrupt {
    told: watch::Sender<bool>,
    flag: Arc<AtomicBool>,
    /// The terminal, while it is taken over.
    terminal: Mutex<Option<Arc<Taken>>>,
}

impl Interrupt {
    /// That of this program. From the first call on signals are listened to, whatever the program does then.
    pub(super) fn of_program() -> &'static Interrupt {
        static PROGRAM: OnceLock<Interrupt> = OnceLock::new();
        static LISTENER: OnceLock<()> = OnceLock::new();
        let program = PROGRAM.get_or_init(Interrupt::new);
        LISTENER.get_or_init(|| {
            std::thread::spawn(|| listen(program));
        });
        program
    }

    fn new() -> Interrupt {
        Interrupt { told: watch::channel(false).0, flag: Arc::default(), terminal: Mutex::new(None) }
    }

    /// Turns true when the program is asked to end, and stays so.
    pub(super) fn told(&self) -> watch::Receiver<bool> {
        self.told.subscribe()
    }

    /// The same for threads that look every now and then.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// A terminal was taken over, and is to be put back where the program ends at once; `None`: not any more.
    pub(super) fn on_terminal(&self, taken: Option<Arc<Taken>>) {
        *self.terminal() = taken;
    }

    /// A person asks the program to end; the second time it ends at once.
    pub(super) fn insist(&self) {
        if self.ask() {
            if let Some(taken) = &*self.terminal() {
                taken.put_back();
            }
            std::process::exit(INTERRUPTED);
        }
    }

    /// Asks the program to end, once or several times. Returns whether it was asked before.
    fn ask(&self) -> bool {
        let before = self.told.send_replace(true);
        self.flag.store(true, Ordering::Relaxed);
        if !before && self.terminal().is_none() {
            remark("interrupted: what was recorded is reported; Ctrl-C once more ends at once");
        }
        before
    }

    fn terminal(&self) -> MutexGuard<'_, Option<Arc<Taken>>> {
        self.terminal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(program: &'static Interrupt) {
    let Ok(runtime) = Builder::new_current_thread().enable_io().build() else { return };
    let hang_up = (!hang_up_is_ignored()).then(SignalKind::hangup);
    runtime.block_on(async {
        for kind in [SignalKind::interrupt(), SignalKind::terminate()].into_iter().chain(hang_up) {
            tokio::spawn(async move {
                let Ok(mut signals) = signal(kind) else { return };
                while signals.recv().await.is_some() {
                    // Others may come twice: `timeout` tells the process and its group.
                    if kind == SignalKind::interrupt() {
                        program.insist();
                    } else {
                        program.ask();
                    }
                }
            });
        }
        std::future::pending::<()>().await;
    });
}

/// Whether `nohup` or the like started the program.
fn hang_up_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_looks_is_told() {
        let interrupt = Interrupt::new();
        let (before, flag) = (interrupt.told(), interrupt.flag());
        assert!(!*before.borrow() && !flag.load(Ordering::Relaxed));
        assert!(!interrupt.ask() && interrupt.ask());
        assert!(*before.borrow() && *interrupt.told().borrow() && flag.load(Ordering::Relaxed));
    }
}
