//! How did a metric go over the runs?

use super::super::figure::{Axis, Figure, Look, Omitted, Point, Sample, Series, Shape, Symbol};
use super::super::palette::{DASHED, Identity, SOLID};
use super::super::scale::{Scale, Spacing, Unit};
use super::{key, told};
use crate::compare::history::{History, Track};
use crate::compare::metric::Metric;

/// One metric of all clients over the runs: their values, the runs at which one changed, and drifts.
///
/// # Errors
/// When there is no such track.
pub fn history(found: &History, metric: Metric) -> Result<Figure, Omitted> {
    let id = metric.name();
    let tracks: Vec<(usize, Track)> = identities(found)
        .iter()
        .enumerate()
        .filter_map(|(place, client)| {
            let track = found.tracks.iter().find(|t| t.metric == metric && t.client == **client)?;
            Some((place, in_base_units(track)))
        })
        .collect();
    let omitted = |reason: &str| Omitted { id, title: id.to_owned(), reason: reason.to_owned() };
    let Some((_, first)) = tracks.first() else { return Err(omitted("no run has it")) };
    let runs = found.runs.len();
    let all: Vec<f64> = tracks.iter().flat_map(|(_, track)| track.values.iter().copied()).collect();
    let y = around(&all).ok_or_else(|| omitted("it has no values"))?;
    let mut series = Vec::new();
    let mut keys = Vec::new();
    let (mut steps, mut drifts, mut facts) = (false, false, Vec::new());
    for (place, track) in &tracks {
        let look = Look::Client(Identity(*place));
        keys.push(key(track.client.clone(), look, Symbol::Line));
        let points = track.values.iter().enumerate().map(|(i, v)| (i as f64 + 1.0, *v)).collect();
        series.push(Series { name: track.client.clone(), look, shape: Shape::Line { points, dash: SOLID } });
        let dots = |of: &mut dyn Iterator<Item = usize>| {
            of.filter_map(|i| Some(Point { x: i as f64 + 1.0, y: *track.values.get(i)?, ..Point::default() }))
                .collect::<Vec<_>>()
        };
        let changed = dots(&mut track.changes.iter().map(|step| step.at));
        for step in &track.changes {
            facts.push(format!("{} changes at run {}", track.client, step.at + 1));
        }
        if !changed.is_empty() {
            steps = true;
            series.push(Series {
                name: format!("{} changes", track.client),
                look,
                shape: Shape::Points { points: changed, hollow: false },
            });
        }
        if let Some(slope) = track.drift {
            drifts = true;
            facts.push(format!("{} drifts", track.client));
            for (place, ends) in drifting(track, slope.a_run).into_iter().enumerate() {
                series.push(Series {
                    name: format!("{} drift {}", track.client, place + 1),
                    look: Look::Muted,
                    shape: Shape::Line { points: ends.to_vec(), dash: DASHED },
                });
            }
        }
    }
    if steps {
        keys.push(key("a change", Look::Ink, Symbol::Marker));
    }
    if drifts {
        keys.push(key("a drift", Look::Muted, Symbol::Dashed));
    }
    let name = first.metric.name();
    if facts.is_empty() {
        facts.push("nothing changed by what matters".to_owned());
    }
    Ok(Figure {
        id,
        title: format!("How did {name} go over the runs?"),
        caption: format!(
            "Mean over the repeats of each of {runs} runs, in the order in which they were made. Filled markers: the first run after a change \
             (E-divisive, a permutation test); dashed: a drift (Mann and Kendall, slope of Theil and Sen)."
        ),
        alt: told(&facts),
        x: Axis {
            label: "Run".into(),
            unit: Unit::Count,
            scale: Scale { spacing: Spacing::Linear, low: 0.5, high: runs as f64 + 0.5 },
            names: Vec::new(),
            in_lanes: false,
        },
        y: Axis::new(label(first), unit(metric), y),
        series,
        keys,
        direct_labels: false,
        notes: found.left_out.clone(),
        n: Sample { repeats: runs as u32, changes: 0 },
    })
}

/// The line of a drift through each stretch between the steps.
fn drifting(track: &Track, a_run: f64) -> Vec<[(f64, f64); 2]> {
    let ends = track.changes.iter().map(|step| step.at).chain([track.values.len()]);
    let starts = std::iter::once(0).chain(track.changes.iter().map(|step| step.at));
    let line = |(from, to): (usize, usize)| {
        let stretch = track.values.get(from..to).filter(|values| !values.is_empty())?;
        let mean = stretch.iter().sum::<f64>() / stretch.len() as f64;
        let rise = a_run * (stretch.len() - 1) as f64 / 2.0;
        Some([(from as f64 + 1.0, mean - rise), (to as f64, mean + rise)])
    };
    starts.zip(ends).filter_map(line).collect()
}

/// The clients, in the order of the last run: each keeps its look in every figure.
fn identities(found: &History) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for track in &found.tracks {
        if !names.contains(&track.client.as_str()) {
            names.push(&track.client);
        }
    }
    names
}

/// Latencies in ns: their axis says ns, µs, ms or s.
fn in_base_units(track: &Track) -> Track {
    let mut track = track.clone();
    if unit(track.metric) == Unit::Nanoseconds {
        track.values.iter_mut().for_each(|v| *v *= 1e3);
        track.drift.iter_mut().for_each(|slope| slope.a_run *= 1e3);
    }
    track
}

fn unit(metric: Metric) -> Unit {
    match metric {
        Metric::NoticeP50 | Metric::NoticeP90 | Metric::NoticeP99 => Unit::Nanoseconds,
        Metric::Redundant | Metric::Missed | Metric::Unnoticed => Unit::Fraction,
        Metric::CpuClient | Metric::CpuIoc => Unit::Percent,
        Metric::Requests | Metric::Bytes | Metric::Wakeups => Unit::Count,
    }
}

fn label(track: &Track) -> String {
    let words = match track.metric {
        Metric::Requests => "Requests (1/s)",
        Metric::Redundant => "Redundant requests (% of gets)",
        Metric::Missed => "Missed changes (%)",
        Metric::Unnoticed => "Unnoticed changes (%)",
        Metric::Bytes => "Bytes both ways (B/s)",
        Metric::Wakeups => "Wake-ups of the client (1/s)",
        Metric::NoticeP50 => "Notice latency, median",
        Metric::NoticeP90 => "Notice latency, 90th percentile",
        Metric::NoticeP99 => "Notice latency, 99th percentile",
        Metric::CpuClient => "CPU of the client (% of a core)",
        Metric::CpuIoc => "CPU of the IOC (% of a core)",
    };
    words.to_owned()
}

/// A scale with room for all: logarithmic where they span a factor of ten.
fn around(values: &[f64]) -> Option<Scale> {
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    if low > high {
        return None;
    }
    if low > 0.0 && high / low > 10.0 {
        return Scale::log_around_points(values, &[]);
    }
    let room = ((high - low) * 0.1).max(high.abs() * 0.05).max(1e-6);
    Some(Scale {
        spacing: Spacing::Linear,
        low: if low >= 0.0 { (low - room).max(-0.02 * high) } else { low - room },
        high: high + room,
    })
}
