//! What a circuit tells its user, and why it may end.

use std::borrow::Cow;

use thiserror::Error;

use crate::ca::header::HeaderError;
use crate::ca::message::eca;
use crate::pv::NativeType;

/// A channel of a circuit: its CID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelId(pub(super) u32);

/// A request that an answer is owed for: its IOID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub(super) u32);

/// A subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubscriptionId(pub(super) u32);

/// A value as it came over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Its DBR code.
    pub dbr: u16,
    /// Elements.
    pub count: u32,
    /// The bytes, padding included.
    pub payload: &'a [u8],
}

/// What came of one message. `tag` is the number that the user gave the channel or the subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The server has the channel.
    Opened {
        /// Which.
        channel: ChannelId,
        /// The user's number of the channel.
        tag: u32,
        /// Its native type.
        native: NativeType,
        /// Its elements.
        count: u32,
    },
    /// What the client may do with a channel, when it opens and whenever it changes.
    Rights {
        /// Which.
        channel: ChannelId,
        /// The user's number of the channel.
        tag: u32,
        /// Whether it may be read.
        read: bool,
        /// Whether it may be written.
        write: bool,
    },
    /// The server does not have the channel after all; its identifier is free again.
    Refused {
        /// The user's number of the channel.
        tag: u32,
    },
    /// The server dropped the channel, the circuit stays; its identifier is free again.
    Dropped {
        /// The user's number of the channel.
        tag: u32,
    },
    /// A clear is confirmed; the identifier is free again.
    Cleared {
        /// The user's number of the channel.
        tag: u32,
    },
    /// The answer to a get.
    Got {
        /// The get.
        request: RequestId,
        /// The user's number of the channel.
        tag: u32,
        /// The value.
        data: Data<'a>,
    },
    /// A get that failed.
    GetFailed {
        /// The get.
        request: RequestId,
        /// The user's number of the channel.
        tag: u32,
        /// The status, see [`crate::ca::message::eca`].
        status: u32,
    },
    /// A put that asked for completion is complete.
    Written {
        /// The put.
        request: RequestId,
        /// The user's number of the channel.
        tag: u32,
        /// How it went: [`crate::ca::message::eca::NORMAL`] or why not.
        status: u32,
    },
    /// A monitor update.
    Update {
        /// Of which subscription.
        subscription: SubscriptionId,
        /// The user's number of the subscription.
        tag: u32,
        /// The value.
        data: Data<'a>,
    },
    /// An update without a value, such as after the loss of the right to read.
    UpdateFailed {
        /// Of which subscription.
        subscription: SubscriptionId,
        /// The user's number of the subscription.
        tag: u32,
        /// The status.
        status: u32,
    },
    /// The server's last word on a cancelled subscription.
    Cancelled {
        /// The user's number of the subscription.
        tag: u32,
    },
    /// The server complains about a request that has no answer of its own, such as a put without completion.
    Complaint {
        /// The user's number of the channel, where the complaint names one.
        tag: Option<u32>,
        /// The request's command code.
        command: u16,
        /// The status.
        status: u32,
        /// In the server's words.
        why: Cow<'a, str>,
    },
    /// A message that needs nobody's attention.
    Nothing,
}

/// Why a circuit can't go on: what came is not the protocol that we speak.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CircuitError {
    /// A message larger than the client takes, or misaligned.
    #[error("what the server sent is not a message: {0}")]
    Header(#[from] HeaderError),
    /// A command that no server sends.
    #[error("the server sent command {0}, which no Channel Access server sends on a circuit")]
    Command(u16),
    /// A data type that is not one.
    #[error("the server sent data of type {0}, which is no DBR type")]
    DataType(u16),
    /// A payload that is too short for what comes with a value of its type.
    #[error("the server sent {got} bytes of DBR type {dbr}, whose values start at byte {needed}")]
    ShortPayload {
        /// DBR code.
        dbr: u16,
        /// Bytes that came.
        got: usize,
        /// Bytes that it takes at least.
        needed: usize,
    },
    /// An ERROR message without the request that it is about.
    #[error("the server sent an ERROR message that does not hold the request it is about")]
    EmptyError,
}

/// Why a request was not made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// No such channel, or not open yet, or no longer.
    #[error("the channel is not connected")]
    NotConnected,
    /// The server lets us not read it.
    #[error("the server does not allow this channel to be read")]
    NoReadAccess,
    /// The server lets us not write it.
    #[error("the server does not allow this channel to be written")]
    NoWriteAccess,
    /// More requests, channels or subscriptions than a circuit takes.
    #[error("a circuit takes at most {} of these at a time", super::identifier::PLACES)]
    Full,
}

/// A status in words, by the names that EPICS users know.
#[must_use]
pub fn status_text(status: u32) -> Cow<'static, str> {
    Cow::Borrowed(match status {
        eca::NORMAL => "normal (ECA_NORMAL)",
        eca::ALLOCMEM => "the server has no memory for it (ECA_ALLOCMEM)",
        eca::TOLARGE => "too large for the server (ECA_TOLARGE)",
        eca::BADTYPE => "the data type is not valid (ECA_BADTYPE)",
        eca::INTERNAL => "the server failed (ECA_INTERNAL)",
        eca::GETFAIL => "the server could not read it (ECA_GETFAIL)",
        eca::PUTFAIL => "the server could not write it (ECA_PUTFAIL)",
        eca::BADCOUNT => "the number of elements is not valid (ECA_BADCOUNT)",
        eca::BADSTR => "the text is not valid (ECA_BADSTR)",
        eca::NORDACCESS => "reading is not allowed (ECA_NORDACCESS)",
        eca::NOWTACCESS => "writing is not allowed (ECA_NOWTACCESS)",
        eca::NOCONVERT => "it can't be converted (ECA_NOCONVERT)",
        eca::BADCHID => "the server does not know the channel (ECA_BADCHID)",
        eca::BADMASK => "the event mask is not valid (ECA_BADMASK)",
        other => return Cow::Owned(format!("status {other} of the server")),
    })
}
