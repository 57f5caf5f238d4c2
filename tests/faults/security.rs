//! What an IOC lets others do: as little as it was told to.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::time::Duration;

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

/// The bytes of all answers to a question, the last of which is followed by one to a question that is known to be answered.
fn answered(port: u16, to: Ipv4Addr, question: &[u8]) -> Option<usize> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let (mut bytes, mut total) = ([0; 65_536], None);
    for _ in 0..3 {
        let _ = socket.send_to(question, (to, port));
        while let Ok((count, _)) = socket.recv_from(&mut bytes) {
            *total.get_or_insert(0) += count;
        }
        if total.is_some() {
            break;
        }
    }
    total
}

#[test]
fn only_this_host_is_served_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let ioc = Ioc::start(folder.path(), PVS, 0);
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, ioc.port)).is_ok());
    let refused = TcpStream::connect((ELSEWHERE, ioc.port)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(answered(ioc.port, Ipv4Addr::LOCALHOST, &question(&["S:READ"])).is_some());
    assert_eq!(answered(ioc.port, ELSEWHERE, &question(&["S:READ"])), None, "not its interface");
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
        let answer = answered(ioc.port, Ipv4Addr::LOCALHOST, &question).unwrap();
        assert!(answer <= question.len(), "{answer} bytes to {} for {} names", question.len(), names.len());
    }
    assert_eq!(answered(ioc.port, Ipv4Addr::LOCALHOST, &question(&["NOBODY"])), None);
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
