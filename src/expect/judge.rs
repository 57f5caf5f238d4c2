//! All expectations of a scenario against what a run came to.

use serde::{Deserialize, Serialize};

use super::evaluate::{Judgement, Verdict, against, against_number};
use super::sample::Sample;
use crate::scenario::expectation::{Bound, Claim, Expectation, Published, Quantity, Relation};
use crate::scenario::model::Scenario;
use crate::stats::Estimate;
use crate::summary::Summary;

/// What the expectations of a run came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    /// In the order of the scenario.
    pub expectations: Vec<Judged>,
    /// In the order of the scenario.
    pub claims: Vec<JudgedClaim>,
}

/// One side of an expectation, in the unit of its metric's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// What it is; `None`: a number.
    pub quantity: Option<Quantity>,
    /// Its value; `None`: it could not be had.
    pub value: Option<f64>,
    /// Lower end of the 95 % interval over repeats.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Repeats that it rests on.
    pub n: u32,
}

/// One expectation and its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// What is expected, in words.
    pub says: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// What was held against something.
    pub left: Side,
    /// How it should stand to it.
    pub relation: Relation,
    /// By what the right side is multiplied.
    pub factor: f64,
    /// What it was held against.
    pub right: Side,
    /// The left side over the right, before the factor.
    pub ratio: Option<Estimate>,
    /// The relation as it was written, such as `notice_p99_us(monitor) < 0.5 × notice_p99_us(poll)`.
    pub formula: String,
    /// Why it is inconclusive.
    pub reason: Option<String>,
    /// What somebody else found.
    pub source: Option<String>,
    /// The same as numbers, in the units of the two sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
    /// The claim that it belongs to, by name.
    pub claim: Option<String>,
}

/// One claim and its verdict: it holds when all of its expectations do, and does not hold when one of them does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedClaim {
    /// Its name.
    pub name: String,
    /// The statement.
    pub says: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// What somebody else found.
    pub source: Option<String>,
    /// What a reader must know of how it was tested.
    pub note: Option<String>,
}

/// Puts all expectations of a scenario to the test.
#[must_use]
pub fn judge(scenario: &Scenario, summary: &Summary) -> Verdicts {
    // What is expected of an optional probe whose interpreter is not there is not put to the test.
    let absent = |of: &str| {
        let optional = scenario.probes.iter().any(|probe| probe.optional && probe.name == of);
        optional && summary.probes.iter().all(|probe| probe.name != of)
    };
    let tested = scenario.expectations.iter().filter(|expectation| !expectation.subjects().any(absent));
    let expectations: Vec<Judged> = tested.map(|e| judge_one(e, summary)).collect();
    let claims = scenario.claims.iter().map(|claim| judge_claim(claim, &expectations)).collect();
    Verdicts { expectations, claims }
}

impl Verdicts {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expectations.is_empty()
    }

    /// The verdict on everything: the worst of all; `None` where nothing was expected.
    #[must_use]
    pub fn overall(&self) -> Option<Verdict> {
        overall(self.expectations.iter().map(|judged| judged.verdict))
    }
}

/// One that does not hold outweighs one that is inconclusive, and that one those that hold.
fn overall(verdicts: impl Iterator<Item = Verdict>) -> Option<Verdict> {
    verdicts.max_by_key(|verdict| match verdict {
        Verdict::Holds => 0,
        Verdict::Inconclusive => 1,
        Verdict::DoesNotHold => 2,
    })
}

fn judge_claim(claim: &Claim, expectations: &[Judged]) -> JudgedClaim {
    let of_claim = expectations.iter().filter(|judged| judged.claim.as_deref() == Some(claim.name.as_str()));
    JudgedClaim {
        name: claim.name.clone(),
        says: claim.says.clone(),
        // A claim that nothing was expected of cannot be decided.
        verdict: overall(of_claim.map(|judged| judged.verdict)).unwrap_or(Verdict::Inconclusive),
        source: claim.source.clone(),
        note: claim.note.clone(),
    }
}

fn judge_one(expectation: &Expectation, summary: &Summary) -> Judged {
    let left = sample(&expectation.left, summary);
    let (factor, right, other) = match &expectation.right {
        Bound::Value(value) => (1.0, Ok(Sample::exact(*value)), None),
        Bound::Times { factor, other } => (*factor, sample(other, summary), Some(other)),
    };
    let judgement = match (&left, &right) {
        (Ok(left), Ok(right)) => judgement(expectation, left, right),
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
    };
    let (verdict, ratio, reason) = match judgement {
        Ok(j) => (j.verdict, j.ratio, j.reason.map(str::to_owned)),
        Err(why) => (Verdict::Inconclusive, None, Some(why)),
    };
    let metric = expectation.left.metric;
    let of_right = other.map_or(metric, |other| other.metric);
    Judged {
        says: expectation.says.clone(),
        verdict,
        left: side(Some(&expectation.left), left.ok().as_ref(), |v| metric.in_its_unit(v)),
        relation: expectation.relation,
        factor,
        // A number is written in the unit of what is held against it.
        right: side(other, right.ok().as_ref(), |v| of_right.in_its_unit(v)),
        ratio,
        formula: formula(expectation),
        reason,
        source: expectation.source.clone(),
        published: expectation.published.map(|p| Published {
            left: metric.in_its_unit(p.left),
            right: p.right.map(|right| of_right.in_its_unit(right)),
        }),
        claim: expectation.claim.clone(),
    }
}

fn judgement(expectation: &Expectation, left: &Sample, right: &Sample) -> Result<Judgement, String> {
    let Expectation { relation, tolerance, .. } = *expectation;
    if expectation.right == Bound::Value(0.0)
        && expectation.left.metric.is_never_negative()
        && let Some(verdict) = seen_at_all(left, relation)
    {
        return Ok(Judgement { verdict, ratio: None, reason: None });
    }
    Ok(match &expectation.right {
        Bound::Value(value) => against_number(left, relation, *value, tolerance),
        Bound::Times { factor, .. } => against(left, relation, *factor, right, tolerance),
    })
}

/// What is never negative and was more than nothing once is more than nothing: one such repeat decides it, whatever the interval of the mean.
fn seen_at_all(left: &Sample, relation: Relation) -> Option<Verdict> {
    let seen = left.own.iter().any(|(_, value)| *value > 0.0);
    match relation {
        Relation::Greater if seen => Some(Verdict::Holds),
        Relation::AtMost if seen => Some(Verdict::DoesNotHold),
        _ => None,
    }
}

/// A quantity of a run, or why there is none.
fn sample(quantity: &Quantity, summary: &Summary) -> Result<Sample, String> {
    let nothing = || format!("{} yielded nothing", quantity.of);
    let sample = if quantity.metric.program().is_some() {
        let probe = summary.probes.iter().find(|probe| probe.name == quantity.of).ok_or_else(nothing)?;
        Sample::of_probe(probe, quantity.metric)
    } else {
        let named = |name: &str| summary.clients.iter().find(|client| client.name == name);
        let client = named(&quantity.of).ok_or_else(nothing)?;
        match &quantity.over {
            Some(over) => {
                let base = named(over).ok_or_else(|| format!("{over} yielded nothing"))?;
                return Sample::of_two(client, base).ok_or_else(|| {
                    format!("{} is not sooner than {over} in every repeat: nothing is won", quantity.of)
                });
            }
            None => Sample::of_client(client, quantity.metric),
        }
    };
    sample.ok_or_else(|| format!("{quantity} could not be had"))
}

fn side(quantity: Option<&Quantity>, sample: Option<&Sample>, unit: impl Fn(f64) -> f64) -> Side {
    let estimate = sample.map(|sample| sample.estimate);
    let interval = estimate.and_then(|e| e.interval);
    Side {
        quantity: quantity.cloned(),
        value: estimate.map(|e| unit(e.point)),
        low: interval.map(|(low, _)| unit(low)),
        high: interval.map(|(_, high)| unit(high)),
        n: estimate.map_or(0, |e| e.n),
    }
}

/// The relation as a reader would write it.
fn formula(expectation: &Expectation) -> String {
    use crate::scenario::expectation::Tolerance;
    let metric = expectation.left.metric;
    let right = match &expectation.right {
        Bound::Value(value) => amount(metric, *value),
        Bound::Times { factor, other } if (factor - 1.0).abs() < 1e-12 => other.to_string(),
        Bound::Times { factor, other } => format!("{factor} × {other}"),
    };
    let tolerance = match expectation.tolerance {
        Some(Tolerance::Relative(fraction)) => format!(" ± {} %", fraction * 100.0),
        Some(Tolerance::Absolute(value)) => format!(" ± {}", amount(metric, value)),
        None => String::new(),
    };
    format!("{} {} {right}{tolerance}", expectation.left, expectation.relation.sign())
}

/// A number in the unit that a scenario writes it in.
fn amount(metric: crate::scenario::metric::Metric, value: f64) -> String {
    use crate::scenario::metric::Dimension;
    match metric.dimension() {
        Dimension::Duration => crate::time::Span(value.max(0.0).round() as u64).to_string(),
        Dimension::Percent => format!("{value} %"),
        _ => value.to_string(),
    }
}
