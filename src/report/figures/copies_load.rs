//! What does each further client take of the server? Clients of one run that differ in their copies only.

use super::super::figure::{Axis, Extent, Figure, Look, Omitted, Point, Series, Shape, Symbol};
use super::super::number::{self, Kind};
use super::super::palette::{Identity, SOLID};
use super::super::scale::Unit;
use super::{basis, key, looks, sample, told};
use crate::scenario::model::{Fetch, Pacing};
use crate::summary::strategy::fetch_word;
use crate::summary::{ClientSummary, Summary};

const ID: &str = "copies_load";
const TITLE: &str = "What does each further client take of the server?";

/// Processor time of the IOC against the number of copies of a client that it serves at once, log scales; clients that do the same are joined.
///
/// # Errors
/// When fewer than two clients have copies and a processor time.
pub fn copies_load(summary: &Summary) -> Result<Figure, Omitted> {
    let reason = "it needs clients with different `copies`, and the processor time of the IOC";
    let omitted = || Omitted { id: ID, title: TITLE.into(), reason: reason.into() };
    let shown: Vec<(usize, &ClientSummary, Point)> = summary
        .clients
        .iter()
        .enumerate()
        .filter_map(|(index, client)| {
            let cpu = client.cpu_ioc_percent.filter(|cpu| cpu.point > 0.0)?;
            let (x, y) = (f64::from(client.copies), cpu.point);
            Some((index, client, Point { x, y, y_interval: cpu.interval, ..Point::default() }))
        })
        .collect();
    if shown.iter().all(|(.., point)| point.x == shown[0].2.x) {
        return Err(omitted());
    }
    let points: Vec<Series> = shown
        .iter()
        .map(|(index, client, point)| Series {
            name: client.name.clone(),
            look: Look::Client(Identity(*index)),
            shape: Shape::Points { points: vec![point.clone()], hollow: client.fetch != Fetch::Monitor },
        })
        .collect();
    let x = Extent::all(points.iter().map(Series::x_extent)).log().ok_or_else(omitted)?;
    let y = Extent::all(points.iter().map(Series::y_extent)).log().ok_or_else(omitted)?;
    let facts: Vec<String> = shown
        .iter()
        .map(|(_, client, point)| format!("{} {}", client.name, number::plain(Kind::Percent, point.y)))
        .collect();
    let mut keys: Vec<_> = looks(summary)
        .filter(|(look, _)| points.iter().any(|series| series.look == *look))
        .map(|(look, client)| {
            let symbol = if client.fetch == Fetch::Monitor { Symbol::Marker } else { Symbol::Hollow };
            key(client.name.clone(), look, symbol)
        })
        .collect();
    keys.dedup();
    let n = sample(&summary.clients);
    Ok(Figure {
        id: ID,
        title: TITLE.into(),
        caption: format!(
            "Processor time of the IOC while it serves so many copies of a client at once, 100 % being one core: callbacks filled, pollers hollow. Copies that all \
             find out the same way are joined by a line. {}",
            basis(n, "Bars with caps: 95 % interval over repeats, often smaller than the marker.")
        ),
        alt: format!("Processor time of the IOC by copies of a client: {}", told(&facts)),
        x: Axis::new("Clients at once (log scale)", Unit::Count, x),
        y: Axis::new("Processor time of the IOC (% of one core, log scale)", Unit::Percent, y),
        series: joins(&shown).into_iter().chain(points).collect(),
        keys,
        direct_labels: false,
        notes: Vec::new(),
        n,
    })
}

/// Clients that do the same: how, and where their points are.
type Family<'a> = (Fetch, &'a Option<Pacing>, Vec<(f64, f64)>);

/// Lines along clients that do the same.
fn joins(shown: &[(usize, &ClientSummary, Point)]) -> Vec<Series> {
    let mut families: Vec<Family<'_>> = Vec::new();
    for (_, client, point) in shown {
        let at = (point.x, point.y);
        match families.iter_mut().find(|(fetch, pacing, _)| *fetch == client.fetch && **pacing == client.pacing) {
            Some((.., points)) => points.push(at),
            None => families.push((client.fetch, &client.pacing, vec![at])),
        }
    }
    families.retain(|(.., points)| points.len() > 1);
    let line = |(fetch, _, mut points): Family<'_>| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let name = format!("copies of {} clients", fetch_word(fetch));
        Series { name, look: Look::Muted, shape: Shape::Line { points, dash: SOLID } }
    };
    families.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Estimate;
    use crate::summary::example::summary_of;

    fn client(name: &str, fetch: Fetch, copies: u32, percent: Option<f64>) -> ClientSummary {
        let cpu_ioc_percent = percent.map(|point| Estimate { point, interval: Some((point * 0.9, point * 1.1)), n: 3 });
        ClientSummary { copies, cpu_ioc_percent, ..summary_of(name, fetch) }
    }

    #[test]
    fn copies_of_a_kind_are_joined_by_their_number() {
        let clients = vec![
            client("monitor-100", Fetch::Monitor, 100, Some(30.0)),
            client("monitor-1", Fetch::Monitor, 1, Some(0.5)),
            client("poll-1", Fetch::Batch, 1, Some(0.8)),
            client("unknown", Fetch::Batch, 10, None),
        ];
        let figure = copies_load(&Summary { clients, ..Summary::default() }).unwrap();
        let Shape::Line { points, .. } = &figure.series[0].shape else { panic!("no line") };
        assert_eq!(points, &[(1.0, 0.5), (100.0, 30.0)]);
        assert_eq!((figure.series.len(), figure.keys.len()), (4, 3));
        assert!(figure.alt.contains("monitor-100 30"), "{}", figure.alt);
    }

    #[test]
    fn without_copies_there_is_nothing_to_show() {
        for clients in
            [vec![], vec![client("a", Fetch::Monitor, 10, Some(1.0)), client("b", Fetch::Batch, 10, Some(2.0))]]
        {
            assert!(copies_load(&Summary { clients, ..Summary::default() }).is_err());
        }
    }
}
