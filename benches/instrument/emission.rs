//! How late the emitter posts, against a thread that does nothing but sleep to the same instants.

use std::time::Duration;

use pollcost::io::{clock, timer};
use pollcost::time::Span;

use super::ours::Ours;
use super::quantile;
use super::table::{Row, median};

const ROUNDS: usize = 15;
const SAMPLES: usize = 2000;
const PERIOD: Span = Span::from_millis(1);

/// How late a thread is that does nothing but sleep to the same grid of instants, in ns. One stall makes all late that were due in it, as
/// with the emitter; a thread that sets its next instant when it wakes would be late once.
fn sleeper() -> Vec<f64> {
    let thread = std::thread::spawn(|| {
        assert!(timer::sharpen());
        let start = clock::now() + PERIOD;
        let late = (0..SAMPLES as u64).map(|i| {
            let due = start + PERIOD * i;
            timer::sleep_until(due);
            clock::now().saturating_since(due).0 as f64
        });
        late.collect()
    });
    thread.join().unwrap()
}

pub(crate) fn lateness(spin: bool) -> Row {
    let top = if spin { "spin = \"200us\"" } else { "" };
    let mut ours = Ours::start(1, 1000.0, top);
    let (mut own, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floor.push(quantile(&mut sleeper(), 0.99));
        ours.begin();
        std::thread::sleep(Duration::from_nanos((PERIOD * SAMPLES as u64).0));
        let emissions = ours.end().1;
        own.push(quantile(
            &mut emissions.iter().map(|e| e.posted.signed_since(e.due) as f64).collect::<Vec<_>>(),
            0.99,
        ));
    }
    let ratios: Vec<f64> = own.iter().zip(&floor).map(|(own, floor)| own / floor).collect();
    let (own_us, floor_us) = (median(&own) / 1000.0, median(&floor) / 1000.0);
    Row {
        case: if spin { "emission lateness p99, `spin = \"200us\"`" } else { "emission lateness p99" }.to_owned(),
        against: "absolute `clock_nanosleep` on the same machine".to_owned(),
        wanted: if spin { "under 10 µs" } else { "not above it" }.to_owned(),
        measured: format!("{own_us:.1} µs; clock_nanosleep {floor_us:.1} µs"),
        reached: Some(if spin { own_us < 10.0 } else { median(&ratios) <= 1.05 }),
        ratios,
        note: format!(
            "{ROUNDS} rounds of {SAMPLES} instants 1 ms apart, in turn; median of the rounds' p99. The other is a thread that only sleeps to such instants. A ratio up to 1.05 counts as not above: two runs of \
             the same thing differ by as much."
        ),
        measured_at: String::new(),
    }
}
