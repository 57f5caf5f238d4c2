//! What probes found as a table: `probes.csv`. A row is a measurement, a point of a curve, or a remark on the interpreter.

use std::io::{Read, Write};

use super::rows::{CsvError, Row, Rows};
use crate::scenario::metric::Metric;
use crate::scenario::model::Scenario;
use crate::trace::ProbeRun;

/// Columns of `probes.csv`. `value` of a measurement is in the unit of its name.
pub const PROBES: &[&str] = &["probe", "repeat", "kind", "name", "x", "value"];

const MEASUREMENT: &str = "measurement";
const POINT: &str = "point";
const REMARK: &str = "remark";

/// Writes one run of a probe; how many rows that takes.
///
/// # Errors
/// Those of the writer.
pub fn write_probe<W: Write>(out: &mut csv::Writer<W>, scenario: &Scenario, run: &ProbeRun) -> csv::Result<u64> {
    let probe = scenario.probes.get(run.probe).map_or("", |probe| probe.name.as_str());
    let repeat = run.repeat.to_string();
    let mut rows = 0;
    let mut row = |kind: &str, name: &str, x: &str, value: &str| {
        rows += 1;
        out.write_record([probe, &repeat, kind, name, x, value])
    };
    for (key, words) in &run.remarks {
        row(REMARK, key, "", words)?;
    }
    for (metric, value) in &run.values {
        row(MEASUREMENT, metric.name(), "", &metric.in_its_unit(*value).to_string())?;
    }
    for (series, points) in &run.curves {
        for (x, y) in points {
            row(POINT, series, &x.to_string(), &y.to_string())?;
        }
    }
    Ok(rows)
}

/// Reads the first `rows` rows.
///
/// # Errors
/// Naming line and column.
pub fn read_probes(input: impl Read, scenario: &Scenario, rows: u64) -> Result<Vec<ProbeRun>, CsvError> {
    let mut runs: Vec<ProbeRun> = Vec::new();
    Rows::new(input, PROBES)?.each(rows, |row| {
        let probe = scenario.probes.iter().position(|probe| probe.name.as_bytes() == row.bytes(0));
        let (probe, repeat) = (probe.ok_or_else(|| row.wrong(0, "a probe of the scenario"))?, row.repeat(1)?);
        let same = runs.last().is_some_and(|run| (run.probe, run.repeat) == (probe, repeat));
        if !same {
            runs.push(ProbeRun { probe, repeat, ..ProbeRun::default() });
        }
        runs.last_mut().map_or(Ok(()), |run| take(run, &row))
    })?;
    Ok(runs)
}

fn take(run: &mut ProbeRun, row: &Row<'_>) -> Result<(), CsvError> {
    let (kind, name) = (row.words(2), row.words(3));
    match kind.as_str() {
        REMARK => drop(run.remarks.insert(name, row.words(5))),
        MEASUREMENT => {
            let metric = Metric::named(&name).ok_or_else(|| row.wrong(3, "a metric"))?;
            run.values.insert(metric, metric.to_base(row.real(5)?));
        }
        POINT => run.curves.entry(name).or_default().push((row.real(4)?, row.real(5)?)),
        _ => return Err(row.wrong(2, "`measurement`, `point` or `remark`")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Change;
    use crate::summary::example;

    #[test]
    fn what_probes_found_comes_back() {
        let mut scenario = example::scenario(vec![(1, example::group(Change::Still))], Vec::new());
        scenario.probes = vec![example::probe("parallel"), example::probe("sleep_zero")];
        let named = |name: &str| Metric::named(name).unwrap();
        let first = ProbeRun {
            probe: 0,
            repeat: 0,
            values: [(named("alone_ms"), 1.25e9)].into(),
            curves: [("ones, \"and\"".to_owned(), vec![(0.1, -2.0), (0.2, 3e-9)])].into(),
            remarks: [("python".to_owned(), "3.12.1".to_owned())].into(),
        };
        let second = ProbeRun { probe: 1, values: [(named("handover_fraction"), 0.1)].into(), ..ProbeRun::default() };
        let third = ProbeRun { repeat: 1, ..first.clone() };
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(PROBES).unwrap();
        let runs = [first, second, third];
        let rows = runs.iter().map(|run| write_probe(&mut writer, &scenario, run).unwrap()).sum();
        let bytes = writer.into_inner().unwrap();
        assert_eq!(read_probes(&bytes[..], &scenario, rows).unwrap(), runs);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("\na-parallel,0,measurement,alone_ms,,1250\n"), "{text}");
        let damaged = text.replacen("measurement", "mesurement", 1);
        let error = read_probes(damaged.as_bytes(), &scenario, rows).unwrap_err().to_string();
        assert_eq!(error, "line 3, column `kind`: `mesurement` is not `measurement`, `point` or `remark`");
    }
}
