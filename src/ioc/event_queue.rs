//! The event queue between posting and sending: the rule of an EPICS server (`dbEvent.c` of EPICS base 7).
//!
//! Each circuit has rings of 144 entries. A subscription belongs to the first ring with room for its quota of 4 entries while the
//! quota stays below 140, so 35 share a ring. When an update comes while 36 or fewer entries of the ring are free, or while the client has
//! asked for flow control (EVENTS_OFF), and the subscription has an update pending, then its last pending update is replaced:
//! intermediate values go, the newest is always kept. An array is queued by reference: at most one update is pending, and it is sent
//! with the value of the moment of sending.
//!
//! Flow control does not stop the queue at once: a ring that holds more than one update of any subscription is first drained
//! to its end; only a ring without such duplicates rests until EVENTS_ON.

use std::collections::VecDeque;

use slab::Slab;

/// Entries that one subscription adds to its ring's quota (`EVENTENTRIES`).
const ENTRIES_PER_SUBSCRIPTION: usize = 4;
/// With this many or fewer entries free, pending updates are replaced (`EVENTSPERQUE`).
const SPACE_RESERVED: usize = 36;
/// Entries of a ring (`EVENTQUESIZE`).
pub const RING_SIZE: usize = ENTRIES_PER_SUBSCRIPTION * SPACE_RESERVED;

/// Which subscription of the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionKey(pub usize);

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It waits behind what was there.
    Added,
    /// It took the place of an older update of its subscription.
    Replaced,
}

/// The event queue of one circuit: `S` is what the circuit keeps of a subscription, `L` what it keeps of an update (`db_field_log`).
#[derive(Debug)]
pub struct EventQueue<S, L> {
    rings: Vec<Ring<L>>,
    places: Slab<Place<S>>,
    live: usize,
    flow_control: bool,
    ring_size: usize,
}

#[derive(Debug)]
struct Ring<L> {
    entries: VecDeque<(usize, L)>,
    /// The number of the first entry; entries are numbered on without end.
    first: u64,
    quota: usize,
    /// Entries beyond the first of their subscription (`nDuplicates`).
    duplicates: usize,
    /// It is being drained in spite of flow control.
    draining: bool,
}

/// A subscription and its place in the queue.
#[derive(Debug)]
struct Place<S> {
    subscription: S,
    ring: usize,
    pending: usize,
    /// The number of its last pending entry.
    last: u64,
    cancelled: bool,
}

impl<S, L> Default for EventQueue<S, L> {
    fn default() -> EventQueue<S, L> {
        EventQueue::new(RING_SIZE)
    }
}

impl<L> Ring<L> {
    fn new() -> Ring<L> {
        Ring { entries: VecDeque::new(), first: 0, quota: 0, duplicates: 0, draining: false }
    }

    fn is_open(&self) -> bool {
        self.quota < RING_SIZE - ENTRIES_PER_SUBSCRIPTION
    }
}

impl<S, L> EventQueue<S, L> {
    /// A queue whose rings have so many entries. Subscriptions share a ring as in EPICS base, whatever its size.
    #[must_use]
    pub fn new(ring_size: usize) -> EventQueue<S, L> {
        EventQueue { rings: Vec::new(), places: Slab::new(), live: 0, flow_control: false, ring_size }
    }

    /// A new subscription, with nothing pending.
    pub fn add(&mut self, subscription: S) -> SubscriptionKey {
        let ring = self.rings.iter().position(Ring::is_open).unwrap_or_else(|| {
            self.rings.push(Ring::new());
            self.rings.len() - 1
        });
        self.rings[ring].quota += ENTRIES_PER_SUBSCRIPTION;
        self.live += 1;
        SubscriptionKey(self.places.insert(Place { subscription, ring, pending: 0, last: 0, cancelled: false }))
    }

    /// A subscription that has not been cancelled.
    #[must_use]
    pub fn get(&self, key: SubscriptionKey) -> Option<&S> {
        self.places.get(key.0).filter(|place| !place.cancelled).map(|place| &place.subscription)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, key: SubscriptionKey) -> Option<&mut S> {
        self.places.get_mut(key.0).filter(|place| !place.cancelled).map(|place| &mut place.subscription)
    }

    /// All subscriptions that have not been cancelled.
    pub fn iter(&self) -> impl Iterator<Item = (SubscriptionKey, &S)> {
        self.places
            .iter()
            .filter(|(_, place)| !place.cancelled)
            .map(|(key, place)| (SubscriptionKey(key), &place.subscription))
    }

    /// Subscriptions that have not been cancelled.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live
    }

    /// Subscriptions that take up memory: cancelled ones count until their pending updates have been passed over.
    #[must_use]
    pub fn held(&self) -> usize {
        self.places.len()
    }

    /// Whether the client has asked for flow control (EVENTS_OFF).
    pub fn set_flow_control(&mut self, on: bool) {
        self.flow_control = on;
    }

    /// Queues an update. `by_reference`: it carries no value of its own (an array).
    /// `None`: there is no such subscription.
    pub fn post(&mut self, key: SubscriptionKey, log: L, by_reference: bool) -> Option<Queued> {
        let place = self.places.get_mut(key.0).filter(|place| !place.cancelled)?;
        let ring = self.rings.get_mut(place.ring)?;
        let crowded = self.flow_control || ring.entries.len() + SPACE_RESERVED >= self.ring_size;
        if place.pending > 0 && (by_reference || crowded) {
            let index = usize::try_from(place.last - ring.first).ok()?;
            ring.entries.get_mut(index)?.1 = log;
            return Some(Queued::Replaced);
        }
        place.last = ring.first + ring.entries.len() as u64;
        ring.duplicates += usize::from(place.pending > 0);
        place.pending += 1;
        ring.entries.push_back((key.0, log));
        Some(Queued::Added)
    }

    /// The subscription is over: what it has pending will not be sent. Returns what was kept of it.
    pub fn cancel(&mut self, key: SubscriptionKey) -> Option<S>
    where
        S: Clone,
    {
        let place = self.places.get_mut(key.0).filter(|place| !place.cancelled)?;
        place.cancelled = true;
        self.live -= 1;
        let subscription = place.subscription.clone();
        if place.pending == 0 {
            self.forget(key.0);
        }
        Some(subscription)
    }

    /// Takes the update that is to be sent next; `None` when nothing is to be sent now.
    pub fn take(&mut self) -> Option<(SubscriptionKey, L)> {
        for index in 0..self.rings.len() {
            while let Some((key, log)) = self.take_from(index) {
                let Some(place) = self.places.get(key) else { continue };
                if !place.cancelled {
                    return Some((SubscriptionKey(key), log));
                }
                if place.pending == 0 {
                    self.forget(key);
                }
            }
        }
        None
    }

    /// Takes the first entry of one ring, a cancelled one too (`event_read`).
    fn take_from(&mut self, index: usize) -> Option<(usize, L)> {
        let ring = self.rings.get_mut(index)?;
        if self.flow_control && ring.duplicates == 0 && !ring.draining {
            return None;
        }
        ring.draining = ring.entries.len() > 1;
        let (key, log) = ring.entries.pop_front()?;
        ring.first += 1;
        if let Some(place) = self.places.get_mut(key) {
            ring.duplicates -= usize::from(place.pending > 1);
            place.pending -= 1;
        }
        Some((key, log))
    }

    fn forget(&mut self, key: usize) {
        let place = self.places.remove(key);
        if let Some(ring) = self.rings.get_mut(place.ring) {
            ring.quota -= ENTRIES_PER_SUBSCRIPTION;
        }
    }

    /// Updates that wait.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.rings.iter().map(|ring| ring.entries.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Queue = EventQueue<(), u64>;

    fn queue(subscriptions: usize) -> (Queue, Vec<SubscriptionKey>) {
        let mut queue = Queue::default();
        let keys = (0..subscriptions).map(|_| queue.add(())).collect();
        (queue, keys)
    }

    fn drain(queue: &mut Queue) -> Vec<(usize, u64)> {
        std::iter::from_fn(|| queue.take()).map(|(key, log)| (key.0, log)).collect()
    }

    #[test]
    fn one_subscription_queues_108_updates_and_then_replaces_its_last() {
        let (mut queue, keys) = queue(1);
        for n in 1..=108 {
            assert_eq!(queue.post(keys[0], n, false), Some(Queued::Added), "update {n}");
        }
        for n in 109..=500 {
            assert_eq!(queue.post(keys[0], n, false), Some(Queued::Replaced), "update {n}");
        }
        let mut want: Vec<u64> = (1..=107).collect();
        want.push(500);
        assert_eq!(drain(&mut queue).into_iter().map(|(_, n)| n).collect::<Vec<_>>(), want);
    }

    #[test]
    fn a_longer_queue_replaces_later_by_the_same_rule() {
        let mut queue = Queue::new(1000);
        let key = queue.add(());
        for n in 1..=964 {
            assert_eq!(queue.post(key, n, false), Some(Queued::Added), "update {n}");
        }
        assert_eq!(queue.post(key, 965, false), Some(Queued::Replaced));
        assert_eq!(drain(&mut queue).last(), Some(&(0, 965)));
    }

    #[test]
    fn thirty_five_share_a_ring_and_none_can_be_crowded_out() {
        let (mut queue, keys) = queue(35);
        assert_eq!(queue.rings.len(), 1);
        for n in 0..200 {
            queue.post(keys[0], n, false);
        }
        for key in &keys[1..] {
            assert_eq!(queue.post(*key, 7, false), Some(Queued::Added), "nothing was pending");
            assert_eq!(queue.post(*key, 8, false), Some(Queued::Replaced));
        }
        assert_eq!(queue.pending(), 108 + 34);
        queue.add(());
        assert_eq!(queue.rings.len(), 2, "the 36th has a ring of its own");
    }

    #[test]
    fn arrays_keep_one_update() {
        let (mut queue, keys) = queue(1);
        assert_eq!(queue.post(keys[0], 1, true), Some(Queued::Added));
        assert_eq!(queue.post(keys[0], 2, true), Some(Queued::Replaced));
        assert_eq!(drain(&mut queue), [(0, 2)]);
        assert_eq!(queue.post(keys[0], 3, true), Some(Queued::Added));
    }

    #[test]
    fn flow_control_drains_duplicates_and_then_rests() {
        let (mut queue, keys) = queue(2);
        queue.post(keys[0], 1, false);
        queue.post(keys[0], 2, false);
        queue.post(keys[1], 3, false);
        queue.set_flow_control(true);
        assert_eq!(drain(&mut queue), [(0, 1), (0, 2), (1, 3)], "to the end of the ring");
        assert_eq!(queue.post(keys[0], 4, false), Some(Queued::Added));
        assert_eq!(drain(&mut queue), [], "no duplicates: it rests");
        assert_eq!(queue.post(keys[0], 5, false), Some(Queued::Replaced));
        assert_eq!(queue.post(keys[1], 6, false), Some(Queued::Added));
        queue.set_flow_control(false);
        assert_eq!(drain(&mut queue), [(0, 5), (1, 6)]);
    }

    #[test]
    fn a_cancelled_subscription_sends_nothing_and_frees_its_place() {
        let (mut queue, keys) = queue(3);
        queue.post(keys[1], 1, false);
        queue.post(keys[1], 2, false);
        queue.post(keys[2], 3, false);
        assert_eq!(queue.cancel(keys[0]), Some(()));
        assert_eq!(queue.cancel(keys[1]), Some(()));
        assert_eq!(queue.cancel(keys[1]), None);
        assert_eq!(queue.post(keys[1], 9, false), None);
        assert_eq!((queue.live(), queue.held()), (1, 2));
        assert_eq!(drain(&mut queue), [(2, 3)]);
        assert_eq!((queue.live(), queue.held()), (1, 1));
        assert_eq!(queue.rings[0].quota, ENTRIES_PER_SUBSCRIPTION);
        assert_eq!(queue.rings[0].duplicates, 0);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add,
        Post(usize),
        Take,
        Cancel(usize),
        FlowControl(bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            2 => Just(Step::Add),
            20 => (0usize..80).prop_map(Step::Post),
            4 => Just(Step::Take),
            1 => (0usize..80).prop_map(Step::Cancel),
            1 => any::<bool>().prop_map(Step::FlowControl),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn order_is_kept_the_newest_survives_and_memory_is_bounded(steps in prop::collection::vec(step(), 0..3000)) {
            let mut queue: EventQueue<(), u64> = EventQueue::default();
            let mut newest = std::collections::HashMap::new();
            let mut sent = std::collections::HashMap::new();
            for (number, step) in steps.into_iter().enumerate() {
                let number = number as u64 + 1;
                match step {
                    Step::Add => {
                        let key = queue.add(());
                        newest.remove(&key.0);
                        sent.remove(&key.0);
                    }
                    Step::Post(key) => {
                        if queue.post(SubscriptionKey(key), number, false).is_some() {
                            newest.insert(key, number);
                        }
                    }
                    Step::Take => {
                        if let Some((key, log)) = queue.take() {
                            let before = sent.insert(key.0, log);
                            prop_assert!(before < Some(log), "in order");
                        }
                    }
                    Step::Cancel(key) => {
                        queue.cancel(SubscriptionKey(key));
                        newest.remove(&key);
                    }
                    Step::FlowControl(on) => queue.set_flow_control(on),
                }
                for ring in &queue.rings {
                    prop_assert!(ring.entries.len() <= RING_SIZE);
                }
            }
            queue.set_flow_control(false);
            while let Some((key, log)) = queue.take() {
                sent.insert(key.0, log);
            }
            for (key, log) in newest {
                prop_assert_eq!(sent.get(&key), Some(&log), "the newest of subscription {} was kept", key);
            }
            prop_assert_eq!(queue.held(), queue.live());
            let quota: usize = queue.rings.iter().map(|ring| ring.quota).sum();
            prop_assert_eq!(quota, queue.live() * ENTRIES_PER_SUBSCRIPTION);
        }
    }
}
