//! What the harness and its child processes say to each other: one JSON message a line, over standard input and output.
//!
//! The IOC: [`IocSetup`] in, [`IocReply::Ready`] out; then for each segment [`IocCommand::Begin`], answered by
//! [`IocReply::Begun`] before the client starts so that not one of its requests goes uncounted, [`IocCommand::Window`]
//! once the client is ready, [`IocCommand::End`] answered by [`IocReply::Ledger`]. A native client: [`ClientSetup`] in,
//! [`ClientReply::Ready`] out, [`Window`] in, [`ClientReply::Done`] out. Either ends when its standard input closes.

use std::os::fd::RawFd;

use serde::{Deserialize, Serialize};

use crate::pv::{NativeType, PvId, PvName, Seq};
use crate::scenario::model::{ClientSpec, Facts, Scenario};
use crate::time::{Span, Tick};
use crate::trace::{ClientTally, Emission, IocTally, LedgerRow, Observation, Request, Window};

use super::recording::Record;

/// What an IOC process is told first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IocSetup {
    /// What to serve.
    pub scenario: Scenario,
    /// Which repeat this is.
    pub repeat: u32,
    /// How many listeners: one for each client, so that the ledger knows whose request it is without trusting the client.
    pub listeners: usize,
    /// The first listener's port; 0: any free ones.
    pub port: u16,
    /// Inherited descriptor of the emissions' recording.
    pub emissions: RawFd,
    /// Inherited descriptor of the requests' recording, with `facts = "full"`.
    pub requests: Option<RawFd>,
}

/// What the harness asks of an IOC.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum IocCommand {
    /// Start changing values: generators anew from this seed, first deadlines after `at`.
    Begin {
        /// The PVs that change: those that the clients to come look at.
        pvs: Vec<PvId>,
        /// Seed of the generators and phases.
        seed: u64,
        /// The generators' time zero.
        at: Tick,
    },
    /// The measuring window of these listeners' clients. Always told before it opens.
    Window {
        /// The window.
        window: Window,
    },
    /// Go away at this instant, and come back: see [`crate::scenario::model::Restart`].
    Restart {
        /// When.
        at: Tick,
        /// For how long.
        down: Span,
    },
    /// Stop changing values, and report.
    End,
}

/// What an IOC answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum IocReply {
    /// Listening: the ports, TCP and UDP alike, one for each listener.
    Ready {
        /// In the order of the listeners.
        ports: Vec<u16>,
    },
    /// `Begin` is done: all counts are zero, and what comes from now on is counted.
    Begun,
    /// The counts since `Begin`, by listener; circuits may still be open.
    Ledger {
        /// In the order of the listeners.
        listeners: Vec<ListenerLedger>,
        /// Circuits closed for a reason that a reader should know.
        warnings: Vec<String>,
    },
}

/// The ledger of one listener.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListenerLedger {
    /// PVs that the client touched, in their order.
    pub rows: Vec<LedgerRow>,
    /// Over all PVs.
    pub tally: IocTally,
}

impl ListenerLedger {
    /// Several together: those of one client's copies.
    #[must_use]
    pub fn sum(ledgers: &[ListenerLedger]) -> ListenerLedger {
        if let [only] = ledgers {
            return only.clone();
        }
        let mut sum = ListenerLedger {
            rows: LedgerRow::sum(ledgers.iter().map(|l| l.rows.as_slice())),
            ..ListenerLedger::default()
        };
        ledgers.iter().for_each(|ledger| sum.tally.add(&ledger.tally));
        sum
    }
}

/// What a native client process is told first. Where the IOC is, the `EPICS_CA_*` variables of its environment say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientSetup {
    /// What to do.
    pub spec: ClientSpec,
    /// The spec's PVs, in its order.
    pub pvs: Vec<ClientPv>,
    /// Its copies: at least one.
    pub copies: Vec<CopySetup>,
    /// How much to record.
    pub facts: Facts,
    /// Give up connecting after this long.
    pub connect_timeout: Span,
    /// Inherited descriptor of the observations' recording.
    pub observations: RawFd,
}

/// What one of a client's copies is told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CopySetup {
    /// The port of its listener on the loopback interface.
    pub port: u16,
    /// Seed of the poll phase and of jitter.
    pub seed: u64,
}

/// What a native client needs to know of a PV.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientPv {
    /// Which.
    pub id: PvId,
    /// Its name.
    pub name: PvName,
    /// Its native type.
    pub native: NativeType,
    /// How many labels it has, if it is an enum: they bound the numbers that it carries.
    pub labels: usize,
}

/// What a native client answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ClientReply {
    /// It has a first value of every PV.
    Ready {
        /// When it had the last of them.
        at: Tick,
    },
    /// It could not connect.
    NotConnected {
        /// The PVs that nobody answered for.
        missing: Vec<PvName>,
    },
    /// It lost its IOC.
    Lost {
        /// In words.
        why: String,
    },
    /// The window and its drain are over.
    Done {
        /// What it counted.
        tally: Box<ClientTally>,
        /// What the reader should know.
        remarks: Vec<String>,
    },
}

/// An emission as a record.
#[must_use]
pub fn emission_record(e: &Emission) -> Record {
    [u64::from(e.pv.0), e.seq.0, e.due.0, e.posted.0]
}

/// The emission that a record holds.
#[must_use]
pub fn record_emission(r: &Record) -> Emission {
    Emission { pv: PvId(r[0] as u32), seq: Seq(r[1]), due: Tick(r[2]), posted: Tick(r[3]) }
}

const FIRST: u64 = 1 << 32;
const COPY_SHIFT: u32 = 33;

/// An observation as a record; an `asked` of `u64::MAX` stands for none.
#[must_use]
pub fn observation_record(o: &Observation) -> Record {
    let first = if o.first { FIRST } else { 0 };
    [
        u64::from(o.pv.0) | first | u64::from(o.copy) << COPY_SHIFT,
        o.seq.0,
        o.asked.map_or(u64::MAX, |t| t.0),
        o.received.0,
    ]
}

/// The observation that a record holds.
#[must_use]
pub fn record_observation(r: &Record) -> Observation {
    Observation {
        pv: PvId(r[0] as u32),
        seq: Seq(r[1]),
        asked: (r[2] != u64::MAX).then_some(Tick(r[2])),
        received: Tick(r[3]),
        first: r[0] & FIRST != 0,
        copy: (r[0] >> COPY_SHIFT) as u32,
    }
}

/// A request as a record, with the listener that it came to.
#[must_use]
pub fn request_record(listener: usize, r: &Request) -> Record {
    [u64::from(r.pv.0) | (listener as u64) << 32, r.received.0, r.replied.0, r.seq.0]
}

/// The listener and the request that a record holds.
#[must_use]
pub fn record_request(r: &Record) -> (usize, Request) {
    let request = Request { pv: PvId(r[0] as u32), received: Tick(r[1]), replied: Tick(r[2]), seq: Seq(r[3]) };
    ((r[0] >> 32) as usize, request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_hold_their_facts() {
        let o = Observation { pv: PvId(7), seq: Seq(9), asked: None, received: Tick(11), first: true, copy: 5 };
        assert_eq!(record_observation(&observation_record(&o)), o);
        let o = Observation { asked: Some(Tick(0)), first: false, ..o };
        assert_eq!(record_observation(&observation_record(&o)), o);
        let r = Request { pv: PvId(3), received: Tick(1), replied: Tick(2), seq: Seq(4) };
        assert_eq!(record_request(&request_record(5, &r)), (5, r));
        let e = Emission { pv: PvId(3), seq: Seq(1), due: Tick(2), posted: Tick(4) };
        assert_eq!(record_emission(&emission_record(&e)), e);
    }
}
