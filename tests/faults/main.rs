//! What goes wrong around a measurement, on purpose: what is reported, what is kept, and that everything comes back.
//!
//! Nothing here measures how long it takes: a test waits for what must happen, and fails when it has not after [`PATIENCE`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a test may")]

mod client;
mod clock;
mod ioc;
mod load;
mod names;
mod network;
mod output;
mod process;
mod proxy;
#[path = "../running/mod.rs"]
mod running;
mod runs;
mod security;

use std::time::{Duration, Instant};

/// What must happen has happened by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
