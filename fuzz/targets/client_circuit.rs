//! The client's circuit: any bytes and any order of messages from the server, between any requests of its own.
#![no_main]

mod acts;

use libfuzzer_sys::fuzz_target;
use pollcost::ca::dbr::{DbrType, first_element};
use pollcost::client::{ChannelId, Circuit, Event, Identity, SubscriptionId};
use pollcost::pv::PvName;

/// Takes every event; false when the circuit is of no use any longer.
fn take(circuit: &mut Circuit, channels: &mut Vec<ChannelId>) -> bool {
    loop {
        match circuit.next_event() {
            Ok(Some(event)) => match event {
                Event::Opened { channel, .. } => channels.push(channel),
                Event::Got { data, .. } | Event::Update { data, .. } => {
                    if let Some(dbr) = DbrType::from_code(data.dbr) {
                        assert!(dbr.payload_size(data.count as usize) <= data.payload.len() + 39);
                        let _ = first_element(dbr, data.payload);
                    }
                }
                _ => {}
            },
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

fn fill(circuit: &mut Circuit, channels: &mut Vec<ChannelId>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let spare = circuit.spare();
        let count = spare.len().min(bytes.len());
        spare[..count].copy_from_slice(&bytes[..count]);
        circuit.filled(count);
        bytes = &bytes[count..];
        if !take(circuit, channels) {
            return false;
        }
    }
    true
}

fuzz_target!(|data: &[u8]| {
    let identity = Identity { host: "h".into(), user: "u".into(), priority: 0 };
    let mut circuit = Circuit::open(&identity, 4096);
    let name = PvName::new("TEST:A").unwrap();
    let (mut channels, mut subscriptions): (Vec<ChannelId>, Vec<SubscriptionId>) = (Vec::new(), Vec::new());
    // The identifiers that captured traffic speaks of.
    for tag in 0..4 {
        let _ = circuit.create(&name, tag);
    }
    let mut bytes = Vec::new();
    for act in acts::acts(data) {
        let number = |i: usize| act.bytes.get(i).copied().unwrap_or(0);
        let channel = channels.get(usize::from(number(0)) % channels.len().max(1)).copied();
        match act.code % 8 {
            0 => {
                if !fill(&mut circuit, &mut channels, act.bytes) {
                    return;
                }
            }
            1..=3 => {
                bytes.clear();
                acts::frame(act.bytes, &mut bytes);
                if !fill(&mut circuit, &mut channels, &bytes) {
                    return;
                }
            }
            4 => {
                let _ = circuit.create(&name, u32::from(number(0)));
            }
            5 => {
                if let Some(channel) = channel {
                    let _ = match number(1) % 4 {
                        0 => circuit.get(channel, u16::from(number(2)), 1).map(|_| ()),
                        1 => circuit.put(channel, 6, 1, &[0; 8]),
                        2 => circuit.put_notify(channel, 6, 1, &[0; 8]).map(|_| ()),
                        _ => circuit.subscribe(channel, u16::from(number(2)), 1, 1, 7).map(|id| subscriptions.push(id)),
                    };
                }
            }
            6 => match (number(1) % 3, channel, subscriptions.pop()) {
                (0, Some(channel), _) => circuit.clear(channel),
                (1, _, Some(subscription)) => circuit.cancel(subscription),
                _ => {
                    let _ = circuit.silent();
                }
            },
            _ => circuit.sent(usize::from(number(0))),
        }
    }
});
