//! A TCP byte stream cut into messages. An incomplete message is normal: more bytes will come.

use super::header::{Header, HeaderError};

/// One message: its header and its payload, padding included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The header.
    pub header: Header,
    /// The payload as it came.
    pub payload: &'a [u8],
}

/// The bytes received and not yet taken as messages.
#[derive(Debug)]
pub struct Stream {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    payload_limit: u32,
}

/// Room that [`Stream::spare`] offers at least, in bytes.
const READ_SIZE: usize = 16 * 1024;

impl Stream {
    /// An empty stream that takes payloads up to `payload_limit` bytes.
    #[must_use]
    pub fn new(payload_limit: u32) -> Stream {
        Stream { buffer: Vec::new(), start: 0, end: 0, payload_limit }
    }

    /// Room to read into; tell how much was used with [`Stream::filled`].
    ///
    /// Memory is bounded by the payload limit when every complete message is taken before more is read.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        if self.buffer.len() - self.end < READ_SIZE {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            let wanted = self.end + READ_SIZE;
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted.next_power_of_two(), 0);
            }
        }
        &mut self.buffer[self.end..]
    }

    /// `count` bytes were read into [`Stream::spare`].
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
    }

    /// Appends bytes that are already in memory.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let spare = self.spare();
            let taken = spare.len().min(bytes.len());
            spare[..taken].copy_from_slice(&bytes[..taken]);
            self.filled(taken);
            bytes = &bytes[taken..];
        }
    }

    /// The next complete message, or `None` until more bytes come.
    ///
    /// # Errors
    /// When the next header announces more than the payload limit, or not a multiple of 8 bytes; the stream can't be
    /// used on.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, HeaderError> {
        let bytes = &self.buffer[self.start..self.end];
        let Some((header, taken)) = Header::decode(bytes, self.payload_limit)? else {
            return Ok(None);
        };
        if !header.payload_size.is_multiple_of(8) {
            return Err(HeaderError::Misaligned(header.payload_size));
        }
        let total = taken + header.payload_size as usize;
        if bytes.len() < total {
            return Ok(None);
        }
        let from = self.start + taken;
        self.start += total;
        Ok(Some(Frame { header, payload: &self.buffer[from..self.start] }))
    }

    /// Bytes that wait for the rest of their message.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.end - self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_payload_that_is_not_a_multiple_of_8_ends_the_stream() {
        let mut bytes = Vec::new();
        Header { command: 6, payload_size: 12, ..Header::default() }.encode(&mut bytes);
        let mut stream = Stream::new(1024);
        stream.push(&bytes);
        assert_eq!(stream.next_frame(), Err(HeaderError::Misaligned(12)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_or_refused_in_bounded_memory(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            let mut stream = Stream::new(256);
            for chunk in bytes.chunks(700) {
                stream.push(chunk);
                while let Ok(Some(frame)) = stream.next_frame() {
                    prop_assert!(frame.payload.len() <= 256);
                }
                if stream.next_frame().is_err() {
                    return Ok(());
                }
                prop_assert!(stream.pending() < 256 + 24);
            }
            prop_assert!(stream.buffer.len() <= 2 * READ_SIZE);
        }
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_messages() {
        let mut bytes = Vec::new();
        for i in 0..5u32 {
            Header { command: 1, payload_size: i * 8, p1: i, ..Header::default() }.encode(&mut bytes);
            bytes.extend(std::iter::repeat_n(i as u8, i as usize * 8));
        }
        for step in 1..bytes.len() {
            let mut stream = Stream::new(1024);
            let mut seen = Vec::new();
            for chunk in bytes.chunks(step) {
                stream.push(chunk);
                while let Some(frame) = stream.next_frame().unwrap() {
                    seen.push((frame.header.p1, frame.payload.to_vec()));
                }
            }
            let want: Vec<_> = (0..5u32).map(|i| (i, vec![i as u8; i as usize * 8])).collect();
            assert_eq!(seen, want);
            assert_eq!(stream.pending(), 0);
        }
    }
}
