//! A bitmap for plotters with exact edges: it takes canvas units, covers pixels by the part of them that a shape fills,
//! and sets letters from the bundled font at fractions of a pixel. plotters' own bitmap rounds each letter to a pixel
//! and drops the space before it.

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont, point};
use ab_glyph_rasterizer::Rasterizer;
use plotters::prelude::BitMapBackend;
use plotters::style::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform,
};

use super::{EM, FINE, HANG};
use crate::report::text;

/// Pixels of the bitmap for each px of the layout: sharp on screens of twice the density, and in print.
pub(super) const PIXELS_PER_PX: f64 = 2.0;
/// Steps between a pixel that is not covered and one that is.
const SHADES: f64 = 10.0;
/// Pixels for each canvas unit.
const SHRINK: f64 = PIXELS_PER_PX / FINE;

/// The size of the bitmap for a canvas.
pub(super) fn pixels((wide, high): (u32, u32)) -> (u32, u32) {
    let shrunk = |length: u32| ((f64::from(length) * SHRINK).round() as u32).max(1);
    (shrunk(wide), shrunk(high))
}

/// The bitmap.
pub(super) struct Raster<'a> {
    bitmap: BitMapBackend<'a>,
    canvas: (u32, u32),
}

type Done<'a> = Result<(), DrawingErrorKind<<BitMapBackend<'a> as DrawingBackend>::ErrorType>>;

impl<'a> Raster<'a> {
    /// Draws into `buffer`, three bytes for each of [`pixels`].
    pub(super) fn new(buffer: &'a mut [u8], canvas: (u32, u32)) -> Raster<'a> {
        Raster { bitmap: BitMapBackend::with_buffer(buffer, pixels(canvas)), canvas }
    }

    /// Fills all outlines in one colour, once where they overlap. They must turn the same way.
    fn cover(&mut self, outlines: &[Vec<(f64, f64)>], colour: BackendColor) -> Done<'a> {
        let Some((left, top, right, bottom)) = bounds(outlines, self.bitmap.get_size()) else { return Ok(()) };
        let (wide, high) = ((right - left) as usize, (bottom - top) as usize);
        let mut rasterizer = Rasterizer::new(wide, high);
        let within = |v: f64, start: i32, length: usize| (v - f64::from(start)).clamp(0.0, length as f64) as f32;
        let corner = |(x, y): (f64, f64)| ab_glyph_rasterizer::point(within(x, left, wide), within(y, top, high));
        for outline in outlines {
            let ends = outline.iter().skip(1).chain(outline.first());
            for (from, to) in outline.iter().zip(ends) {
                rasterizer.draw_line(corner(*from), corner(*to));
            }
        }
        let mut done = Ok(());
        rasterizer.for_each_pixel_2d(|x, y, part| {
            if done.is_ok() {
                done = self.bitmap.draw_pixel((left + x as i32, top + y as i32), colour.mix(shade(part)));
            }
        });
        done
    }
}

/// The whole pixels that the outlines touch, cut to the bitmap: left, top, right, bottom; `None` when there is none.
fn bounds(outlines: &[Vec<(f64, f64)>], (wide, high): (u32, u32)) -> Option<(i32, i32, i32, i32)> {
    let corners = || outlines.iter().flatten();
    let low = |axis: fn(&(f64, f64)) -> f64| corners().map(axis).fold(f64::INFINITY, f64::min).floor().max(0.0) as i32;
    let high_of = |axis: fn(&(f64, f64)) -> f64, limit: u32| {
        corners().map(axis).fold(f64::NEG_INFINITY, f64::max).ceil().min(f64::from(limit)) as i32
    };
    let (left, top) = (low(|c| c.0), low(|c| c.1));
    let (right, bottom) = (high_of(|c| c.0, wide), high_of(|c| c.1, high));
    (left < right && top < bottom).then_some((left, top, right, bottom))
}

/// How much of a pixel is covered, in few enough steps that a whole drawing keeps to a small palette.
fn shade(part: f32) -> f64 {
    (f64::from(part.clamp(0.0, 1.0)) * SHADES).round() / SHADES
}

fn to_pixels((x, y): BackendCoord) -> (f64, f64) {
    (f64::from(x) * SHRINK, f64::from(y) * SHRINK)
}

/// Twice the signed area.
fn turning(outline: &[(f64, f64)]) -> f64 {
    let ends = outline.iter().skip(1).chain(outline.first());
    outline.iter().zip(ends).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum()
}

/// The outlines that together make a line of this width with round joins and flat ends.
fn stroke(path: &[(f64, f64)], width: f64) -> Vec<Vec<(f64, f64)>> {
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

impl<'a> DrawingBackend for Raster<'a> {
    type ErrorType = <BitMapBackend<'a> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.canvas
    }

    fn ensure_prepared(&mut self) -> Done<'a> {
        self.bitmap.ensure_prepared()
    }

    fn present(&mut self) -> Done<'a> {
        self.bitmap.present()
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Done<'a> {
        let (x, y) = to_pixels((x, y));
        self.bitmap.draw_pixel((x as i32, y as i32), colour)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done<'a> {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done<'a> {
        let path: Vec<_> = path.into_iter().map(to_pixels).collect();
        self.cover(&stroke(&path, f64::from(style.stroke_width()) * SHRINK), style.color())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done<'a> {
        let outline: Vec<_> = path.into_iter().map(to_pixels).collect();
        self.cover(&[outline], style.color())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, words: &str, style: &S, at: BackendCoord) -> Done<'a> {
        let Some(font) = text::font() else { return Ok(()) };
        let em = style.size() / EM * SHRINK;
        let line = Line::set(font, words, em);
        let start = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -line.width / 2.0,
            HPos::Right => -line.width,
        };
        let (x, y) = to_pixels(at);
        let upward = matches!(style.transform(), FontTransform::Rotate270);
        // Turned text is set at the origin and each pixel then turned around the place.
        let origin = if upward { (start, em * HANG) } else { (x + start, y + em * HANG) };
        let mut done = Ok(());
        line.draw(font, origin, |column, row, part| {
            let pixel = if upward { (x as i32 + row, y as i32 - column - 1) } else { (column, row) };
            if done.is_ok() {
                done = self.bitmap.draw_pixel(pixel, style.color().mix(shade(part)));
            }
        });
        done
    }
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
