//! Sweeps for tests: a callback and pollers as the closed forms have them, each repeat a little off.

use super::super::doubts::Doubts;
use super::{CellFound, Pages, Survey, index_of};
use crate::scenario::metric::Metric;
use crate::scenario::model::Scenario;
use crate::scenario::{LoadedText, Source, read_sweep};
use crate::simulate::{Forecast, Link, Model};
use crate::stats::Estimate;
use crate::summary::example::summary_of;
use crate::summary::{ClientSummary, Summary, Warning};

/// What is not swept. `CLIENTS` are added.
const FILE: &str = "title = 'T'\nabout = 'A test.'\nwindow = '1s'\nrepeats = 3\n[[pv]]\nname = 'A{0..9}'\npvs = 10\n\
                    change = { rate_hz = 10 }\n";
/// A callback and a poller.
pub(crate) const BOTH: &str = "[[client]]\nname = 'monitor'\nfetch = 'monitor'\n\
                               [[client]]\nname = 'poll'\nfetch = 'batch'\nperiod = '10ms'\ndbr = 'time'\n";
/// How much a repeat is off.
const OFF: f64 = 0.02;

fn model(scenario: &Scenario) -> Model {
    Model::typical(&Link::default(), scenario.clients.len())
}

/// All cells of such a sweep.
pub(crate) fn survey(clients: &str, table: &str) -> Survey {
    let text = format!("{FILE}{clients}[sweep]\n{table}\n");
    let load = |_: &str| Err::<LoadedText, _>(String::new());
    let sweep = read_sweep(Source { file: "t.toml", name: "t", text: &text }, &load);
    let sweep = sweep.unwrap_or_else(|e| panic!("{e}")).unwrap();
    let index = index_of(&sweep, None, None, &|scenario| Some(model(scenario))).unwrap();
    let cells = sweep.cells.iter().map(|cell| Some(found(&cell.scenario))).collect();
    Survey { index, cells }
}

fn found(scenario: &Scenario) -> CellFound {
    let clients = (0..scenario.clients.len()).map(|client| of_client(scenario, client)).collect();
    let warning = Warning { client: None, what: "it was a test".into(), advice: "measure".into() };
    let summary = Summary { clients, warnings: vec![warning], ..Summary::default() };
    CellFound {
        summary,
        failed: false,
        host: None,
        simulated: None,
        doubts: Doubts::default(),
        pages: Pages { html: true, markdown: false },
    }
}

fn of_client(scenario: &Scenario, client: usize) -> ClientSummary {
    let spec = &scenario.clients[client];
    let bare = ClientSummary { repeats: scenario.repeats, changes: 300, ..summary_of(&spec.name, spec.fetch) };
    let Some(forecast) = Forecast::of(scenario, &model(scenario), client) else { return bare };
    let of = |point: f64| Estimate { point, interval: Some((point * (1.0 - OFF), point * (1.0 + OFF))), n: 3 };
    let mut summary = ClientSummary {
        mean_period_ns: forecast.period_ns,
        missed_fraction: forecast.missed.map(of),
        redundant_fraction: forecast.redundant.map(of),
        ..bare
    };
    summary.notice.mean_ns = forecast.notice.map(|notice| of(notice.mean_ns));
    summary.notice.p50_ns = forecast.notice.map(|notice| of(notice.p50_ns));
    let cpu = forecast.cpu_client_percent + forecast.cpu_ioc_percent;
    for repeat in 0..scenario.repeats {
        // Of two clients one is above in the repeat in which the other is below.
        let off = OFF * (f64::from(repeat) - 1.0) * if client.is_multiple_of(2) { 1.0 } else { -1.0 };
        let mut own = crate::summary::OfRepeat { repeat, ..Default::default() };
        own.values.insert(Metric::named("cpu_total_percent").unwrap(), cpu * (1.0 + off));
        if let Some(notice) = forecast.notice {
            own.values.insert(Metric::named("notice_mean_us").unwrap(), notice.mean_ns * (1.0 + off));
        }
        summary.by_repeat.push(own);
    }
    summary
}

/// Sweeps of every kind that the figures must bear.
pub(crate) fn cases() -> Vec<(&'static str, Survey)> {
    let poller = |name: &str| format!("[[client]]\nname = '{name}'\nfetch = 'batch'\nperiod = '10ms'\n");
    let two = format!("{BOTH}{}", poller("a-poller-with-quite-a-long-name"));
    let copies = format!("{BOTH}copies = 1\n");
    let many = "client.period = ['1ms', '2ms', '4ms', '8ms', '16ms', '32ms', '64ms', '128ms', '256ms', '512ms', '1s', '2s']\n\
                pv.change.rate_hz = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000]";
    vec![
        (
            "grid",
            survey(
                BOTH,
                "pv.change.rate_hz = [0.1, 1, 10, 100, 1000]\nclient.period = ['1ms', '3ms', '10ms', '30ms', '100ms', '300ms', '1s']",
            ),
        ),
        ("two_by_two", survey(BOTH, "pv.change.rate_hz = [1, 1000]\nclient.period = ['1ms', '1s']")),
        ("large", survey(BOTH, many)),
        ("one_key", survey(BOTH, "client.period = ['1ms', '10ms', '100ms', '1s']")),
        ("one_by_n", survey(BOTH, "pv.change.rate_hz = [1]\nclient.period = ['1ms', '10ms', '100ms', '1s']")),
        ("one_cell", survey(BOTH, "client.period = ['10ms']")),
        ("rates", survey(BOTH, "pv.change.rate_hz = [1, 10, 100, 1000]")),
        ("pvs", survey(BOTH, "pv.pvs = [1, 2, 5, 10]\nclient.period = ['0s', '10ms', '100ms']")),
        (
            "three_keys",
            survey(BOTH, "pv.pvs = [1, 10]\npv.change.rate_hz = [1, 10, 100]\nclient.period = ['1ms', '30ms', '1s']"),
        ),
        ("two_pollers", survey(&two, "pv.change.rate_hz = [1, 10, 100]\nclient.poll.period = ['1ms', '30ms', '1s']")),
        (
            "words",
            survey(BOTH, "client.poll.fetch = ['batch', 'serial', 'connect']\nclient.period = ['1ms', '30ms', '1s']"),
        ),
        (
            "words_only",
            survey(BOTH, "client.poll.fetch = ['batch', 'serial', 'connect']\nclient.poll.dbr = ['plain', 'time']"),
        ),
        ("one_word", survey(BOTH, "client.poll.fetch = ['batch', 'serial', 'connect']")),
        ("copies", survey(&copies, "client.poll.copies = [1, 10, 100]\nclient.period = ['10ms', '100ms']")),
        ("no_callback", survey(&poller("poll"), "pv.change.rate_hz = [1, 10]\nclient.period = ['1ms', '1s']")),
        (
            "only_callback",
            survey(
                "[[client]]\nname = 'monitor'\nfetch = 'monitor'\n",
                "pv.change.rate_hz = [1, 10]\npv.pvs = [1, 10]",
            ),
        ),
    ]
}
