//! Segments of a run: what begins anew and what goes on.

use super::{Client, ioc};
use crate::ioc::{Ioc, fixture};
use crate::pv::Seq;
use crate::scenario::model::{Change, Signal};
use crate::time::{Span, Tick};
use crate::trace::Emission;

fn run(ioc: &mut Ioc, until: Tick) -> Vec<Emission> {
    let mut emissions = Vec::new();
    while let Some(due) = ioc.next_due().filter(|due| *due < until) {
        emissions.extend(ioc.post_next(due + Span(3)));
    }
    emissions
}

#[test]
fn each_segment_has_the_same_stimulus_and_numbers_go_on() {
    let mut scenario = fixture::one_group(Change::Poisson { interval: Span(1000) }, 5);
    scenario.groups[0].signal = Signal::Noise { mean: 0.0, sigma: 1.0 };
    scenario.groups[0].mdel = Some(0.5);
    let mut ioc = ioc(scenario);
    assert_eq!(ioc.next_due(), None, "nothing changes before it begins");
    ioc.begin(9, Tick(10_000));
    let first = run(&mut ioc, Tick(60_000));
    ioc.end();
    assert_eq!((ioc.next_due(), ioc.post_next(Tick(60_000))), (None, None));
    ioc.begin(9, Tick(110_000));
    let second = run(&mut ioc, Tick(160_000));
    assert!(first.len() > 100);
    assert_eq!(first.len(), second.len());
    for (a, b) in first.iter().zip(&second) {
        assert_eq!((a.pv, a.due.0 + 100_000), (b.pv, b.due.0));
        let earlier = first.iter().filter(|e| e.pv == a.pv).count() as u64;
        assert_eq!(a.seq.0 + earlier, b.seq.0, "numbers go on");
    }
    assert!(ioc.database().suppressed() > 0, "some stayed within the deadband");
    assert_eq!(first[0].posted, first[0].due + Span(3));
}

#[test]
fn emissions_of_a_pv_are_numbered_without_gaps() {
    let mut ioc = ioc(fixture::one_group(Change::Periodic { interval: Span(10) }, 7));
    ioc.begin(3, Tick(0));
    let emissions = run(&mut ioc, Tick(1000));
    for pv in 0..7 {
        let seqs: Vec<Seq> = emissions.iter().filter(|e| e.pv.0 == pv).map(|e| e.seq).collect();
        assert_eq!(seqs, (1..=100).map(Seq).collect::<Vec<_>>());
    }
}

#[test]
fn nobody_is_listed_for_what_nobody_watches() {
    let mut ioc = ioc(fixture::one_group(Change::Periodic { interval: Span(10) }, 2));
    ioc.begin(3, Tick(0));
    let _client = Client::with_channels(&mut ioc, &["PV0"]);
    run(&mut ioc, Tick(100));
    let mut listed = Vec::new();
    ioc.take_listed(&mut listed);
    assert_eq!(listed, []);
}
