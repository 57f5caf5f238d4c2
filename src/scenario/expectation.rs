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
    /// The claim that it belongs to, by name.
    pub claim: Option<String>,
}

/// A metric of a client or a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// What of it.
    pub metric: Metric,
    /// Name of the client or probe.
    pub of: String,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.metric, self.of)
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
    /// The statement, in words.
    pub says: String,
    /// What somebody else found, with where; shown beside what was measured.
    pub source: Option<String>,
    /// What a reader must know of how it was tested.
    pub note: Option<String>,
    /// What its figure shows.
    #[serde(default)]
    pub figure: Shown,
}

/// What the figure of a claim shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// The quantities of its expectations that are of one kind with the first.
    #[default]
    Values,
    /// The curves of the probe that its first expectation is of.
    Curves,
}

impl Expectation {
    /// Every client and probe that it speaks of.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        let other = match &self.right {
            Bound::Times { other, .. } => Some(other.of.as_str()),
            Bound::Value(_) => None,
        };
        std::iter::once(self.left.of.as_str()).chain(other)
    }
}
