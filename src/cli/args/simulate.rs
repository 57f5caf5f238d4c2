//! `pollcost simulate`, and the link that it shares with `pollcost predict`.

use std::path::PathBuf;

use clap::Args;

use super::{MeasureFlags, duration};
use crate::io::request::LinkChoice;
use crate::simulate::{Delay, Link};

/// Of a log-normal delay: with 3, one in a hundred is a thousand times the median.
const LARGEST_SIGMA: f64 = 3.0;

pub(super) const SIMULATE_EXAMPLES: &str = "\
Examples:
  pollcost simulate
  pollcost simulate --all -o everything
  pollcost simulate mine.toml --duration 1h --link lognormal:80us,0.5
  pollcost doctor -o machine.json && pollcost simulate mine.toml --link doctor:machine.json
  pollcost run mine.toml -o live && pollcost simulate mine.toml --link from:live -o simulated

The program's own clients and IOC are joined by a model of link and host. Processor time, wake-ups and bytes are modelled. Facts
are only counted, so that a long simulation takes no more memory than a short one, unless --facts asks for their tables.";

#[derive(Debug, Args)]
pub(crate) struct SimulateFlags {
    /// A built-in's name, or a TOML file
    #[arg(default_value = crate::cli::DEFAULT_SCENARIO, conflicts_with = "all")]
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) measure: MeasureFlags,
    /// How long a message is under way: constant:TIME, lognormal:MEDIAN,SIGMA, from:RUN with the samples and the host of an earlier run, or doctor:FILE with those that `pollcost doctor -o FILE` found
    #[arg(long, value_name = "LINK", default_value = "constant:15us", value_parser = link)]
    pub(crate) link: LinkChoice,
    /// Write the numbers only, no report and no figures: `pollcost report` draws them later
    #[arg(long, conflicts_with = "all")]
    pub(crate) no_report: bool,
}

/// A link as it is written.
pub(super) fn link(text: &str) -> Result<LinkChoice, String> {
    const FORMS: &str = "give constant:50us, lognormal:50us,0.5, from:RUN or doctor:FILE";
    let (kind, rest) = text.split_once(':').ok_or(FORMS)?;
    let delay = match kind {
        "from" if rest.is_empty() => return Err("from: names no run folder".to_owned()),
        "from" => return Ok(LinkChoice::From(PathBuf::from(rest))),
        "doctor" if rest.is_empty() => return Err("doctor: names no file".to_owned()),
        "doctor" => return Ok(LinkChoice::Doctor(PathBuf::from(rest))),
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
    use crate::time::Span;

    #[test]
    fn links_are_read_or_refused() {
        let constant = Link::EachWay(Delay::Constant(Span::from_micros(50)));
        assert_eq!(link("constant:50us"), Ok(LinkChoice::Model { link: constant, option: "constant:50us".to_owned() }));
        let uneven = Link::EachWay(Delay::LogNormal { median: Span::from_millis(1), sigma: 0.5 });
        let option = "lognormal:1ms, 0.5".to_owned();
        assert_eq!(link(&option), Ok(LinkChoice::Model { link: uneven, option: option.clone() }));
        assert_eq!(link("from:a/b"), Ok(LinkChoice::From(PathBuf::from("a/b"))));
        assert_eq!(link("doctor:m.json"), Ok(LinkChoice::Doctor(PathBuf::from("m.json"))));
        for wrong in [
            "",
            "50us",
            "constant:",
            "constant:-1ms",
            "lognormal:1ms",
            "lognormal:1ms,9",
            "lognormal:1ms,NaN",
            "from:",
            "doctor:",
            "x:1",
        ] {
            assert!(link(wrong).is_err(), "{wrong}");
        }
    }
}
