//! A terminal that is taken over: a screen of its own without a cursor, keys as they are pressed. It is put back as it was, in a panic, too.
//!
//! It is the terminal of standard error, as all progress is: results go to standard output, which may be a file. Control sequences are those
//! of xterm (<https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>), which every terminal in use follows.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::Term;
use nix::sys::termios::{InputFlags, LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use ratatui_core::backend::{Backend, ClearType, WindowSize};
use ratatui_core::buffer::Cell;
use ratatui_core::layout::{Position, Size};
use ratatui_core::style::{Color, Modifier};

/// The other screen, without its cursor, empty.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[2J";
/// Plain letters, the cursor, the screen from before.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?25h\x1b[?1049l";
/// Where a terminal does not tell its size.
const USUAL: Size = Size { width: 80, height: 24 };

/// Whether there is a terminal that may be taken.
pub(super) fn possible() -> bool {
    let stderr = io::stderr();
    // In the background, to set it would stop this process (SIGTTOU). One that controls no job stops none, and is refused an answer.
    stderr.is_terminal() && tcgetpgrp(&stderr).map_or(true, |group| group == getpgrp())
}

/// The terminal, until it is put back.
#[derive(Debug)]
pub(super) struct Taken {
    before: Mutex<Option<Before>>,
}

/// How it was.
#[derive(Debug)]
struct Before {
    /// `None` where the keyboard is none.
    keyboard: Option<Termios>,
}

impl Taken {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it does not let itself be set or written to.
    pub(super) fn take() -> io::Result<Arc<Taken>> {
        let stdin = io::stdin();
        let keyboard = if stdin.is_terminal() { Some(tcgetattr(&stdin)?) } else { None };
        if let Some(before) = &keyboard {
            let mut keys = before.clone();
            // Each key by itself and unseen; those that send signals, too, which would also reach the processes that are measured.
            keys.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG | LocalFlags::IEXTEN);
            // Ctrl-S would hold up the end of the run until Ctrl-Q.
            keys.input_flags.remove(InputFlags::IXON);
            tcsetattr(&stdin, SetArg::TCSANOW, &keys)?;
        }
        let taken = Arc::new(Taken { before: Mutex::new(Some(Before { keyboard })) });
        let of_hook = Arc::clone(&taken);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // What it says is for the screen from before.
            of_hook.put_back();
            hook(panic);
        }));
        if let Err(error) = write(ENTER) {
            taken.put_back();
            return Err(error);
        }
        Ok(taken)
    }

    fn before(&self) -> MutexGuard<'_, Option<Before>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts it back; nothing is drawn any more.
    pub(super) fn put_back(&self) {
        if let Some(Before { keyboard }) = self.before().take() {
            let _ = write(LEAVE);
            if let Some(keyboard) = keyboard {
                let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &keyboard);
            }
        }
    }

    fn draw(&self, bytes: &[u8]) -> io::Result<()> {
        // Held while it is written: what comes after the terminal is put back must not be drawn over.
        let before = self.before();
        if before.is_some() { write(bytes) } else { Ok(()) }
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(bytes)?;
    stderr.flush()
}

/// Cells that are drawn on it: a drawing is written in one go.
#[derive(Debug)]
pub(super) struct Canvas {
    taken: Arc<Taken>,
    text: String,
}

impl Canvas {
    pub(super) fn new(taken: Arc<Taken>) -> Canvas {
        Canvas { taken, text: String::new() }
    }

    fn go_to(&mut self, x: u16, y: u16) {
        let _ = write!(self.text, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1);
    }
}

impl Backend for Canvas {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        let mut next = None;
        let mut style = None;
        for (x, y, cell) in content {
            if next != Some((x, y)) {
                self.go_to(x, y);
            }
            let wanted = (cell.fg, cell.bg, cell.modifier);
            if style != Some(wanted) {
                self.text.push_str(&rendition(cell));
                style = Some(wanted);
            }
            self.text.push_str(cell.symbol());
            next = x.checked_add(1).map(|x| (x, y));
        }
        self.text.push_str("\x1b[0m");
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.text.push_str("\x1b[?25l");
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.text.push_str("\x1b[?25h");
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the place of the cursor is not asked for"))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        self.go_to(x, y);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, part: ClearType) -> io::Result<()> {
        self.text.push_str(match part {
            ClearType::All => "\x1b[2J",
            ClearType::AfterCursor => "\x1b[J",
            ClearType::BeforeCursor => "\x1b[1J",
            ClearType::CurrentLine => "\x1b[2K",
            ClearType::UntilNewLine => "\x1b[K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        let told = Term::stderr().size_checked().filter(|(height, width)| *height > 0 && *width > 0);
        Ok(told.map_or(USUAL, |(height, width)| Size { width, height }))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.taken.draw(self.text.as_bytes());
        self.text.clear();
        written
    }
}

/// Selects how a cell's letters look, whatever was selected before (ECMA-48, SGR).
fn rendition(cell: &Cell) -> String {
    let mut codes = "\x1b[0".to_owned();
    let modifiers = [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
    ];
    for (_, code) in modifiers.into_iter().filter(|(modifier, _)| cell.modifier.contains(*modifier)) {
        let _ = write!(codes, ";{code}");
    }
    codes.push_str(&colour(cell.fg, 30));
    codes.push_str(&colour(cell.bg, 40));
    codes.push('m');
    codes
}

/// The code of a colour for letters (from 30) or for what is behind them (from 40).
fn colour(colour: Color, base: u8) -> String {
    let bright = base + 60;
    let plain = |code: u8| format!(";{code}");
    match colour {
        Color::Reset => String::new(),
        Color::Black => plain(base),
        Color::Red => plain(base + 1),
        Color::Green => plain(base + 2),
        Color::Yellow => plain(base + 3),
        Color::Blue => plain(base + 4),
        Color::Magenta => plain(base + 5),
        Color::Cyan => plain(base + 6),
        Color::Gray => plain(base + 7),
        Color::DarkGray => plain(bright),
        Color::LightRed => plain(bright + 1),
        Color::LightGreen => plain(bright + 2),
        Color::LightYellow => plain(bright + 3),
        Color::LightBlue => plain(bright + 4),
        Color::LightMagenta => plain(bright + 5),
        Color::LightCyan => plain(bright + 6),
        Color::White => plain(bright + 7),
        Color::Indexed(index) => format!(";{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!(";{};2;{red};{green};{blue}", base + 8),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::process::Command;

    use nix::pty::openpty;
    use ratatui_core::style::Style;

    use super::*;

    const PANICS: &str = "POLLCOST_TEST_PANICS";
    const SAID: &str = "it went wrong";

    #[test]
    fn cells_that_follow_each_other_share_place_and_look() {
        let mut canvas = Canvas::new(Arc::new(Taken { before: Mutex::new(None) }));
        let mut red = Cell::new("a");
        red.set_style(Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        let mut plain = Cell::new("b");
        plain.set_style(Style::new().bg(Color::Indexed(7)));
        canvas.draw([(3, 1, &red), (4, 1, &red), (0, 2, &plain)].into_iter()).unwrap();
        assert_eq!(canvas.text, "\x1b[2;4H\x1b[0;1;31maa\x1b[3;1H\x1b[0;48;5;7mb\x1b[0m");
        // It was put back: nothing is drawn, and nothing waits to be.
        canvas.flush().unwrap();
        assert_eq!(canvas.text, "");
    }
    /// On a terminal of its own, in a process of its own: this one, told by a variable that it is the one to panic.
    #[test]
    fn a_panic_puts_it_back_before_it_says_why() {
        if std::env::var_os(PANICS).is_some() {
            let _taken = Taken::take().unwrap();
            panic!("{SAID}");
        }
        let pty = openpty(None, None).unwrap();
        let before = tcgetattr(&pty.slave).unwrap();
        let (slave, of_stderr) = (pty.slave.try_clone().unwrap(), pty.slave.try_clone().unwrap());
        let name = std::thread::current().name().unwrap().to_owned();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([&name, "--exact", "--nocapture"]).env(PANICS, "1");
        let mut child = command.stdin(pty.slave).stdout(slave).stderr(of_stderr).spawn().unwrap();
        // Its ends of the terminal: what is read ends with the process.
        drop(command);
        let mut bytes = Vec::new();
        // Linux ends the reading with EIO.
        let _ = File::from(pty.master.try_clone().unwrap()).read_to_end(&mut bytes);
        assert!(!child.wait().unwrap().success());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let place = |what: &[u8]| text.find(std::str::from_utf8(what).unwrap());
        let places = [place(ENTER), place(LEAVE), place(SAID.as_bytes())];
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} of {text:?}");
        assert_eq!(tcgetattr(&pty.master).unwrap().local_flags, before.local_flags);
    }
}
