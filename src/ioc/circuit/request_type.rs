//! What a client may ask to read.

use crate::ca::convert::ConvertError;
use crate::ca::dbr::{self, DbrType, ExtraType};
use crate::ioc::record::{Properties, Snapshot};

/// A readable request type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ioc) enum RequestType {
    /// One of the five classes of the seven types.
    Dbr(DbrType),
    /// One of those beyond.
    Extra(ExtraType),
}

impl RequestType {
    /// The type of a wire code; `None`: there is none (`db_access.h`, `INVALID_DB_REQ`).
    pub(in crate::ioc) fn from_code(code: u16) -> Option<RequestType> {
        DbrType::from_code(code).map(RequestType::Dbr).or_else(|| ExtraType::from_code(code).map(RequestType::Extra))
    }

    /// Bytes of a payload with `count` elements, before it is padded.
    pub(in crate::ioc) fn payload_size(self, count: usize) -> usize {
        match self {
            RequestType::Dbr(dbr) => dbr.payload_size(count),
            RequestType::Extra(extra) => extra.payload_size(count),
        }
    }

    /// Elements that a request for `count` of them is answered with: 0 asks for as many as there are.
    pub(in crate::ioc) fn answered_count(self, count: u32, snapshot: &Snapshot) -> usize {
        match (self, count) {
            (RequestType::Extra(ExtraType::ClassName), 0) => 1,
            (_, 0) => snapshot.value.len(),
            (_, count) => count as usize,
        }
    }

    /// Appends `payload_size(count)` bytes; nothing on error.
    pub(in crate::ioc) fn encode(
        self,
        out: &mut Vec<u8>,
        count: usize,
        snapshot: &Snapshot,
        properties: &Properties,
    ) -> Result<(), ConvertError> {
        let reading = snapshot.reading(properties);
        match self {
            RequestType::Dbr(dbr) => dbr::encode(out, dbr, count, &reading),
            RequestType::Extra(extra) => dbr::encode_extra(out, extra, count, &reading, properties.record_type()),
        }
    }
}
