//! What differs between two scenarios, in words: for what must not be mixed.

use serde_json::Value;

use super::model::Scenario;

/// Longer values are cut: characters.
const SHOWN: usize = 60;

/// The first difference, by its place and what either says: `` `window`: 5000000000 there, 1000000000 here ``. Durations are in ns,
/// as `pollcost scenarios NAME --format json` has them. `None` when they are the same.
#[must_use]
pub fn difference(there: &Scenario, here: &Scenario) -> Option<String> {
    if there == here {
        return None;
    }
    let values = (serde_json::to_value(there), serde_json::to_value(here));
    let (Ok(there), Ok(here)) = values else { return Some("the scenario".to_owned()) };
    Some(first("", &there, &here).unwrap_or_else(|| "the scenario".to_owned()))
}

fn first(path: &str, there: &Value, here: &Value) -> Option<String> {
    match (there, here) {
        (Value::Object(a), Value::Object(b)) => {
            let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            let mut keys = keys.filter(|key| a.get(*key) != b.get(*key));
            let key = keys.next()?;
            first(&below(key), a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let (place, (a, b)) = a.iter().zip(b).enumerate().find(|(_, (a, b))| a != b)?;
            first(&format!("{path}[{place}]"), a, b)
        }
        (Value::Array(a), Value::Array(b)) => Some(format!("`{path}`: {} there, {} here", a.len(), b.len())),
        (a, b) => (a != b).then(|| format!("`{path}`: {} there, {} here", shown(a), shown(b))),
    }
}

fn shown(value: &Value) -> String {
    let text = if value.is_null() { "nothing".to_owned() } else { value.to_string() };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::BuiltIn;
    use crate::scenario::model::Change;
    use crate::time::Span;

    #[test]
    fn the_first_difference_is_named_with_its_place() {
        let scenario = BuiltIn::named("quickstart").unwrap().scenario().unwrap();
        assert_eq!(difference(&scenario, &scenario), None);
        let told = |change: fn(&mut Scenario)| {
            let mut other = scenario.clone();
            change(&mut other);
            difference(&scenario, &other).unwrap()
        };
        assert_eq!(told(|s| s.seed = 7), "`seed`: 1 there, 7 here");
        assert_eq!(told(|s| s.window = Span(5)), "`window`: 2000000000 there, 5 here");
        assert_eq!(told(|s| s.event_queue = Some(200)), "`event_queue`: nothing there, 200 here");
        assert_eq!(told(|s| s.clients.truncate(2)), "`clients`: 6 there, 2 here");
        let slower = told(|s| s.groups[0].change = Change::Still);
        assert_eq!(slower, "`groups[0].change.interval`: 100000000 there, nothing here");
        assert_eq!(told(|s| s.clients[2].name = "else".into()), "`clients[2].name`: \"poll-1ms\" there, \"else\" here");
    }
}
