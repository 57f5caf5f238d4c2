//! The words and numbers of a row, the same wherever it is shown.

use std::cmp::Reverse;

use crate::compare::metric::Kind;
use crate::compare::outcome::{Comparison, Interval, Method, Row, Verdict};

/// Four significant digits, no exponent.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let places = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

pub(super) fn value(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), number)
}

/// The change with its interval: `+23 % (+19 to +27)`, or a difference where there is no ratio.
pub(super) fn change(row: &Row) -> String {
    let percent = |factor: f64| format!("{:+.1}", (factor - 1.0) * 100.0);
    match (row.ratio, row.difference, row.base.zip(row.new)) {
        (Some(Interval { point, low, high }), _, _) if high < 10.0 => {
            format!("{} % ({} to {})", percent(point), percent(low), percent(high))
        }
        (Some(Interval { point, low, high }), _, _) => {
            format!("{} times ({} to {})", number(point), number(low), number(high))
        }
        (_, Some(Interval { point, low, high }), _) if point != 0.0 || low != high => {
            let signed = |v: f64| format!("{}{}", if v > 0.0 { "+" } else { "" }, number(v));
            format!("{} ({} to {})", signed(point), signed(low), signed(high))
        }
        (None, None, Some((base, new))) if base != new => {
            format!("{}{}", if new > base { "+" } else { "" }, number(new - base))
        }
        _ => "none".to_owned(),
    }
}

/// The rows to be told: the worst first, within a verdict counters before times.
pub(super) fn by_weight(comparison: &Comparison) -> Vec<&Row> {
    let mut rows: Vec<&Row> = comparison.rows.iter().collect();
    rows.sort_by_key(|row| (Reverse(row.verdict), row.kind == Kind::Time));
    rows
}

/// `2 regressed, 1 inconclusive, 20 pass`.
pub(super) fn counts(comparison: &Comparison) -> String {
    let all = || comparison.rows.iter().map(|r| r.verdict).chain(comparison.bounds.iter().map(|b| b.verdict));
    let of = |verdict: Verdict| (all().filter(|v| *v == verdict).count(), verdict.word());
    let verdicts = [Verdict::Regressed, Verdict::Improved, Verdict::Inconclusive, Verdict::Pass].map(of);
    let told: Vec<String> = verdicts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    if told.is_empty() { "nothing to compare".to_owned() } else { told.join(", ") }
}

/// How it was decided.
pub(super) fn method(comparison: &Comparison) -> String {
    let repeats = format!("{} and {} repeats", comparison.base.repeats, comparison.new.repeats);
    match comparison.method {
        Method::Repeats { level } => format!("{repeats}; false discovery rate {level}"),
        Method::Interleaved { level, steady, .. } => {
            let steady = if steady { ", on one processor that is kept awake" } else { "" };
            format!(
                "{repeats} in pairs, in turn on this machine with a null control{steady}; false discovery rate {level}"
            )
        }
        Method::Exact => format!("{repeats} of a simulation: every value must be the same"),
    }
}
