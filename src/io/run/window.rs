//! The windows of the clients that run side by side: announced, metered at both edges, and drained.

use std::task::Poll;
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::clock;
use super::super::ioc_child::IocChild;
use super::super::meter::{Reading, Usage};
use super::super::metered::{Metered, found, reading_at};
use super::super::process::ProcessError;
use super::{GRACE, Measured, Run};
use crate::time::{Span, Tick};
use crate::trace::Window;

/// How long the clients go on after an interruption closed their window.
const LAST_LOOK: Span = Span::from_millis(200);

/// How the windows of a group came out.
pub(super) struct Elapsed {
    pub(super) window: Window,
    pub(super) usage: Usage,
}

impl Run<'_> {
    /// Sees the window and the drain through: what was used, and the window as it came out.
    pub(super) async fn watch(
        &mut self,
        ioc: &mut IocChild,
        measured: &mut [Measured],
        mut window: Window,
    ) -> Result<Elapsed, ProcessError> {
        let subjects: Vec<Metered> = measured.iter().map(|m| Metered::of(&m.child)).collect();
        announce(ioc, measured, window).await?;
        if let Some(restart) = self.scenario.restart {
            ioc.restart(window.open + restart.at, restart.down).await?;
        }
        let opening = reading_at(window.open, ioc.pid(), &subjects);
        let closing = reading_at(window.close, ioc.pid(), &subjects);
        let (Some(open), _) = self.until(opening, ioc, measured).await? else {
            let nothing = Reading::take(ioc.pid(), &[]);
            return Ok(Elapsed { window, usage: Usage::between(&nothing, &nothing) });
        };
        let (close, stopped) = self.until(closing, ioc, measured).await?;
        if stopped {
            window.close = clock::now();
            window.end = window.close + LAST_LOOK;
            announce(ioc, measured, window).await?;
        }
        let close = close.unwrap_or_else(|| Reading::take(ioc.pid(), &found(&subjects)));
        let usage = Usage::between(&open, &close);
        self.drain(ioc, measured, window).await?;
        Ok(Elapsed { window, usage })
    }

    /// Waits for a reading while the clients go on; with `true` when a person ended the run first.
    async fn until(
        &mut self,
        reading: oneshot::Receiver<Reading>,
        ioc: &mut IocChild,
        measured: &mut [Measured],
    ) -> Result<(Option<Reading>, bool), ProcessError> {
        if self.stopped() {
            return Ok((None, true));
        }
        tokio::select! {
            reading = reading => Ok((reading.ok(), false)),
            () = all_ended(measured, true) => Ok((None, false)),
            error = ioc.failure() => Err(error),
            _ = self.interrupted.wait_for(|stop| *stop) => Ok((None, true)),
        }
    }

    async fn drain(
        &mut self,
        ioc: &mut IocChild,
        measured: &mut [Measured],
        window: Window,
    ) -> Result<(), ProcessError> {
        let until = |at: Tick| tokio::time::sleep(Duration::from_nanos(at.saturating_since(clock::now()).0));
        tokio::select! {
            () = all_ended(measured, false) => {}
            () = until(window.end) => {}
            error = ioc.failure() => return Err(error),
        }
        for one in &mut *measured {
            one.child.tell_end();
        }
        tokio::select! {
            () = all_ended(measured, false) => {}
            () = until(window.end + GRACE) => {}
            error = ioc.failure() => return Err(error),
        }
        for one in measured.iter_mut().filter(|one| one.failed.is_none()) {
            one.failed = one.child.overdue(Duration::from_nanos(GRACE.0));
        }
        Ok(())
    }
}

/// Tells the IOC and every client its window.
async fn announce(ioc: &mut IocChild, measured: &mut [Measured], window: Window) -> Result<(), ProcessError> {
    ioc.window(window).await?;
    for one in measured.iter_mut().filter(|one| one.failed.is_none()) {
        if let Err(error) = one.child.set_window(window).await {
            one.failed = Some(error);
        }
    }
    Ok(())
}

/// Lets all clients go on until each has ended. With `only_early`, until each has failed: one that is done is no early end.
/// Cancel safe.
async fn all_ended(measured: &mut [Measured], only_early: bool) {
    let running = measured.iter_mut().filter(|one| one.failed.is_none());
    let ended = running.map(|one| async {
        match one.child.run().await {
            Ok(()) if only_early => std::future::pending().await,
            Ok(()) => {}
            Err(error) => one.failed = Some(error),
        }
    });
    let mut ended: Vec<_> = ended.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        ended.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if ended.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
