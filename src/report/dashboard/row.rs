//! The columns of the table of clients: as many as there is room for, the important ones first.

use super::Client;
use crate::report::number::{Kind, plain};

/// A column: its heading, and how wide it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) heading: &'static str,
    pub(super) width: usize,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Median,
    Late,
    Missed,
    Vain,
    CpuClient,
    CpuIoc,
    Repeats,
    Trend,
}

const fn column(heading: &'static str, width: usize, what: What) -> Column {
    Column { heading, width, what }
}

/// In the order of their importance.
const COLUMNS: [Column; 8] = [
    column("p50", 9, What::Median),
    column("p99", 9, What::Late),
    column("missed", 8, What::Missed),
    column("in vain", 8, What::Vain),
    column("CPU", 8, What::CpuClient),
    column("IOC CPU", 8, What::CpuIoc),
    column("n", 4, What::Repeats),
    column("p50 by repeat", 14, What::Trend),
];

/// The narrowest column of names.
const NAME: usize = 8;
/// Marks for the heights of a trend.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The columns that fit beside names of this length, and how wide the column of names is then.
pub(super) fn fitting(width: usize, longest: usize) -> (usize, Vec<Column>) {
    let names = longest.clamp(NAME, (width / 3).max(NAME));
    let mut left = width.saturating_sub(names);
    let fit = COLUMNS.into_iter().take_while(|column| {
        let fits = column.width < left;
        left = left.saturating_sub(column.width + 1);
        fits
    });
    (names, fit.collect())
}

impl Column {
    /// What a client has there; `-` where there is nothing.
    pub(super) fn cell(self, client: &Client) -> String {
        let none = "-".to_owned();
        let latency = |p: f64| client.notice.percentile(p).map_or(none.clone(), |ns| plain(Kind::Time, ns));
        let fraction = |part: u64, whole: u64| {
            if whole == 0 { "-".to_owned() } else { plain(Kind::Fraction, part as f64 / whole as f64) }
        };
        let percent = |cpu: Option<crate::time::Span>| match cpu.filter(|_| client.window.0 > 0) {
            Some(cpu) => plain(Kind::Percent, cpu.0 as f64 / client.window.0 as f64 * 100.0),
            None => "-".to_owned(),
        };
        match self.what {
            What::Median => latency(0.5),
            What::Late => latency(0.99),
            What::Missed => fraction(client.missed, client.changes),
            What::Vain => fraction(client.redundant, client.requests),
            What::CpuClient => percent(client.cpu_client),
            What::CpuIoc => percent(client.cpu_ioc),
            What::Repeats => client.repeats.to_string(),
            What::Trend => trend(&client.medians, self.width).unwrap_or(none),
        }
    }
}

/// The last medians as marks, from the lowest to the highest of them; `None` without any.
fn trend(medians: &[f64], width: usize) -> Option<String> {
    let last = medians.get(medians.len().saturating_sub(width)..)?;
    let low = last.iter().copied().reduce(f64::min)?;
    let high = last.iter().copied().reduce(f64::max)?;
    let top = (HEIGHTS.len() - 1) as f64;
    let mark = |value: f64| {
        let height = if high > low { (value - low) / (high - low) * top } else { top / 2.0 };
        HEIGHTS[(height.round() as usize).min(HEIGHTS.len() - 1)]
    };
    Some(last.iter().map(|value| mark(*value)).collect())
}
