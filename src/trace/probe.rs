//! What a probe found in one repeat: facts, as it printed them, and the reading of its lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::scenario::metric::{Dimension, Metric};

/// The most points of a curve that are kept of one repeat.
const MOST_POINTS: usize = 10_000;
/// The longest word of a remark that is kept, in bytes.
const LONGEST: usize = 200;

/// What a probe found in one repeat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProbeRun {
    /// Index of the probe in the scenario.
    pub probe: usize,
    /// From 0.
    pub repeat: u32,
    /// What it measured, in base units (ns for durations).
    pub values: BTreeMap<Metric, f64>,
    /// Its curves, by name: points in the order of printing.
    pub curves: BTreeMap<String, Vec<(f64, f64)>>,
    /// What it said of its interpreter, such as `python` and `gil`.
    pub remarks: BTreeMap<String, String>,
}

/// What would have been right.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WrongLine {
    /// It is of no known form.
    #[error("`NAME VALUE UNIT`, `point SERIES X Y`, `# KEY WORDS` or `done`")]
    Form,
    /// The program of this probe measures no such thing.
    #[error("the name of a metric that this program measures")]
    Metric,
    /// A value is no finite number.
    #[error("a finite number")]
    Number,
    /// The unit does not go with the metric.
    #[error("a unit: ns, us, ms or s for a duration, 1 for anything else")]
    Unit,
    /// Too many points.
    #[error("at most {MOST_POINTS} points")]
    Points,
    /// Something after the end.
    #[error("nothing, after `done`")]
    Over,
}

/// The lines of one run of a probe as they come.
#[derive(Clone, Debug)]
pub struct ProbeLines {
    run: ProbeRun,
    program: String,
    points: usize,
    done: bool,
}

impl ProbeLines {
    /// Nothing yet.
    #[must_use]
    pub fn new(probe: usize, repeat: u32, program: &str) -> ProbeLines {
        let run = ProbeRun { probe, repeat, ..ProbeRun::default() };
        ProbeLines { run, program: program.to_owned(), points: 0, done: false }
    }

    /// Takes one line.
    ///
    /// # Errors
    /// What would have been right in its place.
    pub fn take(&mut self, line: &str) -> Result<(), WrongLine> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(()),
            _ if self.done => Err(WrongLine::Over),
            ["#", key, rest @ ..] if key.len() <= LONGEST => {
                let text: String = rest.join(" ").chars().take(LONGEST).collect();
                self.run.remarks.insert((*key).to_owned(), text);
                Ok(())
            }
            ["done"] => {
                self.done = true;
                Ok(())
            }
            ["point", series, x, y] if series.len() <= LONGEST => self.point(series, number(x)?, number(y)?),
            [name, value, unit] => self.value(name, number(value)?, unit),
            _ => Err(WrongLine::Form),
        }
    }

    fn point(&mut self, series: &str, x: f64, y: f64) -> Result<(), WrongLine> {
        if self.points == MOST_POINTS {
            return Err(WrongLine::Points);
        }
        self.points += 1;
        self.run.curves.entry(series.to_owned()).or_default().push((x, y));
        Ok(())
    }

    fn value(&mut self, name: &str, value: f64, unit: &str) -> Result<(), WrongLine> {
        let known = Metric::named(name).filter(|m| m.name() == name && m.program() == Some(self.program.as_str()));
        let metric = known.ok_or(WrongLine::Metric)?;
        let ns = match unit {
            "ns" => Some(1.0),
            "us" => Some(1e3),
            "ms" => Some(1e6),
            "s" => Some(1e9),
            _ => None,
        };
        let factor = match (metric.dimension(), ns) {
            (Dimension::Duration, Some(ns)) => ns,
            (Dimension::Duration, None) => return Err(WrongLine::Unit),
            (_, None) if unit == "1" => 1.0,
            _ => return Err(WrongLine::Unit),
        };
        self.run.values.insert(metric, value * factor);
        Ok(())
    }

    /// What was found; `None` where the probe did not go to its end.
    #[must_use]
    pub fn finish(self) -> Option<ProbeRun> {
        self.done.then_some(self.run)
    }
}

fn number(text: &str) -> Result<f64, WrongLine> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or(WrongLine::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Option<ProbeRun>, (usize, WrongLine)> {
        let mut lines = ProbeLines::new(1, 2, "parallel");
        for (place, line) in text.lines().enumerate() {
            lines.take(line).map_err(|wrong| (place + 1, wrong))?;
        }
        Ok(lines.finish())
    }

    #[test]
    fn a_whole_run() {
        let run = read(
            "# python 3.12.1\n# gil on\n\nalone_ms 1.5 s\nother_progress_fraction 0.5 1\npoint ones 0 1e0\npoint ones 1 2\ndone\n",
        );
        let run = run.unwrap().unwrap();
        assert_eq!((run.probe, run.repeat), (1, 2));
        let value = |name: &str| run.values.get(&Metric::named(name).unwrap()).copied();
        assert_eq!(
            (value("alone_ms"), value("other_progress_fraction"), value("threads_ms")),
            (Some(1.5e9), Some(0.5), None)
        );
        assert_eq!(run.curves["ones"], [(0.0, 1.0), (1.0, 2.0)]);
        assert_eq!(run.remarks["python"], "3.12.1");
        assert_eq!(read("alone_ms 1 s"), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, wrong) in [
            ("hello", WrongLine::Form),
            ("Traceback (most recent call last):", WrongLine::Form),
            ("alone_ms nan ms", WrongLine::Number),
            ("alone_ms 1e999 ms", WrongLine::Number),
            ("alone_ms 1 1", WrongLine::Unit),
            ("other_progress_fraction 1 ms", WrongLine::Unit),
            ("alone 1 ms", WrongLine::Metric),
            ("handover_fraction 1 1", WrongLine::Metric),
            ("notice_p99_us 1 us", WrongLine::Metric),
            ("point ones", WrongLine::Form),
            ("point ones 1 x", WrongLine::Number),
        ] {
            assert_eq!(read(text), Err((1, wrong)), "{text}");
        }
        assert_eq!(read("done\nalone_ms 1 ms"), Err((2, WrongLine::Over)));
        assert_eq!(read(&"point a 1 1\n".repeat(MOST_POINTS + 1)), Err((MOST_POINTS + 1, WrongLine::Points)));
    }

    fn likely_line() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "#",
            "point",
            "done",
            "alone_ms",
            "threads_ms",
            "ones",
            "1",
            "-2.5e3",
            "ms",
            "s",
            "inf",
            "",
        ]);
        prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "))
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(lines in prop::collection::vec(prop_oneof![likely_line(), "\\PC*"], 0..40)) {
            let mut reader = ProbeLines::new(0, 0, "parallel");
            for line in &lines {
                let _ = reader.take(line);
            }
            let done = lines.iter().any(|line| line.split_whitespace().eq(["done"]));
            let run = reader.finish();
            prop_assert_eq!(run.is_some(), done);
            prop_assert!(run.is_none_or(|run| run.values.values().all(|v| v.is_finite())));
        }

        #[test]
        fn what_is_printed_is_what_is_read(ms in 0.0f64..1e6, points in prop::collection::vec((-1e6f64..1e6, -1e6f64..1e6), 0..50)) {
            let mut text = format!("alone_ms {ms:?} ms\n");
            points.iter().for_each(|(x, y)| text += &format!("point ones {x:?} {y:?}\n"));
            let run = read(&(text + "done")).unwrap().unwrap();
            prop_assert_eq!(run.values[&Metric::named("alone_ms").unwrap()], ms * 1e6);
            prop_assert_eq!(run.curves.get("ones").cloned().unwrap_or_default(), points);
        }
    }
}
