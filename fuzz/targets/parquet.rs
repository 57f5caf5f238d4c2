//! The tables of a run folder as Parquet. The first byte says which.
#![no_main]

mod names;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use names::names;
use pollcost::report::parquet::{Reader, Stored};
use pollcost::trace::{Emission, Observation, Request};

fn check<F: Stored>(table: &[u8]) {
    let reader = match Reader::open::<F>(Bytes::copy_from_slice(table)) {
        Ok(reader) => reader,
        Err(error) => return assert!(!error.is_empty()),
    };
    for group in 0..reader.groups() {
        match reader.group::<F>(group, names()) {
            Err(error) => return assert!(!error.is_empty()),
            Ok(block) => {
                let facts: usize = block.groups().map(|(_, facts)| facts.len()).sum();
                assert_eq!(facts, block.facts.len());
                assert!(block.wrong.is_some() || facts as u64 == block.lines);
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((which, table)) = data.split_first() else { return };
    match which % 3 {
        0 => check::<Emission>(table),
        1 => check::<Observation>(table),
        _ => check::<Request>(table),
    }
});
