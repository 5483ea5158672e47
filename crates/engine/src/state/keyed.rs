//! A map from keys to state, with an account of its memory and a time to live.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use types::Interval;

use super::key::Key;
use super::{StateError, StateValue, StateWriter, key_group};
use crate::row;

/// State by key.
///
/// With a time to live, an entry that was not written for that long is as if it were not there. It is found out when the
/// entry is next asked for, and by [`Keyed::expire`], which goes through a part of the map at a time.
#[derive(Debug)]
pub struct Keyed<V> {
    entries: HashTable<Kept<V>>,
    hasher: foldhash::fast::FixedState,
    /// Bytes of keys and of what values hold on the heap.
    heap_bytes: usize,
    /// Milliseconds.
    ttl: Option<i64>,
    /// How often entries have moved.
    generation: usize,
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
}

impl<V: StateValue> Keyed<V> {
    pub fn new(ttl: Option<Interval>) -> Keyed<V> {
        Keyed {
            entries: HashTable::new(),
            hasher: foldhash::fast::FixedState::default(),
            heap_bytes: 0,
            ttl: ttl.map(|ttl| ttl.0).filter(|&ttl| ttl > 0),
            generation: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The hash of a key, for [`Keyed::touch`] and [`Keyed::place`].
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        hash(&self.hasher, key)
    }

    fn is_over(&self, written: i64, now_ms: i64) -> bool {
        self.ttl.is_some_and(|ttl| now_ms.saturating_sub(written) >= ttl)
    }

    /// What is kept under a key.
    pub fn get(&self, key: &[u8], now_ms: i64) -> Option<&V> {
        self.get_hashed(self.hash(key), key, now_ms)
    }

    /// [`get`](Keyed::get) with the key's hash.
    #[inline]
    pub fn get_hashed(&self, hash: u64, key: &[u8], now_ms: i64) -> Option<&V> {
        let kept = self.entries.find(hash, |kept| *kept.key == *key)?;
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
        let hasher = &self.hasher;
        let rehash = |kept: &Kept<V>| self::hash(hasher, &kept.key);

        match self.entries.entry(hash, |kept| *kept.key == *key, rehash) {
            Entry::Occupied(mut entry) => {
                let kept = entry.get_mut();
                self.heap_bytes -= kept.heap_bytes();
                if ttl.is_some_and(|ttl| now_ms.saturating_sub(kept.written) >= ttl) {
                    kept.value = None;
                }

                let result = change(&mut kept.value);
                if kept.value.is_none() {
                    entry.remove();
                    return result;
                }
                if ttl.is_some() {
                    kept.written = now_ms;
                }
                self.heap_bytes += kept.heap_bytes();
                result
            }
            Entry::Vacant(vacant) => {
                let mut value = None;
                let result = change(&mut value);
                if value.is_some() {
                    let kept =
                        Kept { key: Key::of(key), value, written: if ttl.is_some() { now_ms } else { 0 } };
                    self.heap_bytes += kept.heap_bytes();
                    vacant.insert(kept);
                }
                result
            }
        }
    }

    /// Reads the entry of a key, if there is one, so that it is in the cache. Look-ups that do not depend on one another
    /// wait for memory at the same time.
    #[inline]
    pub fn touch(&self, hash: u64, key: &[u8], touch: impl FnOnce(&V)) {
        let kept = self.entries.find(hash, |kept| *kept.key == *key);
        std::hint::black_box(kept.and_then(|kept| kept.value.as_ref()).map(touch));
    }

    /// Makes room for more entries, so that adding them moves none.
    pub fn reserve(&mut self, additional: usize) {
        let Keyed { entries, hasher, generation, .. } = self;
        // Entries are hashed anew when they move.
        let has_moved = Cell::new(false);
        entries.reserve(additional, |kept| {
            has_moved.set(true);
            self::hash(hasher, &kept.key)
        });
        *generation += usize::from(has_moved.get());
    }

    /// The place of a key's entry, which is made where there is none. Places hold until an entry is added: see
    /// [`Keyed::generation`].
    ///
    /// Whoever works with places keeps the account: [`Keyed::charge`] takes the difference in heap bytes.
    #[inline]
    pub fn place(&mut self, hash: u64, key: &[u8], now_ms: i64, make: impl FnOnce() -> V) -> Place {
        let ttl = self.ttl;
        let Keyed { hasher, generation, .. } = self;
        // Entries are hashed anew when they move.
        let has_moved = Cell::new(false);
        let rehash = |kept: &Kept<V>| {
            has_moved.set(true);
            self::hash(hasher, &kept.key)
        };

        let place = match self.entries.entry(hash, |kept| *kept.key == *key, rehash) {
            Entry::Occupied(entry) => {
                let at = entry.bucket_index();
                let kept = entry.get();
                let is_over = ttl.is_some_and(|ttl| now_ms.saturating_sub(kept.written) >= ttl);
                Place { at, found: if is_over { Found::Over } else { Found::There } }
            }
            Entry::Vacant(vacant) => {
                let kept = Kept {
                    key: Key::of(key),
                    value: Some(make()),
                    written: if ttl.is_some() { now_ms } else { 0 },
                };
                self.heap_bytes += kept.heap_bytes();
                Place { at: vacant.insert(kept).bucket_index(), found: Found::Made }
            }
        };
        *generation += usize::from(has_moved.get());
        place
    }

    /// The place of a key's entry, if there is one.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8], now_ms: i64) -> Option<Place> {
        let at = self.entries.find_bucket_index(hash, |kept| *kept.key == *key)?;
        let is_over = self.entries.get_bucket(at).is_some_and(|kept| self.is_over(kept.written, now_ms));
        Some(Place { at, found: if is_over { Found::Over } else { Found::There } })
    }

    /// Changes whenever places that were given are void.
    #[inline]
    pub fn generation(&self) -> usize {
        self.generation
    }

    /// The entry at a place is written at this time.
    #[inline]
    pub fn written_at(&mut self, place: usize, now_ms: i64) {
        if self.ttl.is_some()
            && let Some(kept) = self.entries.get_bucket_mut(place)
        {
            kept.written = now_ms;
        }
    }

    /// What is kept at a place.
    #[inline]
    pub fn at(&mut self, place: usize) -> Option<&mut V> {
        self.entries.get_bucket_mut(place).and_then(|kept| kept.value.as_mut())
    }

    /// Drops the entry at a place.
    pub fn remove_at(&mut self, place: usize) {
        if let Ok(entry) = self.entries.get_bucket_entry(place) {
            self.heap_bytes -= entry.remove().0.heap_bytes();
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
        let Some(ttl) = self.ttl else { return };
        let mut freed = 0;
        self.entries.retain(|kept| {
            let stays = now_ms.saturating_sub(kept.written) < ttl;
            if !stays {
                freed += kept.heap_bytes();
            }
            stays
        });
        self.heap_bytes -= freed;
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
        // One byte of control a slot beside the entry.
        self.entries.capacity() * (size_of::<Kept<V>>() + 1) + self.heap_bytes
    }

    /// Adds every entry to an image, after a tag.
    pub fn write(&self, tag: u8, out: &mut StateWriter) {
        for kept in &self.entries {
            let part = out.group(key_group(&kept.key));
            part.push(tag);
            row::write_length(kept.key.len(), part);
            part.extend_from_slice(&kept.key);
            part.extend_from_slice(&kept.written.to_le_bytes());
            kept.value.iter().for_each(|value| value.write(part));
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
