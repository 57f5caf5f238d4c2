//! What must be the same for two runs to be comparable, and what differs.

use std::collections::BTreeMap;

use super::baseline::{Baseline, Digest};
use crate::scenario::model::{Change, ClientSpec, Program, PvGroup, Scenario};
use crate::summary::strategy::strategy;

/// The parts of a scenario that make its numbers: everything but its words, and how often it is repeated. The program of a client, and the
/// interpreter that it runs on, are left out, for they are what is compared.
#[must_use]
pub fn parts(scenario: &Scenario) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::from([
        ("seed".to_owned(), scenario.seed.to_string()),
        ("window".to_owned(), scenario.window.to_string()),
        ("min_periods".to_owned(), scenario.min_periods.to_string()),
        ("warmup".to_owned(), scenario.warmup.to_string()),
        ("drain".to_owned(), scenario.drain.to_string()),
        ("concurrent".to_owned(), scenario.concurrent.to_string()),
    ]);
    // Told only where they are not as usual: what was kept before there were such keys stays comparable.
    let unusual = [
        ("event_queue", scenario.event_queue.map(|entries| entries.to_string())),
        ("spin", scenario.spin.map(|spin| spin.to_string())),
        ("steady", scenario.steady.then(|| "yes".to_owned())),
        ("restart", scenario.restart.map(|restart| format!("after {} for {}", restart.at, restart.down))),
    ];
    parts.extend(unusual.into_iter().filter_map(|(part, says)| Some((part.to_owned(), says?))));
    for (index, group) in scenario.groups.iter().enumerate() {
        let pvs = scenario.pvs.iter().filter(|pv| pv.group == index).count();
        parts.insert(format!("pv {}", group.pattern), of_group(group, pvs));
    }
    for client in &scenario.clients {
        parts.insert(format!("client {}", client.name), of_client(client));
    }
    parts
}

fn of_group(group: &PvGroup, pvs: usize) -> String {
    let change = match &group.change {
        Change::Trace { file, length, points } => {
            let mut digest = Digest::default();
            for (at, value) in points.iter().flatten() {
                digest.add(at.0);
                digest.add(value.to_bits());
            }
            format!("trace {file} of {length}, {}", digest.text())
        }
        other => format!("{other:?}"),
    };
    let rest = (&group.phase, &group.signal, &group.mdel, &group.adel);
    format!("{pvs} PVs, {:?} x {}, {change}, {rest:?}", group.native, group.count)
}

fn of_client(client: &ClientSpec) -> String {
    let mut digest = Digest::default();
    client.pvs.iter().for_each(|pv| digest.add(pv.index() as u64));
    let service =
        if client.service_time.0 > 0 { format!(", service time {}", client.service_time) } else { String::new() };
    let mut anywhere = client.clone();
    if let Program::Library(library) = &mut anywhere.program {
        library.python = None;
    }
    format!("{}, {} PVs ({}), {:?}{service}", strategy(&anywhere), client.pvs.len(), digest.text(), client.dbr)
}

/// What differs between two runs that must not, in words; empty when they may be compared.
#[must_use]
pub fn differences(base: &Baseline, new: &Baseline) -> Vec<String> {
    let mut found = Vec::new();
    match (&base.simulated, &new.simulated) {
        (None, Some(_)) => found.push("the base was measured, the new one was simulated".to_owned()),
        (Some(_), None) => found.push("the base was simulated, the new one was measured".to_owned()),
        (Some(a), Some(b)) if a != b => found.push(format!("simulated differently: `{a}` and `{b}`")),
        _ => {}
    }
    for (part, says) in &base.scenario {
        match new.scenario.get(part) {
            None => found.push(format!("`{part}` is in the base only ({says})")),
            Some(other) if other != says => {
                found.push(format!("`{part}`: `{says}` in the base, `{other}` in the new one"))
            }
            Some(_) => {}
        }
    }
    for (part, says) in new.scenario.iter().filter(|(part, _)| !base.scenario.contains_key(*part)) {
        found.push(format!("`{part}` is in the new one only ({says})"));
    }
    let names = |of: &Baseline| of.clients.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    let (a, b) = (names(base), names(new));
    if found.is_empty() && a != b {
        found.push(format!(
            "clients that yielded numbers: {} in the base, {} in the new one",
            a.join(", "),
            b.join(", ")
        ));
    }
    found
}
