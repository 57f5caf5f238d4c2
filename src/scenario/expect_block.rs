//! `[[expect]]` and `[[claim]]` blocks.

use super::duration::LONGEST;
use super::expectation::{Bound, Claim, Expectation, Published, Quantity, Relation, Shown, Tolerance, values};
use super::metric::{Dimension, Metric};
use super::model::Scenario;
use super::problem::{shown, suggest};
use super::read::short_name;
use super::section::{Entry, Section};
use crate::time::Span;

/// The most expectations, and the most claims.
const MAX_BLOCKS: usize = 1000;
/// Factors and tolerances lie within these bounds.
const FACTORS: std::ops::RangeInclusive<f64> = 1e-9..=1e9;

/// The most figures of one claim.
const MAX_FIGURES: usize = 3;

const FIGURES: [(&str, Shown); 4] =
    [("values", Shown::Values), ("curves", Shown::Curves), ("ratios", Shown::Ratios), ("trade", Shown::Trade)];

const RELATIONS: [(&str, Relation); 5] = [
    ("<", Relation::Less),
    ("<=", Relation::AtMost),
    (">", Relation::Greater),
    (">=", Relation::AtLeast),
    ("~", Relation::About),
];

/// Reads the claims, then the expectations. The clients and probes of the scenario are known by now.
pub(crate) fn read(root: &Section<'_>, scenario: &mut Scenario) {
    for section in limited(root.sections("claim")) {
        if let Some(claim) = claim(section, &scenario.claims) {
            scenario.claims.push(claim);
        }
    }
    for section in limited(root.sections("expect")) {
        if let Some(expectation) = expectation(section, scenario) {
            scenario.expectations.push(expectation);
        }
    }
}

fn limited(mut sections: Vec<Section<'_>>) -> Vec<Section<'_>> {
    if sections.len() > MAX_BLOCKS {
        sections[MAX_BLOCKS].fault(
            "",
            format!("there are {} of these blocks", sections.len()),
            format!("at most {MAX_BLOCKS}"),
        );
        sections.truncate(MAX_BLOCKS);
    }
    sections
}

fn claim(section: Section<'_>, before: &[Claim]) -> Option<Claim> {
    let entry = section.entry("name");
    if entry.is_none() {
        section.fault("name", "is missing", "a short name that expectations refer to: name = \"interleave\"");
    }
    let name = entry.as_ref().and_then(short_name);
    if let (Some(entry), Some(name)) = (&entry, &name)
        && before.iter().any(|claim| claim.name == *name)
    {
        entry.fault(format!("the claim `{name}` is named twice"), "give it another name");
    }
    let says = sentence(&section);
    let figures = section.entry("figure").map_or_else(|| Some(values()), |entry| figures(&entry));
    let (source, note) = (words(&section, "source"), words(&section, "note"));
    let title = words(&section, "title").filter(|title| !title.is_empty());
    let claim = Claim { name: name?, title, says: says?, source, note, figures: figures? };
    section.finish(&[]);
    Some(claim)
}

/// One kind of figure, or several.
fn figures(entry: &Entry<'_>) -> Option<Vec<Shown>> {
    if entry.is_text() {
        return entry.choice(&FIGURES).map(|one| vec![one]);
    }
    let all = entry.list()?;
    if all.is_empty() || all.len() > MAX_FIGURES {
        entry.fault(format!("has {} figures", all.len()), format!("one to {MAX_FIGURES} of them"));
        return None;
    }
    let figures: Vec<Shown> = all.iter().map(|one| one.choice(&FIGURES)).collect::<Option<_>>()?;
    let twice = figures.iter().enumerate().find(|(place, shown)| figures[..*place].contains(shown));
    if let Some((place, _)) = twice {
        all[place].fault("is in the list twice", "leave one of them out");
        return None;
    }
    Some(figures)
}

fn sentence(section: &Section<'_>) -> Option<String> {
    let text = words(section, "says");
    if text.as_ref().is_none_or(String::is_empty) {
        section.fault(
            "says",
            "is missing: what is expected, in words",
            "says = \"A callback costs less processor time.\"",
        );
    }
    text.filter(|text| !text.is_empty())
}

/// A text with its line breaks and indentation taken out.
fn words(section: &Section<'_>, key: &'static str) -> Option<String> {
    Some(section.text(key)?.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn expectation(section: Section<'_>, scenario: &Scenario) -> Option<Expectation> {
    let says = sentence(&section);
    let (source, claim) = (words(&section, "source"), claim_of(&section, scenario));
    let over = over(&section, scenario);
    let left = left(&section, scenario, over.as_deref());
    let relation = match section.entry("relation") {
        Some(entry) => entry.choice(&RELATIONS),
        None => {
            section.fault("relation", "is missing", "one of `<`, `<=`, `>`, `>=`, `~`");
            None
        }
    };
    section.knows(&["other", "other_metric", "factor", "value", "tolerance", "within", "published", "published_other"]);
    // What the right side may be depends on the left, and what tolerances there are on the relation.
    let right = left.as_ref().and_then(|left| bound(&section, left, scenario));
    let published = left.as_ref().zip(right.as_ref()).map(|(left, right)| published(&section, left.metric, right));
    let tolerance = relation.zip(left.as_ref()).and_then(|(relation, left)| tolerance(&section, relation, left.metric));
    section.finish(&[]);
    Some(Expectation {
        says: says?,
        left: left?,
        relation: relation?,
        right: right?,
        tolerance: tolerance?,
        source,
        published: published?,
        claim,
    })
}

/// What the source gives for the two sides, as numbers.
fn published(section: &Section<'_>, left: Metric, right: &Bound) -> Option<Published> {
    let (own, other) = (section.entry("published"), section.entry("published_other"));
    if let (Some(entry), None) = (&own, section.entry("source")) {
        entry.fault("is nobody's", "say whose it is: source = \"...\"");
    }
    if let (None, Some(entry)) = (&own, &other) {
        entry.fault("stands alone", "give what the source has for the left side, too: published = ...");
    }
    let other = match (other, right) {
        (Some(entry), Bound::Value(_)) => {
            entry.fault("belongs to `other`", "leave it out, or give `other` instead of `value`");
            None
        }
        (Some(entry), Bound::Times { other, .. }) => amount(&entry, other.metric),
        (None, _) => None,
    };
    Some(Published { left: amount(&own?, left)?, right: other })
}

/// The client that the others are set against, for a metric of two clients.
fn over(section: &Section<'_>, scenario: &Scenario) -> Option<String> {
    let entry = section.entry("over")?;
    client(&entry, scenario)
}

/// A client of the scenario.
fn client(entry: &Entry<'_>, scenario: &Scenario) -> Option<String> {
    let name = entry.text()?;
    if scenario.clients.iter().all(|client| client.name != name) {
        let known = suggest(name, scenario.clients.iter().map(|client| client.name.as_str()));
        entry.fault(format!("there is no client `{}`", shown(name)), known);
        return None;
    }
    Some(name.to_owned())
}

fn claim_of(section: &Section<'_>, scenario: &Scenario) -> Option<String> {
    let entry = section.entry("claim")?;
    let name = entry.text()?;
    if scenario.claims.iter().all(|claim| claim.name != name) {
        let known = scenario.claims.iter().map(|claim| claim.name.as_str());
        let advice =
            if scenario.claims.is_empty() { "add a block: [[claim]]".to_owned() } else { suggest(name, known) };
        entry.fault(format!("there is no claim `{}`", shown(name)), advice);
    }
    Some(name.to_owned())
}

/// `metric` and `client`.
fn left(section: &Section<'_>, scenario: &Scenario, over: Option<&str>) -> Option<Quantity> {
    let entry = section.entry("metric");
    if entry.is_none() {
        section.fault("metric", "is missing: which quantity", "a column of summary.csv: metric = \"notice_p99_us\"");
    }
    let subject = match (section.entry("client"), section.entry("probe")) {
        (Some(client), None) => Some(client),
        (None, Some(probe)) => Some(probe),
        (Some(_), Some(probe)) => {
            probe.fault("there are both `client` and `probe`", "give one of them");
            None
        }
        (None, None) => {
            section.fault("client", "is missing: of which client", "client = \"monitor\", or `probe`");
            None
        }
    };
    let metric = entry.as_ref().and_then(metric)?;
    match section.entry("over") {
        None if metric.is_of_two() => {
            section.fault("over", "is missing: what the client is set against", "over = \"monitor\"");
            None
        }
        Some(entry) if !metric.is_of_two() => {
            entry.fault(format!("`{metric}` is of one client alone"), "leave it out");
            None
        }
        _ => quantity(metric, &subject?, over, scenario),
    }
}

fn metric(entry: &Entry<'_>) -> Option<Metric> {
    let name = entry.text()?;
    let found = Metric::named(name);
    if found.is_none() {
        let known = suggest(name, Metric::every().map(Metric::name));
        entry.fault(format!("{:?} is not a metric", shown(name)), known);
    }
    found
}

/// A metric of a client or probe of the scenario.
fn quantity(metric: Metric, entry: &Entry<'_>, over: Option<&str>, scenario: &Scenario) -> Option<Quantity> {
    let of = entry.text()?;
    let over = over.filter(|_| metric.is_of_two()).map(str::to_owned);
    if over.as_deref() == Some(of) {
        entry.fault("is the client that `over` names: nobody is sooner than itself", "name another client");
        return None;
    }
    if let Some(program) = metric.program() {
        let probes = scenario.probes.iter().filter(|probe| probe.program == program);
        let known: Vec<&str> = probes.map(|probe| probe.name.as_str()).collect();
        if !known.contains(&of) {
            let what =
                format!("there is no probe `{}` with the program `{program}`, which measures `{metric}`", shown(of));
            entry.fault(what, suggest(of, known));
            return None;
        }
        return Some(Quantity { metric, of: of.to_owned(), over });
    }
    Some(Quantity { metric, of: client(entry, scenario)?, over })
}

/// `value`, or `other` with its `factor`.
fn bound(section: &Section<'_>, left: &Quantity, scenario: &Scenario) -> Option<Bound> {
    let (value, other) = (section.entry("value"), section.entry("other"));
    let (other_metric, factor) = (section.entry("other_metric"), section.entry("factor"));
    match (value, other) {
        (Some(value), None) => {
            for entry in other_metric.into_iter().chain(factor) {
                entry.fault("belongs to `other`", "leave it out, or give `other` instead of `value`");
            }
            amount(&value, left.metric).map(Bound::Value)
        }
        (None, Some(other)) => {
            let factor = match &factor {
                Some(entry) => entry.number(FACTORS)?,
                None => 1.0,
            };
            let right = match &other_metric {
                Some(entry) => metric(entry)?,
                None => left.metric,
            };
            if right.dimension() != left.metric.dimension() {
                let entry = other_metric.as_ref().unwrap_or(&other);
                entry.fault(
                    format!("`{right}` cannot be held against `{}`", left.metric),
                    "both must be of one kind, such as two durations",
                );
                return None;
            }
            Some(Bound::Times { factor, other: quantity(right, &other, left.over.as_deref(), scenario)? })
        }
        (Some(value), Some(_)) => {
            value.fault("there are both `value` and `other`", "give one of them");
            None
        }
        (None, None) => {
            section.fault("", "holds its metric against nothing", "give `value`, or `other` with the name of a client");
            None
        }
    }
}

/// A value of a metric, in base units.
fn amount(entry: &Entry<'_>, metric: Metric) -> Option<f64> {
    match metric.dimension() {
        Dimension::Duration => Some(entry.time(Span::ZERO..=LONGEST)?.0 as f64),
        Dimension::Fraction => entry.number(0.0..=1.0),
        _ => entry.finite(),
    }
}

/// `tolerance` or `within`: exactly one for `~`, none otherwise. The outer `None` is a fault.
#[allow(clippy::option_option, reason = "a fault and no tolerance are two things")]
fn tolerance(section: &Section<'_>, relation: Relation, metric: Metric) -> Option<Option<Tolerance>> {
    let (relative, absolute) = (section.entry("tolerance"), section.entry("within"));
    if relation != Relation::About {
        let none = relative.is_none() && absolute.is_none();
        for entry in relative.into_iter().chain(absolute) {
            entry.fault(
                format!("does not belong to the relation `{}`", relation.sign()),
                "it belongs to `~`; for the others there is `factor`",
            );
        }
        return none.then_some(None);
    }
    match (relative, absolute) {
        (Some(entry), None) => entry.number(0.0..=1e9).map(|fraction| Some(Tolerance::Relative(fraction))),
        (None, Some(entry)) => amount(&entry, metric).map(|amount| Some(Tolerance::Absolute(amount))),
        (Some(entry), Some(_)) => {
            entry.fault("there are both `tolerance` and `within`", "give one of them");
            None
        }
        (None, None) => {
            section.fault(
                "tolerance",
                "is missing: how near is `~`",
                "tolerance = 0.1 for a tenth of the right side, or `within` for a fixed amount",
            );
            None
        }
    }
}
