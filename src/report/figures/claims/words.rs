//! Metrics in words, for axes and legends.

use crate::report::scale::Spacing;
use crate::scenario::metric::{Dimension, Metric};

/// Those whose name alone would not be understood.
const WORDS: [(&str, &str); 22] = [
    ("alone_ms", "one thread"),
    ("threads_ms", "two threads"),
    ("processes_ms", "two processes"),
    ("other_progress_fraction", "how far the slower one has come"),
    ("lost_plain_fraction", "plain statement"),
    ("lost_call_fraction", "with a call in it"),
    ("lost_locked_fraction", "with a lock"),
    ("handover_fraction", "calls during which the other thread ran"),
    ("handover_control_fraction", "the same with an empty call"),
    ("handover_sharp_fraction", "the same without timer slack"),
    ("sleep_zero_alone_us", "a call, alone"),
    ("sleep_zero_beside_us", "a call, beside a thread that computes"),
    ("gap_blocking_ms", "with time.sleep"),
    ("gap_awaiting_ms", "with await asyncio.sleep"),
    ("progress_cdll_fraction", "through CDLL"),
    ("progress_pydll_fraction", "through PyDLL"),
    ("notice_mean_us", "mean notice latency"),
    ("achieved_period_ms", "achieved poll period"),
    ("cpu_client_percent", "processor time of the client"),
    ("cpu_us_per_notice", "processor time for each change"),
    ("noticed_per_cpu_percent", "changes a second per % of a core"),
    ("cpu_us_per_us_won", "processor time per µs won"),
];

/// A metric in words; else its name without its unit.
pub(super) fn words(metric: Metric) -> String {
    let name = metric.name();
    if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == name) {
        return (*words).to_owned();
    }
    let units = ["_us", "_ms", "_fraction", "_percent"];
    units.iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name).replace('_', " ")
}

/// What the metrics of a probe's program have in common.
const OF_PROGRAMS: [(&str, &str); 4] = [
    ("parallel", "From the start of the first to the end of the last"),
    ("lost_updates", "Part of the updates that was lost"),
    ("coroutines", "Longest wait of the other coroutine"),
    ("ctypes_gil", "Speed of the other thread, over that beside a thread that waits"),
];

/// What an axis of several metrics shows.
pub(super) fn axis(metrics: &[Metric]) -> &'static str {
    let Some(first) = metrics.first() else { return "" };
    let program = first.program().filter(|program| metrics.iter().all(|metric| metric.program() == Some(program)));
    if let Some((_, words)) = program.and_then(|program| OF_PROGRAMS.iter().find(|(known, _)| *known == program)) {
        return words;
    }
    match first.dimension() {
        Dimension::Duration => "Time",
        Dimension::Percent => "Processor time",
        Dimension::Fraction => "Share",
        Dimension::BytesPerSecond => "Bytes",
        Dimension::PerSecond | Dimension::Count | Dimension::Ratio => "As named",
    }
}

/// The label of an axis: what it shows, its unit, and whether it is logarithmic.
pub(super) fn label(shows: &str, dimension: Dimension, spacing: Spacing) -> String {
    let unit = match dimension {
        Dimension::Duration => "seconds",
        Dimension::Percent => "% of one core",
        Dimension::Fraction => "%",
        Dimension::BytesPerSecond => "bytes a second",
        Dimension::PerSecond => "a second",
        Dimension::Count | Dimension::Ratio => "number",
    };
    format!("{shows} ({unit}{})", if spacing == Spacing::Log { ", log scale" } else { "" })
}

/// A text with a capital at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_of_known_metrics() {
        for (name, _) in WORDS {
            assert_eq!(Metric::named(name).map(Metric::name), Some(name));
        }
        for (program, _) in OF_PROGRAMS {
            assert!(Metric::of_probes().any(|metric| metric.program() == Some(program)), "{program}");
        }
        assert_eq!(axis(&[Metric::named("alone_ms").unwrap(), Metric::named("notice_mean").unwrap()]), "Time");
        assert_eq!(words(Metric::named("intended_p99").unwrap()), "intended p99");
        assert_eq!(capital("µs"), "Μs");
        assert_eq!(capital("part"), "Part");
    }
}
