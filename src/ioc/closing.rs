//! Why a circuit was closed, and what was refused to one that stays.

use thiserror::Error;

use crate::ca::header::HeaderError;

/// Why a circuit was closed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CloseReason {
    /// The ordinary end.
    #[error("the client closed it")]
    ByClient,
    /// Bytes of a message are missing at the end.
    #[error("the client closed it {0} bytes into a message")]
    Truncated(usize),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The server stops.
    #[error("the server stops")]
    ServerStops,
    /// No room for another circuit.
    #[error("{0} circuits are open, which is the limit")]
    TooManyCircuits(usize),
    /// A header that no message has.
    #[error(transparent)]
    Malformed(#[from] HeaderError),
    /// Not a message that clients send.
    #[error("message {0} is none that a client sends")]
    UnknownCommand(u16),
    /// A channel that this circuit does not have.
    #[error("message {command} names channel {sid}, which this circuit does not have")]
    UnknownChannel {
        /// Its command code.
        command: u16,
        /// The identifier that it names.
        sid: u32,
    },
    /// A subscription that this channel does not have.
    #[error("subscription {0} is to be cancelled, which the channel does not have")]
    UnknownSubscription(u32),
    /// A request type that there is not.
    #[error("message {command} asks for data type {data_type}, which there is not")]
    UnknownType {
        /// Its command code.
        command: u16,
        /// The type that it asks for.
        data_type: u16,
    },
    /// A client from before the protocol that we speak.
    #[error("the client speaks version 4.{0}; at least 4.4 is needed")]
    TooOld(u32),
    /// Priorities go from 0 to 99.
    #[error("the client asks for priority {0}; the highest is 99")]
    UnknownPriority(u16),
    /// A host or user name without end.
    #[error("the client's {what} name takes {size} bytes without an end; at most 511 and a NUL are taken")]
    LongName {
        /// `host` or `user`.
        what: &'static str,
        /// Bytes of the payload.
        size: usize,
    },
}

impl CloseReason {
    /// Whether somebody should be told: the ordinary end is no news.
    #[must_use]
    pub fn is_notable(&self) -> bool {
        !matches!(self, CloseReason::ByClient | CloseReason::ServerStops)
    }
}

/// What was refused to a circuit that stays open.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Another channel.
    #[error("no further channel: it has {0}, which is the limit")]
    Channels(usize),
    /// Another subscription.
    #[error("no further subscription: it has {0}, which is the limit")]
    Subscriptions(usize),
}

/// Something that the log should have: about a circuit, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// User, host and address, as far as known.
    pub client: String,
    /// What happened.
    pub what: String,
}
