//! Tables as LaTeX that a column-wise journal takes: floats over both columns, in letters that can be read.

use std::fmt::Write;

use super::grids::{Cell, Grid};

/// Letters of a table's text that fit on a line over both columns of an IEEE journal, at the size of a footnote.
const LETTERS: f64 = 125.0;
/// Letters of a word and the space behind it, on average.
const WORD: f64 = 5.5;
/// Lines of text that fit on a page together with head and caption.
const LINES: usize = 52;
/// What brackets are, for the caption.
const BRACKETS: &str = " In brackets: 95\\,\\% intervals over repeats.";
/// Less air between columns than TeX leaves.
const NARROW: &str = "\\setlength{\\tabcolsep}{3pt}%\n";
/// Part of the width that the air of a column takes.
const AIR: f64 = 0.012;
/// A head longer than this is broken between its words.
const HEAD: usize = 9;

/// A table of numbers with the rules of `booktabs`, as many floats of it as it takes. Where a line would be too long, each interval stands
/// under its number; only where even that does not do is it made smaller.
#[must_use]
pub(super) fn numbers(grid: &Grid, name: &str) -> String {
    let number = |column: usize| grid.rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.number));
    let columns: String = (0..grid.head.len()).map(|column| if number(column) { 'r' } else { 'l' }).collect();
    let has_interval = |cells: &[Cell]| cells.iter().any(|cell| cell.interval.is_some());
    let brackets = if grid.rows.iter().any(|row| has_interval(row)) { BRACKETS } else { "" };
    let stacks = letters_across(grid) > LETTERS;
    let lines = |cells: &Vec<Cell>| if stacks && has_interval(cells) { 2 } else { 1 };
    let mut out = String::from("% Needs \\usepackage{booktabs,graphicx}.\n");
    let pages = pages(&grid.rows, lines);
    for (page, rows) in pages.iter().enumerate() {
        out += &opening(&format!("{}.{brackets}", escaped(&grid.caption)), name, page);
        out += NARROW;
        out += "\\resizebox{\\ifdim\\width>\\textwidth\\textwidth\\else\\width\\fi}{!}{%\n";
        let _ = writeln!(out, "\\begin{{tabular}}{{{columns}}}\n\\toprule");
        let heads = grid.head.iter().enumerate();
        out += &row(heads.map(|(column, head)| stacked_head(head, number(column), stacks)).collect());
        out += "\\midrule\n";
        for cells in *rows {
            out += &row(cells.iter().map(|cell| if stacks { stacked(cell) } else { in_brackets(cell) }).collect());
        }
        out += "\\bottomrule\n\\end{tabular}}\n";
        for note in grid.notes.iter().filter(|_| page + 1 == pages.len()) {
            let _ = writeln!(out, "\n\\smallskip\\footnotesize {}", escaped(note));
        }
        out += "\\end{table*}\n";
    }
    out
}

/// How a float begins; what goes on from a page before keeps its number.
fn opening(caption: &str, name: &str, page: usize) -> String {
    let caption = match page {
        0 => format!("\\caption{{{caption}}}\n\\label{{tab:{name}}}"),
        _ => format!("\\addtocounter{{table}}{{-1}}\n\\caption{{{} (continued).}}", caption.trim_end_matches('.')),
    };
    format!("\\begin{{table*}}\n\\centering\\footnotesize\n{caption}\n")
}

/// Letters of a cell, its interval in brackets behind it.
fn length(cell: &Cell) -> usize {
    cell.text.chars().count() + cell.interval.as_ref().map_or(0, |interval| interval.chars().count() + 3)
}

/// Letters of the longest cells side by side, with the air between them.
fn letters_across(grid: &Grid) -> f64 {
    let of_column = |column: usize| {
        let cells = grid.rows.iter().filter_map(|row| row.get(column)).map(length);
        cells.chain(grid.head.get(column).map(|head| head.chars().count())).max().unwrap_or(0) + 2
    };
    (0..grid.head.len()).map(of_column).sum::<usize>() as f64
}

/// A table of sentences: the columns share the width by what stands in them. What does not fit on a page goes on in another float, for
/// tables that break by themselves (`longtable`) are not to be had in two columns.
#[must_use]
pub(super) fn words(grid: &Grid, name: &str) -> String {
    let parts = parts(grid);
    let columns: String =
        parts.iter().map(|part| format!(">{{\\raggedright\\arraybackslash}}p{{{part:.3}\\linewidth}}")).collect();
    let lines = |cells: &Vec<Cell>| {
        // Of a narrow column about a word of each line stays empty.
        let on_line = |part: &f64| (part * LETTERS - WORD).max(WORD);
        let of_cell = |(cell, part): (&Cell, &f64)| (length(cell) as f64 / on_line(part)).ceil().max(1.0);
        cells.iter().zip(&parts).map(of_cell).fold(1.0, f64::max) as usize
    };
    let mut out = String::from("% Needs \\usepackage{array,booktabs}.\n");
    for (page, rows) in pages(&grid.rows, lines).into_iter().enumerate() {
        out += &opening(&format!("{}.", escaped(&grid.caption)), name, page);
        out += NARROW;
        let _ = writeln!(out, "\\begin{{tabular}}{{{columns}}}\n\\toprule");
        out += &row(grid.head.iter().map(|head| escaped(head)).collect());
        out += "\\midrule\n";
        for cells in rows {
            out += &row(cells.iter().map(in_brackets).collect());
        }
        out += "\\bottomrule\n\\end{tabular}\n\\end{table*}\n";
    }
    out
}

/// Which part of the page's width each column takes: by what stands in it, and room for its longest word at least.
fn parts(grid: &Grid) -> Vec<f64> {
    let count = grid.head.len();
    let texts = |column: usize| {
        let cells = grid.rows.iter().filter_map(move |row| row.get(column)).map(|cell| cell.text.as_str());
        cells.chain(grid.head.get(column).map(String::as_str))
    };
    let longest = |column: usize| {
        let cells = grid.rows.iter().filter_map(|row| row.get(column)).map(length);
        cells.chain(grid.head.get(column).map(|head| head.chars().count())).max().unwrap_or(0) as f64
    };
    // TeX breaks words at their hyphens.
    let word = |column: usize| texts(column).flat_map(|text| text.split([' ', '-'])).map(|w| w.chars().count()).max();
    let needs: Vec<f64> = (0..count).map(|column| 1.25 * (word(column).unwrap_or(0) + 1) as f64 / LETTERS).collect();
    // A long text may be broken, so that its column needs less than its length.
    let wants: Vec<f64> = (0..count).map(|column| longest(column).sqrt().max(1.0)).collect();
    let whole = 0.99 - AIR * count as f64;
    let mut fixed = vec![false; count];
    loop {
        let taken: f64 = (0..count).filter(|k| fixed[*k]).map(|k| needs[k]).sum();
        let all: f64 = (0..count).filter(|k| !fixed[*k]).map(|k| wants[k]).sum();
        let part = |k: usize| if fixed[k] { needs[k] } else { (whole - taken).max(0.0) * wants[k] / all };
        let short: Vec<usize> = (0..count).filter(|k| !fixed[*k] && part(*k) < needs[*k]).collect();
        if short.is_empty() {
            let parts: Vec<f64> = (0..count).map(part).collect();
            let sum: f64 = parts.iter().sum();
            return parts.into_iter().map(|part| part * (whole / sum).min(1.0)).collect();
        }
        short.into_iter().for_each(|k| fixed[k] = true);
    }
}

/// The rows in stretches of which each fits on a page.
fn pages(rows: &[Vec<Cell>], lines: impl Fn(&Vec<Cell>) -> usize) -> Vec<&[Vec<Cell>]> {
    let mut pages = Vec::new();
    let (mut from, mut used) = (0, 0);
    for (place, cells) in rows.iter().enumerate() {
        let more = lines(cells);
        if place > from && used + more > LINES {
            pages.push(&rows[from..place]);
            (from, used) = (place, 0);
        }
        used += more;
    }
    if from < rows.len() {
        pages.push(&rows[from..]);
    }
    pages
}

fn row(cells: Vec<String>) -> String {
    cells.join(" & ") + " \\\\\n"
}

fn in_brackets(cell: &Cell) -> String {
    match &cell.interval {
        Some(interval) => format!("{} ({})", escaped(&cell.marked()), escaped(interval)),
        None => escaped(&cell.marked()),
    }
}

/// The number, and under it its interval in smaller letters.
fn stacked(cell: &Cell) -> String {
    let Some(interval) = &cell.interval else { return escaped(&cell.marked()) };
    // A dash between numbers that have a sign would be taken for one.
    let range = if interval.contains('−') { escaped(interval) } else { escaped(interval).replace(" to ", "--") };
    let number = escaped(&cell.marked());
    format!("\\begin{{tabular}}[t]{{@{{}}r@{{}}}}{number}\\\\[-1pt]\\scriptsize({range})\\end{{tabular}}")
}

/// A head in lines of a few letters.
fn stacked_head(head: &str, number: bool, stacks: bool) -> String {
    if !stacks {
        return escaped(head);
    }
    let mut lines: Vec<String> = Vec::new();
    for word in head.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= HEAD => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() < 2 {
        return escaped(head);
    }
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    format!("\\shortstack[{}]{{{}}}", if number { 'r' } else { 'l' }, lines.join("\\\\"))
}

/// A text without anything that LaTeX would take for its own.
#[must_use]
pub(super) fn escaped(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len() + 8);
    for c in plain.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out += "\\textbackslash{}",
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '<' | '>' => out.extend(['$', c, '$']),
            '†' => out += "\\textdagger{}",
            '‡' => out += "\\textdaggerdbl{}",
            'µ' => out += "\\textmu{}",
            '–' => out += "--",
            // Two hyphens would be set as a dash.
            '-' if out.ends_with('-') => out += "{}-",
            '−' => out += "$-$",
            '×' => out += "$\\times$",
            'λ' => out += "$\\lambda$",
            '…' => out += "\\ldots{}",
            '“' => out += "``",
            '”' => out += "''",
            '\u{a0}' => out.push('~'),
            '\n' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_become_commands() {
        assert_eq!(escaped("a_b 5 % \\x µs"), "a\\_b 5 \\% \\textbackslash{}x \\textmu{}s");
        assert_eq!(escaped("run --seed 1, 2–3"), "run -{}-seed 1, 2--3");
    }

    fn cell(text: &str, interval: Option<&str>) -> Cell {
        Cell { interval: interval.map(str::to_owned), ..Cell::plain(text) }
    }

    #[test]
    fn an_interval_stands_under_its_number() {
        let short = cell("58.9 µs", Some("58.7 to 59.1"));
        assert_eq!(
            stacked(&short),
            "\\begin{tabular}[t]{@{}r@{}}58.9 \\textmu{}s\\\\[-1pt]\\scriptsize(58.7--59.1)\\end{tabular}"
        );
        assert!(stacked(&cell("1", Some("−1 to 3"))).contains("($-$1 to 3)"), "a sign is no dash");
        assert_eq!(stacked_head("CPU per change noticed", true, true), "\\shortstack[r]{CPU per\\\\change\\\\noticed}");
        assert_eq!(stacked_head("Missed", true, true), "Missed");
    }

    #[test]
    fn what_does_not_fit_on_a_page_goes_on_in_another_float() {
        let row = |k: usize| vec![Cell::words(format!("row {k}")), Cell::words("word ".repeat(60))];
        let grid = Grid {
            caption: "Many words".to_owned(),
            head: ["What", "Words"].map(str::to_owned).to_vec(),
            rows: (0..40).map(row).collect(),
            notes: Vec::new(),
        };
        let text = words(&grid, "many");
        let floats = text.matches("\\begin{table*}").count();
        assert!(floats > 1, "{floats}");
        assert_eq!((text.matches("\\label").count(), text.matches("(continued)").count()), (1, floats - 1));
        assert_eq!(text.matches("row ").count(), 40, "no row is lost or twice there");
        assert!(!text.contains("longtable"));
    }
}
