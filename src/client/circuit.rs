//! The client side of one circuit, without a socket.
//!
//! Bytes go out by [`Circuit::to_send`] and [`Circuit::sent`], come in by [`Circuit::spare`] and [`Circuit::filled`], and
//! [`Circuit::next_event`] says what they mean, one message at a time, borrowing its payload from the receive buffer.
//! Nothing is allocated for a get, its answer or an update once the tables have their size.

use crate::ca::dbr::{DbrType, ExtraType};
use crate::ca::header::Header;
use crate::ca::message::{self, access, command, eca};
use crate::ca::stream::{Frame, Stream};
use crate::pv::{NativeType, PvName, STRING_SIZE};

use super::event::{ChannelId, CircuitError, Data, Event, RequestError, RequestId, SubscriptionId};
use super::identifier::Identifiers;

/// How a client introduces itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The host's name.
    pub host: String,
    /// The user's name.
    pub user: String,
    /// Priority of the circuit among those of the same client, 0 to 99.
    pub priority: u16,
}

/// What is to be done about a server that says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// An ECHO was put out: wait for its answer, not as long as before (`caProto.h`, `CA_ECHO_TIMEOUT`: 5 s).
    Asked,
    /// Not even the ECHO was answered.
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Creating,
    Open,
    Clearing,
}

#[derive(Debug)]
struct Channel {
    tag: u32,
    state: State,
    sid: u32,
    count: u32,
    read: bool,
    write: bool,
}

#[derive(Debug)]
struct Request {
    channel: u32,
    tag: u32,
}

#[derive(Debug)]
struct Subscription {
    channel: u32,
    tag: u32,
    dbr: u16,
    count: u32,
    cancelled: bool,
}

/// One circuit.
#[derive(Debug)]
pub struct Circuit {
    stream: Stream,
    book: Book,
}

/// Everything but the bytes that come in, so that a message may be borrowed while it is dealt with.
#[derive(Debug)]
struct Book {
    out: Vec<u8>,
    sent: usize,
    channels: Identifiers<Channel>,
    requests: Identifiers<Request>,
    subscriptions: Identifiers<Subscription>,
    server_minor: u32,
    echo_owed: bool,
}

/// The first minor version whose servers choose the count themselves when asked for 0 elements (`caProto.h`, `CA_V413`).
const AUTOSIZE_SINCE: u32 = 13;

impl Circuit {
    /// A circuit that has just been connected: the greeting is put out.
    /// Payloads larger than `payload_limit` bytes are not taken.
    #[must_use]
    pub fn open(identity: &Identity, payload_limit: u32) -> Circuit {
        let mut out = Vec::with_capacity(4096);
        message::client_version(&mut out, identity.priority);
        message::client_name(&mut out, &identity.user);
        message::host_name(&mut out, &identity.host);
        let book = Book {
            out,
            sent: 0,
            channels: Identifiers::new(),
            requests: Identifiers::new(),
            subscriptions: Identifiers::new(),
            server_minor: AUTOSIZE_SINCE,
            echo_owed: false,
        };
        Circuit { stream: Stream::new(payload_limit), book }
    }

    /// Asks for a channel. `tag` comes back in its events.
    ///
    /// # Errors
    /// When the circuit has too many.
    pub fn create(&mut self, name: &PvName, tag: u32) -> Result<ChannelId, RequestError> {
        let channel = Channel { tag, state: State::Creating, sid: 0, count: 0, read: true, write: true };
        let cid = self.book.channels.insert(channel).ok_or(RequestError::Full)?;
        message::create_channel(&mut self.book.out, cid, name.as_str());
        Ok(ChannelId(cid))
    }

    /// Asks for a value: `dbr` is the code of a DBR type, `count` 0 lets the server choose.
    ///
    /// # Errors
    /// When the channel is not open or may not be read, or too many requests are outstanding.
    pub fn get(&mut self, channel: ChannelId, dbr: u16, count: u32) -> Result<RequestId, RequestError> {
        let open = self.book.open_channel(channel)?;
        if !open.read {
            return Err(RequestError::NoReadAccess);
        }
        let (sid, tag, count) = (open.sid, open.tag, self.book.wire_count(open, count));
        let ioid = self.book.requests.insert(Request { channel: channel.0, tag }).ok_or(RequestError::Full)?;
        message::read_notify(&mut self.book.out, dbr, count, sid, ioid);
        Ok(RequestId(ioid))
    }

    /// Sets a value and asks to be told when all that it set off is done.
    ///
    /// # Errors
    /// When the channel is not open or may not be written, or too many requests are outstanding.
    pub fn put_notify(
        &mut self,
        channel: ChannelId,
        dbr: u16,
        count: u32,
        data: &[u8],
    ) -> Result<RequestId, RequestError> {
        let (sid, tag) = self.book.writable_channel(channel)?;
        let ioid = self.book.requests.insert(Request { channel: channel.0, tag }).ok_or(RequestError::Full)?;
        self.book.write(command::WRITE_NOTIFY, dbr, count, sid, ioid, data);
        Ok(RequestId(ioid))
    }

    /// Sets a value; the server answers only if it cannot.
    ///
    /// # Errors
    /// When the channel is not open or may not be written.
    pub fn put(&mut self, channel: ChannelId, dbr: u16, count: u32, data: &[u8]) -> Result<(), RequestError> {
        let (sid, _) = self.book.writable_channel(channel)?;
        self.book.write(command::WRITE, dbr, count, sid, channel.0, data);
        Ok(())
    }

    /// Subscribes to a channel with a mask of [`message::dbe`] bits. `tag` comes back in its updates.
    ///
    /// # Errors
    /// When the channel is not open, or the circuit has too many subscriptions.
    pub fn subscribe(
        &mut self,
        channel: ChannelId,
        dbr: u16,
        count: u32,
        mask: u16,
        tag: u32,
    ) -> Result<SubscriptionId, RequestError> {
        let open = self.book.open_channel(channel)?;
        let (sid, count) = (open.sid, self.book.wire_count(open, count));
        let subscription = Subscription { channel: channel.0, tag, dbr, count, cancelled: false };
        let id = self.book.subscriptions.insert(subscription).ok_or(RequestError::Full)?;
        message::event_add(&mut self.book.out, dbr, count, sid, id, mask);
        Ok(SubscriptionId(id))
    }

    /// Cancels a subscription. Updates that are on their way are dropped here.
    pub fn cancel(&mut self, subscription: SubscriptionId) {
        let book = &mut self.book;
        let Some(entry) = book.subscriptions.get_mut(subscription.0).filter(|s| !s.cancelled) else { return };
        let Some(channel) = book.channels.get(entry.channel) else { return };
        entry.cancelled = true;
        message::event_cancel(&mut book.out, entry.dbr, entry.count, channel.sid, subscription.0);
    }

    /// Gives a channel back. What is on its way for it is dropped here.
    pub fn clear(&mut self, channel: ChannelId) {
        let Some(entry) = self.book.channels.get_mut(channel.0) else { return };
        let was = std::mem::replace(&mut entry.state, State::Clearing);
        if was == State::Open {
            message::clear_channel(&mut self.book.out, entry.sid, channel.0);
        }
        // While it is being created the server's identifier is not known: CREATE_CHAN's answer sets the clear off.
    }

    /// Asks the server to send updates, or to hold them back (`tcpiiu.cpp`, flow control).
    pub fn events(&mut self, on: bool) {
        message::events(&mut self.book.out, on);
    }

    /// Told that nothing came for as long as a circuit may be silent: asks for a sign of life, and if that was done already
    /// and nothing came since, the server is dead.
    pub fn silent(&mut self) -> Silence {
        if self.book.echo_owed {
            return Silence::Dead;
        }
        self.book.echo_owed = true;
        message::echo(&mut self.book.out);
        Silence::Asked
    }

    /// Gets and puts that an answer is owed for.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.book.requests.len()
    }

    /// Bytes that are to go out.
    #[must_use]
    pub fn to_send(&self) -> &[u8] {
        &self.book.out[self.book.sent..]
    }

    /// `count` of these have gone out.
    pub fn sent(&mut self, count: usize) {
        self.book.sent = (self.book.sent + count).min(self.book.out.len());
        if self.book.sent == self.book.out.len() {
            self.book.out.clear();
            self.book.sent = 0;
        }
    }

    /// Room for bytes that come in. Take all events before asking for more: that bounds the memory.
    pub fn spare(&mut self) -> &mut [u8] {
        self.stream.spare()
    }

    /// `count` bytes were read into [`Circuit::spare`].
    pub fn filled(&mut self, count: usize) {
        self.book.echo_owed = false;
        self.stream.filled(count);
    }

    /// What the next message means; `None` until more bytes come. Once it has failed, close the connection.
    ///
    /// # Errors
    /// When what came is not the protocol.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, CircuitError> {
        match self.stream.next_frame()? {
            Some(frame) => self.book.take(frame).map(Some),
            None => Ok(None),
        }
    }
}

impl Book {
    fn open_channel(&self, channel: ChannelId) -> Result<&Channel, RequestError> {
        self.channels.get(channel.0).filter(|c| c.state == State::Open).ok_or(RequestError::NotConnected)
    }

    fn writable_channel(&self, channel: ChannelId) -> Result<(u32, u32), RequestError> {
        let open = self.open_channel(channel)?;
        if open.write { Ok((open.sid, open.tag)) } else { Err(RequestError::NoWriteAccess) }
    }

    fn wire_count(&self, channel: &Channel, count: u32) -> u32 {
        if count == 0 && self.server_minor < AUTOSIZE_SINCE { channel.count } else { count }
    }

    fn write(&mut self, command: u16, dbr: u16, count: u32, sid: u32, p2: u32, data: &[u8]) {
        let header = Header { command, data_type: dbr, count, p1: sid, p2, ..Header::default() };
        message::with_payload(&mut self.out, header, data.len(), |out| out.extend_from_slice(data));
    }

    fn take<'a>(&mut self, frame: Frame<'a>) -> Result<Event<'a>, CircuitError> {
        match frame.header.command {
            command::READ_NOTIFY => self.got(frame),
            command::EVENT_ADD => self.update(frame),
            command::WRITE_NOTIFY => Ok(self.written(frame.header)),
            command::CREATE_CHAN => self.opened(frame.header),
            command::ACCESS_RIGHTS => Ok(self.rights(frame.header)),
            command::CREATE_CH_FAIL => Ok(self.gone(frame.header.p1, |tag| Event::Refused { tag })),
            command::SERVER_DISCONN => Ok(self.gone(frame.header.p1, |tag| Event::Dropped { tag })),
            command::CLEAR_CHANNEL => Ok(self.gone(frame.header.p2, |tag| Event::Cleared { tag })),
            command::ERROR => self.complaint(frame),
            command::VERSION => {
                self.server_minor = frame.header.count;
                Ok(Event::Nothing)
            }
            // The answer to an ECHO of ours: that something came is all it tells. It is not answered: a server answers an ECHO
            // with an ECHO, and two such ends would never stop. READ_SYNC is what old servers say instead.
            command::ECHO | command::READ_SYNC | command::SEARCH | command::NOT_FOUND => Ok(Event::Nothing),
            other => Err(CircuitError::Command(other)),
        }
    }

    fn got<'a>(&mut self, frame: Frame<'a>) -> Result<Event<'a>, CircuitError> {
        let id = frame.header.p2;
        let Some(Request { tag, channel }) = self.requests.remove(id) else { return Ok(Event::Nothing) };
        if self.is_clearing(channel) {
            return Ok(Event::Nothing);
        }
        let request = RequestId(id);
        match frame.header.p1 {
            eca::NORMAL => Ok(Event::Got { request, tag, data: data(&frame)? }),
            status => Ok(Event::GetFailed { request, tag, status }),
        }
    }

    fn update<'a>(&mut self, frame: Frame<'a>) -> Result<Event<'a>, CircuitError> {
        let id = frame.header.p2;
        let Some(entry) = self.subscriptions.get(id) else { return Ok(Event::Nothing) };
        let (tag, cancelled, channel) = (entry.tag, entry.cancelled, entry.channel);
        let subscription = SubscriptionId(id);
        if frame.payload.is_empty() {
            // `camessage.c`, event_cancel_reply. For a live subscription it is an array without elements.
            if !cancelled {
                return Ok(Event::Nothing);
            }
            self.subscriptions.remove(id);
            return Ok(Event::Cancelled { tag });
        }
        if cancelled || self.is_clearing(channel) {
            return Ok(Event::Nothing);
        }
        match frame.header.p1 {
            eca::NORMAL => Ok(Event::Update { subscription, tag, data: data(&frame)? }),
            status => Ok(Event::UpdateFailed { subscription, tag, status }),
        }
    }

    fn is_clearing(&self, channel: u32) -> bool {
        self.channels.get(channel).is_none_or(|c| c.state == State::Clearing)
    }

    fn written<'a>(&mut self, header: Header) -> Event<'a> {
        match self.requests.remove(header.p2) {
            Some(Request { tag, .. }) => Event::Written { request: RequestId(header.p2), tag, status: header.p1 },
            None => Event::Nothing,
        }
    }

    fn opened<'a>(&mut self, header: Header) -> Result<Event<'a>, CircuitError> {
        let native = NativeType::ALL.get(usize::from(header.data_type)).copied();
        let native = native.ok_or(CircuitError::DataType(header.data_type))?;
        let Some(entry) = self.channels.get_mut(header.p1) else { return Ok(Event::Nothing) };
        entry.sid = header.p2;
        entry.count = header.count;
        match entry.state {
            State::Creating => {
                entry.state = State::Open;
                let channel = ChannelId(header.p1);
                Ok(Event::Opened { channel, tag: entry.tag, native, count: header.count })
            }
            State::Clearing => {
                message::clear_channel(&mut self.out, header.p2, header.p1);
                Ok(Event::Nothing)
            }
            State::Open => Ok(Event::Nothing),
        }
    }

    fn rights<'a>(&mut self, header: Header) -> Event<'a> {
        let Some(entry) = self.channels.get_mut(header.p1) else { return Event::Nothing };
        entry.read = header.p2 & access::READ != 0;
        entry.write = header.p2 & access::WRITE != 0;
        Event::Rights { channel: ChannelId(header.p1), tag: entry.tag, read: entry.read, write: entry.write }
    }

    fn gone<'a>(&mut self, cid: u32, event: impl Fn(u32) -> Event<'a>) -> Event<'a> {
        let Some(channel) = self.channels.remove(cid) else { return Event::Nothing };
        self.requests.retain(|r| r.channel != cid);
        self.subscriptions.retain(|s| s.channel != cid);
        event(channel.tag)
    }

    /// ERROR holds the header of the request that failed (`camessage.c`, send_err).
    fn complaint<'a>(&mut self, frame: Frame<'a>) -> Result<Event<'a>, CircuitError> {
        let status = frame.header.p2;
        let Ok(Some((about, taken))) = Header::decode(frame.payload, u32::MAX) else {
            return Err(CircuitError::EmptyError);
        };
        match about.command {
            command::READ_NOTIFY => {
                if let Some(Request { tag, .. }) = self.requests.remove(about.p2) {
                    return Ok(Event::GetFailed { request: RequestId(about.p2), tag, status });
                }
            }
            command::WRITE_NOTIFY => {
                if let Some(Request { tag, .. }) = self.requests.remove(about.p2) {
                    return Ok(Event::Written { request: RequestId(about.p2), tag, status });
                }
            }
            command::EVENT_ADD => {
                if let Some(Subscription { tag, .. }) = self.subscriptions.remove(about.p2) {
                    return Ok(Event::UpdateFailed { subscription: SubscriptionId(about.p2), tag, status });
                }
            }
            _ => {}
        }
        let tag = self.channels.get(frame.header.p1).map(|c| c.tag);
        Ok(Event::Complaint { tag, command: about.command, status, why: message::text(&frame.payload[taken..]) })
    }
}

/// The value of an answer, with as many elements as its bytes hold: caproto's updates announce the elements that were asked for,
/// although the array has fewer. A last text may end with the payload.
fn data<'a>(frame: &Frame<'a>) -> Result<Data<'a>, CircuitError> {
    let (code, payload) = (frame.header.data_type, frame.payload);
    let Some(dbr) = DbrType::from_code(code) else {
        ExtraType::from_code(code).ok_or(CircuitError::DataType(code))?;
        return Ok(Data { dbr: code, count: frame.header.count, payload });
    };
    let needed = dbr.value_offset();
    let cut_short = if dbr.native == NativeType::String { STRING_SIZE - 1 } else { 0 };
    match dbr.largest_count(payload.len()) {
        Some(_) => {
            let most = dbr.largest_count(payload.len() + cut_short).unwrap_or(0);
            Ok(Data { dbr: code, count: frame.header.count.min(most as u32), payload })
        }
        None => Err(CircuitError::ShortPayload { dbr: code, got: payload.len(), needed }),
    }
}

#[cfg(test)]
mod tests;
