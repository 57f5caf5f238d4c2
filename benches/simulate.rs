#![allow(clippy::unwrap_used, reason = "a benchmark may stop where it cannot go on")]
use pollcost::io::clock;
use pollcost::scenario::{Source, read};
use pollcost::simulate::{Group, Link, Messages, Model};
use std::sync::Arc;
fn main() {
    let ms = ["Counted", "Whole"];
    for (pvs, client, secs) in [
        (100, "fetch='batch'\nperiod='10ms'", 200),
        (100, "fetch='batch'\nperiod='100ms'", 300),
        (100, "fetch='monitor'", 300),
        (1, "fetch='batch'\nperiod='10ms'", 3600),
        (100, "fetch='serial'\nperiod='10ms'", 60),
        (100, "fetch='cached'\nperiod='10ms'", 60),
        (10, "fetch='connect'\nperiod='10ms'", 30),
    ] {
        let text = format!(
            "repeats=1\nwindow='{secs}s'\n[[pv]]\nname='A{{0..{}}}'\nchange={{pattern='periodic',rate_hz=10}}\n[[client]]\nname='c'\n{client}\n",
            pvs - 1
        );
        let scenario = Arc::new(read(Source { file: "t", name: "t", text: &text }, &|_| Err(String::new())).unwrap());
        for (i, m) in [Messages::Counted, Messages::Whole].into_iter().enumerate() {
            let model = Arc::new(Model::typical(&Link::default(), 1));
            let group = Group::all(&scenario, &model, m).remove(0);
            let start = clock::now();
            let done = group.run();
            let took = clock::now().saturating_since(start).as_secs_f64();
            let Some(seg) = done.segments.first() else {
                println!("{:?}", done.failed);
                continue;
            };
            let tally = seg.tally.as_ref().unwrap();
            let n = tally.requests.max(tally.updates);
            println!(
                "{pvs} {client:?} {}: {took:.3} s, {n} ops, {:.2} M/s, {} changes, {} obs, cpu {:?} {:?} wake {:?} connect {:?} rtt {:?}",
                ms[i],
                n as f64 / took / 1e6,
                done.emissions.len(),
                seg.observations.len(),
                seg.cpu_client,
                seg.cpu_ioc,
                seg.wakeups,
                seg.connect,
                tally.mean_round_trip_ns
            );
        }
    }
}
