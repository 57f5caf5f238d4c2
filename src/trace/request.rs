//! What the server counted: a client cannot misreport it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pv::{PvId, Seq};
use crate::time::Tick;

/// One read request that the IOC answered (recorded with `facts = "full"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The PV.
    pub pv: PvId,
    /// When the IOC had the request.
    pub received: Tick,
    /// When its reply was handed to the socket.
    pub replied: Tick,
    /// The change that the reply carried.
    pub seq: Seq,
}

/// The IOC's count for one client and PV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Read requests answered.
    pub requests: u64,
    /// Of these, replies that carried the same `seq` as the client's previous value of that PV.
    pub redundant: u64,
    /// Monitor updates handed to the socket, the initial event included.
    pub updates_sent: u64,
    /// Monitor updates that a newer one replaced in the event queue.
    pub updates_replaced: u64,
}

impl Count {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Count) {
        self.requests = self.requests.saturating_add(other.requests);
        self.redundant = self.redundant.saturating_add(other.redundant);
        self.updates_sent = self.updates_sent.saturating_add(other.updates_sent);
        self.updates_replaced = self.updates_replaced.saturating_add(other.updates_replaced);
    }
}

/// One row of the IOC's ledger: a client and a PV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The PV.
    pub pv: PvId,
    /// Within the measuring window, by the instant the IOC had the request or sent the update.
    pub window: Count,
    /// Over the whole life of the client.
    pub total: Count,
}

impl LedgerRow {
    /// Several ledgers together, in the order of PVs.
    #[must_use]
    pub fn sum<'a>(ledgers: impl Iterator<Item = &'a [LedgerRow]>) -> Vec<LedgerRow> {
        let mut sum: BTreeMap<PvId, LedgerRow> = BTreeMap::new();
        for row in ledgers.flatten() {
            let none = LedgerRow { pv: row.pv, window: Count::default(), total: Count::default() };
            let all = sum.entry(row.pv).or_insert(none);
            all.window.add(&row.window);
            all.total.add(&row.total);
        }
        sum.into_values().collect()
    }
}
