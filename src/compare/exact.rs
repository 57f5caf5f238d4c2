//! The gate on simulations: the same bytes, or the metrics that differ.

use super::baseline::{Baseline, ClientValues};
use super::decide::{Pair, conclude};
use super::metric::Metric;
use super::outcome::{Comparison, Method, Row, Verdict};
use super::policy::Policy;

/// Compares two simulations value by value. Every metric is looked at, whatever the policy leaves out.
pub(super) fn compare(pair: Pair<'_>, policy: &Policy) -> Comparison {
    let mut notes = Vec::new();
    let mut rows = Vec::new();
    let of = |baseline: &Baseline, name: &str| baseline.clients.iter().position(|c| c.name == name);
    for metric in Metric::ALL {
        for base in &pair.base.1.clients {
            let new = of(pair.new.1, &base.name).and_then(|place| pair.new.1.clients.get(place));
            rows.extend(new.and_then(|new| row(base, new, metric)));
        }
    }
    for (a, b) in pair.base.1.clients.iter().zip(&pair.new.1.clients) {
        if a.notice_digest != b.notice_digest || a.changes != b.changes {
            notes.push(format!("{}: the distribution of its notice latencies is not the same", a.name));
            let unseen = rows.iter().all(|row| row.client != a.name || row.verdict == Verdict::Pass);
            if let Some(row) =
                rows.iter_mut().find(|row| unseen && row.client == a.name && row.metric == Metric::NoticeP50)
            {
                row.verdict = Verdict::Regressed;
                row.why = "its percentiles are the same, its distribution is not".to_owned();
            }
        }
    }
    conclude(pair, policy, Method::Exact, notes, rows)
}

fn row(base: &ClientValues, new: &ClientValues, metric: Metric) -> Option<Row> {
    let (a, b) = (base.values.get(&metric)?, new.values.get(&metric)?);
    let mean = |values: &[Option<f64>]| {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let (old, late) = (mean(a), mean(b));
    if old.is_none() && late.is_none() {
        return None;
    }
    let verdict = match (a == b, old.zip(late)) {
        (true, _) => Verdict::Pass,
        (false, Some((old, late))) if late < old => Verdict::Improved,
        (false, _) => Verdict::Regressed,
    };
    let first = a.iter().zip(b).position(|(x, y)| x != y);
    let why = match first {
        _ if verdict == Verdict::Pass => "every repeat is the same".to_owned(),
        Some(repeat) => format!("not the same, from repeat {} on", repeat + 1),
        None => format!("{} repeats where there were {}", b.len(), a.len()),
    };
    Some(Row {
        client: base.name.clone(),
        metric,
        kind: metric.kind(),
        unit: metric.unit().to_owned(),
        base: old,
        new: late,
        ratio: None,
        difference: None,
        p: None,
        p_adjusted: None,
        p_rank: None,
        minimum: metric.effect(),
        resolution: None,
        verdict,
        why,
    })
}
