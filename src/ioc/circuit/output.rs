//! Bytes that wait to be sent.

/// Sent bytes in front of unsent ones are moved away when there are this many, and more than unsent ones: no byte is moved often.
const COMPACT: usize = 64 * 1024;

/// A buffer that is appended to at its end and sent from its front.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Appended to by the writers of messages.
    pub(super) bytes: Vec<u8>,
    sent: usize,
}

impl Output {
    /// What has not been sent.
    pub(super) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// The first `count` unsent bytes are gone.
    pub(super) fn consume(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.bytes.len());
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        } else if self.sent >= COMPACT.max(self.bytes.len() - self.sent) {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_every_byte_once_and_in_order() {
        let mut output = Output::default();
        let (mut written, mut read) = (0u32, Vec::new());
        for round in 0..200usize {
            for _ in 0..1000 {
                output.bytes.extend_from_slice(&written.to_be_bytes());
                written += 1;
            }
            let take = (round * 977 % 8000).min(output.unsent().len());
            read.extend_from_slice(&output.unsent()[..take]);
            output.consume(take);
            assert!(output.bytes.len() <= (2 * output.unsent().len()).max(output.unsent().len() + COMPACT));
        }
        read.extend_from_slice(output.unsent());
        let want: Vec<u8> = (0..written).flat_map(u32::to_be_bytes).collect();
        assert!(read == want);
    }
}
