//! The command line of `pollcost`.

fn main() {}
