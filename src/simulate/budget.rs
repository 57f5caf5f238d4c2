//! The inverse question: how long may a poller sleep and still keep a budget?
//!
//! Latencies, ages and what is missed grow with the sleep; processor time, requests and what is asked in vain shrink with it. So the
//! sleeps that keep a budget lie between the shortest that the second kind allows and the longest that the first kind allows.

use thiserror::Error;

use super::forecast::Forecast;
use crate::scenario::duration::parse_duration;
use crate::time::Span;

/// The longest sleep that is thought of.
const LONGEST_SLEEP: Span = Span::from_secs(3600);

/// What a budget can limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Time,
    Fraction,
    Percent,
    PerSecond,
}

/// A quantity: its name, its kind, how it is had, and whether it grows with the sleep.
struct Metric {
    name: &'static str,
    kind: Kind,
    grows: bool,
    of: fn(&Forecast) -> Option<f64>,
}

const METRICS: &[Metric] = &[
    Metric { name: "notice_mean", kind: Kind::Time, grows: true, of: |f| Some(f.notice?.mean_ns) },
    Metric { name: "notice_p50", kind: Kind::Time, grows: true, of: |f| Some(f.notice?.p50_ns) },
    Metric { name: "notice_p90", kind: Kind::Time, grows: true, of: |f| Some(f.notice?.p90_ns) },
    Metric { name: "notice_p99", kind: Kind::Time, grows: true, of: |f| Some(f.notice?.p99_ns) },
    Metric { name: "age_mean", kind: Kind::Time, grows: true, of: |f| Some(f.age?.mean_ns) },
    Metric { name: "age_p99", kind: Kind::Time, grows: true, of: |f| Some(f.age?.p99_ns) },
    Metric { name: "age_peak", kind: Kind::Time, grows: true, of: |f| f.age_peak_ns },
    Metric { name: "missed", kind: Kind::Fraction, grows: true, of: |f| f.missed },
    Metric { name: "redundant", kind: Kind::Fraction, grows: false, of: |f| Some(f.redundant.unwrap_or(0.0)) },
    Metric { name: "cpu", kind: Kind::Percent, grows: false, of: |f| Some(f.cpu_client_percent + f.cpu_ioc_percent) },
    Metric { name: "cpu_client", kind: Kind::Percent, grows: false, of: |f| Some(f.cpu_client_percent) },
    Metric { name: "cpu_ioc", kind: Kind::Percent, grows: false, of: |f| Some(f.cpu_ioc_percent) },
    Metric { name: "requests", kind: Kind::PerSecond, grows: false, of: |f| Some(f.requests_per_s) },
    Metric { name: "wakeups", kind: Kind::PerSecond, grows: false, of: |f| Some(f.wakeups_per_s) },
];

/// Limits that are all to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget(Vec<Limit>);

/// One limit: the quantity stays below it, or may reach it where it is `inclusive`.
#[derive(Clone, Debug, PartialEq)]
struct Limit {
    metric: usize,
    below: f64,
    inclusive: bool,
    /// As it was written.
    text: String,
}

/// What is wrong with a budget.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BudgetError {
    /// No limit at all.
    #[error("a budget needs a limit, such as notice_p99<50ms")]
    Empty,
    /// Neither `<` nor `<=`.
    #[error("{0:?} is not a limit: write a quantity, `<` and a value, such as cpu<5%")]
    NoLimit(String),
    /// Not a quantity.
    #[error("{0:?} is nothing that a budget can limit; it can limit {known}", known = METRICS.iter().map(|m| m.name).collect::<Vec<_>>().join(", "))]
    Unknown(String),
    /// Not a value of the quantity.
    #[error("{limit:?}: {why}")]
    Value {
        /// As it was written.
        limit: String,
        /// What would be right.
        why: String,
    },
}

impl Budget {
    /// Reads `notice_p99<50ms,cpu<5%`.
    ///
    /// # Errors
    /// When it is none; the error says what would be right.
    pub fn parse(text: &str) -> Result<Budget, BudgetError> {
        let limits = text.split(',').map(str::trim).filter(|limit| !limit.is_empty()).map(limit);
        let limits: Vec<Limit> = limits.collect::<Result<_, _>>()?;
        if limits.is_empty() { Err(BudgetError::Empty) } else { Ok(Budget(limits)) }
    }
}

fn limit(text: &str) -> Result<Limit, BudgetError> {
    let (name, value) = text.split_once('<').ok_or_else(|| BudgetError::NoLimit(text.to_owned()))?;
    let (name, inclusive) = (name.trim(), value.starts_with('='));
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    let known = METRICS.iter().position(|metric| metric.name == name);
    let metric = known.ok_or_else(|| BudgetError::Unknown(name.to_owned()))?;
    let below = self::value(METRICS[metric].kind, value);
    let below = below.map_err(|why| BudgetError::Value { limit: text.to_owned(), why })?;
    let sign = if inclusive { "<=" } else { "<" };
    Ok(Limit { metric, below, inclusive, text: format!("{name}{sign}{value}") })
}

fn value(kind: Kind, text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0);
    let percent = || text.strip_suffix('%').and_then(number);
    match kind {
        Kind::Time => match parse_duration(text) {
            Ok(Span::ZERO) => Err("nothing takes no time".to_owned()),
            Ok(span) => Ok(span.0 as f64),
            Err(error) => Err(format!("{error}; {}", error.advice())),
        },
        Kind::Fraction => percent()
            .map(|p| p / 100.0)
            .or_else(|| number(text))
            .filter(|f| *f <= 1.0)
            .ok_or_else(|| "write a part of all, above 0 % and at most 100 %, such as 1%".to_owned()),
        Kind::Percent => percent().ok_or_else(|| "write a part of one core, such as 5%".to_owned()),
        Kind::PerSecond => {
            let text = text.strip_suffix("/s").unwrap_or(text);
            number(text).ok_or_else(|| "write how many a second, such as 1000".to_owned())
        }
    }
}

/// How a budget can be kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// By polling with any sleep of this range.
    Polling {
        /// The shortest.
        shortest: Span,
        /// The longest; `None`: as long as one likes.
        longest: Option<Span>,
    },
    /// No sleep keeps it; a callback does.
    OnlyCallback {
        /// What stands against each other.
        why: Vec<String>,
    },
    /// Neither keeps it.
    Nothing {
        /// What stands against each other, and what the callback breaks.
        why: Vec<String>,
    },
}

impl Budget {
    /// Whether what is expected keeps all limits.
    #[must_use]
    pub fn is_kept(&self, forecast: &Forecast) -> bool {
        self.0.iter().all(|limit| limit.is_kept(forecast))
    }

    /// How it can be kept: `poller` tells what is expected of a sleep, `callback` of a callback.
    #[must_use]
    pub fn verdict(&self, poller: impl Fn(Span) -> Option<Forecast>, callback: Option<&Forecast>) -> Verdict {
        let (mut shortest, mut longest) = (Span::ZERO, LONGEST_SLEEP);
        let (mut why, mut possible) = (Vec::new(), true);
        for limit in &self.0 {
            let keeps = |sleep: Span| poller(sleep).is_some_and(|forecast| limit.is_kept(&forecast));
            if METRICS[limit.metric].grows {
                match boundary(keeps, Span::ZERO, LONGEST_SLEEP) {
                    None => {
                        why.push(format!("{} is broken without any sleep", limit.text));
                        possible = false;
                    }
                    Some(most) if most < LONGEST_SLEEP => {
                        why.push(format!("{} allows a sleep of at most {}", limit.text, rounded(most, false)));
                        longest = longest.min(most);
                    }
                    Some(_) => {}
                }
            } else {
                match boundary(keeps, LONGEST_SLEEP, Span::ZERO) {
                    None => {
                        why.push(format!("{} is broken with any sleep", limit.text));
                        possible = false;
                    }
                    Some(least) if least > Span::ZERO => {
                        why.push(format!("{} needs a sleep of at least {}", limit.text, rounded(least, true)));
                        shortest = shortest.max(least);
                    }
                    Some(_) => {}
                }
            }
        }
        if possible && shortest <= longest {
            let (low, high) = (rounded(shortest, true), rounded(longest, false));
            let (shortest, most) = if low <= high { (low, high) } else { (shortest, longest) };
            return Verdict::Polling { shortest, longest: (longest < LONGEST_SLEEP).then_some(most) };
        }
        let broken: Vec<String> = match callback {
            None => vec!["nothing is known of a callback".to_owned()],
            Some(callback) => {
                let broken = self.0.iter().filter(|limit| !limit.is_kept(callback));
                broken.map(|limit| format!("a callback breaks {}", limit.text)).collect()
            }
        };
        if broken.is_empty() {
            return Verdict::OnlyCallback { why };
        }
        why.extend(broken);
        Verdict::Nothing { why }
    }
}

impl Limit {
    /// What has no value breaks no limit only where it cannot have one: a callback asks for nothing in vain.
    fn is_kept(&self, forecast: &Forecast) -> bool {
        let kept = |value: f64| value < self.below || (self.inclusive && value == self.below);
        (METRICS[self.metric].of)(forecast).is_some_and(kept)
    }
}

/// The last sleep on the way from `good` to `bad` that keeps a limit, to the nanosecond; `None` when not even `good` does.
fn boundary(keeps: impl Fn(Span) -> bool, good: Span, bad: Span) -> Option<Span> {
    if !keeps(good) {
        return None;
    }
    if keeps(bad) {
        return Some(bad);
    }
    let (mut good, mut bad) = (good.0, bad.0);
    while good.abs_diff(bad) > 1 {
        let middle = good.min(bad) + good.abs_diff(bad) / 2;
        if keeps(Span(middle)) { good = middle } else { bad = middle }
    }
    Some(Span(good))
}

/// Three significant digits, on the side that keeps the limit.
fn rounded(span: Span, up: bool) -> Span {
    let digits = span.0.checked_ilog10().unwrap_or(0);
    let step = 10u64.pow(digits.saturating_sub(2));
    Span(if up { span.0.div_ceil(step) } else { span.0 / step } * step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Spread;

    /// Half of the sleep and a tenth of a ms late; 100 ms of processor time for each round a second.
    fn forecast(sleep: Span) -> Forecast {
        let period = sleep.0 as f64 + 1e5;
        let spread =
            Spread { mean_ns: period / 2.0, p50_ns: period / 2.0, p90_ns: 0.9 * period, p99_ns: 0.99 * period };
        Forecast {
            client: "p".to_owned(),
            strategy: String::new(),
            asked_period: Some(sleep),
            period_ns: Some(period),
            round_trip_ns: Some(1e5),
            notice: Some(spread),
            notice_longest_ns: Some(period),
            notice_curve: Vec::new(),
            seen: None,
            age: None,
            age_peak_ns: None,
            redundant: Some((1.0 - period / 1e8).max(0.0)),
            missed: Some((1.0 - 1e8 / period).max(0.0)),
            requests_per_s: 1e9 / period,
            cpu_client_percent: 1e6 / period,
            cpu_ioc_percent: 1.0,
            wakeups_per_s: 0.0,
        }
    }

    fn verdict(budget: &str) -> Verdict {
        let callback =
            Forecast { redundant: None, requests_per_s: 0.0, cpu_client_percent: 2.0, ..forecast(Span::ZERO) };
        Budget::parse(budget).unwrap().verdict(|sleep| Some(forecast(sleep)), Some(&callback))
    }

    fn polling(shortest: Span, longest: Option<Span>) -> Verdict {
        Verdict::Polling { shortest, longest }
    }

    #[test]
    fn a_range_of_sleeps_keeps_it() {
        let ms = Span::from_millis;
        assert_eq!(verdict("notice_mean<50.05ms"), polling(Span::ZERO, Some(Span::from_micros(99_900))));
        // A period of 2 ms, 1.9 ms of sleep; rounded on the side of the limit.
        assert_eq!(verdict("cpu_client < 0.5%"), polling(Span::from_micros(1910), None));
        assert_eq!(verdict("missed<=50%, requests<10/s"), polling(ms(100), Some(ms(199))));
        assert_eq!(verdict("redundant<0.5,cpu<101%"), polling(Span::from_micros(49_900) + Span(100_000), None));
        assert_eq!(verdict("missed<100%"), polling(Span::ZERO, None));
    }

    #[test]
    fn a_limit_may_be_reached_or_not() {
        // Requests of one a second: a period of exactly 1 s.
        let at = |sleep: u64| forecast(Span(sleep - 100_000));
        for (budget, kept) in [("requests<1", false), ("requests<=1", true)] {
            let budget = Budget::parse(budget).unwrap();
            assert_eq!(budget.is_kept(&at(1_000_000_000)), kept);
            assert!(budget.is_kept(&at(1_000_000_001)) && !budget.is_kept(&at(999_999_999)));
        }
    }

    #[test]
    fn where_no_sleep_keeps_it_a_callback_may() {
        let Verdict::OnlyCallback { why } = verdict("notice_p99<1ms,requests<100,cpu<5%") else { panic!() };
        assert_eq!(why.len(), 3, "{why:?}");
        insta::assert_debug_snapshot!(why);
        let Verdict::Nothing { why } = verdict("notice_mean<1us,cpu_ioc<0.5%") else { panic!() };
        insta::assert_debug_snapshot!(why);
    }

    #[test]
    fn what_is_no_budget_is_refused() {
        let wrong = [
            "",
            " , ",
            "cpu",
            "cpu=5%",
            "speed<1",
            "cpu<5",
            "cpu<-1%",
            "notice_p99<50",
            "missed<200%",
            "requests<x",
            "notice_p50<0",
        ];
        let said: Vec<String> = wrong.iter().map(|text| Budget::parse(text).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
