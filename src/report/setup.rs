//! What was run on what.

use super::document::SimulationNote;
use crate::scenario::model::{Change, Phase, PvGroup, Scenario};
use crate::time::Span;
use crate::trace::Interpreter;
use crate::trace::host::Host;

/// Names and values, in the order of the report.
pub(super) fn rows(scenario: &Scenario, host: &Host, simulated: Option<&SimulationNote>) -> Vec<(String, String)> {
    let mut rows = vec![("Scenario".to_owned(), format!("{}: {}", scenario.name, scenario.about.trim()))];
    for (index, group) in scenario.groups.iter().enumerate() {
        let members = scenario.pvs.iter().filter(|pv| pv.group == index).count();
        rows.push(("PVs".to_owned(), group_words(group, members)));
    }
    rows.push(("Clients".to_owned(), clients(scenario)));
    rows.push(("Repeats".to_owned(), scenario.repeats.to_string()));
    rows.push(("Measuring window".to_owned(), window(scenario)));
    if let Some(restart) = scenario.restart {
        let words = format!("{} after the window opens, away for {}", restart.at, restart.down);
        rows.push(("Restart of the IOC".to_owned(), words));
    }
    rows.push(("Seed".to_owned(), scenario.seed.to_string()));
    if let Some(entries) = scenario.event_queue {
        rows.push(("Event queue".to_owned(), format!("{entries} entries, where EPICS base has 144")));
    }
    if let Some(spin) = scenario.spin {
        rows.push((
            "Emitter".to_owned(),
            format!("spins for the last {spin} before each change, in the IOC's processor time"),
        ));
    }
    if scenario.steady && simulated.is_none() {
        rows.push(("Processors".to_owned(), "IOC and clients share one, which is kept awake".to_owned()));
    }
    match simulated {
        Some(note) => {
            rows.push(("Link, modelled".to_owned(), note.link.clone()));
            rows.push(("Host, modelled".to_owned(), note.host.clone()));
        }
        None => rows.extend(host_rows(host)),
    }
    rows
}

fn group_words(group: &PvGroup, members: usize) -> String {
    let native = format!("{:?}", group.native).to_lowercase();
    let elements = if group.count > 1 { format!(" of {} elements", group.count) } else { String::new() };
    let spread = match group.phase {
        _ if members == 1 => "",
        Phase::Random => ", each at a random phase",
        Phase::Aligned => ", all at the same time",
        Phase::Staggered => ", one after the other",
    };
    format!("{members} × {} ({native}{elements}), {}{spread}", group.pattern, change_words(&group.change))
}

fn change_words(change: &Change) -> String {
    match change {
        Change::Still => "never changing".to_owned(),
        Change::Periodic { interval } => format!("changing every {interval}"),
        Change::Jittered { interval, jitter } => format!("changing every {interval} ±{} %", jitter * 100.0),
        Change::Poisson { interval } => format!("changing at random, every {interval} on average"),
        Change::Burst { interval, changes, spacing } => {
            format!("{changes} changes {spacing} apart every {interval}")
        }
        Change::Pulse { interval, width } => format!("a pulse of {width} every {interval}"),
        Change::Motor { interval, moving, resting } => {
            format!("changing every {interval} while moving for {moving}, then resting for {resting}")
        }
        Change::Ramp { from_hz, to_hz, length } => {
            format!("changing at a rate that goes from {from_hz} to {to_hz} Hz in {length}, again and again")
        }
        Change::Trace { file, length, .. } => format!("changing as in {file}, {length} long"),
    }
}

fn clients(scenario: &Scenario) -> String {
    let order = if scenario.concurrent {
        "side by side on one IOC"
    } else {
        "one at a time, in turn over the repeats, each with an IOC of its own"
    };
    format!("{}, {order}", scenario.clients.len())
}

fn window(scenario: &Scenario) -> String {
    let Scenario { window, min_periods, warmup, drain, .. } = scenario;
    format!(
        "at least {window} and {min_periods} poll periods, after {warmup} of warm-up; then {drain} or more to notice the last change"
    )
}

/// What is known of the machine, and why the rest is not.
/// What a machine is.
pub(super) fn host_rows(host: &Host) -> Vec<(String, String)> {
    let facts = [
        ("Processor", "cpu_model", host.cpu_model.clone()),
        ("Processor cores allowed", "cores", host.cores.map(|cores| cores.to_string())),
        ("Kernel", "kernel", host.kernel.clone()),
        ("Clock source", "clock_source", host.clock_source.clone()),
        ("Timer slack", "timer_slack_ns", host.timer_slack_ns.map(|ns| Span(ns).to_string())),
        ("Frequency governor", "governor", host.governor.clone()),
    ];
    let mut rows: Vec<(String, String)> = facts
        .into_iter()
        .map(|(name, field, value)| {
            let unknown = || match host.unavailable.get(field) {
                Some(why) => format!("not known: {why}"),
                None => "not known".to_owned(),
            };
            (name.to_owned(), value.unwrap_or_else(unknown))
        })
        .collect();
    if let Some((period, push)) = host.floor.as_ref().and_then(|floor| floor.push_p50(Span::from_millis(1))) {
        let slower = host.floor.as_ref().and_then(|floor| floor.push_p50(Span::from_millis(100)));
        let slower = slower.filter(|(at, _)| *at != period).map(|(at, p50)| format!(", {p50} every {at}"));
        let words = format!("{push} every {period}{}, in the median", slower.unwrap_or_default());
        rows.push(("Floor: one message to a waiting thread, raw TCP".to_owned(), words));
    }
    if !host.versions.is_empty() {
        let versions: Vec<String> = host.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        rows.push(("Versions".to_owned(), versions.join(", ")));
    }
    for interpreter in &host.interpreters {
        rows.push((format!("Python, asked for as {}", interpreter.asked), interpreter_words(interpreter)));
    }
    rows
}

/// What it is, what it has, and who ran on it.
fn interpreter_words(interpreter: &Interpreter) -> String {
    let packages = interpreter.packages_listed();
    let packages = if packages.is_empty() { packages } else { format!("; {packages}") };
    format!("{}{packages}; ran {}", interpreter.described(), interpreter.used_by.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic::Wish;

    #[test]
    fn what_is_not_known_says_why() {
        let mut host = Host { cores: Some(2), ..Host::default() };
        host.unavailable.insert("governor".into(), "no cpufreq in this kernel".into());
        let rows = rows(&Wish::default().scenario(), &host, None);
        let value = |name: &str| rows.iter().find(|row| row.0 == name).map(|row| row.1.as_str());
        assert_eq!(value("Processor cores allowed"), Some("2"));
        assert_eq!(value("Frequency governor"), Some("not known: no cpufreq in this kernel"));
        assert_eq!(value("Kernel"), Some("not known"));
        let pvs = "100 × TEST:CALC{00..99} (double), changing every 100 ms, each at a random phase";
        assert_eq!(value("PVs"), Some(pvs));
    }
}
