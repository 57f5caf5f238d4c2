//! The names that the tables of a run folder are read with.

use std::sync::OnceLock;

use pollcost::report::csv::Names;
use pollcost::scenario::{Source, read};

/// PVs `A` and `B`, client `c`.
pub fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let text = "[[pv]]\nname = \"A\"\n[[pv]]\nname = \"B\"\n[[client]]\nname = \"c\"\nfetch = \"monitor\"\n";
        Names::new(&read(Source { file: "f", name: "f", text }, &|_| Err(String::new())).unwrap())
    })
}
