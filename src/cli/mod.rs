//! The command line: flags to requests, results to standard output, errors to messages and exit codes.
#![allow(clippy::disallowed_methods, reason = "this room touches the terminal and the environment")]

mod args;
mod comparing;
pub mod exit;
mod failure;
mod outcome;
mod request;
mod scenarios;
mod source;
mod swept;

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::io::catalogue::run_catalogue;
use crate::io::doctor::examine_and_save;
use crate::io::ioc_alone::serve_until_stopped;
use crate::io::live::run_live;
use crate::io::merge::merge;
use crate::io::predict::predict;
use crate::io::python::set_up;
use crate::io::redraw::report_again;
use crate::io::simulation::run_simulation;
use crate::io::sweep::{plan, run_sweep};
use crate::io::{client_process, hog, ioc_process};
use args::{ColorFlag, Command, Flags};
pub use failure::Failure;
use request::Request;

/// What runs when no scenario is named.
pub const DEFAULT_SCENARIO: &str = "quickstart";

/// Does what the arguments ask for; the first of them is the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let flags = match Flags::try_parse_from(args) {
        Ok(flags) => flags,
        Err(e) => {
            // Help and version come this way too, with exit code 0.
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(exit::BAD_INPUT));
        }
    };
    match flags.command {
        Some(Command::InternalIoc) => return ioc_process::run(),
        Some(Command::InternalClient) => return client_process::run(),
        Some(Command::InternalHog) => return hog::run(),
        _ => {}
    }
    let colour = request::coloured(color_flag(&flags), std::io::stderr().is_terminal());
    match request::request(flags).and_then(perform) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{}", failure.told(colour));
            ExitCode::from(failure.exit)
        }
    }
}

fn color_flag(flags: &Flags) -> ColorFlag {
    match &flags.command {
        None => flags.run.measure.voice.color,
        Some(Command::Run { flags, .. }) => flags.measure.voice.color,
        Some(Command::Simulate(flags)) => flags.measure.voice.color,
        Some(Command::Merge(flags)) => flags.voice.color,
        Some(Command::Predict(flags)) => flags.voice.color,
        Some(Command::Ioc(flags)) => flags.voice.color,
        Some(Command::Doctor(flags)) => flags.voice.color,
        Some(Command::Python(flags)) => flags.voice.color,
        Some(Command::Report(flags)) => flags.color,
        Some(Command::Scenarios(flags)) => flags.color,
        Some(Command::Compare(flags)) => flags.color,
        Some(
            Command::Baseline(_)
            | Command::History(_)
            | Command::Completions { .. }
            | Command::InternalIoc
            | Command::InternalClient
            | Command::InternalHog,
        ) => ColorFlag::Auto,
    }
}

/// Does it; the exit code when it was done.
fn perform(request: Request) -> Result<u8, Failure> {
    match request {
        Request::Run(request) => {
            let finished = run_live(&request)?;
            print(&outcome::told(&finished, request.voice.format, request.check))?;
            Ok(outcome::code(&finished, request.check))
        }
        Request::Catalogue(request) => {
            let done = run_catalogue(&request)?;
            print(&outcome::surveyed(&done, request.voice.format))?;
            Ok(outcome::survey_code(&done))
        }
        Request::Simulate(request) => {
            let finished = run_simulation(&request)?;
            print(&outcome::told(&finished, request.voice.format, request.check))?;
            Ok(outcome::code(&finished, request.check))
        }
        Request::Sweep(request) if request.plan => print(&swept::planned(&plan(&request)?, request.voice.format)),
        Request::Sweep(request) => {
            let done = run_sweep(&request)?;
            print(&swept::told_of(&done, request.voice.format, request.check))?;
            Ok(swept::code(&done, request.check))
        }
        Request::Merge(request) => {
            let done = merge(&request)?;
            print(&swept::told_of(&done, request.voice.format, false))?;
            Ok(swept::code(&done, false))
        }
        Request::Predict(request) => {
            let prediction = predict(&request)?;
            print(&outcome::predicted(&prediction, request.voice.format, request.out.as_deref()))?;
            Ok(if prediction.kept { exit::DONE } else { exit::REGRESSED })
        }
        Request::Ioc(request) => serve_until_stopped(*request).map(|()| exit::DONE).map_err(Failure::from),
        Request::Doctor(request) => {
            let found = examine_and_save(&request)?;
            print(&outcome::examined(&found, request.voice.format))?;
            Ok(if found.interrupted { exit::INTERRUPTED } else { exit::DONE })
        }
        Request::Python(request) => {
            let found = set_up(&request).map_err(|why| Failure::bad_input(why, "name one with --dir"))?;
            print(&outcome::python(&found, &request))?;
            let whole = found.iter().all(|setup| setup.lacks.is_empty());
            Ok(if whole { exit::DONE } else { exit::FAILED })
        }
        Request::Report(request) => {
            let written = report_again(&request)?;
            print(&outcome::reported(&written, request.voice.format))?;
            Ok(if request.check { outcome::checked(&written.verdicts) } else { exit::DONE })
        }
        Request::Compare(flags) => comparing::compare(*flags),
        Request::Baseline(flags) => comparing::baseline(flags),
        Request::History(flags) => comparing::look_back(&flags),
        Request::Scenarios { name: None, format } => print(&scenarios::list(format)?),
        Request::Scenarios { name: Some(name), format } => print(&scenarios::print(&name, format)?),
        Request::Completions(shell) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Flags::command(), "pollcost", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// Writes results to standard output. A reader that went away (`pollcost scenarios | head`) is no failure.
fn print(text: &str) -> Result<u8, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::bad_input(format!("standard output cannot be written: {e}"), ""))
        }
        _ => Ok(exit::DONE),
    }
}
