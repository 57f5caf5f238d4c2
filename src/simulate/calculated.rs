//! Forecasts as a summary, so that they are drawn like one. Nothing in it was counted: it has no repeats and no changes.

use super::forecast::Forecast;
use crate::scenario::model::Scenario;
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Expected, Latency, Summary};
use crate::trace::histogram::nanoseconds;

/// The summary of forecasts, by the names of their clients in the scenario.
#[must_use]
pub fn calculated(scenario: &Scenario, forecasts: &[Forecast]) -> Summary {
    Summary { clients: forecasts.iter().filter_map(|f| client(scenario, f)).collect(), ..Summary::default() }
}

fn exact(value: f64) -> Estimate {
    Estimate { point: value, interval: None, n: 0 }
}

fn client(scenario: &Scenario, forecast: &Forecast) -> Option<ClientSummary> {
    let spec = scenario.clients.iter().find(|c| c.name == forecast.client)?;
    let missed = forecast.missed.map(exact);
    let notice = latency(forecast);
    Some(ClientSummary {
        name: spec.name.clone(),
        strategy: forecast.strategy.clone(),
        fetch: spec.fetch,
        pacing: spec.pacing.clone(),
        asked_period: spec.asked_period(),
        achieved_period_ns: forecast.period_ns.map(exact),
        achieved_period_p99_ns: None,
        mean_period_ns: forecast.period_ns,
        mean_round_trip_ns: forecast.round_trip_ns,
        pvs: spec.pvs.len(),
        copies: spec.copies,
        repeats: 0,
        changes: 0,
        noticed: 0,
        missed: 0,
        unnoticed: 0,
        missed_fraction: missed,
        requests: 0,
        redundant: 0,
        redundant_fraction: forecast.redundant.map(exact),
        updates_replaced: 0,
        intended: notice.clone(),
        seen: Latency { mean_ns: forecast.seen.map(|s| exact(s.mean_ns)), ..notice.clone() },
        notice,
        age_mean_ns: forecast.age.map(|a| exact(a.mean_ns)),
        age_peak_ns: forecast.age_peak_ns.map(exact),
        cpu_client_percent: Some(exact(forecast.cpu_client_percent)),
        cpu_ioc_percent: Some(exact(forecast.cpu_ioc_percent)),
        cpu_us_per_notice: None,
        requests_per_s: Some(exact(forecast.requests_per_s)),
        bytes_in_per_s: None,
        bytes_out_per_s: None,
        wakeups_per_s: Some(exact(forecast.wakeups_per_s)),
        others_percent: None,
        stolen_percent: None,
        connect_ns: None,
        recovery_ns: None,
        expected: Expected {
            redundant_fraction: forecast.redundant,
            missed_fraction: forecast.missed,
            notice_mean_ns: forecast.notice.map(|n| n.mean_ns).filter(|_| forecast.asked_period.is_some()),
            notice_band_ns: None,
            seen_mean_ns: None,
            age_mean_ns: None,
            age_peak_ns: None,
        },
        by_repeat: Vec::new(),
    })
}

fn latency(forecast: &Forecast) -> Latency {
    let mut histogram = nanoseconds();
    for ns in &forecast.notice_curve {
        histogram.saturating_record(ns.max(0.0).round() as u64);
    }
    Latency {
        histogram,
        negative: 0,
        mean_ns: forecast.notice.map(|n| exact(n.mean_ns)),
        p50_ns: forecast.notice.map(|n| exact(n.p50_ns)),
        p90_ns: forecast.notice.map(|n| exact(n.p90_ns)),
        p99_ns: forecast.notice.map(|n| exact(n.p99_ns)),
    }
}
