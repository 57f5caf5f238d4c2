//! A comparison as JUnit XML: what most CI servers show as a list of tests.

use std::fmt::Write;

use super::words::{change, value};
use crate::compare::outcome::{Comparison, Verdict};

/// One suite, one test case for each client and metric; what is inconclusive counts as skipped.
#[must_use]
pub fn junit(comparison: &Comparison) -> String {
    let cases = comparison.rows.iter().map(|row| {
        let text = format!("{} to {} {}: {}; {}", value(row.base), value(row.new), row.unit, change(row), row.why);
        (row.client.clone(), row.metric.name().to_owned(), row.verdict, text)
    });
    let bounds = comparison.bounds.iter().map(|b| ("bounds".to_owned(), b.text.clone(), b.verdict, b.why.clone()));
    let cases: Vec<_> = cases.chain(bounds).collect();
    let of = |verdict: Verdict| cases.iter().filter(|case| case.2 == verdict).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"",
        cases.len(),
        of(Verdict::Regressed),
        of(Verdict::Inconclusive)
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"pollcost\" {counts}>\n  <testsuite name=\"pollcost compare\" {counts}>");
    for (class, name, verdict, why) in &cases {
        let head = format!("    <testcase classname=\"pollcost.{}\" name=\"{}\"", escaped(class), escaped(name));
        let why = escaped(why);
        let _ = match verdict {
            Verdict::Regressed => writeln!(out, "{head}>\n      <failure message=\"{why}\"/>\n    </testcase>"),
            Verdict::Inconclusive => writeln!(out, "{head}>\n      <skipped message=\"{why}\"/>\n    </testcase>"),
            Verdict::Improved => {
                writeln!(out, "{head}>\n      <system-out>improved: {why}</system-out>\n    </testcase>")
            }
            Verdict::Pass => writeln!(out, "{head}/>"),
        };
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// What XML 1.0 lets stand in a text or an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
