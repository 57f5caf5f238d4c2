//! Raw TCP on the loopback interface: what a message of Channel Access' size takes without Channel Access.
//!
//! One thread waits in `read` as a client does, another writes at absolute instants as the IOC's emitter does. Both have Nagle's
//! algorithm off. The stamp is taken just before `write` and just after `read`.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use super::Stop;
use crate::ca::dbr::{DbrClass, DbrType};
use crate::ca::header::HEADER_SIZE;
use crate::io::{clock, timer};
use crate::pv::NativeType;
use crate::time::{Span, Tick};

/// A get: a header and nothing else.
pub const REQUEST_BYTES: usize = HEADER_SIZE;
/// A peer that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A monitor update, or the reply to a get, of a scalar `DBR_TIME_DOUBLE`: header, status, severity, stamp and value.
#[must_use]
pub fn reply_bytes() -> usize {
    let dbr = DbrType { class: DbrClass::Time, native: NativeType::Double };
    HEADER_SIZE + (dbr.value_offset() + 8).next_multiple_of(8)
}

/// Two connected sockets.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    for socket in [&near, &far] {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
    }
    Ok((near, far))
}

/// Pushes `count` messages, one each `period`, and tells how long each took from before its write to after its read.
///
/// # Errors
/// Those of the sockets.
pub fn push(period: Span, count: usize, stop: &Stop) -> io::Result<Vec<Span>> {
    let (mut near, mut far) = pair()?;
    let size = reply_bytes();
    let reader = std::thread::spawn(move || -> io::Result<Vec<Tick>> {
        timer::sharpen();
        let mut message = vec![0; size];
        let mut received = Vec::with_capacity(count);
        loop {
            match far.read_exact(&mut message) {
                Ok(()) => received.push(clock::now()),
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(received),
                Err(e) => return Err(e),
            }
        }
    });
    let stop = stop.clone();
    let writer = std::thread::spawn(move || -> io::Result<Vec<Tick>> {
        timer::sharpen();
        let message = vec![7; size];
        let mut posted = Vec::with_capacity(count);
        let mut due = clock::now();
        while posted.len() < count && !stop.is_set() {
            due += period;
            timer::sleep_until(due);
            posted.push(clock::now());
            near.write_all(&message)?;
        }
        // Dropping the socket ends the reader.
        Ok(posted)
    });
    let (posted, received) = (joined(writer)?, joined(reader)?);
    Ok(posted.into_iter().zip(received).map(|(posted, received)| received.saturating_since(posted)).collect())
}

/// Asks `count` times, once each `period` (zero: at once after the reply), and tells how long each took until the reply was read.
///
/// # Errors
/// Those of the sockets.
pub fn round_trip(period: Span, count: usize, stop: &Stop) -> io::Result<Vec<Span>> {
    let (mut near, mut far) = pair()?;
    let answerer = std::thread::spawn(move || -> io::Result<()> {
        timer::sharpen();
        let (mut request, reply) = (vec![0; REQUEST_BYTES], vec![7; reply_bytes()]);
        loop {
            match far.read_exact(&mut request) {
                Ok(()) => far.write_all(&reply)?,
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(e) => return Err(e),
            }
        }
    });
    let stop = stop.clone();
    let asker = std::thread::spawn(move || -> io::Result<Vec<Span>> {
        timer::sharpen();
        let (request, mut reply) = (vec![3; REQUEST_BYTES], vec![0; reply_bytes()]);
        let mut took = Vec::with_capacity(count);
        let mut due = clock::now();
        while took.len() < count && !stop.is_set() {
            if period > Span::ZERO {
                due += period;
                timer::sleep_until(due);
            }
            let asked = clock::now();
            near.write_all(&request)?;
            near.read_exact(&mut reply)?;
            took.push(clock::now().saturating_since(asked));
        }
        Ok(took)
    });
    let took = joined(asker)?;
    joined(answerer)?;
    Ok(took)
}

fn joined<T>(thread: std::thread::JoinHandle<io::Result<T>>) -> io::Result<T> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the measurement ended early")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_large_as_those_of_channel_access() {
        let dbr = DbrType { class: DbrClass::Time, native: NativeType::Double };
        let mut get = Vec::new();
        crate::ca::message::read_notify(&mut get, dbr.code(), 1, 7, 9);
        assert_eq!((get.len(), reply_bytes()), (REQUEST_BYTES, 40));
    }

    #[test]
    fn each_message_is_timed_once() {
        let stop = Stop::default();
        let period = Span::from_millis(1);
        assert_eq!(push(period, 7, &stop).unwrap().len(), 7);
        assert_eq!(round_trip(period, 7, &stop).unwrap().len(), 7);
        let took = round_trip(Span::ZERO, 7, &stop).unwrap();
        assert!(took.len() == 7 && took.iter().all(|t| *t > Span::ZERO), "{took:?}");
        stop.set();
        assert_eq!((push(period, 7, &stop).unwrap(), round_trip(period, 7, &stop).unwrap()), (Vec::new(), Vec::new()));
    }
}
