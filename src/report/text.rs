//! How wide a text is in the bundled font, so that figures can be laid out before they are drawn.

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
    if width(text, size) <= room {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    for kept in (0..characters.len()).rev() {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let short: String =
            characters[..head].iter().chain(['…'].iter()).chain(&characters[characters.len() - tail..]).collect();
        if width(&short, size) <= room {
            return short;
        }
    }
    String::new()
}

/// The text in lines none of which is wider than `room`, as far as words allow.
#[must_use]
pub fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
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
