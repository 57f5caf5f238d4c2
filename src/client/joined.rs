//! The client's state machines joined to the IOC's, in memory and in virtual time: no socket, no clock, the real bytes.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use super::poller::{Action, Poller};
use super::search::Search;
use super::tally::{Followed, Tally};
use super::{ChannelId, Circuit, Event, Identity};
use crate::ca::dbr::{DbrClass, DbrType, first_element};
use crate::ca::message::dbe;
use crate::ioc::closing::CloseReason;
use crate::ioc::limits::Limits;
use crate::ioc::{CircuitId, Counting, Ioc};
use crate::pv::{NativeType, PvId, PvName, Seq};
use crate::scenario::model::{Facts, Fetch, Pacing, Scenario};
use crate::scenario::{Source, read};
use crate::time::{Span, Tick, WallClock};
use crate::trace::{Observation, Window};

const PORT: u16 = 5064;
const MS: u64 = 1_000_000;
/// Messages that the IOC handles in one go.
const BUDGET: usize = 1000;

fn scenario(text: &str) -> Scenario {
    read(Source { file: "test.toml", name: "test", text }, &|_| Err("no files here".to_owned())).unwrap()
}

/// An IOC, and one client's circuit to it.
struct Joined {
    ioc: Ioc,
    id: CircuitId,
    client: Circuit,
    channels: Vec<ChannelId>,
    natives: Vec<NativeType>,
    now: Tick,
}

/// What an update or a reply carried.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    tag: u32,
    carried: f64,
}

impl Joined {
    /// All PVs of the scenario are connected; values change from time zero.
    fn connect(text: &str) -> Joined {
        let scenario = Arc::new(scenario(text));
        let limits = Limits::for_scenario(&scenario, 1 << 20);
        let wall = WallClock::default();
        let mut ioc = Ioc::new(Arc::clone(&scenario), limits, Counting::ByListener(1), wall, Tick(0));
        ioc.begin(1, Tick(0));
        ioc.set_window(Window { open: Tick(0), close: Tick(u64::MAX), end: Tick(u64::MAX) });
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
        let id = ioc.open(0, peer, PORT).unwrap();
        let identity = Identity { host: "here".into(), user: "me".into(), priority: 0 };
        let client = Circuit::open(&identity, 1 << 20);
        let mut joined = Joined { ioc, id, client, channels: Vec::new(), natives: Vec::new(), now: Tick(0) };
        for (tag, pv) in scenario.pvs.iter().enumerate() {
            joined.channels.push(joined.client.create(&pv.name, tag as u32).unwrap());
        }
        joined.natives = vec![NativeType::Char; scenario.pvs.len()];
        joined.exchange();
        joined
    }

    /// Moves bytes both ways until both ends are still, and tells what the client got.
    fn exchange(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        loop {
            let out = self.client.to_send().to_vec();
            self.client.sent(out.len());
            self.ioc.received(self.id, &out, self.now);
            self.ioc.work(self.id, self.now, BUDGET);
            let mut back = self.ioc.unsent(self.id).to_vec();
            self.ioc.sent(self.id, back.len(), self.now);
            if out.is_empty() && back.is_empty() {
                return seen;
            }
            while !back.is_empty() {
                let spare = self.client.spare();
                let taken = spare.len().min(back.len());
                spare[..taken].copy_from_slice(&back[..taken]);
                self.client.filled(taken);
                back.drain(..taken);
                self.take(&mut seen);
            }
        }
    }

    fn take(&mut self, seen: &mut Vec<Seen>) {
        while let Some(event) = self.client.next_event().unwrap() {
            match event {
                Event::Opened { tag, native, .. } => self.natives[tag as usize] = native,
                Event::Got { tag, data, .. } | Event::Update { tag, data, .. } => {
                    let dbr = DbrType::from_code(data.dbr).unwrap();
                    seen.push(Seen { tag, carried: first_element(dbr, data.payload).unwrap() });
                }
                Event::Rights { .. } | Event::Nothing => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Virtual time goes on: changes that are due are made.
    fn pass_until(&mut self, until: Tick, posted: &mut Vec<Posted>) {
        while let Some(due) = self.ioc.next_due().filter(|due| *due <= until) {
            if let Some(emission) = self.ioc.post_next(due) {
                posted.push((emission.pv, emission.seq, due));
            }
        }
        self.now = until.max(self.now);
    }

    fn get(&mut self, tag: usize, class: DbrClass, native: NativeType) {
        let dbr = DbrType { class, native };
        self.client.get(self.channels[tag], dbr.code(), 1).unwrap();
    }
}

const ONE_OF_EACH: &str = r#"
[[pv]]
name = "A:DOUBLE"
[[pv]]
name = "A:FLOAT"
type = "float"
[[pv]]
name = "A:LONG"
type = "long"
[[pv]]
name = "A:SHORT"
type = "short"
[[pv]]
name = "A:CHAR"
type = "char"
[[pv]]
name = "A:ENUM"
type = "enum"
labels = ["Off", "On"]
[[pv]]
name = "A:STRING"
type = "string"
[[client]]
name = "c"
fetch = "monitor"
"#;

#[test]
fn every_type_is_got_in_every_class() {
    let mut joined = Joined::connect(ONE_OF_EACH);
    let natives = joined.natives.clone();
    assert_eq!(natives.iter().collect::<HashSet<_>>().len(), 7);
    for class in [DbrClass::Plain, DbrClass::Sts, DbrClass::Time, DbrClass::Gr, DbrClass::Ctrl] {
        for (tag, native) in natives.iter().enumerate() {
            let dbr = DbrType { class, native: *native };
            joined.client.get(joined.channels[tag], dbr.code(), 0).unwrap();
        }
        assert_eq!(joined.exchange().len(), 7, "{class:?}");
    }
    assert_eq!(joined.client.outstanding(), 0);
    let counted = joined.ioc.ledger().accounts()[0].total();
    assert_eq!(counted.requests, 35);
}

#[test]
fn a_large_array_arrives_whole() {
    let text = "[[pv]]\nname = \"A:WAVE\"\ncount = 12500\n[[client]]\nname = \"c\"\nfetch = \"monitor\"\n";
    let mut joined = Joined::connect(text);
    let dbr = DbrType { class: DbrClass::Time, native: NativeType::Double };
    joined.client.get(joined.channels[0], dbr.code(), 12_500).unwrap();
    assert_eq!(joined.exchange().len(), 1);
}

#[test]
fn searches_are_answered_and_only_for_what_is_there() {
    let joined = Joined::connect(ONE_OF_EACH);
    let mut search = Search::new();
    for (tag, name) in ["A:DOUBLE", "A:NOBODY", "A:LONG"].into_iter().enumerate() {
        search.add(PvName::new(name).unwrap(), tag as u32, Tick(0));
    }
    let mut datagram = Vec::new();
    assert!(search.transmit(Tick(0), &mut datagram));
    let mut found = Vec::new();
    let sender = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
    for answer in crate::ioc::search::answer(&datagram, PORT, joined.ioc.database()) {
        search.datagram(sender, &answer, &mut found);
    }
    let tags: Vec<u32> = found.iter().map(|f| f.tag).collect();
    assert_eq!(tags, [0, 2]);
    assert!(found.iter().all(|f| f.server == SocketAddrV4::new(Ipv4Addr::LOCALHOST, PORT)));
    assert_eq!(search.missing().map(PvName::as_str).collect::<Vec<_>>(), ["A:NOBODY"]);
}

const TEN_AT_TEN_HERTZ: &str = r#"
[[pv]]
name = "A:P{0..9}"
change = { pattern = "periodic", rate_hz = 10 }
[[client]]
name = "c"
fetch = "monitor"
"#;

fn tally(joined: &Joined) -> Tally {
    let natives = joined.natives.iter().enumerate();
    let followed: Vec<Followed> =
        natives.map(|(i, native)| Followed { pv: PvId(i as u32), native: *native, labels: 0 }).collect();
    Tally::new(&followed, Facts::News)
}

/// A change that the IOC made.
type Posted = (PvId, Seq, Tick);

/// Polls for ten seconds; an asking takes 200 µs, half of it each way.
fn poll(fetch: Fetch, pacing: Pacing) -> (Joined, Tally, Vec<Observation>, Vec<Posted>) {
    let mut joined = Joined::connect(TEN_AT_TEN_HERTZ);
    let mut tally = tally(&joined);
    let mut poller = Poller::new(fetch, pacing, 10, 3);
    let (mut observations, mut posted) = (Vec::new(), Vec::new());
    while joined.now < Tick(10_000 * MS) {
        match poller.next(joined.now) {
            Action::WaitUntil(due) => joined.pass_until(due, &mut posted),
            Action::Ask { which, .. } => {
                let asked = joined.now;
                for tag in which {
                    joined.get(tag, DbrClass::Time, NativeType::Double);
                }
                joined.pass_until(asked + Span(MS / 10), &mut posted);
                let seen = joined.exchange();
                joined.pass_until(asked + Span(MS / 5), &mut posted);
                let mut news = false;
                for seen in seen {
                    let note = tally.got(seen.tag as usize, Some(seen.carried), asked, joined.now);
                    news |= note.news;
                    observations.extend(note.record);
                }
                poller.answered(joined.now, news);
            }
        }
    }
    (joined, tally, observations, posted)
}

#[test]
fn what_a_poller_counts_is_what_the_ioc_counts() {
    let period = Span::from_millis(17);
    for (fetch, pacing) in [
        (Fetch::Batch, Pacing::FixedDelay { period }),
        (Fetch::Serial, Pacing::FixedRate { period }),
        (Fetch::Batch, Pacing::Backoff { first: Span::from_millis(10), last: Span::from_millis(80) }),
        (Fetch::Serial, Pacing::Spin),
        (Fetch::Batch, Pacing::Hybrid { sleep: Span::from_millis(50) }),
    ] {
        let (joined, tally, observations, posted) = poll(fetch, pacing.clone());
        let counted = joined.ioc.ledger().accounts()[0].total();
        let own = tally.finish(0);
        assert_eq!(
            (own.requests, own.redundant),
            (Some(counted.requests), Some(counted.redundant)),
            "{fetch:?} {pacing:?}"
        );
        assert_eq!(counted.requests - counted.redundant, observations.len() as u64);
        for o in &observations {
            let emitted = o.seq == Seq(0) || posted.iter().any(|p| p.0 == o.pv && p.1 == o.seq && p.2 <= o.received);
            assert!(emitted, "{o:?} was not emitted before");
        }
    }
}

#[test]
fn a_fast_poller_sees_every_change_and_asks_mostly_in_vain() {
    let (_, tally, observations, posted) = poll(Fetch::Batch, Pacing::FixedDelay { period: Span::from_millis(10) });
    let own = tally.finish(0);
    // λT with T = 10.2 ms and λ = 10/s: what is expected of periodic changes is 1 - λT.
    let redundant = own.redundant.unwrap() as f64 / own.requests.unwrap() as f64;
    assert!((redundant - (1.0 - 0.102)).abs() < 0.005, "redundant fraction {redundant}");
    let seen: HashSet<(PvId, Seq)> = observations.iter().map(|o| (o.pv, o.seq)).collect();
    let last = Tick(9_900 * MS);
    assert!(posted.iter().filter(|p| p.2 < last).all(|p| seen.contains(&(p.0, p.1))));
    // Each PV is noticed on average half a period and half a round trip late.
    let latencies = posted.iter().filter(|p| p.2 < last).filter_map(|p| {
        let noticed = observations.iter().find(|o| o.pv == p.0 && o.seq >= p.1)?;
        Some(noticed.received.signed_since(p.2) as f64 / MS as f64)
    });
    let latencies: Vec<f64> = latencies.collect();
    let mean = latencies.iter().sum::<f64>() / latencies.len() as f64;
    assert!((mean - 5.2).abs() < 0.5, "mean notice latency {mean} ms");
}

#[test]
fn a_monitor_gets_its_initial_value_and_every_change() {
    let mut joined = Joined::connect(TEN_AT_TEN_HERTZ);
    let dbr = DbrType { class: DbrClass::Time, native: NativeType::Double };
    let channels = joined.channels.clone();
    for (tag, channel) in channels.iter().enumerate() {
        joined.client.subscribe(*channel, dbr.code(), 1, dbe::VALUE | dbe::ALARM, tag as u32).unwrap();
    }
    assert_eq!(joined.exchange().len(), 10, "initial values");
    let (mut updates, mut posted) = (Vec::new(), Vec::new());
    for ms in 0..1000 {
        joined.pass_until(Tick(ms * MS), &mut posted);
        updates.extend(joined.exchange().iter().map(|s| (PvId(s.tag), Seq(s.carried as u64))));
    }
    assert!(posted.len() >= 90);
    assert_eq!(updates.len(), posted.len());
    assert!(posted.iter().all(|p| updates.contains(&(p.0, p.1))));
}

#[test]
fn flow_control_holds_updates_back_and_keeps_the_newest() {
    let mut joined = Joined::connect(TEN_AT_TEN_HERTZ);
    let dbr = DbrType { class: DbrClass::Time, native: NativeType::Double };
    joined.client.subscribe(joined.channels[0], dbr.code(), 1, dbe::VALUE, 0).unwrap();
    joined.exchange();
    joined.client.events(false);
    joined.exchange();
    let mut posted = Vec::new();
    for ms in 0..1000 {
        joined.pass_until(Tick(ms * MS), &mut posted);
        assert!(joined.exchange().is_empty());
    }
    joined.client.events(true);
    let last = posted.iter().filter(|p| p.0 == PvId(0)).map(|p| p.1).max().unwrap();
    assert_eq!(joined.exchange().last().map(|s| Seq(s.carried as u64)), Some(last));
}

#[test]
fn a_channel_cleared_while_updates_are_on_their_way_is_silent() {
    let mut joined = Joined::connect(TEN_AT_TEN_HERTZ);
    let dbr = DbrType { class: DbrClass::Plain, native: NativeType::Double };
    let channels = joined.channels.clone();
    for (tag, channel) in channels.iter().enumerate() {
        joined.client.subscribe(*channel, dbr.code(), 1, dbe::VALUE, tag as u32).unwrap();
    }
    joined.exchange();
    joined.pass_until(Tick(100 * MS), &mut Vec::new());
    for channel in channels {
        joined.client.clear(channel);
    }
    let out = joined.client.to_send().to_vec();
    joined.client.sent(out.len());
    joined.ioc.work(joined.id, joined.now, BUDGET);
    joined.ioc.received(joined.id, &out, joined.now);
    joined.ioc.work(joined.id, joined.now, BUDGET);
    let back = joined.ioc.unsent(joined.id).to_vec();
    let spare = joined.client.spare();
    spare[..back.len()].copy_from_slice(&back);
    joined.client.filled(back.len());
    let mut cleared = 0;
    while let Some(event) = joined.client.next_event().unwrap() {
        match event {
            Event::Cleared { .. } => cleared += 1,
            Event::Nothing => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(cleared, 10);
    joined.ioc.close(joined.id, CloseReason::ByClient);
}
