//! What was forecast, as a table for people and as CSV for programs.

use std::io::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::number::{Kind, plain};
use crate::simulate::{Forecast, Spread, Verdict};

/// Quantity and unit.
const HEADER: [&str; 12] = [
    "client\n",
    "interval\n",
    "notice\nmean",
    "notice\np50",
    "notice\np99",
    "age\nmean",
    "age\npeak",
    "redundant\n%",
    "missed\n%",
    "requests\n/s",
    "client\nCPU %",
    "IOC\nCPU %",
];

/// One row for each forecast; `-` is what does not exist.
#[must_use]
pub fn table(forecasts: &[Forecast]) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEADER.map(Cell::new));
    for forecast in forecasts {
        table.add_row(cells(forecast));
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding(if place == 0 { (0, 0) } else { (2, 0) });
        column.set_cell_alignment(if place == 0 { CellAlignment::Left } else { CellAlignment::Right });
    }
    table.trim_fmt()
}

fn cells(f: &Forecast) -> [String; 12] {
    let none = || "-".to_owned();
    let time = |ns: Option<f64>| ns.map_or_else(none, |ns| plain(Kind::Time, ns));
    let digits = |value: f64| match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v if v >= 0.9995 => format!("{v:.2}"),
        v if v < 1e-9 => "0".to_owned(),
        v => format!("{v:.3}"),
    };
    let percent = |part: Option<f64>| part.map_or_else(none, |part| digits(part * 100.0));
    let notice = |of: fn(&Spread) -> f64| time(f.notice.as_ref().map(of));
    [
        f.client.clone(),
        time(f.period_ns),
        notice(|n| n.mean_ns),
        notice(|n| n.p50_ns),
        notice(|n| n.p99_ns),
        time(f.age.map(|a| a.mean_ns)),
        time(f.age_peak_ns),
        percent(f.redundant),
        percent(f.missed),
        digits(f.requests_per_s),
        digits(f.cpu_client_percent),
        digits(f.cpu_ioc_percent),
    ]
}

/// A column of the CSV: its name and its value.
type Column = (&'static str, fn(&Forecast) -> Option<f64>);

const COLUMNS: &[Column] = &[
    ("asked_period_ms", |f| f.asked_period.map(|p| p.as_millis_f64())),
    ("interval_ms", |f| Some(f.period_ns? * 1e-6)),
    ("round_trip_us", |f| Some(f.round_trip_ns? * 1e-3)),
    ("notice_mean_us", |f| Some(f.notice?.mean_ns * 1e-3)),
    ("notice_p50_us", |f| Some(f.notice?.p50_ns * 1e-3)),
    ("notice_p90_us", |f| Some(f.notice?.p90_ns * 1e-3)),
    ("notice_p99_us", |f| Some(f.notice?.p99_ns * 1e-3)),
    ("notice_longest_us", |f| Some(f.notice_longest_ns? * 1e-3)),
    ("seen_mean_us", |f| Some(f.seen?.mean_ns * 1e-3)),
    ("seen_p50_us", |f| Some(f.seen?.p50_ns * 1e-3)),
    ("seen_p99_us", |f| Some(f.seen?.p99_ns * 1e-3)),
    ("age_mean_us", |f| Some(f.age?.mean_ns * 1e-3)),
    ("age_p50_us", |f| Some(f.age?.p50_ns * 1e-3)),
    ("age_p90_us", |f| Some(f.age?.p90_ns * 1e-3)),
    ("age_p99_us", |f| Some(f.age?.p99_ns * 1e-3)),
    ("age_peak_us", |f| Some(f.age_peak_ns? * 1e-3)),
    ("redundant_fraction", |f| f.redundant),
    ("missed_fraction", |f| f.missed),
    ("requests_per_s", |f| Some(f.requests_per_s)),
    ("cpu_client_percent", |f| Some(f.cpu_client_percent)),
    ("cpu_ioc_percent", |f| Some(f.cpu_ioc_percent)),
    ("wakeups_per_s", |f| Some(f.wakeups_per_s)),
];

/// The forecasts as a table with a header; empty cells are what does not exist.
///
/// # Errors
/// Those of the writer.
pub fn write_csv(out: impl Write, forecasts: &[Forecast]) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["client", "strategy"].into_iter().chain(COLUMNS.iter().map(|c| c.0)))?;
    for forecast in forecasts {
        let number = |value: Option<f64>| value.map(|v| format!("{v:.6}")).unwrap_or_default();
        let words = [forecast.client.clone(), forecast.strategy.clone()];
        writer.write_record(words.into_iter().chain(COLUMNS.iter().map(|c| number((c.1)(forecast)))))?;
    }
    Ok(writer.flush()?)
}

/// What a verdict says, in a sentence.
#[must_use]
pub fn verdict_words(budget: &str, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Polling { shortest, longest } => {
            let range = match (shortest.0, longest) {
                (0, None) => "any poll period keeps it".to_owned(),
                (0, Some(longest)) => format!("a poller may sleep for at most {longest}"),
                (_, None) => format!("a poller must sleep for at least {shortest}"),
                (_, Some(longest)) => {
                    format!("a poller may sleep for at most {longest}, and must for at least {shortest}")
                }
            };
            format!("Budget {budget}: {range}.")
        }
        Verdict::OnlyCallback { why } => {
            format!("Budget {budget}: no poll period keeps it, only a callback does. {}.", why.join("; "))
        }
        Verdict::Nothing { why } => format!("Budget {budget}: nothing keeps it. {}.", why.join("; ")),
    }
}
