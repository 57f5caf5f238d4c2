//! The period axis that three figures share: where a poller stands on it, and what is said about it.

use super::super::figure::{Axis, Extent, Series};
use super::super::number::{self, Kind};
use super::super::scale::Unit;
use crate::scenario::model::Fetch;
use crate::summary::{ClientSummary, Summary};
use crate::time::Span;

/// The achieved period of a poller in ns: its mean, which is the T of the expected values, or else its median.
///
/// A period that was asked for as 0 has no place on a logarithmic axis; what was achieved does.
pub(super) fn achieved(client: &ClientSummary) -> Option<f64> {
    let median = client.achieved_period_ns.map(|estimate| estimate.point);
    client.mean_period_ns.or(median).filter(|period| *period > 0.0)
}

/// The pollers that have a place on the axis, by rising period.
pub(super) fn pollers(summary: &Summary) -> Vec<(usize, &ClientSummary, f64)> {
    let mut found: Vec<_> = summary
        .clients
        .iter()
        .enumerate()
        .filter_map(|(index, client)| achieved(client).map(|period| (index, client, period)))
        .collect();
    found.sort_by(|a, b| a.2.total_cmp(&b.2));
    found
}

/// The axis for these series.
pub(super) fn axis(series: &[Series]) -> Option<Axis> {
    let scale = Extent::all(series.iter().map(Series::x_extent)).log()?;
    Some(Axis::new("Mean achieved poll period (seconds, log scale)", Unit::Nanoseconds, scale))
}

/// What must be said about periods that were not as asked, and about pollers that have none.
pub(super) fn notes(summary: &Summary) -> Vec<String> {
    let mut notes = Vec::new();
    for client in &summary.clients {
        match (client.asked_period, achieved(client)) {
            (Some(Span::ZERO), Some(period)) => notes.push(format!(
                "{} does not sleep; it stands at its mean achieved period, {}.",
                client.name,
                number::plain(Kind::Time, period)
            )),
            (_, None) if client.fetch != Fetch::Monitor => {
                notes.push(format!("{} is left out: no poll period was measured.", client.name));
            }
            _ => {}
        }
    }
    notes
}
