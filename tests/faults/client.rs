//! A native client under test on a thread of this process: what `pollcost internal-client` runs, with its recording in view.

use std::sync::Arc;
use std::thread::JoinHandle;

use pollcost::ca::dbr::DbrClass;
use pollcost::client::poller::Poller;
use pollcost::client::tally::{Followed, Tally};
use pollcost::io::clock;
use pollcost::io::control::record_observation;
use pollcost::io::dial::{Dialer, Persistent};
use pollcost::io::drive::{ClientFailure, Notebook, Orders, poll_rounds};
use pollcost::io::fetch::{Circuits, Getter};
use pollcost::io::network::Network;
use pollcost::io::recording::{Recorder, Recording};
use pollcost::pv::{NativeType, PvId, PvName};
use pollcost::scenario::model::{Facts, Fetch, Pacing};
use pollcost::time::{Span, Tick};
use pollcost::trace::{ClientTally, Observation, Window};

/// The PVs that such a client looks at, as an IOC serves them.
pub(crate) const PVS: &str = "[[pv]]\nname = \"F:P{0..4}\"\nchange = { pattern = \"periodic\", rate_hz = 100 }\n";
pub(crate) const COUNT: usize = 5;

pub(crate) struct Client {
    recording: Recording,
    pub(crate) observations: Vec<Observation>,
    orders: Arc<Orders>,
    thread: JoinHandle<Result<ClientTally, ClientFailure>>,
}

impl Client {
    /// Polls (`batch`) or follows (`monitor`) the PVs.
    pub(crate) fn start(fetch: Fetch, network: Network) -> Client {
        let recording = Recording::new(1_000_000).unwrap();
        let recorder = Recorder::attach(&recording).unwrap();
        let orders = Arc::new(Orders::default());
        let told = Arc::clone(&orders);
        let thread = std::thread::spawn(move || run(fetch, network, recorder, &told));
        Client { recording, observations: Vec::new(), orders, thread }
    }

    /// Waits until it has noticed so many further changes.
    #[track_caller]
    pub(crate) fn goes_on(&mut self, news: usize) {
        let wanted = self.observations.len() + news;
        crate::until("the client notices changes", || {
            self.look();
            assert!(!self.thread.is_finished(), "the client ended");
            self.observations.len() >= wanted
        });
    }

    /// Looks at what it has recorded by now.
    pub(crate) fn look(&mut self) {
        let (records, lost) = self.recording.read_new().unwrap();
        assert_eq!(lost, 0);
        self.observations.extend(records.iter().map(record_observation));
    }

    /// Ends it.
    pub(crate) fn stop(mut self) -> (Vec<Observation>, ClientTally) {
        let now = clock::now();
        self.orders.set_window(Window { open: Tick(0), close: now, end: now });
        let wait = crate::PATIENCE;
        let started = std::time::Instant::now();
        // A monitor ends with its next update; one without a circuit when it looks at its orders.
        while !self.thread.is_finished() && started.elapsed() < wait {
            std::thread::yield_now();
        }
        self.look();
        (self.observations, self.thread.join().unwrap().unwrap())
    }
}

fn run(fetch: Fetch, network: Network, recorder: Recorder, orders: &Arc<Orders>) -> Result<ClientTally, ClientFailure> {
    let names: Vec<PvName> = (0..COUNT).map(|i| PvName::new(&format!("F:P{i}")).unwrap()).collect();
    let natives = vec![NativeType::Double; COUNT];
    let followed: Vec<Followed> =
        (0..COUNT as u32).map(|i| Followed { pv: PvId(i), native: NativeType::Double, labels: 0 }).collect();
    let mut notebook = Notebook::new(Tally::new(&followed, Facts::News), recorder, orders);
    let dialer = Dialer::new(network, (names, natives), DbrClass::Time, Arc::clone(orders));
    let deadline = clock::now() + Span::from_secs(30);
    if fetch == Fetch::Monitor {
        dialer.follow(&mut notebook, Span::ZERO, deadline, &mut |_| {})?;
    } else {
        let (links, places) = dialer.dial(deadline)?;
        let mut getter = Persistent::new(Circuits::new(links, places, DbrClass::Time), dialer);
        let mut poller = Poller::new(fetch, Pacing::FixedDelay { period: Span::from_millis(2) }, COUNT, 3);
        poll_rounds(&mut poller, &mut getter, &mut notebook, COUNT, &mut |_| {})?;
        getter.take_losses().into_iter().for_each(|loss| notebook.lost(loss));
    }
    Ok(notebook.finish(0))
}
