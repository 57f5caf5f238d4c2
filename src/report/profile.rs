//! Where a figure will stand, and so its size, its letters and its lines.
//!
//! Everything is in px of 1/96 inch, the CSS pixel; the sizes that publishers ask for are given to it in their own units.
//!
//! - IEEE: one column is 3.5 in wide, two are 7.16 in (IEEE Author Center, "Size Requirements for Graphics"); letters about 9 to 10
//!   point at full size (IEEE Author Center, "File Formatting"); line art at 600 dpi (IEEE Author Center, guidelines for graphics);
//!   fonts embedded; only the image, the caption is the article's.
//! - Nature: one column is 89 mm; all letters between 5 and 7 point, of a standard font such as Arial, embedded and editable; no grid
//!   in the background; at most 170 mm high; at least 300 dpi, no use above 450 (Nature Research figure guide, "Building and exporting figure
//!   panels" and "Preparing figures: our specifications"). Lines from 0.25 to 1 point (Nature, guide to final artwork).

use super::palette::Theme;

/// px in a point.
pub const PX_PER_POINT: f64 = 96.0 / 72.0;
const PX_PER_INCH: f64 = 96.0;
const PX_PER_MM: f64 = PX_PER_INCH / 25.4;

/// Where the legend stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegendPlace {
    /// Right of the data.
    Beside,
    /// Below the horizontal axis.
    Below,
}

/// Sizes and manners of a figure. All lengths in px.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// What it is called on the command line, and the folder of its files.
    pub name: &'static str,
    /// Width of every figure.
    pub width: f64,
    /// Height of the area with the data, at least.
    pub data_height: f64,
    /// Height of one lane, in figures that have a lane for each client.
    pub lane_height: f64,
    /// The most that lanes may take together, as long as their names keep the room that they need.
    pub tallest: f64,
    /// Font size of the question above the data.
    pub title_size: f64,
    /// Font size of axis labels.
    pub label_size: f64,
    /// Font size of ticks, names and the legend.
    pub tick_size: f64,
    /// Line widths and dashes are those of the screen times this.
    pub stroke: f64,
    /// Radius of a marker.
    pub radius: f64,
    /// Whether the question may stand in the picture.
    pub titled: bool,
    /// Whether ticks go on as grid lines.
    pub grid: bool,
    /// Where the legend stands.
    pub legend: LegendPlace,
    /// Its colours, unless others are asked for.
    pub theme: Theme,
    /// Pixels an inch of a PNG, unless others are asked for.
    pub dpi: u32,
}

/// The page and the README: light.
pub const SCREEN: Profile = Profile {
    name: "screen",
    width: 780.0,
    data_height: 330.0,
    lane_height: 52.0,
    tallest: f64::INFINITY,
    title_size: 16.0,
    label_size: 13.0,
    tick_size: 12.0,
    stroke: 1.0,
    radius: 4.6,
    titled: true,
    grid: true,
    legend: LegendPlace::Beside,
    theme: Theme::Light,
    dpi: 192,
};

/// The same on a dark screen.
const SCREEN_DARK: Profile = Profile { name: "screen-dark", theme: Theme::Dark, ..SCREEN };

/// A slide of 13.33 by 7.5 inch: letters of 18 point and more.
const SLIDE: Profile = Profile {
    name: "slide",
    width: 1280.0,
    data_height: 500.0,
    lane_height: 84.0,
    tallest: 520.0,
    title_size: 28.0 * PX_PER_POINT,
    label_size: 18.0 * PX_PER_POINT,
    tick_size: 18.0 * PX_PER_POINT,
    stroke: 2.0,
    radius: 9.0,
    dpi: 144,
    ..SCREEN
};

/// A page on a phone: as wide as small ones are.
pub const PHONE: Profile = Profile {
    name: "phone",
    width: 360.0,
    data_height: 230.0,
    lane_height: 44.0,
    title_size: 14.0,
    label_size: 12.0,
    tick_size: 11.5,
    legend: LegendPlace::Below,
    ..SCREEN
};

/// One column of an IEEE journal: lines of 0.5 point and more.
const IEEE: Profile = Profile {
    name: "ieee",
    width: 3.5 * PX_PER_INCH,
    data_height: 170.0,
    lane_height: 30.0,
    tallest: 8.0 * PX_PER_INCH,
    title_size: 9.0 * PX_PER_POINT,
    label_size: 9.0 * PX_PER_POINT,
    tick_size: 9.0 * PX_PER_POINT,
    stroke: 0.7,
    radius: 3.4,
    titled: false,
    legend: LegendPlace::Below,
    dpi: 600,
    ..SCREEN
};

/// Both columns of an IEEE journal.
const IEEE_TWO: Profile = Profile {
    name: "ieee-two",
    width: 7.16 * PX_PER_INCH,
    data_height: 250.0,
    lane_height: 40.0,
    stroke: 0.8,
    radius: 3.8,
    legend: LegendPlace::Beside,
    ..IEEE
};

/// One column of Nature: letters of 6 and 7 point, lines of 0.25 to 1 point.
const NATURE: Profile = Profile {
    name: "nature",
    width: 89.0 * PX_PER_MM,
    data_height: 165.0,
    lane_height: 26.0,
    tallest: 150.0 * PX_PER_MM,
    title_size: 7.0 * PX_PER_POINT,
    label_size: 7.0 * PX_PER_POINT,
    tick_size: 6.0 * PX_PER_POINT,
    stroke: 0.55,
    radius: 2.8,
    titled: false,
    grid: false,
    legend: LegendPlace::Below,
    dpi: 450,
    ..SCREEN
};

/// All profiles, the default first.
pub static PROFILES: [Profile; 6] = [SCREEN, SCREEN_DARK, SLIDE, IEEE, IEEE_TWO, NATURE];

impl Profile {
    /// The profile of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Profile> {
        PROFILES.iter().find(|profile| profile.name == name).copied()
    }

    /// A length of the screen's layout, in proportion to the letters.
    pub(super) fn air(&self, px: f64) -> f64 {
        px * self.tick_size / SCREEN.tick_size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishers_get_what_they_ask_for() {
        let points = |px: f64| px / PX_PER_POINT;
        let ieee = Profile::named("ieee").unwrap();
        assert!((points(ieee.width) - 252.0).abs() < 1e-9 && points(ieee.tick_size) >= 8.999);
        assert!((points(Profile::named("ieee-two").unwrap().width) - 515.52).abs() < 1e-9);
        let nature = Profile::named("nature").unwrap();
        assert!((nature.width / PX_PER_MM - 89.0).abs() < 1e-9);
        for size in [nature.title_size, nature.label_size, nature.tick_size] {
            assert!((5.0..=7.000_001).contains(&points(size)));
        }
        // The thinnest and the thickest line of the layout.
        for (profile, thinnest, thickest) in [(ieee, 0.5, 2.0), (nature, 0.25, 1.0)] {
            assert!(points(profile.stroke) >= thinnest && points(2.2 * profile.stroke) <= thickest, "{}", profile.name);
        }
        assert!(!nature.grid);
    }

    #[test]
    fn names_are_unique() {
        for profile in &PROFILES {
            assert_eq!(PROFILES.iter().filter(|p| p.name == profile.name).count(), 1);
        }
        assert_eq!(Profile::named("poster"), None);
    }
}
