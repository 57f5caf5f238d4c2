//! The IOC's own count as a table: `ledger.csv`. The first counts are those of the window, the last those of the client's whole life.

use std::io::{Read, Write};

use super::rows::{CsvError, Line, Names, Row, Rows};
use crate::trace::LedgerRow;
use crate::trace::request::Count;

/// Columns of `ledger.csv`.
pub const LEDGER: &[&str] = &[
    "client",
    "repeat",
    "pv",
    "requests",
    "redundant",
    "updates_sent",
    "updates_replaced",
    "total_requests",
    "total_redundant",
    "total_updates_sent",
    "total_updates_replaced",
];

/// Writes the ledger of a client in a repeat.
///
/// # Errors
/// Those of the writer.
pub fn write_ledger<W: Write>(
    out: &mut csv::Writer<W>,
    names: &Names,
    client: usize,
    repeat: u32,
    rows: &[LedgerRow],
) -> csv::Result<()> {
    let mut line = Line::new(out);
    for row in rows {
        line.text(names.client(client))?;
        line.number(u64::from(repeat))?;
        line.text(names.pv(row.pv))?;
        for count in [row.window, row.total] {
            for number in [count.requests, count.redundant, count.updates_sent, count.updates_replaced] {
                line.number(number)?;
            }
        }
        line.end()?;
    }
    Ok(())
}

/// Hands the first `rows` rows to `take`, with their client and repeat.
///
/// # Errors
/// Naming line and column.
pub fn read_ledger(
    input: impl Read,
    names: &Names,
    rows: u64,
    mut take: impl FnMut(usize, u32, LedgerRow),
) -> Result<(), CsvError> {
    Rows::new(input, LEDGER)?.each(rows, |row| {
        let ledger = LedgerRow { pv: row.pv(2, names)?, window: count(&row, 3)?, total: count(&row, 7)? };
        take(row.client(0, names)?, row.repeat(1)?, ledger);
        Ok(())
    })
}

fn count(row: &Row<'_>, from: usize) -> Result<Count, CsvError> {
    Ok(Count {
        requests: row.number(from)?,
        redundant: row.number(from + 1)?,
        updates_sent: row.number(from + 2)?,
        updates_replaced: row.number(from + 3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pv::PvId;
    use crate::scenario::model::{Change, Fetch};
    use crate::summary::example;

    #[test]
    fn the_ledger_comes_back() {
        let clients = vec![example::client("m", Fetch::Monitor, None, 2)];
        let names = Names::new(&example::scenario(vec![(2, example::group(Change::Still))], clients));
        let window = Count { requests: 1, redundant: 2, updates_sent: 3, updates_replaced: 4 };
        let total = Count { requests: 5, redundant: 6, updates_sent: 7, updates_replaced: 8 };
        let rows = [LedgerRow { pv: PvId(1), window, total }];
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(LEDGER).unwrap();
        write_ledger(&mut writer, &names, 0, 2, &rows).unwrap();
        let bytes = writer.into_inner().unwrap();
        let first = "client,repeat,pv,requests,redundant,updates_sent,updates_replaced,";
        assert!(String::from_utf8_lossy(&bytes).starts_with(first));
        assert!(String::from_utf8_lossy(&bytes).ends_with("\nm,2,TEST:G0P1,1,2,3,4,5,6,7,8\n"));
        let mut back = Vec::new();
        read_ledger(&bytes[..], &names, 1, |client, repeat, row| back.push((client, repeat, row))).unwrap();
        assert_eq!(back, [(0, 2, rows[0])]);
    }
}
