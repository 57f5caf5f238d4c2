use std::collections::{BTreeMap, HashSet};

use super::*;
use crate::report::figure::{Extent, Series, Shape};
use crate::report::layout::{self, Title};
use crate::report::palette::Paint;
use crate::report::profile::{PROFILES, Profile, SCREEN};
use crate::report::scene::{Frame, Label, Mark, Scene};
use crate::report::synthetic::{Wish, cases};
use crate::time::Span;

/// All figures of all cases.
fn drawn() -> Vec<(&'static str, Figure)> {
    cases()
        .into_iter()
        .flat_map(|(case, wish)| {
            let (figures, _) = all(&wish.summary(), &wish.scenario());
            figures.into_iter().map(move |figure| (case, figure))
        })
        .collect()
}

/// The same in every profile.
fn in_every_profile() -> impl Iterator<Item = (&'static str, &'static Profile, Figure)> {
    // The other profiles for the runs that are hardest on a layout.
    let hard = |case| ["quickstart", "twenty", "one_poller"].contains(&case);
    let profiles = move |case| PROFILES.iter().filter(move |profile| profile.name == SCREEN.name || hard(case));
    drawn()
        .into_iter()
        .flat_map(move |(case, figure)| profiles(case).map(move |profile| (case, profile, figure.clone())))
}

/// The series that are a client's own.
fn of_clients(figure: &Figure) -> impl Iterator<Item = &Series> {
    figure.series.iter().filter(|series| matches!(series.look, Look::Client(_)))
}

fn labels(scene: &Scene) -> Vec<&Label> {
    scene.marks.iter().filter_map(|mark| if let Mark::Text(label) = mark { Some(label) } else { None }).collect()
}

#[test]
fn axes_hold_every_point_and_every_interval_that_is_near() {
    for (case, figure) in drawn() {
        let extents = [(&figure.x, Series::x_extent as fn(&Series) -> Extent), (&figure.y, Series::y_extent)];
        for (axis, extent) in extents {
            let Extent { points, ends } = Extent::all(figure.series.iter().map(extent));
            let lowest = points.iter().copied().fold(f64::INFINITY, f64::min);
            for value in points.iter().chain(ends.iter().filter(|end| **end > lowest / 10.0)) {
                assert!(axis.scale.contains(*value), "{case} {}: {value} is not on {}", figure.id, axis.label);
            }
        }
    }
}

#[test]
fn a_client_looks_the_same_in_every_figure() {
    for (case, wish) in cases() {
        let summary = wish.summary();
        let (figures, _) = all(&summary, &wish.scenario());
        let mut seen: BTreeMap<String, Look> = BTreeMap::new();
        for key in figures.iter().flat_map(|figure| &figure.keys).filter(|key| matches!(key.look, Look::Client(_))) {
            assert_eq!(*seen.entry(key.text.clone()).or_insert(key.look), key.look, "{case}");
        }
        let looks: HashSet<Look> = seen.values().copied().collect();
        assert_eq!(looks.len(), summary.clients.len(), "{case}: every client has a look of its own");
    }
}

#[test]
fn legends_say_nothing_twice_and_explain_every_colour() {
    for (case, figure) in drawn() {
        let texts: HashSet<&str> = figure.keys.iter().map(|key| key.text.as_str()).collect();
        assert_eq!(texts.len(), figure.keys.len(), "{case} {}", figure.id);
        // A lane has its client's name beside it.
        let lanes = figure.y.lane_count() > 0;
        for series in figure.series.iter().filter(|series| matches!(series.look, Look::Client(_)) && !lanes) {
            assert!(figure.keys.iter().any(|key| key.look == series.look), "{case} {}: {}", figure.id, series.name);
        }
    }
}

#[test]
fn no_text_is_cut_or_lies_over_another() {
    for (case, profile, figure) in in_every_profile() {
        assert_texts_apart(case, profile, &figure);
    }
}

/// Every text of a figure is whole, and none lies over another.
pub(super) fn assert_texts_apart(case: &str, profile: &Profile, figure: &Figure) {
    let scene = layout::scene(figure, profile, Title::Drawn);
    let whole = Frame { left: 0.0, top: 0.0, right: scene.width, bottom: scene.height };
    let labels = labels(&scene);
    for (index, label) in labels.iter().enumerate() {
        assert!(whole.holds(&label.frame()), "{case} {} {}: {:?} is cut", profile.name, figure.id, label.text);
        for other in &labels[index + 1..] {
            assert!(
                !label.frame().overlaps(&other.frame()),
                "{case} {} {}: {:?} lies over {:?}",
                figure.id,
                profile.name,
                label.text,
                other.text
            );
        }
    }
}

#[test]
fn nothing_is_drawn_outside() {
    for (case, profile, figure) in in_every_profile() {
        assert_inside(case, profile, &figure);
    }
}

/// Every line and area of a figure is inside of it.
pub(super) fn assert_inside(case: &str, profile: &Profile, figure: &Figure) {
    let scene = layout::scene(figure, profile, Title::Drawn);
    let whole = Frame { left: 0.0, top: 0.0, right: scene.width, bottom: scene.height };
    for mark in &scene.marks {
        let (Mark::Line { points, .. } | Mark::Area { points, .. }) = mark else { continue };
        for point in points {
            assert!(whole.holds(&Frame::around(*point, 0.0)), "{case} {} {}: {point:?}", profile.name, figure.id);
        }
    }
}

#[test]
fn every_client_is_named_in_every_figure_that_shows_it() {
    for (case, profile, figure) in in_every_profile() {
        let scene = layout::scene(&figure, profile, Title::Drawn);
        let texts: Vec<&str> = labels(&scene).iter().map(|label| label.text.as_str()).collect();
        for key in &figure.keys {
            assert!(
                texts.contains(&key.text.as_str()),
                "{case} {} {}: {} is not named",
                profile.name,
                figure.id,
                key.text
            );
        }
    }
}

#[test]
fn a_poller_that_does_not_sleep_stands_at_what_it_achieved() {
    let wish = Wish::default();
    let summary = wish.summary();
    let figure = latency_period(&summary).unwrap();
    let series = figure.series.iter().find(|series| series.name == "poll-0").unwrap();
    let Shape::Points { points, .. } = &series.shape else { panic!("{series:?}") };
    assert_eq!(Some(points[0].x), summary.clients[1].mean_period_ns);
    assert!(points[0].x > 200_000.0);
    assert!(figure.notes.iter().any(|note| note.starts_with("poll-0 does not sleep")), "{:?}", figure.notes);
}

#[test]
fn without_data_a_figure_is_left_out_with_a_reason() {
    let empty = Summary::default();
    let (figures, omitted) = all(&empty, &Wish::default().scenario());
    assert!(figures.is_empty());
    assert_eq!(omitted.len(), 11);
    assert!(omitted.iter().all(|o| !o.reason.is_empty()));

    let monitors = Wish { monitors: 2, sleeps: Vec::new(), ..Wish::default() };
    let (figures, omitted) = all(&monitors.summary(), &monitors.scenario());
    assert_eq!(
        figures.iter().map(|f| f.id).collect::<Vec<_>>(),
        ["notice_ecdf", "notice_tail", "raincloud", "latency_cpu"]
    );
    let without =
        ["latency_period", "redundant_period", "missed_period", "cpu_period", "requests_period", "bytes_period"];
    assert!(without.iter().all(|id| omitted.iter().any(|o| o.id == *id)));
}

#[test]
fn what_could_not_be_measured_is_not_drawn_as_zero() {
    let mut summary = Wish::default().summary();
    summary.clients[2].cpu_ioc_percent = None;
    summary.clients[3].notice.mean_ns = None;
    summary.clients[4].mean_period_ns = None;
    summary.clients[4].achieved_period_ns = None;
    let (figures, _) = all(&summary, &Wish::default().scenario());
    for figure in &figures {
        let extents = figure.series.iter().flat_map(|s| [s.x_extent(), s.y_extent()]);
        assert!(extents.flat_map(|e| e.points).all(f64::is_finite));
        assert!(figure.x.scale.low > 0.0);
    }
    let latency_cpu = figures.iter().find(|f| f.id == "latency_cpu").unwrap();
    assert_eq!(latency_cpu.series.iter().filter(|s| s.look != Look::Muted).count(), 4);
    assert!(latency_cpu.notes[0].contains("poll-1ms and poll-10ms"), "{:?}", latency_cpu.notes);
    let cpu = figures.iter().find(|f| f.id == "cpu_period").unwrap();
    assert!(cpu.notes.iter().any(|n| n.starts_with("poll-100ms is left out")), "{:?}", cpu.notes);
}

#[test]
fn zero_processor_time_has_a_place() {
    let mut summary = Wish::default().summary();
    summary.clients[5].cpu_client_percent = Some(crate::stats::Estimate { point: 0.0, interval: None, n: 3 });
    let figure = cpu_period(&summary).unwrap();
    assert_eq!(figure.y.scale.low, 0.0);
    assert!(figure.y.label.ends_with("linear)"));
}

#[test]
fn an_ecdf_counts_what_was_never_noticed() {
    let mut summary = Wish::default().summary();
    let last = |figure: &Figure| match &of_clients(figure).next().unwrap().shape {
        Shape::Step { points, .. } => *points.last().unwrap(),
        other => panic!("{other:?}"),
    };
    let complete = last(&notice_ecdf(&summary).unwrap());
    assert!((complete.1 - 1.0).abs() < 1e-12);
    summary.clients[0].unnoticed = summary.clients[0].notice.histogram.len();
    let figure = notice_ecdf(&summary).unwrap();
    assert!((last(&figure).1 - 0.5).abs() < 1e-12);
    assert!(figure.notes[0].contains("monitor"));
}

#[test]
fn an_ecdf_follows_its_histogram_closely() {
    let summary = Wish::default().summary();
    let figure = notice_ecdf(&summary).unwrap();
    for (series, client) in of_clients(&figure).zip(&summary.clients) {
        let Shape::Step { points, .. } = &series.shape else { panic!("{series:?}") };
        assert!(points.len() < 700, "{} corners", points.len());
        assert!(points.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1));
        for quantile in [0.01, 0.1, 0.5, 0.9, 0.99, 1.0] {
            let latency = client.notice.histogram.value_at_quantile(quantile) as f64;
            let below = points.iter().take_while(|p| p.0 <= latency).last().map_or(0.0, |p| p.1);
            assert!((below - quantile).abs() < 0.006, "{}: {quantile} is drawn at {below}", client.name);
        }
    }
}

#[test]
fn figures_can_be_had_as_tables() {
    let wish = Wish { sleeps: vec![Span::from_millis(10)], ..Wish::default() };
    let (figures, _) = all(&wish.summary(), &wish.scenario());
    for figure in &figures {
        let table = figure.to_csv().unwrap();
        let mut reader = csv::Reader::from_reader(table.as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert!(rows.len() >= figure.series.len());
        assert!(rows.iter().all(|row| row.len() == 8));
    }
    let table = String::from_utf8(figures[4].to_csv().unwrap()).unwrap();
    insta::assert_snapshot!(table);
}

#[test]
fn a_dozen_monitors_are_all_in_the_legend_even_where_labels_find_no_room() {
    let wish = Wish { monitors: 12, ..Wish::default() };
    let figure = latency_period(&wish.summary()).unwrap();
    let scene = layout::scene(&figure, &SCREEN, Title::Drawn);
    let named = labels(&scene).iter().filter(|l| l.text.starts_with("monitor") && l.paint == Paint::Ink).count();
    assert!(named >= 12);
}

#[test]
fn intervals_that_reach_zero_do_not_set_the_axes() {
    let summary = Wish { wide: true, ..Wish::default() }.summary();
    let lowest = summary.clients[0].notice.mean_ns.unwrap();
    assert!(lowest.interval.unwrap().0 < 0.0);
    let figure = latency_cpu(&summary).unwrap();
    assert!(figure.y.scale.low > lowest.point / 4.0, "{:?}", figure.y.scale);
}

#[test]
fn expected_curves_run_through_what_a_poller_shows() {
    let summary = Wish::default().summary();
    for (figure, share) in [(notice_ecdf(&summary).unwrap(), false), (notice_tail(&summary).unwrap(), true)] {
        let expected: Vec<&Series> = figure.series.iter().filter(|s| s.name.starts_with("expected, ")).collect();
        assert_eq!(expected.len(), 5, "{}: one for each poller, none for the monitor", figure.id);
        for series in expected {
            let client = summary.clients.iter().find(|c| series.name.ends_with(&c.name)).unwrap();
            let Shape::Line { points, .. } = &series.shape else { panic!("{series:?}") };
            let median = client.notice.histogram.value_at_quantile(0.5) as f64;
            let near = points.iter().min_by(|a, b| (a.1 - 0.5).abs().total_cmp(&(b.1 - 0.5).abs())).unwrap();
            assert!((near.0 / median - 1.0).abs() < 0.1, "{} {}: {} by {median}", figure.id, client.name, near.0);
            assert!(points.windows(2).all(|w| w[0].0 <= w[1].0 && (w[0].1 > w[1].1) == share), "{}", series.name);
        }
    }
}

#[test]
fn pollers_of_other_sizes_are_not_joined() {
    let mut summary = Wish::default().summary();
    let joins = |summary: &Summary| {
        let figure = cpu_period(summary).unwrap();
        figure.series.iter().filter(|s| matches!(s.shape, Shape::Line { .. })).count()
    };
    assert_eq!(joins(&summary), 2, "one for each end");
    for (place, client) in summary.clients.iter_mut().enumerate() {
        client.pvs += place;
    }
    assert_eq!(joins(&summary), 0);
}

#[test]
fn a_spread_is_in_the_legend_only_where_one_is_drawn() {
    let mut summary = Wish::default().summary();
    let told = |summary: &Summary| {
        latency_period(summary).unwrap().keys.iter().any(|key| key.symbol == crate::report::figure::Symbol::Spread)
    };
    assert!(told(&summary));
    for client in &mut summary.clients {
        client.notice.histogram.reset();
        client.notice.histogram.record(5).unwrap();
    }
    assert!(!told(&summary));
}
