//! Clients that come with the program and are written on a client library of EPICS, in Python or C: `client = "pyepics-caget-many"`.

use serde::{Deserialize, Serialize};

use super::model::{Fetch, Pacing};
use crate::time::Span;

/// One of them, as a scenario asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryClient {
    /// Its name, one of [`LIBRARY`].
    pub client: String,
    /// Its interpreter, or the one whose C library a client in C uses: a version such as `3.12`, or a path; `None`: `python3`.
    pub python: Option<String>,
    /// CPU-bound threads beside it, in the same process.
    pub hog: u32,
    /// The interpreter's switch interval (`sys.setswitchinterval`); `None`: as it is, 5 ms.
    pub switch_interval: Option<Span>,
    /// Whether each callback ends with `time.sleep(0)`.
    pub yield_after_callback: bool,
    /// Threads or processes that share the PVs; `None`: as the client has it, 4.
    pub groups: Option<u32>,
}

/// A client program that comes with pollcost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LibraryProgram {
    /// Its name.
    pub name: &'static str,
    /// Its file below `fixtures/clients`.
    pub file: &'static str,
    /// Arguments that make it this client and no other.
    pub arguments: &'static [&'static str],
    /// What it does.
    pub fetch: Fetch,
    /// Whether its PVs are shared by threads or processes.
    pub grouped: bool,
}

const fn program(name: &'static str, file: &'static str, fetch: Fetch) -> LibraryProgram {
    LibraryProgram { name, file, arguments: &[], fetch, grouped: false }
}

const fn with(program: LibraryProgram, arguments: &'static [&'static str]) -> LibraryProgram {
    LibraryProgram { arguments, ..program }
}

const fn grouped(program: LibraryProgram) -> LibraryProgram {
    LibraryProgram { grouped: true, ..program }
}

/// All of them.
pub const LIBRARY: [LibraryProgram; 16] = [
    program("pyepics-caget-many", "pyepics_caget_many.py", Fetch::Batch),
    program("pyepics-get", "pyepics_get.py", Fetch::Serial),
    program("pyepics-cached", "pyepics_cached.py", Fetch::Cached),
    program("pyepics-callback", "pyepics_callback.py", Fetch::Monitor),
    with(program("pyepics-callback-sleeping", "pyepics_callback.py", Fetch::Monitor), &["--main", "sleep"]),
    grouped(program("pyepics-threads", "pyepics_threads.py", Fetch::Monitor)),
    grouped(program("pyepics-processes", "pyepics_processes.py", Fetch::Monitor)),
    program("caproto-get", "caproto_get.py", Fetch::Serial),
    program("caproto-subscribe", "caproto_subscribe.py", Fetch::Monitor),
    program("caproto-asyncio-get", "caproto_asyncio_get.py", Fetch::Serial),
    program("caproto-asyncio-subscribe", "caproto_asyncio_subscribe.py", Fetch::Monitor),
    program("aioca-caget", "aioca_caget.py", Fetch::Batch),
    program("aioca-camonitor", "aioca_camonitor.py", Fetch::Monitor),
    with(program("aioca-camonitor-all", "aioca_camonitor.py", Fetch::Monitor), &["--all-updates"]),
    with(program("libca-get", "libca_client.c", Fetch::Batch), &["poll"]),
    with(program("libca-monitor", "libca_client.c", Fetch::Monitor), &["monitor"]),
];

impl LibraryProgram {
    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<LibraryProgram> {
        LIBRARY.into_iter().find(|program| program.name == name)
    }

    /// One that is made of this file, for what it needs.
    #[must_use]
    pub fn of_file(file: &str) -> Option<LibraryProgram> {
        LIBRARY.into_iter().find(|program| program.file == file)
    }

    /// Whether it is a program of its own, and no script of an interpreter.
    #[must_use]
    pub fn is_compiled(&self) -> bool {
        self.file.ends_with(".c")
    }

    /// The pacings that it has, by the words of a scenario.
    #[must_use]
    pub fn pacings(&self) -> &'static [&'static str] {
        match (self.fetch, self.is_compiled()) {
            (Fetch::Monitor, _) => &[],
            (_, true) => &["fixed-delay", "spin"],
            (_, false) => &["fixed-delay", "spin", "hybrid"],
        }
    }

    /// The packages that it needs: the names that PyPI has them by.
    #[must_use]
    pub fn packages(&self) -> &'static [&'static str] {
        match self.file.split('_').next() {
            Some("pyepics") => &["pyepics", "numpy"],
            Some("caproto") => &["caproto"],
            Some("aioca") => &["aioca", "epicscorelibs", "numpy"],
            _ => &["epicscorelibs"],
        }
    }
}

impl LibraryClient {
    /// What its program is told, PV names apart: how it is paced, how long its callbacks work, how long it may take to connect, and
    /// whether redundant replies are noted.
    #[must_use]
    pub fn arguments(
        &self,
        pacing: Option<&Pacing>,
        service_time: Span,
        connect_timeout: Span,
        full: bool,
    ) -> Vec<String> {
        let program = LibraryProgram::named(&self.client);
        let mut words: Vec<String> =
            program.map_or(&[][..], |program| program.arguments).iter().map(|word| (*word).to_owned()).collect();
        let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        let seconds = |span: Span| span.as_secs_f64().to_string();
        match pacing {
            Some(Pacing::Spin) => option("pacing", "spin".to_owned()),
            Some(Pacing::Hybrid { sleep }) => {
                option("pacing", "hybrid".to_owned());
                option("period", seconds(*sleep));
            }
            Some(other) => option("period", seconds(other.asked_period())),
            None => {}
        }
        if service_time > Span::ZERO {
            option("service-time", seconds(service_time));
        }
        if full {
            option("facts", "full".to_owned());
        }
        if let Some(groups) = self.groups {
            option("groups", groups.to_string());
        }
        if self.hog > 0 {
            option("hogs", self.hog.to_string());
        }
        if let Some(interval) = self.switch_interval {
            option("switch-interval", seconds(interval));
        }
        option("connect-timeout", seconds(connect_timeout));
        if self.yield_after_callback {
            words.push("--sleep-zero".to_owned());
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_what_the_scenario_says() {
        let client = LibraryClient {
            client: "pyepics-threads".into(),
            python: None,
            hog: 2,
            switch_interval: Some(Span::from_micros(500)),
            yield_after_callback: true,
            groups: Some(3),
        };
        let plain = |client: &str| LibraryClient {
            client: client.into(),
            python: None,
            hog: 0,
            switch_interval: None,
            yield_after_callback: false,
            groups: None,
        };
        let (limit, ms) = (Span::from_secs(5), Span::from_millis);
        assert_eq!(
            client.arguments(None, ms(3), limit, false).join(" "),
            "--service-time 0.003 --groups 3 --hogs 2 --switch-interval 0.0005 --connect-timeout 5 --sleep-zero"
        );
        let told = |name: &str, pacing: Pacing| plain(name).arguments(Some(&pacing), Span::ZERO, limit, true).join(" ");
        assert_eq!(
            told("libca-get", Pacing::FixedDelay { period: ms(10) }),
            "poll --period 0.01 --facts full --connect-timeout 5"
        );
        assert_eq!(told("pyepics-get", Pacing::Spin), "--pacing spin --facts full --connect-timeout 5");
        assert_eq!(
            told("aioca-caget", Pacing::Hybrid { sleep: ms(5) }),
            "--pacing hybrid --period 0.005 --facts full --connect-timeout 5"
        );
    }

    #[test]
    fn names_tell_them_apart() {
        for (place, program) in LIBRARY.iter().enumerate() {
            assert!(LIBRARY[..place].iter().all(|other| other.name != program.name), "{}", program.name);
            assert!(program.file.starts_with(program.name.split('-').next().unwrap()), "{}", program.name);
        }
    }
}
