//! What the dashboard looks like, on terminals of several sizes.

use ratatui_core::backend::TestBackend;
use ratatui_core::terminal::Terminal;

use super::*;
use crate::scenario::model::{Change, Fetch, Pacing};
use crate::summary::example;
use crate::summary::measured::measure;
use crate::trace::EmissionIndex;

const MS: u64 = 1_000_000;

fn scenario() -> Scenario {
    let change = Change::Periodic { interval: Span::from_millis(100) };
    let delay = |ms| Some(Pacing::FixedDelay { period: Span::from_millis(ms) });
    let clients = vec![
        example::client("monitor", Fetch::Monitor, None, 20),
        example::client("poll-30ms", Fetch::Batch, delay(30), 20),
        example::client("a-poller-with-a-long-name", Fetch::Serial, delay(250), 20),
        example::client("poll-1s", Fetch::Batch, delay(1000), 20),
    ];
    let mut scenario = example::scenario(vec![(20, example::group(change))], clients);
    scenario.name = "quickstart".to_owned();
    scenario.repeats = 3;
    scenario
}

/// In the second repeat: two clients are through, the third is running, the last one failed in the first repeat.
fn state() -> Dashboard {
    let scenario = scenario();
    let mut state = Dashboard::new(&scenario, 12, Span::from_secs(120));
    for repeat in 0..2u32 {
        let emissions = example::posted(20, 100 * MS, 40_000 * MS, 7 + u64::from(repeat));
        let index = EmissionIndex::new(20, &emissions);
        for client in 0..4 {
            let start = Tick(u64::from(repeat) * 40_000 * MS + client as u64 * 10_000 * MS);
            state.started(&[client], repeat, Span::from_secs(10), start);
            if client == 3 {
                state.failed(Some(3), "repeat 1/3  poll-1s failed: not connected: no answer for TEST:G0P7".to_owned());
            }
            if client == 3 || (repeat, client) == (1, 2) {
                if repeat == 1 {
                    break;
                }
                continue;
            }
            let open = (1 + 13 * client as u64) * 1000 * MS;
            let mut segment = example::segment(client, repeat, open, open + 10_000 * MS, open + 11_000 * MS);
            (segment.cpu_client, segment.cpu_ioc) = (Some(Span::from_millis(200)), Some(Span::from_millis(350)));
            let segment = match client {
                0 => example::push(segment, &emissions, 60_000 + 9_000 * u64::from(repeat)),
                1 => example::poll(segment, &emissions, 20, 31 * MS, MS),
                _ => example::poll(segment, &emissions, 20, 251 * MS, MS),
            };
            state.measured(&segment, &measure(&scenario, &scenario.clients[client], &index, &segment));
        }
    }
    state
}

fn terminal(state: &Dashboard, width: u16, height: u16, now: Tick) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, now, false)).unwrap();
    terminal
}

fn drawn(state: &Dashboard, width: u16, height: u16, now: Tick) -> String {
    terminal(state, width, height, now).backend().to_string()
}

#[test]
fn an_ordinary_terminal() {
    insta::assert_snapshot!(drawn(&state(), 80, 24, Tick(65_000 * MS)));
}

#[test]
fn a_wide_terminal() {
    insta::assert_snapshot!(drawn(&state(), 120, 16, Tick(65_000 * MS)));
}

#[test]
fn a_small_terminal() {
    let mut state = state();
    state.ending();
    insta::assert_snapshot!(drawn(&state, 40, 12, Tick(65_000 * MS)));
}

#[test]
fn before_the_first_client() {
    let state = Dashboard::new(&scenario(), 12, Span::from_secs(120));
    insta::assert_snapshot!(drawn(&state, 60, 10, Tick(0)));
}

#[test]
fn no_size_is_too_small() {
    let state = state();
    for (width, height) in (0..=30).flat_map(|width| (0..=9).map(move |height| (width, height))) {
        terminal(&state, width, height, Tick(65_000 * MS));
    }
}

#[test]
fn warnings_are_wrapped_and_what_has_no_room_is_counted() {
    let mut state = state();
    for repeat in 1..=3 {
        state.warn(format!(
            "repeat {repeat}: other processes took 31 % of a processor; end them, or measure at another time"
        ));
    }
    insta::assert_snapshot!(drawn(&state, 60, 16, Tick(65_000 * MS)));
    assert!(drawn(&state, 60, 9, Tick(65_000 * MS)).contains("q: end and report   4 warnings"));
}

#[test]
fn the_client_that_runs_is_in_sight() {
    let scenario = scenario();
    let mut state = Dashboard::new(&scenario, 12, Span::from_secs(120));
    state.started(&[3], 0, Span::from_secs(10), Tick(0));
    assert!(drawn(&state, 40, 6, Tick(0)).contains("> poll-1s"));
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    let coloured = |colour| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| draw(frame, &state(), Tick(0), colour)).unwrap();
        let cells = terminal.backend().buffer().content.clone();
        cells
            .iter()
            .any(|cell| cell.fg != ratatui_core::style::Color::Reset || cell.bg != ratatui_core::style::Color::Reset)
    };
    assert!(coloured(true));
    assert!(!coloured(false));
}

#[test]
fn progress_stays_within_its_bounds() {
    let mut state = Dashboard::new(&scenario(), 2, Span::from_secs(20));
    assert_eq!(state.progress(Tick(0)), (0.0, Span::from_secs(20)));
    state.started(&[0], 0, Span::from_secs(10), Tick(0));
    assert_eq!(state.progress(Tick(5_000 * MS)), (0.25, Span::from_secs(15)));
    // Longer than expected: it waits for the next group.
    assert_eq!(state.progress(Tick(50_000 * MS)), (0.5, Span::from_secs(10)));
    state.started(&[1], 0, Span::from_secs(90), Tick(50_000 * MS));
    assert_eq!(state.progress(Tick(999_000 * MS)), (1.0, Span::ZERO));
}
