//! The dashboard as cells of a terminal of any size.

use std::collections::VecDeque;

use ratatui_core::layout::{Constraint, Layout, Rect};
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::terminal::Frame;
use ratatui_core::text::{Line, Span as Piece, Text};

use super::row::fitting;
use super::{Client, Dashboard};
use crate::time::{Span, Tick};

/// The most lines that warnings take.
const MOST_WARNED: usize = 8;
/// What a warning begins with, and its further lines.
const WARNING: &str = "warning: ";
const INDENT: &str = "         ";
/// Parts of a cell, from one eighth to seven.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Draws the state as of `now`; without `colour` only bold and dim letters tell things apart (no-color.org).
pub fn draw(frame: &mut Frame<'_>, state: &Dashboard, now: Tick, colour: bool) {
    let all = frame.area();
    let style = Styles { colour };
    let spare = usize::from(all.height).saturating_sub(5 + state.clients.len());
    let (warnings, hidden) = warned(state, usize::from(all.width), MOST_WARNED.min(spare.saturating_sub(1)), style);
    let parts = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(warnings.len() as u16),
        Constraint::Length(1),
    ]);
    let [title, bar, what, table, below, foot] = parts.areas(all);
    frame.render_widget(Line::styled(heading(state, title.width), style.bold()), title);
    frame.render_widget(progress(state, bar.width, now, style), bar);
    frame.render_widget(Line::raw(going_on(state)), what);
    frame.render_widget(Text::from(rows(state, table, style)), table);
    frame.render_widget(Text::from(warnings), below);
    frame.render_widget(Line::styled(footer(state, hidden), style.dim()), foot);
}

#[derive(Clone, Copy)]
struct Styles {
    colour: bool,
}

impl Styles {
    fn of(self, colour: Color, otherwise: Modifier) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new().add_modifier(otherwise) }
    }

    fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}

fn heading(state: &Dashboard, width: u16) -> String {
    let left = format!("pollcost: {}", state.scenario);
    let right = format!("repeat {}/{}", state.repeat + 1, state.repeats);
    let gap = usize::from(width).saturating_sub(left.chars().count() + right.chars().count());
    // On a narrow terminal it is where the run is that matters.
    if gap == 0 { right } else { format!("{left}{}{right}", " ".repeat(gap)) }
}

/// A bar and what it means, which comes first where there is not room for both.
fn progress(state: &Dashboard, width: u16, now: Tick, style: Styles) -> Line<'static> {
    let (part, left) = state.progress(now);
    let told =
        if state.ending { "ending".to_owned() } else { format!("{:.0} %, about {} left", part * 100.0, minutes(left)) };
    let room = usize::from(width).saturating_sub(told.chars().count() + 1);
    let eighths = (part.clamp(0.0, 1.0) * (room * 8) as f64).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.extend(EIGHTHS.get((eighths % 8).wrapping_sub(1)));
    let rest = "·".repeat(room.saturating_sub(bar.chars().count()));
    let gap = if room > 0 { " " } else { "" };
    Line::from(vec![
        Piece::styled(bar, style.of(Color::Cyan, Modifier::empty())),
        Piece::styled(rest, style.dim()),
        Piece::raw(format!("{gap}{told}")),
    ])
}

fn minutes(span: Span) -> String {
    let seconds = span.0.div_ceil(1_000_000_000);
    if seconds < 100 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

fn going_on(state: &Dashboard) -> String {
    let (group, groups) = state.groups;
    if group == 0 { state.what.clone() } else { format!("window {group}/{groups}: {}", state.what) }
}

/// The table of clients; those that run now and those around them where not all fit.
fn rows(state: &Dashboard, area: Rect, style: Styles) -> Vec<Line<'static>> {
    let longest = state.clients.iter().map(|c| c.name.chars().count() + 2).max().unwrap_or(0);
    let (names, columns) = fitting(usize::from(area.width), longest);
    let mut heading = format!("{:names$}", "  client");
    for column in &columns {
        heading += &format!(" {:>1$}", column.heading, column.width);
    }
    let room = usize::from(area.height).saturating_sub(1).max(1);
    let running = state.clients.iter().position(|client| client.running).unwrap_or(0);
    let first = (running + 1).saturating_sub(room).min(state.clients.len().saturating_sub(room));
    let mut lines = vec![Line::styled(heading, style.dim())];
    for client in state.clients.iter().skip(first).take(room) {
        let mut row = format!("{:names$}", shortened(client, names));
        for column in &columns {
            row += &format!(" {:>1$}", column.cell(client), column.width);
        }
        lines.push(Line::styled(row, row_style(client, style)));
    }
    lines
}

fn row_style(client: &Client, style: Styles) -> Style {
    match client {
        Client { failed: true, .. } => style.of(Color::Red, Modifier::UNDERLINED),
        Client { running: true, .. } => style.bold(),
        Client { repeats: 0, .. } => style.dim(),
        _ => Style::new(),
    }
}

/// The name with a mark before it: what runs, what failed.
fn shortened(client: &Client, width: usize) -> String {
    let mark = match client {
        Client { failed: true, .. } => '!',
        Client { running: true, .. } => '>',
        _ => ' ',
    };
    let room = width.saturating_sub(2);
    let mut name: String = client.name.chars().take(room).collect();
    if client.name.chars().count() > room {
        name.pop();
        name.push('…');
    }
    format!("{mark} {name}")
}

/// The last warnings below an empty line, as many as there is room for, and how many there are besides.
fn warned(state: &Dashboard, width: usize, most: usize, style: Styles) -> (Vec<Line<'static>>, usize) {
    let (mut lines, mut hidden) = (VecDeque::new(), state.warnings.len());
    for text in state.warnings.iter().rev() {
        let wrapped = wrapped(text, width.saturating_sub(WARNING.len()));
        if lines.len() + wrapped.len() > most {
            break;
        }
        hidden -= 1;
        for (place, part) in wrapped.into_iter().enumerate().rev() {
            let mark = if place == 0 { WARNING } else { INDENT };
            let mark = Piece::styled(mark, style.of(Color::Yellow, Modifier::BOLD));
            lines.push_front(Line::from(vec![mark, Piece::raw(part)]));
        }
    }
    if !lines.is_empty() {
        lines.push_front(Line::default());
    }
    (lines.into(), hidden)
}

/// Lines of whole words; a word that is longer than a line is cut by the terminal's edge.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn footer(state: &Dashboard, hidden: usize) -> String {
    let more = if hidden < state.warnings.len() { "more " } else { "" };
    let told = match hidden {
        0 => String::new(),
        1 => format!("   1 {more}warning"),
        n => format!("   {n} {more}warnings"),
    };
    let keys = if state.ending { "closing the window; again: end at once" } else { "q: end and report" };
    format!("{keys}{told}")
}
