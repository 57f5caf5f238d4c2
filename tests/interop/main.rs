//! The IOC held against real clients, and the client against real servers.
//!
//! Every case is a test of its own: `cargo test --test interop pyepics::` runs those of one library. The cases of the
//! Python clients are the functions marked `@case` in `with_*.py`, those of the C library the `CASE`s of `libca.c`.
//! Each gets an IOC of its own on a port of its own. What they need is set up once, in `target/interop-venv`; where that
//! is not possible the tests are ignored and the reason is printed. `POLLCOST_INTEROP=required` makes that a failure.
//!
//! `POLLCOST_INTEROP_SERVER=softioc` runs the clients' cases against an EPICS softIoc instead of our IOC: it shows
//! that what a case expects is what EPICS does.
//!
//! `client::` are the clients that come with the program, on the environment that `pollcost python` makes in `target/interop-python`.
#![allow(clippy::disallowed_methods, reason = "these tests start processes, open sockets and read the environment")]

mod case;
mod facts;
mod own_client;
mod process;
mod real_client;
mod repeater;
mod server;
mod workshop;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use server::Kind;
use workshop::Workshop;

/// Threads that run cases: most of a case is waiting.
const AT_ONCE: usize = 4;

/// A library that is a client, and the file with its cases.
struct Library {
    name: &'static str,
    script: &'static str,
    cases: Vec<&'static str>,
}

fn libraries() -> [Library; 4] {
    let python = |name, script, text| Library { name, script, cases: case::marked_in_python(text) };
    [
        python("pyepics", "with_pyepics.py", include_str!("with_pyepics.py")),
        python("aioca", "with_aioca.py", include_str!("with_aioca.py")),
        python("caproto", "with_caproto.py", include_str!("with_caproto.py")),
        Library { name: "libca", script: "libca.c", cases: case::marked_in_c(include_str!("libca.c")) },
    ]
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    // Only listing needs nothing.
    let workshop = if arguments.list { Err("not set up to list".into()) } else { workshop::set_up() };
    if let (Err(reason), false) = (&workshop, arguments.list) {
        println!("The interoperability tests are left out: {reason}");
    }
    let required = env::var("POLLCOST_INTEROP").is_ok_and(|value| value == "required");
    let workshop = Arc::new(workshop);
    let ignored = workshop.is_err() && !required && !arguments.list;
    let no_program = matches!(&*workshop, Ok(Workshop { libca: Err(_), .. })) && !required;
    if let Ok(Workshop { libca: Err(reason), .. }) = &*workshop {
        println!("The tests of the C library are left out: {reason}");
    }

    let mut trials = Vec::new();
    for library in libraries() {
        let ignored = ignored || (library.name == "libca" && no_program);
        for name in library.cases {
            let workshop = workshop.clone();
            let run = move || with(&workshop, |workshop| case::run(workshop, library.script, name));
            trials.push(Trial::test(format!("{}::{name}", library.name), run).with_ignored_flag(ignored));
        }
    }
    {
        let workshop = workshop.clone();
        let run = move || with(&workshop, case::conversions);
        trials.push(Trial::test("libca::conversions_as_softioc", run).with_ignored_flag(ignored || no_program));
    }
    for program in real_client::all() {
        let run = move || real_client::run(&program);
        trials.push(Trial::test(format!("client::{}", program.name), run).with_ignored_flag(ignored));
    }
    for kind in [Kind::SoftIoc, Kind::Caproto] {
        for (name, run) in own_client::CASES {
            let workshop = workshop.clone();
            let run = move || with(&workshop, |workshop| own_client::run(workshop, kind, *run));
            trials.push(Trial::test(format!("own_client_to_{kind}::{name}"), run).with_ignored_flag(ignored));
        }
    }
    for reader in facts::READERS {
        let workshop = workshop.clone();
        let run = move || with(&workshop, |workshop| facts::run(workshop, reader));
        trials.push(Trial::test(format!("facts::{reader}"), run).with_ignored_flag(ignored));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn with(workshop: &Result<Workshop, String>, run: impl FnOnce(&Workshop) -> Result<(), Failed>) -> Result<(), Failed> {
    match workshop {
        Ok(workshop) => run(workshop),
        Err(reason) => Err(reason.into()),
    }
}
