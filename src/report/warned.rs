//! Warnings as a reader wants them: those that ask for the same thing together, so that thirty disturbed windows are one remark.

use crate::summary::Warning;

/// Warnings of one kind: those with the same advice.
#[derive(Debug, PartialEq)]
pub(crate) struct Kind<'a> {
    /// What to do about them.
    pub advice: &'a str,
    /// What they are, in their order: the client, and what was seen.
    pub seen: Vec<(Option<&'a str>, &'a str)>,
}

/// By their advice, in the order in which each comes first.
pub(crate) fn by_kind(warnings: &[Warning]) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for warning in warnings {
        let seen = (warning.client.as_deref(), warning.what.as_str());
        match kinds.iter_mut().find(|kind| kind.advice == warning.advice) {
            Some(kind) => kind.seen.push(seen),
            None => kinds.push(Kind { advice: &warning.advice, seen: vec![seen] }),
        }
    }
    kinds
}

/// So many of a kind are told in full on a terminal; of more, all but one less are told by the clients' names.
const IN_FULL: usize = 3;

/// For a terminal: what was seen, a line each, and below it what to do.
#[must_use]
pub fn warned(warnings: &[Warning]) -> String {
    let mut text = String::new();
    for Kind { advice, seen } in by_kind(warnings) {
        let in_full = if seen.len() > IN_FULL { IN_FULL - 1 } else { seen.len() };
        for (client, what) in &seen[..in_full] {
            let client = client.map_or_else(String::new, |name| format!("{name}: "));
            text += &format!("warning: {client}{what}\n");
        }
        let more: Vec<&str> = seen[in_full..].iter().map(|(client, _)| client.unwrap_or("the whole run")).collect();
        if !more.is_empty() {
            text += &format!("warning: {} more of this kind, of {}\n", more.len(), more.join(", "));
        }
        text += &format!("  {advice}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(client: Option<&str>, what: &str, advice: &str) -> Warning {
        Warning { client: client.map(str::to_owned), what: what.to_owned(), advice: advice.to_owned() }
    }

    #[test]
    fn those_of_a_kind_stand_together() {
        let mut warnings = vec![warning(None, "it was odd", "look"), warning(Some("a"), "busy by 9 %", "end others")];
        warnings.push(warning(Some("b"), "in step", "jitter"));
        warnings.extend(["b", "c"].map(|name| warning(Some(name), "busy by 8 %", "end others")));
        let told = warned(&warnings);
        assert_eq!(
            told,
            "warning: it was odd\n  look\nwarning: a: busy by 9 %\nwarning: b: busy by 8 %\nwarning: c: busy by 8 %\n  \
             end others\nwarning: b: in step\n  jitter\n"
        );
        warnings.extend([Some("d"), None].map(|name| warning(name, "busy by 7 %", "end others")));
        let told = warned(&warnings);
        let kind = "warning: a: busy by 9 %\nwarning: b: busy by 8 %\nwarning: 3 more of this kind, of c, d, the whole run\n  end others\n";
        assert!(told.contains(kind), "{told}");
        assert_eq!(warned(&[]), "");
    }
}
