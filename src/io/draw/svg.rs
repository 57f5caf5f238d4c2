//! A scene as SVG. Text stays text; marks of a client are in groups that say whose they are.

use std::fmt::Write;

use crate::report::figure::Figure;
use crate::report::layout::{self, Title};
use crate::report::palette::Theme;
use crate::report::profile::{PHONE, Profile};
use crate::report::scale::{Scale, Spacing};
use crate::report::scene::{Anchor, Label, Mark, Owned, Scene, Spot};
use crate::report::text;

/// A figure as SVG, with the question and the alternative text inside for those who listen to it. The scales of its axes are in
/// attributes, from which a page can tell values.
#[must_use]
pub fn svg(figure: &Figure, profile: &Profile, theme: Theme, title: Title) -> String {
    let scene = layout::scene(figure, profile, title);
    let data = &scene.data;
    let mut out = String::with_capacity(1 << 15);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" font-family=\"{family}\" \
         stroke-linejoin=\"round\" fill=\"none\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
         data-frame=\"{} {} {} {}\" data-x=\"{}\" data-y=\"{}\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
        Px(data.left),
        Px(data.top),
        Px(data.right),
        Px(data.bottom),
        axis(&figure.x.scale, &format!("{:?}", figure.x.unit)),
        if figure.y.lane_count() == 0 {
            axis(&figure.y.scale, &format!("{:?}", figure.y.unit))
        } else {
            "lanes".to_owned()
        },
        escape(&figure.title),
        escape(&figure.alt),
        w = Px(scene.width),
        h = Px(scene.height),
        family = text::FAMILY,
        // Both drawings of a figure may stand on one page.
        id = if profile.name == PHONE.name { format!("{}-phone", figure.id) } else { figure.id.to_owned() },
    );
    marks(&mut out, &scene, theme);
    out.push_str("</svg>\n");
    out
}

fn axis(scale: &Scale, unit: &str) -> String {
    let spacing = if scale.spacing == Spacing::Log { "log" } else { "linear" };
    format!("{spacing} {:e} {:e} {}", scale.low, scale.high, unit.to_lowercase())
}

fn marks(out: &mut String, scene: &Scene, theme: Theme) {
    let mut owned = scene.owned.iter().peekable();
    let mut ends = None;
    for (place, mark) in scene.marks.iter().enumerate() {
        if let Some(Owned { marks, client, points }) = owned.next_if(|owned| owned.marks.start == place) {
            let _ = write!(out, "<g data-client=\"{client}\"");
            if !points.is_empty() {
                let at: Vec<String> = points.iter().map(|(x, y)| format!("{} {}", Px(*x), Px(*y))).collect();
                let _ = write!(out, " data-at=\"{}\"", at.join(" "));
            }
            out.push_str(">\n");
            ends = Some(marks.end);
        }
        one(out, mark, scene.dash_scale, theme);
        if ends == Some(place + 1) {
            out.push_str("</g>\n");
            ends = None;
        }
    }
}

fn one(out: &mut String, mark: &Mark, dash_scale: f64, theme: Theme) {
    match mark {
        Mark::Line { points, width, paint, dash } if points.len() > 1 => {
            let _ = write!(
                out,
                "<path d=\"{}\" stroke=\"{}\" stroke-width=\"{}\"",
                path(points),
                theme.colour(*paint),
                Px(*width)
            );
            if !dash.is_empty() {
                let lengths: Vec<String> = dash.iter().map(|length| Px(length * dash_scale).to_string()).collect();
                let _ = write!(out, " stroke-dasharray=\"{}\"", lengths.join(" "));
            }
            out.push_str("/>\n");
        }
        Mark::Area { points, paint, opacity } if points.len() > 2 => {
            let _ = write!(out, "<path d=\"{}z\" fill=\"{}\"", path(points), theme.colour(*paint));
            if *opacity < 1.0 {
                let _ = write!(out, " fill-opacity=\"{}\"", Px(*opacity));
            }
            out.push_str("/>\n");
        }
        Mark::Text(label) => words(out, label, theme),
        _ => {}
    }
}

/// With the length that the layout reckoned with, so that a stand-in font is brought to the same width.
fn words(out: &mut String, label: &Label, theme: Theme) {
    let (x, y) = label.at;
    let anchor = match label.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let turn = if label.upward { format!(" transform=\"rotate(-90 {} {})\"", Px(x), Px(y)) } else { String::new() };
    let _ = writeln!(
        out,
        "<text textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" x=\"{}\" y=\"{}\"{anchor}{turn} font-size=\"{}\" fill=\"{}\">{}</text>",
        Px(text::width(&label.text, label.size)),
        Px(x),
        Px(y),
        Px(label.size),
        theme.colour(label.paint),
        escape(&label.text),
    );
}

fn path(points: &[Spot]) -> String {
    let mut path = String::with_capacity(points.len() * 12);
    for (place, (x, y)) in points.iter().enumerate() {
        let _ = write!(path, "{}{} {}", if place == 0 { 'M' } else { 'L' }, Px(*x), Px(*y));
    }
    path
}

/// A length to a hundredth of a px, with no zeros at its end.
struct Px(f64);

impl std::fmt::Display for Px {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hundredths = (self.0 * 100.0).round();
        // No minus before zero.
        write!(f, "{}", if hundredths == 0.0 { 0.0 } else { hundredths / 100.0 })
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
