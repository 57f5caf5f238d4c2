//! Channel Access, protocol version 4.13, without any I/O: bytes to messages and messages to bytes.
//!
//! Sources: the Channel Access Protocol Specification (EPICS documentation) and, where it is silent,
//! `caProto.h`, `db_access.h` and `rsrv/camessage.c` of EPICS base 7.

pub mod carry;
pub mod convert;
pub mod dbr;
pub mod decimal;
pub mod environment;
pub mod header;
pub mod message;
pub mod stream;
