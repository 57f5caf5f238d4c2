//! The plain paragraphs: for a reader who knows neither statistics nor EPICS.

use super::number;
use super::sentence::sentence;
use crate::scenario::model::Scenario;
use crate::summary::Summary;

/// What was done, what came out, and how to read it. Names of clients stand between backticks.
pub(super) fn plain(summary: &Summary, scenario: &Scenario) -> Vec<String> {
    vec![question(scenario), sentence(scenario, summary), READING.to_owned()]
}

/// How runs that belong together were made; `link` is that of a simulation as the command line has it.
pub(super) fn how(link: Option<&str>) -> String {
    link.map_or_else(|| "measured live".to_owned(), |link| format!("simulated in virtual time ({link})"))
}

/// The words of the sentence that not everyone knows.
const READING: &str = "The IOC is the program that offers the values. A core is one processor of the machine: 100 % of a core is a processor that does nothing else all the time. A request \
     is in vain when its reply is what the program knew already. A change is missed when the next one took its place before the \
     program saw it.";

fn question(scenario: &Scenario) -> String {
    let values = scenario.pvs.len();
    let repeats = match scenario.repeats {
        1 => "Each way was measured once.".to_owned(),
        n => format!("Each way was measured {n} times, each time from a fresh start."),
    };
    format!(
        "A control system publishes values that keep changing: temperatures, positions, states. A program that needs them can ask \
         again and again whether there is something new (polling), or ask once to be told (a callback). This run let programs of \
         both kinds watch {} and took the time, for every single change, until the program knew of it, and the work that this made \
         for the computer at both ends. {repeats}",
        if values == 1 { "1 value".to_owned() } else { format!("{} values", number::count(values as u64)) }
    )
}

/// The pieces of a text between backticks: `(piece, whether it is a name)`.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (&str, bool)> {
    text.split('`').enumerate().map(|(index, piece)| (piece, index % 2 == 1))
}
