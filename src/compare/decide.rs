//! From two baselines to verdicts.

use super::baseline::{Baseline, ClientValues};
use super::exact;
use super::metric::Metric;
use super::outcome::{COMPARISON_VERSION, Comparison, Interval, Method, Row, Side, Verdict};
use super::policy::{Inconclusive, Policy};
use super::sameness::differences;
use super::times::Times;
use crate::stats::pairs::{contrast_of_pairs, resolution_of_pairs};
use crate::stats::two_samples::{Contrast, Scale, benjamini_hochberg, contrast};

/// Mann-Whitney's consent is asked for where it could be given at this level.
const ABLE: f64 = 0.01;
/// What it must then reach: the correction for many rows is left to Welch's p.
const CONSENT: f64 = 0.05;
/// With fewer repeats of the base the null control has fewer than two pairs.
const LEAST_CONTROLLED: usize = 4;

/// The two sides of a comparison, each with its name.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// Name and values of the base.
    pub base: (&'a str, &'a Baseline),
    /// Name and values of the new one.
    pub new: (&'a str, &'a Baseline),
}

/// Compares two runs.
///
/// # Errors
/// What differs that must not.
pub fn compare(pair: Pair<'_>, policy: &Policy) -> Result<Comparison, Vec<String>> {
    let differences = differences(pair.base.1, pair.new.1);
    if !differences.is_empty() {
        return Err(differences);
    }
    if pair.base.1.simulated.is_some() {
        return Ok(exact::compare(pair, policy));
    }
    let (times, notes) = Times::between(pair.base.1, pair.new.1);
    Ok(from_repeats(pair, policy, times, None, notes))
}

/// How two sides were measured in turn, and how often it was looked whether that tells enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InTurn {
    /// Looks at the most: each has its share of the level, so that stopping at any of them is no more often wrong.
    pub looks: u32,
    /// Whether IOC and clients shared one processor that was kept awake.
    pub steady: bool,
}

/// Compares two sides that were measured in turn on this machine, A B B A and B A A B: the repeats of the one are paired with those of the
/// other by their order. The first and the second A of each round of four are the null control.
#[must_use]
pub fn compare_in_turn(pair: Pair<'_>, how: InTurn, policy: &Policy) -> Comparison {
    let mut notes = Vec::new();
    if pair.base.1.repeats() < LEAST_CONTROLLED {
        notes.push(format!("there is no null control with fewer than {LEAST_CONTROLLED} repeats of each side"));
    }
    from_repeats(pair, policy, Times::AsTheyAre, Some(how), notes)
}

fn from_repeats(
    pair: Pair<'_>,
    policy: &Policy,
    times: Times,
    in_turn: Option<InTurn>,
    mut notes: Vec<String>,
) -> Comparison {
    let mut rows = Vec::new();
    for (metric, minimum) in &policy.metrics {
        for (base, new) in clients(pair.base.1, pair.new.1) {
            let Some(mut row) = row(base, new, *metric, times, in_turn.is_some()) else { continue };
            row.0.minimum = *minimum;
            row.0.resolution =
                row.1.filter(|_| in_turn.is_some()).and_then(|told| resolution(base, *metric, told.scale));
            rows.push(row);
        }
    }
    let ps: Vec<f64> = rows.iter().map(|(_, contrast)| contrast.map_or(1.0, |c| c.p)).collect();
    let adjusted = benjamini_hochberg(&ps);
    let level = policy.level / f64::from(in_turn.map_or(1, |how| how.looks).max(1));
    let decided = rows
        .into_iter()
        .zip(adjusted)
        .map(|((row, contrast), adjusted)| decided(row, contrast, adjusted, level, policy.resolution));
    let rows: Vec<Row> = decided.collect();
    let few = pair.base.1.repeats().min(pair.new.1.repeats());
    if few < policy.repeats as usize {
        notes.push(format!(
            "{few} repeats a side, where {} are the policy's: only large or steady differences can be told",
            policy.repeats
        ));
    }
    let level = policy.level;
    let method = match in_turn {
        Some(InTurn { looks, steady }) => Method::Interleaved { level, looks, steady },
        None => Method::Repeats { level },
    };
    conclude(pair, policy, method, notes, rows)
}

/// The whole of it: the worst of the rows is the verdict.
pub(super) fn conclude(
    pair: Pair<'_>,
    policy: &Policy,
    method: Method,
    notes: Vec<String>,
    rows: Vec<Row>,
) -> Comparison {
    let side = |(label, of): (&str, &Baseline)| Side {
        label: label.to_owned(),
        pollcost: of.pollcost.clone(),
        taken: of.taken.clone(),
        repeats: of.repeats(),
    };
    let mut comparison = Comparison {
        comparison_version: COMPARISON_VERSION,
        base: side(pair.base),
        new: side(pair.new),
        method,
        notes,
        rows,
        bounds: Vec::new(),
        verdict: Verdict::Pass,
        exit: 0,
    };
    settle(&mut comparison, policy);
    comparison
}

/// Verdict and exit code from rows and bounds: to be done again when either changed.
pub fn settle(comparison: &mut Comparison, policy: &Policy) {
    let verdicts = || comparison.rows.iter().map(|r| r.verdict).chain(comparison.bounds.iter().map(|b| b.verdict));
    comparison.verdict = verdicts().max().unwrap_or(Verdict::Inconclusive);
    let changed = comparison.method == Method::Exact && comparison.rows.iter().any(|row| row.verdict != Verdict::Pass);
    comparison.exit = match (comparison.verdict, policy.inconclusive) {
        (Verdict::Regressed, _) | (Verdict::Inconclusive, Inconclusive::Fail) => 1,
        (Verdict::Inconclusive, Inconclusive::Report) => 3,
        _ => u8::from(changed),
    };
}

fn clients<'a>(base: &'a Baseline, new: &'a Baseline) -> impl Iterator<Item = (&'a ClientValues, &'a ClientValues)> {
    base.clients.iter().filter_map(|a| Some((a, new.clients.iter().find(|b| b.name == a.name)?)))
}

/// One metric of one client, not yet decided; `None` where neither side has it, or it may not be compared.
fn row(
    base: &ClientValues,
    new: &ClientValues,
    metric: Metric,
    times: Times,
    paired: bool,
) -> Option<(Row, Option<Contrast>)> {
    let (a, b) = (base.whole(metric), new.whole(metric));
    if a.is_none() && b.is_none() {
        return None;
    }
    let (scale, unit) = times.scale(base, new, metric)?;
    let scaled = |values: &[f64], by: f64| values.iter().map(|v| v * by).collect::<Vec<f64>>();
    let contrast = if paired { contrast_of_pairs } else { contrast };
    let told = a
        .as_ref()
        .zip(b.as_ref())
        .and_then(|(a, b)| contrast(&scaled(a, scale.0), &scaled(b, scale.1), chance(base, new, a, b, metric)));
    let interval = |scale: Scale| {
        let of = told.filter(|c| c.scale == scale)?;
        Some(Interval { point: of.effect, low: of.interval.0, high: of.interval.1 })
    };
    let mean = |values: &Option<Vec<f64>>, by: f64| {
        values.as_ref().map(|values| by * values.iter().sum::<f64>() / values.len() as f64)
    };
    let row = Row {
        client: base.name.clone(),
        metric,
        kind: metric.kind(),
        unit: unit.to_owned(),
        base: told.map(|c| c.base).or(mean(&a, scale.0)),
        new: told.map(|c| c.new).or(mean(&b, scale.1)),
        ratio: interval(Scale::Ratio),
        difference: interval(Scale::Difference),
        p: told.map(|c| c.p),
        p_adjusted: None,
        p_rank: told.map(|c| c.p_rank),
        minimum: metric.effect(),
        resolution: None,
        verdict: Verdict::Inconclusive,
        why: String::new(),
    };
    Some((row, told))
}

/// The standard error that the number of changes alone makes of a fraction of them; 0 for everything else. Both sides together tell
/// the fraction, with one more of each kind so that none is never believed to be impossible.
fn chance(base: &ClientValues, new: &ClientValues, a: &[f64], b: &[f64], metric: Metric) -> f64 {
    if !metric.of_changes() {
        return 0.0;
    }
    let count = |of: &ClientValues| of.changes.iter().sum::<u64>() as f64;
    let hits =
        |of: &ClientValues, values: &[f64]| of.changes.iter().zip(values).map(|(n, f)| *n as f64 * f).sum::<f64>();
    let (n, m) = (count(base), count(new));
    let fraction = (hits(base, a) + hits(new, b) + 1.0) / (n + m + 2.0);
    (fraction * (1.0 - fraction) / n.min(m).max(1.0)).max(0.0).sqrt()
}

/// What the null control cannot tell from nothing: the half-width of the interval of a mean over as many pairs as there are of base and new,
/// were they to scatter as pairs of base and base do. As a factor from 1 on [`Scale::Ratio`].
fn resolution(base: &ClientValues, metric: Metric, scale: Scale) -> Option<f64> {
    let values = base.whole(metric)?;
    let (first, second): (Vec<f64>, Vec<f64>) = values.chunks_exact(2).map(|round| (round[0], round[1])).unzip();
    resolution_of_pairs(&first, &second, scale, values.len()).map(|half| scale.back(half))
}

fn decided(mut row: Row, contrast: Option<Contrast>, adjusted: f64, level: f64, excluded: f64) -> Row {
    let Some(contrast) = contrast else {
        row.why = "a side has fewer than two repeats with a value".to_owned();
        return row;
    };
    row.p_adjusted = Some(adjusted);
    let least = row.minimum.absolute.max(row.minimum.relative * contrast.base.abs());
    let (low, high) = match contrast.scale {
        Scale::Difference => contrast.interval,
        Scale::Ratio => (contrast.base * (contrast.interval.0 - 1.0), contrast.base * (contrast.interval.1 - 1.0)),
    };
    let change = contrast.new - contrast.base;
    let consent = contrast.p_rank_least > ABLE || contrast.p_rank <= CONSENT;
    let sure = adjusted <= level && consent && (low > 0.0 || high < 0.0);
    let beyond = match (row.resolution, contrast.scale) {
        (None, _) => true,
        (Some(resolution), Scale::Ratio) => contrast.effect.max(1.0 / contrast.effect) > resolution,
        (Some(resolution), Scale::Difference) => contrast.effect.abs() > resolution,
    };
    (row.verdict, row.why) = if sure && change.abs() >= least && beyond {
        let verdict = if change > 0.0 { Verdict::Regressed } else { Verdict::Improved };
        (verdict, "it differs by what matters, and not by chance".to_owned())
    } else if sure && change.abs() >= least {
        (
            Verdict::Inconclusive,
            "the same thing twice differs as much here: below the null control's resolution".to_owned(),
        )
    } else if high <= excluded * least {
        let told = if sure {
            "it differs, but by less than matters"
        } else {
            "a change for the worse that matters is excluded"
        };
        (Verdict::Pass, told.to_owned())
    } else {
        (Verdict::Inconclusive, wanted(change, high, excluded * least))
    };
    row
}

/// What would make it decidable: a change for the worse of `most` is not excluded yet.
fn wanted(change: f64, high: f64, most: f64) -> String {
    let (half, room) = (high - change, most - change);
    if room <= 0.0 || half <= 0.0 {
        return "it may be worse by what matters, but chance is not excluded: more repeats".to_owned();
    }
    let factor = (half / room).powi(2);
    format!("the repeats scatter too much: about {:.0} times as many would tell", factor.max(2.0).ceil())
}
