//! Gets and puts.

use super::request_type::RequestType;
use super::session::{Outcome, Session};
use crate::ca::dbr::{self, DbrType, ExtraType};
use crate::ca::header::Header;
use crate::ca::message::{self, command, eca, padded};
use crate::ioc::World;
use crate::ioc::closing::CloseReason;
use crate::ioc::record::{Properties, Snapshot};
use crate::pv::PvId;
use crate::time::Tick;
use crate::trace::Request;

impl Session {
    /// READ_NOTIFY and its forerunner READ, which answers with the client's identifier of the channel instead of a status.
    pub(super) fn read(&mut self, header: &Header, world: &mut World, now: Tick) -> Result<(), CloseReason> {
        let channel = self.known_channel(header)?;
        let (cid, pv, place) = (channel.cid, channel.pv, channel.place);
        let request = self.known_type(header)?;
        let Some((properties, record)) = world.database.get(pv) else { return Ok(()) };
        let snapshot = record.current();
        let count = request.answered_count(header.count, snapshot);
        if padded(request.payload_size(count)) > world.limits.payload as usize {
            self.error(header, eca::TOLARGE, &too_many(count, world.limits.payload));
            return Ok(());
        }
        if let Some((account, row)) = place {
            world.ledger.read(account, row, snapshot.version, now);
        }
        if let Some(requests) = &mut world.requests {
            requests.push((self.listener, Request { pv, received: now, replied: now, seq: snapshot.seq }));
        }
        let notify = header.command == command::READ_NOTIFY;
        let reply = Header { p1: if notify { eca::NORMAL } else { cid }, ..*header };
        let status = append_value(&mut self.out.bytes, reply, request, count, snapshot, properties);
        match status {
            Err(status) if notify => append_failure(&mut self.out.bytes, reply, request, status),
            Err(status) => self.error(header, status, "the value cannot be given in this type"),
            Ok(()) => {}
        }
        Ok(())
    }

    /// WRITE and WRITE_NOTIFY. Only the latter is answered when all is well.
    pub(super) fn write(&mut self, header: &Header, payload: &[u8], world: &mut World, now: Tick) -> Outcome {
        let pv = self.known_channel(header)?.pv;
        let put = world.put(pv, header, payload, now);
        let status = put.as_ref().map_or_else(|refused| refused.status, |_| eca::NORMAL);
        if header.command == command::WRITE_NOTIFY {
            message::write_done(&mut self.out.bytes, header.data_type, header.count, status, header.p2);
        } else if let Err(refused) = &put {
            self.error(header, refused.status, &refused.why);
        }
        match put {
            Ok(posting) => Ok(posting.map(|posting| (pv, posting))),
            Err(refused) if refused.status == eca::BADTYPE => {
                Err(CloseReason::UnknownType { command: header.command, data_type: header.data_type })
            }
            Err(_) => Ok(None),
        }
    }

    /// The request type of a message, closing the circuit when there is none.
    pub(super) fn known_type(&mut self, header: &Header) -> Result<RequestType, CloseReason> {
        RequestType::from_code(header.data_type).ok_or_else(|| {
            let reason = CloseReason::UnknownType { command: header.command, data_type: header.data_type };
            self.fatal(header, eca::BADTYPE, reason)
        })
    }
}

/// Why a put was not taken.
struct Refused {
    status: u32,
    why: String,
}

impl World {
    /// A client's put; `Ok(None)`: it was taken and changes nothing (an alarm's acknowledgement).
    fn put(
        &mut self,
        pv: PvId,
        header: &Header,
        payload: &[u8],
        now: Tick,
    ) -> Result<Option<crate::ioc::record::Posting>, Refused> {
        let refused = |status, why: &dyn ToString| Refused { status, why: why.to_string() };
        let Some((properties, _)) = self.database.get(pv) else { return Ok(None) };
        let dbr = DbrType::from_code(header.data_type);
        let acknowledges =
            matches!(ExtraType::from_code(header.data_type), Some(ExtraType::PutAckT | ExtraType::PutAckS));
        if dbr.is_none() && !acknowledges {
            return Err(refused(eca::BADTYPE, &"this type cannot be put"));
        }
        if !properties.writable {
            return Err(refused(eca::NOWTACCESS, &"the scenario does not say writable = true of this PV"));
        }
        let Some(dbr) = dbr else { return Ok(None) };
        if header.count == 0 && properties.count == 1 {
            return Err(refused(eca::PUTFAIL, &"no element to put"));
        }
        // More elements than the record has are left out (`dbAccess.c`, `dbPut`).
        let count = (header.count as usize).min(properties.count);
        let decoded = dbr::decode(dbr, count, payload).map_err(|e| refused(e.status(), &e))?;
        let stamp = self.wall.stamp(now);
        let posting = self.database.put(pv, &decoded.value, stamp).map_err(|e| refused(e.put_status(), &e))?;
        Ok(Some(posting))
    }
}

/// Appends a reply or an event with its value; `header` has the command, the identifiers and the count as it was asked.
/// On error nothing is appended, and the status is returned.
pub(super) fn append_value(
    out: &mut Vec<u8>,
    header: Header,
    request: RequestType,
    count: usize,
    snapshot: &Snapshot,
    properties: &Properties,
) -> Result<(), u32> {
    let from = out.len();
    let size = padded(request.payload_size(count));
    Header { payload_size: size as u32, count: count as u32, ..header }.encode(out);
    let payload = out.len();
    match request.encode(out, count, snapshot, properties) {
        Ok(()) => {
            out.resize(payload + size, 0);
            Ok(())
        }
        Err(error) => {
            out.truncate(from);
            Err(error.get_status())
        }
    }
}

/// Appends a reply or an event that failed: zeros as many as were asked for, or an empty value when the count was left
/// to us; the status stands where success would (`camessage.c`, `read_reply`).
pub(super) fn append_failure(out: &mut Vec<u8>, header: Header, request: RequestType, status: u32) {
    let size = padded(request.payload_size(header.count as usize));
    Header { payload_size: size as u32, p1: status, ..header }.encode(out);
    let payload = out.len();
    out.resize(payload + size, 0);
}

/// Why a request is too large.
pub(super) fn too_many(count: usize, limit: u32) -> String {
    format!("{count} elements do not fit a payload of {limit} bytes, which is the limit (EPICS_CA_MAX_ARRAY_BYTES)")
}
