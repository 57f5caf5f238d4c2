//! The scenarios that come with the program: commented TOML, carried in the binary.

use super::model::Scenario;
use super::problem::ScenarioError;
use super::read::{LoadedText, Source, read};

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// The name that it is run by.
    pub name: &'static str,
    /// Its file, comments and all.
    pub text: &'static str,
}

/// All of them, the default first.
pub const BUILT_IN: [BuiltIn; 4] = [
    BuiltIn { name: "quickstart", text: include_str!("../../fixtures/scenarios/quickstart.toml") },
    BuiltIn { name: "strategies", text: include_str!("../../fixtures/scenarios/strategies.toml") },
    BuiltIn { name: "types", text: include_str!("../../fixtures/scenarios/types.toml") },
    BuiltIn { name: "article", text: include_str!("../../fixtures/scenarios/article.toml") },
];

impl BuiltIn {
    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<BuiltIn> {
        BUILT_IN.into_iter().find(|built_in| built_in.name == name)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When its text is not a scenario; a test holds that it always is.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        let file = format!("built-in:{}", self.name);
        let source = Source { file: &file, name: self.name, text: self.text };
        read(source, &|_: &str| Err::<LoadedText, _>("a built-in scenario has no other files".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::{Fetch, Pacing};
    use crate::time::Span;

    #[test]
    fn every_built_in_is_a_scenario_of_its_own_name() {
        for built_in in BUILT_IN {
            let scenario = built_in.scenario().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(scenario.name, built_in.name);
            assert!(!scenario.title.is_empty() && scenario.title != scenario.name, "{}", built_in.name);
            assert!(!scenario.about.is_empty() && !scenario.clients.is_empty(), "{}", built_in.name);
        }
    }

    #[test]
    fn every_built_in_survives_being_written() {
        for built_in in BUILT_IN {
            let scenario = built_in.scenario().unwrap();
            let text = serde_json::to_string(&scenario).unwrap();
            assert_eq!(serde_json::from_str::<Scenario>(&text).unwrap(), scenario);
        }
    }

    #[test]
    fn quickstart_takes_about_a_minute() {
        let scenario = BuiltIn::named("quickstart").unwrap().scenario().unwrap();
        assert_eq!((scenario.pvs.len(), scenario.repeats), (100, 3));
        assert_eq!(scenario.groups[0].change.mean_rate_hz(), Some(10.0));
        let periods: Vec<Option<Span>> = scenario.clients.iter().map(|c| c.asked_period()).collect();
        let ms = |ms| Some(Span::from_millis(ms));
        assert_eq!(periods, [None, ms(0), ms(1), ms(10), ms(100), ms(1000)]);
        assert!(scenario.min_periods >= 5);
        let each = scenario
            .clients
            .iter()
            .map(|client| scenario.warmup_of(client) + scenario.window_of(client) + scenario.drain_of(client));
        let total = each.fold(Span::ZERO, |sum, span| sum + span) * u64::from(scenario.repeats);
        assert!((45.0..65.0).contains(&total.as_secs_f64()), "{total}");
    }

    #[test]
    fn strategies_has_them_all() {
        let scenario = BuiltIn::named("strategies").unwrap().scenario().unwrap();
        for fetch in [Fetch::Serial, Fetch::Batch, Fetch::Connect, Fetch::Cached, Fetch::Monitor] {
            assert!(scenario.clients.iter().any(|c| c.fetch == fetch), "{fetch:?}");
        }
        let mut kinds: Vec<_> =
            scenario.clients.iter().filter_map(|c| c.pacing.as_ref()).map(std::mem::discriminant::<Pacing>).collect();
        kinds.sort_by_key(|kind| format!("{kind:?}"));
        kinds.dedup();
        assert_eq!(kinds.len(), 6);
    }

    #[test]
    fn types_has_every_native_type() {
        let scenario = BuiltIn::named("types").unwrap().scenario().unwrap();
        for native in crate::pv::NativeType::ALL {
            assert!(scenario.groups.iter().any(|g| g.native == native && g.count == 1), "{native:?}");
            assert!(scenario.groups.iter().any(|g| g.native == native && g.count > 1), "{native:?}");
            assert!(scenario.groups.iter().any(|g| g.native == native && g.writable), "{native:?}");
        }
    }
}
