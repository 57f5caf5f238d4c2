//! A client against servers that play a part.

use super::super::net::{LinkError, Manners};
use super::*;

/// A server that plays a part: it is given the connection.
fn scripted(part: impl FnOnce(std::net::TcpStream) + Send + 'static) -> SocketAddrV4 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || part(listener.accept().unwrap().0));
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

fn manners(patience: Span) -> Manners {
    Manners { patience, echo_patience: patience, ..Network::loopback(1).manners }
}

#[test]
fn messages_may_come_byte_by_byte() {
    let server = scripted(|mut stream| {
        stream.set_nodelay(true).unwrap();
        let mut bytes = Vec::new();
        message::server_version(&mut bytes);
        message::channel_created(&mut bytes, 6, 1, 1 << 20, 7);
        for byte in bytes {
            stream.write_all(&[byte]).unwrap();
        }
        let _ = stream.read(&mut [0; 1]);
    });
    let mut link = Link::connect(server, &manners(LONG), LONG).unwrap();
    let channel = link.circuit().create(&names(&["A"])[0], 5).unwrap();
    let opened = loop {
        match link.next_event().unwrap() {
            Some(Event::Opened { channel, .. }) => break channel,
            Some(_) => {}
            None => {
                link.exchange().unwrap();
            }
        }
    };
    assert_eq!(opened, channel);
}

#[test]
fn a_silent_server_is_asked_and_then_given_up() {
    let server = scripted(|mut stream| {
        let mut bytes = Vec::new();
        // It takes everything and answers nothing, until the client goes.
        let _ = stream.read_to_end(&mut bytes);
    });
    let mut link = Link::connect(server, &manners(Span::from_millis(20)), LONG).unwrap();
    let error = link.exchange().unwrap_err();
    assert!(matches!(error, LinkError::Silent { .. }), "{error}");
}

#[test]
fn a_server_that_answers_an_echo_is_alive() {
    let server = scripted(|mut stream| {
        let mut bytes = [0; 4096];
        let mut taken = Vec::new();
        let mut echo = Vec::new();
        message::echo(&mut echo);
        while !taken.ends_with(&echo) {
            let count = stream.read(&mut bytes).unwrap();
            taken.extend_from_slice(&bytes[..count]);
        }
        stream.write_all(&echo).unwrap();
        let _ = stream.read(&mut bytes);
    });
    let patience = Manners { echo_patience: LONG, ..manners(Span::from_millis(20)) };
    let mut link = Link::connect(server, &patience, LONG).unwrap();
    assert_eq!(link.exchange().unwrap(), 16);
    assert_eq!(link.next_event().unwrap(), Some(Event::Nothing));
}

#[test]
fn junk_closes_the_circuit_with_a_reason() {
    let server = scripted(|mut stream| {
        stream.write_all(b"GE\0\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let mut link = Link::connect(server, &manners(LONG), LONG).unwrap();
    let error = loop {
        match link.next_event() {
            Ok(Some(_)) => {}
            Ok(None) => match link.exchange() {
                Ok(_) => {}
                Err(error) => break error,
            },
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LinkError::Protocol { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}
