//! How wide a text is in the bundled font, so that figures can be laid out before they are drawn.

use std::collections::HashSet;
use std::sync::OnceLock;

use ab_glyph::{Font, FontRef};

/// Liberation Sans Regular 2.1.5, unmodified (SIL Open Font License, see `assets/fonts`).
pub static BYTES: &[u8] = include_bytes!("../../assets/fonts/LiberationSans-Regular.ttf");

/// The font and what may stand in for it. The first four have the same widths, and nearly every machine has one of them, so no font
/// has to be carried in a file whose text is left as text (it would be 550 kB in each). Where there is none, the SVG's `textLength`
/// brings the stand-in to the width that the layout reckoned with.
pub const FAMILY: &str = "Liberation Sans, Arimo, Arial, Helvetica, sans-serif";

/// The bundled font; `None` only if the file in the program were damaged.
#[must_use]
pub fn font() -> Option<&'static FontRef<'static>> {
    static FONT: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    FONT.get_or_init(|| FontRef::try_from_slice(BYTES).ok()).as_ref()
}

/// The width of a text in px at a font size in px, kerning left out.
#[must_use]
pub fn width(text: &str, size: f64) -> f64 {
    let Some((font, em)) = font().and_then(|font| font.units_per_em().map(|em| (font, f64::from(em)))) else {
        return text.chars().count() as f64 * size * 0.6;
    };
    text.chars().map(|c| f64::from(font.h_advance_unscaled(font.glyph_id(c)))).sum::<f64>() * size / em
}

/// The text, or as much of it as fits with an ellipsis in the middle: names differ at both ends.
#[must_use]
pub fn fit(text: &str, size: f64, room: f64) -> String {
    fit_around(text, size, room, 0.5)
}

/// Where the ellipsis may go, as a part of what is kept: in the middle if that will do.
const HEADS: [f64; 9] = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9];

/// The texts, shortened where they must be, with the ellipsis in the place that leaves the most of them different.
#[must_use]
pub fn fit_all(texts: &[&str], size: f64, room: f64) -> Vec<String> {
    let tried = HEADS.iter().map(|head| texts.iter().map(|text| fit_around(text, size, room, *head)).collect());
    // Of equals the first: `max_by_key` takes the last.
    tried.rev().max_by_key(|short: &Vec<String>| different(short)).unwrap_or_default()
}

/// How many of these are there, each counted once?
#[must_use]
pub fn different<T: AsRef<str>>(texts: &[T]) -> usize {
    texts.iter().map(AsRef::as_ref).collect::<HashSet<&str>>().len()
}

/// As much of the text as fits, this part of it before the ellipsis.
fn fit_around(text: &str, size: f64, room: f64, head: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    for kept in (0..characters.len()).rev() {
        let head = (kept as f64 * head).ceil() as usize;
        let tail = kept - head;
        let short: String =
            characters[..head].iter().chain(['…'].iter()).chain(&characters[characters.len() - tail..]).collect();
        if width(&short, size) <= room {
            return short;
        }
    }
    String::new()
}

/// The text in lines none of which is wider than `room`, as far as words allow: as few as possible, and as even.
#[must_use]
pub fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let count = filled(text, size, room).len();
    let (mut low, mut high) = (0.0, room);
    while count > 1 && high - low > 1.0 {
        let middle = (low + high) / 2.0;
        if filled(text, size, middle).len() > count { low = middle } else { high = middle }
    }
    filled(text, size, high)
}

/// The text in lines, each as full as it can be.
fn filled(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(word, size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_arial() {
        // Arial's advance widths: a digit has 1139 of 2048 units, "i" 455.
        assert!((width("0", 2048.0) - 1139.0).abs() < 1e-9);
        assert!((width("ii", 2048.0) - 910.0).abs() < 1e-9);
    }

    #[test]
    fn the_font_has_every_character_that_figures_use() {
        let font = font().unwrap();
        for c in "0123456789.,%()–−…µλ×≤≥ msn".chars() {
            assert_ne!(font.glyph_id(c).0, 0, "no glyph for {c:?}");
        }
    }

    #[test]
    fn lines_are_as_wide_as_they_may_be() {
        let label = "Processor time (% of one core, log scale)";
        let lines = wrap(label, 12.0, 130.0);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, 12.0) <= 130.0), "{lines:?}");
        assert_eq!(lines.join(" "), label);
        assert_eq!(wrap(label, 12.0, 1000.0), [label]);
        let even = wrap("Mean notice latency (seconds, log scale)", 12.0, 215.0);
        assert_eq!(even, ["Mean notice latency", "(seconds, log scale)"], "no line holds a leftover word");
    }

    #[test]
    fn short_names_stay_different() {
        let names: Vec<String> = (0..10).map(|k| format!("pyepics-callback-sleeping-{k}-beside-a-hog")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let short = fit_all(&names, 12.0, 140.0);
        assert_eq!(different(&short), 10, "{short:?}");
        assert!(short.iter().all(|name| width(name, 12.0) <= 140.0 && name.contains('…')));
        assert_eq!(fit_all(&["a", "b"], 12.0, 140.0), ["a", "b"]);
    }

    #[test]
    fn long_names_keep_both_ends() {
        let name = "poller-of-everything-at-100-ms";
        assert_eq!(fit(name, 12.0, 1000.0), name);
        let short = fit(name, 12.0, 80.0);
        assert!(short.starts_with("pol") && short.ends_with("ms") && width(&short, 12.0) <= 80.0, "{short}");
        assert_eq!(fit(name, 12.0, 1.0), "");
    }
}
