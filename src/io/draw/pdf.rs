//! A scene as PDF: one page of the figure's size, text as text, the letters that it uses embedded. No date and no random identifier: the
//! same figure gives the same bytes.

use std::collections::BTreeMap;

use ab_glyph::{Font, FontRef};
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use subsetter::GlyphRemapper;

use super::DrawError;
use crate::report::figure::Figure;
use crate::report::layout::{self, Title};
use crate::report::palette::{Rgb, Theme};
use crate::report::profile::{PX_PER_POINT, Profile};
use crate::report::scene::{Anchor, Label, Mark, Scene, Spot};
use crate::report::text;

const CATALOGUE: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const FONT: Ref = Ref::new(5);
const LETTERS: Ref = Ref::new(6);
const DESCRIPTOR: Ref = Ref::new(7);
const CMAP: Ref = Ref::new(8);
const FILE: Ref = Ref::new(9);
const INFO: Ref = Ref::new(10);
/// The first of the states that hold an opacity each.
const FIRST_STATE: i32 = 11;

const FONT_NAME: Name<'static> = Name(b"F0");
/// Six letters and a plus mark a font that holds only some letters (PDF 32000-1:2008, 9.6.4).
const BASE_FONT: Name<'static> = Name(b"POLLCO+LiberationSans");
const IDENTITY: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// A figure as PDF.
///
/// # Errors
/// When the font in the program is damaged.
pub fn pdf(figure: &Figure, profile: &Profile, theme: Theme, title: Title) -> Result<Vec<u8>, DrawError> {
    let scene = layout::scene(figure, profile, title);
    let damaged = |why: String| DrawError::Font { id: figure.id, why };
    let font = text::font().ok_or_else(|| damaged("it cannot be read".to_owned()))?;
    let mut letters = Letters { font, mapper: GlyphRemapper::new(), used: BTreeMap::new() };
    let mut page = Page { scene: &scene, theme, content: Content::new(), opacities: Vec::new() };
    page.draw(&mut letters);
    let Page { content, opacities, .. } = page;

    let mut pdf = Pdf::new();
    pdf.catalog(CATALOGUE).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    let mut info = pdf.document_info(INFO);
    info.title(TextStr(&figure.title)).subject(TextStr(&figure.alt)).producer(TextStr("pollcost"));
    info.finish();
    let mut one = pdf.page(PAGE);
    one.parent(PAGES).media_box(Rect::new(0.0, 0.0, points(scene.width), points(scene.height))).contents(CONTENT);
    let mut resources = one.resources();
    resources.fonts().pair(FONT_NAME, FONT);
    let mut states = resources.ext_g_states();
    for (place, _) in opacities.iter().enumerate() {
        states.pair(Name(state_name(place).as_bytes()), state(place));
    }
    states.finish();
    resources.finish();
    one.finish();
    for (place, opacity) in opacities.iter().enumerate() {
        pdf.ext_graphics(state(place)).non_stroking_alpha(*opacity as f32);
    }
    let content = compressed(&content.finish());
    pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
    letters.embed(&mut pdf).map_err(damaged)?;
    Ok(pdf.finish())
}

fn state(place: usize) -> Ref {
    Ref::new(FIRST_STATE + i32::try_from(place).unwrap_or(i32::MAX - FIRST_STATE))
}

fn state_name(place: usize) -> String {
    format!("A{place}")
}

fn points(px: f64) -> f32 {
    (px / PX_PER_POINT * 1000.0).round() as f32 / 1000.0
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, 9)
}

/// The drawing instructions.
struct Page<'a> {
    scene: &'a Scene,
    theme: Theme,
    content: Content,
    /// Each opacity once, in the order of use.
    opacities: Vec<f64>,
}

impl Page<'_> {
    fn draw(&mut self, letters: &mut Letters<'_>) {
        let scene = self.scene;
        self.content.set_line_join(pdf_writer::types::LineJoinStyle::RoundJoin);
        for mark in &scene.marks {
            match mark {
                Mark::Line { points: path, width, paint, dash } if path.len() > 1 => {
                    let (red, green, blue) = shares(self.theme.colour(*paint));
                    self.content.set_stroke_rgb(red, green, blue).set_line_width(points(*width));
                    self.content.set_dash_pattern(dash.iter().map(|length| points(length * scene.dash_scale)), 0.0);
                    self.path(path);
                    self.content.stroke();
                }
                Mark::Area { points: path, paint, opacity } if path.len() > 2 => {
                    self.opacity(*opacity);
                    self.fill(self.theme.colour(*paint));
                    self.path(path);
                    self.content.close_path().fill_nonzero();
                }
                Mark::Text(label) => self.words(label, letters),
                _ => {}
            }
        }
    }

    fn fill(&mut self, colour: Rgb) {
        let (red, green, blue) = shares(colour);
        self.content.set_fill_rgb(red, green, blue);
    }

    fn opacity(&mut self, opacity: f64) {
        let place = self.opacities.iter().position(|known| known.to_bits() == opacity.to_bits()).unwrap_or_else(|| {
            self.opacities.push(opacity);
            self.opacities.len() - 1
        });
        self.content.set_parameters(Name(state_name(place).as_bytes()));
    }

    /// From px with y down to points with y up.
    fn at(&self, (x, y): Spot) -> (f32, f32) {
        (points(x), points(self.scene.height - y))
    }

    fn path(&mut self, spots: &[Spot]) {
        for (place, spot) in spots.iter().enumerate() {
            let (x, y) = self.at(*spot);
            if place == 0 {
                self.content.move_to(x, y)
            } else {
                self.content.line_to(x, y)
            };
        }
    }

    fn words(&mut self, label: &Label, letters: &mut Letters<'_>) {
        let width = text::width(&label.text, label.size);
        let back = match label.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let (x, y) = label.at;
        let (start, turn) =
            if label.upward { ((x, y + back), [0.0, 1.0, -1.0, 0.0]) } else { ((x - back, y), [1.0, 0.0, 0.0, 1.0]) };
        let (x, y) = self.at(start);
        self.opacity(1.0);
        self.fill(self.theme.colour(label.paint));
        let [a, b, c, d] = turn;
        let encoded = letters.encode(&label.text);
        self.content.begin_text().set_font(FONT_NAME, points(label.size)).set_text_matrix([a, b, c, d, x, y]);
        self.content.show(Str(&encoded)).end_text();
    }
}

fn shares(Rgb(red, green, blue): Rgb) -> (f32, f32, f32) {
    let share = |channel: u8| (f32::from(channel) / 255.0 * 10_000.0).round() / 10_000.0;
    (share(red), share(green), share(blue))
}

/// The letters of the bundled font that the page uses.
struct Letters<'a> {
    font: &'a FontRef<'static>,
    mapper: GlyphRemapper,
    /// Number in the embedded font, with its character and its width in thousandths of the font size.
    used: BTreeMap<u16, (char, f32)>,
}

impl Letters<'_> {
    fn encode(&mut self, words: &str) -> Vec<u8> {
        let em = self.font.units_per_em().unwrap_or(1000.0);
        let mut encoded = Vec::with_capacity(words.len() * 2);
        for character in words.chars() {
            let glyph = self.font.glyph_id(character);
            let number = self.mapper.remap(glyph.0);
            self.used.insert(number, (character, self.font.h_advance_unscaled(glyph) / em * 1000.0));
            encoded.extend(number.to_be_bytes());
        }
        encoded
    }

    /// Writes the font with these letters only.
    fn embed(&self, pdf: &mut Pdf) -> Result<(), String> {
        let file = subsetter::subset(text::BYTES, 0, &self.mapper).map_err(|e| e.to_string())?;
        let em = self.font.units_per_em().unwrap_or(1000.0);
        let thousandths = |units: f32| units / em * 1000.0;

        pdf.type0_font(FONT)
            .base_font(BASE_FONT)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(LETTERS)
            .to_unicode(CMAP);
        let mut letters = pdf.cid_font(LETTERS);
        letters.subtype(CidFontType::Type2).base_font(BASE_FONT).system_info(IDENTITY).font_descriptor(DESCRIPTOR);
        letters.default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = letters.widths();
        for (number, (_, width)) in &self.used {
            widths.same(*number, *number, *width);
        }
        widths.finish();
        letters.finish();

        let (up, down) = (thousandths(self.font.ascent_unscaled()), thousandths(self.font.descent_unscaled()));
        pdf.font_descriptor(DESCRIPTOR)
            .name(BASE_FONT)
            .flags(FontFlags::NON_SYMBOLIC)
            .bbox(Rect::new(-544.0, -303.0, 1302.0, 980.0))
            .italic_angle(0.0)
            .ascent(up)
            .descent(down)
            .cap_height(729.0)
            .stem_v(80.0)
            .font_file2(FILE);
        let mut cmap = UnicodeCmap::new(Name(b"pollcost"), IDENTITY);
        for (number, (character, _)) in &self.used {
            cmap.pair(*number, *character);
        }
        let cmap = cmap.finish();
        pdf.cmap(CMAP, &cmap);
        let packed = compressed(&file);
        pdf.stream(FILE, &packed)
            .filter(Filter::FlateDecode)
            .pair(Name(b"Length1"), i32::try_from(file.len()).unwrap_or(0));
        Ok(())
    }
}
