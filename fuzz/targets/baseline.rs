//! The baseline of a comparison: what is read is written and read again, and compared with itself.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use pollcost::compare::baseline::Baseline;
use pollcost::compare::decide::{Pair, compare};
use pollcost::compare::{Policy, Verdict};

fuzz_target!(|data: &[u8]| {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(data) else { return };
    let baseline = match Baseline::read(text) {
        Ok(baseline) => baseline,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(Baseline::read(&baseline.write()).as_ref(), Ok(&baseline));
    let pair = Pair { base: ("base", &baseline), new: ("new", &baseline) };
    if let Ok(found) = compare(pair, POLICY.get_or_init(Policy::default)) {
        assert_ne!(found.verdict, Verdict::Regressed);
    }
});
