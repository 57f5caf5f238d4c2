//! Subscriptions of a circuit: made, posted to, sent from, cancelled.

use std::sync::Arc;

use super::access::{append_failure, append_value, too_many};
use super::request_type::RequestType;
use super::session::Session;
use crate::ca::header::Header;
use crate::ca::message::{self, command, eca, padded};
use crate::ioc::World;
use crate::ioc::closing::{CloseReason, Refusal};
use crate::ioc::event_queue::{Queued, SubscriptionKey};
use crate::ioc::ledger::{AccountId, RowId};
use crate::ioc::record::{Monitor, Snapshot};
use crate::pv::PvId;
use crate::time::Tick;

/// A mask must be one byte and not empty (`dbEvent.c`, `db_add_event`).
const MASKS: std::ops::RangeInclusive<u16> = 1..=0xFF;

/// A subscription.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subscription {
    /// The header of its EVENT_ADD: what every event repeats.
    header: Header,
    request: RequestType,
    pv: PvId,
    /// Where it is counted.
    place: Option<(AccountId, RowId)>,
    /// Its place among the record's monitors.
    monitor: usize,
    /// Its place among the channel's subscriptions.
    in_channel: usize,
    /// An array: queued by reference.
    by_reference: bool,
}

impl Session {
    /// EVENT_ADD: the first event is queued at once, whatever the mask.
    pub(super) fn event_add(
        &mut self,
        header: &Header,
        payload: &[u8],
        world: &mut World,
        now: Tick,
    ) -> Result<(), CloseReason> {
        let channel = self.known_channel(header)?;
        let (pv, place, in_channel) = (channel.pv, channel.place, channel.subscriptions.len());
        let request = self.known_type(header)?;
        let id = (header.p1, header.p2);
        let Some(mask) = message::event_mask(payload).filter(|mask| MASKS.contains(mask)) else {
            self.error(header, eca::BADMASK, "a mask is one byte of DBE_ bits, at least one");
            return Ok(());
        };
        if self.events.held() >= world.limits.subscriptions {
            let why = self.refuse(Refusal::Subscriptions(world.limits.subscriptions), world);
            self.error(header, eca::ALLOCMEM, &why);
            return Ok(());
        }
        if self.subscriptions.contains_key(&id) {
            self.error(header, eca::BADMONID, "the channel has a subscription of this identifier");
            return Ok(());
        }
        let Some((properties, record)) = world.database.get_mut(pv) else { return Ok(()) };
        let count = request.answered_count(header.count, record.current());
        if padded(request.payload_size(count)) > world.limits.payload as usize {
            self.error(header, eca::TOLARGE, &too_many(count, world.limits.payload));
            return Ok(());
        }
        let by_reference = properties.count > 1;
        let (header, monitor) = (*header, record.monitors.vacant_key());
        let subscription = Subscription { header, request, pv, place, monitor, in_channel, by_reference };
        let key = self.events.add(subscription);
        record.monitors.insert(Monitor { circuit: self.id, key, mask });
        let snapshot = Arc::clone(record.current());
        self.subscriptions.insert(id, key);
        if let Some(channel) = self.channels.get_mut(header.p1 as usize) {
            channel.subscriptions.push(key);
        }
        if let Some((account, _)) = place {
            world.ledger.subscribed(account);
        }
        self.post(key, &snapshot, world, now);
        Ok(())
    }

    /// EVENT_CANCEL: answered with an EVENT_ADD that has no payload.
    pub(super) fn event_cancel(&mut self, header: &Header, world: &mut World) -> Result<(), CloseReason> {
        self.known_channel(header)?;
        let Some(key) = self.subscriptions.get(&(header.p1, header.p2)).copied() else {
            return Err(self.fatal(header, eca::BADMONID, CloseReason::UnknownSubscription(header.p2)));
        };
        let Some(cancelled) = self.unsubscribe(key, world) else { return Ok(()) };
        if let Some(channel) = self.channels.get_mut(header.p1 as usize) {
            channel.subscriptions.swap_remove(cancelled.in_channel);
            if let Some(moved) = channel.subscriptions.get(cancelled.in_channel)
                && let Some(moved) = self.events.get_mut(*moved)
            {
                moved.in_channel = cancelled.in_channel;
            }
        }
        Header { payload_size: 0, ..cancelled.header }.encode(&mut self.out.bytes);
        Ok(())
    }

    /// Takes a subscription off its record and out of the queue.
    pub(super) fn unsubscribe(&mut self, key: SubscriptionKey, world: &mut World) -> Option<Subscription> {
        let subscription = self.events.cancel(key)?;
        self.subscriptions.remove(&(subscription.header.p1, subscription.header.p2));
        if let Some((_, record)) = world.database.get_mut(subscription.pv) {
            record.monitors.try_remove(subscription.monitor);
        }
        Some(subscription)
    }

    /// Takes all subscriptions off their records: the circuit is over.
    pub(super) fn detach(&mut self, world: &mut World) {
        for (_, subscription) in self.events.iter() {
            if let Some((_, record)) = world.database.get_mut(subscription.pv) {
                record.monitors.try_remove(subscription.monitor);
            }
        }
    }

    /// Queues an update.
    pub(super) fn post(&mut self, key: SubscriptionKey, snapshot: &Arc<Snapshot>, world: &mut World, now: Tick) {
        let Some(subscription) = self.events.get(key) else { return };
        let (place, by_reference) = (subscription.place, subscription.by_reference);
        let log = (!by_reference).then(|| Arc::clone(snapshot));
        let queued = self.events.post(key, log, by_reference);
        if queued == Some(Queued::Replaced)
            && let Some((account, row)) = place
        {
            world.ledger.update_replaced(account, row, now);
        }
    }

    /// Moves updates from the queue to the output while there is room for them.
    pub(super) fn deliver(&mut self, world: &mut World, now: Tick) {
        while self.out.unsent().len() < world.limits.unsent_updates {
            let Some((key, log)) = self.events.take() else { break };
            let Some(subscription) = self.events.get(key).copied() else { continue };
            let Some((properties, record)) = world.database.get(subscription.pv) else { continue };
            let snapshot = log.as_ref().unwrap_or(record.current());
            let Subscription { header, request, place, .. } = subscription;
            let count = request.answered_count(header.count, snapshot);
            let event = Header { command: command::EVENT_ADD, p1: eca::NORMAL, ..header };
            let out = &mut self.out.bytes;
            if let Err(status) = append_value(out, event, request, count, snapshot, properties) {
                append_failure(out, event, request, status);
            }
            if let Some((account, row)) = place {
                world.ledger.update_sent(account, row, now);
            }
        }
    }
}
