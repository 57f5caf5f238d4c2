//! The header of a Channel Access message: 16 bytes, or 24 when the payload or count needs 32 bits.

use thiserror::Error;

/// Minor protocol version that both ends of ours speak: 4.13.
pub const MINOR_VERSION: u16 = 13;
/// Bytes of the short header.
pub const HEADER_SIZE: usize = 16;
/// Bytes of the extended header.
pub const EXTENDED_HEADER_SIZE: usize = 24;
/// Payload size in a short header that announces the extended one.
const EXTENDED_MARK: u16 = 0xFFFF;

/// A message header, short or extended, with its fields as 32-bit numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Command code, see [`super::message::command`].
    pub command: u16,
    /// Payload bytes that follow, padding included.
    pub payload_size: u32,
    /// Data type: mostly a DBR code.
    pub data_type: u16,
    /// Element count, or another use of the command's own.
    pub count: u32,
    /// First parameter: mostly a channel identifier or a status.
    pub p1: u32,
    /// Second parameter: mostly an I/O or subscription identifier.
    pub p2: u32,
}

/// Why bytes are not a header that we accept.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HeaderError {
    /// The payload is larger than this end takes.
    #[error("payload of {size} bytes is over the limit of {limit}")]
    PayloadTooLarge {
        /// Announced bytes.
        size: u32,
        /// The most that is taken.
        limit: u32,
    },
    /// The payload is not a multiple of 8 bytes; both ends of EPICS close the circuit then.
    #[error("payload of {0} bytes is not a multiple of 8, as every message of a circuit must be")]
    Misaligned(u32),
}

impl Header {
    /// Reads a header from the front of `bytes`; `Ok(None)` when it is not there in full yet.
    /// Returns the header and how many bytes it took.
    ///
    /// # Errors
    /// When the announced payload is larger than `payload_limit`.
    pub fn decode(bytes: &[u8], payload_limit: u32) -> Result<Option<(Header, usize)>, HeaderError> {
        let Some(short) = bytes.first_chunk::<HEADER_SIZE>() else {
            return Ok(None);
        };
        let u16_at = |i: usize| u16::from_be_bytes([short[i], short[i + 1]]);
        let u32_at = |i: usize| u32::from_be_bytes([short[i], short[i + 1], short[i + 2], short[i + 3]]);
        let mut header = Header {
            command: u16_at(0),
            payload_size: u32::from(u16_at(2)),
            data_type: u16_at(4),
            count: u32::from(u16_at(6)),
            p1: u32_at(8),
            p2: u32_at(12),
        };
        let mut taken = HEADER_SIZE;
        // The size alone tells: the count of a short header is not looked at (`camessage.c`, `tcpiiu.cpp`).
        if u16_at(2) == EXTENDED_MARK {
            let Some(long) = bytes.first_chunk::<EXTENDED_HEADER_SIZE>() else {
                return Ok(None);
            };
            header.payload_size = u32::from_be_bytes([long[16], long[17], long[18], long[19]]);
            header.count = u32::from_be_bytes([long[20], long[21], long[22], long[23]]);
            taken = EXTENDED_HEADER_SIZE;
        }
        if header.payload_size > payload_limit {
            return Err(HeaderError::PayloadTooLarge { size: header.payload_size, limit: payload_limit });
        }
        Ok(Some((header, taken)))
    }

    /// Appends the header, extended when the payload or the count is 65535 or more (`caserverio.c`).
    pub fn encode(&self, out: &mut Vec<u8>) {
        let fits = |number: u32| u16::try_from(number).ok().filter(|number| *number != EXTENDED_MARK);
        let short = fits(self.payload_size).zip(fits(self.count));
        let (size, count) = short.unwrap_or((EXTENDED_MARK, 0));
        let mut bytes = [0u8; EXTENDED_HEADER_SIZE];
        bytes[0..2].copy_from_slice(&self.command.to_be_bytes());
        bytes[2..4].copy_from_slice(&size.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.data_type.to_be_bytes());
        bytes[6..8].copy_from_slice(&count.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.p1.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.p2.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.payload_size.to_be_bytes());
        bytes[20..24].copy_from_slice(&self.count.to_be_bytes());
        let length = if short.is_some() { HEADER_SIZE } else { EXTENDED_HEADER_SIZE };
        out.extend_from_slice(&bytes[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(payload_size: u32, count: u32) -> Header {
        Header { command: 15, payload_size, data_type: 6, count, p1: 0x0102_0304, p2: 0xFFFF_FFFE }
    }

    #[test]
    fn round_trips_short_and_extended() {
        for (size, count, length) in [
            (0, 0, 16),
            (8, 1, 16),
            (0xFFFE, 0xFFFE, 16),
            (8, 0xFFFF, 24),
            (0xFFFF, 0, 24),
            (0xFFFF, 5, 24),
            (0x1_0000, 1, 24),
            (8, 0x1_0000, 24),
        ] {
            let mut bytes = Vec::new();
            header(size, count).encode(&mut bytes);
            assert_eq!(bytes.len(), length, "size {size} count {count}");
            let (back, taken) = Header::decode(&bytes, u32::MAX).unwrap().unwrap();
            assert_eq!((back, taken), (header(size, count), length));
            for cut in 0..length {
                assert_eq!(Header::decode(&bytes[..cut], u32::MAX), Ok(None));
            }
        }
    }

    #[test]
    fn the_size_alone_announces_an_extended_header() {
        let mut bytes = Vec::new();
        header(0x2_0000, 7).encode(&mut bytes);
        bytes[6..8].copy_from_slice(&[0, 1]);
        let (back, _) = Header::decode(&bytes, u32::MAX).unwrap().unwrap();
        assert_eq!((back.payload_size, back.count), (0x2_0000, 7));
    }

    proptest! {
        #[test]
        fn any_header_comes_back(
            command: u16, payload_size: u32, data_type: u16, count: u32, p1: u32, p2: u32,
        ) {
            let header = Header { command, payload_size, data_type, count, p1, p2 };
            let mut bytes = Vec::new();
            header.encode(&mut bytes);
            prop_assert_eq!(Header::decode(&bytes, u32::MAX), Ok(Some((header, bytes.len()))));
        }

        #[test]
        fn any_bytes_are_a_header_or_not(bytes in prop::collection::vec(any::<u8>(), 0..40), limit: u32) {
            if let Ok(Some((header, taken))) = Header::decode(&bytes, limit) {
                prop_assert!(taken <= bytes.len() && header.payload_size <= limit);
            }
        }
    }

    #[test]
    fn refuses_a_payload_over_the_limit() {
        let mut bytes = Vec::new();
        header(1 << 30, 1).encode(&mut bytes);
        assert!(Header::decode(&bytes, 1 << 20).is_err());
    }
}
