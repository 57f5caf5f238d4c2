//! The scenarios that come with the program: commented TOML, carried in the binary.

use super::model::Scenario;
use super::problem::ScenarioError;
use super::read::{LoadedText, Source, read, read_sweep};
use super::sweep::Sweep;

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// The name that it is run by.
    pub name: &'static str,
    /// What it belongs to, as a heading in lists.
    pub family: &'static str,
    /// Its file, comments and all.
    pub text: &'static str,
}

/// Names a built-in, its family and its file.
macro_rules! built_in {
    ($family:literal, $name:literal) => {
        BuiltIn {
            name: $name,
            family: $family,
            text: include_str!(concat!("../../fixtures/scenarios/", $name, ".toml")),
        }
    };
}

/// All of them, the default first; a family stands together.
pub const BUILT_IN: [BuiltIn; 24] = [
    built_in!("Start here", "quickstart"),
    built_in!("Start here", "strategies"),
    built_in!("Start here", "types"),
    built_in!("Motion", "motor-readback"),
    built_in!("Motion", "motor-done"),
    built_in!("Slow controls and interlocks", "temperatures"),
    built_in!("Slow controls and interlocks", "interlock-latched"),
    built_in!("Slow controls and interlocks", "interlock-pulse"),
    built_in!("Slow controls and interlocks", "counts"),
    built_in!("Beam", "orbit"),
    built_in!("Beam", "pulsed-machine"),
    built_in!("Beam", "fast-scalar"),
    built_in!("Screens and scans", "status-screen"),
    built_in!("Screens and scans", "documentation"),
    built_in!("Arrays", "waveform"),
    built_in!("Arrays", "camera"),
    built_in!("Load", "slow-consumer"),
    built_in!("Load", "ioc-restart"),
    built_in!("Load", "many-clients"),
    built_in!("Sweeps", "rates-periods"),
    built_in!("Python", "pyepics"),
    built_in!("Python", "gil"),
    built_in!("Python", "libraries"),
    built_in!("Python", "article"),
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
        self.with_source(|source| read(source, &no_files))
    }

    /// Reads every cell of its `[sweep]`; `None` when it has none.
    ///
    /// # Errors
    /// Likewise.
    pub fn sweep(&self) -> Result<Option<Sweep>, ScenarioError> {
        self.with_source(|source| read_sweep(source, &no_files))
    }

    fn with_source<T>(&self, read: impl FnOnce(Source<'_>) -> T) -> T {
        let file = format!("built-in:{}", self.name);
        read(Source { file: &file, name: self.name, text: self.text })
    }
}

fn no_files(_: &str) -> Result<LoadedText, String> {
    Err("a built-in scenario has no other files".to_owned())
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
    fn families_stand_together() {
        let mut families: Vec<&str> = BUILT_IN.iter().map(|built_in| built_in.family).collect();
        families.dedup();
        let all = families.len();
        families.sort_unstable();
        families.dedup();
        assert_eq!(families.len(), all);
    }

    /// PVs whose values cannot tell one change from the next say nothing of what was missed.
    #[test]
    fn changing_pvs_carry_their_numbers() {
        for built_in in BUILT_IN.iter().filter(|built_in| built_in.name != "types") {
            let scenario = built_in.scenario().unwrap();
            for group in &scenario.groups {
                assert!(group.native != crate::pv::NativeType::Enum, "{}: {}", built_in.name, group.pattern);
            }
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
