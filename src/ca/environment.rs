//! The environment variables that EPICS clients and servers obey, under their names and by their rules.
//!
//! Sources: the Channel Access Reference Manual; `iocinf.cpp`, `cac.cpp`, `rsrv/caservertask.c` and `envSubr.c`
//! of EPICS base. Where EPICS prints a warning and goes on with the default, a bad value is an error here.
//! A variable that is set but empty is as good as not set.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use thiserror::Error;

use super::header::EXTENDED_HEADER_SIZE;
use crate::time::Span;

/// Port of searches and circuits (`CA_SERVER_PORT`).
pub const DEFAULT_SERVER_PORT: u16 = 5064;
/// Port of beacons (`CA_REPEATER_PORT`).
pub const DEFAULT_REPEATER_PORT: u16 = 5065;
/// The least that EPICS takes as a limit of a message (`MAX_TCP`).
pub const LEAST_MESSAGE_BYTES: u32 = 16 * 1024;
/// The limit of a message where none was set: EPICS then takes whatever comes (`EPICS_CA_AUTO_ARRAY_BYTES`).
pub const DEFAULT_MESSAGE_BYTES: u32 = 64 << 20;

/// A variable that cannot be obeyed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{name}={value:?}: {wrong}; {right} would be right")]
pub struct EnvironmentError {
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it.
    pub wrong: String,
    /// What would be right.
    pub right: &'static str,
}

/// Where to send a search or a beacon, or whom to ask for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and a port.
    Socket(SocketAddrV4),
    /// A host name that is yet to be resolved, and a port.
    Name {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Socket(address) => write!(f, "{address}"),
            Address::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// What a client obeys.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientEnvironment {
    /// Where searches go: `EPICS_CA_ADDR_LIST`.
    pub addresses: Vec<Address>,
    /// Whether searches go to every interface's broadcast address as well: `EPICS_CA_AUTO_ADDR_LIST`.
    pub auto_addresses: bool,
    /// Servers that are asked for names over TCP: `EPICS_CA_NAME_SERVERS`.
    pub name_servers: Vec<Address>,
    /// Where servers listen unless an address says otherwise: `EPICS_CA_SERVER_PORT`.
    pub server_port: u16,
    /// Where beacons come in: `EPICS_CA_REPEATER_PORT`.
    pub repeater_port: u16,
    /// The largest message that is taken, in bytes: `EPICS_CA_MAX_ARRAY_BYTES` and room for a header.
    pub max_array_bytes: u32,
    /// A circuit that is silent for this long is asked for an echo: `EPICS_CA_CONN_TMO`.
    pub conn_timeout: Span,
}

impl ClientEnvironment {
    /// Reads the variables through `lookup`, which gives a variable's value.
    ///
    /// # Errors
    /// When one of them cannot be obeyed.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<ClientEnvironment, EnvironmentError> {
        let variables = Variables(&lookup);
        let server_port = variables.port("EPICS_CA_SERVER_PORT", DEFAULT_SERVER_PORT)?;
        Ok(ClientEnvironment {
            addresses: variables.addresses("EPICS_CA_ADDR_LIST", server_port)?,
            auto_addresses: variables.yes("EPICS_CA_AUTO_ADDR_LIST")?.unwrap_or(true),
            name_servers: variables.addresses("EPICS_CA_NAME_SERVERS", server_port)?,
            server_port,
            repeater_port: variables.port("EPICS_CA_REPEATER_PORT", DEFAULT_REPEATER_PORT)?,
            max_array_bytes: variables.max_array_bytes()?,
            conn_timeout: variables.seconds("EPICS_CA_CONN_TMO", Span::from_secs(30))?,
        })
    }
}

/// What a server obeys.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerEnvironment {
    /// The interfaces to listen on: `EPICS_CAS_INTF_ADDR_LIST`. Empty: not said.
    pub interfaces: Vec<Ipv4Addr>,
    /// Where to listen: `EPICS_CAS_SERVER_PORT`, else `EPICS_CA_SERVER_PORT`.
    pub server_port: u16,
    /// Where beacons go: `EPICS_CAS_BEACON_ADDR_LIST`.
    pub beacon_addresses: Vec<Address>,
    /// Whether beacons go to the interfaces' broadcast addresses as well: `EPICS_CAS_AUTO_BEACON_ADDR_LIST`.
    pub auto_beacon_addresses: bool,
    /// The port of beacons: `EPICS_CAS_BEACON_PORT`, else `EPICS_CA_REPEATER_PORT`.
    pub beacon_port: u16,
    /// The longest time between beacons: `EPICS_CAS_BEACON_PERIOD`, else `EPICS_CA_BEACON_PERIOD`.
    pub beacon_period: Span,
    /// Clients whose searches are not answered: `EPICS_CAS_IGNORE_ADDR_LIST`.
    pub ignored: Vec<Ipv4Addr>,
    /// The largest message that is taken or sent, in bytes: `EPICS_CA_MAX_ARRAY_BYTES` and room for a header.
    pub max_array_bytes: u32,
}

impl ServerEnvironment {
    /// Reads the variables through `lookup`, which gives a variable's value.
    ///
    /// # Errors
    /// When one of them cannot be obeyed.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<ServerEnvironment, EnvironmentError> {
        let variables = Variables(&lookup);
        let client_port = variables.port("EPICS_CA_SERVER_PORT", DEFAULT_SERVER_PORT)?;
        let repeater_port = variables.port("EPICS_CA_REPEATER_PORT", DEFAULT_REPEATER_PORT)?;
        let beacon_port = variables.port("EPICS_CAS_BEACON_PORT", repeater_port)?;
        let client_period = variables.seconds("EPICS_CA_BEACON_PERIOD", Span::from_secs(15))?;
        Ok(ServerEnvironment {
            interfaces: variables.interfaces("EPICS_CAS_INTF_ADDR_LIST")?,
            server_port: variables.port("EPICS_CAS_SERVER_PORT", client_port)?,
            beacon_addresses: variables.addresses("EPICS_CAS_BEACON_ADDR_LIST", beacon_port)?,
            auto_beacon_addresses: variables.yes("EPICS_CAS_AUTO_BEACON_ADDR_LIST")?.unwrap_or(true),
            beacon_port,
            beacon_period: variables.seconds("EPICS_CAS_BEACON_PERIOD", client_period)?,
            ignored: variables.interfaces("EPICS_CAS_IGNORE_ADDR_LIST")?,
            max_array_bytes: variables.max_array_bytes()?,
        })
    }
}

struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    fn text(&self, name: &'static str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    /// Ports up to 5000 are refused as EPICS does (`IPPORT_USERRESERVED`).
    fn port(&self, name: &'static str, default: u16) -> Result<u16, EnvironmentError> {
        let Some(value) = self.text(name) else {
            return Ok(default);
        };
        let right = "a number from 5001 to 65535";
        match value.trim().parse() {
            Ok(port @ 5001..) => Ok(port),
            Ok(_) => Err(EnvironmentError { name, value, wrong: "EPICS reserves ports up to 5000".into(), right }),
            Err(_) => Err(EnvironmentError { name, value, wrong: "not a port".into(), right }),
        }
    }

    fn yes(&self, name: &'static str) -> Result<Option<bool>, EnvironmentError> {
        let Some(value) = self.text(name) else {
            return Ok(None);
        };
        match value.trim().to_ascii_lowercase().as_str() {
            "yes" => Ok(Some(true)),
            "no" => Ok(Some(false)),
            _ => Err(EnvironmentError { name, value, wrong: "neither YES nor NO".into(), right: "YES or NO" }),
        }
    }

    fn seconds(&self, name: &'static str, default: Span) -> Result<Span, EnvironmentError> {
        let Some(value) = self.text(name) else {
            return Ok(default);
        };
        match value.trim().parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds > 0.0 => Ok(Span::from_secs_f64(seconds)),
            _ => {
                let wrong = "not a time in seconds above 0".into();
                Err(EnvironmentError { name, value, wrong, right: "a number such as 30.0" })
            }
        }
    }

    /// A limit that is set counts even though EPICS ignores it unless `EPICS_CA_AUTO_ARRAY_BYTES` is NO:
    /// who sets it means it. With `EPICS_CA_AUTO_ARRAY_BYTES` set to YES it does not count.
    fn max_array_bytes(&self) -> Result<u32, EnvironmentError> {
        let name = "EPICS_CA_MAX_ARRAY_BYTES";
        let auto = self.yes("EPICS_CA_AUTO_ARRAY_BYTES")?;
        let Some(value) = self.text(name) else {
            let limited = auto == Some(false);
            return Ok(if limited { message_bytes(LEAST_MESSAGE_BYTES) } else { DEFAULT_MESSAGE_BYTES });
        };
        let Ok(bytes) = value.trim().parse() else {
            let wrong = "not a number of bytes".into();
            return Err(EnvironmentError { name, value, wrong, right: "a whole number from 0 to 4294967295" });
        };
        Ok(if auto == Some(true) { DEFAULT_MESSAGE_BYTES } else { message_bytes(bytes) })
    }

    fn addresses(&self, name: &'static str, port: u16) -> Result<Vec<Address>, EnvironmentError> {
        let Some(value) = self.text(name) else {
            return Ok(Vec::new());
        };
        let mut addresses = Vec::new();
        for token in value.split_ascii_whitespace() {
            let address = address(token, port).map_err(|why| EnvironmentError {
                name,
                value: value.clone(),
                wrong: format!("{token:?} {why}"),
                right: "a list such as \"10.0.0.255 ioc1.lab:5064\", blanks between",
            })?;
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    fn interfaces(&self, name: &'static str) -> Result<Vec<Ipv4Addr>, EnvironmentError> {
        let Some(value) = self.text(name) else {
            return Ok(Vec::new());
        };
        let mut interfaces = Vec::new();
        for token in value.split_ascii_whitespace() {
            let Ok(interface) = token.parse() else {
                let wrong = format!("{token:?} is not an IPv4 address");
                let right = "a list such as \"127.0.0.1 10.0.0.7\", blanks between";
                return Err(EnvironmentError { name, value: value.clone(), wrong, right });
            };
            if !interfaces.contains(&interface) {
                interfaces.push(interface);
            }
        }
        Ok(interfaces)
    }
}

/// Room for the array that was asked for and an extended header, never less than EPICS's own small buffer.
fn message_bytes(array_bytes: u32) -> u32 {
    array_bytes.saturating_add(EXTENDED_HEADER_SIZE as u32).max(LEAST_MESSAGE_BYTES)
}

fn address(token: &str, default_port: u16) -> Result<Address, &'static str> {
    let (host, port) = match token.split_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0).ok_or("has no port after its colon")?),
        None => (token, default_port),
    };
    if let Ok(ip) = host.parse() {
        return Ok(Address::Socket(SocketAddrV4::new(ip, port)));
    }
    let is_name =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let is_broken_address = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_name && !is_broken_address {
        Ok(Address::Name { host: host.to_owned(), port })
    } else {
        Err("is neither an IPv4 address nor a host name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(variables: &[(&str, &str)]) -> Result<ClientEnvironment, EnvironmentError> {
        ClientEnvironment::read(lookup(variables))
    }

    fn server(variables: &[(&str, &str)]) -> Result<ServerEnvironment, EnvironmentError> {
        ServerEnvironment::read(lookup(variables))
    }

    fn lookup(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn socket(text: &str) -> Address {
        Address::Socket(text.parse().unwrap())
    }

    #[test]
    fn nothing_set_gives_the_defaults_of_epics() {
        let got = client(&[("EPICS_CA_ADDR_LIST", ""), ("EPICS_CA_SERVER_PORT", " ")]).unwrap();
        let want = ClientEnvironment {
            addresses: vec![],
            auto_addresses: true,
            name_servers: vec![],
            server_port: 5064,
            repeater_port: 5065,
            max_array_bytes: DEFAULT_MESSAGE_BYTES,
            conn_timeout: Span::from_secs(30),
        };
        assert_eq!(got, want);
        let got = server(&[]).unwrap();
        assert_eq!((got.server_port, got.beacon_port, got.beacon_period), (5064, 5065, Span::from_secs(15)));
        assert!(got.interfaces.is_empty() && got.beacon_addresses.is_empty() && got.auto_beacon_addresses);
    }

    #[test]
    fn lists_are_separated_by_blanks_and_ports_are_optional() {
        let got = client(&[
            ("EPICS_CA_ADDR_LIST", " 10.0.0.255\t127.0.0.1:6000 ioc-1.lab  gateway:7000 10.0.0.255"),
            ("EPICS_CA_AUTO_ADDR_LIST", "no"),
            ("EPICS_CA_NAME_SERVERS", "127.0.0.1"),
            ("EPICS_CA_SERVER_PORT", "9064"),
            ("EPICS_CA_CONN_TMO", "2.5"),
        ])
        .unwrap();
        let name = |host: &str, port| Address::Name { host: host.into(), port };
        let want =
            vec![socket("10.0.0.255:9064"), socket("127.0.0.1:6000"), name("ioc-1.lab", 9064), name("gateway", 7000)];
        assert_eq!(got.addresses, want, "the duplicate is dropped");
        assert_eq!(got.name_servers, vec![socket("127.0.0.1:9064")]);
        assert!(!got.auto_addresses);
        assert_eq!(got.conn_timeout, Span::from_millis(2500));
    }

    #[test]
    fn a_server_prefers_its_own_variables() {
        let both = [("EPICS_CA_SERVER_PORT", "6064"), ("EPICS_CAS_SERVER_PORT", "7064")];
        assert_eq!(server(&both[..1]).unwrap().server_port, 6064);
        assert_eq!(server(&both).unwrap().server_port, 7064);
        let got = server(&[
            ("EPICS_CA_REPEATER_PORT", "6065"),
            ("EPICS_CAS_BEACON_ADDR_LIST", "10.1.1.1"),
            ("EPICS_CAS_AUTO_BEACON_ADDR_LIST", "NO"),
            ("EPICS_CAS_INTF_ADDR_LIST", "127.0.0.1 10.0.0.7"),
        ])
        .unwrap();
        assert_eq!(got.beacon_addresses, vec![socket("10.1.1.1:6065")]);
        assert!(!got.auto_beacon_addresses);
        assert_eq!(got.interfaces, ["127.0.0.1", "10.0.0.7"].map(|ip| ip.parse::<Ipv4Addr>().unwrap()));
    }

    #[test]
    fn an_array_limit_gets_room_for_the_header() {
        for (variables, want) in [
            (vec![("EPICS_CA_MAX_ARRAY_BYTES", "1000000")], 1_000_024),
            (vec![("EPICS_CA_MAX_ARRAY_BYTES", "100")], 16_384),
            (vec![("EPICS_CA_MAX_ARRAY_BYTES", "4294967295")], u32::MAX),
            (vec![("EPICS_CA_AUTO_ARRAY_BYTES", "NO")], 16_408),
            (
                vec![("EPICS_CA_MAX_ARRAY_BYTES", "1000000"), ("EPICS_CA_AUTO_ARRAY_BYTES", "YES")],
                DEFAULT_MESSAGE_BYTES,
            ),
        ] {
            assert_eq!(client(&variables).unwrap().max_array_bytes, want, "{variables:?}");
            assert_eq!(server(&variables).unwrap().max_array_bytes, want, "{variables:?}");
        }
    }

    #[test]
    fn a_bad_value_names_the_variable_and_what_would_be_right() {
        for (name, value, wrong) in [
            ("EPICS_CA_SERVER_PORT", "80", "EPICS reserves ports up to 5000"),
            ("EPICS_CA_SERVER_PORT", "70000", "not a port"),
            ("EPICS_CA_REPEATER_PORT", "x", "not a port"),
            ("EPICS_CA_AUTO_ADDR_LIST", "maybe", "neither YES nor NO"),
            ("EPICS_CA_MAX_ARRAY_BYTES", "-1", "not a number of bytes"),
            ("EPICS_CA_CONN_TMO", "0", "not a time in seconds above 0"),
            ("EPICS_CA_ADDR_LIST", "10.0.0.1 10.0.0", "\"10.0.0\" is neither an IPv4 address nor a host name"),
            ("EPICS_CA_ADDR_LIST", "host:", "\"host:\" has no port after its colon"),
            ("EPICS_CA_NAME_SERVERS", "a,b", "\"a,b\" is neither an IPv4 address nor a host name"),
        ] {
            let error = client(&[(name, value)]).unwrap_err();
            assert_eq!((error.name, error.wrong.as_str()), (name, wrong));
            let text = error.to_string();
            assert!(text.starts_with(name) && text.ends_with("would be right"), "{text}");
        }
        let error = server(&[("EPICS_CAS_INTF_ADDR_LIST", "eth0")]).unwrap_err();
        assert_eq!(error.wrong, "\"eth0\" is not an IPv4 address");
    }

    proptest! {
        #[test]
        fn any_text_is_obeyed_or_refused(text in "\\PC{0,40}") {
            let _ = ClientEnvironment::read(|_| Some(text.clone()));
            let _ = ServerEnvironment::read(|_| Some(text.clone()));
        }
    }
}
