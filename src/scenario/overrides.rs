//! What a command line changes in a scenario.

use thiserror::Error;

use super::duration::LONGEST;
use super::model::{Facts, Scenario};
use super::problem::{listed, nearest};
use super::read::{MAX_REPEATS, MAX_SEED, SHORTEST_WINDOW};
use crate::time::Span;

/// What replaces what the scenario says; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Length of the measuring window; a client's `min_periods` poll periods are still waited for.
    pub window: Option<Span>,
    /// Repeats.
    pub repeats: Option<u32>,
    /// Seed of every random choice.
    pub seed: Option<u64>,
    /// Only these clients and probes, by name.
    pub clients: Option<Vec<String>>,
    /// How much is recorded.
    pub facts: Option<Facts>,
}

/// Why an option does not fit the scenario.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OverrideError {
    /// A window of no length, or longer than a year.
    #[error("--duration {0} is out of range")]
    Window(Span),
    /// A window that would close before an IOC that is restarted in it is back.
    #[error("--duration {window}: the IOC, which the scenario restarts, would be back after {back}")]
    Restart {
        /// What was asked for.
        window: Span,
        /// From the opening of the window on.
        back: Span,
    },
    /// None, or very many.
    #[error("--repeats {0} is out of range")]
    Repeats(u32),
    /// More than a scenario file can hold.
    #[error("--seed {0} is out of range")]
    Seed(u64),
    /// The scenario has no such client.
    #[error("--clients: the scenario `{scenario}` has no client `{name}`")]
    UnknownClient {
        /// What was asked for.
        name: String,
        /// The scenario.
        scenario: String,
        /// The clients that it has.
        known: Vec<String>,
    },
    /// An empty list.
    #[error("--clients names no client")]
    NoClient {
        /// The clients that the scenario has.
        known: Vec<String>,
    },
}

impl OverrideError {
    /// What would be right.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            OverrideError::Window(_) => format!("from {SHORTEST_WINDOW} to 365 days, such as --duration 5s"),
            OverrideError::Restart { back, .. } => {
                format!("more than {back}, or another `restart` in a copy of the scenario")
            }
            OverrideError::Repeats(_) => format!("from 1 to {MAX_REPEATS}"),
            OverrideError::Seed(_) => format!("from 0 to {MAX_SEED}"),
            OverrideError::UnknownClient { name, known, .. } => {
                let best = nearest(name, known.iter().map(String::as_str));
                let hint = best.map_or_else(String::new, |best| format!("did you mean `{best}`? "));
                format!("{hint}It has {}", none_or(known))
            }
            OverrideError::NoClient { known } => format!("the scenario has {}", none_or(known)),
        }
    }
}

fn none_or(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { listed(known) }
}

impl Overrides {
    /// The scenario with these changes; clients keep the scenario's order.
    ///
    /// # Errors
    /// When a value is out of range, or a client is not one of the scenario's.
    pub fn apply(&self, mut scenario: Scenario) -> Result<Scenario, OverrideError> {
        if let Some(window) = self.window {
            if !(SHORTEST_WINDOW..=LONGEST).contains(&window) {
                return Err(OverrideError::Window(window));
            }
            if let Some(back) = scenario.restart.map(|restart| restart.back()).filter(|back| *back >= window) {
                return Err(OverrideError::Restart { window, back });
            }
            scenario.window = window;
        }
        if let Some(repeats) = self.repeats {
            if !(1..=MAX_REPEATS).contains(&repeats) {
                return Err(OverrideError::Repeats(repeats));
            }
            scenario.repeats = repeats;
        }
        if let Some(seed) = self.seed {
            if seed > MAX_SEED {
                return Err(OverrideError::Seed(seed));
            }
            scenario.seed = seed;
        }
        if let Some(facts) = self.facts {
            scenario.facts = facts;
        }
        if let Some(wanted) = &self.clients {
            keep_clients(&mut scenario, wanted)?;
        }
        Ok(scenario)
    }
}

fn keep_clients(scenario: &mut Scenario, wanted: &[String]) -> Result<(), OverrideError> {
    let names = |scenario: &Scenario| -> Vec<String> {
        let probes = scenario.probes.iter().map(|probe| probe.name.clone());
        scenario.clients.iter().map(|client| client.name.clone()).chain(probes).collect()
    };
    let known = || names(scenario);
    let wanted: Vec<&str> = wanted.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
    if wanted.is_empty() {
        return Err(OverrideError::NoClient { known: known() });
    }
    let is_there = |name: &str| {
        let mut probes = scenario.probes.iter();
        scenario.clients.iter().any(|client| client.name == name) || probes.any(|probe| probe.name == name)
    };
    if let Some(name) = wanted.iter().find(|name| !is_there(name)) {
        return Err(OverrideError::UnknownClient {
            name: (*name).to_owned(),
            scenario: scenario.name.clone(),
            known: known(),
        });
    }
    // What is expected of a client that nobody asked for is no part of the run.
    let left_out: Vec<String> = known().into_iter().filter(|name| !wanted.contains(&name.as_str())).collect();
    scenario
        .expectations
        .retain(|expectation| !expectation.subjects().any(|of| left_out.iter().any(|name| name == of)));
    let claimed: Vec<Option<String>> = scenario.expectations.iter().map(|e| e.claim.clone()).collect();
    scenario.claims.retain(|claim| claimed.contains(&Some(claim.name.clone())));
    scenario.probes.retain(|probe| wanted.contains(&probe.name.as_str()));
    scenario.clients.retain(|client| wanted.contains(&client.name.as_str()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::BuiltIn;

    fn quickstart() -> Scenario {
        BuiltIn::named("quickstart").unwrap().scenario().unwrap()
    }

    #[test]
    fn replaces_only_what_is_given() {
        let before = quickstart();
        assert_eq!(Overrides::default().apply(before.clone()), Ok(before.clone()));
        let overrides = Overrides {
            window: Some(Span::from_secs(1)),
            repeats: Some(1),
            seed: Some(7),
            clients: Some(vec!["poll-10ms".into(), " monitor".into()]),
            facts: Some(Facts::Full),
        };
        let after = overrides.apply(before.clone()).unwrap();
        assert_eq!((after.window, after.repeats, after.seed), (Span::from_secs(1), 1, 7));
        assert_eq!(after.facts, Facts::Full);
        let names: Vec<&str> = after.clients.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["monitor", "poll-10ms"]);
        assert_eq!(after.pvs, before.pvs);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let clients = |names: &[&str]| Overrides {
            clients: Some(names.iter().map(|n| (*n).to_owned()).collect()),
            ..Overrides::default()
        };
        let cases = [
            Overrides { window: Some(Span::ZERO), ..Overrides::default() },
            Overrides { window: Some(Span::MAX), ..Overrides::default() },
            Overrides { repeats: Some(0), ..Overrides::default() },
            Overrides { seed: Some(u64::MAX), ..Overrides::default() },
            clients(&["monitor", "poll-10sm"]),
            clients(&["fancy"]),
            clients(&["", " "]),
        ];
        let told: Vec<String> = cases
            .iter()
            .map(|case| {
                let error = case.apply(quickstart()).unwrap_err();
                format!("error: {error}\nhelp: {}", error.advice())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n\n"));
        let restarted = BuiltIn::named("ioc-restart").unwrap().scenario().unwrap();
        let short = Overrides { window: Some(Span::from_secs(3)), ..Overrides::default() };
        let error = short.apply(restarted).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--duration 3 s: the IOC, which the scenario restarts, would be back after 3.2 s"
        );
    }
}
