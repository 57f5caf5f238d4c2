//! The flags as they are written, before anything is believed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::exit;
use crate::io::request::LinkChoice;
use crate::scenario::duration::parse_duration;
use crate::simulate::{Budget, Delay, Link};
use crate::time::Span;

/// Of a log-normal delay: with 3, one in a hundred is a thousand times the median.
const LARGEST_SIGMA: f64 = 3.0;

const EXAMPLES: &str = "\
Examples:
  pollcost                                     measure the scenario `quickstart`: about a minute
  pollcost scenarios                           which scenarios there are
  pollcost scenarios quickstart > mine.toml    start a scenario of your own
  pollcost run mine.toml                       measure it
  pollcost simulate mine.toml                  the same in virtual time
  pollcost predict --rate 10 --period 10ms,1s  what to expect, without a run
  pollcost ioc mine.toml                       serve its PVs to any EPICS client";

const RUN_EXAMPLES: &str = "\
Examples:
  pollcost run
  pollcost run mine.toml -o out --clients monitor,poll-10ms
  pollcost run quickstart --duration 1s --repeats 2 --format json

SCENARIO is a built-in's name (see `pollcost scenarios`) or a path to a TOML file.";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  pollcost simulate
  pollcost simulate mine.toml --duration 1h --link lognormal:80us,0.5
  pollcost run mine.toml -o live && pollcost simulate mine.toml --link from:live -o simulated

The program's own clients and IOC are joined by a model of link and host. Processor time, wake-ups and bytes are modelled. Facts
are only counted, so that a long simulation takes no more memory than a short one, unless --facts asks for their tables.";

const PREDICT_EXAMPLES: &str = "\
Examples:
  pollcost predict --rate 10 --pvs 100 --period 10ms,100ms,1s
  pollcost predict --rate 5 --pattern poisson --period 100ms -o prediction
  pollcost predict --rate 10 --budget 'notice_p99<50ms,cpu<5%'
  pollcost predict mine.toml

Latencies, ages and fractions follow from closed forms; round trips and processor time from the models of `pollcost simulate`.
A budget may limit notice_mean, notice_p50, notice_p90, notice_p99, age_mean, age_p99, age_peak, missed, redundant, cpu, cpu_client,
cpu_ioc, requests and wakeups. It is answered by the longest sleep that keeps it, or that only a callback does.";

const IOC_EXAMPLES: &str = "\
Examples:
  pollcost ioc types
  EPICS_CA_AUTO_ADDR_LIST=NO EPICS_CA_ADDR_LIST=127.0.0.1 camonitor TEST:DOUBLE

  pollcost ioc mine.toml --port 15064
  EPICS_CA_AUTO_ADDR_LIST=NO EPICS_CA_ADDR_LIST=127.0.0.1:15064 caget TEST:CALC00

It serves the loopback interface only, unless EPICS_CAS_INTF_ADDR_LIST names others.";

const SCENARIOS_EXAMPLES: &str = "\
Examples:
  pollcost scenarios
  pollcost scenarios quickstart > mine.toml
  pollcost scenarios mine.toml --format json   check a file, and see every default that it gets";

const REPORT_EXAMPLES: &str = "\
Examples:
  pollcost report reports/quickstart-20260102T030405Z
  pollcost report reports/quickstart-20260102T030405Z -o slides --theme dark";

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
    #[command(after_help = format!("{RUN_EXAMPLES}\n\n{}", exit::HELP))]
    Run {
        /// A built-in's name, or a TOML file
        #[arg(default_value = super::DEFAULT_SCENARIO)]
        scenario: String,
        #[command(flatten)]
        flags: RunFlags,
    },
    /// Run a scenario in virtual time: the same for a seed on every machine, same run folder and report
    #[command(after_help = format!("{SIMULATE_EXAMPLES}\n\n{}", exit::HELP))]
    Simulate(SimulateFlags),
    /// Say what to expect of pollers and of a callback, without a run
    #[command(after_help = format!("{PREDICT_EXAMPLES}\n\n{}", exit::HELP))]
    Predict(PredictFlags),
    /// Serve a scenario's PVs over Channel Access until Ctrl-C, then tell what each client asked for
    #[command(after_help = IOC_EXAMPLES)]
    Ioc(IocFlags),
    /// List the built-in scenarios, or print one as TOML
    #[command(after_help = SCENARIOS_EXAMPLES)]
    Scenarios(ScenariosFlags),
    /// Draw the report of a run folder again
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportFlags),
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
}

#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    /// The run folder [default: reports/SCENARIO-UTCTIME]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Length of each measuring window, such as 5s; clients with long poll periods still get the scenario's `min_periods` of them
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) duration: Option<Span>,
    /// How many times each client is measured
    #[arg(long, value_name = "N")]
    pub(crate) repeats: Option<u32>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Only these clients of the scenario
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) clients: Option<Vec<String>>,
    /// What is recorded: what was new to a client, or every reply and request
    #[arg(long, value_name = "WHAT")]
    pub(crate) facts: Option<FactsFlag>,
    /// Port of the IOC; 0: any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateFlags {
    /// A built-in's name, or a TOML file
    #[arg(default_value = super::DEFAULT_SCENARIO)]
    pub(crate) scenario: String,
    /// The run folder [default: reports/SCENARIO-UTCTIME]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How long a message is under way: constant:TIME, lognormal:MEDIAN,SIGMA, or from:RUN with the samples and the host of an earlier run
    #[arg(long, value_name = "LINK", default_value = "constant:15us", value_parser = link)]
    pub(crate) link: LinkChoice,
    /// Length of each measuring window, such as 1h
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) duration: Option<Span>,
    /// How many times each client is simulated
    #[arg(long, value_name = "N")]
    pub(crate) repeats: Option<u32>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Only these clients of the scenario
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) clients: Option<Vec<String>>,
    /// Write facts to the tables: what was new to a client, or every reply and request [default: none]
    #[arg(long, value_name = "WHAT")]
    pub(crate) facts: Option<FactsFlag>,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}

#[derive(Debug, Args)]
pub(crate) struct PredictFlags {
    /// A scenario to take PVs and clients from, instead of the options
    #[arg(conflicts_with_all = ["rate", "pvs", "period", "pattern", "fetch", "pacing"])]
    pub(crate) scenario: Option<String>,
    /// Changes of each PV a second
    #[arg(long, value_name = "HZ", default_value_t = 10.0)]
    pub(crate) rate: f64,
    /// How many PVs
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) pvs: u32,
    /// Sleeps between poll rounds
    #[arg(long, value_name = "T,T", value_delimiter = ',', default_value = "10ms,100ms,1s", value_parser = duration)]
    pub(crate) period: Vec<Span>,
    /// How PVs change
    #[arg(long, value_name = "HOW", default_value = "periodic")]
    pub(crate) pattern: PatternFlag,
    /// Largest displacement of jittered changes, as a part of their interval
    #[arg(long, value_name = "PART", default_value_t = 0.3)]
    pub(crate) jitter: f64,
    /// Width of pulses; each is two changes, up and down
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration)]
    pub(crate) width: Span,
    /// How pollers get values: all in one flush, one at a time, over a connection for each, or from the last update
    #[arg(long, value_name = "HOW", default_value = "batch")]
    pub(crate) fetch: FetchFlag,
    /// Whether a period is a sleep after each round or a schedule
    #[arg(long, value_name = "HOW", default_value = "fixed-delay")]
    pub(crate) pacing: PacingFlag,
    /// How long a message is under way, as for `pollcost simulate`
    #[arg(long, value_name = "LINK", default_value = "constant:15us", value_parser = link)]
    pub(crate) link: LinkChoice,
    /// Limits to be kept, such as 'notice_p99<50ms,cpu<5%'
    #[arg(long, value_name = "LIMITS", value_parser = budget)]
    pub(crate) budget: Option<(Budget, String)>,
    /// Write figures and tables there
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}

#[derive(Debug, Args)]
pub(crate) struct IocFlags {
    /// A built-in's name, or a TOML file
    #[arg(default_value = super::DEFAULT_SCENARIO)]
    pub(crate) scenario: String,
    /// Port, TCP and UDP; 0: any free one [default: EPICS_CAS_SERVER_PORT, EPICS_CA_SERVER_PORT, 5064]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// Stop after this long, such as 8h, instead of at Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) duration: Option<Span>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ScenariosFlags {
    /// A built-in's name to print, or a TOML file to check
    pub(crate) name: Option<String>,
    /// How it is printed
    #[arg(long, default_value = "text")]
    pub(crate) format: FormatFlag,
    /// Whether to colour messages
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorFlag,
}

#[derive(Debug, Args)]
pub(crate) struct ReportFlags {
    /// The run folder
    pub(crate) run: PathBuf,
    /// Where the report goes [default: the run folder]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Colours of the report and its figures
    #[arg(long, default_value = "light")]
    pub(crate) theme: ThemeFlag,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
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

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum PatternFlag {
    Periodic,
    Jittered,
    Poisson,
    Pulse,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum FetchFlag {
    Batch,
    Serial,
    Connect,
    Cached,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum PacingFlag {
    FixedDelay,
    FixedRate,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FactsFlag {
    News,
    Full,
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

fn duration(text: &str) -> Result<Span, String> {
    parse_duration(text).map_err(|e| format!("{e}; {}", e.advice()))
}

/// A budget, and as it is written.
fn budget(text: &str) -> Result<(Budget, String), String> {
    Budget::parse(text).map(|budget| (budget, text.to_owned())).map_err(|e| e.to_string())
}

/// A link as it is written.
fn link(text: &str) -> Result<LinkChoice, String> {
    const FORMS: &str = "give constant:50us, lognormal:50us,0.5 or from:RUN";
    let (kind, rest) = text.split_once(':').ok_or(FORMS)?;
    let delay = match kind {
        "from" if rest.is_empty() => return Err("from: names no run folder".to_owned()),
        "from" => return Ok(LinkChoice::From(PathBuf::from(rest))),
        "constant" => Delay::Constant(duration(rest)?),
        "lognormal" => {
            let (median, sigma) =
                rest.split_once(',').ok_or("lognormal: give MEDIAN,SIGMA, such as lognormal:50us,0.5")?;
            let in_range = |sigma: &f64| (0.0..=LARGEST_SIGMA).contains(sigma);
            let sigma = sigma.trim().parse::<f64>().ok().filter(in_range);
            let sigma = sigma.ok_or(format!("lognormal: sigma is a number from 0 to {LARGEST_SIGMA}"))?;
            Delay::LogNormal { median: duration(median)?, sigma }
        }
        _ => return Err(FORMS.to_owned()),
    };
    Ok(LinkChoice::Model { link: Link::EachWay(delay), option: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Flags::command().debug_assert();
    }

    #[test]
    fn links_are_read_or_refused() {
        let constant = Link::EachWay(Delay::Constant(Span::from_micros(50)));
        assert_eq!(link("constant:50us"), Ok(LinkChoice::Model { link: constant, option: "constant:50us".to_owned() }));
        let uneven = Link::EachWay(Delay::LogNormal { median: Span::from_millis(1), sigma: 0.5 });
        let option = "lognormal:1ms, 0.5".to_owned();
        assert_eq!(link(&option), Ok(LinkChoice::Model { link: uneven, option: option.clone() }));
        assert_eq!(link("from:a/b"), Ok(LinkChoice::From(PathBuf::from("a/b"))));
        for wrong in [
            "",
            "50us",
            "constant:",
            "constant:-1ms",
            "lognormal:1ms",
            "lognormal:1ms,9",
            "lognormal:1ms,NaN",
            "from:",
            "x:1",
        ] {
            assert!(link(wrong).is_err(), "{wrong}");
        }
    }
}
