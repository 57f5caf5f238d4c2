//! The outlines of the markers.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::palette::{Marker, Paint, SOLID};
use super::scene::{Mark, Spot};

/// The outline around a centre, its size chosen so that all markers look equally large.
#[must_use]
pub(super) fn outline(marker: Marker, (x, y): Spot, radius: f64) -> Vec<Spot> {
    let corners = |n: usize, size: f64, turn: f64| -> Vec<Spot> {
        (0..n).map(|k| turn + TAU * k as f64 / n as f64).map(|a| (size * a.cos(), size * a.sin())).collect()
    };
    let shape = match marker {
        Marker::Circle => corners(32, 1.0, 0.0),
        Marker::Square => corners(4, 1.25, PI / 4.0),
        Marker::Up => corners(3, 1.35, -FRAC_PI_2),
        Marker::Diamond => corners(4, 1.32, 0.0),
        Marker::Down => corners(3, 1.35, FRAC_PI_2),
        Marker::Plus => cross(0.0),
        Marker::Star => star(),
        Marker::Cross => cross(PI / 4.0),
        Marker::Hexagon => corners(6, 1.15, FRAC_PI_2),
        Marker::Left => corners(3, 1.35, PI),
    };
    shape.into_iter().map(|(dx, dy)| (x + radius * dx, y + radius * dy)).collect()
}

/// A cross with arms 0.8 wide.
fn cross(turn: f64) -> Vec<Spot> {
    let (inner, outer) = (0.4, 1.3);
    let (sin, cos) = turn.sin_cos();
    (0..4)
        .flat_map(|k| {
            let (s, c) = (f64::from(k) * FRAC_PI_2).sin_cos();
            [(outer, -inner), (outer, inner), (inner, inner)].map(|(x, y)| (x * c - y * s, x * s + y * c))
        })
        .map(|(x, y)| (x * cos - y * sin, x * sin + y * cos))
        .collect()
}

fn star() -> Vec<Spot> {
    (0..10)
        .map(|k| (if k % 2 == 0 { 1.5 } else { 0.66 }, -FRAC_PI_2 + PI * f64::from(k) / 5.0))
        .map(|(r, a)| (r * a.cos(), r * a.sin()))
        .collect()
}

/// A small disc.
#[must_use]
pub(super) fn dot((x, y): Spot, radius: f64) -> Vec<Spot> {
    (0..6).map(|k| TAU * f64::from(k) / 6.0).map(|a| (x + radius * a.cos(), y + radius * a.sin())).collect()
}

/// The marker ready to draw: filled with a thin edge in the background's colour so that neighbours stay apart, or hollow.
#[must_use]
pub(super) fn marks(marker: Marker, at: Spot, radius: f64, paint: Paint, hollow: bool, stroke: f64) -> Vec<Mark> {
    let mut edge = outline(marker, at, radius);
    let area = Mark::Area { points: edge.clone(), paint: if hollow { Paint::Background } else { paint }, opacity: 1.0 };
    // One corner more than closed, so that the first corner gets a join too.
    edge.extend_from_within(..2);
    let (width, line) = if hollow { (1.6 * stroke, paint) } else { (stroke, Paint::Background) };
    let line = Mark::Line { points: edge, width, paint: line, dash: SOLID };
    if hollow { vec![area, line] } else { vec![line, area] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::palette::Identity;

    #[test]
    fn outlines_are_around_their_centre_and_differ() {
        let mut seen = Vec::new();
        for index in 0..10 {
            let shape = outline(Identity(index).marker(), (100.0, 100.0), 5.0);
            assert!(shape.iter().all(|p| (p.0 - 100.0).hypot(p.1 - 100.0) < 8.0));
            assert!(!seen.contains(&shape));
            seen.push(shape);
        }
    }
}
