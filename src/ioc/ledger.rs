//! The server's own count of what each client asked and was sent: a client cannot misreport it.
//!
//! A run has one listener for each client, and counts by listener. A stand-alone IOC has one listener for all, and
//! counts by peer: the address, host name and user name of the circuit, so that a shell loop of `caget` is one client.
//! Counting is an index into a vector: a spinning poller makes a million gets a second.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::pv::PvId;
use crate::time::Tick;
use crate::trace::request::Count;
use crate::trace::{IocTally, LedgerRow, Window};

/// Who asks, where clients are told apart by what they say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer {
    /// The user name that it gave (CLIENT_NAME).
    pub user: String,
    /// The host name that it gave (HOST_NAME).
    pub host: String,
    /// Where its circuits come from; `None` for the clients that there was no room to tell apart.
    pub address: Option<IpAddr>,
}

/// Which client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountId(usize);

/// Which PV of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowId(u32);

/// The counts of one client.
#[derive(Clone, Debug, Default)]
pub struct Account {
    peer: Option<Peer>,
    rows: Vec<Row>,
    index: HashMap<PvId, RowId>,
    bytes_in: u64,
    bytes_out: u64,
    circuits: u64,
    open: u64,
    subscriptions: u64,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    pv: PvId,
    window: Count,
    total: Count,
    /// The version of the PV that the client's last get was answered with.
    last_read: Option<u64>,
}

impl Account {
    /// Who it is, when clients are told apart by what they say.
    #[must_use]
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// The PVs that the client touched, in their order.
    #[must_use]
    pub fn rows(&self) -> Vec<LedgerRow> {
        let mut rows: Vec<LedgerRow> = self
            .rows
            .iter()
            .filter(|row| row.total != Count::default())
            .map(|row| LedgerRow { pv: row.pv, window: row.window, total: row.total })
            .collect();
        rows.sort_by_key(|row| row.pv);
        rows
    }

    /// All PVs together, over the client's whole life.
    #[must_use]
    pub fn total(&self) -> Count {
        self.rows.iter().fold(Count::default(), |mut sum, row| {
            sum.add(&row.total);
            sum
        })
    }

    /// Bytes in the window, and circuits.
    #[must_use]
    pub fn tally(&self) -> IocTally {
        IocTally { bytes_in: self.bytes_in, bytes_out: self.bytes_out, circuits: self.circuits, outage: None }
    }

    /// Subscriptions made, initial events asked for.
    #[must_use]
    pub fn subscriptions(&self) -> u64 {
        self.subscriptions
    }

    /// Everything from zero; circuits that are open count as opened, rows keep their place.
    fn restart(&mut self) {
        for row in &mut self.rows {
            *row = Row { pv: row.pv, window: Count::default(), total: Count::default(), last_read: None };
        }
        self.bytes_in = 0;
        self.bytes_out = 0;
        self.circuits = self.open;
        self.subscriptions = 0;
    }
}

/// The counts of all clients.
#[derive(Debug)]
pub struct Ledger {
    accounts: Vec<Account>,
    /// By peer: where each is, and how many there may be. `None`: by listener.
    peers: Option<(HashMap<Peer, AccountId>, usize)>,
    window: Option<Window>,
}

impl Ledger {
    /// One account for each listener. Nothing is in the window until it is told.
    #[must_use]
    pub fn by_listener(listeners: usize) -> Ledger {
        Ledger { accounts: vec![Account::default(); listeners], peers: None, window: None }
    }

    /// One account for each peer, the last of at most `limit` for all the rest. Everything is in the window.
    #[must_use]
    pub fn by_peer(limit: usize) -> Ledger {
        let always = Window { open: Tick(0), close: Tick(u64::MAX), end: Tick(u64::MAX) };
        Ledger { accounts: Vec::new(), peers: Some((HashMap::new(), limit.max(1))), window: Some(always) }
    }

    /// The account of a circuit that opens; `None` where the peer has first to say who it is.
    pub fn open(&mut self, listener: usize) -> Option<AccountId> {
        if self.peers.is_some() {
            return None;
        }
        self.opened(AccountId(listener))
    }

    /// The account of a peer that has said who it is.
    pub fn identify(&mut self, peer: Peer) -> Option<AccountId> {
        let (known, limit) = self.peers.as_mut()?;
        let full = self.accounts.len() + 1 >= *limit;
        let others = Peer { user: String::new(), host: String::new(), address: None };
        let peer = if full && !known.contains_key(&peer) { others } else { peer };
        let next = AccountId(self.accounts.len());
        let id = *known.entry(peer.clone()).or_insert(next);
        if id == next {
            self.accounts.push(Account { peer: Some(peer), ..Account::default() });
        }
        self.opened(id)
    }

    fn opened(&mut self, id: AccountId) -> Option<AccountId> {
        let account = self.accounts.get_mut(id.0)?;
        account.circuits += 1;
        account.open += 1;
        Some(id)
    }

    /// A circuit of the account closes.
    pub fn close(&mut self, id: AccountId) {
        if let Some(account) = self.accounts.get_mut(id.0) {
            account.open = account.open.saturating_sub(1);
        }
    }

    /// Where a PV of a client is counted.
    pub fn row(&mut self, id: AccountId, pv: PvId) -> RowId {
        let Some(account) = self.accounts.get_mut(id.0) else { return RowId(u32::MAX) };
        let next = RowId(account.rows.len() as u32);
        let row = *account.index.entry(pv).or_insert(next);
        if row == next {
            account.rows.push(Row { pv, window: Count::default(), total: Count::default(), last_read: None });
        }
        row
    }

    /// The window that counts are told apart by.
    pub fn set_window(&mut self, window: Window) {
        self.window = Some(window);
    }

    /// All counts from zero; by listener also no window until it is told.
    pub fn restart(&mut self) {
        self.accounts.iter_mut().for_each(Account::restart);
        if self.peers.is_none() {
            self.window = None;
        }
    }

    fn in_window(&self, at: Tick) -> bool {
        self.window.is_some_and(|window| window.contains(at))
    }

    fn count(&mut self, id: AccountId, row: RowId, at: Tick, add: impl FnOnce(&mut Row) -> Count) {
        let in_window = self.in_window(at);
        if let Some(row) = self.accounts.get_mut(id.0).and_then(|a| a.rows.get_mut(row.0 as usize)) {
            let count = add(row);
            row.total.add(&count);
            if in_window {
                row.window.add(&count);
            }
        }
    }

    /// A get was answered with this version of the PV.
    pub fn read(&mut self, id: AccountId, row: RowId, version: u64, at: Tick) {
        self.count(id, row, at, |row| {
            let same = row.last_read.replace(version) == Some(version);
            Count { requests: 1, redundant: u64::from(same), ..Count::default() }
        });
    }

    /// An update was handed to the socket.
    pub fn update_sent(&mut self, id: AccountId, row: RowId, at: Tick) {
        self.count(id, row, at, |_| Count { updates_sent: 1, ..Count::default() });
    }

    /// An update was replaced in the event queue.
    pub fn update_replaced(&mut self, id: AccountId, row: RowId, at: Tick) {
        self.count(id, row, at, |_| Count { updates_replaced: 1, ..Count::default() });
    }

    /// A subscription was made.
    pub fn subscribed(&mut self, id: AccountId) {
        if let Some(account) = self.accounts.get_mut(id.0) {
            account.subscriptions += 1;
        }
    }

    /// Bytes came from the client and went to it.
    pub fn bytes(&mut self, id: AccountId, bytes_in: usize, bytes_out: usize, at: Tick) {
        let in_window = self.in_window(at);
        if let Some(account) = self.accounts.get_mut(id.0).filter(|_| in_window) {
            account.bytes_in += bytes_in as u64;
            account.bytes_out += bytes_out as u64;
        }
    }

    /// All clients: by listener in the order of the listeners, by peer in the order of their coming.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn window(open: u64, close: u64) -> Window {
        Window { open: Tick(open), close: Tick(close), end: Tick(close) }
    }

    #[test]
    fn a_get_of_the_same_version_is_redundant_whatever_the_circuit() {
        let mut ledger = Ledger::by_listener(2);
        ledger.set_window(window(10, 20));
        let account = ledger.open(1).unwrap();
        let row = ledger.row(account, PvId(7));
        for (version, at) in [(3, 9), (3, 10), (4, 15), (4, 16), (4, 20)] {
            ledger.read(account, row, version, Tick(at));
        }
        ledger.close(account);
        let again = ledger.open(1).unwrap();
        let row = ledger.row(again, PvId(7));
        ledger.read(again, row, 4, Tick(21));
        let rows = ledger.accounts()[1].rows();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].total.requests, rows[0].total.redundant), (6, 4));
        assert_eq!((rows[0].window.requests, rows[0].window.redundant), (3, 2));
        assert_eq!(ledger.accounts()[1].tally().circuits, 2);
        assert!(ledger.accounts()[0].rows().is_empty());
    }

    #[test]
    fn rows_are_in_the_order_of_pvs_and_only_those_touched() {
        let mut ledger = Ledger::by_listener(1);
        let account = ledger.open(0).unwrap();
        let rows: Vec<RowId> = [5, 2, 9].into_iter().map(|pv| ledger.row(account, PvId(pv))).collect();
        ledger.update_sent(account, rows[0], Tick(0));
        ledger.update_replaced(account, rows[1], Tick(0));
        let got: Vec<u32> = ledger.accounts()[0].rows().iter().map(|row| row.pv.0).collect();
        assert_eq!(got, [2, 5]);
    }

    #[test]
    fn a_restart_keeps_open_circuits_and_nothing_else() {
        let mut ledger = Ledger::by_listener(1);
        ledger.set_window(window(0, 100));
        let account = ledger.open(0).unwrap();
        let gone = ledger.open(0).unwrap();
        ledger.close(gone);
        let row = ledger.row(account, PvId(0));
        ledger.read(account, row, 1, Tick(5));
        ledger.bytes(account, 10, 20, Tick(5));
        ledger.restart();
        assert!(ledger.accounts()[0].rows().is_empty());
        assert_eq!(ledger.accounts()[0].tally(), IocTally { circuits: 1, ..IocTally::default() });
        ledger.read(account, row, 1, Tick(5));
        let count = ledger.accounts()[0].rows()[0];
        assert_eq!((count.total.requests, count.total.redundant), (1, 0), "nothing came before");
        assert_eq!(count.window, Count::default(), "the window is over");
    }

    #[test]
    fn bytes_count_in_the_window_only() {
        let mut ledger = Ledger::by_listener(1);
        let account = ledger.open(0).unwrap();
        ledger.bytes(account, 1, 1, Tick(5));
        ledger.set_window(window(10, 20));
        for at in [9, 10, 19, 20] {
            ledger.bytes(account, 100, 1000, Tick(at));
        }
        assert_eq!(
            ledger.accounts()[0].tally(),
            IocTally { bytes_in: 200, bytes_out: 2000, circuits: 1, outage: None }
        );
    }

    #[test]
    fn peers_are_told_apart_up_to_a_limit() {
        let mut ledger = Ledger::by_peer(3);
        assert_eq!(ledger.open(0), None);
        let peer = |user: &str| Peer {
            user: user.to_owned(),
            host: "here".to_owned(),
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        };
        let ids: Vec<AccountId> =
            ["ann", "bob", "cyd", "dan", "ann"].map(|user| ledger.identify(peer(user)).unwrap()).into();
        assert_eq!(ids, [0, 1, 2, 2, 0].map(AccountId));
        assert_eq!(ledger.accounts()[2].peer().unwrap().address, None);
        let row = ledger.row(ids[0], PvId(0));
        ledger.read(ids[0], row, 1, Tick(5));
        assert_eq!(ledger.accounts()[0].total().requests, 1);
        assert_eq!(ledger.accounts()[0].tally().circuits, 2);
    }
}
