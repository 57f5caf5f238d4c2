//! What goes straight into an article: tables as LaTeX, CSV and Markdown, a paragraph on the method, its references, and the figures with
//! their captions.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::content::{Content, ReportInput};
use super::grids::{Cell, Grid};
use super::markdown;
use crate::stats::interval::BOOTSTRAP_FROM;
use crate::time::Span;

/// The files, `(path below the run folder, content)`.
///
/// # Errors
/// Those of the CSV writer; writing to memory does not fail.
pub fn files(content: &Content, input: &ReportInput<'_>) -> Result<Vec<(String, Vec<u8>)>, csv::Error> {
    let mut files = Vec::new();
    let names = ["learned", "cost"];
    let tables = content.results.iter().zip(names).chain([(&content.expected, "expected")]);
    for (grid, name) in tables.filter(|(grid, _)| !grid.rows.is_empty()) {
        files.push((format!("article/{name}.tex"), latex_table(grid, name).into_bytes()));
        files.push((format!("article/{name}.csv"), csv_table(grid)?));
        files.push((format!("article/{name}.md"), (markdown::table(grid) + "\n").into_bytes()));
    }
    let setup = setup(content);
    for (name, grid) in content.verdicts.iter().map(|(name, grid)| (*name, grid)).chain([("setup", &setup)]) {
        files.push((format!("article/{name}.tex"), latex_words(grid, name).into_bytes()));
        files.push((format!("article/{name}.csv"), csv_table(grid)?));
        files.push((format!("article/{name}.md"), (markdown::table(grid) + "\n").into_bytes()));
    }
    files.push(("article/method.tex".to_owned(), method(content, input).into_bytes()));
    files.push(("article/figures.tex".to_owned(), figures(content).into_bytes()));
    files.push(("article/references.bib".to_owned(), references(input).into_bytes()));
    Ok(files)
}

/// A table with the rules of `booktabs`, intervals in brackets behind the numbers.
fn latex_table(grid: &Grid, name: &str) -> String {
    let number = |column: usize| grid.rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.number);
    let columns: String = (0..grid.head.len()).map(|column| if number(column) { 'r' } else { 'l' }).collect();
    let mut out = String::from("% Needs \\usepackage{booktabs,graphicx}.\n\\begin{table*}\n\\centering\n");
    let _ = writeln!(out, "\\caption{{{}. In brackets: 95\\,\\% intervals over repeats.}}", latex(&grid.caption));
    let _ = writeln!(
        out,
        "\\label{{tab:{name}}}\n\\resizebox{{\\textwidth}}{{!}}{{%\n\\begin{{tabular}}{{{columns}}}\n\\toprule"
    );
    let row = |cells: Vec<String>| cells.join(" & ") + " \\\\\n";
    out += &row(grid.head.iter().map(|head| latex(head)).collect());
    out += "\\midrule\n";
    for cells in &grid.rows {
        out += &row(cells.iter().map(latex_cell).collect());
    }
    out += "\\bottomrule\n\\end{tabular}}\n";
    for note in &grid.notes {
        let _ = writeln!(out, "\n\\smallskip\\footnotesize {}", latex(note));
    }
    out += "\\end{table*}\n";
    out
}

/// A table of sentences, over as many pages as it takes: the columns share the width by what stands in them.
fn latex_words(grid: &Grid, name: &str) -> String {
    let letters = |text: &str| text.chars().count();
    let longest = |column: usize| {
        let cells = grid.rows.iter().filter_map(|row| row.get(column)).map(|cell| letters(&cell.text));
        cells.chain([grid.head.get(column).map_or(0, |head| letters(head))]).max().unwrap_or(0)
    };
    // A long text may be broken, so that its column needs less than its length.
    let wants: Vec<f64> = (0..grid.head.len()).map(|column| (longest(column) as f64).sqrt()).collect();
    let all: f64 = wants.iter().sum();
    let columns: String = wants
        .iter()
        .map(|want| format!(">{{\\raggedright\\arraybackslash}}p{{{:.3}\\linewidth}}", 0.88 * want / all))
        .collect();
    let row = |cells: Vec<String>| cells.join(" & ") + " \\\\\n";
    let head = row(grid.head.iter().map(|head| latex(head)).collect());
    let mut out = String::from("% Needs \\usepackage{array,booktabs,longtable}.\n{\\footnotesize\n");
    let _ = writeln!(out, "\\begin{{longtable}}{{{columns}}}");
    let _ = writeln!(out, "\\caption{{{}.}}\\label{{tab:{name}}}\\\\", latex(&grid.caption));
    let _ = write!(
        out,
        "\\toprule\n{head}\\midrule\n\\endfirsthead\n\\toprule\n{head}\\midrule\n\\endhead\n\\bottomrule\n\\endfoot\n"
    );
    for cells in &grid.rows {
        out += &row(cells.iter().map(latex_cell).collect());
    }
    out + "\\end{longtable}\n}\n"
}

/// What was run on what, and the command: all that another person needs.
fn setup(content: &Content) -> Grid {
    let command = [("Command".to_owned(), content.command.clone())];
    let version = [("Program".to_owned(), format!("pollcost {}", env!("CARGO_PKG_VERSION")))];
    let rows = command.iter().chain(&version).chain(&content.setup);
    Grid {
        caption: "What was run on what, to be repeated".to_owned(),
        head: ["What", "Value"].map(str::to_owned).to_vec(),
        rows: rows.map(|(name, value)| vec![Cell::words(name), Cell::words(value)]).collect(),
        notes: Vec::new(),
    }
}

fn latex_cell(cell: &Cell) -> String {
    match &cell.interval {
        Some(interval) => format!("{} ({})", latex(&cell.marked()), latex(interval)),
        None => latex(&cell.marked()),
    }
}

/// Numbers as they are shown, with their intervals in a column of their own.
fn csv_table(grid: &Grid) -> Result<Vec<u8>, csv::Error> {
    let has_interval =
        |column: usize| grid.rows.iter().any(|row| row.get(column).is_some_and(|c| c.interval.is_some()));
    let mut table = csv::Writer::from_writer(Vec::new());
    for (column, head) in grid.head.iter().enumerate() {
        table.write_field(head)?;
        if has_interval(column) {
            table.write_field(format!("{head}, 95 % interval"))?;
        }
    }
    table.write_record(None::<&[u8]>)?;
    for row in &grid.rows {
        for (column, cell) in row.iter().enumerate() {
            table.write_field(cell.marked())?;
            if has_interval(column) {
                table.write_field(cell.interval.as_deref().unwrap_or_default())?;
            }
        }
        table.write_record(None::<&[u8]>)?;
    }
    table.into_inner().map_err(|e| csv::Error::from(e.into_error()))
}

/// How it was measured, in a paragraph.
fn method(content: &Content, input: &ReportInput<'_>) -> String {
    let scenario = input.scenario;
    let clients = scenario.clients.len();
    let repeats = scenario.repeats;
    let window =
        Span(scenario.clients.iter().map(|client| scenario.window_of(client).0).min().unwrap_or(scenario.window.0));
    let machine = [input.host.cpu_model.as_deref(), input.host.kernel.as_deref()];
    let machine: Vec<String> = machine.into_iter().flatten().map(latex).collect();
    let on = if machine.is_empty() { String::new() } else { format!(" on {}", machine.join(", ")) };
    let how = match input.simulated {
        Some(note) => format!(
            "The IOC and the clients were simulated in virtual time with pollcost~\\cite{{pollcost}}; link: {}; host: {}. Delays and misses follow from \
             the scenario, processor time from assumed costs.",
            latex(&note.link),
            latex(&note.host)
        ),
        None => format!(
            "Each client and the IOC ran as processes of their own and spoke Channel Access~\\cite{{epics-ca}} over the loopback interface, measured with \
             pollcost~\\cite{{pollcost}}{on}. Processor time is that of all threads of a process, from its own clock."
        ),
    };
    format!(
        "% Generated by pollcost {version}. The command that repeats it: {command}\n\
         {how} {pvs} PVs changed as scenario \\texttt{{{name}}} says (seed {seed}); {clients} clients were {got} {times} each, from a fresh start, in an order \
         that changes between repeats, in windows of at least {window}. Notice latency is taken over every change, from its becoming visible at the \
         IOC to the client's first having a value at least as new, so that a change that was overwritten before it was read counts too. Age of \
         information is defined as in~\\cite{{kaul2012}}. Numbers are means over repeats with 95\\,\\% intervals ({interval}); a percentile is given only where \
         at least ten samples lie beyond it. Expected values follow from the achieved poll periods and the rate of changes as residual waiting \
         times~\\cite{{cox1962}}.{probes}{verdicts}\n",
        version = env!("CARGO_PKG_VERSION"),
        command = content.command,
        pvs = scenario.pvs.len(),
        name = latex(&scenario.name),
        seed = scenario.seed,
        got = content.got,
        times = if repeats == 1 { "once".to_owned() } else { format!("{repeats} times") },
        window = latex(&window.to_string()),
        interval = if (repeats as usize) < BOOTSTRAP_FROM { "Student's $t$" } else { "bootstrap-$t$" },
        probes = probed(input),
        verdicts = if content.verdicts.iter().any(|(name, _)| *name == "expectations") { DECIDED } else { "" },
    )
}

/// How verdicts were come to.
const DECIDED: &str = " Each expectation was written down before the run. It holds when the whole 95\\,\\% interval says so, does not hold when the \
     whole interval says the contrary, and is inconclusive otherwise; two clients were compared by the ratio of their values in each \
     repeat, and equality by equivalence with a tolerance~\\cite{schuirmann1987}. A claim holds when all that was expected of it does. Verdicts \
     are not corrected for their number.";

/// How probes were run; nothing without any.
fn probed(input: &ReportInput<'_>) -> String {
    let versions: BTreeSet<&str> =
        input.summary.probes.iter().filter_map(|probe| Some(probe.remarks.get("python")?.as_str())).collect();
    if versions.is_empty() {
        return String::new();
    }
    format!(
        " Experiments on interpreters (Python {}) ran between the clients, once in each repeat, in processes of their own.",
        latex(&versions.into_iter().collect::<Vec<_>>().join(", "))
    )
}

/// Every figure with its caption. The files are those of `pollcost report RUN --profile ieee --format pdf`.
fn figures(content: &Content) -> String {
    let mut out = String::from(
        "% Needs \\usepackage{graphicx}, and the files of: pollcost report RUN --profile ieee --format pdf\n\
         % (nature, ieee-two, slide: the same with another profile and folder).\n",
    );
    for figure in &content.figures {
        let notes: String = figure.notes.iter().map(|note| format!(" {}", latex(note))).collect();
        let _ = write!(
            out,
            "\n\\begin{{figure}}\n\\centering\n\\includegraphics{{figures/ieee/{id}.pdf}}\n\\caption{{{title} {caption}{notes}}}\n\\label{{fig:{id}}}\n\\end{{figure}}\n",
            id = figure.id,
            title = latex(&figure.title),
            caption = latex(&figure.caption),
        );
    }
    out
}

fn references(input: &ReportInput<'_>) -> String {
    let year = input.when.get(..4).filter(|year| year.bytes().all(|b| b.is_ascii_digit()));
    let year = year.map_or(String::new(), |year| format!("  year    = {{{year}}},\n"));
    format!(
        "@misc{{pollcost,\n  key     = {{pollcost}},\n  title   = {{pollcost: what polling costs against being called back, over EPICS Channel Access}},\n  note    = {{Version {}}},\n{year}}}\n\n\
         @manual{{epics-ca,\n  title        = {{EPICS Channel Access Protocol Specification}},\n  organization = {{EPICS Collaboration}},\n  url          = \
         {{https://docs.epics-controls.org/en/latest/internal/ca_protocol.html}},\n}}\n\n\
         @inproceedings{{kaul2012,\n  author    = {{Kaul, Sanjit and Yates, Roy and Gruteser, Marco}},\n  title     = {{Real-time status: How often should one \
         update?}},\n  booktitle = {{Proceedings IEEE INFOCOM}},\n  year      = {{2012}},\n  pages     = {{2731--2735}},\n  doi       = \
         {{10.1109/INFCOM.2012.6195689}},\n}}\n\n\
         @book{{cox1962,\n  author    = {{Cox, David R.}},\n  title     = {{Renewal Theory}},\n  publisher = {{Methuen}},\n  year      = {{1962}},\n}}\n\n\
         @article{{schuirmann1987,\n  author  = {{Schuirmann, Donald J.}},\n  title   = {{A comparison of the two one-sided tests procedure and the \
         power approach for assessing the equivalence of average bioavailability}},\n  journal = {{Journal of Pharmacokinetics and \
         Biopharmaceutics}},\n  volume  = {{15}},\n  year    = {{1987}},\n  pages   = {{657--680}},\n  doi     = {{10.1007/BF01068419}},\n}}\n",
        env!("CARGO_PKG_VERSION"),
    )
}

/// A text without anything that LaTeX would take for its own.
fn latex(plain: &str) -> String {
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
    use crate::report::synthetic::{self, Wish};

    fn written() -> Vec<(String, String)> {
        let wish = Wish::default();
        let (summary, scenario, host) = (wish.summary(), wish.scenario(), synthetic::host());
        let input = synthetic::input(&summary, &scenario, &host);
        let made = files(&Content::new(&input), &input).unwrap();
        made.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
    }

    #[test]
    fn latex_is_balanced_and_plain_ascii_where_it_must_be() {
        for (name, text) in written().into_iter().filter(|(name, _)| name.ends_with(".tex") || name.ends_with(".bib")) {
            let count = |c: char| text.replace("\\{", "").replace("\\}", "").matches(c).count();
            assert_eq!(count('{'), count('}'), "{name}");
            assert_eq!(text.matches("\\begin{").count(), text.matches("\\end{").count(), "{name}");
            assert!(text.is_ascii(), "{name}: {:?}", text.chars().find(|c| !c.is_ascii()));
        }
    }

    #[test]
    fn every_citation_has_its_reference() {
        let files = written();
        let of = |name: &str| &files.iter().find(|(found, _)| found == name).unwrap().1;
        let (method, references) = (of("article/method.tex"), of("article/references.bib"));
        for key in method.split("\\cite{").skip(1).filter_map(|part| part.split('}').next()) {
            assert!(references.contains(&format!("{{{key},")), "{key}");
        }
        assert!(method.contains("3 times each"), "{method}");
    }

    #[test]
    fn a_table_as_csv_has_its_intervals_apart() {
        let files = written();
        let csv = &files.iter().find(|(found, _)| found == "article/learned.csv").unwrap().1;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        assert!(reader.headers().unwrap().iter().any(|h| h == "Notice latency, mean, 95 % interval"));
        assert_eq!(reader.records().map(Result::unwrap).count(), 6);
    }

    #[test]
    fn words_cannot_become_commands() {
        assert_eq!(latex("a_b 5 % \\x µs"), "a\\_b 5 \\% \\textbackslash{}x \\textmu{}s");
    }
}
