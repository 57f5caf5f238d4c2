//! The server that a case talks to: our IOC, an EPICS softIoc, or a caproto IOC. Each on loopback and on a free port.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Line, Process};
use crate::repeater::Repeater;
use crate::workshop::{Workshop, scripts};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long our IOC may take to end after Ctrl-C.
const FAREWELL: Duration = Duration::from_secs(20);
/// How often another free port is tried, when somebody else took the first.
const ATTEMPTS: usize = 5;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// `pollcost ioc`.
    Own,
    /// EPICS base, through `softioc`.
    SoftIoc,
    /// caproto's.
    Caproto,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Own => "pollcost",
            Kind::SoftIoc => "softioc",
            Kind::Caproto => "caproto",
        })
    }
}

/// A server, running or stopped.
pub(crate) struct Server<'a> {
    kind: Kind,
    workshop: &'a Workshop,
    /// Where its beacons go, and where clients believe the repeater to be.
    pub(crate) repeater: Repeater,
    /// Its port, the same after a restart.
    pub(crate) port: u16,
    process: Option<Process>,
}

impl Server<'_> {
    /// Starts a server and waits until it serves.
    pub(crate) fn start(workshop: &Workshop, kind: Kind) -> Result<Server<'_>, String> {
        let mut server = Server { kind, workshop, repeater: Repeater::stand_in()?, port: 0, process: None };
        let mut why = String::new();
        for _ in 0..ATTEMPTS {
            server.port = if kind == Kind::Own { 0 } else { free_port()? };
            match server.restart() {
                Ok(()) => return Ok(server),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// Starts it again, on the same port.
    pub(crate) fn restart(&mut self) -> Result<(), String> {
        let process = Process::start(&mut self.command()?)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match process.line(deadline) {
                Line::Text(line) => match self.port_of(&line) {
                    Some(port) if self.port == 0 || self.port == port => {
                        self.port = port;
                        break;
                    }
                    Some(port) => return Err(format!("{} serves on port {port}, not on {}", self.kind, self.port)),
                    None => {}
                },
                Line::End | Line::Late => return Err(format!("{} does not serve:\n{}", self.kind, process.written())),
            }
        }
        if process.written().contains("port was unavailable") {
            return Err(format!("port {} was taken by somebody else", self.port));
        }
        self.process = Some(process);
        Ok(())
    }

    /// Ends it at once, as a crash or a power failure does.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        self.check()?;
        self.process = None;
        Ok(())
    }

    /// Ends it as Ctrl-C does; our IOC must then end well.
    pub(crate) fn close(mut self) -> Result<(), String> {
        self.check()?;
        let Some(mut process) = self.process.take().filter(|_| self.kind == Kind::Own) else {
            return Ok(());
        };
        match process.interrupt(FAREWELL) {
            Some(status) if status.success() || status.code() == Some(130) => Ok(()),
            Some(status) => Err(format!("the IOC ended with {status}:\n{}", process.written())),
            None => Err(format!("the IOC did not end {FAREWELL:?} after Ctrl-C:\n{}", process.written())),
        }
    }

    /// What it has written.
    pub(crate) fn written(&self) -> String {
        self.process.as_ref().map_or_else(String::new, Process::written)
    }

    fn check(&mut self) -> Result<(), String> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let died = !process.runs();
        let written = process.written();
        if died || written.contains("panicked") {
            return Err(format!("{} did not survive this:\n{written}", self.kind));
        }
        Ok(())
    }

    fn command(&self) -> Result<Command, String> {
        let mut command = match self.kind {
            Kind::Own => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_pollcost"));
                command.arg("ioc").arg(scripts().join("scenario.toml")).arg("--port").arg(self.port.to_string());
                command
            }
            Kind::SoftIoc => self.script("softioc_server.py"),
            Kind::Caproto => self.script("caproto_server.py"),
        };
        let loopback = Ipv4Addr::LOCALHOST.to_string();
        for name in ["EPICS_CAS_INTF_ADDR_LIST", "EPICS_CAS_BEACON_ADDR_LIST", "EPICS_PVAS_INTF_ADDR_LIST"] {
            command.env(name, &loopback);
        }
        for name in ["EPICS_CAS_AUTO_BEACON_ADDR_LIST", "EPICS_PVAS_AUTO_BEACON_ADDR_LIST", "PVXS_QSRV_ENABLE"] {
            command.env(name, "NO");
        }
        command.env("EPICS_CA_REPEATER_PORT", self.repeater.port()?.to_string());
        if self.kind != Kind::Own {
            // softIoc brings a PVA server that nobody asks: it gets a port that is free too.
            command.env("EPICS_CA_SERVER_PORT", self.port.to_string()).env("EPICS_PVAS_SERVER_PORT", "0");
            command.env("EPICS_PVAS_BROADCAST_PORT", free_port()?.to_string());
        }
        Ok(command)
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.workshop.python);
        command.arg("-u").arg(scripts().join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// The port of a line that says that the server is there.
    fn port_of(&self, line: &str) -> Option<u16> {
        match self.kind {
            Kind::Own => line.strip_prefix("serving ")?.rsplit_once(':')?.1.trim().parse().ok(),
            Kind::SoftIoc | Kind::Caproto => (line == "ready").then_some(self.port),
        }
    }
}

/// A port that is free for TCP and UDP alike, a moment ago.
fn free_port() -> Result<u16, String> {
    for _ in 0..100 {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
        let port = tcp.local_addr().map_err(|e| e.to_string())?.port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no port is free for TCP and UDP".into())
}
