//! Identifiers that a client puts into requests and gets back in answers.
//!
//! An identifier is a place in a table and the place's generation: found without hashing, reused without an old answer
//! being taken for a new one.

use slab::Slab;

/// Places that one table may have: 1,048,576.
pub const PLACES: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 20;

/// What answers are looked up in: 32-bit identifiers to entries.
#[derive(Debug)]
pub struct Identifiers<T> {
    entries: Slab<(u32, T)>,
    generation: u32,
}

impl<T> Identifiers<T> {
    /// An empty table.
    #[must_use]
    pub fn new() -> Identifiers<T> {
        Identifiers { entries: Slab::new(), generation: 0 }
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A new identifier for an entry; `None` when all [`PLACES`] are taken.
    pub fn insert(&mut self, entry: T) -> Option<u32> {
        let place = self.entries.vacant_key();
        if place >= PLACES {
            return None;
        }
        self.generation = self.generation.wrapping_add(1) & (u32::MAX >> PLACE_BITS);
        self.entries.insert((self.generation, entry));
        Some(place as u32 | self.generation << PLACE_BITS)
    }

    /// The entry of an identifier that is in use.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&T> {
        let (generation, entry) = self.entries.get(id as usize & (PLACES - 1))?;
        (*generation == id >> PLACE_BITS).then_some(entry)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        let (generation, entry) = self.entries.get_mut(id as usize & (PLACES - 1))?;
        (*generation == id >> PLACE_BITS).then_some(entry)
    }

    /// Takes an entry out; its identifier means nothing from here on.
    pub fn remove(&mut self, id: u32) -> Option<T> {
        self.get(id)?;
        Some(self.entries.remove(id as usize & (PLACES - 1)).1)
    }

    /// Keeps only the entries that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.entries.retain(|_, (_, entry)| keep(entry));
    }
}

impl<T> Default for Identifiers<T> {
    fn default() -> Identifiers<T> {
        Identifiers::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_identifier_finds_nothing_in_a_reused_place() {
        let mut table = Identifiers::new();
        let old = table.insert('a').unwrap();
        assert_eq!(table.remove(old), Some('a'));
        let new = table.insert('b').unwrap();
        assert_ne!(old, new);
        assert_eq!((table.get(old), table.get(new)), (None, Some(&'b')));
        assert_eq!(table.remove(old), None);
        assert_eq!(table.len(), 1);
        for strange in [u32::MAX, 0, 7] {
            assert_eq!(table.get(strange), None);
        }
    }

    #[test]
    fn is_full_at_its_limit() {
        let mut table = Identifiers::new();
        for _ in 0..PLACES {
            assert!(table.insert(()).is_some());
        }
        assert_eq!(table.insert(()), None);
    }
}
