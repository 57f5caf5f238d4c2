use super::*;
use crate::compare::decide::{Pair, compare, settle};
use crate::compare::outcome::Bound;
use crate::compare::tests::{baseline, client};
use crate::compare::{Comparison, Metric, Policy, Verdict};

/// A comparison with every verdict and awkward words.
fn comparison() -> Comparison {
    let steady = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2];
    let wild = [60.0, 190.0, 75.0, 130.0, 100.0, 160.0];
    let values = |requests: f64, p50: f64, cpu: f64| {
        let of = |v: &[f64], factor: f64| v.iter().map(|v| v * factor).collect::<Vec<f64>>();
        let (r, n, c) = (of(&steady, requests), of(&steady, p50), of(&steady, cpu));
        let rows: [(Metric, &[f64]); 5] = [
            (Metric::Requests, &r),
            (Metric::Missed, if requests > 1.0 { &[0.01; 6] } else { &[0.0; 6] }),
            (Metric::NoticeP50, &n),
            (Metric::NoticeP99, &wild),
            (Metric::CpuIoc, &c),
        ];
        baseline(vec![client("a|<b>&\"'", &rows)])
    };
    let (a, b) = (values(1.0, 1.0, 1.0), values(2.0, 1.2, 0.5));
    let mut comparison = compare(Pair { base: ("base.json", &a), new: ("out", &b) }, &Policy::default()).unwrap();
    let why = "notice_p99(monitor) < 5 ms: measured 7.1 ms".to_owned();
    comparison.bounds.push(Bound { text: "It is noticed, soon: 100 %".into(), verdict: Verdict::Regressed, why });
    settle(&mut comparison, &Policy::default());
    comparison
}

#[test]
fn each_format() {
    let told = comparison();
    let all = [text::text(&told, true, false), markdown::markdown(&told), github::github(&told), junit::junit(&told)];
    insta::assert_snapshot!(all.join("\n-----\n"));
}

#[test]
fn colour_only_when_asked() {
    let told = comparison();
    assert!(!text::text(&told, true, false).contains('\u{1b}'));
    let painted = text::text(&told, true, true);
    assert!(painted.contains("\u{1b}[1;31mregressed\u{1b}[0m"), "{painted:?}");
}

#[test]
fn a_job_summary_has_an_end() {
    let mut told = comparison();
    let row = told.rows[0].clone();
    told.rows = vec![row; 20_000];
    let page = markdown::markdown(&told);
    assert!(page.len() < 1 << 20 && page.contains("The rest was left out"), "{}", page.len());
    assert!(github::github(&told).lines().count() <= 21);
}
