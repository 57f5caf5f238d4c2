//! An examination of a machine, for people.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::number::{Kind, plain};
use crate::doctor::{Clocks, Examination, Load};
use crate::time::Span;
use crate::trace::Host;
use crate::trace::floor::Quantiles;

/// All of it: tables first, and what follows at the end, where a reader looks.
#[must_use]
pub fn text(found: &Examination) -> String {
    let mut text = machine(&found.host);
    let timers = found.timers.iter().map(|t| (vec![t.asked_ns.to_string(), t.method.word().to_owned()], t.late));
    section(&mut text, "Timers: how much later than asked a thread runs", &["asked", "how"], timers.collect());
    let bytes = &found.loopback;
    let push = bytes
        .push
        .iter()
        .map(|at| (vec![cadence(at.period_ns), format!("one way, {} bytes", bytes.push_bytes)], at.took));
    let both = format!("there and back, {} and {} bytes", bytes.request_bytes, bytes.reply_bytes);
    let round_trip = bytes.round_trip.iter().map(|at| (vec![cadence(at.period_ns), both.clone()], at.took));
    section(&mut text, "TCP on the loopback interface, raw", &["every", "what"], push.chain(round_trip).collect());
    let _ = write!(text, "\nClocks\n{}", clocks(&found.clocks));
    text += "\nWhat can be counted\n";
    for counter in &found.counters {
        let (mark, word) = if counter.available { ("+", "") } else { ("-", "not available: ") };
        let _ = writeln!(text, "  {mark} {}: {word}{}", counter.name, counter.note);
    }
    let _ = write!(text, "\nMeanwhile\n{}", load(&found.load));
    if !found.not_measured.is_empty() {
        let _ = write!(text, "\nNot measured\n  {}\n", found.not_measured.join("\n  "));
    }
    text += "\nWhat follows\n";
    for advice in &found.advice {
        let word = if advice.caution { "warning: " } else { "" };
        let _ = writeln!(text, "  {word}{}\n    {}", advice.what, advice.advice);
    }
    text
}

fn cadence(period: Span) -> String {
    if period == Span::ZERO { "back to back".to_owned() } else { period.to_string() }
}

fn machine(host: &Host) -> String {
    let reason = |field: &str| {
        let why = host.unavailable.get(field);
        why.map_or_else(|| "not known".to_owned(), |why| format!("not known: {why}"))
    };
    let known = |value: &Option<String>, field: &str| value.clone().unwrap_or_else(|| reason(field));
    let number = |value: Option<u64>, field: &str| value.map_or_else(|| reason(field), |n| n.to_string());
    let cores = format!(
        "{} of {}",
        number(host.cores.map(u64::from), "cores"),
        number(host.cores_online.map(u64::from), "cores_online")
    );
    let quota =
        host.cpu_quota_permille.map_or_else(|| "none".to_owned(), |q| format!("{} of a core", q as f64 / 1000.0));
    let virtual_machine = host.hypervisor.map(|is| if is { "yes" } else { "no" }.to_owned());
    let slack = host.timer_slack_ns.map(|ns| Span(ns).to_string());
    let rows = [
        ("processor", known(&host.cpu_model, "cpu_model")),
        ("cores allowed", cores),
        ("limit of the control group", quota),
        ("virtual machine", known(&virtual_machine, "hypervisor")),
        ("kernel", known(&host.kernel, "kernel")),
        ("kernel HZ", number(host.kernel_hz.map(u64::from), "kernel_hz")),
        ("frequency governor", known(&host.governor, "governor")),
        ("idle driver", known(&host.idle_driver, "idle_driver")),
        ("clock source", known(&host.clock_source, "clock_source")),
        ("timer slack of measuring threads", known(&slack, "timer_slack_ns")),
    ];
    pairs("Machine", &rows)
}

fn clocks(clocks: &Clocks) -> String {
    let span = |value: Option<Span>| value.map_or_else(|| "not known".to_owned(), |span| span.to_string());
    let cost =
        |ps: Option<u64>| ps.map_or_else(|| "not known".to_owned(), |ps| format!("{:.1} ns", ps as f64 / 1000.0));
    let rows = [
        ("CLOCK_MONOTONIC, stated resolution", span(clocks.stated_ns)),
        ("smallest step seen", span(clocks.smallest_step_ns)),
        ("a read takes", cost(clocks.read_ps)),
        ("processor time of a process, smallest step seen", span(clocks.cpu_step_ns)),
        ("a read takes", cost(clocks.cpu_read_ps)),
        ("tick of /proc/PID/stat", span(clocks.proc_tick_ns)),
        ("timer slack of a thread that asks for nothing", span(clocks.usual_slack_ns)),
    ];
    rows.iter().map(|(name, value)| format!("  {name}: {value}\n")).collect()
}

fn load(load: &Load) -> String {
    let mut text = String::new();
    let percent = |value: Option<f64>| value.map_or_else(|| "not known".to_owned(), |p| format!("{p:.1} % of a core"));
    let _ =
        writeln!(text, "  other processes: {}, over {:.1} s", percent(load.others_percent), load.over_ns.as_secs_f64());
    for busy in &load.busiest {
        let _ = writeln!(text, "    {} ({}): {:.1} %", busy.name, busy.pid, busy.percent);
    }
    let _ = writeln!(text, "  given to others by the hypervisor (steal): {}", percent(load.steal_percent));
    if let Some(why) = &load.unknown {
        let _ = writeln!(text, "  {why}");
    }
    text
}

fn pairs(title: &str, rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines: String = rows.iter().map(|(name, value)| format!("  {name:width$}  {value}\n")).collect();
    format!("{title}\n{lines}")
}

fn section(text: &mut String, title: &str, keys: &[&str], rows: Vec<(Vec<String>, Quantiles)>) {
    if rows.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(keys.iter().chain(&["n", "least", "p50", "p90", "p99", "most"]).map(Cell::new));
    for (key, took) in rows {
        table.add_row(key.into_iter().chain(cells(&took)));
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((2, 0));
        column.set_cell_alignment(if place == 1 { CellAlignment::Left } else { CellAlignment::Right });
    }
    let _ = write!(text, "\n{title}\n{}\n", table.trim_fmt());
}

/// `-` where too few samples lie beyond a percentile.
fn cells(took: &Quantiles) -> [String; 6] {
    let time = |span: Span| plain(Kind::Time, span.0 as f64);
    let percentile = |span: Option<Span>| span.map_or_else(|| "-".to_owned(), time);
    let Quantiles { n, least_ns, p50_ns, p90_ns, p99_ns, most_ns } = *took;
    [n.to_string(), time(least_ns), percentile(p50_ns), percentile(p90_ns), percentile(p99_ns), time(most_ns)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Advice, Counter, Loopback, Method, Timer};
    use crate::trace::floor::AtPeriod;

    #[test]
    fn everything_found_is_told_and_the_rest_has_its_reason() {
        let took = |us: u64, p99: Option<u64>| Quantiles {
            n: 1000,
            least_ns: Span::from_micros(us / 2),
            p50_ns: Some(Span::from_micros(us)),
            p90_ns: Some(Span::from_micros(us + 3)),
            p99_ns: p99.map(Span::from_micros),
            most_ns: Span::from_micros(us * 20),
        };
        let mut host = Host { cores: Some(2), cores_online: Some(8), kernel_hz: Some(250), ..Host::default() };
        host.unavailable.insert("governor".to_owned(), "no such file".to_owned());
        let counter =
            |name: &str, available, note: &str| Counter { name: name.to_owned(), available, note: note.to_owned() };
        let advice = |caution| Advice { caution, what: "this was found".to_owned(), advice: "do that".to_owned() };
        let found = Examination {
            host,
            timers: vec![
                Timer { method: Method::Sleep, asked_ns: Span::from_micros(50), late: took(55, Some(90)) },
                Timer { method: Method::Tokio, asked_ns: Span::from_secs(1), late: took(1060, None) },
            ],
            loopback: Loopback {
                push_bytes: 40,
                request_bytes: 16,
                reply_bytes: 40,
                push: vec![AtPeriod { period_ns: Span::from_millis(1), took: took(24, Some(60)) }],
                round_trip: vec![AtPeriod { period_ns: Span::ZERO, took: took(35, Some(80)) }],
            },
            clocks: Clocks { stated_ns: Some(Span(1)), read_ps: Some(22_410), ..Clocks::default() },
            counters: vec![
                counter("schedstat", true, "/proc/self/schedstat"),
                counter("cgroup v2", false, "no such file"),
            ],
            load: Load { over_ns: Span::from_millis(27_300), others_percent: Some(3.21), ..Load::default() },
            not_measured: vec!["sleeps of 1 s: left out".to_owned()],
            advice: vec![advice(false), advice(true)],
            ..Examination::default()
        };
        insta::assert_snapshot!(text(&found));
    }
}
