//! Which numbers are to be taken with care: a mark beside each, and what the marks mean.

use super::figure::{Figure, Look, Series, Shape, Symbol};
use super::figures::key;
use super::grids::{Cell, Grid};
use super::number::{self, Kind};
use super::palette::SOLID;
use super::scale::Scale;
use crate::scenario::model::Scenario;
use crate::summary::checks::is_dirty;
use crate::summary::{FloorOf, Summary, floor_of};
use crate::trace::Host;

/// Beside a latency that lies near or below the machine's floor.
pub const AT_FLOOR: &str = "†";
/// Beside a client of which a window was disturbed.
pub const DIRTY: &str = "‡";
/// What the mark of a disturbed window means, in few words.
pub const DISTURBED: &str =
    "Measured while the machine did something else: latencies are too long by an unknown amount.";
/// Figures that show how late clients are.
const OF_LATENCY: [&str; 10] = [
    "timeline",
    "age_saw",
    "latency_heat",
    "burst_place",
    "notice_ecdf",
    "notice_tail",
    "raincloud",
    "latency_period",
    "latency_cpu",
    "price",
];
/// Figures with latency across, which get a line at the floor.
const ACROSS: [&str; 3] = ["notice_ecdf", "notice_tail", "raincloud"];
/// Figures with latency upward, likewise.
const UPWARD: [&str; 3] = ["latency_period", "latency_cpu", "burst_place"];
/// A floor that lies farther below the data than this is told below the figure, and not drawn: it would squeeze them.
const NEAR_DATA: f64 = 30.0;

/// What is known against the numbers of each client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doubts {
    clients: Vec<Doubt>,
}

#[derive(Clone, Debug, PartialEq)]
struct Doubt {
    name: String,
    floor: Option<FloorOf>,
    at_floor: bool,
    /// Percent of a core that others used and that the hypervisor took, where a window was disturbed.
    dirty: Option<(Option<f64>, Option<f64>)>,
}

impl Doubts {
    /// Of every client of a run, in its order.
    #[must_use]
    pub fn new(summary: &Summary, scenario: &Scenario, host: &Host) -> Doubts {
        let clients = summary.clients.iter().map(|client| {
            let floor = host.floor.as_ref().and_then(|floor| floor_of(scenario, &client.name, floor));
            Doubt {
                name: client.name.clone(),
                floor,
                at_floor: floor.is_some_and(|floor| floor.is_near(client)),
                dirty: is_dirty(client).then_some((client.others_percent, client.stolen_percent)),
            }
        });
        Doubts { clients: clients.collect() }
    }

    /// The mark of a client's latencies; empty where there is none.
    #[must_use]
    pub fn of_latency(&self, client: &str) -> &'static str {
        if self.find(client).is_some_and(|doubt| doubt.at_floor) { AT_FLOOR } else { "" }
    }

    /// The mark of everything that was measured of a client; empty where there is none.
    #[must_use]
    pub fn of_all(&self, client: &str) -> &'static str {
        if self.find(client).is_some_and(|doubt| doubt.dirty.is_some()) { DIRTY } else { "" }
    }

    fn find(&self, client: &str) -> Option<&Doubt> {
        self.clients.iter().find(|doubt| doubt.name == client)
    }

    /// What the marks mean, of those that are used.
    #[must_use]
    pub fn notes(&self, with_latency: bool) -> Vec<String> {
        let at_floor = self.clients.iter().filter(|doubt| with_latency && doubt.at_floor);
        let mut floors: Vec<String> = Vec::new();
        for floor in at_floor.filter_map(|doubt| doubt.floor.map(words)) {
            if !floors.contains(&floor) {
                floors.push(floor);
            }
        }
        let near = (!floors.is_empty()).then(|| {
            format!(
                "{AT_FLOOR} Median near or below this machine's floor, what a message takes to a waiting thread ({}): differences of this size \
                 are the machine's, not the strategy's.",
                floors.join("; ")
            )
        });
        let dirty = || self.clients.iter().filter_map(|doubt| doubt.dirty);
        let most = |percents: Vec<f64>| percents.into_iter().reduce(f64::max);
        let others = most(dirty().filter_map(|(others, _)| others).collect());
        let stolen = most(dirty().filter_map(|(_, stolen)| stolen).collect());
        let told = [
            others.map(|percent| format!("other processes used up to {percent:.0} % of a core")),
            stolen.filter(|p| *p >= 0.05).map(|percent| format!("the hypervisor took up to {percent:.1} % of one")),
        ];
        let disturbed: Vec<String> = told.into_iter().flatten().collect();
        let dirty_note = (!disturbed.is_empty()).then(|| {
            format!(
                "{DIRTY} Dirty window: {}. Latencies and their tails are too large by an unknown amount.",
                disturbed.join(" and ")
            )
        });
        near.into_iter().chain(dirty_note).collect()
    }

    /// Marks a table whose rows begin with a client: its name, and the cells of these columns for latencies.
    pub(super) fn mark_table(&self, grid: &mut Grid, latencies: &[usize]) {
        for row in &mut grid.rows {
            let Some(name) = row.first().map(|cell| cell.text.clone()) else { continue };
            let mut mark = |column: usize, mark: &'static str| {
                if let Some(cell) = row.get_mut(column).filter(|cell| !mark.is_empty() && *cell != &Cell::none()) {
                    cell.mark = mark;
                }
            };
            mark(0, self.of_all(&name));
            latencies.iter().for_each(|column| mark(*column, self.of_latency(&name)));
        }
        grid.notes.extend(self.notes(!latencies.is_empty()));
    }

    /// Marks a figure: every name of a client that is in doubt, and the floor where latencies are drawn.
    pub(super) fn mark_figure(&self, figure: &mut Figure) {
        let of_latency = OF_LATENCY.contains(&figure.id);
        let marks: Vec<String> = self
            .clients
            .iter()
            .map(|doubt| {
                let near = if of_latency { self.of_latency(&doubt.name) } else { "" };
                format!("{near}{}", self.of_all(&doubt.name))
            })
            .collect();
        let mut marked = false;
        let mut mark = |text: &mut String, look: Look| {
            let Look::Client(identity) = look else { return };
            if let Some(mark) = marks.get(identity.0).filter(|mark| !mark.is_empty()) {
                *text = format!("{text} {mark}");
                marked = true;
            }
        };
        for key in &mut figure.keys {
            mark(&mut key.text, key.look);
        }
        for series in &mut figure.series {
            match &mut series.shape {
                Shape::Points { points, .. } => {
                    points
                        .iter_mut()
                        .filter_map(|point| point.label.as_mut())
                        .for_each(|label| mark(label, series.look));
                }
                Shape::Level { label, .. } if !label.is_empty() => mark(label, series.look),
                _ => {}
            }
        }
        for (_, name) in &mut figure.y.names {
            let (first, rest) = name.split_once('\n').map_or((name.as_str(), None), |(f, r)| (f, Some(r)));
            let place = self.clients.iter().position(|doubt| doubt.name == first);
            if let Some(mark) = place.and_then(|place| marks.get(place)).filter(|mark| !mark.is_empty()) {
                *name = [Some(format!("{first} {mark}")).as_deref(), rest]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("\n");
                marked = true;
            }
        }
        let used = |mark: &str| marked && marks.iter().any(|of| of.contains(mark));
        if used(AT_FLOOR) {
            figure.notes.push(format!("{AT_FLOOR} Near or below this machine's floor: what is left is the machine's."));
        }
        if used(DIRTY) {
            figure.notes.push(format!("{DIRTY} {DISTURBED}"));
        }
        self.draw_floor(figure);
    }

    /// A line at the lowest floor of the clients.
    fn draw_floor(&self, figure: &mut Figure) {
        let floors = self.clients.iter().filter_map(|doubt| doubt.floor);
        let Some(floor) = floors.min_by_key(|floor| floor.push) else { return };
        let at = floor.push.0 as f64;
        let reach = |scale: &mut Scale| {
            let near = at > scale.low / NEAR_DATA && at < scale.high;
            if near {
                scale.low = scale.low.min(at * 0.8);
            }
            near
        };
        let shape = if ACROSS.contains(&figure.id) {
            reach(&mut figure.x.scale).then(|| Shape::Verticals(vec![at]))
        } else if UPWARD.contains(&figure.id) {
            let (left, right) = (figure.x.scale.low, figure.x.scale.high);
            reach(&mut figure.y.scale).then(|| Shape::Line { points: vec![(left, at), (right, at)], dash: SOLID })
        } else {
            return;
        };
        let drawn = if shape.is_some() { "" } else { ", too far below the data to be drawn" };
        if let Some(shape) = shape {
            figure.series.push(Series { name: "floor".into(), look: Look::Ink, shape });
            figure.keys.push(key("this machine's floor", Look::Ink, Symbol::Plain));
        }
        figure.notes.push(format!(
            "Floor: a bare TCP message to a waiting thread on this machine, median before the run: {}{drawn}.",
            words(floor)
        ));
    }
}

/// `13.7 µs at one message in 1 ms`.
fn words(floor: FloorOf) -> String {
    format!("{} at one message in {}", number::plain(Kind::Time, floor.push.0 as f64), floor.period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::content::Content;
    use crate::report::synthetic::{self, Wish};
    use crate::time::Span;
    use crate::trace::Floor;
    use crate::trace::floor::{AtPeriod, Quantiles};

    /// The content of a run whose floor lies here, and whose first poller was disturbed.
    fn content(floor_us: u64) -> Content {
        let wish = Wish::default();
        let (mut summary, scenario, mut host) = (wish.summary(), wish.scenario(), synthetic::host());
        summary.clients[1].others_percent = Some(43.0);
        let took = Quantiles { n: 100, p50_ns: Some(Span::from_micros(floor_us)), ..Quantiles::default() };
        host.floor = Some(Floor { push: vec![AtPeriod { period_ns: Span::from_millis(1), took }], ..Floor::default() });
        Content::new(&synthetic::input(&summary, &scenario, &host))
    }

    #[test]
    fn a_doubtful_number_carries_its_mark_in_tables_and_figures() {
        let content = content(50);
        let [learned, cost] = content.results.as_slice() else { panic!("two tables") };
        let marks = |grid: &Grid, row: usize| grid.rows[row].iter().map(|cell| cell.mark).collect::<String>();
        assert_eq!((marks(learned, 0), marks(learned, 1), marks(learned, 2)), ("††".into(), "‡".into(), String::new()));
        assert_eq!((marks(cost, 0), marks(cost, 1)), (String::new(), "‡".to_owned()));
        assert_eq!((learned.notes.len(), cost.notes.len()), (2, 1));
        assert!(cost.notes[0].contains("up to 43 % of a core"), "{}", cost.notes[0]);
        let figure = |id: &str| content.figures.iter().find(|figure| figure.id == id).unwrap();
        let names = |id: &str| figure(id).keys.iter().map(|key| key.text.clone()).collect::<Vec<_>>();
        assert!(names("notice_ecdf").contains(&"monitor †".to_owned()), "{:?}", names("notice_ecdf"));
        assert!(names("notice_ecdf").contains(&"poll-0 ‡".to_owned()), "{:?}", names("notice_ecdf"));
        assert!(names("requests_period").iter().all(|name| !name.contains(AT_FLOOR)));
        assert_eq!(figure("raincloud").y.names[0].1, "monitor †");
        for id in ACROSS.iter().chain(&UPWARD).filter(|id| **id != "burst_place") {
            assert!(figure(id).series.iter().any(|series| series.name == "floor"), "{id}");
            assert!(figure(id).notes.iter().any(|note| note.starts_with("Floor:")), "{id}");
        }
    }

    #[test]
    fn what_is_in_no_doubt_has_no_mark() {
        let wish = Wish::default();
        let doubts = Doubts::new(&wish.summary(), &wish.scenario(), &Host::default());
        assert_eq!((doubts.notes(true), doubts.of_latency("monitor"), doubts.of_all("monitor")), (Vec::new(), "", ""));
    }
}
