//! What lies between client and IOC, and what both ends run on: the link and the host of a simulation.

use super::delay::Delay;
use crate::theory::Costs;
use crate::time::Span;

/// What a link of constant delay has each way when nothing is said.
const TYPICAL_WAY: Span = Span::from_micros(15);
/// From the end of a sleep, or from bytes being there, to the thread's running: `clock_nanosleep` with a timer slack of 1 ns takes
/// about this much longer than asked for.
const TYPICAL_WAKEUP: Delay = Delay::Exponential { least: Span::from_micros(15), mean: TYPICAL_WAKEUP_MEAN };
const TYPICAL_WAKEUP_MEAN: Span = Span::from_micros(25);
/// What the sockets of a connection hold for a reader that does not read, in bytes: on the loopback interface of Linux 6.18 3,929,088 at the IOC's end, whose
/// buffer grows to 4 MiB (`tcp_wmem`), and 111,624 at the client's.
pub(super) const SOCKET_BUFFERS: usize = 4_040_712;

/// Link and host of a whole simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The IOC's end.
    pub ioc: IocModel,
    /// One for each client of the scenario.
    pub clients: Vec<ClientModel>,
    /// The link in words, such as `constant 50 µs each way`.
    pub link: String,
    /// The host in words.
    pub host: String,
}

/// The IOC's end.
#[derive(Clone, Debug, PartialEq)]
pub struct IocModel {
    /// From bytes being there to the network thread's running.
    pub wakeup: Delay,
    /// From a change's being due to the emitter's running.
    pub emitter: Delay,
    /// Bytes that wait for a reader before the server's socket takes no more.
    pub socket_buffers: usize,
    /// What the IOC's operations cost where they are not a client's, see [`ClientModel::costs`].
    pub costs: Costs,
    /// Whether operations keep their thread busy, or only cost.
    pub busy: bool,
}

/// One client's end and its way to the IOC.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientModel {
    /// The way of a request and of its reply.
    pub round_trip: RoundTrip,
    /// The way of an update.
    pub push: Delay,
    /// From the end of a sleep to the client's running.
    pub timer: Delay,
    /// From bytes being there to the client's running.
    pub reader: Delay,
    /// What operations for this client cost at both ends.
    pub costs: Costs,
    /// Whether operations keep their thread busy, or only cost because the delays hold their time already.
    pub busy: bool,
}

/// How long a request is under way, and its reply.
#[derive(Clone, Debug, PartialEq)]
pub enum RoundTrip {
    /// Each way is drawn by itself.
    EachWay(Delay),
    /// Both ways together, half of it each.
    Whole(Delay),
}

/// How long messages are under way.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// Each way takes the same time, drawn anew for each message.
    EachWay(Delay),
}

impl Default for Link {
    fn default() -> Link {
        Link::EachWay(Delay::Constant(TYPICAL_WAY))
    }
}

impl Link {
    fn delay(&self) -> &Delay {
        let Link::EachWay(delay) = self;
        delay
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self.delay() {
            Delay::Constant(way) => format!("constant, {way} each way"),
            Delay::LogNormal { median, sigma } => {
                format!("log-normal, {median} each way in the median, sigma {sigma}")
            }
            Delay::Exponential { least, mean } => format!("at least {least} each way, {mean} on average"),
            Delay::Samples(_) => "samples".to_owned(),
        }
    }
}

impl Model {
    /// For so many clients: this link, and a host with typical wake-up delays and costs.
    #[must_use]
    pub fn typical(link: &Link, clients: usize) -> Model {
        let words = format!("typical: {TYPICAL_WAKEUP_MEAN} to wake up on average, round costs of each operation");
        Model::new(link, clients, &TYPICAL_WAKEUP, Costs::TYPICAL, words)
    }

    /// The same with a host that wakes up at once and does everything in no time: what theory assumes.
    #[must_use]
    pub fn ideal(link: &Link, clients: usize) -> Model {
        Model::new(link, clients, &Delay::NONE, Costs::NONE, "ideal: no delay but the link's, no cost".to_owned())
    }

    fn new(link: &Link, clients: usize, wakeup: &Delay, costs: Costs, host: String) -> Model {
        let client = ClientModel {
            round_trip: RoundTrip::EachWay(link.delay().clone()),
            push: link.delay().clone(),
            timer: wakeup.clone(),
            reader: wakeup.clone(),
            costs,
            busy: true,
        };
        Model {
            ioc: IocModel {
                wakeup: wakeup.clone(),
                emitter: wakeup.clone(),
                socket_buffers: SOCKET_BUFFERS,
                costs,
                busy: true,
            },
            clients: vec![client; clients],
            link: link.words(),
            host,
        }
    }
}
