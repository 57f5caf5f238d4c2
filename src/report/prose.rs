//! The plain paragraphs: for a reader who knows neither statistics nor EPICS.

use super::number::{self, Kind};
use crate::scenario::model::{Fetch, Scenario};
use crate::summary::{ClientSummary, Summary};

/// What was done, what came out, and what it means.
pub(super) fn plain(summary: &Summary, scenario: &Scenario, sentence: &str) -> Vec<String> {
    let mut paragraphs = vec![question(scenario)];
    if !sentence.trim().is_empty() {
        paragraphs.push(sentence.trim().to_owned());
    }
    let findings: Vec<String> =
        [told(summary), asked_often(summary), asked_rarely(summary)].into_iter().flatten().collect();
    if !findings.is_empty() {
        paragraphs.push(findings.join(" "));
    }
    paragraphs
}

fn question(scenario: &Scenario) -> String {
    let values = scenario.pvs.len();
    let repeats = match scenario.repeats {
        1 => "Each way was measured once.".to_owned(),
        n => format!("Each way was measured {n} times, each time from a fresh start."),
    };
    format!(
        "A control system publishes values that keep changing: temperatures, positions, states. A program that needs them can ask \
         again and again whether there is something new (polling), or ask once to be told (a callback). This run let programs of \
         both kinds watch {} and took the time, for every single change, until the program knew of it, and the work that this made \
         for the computer at both ends. {repeats}",
        if values == 1 { "1 value".to_owned() } else { format!("{} values", number::count(values as u64)) }
    )
}

/// The mean notice latency in ns; `None` where nothing was noticed.
fn mean(client: &ClientSummary) -> Option<f64> {
    client.notice.mean_ns.map(|mean| mean.point)
}

fn by_latency<'a>(clients: impl Iterator<Item = &'a ClientSummary>) -> Vec<(&'a ClientSummary, f64)> {
    let mut timed: Vec<_> = clients.filter_map(|client| mean(client).map(|mean| (client, mean))).collect();
    timed.sort_by(|a, b| a.1.total_cmp(&b.1));
    timed
}

/// Processor time of both ends in words.
fn work(client: &ClientSummary) -> Option<String> {
    let both = client.cpu_client_percent?.point + client.cpu_ioc_percent?.point;
    Some(format!("{} of a processor core, client and server together", number::plain(Kind::Percent, both)))
}

fn told(summary: &Summary) -> Option<String> {
    let monitors = by_latency(summary.clients.iter().filter(|client| client.fetch == Fetch::Monitor));
    let (client, latency) = *monitors.first()?;
    let work = work(client).map(|work| format!(" It took {work}.")).unwrap_or_default();
    Some(format!(
        "The program that was told by callback ({}) knew of a change after {} on average.{work}",
        client.name,
        number::plain(Kind::Time, latency)
    ))
}

fn pollers(summary: &Summary) -> Vec<(&ClientSummary, f64)> {
    by_latency(summary.clients.iter().filter(|client| client.fetch != Fetch::Monitor))
}

fn asked_often(summary: &Summary) -> Option<String> {
    let (client, latency) = *pollers(summary).first()?;
    let mut costs: Vec<String> = work(client).map(|work| format!("took {work}")).into_iter().collect();
    if let Some(redundant) = client.redundant_fraction {
        costs.push(format!("{} of its requests brought nothing new", number::value(Kind::Fraction, &redundant)));
    }
    let costs = if costs.is_empty() { String::new() } else { format!(" It {}.", costs.join(", and ")) };
    Some(format!(
        "Of the programs that asked, the quickest ({}) knew after {} on average.{costs}",
        client.name,
        number::plain(Kind::Time, latency)
    ))
}

fn asked_rarely(summary: &Summary) -> Option<String> {
    let pollers = pollers(summary);
    let (client, latency) = *pollers.last().filter(|_| pollers.len() > 1)?;
    let missed = client
        .missed_fraction
        .filter(|missed| missed.point >= 0.0005)
        .map(|missed| format!(" and never saw {} of the changes", number::value(Kind::Fraction, &missed)))
        .unwrap_or_default();
    Some(format!("The slowest ({}) knew after {} on average{missed}.", client.name, number::plain(Kind::Time, latency)))
}
