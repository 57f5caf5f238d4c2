//! The facts as tables: `emissions.csv`, `observations.csv` and `requests.csv`. Times are ns of `CLOCK_MONOTONIC`, or of virtual time.

use std::io::{Read, Write};

use super::block::{Cells, Fact};
use super::rows::{CsvError, Line, Names, Row, Rows};
use crate::pv::Seq;
use crate::time::Tick;
use crate::trace::{Emission, Observation, Request};

/// Columns of `emissions.csv`.
pub const EMISSIONS: &[&str] = &["repeat", "pv", "seq", "due_ns", "posted_ns"];
/// Columns of `observations.csv`. `asked_ns` is empty for a callback; `first` is 1 for the client's first value of the PV, else 0; `copy`
/// counts a client's copies from 0.
pub const OBSERVATIONS: &[&str] = &["client", "repeat", "pv", "seq", "asked_ns", "received_ns", "first", "copy"];
/// Columns of `requests.csv`.
pub const REQUESTS: &[&str] = &["client", "repeat", "pv", "received_ns", "replied_ns", "seq"];

/// Writes changes of a repeat.
///
/// # Errors
/// Those of the writer.
pub fn write_emissions<W: Write>(
    out: &mut csv::Writer<W>,
    names: &Names,
    repeat: u32,
    emissions: &[Emission],
) -> csv::Result<()> {
    let mut line = Line::new(out);
    for e in emissions {
        line.number(u64::from(repeat))?;
        line.text(names.pv(e.pv))?;
        line.number(e.seq.0)?;
        line.number(e.due.0)?;
        line.number(e.posted.0)?;
        line.end()?;
    }
    Ok(())
}

impl Fact for Emission {
    /// The repeat.
    type Key = u32;
    const COLUMNS: &'static [&'static str] = EMISSIONS;
    const WRITTEN: usize = EMISSIONS.len();

    fn plain(cells: &mut Cells<'_>, names: &Names) -> Option<(u32, Emission)> {
        let (repeat, pv) = (cells.repeat()?, cells.pv(names)?);
        let (seq, due, posted) = (Seq(cells.number()?), Tick(cells.number()?), Tick(cells.last()?));
        Some((repeat, Emission { pv, seq, due, posted }))
    }

    fn any(row: Row<'_>, names: &Names) -> Result<(u32, Emission), CsvError> {
        let (pv, seq) = (row.pv(1, names)?, Seq(row.number(2)?));
        let (due, posted) = (Tick(row.number(3)?), Tick(row.number(4)?));
        Ok((row.repeat(0)?, Emission { pv, seq, due, posted }))
    }
}

/// Writes what a client saw in a repeat.
///
/// # Errors
/// Those of the writer.
pub fn write_observations<W: Write>(
    out: &mut csv::Writer<W>,
    names: &Names,
    client: usize,
    repeat: u32,
    observations: &[Observation],
) -> csv::Result<()> {
    let mut line = Line::new(out);
    for o in observations {
        line.text(names.client(client))?;
        line.number(u64::from(repeat))?;
        line.text(names.pv(o.pv))?;
        line.number(o.seq.0)?;
        line.optional(o.asked.map(|t| t.0))?;
        line.number(o.received.0)?;
        line.number(u64::from(o.first))?;
        line.number(u64::from(o.copy))?;
        line.end()?;
    }
    Ok(())
}

impl Fact for Observation {
    /// The client and the repeat.
    type Key = (usize, u32);
    // Runs from before clients had copies are without the last column.
    const COLUMNS: &'static [&'static str] = &["client", "repeat", "pv", "seq", "asked_ns", "received_ns", "first"];
    const WRITTEN: usize = OBSERVATIONS.len();

    fn plain(cells: &mut Cells<'_>, names: &Names) -> Option<((usize, u32), Observation)> {
        let (client, repeat, pv) = (cells.client(names)?, cells.repeat()?, cells.pv(names)?);
        let (seq, asked, received) = (Seq(cells.number()?), cells.optional()?.map(Tick), Tick(cells.number()?));
        let first = match cells.number()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let copy = u32::try_from(cells.last()?).ok()?;
        Some(((client, repeat), Observation { pv, seq, asked, received, first, copy }))
    }

    fn any(row: Row<'_>, names: &Names) -> Result<((usize, u32), Observation), CsvError> {
        let (pv, seq, asked) = (row.pv(2, names)?, Seq(row.number(3)?), row.optional(4)?.map(Tick));
        let (received, first, copy) = (Tick(row.number(5)?), row.flag(6)?, row.copy(7)?.unwrap_or(0));
        Ok(((row.client(0, names)?, row.repeat(1)?), Observation { pv, seq, asked, received, first, copy }))
    }
}

/// Writes the requests of a client in a repeat.
///
/// # Errors
/// Those of the writer.
pub fn write_requests<W: Write>(
    out: &mut csv::Writer<W>,
    names: &Names,
    client: usize,
    repeat: u32,
    requests: &[Request],
) -> csv::Result<()> {
    let mut line = Line::new(out);
    for r in requests {
        line.text(names.client(client))?;
        line.number(u64::from(repeat))?;
        line.text(names.pv(r.pv))?;
        line.number(r.received.0)?;
        line.number(r.replied.0)?;
        line.number(r.seq.0)?;
        line.end()?;
    }
    Ok(())
}

impl Fact for Request {
    /// The client and the repeat.
    type Key = (usize, u32);
    const COLUMNS: &'static [&'static str] = REQUESTS;
    const WRITTEN: usize = REQUESTS.len();

    fn plain(cells: &mut Cells<'_>, names: &Names) -> Option<((usize, u32), Request)> {
        let (client, repeat, pv) = (cells.client(names)?, cells.repeat()?, cells.pv(names)?);
        let (received, replied, seq) = (Tick(cells.number()?), Tick(cells.number()?), Seq(cells.last()?));
        Some(((client, repeat), Request { pv, received, replied, seq }))
    }

    fn any(row: Row<'_>, names: &Names) -> Result<((usize, u32), Request), CsvError> {
        let (pv, received) = (row.pv(2, names)?, Tick(row.number(3)?));
        let (replied, seq) = (Tick(row.number(4)?), Seq(row.number(5)?));
        Ok(((row.client(0, names)?, row.repeat(1)?), Request { pv, received, replied, seq }))
    }
}

/// Hands the first `rows` rows of a table to `take`, with their keys. For tables whose cells may go over several lines.
///
/// # Errors
/// Naming line and column.
pub fn read_rows<F: Fact>(
    input: impl Read,
    names: &Names,
    rows: u64,
    mut take: impl FnMut(F::Key, F, u64) -> Result<(), CsvError>,
) -> Result<(), CsvError> {
    Rows::new(input, F::COLUMNS)?.each(rows, |row| {
        let (key, fact) = F::any(row, names)?;
        take(key, fact, row.line())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pv::{PvId, PvName};
    use crate::scenario::model::{Change, Fetch, Scenario};
    use crate::summary::example;

    /// Names that a careless table would break on.
    fn scenario() -> Scenario {
        let clients = vec![example::client("a, \"b\"\nc", Fetch::Monitor, None, 2)];
        let mut scenario = example::scenario(vec![(2, example::group(Change::Still))], clients);
        scenario.pvs[1].name = PvName::new("X,\"Y\"").unwrap();
        scenario
    }

    fn written(write: impl FnOnce(&mut csv::Writer<&mut Vec<u8>>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = csv::Writer::from_writer(&mut bytes);
        write(&mut writer);
        drop(writer);
        bytes
    }

    #[test]
    fn emissions_come_back() {
        let names = Names::new(&scenario());
        let facts = [
            Emission { pv: PvId(1), seq: Seq(u64::MAX), due: Tick(0), posted: Tick(u64::MAX) },
            Emission { pv: PvId(0), seq: Seq(1), due: Tick(7), posted: Tick(8) },
        ];
        let bytes = written(|out| {
            out.write_record(EMISSIONS).unwrap();
            write_emissions(out, &names, 3, &facts).unwrap();
        });
        let text = "repeat,pv,seq,due_ns,posted_ns\n3,\"X,\"\"Y\"\"\",18446744073709551615,0,18446744073709551615\n3,TEST:G0P0,1,7,8\n";
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), text);
        let mut back = Vec::new();
        read_rows::<Emission>(&bytes[..], &names, 2, |repeat, e, _| {
            back.push((repeat, e));
            Ok(())
        })
        .unwrap();
        assert_eq!(back, facts.map(|e| (3, e)));
        let unknown = text.replace("TEST:G0P0", "TEST:G0P9");
        let error = read_rows::<Emission>(unknown.as_bytes(), &names, 2, |_, _, _| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "line 3, column `pv`: `TEST:G0P9` is not a PV of the scenario");
    }

    #[test]
    fn observations_and_requests_come_back() {
        let names = Names::new(&scenario());
        let seen = [
            Observation { pv: PvId(1), seq: Seq(0), asked: None, received: Tick(9), first: true, copy: 0 },
            Observation { pv: PvId(0), seq: Seq(4), asked: Some(Tick(0)), received: Tick(11), first: false, copy: 3 },
        ];
        let bytes = written(|out| {
            out.write_record(OBSERVATIONS).unwrap();
            write_observations(out, &names, 0, 1, &seen).unwrap();
        });
        let mut back = Vec::new();
        read_rows::<Observation>(&bytes[..], &names, 2, |key, o, _| {
            back.push((key, o));
            Ok(())
        })
        .unwrap();
        assert_eq!(back, seen.map(|o| ((0, 1), o)));

        let asked = [Request { pv: PvId(0), received: Tick(1), replied: Tick(2), seq: Seq(3) }];
        let bytes = written(|out| {
            out.write_record(REQUESTS).unwrap();
            write_requests(out, &names, 0, 1, &asked).unwrap();
        });
        let mut back = Vec::new();
        read_rows::<Request>(&bytes[..], &names, 1, |key, r, _| {
            back.push((key, r));
            Ok(())
        })
        .unwrap();
        assert_eq!(back, asked.map(|r| ((0, 1), r)));
    }
}
