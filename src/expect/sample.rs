//! One quantity of a run, with all that is known of its spread.

use crate::scenario::metric::Metric;
use crate::stats::Estimate;
use crate::summary::{ClientSummary, ProbeSummary};

/// A quantity in base units (ns for a duration).
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Point and interval over repeats.
    pub estimate: Estimate,
    /// The value of each repeat that has one of its own: `(repeat, value)`.
    pub own: Vec<(u32, f64)>,
    /// Whether it is known without uncertainty, such as what theory says.
    pub exact: bool,
}

impl Sample {
    /// One value for each repeat, and nothing else.
    #[must_use]
    pub fn of_repeats(own: Vec<(u32, f64)>) -> Option<Sample> {
        let values: Vec<f64> = own.iter().map(|(_, value)| *value).collect();
        Some(Sample { estimate: Estimate::mean(&values)?, own, exact: false })
    }

    /// A number that is known.
    #[must_use]
    pub fn exact(value: f64) -> Sample {
        Sample { estimate: Estimate { point: value, interval: None, n: 0 }, own: Vec::new(), exact: true }
    }

    /// A metric of a client; `None` where it could not be had.
    #[must_use]
    pub fn of_client(client: &ClientSummary, metric: Metric) -> Option<Sample> {
        if let Some(expected) = theory(client, metric.name()) {
            return expected.map(Sample::exact);
        }
        let own: Vec<(u32, f64)> =
            client.by_repeat.iter().filter_map(|of| Some((of.repeat, *of.values.get(&metric)?))).collect();
        if let Some(total) = total(client, metric.name()) {
            return Some(counted(total, own, client.repeats));
        }
        match estimate(client, metric.name()) {
            Some(estimate) => Some(Sample { estimate: estimate?, own, exact: false }),
            None => Sample::of_repeats(own).map(Sample::not_negative),
        }
    }

    /// What a client has over another; `None` where it is not sooner in every repeat, so that there is nothing to pay for.
    ///
    /// Both met the same changes in each repeat, so that the differences are taken there.
    #[must_use]
    pub fn of_two(client: &ClientSummary, over: &ClientSummary) -> Option<Sample> {
        let [notice, cpu] = [Metric::named("notice_mean_us")?, Metric::named("cpu_us_per_notice")?];
        let own = client.by_repeat.iter().filter_map(|of| {
            let base = over.by_repeat.iter().find(|base| base.repeat == of.repeat)?;
            let won = base.values.get(&notice)? - of.values.get(&notice)?;
            let paid = of.values.get(&cpu)? - base.values.get(&cpu)?;
            Some((of.repeat, won, paid))
        });
        let own: Vec<(u32, f64, f64)> = own.collect();
        let prices = own.iter().map(|(repeat, won, paid)| (*won > 0.0).then_some((*repeat, paid / won)));
        Sample::of_repeats(prices.collect::<Option<Vec<_>>>()?)
    }

    /// A metric of a probe; `None` where it could not be had.
    #[must_use]
    pub fn of_probe(probe: &ProbeSummary, metric: Metric) -> Option<Sample> {
        let own = probe.by_repeat.iter().filter_map(|of| Some((of.repeat, *of.values.get(&metric)?)));
        Sample::of_repeats(own.collect()).map(Sample::not_negative)
    }

    /// The same for a quantity that cannot be below zero: nor can its interval.
    fn not_negative(mut self) -> Sample {
        self.estimate = self.estimate.within(0.0, f64::INFINITY);
        self
    }

    /// The same times a factor.
    #[must_use]
    pub fn times(&self, factor: f64) -> Sample {
        let own = self.own.iter().map(|(repeat, value)| (*repeat, value * factor)).collect();
        Sample { estimate: self.estimate.scaled(factor), own, exact: self.exact }
    }
}

/// A count over all repeats: its interval is that of the mean of a repeat, as many times.
fn counted(total: u64, own: Vec<(u32, f64)>, repeats: u32) -> Sample {
    let values: Vec<f64> = own.iter().map(|(_, value)| value * f64::from(repeats)).collect();
    let estimate = Estimate::pooled(total as f64, &values, repeats).within(0.0, f64::INFINITY);
    Sample {
        estimate,
        own: own.into_iter().map(|(repeat, value)| (repeat, value * f64::from(repeats))).collect(),
        exact: false,
    }
}

fn total(client: &ClientSummary, name: &str) -> Option<u64> {
    Some(match name {
        "changes" => client.changes,
        "noticed" => client.noticed,
        "missed" => client.missed,
        "unnoticed" => client.unnoticed,
        "requests" => client.requests,
        "redundant" => client.redundant,
        "updates_replaced" => client.updates_replaced,
        "negative_latencies" => client.notice.negative,
        _ => return None,
    })
}

/// What theory says; the outer `None`: it is none of theory's quantities.
#[allow(clippy::option_option, reason = "another quantity and one without a value are two things")]
fn theory(client: &ClientSummary, name: &str) -> Option<Option<f64>> {
    let expected = &client.expected;
    Some(match name.strip_prefix("expected_")? {
        "missed_fraction" => expected.missed_fraction,
        "redundant_fraction" => expected.redundant_fraction,
        "notice_mean_us" => expected.notice_mean_ns,
        "notice_p05_us" => expected.notice_band_ns.map(|(low, _)| low),
        "notice_p95_us" => expected.notice_band_ns.map(|(_, high)| high),
        "seen_mean_us" => expected.seen_mean_ns,
        "age_mean_us" => expected.age_mean_ns,
        "age_peak_us" => expected.age_peak_ns,
        _ => return None,
    })
}

/// What the summary has an estimate of; the outer `None`: it must be made from the repeats.
#[allow(clippy::option_option, reason = "another quantity and one without a value are two things")]
fn estimate(client: &ClientSummary, name: &str) -> Option<Option<Estimate>> {
    Some(match name {
        "achieved_period_ms" => client.achieved_period_ns,
        "missed_fraction" => client.missed_fraction,
        "redundant_fraction" => client.redundant_fraction,
        "notice_p50_us" => client.notice.p50_ns,
        "notice_p90_us" => client.notice.p90_ns,
        "notice_p99_us" => client.notice.p99_ns,
        "notice_mean_us" => client.notice.mean_ns,
        "intended_p50_us" => client.intended.p50_ns,
        "intended_p90_us" => client.intended.p90_ns,
        "intended_p99_us" => client.intended.p99_ns,
        "intended_mean_us" => client.intended.mean_ns,
        "seen_p50_us" => client.seen.p50_ns,
        "seen_p90_us" => client.seen.p90_ns,
        "seen_p99_us" => client.seen.p99_ns,
        "seen_mean_us" => client.seen.mean_ns,
        "age_mean_us" => client.age_mean_ns,
        "age_peak_us" => client.age_peak_ns,
        "cpu_client_percent" => client.cpu_client_percent,
        "cpu_ioc_percent" => client.cpu_ioc_percent,
        "cpu_us_per_notice" => client.cpu_us_per_notice.map(|e| e.scaled(1e3)),
        "requests_per_s" => client.requests_per_s,
        "bytes_in_per_s" => client.bytes_in_per_s,
        "bytes_out_per_s" => client.bytes_out_per_s,
        "wakeups_per_s" => client.wakeups_per_s,
        "connect_ms" => client.connect_ns,
        "recovery_ms" => client.recovery_ns,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Fetch;
    use crate::summary::OfRepeat;
    use crate::summary::example::summary_of;

    fn named(name: &str) -> Metric {
        Metric::named(name).unwrap()
    }

    #[test]
    fn every_metric_of_a_client_can_be_had() {
        let mut client = summary_of("poll", Fetch::Batch);
        let one = Estimate { point: 1.0, interval: Some((0.5, 1.5)), n: 2 };
        for latency in [&mut client.notice, &mut client.intended, &mut client.seen] {
            (latency.mean_ns, latency.p50_ns, latency.p90_ns, latency.p99_ns) =
                (Some(one), Some(one), Some(one), Some(one));
        }
        (client.age_mean_ns, client.age_peak_ns) = (Some(one), Some(one));
        (client.connect_ns, client.recovery_ns) = (Some(one), Some(one));
        (client.cpu_client_percent, client.cpu_ioc_percent, client.cpu_us_per_notice) =
            (Some(one), Some(one), Some(one));
        (client.requests_per_s, client.bytes_in_per_s, client.bytes_out_per_s) = (Some(one), Some(one), Some(one));
        (client.missed_fraction, client.redundant_fraction, client.achieved_period_ns) =
            (Some(one), Some(one), Some(one));
        client.wakeups_per_s = Some(one);
        client.repeats = 2;
        client.expected = crate::summary::Expected {
            redundant_fraction: Some(0.1),
            missed_fraction: Some(0.1),
            notice_mean_ns: Some(1.0),
            notice_band_ns: Some((1.0, 2.0)),
            seen_mean_ns: Some(1.0),
            age_mean_ns: Some(1.0),
            age_peak_ns: Some(1.0),
        };
        let only_of_repeats =
            ["cpu_total_percent", "noticed_per_s", "noticed_per_cpu_percent", "mean_period_ms", "round_trip_us"];
        client.by_repeat = (0..2)
            .map(|repeat| OfRepeat { repeat, values: only_of_repeats.iter().map(|name| (named(name), 2.0)).collect() })
            .collect();
        for metric in Metric::of_clients() {
            let sample = Sample::of_client(&client, metric).unwrap_or_else(|| panic!("{metric}"));
            assert_eq!(sample.exact, metric.name().starts_with("expected_"), "{metric}");
        }
        let nothing = summary_of("poll", Fetch::Batch);
        assert_eq!(Sample::of_client(&nothing, named("notice_p99")), None);
        assert_eq!(Sample::of_client(&nothing, named("cpu_total_percent")), None);
    }

    #[test]
    fn what_is_won_has_its_price_in_each_repeat() {
        let client = |values: [(f64, f64); 2]| {
            let mut client = summary_of("poll", Fetch::Batch);
            let of = |(repeat, (notice, cpu)): (usize, (f64, f64))| OfRepeat {
                repeat: repeat as u32,
                values: [(named("notice_mean_us"), notice), (named("cpu_us_per_notice"), cpu)].into(),
            };
            client.by_repeat = values.into_iter().enumerate().map(of).collect();
            client
        };
        let callback = client([(50.0, 10.0), (60.0, 10.0)]);
        let spin = client([(40.0, 210.0), (40.0, 310.0)]);
        let price = Sample::of_two(&spin, &callback).unwrap();
        assert_eq!(price.own, [(0, 20.0), (1, 15.0)]);
        assert_eq!(Sample::of_two(&callback, &spin), None, "nothing is won");
        assert_eq!(Sample::of_two(&client([(40.0, 1.0), (70.0, 1.0)]), &callback), None, "not in every repeat");
        assert_eq!(Sample::of_two(&summary_of("x", Fetch::Batch), &callback), None);
    }

    #[test]
    fn a_count_is_that_of_all_repeats() {
        let mut client = summary_of("poll", Fetch::Batch);
        (client.repeats, client.missed) = (2, 30);
        client.by_repeat = [(0, 10.0), (1, 20.0)]
            .map(|(repeat, missed)| OfRepeat { repeat, values: [(named("missed"), missed)].into() })
            .to_vec();
        let sample = Sample::of_client(&client, named("missed")).unwrap();
        assert_eq!((sample.estimate.point, sample.own), (30.0, vec![(0, 20.0), (1, 40.0)]));
        let (low, high) = sample.estimate.interval.unwrap();
        assert!(low == 0.0 && high > 30.0);
    }
}
