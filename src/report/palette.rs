//! Who looks like what: one colour, marker and dash for each client, the same in every figure; and the two themes.

/// A client's place in the summary: it fixes the colour, the marker and the dash in every figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity(pub usize);

/// The outline of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle, point up.
    Up,
    /// A square on its corner.
    Diamond,
    /// A triangle, point down.
    Down,
    /// An upright cross with thick arms.
    Plus,
    /// A five-pointed star.
    Star,
    /// A cross turned by 45 degrees.
    Cross,
    /// A hexagon.
    Hexagon,
    /// A triangle, point to the left.
    Left,
}

const MARKERS: [Marker; 10] = [
    Marker::Circle,
    Marker::Square,
    Marker::Up,
    Marker::Diamond,
    Marker::Down,
    Marker::Plus,
    Marker::Star,
    Marker::Cross,
    Marker::Hexagon,
    Marker::Left,
];

/// Lengths of dash and gap in turn, in px; empty is a solid line.
pub type Dash = &'static [f64];
/// No gaps.
pub const SOLID: Dash = &[];
/// What is expected or secondary.
pub const DASHED: Dash = &[6.0, 4.0];
const DASHES: [Dash; 4] = [SOLID, &[7.0, 3.0], &[2.0, 2.5], &[8.0, 3.0, 2.0, 3.0]];

/// How many client colours there are.
pub const COLOURS: usize = 7;

impl Identity {
    /// Its colour.
    #[must_use]
    pub fn paint(self) -> Paint {
        Paint::Client((self.0 % COLOURS) as u8)
    }

    /// Its marker. Together with the colour it is unique among the first 70 clients.
    #[must_use]
    pub fn marker(self) -> Marker {
        MARKERS[self.0 % MARKERS.len()]
    }

    /// Its dash: changes each time the colours start over.
    #[must_use]
    pub fn dash(self) -> Dash {
        DASHES[(self.0 / COLOURS) % DASHES.len()]
    }
}

/// A colour by what it is for; a [`Theme`] says which colour that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Paint {
    /// Behind everything.
    Background,
    /// Text and frame.
    Ink,
    /// Expected curves, joining lines, tick marks.
    Muted,
    /// Expected bands.
    Band,
    /// Grid lines.
    Grid,
    /// One of the client colours.
    Client(u8),
}

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// For which background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white: paper, and what committed figures use.
    #[default]
    Light,
    /// Light on nearly black.
    Dark,
}

/// Okabe and Ito, "Color Universal Design" (2008), without their yellow, which is too faint for lines on white.
/// Black comes last and turns white on a dark background.
const OKABE_ITO: [Rgb; COLOURS] = [
    Rgb(0x00, 0x72, 0xB2), // blue
    Rgb(0xD5, 0x5E, 0x00), // vermillion
    Rgb(0x00, 0x9E, 0x73), // bluish green
    Rgb(0xCC, 0x79, 0xA7), // reddish purple
    Rgb(0xE6, 0x9F, 0x00), // orange
    Rgb(0x56, 0xB4, 0xE9), // sky blue
    Rgb(0x00, 0x00, 0x00), // black
];

impl Theme {
    /// The colour.
    #[must_use]
    pub fn colour(self, paint: Paint) -> Rgb {
        match (self, paint) {
            (Theme::Light, Paint::Background) => Rgb(0xFF, 0xFF, 0xFF),
            (Theme::Light, Paint::Ink) => Rgb(0x22, 0x26, 0x2B),
            (Theme::Light, Paint::Muted) => Rgb(0x6B, 0x72, 0x7B),
            (Theme::Light, Paint::Band) => Rgb(0xD3, 0xD8, 0xDE),
            (Theme::Light, Paint::Grid) => Rgb(0xE6, 0xE9, 0xED),
            (Theme::Dark, Paint::Background) => Rgb(0x15, 0x18, 0x1C),
            (Theme::Dark, Paint::Ink) => Rgb(0xE4, 0xE7, 0xEB),
            (Theme::Dark, Paint::Muted) => Rgb(0x9A, 0xA3, 0xAE),
            (Theme::Dark, Paint::Band) => Rgb(0x3A, 0x42, 0x4C),
            (Theme::Dark, Paint::Grid) => Rgb(0x2A, 0x30, 0x37),
            (Theme::Dark, Paint::Client(6)) => Rgb(0xFF, 0xFF, 0xFE),
            (_, Paint::Client(index)) => OKABE_ITO[usize::from(index) % COLOURS],
        }
    }
}

/// Every paint, each once.
pub fn paints() -> impl Iterator<Item = Paint> {
    [Paint::Background, Paint::Ink, Paint::Muted, Paint::Band, Paint::Grid]
        .into_iter()
        .chain((0..COLOURS).map(|index| Paint::Client(index as u8)))
}

/// Style rules that turn an inline SVG drawn in the light theme into the dark one, so that a page holds each figure once.
/// They work because a rule of a style sheet wins over an attribute, and because no two paints share a colour.
#[must_use]
pub fn dark_rules(selector: &str) -> String {
    let mut rules = String::new();
    for paint in paints() {
        let (light, dark) = (Theme::Light.colour(paint), Theme::Dark.colour(paint));
        if light != dark {
            for attribute in ["fill", "stroke"] {
                rules.push_str(&format!("{selector} [{attribute}=\"{light}\"]{{{attribute}:{dark}}}\n"));
            }
        }
    }
    rules
}

impl std::fmt::Display for Rgb {
    /// `#RRGGBB`, as SVG and HTML have it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Relative luminance and contrast of WCAG 2.2.
    fn luminance(Rgb(r, g, b): Rgb) -> f64 {
        let channel = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
    }

    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn seventy_clients_can_be_told_apart() {
        let looks: HashSet<_> = (0..70).map(|i| (Identity(i).paint(), Identity(i).marker())).collect();
        assert_eq!(looks.len(), 70);
        assert_ne!(Identity(0).dash(), Identity(7).dash());
    }

    #[test]
    fn text_and_clients_stand_out_from_the_background() {
        for (theme, clients) in [(Theme::Light, 2.0), (Theme::Dark, 3.0)] {
            let background = theme.colour(Paint::Background);
            assert!(contrast(theme.colour(Paint::Ink), background) > 12.0);
            assert!(contrast(theme.colour(Paint::Muted), background) > 4.5);
            for index in 0..COLOURS {
                let found = contrast(theme.colour(Paint::Client(index as u8)), background);
                assert!(found > clients, "client colour {index} in {theme:?}: {found}");
            }
        }
    }

    #[test]
    fn no_two_paints_share_a_colour() {
        for theme in [Theme::Light, Theme::Dark] {
            let colours: HashSet<_> = paints().map(|paint| theme.colour(paint).to_string()).collect();
            assert_eq!(colours.len(), paints().count());
        }
    }
}
