//! The line protocol of clients that are other programs: what they print, line by line, and what it comes to.
//!
//! - `pv seq asked_ns received_ns`: a value; `-` where nobody asked;
//! - `# gets 12`, `# redundant 3`, `# updates 0`: what the client counted over its whole life, held against the IOC's ledger;
//! - `# round 123456`: when one of its rounds of polls began;
//! - any other line that starts with `#` is a remark and is passed over.
//!
//! A program may print them as they come or all at its end, in any order between PVs.

use std::collections::HashMap;

use thiserror::Error;

use super::tally::{Followed, Tally};
use crate::pv::PvName;
use crate::scenario::model::Facts;
use crate::time::Tick;
use crate::trace::{ClientTally, Observation, Window};

/// A line that is none of the protocol: says what would have been one.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LineError {
    /// Not of the form of a value.
    #[error("a line `pv seq asked_ns received_ns`")]
    Form,
    /// A PV that the client was not asked to look at.
    #[error("the name of one of its PVs")]
    Name,
    /// A number that the PV's type cannot hold.
    #[error("a value that this PV can have")]
    Value,
    /// A count or an instant that is not a number.
    #[error("a line `# {0} NUMBER`")]
    Number(&'static str),
}

/// Counts that a client may tell of.
const GETS: &str = "gets";
const REDUNDANT: &str = "redundant";
const UPDATES: &str = "updates";
const ROUND: &str = "round";

/// What one client printed so far.
#[derive(Debug)]
pub struct Lines {
    indices: HashMap<String, usize>,
    tally: Tally,
    observations: Vec<Observation>,
    rounds: Vec<Tick>,
    gets: Option<u64>,
    redundant: Option<u64>,
    updates: Option<u64>,
}

impl Lines {
    /// Of a client that looks at these PVs.
    #[must_use]
    pub fn new(pvs: &[(PvName, Followed)], facts: Facts) -> Lines {
        let followed: Vec<Followed> = pvs.iter().map(|(_, followed)| *followed).collect();
        Lines {
            indices: pvs.iter().enumerate().map(|(index, (name, _))| (name.to_string(), index)).collect(),
            tally: Tally::new(&followed, facts),
            observations: Vec::new(),
            rounds: Vec::new(),
            gets: None,
            redundant: None,
            updates: None,
        }
    }

    /// Takes one line.
    ///
    /// # Errors
    /// When it is none of the protocol.
    pub fn take(&mut self, line: &str) -> Result<(), LineError> {
        let line = line.trim();
        match line.strip_prefix('#') {
            Some(remark) => self.remark(remark),
            None => self.value(line),
        }
    }

    fn remark(&mut self, remark: &str) -> Result<(), LineError> {
        let mut words = remark.split_ascii_whitespace();
        let (word, number) = (words.next().unwrap_or_default(), words.next());
        let known = [GETS, REDUNDANT, UPDATES, ROUND].into_iter().find(|known| *known == word);
        let Some(word) = known else { return Ok(()) };
        let number = number.and_then(|n| n.parse().ok()).filter(|_| words.next().is_none());
        let number = Some(number.ok_or(LineError::Number(word))?);
        match word {
            GETS => self.gets = number,
            REDUNDANT => self.redundant = number,
            UPDATES => self.updates = number,
            _ => self.rounds.extend(number.map(Tick)),
        }
        Ok(())
    }

    fn value(&mut self, line: &str) -> Result<(), LineError> {
        let mut words = line.split_ascii_whitespace();
        let (Some(name), Some(seq), Some(asked), Some(received), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err(LineError::Form);
        };
        let index = *self.indices.get(name).ok_or(LineError::Name)?;
        let seq: i64 = seq.parse().map_err(|_| LineError::Form)?;
        let received = Tick(received.parse().map_err(|_| LineError::Form)?);
        let note = if asked == "-" {
            self.tally.updated(index, Some(seq as f64), received)
        } else {
            let asked = Tick(asked.parse().map_err(|_| LineError::Form)?);
            self.tally.read(index, Some(seq as f64), asked, received)
        };
        // News is always recorded, unless the number cannot be read.
        if note.news && note.record.is_none() {
            return Err(LineError::Value);
        }
        self.observations.extend(note.record);
        Ok(())
    }

    /// What it all comes to, given the window as it came out: the values in the order of receiving, and the client's own counts.
    #[must_use]
    pub fn finish(mut self, window: Option<Window>) -> (Vec<Observation>, ClientTally) {
        if let Some(window) = window {
            self.tally.set_window(window);
        }
        self.rounds.sort_unstable();
        for at in self.rounds {
            self.tally.round_started(at);
        }
        // Stable: values of one PV that came at the same instant stay in their order.
        self.observations.sort_by_key(|o| o.received);
        let own = self.tally.finish(0);
        let tally = ClientTally { requests: self.gets, redundant: self.redundant, updates: self.updates, ..own };
        (self.observations, tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pv::{NativeType, PvId, Seq};

    fn lines() -> Lines {
        let pv = |name: &str, id, native| (PvName::new(name).unwrap(), Followed { pv: PvId(id), native, labels: 0 });
        Lines::new(&[pv("A", 3, NativeType::Double), pv("B", 4, NativeType::Char)], Facts::News)
    }

    #[test]
    fn values_come_in_the_order_of_receiving_and_news_only() {
        let mut lines = lines();
        for line in ["A 1 - 10", "A 1 - 20", "A 2 25 30", "", "B 250 - 11", "B 4 - 29"].iter().filter(|l| !l.is_empty())
        {
            lines.take(line).unwrap();
        }
        let (observations, tally) = lines.finish(None);
        let told: Vec<_> =
            observations.iter().map(|o| (o.pv.0, o.seq, o.asked.map(|t| t.0), o.received.0, o.first)).collect();
        let wanted = [
            (3, Seq(1), None, 10, true),
            (4, Seq(250), None, 11, true),
            (4, Seq(260), None, 29, false),
            (3, Seq(2), Some(25), 30, false),
        ];
        assert_eq!(told, wanted);
        assert_eq!((tally.requests, tally.redundant, tally.updates), (None, None, None));
    }

    #[test]
    fn a_client_may_tell_what_it_counted() {
        let mut lines = lines();
        let said = [
            "# gets 12",
            "#redundant 3",
            "# updates 0",
            "# any other remark",
            "#",
            "# round 130",
            "# round 100",
            "# round 90",
        ];
        for line in said {
            lines.take(line).unwrap();
        }
        let (_, tally) = lines.finish(Some(Window { open: Tick(95), close: Tick(200), end: Tick(300) }));
        assert_eq!((tally.requests, tally.redundant, tally.updates), (Some(12), Some(3), Some(0)));
        assert_eq!((tally.periods.len(), tally.mean_period_ns), (1, Some(30.0)));
    }

    #[test]
    fn other_lines_are_refused() {
        for (line, error) in [
            ("hello", LineError::Form),
            ("", LineError::Form),
            ("A 1 -", LineError::Form),
            ("A 1 - 10 11", LineError::Form),
            ("A x - 10", LineError::Form),
            ("A 1.5 - 10", LineError::Form),
            ("A 1 y 10", LineError::Form),
            ("A 1 - -10", LineError::Form),
            ("C 1 - 10", LineError::Name),
            ("B 256 - 10", LineError::Value),
            ("A -1 - 10", LineError::Value),
            ("# gets", LineError::Number("gets")),
            ("# round 1.5", LineError::Number("round")),
            ("# updates 1 2", LineError::Number("updates")),
        ] {
            assert_eq!(lines().take(line), Err(error), "{line}");
        }
    }
}
