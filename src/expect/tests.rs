use super::*;
use crate::scenario::expectation::{Relation, Tolerance};
use crate::stats::Estimate;

use Relation::{About, AtLeast, AtMost, Greater, Less};
use Verdict::{DoesNotHold, Holds, Inconclusive};

/// A sample whose interval is given by hand.
fn known(low: f64, high: f64) -> Sample {
    Sample {
        estimate: Estimate { point: f64::midpoint(low, high), interval: Some((low, high)), n: 3 },
        own: Vec::new(),
        exact: false,
    }
}

fn repeats(values: &[f64]) -> Sample {
    Sample::of_repeats(values.iter().enumerate().map(|(i, v)| (i as u32, *v)).collect()).unwrap()
}

#[test]
fn an_interval_against_a_number() {
    let within = Some(Tolerance::Absolute(2.0));
    let tenth = Some(Tolerance::Relative(0.1));
    let cases = [
        // low, high, relation, bound, tolerance, verdict
        (1.0, 2.0, Less, 3.0, None, Holds),
        (1.0, 2.0, Less, 2.0, None, Inconclusive),
        (1.0, 2.0, Less, 1.5, None, Inconclusive),
        (1.0, 2.0, Less, 1.0, None, DoesNotHold),
        (1.0, 2.0, Less, 0.5, None, DoesNotHold),
        (1.0, 2.0, AtMost, 2.0, None, Holds),
        (1.0, 2.0, AtMost, 1.0, None, Inconclusive),
        (1.0, 2.0, AtMost, 0.9, None, DoesNotHold),
        (1.0, 2.0, Greater, 0.5, None, Holds),
        (1.0, 2.0, Greater, 1.0, None, Inconclusive),
        (1.0, 2.0, Greater, 2.0, None, DoesNotHold),
        (1.0, 2.0, AtLeast, 1.0, None, Holds),
        (1.0, 2.0, AtLeast, 2.0, None, Inconclusive),
        (1.0, 2.0, AtLeast, 2.1, None, DoesNotHold),
        // Nothing was lost in any repeat: zero, and known to be.
        (0.0, 0.0, AtMost, 0.0, None, Holds),
        (0.0, 0.0, Greater, 0.0, None, DoesNotHold),
        (9.0, 11.0, About, 10.0, within, Holds),
        (7.0, 9.0, About, 10.0, within, Inconclusive),
        (5.0, 7.9, About, 10.0, within, DoesNotHold),
        (12.1, 13.0, About, 10.0, within, DoesNotHold),
        (1.0, 20.0, About, 10.0, within, Inconclusive),
        (9.1, 10.9, About, 10.0, tenth, Holds),
        (8.9, 10.9, About, 10.0, tenth, Inconclusive),
        (11.1, 12.0, About, 10.0, tenth, DoesNotHold),
        // A tenth of a negative number is a width all the same.
        (-10.5, -9.5, About, -10.0, tenth, Holds),
    ];
    for (low, high, relation, bound, tolerance, verdict) in cases {
        let judgement = against_number(&known(low, high), relation, bound, tolerance);
        assert_eq!(judgement.verdict, verdict, "[{low}, {high}] {} {bound} {tolerance:?}", relation.sign());
        assert_eq!(judgement.reason.is_some(), verdict == Inconclusive);
    }
}

#[test]
fn without_an_interval_nothing_is_decided() {
    let one = repeats(&[1.0]);
    let judgement = against_number(&one, Less, 1000.0, None);
    assert_eq!(
        (judgement.verdict, judgement.reason),
        (Inconclusive, Some("one repeat shows no spread: measure at least two"))
    );
    let few = Sample { estimate: Estimate { point: 1.0, interval: None, n: 3 }, own: vec![(0, 1.0)], exact: false };
    assert!(against_number(&few, Less, 2.0, None).reason.unwrap().starts_with("the value has no interval"));
    assert_eq!(against(&one, Less, 1.0, &repeats(&[9.0]), None).verdict, Inconclusive);
    assert_eq!(against(&few, Less, 1.0, &known(3.0, 4.0), None).verdict, Inconclusive);
    // What theory says needs none.
    assert_eq!(against_number(&Sample::exact(1.0), Less, 2.0, None).verdict, Holds);
    assert_eq!(
        against(&known(0.40, 0.41), About, 1.0, &Sample::exact(0.4), Some(Tolerance::Absolute(0.02))).verdict,
        Holds
    );
}

/// By hand: ratios 2, 2.2 and 1.8 have the logarithms 0.693147, 0.788457 and 0.587787; their mean is 0.689797, its standard error
/// 0.057951, Student's t with 2 degrees of freedom 4.302653: from 0.440454 to 0.939140, as ratios 1.5534 to 2.5578 about 1.9933.
#[test]
fn ratios_are_taken_in_each_repeat() {
    // Either side alone drifts tenfold; the ratio does not.
    let (left, right) = (repeats(&[2.0, 22.0, 180.0]), repeats(&[1.0, 10.0, 100.0]));
    let judgement = against(&left, Greater, 1.5, &right, None);
    let ratio = judgement.ratio.unwrap();
    let (low, high) = ratio.interval.unwrap();
    assert!(
        (ratio.point - 1.9933).abs() < 1e-4 && (low - 1.5534).abs() < 1e-4 && (high - 2.5578).abs() < 1e-4,
        "{ratio:?}"
    );
    let cases = [
        (Greater, 1.5, None, Holds),
        (Greater, 1.6, None, Inconclusive),
        (Greater, 2.6, None, DoesNotHold),
        (Less, 2.6, None, Holds),
        (Less, 1.5, None, DoesNotHold),
        (About, 2.0, Some(Tolerance::Relative(0.3)), Holds),
        (About, 2.0, Some(Tolerance::Relative(0.2)), Inconclusive),
        (About, 4.0, Some(Tolerance::Relative(0.2)), DoesNotHold),
    ];
    for (relation, factor, tolerance, verdict) in cases {
        assert_eq!(against(&left, relation, factor, &right, tolerance).verdict, verdict, "{relation:?} {factor}");
    }
}

/// By hand: differences -1, -2, -3 have the mean -2 and the standard error 0.577350; with t 4.302653 the interval is -4.4841 to 0.4841.
#[test]
fn where_a_value_is_zero_differences_take_the_place_of_ratios() {
    let (left, right) = (repeats(&[0.0, 0.0, 0.0]), repeats(&[1.0, 2.0, 3.0]));
    let judgement = against(&left, Less, 1.0, &right, None);
    assert_eq!((judgement.verdict, judgement.ratio), (Inconclusive, None));
    assert_eq!(against(&left, Less, 1.0, &repeats(&[2.0, 2.1, 1.9]), None).verdict, Holds);
    // A tolerance in the metric's own unit is held against the difference.
    let (a, b) = (repeats(&[10.0, 20.0, 30.0]), repeats(&[10.5, 20.6, 30.4]));
    assert_eq!(against(&a, About, 1.0, &b, Some(Tolerance::Absolute(1.0))).verdict, Holds);
    assert_eq!(against(&a, About, 1.0, &b, Some(Tolerance::Absolute(0.1))).verdict, DoesNotHold);
}

#[test]
fn repeats_are_paired_by_number_and_else_the_ends_of_intervals_decide() {
    let left = Sample { own: vec![(1, 2.0), (2, 4.0)], ..known(1.0, 5.0) };
    let right = Sample { own: vec![(0, 100.0), (1, 1.0), (2, 2.0)], ..known(0.0, 200.0) };
    let ratio = against(&left, Greater, 1.0, &right, None).ratio.unwrap();
    assert!((ratio.point - 2.0).abs() < 1e-12 && ratio.n == 2);
    // [1, 2] against [3, 4]: from -3 to -1 apart.
    assert_eq!(against(&known(1.0, 2.0), Less, 1.0, &known(3.0, 4.0), None).verdict, Holds);
    assert_eq!(against(&known(1.0, 2.0), Less, 0.5, &known(3.0, 4.0), None).verdict, Inconclusive);
    assert_eq!(against(&known(1.0, 2.0), Greater, 1.0, &known(3.0, 4.0), None).verdict, DoesNotHold);
}

proptest::proptest! {
    #[test]
    fn exchanging_the_sides_exchanges_nothing_else(
        values in proptest::collection::vec((0.1f64..10.0, 0.1f64..10.0), 2..6), factor in 0.5f64..2.0,
    ) {
        let left = repeats(&values.iter().map(|(l, _)| *l).collect::<Vec<_>>());
        let right = repeats(&values.iter().map(|(_, r)| *r).collect::<Vec<_>>());
        let there = against(&left, Less, factor, &right, None).verdict;
        let back = against(&right, Greater, 1.0 / factor, &left, None).verdict;
        proptest::prop_assert_eq!(there, back);
        // What holds is not contradicted by its negation.
        let not = against(&left, AtLeast, factor, &right, None).verdict;
        let negated = match there { Holds => DoesNotHold, DoesNotHold => Holds, Inconclusive => Inconclusive };
        proptest::prop_assert_eq!(not, negated);
    }
}
