//! What `pollcost ioc` says of its clients when it ends.

use serde::Serialize;

use super::request::Format;
use crate::ioc::ledger::{Account, Ledger};

/// What one client did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientReport {
    /// Its user, as it said.
    pub user: String,
    /// Its host, as it said.
    pub host: String,
    /// Where it came from; `None`: all the clients that there was no room to tell apart.
    pub address: Option<String>,
    /// Circuits that it opened.
    pub circuits: u64,
    /// Gets that were answered.
    pub gets: u64,
    /// Of these, those answered with what the client had been given before.
    pub redundant: u64,
    /// Subscriptions that it made.
    pub monitors: u64,
    /// Updates handed to its sockets, first ones included.
    pub updates_sent: u64,
    /// Updates that newer ones replaced in the event queue.
    pub updates_replaced: u64,
    /// Bytes from it.
    pub bytes_in: u64,
    /// Bytes to it.
    pub bytes_out: u64,
}

/// What all clients did, in the order of their coming.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Each client.
    pub clients: Vec<ClientReport>,
}

impl Report {
    /// The line that says that the server is there.
    #[must_use]
    pub fn serving(format: Format, pvs: usize, addresses: &[String]) -> String {
        match format {
            Format::Text => format!("serving {pvs} PVs on {}", addresses.join(", ")),
            Format::Json => serde_json::json!({ "serving": pvs, "addresses": addresses }).to_string(),
        }
    }

    /// What the clients of a ledger did.
    #[must_use]
    pub fn clients(ledger: &Ledger) -> Report {
        Report { clients: ledger.accounts().iter().map(client).collect() }
    }

    /// One line of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// A line for each client.
    #[must_use]
    pub fn text(&self) -> String {
        if self.clients.is_empty() {
            return "no client came".to_owned();
        }
        self.clients.iter().map(ClientReport::text).collect::<Vec<_>>().join("\n")
    }
}

fn client(account: &Account) -> ClientReport {
    let (total, tally) = (account.total(), account.tally());
    let (user, host, address) = account
        .peer()
        .map(|peer| (peer.user.clone(), peer.host.clone(), peer.address.map(|ip| ip.to_string())))
        .unwrap_or_default();
    ClientReport {
        user,
        host,
        address,
        circuits: tally.circuits,
        gets: total.requests,
        redundant: total.redundant,
        monitors: account.subscriptions(),
        updates_sent: total.updates_sent,
        updates_replaced: total.updates_replaced,
        bytes_in: tally.bytes_in,
        bytes_out: tally.bytes_out,
    }
}

impl ClientReport {
    fn text(&self) -> String {
        let who = match &self.address {
            Some(address) => format!("{}@{} ({address})", self.user, self.host),
            None => "all other clients".to_owned(),
        };
        let share = if self.gets > 0 {
            format!(" ({:.1} %)", self.redundant as f64 * 100.0 / self.gets as f64)
        } else {
            String::new()
        };
        format!(
            "{who}, {}: {}, {} redundant{share}; {}, {} sent, {} replaced",
            counted(self.circuits, "circuit"),
            counted(self.gets, "get"),
            self.redundant,
            counted(self.monitors, "monitor"),
            counted(self.updates_sent, "update"),
            self.updates_replaced,
        )
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let one = ClientReport {
            user: "ann".to_owned(),
            host: "desk".to_owned(),
            address: Some("127.0.0.1".to_owned()),
            circuits: 1,
            gets: 1000,
            redundant: 905,
            monitors: 0,
            updates_sent: 0,
            updates_replaced: 0,
            bytes_in: 5,
            bytes_out: 6,
        };
        let two = ClientReport {
            address: None,
            circuits: 3,
            gets: 0,
            redundant: 0,
            monitors: 1,
            updates_sent: 20,
            updates_replaced: 4,
            ..one.clone()
        };
        Report { clients: vec![one, two] }
    }

    #[test]
    fn each_client_is_a_line() {
        assert_eq!(
            report().text(),
            "ann@desk (127.0.0.1), 1 circuit: 1000 gets, 905 redundant (90.5 %); 0 monitors, 0 updates sent, 0 replaced\n\
             all other clients, 3 circuits: 0 gets, 0 redundant; 1 monitor, 20 updates sent, 4 replaced"
        );
        assert_eq!(Report { clients: vec![] }.text(), "no client came");
    }

    #[test]
    fn json_is_one_line_and_has_all() {
        let text = report().json();
        assert!(!text.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["clients"][0]["redundant"], 905);
        assert_eq!(value["clients"][1]["address"], serde_json::Value::Null);
        let addresses = ["127.0.0.1:5064".to_owned(), "10.0.0.1:5064".to_owned()];
        assert_eq!(Report::serving(Format::Text, 3, &addresses), "serving 3 PVs on 127.0.0.1:5064, 10.0.0.1:5064");
        let value: serde_json::Value = serde_json::from_str(&Report::serving(Format::Json, 3, &addresses)).unwrap();
        assert_eq!(value["serving"], 3);
    }
}
