//! The messages of both circuits: command codes, status codes, and one writer for each message.
//!
//! Writers append to a byte buffer, payload padded to 8 bytes. Reading is a [`super::stream::Frame`]
//! and the few helpers here for payloads that are not DBR data.

use super::header::{Header, MINOR_VERSION};

/// Command codes (`caProto.h`).
pub mod command {
    #![allow(missing_docs, reason = "the names are the protocol's own")]
    pub const VERSION: u16 = 0;
    pub const EVENT_ADD: u16 = 1;
    pub const EVENT_CANCEL: u16 = 2;
    pub const READ: u16 = 3;
    pub const WRITE: u16 = 4;
    pub const SEARCH: u16 = 6;
    pub const EVENTS_OFF: u16 = 8;
    pub const EVENTS_ON: u16 = 9;
    pub const READ_SYNC: u16 = 10;
    pub const ERROR: u16 = 11;
    pub const CLEAR_CHANNEL: u16 = 12;
    pub const RSRV_IS_UP: u16 = 13;
    pub const NOT_FOUND: u16 = 14;
    pub const READ_NOTIFY: u16 = 15;
    pub const CREATE_CHAN: u16 = 18;
    pub const WRITE_NOTIFY: u16 = 19;
    pub const CLIENT_NAME: u16 = 20;
    pub const HOST_NAME: u16 = 21;
    pub const ACCESS_RIGHTS: u16 = 22;
    pub const ECHO: u16 = 23;
    pub const CREATE_CH_FAIL: u16 = 26;
    pub const SERVER_DISCONN: u16 = 27;
}

/// Status codes (`caerr.h`, `DEFMSG(severity, number)`: number << 3 | severity).
pub mod eca {
    #![allow(missing_docs, reason = "the names are the protocol's own")]
    const WARNING: u32 = 0;
    const SUCCESS: u32 = 1;
    const ERROR: u32 = 2;
    const FATAL: u32 = 6;
    const fn message(severity: u32, number: u32) -> u32 {
        number << 3 | severity
    }
    pub const NORMAL: u32 = message(SUCCESS, 0);
    pub const ALLOCMEM: u32 = message(WARNING, 6);
    pub const TOLARGE: u32 = message(WARNING, 9);
    pub const BADTYPE: u32 = message(ERROR, 14);
    pub const INTERNAL: u32 = message(FATAL, 17);
    pub const GETFAIL: u32 = message(WARNING, 19);
    pub const PUTFAIL: u32 = message(WARNING, 20);
    pub const BADCOUNT: u32 = message(WARNING, 22);
    pub const BADSTR: u32 = message(ERROR, 23);
    pub const BADMONID: u32 = message(ERROR, 30);
    pub const DEFUNCT: u32 = message(FATAL, 34);
    pub const NORDACCESS: u32 = message(WARNING, 46);
    pub const NOWTACCESS: u32 = message(WARNING, 47);
    pub const NOCONVERT: u32 = message(WARNING, 50);
    pub const BADCHID: u32 = message(ERROR, 51);
    pub const BADMASK: u32 = message(ERROR, 41);
}

/// Event mask bits (`caeventmask.h`).
pub mod dbe {
    #![allow(missing_docs, reason = "the names are the protocol's own")]
    pub const VALUE: u16 = 1;
    pub const LOG: u16 = 2;
    pub const ALARM: u16 = 4;
    pub const PROPERTY: u16 = 8;
}

/// Access rights bits.
pub mod access {
    #![allow(missing_docs, reason = "the names are the protocol's own")]
    pub const READ: u32 = 1;
    pub const WRITE: u32 = 2;
}

/// What a SEARCH asks of a server that does not have the name (`caProto.h`, `DOREPLY`, `DONTREPLY`).
pub mod search_reply {
    #![allow(missing_docs, reason = "the names are the protocol's own")]
    pub const DO: u16 = 10;
    pub const DONT: u16 = 5;
}

/// `size` rounded up to a multiple of 8, as every payload is.
#[must_use]
pub fn padded(size: usize) -> usize {
    size.div_ceil(8) * 8
}

/// A payload's text up to its first NUL; anything that is not UTF-8 is replaced.
#[must_use]
pub fn text(payload: &[u8]) -> std::borrow::Cow<'_, str> {
    let end = payload.iter().position(|b| *b == 0).unwrap_or(payload.len());
    String::from_utf8_lossy(&payload[..end])
}

fn empty(out: &mut Vec<u8>, command: u16, data_type: u16, count: u32, p1: u32, p2: u32) {
    Header { command, payload_size: 0, data_type, count, p1, p2 }.encode(out);
}

fn with_text(out: &mut Vec<u8>, mut header: Header, text: &str) {
    let size = padded(text.len() + 1);
    header.payload_size = size as u32;
    header.encode(out);
    let from = out.len();
    out.extend_from_slice(text.as_bytes());
    out.resize(from + size, 0);
}

/// VERSION as a client says it: the circuit's priority (0 to 99) in the data type.
pub fn client_version(out: &mut Vec<u8>, priority: u16) {
    empty(out, command::VERSION, priority, u32::from(MINOR_VERSION), 0, 0);
}

/// VERSION as a server says it when a circuit opens.
pub fn server_version(out: &mut Vec<u8>) {
    empty(out, command::VERSION, 0, u32::from(MINOR_VERSION), 0, 0);
}

/// VERSION at the head of a datagram, with its sequence number (`udpiiu.cpp`).
pub fn datagram_version(out: &mut Vec<u8>, sequence: Option<u32>) {
    match sequence {
        Some(number) => empty(out, command::VERSION, 1, u32::from(MINOR_VERSION), number, 0),
        None => empty(out, command::VERSION, 0, u32::from(MINOR_VERSION), 0, 0),
    }
}

/// HOST_NAME of the client.
pub fn host_name(out: &mut Vec<u8>, name: &str) {
    with_text(out, Header { command: command::HOST_NAME, ..Header::default() }, name);
}

/// CLIENT_NAME: the client's user.
pub fn client_name(out: &mut Vec<u8>, name: &str) {
    with_text(out, Header { command: command::CLIENT_NAME, ..Header::default() }, name);
}

/// SEARCH for a name; `cid` is the client's identifier of the channel.
pub fn search(out: &mut Vec<u8>, name: &str, cid: u32, reply: u16) {
    let header = Header {
        command: command::SEARCH,
        data_type: reply,
        count: u32::from(MINOR_VERSION),
        p1: cid,
        p2: cid,
        ..Header::default()
    };
    with_text(out, header, name);
}

/// The answer to a SEARCH datagram: the server's TCP port, its address (`u32::MAX`: the datagram's sender) and the client's
/// identifier. The payload is the server's protocol version.
pub fn search_found(out: &mut Vec<u8>, port: u16, address: u32, cid: u32) {
    Header { command: command::SEARCH, payload_size: 8, data_type: port, count: 0, p1: address, p2: cid }.encode(out);
    out.extend_from_slice(&MINOR_VERSION.to_be_bytes());
    out.extend_from_slice(&[0; 6]);
}

/// The answer to a SEARCH over TCP: as [`search_found`], without payload, since the circuit has its version already
/// (`camessage.c`, `search_reply_tcp`). The address `u32::MAX` is the circuit's other end.
pub fn search_found_on_circuit(out: &mut Vec<u8>, port: u16, address: u32, cid: u32) {
    empty(out, command::SEARCH, port, 0, address, cid);
}

/// NOT_FOUND, for a SEARCH that asked for an answer either way.
pub fn not_found(out: &mut Vec<u8>, cid: u32) {
    empty(out, command::NOT_FOUND, search_reply::DO, u32::from(MINOR_VERSION), cid, cid);
}

/// A beacon: the server's TCP port, its number and its address (0: the datagram's sender).
pub fn beacon(out: &mut Vec<u8>, port: u16, number: u32, address: u32) {
    empty(out, command::RSRV_IS_UP, MINOR_VERSION, u32::from(port), number, address);
}

/// CREATE_CHAN as a client asks it: its identifier, its protocol version and the name.
pub fn create_channel(out: &mut Vec<u8>, cid: u32, name: &str) {
    let header = Header { command: command::CREATE_CHAN, p1: cid, p2: u32::from(MINOR_VERSION), ..Header::default() };
    with_text(out, header, name);
}

/// CREATE_CHAN as a server answers it: native type, element count, the client's and the server's identifier.
pub fn channel_created(out: &mut Vec<u8>, native: u16, count: u32, cid: u32, sid: u32) {
    empty(out, command::CREATE_CHAN, native, count, cid, sid);
}

/// CREATE_CH_FAIL: the server has no such channel.
pub fn create_failed(out: &mut Vec<u8>, cid: u32) {
    empty(out, command::CREATE_CH_FAIL, 0, 0, cid, 0);
}

/// ACCESS_RIGHTS of a channel, see [`access`].
pub fn access_rights(out: &mut Vec<u8>, cid: u32, rights: u32) {
    empty(out, command::ACCESS_RIGHTS, 0, 0, cid, rights);
}

/// CLEAR_CHANNEL: asked and answered with the same bytes.
pub fn clear_channel(out: &mut Vec<u8>, sid: u32, cid: u32) {
    empty(out, command::CLEAR_CHANNEL, 0, 0, sid, cid);
}

/// READ_NOTIFY as a client asks it. Count 0 lets the server choose (autosize).
pub fn read_notify(out: &mut Vec<u8>, dbr: u16, count: u32, sid: u32, ioid: u32) {
    empty(out, command::READ_NOTIFY, dbr, count, sid, ioid);
}

/// EVENT_ADD: a subscription with a mask of [`dbe`] bits. The deadband floats of old clients are zero.
pub fn event_add(out: &mut Vec<u8>, dbr: u16, count: u32, sid: u32, subscription: u32, mask: u16) {
    Header { command: command::EVENT_ADD, payload_size: 16, data_type: dbr, count, p1: sid, p2: subscription }
        .encode(out);
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(&mask.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
}

/// The mask of an EVENT_ADD's payload; `None` when the payload is too short.
#[must_use]
pub fn event_mask(payload: &[u8]) -> Option<u16> {
    let bytes = payload.get(12..14)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// EVENT_CANCEL as a client asks it.
pub fn event_cancel(out: &mut Vec<u8>, dbr: u16, count: u32, sid: u32, subscription: u32) {
    empty(out, command::EVENT_CANCEL, dbr, count, sid, subscription);
}

/// The server's last word on a cancelled subscription: an EVENT_ADD without payload (`camessage.c`, `event_cancel_reply`).
/// EPICS repeats the count; no client looks at it.
pub fn event_cancelled(out: &mut Vec<u8>, dbr: u16, sid: u32, subscription: u32) {
    empty(out, command::EVENT_ADD, dbr, 0, sid, subscription);
}

/// EVENTS_OFF or EVENTS_ON: the client's flow control.
pub fn events(out: &mut Vec<u8>, on: bool) {
    let code = if on { command::EVENTS_ON } else { command::EVENTS_OFF };
    empty(out, code, 0, 0, 0, 0);
}

/// ECHO as a client asks it; the answer has the same bytes, its payload included if there is one.
pub fn echo(out: &mut Vec<u8>) {
    empty(out, command::ECHO, 0, 0, 0, 0);
}

/// READ_SYNC: everything asked before is answered before.
pub fn read_sync(out: &mut Vec<u8>) {
    empty(out, command::READ_SYNC, 0, 0, 0, 0);
}

/// WRITE_NOTIFY's answer: a status of [`eca`].
pub fn write_done(out: &mut Vec<u8>, dbr: u16, count: u32, status: u32, ioid: u32) {
    empty(out, command::WRITE_NOTIFY, dbr, count, status, ioid);
}

/// SERVER_DISCONN: the server drops this channel, the circuit stays.
pub fn server_disconnect(out: &mut Vec<u8>, cid: u32) {
    empty(out, command::SERVER_DISCONN, 0, 0, cid, 0);
}

/// A message with data: the header is written first, `data` appends the payload, and the size is set and padded after.
/// For READ_NOTIFY and EVENT_ADD answers `p1` is a status, for WRITE and WRITE_NOTIFY requests the server's channel identifier.
pub fn with_payload(out: &mut Vec<u8>, header: Header, payload_size: usize, data: impl FnOnce(&mut Vec<u8>)) {
    let size = padded(payload_size);
    Header { payload_size: size as u32, ..header }.encode(out);
    let from = out.len();
    data(out);
    debug_assert_eq!(out.len() - from, payload_size);
    out.resize(from + size, 0);
}

/// ERROR: the header of the request that failed and a text that says why (`camessage.c`, `send_err`).
/// `cid` is the client's identifier of the channel, or `u32::MAX` where there is none.
pub fn error(out: &mut Vec<u8>, cid: u32, status: u32, request: &Header, why: &str) {
    let mut copy = Vec::with_capacity(24);
    request.encode(&mut copy);
    let size = copy.len() + why.len() + 1;
    let header = Header { command: command::ERROR, p1: cid, p2: status, ..Header::default() };
    with_payload(out, header, size, |out| {
        out.extend_from_slice(&copy);
        out.extend_from_slice(why.as_bytes());
        out.push(0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_padded_to_eight() {
        let mut out = Vec::new();
        search(&mut out, "1234567", 9, search_reply::DONT);
        assert_eq!(out.len(), 24, "seven letters and their NUL");
        out.clear();
        search(&mut out, "12345678", 9, search_reply::DONT);
        assert_eq!(out.len(), 32);
        assert_eq!(text(&out[16..]), "12345678");
    }

    #[test]
    fn an_error_carries_the_request_and_the_reason() {
        let request = Header { command: command::WRITE, p1: 3, ..Header::default() };
        let mut out = Vec::new();
        error(&mut out, 7, eca::NOWTACCESS, &request, "read only");
        let (header, taken) = Header::decode(&out, 1024).unwrap().unwrap();
        assert_eq!((header.p1, header.p2), (7, eca::NOWTACCESS));
        let (inner, inner_size) = Header::decode(&out[taken..], 1024).unwrap().unwrap();
        assert_eq!(inner, request);
        assert_eq!(text(&out[taken + inner_size..]), "read only");
    }
}
