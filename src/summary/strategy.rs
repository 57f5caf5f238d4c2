//! What a client does, in words.

use crate::scenario::library::LibraryClient;
use crate::scenario::model::{ClientSpec, Fetch, Pacing, Program};
use crate::time::Span;

/// The fetch as scenarios write it.
#[must_use]
pub fn fetch_word(fetch: Fetch) -> &'static str {
    match fetch {
        Fetch::Serial => "serial",
        Fetch::Batch => "batch",
        Fetch::Connect => "connect",
        Fetch::Cached => "cached",
        Fetch::Monitor => "monitor",
    }
}

/// The kind of pacing as scenarios write it.
#[must_use]
pub fn pacing_word(pacing: &Pacing) -> &'static str {
    match pacing {
        Pacing::FixedDelay { .. } => "fixed-delay",
        Pacing::FixedRate { .. } => "fixed-rate",
        Pacing::Jittered { .. } => "jittered",
        Pacing::Backoff { .. } => "backoff",
        Pacing::Spin => "spin",
        Pacing::Hybrid { .. } => "hybrid",
    }
}

/// Fetch and pacing, such as `batch, fixed-delay 10 ms`.
#[must_use]
pub fn strategy(client: &ClientSpec) -> String {
    let many = if client.copies > 1 { format!("{} × ", client.copies) } else { String::new() };
    let mut text = many + fetch_word(client.fetch);
    if let Some(pacing) = &client.pacing {
        text += &format!(", {}", pacing_word(pacing));
        text += &match pacing {
            Pacing::FixedDelay { period } | Pacing::FixedRate { period } => format!(" {period}"),
            Pacing::Jittered { period, jitter } => format!(" {period} ±{} %", jitter * 100.0),
            Pacing::Backoff { first, last } => format!(" {first} to {last}"),
            Pacing::Hybrid { sleep } => format!(" {sleep}"),
            Pacing::Spin => String::new(),
        };
    }
    if client.service_time > Span::ZERO {
        text += &format!(", {} of work for each value", client.service_time);
    }
    match &client.program {
        Program::Native => {}
        Program::External(_) => text += ", external",
        Program::Library(library) => text += &of_library(library),
    }
    if client.hog_processes > 0 {
        text += &format!(", beside {}", counted(client.hog_processes, "CPU-bound process", "es"));
    }
    text
}

fn of_library(library: &LibraryClient) -> String {
    let mut text = format!(", {}", library.client);
    if let Some(python) = &library.python {
        text += &format!(" on {python}");
    }
    if let Some(groups) = library.groups {
        text += &format!(", {}", counted(groups, "group", "s"));
    }
    if library.hog > 0 {
        text += &format!(", {} in it", counted(library.hog, "CPU-bound thread", "s"));
    }
    if let Some(interval) = library.switch_interval {
        text += &format!(", switch interval {interval}");
    }
    if library.yield_after_callback {
        text += ", yielding after each callback";
    }
    text
}

fn counted(count: u32, noun: &str, plural: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { plural })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::DbrChoice;

    #[test]
    fn reads_as_people_say_it() {
        let ms = Span::from_millis;
        let client = |fetch, pacing| ClientSpec {
            name: "a".into(),
            program: Program::Native,
            fetch,
            pacing,
            pvs: Vec::new(),
            dbr: DbrChoice::Time,
            service_time: Span::ZERO,
            copies: 1,
            hog_processes: 0,
        };
        let cases = [
            (client(Fetch::Monitor, None), "monitor"),
            (client(Fetch::Batch, Some(Pacing::FixedDelay { period: ms(10) })), "batch, fixed-delay 10 ms"),
            (client(Fetch::Serial, Some(Pacing::Spin)), "serial, spin"),
            (client(Fetch::Cached, Some(Pacing::FixedRate { period: ms(1) })), "cached, fixed-rate 1 ms"),
            (client(Fetch::Batch, Some(Pacing::Jittered { period: ms(9), jitter: 0.2 })), "batch, jittered 9 ms ±20 %"),
            (
                client(Fetch::Connect, Some(Pacing::Backoff { first: ms(10), last: ms(100) })),
                "connect, backoff 10 ms to 100 ms",
            ),
            (client(Fetch::Batch, Some(Pacing::Hybrid { sleep: ms(50) })), "batch, hybrid 50 ms"),
            (
                ClientSpec { service_time: ms(5), ..client(Fetch::Monitor, None) },
                "monitor, 5 ms of work for each value",
            ),
            (ClientSpec { copies: 100, ..client(Fetch::Monitor, None) }, "100 × monitor"),
            (ClientSpec { program: Program::External(vec![]), ..client(Fetch::Monitor, None) }, "monitor, external"),
        ];
        for (client, text) in cases {
            assert_eq!(strategy(&client), text);
        }
    }
}
