//! The dashboard of a run on a terminal: a thread of its own draws it, seldom, and listens to the keyboard.
//!
//! It is fed with what the harness knows anyway, between the windows of measuring: the processes that are measured know nothing of it.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::clock;
use super::interrupt::Interrupt;
use super::progress::expected;
use super::run::Event;
use crate::report::dashboard::{Dashboard, draw};
use crate::scenario::model::Scenario;
use crate::scenario::plan::order;
use crate::summary::checks;
use crate::summary::measured::measure;
use crate::trace::{EmissionIndex, Segment, Trace};

/// From one drawing to the next, unless a key is pressed or the terminal changes its size.
const EVERY: Duration = Duration::from_millis(500);

/// The dashboard, while it is shown. The terminal is as it was before once this is gone.
#[derive(Debug)]
pub(super) struct Screen {
    scenario: Scenario,
    shared: Arc<Shared>,
    drawer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<Dashboard>,
    over: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Dashboard> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a terminal to show it on.
pub(super) fn possible() -> bool {
    io::stdout().is_terminal()
}

impl Screen {
    /// Takes the terminal over. A person's wish to end the run goes to `interrupt`, which gives the terminal back should it end the program
    /// at once.
    ///
    /// # Errors
    /// When the terminal does not do what it should.
    pub(super) fn open(scenario: &Scenario, colour: bool, interrupt: &'static Interrupt) -> io::Result<Screen> {
        let groups = (0..scenario.repeats).map(|repeat| order(scenario, repeat).len()).sum();
        let shared = Arc::new(Shared {
            state: Mutex::new(Dashboard::new(scenario, groups, expected(scenario))),
            over: AtomicBool::new(false),
        });
        // Restores the terminal in a panic, too.
        let terminal = ratatui::try_init()?;
        interrupt.has_terminal(Some(give_back));
        let of_drawer = Arc::clone(&shared);
        let drawer = std::thread::spawn(move || go(terminal, &of_drawer, interrupt, colour));
        Ok(Screen { scenario: scenario.clone(), shared, drawer: Some(drawer) })
    }

    /// Takes notice of what happened.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        let place = |repeat: u32| format!("repeat {}/{}", repeat + 1, self.scenario.repeats);
        let probe = |probe: usize| self.scenario.probes.get(probe).map_or("", |probe| probe.name.as_str());
        match event {
            Event::Started { clients, repeat, expected } => {
                self.shared.state().started(clients, *repeat, *expected, clock::now());
            }
            Event::Probing { probe: index, repeat } => self.shared.state().probing(probe(*index), *repeat),
            Event::Probed { .. } => {}
            Event::ProbeFailed { probe: index, repeat, why } => {
                self.shared.state().failed(None, format!("{}  {} failed: {why}", place(*repeat), probe(*index)));
            }
            Event::Failed { client, repeat, why, .. } => {
                let name = self.scenario.clients.get(*client).map_or("", |client| client.name.as_str());
                self.shared.state().failed(Some(*client), format!("{}  {name} failed: {why}", place(*repeat)));
            }
            Event::Measured { segment, trace, .. } => self.measured(segment, trace),
        }
    }

    fn measured(&self, segment: &Segment, trace: &Trace) {
        let emissions = trace.emissions.get(segment.repeat as usize);
        let Some((client, emissions)) = self.scenario.clients.get(segment.client).zip(emissions) else { return };
        let index = EmissionIndex::new(self.scenario.pvs.len(), emissions);
        let measured = measure(&self.scenario, client, &index, segment);
        let mut state = self.shared.state();
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
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(drawer) = self.drawer.take() {
            let _ = drawer.join();
        }
    }
}

/// Draws and listens until the run is over.
fn go(mut terminal: DefaultTerminal, shared: &Shared, interrupt: &Interrupt, colour: bool) {
    let told = interrupt.told();
    while !shared.over.load(Ordering::Relaxed) {
        if *told.borrow() {
            shared.state().ending();
        }
        let drawn = terminal.draw(|frame| draw(frame, &shared.state(), clock::now(), colour));
        let asked = event::poll(EVERY).and_then(|any| if any { event::read().map(Some) } else { Ok(None) });
        match asked {
            Ok(Some(Input::Key(key))) if ends(&key) => interrupt.insist(),
            Ok(_) if drawn.is_ok() => {}
            // The terminal is gone, or has no keyboard: the run goes on, and a signal can still end it.
            _ => std::thread::sleep(EVERY),
        }
    }
    give_back();
    interrupt.has_terminal(None);
}

/// Leaves the terminal as it was; one that is gone needs nothing.
fn give_back() {
    let _ = ratatui::try_restore();
}

fn ends(key: &KeyEvent) -> bool {
    let interrupts = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && (matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) || interrupts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_end_a_run() {
        let press = |code, modifiers| ends(&KeyEvent::new(code, modifiers));
        assert!(press(KeyCode::Char('q'), KeyModifiers::NONE));
        assert!(press(KeyCode::Esc, KeyModifiers::NONE));
        assert!(press(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!press(KeyCode::Char('c'), KeyModifiers::NONE));
        let release = KeyEvent::new_with_kind(KeyCode::Esc, KeyModifiers::NONE, KeyEventKind::Release);
        assert!(!ends(&release));
    }
}
