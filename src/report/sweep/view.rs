//! How a sweep is looked at: which axis goes across, which one upward, and which ones are held.

use super::survey::{Part, Survey};
use crate::scenario::metric::Metric;
use crate::scenario::model::Fetch;
use crate::scenario::sweep::{Axis, Setting};

/// The part that each axis has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Goes across: a poll period where there is one.
    pub x: usize,
    /// Goes upward; `None` when only one key has several values.
    pub y: Option<usize>,
    /// Held: a picture for each combination of their values.
    pub rest: Vec<usize>,
}

/// What a callback and a poller are held against each other by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Processor time of client and IOC together, per second.
    Cpu,
    /// Mean notice latency.
    Notice,
}

/// Whether a key is the time between two polls; that between two changes is `pv.change.period`.
pub(super) fn is_poll_period(axis: &Axis) -> bool {
    axis.key.starts_with("client.") && axis.key.ends_with(".period")
}

/// The values of axes that neither go across nor upward: axis and place of each.
pub type Held = Vec<(usize, usize)>;

impl View {
    /// Of some axes; `None` when there are none. A key with one value only is held where others have more, words go upward, where they
    /// have room, and of several keys the one with the most values.
    #[must_use]
    pub fn of(axes: &[Axis]) -> Option<View> {
        let timed = |axis: &Axis| axis.values.iter().all(|value| matches!(value, Setting::TimeNs(_)));
        let numbers = |axis: &Axis| axis.values.iter().all(|value| value.number().is_some());
        let several = |axis: &Axis| axis.values.len() > 1;
        let wants: [&dyn Fn(&Axis) -> bool; 4] = [
            &|axis| several(axis) && is_poll_period(axis),
            &|axis| several(axis) && timed(axis),
            &|axis| several(axis) && numbers(axis),
            &several,
        ];
        let last = |wanted: &dyn Fn(&Axis) -> bool| axes.iter().rposition(wanted);
        let first = |wanted: &dyn Fn(&Axis) -> bool| axes.iter().position(wanted);
        let x = first(wants[0]).or_else(|| first(wants[1])).or_else(|| last(wants[2])).or_else(|| last(wants[3]));
        let x = x.or(axes.len().checked_sub(1))?;
        let others = || (0..axes.len()).filter(move |axis| *axis != x);
        let values = |axis: &usize| axes[*axis].values.len();
        // The most values, and among equals the first: the fewest pictures.
        let y = others().rev().max_by_key(values).filter(|axis| several(&axes[*axis]));
        Some(View { x, y, rest: others().filter(|axis| Some(*axis) != y).collect() })
    }

    /// Every combination of values of the axes that are held; one, of nothing, when none is.
    #[must_use]
    pub fn slices(&self, axes: &[Axis]) -> Vec<Held> {
        let mut slices: Vec<Held> = vec![Vec::new()];
        for &axis in &self.rest {
            let values = 0..axes[axis].values.len();
            let longer = slices.iter().flat_map(|slice| {
                values.clone().map(move |value| slice.iter().copied().chain([(axis, value)]).collect())
            });
            slices = longer.collect();
        }
        slices
    }
}

impl Survey {
    /// The client that is called back; `None` when every one polls.
    #[must_use]
    pub fn callback(&self) -> Option<&str> {
        let clients = &self.index.scenario.clients;
        clients.iter().find(|client| client.fetch == Fetch::Monitor).map(|client| client.name.as_str())
    }

    /// The clients that poll, each with its place among all.
    pub fn pollers(&self) -> impl Iterator<Item = (usize, &str)> {
        let clients = self.index.scenario.clients.iter().enumerate();
        clients
            .filter(|(_, client)| client.fetch != Fetch::Monitor)
            .map(|(place, client)| (place, client.name.as_str()))
    }

    /// The cell at a combination: across, upward, and what is held.
    #[must_use]
    pub fn cell(&self, view: &View, x: usize, y: usize, held: &[(usize, usize)]) -> Option<usize> {
        let mut at = vec![0; self.index.axes.len()];
        let upward = view.y.map(|axis| (axis, y));
        for (axis, value) in std::iter::once((view.x, x)).chain(upward).chain(held.iter().copied()) {
            *at.get_mut(axis)? = value;
        }
        self.index.cells.iter().position(|cell| cell.at == at)
    }

    /// What a poller takes less what the callback takes in the same cell; above 0 the callback is the cheaper one, or the earlier.
    #[must_use]
    pub fn more(&self, cell: usize, poller: &str, quantity: Quantity, part: Part) -> Option<f64> {
        let (poller, callback) = self.both(cell, poller, quantity, part)?;
        Some(poller - callback).filter(|more| more.is_finite())
    }

    /// The same as a ratio; above 1 the callback is the cheaper one.
    #[must_use]
    pub fn ratio(&self, cell: usize, poller: &str, quantity: Quantity, part: Part) -> Option<f64> {
        let (poller, callback) = self.both(cell, poller, quantity, part)?;
        Some(poller / callback).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
    }

    /// What a poller and the callback take in a cell.
    fn both(&self, cell: usize, poller: &str, quantity: Quantity, part: Part) -> Option<(f64, f64)> {
        let of = |client: &str| self.taken(cell, client, quantity, part);
        Some((of(poller)?, of(self.callback()?)?))
    }

    /// What a client takes in a cell.
    #[must_use]
    pub fn taken(&self, cell: usize, client: &str, quantity: Quantity, part: Part) -> Option<f64> {
        if part != Part::Foreseen {
            return self.value(cell, client, Metric::named(quantity.metric())?, part);
        }
        let foreseen = self.index.cells.get(cell)?.foreseen.iter().find(|f| f.client == client)?;
        match quantity {
            Quantity::Cpu => foreseen.cpu_total_percent,
            Quantity::Notice => foreseen.notice_mean_ns,
        }
    }
}

impl Quantity {
    /// The metric that measures it.
    #[must_use]
    pub fn metric(self) -> &'static str {
        match self {
            Quantity::Cpu => "cpu_total_percent",
            Quantity::Notice => "notice_mean_us",
        }
    }
}
