//! `pollcost report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ColorFlag, ThemeFlag};

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  pollcost report reports/quickstart-20260102T030405Z
  pollcost report RUN -o slides --theme dark
  pollcost report RUN --profile ieee --figures ecdf,timeline --format pdf
  pollcost report RUN --profile ieee --clients monitor,poll-10ms
  pollcost report RUN --format csv,json                  the data of every figure; what was written, as JSON
  pollcost report BEFORE AFTER -o comparison             two or more runs side by side
  pollcost report SWEEP                                  over the cells of a sweep, or of the folder of --all
  pollcost report RUN -o again --from-facts              all numbers anew from emissions.csv and observations.csv

With --profile, --figures, --clients, --dpi or a format of figures, only figures are written: below OUT/figures/, or OUT/figures/PROFILE/ for another
profile than screen.";

#[derive(Debug, Args)]
pub(crate) struct ReportFlags {
    /// The folder of a run, of a sweep or of `--all`; several runs: a report that sets them side by side
    #[arg(required = true)]
    pub(crate) run: Vec<PathBuf>,
    /// Where the report goes [default: the run folder, which must then be the only one]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Colours of the report and its figures [default: those of the profile, else light]
    #[arg(long)]
    pub(crate) theme: Option<ThemeFlag>,
    /// Where the figures will stand: `screen`, `screen-dark`, `slide`, `ieee` (one column), `ieee-two` (two columns), `nature` (one column)
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Only these figures: whole names, or a part that only one of them has
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) figures: Option<Vec<String>>,
    /// Only these clients in figures, so that those of many clients stay clear
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) clients: Option<Vec<String>>,
    /// Pixels an inch of PNG figures [default: that of the profile]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(30..=2400))]
    pub(crate) dpi: Option<u32>,
    /// Derive every number anew from the tables of facts, instead of taking those that were saved with the run
    #[arg(long)]
    pub(crate) from_facts: bool,
    /// Count the scenario's expectations in the exit code: 1 if one does not hold, else 3 if one is inconclusive
    #[arg(long)]
    pub(crate) check: bool,
    /// How results are printed (text, json), and which files of figures are written (svg, png, pdf, csv)
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "text")]
    pub(crate) format: Vec<ReportFormatFlag>,
    /// Results and errors only: no progress, no remarks
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Whether to colour what is printed
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorFlag,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum ReportFormatFlag {
    Text,
    Json,
    Svg,
    Png,
    Pdf,
    Csv,
}
