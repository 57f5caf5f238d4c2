//! Where a callback becomes cheaper than polling: the value of the axis across at which both take the same.
//!
//! *Cheaper* is less processor time of client and IOC together per second, both in the same cell; *earlier* is a lower mean notice latency.
//! Processor time is counts times costs, and counts are proportional to rates. So between two neighbouring cells the difference of both
//! clients goes evenly over what is proportional to a rate: over the swept value itself (a change rate, a number of PVs), or over its
//! reciprocal where it is the time between two polls or changes, with the lateness of the poller's timer added: a
//! poller's interval is its sleep and the time that a round takes. Latency goes evenly over the period itself. Where costs are affine in the rates, as in
//! [`crate::simulate::Forecast`], the interpolation is exact however coarse the sweep is.

use serde::Serialize;

use super::super::grids::{Cell, Grid};
use super::super::number::{self, Kind};
use super::survey::{Part, Survey};
use super::view::{Held, Quantity, View, is_poll_period};
use crate::scenario::sweep::{Axis, Setting, label, told};
use crate::stats::Estimate;

/// On which side of a value, or whether at all, the callback takes less.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// At values below this one.
    Below(f64),
    /// At values above this one.
    Above(f64),
    /// Between these it changes sides more than once: what takes less there is not settled.
    Unsettled(f64, f64),
    /// At every value of the sweep.
    Everywhere,
    /// At none.
    Nowhere,
    /// Cells are missing where it matters.
    Unknown,
}

/// A row of cells, and where the callback takes less in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BreakEven {
    /// The poller.
    pub poller: String,
    /// The values that are the same in the whole row.
    pub at: String,
    /// The key that goes across; its values are in ns where they are times.
    pub across: String,
    /// By processor time.
    pub cpu: Turn,
    /// 95 % interval of the value at which `cpu` turns, over repeats; `None` where some repeats by themselves do not turn to the same side.
    pub cpu_interval: Option<(f64, f64)>,
    /// The same by the closed forms and the costs of the model.
    pub cpu_closed_form: Turn,
    /// By mean notice latency.
    pub notice: Turn,
    /// The place of the row's value on the axis upward, where there is one, and what is held.
    #[serde(skip)]
    pub place: (Option<usize>, Held),
}

/// Over what the difference of two clients goes evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Over the swept value.
    Direct,
    /// Over its reciprocal.
    Reciprocal,
}

impl Course {
    /// How a quantity goes along a swept key.
    #[must_use]
    pub fn of(axis: &Axis, quantity: Quantity) -> Course {
        // Of polls or of changes.
        let period = axis.key.ends_with(".period");
        let timed = matches!(axis.values.first(), Some(Setting::TimeNs(_)));
        match quantity {
            Quantity::Cpu if timed && period => Course::Reciprocal,
            _ => Course::Direct,
        }
    }
}

/// What two clients take at a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// The swept value.
    pub x: f64,
    /// How much longer than asked for the poller's interval is, in ns; 0 where nothing of the kind is swept.
    pub late: f64,
    /// What the poller takes less what the callback takes; `None`: not known.
    pub more: Option<f64>,
}

/// Where two neighbours' difference goes through zero; `None` when both are on one side.
#[must_use]
pub fn crossing(a: &Site, b: &Site, course: Course) -> Option<f64> {
    let (from, to) = (a.more?, b.more?);
    if (from > 0.0) == (to > 0.0) {
        return None;
    }
    let part = from / (from - to);
    let between = |from: f64, to: f64| from + part * (to - from);
    let (first, last) = (a.x + a.late, b.x + b.late);
    if course == Course::Direct || first <= 0.0 || last <= 0.0 {
        return Some(between(a.x, b.x));
    }
    let interval = 1.0 / between(1.0 / first, 1.0 / last);
    // The lateness there, which hardly differs.
    Some((interval - between(a.late, b.late)).clamp(a.x.min(b.x), a.x.max(b.x)))
}

/// Where the difference goes through zero along a row, in rising order of the swept value.
#[must_use]
pub fn turn(row: &[Site], course: Course) -> Turn {
    let known: Vec<&Site> = row.iter().filter(|site| site.more.is_some()).collect();
    let dearer = |site: &Site| site.more.is_some_and(|more| more > 0.0);
    let pairs = || known.windows(2).filter(|pair| dearer(pair[0]) != dearer(pair[1]));
    let neighbours = |pair: &[&Site]| {
        let place = |of: &Site| row.iter().position(|site| std::ptr::eq(site, of));
        place(pair[0]).zip(place(pair[1])).is_some_and(|(a, b)| b == a + 1)
    };
    let Some(first) = known.first() else { return Turn::Unknown };
    let complete = known.len() == row.len();
    let turns: Vec<f64> = pairs().filter_map(|pair| crossing(pair[0], pair[1], course)).collect();
    match turns.as_slice() {
        [] if !complete => Turn::Unknown,
        [] if dearer(first) => Turn::Everywhere,
        [] => Turn::Nowhere,
        _ if !pairs().all(neighbours) => Turn::Unknown,
        [x] if dearer(first) => Turn::Below(*x),
        [x] => Turn::Above(*x),
        [first, .., last] => Turn::Unsettled(*first, *last),
    }
}

impl Turn {
    /// The only value at which it turns.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Turn::Below(x) | Turn::Above(x) => Some(*x),
            _ => None,
        }
    }

    /// The 95 % interval of that value, from where each repeat by itself turns; `None` where one does not, or to the other side.
    fn interval(&self, alone: &[Turn]) -> Option<(f64, f64)> {
        let same = |one: &Turn| std::mem::discriminant(one) == std::mem::discriminant(self);
        let values = alone.iter().map(|one| one.value().filter(|x| same(one) && *x > 0.0).map(f64::ln));
        let values: Vec<f64> = values.collect::<Option<_>>()?;
        // In logarithms: a value is uncertain by a factor.
        let estimate = Estimate::pooled(self.value().filter(|x| *x > 0.0)?.ln(), &values, alone.len() as u32);
        estimate.interval.map(|(low, high)| (low.exp(), high.exp()))
    }

    /// In words, with the value as the axis has it.
    #[must_use]
    pub fn words(&self, axis: &Axis) -> String {
        let value = |x: f64| number::plain(kind(axis), x);
        match self {
            Turn::Below(x) => format!("below {}", value(*x)),
            Turn::Above(x) => format!("above {}", value(*x)),
            Turn::Unsettled(from, to) => format!("changing sides from {} to {}", value(*from), value(*to)),
            Turn::Everywhere => "everywhere".to_owned(),
            Turn::Nowhere => "nowhere".to_owned(),
            Turn::Unknown => "–".to_owned(),
        }
    }
}

/// What the values of an axis are.
#[must_use]
pub fn kind(axis: &Axis) -> Kind {
    if matches!(axis.values.first(), Some(Setting::TimeNs(_))) { Kind::Time } else { Kind::Number }
}

impl Survey {
    /// A row for each poller and each combination of the values that do not go across; none without a callback, a poller, or numbers
    /// to go across.
    #[must_use]
    pub fn break_evens(&self) -> Vec<BreakEven> {
        let axes = &self.index.axes;
        let Some(view) = View::of(axes).filter(|_| self.callback().is_some()) else { return Vec::new() };
        if axes[view.x].values.iter().any(|value| value.number().is_none()) {
            return Vec::new();
        }
        let rows = view.y.map_or(1, |axis| axes[axis].values.len());
        let mut found = Vec::new();
        for (_, poller) in self.pollers() {
            for held in view.slices(axes) {
                for y in 0..rows {
                    let row = |quantity, part| {
                        turn(&self.sites(&view, y, &held, poller, quantity, part), Course::of(&axes[view.x], quantity))
                    };
                    let cpu = row(Quantity::Cpu, Part::Whole);
                    let repeats = self.index.scenario.repeats;
                    let alone: Vec<Turn> = (0..repeats).map(|r| row(Quantity::Cpu, Part::Repeat(r))).collect();
                    found.push(BreakEven {
                        poller: poller.to_owned(),
                        at: self.held_words(&view, y, &held),
                        across: axes[view.x].key.clone(),
                        cpu_interval: cpu.interval(&alone),
                        cpu,
                        cpu_closed_form: row(Quantity::Cpu, Part::Foreseen),
                        notice: row(Quantity::Notice, Part::Whole),
                        place: (view.y.map(|_| y), held.clone()),
                    });
                }
            }
        }
        found
    }

    /// The cells of a row, in rising order of the value across.
    #[must_use]
    pub fn sites(
        &self,
        view: &View,
        y: usize,
        held: &[(usize, usize)],
        poller: &str,
        quantity: Quantity,
        part: Part,
    ) -> Vec<Site> {
        let values = self.index.axes[view.x].values.iter().enumerate();
        let mut row: Vec<Site> = values
            .filter_map(|(x, value)| {
                let value = value.number()?;
                Some(self.site(self.cell(view, x, y, held), value, &self.index.axes[view.x], (poller, quantity, part)))
            })
            .collect();
        row.sort_by(|a, b| a.x.total_cmp(&b.x));
        row
    }

    /// What is known of a cell whose value on an axis is this.
    #[must_use]
    pub fn site(&self, cell: Option<usize>, x: f64, axis: &Axis, of: (&str, Quantity, Part)) -> Site {
        let (poller, quantity, part) = of;
        let polled = is_poll_period(axis) && Course::of(axis, quantity) == Course::Reciprocal;
        let late = cell.filter(|_| polled).and_then(|cell| Some(self.interval(cell, poller, part)? - x));
        Site { x, late: late.unwrap_or(0.0), more: cell.and_then(|cell| self.more(cell, poller, quantity, part)) }
    }

    /// The values of a row, such as `rate_hz 10`.
    fn held_words(&self, view: &View, y: usize, held: &[(usize, usize)]) -> String {
        let axes = &self.index.axes;
        let upward = view.y.map(|axis| (axis, y));
        let mut all: Vec<(usize, usize)> = upward.into_iter().chain(held.iter().copied()).collect();
        all.sort_unstable();
        let value = |(axis, value): &(usize, usize)| {
            Some(format!("{} {}", label(axes, *axis), axes[*axis].values.get(*value)?))
        };
        all.iter().filter_map(value).collect::<Vec<_>>().join(", ")
    }

    /// The rows as a table; `None` when there are none.
    #[must_use]
    pub fn break_even_grid(&self) -> Option<Grid> {
        let axes = &self.index.axes;
        let view = View::of(axes)?;
        let rows = self.break_evens();
        let across = label(axes, view.x);
        let cells = |row: &BreakEven| {
            let turn = |turn: &Turn| Cell::plain(turn.words(&axes[view.x]));
            let bounds = row.cpu_interval.zip(row.cpu.value());
            let interval = bounds.and_then(|(bounds, point)| {
                number::interval(kind(&axes[view.x]), &Estimate { point, interval: Some(bounds), n: 0 })
            });
            let at = if row.at.is_empty() { "all".to_owned() } else { row.at.clone() };
            vec![
                Cell::words(&row.poller),
                Cell::words(at),
                Cell { interval, ..turn(&row.cpu) },
                turn(&row.cpu_closed_form),
                turn(&row.notice),
            ]
        };
        (!rows.is_empty()).then(|| Grid {
            caption: format!("At which {across} a callback is cheaper than polling, and at which it is earlier"),
            head: ["Poller", "At", "Cheaper", "by the closed form", "Earlier"].map(str::to_owned).to_vec(),
            rows: rows.iter().map(cells).collect(),
            notes: Vec::new(),
        })
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let Some(grid) = self.break_even_grid() else { return self.cells_text() };
        let mut rows: Vec<Vec<&str>> = vec![grid.head.iter().map(String::as_str).collect()];
        rows.extend(grid.rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()));
        let widths: Vec<usize> = (0..grid.head.len())
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        let line = |row: &Vec<&str>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        format!("{}\n\n{}\n", grid.caption, rows.iter().map(line).collect::<String>())
    }

    fn cells_text(&self) -> String {
        let cells = self.index.cells.iter().zip(&self.cells).filter(|(_, found)| found.is_some());
        cells.map(|(cell, _)| format!("{}\n", told(&self.index.axes, &cell.at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{BOTH, survey};
    use super::*;
    use crate::scenario::model::{Change, Pacing};
    use crate::simulate::{Forecast, Link, Model};
    use crate::time::Span;

    fn row(values: &[(f64, f64)]) -> Vec<Site> {
        values.iter().map(|(x, more)| Site { x: *x, late: 0.0, more: Some(*more).filter(|v| v.is_finite()) }).collect()
    }

    /// What a poller takes that costs `round` each time it asks, less what a callback takes that costs `update` at each change.
    fn more(period: f64, late: f64, round: f64, update: f64) -> f64 {
        round / (period + late) - update
    }

    #[test]
    fn costs_that_are_counts_turn_exactly_however_coarse_the_row_is() {
        // By hand: 36.5 µs a round against 186 µs of updates a second: an interval of 0.19624 s, a sleep of 0.19609 s.
        let (round, update, late) = (36.5e3, 186e-6, 150e3);
        let exact = round / update - late;
        for periods in [&[1e6, 1e9][..], &[1e8, 3e8], &[1e6, 1e7, 1.9e8, 2e8, 1e9]] {
            let row: Vec<Site> =
                periods.iter().map(|x| Site { x: *x, late, more: Some(more(*x, late, round, update)) }).collect();
            let Turn::Below(x) = turn(&row, Course::Reciprocal) else { panic!("{row:?}") };
            assert!((x / exact - 1.0).abs() < 1e-9, "{x} for {exact}");
        }
        // Over a rate the poller's part is constant, and the callback's proportional.
        let rates = row(&[(1.0, 5.0 - 1.0), (1000.0, 5.0 - 1000.0)]);
        assert_eq!(turn(&rates, Course::Direct), Turn::Below(5.0));
    }

    #[test]
    fn between_cells_it_is_where_the_closed_forms_themselves_have_it() {
        let survey = survey(BOTH, "pv.change.rate_hz = [1, 10, 100]\nclient.period = ['1ms', '100ms', '10s']");
        for (row, rate) in survey.break_evens().iter().zip([1.0, 10.0, 100.0]) {
            // The same by halving, on the forecast at every period and not at three.
            let more = |period: f64| {
                let mut scenario = survey.index.scenario.clone();
                let interval = Span((1e9 / rate) as u64);
                scenario.groups[0].change = Change::Periodic { interval };
                scenario.clients[1].pacing = Some(Pacing::FixedDelay { period: Span(period as u64) });
                let model = Model::typical(&Link::default(), 2);
                let cpu = |client| {
                    let forecast = Forecast::of(&scenario, &model, client).unwrap();
                    forecast.cpu_client_percent + forecast.cpu_ioc_percent
                };
                cpu(1) - cpu(0)
            };
            let (mut low, mut high) = (1e6f64, 1e10f64);
            while high / low > 1.000_01 {
                let middle = (low * high).sqrt();
                if more(middle) > 0.0 { low = middle } else { high = middle }
            }
            let Turn::Below(found) = row.cpu_closed_form else { panic!("{row:?}") };
            assert!((found / low - 1.0).abs() < 1e-3, "{rate} Hz: {found} between cells, {low} by halving");
        }
    }

    #[test]
    fn the_time_between_changes_is_not_late_by_what_a_poller_is() {
        let survey = survey(BOTH, "client.period = ['10ms', '1s']");
        let ms = |ms| Setting::TimeNs(Span::from_millis(ms));
        let site = |key: &str| {
            let axis = Axis { key: key.into(), values: vec![ms(10), ms(1000)] };
            assert_eq!(Course::of(&axis, Quantity::Cpu), Course::Reciprocal, "{key}");
            survey.site(Some(0), 10e6, &axis, ("poll", Quantity::Cpu, Part::Whole))
        };
        assert!(site("client.period").late > 0.0 && site("client.poll.period").late > 0.0);
        assert_eq!(site("pv.change.period").late, 0.0);
    }

    #[test]
    fn a_row_turns_once_or_says_that_it_does_not() {
        let direct = |values: &[(f64, f64)]| turn(&row(values), Course::Direct);
        let none = f64::NAN;
        assert_eq!(direct(&[(1.0, -1.0), (3.0, 1.0)]), Turn::Above(2.0));
        assert_eq!(direct(&[(1.0, 1.0), (2.0, 2.0)]), Turn::Everywhere);
        assert_eq!(direct(&[(1.0, -1.0), (2.0, -2.0)]), Turn::Nowhere);
        assert_eq!(direct(&[(1.0, 1.0), (3.0, -1.0), (5.0, 1.0), (7.0, -1.0)]), Turn::Unsettled(2.0, 6.0));
        assert_eq!(direct(&[]), Turn::Unknown);
        // A cell that is missing matters only where it may turn.
        assert_eq!(direct(&[(1.0, 1.0), (2.0, none)]), Turn::Unknown);
        assert_eq!(direct(&[(1.0, 1.0), (2.0, none), (3.0, -1.0)]), Turn::Unknown);
        assert_eq!(direct(&[(1.0, none), (2.0, 1.0), (4.0, -1.0)]), Turn::Below(3.0));
        // A poller that does not sleep at all.
        assert_eq!(turn(&row(&[(0.0, 2.0), (1.0, -2.0)]), Course::Reciprocal), Turn::Below(0.5));
    }

    #[test]
    fn an_interval_needs_every_repeat_to_turn_to_the_same_side() {
        let turns = [9.0, 10.0, 11.0].map(Turn::Below);
        let (low, high) = Turn::Below(10.0).interval(&turns).unwrap();
        assert!(low > 7.0 && low < 9.0 && high > 11.0 && high < 13.0, "{low} {high}");
        for other in [Turn::Everywhere, Turn::Above(10.0), Turn::Unknown] {
            assert_eq!(Turn::Below(10.0).interval(&[turns[0], turns[1], other]), None);
        }
        assert_eq!(Turn::Below(10.0).interval(&turns[..1]), None);
        assert_eq!(Turn::Everywhere.interval(&turns), None);
    }
}
