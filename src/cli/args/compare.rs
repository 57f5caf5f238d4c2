//! `pollcost compare`, `pollcost baseline` and `pollcost history`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ColorFlag, FetchFlag, duration};
use crate::time::Span;

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  pollcost compare baseline.json out
  pollcost compare main-run this-run --policy policy.toml --format markdown
  pollcost compare --run 'python3 old.py' --run 'python3 new.py'
  pollcost compare --run ./pollcost-main --run ./target/release/pollcost --clients monitor,poll-10ms --duration 300ms
  pollcost compare --schema

Two run folders or baselines are compared from the values of their repeats. With --run twice, two clients (command lines), two
scenarios (TOML files) or two builds of pollcost are measured in turn, A B B A, with A against itself as a control.";

pub(super) const BASELINE_EXAMPLES: &str = "\
Examples:
  pollcost run mine.toml --repeats 10 -o out && pollcost baseline save out baseline.json
  pollcost baseline show baseline.json
  pollcost baseline update baseline.json out --policy policy.toml";

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  pollcost history baselines
  pollcost history baselines -o figures --format markdown

DIR holds baselines (*.json) or run folders. Each metric is looked over for steps (E-divisive) and for a slow
drift (Mann and Kendall), and the two are told apart.";

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum CompareFormatFlag {
    Text,
    Json,
    Markdown,
    Junit,
    Github,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["base", "runs", "schema"])))]
pub(crate) struct CompareFlags {
    /// A run folder or a baseline: what it was
    #[arg(requires = "new", conflicts_with_all = ["runs", "schema"])]
    pub(crate) base: Option<PathBuf>,
    /// A run folder or a baseline: what it is now
    pub(crate) new: Option<PathBuf>,
    /// Twice: what is measured in turn; a command line, a TOML file, or a build of pollcost
    #[arg(long = "run", value_name = "A", conflicts_with = "schema")]
    pub(crate) runs: Vec<String>,
    /// With --run: the scenario that command lines and builds are measured in
    #[arg(long, value_name = "SCENARIO", requires = "runs", default_value = crate::cli::DEFAULT_SCENARIO)]
    pub(crate) scenario: String,
    /// With --run: length of each measuring window
    #[arg(long, value_name = "TIME", requires = "runs", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) duration: Option<Span>,
    /// With --run: repeats of each side [default: the policy's: 10, then 20 and 40 as long as the verdict is inconclusive]
    #[arg(long, value_name = "N", requires = "runs", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) repeats: Option<u32>,
    /// With --run: go on to so many repeats of each side, twice as many each time, as long as the verdict is inconclusive
    #[arg(long, value_name = "N", requires = "runs", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) most_repeats: Option<u32>,
    /// With --run: only these clients of the scenario
    #[arg(long, value_name = "A,B", requires = "runs", value_delimiter = ',')]
    pub(crate) clients: Option<Vec<String>>,
    /// With --run of a command line: how the client gets values [default: it is called back]
    #[arg(long, value_name = "HOW", requires = "runs")]
    pub(crate) fetch: Option<FetchFlag>,
    /// With --run and --fetch: its poll period
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "fetch")]
    pub(crate) period: Option<Span>,
    /// With --run: leave processors to the scheduler and let them sleep [default: IOC and client share one that is kept awake, so that neither
    /// their placement nor its waking is noise]
    #[arg(long, requires = "runs")]
    pub(crate) unsteady: bool,
    /// A TOML file: metrics, least effects, level, repeats, what an inconclusive counts as
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Write the comparison as JSON there, too
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How it is printed; github: annotations, and a summary of the job where GITHUB_STEP_SUMMARY names its file
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: CompareFormatFlag,
    /// Rows that pass, too
    #[arg(long)]
    pub(crate) all: bool,
    /// Print the JSON schema of a comparison
    #[arg(long)]
    pub(crate) schema: bool,
    /// No progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Whether to colour what is printed
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorFlag,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineFlags {
    /// Make a baseline of a run folder
    Save {
        /// The run folder
        run: PathBuf,
        /// The baseline
        file: PathBuf,
    },
    /// Print what a baseline says
    Show {
        /// The baseline, or a run folder
        file: PathBuf,
        /// How it is printed
        #[arg(long, default_value = "text")]
        format: super::FormatFlag,
    },
    /// Say what changed, and replace a baseline with that of a run folder
    Update {
        /// The baseline
        file: PathBuf,
        /// The run folder
        run: PathBuf,
        /// A TOML file: metrics, least effects and level of what is said to have changed
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum HistoryFormatFlag {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryFlags {
    /// Where baselines or run folders are
    pub(crate) dir: PathBuf,
    /// Where figures go [default: none are drawn]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// A TOML file: metrics, least effects and level
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Seed of the permutation tests
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: HistoryFormatFlag,
}
