//! What expectations and claims came to: lines for a terminal, tables for a report.

use std::fmt::Write;

use super::grids::{Cell, Grid};
use super::number::{self, Kind};
use crate::expect::{Judged, Side, Verdict, Verdicts};
use crate::scenario::metric::{Dimension, Metric};
use crate::stats::Estimate;
use crate::summary::{ProbeSummary, Summary};

/// How verdicts are to be read.
pub const READING: &str = "An expectation holds when the whole 95 % interval over repeats says so, does not hold when the whole interval says the \
     contrary, and is inconclusive otherwise. Two clients are compared by the ratio of their values in each repeat. A claim holds when \
     all that is expected of it holds. Each verdict stands for itself: of many, about one in 40 is passed by chance.";

/// A line for each expectation and a count; nothing where nothing was expected.
#[must_use]
pub fn lines(verdicts: &Verdicts) -> String {
    let mut text = String::new();
    for judged in &verdicts.expectations {
        let _ = writeln!(text, "{:<14} {}", judged.verdict.words(), judged.says);
        let _ = writeln!(text, "               {}; measured {}", judged.formula, measured(judged));
        for (what, words) in [("why", &judged.reason), ("source", &judged.source)] {
            if let Some(words) = words {
                let _ = writeln!(text, "               {what}: {words}");
            }
        }
    }
    if !verdicts.is_empty() {
        let _ = writeln!(text, "{}", count(verdicts));
    }
    text
}

/// How many hold, do not hold, and cannot be told.
#[must_use]
pub fn count(verdicts: &Verdicts) -> String {
    let of = |verdict| verdicts.expectations.iter().filter(|judged| judged.verdict == verdict).count();
    let (hold, not, open) = (of(Verdict::Holds), of(Verdict::DoesNotHold), of(Verdict::Inconclusive));
    let verb = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let all = verb(verdicts.expectations.len(), "expectation", "expectations");
    let not = verb(not, "does not hold", "do not hold");
    format!("Of {all}, {}, {not}, {open} inconclusive.", verb(hold, "holds", "hold"))
}

/// Both sides, and their ratio: `1.2 % (1.1 to 1.3), against 3.6 % (3.4 to 3.8): 0.33 times (0.31 to 0.36)`.
fn measured(judged: &Judged) -> String {
    let mut text = side(&judged.left);
    if judged.right.quantity.is_some() {
        let _ = write!(text, ", against {}", side(&judged.right));
    }
    if let Some(ratio) = judged.ratio {
        let _ = write!(text, ": {} times", number::with_interval(Kind::Number, &ratio));
    }
    text
}

fn side(side: &Side) -> String {
    estimate(side).map_or_else(|| "nothing".to_owned(), |(kind, estimate)| number::with_interval(kind, &estimate))
}

/// A measured side as a number to be written: in base units, with its kind.
fn estimate(side: &Side) -> Option<(Kind, Estimate)> {
    let metric = side.quantity.as_ref()?.metric;
    let base = |value: Option<f64>| value.map(|value| metric.to_base(value));
    Some((
        kind(metric),
        Estimate { point: base(side.value)?, interval: base(side.low).zip(base(side.high)), n: side.n },
    ))
}

/// The name of the table of claims.
pub const CLAIMS: &str = "claims";

/// The tables of a report, with names: the claims if there are any, then the expectations.
#[must_use]
pub fn grids(verdicts: &Verdicts) -> Vec<(&'static str, Grid)> {
    let claims = (!verdicts.claims.is_empty()).then(|| (CLAIMS, claims(verdicts)));
    claims.into_iter().chain((!verdicts.is_empty()).then(|| ("expectations", expectations(verdicts)))).collect()
}

/// What came of the claims, in a sentence; `None` without any.
#[must_use]
pub fn told(verdicts: &Verdicts) -> Option<String> {
    let of = |verdict: Verdict| {
        let names: Vec<String> =
            verdicts.claims.iter().filter(|c| c.verdict == verdict).map(|c| format!("`{}`", c.name)).collect();
        let words = match (verdict, names.len()) {
            (Verdict::Holds, 1) => "holds as a whole",
            (Verdict::Holds, _) => "hold as a whole",
            (Verdict::DoesNotHold, 1) => "does not hold in all that was expected of it",
            (Verdict::DoesNotHold, _) => "do not hold in all that was expected of them",
            (Verdict::Inconclusive, _) => "cannot be decided by this run",
        };
        (!names.is_empty()).then(|| format!("{} {words} ({})", names.len(), names.join(", ")))
    };
    let parts: Vec<String> =
        [Verdict::Holds, Verdict::DoesNotHold, Verdict::Inconclusive].into_iter().filter_map(of).collect();
    let number = verdicts.claims.len();
    let claims = if number == 1 { "One claim was".to_owned() } else { format!("{number} claims were") };
    (number > 0).then(|| format!("{claims} put to the test: {}. {}", parts.join("; "), count(verdicts)))
}

/// What the probes measured, with its name; `None` without any.
#[must_use]
pub fn probes(summary: &Summary) -> Option<(&'static str, Grid)> {
    let row = |probe: &ProbeSummary, metric: &Metric, estimate: &Estimate| {
        let (kind, remark) = (kind(*metric), |key: &str| probe.remarks.get(key).map_or("–", String::as_str));
        vec![
            Cell::words(&probe.name),
            Cell::words(&probe.program),
            Cell::words(remark("python")),
            Cell::words(remark("gil")),
            Cell::words(metric.name()),
            Cell::estimate(kind, Some(*estimate)),
            Cell::plain(probe.repeats.to_string()),
        ]
    };
    let rows: Vec<_> =
        summary.probes.iter().flat_map(|probe| probe.values.iter().map(move |(m, e)| row(probe, m, e))).collect();
    let grid = Grid {
        caption: "What the probes measured".to_owned(),
        head: ["Probe", "Program", "Python", "GIL", "Metric", "Value", "Repeats"].map(str::to_owned).to_vec(),
        rows,
        notes: Vec::new(),
    };
    (!grid.rows.is_empty()).then_some(("probes", grid))
}

fn kind(metric: Metric) -> Kind {
    match metric.dimension() {
        Dimension::Duration => Kind::Time,
        Dimension::Percent => Kind::Percent,
        Dimension::Fraction => Kind::Fraction,
        Dimension::PerSecond => Kind::Rate,
        Dimension::BytesPerSecond => Kind::ByteRate,
        Dimension::Count | Dimension::Ratio => Kind::Number,
    }
}

fn claims(verdicts: &Verdicts) -> Grid {
    let rows = verdicts.claims.iter().map(|claim| {
        let own: Vec<&Judged> =
            verdicts.expectations.iter().filter(|judged| judged.claim.as_ref() == Some(&claim.name)).collect();
        // What the source gives numbers for is what a reader wants to compare.
        let shown =
            own.iter().find(|j| j.published.is_some()).or(own.iter().find(|j| j.source.is_some())).or(own.first());
        vec![
            Cell::words(&claim.name),
            Cell::words(&claim.says),
            Cell::words(claim.verdict.words()),
            Cell::words(counted(&own)),
            Cell::words(shown.map_or_else(|| "–".to_owned(), |judged| format!("{} {}", judged.says, measured(judged)))),
            Cell::words(claim.source.as_deref().unwrap_or("–")),
        ]
    });
    let head = ["Claim", "Statement", "Verdict", "Expectations", "Measured", "The source's own figure"];
    Grid {
        caption: "Claims and what the run says of them".to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
        notes: Vec::new(),
    }
}

/// How many of a claim's expectations come to what: `5 hold, 2 do not, 1 open`.
fn counted(own: &[&Judged]) -> String {
    let of = |verdict, words: &str| {
        let n = own.iter().filter(|judged| judged.verdict == verdict).count();
        (n > 0).then(|| format!("{n} {words}"))
    };
    let hold = if own.iter().filter(|j| j.verdict == Verdict::Holds).count() == 1 { "holds" } else { "hold" };
    let parts = [of(Verdict::Holds, hold), of(Verdict::DoesNotHold, "not"), of(Verdict::Inconclusive, "inconclusive")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "none was tested".to_owned() } else { parts.join(", ") }
}

fn expectations(verdicts: &Verdicts) -> Grid {
    let claimed = verdicts.expectations.iter().any(|judged| judged.claim.is_some());
    let sourced = verdicts.expectations.iter().any(|judged| judged.source.is_some());
    let row = |judged: &Judged| {
        let verdict = match &judged.reason {
            Some(reason) => format!("{}: {reason}", judged.verdict.words()),
            None => judged.verdict.words().to_owned(),
        };
        let mut row = vec![Cell::words(&judged.says), Cell::words(verdict), Cell::words(&judged.formula)];
        row.push(Cell::words(measured(judged)));
        row.extend(claimed.then(|| Cell::words(judged.claim.as_deref().unwrap_or("–"))));
        row.extend(sourced.then(|| Cell::words(judged.source.as_deref().unwrap_or("–"))));
        row
    };
    let head = ["Expected", "Verdict", "Relation", "Measured"].into_iter();
    let head = head.chain(claimed.then_some("Claim")).chain(sourced.then_some("The source's own figure"));
    Grid {
        caption: "Expectations, and the numbers behind each verdict".to_owned(),
        head: head.map(str::to_owned).collect(),
        rows: verdicts.expectations.iter().map(row).collect(),
        notes: Vec::new(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::expect::JudgedClaim;
    use crate::scenario::expectation::{Quantity, Relation};

    pub(in crate::report) fn verdicts() -> Verdicts {
        let side = |metric: &str, of: &str, value: f64| Side {
            quantity: Some(Quantity { metric: Metric::named(metric).unwrap(), of: of.into(), over: None }),
            value: Some(value),
            low: Some(value * 0.9),
            high: Some(value * 1.1),
            n: 3,
        };
        let number = Side { quantity: None, value: Some(5000.0), low: None, high: None, n: 0 };
        let nothing = Side { value: None, low: None, high: None, n: 0, ..side("notice_p99_us", "gone", 1.0) };
        let judged = |verdict, left, right, ratio: Option<f64>| Judged {
            says: "A callback is cheaper <than> a poll.".into(),
            verdict,
            left,
            relation: Relation::Less,
            factor: 0.5,
            right,
            ratio: ratio.map(|r| Estimate { point: r, interval: Some((r * 0.8, r * 1.25)), n: 3 }),
            formula: "cpu_client_percent(monitor) < 0.5 × cpu_client_percent(poll)".into(),
            reason: (verdict == Verdict::Inconclusive).then(|| "gone yielded nothing".into()),
            source: ratio.map(|_| "an article: 2.366 s against 4.418 s".into()),
            published: None,
            claim: Some("cheap".into()),
        };
        let claim = JudgedClaim {
            name: "cheap".into(),
            says: "Callbacks are cheap.".into(),
            verdict: Verdict::DoesNotHold,
            source: None,
            note: Some("Both in one process.".into()),
        };
        Verdicts {
            expectations: vec![
                judged(
                    Verdict::Holds,
                    side("cpu_client_percent", "monitor", 1.2),
                    side("cpu_client_percent", "poll", 3.6),
                    Some(0.333),
                ),
                judged(Verdict::DoesNotHold, side("notice_p99_us", "monitor", 7200.0), number.clone(), None),
                judged(Verdict::Inconclusive, nothing, number, None),
            ],
            claims: vec![claim],
        }
    }

    #[test]
    fn for_a_terminal() {
        insta::assert_snapshot!(lines(&verdicts()));
        assert_eq!(lines(&Verdicts::default()), "");
    }

    #[test]
    fn for_a_report() {
        let grids = grids(&verdicts());
        assert_eq!(
            grids.iter().map(|(name, grid)| (*name, grid.rows.len())).collect::<Vec<_>>(),
            [("claims", 1), ("expectations", 3)]
        );
        assert_eq!(grids[0].1.rows[0][3].text, "1 holds, 1 not, 1 inconclusive");
        assert!(grids.iter().all(|(_, grid)| grid.rows.iter().all(|row| row.len() == grid.head.len())));
        assert!(super::grids(&Verdicts::default()).is_empty());
        let told = super::told(&verdicts()).unwrap();
        assert_eq!(
            told,
            "One claim was put to the test: 1 does not hold in all that was expected of it (`cheap`). Of 3 expectations, 1 holds, 1 does not hold, 1 inconclusive."
        );
        assert_eq!(super::told(&Verdicts::default()), None);
    }
}
