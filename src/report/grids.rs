//! The tables of the report: what the clients learned, what it cost, and what was expected.

use super::number::{self, Kind};
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Summary};
use crate::time::Span;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// What it shows.
    pub caption: String,
    /// Column heads; the first column names the row.
    pub head: Vec<String>,
    /// Rows, as wide as the head.
    pub rows: Vec<Vec<Cell>>,
    /// What the marks in it mean.
    pub notes: Vec<String>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// The interval, as `58.9 to 64.1`.
    pub interval: Option<String>,
    /// Whether it is a number, set to the right.
    pub number: bool,
    /// The sign of a note; empty: none.
    pub mark: &'static str,
    /// Where it leads.
    pub link: Option<String>,
}

/// What stands for a value that does not exist.
const NONE: &str = "–";

impl Cell {
    pub(super) fn words(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), interval: None, number: false, mark: "", link: None }
    }

    pub(super) fn plain(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), interval: None, number: true, mark: "", link: None }
    }

    /// What does not exist.
    pub(super) fn none() -> Cell {
        Cell::plain(NONE)
    }

    /// The number with its mark behind it.
    #[must_use]
    pub fn marked(&self) -> String {
        if self.mark.is_empty() { self.text.clone() } else { format!("{} {}", self.text, self.mark) }
    }

    pub(super) fn estimate(kind: Kind, estimate: Option<Estimate>) -> Cell {
        match estimate {
            Some(estimate) => {
                Cell { interval: number::interval(kind, &estimate), ..Cell::plain(number::value(kind, &estimate)) }
            }
            None => Cell::none(),
        }
    }
}

fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The columns of [`learned`] that a floor makes doubtful.
pub(super) const LEARNED_LATENCIES: [usize; 2] = [3, 4];

/// What each client came to know, and when.
pub(super) fn learned(summary: &Summary) -> Grid {
    let row = |client: &ClientSummary| {
        vec![
            Cell::words(&client.name),
            Cell::words(&client.strategy),
            Cell::plain(number::count(client.changes)),
            Cell::estimate(Kind::Time, client.notice.mean_ns),
            Cell::estimate(Kind::Time, client.notice.p50_ns),
            Cell::estimate(Kind::Time, client.notice.p99_ns),
            Cell::estimate(Kind::Fraction, client.missed_fraction),
            Cell::plain(number::count(client.unnoticed)),
            Cell::estimate(Kind::Time, client.age_mean_ns),
        ]
    };
    Grid {
        caption: "What the clients came to know, and how soon".to_owned(),
        head: head(&[
            "Client",
            "Strategy",
            "Changes",
            "Notice latency, mean",
            "median",
            "99 %",
            "Missed",
            "Never noticed",
            "Age of information",
        ]),
        rows: summary.clients.iter().map(row).collect(),
        notes: Vec::new(),
    }
}

/// What it took on both ends.
pub(super) fn cost(summary: &Summary) -> Grid {
    let row = |client: &ClientSummary| {
        let asked = match client.asked_period {
            Some(Span::ZERO) => "no sleep".to_owned(),
            Some(period) => period.to_string(),
            None => NONE.to_owned(),
        };
        vec![
            Cell::words(&client.name),
            Cell::plain(asked),
            Cell::estimate(Kind::Time, client.achieved_period_ns),
            Cell::estimate(Kind::Rate, client.requests_per_s),
            Cell::estimate(Kind::Fraction, client.redundant_fraction),
            Cell::estimate(Kind::Percent, client.cpu_client_percent),
            Cell::estimate(Kind::Percent, client.cpu_ioc_percent),
            Cell::estimate(Kind::Micros, client.cpu_us_per_notice),
            Cell::estimate(Kind::ByteRate, client.bytes_in_per_s),
            Cell::estimate(Kind::ByteRate, client.bytes_out_per_s),
            Cell::estimate(Kind::Rate, client.wakeups_per_s),
        ]
    };
    Grid {
        caption: "What it cost".to_owned(),
        head: head(&[
            "Client",
            "Period asked",
            "achieved",
            "Requests",
            "Redundant",
            "CPU of client",
            "CPU of IOC",
            "CPU per change noticed",
            "Bytes to IOC",
            "Bytes to client",
            "Wake-ups",
        ]),
        rows: summary.clients.iter().map(row).collect(),
        notes: Vec::new(),
    }
}

/// Each quantity that has an expected value, beside it, with the residual. `got` is how it was had: measured, or simulated.
pub(super) fn expected(summary: &Summary, got: &str) -> Grid {
    let mut rows = Vec::new();
    for client in &summary.clients {
        let expected = &client.expected;
        let quantities = [
            ("redundant requests", Kind::Fraction, client.redundant_fraction, expected.redundant_fraction),
            ("missed changes", Kind::Fraction, client.missed_fraction, expected.missed_fraction),
            ("notice latency, mean", Kind::Time, client.notice.mean_ns, expected.notice_mean_ns),
            ("seen latency, mean", Kind::Time, client.seen.mean_ns, expected.seen_mean_ns),
            ("age of information, mean", Kind::Time, client.age_mean_ns, expected.age_mean_ns),
            ("age of information, mean peak", Kind::Time, client.age_peak_ns, expected.age_peak_ns),
        ];
        for (name, kind, measured, expected) in quantities {
            if let (Some(measured), Some(expected)) = (measured, expected) {
                rows.push(vec![
                    Cell::words(&client.name),
                    Cell::words(name),
                    Cell::estimate(kind, Some(measured)),
                    Cell::plain(number::like(kind, &measured, expected)),
                    Cell::plain(residual(kind, &measured, expected)),
                ]);
            }
        }
    }
    Grid {
        caption: format!("{} beside expected", number::capital(got)),
        head: head(&["Client", "Quantity", &number::capital(got), "Expected", "Residual"]),
        rows,
        notes: Vec::new(),
    }
}

/// Measured less expected: a fraction in percentage points, a time also as a part of what was expected.
fn residual(kind: Kind, measured: &Estimate, expected: f64) -> String {
    let difference = measured.point - expected;
    match kind {
        Kind::Fraction => {
            let points = difference * 100.0;
            if points.abs() < 0.005 {
                "0 points".to_owned()
            } else {
                format!("{} points", number::with_sign(points, 2))
            }
        }
        _ if expected > 0.0 => {
            let part = number::with_sign(100.0 * difference / expected, 1);
            format!("{} ({part} %)", number::signed(kind, difference))
        }
        _ => number::signed(kind, difference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic::Wish;

    #[test]
    fn every_row_is_as_wide_as_the_head() {
        for wish in [Wish::default(), Wish { repeats: 1, ..Wish::default() }] {
            let summary = wish.summary();
            for grid in [learned(&summary), cost(&summary), expected(&summary, "measured")] {
                assert!(!grid.rows.is_empty());
                assert!(grid.rows.iter().all(|row| row.len() == grid.head.len()), "{}", grid.caption);
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_a_dash_and_never_zero() {
        let summary = Wish::default().summary();
        let monitor = &cost(&summary).rows[0];
        assert_eq!(monitor[0].text, "monitor");
        for column in [1, 2, 3, 4] {
            assert_eq!(monitor[column].text, NONE);
        }
    }

    #[test]
    fn residuals_are_in_points_or_with_their_part() {
        let measured = |point| Estimate { point, interval: None, n: 3 };
        assert_eq!(residual(Kind::Fraction, &measured(0.905), 0.9), "+0.50 points");
        assert_eq!(residual(Kind::Fraction, &measured(0.9), 0.900_01), "0 points");
        assert_eq!(residual(Kind::Time, &measured(49_000_000.0), 50_000_000.0), "−1.00 ms (−2.0 %)");
    }
}
