//! What the one who ran a scenario knows besides the facts, as warnings.

use super::Warning;
use crate::trace::Failure;

/// Failures and an early end, for [`super::summarise`].
#[must_use]
pub fn notes(failures: &[Failure], interrupted: bool) -> Vec<Warning> {
    let early = interrupted.then(|| Warning {
        client: None,
        what: "the run was ended before its time".to_owned(),
        advice: "what was measured until then is shown; its windows may be shorter than asked for".to_owned(),
    });
    let failed = failures.iter().map(|failure| Warning {
        client: failure.client.clone(),
        what: match failure.client {
            Some(_) => format!("failed in repeat {}: {}", failure.repeat + 1, failure.why),
            None => format!("the IOC failed in repeat {}: {}", failure.repeat + 1, failure.why),
        },
        advice: "that repeat is left out of its numbers; what was recorded of it is kept in the run folder".to_owned(),
    });
    early.into_iter().chain(failed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_who_failed() {
        let failure =
            |client: Option<&str>| Failure { client: client.map(str::to_owned), repeat: 1, why: "gone".into() };
        let said = notes(&[failure(None), failure(Some("poll"))], true);
        let said: Vec<_> = said.iter().map(|w| (w.client.as_deref(), w.what.as_str())).collect();
        let wanted = [
            (None, "the run was ended before its time"),
            (None, "the IOC failed in repeat 2: gone"),
            (Some("poll"), "failed in repeat 2: gone"),
        ];
        assert_eq!(said, wanted);
        assert_eq!(notes(&[], false), []);
    }
}
