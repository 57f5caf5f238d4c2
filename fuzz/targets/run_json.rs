//! `run.json`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollcost::report::document::read_document;

fuzz_target!(|data: &[u8]| {
    if let Err(error) = read_document(data) {
        assert!(!error.to_string().is_empty());
    }
});
