//! How a sweep is looked at: which axis goes across, which one upward, and which ones are held.

use super::survey::Survey;
use crate::scenario::metric::Metric;
use crate::scenario::model::Fetch;
use crate::scenario::sweep::{Axis, Setting};

/// The part that each axis has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Goes across: a poll period where there is one.
    pub x: usize,
    /// Goes upward; `None` when only one key is swept.
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

impl View {
    /// Of some axes; `None` when there are none.
    #[must_use]
    pub fn of(axes: &[Axis]) -> Option<View> {
        let timed = |axis: &Axis| axis.values.iter().all(|value| matches!(value, Setting::TimeNs(_)));
        let period = axes.iter().position(|axis| timed(axis) && axis.key.ends_with("period"));
        let x = period.or_else(|| axes.iter().position(timed)).or(axes.len().checked_sub(1))?;
        let mut others = (0..axes.len()).filter(|axis| *axis != x);
        let y = others.next();
        Some(View { x, y, rest: others.collect() })
    }

    /// Every combination of values of the axes that are held; one, of nothing, when none is.
    #[must_use]
    pub fn slices(&self, axes: &[Axis]) -> Vec<Vec<(usize, usize)>> {
        let mut slices: Vec<Vec<(usize, usize)>> = vec![Vec::new()];
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

    /// What a poller takes over what the callback takes in the same cell; above 1 the callback is the cheaper one, or the earlier.
    #[must_use]
    pub fn ratio(&self, cell: usize, poller: &str, quantity: Quantity) -> Option<f64> {
        let callback = self.callback()?;
        let metric = Metric::named(quantity.metric())?;
        over(self.value(cell, poller, metric)?, self.value(cell, callback, metric)?)
    }

    /// The same by the closed forms.
    #[must_use]
    pub fn foreseen_ratio(&self, cell: usize, poller: &str, quantity: Quantity) -> Option<f64> {
        let callback = self.callback()?;
        let of = |client: &str| {
            let foreseen = self.index.cells.get(cell)?.foreseen.iter().find(|f| f.client == client)?;
            match quantity {
                Quantity::Cpu => foreseen.cpu_total_percent,
                Quantity::Notice => foreseen.notice_mean_ns,
            }
        };
        over(of(poller)?, of(callback)?)
    }
}

fn over(a: f64, b: f64) -> Option<f64> {
    Some(a / b).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
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
