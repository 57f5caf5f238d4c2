//! `pollcost simulate`, and the link that it shares with `pollcost predict`.

use std::path::PathBuf;

use clap::Args;

use super::{FactsFlag, VoiceFlags, duration};
use crate::io::request::LinkChoice;
use crate::simulate::{Delay, Link};
use crate::time::Span;

/// Of a log-normal delay: with 3, one in a hundred is a thousand times the median.
const LARGEST_SIGMA: f64 = 3.0;

pub(super) const SIMULATE_EXAMPLES: &str = "\
Examples:
  pollcost simulate
  pollcost simulate --all -o everything
  pollcost simulate mine.toml --duration 1h --link lognormal:80us,0.5
  pollcost run mine.toml -o live && pollcost simulate mine.toml --link from:live -o simulated

The program's own clients and IOC are joined by a model of link and host. Processor time, wake-ups and bytes are modelled. Facts
are only counted, so that a long simulation takes no more memory than a short one, unless --facts asks for their tables.";

#[derive(Debug, Args)]
pub(crate) struct SimulateFlags {
    /// A built-in's name, or a TOML file
    #[arg(default_value = crate::cli::DEFAULT_SCENARIO, conflicts_with = "all")]
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
    /// Count the scenario's expectations in the exit code: 1 if one does not hold, else 3 if one is inconclusive
    #[arg(long)]
    pub(crate) check: bool,
    /// Run every built-in scenario, and write an overview that sets them side by side; a second start with the same -o runs those that
    /// are missing
    #[arg(long, conflicts_with_all = ["clients", "check"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) voice: VoiceFlags,
}

/// A link as it is written.
pub(super) fn link(text: &str) -> Result<LinkChoice, String> {
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
