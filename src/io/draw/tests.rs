//! Pictures are looked at: `POLLCOST_GALLERY=DIR cargo test --lib draw::tests` leaves them in a folder.

use super::*;
use crate::report::figures;
use crate::report::palette::{Paint, Rgb};
use crate::report::profile::PROFILES;
use crate::report::synthetic::{Wish, cases};
use crate::report::text;

#[test]
fn every_case_draws_in_every_profile() {
    let gallery = std::env::var_os("POLLCOST_GALLERY").map(std::path::PathBuf::from);
    for (case, wish) in cases() {
        let (figures, _) = figures::all(&wish.summary(), &wish.scenario());
        let hard = gallery.is_some() || ["quickstart", "twenty"].contains(&case);
        for profile in PROFILES.iter().filter(|profile| hard || profile.name == "ieee") {
            for figure in &figures {
                let svg = svg(figure, profile, profile.theme, Title::Drawn);
                assert!(svg.contains("<text"), "{case} {}", figure.id);
                if let Some(gallery) = &gallery {
                    let dpi = (780.0 / profile.width * 96.0).clamp(96.0, 200.0) as u32;
                    let path = gallery.join(format!("{case}-{}-{}.png", figure.id, profile.name));
                    std::fs::write(path, png(figure, profile, profile.theme, dpi).unwrap()).unwrap();
                }
            }
        }
    }
}

#[test]
fn every_sweep_draws_in_every_profile() {
    let gallery = std::env::var_os("POLLCOST_GALLERY").map(std::path::PathBuf::from);
    for (case, survey) in crate::report::sweep::example::cases() {
        let (figures, _) = figures::of_sweep(&survey);
        let hard = gallery.is_some() || ["large", "words"].contains(&case);
        for profile in PROFILES.iter().filter(|profile| hard || profile.name == "ieee") {
            for figure in &figures {
                let svg = svg(figure, profile, profile.theme, Title::Drawn);
                assert!(svg.contains("<text"), "{case} {}", figure.id);
                for part in svg.split("=\"#").skip(1) {
                    let colour = format!("#{}", &part[..6]);
                    let known = crate::report::palette::paints().any(|p| profile.theme.colour(p).to_string() == colour);
                    assert!(known, "{case} {}: {colour}", figure.id);
                }
                if let Some(gallery) = &gallery {
                    let dpi = (780.0 / profile.width * 96.0).clamp(96.0, 200.0) as u32;
                    let path = gallery.join(format!("sweep-{case}-{}-{}.png", figure.id, profile.name));
                    std::fs::write(path, png(figure, profile, profile.theme, dpi).unwrap()).unwrap();
                }
            }
        }
    }
}

fn every_kind() -> Style {
    let kinds = vec![FileKind::Svg, FileKind::Png, FileKind::Pdf, FileKind::Csv];
    Style { kinds, ..Style::screen(Theme::Light) }
}

fn quickstart() -> Vec<Figure> {
    let wish = Wish::default();
    figures::all(&wish.summary(), &wish.scenario()).0
}

/// Width, height and pixels.
fn decode(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

#[test]
fn the_same_data_give_the_same_bytes() {
    let first = figure_files(&quickstart(), &every_kind()).unwrap();
    let second = figure_files(&quickstart(), &every_kind()).unwrap();
    assert_eq!(first.len(), 4 * quickstart().len());
    for (a, b) in first.iter().zip(&second) {
        assert_eq!(a.0, b.0);
        assert!(a.1 == b.1, "{} differs", a.0);
    }
}

#[test]
fn a_png_shows_its_data() {
    let figure = &quickstart()[1];
    let (wide, high, pixels) = decode(&png(figure, &SCREEN, Theme::Light, 192).unwrap());
    let scene = layout::scene(figure, &SCREEN, Title::Drawn);
    assert_eq!((f64::from(wide), f64::from(high)), (scene.width * 2.0, scene.height * 2.0));
    for paint in (0..6).map(Paint::Client).chain([Paint::Background, Paint::Ink]) {
        let Rgb(r, g, b) = Theme::Light.colour(paint);
        let count = pixels.chunks(3).filter(|pixel| *pixel == [r, g, b]).count();
        assert!(count > 30, "{paint:?} covers {count} pixels");
    }
    let other = Wish { seed: 2, ..Wish::default() };
    let (figures, _) = figures::all(&other.summary(), &other.scenario());
    let (_, _, others) = decode(&png(&figures[1], &SCREEN, Theme::Light, 192).unwrap());
    assert_ne!(pixels, others);
    let (_, _, dark) = decode(&png(figure, &SCREEN, Theme::Dark, 192).unwrap());
    let Rgb(r, g, b) = Theme::Dark.colour(Paint::Background);
    assert_eq!(dark[..3], [r, g, b]);
}

#[test]
fn an_svg_keeps_its_text_as_text() {
    for figure in quickstart() {
        let svg = svg(&figure, &SCREEN, Theme::Light, Title::Drawn);
        for key in &figure.keys {
            assert!(svg.contains(&format!(">{}</text>", key.text)), "{}: {}", figure.id, key.text);
        }
        assert_eq!(svg.matches("<text ").count(), svg.matches("textLength=").count());
        assert!(svg.contains(text::FAMILY));
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    }
}

#[test]
fn an_svg_uses_no_colour_that_the_dark_style_does_not_know() {
    let known: Vec<String> = crate::report::palette::paints().map(|p| Theme::Light.colour(p).to_string()).collect();
    for figure in quickstart() {
        let svg = svg(&figure, &SCREEN, Theme::Light, Title::Drawn);
        for part in svg.split("=\"#").skip(1) {
            let colour = format!("#{}", &part[..6]);
            assert!(known.contains(&colour), "{}: {colour}", figure.id);
        }
    }
}

#[test]
fn words_in_a_figure_cannot_break_the_svg() {
    let mut figure = quickstart().remove(0);
    figure.title = "a < b & \"c\"".into();
    figure.alt = "</desc><script>".into();
    figure.keys[0].text = "<&>".into();
    let svg = svg(&figure, &SCREEN, Theme::Light, Title::Drawn);
    assert!(svg.contains("a &lt; b &amp;") && !svg.contains("<script>") && svg.contains("&lt;&amp;&gt;"));
}

#[test]
fn a_pdf_holds_its_letters_and_its_text() {
    for figure in quickstart() {
        let file = pdf(&figure, &SCREEN, Theme::Light, Title::Drawn).unwrap();
        let has = |words: &[u8]| file.windows(words.len()).any(|w| w == words);
        assert!(file.starts_with(b"%PDF-1.7") && has(b"/FontFile2") && has(b"/ToUnicode") && has(b"+LiberationSans"));
        assert!(!has(b"CreationDate"), "a date makes the same figure other bytes");
        assert!(file.len() < 80_000, "{}: {} bytes", figure.id, file.len());
    }
}
