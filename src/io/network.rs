//! Where a client looks for servers and how it behaves towards them, as the environment says.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, ToSocketAddrs};

use thiserror::Error;

use super::finder::{Destinations, automatic_addresses};
use super::net::{ECHO_PATIENCE, Manners};
use crate::ca::environment::{Address, ClientEnvironment, DEFAULT_MESSAGE_BYTES, EnvironmentError};
use crate::client::Identity;
use crate::time::Span;

/// What comes with an array in the largest of its types, in bytes: `EPICS_CA_MAX_ARRAY_BYTES` speaks of the array alone.
const LARGEST_META: u32 = 512;

/// Why a client has nowhere to look.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// A variable can't be obeyed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A host name is not known.
    #[error("{address} of the address list can't be resolved: {source}")]
    Name {
        /// As it was written.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The interfaces can't be listed.
    #[error("the host's network interfaces can't be listed: {0}")]
    Interfaces(io::Error),
}

/// The finished answer to: where, and how.
#[derive(Clone, Debug)]
pub struct Network {
    /// Where searches go.
    pub destinations: Destinations,
    /// What a circuit needs to know.
    pub manners: Manners,
    /// What flow control reckons with: the array size that was set, 0 when none was.
    pub array_bytes: u32,
}

impl Network {
    /// As this process' `EPICS_CA_*` variables say.
    ///
    /// # Errors
    /// When a variable can't be obeyed, or a host name of a list is not known.
    pub fn from_environment() -> Result<Network, NetworkError> {
        let environment = ClientEnvironment::read(|name| std::env::var(name).ok())?;
        Network::new(&environment)
    }

    /// As an environment says.
    ///
    /// # Errors
    /// When a host name of a list is not known, or the interfaces can't be listed.
    pub fn new(environment: &ClientEnvironment) -> Result<Network, NetworkError> {
        let mut datagrams = Vec::new();
        if environment.auto_addresses {
            let automatic = automatic_addresses().map_err(NetworkError::Interfaces)?;
            datagrams.extend(automatic.into_iter().map(|ip| SocketAddrV4::new(ip, environment.server_port)));
        }
        resolve(&environment.addresses, &mut datagrams)?;
        let mut name_servers = Vec::new();
        resolve(&environment.name_servers, &mut name_servers)?;
        let payload_limit = environment.max_array_bytes.saturating_add(LARGEST_META);
        let array_bytes = Some(environment.max_array_bytes).filter(|bytes| *bytes != DEFAULT_MESSAGE_BYTES);
        Ok(Network {
            destinations: Destinations { datagrams, name_servers },
            manners: Manners {
                identity: identity(),
                payload_limit,
                patience: environment.conn_timeout,
                echo_patience: ECHO_PATIENCE,
            },
            array_bytes: array_bytes.unwrap_or(0),
        })
    }

    /// Only this host, at one port: for tests and benchmarks.
    #[must_use]
    pub fn loopback(port: u16) -> Network {
        Network {
            destinations: Destinations {
                datagrams: vec![SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)],
                name_servers: Vec::new(),
            },
            manners: Manners {
                identity: identity(),
                payload_limit: DEFAULT_MESSAGE_BYTES,
                patience: Span::from_secs(30),
                echo_patience: ECHO_PATIENCE,
            },
            array_bytes: 0,
        }
    }
}

/// Appends the addresses that are not in the list yet.
fn resolve(addresses: &[Address], list: &mut Vec<SocketAddrV4>) -> Result<(), NetworkError> {
    for address in addresses {
        let socket = match address {
            Address::Socket(socket) => *socket,
            Address::Name { host, port } => {
                first_of(host, *port).map_err(|source| NetworkError::Name { address: address.to_string(), source })?
            }
        };
        if !list.contains(&socket) {
            list.push(socket);
        }
    }
    Ok(())
}

fn first_of(host: &str, port: u16) -> io::Result<SocketAddrV4> {
    let mut found = (host, port).to_socket_addrs()?;
    let v4 = found.find_map(|a| if let SocketAddr::V4(v4) = a { Some(v4) } else { None });
    v4.ok_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, "it has no IPv4 address"))
}

/// This host and user, by the names that a server sees.
fn identity() -> Identity {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let user = std::env::var("USER").ok().filter(|name| !name.is_empty());
    let user = user.or_else(|| nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|u| u.name));
    let unknown = || "unknown".to_owned();
    Identity { host: host.unwrap_or_else(unknown), user: user.unwrap_or_else(unknown), priority: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(variables: &[(&str, &str)]) -> Result<Network, NetworkError> {
        let environment =
            ClientEnvironment::read(|name| variables.iter().find(|v| v.0 == name).map(|v| v.1.to_owned())).unwrap();
        Network::new(&environment)
    }

    #[test]
    fn lists_are_resolved_and_hold_nothing_twice() {
        let no_auto = ("EPICS_CA_AUTO_ADDR_LIST", "NO");
        let got = network(&[
            no_auto,
            ("EPICS_CA_ADDR_LIST", "127.0.0.1 localhost 127.0.0.1:6000"),
            ("EPICS_CA_NAME_SERVERS", "localhost:7000"),
            ("EPICS_CA_MAX_ARRAY_BYTES", "1000000"),
        ])
        .unwrap();
        let here = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        assert_eq!(got.destinations.datagrams, [here(5064), here(6000)]);
        assert_eq!(got.destinations.name_servers, [here(7000)]);
        assert!(got.manners.payload_limit > 1_000_000 && got.array_bytes >= 1_000_000);
        assert_eq!(network(&[no_auto]).unwrap().array_bytes, 0, "no limit was set");
    }

    #[test]
    fn the_automatic_list_is_never_empty() {
        let got = network(&[("EPICS_CA_SERVER_PORT", "6064")]).unwrap();
        assert!(!got.destinations.datagrams.is_empty());
        assert!(got.destinations.datagrams.iter().all(|a| a.port() == 6064));
    }
}
