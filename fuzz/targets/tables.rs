//! The tables of a run folder.
#![no_main]

mod names;

use libfuzzer_sys::fuzz_target;
use names::names;
use pollcost::report::csv::facts::read_rows;
use pollcost::report::csv::ledger::read_ledger;
use pollcost::trace::{Emission, Observation, Request};

fuzz_target!(|data: &[u8]| {
    let Some((which, table)) = data.split_first() else { return };
    let rows = u64::from(which >> 2);
    let mut taken = 0;
    macro_rules! facts {
        ($fact:ty) => {
            read_rows::<$fact>(table, names(), rows, |_, _, _| {
                taken += 1;
                Ok(())
            })
        };
    }
    let outcome = match which % 4 {
        0 => facts!(Emission),
        1 => facts!(Observation),
        2 => read_ledger(table, names(), rows, |_, _, _| taken += 1),
        _ => facts!(Request),
    };
    assert!(taken <= rows);
    if outcome.is_ok() {
        assert_eq!(taken, rows);
    }
});
