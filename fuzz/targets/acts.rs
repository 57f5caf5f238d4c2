//! Bytes of the fuzzer as a series of acts: an act's code, its length, its bytes. Act 0 takes all that is left, so that traffic as
//! it was captured is an input, too.

use pollcost::ca::header::Header;
use pollcost::ca::message;

/// One act: its code, and its bytes.
pub struct Act<'a> {
    pub code: u8,
    pub bytes: &'a [u8],
}

/// Cuts an input into acts.
pub fn acts(mut rest: &[u8]) -> impl Iterator<Item = Act<'_>> {
    std::iter::from_fn(move || {
        let (&code, behind) = rest.split_first()?;
        let size = if code == 0 { behind.len() } else { usize::from(*behind.first()?) };
        let behind = if code == 0 { behind } else { &behind[1..] };
        let (bytes, after) = behind.split_at(size.min(behind.len()));
        rest = after;
        Some(Act { code, bytes })
    })
}

/// A well-formed message, whatever it means: small numbers are likely, as identifiers that exist are.
pub fn frame(bytes: &[u8], out: &mut Vec<u8>) {
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let wide = |i: usize| if at(i) == 255 { u32::MAX } else { u32::from(at(i)) };
    let header = Header {
        command: u16::from(at(0) % 32),
        data_type: u16::from(at(1)),
        count: wide(2),
        p1: wide(3),
        p2: wide(4),
        ..Header::default()
    };
    let payload = bytes.get(5..).unwrap_or_default();
    message::with_payload(out, header, payload.len(), |out| out.extend_from_slice(payload));
}
