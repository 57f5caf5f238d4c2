//! Being asked to end.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for a Ctrl-C, or for the signal that `timeout`, a CI system or a service manager ends a program with. The latter may come several times
/// at once (`timeout` tells the process and its group), so that only a second Ctrl-C is meant to end a program at once.
///
/// # Errors
/// When the signals cannot be listened to.
pub(super) async fn asked_to_end() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
