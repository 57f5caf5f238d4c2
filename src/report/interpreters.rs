//! What `pollcost python` found, as text.

use std::fmt::Write;

use crate::doctor::python::{Environment, PythonSetup};

/// A paragraph for each interpreter.
#[must_use]
pub fn text(setups: &[PythonSetup]) -> String {
    let paragraphs: Vec<String> = setups.iter().map(paragraph).collect();
    paragraphs.join("\n")
}

fn paragraph(setup: &PythonSetup) -> String {
    let told = setup.interpreter.as_ref().map_or_else(|| "not there".to_owned(), |found| found.described());
    let mut text = format!("{}: {told}\n", setup.asked);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<12} {value}");
    };
    match &setup.environment {
        Environment::Absent => row("environment", "none"),
        Environment::Found { folder } => row("environment", &format!("{} (was there)", folder.display())),
        Environment::Made { folder } => row("environment", &format!("{} (made now)", folder.display())),
        Environment::Own => row("environment", "its own: it is a virtual environment, and is used as it is"),
    }
    if let Some(found) = &setup.interpreter {
        row("program", &found.executable);
        if !found.packages.is_empty() {
            row("packages", &found.packages_listed());
        }
    }
    if let Some(program) = &setup.libca_client {
        row("client in C", &program.display().to_string());
    }
    for lack in &setup.lacks {
        let _ = writeln!(text, "  lacks {}: {}", lack.what, lack.why);
        if !lack.mend.is_empty() {
            let _ = writeln!(text, "    mend it with: {}", lack.mend);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::python::Lack;
    use crate::time::Span;
    use crate::trace::Interpreter;

    #[test]
    fn says_what_is_there_and_how_to_mend_the_rest() {
        let free = Interpreter {
            asked: "3.13t".into(),
            executable: "/cache/3.13.0t-12/bin/python".into(),
            version: "3.13.0".into(),
            implementation: "CPython".into(),
            free_threaded: true,
            gil: false,
            switch_interval_ns: Span::from_millis(5),
            packages: [("caproto".to_owned(), "1.3.0".to_owned())].into(),
            ..Interpreter::default()
        };
        let lack = |what: &str, why: &str, mend: &str| Lack { what: what.into(), why: why.into(), mend: mend.into() };
        let setups = [
            PythonSetup {
                asked: "3.13t".into(),
                interpreter: Some(free),
                environment: Environment::Made { folder: "/cache/3.13.0t-12".into() },
                libca_client: None,
                lacks: vec![lack("numpy", "no wheel", "/cache/3.13.0t-12/bin/python -m pip install numpy")],
            },
            PythonSetup {
                asked: "9.9".into(),
                interpreter: None,
                environment: Environment::Absent,
                libca_client: None,
                lacks: vec![lack("interpreter", "there is no `9.9`", "pyenv install 9.9")],
            },
        ];
        insta::assert_snapshot!(text(&setups), @r"
        3.13t: CPython 3.13.0 free-threaded, GIL off, switch interval 5 ms
          environment  /cache/3.13.0t-12 (made now)
          program      /cache/3.13.0t-12/bin/python
          packages     caproto 1.3.0
          lacks numpy: no wheel
            mend it with: /cache/3.13.0t-12/bin/python -m pip install numpy

        9.9: not there
          environment  none
          lacks interpreter: there is no `9.9`
            mend it with: pyenv install 9.9
        ");
    }
}
