//! A map from keys to state, with an account of its memory and a time to live.
//!
//! Entries stand one behind the other, in order of arrival, and an [`Index`] finds them by their keys' hashes:
//!
//! ```text
//! key ──hash──► index: 8 bytes an entry ──place──► entries: key │ value │ when it was written
//! ```
//!
//! Growing moves no entry. The places of the entries that a chunk of look-ups needs are known before any entry is read, so
//! that all of them are asked for at once: see [`Keyed::prefetch`].

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher};

use types::Interval;

use super::index::Index;
use super::key::Key;
use super::segments::Segments;
use super::{StateError, StateValue, StateWriter, key_group};
use crate::row;

/// State by key.
///
/// With a time to live, an entry that was not written for that long is as if it were not there. It is found out when the
/// entry is next asked for, and by [`Keyed::expire`], which goes through a part of the map at a time.
#[derive(Debug)]
pub struct Keyed<V> {
    index: Index,
    entries: Segments<Kept<V>>,
    hasher: foldhash::fast::FixedState,
    /// Bytes of keys and of what values hold on the heap.
    heap_bytes: usize,
    /// Milliseconds.
    ttl: Option<i64>,
}

#[derive(Debug)]
struct Kept<V> {
    key: Key,
    /// There, save while it is changed.
    value: Option<V>,
    /// When it was last written, by the clock; 0 without a time to live.
    written: i64,
}

/// Where an entry is.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub at: usize,
    pub found: Found,
}

/// How an entry was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    There,
    /// It was there, but its time to live is over: its value means nothing any more.
    Over,
    /// There was none.
    Made,
}

impl<V: StateValue> Kept<V> {
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

    /// The hash of a key, for [`Keyed::prefetch`] and [`Keyed::place`].
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        hash(&self.hasher, key)
    }

    fn is_over(&self, written: i64, now_ms: i64) -> bool {
        self.ttl.is_some_and(|ttl| now_ms.saturating_sub(written) >= ttl)
    }

    /// The slot of the index that has a key's entry.
    #[inline]
    fn slot(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.index.find(hash, |place| self.entries.get(place).is_some_and(|kept| *kept.key == *key))
    }

    /// What is kept under a key.
    pub fn get(&self, key: &[u8], now_ms: i64) -> Option<&V> {
        self.get_hashed(self.hash(key), key, now_ms)
    }

    /// [`get`](Keyed::get) with the key's hash.
    #[inline]
    pub fn get_hashed(&self, hash: u64, key: &[u8], now_ms: i64) -> Option<&V> {
        let kept = self.entries.get(self.index.place(self.slot(hash, key)?))?;
        if self.is_over(kept.written, now_ms) { None } else { kept.value.as_ref() }
    }

    /// Changes what is kept under a key. `change` gets `None` where there is nothing, and leaves `None` where nothing is
    /// to be kept. Returns what `change` returns.
    pub fn update<T>(&mut self, key: &[u8], now_ms: i64, change: impl FnOnce(&mut Option<V>) -> T) -> T {
        self.update_hashed(self.hash(key), key, now_ms, change)
    }

    /// [`update`](Keyed::update) with the key's hash.
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
        let kept = self.entries.get_mut(place).expect("the index knows entries that are there");
        self.heap_bytes -= kept.heap_bytes();
        if ttl.is_some_and(|ttl| now_ms.saturating_sub(kept.written) >= ttl) {
            kept.value = None;
        }

        let result = change(&mut kept.value);
        self.heap_bytes += kept.heap_bytes();
        if ttl.is_some() {
            kept.written = now_ms;
        }
        if kept.value.is_none() {
            self.remove_at(place);
        }
        result
    }

    /// Adds the entry of a key that has none, and gives its place.
    #[inline]
    fn add(&mut self, hash: u64, key: &[u8], value: Option<V>, now_ms: i64) -> usize {
        let kept = Kept { key: Key::of(key), value, written: if self.ttl.is_some() { now_ms } else { 0 } };
        self.heap_bytes += kept.heap_bytes();
        let place = self.entries.len();
        self.index.insert(hash, place);
        self.entries.push(kept);
        place
    }

    /// Asks for what look-ups of keys with these hashes will read, and `of_value` for what a value holds elsewhere.
    ///
    /// A look-up in a map that no cache holds waits for memory several times, each time for what the one before gave.
    /// Look-ups of a chunk do not depend on one another: step by step, they wait at the same time.
    pub fn prefetch(&self, hashes: impl Iterator<Item = u64> + Clone, of_value: impl Fn(&V)) {
        hashes.clone().for_each(|hash| self.index.prefetch(hash));
        // With another entry of the same 32 bits the hint is in vain.
        let place = |hash| self.index.find(hash, |_| true).map(|slot| self.index.place(slot));
        hashes.clone().filter_map(place).for_each(|place| self.entries.prefetch(place));

        for kept in hashes.filter_map(place).filter_map(|place| self.entries.get(place)) {
            kept.key.prefetch();
            kept.value.iter().for_each(&of_value);
        }
    }

    /// The place of a key's entry, which is made where there is none. Places hold until an entry is dropped.
    ///
    /// Callers that work with places keep the account: [`Keyed::charge`] takes the difference in heap bytes.
    #[inline]
    pub fn place(&mut self, hash: u64, key: &[u8], now_ms: i64, make: impl FnOnce() -> V) -> Place {
        match self.find(hash, key, now_ms) {
            Some(place) => place,
            None => Place { at: self.add(hash, key, Some(make()), now_ms), found: Found::Made },
        }
    }

    /// The place of a key's entry, if there is one.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8], now_ms: i64) -> Option<Place> {
        let at = self.index.place(self.slot(hash, key)?);
        let is_over = self.entries.get(at).is_some_and(|kept| self.is_over(kept.written, now_ms));
        Some(Place { at, found: if is_over { Found::Over } else { Found::There } })
    }

    /// The entry at a place is written at this time.
    #[inline]
    pub fn written_at(&mut self, place: usize, now_ms: i64) {
        if self.ttl.is_some()
            && let Some(kept) = self.entries.get_mut(place)
        {
            kept.written = now_ms;
        }
    }

    /// What is kept at a place.
    #[inline]
    pub fn at(&mut self, place: usize) -> Option<&mut V> {
        self.entries.get_mut(place).and_then(|kept| kept.value.as_mut())
    }

    /// Drops the entry at a place. The last entry takes its place: of several, the one at the greatest place goes first.
    pub fn remove_at(&mut self, place: usize) {
        let slot_at = |of: usize| {
            let kept = self.entries.get(of)?;
            self.index.find(self.hash(&kept.key), |place| place == of)
        };
        let Some(slot) = slot_at(place) else { return };
        let last = self.entries.len() - 1;
        if place != last
            && let Some(slot) = slot_at(last)
        {
            self.index.set_place(slot, place);
        }
        self.index.remove(slot);
        if let Some(kept) = self.entries.swap_remove(place) {
            self.heap_bytes -= kept.heap_bytes();
        }
    }

    /// Values at places hold so many bytes more, or less, than before.
    #[inline]
    pub fn charge(&mut self, bytes: isize) {
        self.heap_bytes = self.heap_bytes.wrapping_add_signed(bytes);
    }

    /// Takes what is kept under a key out of the map.
    pub fn remove(&mut self, key: &[u8], now_ms: i64) -> Option<V> {
        self.update(key, now_ms, Option::take)
    }

    /// Drops all entries whose time to live is over.
    pub fn expire(&mut self, now_ms: i64) {
        for place in (0..self.entries.len()).rev() {
            if self.entries.get(place).is_some_and(|kept| self.is_over(kept.written, now_ms)) {
                self.remove_at(place);
            }
        }
    }

    /// Every key and its state, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries.iter().filter_map(|kept| Some((&*kept.key, kept.value.as_ref()?)))
    }

    /// Takes the map apart: every key and its state, in no order.
    pub fn into_entries(self) -> impl Iterator<Item = (Box<[u8]>, V)> {
        self.entries.into_iter().filter_map(|kept| Some((kept.key.into_boxed(), kept.value?)))
    }

    /// Whether the account of heap bytes is what the entries hold.
    #[cfg(test)]
    pub fn account_is_right(&self) -> bool {
        self.heap_bytes == self.entries.iter().map(Kept::heap_bytes).sum::<usize>()
    }

    pub fn memory_bytes(&self) -> usize {
        self.index.memory_bytes() + self.entries.memory_bytes() + self.heap_bytes
    }

    /// Adds every entry to an image, after a tag.
    pub fn write(&self, tag: u8, out: &mut StateWriter) {
        let places = out.places(|list| {
            let groups = self.entries.iter().map(|kept| key_group(&kept.key));
            groups.enumerate().for_each(|(place, group)| list(group, place));
        });
        let Some(places) = places else {
            for kept in self.entries.iter() {
                let group = key_group(&kept.key);
                kept.write(tag, out.group(group).expect("one pass writes all key groups"));
            }
            return;
        };
        for (group, places) in places {
            let part = out.group(group).expect("the pass writes the key groups whose places it is given");
            let entries = places.iter().filter_map(|&place| self.entries.get(place as usize));
            entries.for_each(|kept| kept.write(tag, part));
        }
    }

    /// Reads one entry behind its tag.
    ///
    /// # Errors
    /// The bytes are no entry of such a map.
    pub fn read(&mut self, reader: &mut row::Reader<'_>, operator: &str) -> Result<(), StateError> {
        self.read_if(reader, operator, |_| true)
    }

    /// Reads one entry behind its tag, and checks what it holds.
    ///
    /// # Errors
    /// The bytes are no entry of such a map, or its value is not sound.
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
            let what = "an entry does not hold together".to_owned();
            return Err(StateError { operator: operator.to_owned(), what });
        };

        self.update(key, written, |kept| *kept = Some(value));
        Ok(())
    }
}

#[inline]
fn hash(hasher: &foldhash::fast::FixedState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}
