//! The break-even line over a grid of cells: where the difference of two clients is zero, as lines through its crossings between
//! neighbours (marching squares, after Lorensen and Cline, SIGGRAPH 1987, in two dimensions).

use super::break_even::{Course, Site, crossing, turn};
use super::ruler::Ruler;
use super::survey::{Part, Survey};
use super::view::{Quantity, View};

/// A place on both axes.
type Spot = (f64, f64);

/// A grid of differences: `sites[y][x]`, each as its row has it and as its column has it.
struct Field {
    across: Vec<Vec<Site>>,
    upward: Vec<Vec<Site>>,
}

impl Survey {
    /// The line in the axes' own units, in pieces; none without a callback, between words across, and where cells are missing. Where words go
    /// upward each row has a piece of its own, as high as its cells.
    #[must_use]
    pub fn contour(
        &self,
        view: &View,
        rulers: (&Ruler, &Ruler),
        held: &[(usize, usize)],
        poller: &str,
        part: Part,
    ) -> Vec<Vec<Spot>> {
        let axes = &self.index.axes;
        let (Some(y), (right, up)) = (view.y, rulers) else { return Vec::new() };
        if right.number(0).is_none() || self.callback().is_none() {
            return Vec::new();
        }
        let quantity = Quantity::Cpu;
        if up.number(0).is_none() {
            let across = &axes[view.x];
            let row = |row: usize| {
                let sites = self.sites(view, up.order[row], held, poller, quantity, part);
                let x = turn(&sites, Course::of(across, quantity)).value()?;
                let (low, high) = up.cell(row);
                Some(vec![(right.place(x)?, low), (right.place(x)?, high)])
            };
            return (0..up.count()).filter_map(row).collect();
        }
        let site = |row: usize, column: usize, along: usize, ruler: &Ruler, place: usize| {
            let cell = self.cell(view, right.order[column], up.order[row], held);
            self.site(cell, ruler.number(place).unwrap_or(0.0), &axes[along], (poller, quantity, part))
        };
        let grid = |of: &dyn Fn(usize, usize) -> Site| -> Vec<Vec<Site>> {
            (0..up.count()).map(|row| (0..right.count()).map(|column| of(row, column)).collect()).collect()
        };
        let field = Field {
            across: grid(&|row, column| site(row, column, view.x, right, column)),
            upward: grid(&|row, column| site(row, column, y, up, row)),
        };
        let courses = (Course::of(&axes[view.x], quantity), Course::of(&axes[y], quantity));
        joined(field.pieces(courses, right, up))
    }
}

impl Field {
    /// The line through each square of four neighbours.
    fn pieces(&self, courses: (Course, Course), right: &Ruler, up: &Ruler) -> Vec<(Spot, Spot)> {
        let flat = |row: usize, column: usize| {
            let (a, b) = (&self.across[row][column], &self.across[row][column + 1]);
            Some((right.between(column, crossing(a, b, courses.0)?), up.at(row)))
        };
        let steep = |row: usize, column: usize| {
            let (a, b) = (&self.upward[row][column], &self.upward[row + 1][column]);
            Some((right.at(column), up.between(row, crossing(a, b, courses.1)?)))
        };
        let mut pieces = Vec::new();
        for row in 0..up.count().saturating_sub(1) {
            for column in 0..right.count().saturating_sub(1) {
                let corners = [(row, column), (row, column + 1), (row + 1, column), (row + 1, column + 1)];
                let more: Option<Vec<f64>> = corners.iter().map(|(r, c)| self.across[*r][*c].more).collect();
                let Some(more) = more else { continue };
                let (bottom, top) = (flat(row, column), flat(row + 1, column));
                let (left, other) = (steep(row, column), steep(row, column + 1));
                match (bottom, top, left, other) {
                    // A saddle: the corners that are on the side of the middle are joined.
                    (Some(bottom), Some(top), Some(left), Some(other)) => {
                        let middle = more.iter().sum::<f64>() > 0.0;
                        let ends = if middle == (more[0] > 0.0) { (other, left) } else { (left, other) };
                        pieces.extend([(bottom, ends.0), (top, ends.1)]);
                    }
                    _ => {
                        let met: Vec<Spot> = [bottom, top, left, other].into_iter().flatten().collect();
                        if let [from, to] = met[..] {
                            pieces.push((from, to));
                        }
                    }
                }
            }
        }
        pieces
    }
}

/// Pieces that meet as lines. Neighbours share their crossings to the last bit.
fn joined(mut pieces: Vec<(Spot, Spot)>) -> Vec<Vec<Spot>> {
    // A cell at which both take the same to the last bit.
    pieces.retain(|(from, to)| from != to);
    let mut lines = Vec::new();
    while let Some((from, to)) = pieces.pop() {
        let mut line = std::collections::VecDeque::from([from, to]);
        loop {
            let ends = (line.front().copied(), line.back().copied());
            let meets = |(a, b): &(Spot, Spot)| [ends.0, ends.1].iter().any(|end| *end == Some(*a) || *end == Some(*b));
            let Some(next) = pieces.iter().position(meets) else { break };
            let (a, b) = pieces.swap_remove(next);
            match () {
                () if ends.1 == Some(a) => line.push_back(b),
                () if ends.1 == Some(b) => line.push_back(a),
                () if ends.0 == Some(a) => line.push_front(b),
                () => line.push_front(a),
            }
        }
        lines.push(Vec::from(line));
    }
    // From the left to the right, and always in the same order.
    for line in &mut lines {
        if line.first().zip(line.last()).is_some_and(|(first, last)| last.0 < first.0) {
            line.reverse();
        }
    }
    lines.sort_by(|a, b| a[0].0.total_cmp(&b[0].0).then(a[0].1.total_cmp(&b[0].1)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::sweep::{Axis, Setting};

    fn ruler(values: &[f64]) -> Ruler {
        Ruler::of(&Axis { key: "pv.pvs".into(), values: values.iter().map(|v| Setting::Number(*v)).collect() })
    }

    fn lines(more: &dyn Fn(f64, f64) -> Option<f64>, xs: &[f64], ys: &[f64]) -> Vec<Vec<Spot>> {
        let grid = |of: &dyn Fn(f64, f64) -> Site| -> Vec<Vec<Site>> {
            ys.iter().map(|y| xs.iter().map(|x| of(*x, *y)).collect()).collect()
        };
        let field = Field {
            across: grid(&|x, y| Site { x, late: 0.0, more: more(x, y) }),
            upward: grid(&|x, y| Site { x: y, late: 0.0, more: more(x, y) }),
        };
        joined(field.pieces((Course::Direct, Course::Direct), &ruler(xs), &ruler(ys)))
    }

    #[test]
    fn a_straight_border_is_found_exactly_and_in_one_line() {
        let found = lines(&|x, y| Some(2.0 * x + y - 7.0), &[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 3.0]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].len() >= 3);
        for (x, y) in &found[0] {
            assert!((2.0 * x + y - 7.0).abs() < 1e-9, "{x} {y}");
        }
        assert!(lines(&|_, _| Some(1.0), &[1.0, 2.0], &[1.0, 2.0]).is_empty());
    }

    #[test]
    fn an_island_is_a_closed_line_and_a_missing_cell_a_gap() {
        let hill = |x: f64, y: f64| Some(2.0 - (x - 3.0).powi(2) - (y - 3.0).powi(2));
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let island = lines(&hill, &values, &values);
        assert_eq!((island.len(), island[0].first()), (1, island[0].last()), "{island:?}");
        let gap = |x: f64, y: f64| if (x, y) == (2.0, 2.0) { None } else { hill(x, y) };
        let open = lines(&gap, &values, &values);
        assert_eq!(open.len(), 1);
        assert_ne!(open[0].first(), open[0].last());
    }

    #[test]
    fn a_saddle_joins_what_is_on_the_side_of_its_middle() {
        let saddle = |high: f64| move |x: f64, y: f64| Some(if (x == 1.0) == (y == 1.0) { high } else { -1.0 });
        for high in [3.0, 0.5] {
            let found = lines(&saddle(high), &[1.0, 2.0], &[1.0, 2.0]);
            assert_eq!(found.len(), 2, "{found:?}");
            // Each line stays on one side of the diagonal that is joined.
            let joined = |(x, y): &Spot| if high > 1.0 { y - x } else { y + x - 3.0 };
            assert!(found.iter().all(|line| line.iter().map(joined).product::<f64>() > 0.0), "{found:?}");
        }
    }
}
