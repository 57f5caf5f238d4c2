//! What a sweep came to, in sentences.

use super::super::number;
use super::break_even::{BreakEven, Turn, kind};
use super::survey::Survey;
use super::view::{Held, View};
use crate::scenario::model::Fetch;
use crate::scenario::sweep::{Axis, label};
use crate::stats::Estimate;

/// Rows that a sentence names one by one.
const MOST_ROWS: usize = 6;

impl Survey {
    /// What was done, and where the break-even lies; a paragraph each. Names stand between backticks.
    #[must_use]
    pub fn plain(&self) -> Vec<String> {
        let mut paragraphs = vec![self.question()];
        paragraphs.extend(self.sentences());
        paragraphs.extend(self.lacking());
        paragraphs
    }

    fn question(&self) -> String {
        let axes = &self.index.axes;
        let keys: Vec<String> = axes.iter().map(|axis| format!("`{}`", axis.key)).collect();
        let way = if self.index.simulated.is_some() { "simulated" } else { "measured" };
        let cells = self.index.cells.len();
        format!(
            "A poll costs each time it asks, whether anything has changed or not; a callback costs each time something changes. So which \
             one is cheaper depends on how often both happen. This sweep goes through {} of {}: {}. Each was {way} as a run of its own.",
            if cells == 1 {
                "one combination".to_owned()
            } else {
                format!("all {} combinations", number::count(cells as u64))
            },
            if keys.len() == 1 { "one key".to_owned() } else { format!("{} keys", keys.len()) },
            keys.join(" and ")
        )
    }

    /// Where the break-even lies: a sentence for each poller and each combination of held values.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let axes = &self.index.axes;
        let rows = self.break_evens();
        let Some(view) = View::of(axes).filter(|_| !rows.is_empty()) else { return vec![self.without()] };
        let mut groups: Vec<(&str, &Held, Vec<&BreakEven>)> = Vec::new();
        for row in &rows {
            match groups.iter_mut().find(|(poller, held, _)| *poller == row.poller && **held == row.place.1) {
                Some((.., own)) => own.push(row),
                None => groups.push((&row.poller, &row.place.1, vec![row])),
            }
        }
        groups.iter().map(|(poller, held, own)| sentence(axes, &view, poller, held, own)).collect()
    }

    /// Why there is no break-even.
    fn without(&self) -> String {
        let clients = &self.index.scenario.clients;
        let (polls, called) = (clients.iter().any(|c| c.fetch != Fetch::Monitor), self.callback().is_some());
        match (called, polls) {
            (false, _) => "No client is called back, so there is nothing that polling could be held against.",
            (true, false) => "No client polls, so there is nothing that the callback could be held against.",
            (true, true) => "What is swept are words, so no value can be told at which the callback becomes cheaper.",
        }
        .to_owned()
    }

    /// What is missing of it.
    fn lacking(&self) -> Option<String> {
        let (all, done) = (self.index.cells.len(), self.done());
        let failed = self.cells.iter().flatten().filter(|found| found.failed).count();
        let missing = all - done;
        let cells = |n: usize| if n == 1 { "1 cell is".to_owned() } else { format!("{n} cells are") };
        let shard = match &self.index.shard {
            Some(shard) => format!(": this folder holds shard {shard}, and `pollcost merge` puts shards together"),
            None => ": a second start with the same -o runs the rest".to_owned(),
        };
        let told = [
            (missing > 0).then(|| format!("{} not there{shard}", cells(missing))),
            (failed > 0).then(|| format!("{} left out because a client failed in it", cells(failed))),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        (!told.is_empty()).then(|| format!("Of {all} cells, {}.", told.join("; ")))
    }
}

fn sentence(axes: &[Axis], view: &View, poller: &str, held: &Held, rows: &[&BreakEven]) -> String {
    let across = format!("`{}`", label(axes, view.x));
    let told: Vec<(String, &BreakEven)> =
        rows.iter().map(|row| (side(&row.cpu, row.cpu_interval, &axes[view.x], &across), *row)).collect();
    let value = |(axis, at): (usize, usize)| {
        axes[axis].values.get(at).map(|value| format!("`{}` {value}", label(axes, axis))).unwrap_or_default()
    };
    let several = |(axis, _): &&(usize, usize)| axes[*axis].values.len() > 1;
    let held: Vec<String> = held.iter().filter(several).map(|held| value(*held)).collect();
    let with = if held.is_empty() { String::new() } else { format!(", with {}", held.join(" and ")) };
    let begin = format!("In processor time of client and IOC, a callback is cheaper than `{poller}`{with}");
    let Some(y) = view.y else {
        return format!("{begin} {}.", told.first().map(|(side, _)| side.as_str()).unwrap_or_default());
    };
    let at = |row: &BreakEven| row.place.0.map(|place| value((y, place))).unwrap_or_default();
    let turning: Vec<&(String, &BreakEven)> = told.iter().filter(|(_, row)| row.cpu.value().is_some()).collect();
    if told.len() <= MOST_ROWS {
        let parts: Vec<String> = told.iter().map(|(side, row)| format!("{side} at {}", at(row))).collect();
        return format!("{begin} {}.", parts.join("; "));
    }
    let (Some((first, from)), Some((last, to))) = (turning.first(), turning.last()) else {
        return format!(
            "{begin} in {} of {} rows of the sweep, at every {across} there.",
            everywhere(&told),
            told.len()
        );
    };
    format!(
        "{begin} {first} at {}, and so on to {last} at {}; the table has all {} rows.",
        at(from),
        at(to),
        told.len()
    )
}

fn everywhere(told: &[(String, &BreakEven)]) -> usize {
    told.iter().filter(|(_, row)| row.cpu == Turn::Everywhere).count()
}

/// At which values the callback is cheaper.
fn side(turn: &Turn, interval: Option<(f64, f64)>, axis: &Axis, across: &str) -> String {
    let kind = kind(axis);
    let number = |point: f64| number::with_interval(kind, &Estimate { point, interval, n: 0 });
    match turn {
        Turn::Below(x) => format!("where {across} is below {}", number(*x)),
        Turn::Above(x) => format!("where {across} is above {}", number(*x)),
        Turn::Everywhere => format!("at every {across} of the sweep"),
        Turn::Nowhere => format!("at no {across} of the sweep"),
        Turn::Unsettled(..) => format!("in places that change more than once ({})", turn.words(axis)),
        Turn::Unknown => "where is not known, for cells are missing,".to_owned(),
    }
}
