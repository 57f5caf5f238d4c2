//! The table that is printed after a run.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::doubts::Doubts;
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Summary};

/// The longest name that is shown whole: the table is about 100 characters wide then.
const LONGEST_NAME: usize = 20;

/// Quantity and unit.
const HEADER: [&str; 10] = [
    "client\n",
    "period\nms",
    "notice\np50 ms",
    "notice\np99 ms",
    "notice\nmean ± ms",
    "missed\n%",
    "redundant\n%",
    "client\nCPU %",
    "IOC\nCPU %",
    "requests\n/s",
];

/// One row for each client, units in the header. `±` is half of the 95 % interval over repeats; `-` is a value that does not exist
/// or could not be measured. What is in doubt carries a mark, which a line below the table explains.
#[must_use]
pub fn table(summary: &Summary, doubts: &Doubts) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEADER.map(Cell::new));
    for client in &summary.clients {
        table.add_row(cells(client, doubts));
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding(if place == 0 { (0, 0) } else { (2, 0) });
        column.set_cell_alignment(if place == 0 { CellAlignment::Left } else { CellAlignment::Right });
    }
    let notes: String = doubts.notes(true).into_iter().map(|note| format!("\n{note}")).collect();
    table.trim_fmt() + &notes
}

/// A name, its middle left out where it is too long: names differ at both ends.
fn short(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let half = LONGEST_NAME / 2;
    letters[..half].iter().chain(&['…']).chain(&letters[letters.len() - (half - 1)..]).collect()
}

fn cells(client: &ClientSummary, doubts: &Doubts) -> [String; 10] {
    let mark = |mark: &str| if mark.is_empty() { String::new() } else { format!(" {mark}") };
    let scaled = |estimate: Option<Estimate>, factor| value(estimate.map(|e| e.point * factor));
    [
        short(&client.name) + &mark(doubts.of_all(&client.name)),
        scaled(client.achieved_period_ns, 1e-6),
        scaled(client.notice.p50_ns, 1e-6) + &mark(doubts.of_latency(&client.name)),
        scaled(client.notice.p99_ns, 1e-6),
        with_interval(client.notice.mean_ns.map(|e| e.scaled(1e-6))),
        scaled(client.missed_fraction, 100.0),
        scaled(client.redundant_fraction, 100.0),
        scaled(client.cpu_client_percent, 1.0),
        scaled(client.cpu_ioc_percent, 1.0),
        scaled(client.requests_per_s, 1.0),
    ]
}

fn value(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |v| digits(v, decimals(v)))
}

fn with_interval(estimate: Option<Estimate>) -> String {
    let Some(e) = estimate else { return value(None) };
    // An interval that was cut at zero is as wide as its longer half.
    let half = e.interval.map(|(low, high)| (high - e.point).max(e.point - low));
    match half {
        Some(half) => format!("{} ± {}", value(Some(e.point)), digits(half, decimals(e.point))),
        None => value(Some(e.point)),
    }
}

/// Decimals that leave three digits, at most three.
fn decimals(value: f64) -> usize {
    match value.abs() {
        0.0 => 0,
        v if v < 9.995 => {
            if v < 0.9995 {
                3
            } else {
                2
            }
        }
        v if v < 99.95 => 1,
        _ => 0,
    }
}

fn digits(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Fetch;
    use crate::summary::example::summary_of;

    fn estimate(point: f64, half: f64) -> Option<Estimate> {
        Some(Estimate { point, interval: Some((point - half, point + half)), n: 3 })
    }

    #[test]
    fn a_quickstart() {
        let mut monitor = summary_of("monitor", Fetch::Monitor);
        monitor.notice.p50_ns = estimate(55_412.0, 800.0);
        monitor.notice.p99_ns = estimate(180_000.0, 8000.0);
        monitor.notice.mean_ns = estimate(61_000.0, 1_200.0);
        monitor.missed_fraction = estimate(0.0, 0.0);
        monitor.cpu_client_percent = estimate(1.62, 0.1);
        monitor.cpu_ioc_percent = estimate(1.9, 0.1);
        monitor.requests_per_s = estimate(0.0, 0.0);
        let poller = |name: &str, period: f64| {
            let mut poller = summary_of(name, Fetch::Batch);
            poller.achieved_period_ns = estimate(period, 0.0);
            poller.notice.p50_ns = estimate(period / 2.0, period / 100.0);
            poller.notice.p99_ns = estimate(period * 0.99, period / 100.0);
            poller.notice.mean_ns = estimate(period / 2.0, period / 100.0);
            poller.missed_fraction = estimate((1.0 - 1e8 / period).max(0.0), 0.0);
            poller.redundant_fraction = estimate((1.0 - period / 1e8).max(0.0), 0.0);
            poller.cpu_client_percent = estimate(2.5e7 / period, 0.0);
            poller.cpu_ioc_percent = estimate(3e7 / period, 0.0);
            poller.requests_per_s = estimate(1e11 / period, 0.0);
            poller
        };
        let pollers = [
            ("poll-0ms", 262_000.0),
            ("poll-1ms", 1_272_000.0),
            ("poll-1s", 1_000_400_000.0),
            ("a-poller-with-a-very-long-name-indeed", 1e7),
        ];
        let pollers = pollers.map(|(name, period)| poller(name, period));
        let clients = [monitor, summary_of("nothing-known", Fetch::Serial)].into_iter().chain(pollers).collect();
        let text = table(&Summary { clients, ..Summary::default() }, &Doubts::default());
        assert!(text.lines().all(|line| line.chars().count() <= 105), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn three_digits() {
        for (number, text) in [
            (0.0, "0"),
            (0.0004, "0.000"),
            (0.0612, "0.061"),
            (0.9996, "1.00"),
            (9.996, "10.0"),
            (99.96, "100"),
            (381_679.4, "381679"),
            (-0.52, "-0.520"),
        ] {
            assert_eq!(value(Some(number)), text);
        }
    }
}
