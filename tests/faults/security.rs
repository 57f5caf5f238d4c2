//! What an IOC lets others do: as little as it was told to.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};

use pollcost::ca::header::Header;
use pollcost::ca::message::{self, access, command, eca, search_reply};
use pollcost::ca::stream::Stream;

use crate::process::{Ioc, program};

const PVS: &str = "[[pv]]\nname = \"S:READ\"\n[[pv]]\nname = \"S:WRITE\"\nwritable = true\n";
/// Another address of this host, that the IOC was not told to listen on.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn question(names: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    message::datagram_version(&mut bytes, Some(1));
    for (cid, name) in names.iter().enumerate() {
        message::search(&mut bytes, name, cid as u32, search_reply::DONT);
    }
    bytes
}

/// The bytes of all answers to a question: those that come before the answer to a last one, which is always answered.
fn answered(port: u16, question: &[u8]) -> usize {
    const LAST: u32 = 0xABCD_EF01;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    socket.set_read_timeout(Some(crate::PATIENCE)).unwrap();
    socket.send(question).unwrap();
    let mut last = Vec::new();
    message::datagram_version(&mut last, Some(2));
    message::search(&mut last, "S:READ", LAST, search_reply::DONT);
    socket.send(&last).unwrap();
    let (mut bytes, mut total) = ([0; 65_536], 0);
    loop {
        let count = socket.recv(&mut bytes).unwrap();
        if bytes[..count].windows(4).any(|four| four == LAST.to_be_bytes()) {
            return total;
        }
        total += count;
    }
}

#[test]
fn only_this_host_is_served_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, ioc.port)).is_ok());
    let refused = TcpStream::connect((ELSEWHERE, ioc.port)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(answered(ioc.port, &question(&["S:READ"])) > 0);
    // The host itself says that nobody is there.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.connect((ELSEWHERE, ioc.port)).unwrap();
    socket.set_read_timeout(Some(crate::PATIENCE)).unwrap();
    socket.send(&question(&["S:READ"])).unwrap();
    assert_eq!(socket.recv(&mut [0; 64]).unwrap_err().kind(), ErrorKind::ConnectionRefused, "not its interface");
}

#[test]
fn whoever_serves_the_network_is_warned() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.env("EPICS_CAS_INTF_ADDR_LIST", "0.0.0.0");
    let ioc = Ioc::spawn(command, folder.path(), PVS, 0);
    let warning = ioc.remark("warning");
    assert_eq!(warning, "warning: hosts of the network can read all PVs, and write 1 of them");
    assert!(TcpStream::connect((ELSEWHERE, ioc.port)).is_ok());
}

#[test]
fn no_answer_is_larger_than_its_question() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    for names in [vec!["S:READ"], vec!["S:READ"; 40], vec!["S:READ", "NOBODY"], vec!["S:WRITE"; 2000]] {
        let question = question(&names);
        let answer = answered(ioc.port, &question);
        assert!(
            answer > 0 && answer <= question.len(),
            "{answer} bytes to {} for {} names",
            question.len(),
            names.len()
        );
    }
    assert_eq!(answered(ioc.port, &question(&["NOBODY"])), 0);
}

/// The next message of these commands.
fn next(socket: &mut TcpStream, stream: &mut Stream, wanted: &[u16]) -> Header {
    loop {
        if let Some(frame) = stream.next_frame().unwrap() {
            if wanted.contains(&frame.header.command) {
                return frame.header;
            }
            continue;
        }
        let count = socket.read(stream.spare()).unwrap();
        assert!(count > 0, "the circuit was closed");
        stream.filled(count);
    }
}

#[test]
fn rights_are_told_as_they_are_and_hold_for_those_who_do_not_listen() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, ioc.port)).unwrap();
    socket.set_read_timeout(Some(crate::PATIENCE)).unwrap();
    let mut stream = Stream::new(1 << 16);
    for (cid, name, rights, status) in
        [(1, "S:READ", access::READ, eca::NOWTACCESS), (2, "S:WRITE", access::READ | access::WRITE, eca::NORMAL)]
    {
        let mut bytes = Vec::new();
        if cid == 1 {
            message::client_version(&mut bytes, 0);
        }
        message::create_channel(&mut bytes, cid, name);
        socket.write_all(&bytes).unwrap();
        let told = next(&mut socket, &mut stream, &[command::ACCESS_RIGHTS]);
        assert_eq!((told.p1, told.p2), (cid, rights), "{name}");
        let sid = next(&mut socket, &mut stream, &[command::CREATE_CHAN]).p2;
        // A put all the same.
        bytes.clear();
        let put =
            Header { command: command::WRITE_NOTIFY, data_type: 6, count: 1, p1: sid, p2: 9, ..Header::default() };
        message::with_payload(&mut bytes, put, 8, |out| out.extend_from_slice(&1f64.to_be_bytes()));
        socket.write_all(&bytes).unwrap();
        let done = next(&mut socket, &mut stream, &[command::WRITE_NOTIFY, command::ERROR]);
        let got = if done.command == command::ERROR { done.p2 } else { done.p1 };
        assert_eq!(got, status, "{name}");
    }
}
