//! What the report says, before it is HTML or Markdown: both are written from the same content.

use super::document::SimulationNote;
use super::doubts::Doubts;
use super::excerpt::Excerpt;
use super::figure::{Figure, Omitted};
use super::grids::{self, Grid};
use super::{figures, prose, setup, verdicts};
use crate::expect;
use crate::scenario::model::Scenario;
use crate::summary::{Summary, Warning};
use crate::trace::{Failure, Host};

/// Everything that a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// What the run came to.
    pub summary: &'a Summary,
    /// What was run.
    pub scenario: &'a Scenario,
    /// What figures need of its facts; `None`: they were not kept.
    pub excerpt: Option<&'a Excerpt>,
    /// On what.
    pub host: &'a Host,
    /// When it was run, as a reader should see it, such as `2026-03-01 14:05 UTC`.
    pub when: &'a str,
    /// What stood for link and host, when it was simulated; `None`: it was measured live.
    pub simulated: Option<&'a SimulationNote>,
    /// The command that repeats it.
    pub command: &'a str,
    /// What was to be measured and could not be, as far as no warning says it already.
    pub failures: &'a [Failure],
}

/// The finished content.
#[derive(Clone, Debug)]
pub struct Content {
    /// Heading.
    pub title: String,
    /// Scenario, kind of run and date in one line.
    pub subtitle: String,
    /// Names of the clients, by the place of their colour.
    pub clients: Vec<String>,
    /// For a reader who knows neither statistics nor EPICS; a paragraph each.
    pub plain: Vec<String>,
    /// What was run on what: name and value.
    pub setup: Vec<(String, String)>,
    /// The numbers.
    pub results: Vec<Grid>,
    /// Claims and expectations with their verdicts, and what probes measured, each with a name for its files; empty where nothing was
    /// expected and nothing probed.
    pub verdicts: Vec<(&'static str, Grid)>,
    /// What to know of how claims were tested: the claim and the remark.
    pub claim_notes: Vec<(String, String)>,
    /// What was measured beside what was expected.
    pub expected: Grid,
    /// How the numbers were had: `measured` or `simulated`.
    pub got: &'static str,
    /// In the order of the report.
    pub figures: Vec<Figure>,
    /// Figures without data.
    pub omitted: Vec<Omitted>,
    /// What to know before believing the numbers.
    pub warnings: Vec<Warning>,
    /// What could not be measured.
    pub failures: Vec<String>,
    /// The command that repeats the run.
    pub command: String,
    /// What the run cannot tell.
    pub limits: &'static str,
}

impl Content {
    /// Puts a report together.
    #[must_use]
    pub fn new(input: &ReportInput<'_>) -> Content {
        let judged = expect::judge(input.scenario, input.summary);
        let how = if input.simulated.is_some() { "simulated" } else { "live" };
        let got = if input.simulated.is_some() { "simulated" } else { "measured" };
        let doubts = Doubts::new(input.summary, input.scenario, input.host);
        let (mut figures, mut omitted) = figures::all(input.summary, input.scenario);
        if let Some(excerpt) = input.excerpt {
            let (of_facts, not) = figures::of_facts(input.summary, excerpt);
            // What happened comes before how often.
            figures.splice(0..0, of_facts);
            omitted.extend(not);
        } else {
            omitted.extend(figures::without_facts(if input.simulated.is_some() { NOT_KEPT } else { NO_EXCERPT }));
        }
        figures.iter_mut().for_each(|figure| doubts.mark_figure(figure));
        let (of_claims, not) = figures::parted(figures::of_claims(input.scenario, input.summary, &judged));
        figures.splice(0..0, of_claims);
        omitted.extend(not);
        if input.simulated.is_some() {
            figures = figures.into_iter().map(|figure| figure.marked("simulated")).collect();
        }
        let mut plain = prose::plain(input.summary, input.scenario);
        plain.splice(0..0, verdicts::told(&judged));
        let (mut learned, mut cost) = (grids::learned(input.summary), grids::cost(input.summary));
        doubts.mark_table(&mut learned, &grids::LEARNED_LATENCIES);
        doubts.mark_table(&mut cost, &[]);
        Content {
            title: input.scenario.title.clone(),
            subtitle: format!("Scenario {}, {how}, {}", input.scenario.name, input.when),
            clients: input.summary.clients.iter().map(|client| client.name.clone()).collect(),
            plain,
            setup: setup::rows(input.scenario, input.host, input.simulated),
            results: vec![learned, cost],
            verdicts: verdicts::grids(&judged).into_iter().chain(verdicts::probes(input.summary)).collect(),
            claim_notes: judged.claims.iter().filter_map(|c| Some((c.name.clone(), c.note.clone()?))).collect(),
            expected: grids::expected(input.summary, got),
            got,
            figures,
            omitted,
            warnings: input.summary.warnings.clone(),
            failures: input.failures.iter().map(failure_words).collect(),
            command: input.command.to_owned(),
            limits: if input.simulated.is_some() { SIMULATED_LIMITS } else { LIMITS },
        }
    }

    /// What the part with the expected values is called.
    #[must_use]
    pub fn expected_heading(&self) -> &'static str {
        if self.got == "measured" { "Measured and expected" } else { "Simulated and expected" }
    }

    /// Whether it is about claims: they come first then.
    #[must_use]
    pub fn has_claims(&self) -> bool {
        self.verdicts.iter().any(|(name, _)| *name == verdicts::CLAIMS)
    }

    /// Figures that have no data, each with the reason, as a terminal has them.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        self.omitted.iter().map(Omitted::line).collect()
    }
}

/// Why a simulated run lacks the figures that need facts.
const NOT_KEPT: &str = "the facts of the simulation were not kept; `pollcost simulate` keeps them with --facts news";
/// Why a live run may lack them.
const NO_EXCERPT: &str =
    "its data come from the recorded facts, and the run folder has no excerpt of them (excerpt.json)";

fn failure_words(failure: &Failure) -> String {
    format!("{}, repeat {}: {}", failure.client.as_deref().unwrap_or("the IOC"), failure.repeat + 1, failure.why)
}

/// How the numbers of the tables are to be read.
pub const READING: &str = "Below or after each number stands its 95 % interval over repeats, in brackets; numbers are rounded to it. \
     A dash stands for what does not exist for this client, was not measured, or rests on too few samples: a percentile needs ten \
     samples beyond it.";

/// What a residual is, for numbers that were had like this.
#[must_use]
pub fn residuals(got: &str) -> String {
    format!(
        "Expected values follow from the achieved poll periods and the rate of changes alone. The residual, {got} less expected, is \
         what the machine, the runtime and chance add."
    )
}

/// What a live run cannot tell.
pub(super) const LIMITS: &str = "All processes ran on one machine and spoke over its own loopback. How the strategies compare carries over to \
     other places; the latencies themselves do not, since a real network adds its own to every one of them.";

/// What a simulation cannot tell.
pub(super) const SIMULATED_LIMITS: &str = "Nothing of this was measured: the program's own IOC and clients went in virtual time, over a link and on a \
     host that are models. What follows from periods, phases, queues and buffers is as exact as they are; processor time and wake-ups \
     are no better than the costs that were assumed for each operation. Hold a simulation against a live run before \
     relying on it.";

/// Terms and what they mean, in the order in which a reader meets them.
pub const GLOSSARY: &[(&str, &str)] = &[
    (
        "PV",
        "Process variable: one named value that an EPICS server offers, such as a temperature or a motor's position.",
    ),
    (
        "IOC",
        "Input/output controller: the server that holds the PVs. Here it is a simulated one that changes them on schedule.",
    ),
    ("Channel Access", "The network protocol by which EPICS clients and servers talk."),
    ("Get", "A client asks for the value of a PV and waits for the reply: one request."),
    ("Polling", "Asking again and again, with gets, whether a value has changed."),
    ("Monitor, callback", "A client asks once to be told; the server then sends each change by itself."),
    (
        "Poll period",
        "From the start of one round of gets to the start of the next: the sleep that was asked for and the time that the gets take.",
    ),
    (
        "Notice latency",
        "From the moment a new value exists at the IOC to the moment the client has it, or a newer one. Every change counts, also one that was overwritten before anyone read it.",
    ),
    ("Missed", "A change whose own value never reached the client, because a newer one took its place first."),
    ("Redundant request", "A get whose reply is the value that the client already had."),
    ("Age of information", "How old the newest value is that the client holds, averaged over time."),
    (
        "Processor time",
        "Time that a process kept a processor core busy, over elapsed time: 100 % is one core all the time.",
    ),
    (
        "Mean, median, 99 %",
        "The average; the value that half of the changes stay below; the value that 99 of 100 stay below.",
    ),
    ("Repeat", "The client was measured again from a fresh start. Intervals tell how much repeats differ."),
    ("95 % interval", "Were the whole run done many times, about 95 of 100 such intervals would hold the true value."),
];

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::report::synthetic::{self, Wish};

    /// The content of a wished-for run.
    pub(crate) fn content(wish: &Wish) -> Content {
        made(wish, None)
    }

    fn made(wish: &Wish, simulated: Option<&SimulationNote>) -> Content {
        let (summary, scenario, host) = (wish.summary(), wish.scenario(), synthetic::host());
        let why = "the client died <signal 9>".to_owned();
        let failures = [Failure { client: Some("poll-1s".into()), repeat: 1, why }];
        let input = synthetic::input(&summary, &scenario, &host);
        Content::new(&ReportInput { simulated, failures: &failures, ..input })
    }

    #[test]
    fn what_was_simulated_says_so_wherever_a_figure_may_go() {
        let content = made(&Wish::default(), Some(&SimulationNote::default()));
        for figure in &content.figures {
            assert!(figure.keys.iter().any(|key| key.text.starts_with("simulated")), "{}: legend", figure.id);
            assert!(figure.keys.iter().all(|key| !key.text.contains("measured")), "{}: legend", figure.id);
            for text in [&figure.caption, &figure.alt] {
                assert!(text.starts_with("Simulated, not measured. "), "{}: {text}", figure.id);
            }
        }
        assert_eq!(content.expected.head[2], "Simulated");
        assert!(content.left_out().iter().all(|line| line.contains("--facts news")));
    }

    #[test]
    fn it_holds_everything_that_was_found() {
        let content = content(&Wish::default());
        assert_eq!(content.figures.len(), 11);
        assert_eq!(content.results.len(), 2);
        // Those that need facts, of which none were kept.
        let omitted: Vec<&str> = content.omitted.iter().map(|o| o.id).collect();
        assert_eq!(omitted, ["timeline", "age_saw", "latency_heat", "burst_place"]);
        assert!(content.left_out().iter().all(|line| line.contains("excerpt.json")));
        assert_eq!(content.warnings.len(), 1);
        assert_eq!(content.plain.len(), 3);
        assert_eq!(
            content.plain[1],
            crate::report::sentence::sentence(&Wish::default().scenario(), &Wish::default().summary())
        );
    }
}
