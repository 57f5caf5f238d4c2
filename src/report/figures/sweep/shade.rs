//! How strongly a cell is filled, and what the legend says of it.

use super::super::super::figure::{Key, Look, Symbol};
use super::super::super::palette::Identity;
use super::super::super::scale::{Scale, Spacing};
use super::super::key;
use super::shown::Shown;

/// The faintest and the strongest filling: both let the words in a cell be read.
const STRENGTH: (f64, f64) = (0.08, 0.7);
/// A ratio of this size is filled most strongly, if none is greater.
const LEAST_RATIO: f64 = 2.0;
/// The most samples in the legend.
const SAMPLES: usize = 5;
/// The colour of cells in which polling is cheaper.
const POLLING: Identity = Identity(1);

/// From a value to a colour and its strength.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shade {
    shown: Shown,
    /// From the faintest to the strongest.
    scale: Scale,
}

impl Shade {
    /// For values of a quantity; `None` when there is none.
    pub(super) fn of(shown: Shown, values: &[f64]) -> Option<Shade> {
        let positive = || values.iter().copied().filter(|value| *value > 0.0);
        let scale = match (shown.whole(), shown) {
            (Some(whole), _) => whole,
            (None, Shown::Ratio) => {
                let most = positive().map(|ratio| ratio.max(1.0 / ratio)).fold(LEAST_RATIO, f64::max);
                Scale { spacing: Spacing::Log, low: 1.0, high: most }
            }
            (None, _) => {
                let (low, high) = positive().fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
                // One value alone is neither faint nor strong.
                let (low, high) = if high > low { (low, high) } else { (low / 2.0, high * 2.0) };
                Scale { spacing: Spacing::Log, low, high }
            }
        };
        (!values.is_empty() && scale.low.is_finite() && scale.high > scale.low).then_some(Shade { shown, scale })
    }

    /// Colour and strength of a value. Nothing at all is not filled.
    pub(super) fn fill(&self, value: f64) -> (Identity, f64) {
        let ratio = self.shown == Shown::Ratio;
        let tint = if ratio && value < 1.0 { POLLING } else { self.shown.tint() };
        let size = if ratio && value < 1.0 { 1.0 / value } else { value };
        let place = self.scale.place(size).filter(|_| value > 0.0);
        let strength = place.map_or(0.0, |place| STRENGTH.0 + (STRENGTH.1 - STRENGTH.0) * place.clamp(0.0, 1.0));
        (tint, (strength * 100.0).round() / 100.0)
    }

    /// Every colour that is used, from the strongest of one to the strongest of the other.
    pub(super) fn tints(&self) -> Vec<Identity> {
        if self.shown == Shown::Ratio { vec![self.shown.tint(), POLLING] } else { vec![self.shown.tint()] }
    }

    /// The lines of the legend.
    pub(super) fn keys(&self, values: &[f64]) -> Vec<Key> {
        let patch = |value: f64, words: String| {
            let (tint, strength) = self.fill(value);
            key(words, Look::Tint(tint), Symbol::Shade((strength * 100.0) as u8))
        };
        let ticks: Vec<f64> = match self.shown {
            Shown::Missed | Shown::Redundant => vec![0.0, 0.25, 0.5, 0.75, 1.0],
            Shown::Ratio => Vec::new(),
            _ => round_values(&self.scale),
        };
        if self.shown == Shown::Ratio {
            let dearer = |factor: &f64| patch(*factor, format!("poller takes {factor} times as much"));
            let cheaper = |factor: &f64| patch(1.0 / factor, format!("poller takes 1/{factor} as much"));
            // Each side as far as there are values.
            let most = |sizes: &mut dyn Iterator<Item = f64>| sizes.filter(|size| *size > 1.0).fold(0.0f64, f64::max);
            let up_to = |most: f64| round_values(&Scale { high: most.max(1.0), ..self.scale });
            let (above, below) = (most(&mut values.iter().copied()), most(&mut values.iter().map(|v| 1.0 / v)));
            let (above, below) = (up_to(above), up_to(below));
            return above.iter().rev().map(dearer).chain(below.iter().map(cheaper)).collect();
        }
        ticks.iter().rev().map(|value| patch(*value, self.shown.unit().tick(*value))).collect()
    }
}

/// Round values on a logarithmic scale, at most [`SAMPLES`].
fn round_values(scale: &Scale) -> Vec<f64> {
    if scale.high <= scale.low {
        return Vec::new();
    }
    let (first, last) = (scale.low.log10().floor() as i32, scale.high.log10().ceil() as i32);
    let of = |digits: &[f64]| -> Vec<f64> {
        let all = (first..=last).flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)));
        all.filter(|value| scale.contains(*value) && *value > scale.low * 1.000_001).collect()
    };
    let decades = of(&[1.0]);
    let found = if decades.len() >= 3 { decades } else { of(&[1.0, 2.0, 5.0]) };
    let stride = found.len().div_ceil(SAMPLES).max(1);
    let mut kept: Vec<f64> = found.iter().rev().step_by(stride).copied().collect();
    kept.reverse();
    if kept.is_empty() { vec![nearest(scale.high)] } else { kept }
}

/// To two significant digits, not above.
fn nearest(value: f64) -> f64 {
    let step = 10f64.powi(value.log10().floor() as i32 - 1);
    (value / step).floor() * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sides_of_a_ratio_have_colours_of_their_own_and_equal_strength() {
        let shade = Shade::of(Shown::Ratio, &[0.1, 100.0]).unwrap();
        let (callback, strong) = shade.fill(100.0);
        let (polling, as_strong) = shade.fill(0.01);
        assert_ne!(callback, polling);
        assert_eq!((strong, as_strong), (STRENGTH.1, STRENGTH.1));
        assert!(shade.fill(1.1).1 < 0.1 && shade.fill(1.1).1 > 0.0);
        let words: Vec<String> = shade.keys(&[0.4, 100.0]).into_iter().map(|key| key.text).collect();
        assert_eq!(words[words.len() - 1], "poller takes 1/2 as much");
        assert_eq!(words[0], "poller takes 100 times as much");
        assert!(shade.keys(&[2.0, 100.0]).iter().all(|key| key.look == Look::Tint(callback)));
    }

    #[test]
    fn nothing_is_not_filled_and_a_value_always_is() {
        let shade = Shade::of(Shown::Missed, &[0.0, 0.001, 1.0]).unwrap();
        assert_eq!(shade.fill(0.0).1, 0.0);
        assert!(shade.fill(0.001).1 >= STRENGTH.0 && shade.fill(1.0).1 == STRENGTH.1);
        assert!(Shade::of(Shown::Cpu, &[]).is_none());
        let alone = Shade::of(Shown::Cpu, &[3.0]).unwrap();
        assert!(alone.fill(3.0).1 > 0.2 && !alone.keys(&[3.0]).is_empty());
        assert!(Shade::of(Shown::Cpu, &[0.0]).is_none());
    }

    #[test]
    fn the_legend_has_round_values_and_not_too_many() {
        for (low, high) in [(1.0, 2.0), (1.0, 103.0), (0.01, 31.0), (1e3, 1e12), (4.1, 4.3)] {
            let found = round_values(&Scale { spacing: Spacing::Log, low, high });
            assert!((1..=SAMPLES).contains(&found.len()), "{found:?}");
        }
        assert_eq!(round_values(&Scale { spacing: Spacing::Log, low: 1.0, high: 103.0 }), [5.0, 20.0, 100.0]);
    }
}
