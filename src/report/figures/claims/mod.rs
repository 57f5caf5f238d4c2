//! The figures of claims: what their expectations speak of, each way of showing it a file of its own.

mod curves;
mod ratios;
mod trade;
mod values;
mod words;

use crate::expect::{Judged, Verdicts};
use crate::report::figure::{Figure, Key, Look, Omitted, Symbol};
use crate::scenario::expectation::{Claim, Shown};
use crate::scenario::model::Scenario;
use crate::summary::Summary;

/// Names of the files of a claim's first, second and third figure: a figure's name is known before the run.
const IDS: [[&str; 3]; 16] = [
    ["claim_1", "claim_1b", "claim_1c"],
    ["claim_2", "claim_2b", "claim_2c"],
    ["claim_3", "claim_3b", "claim_3c"],
    ["claim_4", "claim_4b", "claim_4c"],
    ["claim_5", "claim_5b", "claim_5c"],
    ["claim_6", "claim_6b", "claim_6c"],
    ["claim_7", "claim_7b", "claim_7c"],
    ["claim_8", "claim_8b", "claim_8c"],
    ["claim_9", "claim_9b", "claim_9c"],
    ["claim_10", "claim_10b", "claim_10c"],
    ["claim_11", "claim_11b", "claim_11c"],
    ["claim_12", "claim_12b", "claim_12c"],
    ["claim_13", "claim_13b", "claim_13c"],
    ["claim_14", "claim_14b", "claim_14c"],
    ["claim_15", "claim_15b", "claim_15c"],
    ["claim_16", "claim_16b", "claim_16c"],
];

/// A claim with what is known of it.
struct Subject<'a> {
    claim: &'a Claim,
    id: &'static str,
    /// What it adds to the heading of the first figure.
    part: &'static str,
    /// Its expectations.
    judged: Vec<&'a Judged>,
    summary: &'a Summary,
}

/// The figures of the claims of a scenario, in its order.
#[must_use]
pub fn of_claims(scenario: &Scenario, summary: &Summary, verdicts: &Verdicts) -> Vec<Result<Figure, Omitted>> {
    let of_claim = |(claim, ids): (&Claim, [&'static str; 3])| {
        let own = |judged: &&Judged| judged.claim.as_ref() == Some(&claim.name);
        let judged: Vec<&Judged> = verdicts.expectations.iter().filter(own).collect();
        let one = |(shown, id): (&Shown, &'static str)| {
            let part = match shown {
                _ if id == ids[0] => "",
                Shown::Values => " In numbers",
                Shown::Curves => " Over time",
                Shown::Ratios => " In ratios",
                Shown::Trade => " Against processor time",
            };
            let subject = Subject { claim, id, part, judged: judged.clone(), summary };
            let figure = match shown {
                Shown::Values => values::values(&subject),
                Shown::Curves => curves::curves(&subject),
                Shown::Ratios => ratios::ratios(&subject),
                Shown::Trade => trade::trade(&subject),
            };
            let title = claim.says.clone();
            figure.ok_or_else(|| Omitted { id, title, reason: "nothing of it was measured".to_owned() })
        };
        claim.figures.iter().zip(ids).map(one).collect::<Vec<_>>()
    };
    scenario.claims.iter().zip(IDS).flat_map(of_claim).collect()
}

impl Subject<'_> {
    /// For one who cannot see the figure: what was expected, with the verdicts.
    fn told(&self) -> String {
        let told: Vec<String> =
            self.judged.iter().map(|judged| format!("{} ({})", plain(&judged.says), judged.verdict.words())).collect();
        told.join(" ")
    }

    /// What stands above the figure.
    fn title(&self) -> String {
        self.claim.title.clone().unwrap_or_else(|| plain(&self.claim.says)) + self.part
    }

    /// What stands below it: the claim, what is shown, and the source's own words.
    fn caption(&self, shown: &str) -> String {
        let source = self
            .claim
            .source
            .as_ref()
            .map_or_else(String::new, |source| format!(" The source's own figure: {source}."));
        format!("Claim {}: \u{201c}{}\u{201d} Shown: {shown}.{source}", self.claim.name, plain(&self.claim.says))
    }
}

/// A sentence without the marks that set names in it apart.
fn plain(sentence: &str) -> String {
    sentence.replace('`', "")
}

/// What the source gives, in the legend.
fn given_key() -> Key {
    Key { text: "given by the source".into(), look: Look::Ink, symbol: Symbol::Hollow }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::judge;
    use crate::report::figure::Shape;
    use crate::report::palette::SOLID;
    use crate::scenario::expectation::{Bound, Expectation, Published, Quantity, Relation};
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
            title: None,
            says: "So it is.".into(),
            source: None,
            note: None,
            figures: vec![figure],
        };
        scenario.claims =
            vec![claim("values", Shown::Values), claim("curves", Shown::Curves), claim("nothing", Shown::Values)];
        let of = |metric: &str| Quantity { metric: named(metric), of: "a-parallel".into(), over: None };
        scenario.expectations = ["values", "curves"]
            .map(|claim| Expectation {
                says: "Twice the time.".into(),
                left: of("threads_ms"),
                relation: Relation::Less,
                right: Bound::Times { factor: 3.0, other: of("alone_ms") },
                tolerance: None,
                source: None,
                published: Some(Published { left: 4.4e9, right: None }),
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
        assert_eq!(values.y.names[0].1, "Two threads");
        let Shape::Points { points, hollow: true } = &values.series[1].shape else { panic!("{values:?}") };
        assert_eq!(points.iter().map(|p| (p.x, p.y)).collect::<Vec<_>>(), [(4.4e9, 1.5)]);
        let curves = figures[1].as_ref().unwrap();
        let ones = Shape::Line { points: vec![(0.0, 0.0), (1e9, 500.0)], dash: SOLID };
        assert_eq!((curves.id, &curves.series[0].shape), ("claim_2", &ones));
        assert_eq!(figures[2].as_ref().unwrap_err().reason, "nothing of it was measured");
    }
}
