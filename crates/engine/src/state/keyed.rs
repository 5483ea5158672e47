//! A map from keys to state, which accounts its memory and has a time to live.
//!
//! Entries are stored one behind the other, in order of arrival, and an [`Index`] finds them by their keys'
//! hashes:
//!
//! ```text
//! key ──hash──► index: 8 bytes per entry ──place──► entries: key │ value │ time of the last write
//! ```
//!
//! Growing moves no entry. The places of the entries that a chunk of look-ups needs are known before any
//! entry is read, so that all of them are prefetched at once: see [`Keyed::prefetch`].

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher};

use types::Interval;

use super::index::Index;
use super::key::Key;
use super::segments::Segments;
use super::{StateError, StateValue, StateWriter, key_group};
use crate::row;

/// A map of at most this many bytes counts as held by the CPU caches.
const CACHED_BYTES: usize = 1 << 20;

/// State by key.
///
/// With a time to live, an entry that was not written for that long counts as absent. Look-ups notice an
/// expired entry by themselves; [`Keyed::expire`] drops all of them.
#[derive(Debug)]
pub struct Keyed<V> {
    index: Index,
    entries: Segments<KeyedEntry<V>>,
    hasher: foldhash::fast::FixedState,
    /// The bytes of keys and of values on the heap.
    heap_bytes: usize,
    /// The time to live in milliseconds.
    ttl: Option<i64>,
}

/// A key, its value, and when the value was written.
#[derive(Debug)]
struct KeyedEntry<V> {
    key: Key,
    /// Present, except while it is changed.
    value: Option<V>,
    /// When it was last written, by the clock; 0 without a time to live.
    written: i64,
}

/// The place of an entry, and how the entry was found.
#[derive(Debug, Clone, Copy)]
pub struct EntryPlace {
    pub at: usize,
    pub status: EntryStatus,
}

/// How an entry was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryStatus {
    /// It is present and its value is valid.
    Live,
    /// It was present, but its time to live is over: its value is invalid.
    Expired,
    /// It was absent, and was created.
    Created,
}

impl<V: StateValue> KeyedEntry<V> {
    fn heap_bytes(&self) -> usize {
        self.key.heap_bytes() + self.value.as_ref().map_or(0, V::heap_bytes)
    }

    fn write(&self, tag: u8, part: &mut Vec<u8>) {
        part.push(tag);
        row::write_length(self.key.len(), part);
        part.extend_from_slice(&self.key);
        part.extend_from_slice(&self.written.to_le_bytes());
        self.value.iter().for_each(|value| value.write(part));
    }
}

impl<V: StateValue> Keyed<V> {
    pub fn new(ttl: Option<Interval>) -> Keyed<V> {
        Keyed {
            index: Index::default(),
            entries: Segments::new(),
            hasher: foldhash::fast::FixedState::default(),
            heap_bytes: 0,
            ttl: ttl.map(|ttl| ttl.0).filter(|&ttl| ttl > 0),
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// Returns the hash of a key, for [`Keyed::prefetch`] and [`Keyed::place`].
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        hash(&self.hasher, key)
    }

    fn is_expired(&self, written: i64, now_ms: i64) -> bool {
        self.ttl.is_some_and(|ttl| now_ms.saturating_sub(written) >= ttl)
    }

    /// Returns the slot of the index that has a key's entry.
    #[inline]
    fn slot(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.index.find(hash, |place| self.entries.get(place).is_some_and(|entry| *entry.key == *key))
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &[u8], now_ms: i64) -> Option<&V> {
        self.get_hashed(self.hash(key), key, now_ms)
    }

    /// As [`get`](Keyed::get), with the key's hash.
    #[inline]
    pub fn get_hashed(&self, hash: u64, key: &[u8], now_ms: i64) -> Option<&V> {
        let entry = self.entries.get(self.index.place(self.slot(hash, key)?))?;
        if self.is_expired(entry.written, now_ms) { None } else { entry.value.as_ref() }
    }

    /// Changes the value of a key. `change` gets `None` if there is no value, and leaves `None` if none is to
    /// be stored. Returns the result of `change`.
    pub fn update<T>(&mut self, key: &[u8], now_ms: i64, change: impl FnOnce(&mut Option<V>) -> T) -> T {
        self.update_hashed(self.hash(key), key, now_ms, change)
    }

    /// As [`update`](Keyed::update), with the key's hash.
    #[inline]
    pub fn update_hashed<T>(
        &mut self,
        hash: u64,
        key: &[u8],
        now_ms: i64,
        change: impl FnOnce(&mut Option<V>) -> T,
    ) -> T {
        let ttl = self.ttl;
        let Some(slot) = self.slot(hash, key) else {
            let mut value = None;
            let result = change(&mut value);
            if value.is_some() {
                self.add(hash, key, value, now_ms);
            }
            return result;
        };

        let place = self.index.place(slot);
        let entry = self.entries.get_mut(place).expect("the index knows entries that are there");
        self.heap_bytes -= entry.heap_bytes();
        if ttl.is_some_and(|ttl| now_ms.saturating_sub(entry.written) >= ttl) {
            entry.value = None;
        }

        let result = change(&mut entry.value);
        self.heap_bytes += entry.heap_bytes();
        if ttl.is_some() {
            entry.written = now_ms;
        }
        if entry.value.is_none() {
            self.remove_at(place);
        }
        result
    }

    /// Adds the entry of a key that has none, and returns its place.
    #[inline]
    fn add(&mut self, hash: u64, key: &[u8], value: Option<V>, now_ms: i64) -> usize {
        let entry =
            KeyedEntry { key: Key::of(key), value, written: if self.ttl.is_some() { now_ms } else { 0 } };
        self.heap_bytes += entry.heap_bytes();
        let place = self.entries.len();
        self.index.insert(hash, place);
        self.entries.push(entry);
        place
    }

    /// Prefetches the memory that look-ups of keys with these hashes will read; `of_value` prefetches memory
    /// outside a value.
    ///
    /// A look-up in a map that exceeds the CPU caches waits for memory several times, each time for an
    /// address that the previous read gave. The look-ups of a chunk are independent: step by step, they wait
    /// at the same time.
    pub fn prefetch(&self, hashes: impl Iterator<Item = u64> + Clone, of_value: impl Fn(&V)) {
        hashes.clone().for_each(|hash| self.index.prefetch(hash));
        // If another entry has the same 32 bits, the hint is useless but harmless.
        let place = |hash| self.index.find(hash, |_| true).map(|slot| self.index.place(slot));
        hashes.clone().filter_map(place).for_each(|place| self.entries.prefetch(place));

        for entry in hashes.filter_map(place).filter_map(|place| self.entries.get(place)) {
            entry.key.prefetch();
            entry.value.iter().for_each(&of_value);
        }
    }

    /// Returns the place of a key's entry, which is created if there is none. Places are valid until an entry
    /// is dropped.
    ///
    /// Callers that work with places must account memory themselves: pass the difference in heap bytes to
    /// [`Keyed::charge`].
    #[inline]
    pub fn place(&mut self, hash: u64, key: &[u8], now_ms: i64, make: impl FnOnce() -> V) -> EntryPlace {
        match self.find(hash, key, now_ms) {
            Some(place) => place,
            None => {
                EntryPlace { at: self.add(hash, key, Some(make()), now_ms), status: EntryStatus::Created }
            }
        }
    }

    /// Returns the place of a key's entry, if there is one.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8], now_ms: i64) -> Option<EntryPlace> {
        let at = self.index.place(self.slot(hash, key)?);
        let is_expired = self.entries.get(at).is_some_and(|entry| self.is_expired(entry.written, now_ms));
        Some(EntryPlace { at, status: if is_expired { EntryStatus::Expired } else { EntryStatus::Live } })
    }

    /// Sets the time of the last write of the entry at a place.
    #[inline]
    pub fn written_at(&mut self, place: usize, now_ms: i64) {
        if self.ttl.is_some()
            && let Some(entry) = self.entries.get_mut(place)
        {
            entry.written = now_ms;
        }
    }

    /// Returns the value at a place.
    #[inline]
    pub fn at(&mut self, place: usize) -> Option<&mut V> {
        self.entries.get_mut(place).and_then(|entry| entry.value.as_mut())
    }

    /// Drops the entry at a place. The last entry moves there, so of several entries the one at the greatest
    /// place must be dropped first.
    pub fn remove_at(&mut self, place: usize) {
        let slot_at = |of: usize| {
            let entry = self.entries.get(of)?;
            self.index.find(self.hash(&entry.key), |place| place == of)
        };
        let Some(slot) = slot_at(place) else { return };
        let last = self.entries.len() - 1;
        if place != last
            && let Some(slot) = slot_at(last)
        {
            self.index.set_place(slot, place);
        }
        self.index.remove(slot);
        if let Some(entry) = self.entries.swap_remove(place) {
            self.heap_bytes -= entry.heap_bytes();
        }
    }

    /// Accounts a change in the heap bytes of values at places.
    #[inline]
    pub fn charge(&mut self, bytes: isize) {
        self.heap_bytes = self.heap_bytes.wrapping_add_signed(bytes);
    }

    /// Removes and returns the value of a key.
    pub fn remove(&mut self, key: &[u8], now_ms: i64) -> Option<V> {
        self.update(key, now_ms, Option::take)
    }

    /// Drops all entries whose time to live is over.
    pub fn expire(&mut self, now_ms: i64) {
        for place in (0..self.entries.len()).rev() {
            if self.entries.get(place).is_some_and(|entry| self.is_expired(entry.written, now_ms)) {
                self.remove_at(place);
            }
        }
    }

    /// Returns every key and its value, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries.iter().filter_map(|entry| Some((&*entry.key, entry.value.as_ref()?)))
    }

    /// Consumes the map and returns every key and its value, in no order.
    pub fn into_entries(self) -> impl Iterator<Item = (Box<[u8]>, V)> {
        self.entries.into_iter().filter_map(|entry| Some((entry.key.into_boxed(), entry.value?)))
    }

    /// Returns whether the accounted heap bytes equal those of the entries.
    #[cfg(test)]
    pub fn account_is_right(&self) -> bool {
        self.heap_bytes == self.entries.iter().map(KeyedEntry::heap_bytes).sum::<usize>()
    }

    /// Returns whether a look-up mostly waits for memory, so that [`Keyed::prefetch`] pays.
    #[inline]
    pub fn exceeds_caches(&self) -> bool {
        self.memory_bytes() > CACHED_BYTES
    }

    pub fn memory_bytes(&self) -> usize {
        self.index.memory_bytes() + self.entries.memory_bytes() + self.heap_bytes
    }

    /// Appends every entry to an image, after a tag.
    pub fn write(&self, tag: u8, out: &mut StateWriter) {
        let places = out.places(|list| {
            let groups = self.entries.iter().map(|entry| key_group(&entry.key));
            groups.enumerate().for_each(|(place, group)| list(group, place));
        });
        let Some(places) = places else {
            for entry in self.entries.iter() {
                let group = key_group(&entry.key);
                entry.write(tag, out.group(group).expect("one pass writes all key groups"));
            }
            return;
        };
        for (group, places) in places {
            let part = out.group(group).expect("the pass writes the key groups whose places it is given");
            let entries = places.iter().filter_map(|&place| self.entries.get(place as usize));
            entries.for_each(|entry| entry.write(tag, part));
        }
    }

    /// Reads the entry after a tag.
    ///
    /// # Errors
    /// The bytes are not an entry of such a map.
    pub fn read(&mut self, reader: &mut row::Reader<'_>, operator: &str) -> Result<(), StateError> {
        self.read_if(reader, operator, |_| true)
    }

    /// Reads the entry after a tag, and checks its value.
    ///
    /// # Errors
    /// The bytes are not an entry of such a map, or `is_sound` rejects its value.
    pub fn read_if(
        &mut self,
        reader: &mut row::Reader<'_>,
        operator: &str,
        is_sound: impl FnOnce(&V) -> bool,
    ) -> Result<(), StateError> {
        let entry = (|| {
            let length = reader.length()?;
            let key = reader.run(length)?;
            let written = i64::from_le_bytes(reader.run(8)?.try_into().ok()?);
            let value = V::read(reader).filter(is_sound)?;
            Some((key, written, value))
        })();
        let Some((key, written, value)) = entry else {
            return Err(StateError::malformed(operator, "an entry"));
        };

        self.update(key, written, |stored| *stored = Some(value));
        Ok(())
    }
}

#[inline]
fn hash(hasher: &foldhash::fast::FixedState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}
