//! One row for each client: `summary.csv`. Empty cells are values that do not exist or could not be measured; [`empty_cells`] says why.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::scenario::model::Fetch;
use crate::stats::Estimate;
use crate::summary::strategy::{fetch_word, pacing_word};
use crate::summary::{ClientSummary, Latency, Summary};

/// A column: its name and its cell for a client.
type Column = (&'static str, fn(&ClientSummary) -> Option<String>);

/// The columns in their order. The first 29 are a contract; what follows may grow.
const COLUMNS: &[Column] = &[
    ("client", |c| Some(c.name.clone())),
    ("strategy", |c| Some(c.strategy.clone())),
    ("fetch", |c| Some(fetch_word(c.fetch).to_owned())),
    ("pacing", |c| c.pacing.as_ref().map(|p| pacing_word(p).to_owned())),
    ("asked_period_ms", |c| c.asked_period.map(|p| decimals(p.as_millis_f64(), 6))),
    ("achieved_period_ms", |c| point(c.achieved_period_ns, 1e-6, 6)),
    ("pvs", |c| Some(c.pvs.to_string())),
    ("changes", |c| Some(c.changes.to_string())),
    ("noticed", |c| Some(c.noticed.to_string())),
    ("missed", |c| Some(c.missed.to_string())),
    ("missed_fraction", |c| point(c.missed_fraction, 1.0, 6)),
    ("requests", |c| Some(c.requests.to_string())),
    ("redundant", |c| Some(c.redundant.to_string())),
    ("redundant_fraction", |c| point(c.redundant_fraction, 1.0, 6)),
    ("notice_p50_us", |c| micros(c.notice.p50_ns)),
    ("notice_p90_us", |c| micros(c.notice.p90_ns)),
    ("notice_p99_us", |c| micros(c.notice.p99_ns)),
    ("notice_mean_us", |c| micros(c.notice.mean_ns)),
    ("notice_mean_low_us", |c| interval(c.notice.mean_ns).map(|(low, _)| decimals(low * 1e-3, 3))),
    ("notice_mean_high_us", |c| interval(c.notice.mean_ns).map(|(_, high)| decimals(high * 1e-3, 3))),
    ("intended_p99_us", |c| micros(c.intended.p99_ns)),
    ("age_mean_us", |c| micros(c.age_mean_ns)),
    ("age_peak_us", |c| micros(c.age_peak_ns)),
    ("cpu_client_percent", |c| point(c.cpu_client_percent, 1.0, 4)),
    ("cpu_ioc_percent", |c| point(c.cpu_ioc_percent, 1.0, 4)),
    ("cpu_us_per_notice", |c| point(c.cpu_us_per_notice, 1.0, 3)),
    ("requests_per_s", |c| point(c.requests_per_s, 1.0, 3)),
    ("bytes_in_per_s", |c| point(c.bytes_in_per_s, 1.0, 3)),
    ("bytes_out_per_s", |c| point(c.bytes_out_per_s, 1.0, 3)),
    ("wakeups_per_s", |c| point(c.wakeups_per_s, 1.0, 3)),
    ("repeats", |c| Some(c.repeats.to_string())),
    ("unnoticed", |c| Some(c.unnoticed.to_string())),
    ("updates_replaced", |c| Some(c.updates_replaced.to_string())),
    ("negative_latencies", |c| Some(c.notice.negative.to_string())),
    ("achieved_period_p99_ms", |c| c.achieved_period_p99_ns.map(|ns| decimals(ns * 1e-6, 6))),
    ("mean_period_ms", |c| c.mean_period_ns.map(|ns| decimals(ns * 1e-6, 6))),
    ("round_trip_us", |c| c.mean_round_trip_ns.map(|ns| decimals(ns * 1e-3, 3))),
    ("seen_mean_us", |c| micros(c.seen.mean_ns)),
    ("seen_p99_us", |c| micros(c.seen.p99_ns)),
    ("connect_ms", |c| point(c.connect_ns, 1e-6, 3)),
    ("expected_missed_fraction", |c| c.expected.missed_fraction.map(|f| decimals(f, 6))),
    ("expected_redundant_fraction", |c| c.expected.redundant_fraction.map(|f| decimals(f, 6))),
    ("expected_notice_mean_us", |c| c.expected.notice_mean_ns.map(|ns| decimals(ns * 1e-3, 3))),
    ("expected_notice_p05_us", |c| c.expected.notice_band_ns.map(|(low, _)| decimals(low * 1e-3, 3))),
    ("expected_notice_p95_us", |c| c.expected.notice_band_ns.map(|(_, high)| decimals(high * 1e-3, 3))),
    ("expected_seen_mean_us", |c| c.expected.seen_mean_ns.map(|ns| decimals(ns * 1e-3, 3))),
    ("expected_age_mean_us", |c| c.expected.age_mean_ns.map(|ns| decimals(ns * 1e-3, 3))),
    ("expected_age_peak_us", |c| c.expected.age_peak_ns.map(|ns| decimals(ns * 1e-3, 3))),
    ("copies", |c| Some(c.copies.to_string())),
    ("recovery_ms", |c| point(c.recovery_ns, 1e-6, 3)),
];

fn decimals(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

fn point(estimate: Option<Estimate>, factor: f64, digits: usize) -> Option<String> {
    estimate.map(|e| decimals(e.point * factor, digits))
}

fn micros(estimate: Option<Estimate>) -> Option<String> {
    point(estimate, 1e-3, 3)
}

fn interval(estimate: Option<Estimate>) -> Option<(f64, f64)> {
    estimate?.interval
}

/// The rows as pairs of column and cell.
#[must_use]
pub fn records(summary: &Summary) -> Vec<Vec<(&'static str, Option<String>)>> {
    let row = |client| COLUMNS.iter().map(|(name, cell)| (*name, cell(client))).collect();
    summary.clients.iter().map(row).collect()
}

/// Writes the table with its header.
///
/// # Errors
/// Those of the writer.
pub fn write_summary(out: impl Write, summary: &Summary) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS.iter().map(|(name, _)| name))?;
    for client in &summary.clients {
        writer.write_record(COLUMNS.iter().map(|(_, cell)| cell(client).unwrap_or_default()))?;
    }
    Ok(writer.flush()?)
}

/// A cell that is empty, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyCell {
    /// The client.
    pub client: String,
    /// The column of `summary.csv`.
    pub column: String,
    /// Why there is no value.
    pub reason: String,
}

/// Every empty cell of the table, with its reason.
#[must_use]
pub fn empty_cells(summary: &Summary) -> Vec<EmptyCell> {
    let of_client = |client: &ClientSummary| {
        let empty = COLUMNS.iter().filter(|(_, cell)| cell(client).is_none());
        empty
            .map(|(column, _)| EmptyCell {
                client: client.name.clone(),
                column: (*column).to_owned(),
                reason: reason(column, client).to_owned(),
            })
            .collect::<Vec<_>>()
    };
    summary.clients.iter().flat_map(of_client).collect()
}

fn reason(column: &str, client: &ClientSummary) -> &'static str {
    let monitor = client.fetch == Fetch::Monitor;
    match column {
        "pacing" | "asked_period_ms" => "a monitor has no poll period",
        "achieved_period_ms" | "mean_period_ms" | "achieved_period_p99_ms" if monitor => "a monitor has no poll period",
        "achieved_period_ms" | "mean_period_ms" => "fewer than two polls began in a window",
        "achieved_period_p99_ms" => {
            "fewer than 1000 periods, or an external client, which tells no starts of its polls"
        }
        "missed_fraction" => "nothing changed in the windows",
        "redundant_fraction" => "the client made no read requests",
        "round_trip_us" => "no value was asked for",
        "notice_p50_us" | "notice_p90_us" | "notice_p99_us" => {
            percentile_reason(column, &client.notice, client.changes)
        }
        "intended_p99_us" => percentile_reason(column, &client.intended, client.changes),
        "seen_p99_us" => "fewer than 1000 changes were seen themselves",
        "notice_mean_us" if client.changes == 0 => "nothing changed in the windows",
        "notice_mean_us" => "no change was noticed",
        "notice_mean_low_us" | "notice_mean_high_us" if client.repeats < 2 => "one repeat shows no spread",
        "notice_mean_low_us" | "notice_mean_high_us" => "fewer than two repeats have a mean",
        "seen_mean_us" => "no change was seen itself",
        "age_mean_us" => "the client held no value whose posting is known",
        "age_peak_us" => "no value was followed by a newer one within a window",
        "cpu_client_percent" | "cpu_ioc_percent" => "its processor time could not be read at both edges of the window",
        "cpu_us_per_notice" if client.noticed == 0 => "no change was noticed",
        "cpu_us_per_notice" => "the processor time of client or IOC could not be read",
        "wakeups_per_s" => "its context switches could not be read at both edges of the window",
        "recovery_ms" => "the IOC was not restarted, or the client was not back before its end",
        "connect_ms" => "the time of its connection is not known",
        "requests_per_s" | "bytes_in_per_s" | "bytes_out_per_s" => "its windows have no length",
        _ if column.starts_with("expected_") && monitor => "theory says nothing of it for a monitor",
        _ if column.starts_with("expected_") => "theory does not cover this pacing or these changes",
        _ => "it could not be measured",
    }
}

fn percentile_reason(column: &str, latency: &Latency, changes: u64) -> &'static str {
    let needed = match column {
        "notice_p50_us" => 20,
        "notice_p90_us" => 100,
        _ => 1000,
    };
    if changes < needed {
        return "fewer than 10 changes would lie beyond it";
    }
    if latency.negative > 0 { "it falls among negative latencies" } else { "it falls among changes never noticed" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Pacing;
    use crate::summary::example::summary_of;
    use crate::time::Span;

    fn summary() -> Summary {
        let mut poller = summary_of("poll", Fetch::Batch);
        poller.pacing = Some(Pacing::FixedDelay { period: Span::from_micros(1500) });
        poller.asked_period = Some(Span::from_micros(1500));
        poller.notice.mean_ns = Some(Estimate { point: 1_234_567.8, interval: Some((1.0, 2e9)), n: 3 });
        poller.changes = 500;
        Summary { clients: vec![summary_of("monitor", Fetch::Monitor), poller], ..Summary::default() }
    }

    #[test]
    fn the_columns_are_the_contract() {
        let mut bytes = Vec::new();
        write_summary(&mut bytes, &summary()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let contract = "client,strategy,fetch,pacing,asked_period_ms,achieved_period_ms,pvs,changes,noticed,missed,missed_fraction,\
                        requests,redundant,redundant_fraction,notice_p50_us,notice_p90_us,notice_p99_us,notice_mean_us,\
                        notice_mean_low_us,notice_mean_high_us,intended_p99_us,age_mean_us,age_peak_us,cpu_client_percent,\
                        cpu_ioc_percent,cpu_us_per_notice,requests_per_s,bytes_in_per_s,bytes_out_per_s,wakeups_per_s,";
        assert!(text.starts_with(contract), "{text}");
        let row =
            "poll,batch,batch,fixed-delay,1.500000,,0,500,0,0,,0,0,,,,,1234.568,0.001,2000000.000,,,,,,,,,,,0,0,0,0,,";
        assert!(text.lines().nth(2).is_some_and(|line| line.starts_with(row)), "{text}");
    }

    #[test]
    fn every_empty_cell_has_its_reason() {
        let cells = empty_cells(&summary());
        let why = |client: &str, column: &str| {
            let cell = cells.iter().find(|c| c.client == client && c.column == column);
            cell.map(|c| c.reason.as_str())
        };
        assert_eq!(why("monitor", "achieved_period_ms"), Some("a monitor has no poll period"));
        assert_eq!(why("poll", "asked_period_ms"), None);
        assert_eq!(why("poll", "notice_p50_us"), Some("it falls among changes never noticed"));
        assert_eq!(why("poll", "notice_p99_us"), Some("fewer than 10 changes would lie beyond it"));
        assert_eq!(why("monitor", "missed_fraction"), Some("nothing changed in the windows"));
        assert!(cells.iter().all(|c| c.reason != "it could not be measured"), "{cells:?}");
    }
}
