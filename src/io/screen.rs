//! The dashboard of a run on a terminal: a thread of its own draws it, seldom, and listens to the keyboard.
//!
//! It is fed with what the harness knows anyway, between the windows of measuring: the processes that are measured know nothing of it.

use std::io::{self, IsTerminal, PipeReader, PipeWriter, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;
use ratatui_core::terminal::Terminal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::clock;
use super::interrupt::Interrupt;
use super::progress::expected;
use super::run::Event;
use super::steady;
use super::terminal::{Canvas, Taken};
use crate::report::dashboard::{Dashboard, draw};
use crate::scenario::model::Scenario;
use crate::scenario::plan::order;
use crate::summary::checks;
use crate::summary::measured::measure;
use crate::trace::{EmissionIndex, Segment, Trace};

/// Milliseconds from one drawing to the next, unless something happens: within a window only the progress moves.
const EVERY: u16 = 1000;
/// The name of the thread that draws.
const THREAD: &str = "dashboard";

/// The dashboard, while it is shown. The terminal is as it was before once this is gone.
#[derive(Debug)]
pub(super) struct Screen {
    scenario: Scenario,
    state: Arc<Mutex<Dashboard>>,
    drawer: Option<Drawer>,
}

/// The thread that draws, and what wakes it: a byte, to draw at once or to end.
#[derive(Debug)]
struct Drawer {
    thread: JoinHandle<()>,
    wake: PipeWriter,
}

fn lock(state: &Mutex<Dashboard>) -> MutexGuard<'_, Dashboard> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Screen {
    /// Takes the terminal over. A person's wish to end the run goes to `interrupt`, which puts the terminal back where it ends the program at
    /// once. Within a runtime of tokio.
    ///
    /// # Errors
    /// When the terminal does not do what it should.
    pub(super) fn open(scenario: &Scenario, colour: bool, interrupt: &'static Interrupt) -> io::Result<Screen> {
        let groups = (0..scenario.repeats).map(|repeat| order(scenario, repeat).len()).sum();
        let state = Arc::new(Mutex::new(Dashboard::new(scenario, groups, expected(scenario))));
        let (woken, wake) = io::pipe()?;
        let of_signals = wake.try_clone()?;
        let taken = Taken::take()?;
        let drawing = Drawing { state: Arc::clone(&state), taken: Arc::clone(&taken), woken, interrupt, colour };
        let thread = Builder::new().name(THREAD.to_owned()).spawn(move || drawing.go());
        let thread = thread.inspect_err(|_| taken.put_back())?;
        interrupt.on_terminal(Some(taken));
        draw_when_told(interrupt.told(), of_signals);
        Ok(Screen { scenario: scenario.clone(), state, drawer: Some(Drawer { thread, wake }) })
    }

    /// Takes notice of what happened.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        let place = |repeat: u32| format!("repeat {}/{}", repeat + 1, self.scenario.repeats);
        let probe = |probe: usize| self.scenario.probes.get(probe).map_or("", |probe| probe.name.as_str());
        match event {
            Event::Started { clients, repeat, expected } => {
                lock(&self.state).started(clients, *repeat, *expected, clock::now());
            }
            Event::Probing { probe: index, repeat } => lock(&self.state).probing(probe(*index), *repeat),
            Event::Probed { .. } => {}
            Event::ProbeFailed { probe: index, repeat, why } => {
                lock(&self.state).failed(None, format!("{}  {} failed: {why}", place(*repeat), probe(*index)));
            }
            Event::Failed { client, repeat, why, .. } => {
                let name = self.scenario.clients.get(*client).map_or("", |client| client.name.as_str());
                lock(&self.state).failed(Some(*client), format!("{}  {name} failed: {why}", place(*repeat)));
            }
            Event::Measured { segment, trace, .. } => self.measured(segment, trace),
        }
        if let Some(drawer) = &self.drawer {
            let _ = (&drawer.wake).write_all(DRAW);
        }
    }

    fn measured(&self, segment: &Segment, trace: &Trace) {
        let emissions = trace.emissions.get(segment.repeat as usize);
        let Some((client, emissions)) = self.scenario.clients.get(segment.client).zip(emissions) else { return };
        let index = EmissionIndex::new(self.scenario.pvs.len(), emissions);
        let measured = measure(&self.scenario, client, &index, segment);
        let mut state = lock(&self.state);
        state.measured(segment, &measured);
        let length = segment.window.length();
        let others = checks::others_busy(&[(segment.cpu_others, length)]);
        let found = others.into_iter().chain(checks::stolen(&[(segment.steal, length)]));
        for warning in found.map(|finding| finding.warning(None)) {
            state.warn(format!("{}, repeat {}: {}", client.name, segment.repeat + 1, warning.what));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(Drawer { thread, wake }) = self.drawer.take() {
            let _ = (&wake).write_all(END);
            let _ = thread.join();
        }
    }
}

/// Bytes that wake the drawer.
const DRAW: &[u8] = b"d";
const END: &[u8] = b"e";

/// What the drawing thread has.
struct Drawing {
    state: Arc<Mutex<Dashboard>>,
    taken: Arc<Taken>,
    woken: PipeReader,
    interrupt: &'static Interrupt,
    colour: bool,
}

impl Drawing {
    /// Draws and listens until the run is over.
    fn go(self) {
        steady::keep_off();
        // It reads the size, and cannot fail.
        if let Ok(mut terminal) = Terminal::new(Canvas::new(Arc::clone(&self.taken))) {
            let mut keyboard = io::stdin().is_terminal();
            let told = self.interrupt.told();
            loop {
                if *told.borrow() {
                    lock(&self.state).ending();
                }
                // A terminal that is gone cannot be drawn on: the run goes on, and a signal can still end it.
                let _ = terminal.draw(|frame| draw(frame, &lock(&self.state), clock::now(), self.colour));
                match self.wait(&mut keyboard) {
                    Next::Draw => {}
                    Next::Interrupt => self.interrupt.insist(),
                    Next::End => break,
                }
            }
        }
        self.taken.put_back();
        self.interrupt.on_terminal(None);
    }

    /// Waits for the time of the next drawing, a key or a wake-up.
    fn wait(&self, keyboard: &mut bool) -> Next {
        let stdin = io::stdin();
        let mut sources =
            [PollFd::new(self.woken.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        let watched = if *keyboard { 2 } else { 1 };
        if poll(&mut sources[..watched], PollTimeout::from(EVERY)).is_err() {
            return Next::Draw;
        }
        let ready = sources.map(|source| source.revents().is_some_and(|events| !events.is_empty()));
        let mut bytes = [0; 64];
        if ready[0] {
            let ends = match read(&self.woken, &mut bytes) {
                Ok(0) | Err(_) => true,
                Ok(count) => bytes[..count].iter().any(|byte| [*byte] == *END),
            };
            return if ends { Next::End } else { Next::Draw };
        }
        if ready[1] {
            match read(&stdin, &mut bytes) {
                Ok(0) | Err(_) => *keyboard = false,
                Ok(count) if ends(&bytes[..count]) => return Next::Interrupt,
                Ok(_) => {}
            }
        }
        Next::Draw
    }
}

enum Next {
    Draw,
    Interrupt,
    End,
}

/// Whether keys ask for the end: q, Esc or Ctrl-C. Other keys, some of which begin as Esc does, do not.
fn ends(mut keys: &[u8]) -> bool {
    const CTRL_C: u8 = 3;
    const ESC: u8 = 27;
    loop {
        keys = match keys {
            [] => return false,
            [b'q' | CTRL_C, ..] | [ESC] => return true,
            // An arrow or the like: parameters up to a last byte (ECMA-48, 5.4), or one letter.
            [ESC, b'[', rest @ ..] => {
                let last = rest.iter().position(|byte| (0x40..=0x7e).contains(byte));
                last.and_then(|at| rest.get(at + 1..)).unwrap_or_default()
            }
            [ESC, b'O', _, rest @ ..] | [ESC, _, rest @ ..] | [_, rest @ ..] => rest,
        };
    }
}

/// Draws at once when the terminal has a new size, or the program is asked to end.
fn draw_when_told(mut ending: watch::Receiver<bool>, wake: PipeWriter) {
    tokio::spawn(async move {
        let Ok(mut sizes) = signal(SignalKind::window_change()) else { return };
        loop {
            let told = tokio::select! {
                size = sizes.recv() => size.is_some(),
                end = ending.changed() => end.is_ok(),
            };
            if !told || (&wake).write_all(DRAW).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_end_a_run() {
        for keys in [b"q".as_slice(), b"\x1b", b"\x03", b"xq", b"\x1b[Aq", b"\x1bOPq", b"\x1b[1;5C\x1b"] {
            assert!(ends(keys), "{keys:?}");
        }
        for keys in [b"".as_slice(), b"c", b"\x1b[A", b"\x1bOP", b"\x1b[1;5q", b"\x1b[", b"\x1bq", "ü".as_bytes()] {
            assert!(!ends(keys), "{keys:?}");
        }
    }
}
