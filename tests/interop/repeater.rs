//! A port that stands for the CA repeater.

use std::net::{Ipv4Addr, UdpSocket};

/// Holds the repeater's port of one test. Client libraries take a port that is in use for a running repeater and start none,
/// neither as a process, which would outlive the test, nor as a thread.
pub(crate) struct Repeater(UdpSocket);

impl Repeater {
    /// Takes a free port, on all interfaces as a repeater does.
    pub(crate) fn stand_in() -> Result<Repeater, String> {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).map(Repeater).map_err(|e| format!("no port for a repeater: {e}"))
    }

    /// The port, for `EPICS_CA_REPEATER_PORT`.
    pub(crate) fn port(&self) -> Result<u16, String> {
        self.0.local_addr().map(|address| address.port()).map_err(|e| e.to_string())
    }
}
