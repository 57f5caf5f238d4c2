use super::super::tests::{assert_inside, assert_texts_apart};
use super::*;
use crate::report::figure::{Block, Look, Shape, Symbol};
use crate::report::profile::{PHONE, PROFILES};
use crate::report::sweep::Part;
use crate::report::sweep::break_even::Turn;
use crate::report::sweep::example::{BOTH, cases, survey};

fn named<'f>(figures: &'f [Figure], id: &str) -> &'f Figure {
    figures.iter().find(|figure| figure.id == id).unwrap_or_else(|| panic!("no {id}"))
}

/// The cells of a heat map that have a value.
fn valued(figure: &Figure) -> Vec<&Block> {
    let blocks = figure.series.iter().filter_map(|series| match &series.shape {
        Shape::Cells(blocks) => Some(blocks),
        _ => None,
    });
    blocks.flatten().filter(|block| block.value.is_some()).collect()
}

#[test]
fn every_sweep_can_be_drawn_in_every_profile() {
    for (case, survey) in cases() {
        let (figures, omitted) = of_sweep(&survey);
        assert!(!figures.is_empty(), "{case}: {omitted:?}");
        for profile in PROFILES.iter().chain([&PHONE]) {
            for figure in &figures {
                assert_texts_apart(case, profile, figure);
                assert_inside(case, profile, figure);
            }
        }
        let ids: std::collections::HashSet<_> =
            figures.iter().map(|f| f.id).chain(omitted.iter().map(|o| o.id)).collect();
        assert_eq!(ids.len(), figures.len() + omitted.len(), "{case}: every name once");
        for figure in &figures {
            assert!(figure.caption.contains("n: ") && !figure.alt.is_empty(), "{case} {}", figure.id);
            let table = figure.to_csv().unwrap();
            assert!(table.iter().filter(|byte| **byte == b'\n').count() > 1, "{case} {}", figure.id);
        }
    }
}

#[test]
fn two_keys_make_heat_maps_and_one_key_lines() {
    let of = |case: &str| cases().into_iter().find(|(name, _)| *name == case).unwrap().1;
    let heat = |case: &str| !valued(named(&of_sweep(&of(case)).0, "sweep_cpu")).is_empty();
    assert!(heat("grid") && heat("words") && heat("only_callback"));
    assert!(!heat("one_key") && !heat("one_by_n") && !heat("one_cell") && !heat("one_word"));
    assert_eq!(valued(named(&of_sweep(&of("large")).0, "sweep_ratio")).len(), 120);
    let (figures, omitted) = of_sweep(&of("three_keys"));
    let one = named(&figures, "sweep_ratio_2");
    assert!(one.title.ends_with("(pvs 10)") && one.caption.contains("Held: pvs 10."), "{} {}", one.title, one.caption);
    assert!(omitted.is_empty(), "{omitted:?}");
    let (figures, omitted) = of_sweep(&of("no_callback"));
    assert!(figures.iter().all(|figure| !figure.keys.iter().any(|key| key.text.contains("break-even"))));
    assert!(omitted.iter().any(|o| o.id == "sweep_ratio" && o.reason == "no client of the sweep is called back"));
}

#[test]
fn the_line_goes_through_the_break_evens_of_the_rows() {
    let survey = &cases()[0].1;
    let rows = survey.break_evens();
    let turns: Vec<(f64, f64)> = rows
        .iter()
        .zip([0.1, 1.0, 10.0, 100.0, 1000.0])
        .filter_map(|(row, rate)| Some((row.cpu.value()?, rate)))
        .collect();
    assert_eq!(turns.len(), 3);
    let (figures, _) = of_sweep(survey);
    let figure = named(&figures, "sweep_ratio");
    let line = figure.series.iter().find(|series| series.name == "measured break-even").unwrap();
    let Shape::Line { points, .. } = &line.shape else { panic!("{line:?}") };
    for turn in &turns {
        assert!(points.contains(turn), "{turn:?} is not on {points:?}");
    }
    // Above the line the callback is the cheaper one: blocks of another colour.
    for block in valued(figure) {
        let cheaper = block.value.unwrap() > 1.0;
        let own =
            figure.series.iter().find(|s| matches!(&s.shape, Shape::Cells(blocks) if blocks.contains(block))).unwrap();
        assert_eq!(own.look == Look::Tint(shown::Shown::Ratio.tint()), cheaper);
    }
    let even = named(&figures, "sweep_break_even");
    let measured = even.series.iter().find(|series| matches!(series.shape, Shape::Points { .. })).unwrap();
    let Shape::Points { points, .. } = &measured.shape else { panic!() };
    assert_eq!(points.iter().map(|p| (p.y, p.x)).collect::<Vec<_>>(), turns);
    for point in points {
        let (low, high) = point.y_interval.unwrap();
        assert!(low < point.y && point.y < high && high / low < 1.6, "{point:?}");
    }
    assert!(even.notes[0].contains("at rate_hz 0.1 the callback is cheaper at every period"), "{:?}", even.notes);
    assert!(even.notes[0].contains("at rate_hz 1000 polling is cheaper at every period"), "{:?}", even.notes);
}

#[test]
fn rows_of_words_have_a_piece_of_the_line_each() {
    let survey = cases().into_iter().find(|(name, _)| *name == "words").unwrap().1;
    let (figures, _) = of_sweep(&survey);
    let lines = named(&figures, "sweep_cpu").series.iter().filter(|series| series.name == "measured break-even");
    let pieces: Vec<_> = lines.map(|series| series.shape.clone()).collect();
    let turns: Vec<f64> = survey.break_evens().iter().filter_map(|row| row.cpu.value()).collect();
    assert_eq!(turns.len(), 3);
    for (row, (piece, turn)) in pieces.iter().zip(&turns).enumerate() {
        let (low, high) = (row as f64, row as f64 + 1.0);
        assert!(matches!(piece, Shape::Line { points, .. } if *points == [(*turn, low), (*turn, high)]), "{piece:?}");
    }
}

#[test]
fn a_cell_without_a_value_has_no_colour() {
    let mut survey = survey(BOTH, "pv.change.rate_hz = [1, 10, 100]\nclient.period = ['1ms', '30ms', '1s']");
    let all = valued(named(&of_sweep(&survey).0, "sweep_cpu")).len();
    survey.cells[0] = None;
    survey.cells[4].as_mut().unwrap().failed = true;
    survey.cells[8].as_mut().unwrap().summary.clients[1].by_repeat.clear();
    let (figures, _) = of_sweep(&survey);
    let figure = named(&figures, "sweep_cpu");
    assert_eq!((all, valued(figure).len()), (9, 6));
    let hatched: Vec<(usize, bool)> = figure
        .series
        .iter()
        .filter_map(|s| match &s.shape {
            Shape::Hatched { blocks, crossed } => Some((blocks.len(), *crossed)),
            _ => None,
        })
        .collect();
    assert_eq!(hatched, [(2, false), (1, true)]);
    for symbol in [Symbol::Hatched, Symbol::Crossed] {
        assert!(figure.keys.iter().any(|key| key.symbol == symbol));
    }
    let notes = figure.notes.join(" ");
    assert!(notes.contains("1 cell: not run") && notes.contains("1 cell: left out because a client failed"), "{notes}");
    assert_eq!(
        survey.value(4, "poll", crate::scenario::metric::Metric::named("cpu_total_percent").unwrap(), Part::Whole),
        None
    );
    // A row turns where both neighbours are known, and never in the dark.
    let turns: Vec<Turn> = survey.break_evens().iter().map(|row| row.cpu).collect();
    assert!(matches!(turns.as_slice(), [Turn::Below(_), Turn::Unknown, Turn::Below(_)]), "{turns:?}");
}

#[test]
fn too_many_pictures_are_chosen_from_and_what_is_left_out_is_said() {
    let survey = survey(
        BOTH,
        "pv.pvs = [1, 2, 3, 4, 5, 6, 7]\npv.change.rate_hz = [1, 2, 3, 4, 5, 6, 7, 8]\nclient.period = ['1ms', '1s']",
    );
    let (figures, _) = of_sweep(&survey);
    let ratios: Vec<&Figure> = figures.iter().filter(|figure| figure.id.starts_with("sweep_ratio")).collect();
    assert_eq!(ratios.len(), MOST_PANELS);
    assert!(ratios[0].title.ends_with("(pvs 1)") && ratios[5].title.ends_with("(pvs 7)"));
    assert!(ratios[0].notes.iter().any(|note| note.starts_with("1 more combination of")), "{:?}", ratios[0].notes);
}

#[test]
fn what_was_simulated_says_so_in_every_figure() {
    let mut survey = cases().swap_remove(0).1;
    survey.index.simulated = Some("constant:15us".into());
    for figure in of_sweep(&survey).0 {
        assert!(figure.title.ends_with("(simulated)") && figure.caption.starts_with("Simulated, not measured. "));
        assert!(figure.keys.iter().any(|key| key.text.starts_with("simulated")), "{}", figure.id);
        assert!(figure.keys.iter().all(|key| !key.text.contains("measured")), "{}", figure.id);
    }
}

#[test]
fn a_sweep_draws_the_same_each_time() {
    for (case, survey) in cases() {
        assert_eq!(of_sweep(&survey), of_sweep(&survey), "{case}");
    }
}
