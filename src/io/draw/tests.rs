//! Pictures are looked at: `POLLCOST_GALLERY=DIR cargo test --lib draw::tests` leaves them in a folder.

use super::*;
use crate::report::figures;
use crate::report::synthetic::Wish;
use crate::time::Span;

fn spread_over(count: u32, first_us: f64, last_us: f64) -> Vec<Span> {
    (0..count)
        .map(|k| first_us * (last_us / first_us).powf(f64::from(k) / f64::from(count.max(2) - 1)))
        .map(|us| Span::from_micros(us.round() as u64))
        .collect()
}

/// Every kind of run that the figures must bear.
fn cases() -> Vec<(&'static str, Wish)> {
    let quick = Wish::default;
    vec![
        ("quickstart", quick()),
        ("one_poller", Wish { monitors: 0, sleeps: vec![Span::from_millis(10)], ..quick() }),
        ("no_monitor", Wish { monitors: 0, ..quick() }),
        ("only_monitors", Wish { monitors: 3, sleeps: Vec::new(), ..quick() }),
        ("one_repeat", Wish { repeats: 1, ..quick() }),
        ("twenty", Wish { monitors: 2, sleeps: spread_over(18, 50.0, 2e6), long_names: true, ..quick() }),
        ("alike", Wish { monitors: 1, sleeps: vec![Span::from_millis(1); 9], ..quick() }),
        ("huge", Wish { sleeps: spread_over(4, 1.0, 6e8), ..quick() }),
    ]
}

#[test]
fn every_case_draws() {
    let gallery = std::env::var_os("POLLCOST_GALLERY").map(std::path::PathBuf::from);
    for (case, wish) in cases() {
        let (figures, _) = figures::all(&wish.summary(), &wish.scenario());
        for theme in [Theme::Light, Theme::Dark] {
            for figure in &figures {
                let svg = svg(figure, theme).unwrap();
                assert!(svg.contains("<text"), "{case} {}", figure.id);
                if let Some(gallery) = &gallery {
                    let name = format!("{case}-{}-{theme:?}", figure.id).to_lowercase();
                    std::fs::write(gallery.join(format!("{name}.svg")), svg).unwrap();
                    std::fs::write(gallery.join(format!("{name}.png")), png(figure, theme).unwrap()).unwrap();
                }
            }
        }
    }
}
