//! Whether one quantity stands to another as was expected: from intervals, never from points alone.
//!
//! A relation *holds* when the whole 95 % interval says so, *does not hold* when the whole interval says the contrary, and is
//! *inconclusive* otherwise, also where there is no interval. Each side of an interval is passed by chance in one case of
//! 40; several expectations are not corrected for their number, since each is a statement of its own that was made beforehand.
//! "About" is decided as an equivalence test: the interval must lie within the tolerance as a whole (Schuirmann, "A comparison
//! of the two one-sided tests procedure", 1987).
//!
//! Two quantities are compared by their ratio in each repeat, where the machine and the changes were the same for both: the interval is that of the mean
//! of its logarithms, so that exchanging the sides exchanges nothing else. Where a value is not positive, the difference in
//! each repeat takes the place of the ratio. Where repeats have no values of their own, the ends of the two intervals are set against
//! each other, which is the more cautious.

use crate::scenario::expectation::{Relation, Tolerance};
use crate::stats::{Estimate, interval};

use super::sample::Sample;

/// What an expectation comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is so.
    Holds,
    /// It is not so.
    DoesNotHold,
    /// The run cannot tell.
    Inconclusive,
}

impl Verdict {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::DoesNotHold => "does not hold",
            Verdict::Inconclusive => "inconclusive",
        }
    }
}

/// A verdict with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What it comes to.
    pub verdict: Verdict,
    /// The left side over the right, before the factor; `None` where one of them is not positive, or the right side is a number.
    pub ratio: Option<Estimate>,
    /// Why it is inconclusive.
    pub reason: Option<&'static str>,
}

const NO_SPREAD: &str = "one repeat shows no spread: measure at least two";
const NO_INTERVAL: &str = "the value has no interval: some repeats have too few samples for a value of their own";
const OVERLAP: &str = "the interval over repeats does not decide it: more repeats, or longer windows, may";

impl Judgement {
    fn cannot(reason: &'static str) -> Judgement {
        Judgement { verdict: Verdict::Inconclusive, ratio: None, reason: Some(reason) }
    }

    fn of(verdict: Verdict, ratio: Option<Estimate>) -> Judgement {
        Judgement { verdict, ratio, reason: (verdict == Verdict::Inconclusive).then_some(OVERLAP) }
    }
}

/// Holds a quantity against a number.
#[must_use]
pub fn against_number(left: &Sample, relation: Relation, bound: f64, tolerance: Option<Tolerance>) -> Judgement {
    let interval = if left.exact { Some((left.estimate.point, left.estimate.point)) } else { left.estimate.interval };
    match interval {
        Some(interval) => Judgement::of(decide(interval, relation, bound, room(tolerance, bound)), None),
        None => Judgement::cannot(without_interval(left)),
    }
}

/// Holds a quantity against `factor` times another.
#[must_use]
pub fn against(
    left: &Sample,
    relation: Relation,
    factor: f64,
    right: &Sample,
    tolerance: Option<Tolerance>,
) -> Judgement {
    if right.exact {
        return against_number(left, relation, factor * right.estimate.point, tolerance);
    }
    let pairs = pairs(left, right);
    let ratio = ratio(&pairs);
    let absolute = matches!(tolerance, Some(Tolerance::Absolute(_)));
    if let Some(interval) = ratio.and_then(|ratio| ratio.interval).filter(|_| !absolute) {
        return Judgement::of(decide(interval, relation, factor, room(tolerance, factor)), ratio);
    }
    let differences: Vec<f64> = pairs.iter().map(|(l, r)| l - factor * r).collect();
    let apart = interval::of_mean(&differences).or_else(|| ends_apart(left, &right.times(factor)));
    match apart {
        Some(apart) => {
            let room = room(tolerance, factor * right.estimate.point);
            Judgement::of(decide(apart, relation, 0.0, room), ratio)
        }
        None => Judgement {
            ratio,
            ..Judgement::cannot(without_interval(if left.estimate.interval.is_none() { left } else { right }))
        },
    }
}

fn without_interval(sample: &Sample) -> &'static str {
    if sample.estimate.n < 2 { NO_SPREAD } else { NO_INTERVAL }
}

/// How far from the bound is still about the same.
fn room(tolerance: Option<Tolerance>, bound: f64) -> f64 {
    match tolerance {
        Some(Tolerance::Relative(fraction)) => fraction * bound.abs(),
        Some(Tolerance::Absolute(amount)) => amount,
        None => 0.0,
    }
}

/// Where the true value lies in `(low, high)`, is it in this relation to the bound?
fn decide((low, high): (f64, f64), relation: Relation, bound: f64, room: f64) -> Verdict {
    let (holds, fails) = match relation {
        Relation::Less => (high < bound, low >= bound),
        Relation::AtMost => (high <= bound, low > bound),
        Relation::Greater => (low > bound, high <= bound),
        Relation::AtLeast => (low >= bound, high < bound),
        Relation::About => (low >= bound - room && high <= bound + room, high < bound - room || low > bound + room),
    };
    match (holds, fails) {
        (true, _) => Verdict::Holds,
        (false, true) => Verdict::DoesNotHold,
        (false, false) => Verdict::Inconclusive,
    }
}

/// The values of both in the repeats that have both.
fn pairs(left: &Sample, right: &Sample) -> Vec<(f64, f64)> {
    let other = |repeat: u32| right.own.iter().find(|(of, _)| *of == repeat).map(|(_, value)| *value);
    left.own.iter().filter_map(|(repeat, value)| Some((*value, other(*repeat)?))).collect()
}

/// The geometric mean of the ratios, with its interval; `None` where there are no pairs, or one value is not positive.
fn ratio(pairs: &[(f64, f64)]) -> Option<Estimate> {
    let logarithms: Vec<f64> =
        pairs.iter().filter(|(l, r)| *l > 0.0 && *r > 0.0).map(|(l, r)| libm::log(l / r)).collect();
    let mean = Estimate::mean(&logarithms).filter(|_| logarithms.len() == pairs.len())?;
    let interval = mean.interval.map(|(low, high)| (libm::exp(low), libm::exp(high)));
    Some(Estimate { point: libm::exp(mean.point), interval, n: mean.n })
}

/// How far apart two values can be at most, by the ends of their intervals.
fn ends_apart(left: &Sample, right: &Sample) -> Option<(f64, f64)> {
    let (l, r) = (left.estimate.interval?, right.estimate.interval?);
    Some((l.0 - r.1, l.1 - r.0))
}
