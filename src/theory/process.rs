//! When a PV changes, as far as an onlooker is concerned.
//!
//! All expected values of a poller follow from one function of the changes, the *void probability* `P0(x)`: how likely an
//! interval of length `x` that starts at a random instant holds no change (Daley and Vere-Jones, "An Introduction to the
//! Theory of Point Processes", 2nd ed., chapter 3). It is also the distribution of the age of the newest value at a random
//! instant: `P(age > x) = P0(x)`.

use crate::scenario::model::{Change, ramp_changes, ramp_time};
use crate::time::Span;

/// Gaps of a ramp that are told apart.
const RAMP_GAPS: u64 = 1024;

/// A stationary process of changes of one PV. Times are in ns.
#[derive(Clone, Debug, PartialEq)]
pub enum Process {
    /// No change, ever.
    Still,
    /// Independent of the past: `P0(x) = exp(-λx)`.
    Poisson {
        /// Mean time between changes.
        interval: f64,
    },
    /// A pattern that comes again and again at a random phase: gaps between changes, with how often each comes.
    /// Exactly `P0(x) = Σ n max(0, g - x) / Σ n g`. Periodic changes are one gap; so are bursts, pulses, motors and traces a few.
    Cycle {
        /// Gap and how many of it there are in a cycle, rising.
        gaps: Vec<(f64, f64)>,
    },
    /// Jittered changes, ramps and anything else without a short closed form, as a table.
    Table(Table),
}

/// A void probability computed at even steps, zero beyond the last; in between it is taken as straight.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    rate: f64,
    step: f64,
    void: Vec<f64>,
    /// Integral of `void` from 0.
    area: Vec<f64>,
}

impl Process {
    /// The process of one PV of a block; `None` where it cannot be told.
    ///
    /// For a trace it is that of a PV chosen at random from those of the block that change.
    #[must_use]
    pub fn of(change: &Change) -> Option<Process> {
        let ns = |span: Span| span.0 as f64;
        match change {
            Change::Still => Some(Process::Still),
            Change::Periodic { interval } => Process::cycle(vec![(ns(*interval), 1.0)]),
            Change::Jittered { interval, jitter } => Process::jittered(ns(*interval), *jitter),
            Change::Poisson { interval } => (interval.0 > 0).then_some(Process::Poisson { interval: ns(*interval) }),
            Change::Burst { interval, changes, spacing } => {
                Process::train(ns(*interval), f64::from(*changes), ns(*spacing))
            }
            Change::Pulse { interval, width } => Process::train(ns(*interval), 2.0, ns(*width)),
            Change::Motor { interval, moving, resting } => {
                let changes = moving.0.checked_div(interval.0)?;
                Process::train(ns(*moving) + ns(*resting), changes as f64, ns(*interval))
            }
            Change::Ramp { from_hz, to_hz, length } => Process::ramp(*from_hz, *to_hz, *length),
            Change::Trace { length, points, .. } => {
                let points: Vec<_> = points.iter().map(Vec::as_slice).collect();
                Process::of_trace(ns(*length), &points)
            }
        }
    }

    /// `changes` changes `spacing` apart, then a rest until `interval` after the first.
    fn train(interval: f64, changes: f64, spacing: f64) -> Option<Process> {
        if changes < 1.0 {
            return Some(Process::Still);
        }
        let rest = interval - (changes - 1.0) * spacing;
        (rest >= 0.0).then(|| Process::cycle(vec![(spacing, changes - 1.0), (rest, 1.0)]))?
    }

    /// The gaps of a ramp, those of one rate together: exact up to [`RAMP_GAPS`] changes a pass, beyond that each gap counts as the mean of
    /// its neighbours.
    fn ramp(from_hz: f64, to_hz: f64, length: Span) -> Option<Process> {
        let changes = ramp_changes(from_hz, to_hz, length);
        let groups = changes.min(RAMP_GAPS);
        let ends = |i: u64| ramp_time(from_hz, to_hz, i as f64 / groups as f64) * length.0 as f64;
        let each = changes as f64 / groups as f64;
        let gaps = (0..groups).map(|i| ((ends(i + 1) - ends(i)) / each, each)).collect();
        let cycle = Process::cycle(gaps)?;
        let longest = length.0 as f64 / changes as f64 * (from_hz + to_hz) / 2.0 / from_hz.min(to_hz);
        Some(Process::Table(Table::new(cycle.rate(), longest, |x| cycle.void(x))))
    }

    /// The gaps of all PVs that change, together: every PV's cycle has the same length, so that `P0` of the mixture is the
    /// mean of the PVs' own.
    #[must_use]
    pub fn of_trace(length: f64, points: &[&[(Span, f64)]]) -> Option<Process> {
        let mut gaps = Vec::new();
        for times in points {
            let Some(first) = times.first() else { continue };
            gaps.extend(times.windows(2).map(|w| (w[1].0.0.saturating_sub(w[0].0.0) as f64, 1.0)));
            let last = times.last().unwrap_or(first);
            gaps.push((length - last.0.0 as f64 + first.0.0 as f64, 1.0));
        }
        if gaps.is_empty() { Some(Process::Still) } else { Process::cycle(gaps) }
    }

    fn cycle(mut gaps: Vec<(f64, f64)>) -> Option<Process> {
        gaps.retain(|(gap, count)| *gap >= 0.0 && *count > 0.0);
        gaps.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        gaps.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            kept.1 += if same { later.1 } else { 0.0 };
            same
        });
        (gaps.last()?.0 > 0.0).then_some(Process::Cycle { gaps })
    }

    /// Changes at `k P + U(-jP, jP)`, independent: lattice points that are moved. `P0(x)` is the mean over the phase of the
    /// product of each point's chance to lie elsewhere; the mean is taken over 256 phases, which is exact to about 1e-5.
    fn jittered(interval: f64, jitter: f64) -> Option<Process> {
        if jitter <= 0.0 {
            return Process::cycle(vec![(interval, 1.0)]);
        }
        (interval > 0.0 && jitter <= 0.5).then(|| {
            let longest = interval * (1.0 + 2.0 * jitter);
            Process::Table(Table::new(1.0 / interval, longest, |x| void_of_lattice(x / interval, jitter)))
        })
    }

    /// Changes per ns, over long times.
    #[must_use]
    pub fn rate(&self) -> f64 {
        match self {
            Process::Still => 0.0,
            Process::Poisson { interval } => 1.0 / interval,
            Process::Cycle { gaps } => gaps.iter().map(|g| g.1).sum::<f64>() / length(gaps),
            Process::Table(table) => table.rate,
        }
    }

    /// How likely `x` ns from a random instant hold no change.
    #[must_use]
    pub fn void(&self, x: f64) -> f64 {
        match self {
            Process::Still => 1.0,
            // Not the platform's: expected values are the same on every machine.
            Process::Poisson { interval } => libm::exp(-x / interval),
            Process::Cycle { gaps } => gaps.iter().map(|(g, n)| (g - x).max(0.0) * n).sum::<f64>() / length(gaps),
            Process::Table(table) => table.at(&table.void, x).unwrap_or(0.0),
        }
    }

    /// The integral of [`Process::void`] from 0 to `x`: the mean of the lesser of `x` and the age of the newest value.
    #[must_use]
    pub fn void_area(&self, x: f64) -> f64 {
        match self {
            Process::Still => x,
            Process::Poisson { interval } => -interval * libm::expm1(-x / interval),
            Process::Cycle { gaps } => {
                let triangle = |g: f64| (g * g - (g - x).max(0.0).powi(2)) / 2.0;
                gaps.iter().map(|(g, n)| triangle(*g) * n).sum::<f64>() / length(gaps)
            }
            Process::Table(table) => table.at(&table.area, x).or(table.area.last().copied()).unwrap_or_default(),
        }
    }

    /// Mean age of the newest value at a random instant, in ns; `None` when there never is one.
    #[must_use]
    pub fn mean_age(&self) -> Option<f64> {
        match self {
            Process::Still => None,
            Process::Poisson { interval } => Some(*interval),
            Process::Cycle { gaps } => Some(gaps.iter().map(|(g, n)| g * g * n).sum::<f64>() / 2.0 / length(gaps)),
            Process::Table(table) => table.area.last().copied(),
        }
    }

    /// The same process at the rate that was seen, in changes per ns. A pattern keeps its short gaps: its longest, the rest
    /// between bursts or moves, gives; where that is not enough all gaps are scaled.
    #[must_use]
    pub fn at_rate(&self, rate: f64) -> Process {
        let own = self.rate();
        if !(rate > 0.0 && rate.is_finite()) || own <= 0.0 {
            return if rate == 0.0 { Process::Still } else { self.clone() };
        }
        let stretch = own / rate;
        match self {
            Process::Still => Process::Still,
            Process::Poisson { interval } => Process::Poisson { interval: interval * stretch },
            Process::Table(table) => Process::Table(Table {
                rate,
                step: table.step * stretch,
                void: table.void.clone(),
                area: table.area.iter().map(|a| a * stretch).collect(),
            }),
            Process::Cycle { gaps } => Process::Cycle { gaps: stretched(gaps, stretch) },
        }
    }
}

fn length(gaps: &[(f64, f64)]) -> f64 {
    gaps.iter().map(|(gap, count)| gap * count).sum()
}

fn stretched(gaps: &[(f64, f64)], stretch: f64) -> Vec<(f64, f64)> {
    let mut gaps = gaps.to_vec();
    let more = length(&gaps) * (stretch - 1.0);
    let shorter = gaps.len().checked_sub(2).map_or(0.0, |i| gaps[i].0);
    match gaps.last_mut() {
        Some((gap, count)) if *gap + more / *count > shorter => *gap += more / *count,
        _ => gaps.iter_mut().for_each(|(gap, _)| *gap *= stretch),
    }
    gaps
}

/// The void probability of points at `k + U(-j, j)` for an interval of length `x`, lattice constant 1.
fn void_of_lattice(x: f64, j: f64) -> f64 {
    const PHASES: u32 = 256;
    let at_phase = |phase: f64| {
        let (first, last) = ((phase - j).floor() as i64, (phase + x + j).ceil() as i64);
        let elsewhere = |k: i64| {
            let inside = (k as f64 + j).min(phase + x) - (k as f64 - j).max(phase);
            1.0 - inside.max(0.0) / (2.0 * j)
        };
        (first..=last).map(elsewhere).product::<f64>()
    };
    (0..PHASES).map(|i| at_phase((f64::from(i) + 0.5) / f64::from(PHASES))).sum::<f64>() / f64::from(PHASES)
}

impl Table {
    fn new(rate: f64, longest: f64, void: impl Fn(f64) -> f64) -> Table {
        const STEPS: u32 = 512;
        let step = longest / f64::from(STEPS);
        let void: Vec<f64> = (0..=STEPS).map(|i| void(f64::from(i) * step)).collect();
        let mut area = vec![0.0];
        let mut sum = 0.0;
        for pair in void.windows(2) {
            sum += (pair[0] + pair[1]) / 2.0 * step;
            area.push(sum);
        }
        Table { rate, step, void, area }
    }

    /// A column at `x`; `None` beyond its end.
    fn at(&self, column: &[f64], x: f64) -> Option<f64> {
        let place = (x / self.step).max(0.0);
        let pair = column.get(place as usize..place as usize + 2)?;
        Some(pair[0] + (pair[1] - pair[0]) * place.fract())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Span;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} {b}");
    }

    const MS: f64 = 1e6;

    #[test]
    fn patterns_become_gaps() {
        let ms = Span::from_millis;
        let cases = [
            (Change::Periodic { interval: ms(100) }, vec![(100.0, 1.0)]),
            (Change::Burst { interval: ms(100), changes: 4, spacing: ms(5) }, vec![(5.0, 3.0), (85.0, 1.0)]),
            (Change::Pulse { interval: ms(100), width: ms(20) }, vec![(20.0, 1.0), (80.0, 1.0)]),
            (Change::Motor { interval: ms(10), moving: ms(40), resting: ms(60) }, vec![(10.0, 3.0), (70.0, 1.0)]),
            (
                Change::Trace {
                    file: String::new(),
                    length: ms(100),
                    points: vec![vec![(ms(10), 0.0), (ms(30), 0.0)], vec![], vec![(ms(5), 0.0)]],
                },
                vec![(20.0, 1.0), (80.0, 1.0), (100.0, 1.0)],
            ),
        ];
        for (change, gaps) in cases {
            let gaps = gaps.into_iter().map(|(gap, n)| (gap * MS, n)).collect();
            assert_eq!(Process::of(&change), Some(Process::Cycle { gaps }), "{change:?}");
        }
        assert_eq!(Process::of(&Change::Burst { interval: ms(10), changes: 4, spacing: ms(5) }), None);
        assert_eq!(Process::of(&Change::Periodic { interval: Span::ZERO }), None);
    }

    #[test]
    fn voids_by_hand() {
        let burst = Process::train(100.0, 3.0, 10.0).unwrap();
        // Gaps 10, 10, 80: in 30 of the 80 of the long gap an interval of 50 fits.
        assert_eq!((burst.void(0.0), burst.void(50.0), burst.void(100.0)), (1.0, 0.3, 0.0));
        close(burst.void(5.0), (5.0 + 5.0 + 75.0) / 100.0, 1e-12);
        close(burst.rate(), 0.03, 1e-12);
        close(burst.mean_age().unwrap(), (100.0 + 100.0 + 6400.0) / 200.0, 1e-12);
        close(burst.void_area(1e9), burst.mean_age().unwrap(), 1e-12);
        let poisson = Process::Poisson { interval: 4.0 };
        close(poisson.void_area(2.0), 4.0 * (1.0 - (-0.5f64).exp()), 1e-12);
    }

    #[test]
    fn jitter_of_half_an_interval_by_hand() {
        // Points at k + U(-1/2, 1/2): one in each cell. For x <= 1 the interval lies in one cell with a chance of 1 - x and then
        // misses its point with 1 - x; else it covers a of one cell and x - a of the next, a even from 0 to x.
        let process = Process::jittered(1.0, 0.5).unwrap();
        for x in [0.1, 0.5, 0.9] {
            let split = x - x * x + x * x * x / 6.0;
            close(process.void(x), (1.0 - x) * (1.0 - x) + split, 2e-5);
        }
        assert_eq!(process.void(2.5), 0.0);
        close(process.rate(), 1.0, 1e-12);
    }

    #[test]
    fn small_jitter_is_nearly_periodic() {
        let process = Process::jittered(1.0, 0.01).unwrap();
        close(process.void(0.5), 0.5, 1e-4);
        close(process.mean_age().unwrap(), 0.5, 1e-3);
        assert_eq!(Process::jittered(1.0, 0.0), Process::cycle(vec![(1.0, 1.0)]));
    }

    #[test]
    fn a_ramp_by_hand() {
        // Rate 1 + t over a length of 1 in units of 1 s with rates in kHz: long against its gaps, P0(x) is the mean of max(0, 1 - r x) over the
        // time at each rate r, evenly from 1 to 2 kHz; its mean age the mean of 1/(2r), ln(2)/2 ms.
        let process =
            Process::of(&Change::Ramp { from_hz: 1000.0, to_hz: 2000.0, length: Span::from_secs(1) }).unwrap();
        close(process.rate(), 1500.0 / 1e9, 1e-15);
        close(process.void(0.4 * MS), 1.0 - 0.4 * 1.5, 1e-5);
        // At 0.8 ms only rates up to 1.25 leave room: the integral of 1 - 0.8 r from 1 to 1.25.
        close(process.void(0.8 * MS), 0.25 - 0.4 * (1.25f64 * 1.25 - 1.0), 1e-5);
        close(process.mean_age().unwrap() / MS, 2f64.ln() / 2.0, 1e-5);
        // A pass of three changes: gaps by hand, t(u) = sqrt(1 + 3u) - 1 in units of the length.
        let few = Process::of(&Change::Ramp { from_hz: 2.0, to_hz: 4.0, length: Span::from_secs(1) }).unwrap();
        let gaps = [2f64.sqrt() - 1.0, 3f64.sqrt() - 2f64.sqrt(), 2.0 - 3f64.sqrt()].map(|gap| gap * 1e9);
        let void = |x: f64| gaps.iter().map(|g| (g - x).max(0.0)).sum::<f64>() / 1e9;
        for x in [0.0, 0.1e9, 0.3e9, 0.35e9] {
            close(few.void(x), void(x), 2e-4);
        }
        assert_eq!(few.void(0.45e9), 0.0);
    }

    #[test]
    fn the_rate_can_be_met() {
        let burst = Process::train(100.0, 3.0, 10.0).unwrap();
        for process in [burst, Process::Poisson { interval: 7.0 }, Process::jittered(10.0, 0.3).unwrap()] {
            for rate in [0.01, 0.03, 0.09, 2.0] {
                let met = process.at_rate(rate);
                close(met.rate(), rate, 1e-12);
                close(met.void_area(1e9), met.mean_age().unwrap(), 1e-9);
            }
            assert_eq!(process.at_rate(0.0), Process::Still);
        }
        assert_eq!(stretched(&[(10.0, 2.0), (80.0, 1.0)], 1.5), [(10.0, 2.0), (130.0, 1.0)]);
    }
}
