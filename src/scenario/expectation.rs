//! What a scenario expects to come out: relations between measured quantities, each with a sentence in words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::metric::Metric;

/// One expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// What is expected, in words.
    pub says: String,
    /// The quantity that is held against something.
    pub left: Quantity,
    /// How it should stand to it.
    pub relation: Relation,
    /// What it is held against.
    pub right: Bound,
    /// How far apart "about" may be; only for [`Relation::About`].
    pub tolerance: Option<Tolerance>,
    /// What somebody else found, with where: shown beside what was measured.
    pub source: Option<String>,
    /// The same as numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
    /// The claim that it belongs to, by name.
    pub claim: Option<String>,
}

/// What somebody else found for the two sides of an expectation, in base units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// For the left side.
    pub left: f64,
    /// For the right side, where that is a quantity, too.
    pub right: Option<f64>,
}

/// A metric of a client or a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// What of it.
    pub metric: Metric,
    /// Name of the client or probe.
    pub of: String,
    /// The client that it is set against, for a metric of two clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.over {
            Some(over) => write!(f, "{}({} over {over})", self.metric, self.of),
            None => write!(f, "{}({})", self.metric, self.of),
        }
    }
}

/// How one quantity should stand to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// Smaller.
    #[serde(rename = "<")]
    Less,
    /// Smaller or the same.
    #[serde(rename = "<=")]
    AtMost,
    /// Larger.
    #[serde(rename = ">")]
    Greater,
    /// Larger or the same.
    #[serde(rename = ">=")]
    AtLeast,
    /// The same within a tolerance.
    #[serde(rename = "~")]
    About,
}

impl Relation {
    /// As scenarios write it.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Relation::Less => "<",
            Relation::AtMost => "<=",
            Relation::Greater => ">",
            Relation::AtLeast => ">=",
            Relation::About => "~",
        }
    }
}

/// What a quantity is held against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// A number, in base units: ns for a duration.
    Value(f64),
    /// `factor` times another quantity.
    Times {
        /// The factor.
        factor: f64,
        /// The other quantity.
        other: Quantity,
    },
}

/// How far apart two quantities that are about the same may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tolerance {
    /// A fraction of the right side.
    Relative(f64),
    /// So much, in base units.
    Absolute(f64),
}

/// A statement that several expectations together put to the test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Short name, by which expectations say that they belong to it.
    pub name: String,
    /// A heading for its figures; `None`: the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The statement, in words.
    pub says: String,
    /// What somebody else found, with where; shown beside what was measured.
    pub source: Option<String>,
    /// What a reader must know of how it was tested.
    pub note: Option<String>,
    /// What its figures show, one each.
    #[serde(default = "values")]
    pub figures: Vec<Shown>,
}

/// What a claim shows that asks for nothing else.
#[must_use]
pub fn values() -> Vec<Shown> {
    vec![Shown::Values]
}

/// What a figure of a claim shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// The quantities of its expectations that are of one kind with the first.
    Values,
    /// The curves of the probe that its first expectation is of.
    Curves,
    /// The ratios of its expectations between two quantities, with those that the source gives.
    Ratios,
    /// Its clients by how soon they notice and what processor time that takes.
    Trade,
}

impl Expectation {
    /// Every client and probe that it speaks of.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.quantities().flat_map(|quantity| [Some(quantity.of.as_str()), quantity.over.as_deref()]).flatten()
    }

    /// The quantities on its two sides.
    pub fn quantities(&self) -> impl Iterator<Item = &Quantity> {
        let other = match &self.right {
            Bound::Times { other, .. } => Some(other),
            Bound::Value(_) => None,
        };
        std::iter::once(&self.left).chain(other)
    }
}
