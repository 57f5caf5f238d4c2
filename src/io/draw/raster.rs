//! A scene as pixels, with exact edges: a pixel takes as much of a colour as the shape fills of it, and letters of the bundled font
//! stand at fractions of a pixel.

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont, point};
use ab_glyph_rasterizer::Rasterizer;

use crate::report::palette::{Rgb, Theme};
use crate::report::scene::{Anchor, Label, Mark, Scene, Spot, dashes};
use crate::report::text;

/// Steps between a pixel that is not covered and one that is: few enough that a whole drawing keeps to a small palette.
const SHADES: f64 = 10.0;

/// The bitmap: three bytes for each pixel.
pub(super) struct Raster {
    pub(super) wide: u32,
    pub(super) high: u32,
    pub(super) pixels: Vec<u8>,
    /// Pixels for each px of the layout.
    scale: f64,
}

/// Draws a scene.
pub(super) fn draw(scene: &Scene, theme: Theme, dpi: u32) -> Raster {
    let scale = f64::from(dpi) / 96.0;
    let length = |px: f64| ((px * scale).round() as u32).max(1);
    let (wide, high) = (length(scene.width), length(scene.height));
    let mut raster = Raster { wide, high, pixels: vec![0xFF; wide as usize * high as usize * 3], scale };
    for mark in &scene.marks {
        match mark {
            Mark::Line { points, width, paint, dash } => {
                let dash: Vec<f64> = dash.iter().map(|length| length * scene.dash_scale).collect();
                for piece in dashes(points, &dash).iter().filter(|piece| piece.len() > 1) {
                    let path: Vec<Spot> = piece.iter().map(|(x, y)| (x * scale, y * scale)).collect();
                    raster.cover(&stroke(&path, width * scale), theme.colour(*paint), 1.0);
                }
            }
            Mark::Area { points, paint, opacity } => {
                let outline: Vec<Spot> = points.iter().map(|(x, y)| (x * scale, y * scale)).collect();
                raster.cover(&[outline], theme.colour(*paint), *opacity);
            }
            Mark::Text(label) => raster.words(label, theme.colour(label.paint)),
        }
    }
    raster
}

impl Raster {
    /// Fills all outlines in one colour, once where they overlap. They must turn the same way.
    fn cover(&mut self, outlines: &[Vec<Spot>], colour: Rgb, opacity: f64) {
        let Some((left, top, right, bottom)) = bounds(outlines, (self.wide, self.high)) else { return };
        let (wide, high) = ((right - left) as usize, (bottom - top) as usize);
        let mut rasterizer = Rasterizer::new(wide, high);
        let within = |v: f64, start: i32, length: usize| (v - f64::from(start)).clamp(0.0, length as f64) as f32;
        let corner = |(x, y): Spot| ab_glyph_rasterizer::point(within(x, left, wide), within(y, top, high));
        for outline in outlines {
            let ends = outline.iter().skip(1).chain(outline.first());
            for (from, to) in outline.iter().zip(ends) {
                rasterizer.draw_line(corner(*from), corner(*to));
            }
        }
        rasterizer
            .for_each_pixel_2d(|x, y, part| self.mix(left + x as i32, top + y as i32, colour, shade(part) * opacity));
    }

    /// Mixes a colour into a pixel; nothing outside.
    fn mix(&mut self, x: i32, y: i32, Rgb(red, green, blue): Rgb, part: f64) {
        let (Ok(column), Ok(row)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if part <= 0.0 || column >= self.wide || row >= self.high {
            return;
        }
        let at = (row as usize * self.wide as usize + column as usize) * 3;
        for (channel, colour) in self.pixels[at..at + 3].iter_mut().zip([red, green, blue]) {
            *channel = (f64::from(*channel) * (1.0 - part) + f64::from(colour) * part).round() as u8;
        }
    }

    fn words(&mut self, label: &Label, colour: Rgb) {
        let Some(font) = text::font() else { return };
        let line = Line::set(font, &label.text, label.size * self.scale);
        let start = match label.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -line.width / 2.0,
            Anchor::End => -line.width,
        };
        let (x, y) = (label.at.0 * self.scale, label.at.1 * self.scale);
        // Turned text is set at the origin and each pixel then turned around the place.
        let origin = if label.upward { (start, 0.0) } else { (x + start, y) };
        let turned = |column: i32, row: i32| (x.round() as i32 + row, y.round() as i32 - column - 1);
        line.draw(font, origin, |column, row, part| {
            let (x, y) = if label.upward { turned(column, row) } else { (column, row) };
            self.mix(x, y, colour, shade(part));
        });
    }
}

/// The whole pixels that the outlines touch, cut to the bitmap: left, top, right, bottom; `None` when there is none.
fn bounds(outlines: &[Vec<Spot>], (wide, high): (u32, u32)) -> Option<(i32, i32, i32, i32)> {
    let corners = || outlines.iter().flatten();
    let low = |axis: fn(&Spot) -> f64| corners().map(axis).fold(f64::INFINITY, f64::min).floor().max(0.0) as i32;
    let high_of = |axis: fn(&Spot) -> f64, limit: u32| {
        corners().map(axis).fold(f64::NEG_INFINITY, f64::max).ceil().min(f64::from(limit)) as i32
    };
    let (left, top) = (low(|c| c.0), low(|c| c.1));
    let (right, bottom) = (high_of(|c| c.0, wide), high_of(|c| c.1, high));
    (left < right && top < bottom).then_some((left, top, right, bottom))
}

fn shade(part: f32) -> f64 {
    (f64::from(part.clamp(0.0, 1.0)) * SHADES).round() / SHADES
}

/// Twice the signed area.
fn turning(outline: &[Spot]) -> f64 {
    let ends = outline.iter().skip(1).chain(outline.first());
    outline.iter().zip(ends).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum()
}

/// The outlines that together make a line of this width with round joins and flat ends.
fn stroke(path: &[Spot], width: f64) -> Vec<Vec<Spot>> {
    let half = width / 2.0;
    let mut outlines = Vec::new();
    for pair in path.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        if length > 0.0 {
            let (dx, dy) = ((x1 - x0) / length * half, (y1 - y0) / length * half);
            outlines.push(vec![(x0 - dy, y0 + dx), (x0 + dy, y0 - dx), (x1 + dy, y1 - dx), (x1 - dy, y1 + dx)]);
        }
    }
    for (x, y) in path.iter().skip(1).take(path.len().saturating_sub(2)) {
        let corner = |k: u32| (std::f64::consts::TAU * f64::from(k) / 12.0).sin_cos();
        outlines.push((0..12).map(corner).map(|(sin, cos)| (x + half * cos, y + half * sin)).collect());
    }
    for outline in &mut outlines {
        if turning(outline) < 0.0 {
            outline.reverse();
        }
    }
    outlines
}

/// A text set in one line.
struct Line {
    scale: PxScale,
    /// Each letter and how far from the start it stands.
    letters: Vec<(GlyphId, f32)>,
    width: f64,
}

impl Line {
    fn set(font: &FontRef<'_>, words: &str, em: f64) -> Line {
        let height_of_em = font.height_unscaled() / font.units_per_em().unwrap_or(1000.0);
        let scale = PxScale::from(em as f32 * height_of_em);
        let scaled = font.as_scaled(scale);
        let mut letters: Vec<(GlyphId, f32)> = Vec::new();
        let mut end = 0.0;
        for letter in words.chars().map(|c| font.glyph_id(c)) {
            end += letters.last().map_or(0.0, |(before, _)| scaled.kern(*before, letter));
            letters.push((letter, end));
            end += scaled.h_advance(letter);
        }
        Line { scale, letters, width: f64::from(end) }
    }

    /// Calls `pixel(column, row, part covered)`, the baseline starting at `origin`.
    fn draw(&self, font: &FontRef<'_>, origin: (f64, f64), mut pixel: impl FnMut(i32, i32, f32)) {
        for (letter, start) in &self.letters {
            let place = point(origin.0 as f32 + start, origin.1 as f32);
            if let Some(outline) = font.outline_glyph(letter.with_scale_and_position(self.scale, place)) {
                let corner = outline.px_bounds().min;
                outline.draw(|x, y, part| pixel(corner.x as i32 + x as i32, corner.y as i32 + y as i32, part));
            }
        }
    }
}
