//! What the checks can find, in words, each with what to do about it.

use super::Warning;
use crate::time::Span;
use crate::trace::audit::Audit;

/// Something that the reader must know before believing the numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// The client has no segment at all.
    NothingMeasured,
    /// It has fewer segments than repeats were asked for.
    RepeatsMissing {
        /// Measured.
        measured: u32,
        /// Asked for.
        asked: u32,
    },
    /// No PV that it looks at changed in its windows.
    NoChanges,
    /// A periodic poll and a periodic change whose phase stands still.
    Beat {
        /// Change rate times period.
        lambda_t: f64,
        /// The ratio that it is close to, such as `1/3`.
        near: String,
    },
    /// Others used the processor in the window.
    OthersBusy {
        /// Of one core, in percent, in the worst window.
        percent: f64,
    },
    /// The hypervisor gave time to others.
    Stolen {
        /// Of one core, in percent, in the worst window.
        percent: f64,
    },
    /// The client and the IOC counted differently.
    CountsDiffer {
        /// What was counted.
        what: &'static str,
        /// From 0.
        repeat: u32,
        /// By the client.
        client: u64,
        /// By the IOC.
        ioc: u64,
    },
    /// Observations that cannot be.
    Impossible(Audit),
    /// Changes that were never noticed.
    Unnoticed {
        /// How many.
        unnoticed: u64,
        /// Of how many.
        changes: u64,
    },
    /// The client lost its circuits.
    Lost {
        /// How often.
        times: usize,
        /// How long it was away in all, as far as it came back.
        away: Span,
        /// How often it did not come back before its time was over.
        for_good: usize,
        /// The last reason.
        why: String,
    },
    /// The IOC was restarted, as the scenario asks.
    Restarted {
        /// How long it was away, the longest of all repeats.
        away: Span,
        /// From its return to the client's first news: the shortest and the longest of all repeats that had news again.
        recovery: Option<(Span, Span)>,
    },
    /// Latencies below zero.
    Negative {
        /// How many.
        count: u64,
    },
    /// The first value came after the window had opened.
    LateFirst {
        /// Changes left out for it.
        changes: u64,
    },
    /// Numbers that a narrow type could not tell.
    Ambiguous {
        /// How many.
        count: u64,
    },
    /// The recording was full.
    Overflowed {
        /// Observations lost.
        count: u64,
    },
    /// The window holds too few polls.
    FewPeriods {
        /// Periods in a window.
        periods: f64,
        /// Wanted.
        wanted: u32,
    },
    /// The IOC posted late.
    LatePosting {
        /// The lateness in ns that one in a hundred exceeds (or half, where there are few changes).
        late_ns: f64,
        /// Mean time between changes of a PV in ns.
        interval_ns: f64,
    },
    /// All clients ran at once.
    SideBySide,
}

impl Finding {
    /// As a warning on a client, or on the whole run.
    #[must_use]
    pub fn warning(&self, client: Option<&str>) -> Warning {
        Warning { client: client.map(str::to_owned), what: self.what(), advice: self.advice().to_owned() }
    }

    /// What was seen.
    #[must_use]
    pub fn what(&self) -> String {
        let span = |ns: &f64| Span(ns.max(0.0).round() as u64);
        match self {
            Finding::NothingMeasured => "it was not measured in any repeat and is left out".to_owned(),
            Finding::RepeatsMissing { measured, asked } => format!("measured in {measured} of {asked} repeats"),
            Finding::NoChanges => "none of its PVs changed in its windows".to_owned(),
            Finding::Beat { lambda_t, near } => format!(
                "changes and polls go in step: change rate times period is {lambda_t:.3}, within 2 % of {near}, and too few \
                 phases are drawn to average over"
            ),
            Finding::OthersBusy { percent } => {
                format!("other processes used {percent:.0} % of a core during its window")
            }
            Finding::Stolen { percent } => {
                format!("the hypervisor gave {percent:.1} % of a core to others in its window")
            }
            Finding::CountsDiffer { what, repeat, client, ioc } => {
                format!("in repeat {} the client counted {client} {what}, the IOC {ioc}", repeat + 1)
            }
            Finding::Impossible(audit) => impossible(audit),
            Finding::Unnoticed { unnoticed, changes } => {
                format!("{unnoticed} of {changes} changes were still not noticed when the drain was over")
            }
            Finding::Lost { times, away, for_good, why } => {
                let often = |times: usize| if times == 1 { "once".to_owned() } else { format!("{times} times") };
                let back = match times - for_good {
                    0 => "did not come back before its time was over".to_owned(),
                    _ if *for_good == 0 => format!("was away for {away} in all"),
                    _ => format!("was away for {away} in all, and {} until its time was over", often(*for_good)),
                };
                format!("it lost its IOC {} and {back}; at last because {why}", often(*times))
            }
            Finding::Restarted { away, recovery } => {
                let news = match recovery {
                    Some((least, most)) if least == most => format!("the client had news {least} after its return"),
                    Some((least, most)) => format!("the client had news {least} to {most} after its return"),
                    None => "the client had no news after its return".to_owned(),
                };
                format!("the IOC was restarted in its window and away for {away}, as the scenario asks; {news}")
            }
            Finding::Negative { count } => format!("{count} changes were noticed before they were posted"),
            Finding::LateFirst { changes } => {
                format!("its first values came after the window had opened; {changes} changes before them are left out")
            }
            Finding::Ambiguous { count } => format!("{count} values did not tell which change they are"),
            Finding::Overflowed { count } => format!("{count} observations did not fit the recording"),
            Finding::FewPeriods { periods, wanted } => {
                format!("its window holds {periods:.1} poll periods where {wanted} were wanted")
            }
            Finding::LatePosting { late_ns, interval_ns } => {
                format!("the IOC posted late, by {} where a PV changes every {}", span(late_ns), span(interval_ns))
            }
            Finding::SideBySide => "all clients ran at once on one IOC".to_owned(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Finding::NothingMeasured | Finding::RepeatsMissing { .. } => {
                "see the failures of the run; the numbers of the others stand"
            }
            Finding::NoChanges => "measure longer, or let its PVs change more often",
            Finding::Beat { .. } => {
                "choose a period that is not a simple multiple or fraction of the change interval, jitter it, or take more \
                 repeats: each draws a phase anew"
            }
            Finding::OthersBusy { .. } | Finding::Stolen { .. } => {
                "end other programs and run again: latencies and their tails are too large by an unknown amount"
            }
            Finding::CountsDiffer { .. } => "do not trust this client's numbers; report it as an error of the program",
            Finding::Impossible(_) => {
                "check the client: it must report the seq that it read, and times of CLOCK_MONOTONIC"
            }
            Finding::Unnoticed { .. } => {
                "percentiles count them as the longest, means leave them out: a longer drain shows whether they are late or lost"
            }
            Finding::Lost { .. } => {
                "its latencies hold the time that it was away; what was on the way then was asked or sent twice"
            }
            Finding::Restarted { .. } => {
                "changes from shortly before the outage are charged with it: read the percentiles of notice latency with that in mind"
            }
            Finding::Negative { .. } => "the clocks or the client's stamps are wrong; nothing was clamped",
            Finding::LateFirst { .. } => {
                "let the client say that it is ready only when it has a first value of every PV"
            }
            Finding::Ambiguous { .. } => {
                "use a wider type, such as double, or poll more often than its numbers come round"
            }
            Finding::Overflowed { .. } => "measure for a shorter time, or record only news",
            Finding::FewPeriods { .. } => "measure longer: one period more or less changes the result",
            Finding::LatePosting { .. } => {
                "the machine is too busy for this rate: latency counts from the posting, intended latency holds the rest"
            }
            Finding::SideBySide => "the IOC's processor time is that of all clients together and cannot be told apart",
        }
    }
}

fn impossible(audit: &Audit) -> String {
    let parts = [
        (audit.never_posted, "of a change that was never posted"),
        (audit.before_posted, "received before the change was posted"),
        (audit.before_asked, "received before they were asked for"),
        (audit.other_pv, "of a PV that it does not look at"),
    ];
    let parts: Vec<_> = parts.iter().filter(|p| p.0 > 0).map(|(count, what)| format!("{count} {what}")).collect();
    format!("observations that cannot be: {}", parts.join(", "))
}
