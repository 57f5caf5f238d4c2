//! Channels of a circuit: made and cleared.

use super::session::Session;
use crate::ca::header::Header;
use crate::ca::message::{self, access};
use crate::ioc::World;
use crate::ioc::closing::{CloseReason, Refusal};
use crate::ioc::event_queue::SubscriptionKey;
use crate::ioc::ledger::{AccountId, RowId};
use crate::pv::PvId;
use crate::time::Tick;

/// A client's channel to a PV.
#[derive(Debug)]
pub(super) struct Channel {
    /// The client's identifier.
    pub(super) cid: u32,
    pub(super) pv: PvId,
    /// Where it is counted.
    pub(super) place: Option<(AccountId, RowId)>,
    pub(super) subscriptions: Vec<SubscriptionKey>,
}

impl Session {
    /// CREATE_CHAN: access rights first, then the channel (`camessage.c`, `claim_ciu_reply`).
    pub(super) fn create_channel(
        &mut self,
        header: &Header,
        payload: &[u8],
        world: &mut World,
        now: Tick,
    ) -> Result<(), CloseReason> {
        self.supported(header, header.p2)?;
        let name = message::text(payload);
        if name.is_empty() {
            return Ok(());
        }
        let cid = header.p1;
        let Some(pv) = world.database.find(&name) else {
            message::create_failed(&mut self.out.bytes, cid);
            return Ok(());
        };
        if self.channels.len() >= world.limits.channels {
            self.refuse(Refusal::Channels(world.limits.channels), world);
            message::create_failed(&mut self.out.bytes, cid);
            return Ok(());
        }
        self.identify(world, now);
        let place = self.account.map(|account| (account, world.ledger.row(account, pv)));
        let sid = self.channels.insert(Channel { cid, pv, place, subscriptions: Vec::new() });
        let Some((properties, _)) = world.database.get(pv) else { return Ok(()) };
        let rights = access::READ | if properties.writable { access::WRITE } else { 0 };
        message::access_rights(&mut self.out.bytes, cid, rights);
        let (native, count) = (properties.native.code(), properties.count as u32);
        message::channel_created(&mut self.out.bytes, native, count, cid, sid as u32);
        Ok(())
    }

    /// CLEAR_CHANNEL: its subscriptions go with it, without a word for each.
    pub(super) fn clear_channel(&mut self, header: &Header, world: &mut World) -> Result<(), CloseReason> {
        self.known_channel(header)?;
        let channel = self.channels.remove(header.p1 as usize);
        for key in channel.subscriptions {
            self.unsubscribe(key, world);
        }
        header.encode(&mut self.out.bytes);
        Ok(())
    }
}
