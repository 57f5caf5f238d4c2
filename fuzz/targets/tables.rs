//! The tables of a run folder.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use pollcost::report::csv::Names;
use pollcost::report::csv::facts::{read_emissions, read_observations, read_requests};
use pollcost::report::csv::ledger::read_ledger;
use pollcost::scenario::{Source, read};

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let text = "[[pv]]\nname = \"A\"\n[[pv]]\nname = \"B\"\n[[client]]\nname = \"c\"\nfetch = \"monitor\"\n";
        Names::new(&read(Source { file: "f", name: "f", text }, &|_| Err(String::new())).unwrap())
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((which, table)) = data.split_first() else { return };
    let rows = u64::from(which >> 2);
    let mut taken = 0;
    let outcome = match which % 4 {
        0 => read_emissions(table, names(), rows, |_, _| {
            taken += 1;
            Ok(())
        }),
        1 => read_observations(table, names(), rows, |_, _, _| taken += 1),
        2 => read_ledger(table, names(), rows, |_, _, _| taken += 1),
        _ => read_requests(table, names(), rows, |_, _, _| taken += 1),
    };
    assert!(taken <= rows);
    if outcome.is_ok() {
        assert_eq!(taken, rows);
    }
});
