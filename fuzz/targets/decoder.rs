//! Headers, the stream cut into messages, and the payloads of all types.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollcost::ca::dbr::{DbrType, decode, first_element};
use pollcost::ca::header::Header;
use pollcost::ca::stream::Stream;

const LIMIT: u32 = 1 << 16;

fuzz_target!(|data: &[u8]| {
    if let Ok(Some((header, taken))) = Header::decode(data, LIMIT) {
        let mut again = Vec::new();
        header.encode(&mut again);
        assert_eq!(Header::decode(&again, LIMIT), Ok(Some((header, again.len()))));
        assert!(taken <= data.len());
    }
    // However it is cut, a stream gives the same messages.
    let (mut whole, mut cut) = (Stream::new(LIMIT), Stream::new(LIMIT));
    whole.push(data);
    let middle = data.first().map_or(0, |byte| usize::from(*byte)).min(data.len());
    cut.push(&data[..middle]);
    let mut rest = Some(&data[middle..]);
    loop {
        let first = whole.next_frame().map(|frame| frame.map(|f| (f.header, f.payload.to_vec())));
        let mut second = cut.next_frame().map(|frame| frame.map(|f| (f.header, f.payload.to_vec())));
        if matches!(second, Ok(None))
            && let Some(rest) = rest.take()
        {
            cut.push(rest);
            second = cut.next_frame().map(|frame| frame.map(|f| (f.header, f.payload.to_vec())));
        }
        assert_eq!(first, second);
        let Ok(Some((header, payload))) = first else { break };
        if let Some(dbr) = DbrType::from_code(header.data_type) {
            let _ = first_element(dbr, &payload);
            if let Ok(decoded) = decode(dbr, header.count as usize, &payload) {
                assert!(decoded.value.len() <= header.count as usize);
            }
        }
    }
});
