//! The one plain sentence on what polling cost; where clients look at different PVs, one for each set of them.

use crate::pv::PvId;
use crate::scenario::model::{ClientSpec, Fetch, Scenario};
use crate::stats::Estimate;
use crate::summary::{ClientSummary, Summary};

/// Differences below this fraction are none, to a reader of one sentence.
const ALIKE: f64 = 0.05;

/// What a poller can cost more of than the callback.
const PRICES: [&str; 3] = ["delay", "processor time", "missed changes"];

/// So many sets of PVs are told of.
const SETS: usize = 4;

/// What polling cost against being called back, in one sentence, from what was measured. A client is compared with those that look at the
/// same PVs, as many copies of each; where there are several such sets, each has a sentence of its own on a line of its own.
///
/// Compared are mean notice latency, the processor time of client and IOC together, and the fraction of changes missed. A poller
/// counts as worse only where the difference is above 5 % and the intervals lie apart.
#[must_use]
pub fn sentence(scenario: &Scenario, summary: &Summary) -> String {
    let sets = sets(scenario, summary);
    let comparable: Vec<_> = sets.iter().filter(|set| set.monitor().is_some() && !set.pollers().is_empty()).collect();
    match comparable[..] {
        [] if sets.len() > 1 => of_unlike(&sets),
        [] => sets.first().map_or_else(|| nothing(summary), |set| of_set(set, summary)),
        [set] if sets.len() == 1 => of_set(set, summary),
        _ => {
            let told = comparable
                .iter()
                .take(SETS)
                .map(|set| format!("{}, {}", set.label(&comparable), lower(&of_set(set, summary))));
            let more = comparable.len().saturating_sub(SETS);
            let more = (more > 0).then(|| format!("The table has {more} more such sets of PVs."));
            told.chain(more).collect::<Vec<_>>().join("\n")
        }
    }
}

/// Clients that noticed something and look at the same PVs.
struct Set<'a> {
    pvs: &'a [PvId],
    first: &'a str,
    copies: u32,
    clients: Vec<&'a ClientSummary>,
}

impl<'a> Set<'a> {
    fn monitor(&self) -> Option<&'a ClientSummary> {
        self.clients.iter().copied().find(|c| c.fetch == Fetch::Monitor)
    }

    fn pollers(&self) -> Vec<&'a ClientSummary> {
        self.clients.iter().copied().filter(|c| c.fetch != Fetch::Monitor).collect()
    }

    /// What tells it from the others.
    fn label(&self, others: &[&Set<'_>]) -> String {
        let alone = |same: &dyn Fn(&Set<'_>) -> bool| others.iter().filter(|o| same(o)).count() == 1;
        let pvs = match self.pvs.len() {
            1 => "1 PV".to_owned(),
            n => format!("{n} PVs"),
        };
        let copies = match self.copies {
            1 => ", one client".to_owned(),
            n => format!(", {n} clients at once"),
        };
        if alone(&|o| o.pvs.len() == self.pvs.len()) {
            format!("On {pvs}")
        } else if alone(&|o| o.pvs.len() == self.pvs.len() && o.copies == self.copies) {
            format!("On {pvs}{copies}")
        } else {
            format!("On {pvs} from `{}` on{}", self.first, if self.copies > 1 { copies.as_str() } else { "" })
        }
    }
}

/// The sets in the order of their first clients.
fn sets<'a>(scenario: &'a Scenario, summary: &'a Summary) -> Vec<Set<'a>> {
    let mut sets: Vec<Set<'a>> = Vec::new();
    for client in summary.clients.iter().filter(|c| c.notice.mean_ns.is_some()) {
        let spec: Option<&ClientSpec> = scenario.clients.iter().find(|spec| spec.name == client.name);
        let pvs = spec.map_or(&[][..], |spec| &spec.pvs);
        let first = pvs.first().and_then(|pv| scenario.pvs.get(pv.index())).map_or("", |pv| pv.name.as_str());
        match sets.iter_mut().find(|set| set.pvs == pvs && set.copies == client.copies) {
            Some(set) => set.clients.push(client),
            None => sets.push(Set { pvs, first, copies: client.copies, clients: vec![client] }),
        }
    }
    sets
}

/// Of clients of which no two of both kinds look at the same PVs.
fn of_unlike(sets: &[Set<'_>]) -> String {
    let clients = || sets.iter().flat_map(|set| &set.clients);
    let kinds = (clients().any(|c| c.fetch == Fetch::Monitor), clients().any(|c| c.fetch != Fetch::Monitor));
    match kinds {
        (true, true) if clients().any(|c| c.copies > 1) => "No poller looks at the same PVs as a callback, in as many copies, so that there is nothing to compare them by: the table has what each did.",
        (true, true) => "No poller looks at the same PVs as a callback, so that there is nothing to compare them by: the table has what each did.",
        (true, false) => "There is no poller to compare with: the table has what each callback did.",
        _ => "There is no callback to compare with: the table has what each poller did.",
    }
    .to_owned()
}

fn nothing(summary: &Summary) -> String {
    match summary.clients.is_empty() {
        true => "Nothing could be measured.".to_owned(),
        false => "No client noticed any change, so there is nothing to compare.".to_owned(),
    }
}

/// As it goes on after a comma.
fn lower(text: &str) -> String {
    text.chars().take(1).flat_map(char::to_lowercase).chain(text.chars().skip(1)).collect()
}

fn of_set(set: &Set<'_>, summary: &Summary) -> String {
    let pollers = set.pollers();
    match (set.monitor(), pollers_told(&pollers)) {
        (Some(monitor), Some(told)) => format!("{}: {}; {told}.", lead(monitor, &pollers), called_back(monitor)),
        (Some(monitor), None) => format!("There is no poller to compare with: {}.", called_back(monitor)),
        (None, Some(told)) => format!("There is no callback to compare with: {told}."),
        (None, None) => nothing(summary),
    }
}

/// What all pollers paid, and what only some did.
fn lead(monitor: &ClientSummary, pollers: &[&ClientSummary]) -> String {
    let metered = processor(monitor).is_some() && pollers.iter().all(|p| processor(p).is_some());
    let paid = |p: &&ClientSummary| {
        [
            worse(p.notice.mean_ns, monitor.notice.mean_ns),
            metered && worse(processor(p), processor(monitor)),
            worse(p.missed_fraction, monitor.missed_fraction),
        ]
    };
    let paid: Vec<[bool; 3]> = pollers.iter().map(paid).collect();
    let unpaid = || pollers.iter().zip(&paid).filter(|(_, paid)| **paid == [false; 3]).map(|(poller, _)| *poller);
    if unpaid().any(|poller| as_good(poller, monitor)) {
        return if metered { "Polling need not cost anything here" } else { "Polling need not cost time here" }
            .to_owned();
    }
    if unpaid().count() == pollers.len() {
        return "What polling cost cannot be told from chance here".to_owned();
    }
    let untold: Vec<String> = unpaid().map(|poller| format!("`{}`", poller.name)).collect();
    let untold = match untold.is_empty() {
        true => String::new(),
        false => format!(" (of {} it cannot be told from chance)", untold.join(" and ")),
    };
    let (pollers, paid): (Vec<&ClientSummary>, Vec<[bool; 3]>) =
        pollers.iter().zip(paid).filter(|(_, paid)| *paid != [false; 3]).unzip();
    let named = |chosen: &dyn Fn(usize) -> bool, word: &str| {
        let names: Vec<_> = (0..3).filter(|i| chosen(*i)).map(|i| PRICES[i]).collect();
        names.join(word)
    };
    let all = |i: usize| paid.iter().all(|p| p[i]);
    let some = |i: usize| !all(i) && paid.iter().any(|p| p[i]);
    let (always, sometimes) = (named(&all, " and "), named(&some, " or "));
    let saved = metered && pollers.iter().all(|p| worse(processor(monitor), processor(p)));
    let saved = if saved { ", but saved processor time" } else { "" };
    match (always.is_empty(), sometimes.is_empty()) {
        (false, true) => format!("Polling cost {always}{saved}{untold}"),
        (true, _) => format!("Polling cost {sometimes}, depending on how{saved}{untold}"),
        (false, false) => format!("Polling cost {always} and, depending on how, {sometimes}{saved}{untold}"),
    }
}

/// Whether one is above the other by more than a trifle and more than chance.
fn worse(one: Option<Estimate>, other: Option<Estimate>) -> bool {
    let Some((one, other)) = one.zip(other) else { return false };
    let apart = match (one.interval, other.interval) {
        (Some((low, _)), Some((_, high))) => low > high,
        _ => true,
    };
    one.point > other.point * (1.0 + ALIKE) && apart
}

/// Whether a poller that is nowhere clearly worse is also nowhere worse by its numbers alone: wide intervals prove nothing.
fn as_good(poller: &ClientSummary, monitor: &ClientSummary) -> bool {
    let by_number = |one: Option<Estimate>, other: Option<Estimate>| {
        one.zip(other).is_none_or(|(one, other)| one.point <= other.point * (1.0 + ALIKE))
    };
    by_number(poller.notice.mean_ns, monitor.notice.mean_ns)
        && by_number(processor(poller), processor(monitor))
        && by_number(poller.missed_fraction, monitor.missed_fraction)
}

/// Processor time of client and IOC together, in percent of one core. The interval is the sum of both: at least wide enough.
fn processor(client: &ClientSummary) -> Option<Estimate> {
    let (a, b) = (client.cpu_client_percent?, client.cpu_ioc_percent?);
    let interval = a.interval.zip(b.interval).map(|(a, b)| (a.0 + b.0, a.1 + b.1));
    Some(Estimate { point: a.point + b.point, interval, n: a.n.min(b.n) })
}

fn called_back(monitor: &ClientSummary) -> String {
    format!("called back, `{}` knew of a change, on average, {}{}", monitor.name, told(monitor), together(monitor))
}

/// Says once whose processor time it is.
fn together(client: &ClientSummary) -> &'static str {
    if processor(client).is_some() { " (client and IOC together)" } else { "" }
}

/// The quickest poller and the thriftiest.
fn pollers_told(pollers: &[&ClientSummary]) -> Option<String> {
    let mean = |p: &ClientSummary| p.notice.mean_ns.map_or(f64::INFINITY, |e| e.point);
    let cost = |p: &ClientSummary| processor(p).map_or(f64::INFINITY, |e| e.point);
    let least = |of: fn(&ClientSummary) -> f64| pollers.iter().copied().min_by(|a, b| of(a).total_cmp(&of(b)));
    let quickest = least(mean)?;
    let thriftiest = least(cost).filter(|p| p.name != quickest.name && processor(p).is_some());
    Some(match thriftiest {
        None if pollers.len() == 1 => format!("polling, `{}` knew of it {}", quickest.name, told(quickest)),
        None => format!("the quickest poller, `{}`, knew {}", quickest.name, told(quickest)),
        Some(other) => format!(
            "the quickest poller, `{}`, knew {}; the thriftiest, `{}`, {}",
            quickest.name,
            told(quickest),
            other.name,
            told(other)
        ),
    })
}

/// Delay, misses, cost and requests in vain of one client.
fn told(client: &ClientSummary) -> String {
    let mut text = format!("after {}", duration(client.notice.mean_ns));
    text += &match client.missed_fraction {
        Some(missed) if client.missed > 0 => format!(" and missed {} of the changes", percent(missed.point * 100.0)),
        _ => " and missed none".to_owned(),
    };
    if let Some(cpu) = processor(client) {
        text += &format!(", for {} of a core", percent(cpu.point));
    }
    if let Some(redundant) = client.redundant_fraction.filter(|_| client.redundant > 0) {
        text += &format!(" and {} of its requests in vain", percent(redundant.point * 100.0));
    }
    text
}

fn duration(ns: Option<Estimate>) -> String {
    let Some(ns) = ns.map(|e| e.point) else { return "an unknown time".to_owned() };
    match ns.abs() {
        v if v < 999.5e3 => format!("{} µs", number(ns / 1e3)),
        v if v < 999.5e6 => format!("{} ms", number(ns / 1e6)),
        _ => format!("{} s", number(ns / 1e9)),
    }
}

/// A percentage that does not round to all or nothing unless it is.
fn percent(value: f64) -> String {
    match value {
        v if v > 0.0 && v < 0.1 => "under 0.1 %".to_owned(),
        v if v > 99.9 && v < 100.0 => "over 99.9 %".to_owned(),
        v if (99.0..100.0).contains(&v) => format!("{v:.1} %"),
        v => format!("{} %", number(v)),
    }
}

/// Two digits: a sentence is not a table.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v < 0.0995 => format!("{value:.3}"),
        v if v < 0.995 => format!("{value:.2}"),
        v if v < 9.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::{Change, Pacing};
    use crate::summary::example::{client as spec, group, scenario, summary_of};
    use crate::time::Span;

    fn estimate(point: f64) -> Option<Estimate> {
        Some(Estimate { point, interval: Some((point * 0.98, point * 1.02)), n: 3 })
    }

    fn client(name: &str, fetch: Fetch, mean_ms: f64, cpu: f64) -> ClientSummary {
        let mut client = summary_of(name, fetch);
        client.notice.mean_ns = estimate(mean_ms * 1e6);
        client.cpu_client_percent = estimate(cpu * 0.4);
        client.cpu_ioc_percent = estimate(cpu * 0.6);
        client.missed_fraction = estimate(0.0);
        client
    }

    fn poller(name: &str, mean_ms: f64, cpu: f64, redundant: f64, missed: f64) -> ClientSummary {
        let mut client = client(name, Fetch::Batch, mean_ms, cpu);
        client.redundant_fraction = estimate(redundant);
        client.missed_fraction = estimate(missed);
        client.missed = (missed * 1e4) as u64;
        client.redundant = (redundant * 1e4) as u64;
        client
    }

    #[test]
    fn cases() {
        let monitor = || client("monitor", Fetch::Monitor, 0.061, 3.5);
        let spin = || poller("poll-0ms", 0.312, 190.0, 0.9974, 0.0);
        let slow = || poller("poll-1s", 501.3, 0.4, 0.0, 0.9003);
        let mut lossy = client("monitor", Fetch::Monitor, 46_000.0, 80.0);
        lossy.missed_fraction = estimate(0.0004);
        lossy.missed = 12;
        let mut unmetered = poller("python", 11.0, 0.0, 0.0, 0.0);
        unmetered.cpu_client_percent = None;
        unmetered.redundant_fraction = None;
        let mut unclear = poller("poll-1ms", 0.7, 8.0, 0.99, 0.0);
        for e in [&mut unclear.notice.mean_ns, &mut unclear.cpu_client_percent, &mut unclear.cpu_ioc_percent] {
            *e = e.map(|e| Estimate { interval: Some((0.0, e.point * 2.0)), ..e });
        }
        let cases: Vec<(&str, Vec<ClientSummary>)> = vec![
            ("too noisy", vec![monitor(), unclear.clone()]),
            ("one of two too noisy", vec![monitor(), unclear, slow()]),
            ("quickstart", vec![monitor(), spin(), poller("poll-10ms", 5.2, 8.0, 0.9, 0.0), slow()]),
            ("all worse", vec![monitor(), spin(), poller("poll-1ms", 0.7, 60.0, 0.99, 0.0)]),
            ("one thrifty poller", vec![monitor(), slow()]),
            ("quicker and dearer", vec![client("monitor", Fetch::Monitor, 0.5, 3.5), spin()]),
            ("polling wins", vec![lossy.clone(), poller("poll-10ms", 5.2, 8.0, 0.5, 0.0)]),
            ("polling wins but misses", vec![lossy, poller("poll-10ms", 5.2, 8.0, 0.0, 0.31)]),
            ("all thriftier", vec![monitor(), slow(), poller("poll-500ms", 251.0, 0.8, 0.0, 0.8)]),
            ("within chance", vec![monitor(), poller("poll", 0.0615, 3.55, 0.5, 0.0)]),
            ("no processor time", vec![monitor(), unmetered]),
            ("no monitor", vec![spin(), slow()]),
            ("no poller", vec![monitor()]),
            ("monitor failed", vec![summary_of("monitor", Fetch::Monitor), slow()]),
            ("no changes", vec![summary_of("monitor", Fetch::Monitor), summary_of("poll", Fetch::Batch)]),
            ("nothing", vec![]),
        ];
        let unlike = scenario(Vec::new(), Vec::new());
        let told = cases.into_iter().map(|(case, clients)| {
            format!("{case}\n  {}", sentence(&unlike, &Summary { clients, ..Summary::default() }))
        });
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
    }

    /// A callback and a poller for each of some numbers of PVs and copies.
    fn of_sets(sets: &[(usize, u32)]) -> String {
        let pacing = Pacing::FixedDelay { period: Span::from_millis(1) };
        let (mut specs, mut clients) = (Vec::new(), Vec::new());
        for (i, &(pvs, copies)) in sets.iter().enumerate() {
            for (fetch, pacing) in [(Fetch::Monitor, None), (Fetch::Batch, Some(pacing.clone()))] {
                let name = format!("{}-{i}", if fetch == Fetch::Monitor { "monitor" } else { "poll" });
                let late = if fetch == Fetch::Monitor { 0.05 } else { 0.6 };
                clients.push(ClientSummary { copies, ..client(&name, fetch, late * pvs as f64, pvs as f64) });
                specs.push(ClientSpec { copies, ..spec(&name, fetch, pacing, pvs) });
            }
        }
        let pvs = vec![(100, group(Change::Still))];
        sentence(&scenario(pvs, specs), &Summary { clients, ..Summary::default() })
    }

    #[test]
    fn clients_of_other_pvs_are_not_compared() {
        let told = [of_sets(&[(1, 1), (100, 1)]), of_sets(&[(5, 1), (5, 1000)])].join("\n\n");
        insta::assert_snapshot!(told);
        assert!(
            of_sets(&[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)])
                .ends_with("The table has 2 more such sets of PVs.")
        );
        let apart = scenario(
            vec![(3, group(Change::Still))],
            vec![spec("monitor", Fetch::Monitor, None, 1), spec("poll", Fetch::Batch, None, 2)],
        );
        let mut clients = vec![client("monitor", Fetch::Monitor, 0.05, 1.0), poller("poll", 0.6, 2.0, 0.9, 0.0)];
        let told =
            |clients: &[ClientSummary]| sentence(&apart, &Summary { clients: clients.to_vec(), ..Summary::default() });
        assert!(told(&clients).starts_with("No poller looks at the same PVs as a callback, so"), "{}", told(&clients));
        clients[1].copies = 20;
        assert!(told(&clients).contains("in as many copies"), "{}", told(&clients));
    }

    #[test]
    fn percentages_never_round_to_all_or_nothing() {
        for (value, text) in [
            (0.0, "0 %"),
            (0.004, "under 0.1 %"),
            (3.49, "3.5 %"),
            (99.74, "99.7 %"),
            (99.96, "over 99.9 %"),
            (100.0, "100 %"),
        ] {
            assert_eq!(percent(value), text);
        }
    }
}
