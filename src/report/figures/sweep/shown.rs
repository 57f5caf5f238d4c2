//! The quantities that a sweep's figures show.

use super::super::super::number::{self, Kind};
use super::super::super::palette::Identity;
use super::super::super::scale::{Scale, Spacing, Unit};
use super::Ids;
use crate::report::sweep::{Part, Quantity, Survey};
use crate::scenario::metric::Metric;
use crate::stats::Estimate;

/// A quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Processor time of a poller over that of the callback in the same cell.
    Ratio,
    /// Processor time of client and IOC.
    Cpu,
    /// Median notice latency.
    Notice,
    /// Missed changes.
    Missed,
    /// Requests that bring nothing new.
    Redundant,
}

pub(super) const ALL: [Shown; 5] = [Shown::Ratio, Shown::Cpu, Shown::Notice, Shown::Missed, Shown::Redundant];

impl Shown {
    pub(super) fn ids(self) -> &'static Ids {
        match self {
            Shown::Ratio => {
                &["sweep_ratio", "sweep_ratio_2", "sweep_ratio_3", "sweep_ratio_4", "sweep_ratio_5", "sweep_ratio_6"]
            }
            Shown::Cpu => &["sweep_cpu", "sweep_cpu_2", "sweep_cpu_3", "sweep_cpu_4", "sweep_cpu_5", "sweep_cpu_6"],
            Shown::Notice => &[
                "sweep_notice",
                "sweep_notice_2",
                "sweep_notice_3",
                "sweep_notice_4",
                "sweep_notice_5",
                "sweep_notice_6",
            ],
            Shown::Missed => &[
                "sweep_missed",
                "sweep_missed_2",
                "sweep_missed_3",
                "sweep_missed_4",
                "sweep_missed_5",
                "sweep_missed_6",
            ],
            Shown::Redundant => &[
                "sweep_redundant",
                "sweep_redundant_2",
                "sweep_redundant_3",
                "sweep_redundant_4",
                "sweep_redundant_5",
                "sweep_redundant_6",
            ],
        }
    }

    pub(super) fn question(self) -> &'static str {
        match self {
            Shown::Ratio => "When is a callback cheaper than polling?",
            Shown::Cpu => "What does it cost in processor time?",
            Shown::Notice => "How long until half of the changes are known?",
            Shown::Missed => "Which part of the changes is missed?",
            Shown::Redundant => "Which part of the requests brings nothing new?",
        }
    }

    /// As a caption has it, of this client.
    pub(super) fn words(self, client: &str) -> String {
        match self {
            Shown::Ratio => format!("Processor time of {client} and its IOC over that of the callback and its IOC"),
            Shown::Cpu => format!("Processor time of {client} and its IOC together, in % of one core"),
            Shown::Notice => format!("Median notice latency of {client}"),
            Shown::Missed => format!("Changes that {client} missed, in % of all"),
            Shown::Redundant => format!("Requests of {client} that brought nothing new, in % of all"),
        }
    }

    /// An axis of it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Shown::Ratio => "Processor time, poller / callback",
            Shown::Cpu => "Processor time of client and IOC (% of one core",
            Shown::Notice => "Median notice latency (seconds",
            Shown::Missed => "Missed changes (%",
            Shown::Redundant => "Redundant requests (%",
        }
    }

    /// Why a cell may have none.
    pub(super) fn why_not(self) -> &'static str {
        match self {
            Shown::Ratio | Shown::Cpu => "processor time was not to be had",
            Shown::Notice => "too few changes for a median, which needs ten on either side",
            Shown::Missed => "no change fell into the window",
            Shown::Redundant => "no request was made",
        }
    }

    pub(super) fn unit(self) -> Unit {
        match self {
            Shown::Ratio => Unit::Count,
            Shown::Cpu => Unit::Percent,
            Shown::Notice => Unit::Nanoseconds,
            Shown::Missed | Shown::Redundant => Unit::Fraction,
        }
    }

    /// The colour of its cells; of a ratio that of the callback's side.
    pub(super) fn tint(self) -> Identity {
        Identity(match self {
            Shown::Ratio => 0,
            Shown::Cpu => 4,
            Shown::Notice => 3,
            Shown::Missed => 1,
            Shown::Redundant => 2,
        })
    }

    /// The value of a client in a cell.
    pub(super) fn value(self, survey: &Survey, cell: usize, client: &str) -> Option<Estimate> {
        let found = survey.client(cell, client)?;
        match self {
            Shown::Ratio => {
                let point = survey.ratio(cell, client, Quantity::Cpu, Part::Whole)?;
                Some(Estimate { point, interval: None, n: found.repeats })
            }
            Shown::Cpu => survey.estimate(cell, client, Metric::named(Quantity::Cpu.metric())?),
            Shown::Notice => found.notice.p50_ns,
            Shown::Missed => found.missed_fraction,
            Shown::Redundant => found.redundant_fraction,
        }
    }

    /// What is expected of it, where something is.
    pub(super) fn expected(self, survey: &Survey, cell: usize, client: &str) -> Option<f64> {
        match self {
            Shown::Cpu => survey.taken(cell, client, Quantity::Cpu, Part::Foreseen),
            Shown::Missed => survey.client(cell, client)?.expected.missed_fraction,
            Shown::Redundant => survey.client(cell, client)?.expected.redundant_fraction,
            Shown::Ratio | Shown::Notice => None,
        }
    }

    /// In a cell of a heat map: as short as may be.
    pub(super) fn short(self, value: f64) -> String {
        match self {
            Shown::Notice => number::short(Kind::Time, value),
            Shown::Ratio | Shown::Cpu => number::short(Kind::Number, value),
            Shown::Missed | Shown::Redundant => percent(value * 100.0),
        }
    }

    /// The whole range of it, where it has one.
    pub(super) fn whole(self) -> Option<Scale> {
        let fraction = matches!(self, Shown::Missed | Shown::Redundant);
        fraction.then_some(Scale { spacing: Spacing::Linear, low: 0.0, high: 1.0 })
    }
}

/// A part in percent: all and nothing only where it is.
fn percent(value: f64) -> String {
    match value {
        v if v == 0.0 || v == 100.0 => format!("{v:.0}"),
        v if v < 0.1 => "<0.1".to_owned(),
        v if v > 99.9 => ">99.9".to_owned(),
        v if (9.95..=99.0).contains(&v) => format!("{v:.0}"),
        v => format!("{v:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_not_rounded_to_all_or_nothing() {
        let cases = [
            (0.0, "0"),
            (1.0, "100"),
            (0.000_3, "<0.1"),
            (0.999_7, ">99.9"),
            (0.992, "99.2"),
            (0.42, "42"),
            (0.051, "5.1"),
        ];
        for (value, words) in cases {
            assert_eq!(Shown::Missed.short(value), words);
        }
        assert_eq!(Shown::Ratio.short(0.0563), "0.056");
        assert_eq!(Shown::Ratio.short(103.4), "103");
        assert_eq!(Shown::Notice.short(1_534_000.0), "1.5 ms");
    }
}
