//! What happened to one PV for a while: what the timeline and the saw-tooth show.

use super::Second;
use crate::pv::{PvId, Seq};
use crate::time::{Span, Tick};
use crate::trace::{Emission, EmissionIndex, Segment, Window};

/// The stretch that the timeline shows, unless it has too few changes or too many.
const SECOND: Span = Span::from_secs(1);
/// At least and at most so many changes, as far as the window has them.
const FEWEST: usize = 4;
const MOST: usize = 30;

/// A while of one PV from the opening of the window.
pub(super) fn a_second(pv_name: String, pv: PvId, segment: &Segment, index: &EmissionIndex<'_>) -> Option<Second> {
    let Window { open, close, .. } = segment.window;
    let since = |at: Tick| at.signed_since(open);
    let all: Vec<&Emission> = index.in_window(pv, segment.window).collect();
    let mut length = SECOND.0;
    let within =
        |length: u64| all.iter().filter(|e| since(e.posted) < i64::try_from(length).unwrap_or(i64::MAX)).count();
    if within(length) < FEWEST {
        length = all.get(FEWEST - 1).map_or(segment.window.length().0, |e| since(e.posted).unsigned_abs() * 5 / 4);
    }
    if within(length) > MOST {
        length = all.get(MOST).map_or(length, |e| since(e.posted).unsigned_abs());
    }
    let length = length.min(close.saturating_since(open).0);
    let end = i64::try_from(length).ok()?;
    let posted_of = |seq: Seq| index.find(pv, seq).map(|e| since(e.posted));

    let mut held: Vec<(u64, i64, i64)> = Vec::new();
    for observation in segment.observations.iter().filter(|o| o.pv == pv && o.copy == 0) {
        let at = since(observation.received);
        let Some(posted) = posted_of(observation.seq).filter(|_| at < end) else { continue };
        if held.last().is_some_and(|(seq, ..)| *seq >= observation.seq.0) {
            continue;
        }
        if at < 0 {
            held.clear();
        }
        held.push((observation.seq.0, at, posted));
    }
    let first = all.first()?.seq.0;
    let before = posted_of(Seq(first.checked_sub(1)?)).map(|at| (first - 1, at));
    let posted = before.into_iter().chain(all.iter().map(|e| (e.seq.0, since(e.posted))).filter(|(_, at)| *at < end));
    Some(Second { pv: pv_name, length_ns: length, posted: posted.collect(), held })
}
