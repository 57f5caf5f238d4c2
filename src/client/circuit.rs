//! The client side of one circuit, without a socket.
//!
//! Bytes go out by [`Circuit::to_send`] and [`Circuit::sent`], come in by [`Circuit::spare`] and [`Circuit::filled`], and
//! [`Circuit::next_event`] says what they mean, one message at a time, borrowing its payload from the receive buffer.
//! Nothing is allocated for a get, its answer or an update once the tables have their size.

use crate::ca::header::Header;
use crate::ca::message::{self, access, command, eca};
use crate::ca::stream::{Frame, Stream};
use crate::pv::{NativeType, PvName};

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
            Some(frame) if frame.header.payload_size % 8 != 0 => {
                Err(CircuitError::Misaligned(frame.header.payload_size))
            }
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

fn data<'a>(frame: &Frame<'a>) -> Result<Data<'a>, CircuitError> {
    Ok(Data { dbr: frame.header.data_type, count: frame.header.count, payload: frame.payload })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::message::dbe;
    use proptest::prelude::*;

    const LIMIT: u32 = 1 << 16;
    const DOUBLE: u16 = 6;

    fn identity() -> Identity {
        Identity { host: "here".into(), user: "me".into(), priority: 0 }
    }

    fn name(text: &str) -> PvName {
        PvName::new(text).unwrap()
    }

    fn feed(circuit: &mut Circuit, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let spare = circuit.spare();
            let taken = spare.len().min(bytes.len());
            spare[..taken].copy_from_slice(&bytes[..taken]);
            circuit.filled(taken);
            bytes = &bytes[taken..];
        }
    }

    /// All events as text, those of no interest left out; the error that ends them is the last.
    fn events(circuit: &mut Circuit) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            match circuit.next_event() {
                Ok(Some(Event::Nothing)) => {}
                Ok(Some(event)) => seen.push(format!("{event:?}")),
                Ok(None) => return seen,
                Err(error) => {
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
    }

    /// Commands that are to go out; they are taken as sent.
    fn commands(circuit: &mut Circuit) -> Vec<Header> {
        let mut stream = Stream::new(u32::MAX);
        stream.push(circuit.to_send());
        let count = circuit.to_send().len();
        circuit.sent(count);
        let mut seen = Vec::new();
        while let Some(frame) = stream.next_frame().unwrap() {
            seen.push(frame.header);
        }
        assert_eq!(stream.pending(), 0);
        seen
    }

    fn value(out: &mut Vec<u8>, command: u16, status: u32, id: u32, value: f64) {
        let header = Header { command, data_type: DOUBLE, count: 1, p1: status, p2: id, ..Header::default() };
        message::with_payload(out, header, 8, |out| out.extend_from_slice(&value.to_be_bytes()));
    }

    /// A circuit with one open channel, tag 5, SID 77; nothing is waiting to go out.
    fn opened() -> (Circuit, ChannelId) {
        let mut circuit = Circuit::open(&identity(), LIMIT);
        let channel = circuit.create(&name("A"), 5).unwrap();
        commands(&mut circuit);
        let mut bytes = Vec::new();
        message::server_version(&mut bytes);
        message::access_rights(&mut bytes, channel.0, 3);
        message::channel_created(&mut bytes, DOUBLE, 1, channel.0, 77);
        feed(&mut circuit, &bytes);
        assert_eq!(events(&mut circuit).len(), 2);
        (circuit, channel)
    }

    #[test]
    fn opens_with_version_user_and_host() {
        let mut circuit = Circuit::open(&identity(), LIMIT);
        circuit.create(&name("TEST:A"), 0).unwrap();
        let sent: Vec<u16> = commands(&mut circuit).iter().map(|h| h.command).collect();
        assert_eq!(sent, [command::VERSION, command::CLIENT_NAME, command::HOST_NAME, command::CREATE_CHAN]);
    }

    #[test]
    fn many_gets_are_answered_in_any_order_and_any_cut_of_the_bytes() {
        let (mut circuit, channel) = opened();
        let ids: Vec<RequestId> = (0..10_000).map(|_| circuit.get(channel, DOUBLE, 1).unwrap()).collect();
        assert_eq!(commands(&mut circuit).len(), 10_000);
        let mut bytes = Vec::new();
        for (i, id) in ids.iter().enumerate().rev() {
            value(&mut bytes, command::READ_NOTIFY, eca::NORMAL, id.0, i as f64);
        }
        let mut expected = ids.iter().rev();
        for chunk in bytes.chunks(997) {
            feed(&mut circuit, chunk);
            while let Some(event) = circuit.next_event().unwrap() {
                let Event::Got { request, tag: 5, data } = event else { panic!("{event:?}") };
                assert_eq!(Some(&request), expected.next());
                assert_eq!(data.payload.len(), 8);
            }
        }
        assert_eq!((expected.next(), circuit.outstanding()), (None, 0));
        feed(&mut circuit, &bytes);
        assert!(events(&mut circuit).is_empty(), "answers that nobody waits for");
    }

    #[test]
    fn one_byte_at_a_time_is_as_good() {
        let (mut circuit, channel) = opened();
        let id = circuit.get(channel, DOUBLE, 1).unwrap();
        let mut bytes = Vec::new();
        value(&mut bytes, command::READ_NOTIFY, eca::NORMAL, id.0, 1.0);
        for (i, byte) in bytes.iter().enumerate() {
            feed(&mut circuit, &[*byte]);
            assert_eq!(events(&mut circuit).len(), usize::from(i + 1 == bytes.len()));
        }
    }

    #[test]
    fn requests_need_an_open_channel_and_the_right() {
        let mut circuit = Circuit::open(&identity(), LIMIT);
        let channel = circuit.create(&name("A"), 0).unwrap();
        assert_eq!(circuit.get(channel, DOUBLE, 1), Err(RequestError::NotConnected));
        let (mut circuit, channel) = opened();
        let mut bytes = Vec::new();
        message::access_rights(&mut bytes, channel.0, 0);
        feed(&mut circuit, &bytes);
        events(&mut circuit);
        assert_eq!(circuit.get(channel, DOUBLE, 1), Err(RequestError::NoReadAccess));
        assert_eq!(circuit.put(channel, DOUBLE, 1, &[0; 8]), Err(RequestError::NoWriteAccess));
        assert_eq!(circuit.put_notify(channel, DOUBLE, 1, &[0; 8]), Err(RequestError::NoWriteAccess));
        assert!(circuit.to_send().is_empty());
    }

    #[test]
    fn old_servers_are_told_the_count() {
        let (mut circuit, channel) = opened();
        circuit.get(channel, DOUBLE, 0).unwrap();
        assert_eq!(commands(&mut circuit)[0].count, 0);
        let mut bytes = Vec::new();
        Header { command: command::VERSION, count: 11, ..Header::default() }.encode(&mut bytes);
        feed(&mut circuit, &bytes);
        events(&mut circuit);
        circuit.get(channel, DOUBLE, 0).unwrap();
        circuit.subscribe(channel, DOUBLE, 0, dbe::VALUE, 0).unwrap();
        assert_eq!(commands(&mut circuit).iter().map(|h| h.count).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn failures_find_their_request() {
        let (mut circuit, channel) = opened();
        let get = circuit.get(channel, DOUBLE, 1).unwrap();
        let refused = circuit.get(channel, DOUBLE, 1).unwrap();
        let put = circuit.put_notify(channel, DOUBLE, 1, &[0; 8]).unwrap();
        circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 9).unwrap();
        circuit.put(channel, DOUBLE, 1, &[0; 8]).unwrap();
        let asked = commands(&mut circuit);
        let mut bytes = Vec::new();
        value(&mut bytes, command::READ_NOTIFY, eca::GETFAIL, get.0, 0.0);
        for request in &asked[1..] {
            message::error(&mut bytes, channel.0, eca::NOWTACCESS, request, "because");
        }
        feed(&mut circuit, &bytes);
        let why = format!("status: {}", eca::NOWTACCESS);
        let want = [
            format!("GetFailed {{ request: {get:?}, tag: 5, status: {} }}", eca::GETFAIL),
            format!("GetFailed {{ request: {refused:?}, tag: 5, {why} }}"),
            format!("Written {{ request: {put:?}, tag: 5, {why} }}"),
            format!("UpdateFailed {{ subscription: SubscriptionId({}), tag: 9, {why} }}", asked[3].p2),
            format!("Complaint {{ tag: Some(5), command: {}, {why}, why: \"because\" }}", command::WRITE),
        ];
        assert_eq!(events(&mut circuit), want);
        assert_eq!(circuit.outstanding(), 0);
    }

    #[test]
    fn a_cancelled_subscription_is_silent_until_its_last_word() {
        let (mut circuit, channel) = opened();
        let one = circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 1).unwrap();
        let two = circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 2).unwrap();
        circuit.cancel(one);
        circuit.cancel(one);
        let sent: Vec<u16> = commands(&mut circuit).iter().map(|h| h.command).collect();
        assert_eq!(sent, [command::EVENT_ADD, command::EVENT_ADD, command::EVENT_CANCEL]);
        let mut bytes = Vec::new();
        for id in [one, two] {
            value(&mut bytes, command::EVENT_ADD, eca::NORMAL, id.0, 1.0);
        }
        message::event_cancelled(&mut bytes, DOUBLE, 77, one.0);
        value(&mut bytes, command::EVENT_ADD, eca::NORMAL, one.0, 1.0);
        feed(&mut circuit, &bytes);
        let seen = events(&mut circuit);
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen[0].contains("tag: 2"), "{seen:?}");
        assert_eq!(seen[1], "Cancelled { tag: 1 }");
    }

    #[test]
    fn a_channel_that_goes_takes_its_requests_along() {
        for (message, event) in [
            (message::server_disconnect as fn(&mut Vec<u8>, u32), "Dropped { tag: 5 }"),
            (message::create_failed, "Refused { tag: 5 }"),
            (|out, cid| message::clear_channel(out, 77, cid), "Cleared { tag: 5 }"),
        ] {
            let (mut circuit, channel) = opened();
            let id = circuit.get(channel, DOUBLE, 1).unwrap();
            let subscription = circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 0).unwrap();
            let mut bytes = Vec::new();
            message(&mut bytes, channel.0);
            value(&mut bytes, command::READ_NOTIFY, eca::NORMAL, id.0, 0.0);
            value(&mut bytes, command::EVENT_ADD, eca::NORMAL, subscription.0, 0.0);
            feed(&mut circuit, &bytes);
            assert_eq!(events(&mut circuit), [event]);
            assert_eq!(circuit.outstanding(), 0);
            assert_eq!(circuit.get(channel, DOUBLE, 1), Err(RequestError::NotConnected));
        }
    }

    #[test]
    fn a_channel_cleared_before_it_opened_is_cleared_when_it_does() {
        let mut circuit = Circuit::open(&identity(), LIMIT);
        let channel = circuit.create(&name("A"), 5).unwrap();
        circuit.clear(channel);
        commands(&mut circuit);
        let mut bytes = Vec::new();
        message::channel_created(&mut bytes, DOUBLE, 1, channel.0, 77);
        feed(&mut circuit, &bytes);
        assert!(events(&mut circuit).is_empty());
        let sent = commands(&mut circuit);
        assert_eq!((sent.len(), sent[0].command, sent[0].p1), (1, command::CLEAR_CHANNEL, 77));
    }

    #[test]
    fn silence_is_broken_by_any_byte() {
        let (mut circuit, _) = opened();
        assert_eq!(circuit.silent(), Silence::Asked);
        assert_eq!(commands(&mut circuit)[0].command, command::ECHO);
        let mut bytes = Vec::new();
        message::echo(&mut bytes);
        feed(&mut circuit, &bytes);
        assert!(events(&mut circuit).is_empty());
        assert!(circuit.to_send().is_empty(), "an ECHO is not answered");
        assert_eq!(circuit.silent(), Silence::Asked);
        assert_eq!(circuit.silent(), Silence::Dead);
    }

    #[test]
    fn bytes_that_are_not_the_protocol_end_the_circuit_with_a_reason() {
        let frame = |header: Header, payload: &[u8]| {
            let mut out = Vec::new();
            Header { payload_size: payload.len() as u32, ..header }.encode(&mut out);
            out.extend_from_slice(payload);
            out
        };
        let command = |command| Header { command, ..Header::default() };
        let cases = [
            (frame(command(99), &[]), "the server sent command 99"),
            (frame(command(command::EVENT_ADD), &[0; 7]), "the server sent a payload of 7 bytes"),
            (frame(command(command::ERROR), &[0; 8]), "the server sent an ERROR message"),
            (frame(Header { data_type: 7, ..command(command::CREATE_CHAN) }, &[]), "the server sent data of type 7"),
            (
                frame(command(command::EVENT_ADD), &vec![0; LIMIT as usize + 8]),
                "the server sent a message that is too large",
            ),
        ];
        for (bytes, why) in cases {
            let (mut circuit, _) = opened();
            feed(&mut circuit, &bytes);
            let seen = events(&mut circuit);
            assert!(seen.len() == 1 && seen[0].starts_with(why), "{seen:?}, wanted {why}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(messages in prop::collection::vec(
            (0u16..30, prop::collection::vec(any::<u8>(), 0..40), any::<u16>(), 0u32..4, 0u32..4, 0u32..4), 0..40,
        )) {
            let (mut circuit, channel) = opened();
            circuit.get(channel, DOUBLE, 1).unwrap();
            let subscription = circuit.subscribe(channel, DOUBLE, 1, dbe::VALUE, 2).unwrap();
            for (i, (command, payload, data_type, count, p1, p2)) in messages.into_iter().enumerate() {
                let ids = [0, channel.0, subscription.0, u32::MAX];
                let header = Header { command, data_type, count, p1: ids[p1 as usize], p2: ids[p2 as usize], ..Header::default() };
                let mut bytes = Vec::new();
                message::with_payload(&mut bytes, header, payload.len(), |out| out.extend_from_slice(&payload));
                feed(&mut circuit, &bytes);
                events(&mut circuit);
                if i == 10 {
                    circuit.cancel(subscription);
                    circuit.clear(channel);
                }
            }
        }
    }
}
