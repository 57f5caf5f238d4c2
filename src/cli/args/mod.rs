//! The flags as they are written, before anything is believed: a file for each command.

mod compare;
mod doctor;
mod ioc;
mod measure;
mod merge;
mod predict;
mod python;
mod report;
mod run;
mod scenarios;
mod simulate;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::exit;
use crate::scenario::duration::parse_duration;
use crate::time::Span;
pub(crate) use compare::{BaselineFlags, CompareFlags, CompareFormatFlag, HistoryFlags, HistoryFormatFlag};
pub(crate) use doctor::DoctorFlags;
pub(crate) use ioc::IocFlags;
pub(crate) use measure::MeasureFlags;
pub(crate) use merge::MergeFlags;
pub(crate) use predict::{FetchFlag, PacingFlag, PatternFlag, PredictFlags};
pub(crate) use python::PythonFlags;
pub(crate) use report::{ReportFlags, ReportFormatFlag};
pub(crate) use run::RunFlags;
pub(crate) use scenarios::ScenariosFlags;
pub(crate) use simulate::SimulateFlags;

const EXAMPLES: &str = "\
Examples:
  pollcost                                     measure the scenario `quickstart`: about a minute
  pollcost scenarios                           which scenarios there are
  pollcost scenarios quickstart > mine.toml    start a scenario of your own
  pollcost run mine.toml                       measure it
  pollcost simulate mine.toml                  the same in virtual time
  pollcost compare baseline.json out           whether a run is worse than before
  pollcost predict --rate 10 --period 10ms,1s  what to expect, without a run
  pollcost ioc mine.toml                       serve its PVs to any EPICS client
  pollcost python                              set up Python for its clients
  pollcost doctor                              what this machine can measure";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  pollcost completions bash > ~/.local/share/bash-completion/completions/pollcost
  pollcost completions fish > ~/.config/fish/completions/pollcost.fish";

/// What does polling cost, against being called back?
///
/// Runs a simulated EPICS IOC, polling clients and callback clients as processes of their own, over real Channel Access, and
/// reports how late each client noticed a change, what it missed, what it asked for in vain, and the processor time of both.
///
/// Without a command it runs the built-in scenario `quickstart`.
#[derive(Debug, Parser)]
#[command(name = "pollcost", version, after_help = format!("{EXAMPLES}\n\n{}", exit::HELP))]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true, max_term_width = 110)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a scenario live, and write a run folder with facts, summary, figures and a report
    #[command(after_help = format!("{}\n\n{}", run::RUN_EXAMPLES, exit::HELP))]
    Run {
        /// A built-in's name, or a TOML file
        #[arg(default_value = super::DEFAULT_SCENARIO, conflicts_with = "all")]
        scenario: String,
        #[command(flatten)]
        flags: RunFlags,
    },
    /// Run a scenario in virtual time: the same for a seed on every machine, same run folder and report
    #[command(after_help = format!("{}\n\n{}", simulate::SIMULATE_EXAMPLES, exit::HELP))]
    Simulate(SimulateFlags),
    /// Say what to expect of pollers and of a callback, without a run
    #[command(after_help = format!("{}\n\n{}", predict::PREDICT_EXAMPLES, exit::HELP))]
    Predict(PredictFlags),
    /// Serve a scenario's PVs over Channel Access until Ctrl-C, then tell what each client asked for
    #[command(after_help = ioc::IOC_EXAMPLES)]
    Ioc(IocFlags),
    /// Measure what this machine can tell: timers, loopback TCP, clocks, counters, load
    #[command(after_help = doctor::DOCTOR_EXAMPLES)]
    Doctor(DoctorFlags),
    /// Set up Python interpreters for the clients that come with it: virtual environments with pinned client libraries
    #[command(after_help = format!("{}\n\n{}", python::PYTHON_EXAMPLES, exit::HELP))]
    Python(PythonFlags),
    /// List the built-in scenarios, or print one as TOML
    #[command(after_help = scenarios::SCENARIOS_EXAMPLES)]
    Scenarios(ScenariosFlags),
    /// Draw the report of a run folder again, only its figures for an article or a slide, or several runs side by side
    #[command(after_help = report::REPORT_EXAMPLES)]
    Report(ReportFlags),
    /// Put the shards of a sweep together: what one machine would have made
    #[command(after_help = format!("{}\n\n{}", merge::MERGE_EXAMPLES, exit::HELP))]
    Merge(MergeFlags),
    /// Say whether one run is worse than another: counters first, times second
    #[command(after_help = format!("{}\n\n{}", compare::COMPARE_EXAMPLES, exit::HELP))]
    Compare(Box<CompareFlags>),
    /// Keep what later runs are compared with
    #[command(subcommand, after_help = compare::BASELINE_EXAMPLES)]
    Baseline(BaselineFlags),
    /// Say where a series of runs changed, and what drifts
    #[command(after_help = compare::HISTORY_EXAMPLES)]
    History(HistoryFlags),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// The IOC of a run, told what to do on standard input
    #[command(hide = true)]
    InternalIoc,
    /// A native client of a run, told what to do on standard input
    #[command(hide = true)]
    InternalClient,
    /// A CPU-bound process beside a client, until standard input closes
    #[command(hide = true)]
    InternalHog,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct VoiceFlags {
    /// How results are printed
    #[arg(long, default_value = "text")]
    pub(crate) format: FormatFlag,
    /// Results and errors only: no progress, no remarks
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Whether to colour what is printed
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorFlag,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FactsFlag {
    News,
    Full,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TablesFlag {
    Csv,
    Parquet,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum FormatFlag {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum ColorFlag {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum ThemeFlag {
    Light,
    Dark,
}

/// A duration as people write it.
fn duration(text: &str) -> Result<Span, String> {
    parse_duration(text).map_err(|e| format!("{e}; {}", e.advice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Flags::command().debug_assert();
    }
}
