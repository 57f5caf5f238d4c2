//! What a client came to in each repeat by itself: what comparisons between clients are made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::measured::Measured;
use crate::scenario::metric::Metric;
use crate::stats::Distribution;
use crate::trace::Segment;

/// The quantities of one client in one repeat, in base units (ns for durations). What could not be had is not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfRepeat {
    /// From 0.
    pub repeat: u32,
    /// By metric.
    pub values: BTreeMap<Metric, f64>,
}

impl OfRepeat {
    /// Those of one segment. `periods` are median and mean of its poll periods, in ns; `round_trip` its mean round trip.
    pub(super) fn of(
        segment: &Segment,
        measured: &Measured,
        periods: (Option<f64>, Option<f64>),
        round_trip: Option<f64>,
    ) -> OfRepeat {
        let mut of = OfRepeat { repeat: segment.repeat, values: BTreeMap::new() };
        let seconds = Some(segment.window.length().as_secs_f64()).filter(|s| *s > 0.0);
        let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let a_second = |count: u64| seconds.map(|s| count as f64 / s);
        let (changes, counted) = (measured.paired.changes, &measured.counted);
        let counts = [
            ("changes", changes),
            ("noticed", measured.noticed),
            ("missed", measured.missed),
            ("unnoticed", changes - measured.noticed),
            ("requests", counted.requests),
            ("redundant", counted.redundant),
            ("updates_replaced", counted.updates_replaced),
            ("negative_latencies", measured.notice.negative()),
        ];
        counts.into_iter().for_each(|(name, count)| of.put(name, Some(count as f64)));
        of.put("missed_fraction", ratio(measured.missed, changes));
        of.put("redundant_fraction", ratio(counted.redundant, counted.requests));
        of.latency("notice", &measured.notice);
        of.latency("intended", &measured.intended);
        of.latency("seen", &measured.seen);
        of.put("age_mean_us", measured.age.mean_ns());
        of.put("age_peak_us", measured.age.mean_peak_ns());
        of.processor_time(segment, measured.noticed, seconds);
        of.put("requests_per_s", a_second(counted.requests));
        let noticed_per_s = a_second(measured.noticed);
        of.put("noticed_per_s", noticed_per_s);
        let cpu = Metric::named("cpu_total_percent").and_then(|metric| of.values.get(&metric).copied());
        of.put("noticed_per_cpu_percent", noticed_per_s.zip(cpu).map(|(noticed, cpu)| noticed / cpu));
        of.put("bytes_in_per_s", a_second(segment.ioc.bytes_in));
        of.put("bytes_out_per_s", a_second(segment.ioc.bytes_out));
        of.put("wakeups_per_s", segment.wakeups.and_then(a_second));
        of.put("connect_ms", segment.connect.map(|connect| connect.0 as f64));
        of.put("recovery_ms", measured.recovery.map(|recovery| recovery.0 as f64));
        of.put("round_trip_us", round_trip);
        of.put("achieved_period_ms", periods.0.or(periods.1));
        of.put("mean_period_ms", periods.1);
        of
    }

    fn latency(&mut self, name: &str, latency: &Distribution) {
        self.put(&format!("{name}_mean_us"), latency.mean());
        for (percent, p) in [(50, 0.5), (90, 0.9), (99, 0.99)] {
            self.put(&format!("{name}_p{percent}_us"), latency.percentile(p));
        }
    }

    fn processor_time(&mut self, segment: &Segment, noticed: u64, seconds: Option<f64>) {
        let percent = |cpu: Option<crate::time::Span>| Some(cpu?.as_secs_f64() * 100.0 / seconds?);
        let both = segment.cpu_client.zip(segment.cpu_ioc).map(|(client, ioc)| client + ioc);
        self.put("cpu_client_percent", percent(segment.cpu_client));
        self.put("cpu_ioc_percent", percent(segment.cpu_ioc));
        self.put("cpu_total_percent", percent(both));
        self.put("cpu_us_per_notice", both.filter(|_| noticed > 0).map(|cpu| cpu.0 as f64 / noticed as f64));
    }

    fn put(&mut self, name: &str, value: Option<f64>) {
        if let Some((metric, value)) = Metric::named(name).zip(value.filter(|v| v.is_finite())) {
            self.values.insert(metric, value);
        }
    }
}
