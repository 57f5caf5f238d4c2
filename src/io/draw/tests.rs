//! Pictures are looked at: `POLLCOST_GALLERY=DIR cargo test --lib draw::tests` leaves them in a folder.

use super::*;
use crate::report::figures;
use crate::report::synthetic::{Wish, cases};

#[test]
fn every_case_draws() {
    let gallery = std::env::var_os("POLLCOST_GALLERY").map(std::path::PathBuf::from);
    for (case, wish) in cases() {
        let (figures, _) = figures::all(&wish.summary(), &wish.scenario());
        for theme in [Theme::Light, Theme::Dark] {
            for figure in &figures {
                let svg = svg(figure, theme, Title::Drawn).unwrap();
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
    let first = figure_files(&quickstart(), Theme::Light).unwrap();
    let second = figure_files(&quickstart(), Theme::Light).unwrap();
    assert_eq!(first.len(), 10);
    for (a, b) in first.iter().zip(&second) {
        assert_eq!(a.0, b.0);
        assert!(a.1 == b.1, "{} differs", a.0);
    }
}

#[test]
fn a_png_shows_its_data() {
    let figure = &quickstart()[1];
    let (wide, high, pixels) = decode(&png(figure, Theme::Light).unwrap());
    let scene = layout::scene(figure, Title::Drawn);
    assert_eq!((f64::from(wide), f64::from(high)), (scene.width * 2.0, scene.height * 2.0));
    for paint in (0..6).map(Paint::Client).chain([Paint::Background, Paint::Ink]) {
        let Rgb(r, g, b) = Theme::Light.colour(paint);
        let count = pixels.chunks(3).filter(|pixel| *pixel == [r, g, b]).count();
        assert!(count > 30, "{paint:?} covers {count} pixels");
    }
    let other = Wish { seed: 2, ..Wish::default() };
    let (figures, _) = figures::all(&other.summary(), &other.scenario());
    let (_, _, others) = decode(&png(&figures[1], Theme::Light).unwrap());
    assert_ne!(pixels, others);
    let (_, _, dark) = decode(&png(figure, Theme::Dark).unwrap());
    let Rgb(r, g, b) = Theme::Dark.colour(Paint::Background);
    assert_eq!(dark[..3], [r, g, b]);
}

#[test]
fn an_svg_keeps_its_text_as_text() {
    for figure in quickstart() {
        let svg = svg(&figure, Theme::Light, Title::Drawn).unwrap();
        for key in &figure.keys {
            assert!(svg.contains(&format!("\n{}\n</text>", key.text)), "{}: {}", figure.id, key.text);
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
        let svg = svg(&figure, Theme::Light, Title::Drawn).unwrap();
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
    let svg = svg(&figure, Theme::Light, Title::Drawn).unwrap();
    assert!(svg.contains("a &lt; b &amp;") && !svg.contains("<script>") && svg.contains("&lt;&amp;&gt;"));
}
