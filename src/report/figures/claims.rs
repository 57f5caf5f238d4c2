//! One figure for each claim: the quantities that its expectations speak of, or the curves of its probe.

use crate::expect::{Judged, Side, Verdicts};
use crate::report::figure::{Axis, Figure, Key, Look, Omitted, Point, Sample, Series, Shape, Symbol};
use crate::report::palette::{DASHED, Identity, SOLID};
use crate::report::scale::{Scale, Spacing, Unit};
use crate::scenario::expectation::{Claim, Quantity, Shown};
use crate::scenario::metric::Dimension;
use crate::scenario::model::Scenario;
use crate::summary::{ProbeSummary, Summary};

/// Names of the files: a figure's name is known before the run.
const IDS: [&str; 16] = [
    "claim_1", "claim_2", "claim_3", "claim_4", "claim_5", "claim_6", "claim_7", "claim_8", "claim_9", "claim_10",
    "claim_11", "claim_12", "claim_13", "claim_14", "claim_15", "claim_16",
];
/// From this ratio of largest to smallest on an axis is logarithmic.
const WIDE: f64 = 30.0;

/// The figures of the claims of a scenario, in its order.
#[must_use]
pub fn of_claims(scenario: &Scenario, summary: &Summary, verdicts: &Verdicts) -> Vec<Result<Figure, Omitted>> {
    let one = |(claim, id): (&Claim, &'static str)| {
        let judged: Vec<&Judged> =
            verdicts.expectations.iter().filter(|j| j.claim.as_ref() == Some(&claim.name)).collect();
        let figure = match claim.figure {
            Shown::Values => values(claim, id, &judged),
            Shown::Curves => curves(claim, id, &judged, summary),
        };
        figure.ok_or_else(|| Omitted { id, title: claim.says.clone(), reason: "nothing of it was measured".to_owned() })
    };
    scenario.claims.iter().zip(IDS).map(one).collect()
}

/// The quantities of a claim that are of one kind with the first of them, each once.
fn values(claim: &Claim, id: &'static str, judged: &[&Judged]) -> Option<Figure> {
    let mut sides: Vec<(&Quantity, &Side)> = Vec::new();
    for side in judged.iter().flat_map(|judged| [&judged.left, &judged.right]) {
        let Some(quantity) = side.quantity.as_ref().filter(|_| side.value.is_some()) else { continue };
        let same = sides.first().is_none_or(|(first, _)| first.metric.dimension() == quantity.metric.dimension());
        if same && sides.iter().all(|(known, _)| *known != quantity) {
            sides.push((quantity, side));
        }
    }
    let dimension = sides.first()?.0.metric.dimension();
    let names: Vec<String> = sides.iter().map(|(q, _)| format!("{}\n{}", q.of, bare(q.metric.name()))).collect();
    let y = Axis::lanes("", names);
    let places: Vec<f64> = y.names.iter().map(|(place, _)| *place).collect();
    let base = |quantity: &Quantity, value: f64| quantity.metric.to_base(value);
    let points: Vec<Point> = sides
        .iter()
        .zip(places)
        .filter_map(|((quantity, side), y)| {
            let interval = side.low.zip(side.high).map(|(low, high)| (base(quantity, low), base(quantity, high)));
            Some(Point { x: base(quantity, side.value?), y, x_interval: interval, ..Point::default() })
        })
        .collect();
    let (unit, word) = match dimension {
        Dimension::Duration => (Unit::Nanoseconds, "Time (seconds"),
        Dimension::Percent => (Unit::Percent, "Processor time (% of one core"),
        Dimension::Fraction => (Unit::Fraction, "Share (%"),
        _ => (Unit::Count, "Number (as named"),
    };
    let x = scale(&points)?;
    let word = format!("{word}{})", if x.spacing == Spacing::Log { ", log scale" } else { "" });
    let told: Vec<String> =
        judged.iter().map(|judged| format!("{} ({})", judged.says, judged.verdict.words())).collect();
    let n = Sample { repeats: sides.iter().map(|(_, side)| side.n).min().unwrap_or(0), changes: 0 };
    let source =
        claim.source.as_ref().map_or_else(String::new, |source| format!(" The source's own figure: {source}."));
    Some(Figure {
        id,
        title: claim.says.clone(),
        caption: format!(
            "Claim {}: the quantities that it speaks of, mean over {} repeats; bars are 95 % intervals over repeats.{source}",
            claim.name, n.repeats
        ),
        alt: told.join(" "),
        x: Axis::new(word, unit, x),
        y,
        series: vec![Series {
            name: claim.name.clone(),
            look: Look::Client(Identity(0)),
            shape: Shape::Points { points, hollow: false },
        }],
        keys: Vec::new(),
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

/// A metric's name without its unit, as words.
fn bare(name: &str) -> String {
    let bare = ["_us", "_ms", "_fraction", "_percent"].iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name);
    bare.replace("_us_", " ").replace('_', " ").replace("cpu", "CPU")
}

/// From zero, unless the values lie far apart.
fn scale(points: &[Point]) -> Option<Scale> {
    let all = points.iter().flat_map(|p| [Some(p.x), p.x_interval.map(|i| i.0), p.x_interval.map(|i| i.1)]);
    let all: Vec<f64> = all.flatten().collect();
    let least = points.iter().map(|p| p.x).fold(f64::INFINITY, f64::min);
    let most = points.iter().map(|p| p.x).fold(0.0, f64::max);
    if least > 0.0 && most / least > WIDE {
        let ends: Vec<f64> = all.iter().copied().filter(|v| *v > 0.0).collect();
        return Scale::log_around_points(&[least, most], &ends);
    }
    // An axis of nothing but zeros still needs a length.
    Scale::from_zero(all.iter().copied()).or_else(|| Scale::from_zero([1.0]))
}

/// The curves of the probe that the claim's first expectation is of.
fn curves(claim: &Claim, id: &'static str, judged: &[&Judged], summary: &Summary) -> Option<Figure> {
    let of = |judged: &&Judged| judged.left.quantity.as_ref().map(|quantity| quantity.of.clone());
    let name = judged.first().and_then(of)?;
    let probe: &ProbeSummary = summary.probes.iter().find(|probe| probe.name == name && !probe.curves.is_empty())?;
    let (mut series, mut keys) = (Vec::new(), Vec::new());
    for (place, (name, points)) in probe.curves.iter().enumerate() {
        let look = Look::Client(Identity(place));
        let points: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x * 1e9, *y)).collect();
        let dash = if place % 2 == 0 { SOLID } else { DASHED };
        series.push(Series { name: name.clone(), look, shape: Shape::Line { points, dash } });
        keys.push(Key { text: name.clone(), look, symbol: if place % 2 == 0 { Symbol::Line } else { Symbol::Dashed } });
    }
    let all = || probe.curves.values().flatten();
    let told: Vec<String> =
        judged.iter().map(|judged| format!("{} ({})", judged.says, judged.verdict.words())).collect();
    Some(Figure {
        id,
        title: claim.says.clone(),
        caption: format!(
            "Claim {}: how far each has come, counted in its own rounds, over time; the first of {} repeats.",
            claim.name, probe.repeats
        ),
        alt: told.join(" "),
        x: Axis::new(
            "Time since the start (seconds)",
            Unit::Nanoseconds,
            Scale::from_zero(all().map(|(x, _)| x * 1e9))?,
        ),
        y: Axis::new("Rounds (number)", Unit::Count, Scale::from_zero(all().map(|(_, y)| *y))?),
        series,
        keys,
        direct_labels: false,
        notes: Vec::new(),
        n: Sample { repeats: probe.repeats, changes: 0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::judge;
    use crate::scenario::expectation::{Bound, Expectation, Relation};
    use crate::scenario::metric::Metric;
    use crate::scenario::model::Change;
    use crate::summary::{example, summarise_probes};
    use crate::trace::ProbeRun;

    #[test]
    fn a_claim_has_the_figure_that_it_asks_for() {
        let named = |name: &str| Metric::named(name).unwrap();
        let mut scenario = example::scenario(vec![(1, example::group(Change::Still))], Vec::new());
        scenario.probes = vec![example::probe("parallel")];
        let claim = |name: &str, figure| Claim {
            name: name.into(),
            says: "So it is.".into(),
            source: None,
            note: None,
            figure,
        };
        scenario.claims =
            vec![claim("values", Shown::Values), claim("curves", Shown::Curves), claim("nothing", Shown::Values)];
        let of = |metric: &str| Quantity { metric: named(metric), of: "a-parallel".into() };
        scenario.expectations = ["values", "curves"]
            .map(|claim| Expectation {
                says: "Twice the time.".into(),
                left: of("threads_ms"),
                relation: Relation::Less,
                right: Bound::Times { factor: 3.0, other: of("alone_ms") },
                tolerance: None,
                source: None,
                claim: Some(claim.into()),
            })
            .to_vec();
        let run = |repeat, alone: f64| ProbeRun {
            probe: 0,
            repeat,
            values: [(named("alone_ms"), alone), (named("threads_ms"), 2.0 * alone)].into(),
            curves: [("ones".to_owned(), vec![(0.0, 0.0), (1.0, 500.0)])].into(),
            ..ProbeRun::default()
        };
        let probes = summarise_probes(&scenario, &[run(0, 1e9), run(1, 1.1e9)]);
        let summary = Summary { probes, ..Summary::default() };
        let figures = of_claims(&scenario, &summary, &judge(&scenario, &summary));
        let values = figures[0].as_ref().unwrap();
        let Shape::Points { points, .. } = &values.series[0].shape else { panic!("{values:?}") };
        assert_eq!(points.iter().map(|p| p.x.round()).collect::<Vec<_>>(), [2.1e9, 1.05e9]);
        assert_eq!(values.y.names[0].1, "a-parallel\nthreads");
        let curves = figures[1].as_ref().unwrap();
        let ones = Shape::Line { points: vec![(0.0, 0.0), (1e9, 500.0)], dash: SOLID };
        assert_eq!((curves.id, &curves.series[0].shape), ("claim_2", &ones));
        assert_eq!(figures[2].as_ref().unwrap_err().reason, "nothing of it was measured");
    }
}
