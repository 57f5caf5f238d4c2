//! The IOC of this program, in a process of its own as in a run, and a client on its circuit.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::process::Command;

use pollcost::ca::dbr::{self, DbrClass, DbrType};
use pollcost::ca::message::dbe;
use pollcost::client::event::ChannelId;
use pollcost::client::{Event, Identity};
use pollcost::io::clock;
use pollcost::io::control::{IocCommand, IocReply, IocSetup, ListenerLedger, record_emission};
use pollcost::io::net::{ECHO_PATIENCE, Link, Manners};
use pollcost::io::recording::Recording;
use pollcost::pv::{NativeType, PvId, PvName};
use pollcost::scenario::{Source, read};
use pollcost::time::{Span, Tick};
use pollcost::trace::{Emission, Window};

use super::elsewhere::Program;

/// `DBR_TIME_DOUBLE`.
pub(crate) fn time_double() -> DbrType {
    DbrType { class: DbrClass::Time, native: NativeType::Double }
}

/// `DBR_DOUBLE`.
pub(crate) fn plain_double() -> DbrType {
    DbrType { class: DbrClass::Plain, native: NativeType::Double }
}

/// A running IOC of ours.
pub(crate) struct Ours {
    pub(crate) program: Program,
    pub(crate) port: u16,
    emissions: Recording,
    pvs: u32,
}

impl Ours {
    /// Serves `pvs` PVs `BENCH:0`... that change so many times a second, once begun. `top` are keys of the scenario.
    pub(crate) fn start(pvs: usize, rate_hz: f64, top: &str) -> Ours {
        let last = pvs - 1;
        let name = if pvs == 1 { "BENCH:0".to_owned() } else { format!("BENCH:{{0..{last}}}") };
        let text = format!(
            "{top}\n[[pv]]\nname = \"{name}\"\nchange = {{ pattern = \"periodic\", rate_hz = {rate_hz:?} }}\n\
             [[client]]\nname = \"bench\"\nfetch = \"monitor\"\n"
        );
        let source = Source { file: "the benchmark", name: "bench", text: &text };
        let scenario = read(source, &|_| Err("no files here".to_owned())).unwrap();
        let emissions = Recording::new(8_000_000).unwrap();
        let inherited = emissions.for_child().unwrap();
        let setup =
            IocSetup { scenario, repeat: 0, listeners: 1, port: 0, emissions: inherited.as_raw_fd(), requests: None };
        let mut program = Program::start(Command::new(env!("CARGO_BIN_EXE_pollcost")).arg("internal-ioc"));
        let reply = program.ask(&serde_json::to_string(&setup).unwrap());
        let IocReply::Ready { ports } = serde_json::from_str(&reply).unwrap() else { panic!("{reply}") };
        Ours { program, port: ports[0], emissions, pvs: pvs as u32 }
    }

    /// Values change from now on.
    pub(crate) fn begin(&mut self) {
        let pvs = (0..self.pvs).map(PvId).collect();
        let begin = IocCommand::Begin { pvs, seed: 1, at: clock::now() };
        let _ = self.program.ask(&serde_json::to_string(&begin).unwrap());
        let window = Window { open: clock::now(), close: Tick(u64::MAX), end: Tick(u64::MAX) };
        self.program.tell(&serde_json::to_string(&IocCommand::Window { window }).unwrap());
    }

    /// They stay as they are; what was counted and what was changed since the last time.
    pub(crate) fn end(&mut self) -> (ListenerLedger, Vec<Emission>) {
        let reply = self.program.ask(&serde_json::to_string(&IocCommand::End).unwrap());
        let IocReply::Ledger { mut listeners, .. } = serde_json::from_str(&reply).unwrap() else { panic!("{reply}") };
        let (records, lost) = self.emissions.read_new().unwrap();
        assert_eq!(lost, 0);
        (listeners.remove(0), records.iter().map(record_emission).collect())
    }
}

/// A connected channel of one PV.
pub(crate) struct Client {
    pub(crate) link: Link,
    pub(crate) channel: ChannelId,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Client {
        let identity = Identity { host: "bench".to_owned(), user: "bench".to_owned(), priority: 0 };
        let patience = Span::from_secs(30);
        let manners = Manners { identity, payload_limit: 1 << 24, patience, echo_patience: ECHO_PATIENCE };
        let server = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let mut link = Link::connect(server, &manners, Span::from_secs(10)).unwrap();
        let channel = link.circuit().create(&PvName::new("BENCH:0").unwrap(), 0).unwrap();
        loop {
            link.exchange().unwrap();
            let mut opened = false;
            while let Some(event) = link.next_event().unwrap() {
                opened |= matches!(event, Event::Opened { .. });
            }
            if opened {
                return Client { link, channel };
            }
        }
    }

    pub(crate) fn subscribe(&mut self) {
        self.link.circuit().subscribe(self.channel, time_double().code(), 1, dbe::VALUE, 0).unwrap();
        assert!(self.link.flush().unwrap());
    }

    /// Waits for updates and notes `(value, received)` until `deadline`.
    pub(crate) fn updates_until(&mut self, deadline: Tick, notes: &mut Vec<(u64, u64)>) {
        while clock::now() < deadline {
            // As a native client of a run: it blocks in `read`, so the last wait may be longer.
            self.link.exchange().unwrap();
            let received = clock::now();
            while let Some(event) = self.link.next_event().unwrap() {
                if let Event::Update { data, .. } = event {
                    let value = dbr::first_element(time_double(), data.payload).unwrap_or_default();
                    notes.push((value as u64, received.0));
                }
            }
        }
    }

    /// One get and its reply; how long it took.
    pub(crate) fn get(&mut self) -> Span {
        let asked = clock::now();
        self.gets(time_double().code(), 1);
        clock::now().saturating_since(asked)
    }

    /// So many gets in one flush, and a wait for all.
    pub(crate) fn gets(&mut self, dbr: u16, outstanding: usize) {
        for _ in 0..outstanding {
            self.link.circuit().get(self.channel, dbr, 1).unwrap();
        }
        let mut answered = 0;
        while answered < outstanding {
            self.link.exchange().unwrap();
            while let Some(event) = self.link.next_event().unwrap() {
                answered += usize::from(matches!(event, Event::Got { .. }));
            }
        }
    }
}
