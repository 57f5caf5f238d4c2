//! The policy of a comparison, alone and beside the scenario that its bounds speak of.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use pollcost::compare::Policy;
use pollcost::scenario::model::Scenario;
use pollcost::scenario::{Source, read};

fn scenario() -> &'static Scenario {
    static SCENARIO: OnceLock<Scenario> = OnceLock::new();
    SCENARIO.get_or_init(|| {
        let text = "[[pv]]\nname = \"A\"\n[[client]]\nname = \"c\"\nfetch = \"monitor\"\n\
                    [[client]]\nname = \"d\"\nfetch = \"serial\"\npacing = \"fixed-delay\"\nperiod = \"10ms\"\n";
        read(Source { file: "f", name: "f", text }, &|_| Err(String::new())).unwrap()
    })
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for scenario in [None, Some(scenario())] {
        match Policy::read(Source { file: "policy.toml", name: "policy", text }, scenario) {
            Ok(policy) => {
                assert!(policy.level > 0.0 && policy.repeats >= 2);
                assert!(scenario.is_some() || policy.bounds.is_empty());
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
