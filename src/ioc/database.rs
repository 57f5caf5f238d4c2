//! All PVs of the IOC, by number and by name.

use std::collections::HashMap;

use super::record::{Posting, Properties, Record};
use crate::ca::convert::ConvertError;
use crate::pv::{PvId, Value};
use crate::scenario::model::Scenario;
use crate::time::EpicsTime;

/// The field that a bare record name stands for.
const DEFAULT_FIELD: &str = ".VAL";

/// The PVs and their names.
#[derive(Debug)]
pub struct Database {
    groups: Vec<Properties>,
    records: Vec<(usize, Record)>,
    names: HashMap<String, PvId>,
}

impl Database {
    /// The PVs of a scenario, none of them changed yet.
    #[must_use]
    pub fn new(scenario: &Scenario, stamp: EpicsTime) -> Database {
        let groups: Vec<Properties> = scenario.groups.iter().map(Properties::new).collect();
        let mut records = Vec::with_capacity(scenario.pvs.len());
        let mut names = HashMap::with_capacity(scenario.pvs.len());
        for pv in &scenario.pvs {
            let Some(properties) = groups.get(pv.group) else { continue };
            names.insert(pv.name.to_string(), PvId(records.len() as u32));
            records.push((pv.group, Record::new(properties, stamp)));
        }
        Database { groups, records, names }
    }

    /// How many PVs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The PV of that name; `NAME.VAL` is `NAME`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PvId> {
        let bare = || name.strip_suffix(DEFAULT_FIELD).and_then(|bare| self.names.get(bare));
        self.names.get(name).or_else(bare).copied()
    }

    /// A PV and what it shares with its block.
    #[must_use]
    pub fn get(&self, pv: PvId) -> Option<(&Properties, &Record)> {
        let (group, record) = self.records.get(pv.index())?;
        Some((self.groups.get(*group)?, record))
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, pv: PvId) -> Option<(&Properties, &mut Record)> {
        let (group, record) = self.records.get_mut(pv.index())?;
        Some((self.groups.get(*group)?, record))
    }

    /// The signal of a PV changes.
    pub fn change(&mut self, pv: PvId, signal: f64, stamp: EpicsTime) -> Posting {
        self.get_mut(pv).map(|(properties, record)| record.change(properties, signal, stamp)).unwrap_or_default()
    }

    /// A client puts a value.
    ///
    /// # Errors
    /// When it cannot be had in the PV's native type.
    pub fn put(&mut self, pv: PvId, value: &Value, stamp: EpicsTime) -> Result<Posting, ConvertError> {
        self.get_mut(pv).map_or(Ok(Posting::default()), |(properties, record)| record.put(properties, value, stamp))
    }

    /// Deadbands start over for all PVs.
    pub fn restart(&mut self) {
        for (_, record) in &mut self.records {
            record.restart();
        }
    }

    /// Changes that stayed within the deadbands, over all PVs.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.records.iter().map(|(_, record)| record.suppressed()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::scenario::model::Change;

    #[test]
    fn finds_names_and_their_default_field() {
        let database = Database::new(&fixture::one_group(Change::Still, 3), EpicsTime::default());
        assert_eq!(database.len(), 3);
        assert_eq!(database.find("PV2"), Some(PvId(2)));
        assert_eq!(database.find("PV2.VAL"), Some(PvId(2)));
        for wrong in ["PV3", "PV2.DESC", "pv2", "", ".VAL"] {
            assert_eq!(database.find(wrong), None, "{wrong:?}");
        }
    }
}
