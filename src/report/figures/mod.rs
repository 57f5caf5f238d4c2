//! The figures of a run: one question, one figure, one file.

mod age_saw;
mod burst_place;
mod choice;
mod claims;
mod copies_load;
mod cpu_period;
mod expected;
mod fraction_period;
mod history;
mod latency_cpu;
mod latency_heat;
mod latency_period;
mod notice_ecdf;
mod notice_tail;
mod overview;
mod period;
mod price;
mod raincloud;
mod rate_period;
mod server_load;
mod sweep;
mod timeline;

pub use age_saw::age_saw;
pub use burst_place::burst_place;
pub use choice::{Chosen, choose};
pub use claims::of_claims;
pub use copies_load::copies_load;
pub use cpu_period::cpu_period;
pub use fraction_period::{missed_period, redundant_period};
pub use history::history;
pub use latency_cpu::latency_cpu;
pub use latency_heat::latency_heat;
pub use latency_period::latency_period;
pub use notice_ecdf::notice_ecdf;
pub use notice_tail::notice_tail;
pub use overview::overview;
pub use price::price;
pub use raincloud::raincloud;
pub use rate_period::{bytes_period, requests_period};
pub use server_load::server_load;
pub use sweep::of_sweep;
pub use timeline::timeline;

use super::excerpt::Excerpt;
use super::figure::{Figure, Key, Look, Omitted, Sample, Symbol};
use super::number;
use super::palette::Identity;
use crate::scenario::model::Scenario;
use crate::summary::{ClientSummary, Summary};

/// The figures that the numbers of a run allow, in the order of the report, and those that they do not, with the reason.
#[must_use]
pub fn all(summary: &Summary, scenario: &Scenario) -> (Vec<Figure>, Vec<Omitted>) {
    let of_copies = summary.clients.iter().any(|client| client.copies > 1).then(|| copies_load(summary));
    let always = [
        notice_ecdf(summary),
        notice_tail(summary),
        raincloud(summary),
        latency_period(summary),
        redundant_period(summary, scenario),
        missed_period(summary, scenario),
        cpu_period(summary),
        requests_period(summary),
        bytes_period(summary),
        latency_cpu(summary),
        price(summary),
    ];
    parted(always.into_iter().chain(of_copies))
}

/// The figures that need facts, likewise.
#[must_use]
pub fn of_facts(summary: &Summary, excerpt: &Excerpt) -> (Vec<Figure>, Vec<Omitted>) {
    parted([
        timeline(summary, excerpt),
        age_saw(summary, excerpt),
        latency_heat(summary, excerpt),
        burst_place(summary, excerpt),
    ])
}

/// The figures that need facts, where these were not kept and why.
#[must_use]
pub fn without_facts(reason: &str) -> Vec<Omitted> {
    let omitted =
        |(id, title): (&'static str, &str)| Omitted { id, title: title.to_owned(), reason: reason.to_owned() };
    [timeline::NAME, age_saw::NAME, latency_heat::NAME, burst_place::NAME].map(omitted).to_vec()
}

pub(super) fn parted(tried: impl IntoIterator<Item = Result<Figure, Omitted>>) -> (Vec<Figure>, Vec<Omitted>) {
    let mut figures = Vec::new();
    let mut omitted = Vec::new();
    for result in tried {
        match result {
            Ok(figure) => figures.push(figure),
            Err(reason) => omitted.push(reason),
        }
    }
    (figures, omitted)
}

/// The clients, each with the look that it keeps in every figure.
fn looks(summary: &Summary) -> impl Iterator<Item = (Look, &ClientSummary)> {
    summary.clients.iter().enumerate().map(|(index, client)| (Look::Client(Identity(index)), client))
}

/// How much stands behind these clients.
fn sample<'a>(clients: impl IntoIterator<Item = &'a ClientSummary>) -> Sample {
    let (mut repeats, mut changes) = (u32::MAX, 0);
    for client in clients {
        repeats = repeats.min(client.repeats);
        changes += client.changes;
    }
    Sample { repeats: if repeats == u32::MAX { 0 } else { repeats }, changes }
}

/// How a caption ends: what the figure rests on, and what the bars are.
fn basis(n: Sample, bars: &str) -> String {
    let changes = number::count(n.changes);
    match n.repeats {
        0 => "Calculated; nothing was run.".to_owned(),
        1 => format!("n: 1 repeat of each client, {changes} changes; one repeat has no interval."),
        repeats => format!("n: {repeats} repeats of each client, {changes} changes. {bars}"),
    }
}

pub(super) fn key(text: impl Into<String>, look: Look, symbol: Symbol) -> Key {
    Key { text: text.into(), look, symbol }
}

/// Facts about single clients in one line: no more of them than a listener can bear.
fn told(facts: &[String]) -> String {
    const MOST: usize = 8;
    match facts.len().checked_sub(MOST) {
        Some(more) if more > 1 => format!("{}; and {more} more.", facts[..MOST].join("; ")),
        _ => format!("{}.", facts.join("; ")),
    }
}

/// Names as a sentence has them: `a, b and c`; from the sixth on only how many there are.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] if names.len() <= 5 => format!("{} and {last}", most.join(", ")),
        [first, second, third, ..] => format!("{first}, {second}, {third} and {} more", names.len() - 3),
        _ => names.join(" and "),
    }
}

#[cfg(test)]
mod tests;
