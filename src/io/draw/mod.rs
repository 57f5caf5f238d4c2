//! From figures to files: SVG, PNG, PDF and CSV. Each is drawn from the same scene.

mod pdf;
mod raster;
mod svg;

use std::collections::HashMap;

use rayon::prelude::*;
use thiserror::Error;

pub use pdf::pdf;
pub use svg::svg;

use crate::report::figure::Figure;
use crate::report::layout::{self, Title};
use crate::report::palette::Theme;
use crate::report::profile::{PHONE, Profile, SCREEN};

/// Why a figure could not be drawn.
#[derive(Debug, Error)]
pub enum DrawError {
    /// The bundled font is damaged.
    #[error("figure {id} could not be drawn: the bundled font: {why}")]
    Font {
        /// Which figure.
        id: &'static str,
        /// What is wrong.
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
    /// The CSV writer gave up.
    #[error("figure {id} could not be written as CSV: {why}")]
    Csv {
        /// Which figure.
        id: &'static str,
        /// What the writer says.
        why: csv::Error,
    },
}

/// A kind of figure file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// Scalable, text as text.
    Svg,
    /// Pixels.
    Png,
    /// One page, letters embedded.
    Pdf,
    /// The data.
    Csv,
}

impl FileKind {
    fn ending(self) -> &'static str {
        match self {
            FileKind::Svg => "svg",
            FileKind::Png => "png",
            FileKind::Pdf => "pdf",
            FileKind::Csv => "csv",
        }
    }
}

/// How figure files are to look.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// Where they will stand.
    pub profile: Profile,
    /// Their colours.
    pub theme: Theme,
    /// Pixels an inch of a PNG.
    pub dpi: u32,
    /// Which files are written of each figure.
    pub kinds: Vec<FileKind>,
}

impl Style {
    /// SVG and PNG for a screen.
    #[must_use]
    pub fn screen(theme: Theme) -> Style {
        Style { profile: SCREEN, theme, dpi: SCREEN.dpi, kinds: vec![FileKind::Svg, FileKind::Png] }
    }

    /// The folder of its files below that of the run.
    #[must_use]
    pub fn folder(&self) -> String {
        if self.profile.name == SCREEN.name { "figures".to_owned() } else { format!("figures/{}", self.profile.name) }
    }
}

/// A figure for a page: drawn for a wide screen and for a phone, of which a style rule shows one. Light; another rule turns it dark.
#[must_use]
pub fn inline(figure: &Figure) -> String {
    let drawn = |profile| svg(figure, profile, Theme::Light, Title::Left);
    format!("<div class=\"wide\">{}</div><div class=\"narrow\">{}</div>", drawn(&SCREEN), drawn(&PHONE))
}

/// All figures for a page, drawn side by side.
#[must_use]
pub fn pictures(figures: &[Figure]) -> Vec<String> {
    figures.par_iter().map(inline).collect()
}

/// The files of all figures, `(path below the run folder, content)`, drawn side by side.
///
/// # Errors
/// When one cannot be drawn; the error names it.
pub fn figure_files(figures: &[Figure], style: &Style) -> Result<Vec<(String, Vec<u8>)>, DrawError> {
    let drawn = |figure: &Figure| style.kinds.iter().map(|kind| file(figure, *kind, style)).collect();
    let files = figures.par_iter().map(drawn).collect::<Result<Vec<Vec<_>>, DrawError>>()?;
    Ok(files.into_iter().flatten().collect())
}

fn file(figure: &Figure, kind: FileKind, style: &Style) -> Result<(String, Vec<u8>), DrawError> {
    let content = match kind {
        FileKind::Svg => svg(figure, &style.profile, style.theme, Title::Drawn).into_bytes(),
        FileKind::Png => png(figure, &style.profile, style.theme, style.dpi)?,
        FileKind::Pdf => pdf(figure, &style.profile, style.theme, Title::Drawn)?,
        FileKind::Csv => figure.to_csv().map_err(|why| DrawError::Csv { id: figure.id, why })?,
    };
    Ok((format!("{}/{}.{}", style.folder(), figure.id, kind.ending()), content))
}

/// A figure as PNG.
///
/// # Errors
/// When the PNG writer fails.
pub fn png(figure: &Figure, profile: &Profile, theme: Theme, dpi: u32) -> Result<Vec<u8>, DrawError> {
    let drawn = raster::draw(&layout::scene(figure, profile, Title::Drawn), theme, dpi);
    encode(&drawn, dpi).map_err(|why| DrawError::Png { id: figure.id, why })
}

/// Drawings have few colours: as a palette they take half the room.
fn encode(drawn: &raster::Raster, dpi: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, drawn.wide, drawn.high);
    let indexed = indexed(&drawn.pixels);
    encoder.set_color(if indexed.is_some() { png::ColorType::Indexed } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    encoder.set_filter(png::FilterType::NoFilter);
    let density = (f64::from(dpi) / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: density, yppu: density, unit: png::Unit::Meter }));
    if let Some((palette, _)) = &indexed {
        encoder.set_palette(palette.clone());
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(indexed.as_ref().map_or(&drawn.pixels, |(_, indices)| indices))?;
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

#[cfg(test)]
mod tests;
