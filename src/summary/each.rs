//! What each repeat came to by itself: what a comparison of runs decides from.

use serde::{Deserialize, Serialize};

use super::Measured;
use crate::time::Span;
use crate::trace::Segment;

/// One client in one repeat: counts as they were, and the quantities of the summary for this repeat alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EachRepeat {
    /// From 0.
    pub repeat: u32,
    /// Length of the window.
    pub window: Span,
    /// Changes in the window.
    pub changes: u64,
    /// Of these, followed by something at least as new.
    pub noticed: u64,
    /// Of these, never seen themselves.
    pub missed: u64,
    /// Gets, by the IOC's count.
    pub requests: u64,
    /// Of these, redundant.
    pub redundant: u64,
    /// Monitor updates that the event queue replaced.
    pub updates_replaced: u64,
    /// Bytes from the client.
    pub bytes_in: u64,
    /// Bytes to the client.
    pub bytes_out: u64,
    /// Voluntary context switches of the client.
    pub wakeups: Option<u64>,
    /// Processor time of the client.
    pub cpu_client: Option<Span>,
    /// Processor time of the IOC.
    pub cpu_ioc: Option<Span>,
    /// Mean notice latency in ns.
    pub notice_mean_ns: Option<f64>,
    /// Median notice latency in ns; only where 10 samples lie beyond it, as for the others.
    pub notice_p50_ns: Option<f64>,
    /// 90th percentile of notice latency in ns.
    pub notice_p90_ns: Option<f64>,
    /// 99th percentile of notice latency in ns.
    pub notice_p99_ns: Option<f64>,
    /// Time-averaged age of information in ns.
    pub age_mean_ns: Option<f64>,
    /// Mean interval between the starts of poll rounds in ns, where the client told of them.
    pub period_ns: Option<f64>,
}

impl EachRepeat {
    /// One segment, and what it was measured to be.
    #[must_use]
    pub fn of(segment: &Segment, measured: &Measured) -> EachRepeat {
        let (notice, counted) = (&measured.notice, &measured.counted);
        EachRepeat {
            repeat: segment.repeat,
            window: segment.window.length(),
            changes: measured.paired.changes,
            noticed: measured.noticed,
            missed: measured.missed,
            requests: counted.requests,
            redundant: counted.redundant,
            updates_replaced: counted.updates_replaced,
            bytes_in: segment.ioc.bytes_in,
            bytes_out: segment.ioc.bytes_out,
            wakeups: segment.wakeups,
            cpu_client: segment.cpu_client,
            cpu_ioc: segment.cpu_ioc,
            notice_mean_ns: notice.mean(),
            notice_p50_ns: notice.percentile(0.5),
            notice_p90_ns: notice.percentile(0.9),
            notice_p99_ns: notice.percentile(0.99),
            age_mean_ns: measured.age.mean_ns(),
            period_ns: segment.tally.as_ref().and_then(|tally| tally.mean_period_ns),
        }
    }
}
