//! How fast the instrument is, against the floor of the machine and against EPICS base.
//!
//! `cargo bench --bench instrument` measures all rows, `cargo bench --bench instrument -- monitor gets` some; either draws
//! `docs/benchmarks.md` anew. `... -- operations` prints what single operations cost, `... -- table` draws the page from
//! what is kept.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark may stop where it cannot go on"
)]

mod elsewhere;
mod emission;
mod fanout;
mod flood;
mod gets;
mod monitor;
mod ours;
mod program;
mod recording;
mod table;

use elsewhere::Elsewhere;
use table::Row;

/// The rows in the order of the table.
const ROWS: [&str; 14] = [
    "monitor",
    "monitor-epics",
    "get",
    "gets-100",
    "gets-10000",
    "flood",
    "flood-replaced",
    "fanout",
    "thousand",
    "emission",
    "emission-spin",
    "recording",
    "start",
    "build",
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if let Some(unknown) =
        asked.iter().find(|a| !ROWS.contains(&a.as_str()) && !["operations", "table"].contains(&a.as_str()))
    {
        eprintln!("there is no row `{unknown}`; there are {}, operations and table", ROWS.join(", "));
        std::process::exit(2);
    }
    if asked.iter().any(|a| a == "table") {
        table::draw(&ROWS);
        return;
    }
    if asked.iter().any(|a| a == "operations") {
        recording::print();
        return;
    }
    let wants = |row: &&&str| asked.is_empty() || asked.iter().any(|a| a == **row);
    let elsewhere = Elsewhere::set_up();
    let versions = format!("pollcost {}, {}", env!("CARGO_PKG_VERSION"), elsewhere.version());
    let mut measured: Vec<(&str, Row)> = Vec::new();
    for row in ROWS.iter().filter(wants) {
        if measured.iter().any(|(done, _)| done == row) {
            continue;
        }
        let rows: Vec<(&str, Row)> = match *row {
            "monitor" | "monitor-epics" => monitor::measure(&elsewhere),
            "get" => vec![("get", gets::serial())],
            "gets-100" => vec![("gets-100", gets::pipelined(&elsewhere, 100, 2000, 1.5))],
            "gets-10000" => vec![("gets-10000", gets::pipelined(&elsewhere, 10_000, 40, 1.2))],
            "flood" => vec![("flood", flood::long_queue(&elsewhere))],
            "flood-replaced" => vec![("flood-replaced", flood::replaced())],
            "fanout" => vec![("fanout", fanout::one_change(&elsewhere))],
            "thousand" => vec![("thousand", fanout::sustained())],
            "emission" => vec![("emission", emission::lateness(false))],
            "emission-spin" => vec![("emission-spin", emission::lateness(true))],
            "recording" => vec![("recording", recording::measure())],
            "start" => vec![("start", program::start())],
            "build" => vec![("build", program::build())],
            _ => Vec::new(),
        };
        for (id, row) in rows {
            println!("{id}: {row:#?}");
            measured.push((id, row));
        }
        // After each row: what was measured is kept when a later one is interrupted.
        table::keep(&ROWS, &measured, &versions);
    }
}

/// The value that a fraction of all does not exceed.
fn quantile(values: &mut [f64], p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = ((p * values.len() as f64).ceil() as usize).max(1);
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
}
