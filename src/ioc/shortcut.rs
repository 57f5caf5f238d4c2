//! Gets of a simulation, answered without their bytes.
//!
//! A simulation spends nearly all of its time on gets, and most of that on writing and reading messages that only one process
//! will ever see. Here a get is what it comes to: the number that the value carries, the count in the ledger, and how many
//! bytes request and reply would have had. That nothing else comes of it is held by a test that lets whole scenarios go both
//! ways and compares every fact and every count.

use super::circuit::request_type::RequestType;
use super::ledger::{AccountId, RowId};
use super::{CircuitId, Ioc};
use crate::ca::decimal::leading_double;
use crate::ca::header::{EXTENDED_HEADER_SIZE, HEADER_SIZE};
use crate::ca::message::padded;
use crate::pv::{PvId, Value};
use crate::time::Tick;
use crate::trace::Request;

/// A get that is made again and again: everything that is the same each time.
#[derive(Clone, Copy, Debug)]
pub struct Shortcut {
    pv: PvId,
    listener: usize,
    account: AccountId,
    row: RowId,
    /// Bytes of the request.
    pub bytes_in: usize,
    /// Bytes of the reply.
    pub bytes_out: usize,
}

impl Ioc {
    /// The get of `count` elements of a PV as a DBR type, over a circuit that has a channel to it; `None` where it would not be answered
    /// with a value.
    pub fn shortcut(&mut self, id: CircuitId, pv: PvId, dbr: u16, count: u32) -> Option<Shortcut> {
        let circuit = self.circuits.get(id.0)?;
        let (account, listener) = (circuit.account()?, circuit.listener());
        let (_, record) = self.world.database.get(pv)?;
        let request = RequestType::from_code(dbr)?;
        let count = request.answered_count(count, record.current());
        let payload = padded(request.payload_size(count));
        if payload > self.world.limits.payload as usize {
            return None;
        }
        let header = |payload: usize| match payload.max(count) >= usize::from(u16::MAX) {
            true => EXTENDED_HEADER_SIZE,
            false => HEADER_SIZE,
        };
        let row = self.world.ledger.row(account, pv);
        Some(Shortcut { pv, listener, account, row, bytes_in: header(0), bytes_out: header(payload) + payload })
    }

    /// Makes the get: the number that the value carries.
    #[inline]
    pub fn get(&mut self, get: &Shortcut, now: Tick) -> Option<f64> {
        let (_, record) = self.world.database.get(get.pv)?;
        let snapshot = record.current();
        self.world.ledger.read(get.account, get.row, snapshot.version, now);
        if let Some(requests) = &mut self.world.requests {
            requests.push((get.listener, Request { pv: get.pv, received: now, replied: now, seq: snapshot.seq }));
        }
        carried(&snapshot.value)
    }

    /// Counts the bytes of gets that were made so, as if they had come and gone on the circuit.
    pub fn count_bytes(&mut self, get: &Shortcut, bytes_in: usize, bytes_out: usize, now: Tick) {
        self.world.ledger.bytes(get.account, bytes_in, bytes_out, now);
    }
}

/// The number in element 0, as a client reads it.
fn carried(value: &Value) -> Option<f64> {
    match value {
        Value::String(v) => leading_double(v.first()?).ok(),
        Value::Short(v) => v.first().copied().map(f64::from),
        Value::Float(v) => v.first().copied().map(f64::from),
        Value::Enum(v) => v.first().copied().map(f64::from),
        Value::Char(v) => v.first().copied().map(f64::from),
        Value::Long(v) => v.first().copied().map(f64::from),
        Value::Double(v) => v.first().copied(),
    }
}
