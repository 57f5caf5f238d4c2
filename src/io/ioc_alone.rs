//! `pollcost ioc`: an IOC for any EPICS client, until Ctrl-C.

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use super::clock;
use super::ioc_report::Report;
use super::listen::{self, Interface, ListenError};
use super::remark::remark;
use super::request::{Format, IocRequest};
use super::serve::{Log, Server, Serving};
use crate::ca::environment::{Address, DEFAULT_MESSAGE_BYTES, EnvironmentError, ServerEnvironment};
use crate::ioc::closing::Notice;
use crate::ioc::limits::Limits;
use crate::ioc::{Counting, Ioc};

/// Lines that may wait to be printed.
const LOG_LINES: usize = 1000;

/// Why an IOC cannot be served.
#[derive(Debug, Error)]
pub enum AloneError {
    /// An environment variable cannot be obeyed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A port is not to be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A host name of the beacon list is not known.
    #[error("{address} of EPICS_CAS_BEACON_ADDR_LIST can't be resolved: {source}")]
    BeaconAddress {
        /// As it was written.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// Threads, signals or the terminal failed.
    #[error("the IOC can't be served: {0}")]
    Io(#[from] io::Error),
}

/// Serves what was asked for, as this process' `EPICS_CAS_*` variables say, until Ctrl-C, a termination signal, or the time
/// that was asked for; then prints what each client did.
///
/// Results go to standard output, remarks to standard error.
///
/// # Errors
/// When the environment cannot be obeyed, or a port is taken.
pub fn serve_until_stopped(request: IocRequest) -> Result<(), AloneError> {
    let environment = ServerEnvironment::read(|name| std::env::var(name).ok())?;
    // The signals are caught before the first line says that we are there.
    let waiting = Waiting::new(request.duration.map(|d| Duration::from_nanos(d.0)))?;
    serve(request, &environment, &mut io::stdout(), || waiting.until_stopped())
}

/// The same in an environment, until `wait` returns.
fn serve(
    request: IocRequest,
    environment: &ServerEnvironment,
    out: &mut impl Write,
    wait: impl FnOnce(),
) -> Result<(), AloneError> {
    let IocRequest { scenario, port, voice, .. } = request;
    let interfaces = match environment.interfaces.as_slice() {
        [] => vec![Ipv4Addr::LOCALHOST],
        told => told.to_vec(),
    };
    let broadcasting = broadcast_interfaces()?;
    let hearing: Vec<Interface> = interfaces.iter().map(|ip| interface(*ip, &broadcasting)).collect();
    let endpoint = listen::bind(&hearing, port.unwrap_or(environment.server_port))?;
    let port = endpoint.port;
    let names: Vec<String> = interfaces.iter().map(|ip| SocketAddrV4::new(*ip, port).to_string()).collect();

    let (pvs, writable) =
        (scenario.pvs.len(), scenario.pvs.iter().filter(|pv| scenario.groups[pv.group].writable).count());
    let seed = scenario.seed;
    let raised = Some(environment.max_array_bytes).filter(|bytes| *bytes != DEFAULT_MESSAGE_BYTES);
    let limits = Limits::for_scenario(&scenario, raised.unwrap_or(0));
    let ioc = Ioc::new(Arc::new(scenario), limits, Counting::ByPeer, clock::wall(), clock::now());
    let serving = Serving {
        endpoints: vec![endpoint],
        silent: HashSet::new(),
        beacons: beacon_addresses(environment, &interfaces, &broadcasting)?,
        beacon_period: environment.beacon_period,
        ignored: environment.ignored.clone(),
        emissions: None,
        requests: None,
        log: if voice.quiet { Box::new(|_| {}) } else { log() },
    };
    let server = Server::start(ioc, serving)?;
    server.begin(seed, clock::now());

    say(out, &Report::serving(voice.format, pvs, &names))?;
    if !voice.quiet {
        hint(&interfaces, port, writable);
    }
    wait();
    server.end();
    let report = server.with(|ioc| Report::clients(ioc.ledger()));
    say(out, &if voice.format == Format::Json { report.json() } else { report.text() })?;
    Ok(())
}

/// A reader that went away is no failure.
fn say(out: &mut impl Write, text: &str) -> io::Result<()> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Prints what the log should have, on a thread of its own: a terminal that is held must not hold the IOC.
fn log() -> Log {
    let (sender, notices) = mpsc::sync_channel::<Notice>(LOG_LINES);
    std::thread::spawn(move || {
        for Notice { client, what } in notices {
            remark(format_args!("{client}: {what}"));
        }
    });
    // What a terminal does not take in time is lost.
    Box::new(move |notice| drop(sender.try_send(notice)))
}

/// How clients find us, and who else might.
fn hint(interfaces: &[Ipv4Addr], port: u16, writable: usize) {
    let reach = interfaces.iter().find(|ip| !ip.is_loopback());
    let address = match reach {
        Some(ip) if !ip.is_unspecified() => *ip,
        _ => Ipv4Addr::LOCALHOST,
    };
    remark(format_args!(
        "clients find it with EPICS_CA_ADDR_LIST={address} EPICS_CA_AUTO_ADDR_LIST=NO EPICS_CA_SERVER_PORT={port}"
    ));
    if reach.is_some() {
        remark(format_args!("warning: hosts of the network can read all PVs, and write {writable} of them"));
    }
}

/// What ends the serving.
struct Waiting {
    runtime: tokio::runtime::Runtime,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    limit: Option<Duration>,
}

impl Waiting {
    fn new(limit: Option<Duration>) -> io::Result<Waiting> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        drop(guard);
        Ok(Waiting { runtime, interrupt, terminate, limit })
    }

    fn until_stopped(mut self) {
        self.runtime.block_on(async {
            let limit = async {
                match self.limit {
                    Some(limit) => tokio::time::sleep(limit).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                () = limit => {}
            }
        });
    }
}

/// An interface, with the broadcast address that searches for it may arrive at. One of 0.0.0.0 takes them anyway.
fn interface(address: Ipv4Addr, broadcasting: &[(Ipv4Addr, Ipv4Addr)]) -> Interface {
    let broadcast = broadcasting.iter().find(|(own, _)| *own == address).map(|(_, broadcast)| *broadcast);
    Interface { address, broadcast }
}

/// Addresses of the host's interfaces that can broadcast, each with its broadcast address.
fn broadcast_interfaces() -> io::Result<Vec<(Ipv4Addr, Ipv4Addr)>> {
    let ip = |address: Option<nix::sys::socket::SockaddrStorage>| {
        address.as_ref().and_then(|a| a.as_sockaddr_in()).map(nix::sys::socket::SockaddrIn::ip)
    };
    let able = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_BROADCAST;
    let interfaces = getifaddrs()?.filter(|i| i.flags.contains(able));
    Ok(interfaces.filter_map(|i| ip(i.address).zip(ip(i.broadcast))).collect())
}

/// Where beacons go: the list that was given, and unless told otherwise the broadcast addresses of our interfaces.
fn beacon_addresses(
    environment: &ServerEnvironment,
    interfaces: &[Ipv4Addr],
    broadcasting: &[(Ipv4Addr, Ipv4Addr)],
) -> Result<Vec<SocketAddrV4>, AloneError> {
    let mut found = Vec::new();
    for address in &environment.beacon_addresses {
        let socket = match address {
            Address::Socket(socket) => Some(*socket),
            Address::Name { host, port } => {
                let failed = |source| AloneError::BeaconAddress { address: address.to_string(), source };
                let all = (host.as_str(), *port).to_socket_addrs().map_err(failed)?;
                all.into_iter().find_map(|a| if let std::net::SocketAddr::V4(v4) = a { Some(v4) } else { None })
            }
        };
        found.extend(socket);
    }
    if environment.auto_beacon_addresses {
        let any = interfaces.iter().any(Ipv4Addr::is_unspecified);
        let to = |ip| SocketAddrV4::new(ip, environment.beacon_port);
        found.extend(interfaces.iter().filter(|ip| ip.is_loopback()).map(|ip| to(*ip)));
        let ours = broadcasting.iter().filter(|(own, _)| any || interfaces.contains(own));
        found.extend(ours.map(|(_, broadcast)| to(*broadcast)));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::net::TcpStream;

    use super::*;
    use crate::ca::message;
    use crate::io::request::Voice;
    use crate::scenario::BuiltIn;

    fn environment(variables: &'static [(&str, &str)]) -> ServerEnvironment {
        ServerEnvironment::read(|name| variables.iter().find(|v| v.0 == name).map(|v| v.1.to_owned())).unwrap()
    }

    fn request(format: Format) -> IocRequest {
        let scenario = BuiltIn::named("types").unwrap().scenario().unwrap();
        let voice = Voice { format, quiet: true, colour: false };
        IocRequest { scenario, port: Some(0), duration: None, voice }
    }

    /// Serves while `client` talks to the address that was printed; the lines that were printed.
    fn printed(format: Format, client: impl FnOnce(&str)) -> Vec<String> {
        let (reader, mut writer) = io::pipe().unwrap();
        let (stop, stopped) = mpsc::channel::<()>();
        let server = std::thread::spawn(move || {
            let environment = environment(&[("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO")]);
            serve(request(format), &environment, &mut writer, || {
                // The sender is dropped.
                let _ = stopped.recv();
            })
            .unwrap();
        });
        let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        client(&first);
        drop(stop);
        server.join().unwrap();
        std::iter::once(first).chain(lines).collect()
    }

    fn get_twice(address: &str) {
        let mut socket = TcpStream::connect(address).unwrap();
        let mut bytes = Vec::new();
        message::client_version(&mut bytes, 0);
        message::host_name(&mut bytes, "desk");
        message::client_name(&mut bytes, "ann");
        message::create_channel(&mut bytes, 1, "TEST:SET:DOUBLE");
        message::read_notify(&mut bytes, 6, 1, 0, 1);
        message::read_notify(&mut bytes, 6, 1, 0, 2);
        socket.write_all(&bytes).unwrap();
        // Greeting, access rights and channel are headers; each answer has 8 bytes.
        socket.read_exact(&mut [0; 16 * 3 + 24 * 2]).unwrap();
    }

    #[test]
    fn says_where_it_is_and_what_each_client_did() {
        let lines = printed(Format::Text, |line| get_twice(line.rsplit(' ').next().unwrap()));
        assert!(lines[0].starts_with("serving 239 PVs on 127.0.0.1:"), "{}", lines[0]);
        assert_eq!(
            lines[1..],
            ["ann@desk (127.0.0.1), 1 circuit: 2 gets, 1 redundant (50.0 %); 0 monitors, 0 updates sent, 0 replaced"]
        );
        assert_eq!(printed(Format::Text, |_| {})[1..], ["no client came"]);
    }

    #[test]
    fn says_the_same_as_json() {
        let lines = printed(Format::Json, |line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            get_twice(value["addresses"][0].as_str().unwrap());
        });
        let value: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!((lines.len(), &value["clients"][0]["gets"]), (2, &2.into()));
        assert_eq!(value["clients"][0]["redundant"], 1);
    }

    #[test]
    fn an_interface_hears_its_broadcasts() {
        let (own, all) = (Ipv4Addr::new(10, 0, 0, 5), Ipv4Addr::new(10, 0, 0, 255));
        assert_eq!(interface(own, &[(own, all)]), Interface { address: own, broadcast: Some(all) });
        assert_eq!(interface(Ipv4Addr::LOCALHOST, &[(own, all)]), Interface::LOOPBACK);
    }

    #[test]
    fn beacons_go_where_the_environment_says() {
        let here = environment(&[("EPICS_CA_REPEATER_PORT", "7065")]);
        let to = |ip: [u8; 4], port| SocketAddrV4::new(ip.into(), port);
        assert_eq!(beacon_addresses(&here, &[Ipv4Addr::LOCALHOST], &[]).unwrap(), [to([127, 0, 0, 1], 7065)]);
        let network = [(Ipv4Addr::new(10, 0, 0, 5), Ipv4Addr::new(10, 0, 0, 255))];
        let got = beacon_addresses(&here, &[Ipv4Addr::UNSPECIFIED], &network).unwrap();
        assert_eq!(got, [to([10, 0, 0, 255], 7065)]);
        let told = environment(&[
            ("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO"),
            ("EPICS_CAS_BEACON_ADDR_LIST", "10.0.0.1 localhost:99"),
        ]);
        let got = beacon_addresses(&told, &[Ipv4Addr::UNSPECIFIED], &network).unwrap();
        assert_eq!(got, [to([10, 0, 0, 1], 5065), to([127, 0, 0, 1], 99)]);
    }
}
