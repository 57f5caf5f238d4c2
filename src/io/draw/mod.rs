//! From figures to SVG and PNG: the only place where plotters is used.
//!
//! plotters counts in whole pixels. Both kinds of file are therefore drawn on a canvas of tenths of a px, so that lines
//! and letters lie where the layout put them; the SVG's `viewBox` and the [`raster`] bring them back to size.

mod raster;

use std::collections::HashMap;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use thiserror::Error;

use crate::report::figure::Figure;
use crate::report::layout::{self, Title};
use crate::report::palette::{Paint, Rgb, Theme};
use crate::report::scene::{Anchor, Label, Mark, Scene, Spot, dashes};
use crate::report::text;

/// Canvas units for each px.
const FINE: f64 = 10.0;
/// plotters' SVG divides the size of a text by this to get its `font-size`.
const EM: f64 = 1.24;
/// plotters' SVG puts the baseline of a text that hangs from its place this many em below.
const HANG: f64 = 0.76;

/// Why a figure could not be drawn.
#[derive(Debug, Error)]
pub enum DrawError {
    /// plotters gave up.
    #[error("figure {id} could not be drawn: {why}")]
    Drawing {
        /// Which figure.
        id: &'static str,
        /// What plotters says.
        why: String,
    },
    /// The PNG writer gave up.
    #[error("figure {id} could not be written as PNG: {why}")]
    Png {
        /// Which figure.
        id: &'static str,
        /// What the writer says.
        why: png::EncodingError,
    },
}

/// The files of all figures, `(path below the run folder, content)`: an SVG and a PNG each.
///
/// # Errors
/// When one cannot be drawn; the error names it.
pub fn figure_files(figures: &[Figure], theme: Theme) -> Result<Vec<(String, Vec<u8>)>, DrawError> {
    let mut files = Vec::with_capacity(figures.len() * 2);
    for figure in figures {
        files.push((format!("figures/{}.svg", figure.id), svg(figure, theme, Title::Drawn)?.into_bytes()));
        files.push((format!("figures/{}.png", figure.id), png(figure, theme)?));
    }
    Ok(files)
}

/// A figure as SVG. Text stays text, with the question and the alternative text inside for those who listen to it.
///
/// # Errors
/// When plotters cannot draw it.
pub fn svg(figure: &Figure, theme: Theme, title: Title) -> Result<String, DrawError> {
    let scene = layout::scene(figure, title);
    let mut drawn = String::new();
    let area = SVGBackend::with_string(&mut drawn, canvas(&scene)).into_drawing_area();
    paint(&area, &scene, theme).map_err(|e| DrawError::Drawing { id: figure.id, why: e.to_string() })?;
    drop(area);
    let body = drawn.split_once(">\n").map_or("", |(_, rest)| rest).replace(" opacity=\"1\"", "");
    let body = with_lengths(&body, &scene);
    let (wide, high) = canvas(&scene);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {wide} {high}\" \
         stroke-linejoin=\"round\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n{body}",
        scene.width.round(),
        scene.height.round(),
        escape(&figure.title),
        escape(&figure.alt),
        id = figure.id,
    ))
}

/// The text elements with the lengths that the layout reckoned with, so that a stand-in font is brought to the same width.
/// plotters writes one element for each label of the scene, in its order.
fn with_lengths(body: &str, scene: &Scene) -> String {
    let mut parts = body.split("<text ");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    let labels = scene.marks.iter().filter_map(|mark| if let Mark::Text(label) = mark { Some(label) } else { None });
    for (part, label) in parts.zip(labels) {
        let length = fine(text::width(&label.text, label.size));
        whole.push_str(&format!("<text textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" {part}"));
    }
    whole
}

/// A figure as PNG, two pixels for each px.
///
/// # Errors
/// When plotters cannot draw it or the PNG writer fails.
pub fn png(figure: &Figure, theme: Theme) -> Result<Vec<u8>, DrawError> {
    let scene = layout::scene(figure, Title::Drawn);
    let (wide, high) = raster::pixels(canvas(&scene));
    let mut pixels = vec![0; wide as usize * high as usize * 3];
    {
        let area = raster::Raster::new(&mut pixels, canvas(&scene)).into_drawing_area();
        paint(&area, &scene, theme).map_err(|e| DrawError::Drawing { id: figure.id, why: e.to_string() })?;
    }
    encode(&pixels, (wide, high)).map_err(|why| DrawError::Png { id: figure.id, why })
}

/// Drawings have few colours: as a palette they take half the room.
fn encode(pixels: &[u8], (wide, high): (u32, u32)) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, wide, high);
    let indexed = indexed(pixels);
    encoder.set_color(if indexed.is_some() { png::ColorType::Indexed } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    encoder.set_filter(png::FilterType::NoFilter);
    let density = (96.0 / 0.0254 * raster::PIXELS_PER_PX).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: density, yppu: density, unit: png::Unit::Meter }));
    if let Some((palette, _)) = &indexed {
        encoder.set_palette(palette.clone());
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(indexed.as_ref().map_or(pixels, |(_, indices)| indices))?;
    writer.finish()?;
    Ok(file)
}

/// The colours in the order in which they first occur, and the index of each pixel's; `None` when there are more than 256.
fn indexed(pixels: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut palette = Vec::new();
    let mut known: HashMap<&[u8], u8> = HashMap::new();
    let mut indices = Vec::with_capacity(pixels.len() / 3);
    for pixel in pixels.chunks_exact(3) {
        let index = match known.get(pixel) {
            Some(index) => *index,
            None => {
                let next = u8::try_from(known.len()).ok()?;
                known.insert(pixel, next);
                palette.extend_from_slice(pixel);
                next
            }
        };
        indices.push(index);
    }
    Some((palette, indices))
}

fn canvas(scene: &Scene) -> (u32, u32) {
    (fine(scene.width).unsigned_abs(), fine(scene.height).unsigned_abs())
}

fn fine(px: f64) -> i32 {
    (px * FINE).round() as i32
}

fn spot((x, y): Spot) -> (i32, i32) {
    (fine(x), fine(y))
}

type Area<B> = DrawingArea<B, plotters::coord::Shift>;
type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

fn paint<B: DrawingBackend>(area: &Area<B>, scene: &Scene, theme: Theme) -> Drawn<B> {
    for mark in &scene.marks {
        match mark {
            Mark::Line { points, width, paint, dash } => {
                let style = colour(theme, *paint).stroke_width(fine(*width).unsigned_abs());
                for piece in dashes(points, dash).into_iter().filter(|piece| piece.len() > 1) {
                    area.draw(&PathElement::new(piece.into_iter().map(spot).collect::<Vec<_>>(), style))?;
                }
            }
            Mark::Area { points, paint, opacity } => {
                let outline: Vec<_> = points.iter().copied().map(spot).collect();
                area.draw(&Polygon::new(outline, colour(theme, *paint).mix(*opacity)))?;
            }
            Mark::Text(label) => draw_label(area, label, theme)?,
        }
    }
    area.present()
}

fn draw_label<B: DrawingBackend>(area: &Area<B>, label: &Label, theme: Theme) -> Drawn<B> {
    let em = label.size * FINE;
    let across = match label.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let turn = if label.upward { FontTransform::Rotate270 } else { FontTransform::None };
    let style = FontDesc::new(FontFamily::Name(text::FAMILY), em * EM, FontStyle::Normal)
        .transform(turn)
        .color(&colour(theme, label.paint))
        .pos(Pos::new(across, VPos::Top));
    let (x, y) = label.at;
    let hang = label.size * HANG;
    let at = if label.upward { (x - hang, y) } else { (x, y - hang) };
    area.draw(&Text::new(label.text.as_str(), spot(at), style))
}

fn colour(theme: Theme, paint: Paint) -> RGBColor {
    let Rgb(red, green, blue) = theme.colour(paint);
    RGBColor(red, green, blue)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
