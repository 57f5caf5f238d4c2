//! How a series went: steps, a drift, or both told apart.
//!
//! E-divisive takes a strong drift for a staircase, and Mann and Kendall's test takes a step for a drift. So both are asked, and the
//! account that describes the series best with fewest numbers is kept: levels with steps between them; one line; or levels with steps
//! that share a slope. Best is least by Schwarz' criterion ("Estimating the dimension of a model", Ann. Statist. 6, 1978) with absolute
//! residuals, so that one wild value does not choose. A slope needs the test of Mann and Kendall, taken within the levels where there are
//! steps (as Hirsch, Slack and Smith do for seasons, Water Resour. Res. 18, 1982).

use std::ops::Range;

use super::change_points::{ChangePoint, Drift, change_points, drift_within};

/// Residuals below this fraction of the largest value are rounding.
const ROUNDING: f64 = 1e-6;
/// What a step costs in numbers told: a level, and a place that was chosen among all (after Zhang and Siegmund, Biometrics 63, 2007).
const OF_A_STEP: usize = 3;

/// How a series went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Steps, in their order.
    pub steps: Vec<Jump>,
    /// A drift, beside the steps if there are any.
    pub drift: Option<Drift>,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// Index of the first value after it.
    pub at: usize,
    /// The level before it; where the series drifts too, as of the step.
    pub before: f64,
    /// The level after it, likewise.
    pub after: f64,
    /// Of E-divisive's permutation test.
    pub p: f64,
}

/// Tells how a series went, at a level of its tests. The same series and seed give the same answer.
#[must_use]
pub fn course(series: &[f64], level: f64, seed: u64) -> Course {
    let teller = Teller { series, level };
    let line = teller.slope(&[]);
    let steps = change_points(series, level, seed);
    let within = if steps.is_empty() { None } else { teller.slope(&steps) };
    let mut accounts: Vec<Account> =
        line.map(|line| Account { slope: Some(line), steps: Vec::new() }).into_iter().collect();
    if !steps.is_empty() {
        accounts.push(Account { slope: None, steps });
    }
    for slope in [within, line].into_iter().flatten() {
        let steps = change_points(&straightened(series, slope.slope), level, seed);
        accounts.extend(teller.slope(&steps).map(|slope| Account { slope: Some(slope), steps }));
    }
    let pruned = accounts.into_iter().map(|account| teller.pruned(account));
    let best = pruned.min_by(|a, b| a.cost(series).total_cmp(&b.cost(series)));
    best.map_or_else(Course::default, |account| account.told(series))
}

struct Teller<'a> {
    series: &'a [f64],
    level: f64,
}

impl Teller<'_> {
    /// The slope that the levels between these steps share, where the test is sure of it.
    fn slope(&self, steps: &[ChangePoint]) -> Option<Drift> {
        drift_within(self.series, &pieces(steps, self.series.len())).filter(|drift| drift.p <= self.level)
    }

    /// Without the steps that an account is better off without. E-divisive finds each by itself, and the slope was not yet that of the end.
    fn pruned(&self, mut account: Account) -> Account {
        loop {
            let without = |i: usize| {
                let mut steps = account.steps.clone();
                steps.remove(i);
                let slope = if account.slope.is_some() { Some(self.slope(&steps)?) } else { None };
                (slope.is_some() || !steps.is_empty()).then_some(Account { slope, steps })
            };
            let all = (0..account.steps.len()).filter_map(without);
            let best = all.min_by(|a, b| a.cost(self.series).total_cmp(&b.cost(self.series)));
            match best.filter(|best| best.cost(self.series) < account.cost(self.series)) {
                Some(better) => account = better,
                None => return account,
            }
        }
    }
}

/// Levels with steps between them, all with the same slope.
#[derive(Debug)]
struct Account {
    slope: Option<Drift>,
    steps: Vec<ChangePoint>,
}

impl Account {
    fn slope(&self) -> f64 {
        self.slope.map_or(0.0, |drift| drift.slope)
    }

    /// Schwarz' criterion for Laplace's distribution: `2 n ln(mean absolute residual) + (numbers told) ln n`.
    fn cost(&self, series: &[f64]) -> f64 {
        let n = series.len() as f64;
        let values = straightened(series, self.slope());
        let pieces = pieces(&self.steps, series.len());
        let residuals: f64 = pieces.iter().filter_map(|piece| values.get(piece.clone())).map(scatter).sum();
        let largest = series.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        let mean = (residuals / n).max(ROUNDING * largest).max(f64::MIN_POSITIVE);
        let told = 1 + OF_A_STEP * self.steps.len() + usize::from(self.slope.is_some());
        2.0 * n * mean.ln() + told as f64 * n.ln()
    }

    fn told(self, series: &[f64]) -> Course {
        let (slope, pieces) = (self.slope(), pieces(&self.steps, series.len()));
        let values = straightened(series, slope);
        let levels: Vec<f64> = pieces
            .iter()
            .filter_map(|piece| values.get(piece.clone()))
            .map(|piece| piece.iter().sum::<f64>() / piece.len().max(1) as f64)
            .collect();
        let jumps = self.steps.iter().zip(levels.windows(2)).map(|(step, levels)| {
            let risen = slope * step.at as f64;
            Jump { at: step.at, before: levels[0] + risen, after: levels[1] + risen, p: step.p }
        });
        Course { steps: jumps.collect(), drift: self.slope }
    }
}

/// The stretches between the steps.
fn pieces(steps: &[ChangePoint], n: usize) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(steps.iter().map(|step| step.at));
    let ends = steps.iter().map(|step| step.at).chain([n]);
    starts.zip(ends).map(|(from, to)| from..to).collect()
}

/// The series without its slope.
fn straightened(series: &[f64], slope: f64) -> Vec<f64> {
    series.iter().enumerate().map(|(i, v)| v - slope * i as f64).collect()
}

/// Sum of the distances from the median.
fn scatter(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    values.iter().map(|v| (v - median).abs()).sum()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_distr::{Distribution, Normal};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    /// What a series is made of, in standard deviations of its noise.
    #[derive(Clone, Copy, Debug, Default)]
    struct Truth {
        /// From the first value to the last.
        drift: f64,
        /// Places and sizes.
        steps: &'static [(usize, f64)],
        /// Every so many values one is wild.
        wild: Option<usize>,
    }

    fn series(n: usize, truth: Truth, seed: u64) -> Vec<f64> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let normal = Normal::new(0.0, 1.0).unwrap();
        let value = |i: usize| {
            let steps: f64 = truth.steps.iter().filter(|(at, _)| i >= *at).map(|(_, size)| size).sum();
            let wild = if truth.wild.is_some_and(|every| i % every == every - 1) { 12.0 } else { 0.0 };
            100.0 + truth.drift * i as f64 / (n - 1) as f64 + steps + wild
        };
        (0..n).map(|i| value(i) + normal.sample(&mut random)).collect()
    }

    /// In how many of ten series a drift and so many steps were told.
    fn told(n: usize, truth: Truth, drifts: bool, steps: usize) -> usize {
        let right = |seed: &u64| {
            let course = course(&series(n, truth, 50 + seed), 0.01, *seed);
            course.drift.is_some() == drifts && course.steps.len() == steps
        };
        (0..10).filter(right).count()
    }

    #[test]
    fn steps_and_drifts_are_told_apart() {
        for (name, n, truth, drifts, steps) in [
            ("nothing", 30, Truth::default(), false, 0),
            ("a weak drift", 30, Truth { drift: 4.0, ..Truth::default() }, true, 0),
            ("a drift", 24, Truth { drift: 8.0, ..Truth::default() }, true, 0),
            ("a strong drift", 24, Truth { drift: 30.0, ..Truth::default() }, true, 0),
            ("a very strong drift down", 40, Truth { drift: -200.0, ..Truth::default() }, true, 0),
            ("a drift with wild values", 40, Truth { drift: 30.0, wild: Some(9), ..Truth::default() }, true, 0),
            ("a step in the middle", 24, Truth { steps: &[(12, 4.0)], ..Truth::default() }, false, 1),
            ("a large step", 24, Truth { steps: &[(8, 40.0)], ..Truth::default() }, false, 1),
            ("a step near the end", 30, Truth { steps: &[(25, 8.0)], ..Truth::default() }, false, 1),
            ("up twice", 40, Truth { steps: &[(15, 10.0), (28, 8.0)], ..Truth::default() }, false, 2),
            ("a drift and a step", 40, Truth { drift: 20.0, steps: &[(22, -25.0)], ..Truth::default() }, true, 1),
        ] {
            let right = told(n, truth, drifts, steps);
            assert!(right >= 8, "{name}: {right} of 10");
        }
    }

    #[test]
    fn sizes_are_those_that_were_made() {
        let found = course(&series(40, Truth { drift: 39.0, steps: &[(20, 25.0)], wild: None }, 3), 0.01, 1);
        let (step, drift) = (found.steps[0], found.drift.unwrap());
        assert_eq!((step.at, found.steps.len()), (20, 1));
        assert!((step.after - step.before - 25.0).abs() < 2.0 && (drift.slope - 1.0).abs() < 0.1, "{found:?}");
        // The level before the step, as of the step: 100 and twenty times the slope.
        assert!((step.before - 120.0).abs() < 1.5, "{found:?}");
    }

    #[test]
    fn series_without_scatter_and_short_ones() {
        let stairs: Vec<f64> = (0..24).map(|i| if i < 12 { 100.0 } else { 200.0 }).collect();
        let told = course(&stairs, 0.01, 1);
        assert_eq!((told.steps.len(), told.steps[0].at, told.drift), (1, 12, None));
        let ramp: Vec<f64> = (0..24).map(f64::from).collect();
        let told = course(&ramp, 0.01, 1);
        assert_eq!((told.steps.len(), told.drift.map(|d| d.slope)), (0, Some(1.0)));
        for short in [&[][..], &[1.0], &[1.0, 2.0, 3.0], &[5.0; 30], &[0.0; 30]] {
            assert_eq!(course(short, 0.01, 1), Course::default(), "{short:?}");
        }
    }
}
