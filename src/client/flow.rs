//! The client's own flow control, as libca does it: a client that can't keep up with its monitors says so.
//!
//! libca (`tcpiiu.cpp`, `tcpRecvThread::run`) reads up to 16 KiB, makes the callbacks, and looks whether more bytes are waiting already.
//! When they were after 10 reads in a row (`iocinf.h`, `contiguousMsgCountWhichTriggersFlowControl`; times the number of such buffers
//! that EPICS_CA_MAX_ARRAY_BYTES takes, `cac.cpp`) it sends EVENTS_OFF, and EVENTS_ON as soon as none are.
//! A real C client behaves like this, so a slow native callback is measured with it.

/// Bytes of libca's receive buffer (`comBuf.h`): reads are counted in these.
pub const READ_BYTES: usize = 0x4000;
const READS_IN_A_ROW: usize = 10;

/// Watches how reads follow each other on one circuit.
#[derive(Debug)]
pub struct FlowControl {
    limit: usize,
    in_a_row: usize,
    off: bool,
}

impl FlowControl {
    /// For a client that takes arrays of up to `max_array_bytes`.
    #[must_use]
    pub fn new(max_array_bytes: u32) -> FlowControl {
        let buffers = (max_array_bytes as usize / READ_BYTES).max(1);
        FlowControl { limit: buffers * READS_IN_A_ROW, in_a_row: 0, off: false }
    }

    /// A read of `bytes` has been dealt with; `more`: whether others are waiting already. Says whether to turn the
    /// server's events on (`true`) or off (`false`); `None`: leave them.
    pub fn after_read(&mut self, bytes: usize, more: bool) -> Option<bool> {
        if !more {
            self.in_a_row = 0;
            return std::mem::take(&mut self.off).then_some(true);
        }
        self.in_a_row += bytes.div_ceil(READ_BYTES);
        if self.off || self.in_a_row < self.limit {
            return None;
        }
        self.off = true;
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_after_ten_reads_in_a_row_and_on_when_there_is_nothing_more() {
        for (max_array_bytes, bytes, reads) in [(16384, 40, 10), (0, 16384, 10), (16384, 40_000, 4), (40_000, 40, 20)] {
            let mut flow = FlowControl::new(max_array_bytes);
            for round in 0..3 {
                for read in 1..reads {
                    assert_eq!(flow.after_read(bytes, true), None, "{max_array_bytes}: read {read} of round {round}");
                }
                assert_eq!(flow.after_read(bytes, true), Some(false));
                assert_eq!(flow.after_read(bytes, true), None, "said once");
                assert_eq!(flow.after_read(bytes, false), Some(true));
                assert_eq!(flow.after_read(bytes, false), None, "said once");
            }
        }
    }

    #[test]
    fn a_pause_starts_the_count_anew() {
        let mut flow = FlowControl::new(0);
        for _ in 0..100 {
            for _ in 0..9 {
                assert_eq!(flow.after_read(100, true), None);
            }
            assert_eq!(flow.after_read(100, false), None);
        }
    }
}
